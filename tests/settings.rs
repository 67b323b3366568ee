//! Settings of a running program: read again, changed from outside, and refused with their line.
#![allow(
    clippy::expect_used,
    reason = "this is test code, only not inside of a #[test]"
)]

use std::fs;
use std::time::Duration;

use klieg_tests::{Headless, eventually, free_tcp_port, http};
use serde_json::{Value, json};

/// Asks for something in the studio's own name.
fn ask(studio: &Headless, method: &str, path: &str, body: &Value) -> http::Response {
    let bearer = format!("Bearer {}", studio.token());
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    http::request(method, &studio.url(path), &headers, body.as_bytes())
}

/// One setting.
fn setting(studio: &Headless, key: &str) -> Value {
    ask(studio, "GET", &format!("/api/settings/{key}"), &Value::Null).json()
}

/// What a stranger hears who wants to publish.
fn knock(studio: &Headless) -> u16 {
    let offer = [("content-type", "application/sdp")];
    http::request("POST", &studio.url("/stage/whip"), &offer, b"v=0").status
}

fn said(answer: &http::Response) -> String {
    let problem: Value = serde_json::from_slice(&answer.body).expect("JSON");
    problem["message"]
        .as_str()
        .or(problem["error"].as_str())
        .expect("words")
        .to_owned()
}

#[test]
fn a_changed_file_holds_at_once_and_a_wrong_one_names_its_line() {
    let studio = Headless::start();
    let file = studio.data_dir().join("settings.toml");
    assert_eq!(knock(&studio), 401, "publishers need a key at first");

    let text = "# mine\n[ingest]\npolicy = \"open\" # for tonight\n";
    fs::write(&file, text).expect("a settings file");
    // Nobody is asked to reload: the file is looked at.
    eventually("the file is read", Duration::from_secs(30), || {
        (setting(&studio, "ingest.policy")["origin"] == "file").then_some(())
    });
    // What a setting says holds already.
    assert_eq!(knock(&studio), 400);
    assert_eq!(setting(&studio, "ingest.policy")["place"], "line 3");

    fs::write(&file, "[ingest]\n\npolicy = \"everybody\"\n").expect("a wrong file");
    studio.until("the mistake is shown", |snapshot| {
        let problems = snapshot["problems"].as_array().expect("problems");
        problems.iter().any(|p| {
            let message = p["message"].as_str().unwrap_or_default();
            p["subject"] == "settings" && message.contains("settings.toml, line 3")
        })
    });
    assert!(studio.log().contains("line 3"), "the log says so, too");
    assert_eq!(knock(&studio), 400, "the rule from before goes on");
    let reload = ask(&studio, "POST", "/v3/config/reload", &Value::Null);
    assert_eq!(reload.status, 400);
    assert!(said(&reload).contains("line 3"), "{}", reload.text());
    // A change from elsewhere does not hide the mistake, nor is it lost in the file.
    let blocked = ask(
        &studio,
        "PUT",
        "/api/settings/station.max_channels",
        &json!({ "value": 5 }),
    );
    assert_eq!(blocked.status, 400);
    assert!(said(&blocked).contains("line 3"), "{}", blocked.text());

    fs::write(&file, text).expect("the file of before");
    let reload = ask(&studio, "POST", "/v3/config/reload", &Value::Null).json();
    assert_eq!(reload["status"], "ok");
    let problems = studio.snapshot()["problems"].clone();
    assert_eq!(problems, json!([]), "what is mended is no problem any more");
    assert!(studio.stop().success());
}

#[test]
fn what_is_set_from_outside_stands_in_the_file_and_moves_doors() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("settings.toml");
    let text = "# mine\n[server] # doors\nallowed_origins = [] # none yet\n";
    fs::write(&file, text).expect("a settings file");
    let studio = Headless::with()
        .data_dir(dir.path())
        .env("KLIEG_STATION__IDLE_SECONDS", "60")
        .arg("--on-air")
        .start();

    // A page of another site may knock when it stands in the settings.
    let knock = || {
        let headers = [
            ("content-type", "application/sdp"),
            ("origin", "https://club.example"),
        ];
        http::request("POST", &studio.url("/stage/whip"), &headers, b"v=0").status
    };
    assert_eq!(knock(), 403);
    let value = json!({ "value": ["https://club.example"] });
    let set = ask(
        &studio,
        "PUT",
        "/api/settings/server.allowed_origins",
        &value,
    )
    .json();
    assert_eq!(set["value"], value["value"]);
    assert_eq!(knock(), 401);
    let text = fs::read_to_string(&file).expect("the file");
    let expect =
        "# mine\n[server] # doors\nallowed_origins = [\"https://club.example\"] # none yet\n";
    assert_eq!(text, expect);

    // In words of the studio, before anything is changed.
    for (key, value, status, words) in [
        ("encoder.bitrate", json!(5), 400, "100000 to 50000000"),
        ("encoder.bitrate", json!("fast"), 400, "no number"),
        (
            "server.allowed_origins",
            json!(["club.example"]),
            400,
            "no origin",
        ),
        ("ingest.jwt.key", json!("short"), 400, "32 characters"),
        (
            "station.idle_seconds",
            json!(90),
            409,
            "KLIEG_STATION__IDLE_SECONDS",
        ),
        (
            "server.http",
            json!("127.0.0.1:1"),
            409,
            "--set server.http",
        ),
        ("server.htpp", json!("127.0.0.1:1"), 404, "no setting"),
    ] {
        for path in [
            format!("/api/settings/{key}/check"),
            format!("/api/settings/{key}"),
        ] {
            let method = if path.ends_with("check") {
                "POST"
            } else {
                "PUT"
            };
            let refused = ask(&studio, method, &path, &json!({ "value": value }));
            assert_eq!(refused.status, status, "{key}: {}", refused.text());
            assert!(said(&refused).contains(words), "{key}: {}", refused.text());
        }
    }
    assert_eq!(
        fs::read_to_string(&file).expect("the file"),
        text,
        "untouched"
    );

    for (key, value) in [
        ("encoder.bitrate", json!(1_000_000)),
        ("ingest.take_over", json!(true)),
    ] {
        let set = ask(
            &studio,
            "PUT",
            &format!("/api/settings/{key}"),
            &json!({ "value": value }),
        )
        .json();
        assert_eq!(
            (&set["value"], &set["origin"], &set["waits"]),
            (&value, &json!("file"), &json!(false))
        );
    }
    // The broadcast goes on, at the new bitrate.
    eventually("the encoder follows", Duration::from_secs(30), || {
        let program = studio.json("/api/channels/program");
        let tracks = program["tracks"].as_array()?.clone();
        let video = tracks.into_iter().find(|t| t["kind"] == "video")?;
        (video["bitrate"] == 1_000_000).then_some(())
    });
    let reset = ask(
        &studio,
        "DELETE",
        "/api/settings/encoder.bitrate",
        &Value::Null,
    )
    .json();
    assert_eq!(
        (&reset["value"], &reset["origin"]),
        (&json!(2_500_000), &json!("default"))
    );
    let text = fs::read_to_string(&file).expect("the file");
    assert!(
        text.contains("# bitrate = 1000000") && text.contains("take_over = true"),
        "{text}"
    );
    assert!(studio.stop().success());

    let studio = Headless::with().data_dir(dir.path()).start();
    assert_eq!(
        setting(&studio, "ingest.take_over")["value"],
        true,
        "it is kept"
    );
    assert!(studio.stop().success());
}

#[test]
fn doors_move_while_the_program_runs() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("settings.toml");
    // Nothing on the command line: what stands there cannot be moved.
    let [http, rtmp, other] = [free_tcp_port(), free_tcp_port(), free_tcp_port()];
    let at = |http: u16, rtmp: &str, https: &str| {
        format!(
            "[server]\nhttp = \"127.0.0.1:{http}\"\nrtmp = \"{rtmp}\"\nhttps = \"{https}\"\nmedia_udp = \"127.0.0.1:0\"\n"
        )
    };
    fs::write(&file, at(http, &format!("127.0.0.1:{rtmp}"), "off")).expect("a settings file");
    let studio = Headless::with().data_dir(dir.path()).bare().start();
    assert_eq!(studio.http(), format!("http://127.0.0.1:{http}"));
    let bearer = format!("Bearer {}", studio.token());
    let auth = [("authorization", bearer.as_str())];
    let reload = |port: u16| {
        http::request(
            "POST",
            &format!("http://127.0.0.1:{port}/api/settings/reload"),
            &auth,
            b"",
        )
    };

    // A port that is taken is named, and nothing changes.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its number").port();
    fs::write(&file, at(other, &format!("127.0.0.1:{port}"), "off")).expect("a settings file");
    let refused = reload(http);
    assert_eq!(refused.status, 502, "{}", refused.text());
    assert!(
        said(&refused).contains(&port.to_string()),
        "{}",
        refused.text()
    );
    assert!(
        http::get(&format!("http://127.0.0.1:{http}/healthz")).ok(),
        "the old door is open"
    );
    assert!(
        http::try_request(
            "GET",
            &format!("http://127.0.0.1:{other}/healthz"),
            &[],
            b""
        )
        .is_err()
    );

    // It moves, one goes, and one comes.
    fs::write(&file, at(other, "off", "127.0.0.1:0")).expect("a settings file");
    let moved = reload(http).json();
    assert_eq!(
        moved["changed"],
        json!(["server.http", "server.https", "server.rtmp"])
    );
    assert_eq!(moved["waits"], json!([]));
    let base = format!("http://127.0.0.1:{other}");
    assert!(http::get(&format!("{base}/healthz")).ok());
    assert!(
        http::try_request("GET", &format!("http://127.0.0.1:{http}/healthz"), &[], b"").is_err()
    );
    assert!(
        std::net::TcpStream::connect(("127.0.0.1", rtmp)).is_err(),
        "RTMP is off"
    );
    let trust = http::get(&format!("{base}/api/trust")).json();
    let https = u16::try_from(trust["port"].as_u64().expect("a port")).expect("a port");
    assert!(
        std::net::TcpStream::connect(("127.0.0.1", https)).is_ok(),
        "HTTPS is on"
    );
    let links =
        http::request("GET", &format!("{base}/api/snapshot"), &auth, b"").json()["links"].clone();
    assert!(
        links[0]["url"]
            .as_str()
            .expect("an address")
            .starts_with(&base),
        "{links}"
    );

    // The same port on another address is closed before it is opened.
    let text = at(other, "off", "off")
        .replace(&format!("127.0.0.1:{other}"), &format!("127.0.0.2:{other}"));
    fs::write(&file, text).expect("a settings file");
    assert!(reload(other).ok());
    assert!(http::get(&format!("http://127.0.0.2:{other}/healthz")).ok());
    assert!(studio.stop().success());
}
