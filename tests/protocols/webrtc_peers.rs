//! aiortc as the other end of WebRTC, in a virtual environment of the target folder.

#[path = "python.rs"]
mod python;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use klieg_tests::{Process, lines, root};
use media::Clock;
use serde_json::Value;

/// What is installed; the versions that these tests were written against.
const PACKAGES: [&str; 2] = ["aiortc==1.16.0", "aiohttp==3.14.5"];

/// A Python that has aiortc, made once; `None` when it cannot be had, which is said loudly.
fn python(test: &str) -> Option<PathBuf> {
    python::with(test, "aiortc", "aiortc, aiohttp", &PACKAGES)
}

/// A script beside this file, running, and the JSON lines that it prints.
pub(crate) struct Script {
    process: Process,
    said: Receiver<String>,
}

impl Script {
    /// Starts a script; `None` when the machine lacks what it needs.
    pub(crate) fn start(test: &str, name: &str, arguments: &[&str]) -> Option<Self> {
        Some(Self::on(&python(test)?, name, arguments))
    }

    /// Starts a script on a Python that has what it needs.
    pub(crate) fn on(python: &Path, name: &str, arguments: &[&str]) -> Self {
        let mut process = Process::start(
            Command::new(python)
                .arg(root().join("tests/protocols").join(name))
                .args(arguments)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped()),
        );
        let said = lines(process.child().stdout.take().expect("piped"));
        Self { process, said }
    }

    /// Hands it a line.
    pub(crate) fn tell(&mut self, line: &str) {
        let input = self.process.child().stdin.as_mut().expect("piped");
        writeln!(input, "{line}").expect("a script that reads");
    }

    /// The next thing it says that fits; panics when none comes within `bound`.
    pub(crate) fn hear(&self, what: &str, bound: Duration, fits: impl Fn(&Value) -> bool) -> Value {
        let clock = Clock::start();
        let end = clock.now() + bound;
        let mut heard = Vec::new();
        loop {
            let Ok(line) = self.said.recv_timeout(end.since(clock.now())) else {
                panic!("never {what}; heard {heard:#?}");
            };
            let value: Value = serde_json::from_str(&line).expect("JSON");
            if fits(&value) {
                return value;
            }
            heard.push(value);
        }
    }
}

/// Whether something said is of this kind.
pub(crate) fn is(event: &str) -> impl Fn(&Value) -> bool {
    move |value| value["event"] == event
}
