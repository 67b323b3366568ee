//! Installs what is missing, and builds the pages. Does nothing twice.

mod packages;

use std::{path::PathBuf, process::Command};

use anyhow::{Result, bail};

use crate::sh;
use packages::System;

/// What the machine is set up for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum For {
    /// Building the studio and opening it.
    Running,
    /// The same, and the peers that the tests talk to.
    Tests,
}

/// System packages, Node, what the tests have from npm, and the pages.
pub(crate) fn run(purpose: For) -> Result<()> {
    system(purpose)?;
    if purpose == For::Tests {
        // Playwright, and the servers in JavaScript that tests of the crates publish to.
        dependencies("tests/browser")?;
    }
    pages()
}

fn system(purpose: For) -> Result<()> {
    let system = packages::detect();
    if let System::Debian { ubuntu } = system {
        debian(&packages::debian(purpose, ubuntu))?;
    } else {
        by_hand(&system)?;
    }
    node()
}

fn debian(wanted: &[&'static str]) -> Result<()> {
    let missing = missing(wanted);
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    let line =
        format!("sudo apt-get update && sudo apt-get install -y --no-install-recommends {list}");
    let Some(prefix) = privilege() else {
        bail!(
            "these packages are missing, and installing them needs a password; run this line, then the same command again:\n\n  {line}\n"
        );
    };
    sh::say(&format!("Installing {list}"));
    let apt = |args: &[&str]| {
        let mut words: Vec<&str> = prefix.to_vec();
        words.extend(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        words.extend(args);
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        sh::run(&mut command)
    };
    apt(&["update"])?;
    let mut install = vec!["install", "-y", "--no-install-recommends"];
    install.extend(&missing);
    apt(&install)
}

/// Those of `wanted` that dpkg does not know as installed.
fn missing(wanted: &[&'static str]) -> Vec<&'static str> {
    let known = sh::output(
        Command::new("dpkg-query")
            .args(["-W", "-f=${Package} ${db:Status-Abbrev}\n"])
            .args(wanted),
    )
    .unwrap_or_default();
    let installed: Vec<&str> = known
        .lines()
        .filter_map(|l| l.split_once(' '))
        .filter(|(_, status)| status.starts_with("ii"))
        .map(|(name, _)| name)
        .collect();
    wanted
        .iter()
        .copied()
        .filter(|name| !installed.contains(name))
        .collect()
}

/// What to put before a command to run it as root without a question; `None` when that is not allowed.
fn privilege() -> Option<&'static [&'static str]> {
    if sh::output(Command::new("id").arg("-u"))?.trim() == "0" {
        return Some(&[]);
    }
    let sudo = Command::new("sudo").args(["-n", "true"]).output().ok()?;
    sudo.status.success().then_some(&["sudo", "-n"])
}

fn by_hand(system: &System) -> Result<()> {
    let stamp = sh::Stamp::of("packages-told", &[])?;
    if !stamp.is_set() {
        println!("{}", packages::advice(system));
        stamp.set()?;
    }
    Ok(())
}

/// The oldest Node that builds the pages: Vite's own bound.
const NODE: (u32, u32) = (20, 19);

fn node() -> Result<()> {
    let (major, minor) = NODE;
    let found = sh::output(Command::new("node").arg("--version")).unwrap_or_default();
    let mut parts = found.trim().trim_start_matches('v').split('.');
    let mut number = || parts.next().and_then(|p| p.parse::<u32>().ok());
    let version = number().zip(number());
    match version {
        Some(version) if version >= NODE => Ok(()),
        Some(_) => bail!(
            "Node {} is too old for the pages; install {major}.{minor} or newer from https://nodejs.org and run this again",
            found.trim()
        ),
        None => bail!(
            "Node is not installed, and the pages are built with it; install {major}.{minor} or newer from https://nodejs.org and run this again"
        ),
    }
}

/// Builds the pages when their sources have changed.
fn pages() -> Result<()> {
    let ui = sh::root().join("ui");
    dependencies("ui")?;
    let built = ui.join("dist").join("index.html");
    let stamp = sh::Stamp::of("ui-built", std::slice::from_ref(&ui))?;
    if stamp.is_set() && built.is_file() {
        return Ok(());
    }
    sh::say("Building the pages");
    sh::run(sh::npm(&ui).args(["run", "--silent", "build"]))?;
    stamp.set()
}

/// Installs what a folder's `package-lock.json` names, when that has changed.
pub(crate) fn dependencies(folder: &str) -> Result<PathBuf> {
    let dir = sh::root().join(folder);
    let lock = dir.join("package-lock.json");
    let name = format!("npm-{}", folder.replace('/', "-"));
    let stamp = sh::Stamp::of(&name, &[lock])?;
    if !stamp.is_set() || !dir.join("node_modules").is_dir() {
        sh::say(&format!("Installing what {folder} is built with"));
        sh::run(sh::npm(&dir).args(["ci", "--no-audit", "--no-fund"]))?;
        stamp.set()?;
    }
    Ok(dir)
}
