//! `klieg-headless`: the studio without the window's libraries, for servers and for tests.

use std::process::ExitCode;

use studio::cli::Args;

fn main() -> ExitCode {
    match studio::run_headless(&Args::from_command_line()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("klieg-headless: {error:#}");
            ExitCode::FAILURE
        }
    }
}
