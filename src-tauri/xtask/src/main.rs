//! The project's own commands: `cargo xtask setup | run | test | check | bench | fuzz | package |
//! bindings | demo`. Nothing here is part of the program.

mod bench;
mod bindings;
mod check;
mod demo;
mod fuzz;
mod package;
mod run;
mod setup;
mod sh;
mod test;

use std::process::ExitCode;

use anyhow::{Result, bail};

const HELP: &str = "\
cargo xtask COMMAND

  setup              install what building and running need, and build the pages
  run [-- ARGS]      set up, build and open the studio (headless where there is no display)
  test               everything: pages, Rust, browser, window
    --only PART      one of: ui, rust, browser, desktop
    --camera-vm      also the camera path in a virtual machine (needs qemu)
  check              formatting, lints, docs, licences, page types, generated files
  bench              the figures of the program as CPU time and ratios
    --seconds N      how long the program is measured (60)
    --soak N         also one viewer for N minutes
    --dev            the development build, which is there already
  fuzz [TARGET]      look for input that breaks a parser; --keep: finds go to tests/fuzz/corpus
    --seconds N      how long each target is fuzzed (60)
  package            build and verify the Debian package
  bindings           write the TypeScript types of the interface
  demo               render the demo collection's media, the logo, the icons and the masks; `demo masks` these alone";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let command = args.next().unwrap_or_default();
    let rest: Vec<String> = args.collect();
    match command.as_str() {
        "setup" => setup::run(setup::For::Tests),
        "run" => run::run(rest),
        "test" => test::run(test::Options::parse(rest)?),
        "check" => check::run(),
        "bench" => bench::run(bench::Options::parse(rest)?),
        "fuzz" => fuzz::run(rest),
        "package" => package::run(),
        "bindings" => bindings::write(),
        "demo" => demo::run(&rest),
        "" | "help" | "-h" | "--help" => {
            println!("{HELP}");
            Ok(())
        }
        other => bail!("there is no command \"{other}\"\n\n{HELP}"),
    }
}
