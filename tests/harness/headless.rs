//! `klieg-headless` as a process of its own.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{eventually, http, lines};

/// How long a start may take on a busy machine. The figure itself is measured by the bench.
const START: Duration = Duration::from_secs(60);
/// How long leaving may take.
const LEAVE: Duration = Duration::from_secs(20);

/// How to start it.
#[derive(Debug, Default)]
pub struct Builder {
    args: Vec<String>,
    env: Vec<(String, String)>,
    data_dir: Option<PathBuf>,
    bare: bool,
    shell: bool,
}

impl Builder {
    /// One more argument.
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// More arguments.
    pub fn args<'a>(mut self, args: impl IntoIterator<Item = &'a str>) -> Self {
        self.args.extend(args.into_iter().map(str::to_owned));
        self
    }

    /// One more setting, as `key=value`.
    pub fn set(self, setting: impl Into<String>) -> Self {
        self.arg("--set").arg(setting)
    }

    /// One more variable of its environment.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Without addresses of its own on the command line: the settings file says where it listens.
    pub fn bare(mut self) -> Self {
        self.bare = true;
        self
    }

    /// The program with the window in place of the one without, as on a machine that has no display.
    pub fn shell(mut self) -> Self {
        self.shell = true;
        self.env("DISPLAY", "").env("WAYLAND_DISPLAY", "")
    }

    /// A collection file to open in place of the demo.
    pub fn collection(self, path: &Path) -> Self {
        self.arg("--collection").arg(path.display().to_string())
    }

    /// A data folder that outlives the process, for restarts.
    pub fn data_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(dir.into());
        self
    }

    /// The command, on free ports of the loopback and on a data folder.
    pub fn command(&self, data_dir: &Path) -> Command {
        let mut command = Command::new(if self.shell {
            binary("KLIEG_SHELL", "klieg")
        } else {
            binary("KLIEG_BIN", "klieg-headless")
        });
        command.arg("--data-dir").arg(data_dir);
        if !self.bare {
            for door in ["http", "https", "rtmp", "media_udp"] {
                command.args(["--set", &format!("server.{door}=127.0.0.1:0")]);
            }
        }
        command
            .args(&self.args)
            // Tests leave nothing in the keychain of whoever runs them.
            .env("KLIEG_STATION__KEYCHAIN", "false")
            .envs(self.env.iter().map(|(k, v)| (k, v)));
        command
    }

    /// Starts it and waits for its ready line.
    ///
    /// # Panics
    /// When it does not come up; the message carries its log.
    pub fn start(self) -> Headless {
        let temporary = tempfile::tempdir().expect("a temporary folder");
        let data_dir = self
            .data_dir
            .clone()
            .unwrap_or_else(|| temporary.path().join("data"));
        let log = temporary.path().join("log");
        let mut child = self
            .command(&data_dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).expect("a log file"))
            .spawn()
            .expect("klieg-headless starts");
        let out = lines(child.stdout.take().expect("its stdout"));
        let mut headless = Headless {
            child,
            ready: Value::Null,
            data_dir,
            log,
            _temporary: temporary,
        };
        match out.recv_timeout(START) {
            Ok(line) => {
                headless.ready = serde_json::from_str(&line).expect("the ready line is JSON");
            }
            Err(_) => panic!("klieg-headless is not ready; its log:\n{}", headless.log()),
        }
        headless
    }
}

/// A running studio. Ends with the test, whatever becomes of that.
#[derive(Debug)]
pub struct Headless {
    child: Child,
    ready: Value,
    data_dir: PathBuf,
    log: PathBuf,
    _temporary: TempDir,
}

impl Headless {
    /// Starts on the demo collection, on free ports.
    pub fn start() -> Self {
        Builder::default().start()
    }

    /// How to start it otherwise.
    pub fn with() -> Builder {
        Builder::default()
    }

    /// The ready line.
    pub fn ready(&self) -> &Value {
        &self.ready
    }

    /// Base address of the station, `http://127.0.0.1:PORT`.
    pub fn http(&self) -> &str {
        self.ready["http"]
            .as_str()
            .expect("an address in the ready line")
    }

    /// An address of the station.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.http())
    }

    /// What commands need.
    pub fn token(&self) -> &str {
        self.ready["control_token"]
            .as_str()
            .expect("a token in the ready line")
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its data folder.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// `GET` of a path.
    pub fn get(&self, path: &str) -> http::Response {
        http::get(&self.url(path))
    }

    /// `GET` of a path as JSON.
    pub fn json(&self, path: &str) -> Value {
        self.get(path).json()
    }

    /// The whole studio.
    pub fn snapshot(&self) -> Value {
        let auth = self.bearer();
        http::request(
            "GET",
            &self.url("/api/snapshot"),
            &[("authorization", &auth)],
            b"",
        )
        .json()
    }

    /// Sends a command, as JSON of `api::Command`.
    pub fn apply(&self, command: &Value) -> http::Response {
        let auth = self.bearer();
        let headers = [
            ("authorization", auth.as_str()),
            ("content-type", "application/json"),
        ];
        let body = command.to_string();
        http::request(
            "POST",
            &self.url("/api/commands"),
            &headers,
            body.as_bytes(),
        )
    }

    /// Goes live.
    pub fn go_live(&self) {
        let answer = self.apply(&json!({ "command": "go_live" }));
        assert!(
            answer.ok(),
            "going live: {} {}",
            answer.status,
            answer.text()
        );
    }

    /// Waits until the snapshot fits.
    pub fn until(&self, what: &str, mut fits: impl FnMut(&Value) -> bool) -> Value {
        eventually(what, Duration::from_secs(30), || {
            let snapshot = self.snapshot();
            fits(&snapshot).then_some(snapshot)
        })
    }

    /// Asks it to leave, and waits until it has.
    pub fn stop(mut self) -> ExitStatus {
        let told = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()
            .expect("kill runs");
        assert!(
            told.success(),
            "the process is gone already; its log:\n{}",
            self.log()
        );
        let child = &mut self.child;
        eventually("klieg-headless leaves", LEAVE, || {
            child.try_wait().expect("its status")
        })
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.token())
    }
}

impl Drop for Headless {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- log of klieg-headless ---\n{}", self.log());
        }
        // Gone already is as good.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The program under test: what this variable names, or the one built beside this test.
fn binary(variable: &str, name: &str) -> PathBuf {
    if let Some(path) = std::env::var_os(variable) {
        return path.into();
    }
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let here = std::env::current_exe().expect("the path of this test");
    let path = here.ancestors().nth(2).expect("a target folder").join(file);
    assert!(
        path.is_file(),
        "{} is not built; run `cargo build --package {name}` or `cargo xtask test`",
        path.display()
    );
    path
}
