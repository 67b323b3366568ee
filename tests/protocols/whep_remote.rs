//! A channel of another station as a source: fetched over WHEP, shown, lost, found again, refused.

use std::path::Path;

use klieg_tests::{Headless, free_tcp_port};
use serde_json::{Value, json};

use crate::viewer::{PATIENCE, in_step, watch};

/// What the test signal’s tone has: −20 dBFS.
const TONE: f64 = 0.1;

/// The test signal, on air.
fn first(dir: &Path, port: u16) -> Headless {
    let path = dir.join("first.json");
    let collection =
        collection(&json!({ "kind": "test_signal", "settings": { "pattern": "motion" } }));
    std::fs::write(&path, collection.to_string()).expect("written");
    Headless::with()
        .collection(&path)
        .set(format!("server.http=127.0.0.1:{port}"))
        .arg("--on-air")
        .start()
}

/// A scene that one source fills.
fn collection(source: &Value) -> Value {
    let mut source = source.clone();
    source["id"] = "it".into();
    source["name"] = "It".into();
    json!({
        "version": 1, "name": "Test", "canvas": { "width": 640, "height": 360, "fps": 30 },
        "sources": [source],
        "scenes": [{ "id": "a", "name": "A", "items": [{
            "id": "i", "source": "it", "rect": { "x": 0, "y": 0, "width": 640, "height": 360 },
        }] }],
        "current": "a",
    })
}

fn status(snapshot: &Value) -> &Value {
    &snapshot["sources"][0]
}

#[test]
fn a_channel_of_another_station_is_shown_lost_and_found_again() {
    let test = "a_channel_of_another_station_is_shown_lost_and_found_again";
    let dir = tempfile::tempdir().expect("a folder");
    let port = free_tcp_port();
    let far = first(dir.path(), port);
    if let Some(viewer) = watch(test, &far, "program") {
        in_step(&viewer, 0.020);
    }
    let path = dir.path().join("second.json");
    let remote = json!({ "kind": "remote", "settings": { "url": far.url("/program/whep") } });
    std::fs::write(&path, collection(&remote).to_string()).expect("written");
    let station = Headless::with().collection(&path).arg("--on-air").start();
    let running = station.until("the channel comes", |s| status(s)["state"] == "running");
    let detail = status(&running)["detail"].as_str().unwrap_or_default();
    assert!(detail.contains("640×360"), "{running}");
    // No publisher gets that name, no viewer finds it, and no list has it.
    let listed = station.json("/api/channels");
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed}");
    assert_eq!(station.get("/api/channels/_fetched-it").status, 404);
    if let Some(viewer) = watch(test, &station, "program") {
        viewer.hear("pictures", PATIENCE, |v| {
            v["event"] == "video" && v["width"] == 640 && v["count"].as_u64() >= Some(90)
        });
        // A louder beep marks each second.
        let tone = |peak: f64| (peak / TONE - 1.0).abs() < 0.05;
        viewer.hear("the tone", PATIENCE, |v| {
            v["event"] == "audio" && v["peak"].as_f64().is_some_and(tone)
        });
    }
    drop(far);
    let lost = station.until("it is lost", |s| status(s)["state"] == "lost");
    let why = status(&lost)["message"].as_str().unwrap_or_default();
    assert!(!why.is_empty(), "{lost}");
    let _again = first(dir.path(), port);
    station.until("it is found again", |s| status(s)["state"] == "running");
}

#[test]
fn a_token_is_asked_for_kept_and_used() {
    let dir = tempfile::tempdir().expect("a folder");
    let far = first(dir.path(), free_tcp_port());
    let done = far.apply(
        &json!({ "command": "set_passphrase", "channel": "program", "passphrase": "open sesame" }),
    );
    assert!(done.ok(), "{}", done.text());
    far.apply(&json!({
        "command": "create_link",
        "link": { "kind": "watch", "name": "Next door", "channel": "program", "expires": null },
    }));
    let link = far.until("the link", |s| s["access"][0].is_object());
    let secret = link["access"][0]["secret"].as_str().expect("a secret");
    let path = dir.path().join("second.json");
    let remote = json!({ "kind": "remote", "settings": { "url": far.url("/program/whep") } });
    std::fs::write(&path, collection(&remote).to_string()).expect("written");
    let station = Headless::with().collection(&path).start();
    let refused = station.until("it is refused", |s| status(s)["state"] == "failed");
    let why = status(&refused)["message"].as_str().expect("a reason");
    assert!(why.contains("it wants a token, and none is set"), "{why}");
    let token = json!({ "command": "set_source_token", "id": "it", "token": secret });
    let done = station.apply(&token);
    assert!(done.ok(), "{}", done.text());
    let running = station.until("it comes", |s| status(s)["state"] == "running");
    assert_eq!(status(&running)["has_token"], true);
    assert!(
        !running.to_string().contains(secret),
        "the token goes in, never out"
    );
    let kept = std::fs::read_to_string(&path).expect("the collection");
    assert!(!kept.contains(secret), "{kept}");

    // A channel that is not live there may be later: it is asked for again.
    let waits = json!({ "command": "edit", "edit": { "edit": "set_source", "id": "it",
        "source": { "kind": "remote", "settings": { "url": far.url("/later/whep") } } } });
    assert!(station.apply(&waits).ok());
    station.until("nothing is live there", |s| {
        let why = status(s)["message"].as_str().unwrap_or_default();
        status(s)["state"] == "lost" && why.contains("has nothing live at this address now")
    });

    let nowhere = json!({ "command": "edit", "edit": { "edit": "set_source", "id": "it",
        "source": { "kind": "remote", "settings": { "url": far.url("/nothing/here") } } } });
    assert!(station.apply(&nowhere).ok());
    station.until("nothing is there", |s| {
        let why = status(s)["message"].as_str().unwrap_or_default();
        status(s)["state"] == "lost" && why.contains("there is no WHEP endpoint at this address")
    });
    let wrong = json!({ "command": "edit", "edit": { "edit": "set_source", "id": "it",
        "source": { "kind": "remote", "settings": { "url": "ftp://a.example/x" } } } });
    let answer = station.apply(&wrong);
    assert_eq!(answer.status, 400, "{}", answer.text());
}

#[test]
fn an_imported_collection_calls_nobody_before_the_host_has_agreed() {
    let far = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/stage/whep", far.local_addr().expect("its port"));
    let station = Headless::start();
    let remote = |held: bool| json!({ "kind": "remote", "settings": { "url": url, "held": held } });
    let import =
        json!({ "command": "import_collection", "collection": collection(&remote(false)) });
    let done = station.apply(&import);
    assert!(done.ok(), "{}", done.text());
    let held = station.until("it is held", |s| status(s)["state"] == "failed");
    let why = status(&held)["message"].as_str().expect("a reason");
    assert!(why.contains("has not been called"), "{why}");
    far.set_nonblocking(true).expect("asked without waiting");
    let none = far.accept().map(|_| ()).map_err(|error| error.kind());
    assert_eq!(none, Err(std::io::ErrorKind::WouldBlock));

    // Its token is for there alone, and goes with the source.
    let token = json!({ "command": "set_source_token", "id": "it", "token": "t0ken" });
    assert!(station.apply(&token).ok());
    station.until("a token is kept", |s| status(s)["has_token"] == true);
    let allow = json!({ "command": "edit",
        "edit": { "edit": "set_source", "id": "it", "source": remote(false) } });
    assert!(station.apply(&allow).ok());
    far.set_nonblocking(false).expect("waited for");
    let (mut call, _) = far.accept().expect("it is called");
    let mut head = [0; 2048];
    let length = std::io::Read::read(&mut call, &mut head).expect("a request");
    let head = String::from_utf8_lossy(&head[..length]).to_lowercase();
    assert!(head.contains("authorization: bearer t0ken"), "{head}");
    let elsewhere = json!({ "command": "edit", "edit": { "edit": "set_source", "id": "it",
        "source": { "kind": "remote", "settings": { "url": "http://127.0.0.2:9/a/whep" } } } });
    assert!(station.apply(&elsewhere).ok());
    station.until("no token is kept for there", |s| {
        status(s)["has_token"] == false
    });
    drop(call);
}
