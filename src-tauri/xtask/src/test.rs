//! All tests, part by part; a part that fails does not hide the others.

mod report;

use std::{fs, path::Path, process::Command};

use anyhow::{Result, bail};

use crate::{setup, sh};
use report::{Counts, Report};

/// What to run.
pub(crate) struct Options {
    only: Option<Part>,
    camera_vm: bool,
}

/// A part of the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Types and unit tests of the pages.
    Ui,
    /// The crates, and the tests across them.
    Rust,
    /// The station in Chromium.
    Browser,
    /// The window.
    Desktop,
}

impl Part {
    const ALL: [Self; 4] = [Self::Ui, Self::Rust, Self::Browser, Self::Desktop];

    fn name(self) -> &'static str {
        match self {
            Self::Ui => "ui",
            Self::Rust => "rust",
            Self::Browser => "browser",
            Self::Desktop => "desktop",
        }
    }
}

impl Options {
    /// Reads the arguments after `test`.
    pub(crate) fn parse(args: Vec<String>) -> Result<Self> {
        let mut options = Self {
            only: None,
            camera_vm: false,
        };
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--camera-vm" => options.camera_vm = true,
                "--only" => {
                    let name = args.next().unwrap_or_default();
                    options.only = Part::ALL.into_iter().find(|p| p.name() == name);
                    if options.only.is_none() {
                        bail!("--only takes one of: ui, rust, browser, desktop");
                    }
                }
                other => bail!("`test` does not know \"{other}\""),
            }
        }
        Ok(options)
    }

    fn wants(&self, part: Part) -> bool {
        self.only.is_none_or(|only| only == part)
    }
}

/// Sets up, builds once, runs everything, and sums up.
pub(crate) fn run(options: Options) -> Result<()> {
    let mut report = Report::default();
    report.timed("setup", || setup::run(setup::For::Tests))?;
    if options.wants(Part::Ui) {
        report.part("ui", ui);
    }
    if let Err(error) = report.timed("build", || build(&options)) {
        report.part("build", || Err(error));
        return report.finish();
    }
    if options.wants(Part::Rust) {
        report.part("rust", rust);
    }
    if options.camera_vm {
        report.part("camera-vm", camera_vm);
    }
    if options.wants(Part::Browser) {
        report.part("browser", browser);
    }
    if options.wants(Part::Desktop) {
        report.part("desktop", desktop);
    }
    report.finish()
}

fn ui() -> Result<Counts> {
    let ui = sh::root().join("ui");
    sh::say("ui: types");
    sh::run(sh::npm(&ui).args(["run", "--silent", "check"]))?;
    sh::say("ui: unit tests");
    let json = sh::target().join("xtask/vitest.json");
    forget(&json)?;
    let outcome = sh::run(
        sh::npm(&ui)
            .args([
                "exec",
                "--no",
                "--",
                "vitest",
                "run",
                "--reporter=default",
                "--reporter=json",
            ])
            .arg(format!("--outputFile.json={}", json.display())),
    );
    report::vitest(&json, outcome)
}

/// One build for all that follows: tests and programs together, so that their features are the same.
fn build(options: &Options) -> Result<()> {
    let mut cargo = sh::cargo();
    match options.only {
        Some(Part::Ui) => return Ok(()),
        Some(Part::Browser) => cargo.args(["build", "--package", "klieg-headless"]),
        Some(Part::Desktop) => cargo.args(["build", "--package", "klieg"]),
        Some(Part::Rust) | None => {
            cargo.args(["build", "--workspace", "--bins", "--tests", "--examples"])
        }
    };
    sh::say("Building (the first time takes some minutes)");
    sh::run(&mut cargo)
}

fn rust() -> Result<Counts> {
    sh::say("rust: unit, golden, pipeline, protocol and fault tests");
    let (status, lines) = sh::tee(with_programs(sh::cargo().args([
        "test",
        "--workspace",
        "--no-fail-fast",
    ])))?;
    report::cargo(&lines, status.success())
}

fn camera_vm() -> Result<Counts> {
    sh::say("camera-vm: the camera path in a virtual machine");
    let (status, lines) = sh::tee(with_programs(sh::cargo().args([
        "test",
        "--package",
        "klieg-tests",
        "--test",
        "camera_vm",
        "--",
        "--ignored",
        "--nocapture",
    ])))?;
    report::cargo(&lines, status.success())
}

fn browser() -> Result<Counts> {
    if !sh::root().join("tests/browser/package.json").is_file() {
        bail!("tests/browser is not there");
    }
    let dir = setup::dependencies("tests/browser")?;
    sh::say("browser: the station in Chromium");
    let json = sh::target().join("xtask/playwright.json");
    forget(&json)?;
    let (status, lines) = sh::tee(with_programs(
        sh::npm(&dir)
            .args([
                "exec",
                "--no",
                "--",
                "playwright",
                "test",
                "--reporter=list,json",
            ])
            .env("PLAYWRIGHT_JSON_OUTPUT_NAME", &json)
            .env("PLAYWRIGHT_JSON_OUTPUT_FILE", &json),
    ))?;
    report::playwright(&json, &lines, status.success())
}

fn desktop() -> Result<Counts> {
    sh::say("desktop: the window");
    let (status, lines) = sh::tee(with_programs(
        sh::command("node")
            .args(["--test", "--test-reporter=tap"])
            .arg(sh::root().join("tests/desktop/window.test.js")),
    ))?;
    report::tap(&lines, status.success())
}

/// Tells a suite where the programs under test are.
fn with_programs(command: &mut Command) -> &mut Command {
    command
        .env("KLIEG_BIN", sh::built("debug", "klieg-headless"))
        .env("KLIEG_SHELL", sh::built("debug", "klieg"))
}

/// Removes what an earlier run left, so that it cannot be read as this one's.
fn forget(file: &Path) -> Result<()> {
    if let Some(dir) = file.parent() {
        fs::create_dir_all(dir)?;
    }
    if file.exists() {
        fs::remove_file(file)?;
    }
    Ok(())
}
