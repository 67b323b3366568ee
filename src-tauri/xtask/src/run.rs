//! Sets up, builds, and opens the studio.

use std::env;

use anyhow::Result;

use crate::{setup, sh};

/// Opens the window, or runs headless where there is no display.
pub(crate) fn run(args: Vec<String>) -> Result<()> {
    setup::run(setup::For::Running)?;
    let args: Vec<String> = args.into_iter().skip_while(|a| a == "--").collect();
    let package = if display() {
        "klieg"
    } else {
        println!(
            "There is no display (neither DISPLAY nor WAYLAND_DISPLAY is set): the studio runs headless."
        );
        println!("Its pages are at the \"http\" address of the line below; Ctrl+C ends it.");
        "klieg-headless"
    };
    sh::say("Building the studio (the first time takes some minutes)");
    sh::run(sh::cargo().args(["build", "--package", package, "--bin", package]))?;
    sh::run(sh::command(sh::built("debug", package)).args(args))
}

fn display() -> bool {
    let set = |name| env::var_os(name).is_some_and(|v| !v.is_empty());
    !cfg!(target_os = "linux") || set("DISPLAY") || set("WAYLAND_DISPLAY")
}
