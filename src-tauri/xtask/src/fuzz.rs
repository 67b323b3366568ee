//! Fuzzing with libFuzzer: its coverage needs only flags of the stable compiler.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::sh;

/// What libFuzzer needs compiled in (clang's SanitizerCoverage).
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Ccodegen-units=1 --cfg fuzzing";

/// No network message of ours is larger where it is read whole.
const MAX_INPUT: usize = 64 << 10;

/// Fuzzes one target, or each after the other. What is found lies in the target folder, and begins the next run;
/// `--keep` merges it into the corpus, which grows by hundreds of files.
pub(crate) fn run(args: Vec<String>) -> Result<()> {
    let mut only = None;
    let mut seconds: u64 = 60;
    let mut keep = false;
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        if arg == "--seconds" {
            let value = args.next().context("--seconds takes a number")?;
            seconds = value.parse().context("--seconds takes a number")?;
        } else if arg == "--keep" {
            keep = true;
        } else {
            only = Some(arg);
        }
    }
    let dir = sh::root().join("tests/fuzz");
    let corpus = dir.join("corpus");
    let mut names: Vec<String> = fs::read_dir(&corpus)?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    if let Some(only) = only {
        if !names.contains(&only) {
            bail!(
                "there is no target \"{only}\"; choose one of: {}",
                names.join(", ")
            );
        }
        names = vec![only];
    }
    let host = host()?;
    sh::say("Building with coverage (the first time takes some minutes)");
    let target = sh::target().join("fuzz");
    sh::run(
        sh::cargo()
            .args(["build", "--release", "--manifest-path"])
            .arg(dir.join("Cargo.toml"))
            .arg("--target-dir")
            .arg(&target)
            // Named, or build scripts and macros would be compiled with the flags, too.
            .args(["--target", &host])
            .env("RUSTFLAGS", FLAGS),
    )?;
    let program = target.join(&host).join("release/fuzz");
    for name in names {
        sh::say(&format!("{name}, {seconds} s"));
        let (kept, found) = (corpus.join(&name), target.join("found").join(&name));
        let crashes = target.join("crashes");
        fs::create_dir_all(&found)?;
        fs::create_dir_all(&crashes)?;
        let fuzzer = || {
            let mut command = sh::command(program.display().to_string());
            command
                .env("KLIEG_FUZZ", &name)
                .arg(format!("-max_len={MAX_INPUT}"))
                .arg(format!("-artifact_prefix={}/{name}-", crashes.display()))
                .args([
                    "-timeout=10",
                    "-rss_limit_mb=1024",
                    "-print_final_stats=1",
                    "-verbosity=0",
                ]);
            command
        };
        sh::run(
            fuzzer()
                .arg(format!("-max_total_time={seconds}"))
                .arg(&found)
                .arg(&kept),
        )
        .with_context(|| {
            format!(
                "{name} fails; the input lies in {}: mend it, and keep the input in the corpus",
                crashes.display()
            )
        })?;
        if keep {
            // Only what reaches something that nothing kept reaches is worth keeping.
            sh::run(fuzzer().arg("-merge=1").arg(&kept).arg(&found))?;
        }
    }
    Ok(())
}

/// The machine as the compiler names it, `x86_64-unknown-linux-gnu`.
fn host() -> Result<String> {
    let said = sh::output(sh::command("rustc").arg("-vV")).context("rustc does not start")?;
    let line = said.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(line.context("rustc names no host")?.to_owned())
}
