//! The interface for programs against a reader of its description that was not written here:
//! schemathesis makes requests out of `/api/openapi.json`, and holds the answers against it.
#![allow(
    clippy::expect_used,
    reason = "this is test code, only not inside of a #[test]"
)]

#[path = "python.rs"]
mod python;

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use klieg_tests::{Headless, Process, eventually};

/// What is installed; the version that this test was written against.
const PACKAGES: [&str; 1] = ["schemathesis==4.32.5"];

/// Requests made up for each operation, beside those that its description asks for.
const EXAMPLES: &str = "4";

/// How long all of them may take on a busy machine.
const BOUND: Duration = Duration::from_secs(600);

#[test]
fn schemathesis_finds_no_difference_between_what_is_said_and_what_is_done() {
    let test = "schemathesis_finds_no_difference_between_what_is_said_and_what_is_done";
    let Some(python) = python::with(test, "schemathesis", "schemathesis", &PACKAGES) else {
        return;
    };
    let studio = Headless::start();
    // Edits hold edits: every case that such a schema covers takes minutes to make up. What is said of the
    // document's own is held by its examples here, and by the document's tests.
    ask(
        &python,
        &studio,
        &["--exclude-path-regex", &format!("{STREAMS}|{DOCUMENT}")],
        "examples,coverage,fuzzing",
    );
    ask(
        &python,
        &studio,
        &["--include-path-regex", DOCUMENT],
        "examples",
    );
    assert!(studio.get("/healthz").ok(), "it is well after all of that");
    assert!(studio.stop().success());
}

/// What speaks neither JSON nor HTTP alone: WebSockets and SDP.
const STREAMS: &str = "/(events|preview|look|follow|echo|whep)$";

/// What takes the document, or edits of it.
const DOCUMENT: &str = "/api/(commands|collection/edits)$";

/// Lets schemathesis ask these operations.
fn ask(python: &Path, studio: &Headless, which: &[&str], phases: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let report = folder.path().join("report");
    let file = |path| File::create(path).expect("a file");
    let mut run = Process::start(
        Command::new(python)
            .args(["-m", "schemathesis.cli", "run"])
            .arg(studio.url("/api/openapi.json"))
            .args([
                "--header",
                &format!("Authorization: Bearer {}", studio.token()),
            ])
            .args(which)
            .args(["--phases", phases])
            .args(["--max-examples", EXAMPLES, "--generation-deterministic"])
            // What is well-formed may still name a scene that is not there, or a port that is taken.
            .args(["--exclude-checks", "positive_data_acceptance"])
            .args(["--request-timeout", "20", "--workers", "1", "--no-color"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(file(&report))
            .stderr(file(&folder.path().join("errors"))),
    );
    let status = eventually("schemathesis ends", BOUND, || {
        run.child().try_wait().expect("its status")
    });
    let said = fs::read_to_string(&report).expect("what it said");
    assert!(status.success(), "{said}");
    assert!(said.contains("Test cases:"), "{said}");
}
