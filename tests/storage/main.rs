//! Films in a storage that speaks S3: `klieg-headless` as a process, against one that checks signatures.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "this is test code, only not inside of a #[test]"
)]

#[path = "../harness/headless.rs"]
#[allow(dead_code, unreachable_pub, reason = "it is shared with other tests")]
mod headless;
#[path = "../harness/http.rs"]
#[allow(dead_code, unreachable_pub, reason = "it is shared with other tests")]
mod http;
mod server;
mod slow;
#[path = "../harness/wait.rs"]
#[allow(dead_code, unreachable_pub, reason = "it is shared with other tests")]
mod wait;
mod way;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};

use headless::Headless;
use server::{ACCESS, Fault, SECRET, Storage};
use wait::{eventually, lines};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Three parts of a film, the last one smaller.
const ROOM: usize = 20 << 20;

fn command(studio: &Headless, command: &Value) {
    let answer = studio.apply(command);
    assert!(answer.ok(), "{command}: {}", answer.text());
}

fn refusal(studio: &Headless, command: &Value) -> String {
    let answer = studio.apply(command);
    assert!(!answer.ok(), "{command} was done");
    answer.text()
}

fn set(studio: &Headless, key: &str, value: impl Into<Value>) {
    let value = value.into();
    command(
        studio,
        &json!({ "command": "set_setting", "key": key, "value": value }),
    );
}

/// A studio whose library has one film, of three parts. Gives its number and its file.
fn with_film(studio: &Headless) -> (i64, PathBuf) {
    command(studio, &json!({ "command": "record" }));
    let recording = eventually("it is recorded", PATIENCE, || {
        let recording = studio.snapshot()["recordings"][0].clone();
        (recording["duration_ms"].as_u64()? >= 1_000).then_some(recording)
    });
    command(studio, &json!({ "command": "stop_recording" }));
    let file: PathBuf = recording["file"].as_str().expect("a file").into();
    // Room that players pass over (ISO/IEC 14496-12, section 8.1.2), of no pattern.
    let mut room = Vec::with_capacity(ROOM);
    room.extend((ROOM as u32).to_be_bytes());
    room.extend(b"free");
    let mut state = 1_u32;
    while room.len() < ROOM {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        room.push((state >> 24) as u8);
    }
    let mut open = std::fs::OpenOptions::new();
    let mut open = open.append(true).open(&file).expect("the film");
    open.write_all(&room).expect("room");
    (
        own(studio)[0]["films"][0]["id"].as_i64().expect("a film"),
        file,
    )
}

/// The library as the host sees it.
fn own(studio: &Headless) -> Value {
    let bearer = format!("Bearer {}", studio.token());
    let headers = [("authorization", bearer.as_str())];
    http::request("GET", &studio.url("/api/library"), &headers, b"").json()
}

fn enter(studio: &Headless, storage: &Storage) {
    set(studio, "storage.endpoint", storage.url.as_str());
    set(studio, "storage.bucket", "shows");
    keys(studio, ACCESS, SECRET);
}

fn keys(studio: &Headless, access: &str, secret: &str) {
    let keys = json!({ "command": "set_storage_keys", "access": access, "secret": secret });
    command(studio, &keys);
}

fn upload(studio: &Headless, film: i64) {
    command(studio, &json!({ "command": "upload_film", "film": film }));
}

/// The upload, once its state is one of these.
fn until(studio: &Headless, states: &[&str]) -> Value {
    eventually(&format!("the upload is {states:?}"), PATIENCE, || {
        let upload = studio.snapshot()["uploads"][0].clone();
        let state = upload["state"]["state"].as_str()?;
        states.contains(&state).then_some(upload)
    })
}

fn holds(folder: &Path, wanted: &[u8]) -> bool {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    entries.map(|e| e.path()).any(|path| {
        if path.is_dir() {
            return holds(&path, wanted);
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        bytes.windows(wanted.len()).any(|w| w == wanted)
    })
}

#[test]
fn a_film_goes_on_after_a_kill_and_is_played_from_the_storage() {
    let storage = Storage::start();
    let dir = tempfile::tempdir().expect("a folder");
    let studio = Headless::with().data_dir(dir.path()).start();
    let (film, file) = with_film(&studio);
    let refused = refusal(&studio, &json!({ "command": "upload_film", "film": film }));
    assert!(refused.contains("No storage is set"), "{refused}");
    set(&studio, "storage.keep_local", false);
    enter(&studio, &storage);
    command(&studio, &json!({ "command": "check_storage" }));
    assert_eq!(storage.files(), Vec::<PathBuf>::new(), "it leaves nothing");
    assert_eq!(studio.snapshot()["storage"]["has_keys"], true);

    // Killed while the third part is on its way, and the second one is kept.
    storage.hold_from(3);
    upload(&studio, film);
    eventually("the third part begins", PATIENCE, || {
        (storage.puts(3) > 0).then_some(())
    });
    let etag = storage.etag(2).expect("a fingerprint");
    eventually("the second part is kept", PATIENCE, || {
        let kept = ["klieg.db", "klieg.db-wal"].map(|name| dir.path().join(name));
        let has = |path: &PathBuf| {
            let bytes = std::fs::read(path).unwrap_or_default();
            bytes.windows(etag.len()).any(|w| w == etag.as_bytes())
        };
        kept.iter().any(has).then_some(())
    });
    let on_its_way = until(&studio, &["sending"]);
    assert!(
        on_its_way["sent"].as_u64().unwrap() >= 16 << 20,
        "{on_its_way}"
    );
    let said = studio.log() + &studio.snapshot().to_string();
    assert!(!said.contains(SECRET) && !said.contains(ACCESS));
    drop(studio);
    assert!(!holds(dir.path(), SECRET.as_bytes()), "in no file as it is");
    let before = std::fs::read(&file).expect("the film");

    storage.hold_from(u16::MAX);
    let studio = Headless::with().data_dir(dir.path()).start();
    eventually("it lies in the storage", PATIENCE, || {
        let film = own(&studio)[0]["films"][0].clone();
        film["away"].as_bool()?.then_some(())
    });
    assert_eq!((storage.puts(1), storage.puts(2)), (1, 1), "nothing twice");
    let uploads: Vec<_> = storage
        .seen()
        .into_iter()
        .filter_map(|s| s.upload)
        .collect();
    assert!(
        uploads.windows(2).all(|pair| pair[0] == pair[1]),
        "one upload"
    );
    let stored = storage.files();
    assert_eq!(std::fs::read(&stored[0]).expect("it is there"), before);
    assert!(!file.exists(), "it was moved");
    assert_eq!(studio.snapshot()["uploads"], json!([]));

    // Whoever may see it plays it from there; nobody else does.
    let show = own(&studio)[0]["id"].as_str().unwrap().to_owned();
    let address = own(&studio)[0]["films"][0]["stored"].clone();
    let address = address.as_str().expect("an address");
    assert!(
        address.starts_with(&format!("{}/shows/klieg/{show}/", storage.url)),
        "{address}"
    );
    assert_eq!(http::get(address).status, 403);
    assert_eq!(
        studio.get(&format!("/media/{film}.mp4")).status,
        404,
        "hidden"
    );
    command(
        &studio,
        &json!({ "command": "set_show", "id": show, "hidden": false }),
    );
    let public = studio.json("/api/library");
    assert_eq!(public[0]["films"][0].get("stored"), None, "{public}");
    let moved = studio.get(&format!("/media/{film}.mp4"));
    assert_eq!(moved.status, 307);
    let link = moved.header("location").expect("an address");
    let part = http::request("GET", link, &[("range", "bytes=4-11")], b"");
    assert_eq!((part.status, part.body.as_slice()), (206, &b"ftypiso6"[..]));
    let page = studio.get("/library");
    let policy = page.header("content-security-policy").unwrap_or_default();
    assert!(
        policy.contains(&format!("media-src 'self' blob: {};", storage.url)),
        "{policy}"
    );
    let still = studio.get(&format!("/media/{film}.jpg?at=0"));
    assert_eq!((still.status, &still.body[..2]), (200, &[0xff, 0xd8][..]));
    let clip =
        json!({ "command": "cut_film", "film": film, "from_ms": 0, "to_ms": 500, "title": "x" });
    assert!(refusal(&studio, &clip).contains("in the storage alone"));
}

#[test]
fn what_is_wrong_with_a_storage_is_said_and_nothing_is_lost() {
    let storage = Storage::start();
    let studio = Headless::start();
    let (film, file) = with_film(&studio);
    set(&studio, "storage.keep_local", false);
    enter(&studio, &storage);
    let check = json!({ "command": "check_storage" });

    keys(&studio, ACCESS, "another");
    let said = refusal(&studio, &check);
    assert!(said.contains("secret key again"), "{said}");
    keys(&studio, "NOBODY", SECRET);
    let said = refusal(&studio, &check);
    assert!(said.contains("access key"), "{said}");
    keys(&studio, ACCESS, SECRET);
    set(&studio, "storage.bucket", "nowhere");
    let said = refusal(&studio, &check);
    assert!(said.contains("no such bucket"), "{said}");
    set(&studio, "storage.bucket", "shows");
    set(&studio, "storage.endpoint", "http://127.0.0.1:9");
    let said = refusal(&studio, &check);
    assert!(said.contains("cannot be reached"), "{said}");
    set(&studio, "storage.endpoint", storage.url.as_str());

    for (fault, says) in [
        (Fault::Denied, "may not do that"),
        (Fault::Skewed, "clock"),
        (Fault::PartLies, "fingerprint"),
        (Fault::WholeLies, "fingerprint"),
    ] {
        storage.set(fault);
        upload(&studio, film);
        let failed = until(&studio, &["failed"]);
        let reason = failed["state"]["reason"].as_str().unwrap();
        assert!(reason.contains(says), "{fault:?}: {reason}");
        assert!(file.exists(), "{fault:?}");
        command(
            &studio,
            &json!({ "command": "cancel_upload", "film": film }),
        );
        assert_eq!(studio.snapshot()["uploads"], json!([]));
    }

    // Held, it waits as long as it is told to; given up, nothing of it stays there.
    storage.set(Fault::None);
    storage.hold_from(2);
    let before = storage.seen().len();
    upload(&studio, film);
    until(&studio, &["sending"]);
    command(&studio, &json!({ "command": "pause_upload", "film": film }));
    until(&studio, &["paused"]);
    upload(&studio, film);
    eventually("the second part begins", PATIENCE, || {
        let seen = storage.seen();
        seen[before..]
            .iter()
            .any(|s| s.part == Some(2))
            .then_some(())
    });
    command(
        &studio,
        &json!({ "command": "cancel_upload", "film": film }),
    );
    eventually("it is given up there", PATIENCE, || {
        let seen = storage.seen();
        let gone = |s: &server::Seen| s.method == Method::DELETE && s.upload.is_some();
        seen[before..].iter().any(gone).then_some(())
    });

    // Out of order for a moment, it is tried again.
    storage.hold_from(u16::MAX);
    storage.set(Fault::Down);
    upload(&studio, film);
    let lost = until(&studio, &["retrying"]);
    let reason = lost["state"]["reason"].as_str().unwrap();
    assert!(reason.contains("out of order"), "{reason}");
    eventually("it lies in the storage", PATIENCE, || {
        own(&studio)[0]["films"][0]["away"].as_bool()?.then_some(())
    });
    assert!(!file.exists());

    // Deleted for good, it goes there, too.
    let show = own(&studio)[0]["id"].clone();
    command(
        &studio,
        &json!({ "command": "delete_show", "id": show, "for_good": true }),
    );
    let films = storage
        .files()
        .into_iter()
        .filter(|f| f.extension().is_some_and(|e| e == "mp4"));
    assert_eq!(films.count(), 0);
    assert_eq!(own(&studio), json!([]));
}
