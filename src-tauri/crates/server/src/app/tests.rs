use media::{Origin, Packet, TrackId};

use crate::testing::{Desk, TOKEN};

const SDP: (&str, &str) = ("content-type", "application/sdp");
const JSON: (&str, &str) = ("content-type", "application/json");

fn bearer() -> (&'static str, String) {
    ("authorization", format!("Bearer {TOKEN}"))
}

#[tokio::test]
async fn pages_and_their_headers() {
    let desk = Desk::new();
    for path in [
        "/",
        "/watch/program",
        "/watch/a-b_1",
        "/broadcast",
        "/library",
        "/doctor",
        "/dashboard",
        "/u/anna",
        "/studio",
    ] {
        let got = desk.get(path).await;
        assert_eq!(got.status, 200, "{path}");
        assert_eq!(
            got.header("content-type"),
            "text/html; charset=utf-8",
            "{path}"
        );
        assert_eq!(got.header("cache-control"), "no-cache", "{path}");
        assert!(
            got.text().to_lowercase().contains("<!doctype html>"),
            "{path}"
        );
        let policy = got.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
        assert!(!policy.contains("unsafe-eval") && !policy.contains("script-src 'self' 'unsafe"));
        assert_eq!(got.header("x-content-type-options"), "nosniff");
        assert_eq!(got.header("x-frame-options"), "DENY");
        // Under that policy an inline script would not run.
        for tag in got.text().split("<script").skip(1) {
            let tag = tag.split('>').next().unwrap();
            assert!(tag.contains("src="), "{path}: <script{tag}>");
        }
    }
}

#[tokio::test]
async fn a_page_that_has_not_changed_is_not_sent_again() {
    let desk = Desk::new();
    let etag = desk.get("/").await.header("etag").to_owned();
    for given in [
        etag.clone(),
        format!("W/{etag}"),
        format!("\"x\", {etag}"),
        "*".into(),
    ] {
        let got = desk.ask("GET", "/", &[("if-none-match", &given)], "").await;
        assert_eq!((got.status, got.body.len()), (304, 0), "{given}");
        assert_eq!(got.header("etag"), etag);
    }
    let got = desk
        .ask("GET", "/", &[("if-none-match", "\"old\"")], "")
        .await;
    assert_eq!(got.status, 200);
}

#[tokio::test]
async fn hashed_files_are_kept_for_good_and_text_is_compressed() {
    let desk = Desk::new();
    let page = desk.get("/").await;
    let Some(script) = page
        .text()
        .split("src=\"")
        .nth(1)
        .and_then(|s| s.split('"').next())
    else {
        eprintln!("skipped: the pages are not built, so there is no file to ask for");
        return;
    };
    let plain = desk.get(script).await;
    assert_eq!(plain.status, 200, "{script}");
    assert_eq!(
        plain.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    assert!(plain.header("content-type").contains("javascript"));
    let packed = desk
        .ask("GET", script, &[("accept-encoding", "br, gzip")], "")
        .await;
    assert_eq!(packed.header("content-encoding"), "br");
    assert!(packed.body.len() * 2 < plain.body.len());
}

#[tokio::test]
async fn nothing_outside_the_pages_is_served() {
    let desk = Desk::new();
    for path in [
        "/../Cargo.toml",
        "/assets/../../Cargo.toml",
        "/%2e%2e/Cargo.toml",
        "/..%2fCargo.toml",
        "/assets/%2e%2e/%2e%2e/Cargo.toml",
        "/..%5cCargo.toml",
        "/etc/passwd",
        "//etc/passwd",
        "/.placeholder",
        "/assets/",
        "/nothing",
        "/index.html/",
        "/watch/",
        "/watch/a%2fb",
        "/watch/..%2f..",
        "/api/nothing",
        "/hls/x",
        "/%00",
    ] {
        let got = desk.get(path).await;
        assert_eq!(got.status, 404, "{path}");
        assert!(
            !got.text().contains("[package]") && !got.text().contains("root:"),
            "{path}"
        );
    }
}

/// Who looks for a page is shown one that says so; a program gets a line.
#[tokio::test]
async fn who_looks_for_a_page_that_is_not_there_is_shown_one() {
    let desk = Desk::new();
    for path in ["/nothing", "/watch/bad%20name!"] {
        let got = desk
            .ask("GET", path, &[("accept", "text/html,*/*;q=0.8")], "")
            .await;
        assert_eq!(got.status, 404, "{path}");
        assert!(got.header("content-type").starts_with("text/html"));
        assert!(got.text().contains("<script"), "{path}");
        assert!(!desk.get(path).await.text().contains('<'), "{path}");
    }
}

#[tokio::test]
async fn who_is_live_is_told() {
    let desk = Desk::new();
    let list = desk.get("/api/channels").await.json();
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert_eq!(list[0]["name"], "program");
    assert_eq!(list[0]["state"], "waiting");
    assert_eq!(list[0]["since"], serde_json::Value::Null);
    assert_eq!(list[0]["title"], "A <b>title</b>");

    let mut program = desk.live("program", Origin::Program);
    let _phone = desk.live("phone", Origin::Whip);
    program.set_title("Sunday".into());
    let list = desk.get("/api/channels").await.json();
    let names: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|c| &c["name"])
        .collect();
    assert_eq!(names, ["phone", "program"]);
    let one = desk.get("/api/channels/program").await.json();
    assert_eq!(one, list[1]);
    assert_eq!(one["title"], "Sunday");
    assert_eq!(one["state"], "live");
    assert!(one["since"].as_i64().unwrap() > 1_600_000_000_000);
    assert_eq!(one["viewers"], serde_json::json!({ "whep": 0, "hls": 0 }));
    assert_eq!(
        one["tracks"],
        serde_json::json!([
            { "kind": "video", "codec": "H.264", "width": 1280, "height": 720, "fps": 30.0, "bitrate": 2_500_000 },
            { "kind": "audio", "codec": "Opus", "sample_rate": 48000, "bitrate": 128_000 },
        ])
    );
    assert_eq!(list[0]["source"], "whip");

    assert_eq!(desk.get("/api/channels/nobody").await.status, 404);
    assert_eq!(desk.get("/api/channels/a.b").await.status, 404);
    drop(program);
    assert_eq!(
        desk.get("/api/channels/program").await.json()["state"],
        "waiting"
    );
}

#[tokio::test]
async fn the_picture_is_of_what_is_live() {
    let desk = Desk::new();
    let path = "/api/channels/program/picture.jpg";
    desk.control.show(1);
    assert_eq!(
        desk.get(path).await.status,
        404,
        "off air it is nobody's business"
    );
    let _program = desk.live("program", Origin::Program);
    let got = desk.get(path).await;
    assert_eq!(got.status, 200);
    assert_eq!(got.header("content-type"), "image/jpeg");
    assert_eq!(got.body[..2], [0xFF, 0xD8]);
    let _phone = desk.live("phone", Origin::Whip);
    assert_eq!(
        desk.get("/api/channels/phone/picture.jpg").await.status,
        404
    );
}

#[tokio::test]
async fn commands_need_the_token_and_make_sense() {
    let desk = Desk::new();
    let (name, token) = bearer();
    let auth = (name, token.as_str());
    let undo = r#"{"command":"undo"}"#;
    let title = r#"{"command":"set_title","title":"x"}"#;
    let huge = format!(
        r#"{{"command":"set_title","title":"{}"}}"#,
        "x".repeat(5 << 20)
    );
    for (headers, body, expect) in [
        (vec![auth, JSON], title, 204),
        (
            vec![auth, ("content-type", "application/json; charset=utf-8")],
            title,
            204,
        ),
        (vec![JSON], title, 401),
        (vec![("authorization", "Bearer wrong"), JSON], title, 401),
        (vec![("authorization", "Basic x"), JSON], title, 401),
        (vec![auth], title, 415),
        (vec![auth, ("content-type", "text/plain")], title, 415),
        (vec![auth, JSON], "", 400),
        (vec![auth, JSON], "{", 400),
        (vec![auth, JSON], r#"{"command":"explode"}"#, 400),
        (vec![auth, JSON], r#"{"command":"set_title"}"#, 400),
        (vec![auth, JSON], huge.as_str(), 413),
        (vec![auth, JSON], undo, 409),
        (
            vec![auth, JSON, ("origin", "http://192.168.1.20:8080")],
            title,
            204,
        ),
        (
            vec![auth, JSON, ("origin", "https://evil.example")],
            title,
            403,
        ),
        (vec![auth, JSON, ("host", "evil.example")], title, 421),
    ] {
        let got = desk
            .ask("POST", "/api/commands", &headers, body.to_owned())
            .await;
        assert_eq!(
            got.status,
            expect,
            "{headers:?} {:.60}: {}",
            body,
            got.text()
        );
        if expect != 204 {
            let problem = got.json();
            assert!(
                problem["code"].is_string() && problem["message"].is_string(),
                "{problem}"
            );
        }
        if expect == 401 {
            assert_eq!(got.header("www-authenticate"), "Bearer");
        }
    }
    assert_eq!(desk.control.commands.lock().len(), 3);
    assert_eq!(desk.get("/api/commands").await.status, 405);

    assert_eq!(desk.get("/api/snapshot").await.status, 401);
    let in_query = desk.get(&format!("/api/snapshot?token={TOKEN}")).await;
    assert_eq!(
        in_query.status, 401,
        "only WebSockets, which cannot set headers, take it there"
    );
    let got = desk.ask("GET", "/api/snapshot", &[auth], "").await;
    assert_eq!(
        (got.status, got.json()["title"].as_str()),
        (200, Some("A <b>title</b>"))
    );
}

#[tokio::test]
async fn whep_says_what_its_draft_says() {
    let desk = Desk::new();
    let _live = desk.live("program", Origin::Program);
    for path in ["/program/whep", "/webrtc/program/whep"] {
        let got = desk.ask("POST", path, &[SDP], "offer").await;
        assert_eq!(got.status, 201, "{}", got.text());
        assert_eq!(got.header("content-type"), "application/sdp");
        assert_eq!(got.header("etag"), "\"e1\"");
        let location = got.header("location").to_owned();
        assert!(
            location.starts_with(&format!("{path}/session-")),
            "{location}"
        );
        assert!(
            got.header("access-control-expose-headers")
                .contains("Location")
        );
        assert!(got.header("access-control-allow-origin").is_empty());
        assert!(got.text().starts_with("v=0"));
        let shown = desk.get("/api/channels/program").await.json();
        assert_eq!(shown["viewers"]["whep"], 1);

        for method in ["GET", "POST", "PUT"] {
            let got = desk.ask(method, &location, &[SDP], "").await;
            assert_eq!(got.status, 405, "{method}");
            assert!(
                got.header("allow").contains("DELETE"),
                "{method}: {}",
                got.header("allow")
            );
        }
        assert_eq!(desk.ask("DELETE", &location, &[], "").await.status, 200);
        assert_eq!(desk.ask("DELETE", &location, &[], "").await.status, 404);

        let got = desk.ask("OPTIONS", path, &[], "").await;
        assert_eq!(
            (got.status, got.header("accept-post")),
            (204, "application/sdp")
        );
        assert_eq!(desk.get(path).await.status, 405);
    }
}

#[tokio::test]
async fn offers_that_get_no_answer() {
    let desk = Desk::new();
    let _live = desk.live("program", Origin::Program);
    let huge = "x".repeat(64 * 1024 + 1);
    for (path, headers, body, expect) in [
        ("/program/whep", vec![], "offer", 415),
        (
            "/program/whep",
            vec![("content-type", "application/json")],
            "offer",
            415,
        ),
        (
            "/program/whep",
            vec![("content-type", "application/sdpx")],
            "offer",
            415,
        ),
        (
            "/program/whep",
            vec![("content-type", "Application/SDP; charset=utf-8")],
            "offer",
            201,
        ),
        ("/program/whep", vec![SDP], "malformed", 400),
        ("/program/whep", vec![SDP], "too many", 422),
        ("/program/whep", vec![SDP], "sends", 422),
        ("/program/whep", vec![SDP], "vp8", 406),
        ("/program/whep", vec![SDP], "full", 503),
        ("/program/whep", vec![SDP], huge.as_str(), 413),
        ("/nobody/whep", vec![SDP], "offer", 404),
        ("/a%20b/whep", vec![SDP], "offer", 404),
        (
            "/program/whep",
            vec![SDP, ("origin", "https://evil.example")],
            "offer",
            403,
        ),
        ("/program/whep", vec![SDP, ("origin", "null")], "offer", 403),
        (
            "/program/whep",
            vec![SDP, ("host", "evil.example")],
            "offer",
            421,
        ),
    ] {
        let got = desk.ask("POST", path, &headers, body.to_owned()).await;
        assert_eq!(
            got.status,
            expect,
            "{path} {headers:?} {body:.20}: {}",
            got.text()
        );
        if matches!(expect, 404 | 503) && path != "/a%20b/whep" {
            assert!(!got.header("retry-after").is_empty(), "{path} {body}");
        }
        if expect == 415 {
            assert_eq!(got.header("accept-post"), "application/sdp");
        }
    }
    let not_text = desk
        .ask("POST", "/program/whep", &[SDP], vec![0xFF, 0xFE, 0x00])
        .await;
    assert_eq!(not_text.status, 400);
}

#[tokio::test]
async fn pages_of_allowed_origins_may_read_and_others_not() {
    let desk = Desk::new();
    let _live = desk.live("program", Origin::Program);
    let asked = ("access-control-request-method", "POST");
    let friend = ("origin", "https://club.example");
    let stranger = ("origin", "https://evil.example");
    for path in ["/program/whep", "/api/channels", "/program/whep/session-1"] {
        let got = desk.ask("OPTIONS", path, &[friend, asked], "").await;
        assert_eq!(got.status, 204, "{path}");
        assert_eq!(
            got.header("access-control-allow-origin"),
            "https://club.example"
        );
        assert!(
            got.header("access-control-allow-methods")
                .contains("DELETE")
        );
        assert!(
            got.header("access-control-allow-headers")
                .contains("Content-Type")
        );
        let got = desk.ask("OPTIONS", path, &[stranger, asked], "").await;
        assert!(
            got.header("access-control-allow-origin").is_empty(),
            "{path}"
        );
    }
    let got = desk
        .ask("POST", "/program/whep", &[SDP, friend], "offer")
        .await;
    assert_eq!(got.status, 201);
    assert_eq!(
        got.header("access-control-allow-origin"),
        "https://club.example"
    );
    assert!(
        got.header("access-control-expose-headers")
            .contains("Location")
    );
    assert!(got.header("vary").contains("Origin"));
    let got = desk.ask("GET", "/api/channels", &[stranger], "").await;
    assert_eq!(got.status, 200);
    assert!(got.header("access-control-allow-origin").is_empty());
}

#[tokio::test]
async fn figures_have_names_and_words() {
    let desk = Desk::new();
    let mut live = desk.live("program", Origin::Program);
    live.write(Packet {
        track: TrackId(1),
        pts: media::Timestamp::ZERO,
        dts: media::Timestamp::ZERO,
        keyframe: true,
        data: vec![0; 99].into(),
    });
    desk.ask("POST", "/program/whep", &[SDP], "offer").await;
    desk.get("/nothing").await;
    desk.ask("BREW", "/made-up", &[], "").await;
    let got = desk.get("/metrics").await;
    assert!(
        got.header("content-type")
            .starts_with("text/plain; version=0.0.4")
    );
    for line in [
        "klieg_channels 1",
        "klieg_viewers{channel=\"program\",kind=\"whep\"} 1",
        "klieg_viewers{channel=\"program\",kind=\"hls\"} 0",
        "klieg_channel_bytes_total{channel=\"program\"} 99",
        "klieg_channel_packets_total{channel=\"program\"} 1",
        "klieg_program_frames_total 1234",
        "klieg_program_skipped_frames_total 0",
        "klieg_http_requests_total{method=\"POST\",route=\"/{channel}/whep\",status=\"201\"} 1",
        "klieg_http_requests_total{method=\"GET\",route=\"other\",status=\"404\"} 1",
        "klieg_http_requests_total{method=\"other\",route=\"other\",status=\"405\"} 1",
        "# TYPE klieg_viewers gauge",
        "# TYPE klieg_channel_bytes_total counter",
        "# HELP klieg_channels Channels that are live.",
    ] {
        assert!(
            got.text().lines().any(|l| l == line),
            "no {line:?} in\n{}",
            got.text()
        );
    }
    drop(live);
    let got = desk.get("/metrics").await;
    assert!(
        !got.text().contains("channel=\"program\""),
        "an ended channel leaves nothing"
    );
}

#[tokio::test]
async fn health() {
    let got = Desk::new().get("/healthz").await;
    assert_eq!(
        (got.status, got.json()["status"].as_str()),
        (200, Some("ok"))
    );
}

#[tokio::test]
async fn hls_of_what_is_not_live() {
    let desk = Desk::new();
    for path in [
        "/hls/program/index.m3u8",
        "/hls/program/media.m3u8",
        "/hls/a.b/index.m3u8",
    ] {
        assert_eq!(desk.get(path).await.status, 404, "{path}");
    }
    assert_eq!(
        desk.get("/hls/program/index.m3u8")
            .await
            .header("retry-after"),
        "2"
    );
}

#[test]
fn films_may_be_played_from_where_the_host_keeps_them_and_nothing_else_comes_from_there() {
    let plain = super::policy(&[]);
    assert_eq!(plain, super::CONTENT_SECURITY_POLICY);
    let with = super::policy(&[
        "https://s3.example.org".into(),
        "https://x; script-src *".into(),
    ]);
    let with = with.to_str().unwrap();
    assert!(
        with.contains("media-src 'self' blob: https://s3.example.org; "),
        "{with}"
    );
    assert!(with.contains("script-src 'self'; ") && with.matches("script-src").count() == 1);
    assert_eq!(with.matches("s3.example.org").count(), 1);
}

#[tokio::test]
async fn a_person_who_looks_for_a_page_that_is_not_there_is_shown_one() {
    let desk = Desk::new();
    let browser = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
    for (path, headers, kind) in [
        ("/no/such/page", vec![browser], "text/html; charset=utf-8"),
        (
            "/no%20such%20page",
            vec![browser],
            "text/html; charset=utf-8",
        ),
        (
            "/no/such/page",
            vec![("accept", "*/*")],
            "text/plain; charset=utf-8",
        ),
        ("/assets/gone.js", vec![], "text/plain; charset=utf-8"),
    ] {
        let got = desk.ask("GET", path, &headers, "").await;
        assert_eq!(
            (got.status, got.header("content-type")),
            (404, kind),
            "{path}"
        );
        let etag = got.header("etag").to_owned();
        // It is never taken for a page that is there.
        let again = [browser, ("if-none-match", etag.as_str())];
        assert_eq!(desk.ask("GET", path, &again, "").await.status, 404);
        assert!(
            got.header("content-security-policy")
                .contains("default-src 'none'")
        );
    }
    let api = desk.ask("GET", "/api/nothing", &[browser], "").await;
    assert_eq!(
        (api.status, api.header("content-type")),
        (404, "application/json")
    );
}
