//! What the device tests share.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use klieg_capture::{State, Status};

/// Says that the test of this thread is skipped, and why, past the test runner, which keeps to itself what
/// passing tests say.
fn skipped(why: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    // A closed stderr leaves nobody to tell.
    drop(writeln!(std::io::stderr(), "SKIPPED {test}: {why}"));
}

/// Says loudly that a test did not run, and whether `program` is there.
pub(crate) fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    if !found {
        skipped(&format!("{program} is not installed on this machine"));
    }
    found
}

/// Libraries read their environment when a process starts, and so the test runs in a process of its own: true in there. Outside, runs it
/// with these variables, asserts that it passes, and is false.
pub(crate) fn in_child(test: &str, variables: &[(&str, &str)]) -> bool {
    const CHILD: &str = "KLIEG_TEST_CHILD";
    if std::env::var_os(CHILD).is_some() {
        return true;
    }
    let output = Command::new(std::env::current_exe().expect("a test binary"))
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env_remove("WAYLAND_DISPLAY")
        .envs(variables.iter().copied())
        .env(CHILD, test)
        .output()
        .expect("the test binary starts again");
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    println!("{text}");
    assert!(
        output.status.success(),
        "the test failed in its own process"
    );
    assert!(text.contains("1 passed"), "no test named {test}");
    false
}

/// Waits for an event, half a minute at most.
pub(crate) fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    const STEP: Duration = Duration::from_millis(5);
    for _ in 0..6_000 {
        if let Some(value) = look() {
            return value;
        }
        std::thread::sleep(STEP);
    }
    panic!("waited in vain for {what}");
}

/// Waits for a state and gives the status.
pub(crate) fn wait_for(state: State, mut status: impl FnMut() -> Status) -> Status {
    let mut last = None;
    wait(&format!("{state:?}"), || {
        let now = status();
        if last.as_ref() != Some(&now) {
            println!("{now:?}");
            last = Some(now.clone());
        }
        (now.state == state).then_some(now)
    })
}

/// A program that runs until it is dropped.
pub(crate) struct Server(Child);

impl Server {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.spawn().expect("the program starts"))
    }

    /// Starts a program and waits until it writes a line to its standard output.
    pub(crate) fn start_and_wait(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut byte = [0];
        let mut output = child.stdout.take().expect("piped");
        while byte != *b"\n" {
            output
                .read_exact(&mut byte)
                .expect("a line from the program");
        }
        Self(child)
    }

    /// Ends it as if it had crashed.
    pub(crate) fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// A folder's path as text.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}
