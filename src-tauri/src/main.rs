//! `klieg`: the studio in a window, or without one.

#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use std::process::ExitCode;

use studio::cli::Args;

fn main() -> ExitCode {
    let args = Args::from_command_line();
    let outcome = if args.headless {
        studio::run_headless(&args)
    } else if klieg::has_display() {
        klieg::run(args)
    } else {
        eprintln!(
            "klieg: there is no display, so the studio runs headless; watch and control it at the addresses below"
        );
        studio::run_headless(&args)
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("klieg: {error:#}");
            ExitCode::FAILURE
        }
    }
}
