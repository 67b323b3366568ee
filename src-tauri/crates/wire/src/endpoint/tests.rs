use super::*;

fn client(url: &str, bearer: &str) -> Result<Client, PublishError> {
    let target = Target {
        url: url.into(),
        bearer: bearer.into(),
    };
    Client::new(Protocol::Whip, &target, &Roots::default())
}

#[test]
fn only_web_addresses_are_endpoints() {
    for url in [
        "",
        "whip",
        "rtmp://a/b",
        "http://",
        "file:///etc/passwd",
        "a b",
    ] {
        let error = client(url, "").unwrap_err();
        assert!(
            matches!(error, PublishError::Impossible(_)),
            "{url}: {error}"
        );
    }
    let error = client("https://a.example/whip", "line\nbreak").unwrap_err();
    assert!(matches!(error, PublishError::Impossible(_)), "{error}");
}

#[test]
fn names_show_no_secrets() {
    let client = client(
        "https://user:pass@a.example:8443/room/whip?key=s3cret",
        "t0ken",
    )
    .unwrap();
    assert_eq!(client.name(), "a.example:8443/room/whip");
    // Without a token the path may be the key.
    let keyed = self::client("https://a.example/s3cret/publish?x=1", "").unwrap();
    assert_eq!(keyed.name(), "a.example");
    let target = Target {
        url: "https://a.example/s3cret".into(),
        bearer: "t0ken".into(),
    };
    let shown = format!("{target:?}");
    assert!(
        !shown.contains("s3cret") && !shown.contains("t0ken"),
        "{shown}"
    );
}

#[test]
fn what_is_on_this_machine() {
    for (url, local) in [
        ("http://127.0.0.1:8080/whip", true),
        ("http://[::1]/whip", true),
        ("http://localhost/whip", true),
        ("https://a.example/whip", false),
        ("http://192.168.0.9/whip", false),
    ] {
        assert_eq!(client(url, "").unwrap().is_local(), local, "{url}");
    }
}

#[test]
fn recommended_servers_are_read_from_link_headers() {
    let mut headers = HeaderMap::new();
    for value in [
        "<stun:stun.example.net>; rel=\"ice-server\"",
        "<turn:turn.example.net?transport=udp>; rel=\"ice-server\"; username=\"us,er\"; \
         credential=\"my;Pass\\\"word\"; credential-type=\"password\", <https://x>; rel=next",
        "<javascript:alert(1)>; rel=\"ice-server\"",
        "nonsense",
        "<turn:later.example.net>; rel=\"preload\"",
    ] {
        headers.append(LINK, HeaderValue::from_static(value));
    }
    let server = |url: &str, username: &str, credential: &str| IceServer {
        url: url.into(),
        username: username.into(),
        credential: credential.into(),
    };
    let expect = [
        server("stun:stun.example.net", "", ""),
        server(
            "turn:turn.example.net?transport=udp",
            "us,er",
            "my;Pass\"word",
        ),
    ];
    assert_eq!(ice_servers(&headers), expect);
}

#[test]
fn locations_are_relative_to_where_they_came_from() {
    let base = Url::parse("https://a.example/live/whip?x=1").unwrap();
    for (location_header, expect) in [
        ("/sessions/7", Some("https://a.example/sessions/7")),
        ("s/7", Some("https://a.example/live/s/7")),
        ("//b.example/7", Some("https://b.example/7")),
        ("https://c.example/7", Some("https://c.example/7")),
        ("ftp://c.example/7", None),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(LOCATION, HeaderValue::from_static(location_header));
        let found = location(&base, &headers).map(String::from);
        assert_eq!(found.as_deref(), expect, "{location_header}");
    }
    assert_eq!(location(&base, &HeaderMap::new()), None);
}
