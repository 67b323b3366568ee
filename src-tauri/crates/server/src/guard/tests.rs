use axum::http::Request;
use axum::response::IntoResponse;

use super::*;

fn guard() -> Guard {
    Guard::new(
        &["Klieg.Example.org".into()],
        &["https://club.example".into()],
    )
}

fn ask(method: &str, uri: &str, headers: &[(&str, &str)]) -> Result<Allowed, u16> {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(()).unwrap();
    guard()
        .check(request.method(), request.uri(), request.headers())
        .map_err(|refusal| refusal.into_response().status().as_u16())
}

#[test]
fn only_names_that_no_stranger_can_give_us_are_answered() {
    for (host, expect) in [
        ("127.0.0.1:8080", 200),
        ("192.168.1.20", 200),
        ("[::1]:8080", 200),
        ("[fe80::1]", 200),
        ("localhost", 200),
        ("LOCALHOST:1", 200),
        ("localhost.", 200),
        ("klieg.local:8080", 200),
        ("klieg.example.org", 200),
        ("KLIEG.example.org:9", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost.evil.example", 421),
        ("evil-klieg.example.org", 421),
        ("local", 421),
        ("xlocal", 421),
        ("", 400),
        ("a b", 400),
        ("user@127.0.0.1", 400),
        ("127.0.0.1:99:99", 400),
        ("http://127.0.0.1", 400),
    ] {
        let got = ask("GET", "/", &[("host", host)]).map_or_else(|status| status, |_| 200);
        assert_eq!(got, expect, "{host}");
    }
    assert_eq!(ask("GET", "/", &[]), Err(400), "no host at all");
    assert_eq!(
        ask("GET", "http://evil.example/", &[("host", "127.0.0.1")]),
        Err(421),
        "the absolute form is what counts"
    );
}

#[test]
fn foreign_pages_change_nothing() {
    let host = ("host", "192.168.1.20:8080");
    for (method, path, origin, expect) in [
        ("POST", "/api/commands", None, Ok(false)),
        (
            "POST",
            "/api/commands",
            Some("http://192.168.1.20:8080"),
            Ok(true),
        ),
        (
            "POST",
            "/x/whep",
            Some("http://192.168.1.20:5173"),
            Ok(true),
        ),
        ("POST", "/x/whep", Some("https://192.168.1.20"), Ok(true)),
        ("POST", "/x/whep", Some("https://club.example"), Ok(true)),
        ("GET", "/api/preview", Some("tauri://localhost"), Ok(true)),
        ("POST", "/x/whep", Some("https://evil.example"), Err(403)),
        (
            "POST",
            "/x/whep",
            Some("https://club.example:444"),
            Err(403),
        ),
        ("POST", "/x/whep", Some("null"), Err(403)),
        ("DELETE", "/x/whep/1", Some("http://192.168.1.21"), Err(403)),
        ("POST", "/x/whep", Some("file://192.168.1.20"), Err(403)),
        (
            "GET",
            "/socket.io/?EIO=4",
            Some("http://evil.example"),
            Err(403),
        ),
        (
            "GET",
            "/api/channels",
            Some("http://evil.example"),
            Ok(false),
        ),
        ("OPTIONS", "/x/whep", Some("http://evil.example"), Ok(false)),
    ] {
        let mut headers = vec![host];
        headers.extend(origin.map(|o| ("origin", o)));
        let got = ask(method, path, &headers).map(|allowed| allowed.origin.is_some());
        assert_eq!(got, expect, "{method} {path} from {origin:?}");
    }
    let upgrade = [
        host,
        ("origin", "http://evil.example"),
        ("upgrade", "websocket"),
    ];
    assert_eq!(ask("GET", "/api/events", &upgrade), Err(403));
}
