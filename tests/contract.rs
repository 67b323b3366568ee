//! The command line and the addresses, as people and scripts rely on them: `klieg-headless` as a
//! process, from outside.
#![allow(
    clippy::expect_used,
    reason = "this is test code, only not inside of a #[test]"
)]

use std::{
    fs,
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    os::unix::net::UnixListener,
    process::{Output, Stdio},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use klieg_tests::{Builder, Headless, demo, eventually, http};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};

/// Runs it with arguments that it refuses, until it has ended.
fn refused(builder: &Builder, data_dir: &std::path::Path) -> (Output, String) {
    let mut child = builder
        .command(data_dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("klieg-headless starts");
    let ended = eventually("it refuses and ends", Duration::from_secs(30), || {
        child.try_wait().expect("its status")
    });
    let output = child.wait_with_output().expect("its output");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!ended.success(), "it went on; it said:\n{said}");
    assert!(
        output.stdout.is_empty(),
        "a ready line in spite of a refusal"
    );
    (output, said)
}

fn problem(answer: &http::Response) -> Value {
    serde_json::from_slice(&answer.body).expect("a problem as JSON")
}

/// Whether the program's channel is live, or only waited for.
fn state(studio: &Headless) -> String {
    let channel = studio.json("/api/channels/program");
    channel["state"].as_str().unwrap_or_default().to_owned()
}

/// The program with the window, where there is no display or none that answers: it says so, and is the studio
/// all the same, on the same command line.
#[test]
fn without_a_display_the_window_program_runs_headless() {
    for display in ["", ":29871"] {
        let studio = Headless::with()
            .shell()
            .env("DISPLAY", display)
            .arg("--on-air")
            .start();
        let log = studio.log();
        assert!(log.contains("there is no display"), "{log}");
        assert_eq!(studio.get("/healthz").status, 200);
        assert_eq!(state(&studio), "live");
        assert!(studio.stop().success());
    }
}

/// An X server that nobody else uses begins anew when its last client goes, and refuses who comes meanwhile: so who
/// asks whether there is one stays, until the window is connected. This one notes that, then leaves, as one that fails.
#[test]
#[cfg(target_os = "linux")]
fn a_display_of_its_own_is_not_left_before_the_window_is_there() {
    const DISPLAY: u32 = 29_872;
    let path = std::path::PathBuf::from(format!("/tmp/.X11-unix/X{DISPLAY}"));
    fs::create_dir_all(path.parent().expect("a folder")).expect("the folder of displays");
    let _gone_already = fs::remove_file(&path);
    let server = UnixListener::bind(&path).expect("a display");
    let (tell, told) = mpsc::sync_channel(1);
    let serve = move || {
        let (mut asks, _) = server.accept().expect("who asks");
        let (window, _) = server.accept().expect("the window");
        asks.set_nonblocking(true).expect("a socket");
        let there = asks.read(&mut [0]).map_err(|error| error.kind());
        drop((asks, window, server));
        tell.send(there).expect("the test waits");
    };
    let display = thread::Builder::new().name("display".into()).spawn(serve);
    drop(display.expect("a thread"));
    let studio = Headless::with()
        .shell()
        .env("DISPLAY", format!(":{DISPLAY}"))
        .start();
    fs::remove_file(&path).expect("the display is taken down");
    let there = told
        .recv_timeout(Duration::from_secs(10))
        .expect("two of the window's program came");
    assert_eq!(there, Err(ErrorKind::WouldBlock), "it had left");
    let log = studio.log();
    assert!(log.contains("there is no display"), "{log}");
    assert!(studio.stop().success());
}

#[test]
fn ready_means_that_pages_health_and_metrics_answer() {
    let studio = Headless::start();
    let ready = studio.ready();
    assert_eq!(ready["ready"], true);
    for key in ["http", "https", "rtmp", "media_udp", "control_token"] {
        assert!(ready.get(key).is_some(), "{key} is missing: {ready}");
    }
    assert!(studio.http().starts_with("http://127.0.0.1:"), "{ready}");
    assert!(studio.token().len() >= 32, "a token that can be guessed");

    for page in ["/", "/watch/program", "/studio"] {
        let answer = studio.get(page);
        assert!(answer.ok(), "{page}: {}", answer.status);
        let kind = answer.header("content-type").unwrap_or_default();
        assert!(kind.starts_with("text/html"), "{page}: {kind}");
    }
    assert!(studio.get("/healthz").ok());
    assert!(
        studio
            .get("/metrics")
            .text()
            .contains("klieg_program_frames_total")
    );
    assert_eq!(studio.get("/nothing/like/this").status, 404);
    assert!(studio.stop().success(), "SIGTERM ends it cleanly");
}

#[test]
fn https_answers_whoever_trusts_the_station() {
    let studio = Headless::start();
    let https = studio.ready()["https"].as_str().expect("HTTPS is on");
    let address = https.strip_prefix("https://").expect("https://");
    let mut roots = RootCertStore::empty();
    let authority = studio.get("/ca.pem");
    roots
        .add(CertificateDer::from_pem_slice(&authority.body).expect("a certificate"))
        .expect("an authority");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").expect("a name");
    let session = ClientConnection::new(Arc::new(config), name).expect("a session");
    let stream = TcpStream::connect(address).expect("a connection");
    let mut stream = StreamOwned::new(session, stream);
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        .expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("\"status\":\"ok\""), "{answer}");
    drop(stream);
    assert!(studio.stop().success());
}

#[test]
fn links_are_made_shown_again_after_a_restart_and_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Headless::with().data_dir(dir.path()).start();
    for (kind, channel) in [("publish", Some("stage")), ("control", None)] {
        let link = json!({ "kind": kind, "name": "For Ana", "channel": channel });
        let made = studio.apply(&json!({ "command": "create_link", "link": link }));
        assert!(made.ok(), "{}", made.text());
    }
    let links = studio.snapshot()["access"].clone();
    let url = links[0]["url"].as_str().expect("an address");
    let secret = links[0]["secret"].as_str().expect("a secret");
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    assert!(
        url.ends_with(&format!("/broadcast?channel=stage&key={secret}")),
        "{url}"
    );
    assert!(studio.stop().success());

    let studio = Headless::with().data_dir(dir.path()).start();
    let again = studio.snapshot()["access"].clone();
    assert_eq!(again[0]["secret"], links[0]["secret"]);
    let bearer = format!("Bearer {}", again[1]["secret"].as_str().expect("a secret"));
    let ask = || {
        let url = studio.url("/api/snapshot");
        http::request("GET", &url, &[("authorization", &bearer)], b"").status
    };
    assert_eq!(ask(), 200, "a control link controls");
    let revoke = json!({ "command": "revoke_link", "id": again[1]["id"] });
    assert!(studio.apply(&revoke).ok());
    assert_eq!(ask(), 401);
    let nobody = json!({ "command": "admit_publisher", "channel": "stage" });
    assert_eq!(studio.apply(&nobody).status, 404);
    assert!(studio.stop().success());
}

#[test]
fn control_needs_the_token() {
    let studio = Headless::start();
    assert_eq!(studio.get("/api/snapshot").status, 401);
    let command = json!({ "command": "go_live" }).to_string();
    let json = ("content-type", "application/json");
    let wrong = ("authorization", "Bearer not-the-token");
    for headers in [vec![json], vec![json, wrong]] {
        let url = studio.url("/api/commands");
        let answer = http::request("POST", &url, &headers, command.as_bytes());
        assert_eq!(answer.status, 401, "{}", answer.text());
        assert_eq!(problem(&answer)["code"], "unauthorized");
    }
    assert_eq!(state(&studio), "waiting");
}

#[test]
fn the_broadcast_begins_and_ends_by_command() {
    let studio = Headless::start();
    assert_eq!(state(&studio), "waiting");
    studio.go_live();
    let again = studio.apply(&json!({ "command": "go_live" }));
    assert_eq!(again.status, 409, "{}", again.text());

    let channel = eventually("tracks", Duration::from_secs(30), || {
        let channel = studio.json("/api/channels").get(0).cloned()?;
        (channel["tracks"].as_array()?.len() == 3).then_some(channel)
    });
    assert_eq!(channel["name"], "program");
    assert_eq!(channel["state"], "live");
    assert_eq!(channel["source"], "program");
    let codecs: Vec<_> = channel["tracks"].as_array().into_iter().flatten().collect();
    let video = codecs
        .iter()
        .find(|t| t["kind"] == "video")
        .expect("a video track");
    assert_eq!(
        (&video["width"], &video["height"]),
        (&json!(1280), &json!(720))
    );
    assert!(studio.get("/api/channels/program").ok());
    assert_eq!(studio.get("/api/channels/nobody").status, 404);

    assert!(studio.apply(&json!({ "command": "end_broadcast" })).ok());
    eventually("it has ended", Duration::from_secs(30), || {
        (state(&studio) == "waiting").then_some(())
    });
}

#[test]
fn on_air_from_the_start() {
    let studio = Headless::with().arg("--on-air").collection(&demo()).start();
    assert_eq!(state(&studio), "live");
    studio.until("every source runs", |snapshot| {
        let sources = snapshot["sources"].as_array().expect("sources");
        let loops = sources
            .iter()
            .find(|s| s["id"] == "loop")
            .expect("the loop");
        loops["state"] == "running"
    });
}

#[test]
fn changes_are_there_again_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let studio = Headless::with().data_dir(dir.path()).start();
    let rename = json!({ "command": "edit", "edit": { "edit": "rename", "name": "Sunday show" } });
    assert!(studio.apply(&rename).ok());
    let switch = json!({ "command": "edit", "edit": { "edit": "switch_scene", "id": "test" } });
    assert!(studio.apply(&switch).ok());
    assert!(
        studio
            .apply(&json!({ "command": "set_title", "title": "Choir" }))
            .ok()
    );
    assert!(studio.stop().success());

    let studio = Headless::with().data_dir(dir.path()).start();
    let snapshot = studio.snapshot();
    assert_eq!(snapshot["collection"]["name"], "Sunday show");
    assert_eq!(snapshot["collection"]["current"], "test");
    assert_eq!(snapshot["title"], "Choir");
}

#[test]
fn a_collection_that_cannot_be_read_opens_as_an_empty_one_and_is_left_alone() {
    for (text, said) in [
        ("{ this is no collection", "line 1"),
        (
            r#"{"version":99,"name":"From tomorrow","canvas":{"width":64,"height":64,"fps":1},"sources":[],"scenes":[],"current":"x"}"#,
            "version 99",
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("show.json");
        fs::write(&file, text).unwrap();
        let studio = Headless::with().collection(&file).start();
        let problems = studio.snapshot()["problems"].to_string();
        assert!(problems.contains("show.json"), "{problems}");
        assert!(problems.contains(said), "{problems}");
        assert!(studio.stop().success());
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
    }
}

#[test]
fn missing_files_leave_placeholders_and_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("show.json");
    fs::copy(demo(), &file).unwrap();
    let studio = Headless::with().collection(&file).start();
    let snapshot = studio.until("the loop is missed", |snapshot| {
        let sources = snapshot["sources"].as_array().expect("sources");
        sources
            .iter()
            .any(|s| s["id"] == "loop" && s["message"].is_string())
    });
    let sources = snapshot["sources"].as_array().unwrap();
    let missing = sources.iter().find(|s| s["id"] == "loop").unwrap();
    let message = missing["message"].as_str().unwrap();
    assert!(message.contains("loop.mp4"), "{message}");
    studio.go_live();
    studio.until("it composes all the same", |s| {
        s["stats"]["frames"].as_u64() > Some(10)
    });
}

#[test]
fn a_port_that_is_taken_is_named() {
    let first = Headless::start();
    let address = first.http().trim_start_matches("http://").to_owned();
    let port = address.rsplit_once(':').unwrap().1.to_owned();
    let dir = tempfile::tempdir().unwrap();
    let second = Headless::with().set(format!("server.http={address}"));
    let (_, said) = refused(&second, dir.path());
    assert!(said.contains(&port), "{said}");
    assert!(said.contains("server.http"), "{said}");
}

#[test]
fn wrong_settings_are_refused_where_they_stand() {
    let dir = tempfile::tempdir().unwrap();
    for (set, said) in [
        ("server.htpp=127.0.0.1:0", "htpp"),
        ("server.http=nowhere", "server.http=nowhere"),
        ("encoder.bitrate=1", "out of range"),
        ("encoder", "key=value"),
    ] {
        let (_, text) = refused(&Headless::with().set(set), dir.path());
        assert!(text.contains(said), "--set {set}: {text}");
    }
    let (_, text) = refused(
        &Headless::with().env("KLIEG_STATION__MAX_CHANNELS", "many"),
        dir.path(),
    );
    assert!(text.contains("KLIEG_STATION__MAX_CHANNELS"), "{text}");

    fs::write(
        dir.path().join("settings.toml"),
        "[server]\n\nhttp = \"nowhere\"\n",
    )
    .unwrap();
    let (_, text) = refused(&Headless::with(), dir.path());
    assert!(text.contains("settings.toml, line 3"), "{text}");
}
