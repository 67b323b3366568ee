//! Stream keys in a real keychain: GNOME's, on a bus of its own.

use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use klieg_tests::{Headless, lines, need};
use serde_json::{Value, json};

/// Starts the keychain and says where its bus is, once it answers. It ends with its input.
const SESSION: &str = "
    printf passphrase | gnome-keyring-daemon --unlock --foreground --components=secrets >/dev/null 2>&1 &
    keychain=$!
    until dbus-send --session --print-reply --dest=org.freedesktop.DBus / \\
        org.freedesktop.DBus.GetNameOwner string:org.freedesktop.secrets >/dev/null 2>&1
    do kill -0 $keychain 2>/dev/null || exit 1; sleep 0.05; done
    echo \"$DBUS_SESSION_BUS_ADDRESS\"
    cat >/dev/null
    kill $keychain
";

struct Keychain {
    bus: String,
    session: Child,
    input: Option<ChildStdin>,
}

impl Keychain {
    fn start(test: &str, home: &Path) -> Option<Self> {
        let session = need(test, "dbus-run-session")?;
        need(test, "dbus-send")?;
        need(test, "gnome-keyring-daemon")?;
        let mut session = Command::new(session)
            .args(["--", "sh", "-c", SESSION])
            .env("HOME", home)
            .env("XDG_DATA_HOME", home)
            .env("XDG_RUNTIME_DIR", home)
            .env_remove("DISPLAY")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a session");
        let said = lines(session.stdout.take().expect("its output"));
        let bus = said.recv_timeout(Duration::from_secs(30));
        Some(Self {
            bus: bus.expect("the keychain answers"),
            input: session.stdin.take(),
            session,
        })
    }

    fn studio(&self, data: &Path) -> Headless {
        Headless::with()
            .data_dir(data)
            .env("KLIEG_STATION__KEYCHAIN", "true")
            .env("DBUS_SESSION_BUS_ADDRESS", &self.bus)
            .start()
    }
}

impl Drop for Keychain {
    fn drop(&mut self) {
        self.input = None;
        self.session.wait().expect("the session ends");
    }
}

/// All that a folder holds, as text.
fn written(folder: &Path) -> String {
    let mut all = String::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            all += &written(&path);
        } else if let Ok(bytes) = std::fs::read(path) {
            all += &String::from_utf8_lossy(&bytes);
        }
    }
    all
}

fn first(studio: &Headless) -> (Value, Value) {
    let now = studio.snapshot();
    (
        now["destinations"][0]["has_secret"].clone(),
        now["key_store"]["place"].clone(),
    )
}

#[test]
fn stream_keys_live_in_the_keychain_and_nowhere_else() {
    let test = "stream_keys_live_in_the_keychain_and_nowhere_else";
    let home = tempfile::tempdir().expect("a folder");
    let Some(keychain) = Keychain::start(test, home.path()) else {
        return;
    };
    let data = tempfile::tempdir().expect("a folder");
    // One that was kept in the open before there was a keychain.
    let open = data.path().join("secrets.json");
    std::fs::write(&open, r#"{"source:old":"sesame-old"}"#).expect("a file");
    let studio = keychain.studio(data.path());
    assert!(!open.exists(), "{}", studio.log());
    let destination = json!({
        "name": "Hall",
        "target": { "protocol": "rtmp", "url": "rtmp://127.0.0.1:9/live" },
        "secret": "sesame-street",
    });
    let command = json!({ "command": "add_destination", "destination": destination });
    assert!(studio.apply(&command).ok());
    assert_eq!(first(&studio), (true.into(), "keychain".into()));
    assert!(!studio.snapshot().to_string().contains("sesame"));
    studio.stop();
    let files = written(data.path());
    assert!(!files.contains("sesame"), "no file holds it");

    let studio = keychain.studio(data.path());
    assert_eq!(first(&studio), (true.into(), "keychain".into()));
    studio.stop();

    // Without the keychain there is no key, and the studio says where new ones go.
    let studio = Headless::with().data_dir(data.path()).start();
    assert_eq!(first(&studio), (false.into(), "file".into()));
}
