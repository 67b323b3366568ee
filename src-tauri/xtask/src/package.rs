//! The Debian package, by the Tauri CLI.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, bail};

use crate::{setup, sh};

/// What must be in it.
const CONTENTS: [&str; 3] = [
    "usr/bin/klieg",
    "usr/share/applications/Klieg.desktop",
    "usr/share/doc/klieg/copyright",
];

/// Builds `Klieg_VERSION_ARCH.deb` and looks into it.
pub(crate) fn run() -> Result<()> {
    setup::run(setup::For::Running)?;
    let tools = setup::dependencies("src-tauri")?;
    sh::say("Building the release and its package (several minutes)");
    let cli = tools.join("node_modules/@tauri-apps/cli/tauri.js");
    let tauri = |args: &[&str]| {
        sh::run(
            sh::command("node")
                .arg(&cli)
                .args(args)
                .env("CARGO_TARGET_DIR", sh::target()),
        )
    };
    // The workspace builds headless by default.
    tauri(&["build", "--no-bundle", "--", "--package", "klieg"])?;
    // Line tables are four fifths of the program; names of functions stay, for reports of crashes.
    sh::run(
        sh::command("strip")
            .arg("--strip-debug")
            .arg(sh::target().join("release/klieg")),
    )?;
    tauri(&["bundle", "--bundles", "deb"])?;
    let package = newest()?;
    sh::say("Looking into the package");
    sh::run(sh::command("dpkg-deb").arg("--info").arg(&package))?;
    let list = sh::output(sh::command("dpkg-deb").arg("--contents").arg(&package))
        .context("dpkg-deb is not installed")?;
    for name in CONTENTS {
        if !list.contains(name) {
            bail!("{} holds no {name}", package.display());
        }
    }
    println!("{}", package.display());
    Ok(())
}

fn newest() -> Result<PathBuf> {
    let dir = sh::target().join("release/bundle/deb");
    let mut packages = Vec::new();
    for entry in fs::read_dir(&dir).with_context(|| format!("no folder {}", dir.display()))? {
        let entry = entry?;
        if entry.path().extension().is_some_and(|e| e == "deb") {
            packages.push((entry.metadata()?.modified()?, entry.path()));
        }
    }
    packages.sort();
    let (_, path) = packages.pop().context("the Tauri CLI left no package")?;
    Ok(path)
}
