use super::*;
use crate::IceServer;
use crate::sdp::{FRAGMENT, SDP};
use crate::testing::{Desk, TOKEN};
use crate::{Policy, Rules};

const SDP_TYPE: (&str, &str) = ("content-type", SDP);
const FRAGMENT_TYPE: (&str, &str) = ("content-type", FRAGMENT);
const LINES: &str = "a=ice-ufrag:abcd\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\na=end-of-candidates\r\n";

fn open() -> Rules {
    Rules {
        policy: Policy::Open,
        ..Rules::default()
    }
}

fn auth() -> String {
    format!("Bearer {TOKEN}")
}

#[tokio::test]
async fn whip_says_what_its_rfc_says() {
    let desk = Desk::new();
    let key = auth();
    let key = ("authorization", key.as_str());
    for (path, channel) in [("/phone/whip", "phone"), ("/webrtc/tablet/whip", "tablet")] {
        let got = desk.ask("POST", path, &[SDP_TYPE, key], "offer").await;
        assert_eq!(got.status, 201, "{}", got.text());
        assert_eq!(got.header("content-type"), SDP);
        assert_eq!(got.header("etag"), "\"e1\"");
        assert_eq!(got.header("cache-control"), "no-store");
        for header in ["Location", "ETag", "Link"] {
            let exposed = got.header("access-control-expose-headers");
            assert!(exposed.contains(header), "{exposed}");
        }
        let location = got.header("location").to_owned();
        let begins = format!("{path}/publisher-");
        assert!(location.starts_with(&begins), "{location}");
        let shown = desk.get(&format!("/api/channels/{channel}")).await.json();
        assert_eq!(
            (&shown["state"], &shown["source"]),
            (&"live".into(), &"whip".into())
        );
        // The channel is taken.
        let again = desk.ask("POST", path, &[SDP_TYPE, key], "offer").await;
        assert_eq!(again.status, 409);

        for method in ["GET", "POST", "PUT"] {
            let got = desk.ask(method, &location, &[SDP_TYPE, key], "").await;
            assert_eq!(got.status, 405, "{method}");
            let allow = got.header("allow");
            assert!(
                allow.contains("PATCH") && allow.contains("DELETE"),
                "{allow}"
            );
        }
        // Watching knows nothing of it.
        let watching = location.replace("/whip/", "/whep/");
        assert_eq!(desk.ask("DELETE", &watching, &[key], "").await.status, 404);
        for matched in ["\"e1\"", "*"] {
            let headers = [FRAGMENT_TYPE, ("if-match", matched)];
            let got = desk.ask("PATCH", &watching, &headers, LINES).await;
            assert_eq!(got.status, 404, "{matched}");
        }
        assert_eq!(desk.ask("DELETE", &location, &[], "").await.status, 401);
        assert_eq!(desk.ask("DELETE", &location, &[key], "").await.status, 200);
        assert_eq!(desk.ask("DELETE", &location, &[key], "").await.status, 404);

        let got = desk.ask("OPTIONS", path, &[], "").await;
        assert_eq!((got.status, got.header("accept-post")), (204, SDP));
        let got = desk.ask("OPTIONS", &location, &[], "").await;
        assert_eq!((got.status, got.header("accept-patch")), (204, FRAGMENT));
        assert_eq!(desk.get(path).await.status, 405);
    }
}

#[tokio::test]
async fn fragments_are_taken_for_the_ice_session_that_is() {
    let desk = Desk::new();
    let _live = desk.live("stage", Origin::Whip);
    let key = auth();
    let key = ("authorization", key.as_str());
    let same = ("if-match", "\"e1\"");
    let huge = LINES.repeat(300);
    for path in ["/phone/whip", "/stage/whep"] {
        let got = desk.ask("POST", path, &[SDP_TYPE, key], "offer").await;
        let location = got.header("location").to_owned();
        for (headers, body, expect) in [
            (vec![key, FRAGMENT_TYPE, same], LINES, 204),
            (vec![key, FRAGMENT_TYPE], LINES, 428),
            (vec![key, FRAGMENT_TYPE, ("if-match", "\"e0\"")], LINES, 412),
            (vec![key, FRAGMENT_TYPE, ("if-match", "*")], LINES, 422),
            (vec![key, SDP_TYPE, same], LINES, 415),
            (vec![key, same], LINES, 415),
            (vec![key, FRAGMENT_TYPE, same], "nonsense", 400),
            (vec![key, FRAGMENT_TYPE, same], &huge, 413),
        ] {
            let got = desk
                .ask("PATCH", &location, &headers, body.to_owned())
                .await;
            assert_eq!(got.status, expect, "{path} {headers:?}: {}", got.text());
            assert!(got.header("etag").is_empty());
            if expect == 415 {
                assert_eq!(got.header("accept-patch"), FRAGMENT);
            }
        }
        // What was taken has gone where it is used.
        let session = location.rsplit('/').next().unwrap().to_owned();
        let taken = std::mem::take(&mut *desk.peers.trickled.lock());
        assert_eq!(taken, [(session, LINES.to_owned())], "{path}");
    }
}

#[tokio::test]
async fn a_publishers_fragments_come_with_its_key() {
    let desk = Desk::new();
    let key = auth();
    let key = ("authorization", key.as_str());
    let got = desk
        .ask("POST", "/phone/whip", &[SDP_TYPE, key], "offer")
        .await;
    let location = got.header("location").to_owned();
    let same = ("if-match", "\"e1\"");
    for headers in [
        vec![FRAGMENT_TYPE, same],
        vec![("authorization", "Bearer no"), FRAGMENT_TYPE, same],
    ] {
        let got = desk.ask("PATCH", &location, &headers, LINES).await;
        assert_eq!(got.status, 401, "{headers:?}: {}", got.text());
    }
    let other = location.replace("phone", "tablet");
    let headers = [key, FRAGMENT_TYPE, same];
    assert_eq!(desk.ask("PATCH", &other, &headers, LINES).await.status, 404);
    assert!(desk.peers.trickled.lock().is_empty());
}

#[tokio::test]
async fn an_address_opens_a_bounded_number_of_sessions() {
    let desk = Desk::ruled(open());
    let _live = desk.live("stage", Origin::Whip);
    let post = |path: &'static str, from: [u8; 4]| {
        let request = axum::http::Request::builder()
            .method("POST")
            .uri(path)
            .header("host", "192.168.1.20:8080")
            .header("content-type", SDP)
            .body(axum::body::Body::from("offer"))
            .unwrap();
        desk.send(request, (from, 9).into())
    };
    let neighbour = [192, 168, 1, 9];
    for n in 0..200 {
        let got = post("/stage/whep", neighbour).await;
        assert_eq!(got.status, 201, "{n}: {}", got.text());
    }
    // Watching and publishing are one budget, which refills by the clock: twenty a second.
    let mut refused = 0;
    for n in 0..100 {
        let path = ["/stage/whep", "/webrtc/stage/whep", "/phone/whip"][n % 3];
        let got = post(path, neighbour).await;
        if got.status == 429 {
            assert!(!got.header("retry-after").is_empty(), "{path}");
            let words = got.json()["message"].as_str().unwrap().to_owned();
            assert!(words.contains("sessions"), "{words}");
            refused += 1;
        }
    }
    assert!(refused > 0);
    assert!(desk.peers.open.lock().len() <= 256);
    // Others, and this machine, do not pay for it.
    assert_eq!(post("/stage/whep", [192, 168, 1, 10]).await.status, 201);
    for _ in 0..1_000 {
        assert_eq!(post("/stage/whep", [127, 0, 0, 1]).await.status, 201);
    }
    // Who waits for a channel that is not live takes nothing.
    for _ in 0..300 {
        assert_eq!(post("/later/whep", [192, 168, 1, 11]).await.status, 404);
    }
    assert_eq!(post("/stage/whep", [192, 168, 1, 11]).await.status, 201);
}

#[tokio::test]
async fn ice_is_restarted_for_whoever_may() {
    let desk = Desk::ruled(open());
    let _live = desk.live("stage", Origin::Whip);
    let lines = LINES.replace("a=mid", "a=ice-pwd:0123456789012345678901\r\na=mid");
    for path in ["/phone/whip", "/stage/whep"] {
        let got = desk.ask("POST", path, &[SDP_TYPE], "offer").await;
        let location = got.header("location").to_owned();
        let any = [FRAGMENT_TYPE, ("if-match", "*")];
        let got = desk.ask("PATCH", &location, &any, lines.clone()).await;
        assert_eq!(got.status, 200, "{path}: {}", got.text());
        assert_eq!(got.header("etag"), "\"e2\"");
        assert_eq!(got.header("content-type"), FRAGMENT);
        let text = "m=audio 9 RTP/AVP 0\r\na=mid:0\r\na=ice-ufrag:new\r\n";
        assert_eq!(got.text(), text);
        let got = desk.ask("PATCH", &location, &any, LINES).await;
        assert_eq!(got.status, 422, "{path}: {}", got.text());
        let gone = location.replace("er-1", "er-9").replace("ion-1", "ion-9");
        let got = desk.ask("PATCH", &gone, &any, lines.clone()).await;
        assert_eq!(got.status, 404, "{path}");
    }
}

#[tokio::test]
async fn browsers_are_told_of_the_servers_that_help_to_a_path() {
    let desk = Desk::ruled(open());
    let _live = desk.live("stage", Origin::Whip);
    for path in ["/phone/whip", "/stage/whep"] {
        let got = desk.ask("OPTIONS", path, &[], "").await;
        assert!(got.header("link").is_empty());
    }
    let urls = ["stun:10.0.0.1:3478", "turn:10.0.0.1:3478?transport=udp"].map(str::to_owned);
    let server = IceServer::new(&urls, Some("guest"), Some("secret")).unwrap();
    desk.app.ice_servers.write().push(server);
    for path in ["/tablet/whip", "/stage/whep"] {
        for method in ["OPTIONS", "POST"] {
            let got = desk.ask(method, path, &[SDP_TYPE], "offer").await;
            let links: Vec<_> = got.headers.get_all("link").iter().collect();
            let [stun, turn] = &links[..] else {
                panic!("{method} {path}: {links:?}");
            };
            assert_eq!(*stun, "<stun:10.0.0.1:3478>; rel=\"ice-server\"");
            let turn = turn.to_str().unwrap();
            assert!(
                turn.contains("rel=\"ice-server\"; username=\"guest\""),
                "{turn}"
            );
        }
    }
}

#[tokio::test]
async fn offers_to_publish_that_get_no_answer_leave_no_channel() {
    let desk = Desk::ruled(open());
    let huge = "x".repeat(64 * 1024 + 1);
    for (path, headers, body, expect) in [
        ("/phone/whip", vec![], "offer", 415),
        ("/phone/whip", vec![SDP_TYPE], "malformed", 400),
        ("/phone/whip", vec![SDP_TYPE], "too many", 422),
        ("/phone/whip", vec![SDP_TYPE], "receives", 422),
        ("/phone/whip", vec![SDP_TYPE], "vp8 alone", 406),
        ("/phone/whip", vec![SDP_TYPE], "full", 503),
        ("/phone/whip", vec![SDP_TYPE], huge.as_str(), 413),
        ("/a%20b/whip", vec![SDP_TYPE], "offer", 404),
        ("/program/whip", vec![SDP_TYPE], "offer", 409),
        (
            "/phone/whip",
            vec![SDP_TYPE, ("origin", "https://evil.example")],
            "offer",
            403,
        ),
    ] {
        let got = desk.ask("POST", path, &headers, body.to_owned()).await;
        assert_eq!(got.status, expect, "{path} {body:.20}: {}", got.text());
        assert_eq!(got.header("retry-after").is_empty(), expect != 503);
        assert!(desk.app.hub.channels().is_empty(), "{body:.20}");
    }
}

/// Whoever holds the key of a live channel takes it over, with an offer that has an answer.
#[tokio::test]
async fn an_offer_that_gets_no_answer_puts_nobody_out() {
    let desk = Desk::ruled(Rules {
        take_over: true,
        ..Rules::default()
    });
    let key = auth();
    let headers = [SDP_TYPE, ("authorization", key.as_str())];
    let post = async |body: &'static str| {
        let got = desk.ask("POST", "/phone/whip", &headers, body).await;
        got.status
    };
    assert_eq!(post("offer").await, 201);
    let name = "phone".parse().unwrap();
    let live = desk.app.hub.channel(&name).unwrap();
    for (body, expect) in [("malformed", 400), ("receives", 422), ("full", 503)] {
        assert_eq!(post(body).await, expect);
        assert!(!live.has_ended(), "{body}");
    }
    assert_eq!(post("offer").await, 201);
    assert!(live.has_ended());
    assert!(desk.app.hub.channel(&name).is_some());
}

/// Whom the host has ended is told, and stays out for a minute; nobody else does.
#[tokio::test]
async fn whom_the_host_has_ended_stays_out_for_a_minute() {
    let desk = Desk::new();
    let link = |name: &str| {
        let link = api::NewAccessLink {
            kind: api::LinkKind::Publish,
            name: name.into(),
            channel: None,
            expires: None,
        };
        let link = desk.app.access.links.create(link, 0).unwrap();
        format!("Bearer {}", link.word())
    };
    let [maria, paul] = ["Maria", "Paul"].map(link);
    let post = async |path: &'static str, key: &str| {
        let headers = [SDP_TYPE, ("authorization", key)];
        desk.ask("POST", path, &headers, "offer").await
    };
    assert_eq!(post("/stage/whip", &maria).await.status, 201);
    let now = desk.app.clock.now();
    desk.app.ingests.end(&desk.app.hub, "stage", now).unwrap();
    let got = post("/stage/whip", &maria).await;
    assert_eq!(got.status, 403, "{}", got.text());
    assert_eq!(got.json()["subject"], "ended");
    let told = got.json()["message"].as_str().unwrap().to_owned();
    assert!(told.starts_with("The host ended this broadcast."), "{told}");
    let secret = maria.strip_prefix("Bearer ").unwrap();
    let plain = format!("/ws?streamKey=stage&token={secret}");
    assert_eq!(desk.get(&plain).await.status, 403);

    assert_eq!(post("/stage/whip", &paul).await.status, 201);
    assert_eq!(post("/garden/whip", &maria).await.status, 201);
    desk.app.ingests.end(&desk.app.hub, "garden", now).unwrap();
    let publishers = desk.app.ingests.list(&desk.app.clock);
    assert_eq!(publishers.len(), 1, "{publishers:?}");
    for (seconds, may) in [(59, false), (60, true)] {
        let then = now + std::time::Duration::from_secs(seconds);
        let name = "garden".parse().unwrap();
        let pass = desk
            .app
            .judge(api::LinkKind::Publish, (secret, None), Some(&name))
            .unwrap();
        let got = desk.app.ingests.may_return(&name, &pass.holder, then);
        assert_eq!(got.is_ok(), may, "after {seconds} s");
    }
}

#[tokio::test]
async fn a_session_that_has_ended_is_gone() {
    let desk = Desk::ruled(open());
    desk.ask("POST", "/phone/whip", &[SDP_TYPE], "offer").await;
    desk.peers.publications.lock().clear();
    assert!(desk.app.hub.channels().is_empty());
    let got = desk.ask("POST", "/phone/whip", &[SDP_TYPE], "offer").await;
    assert_eq!(got.status, 201, "the name is free again");
    for publication in desk.peers.publications.lock().iter() {
        publication.end.cancel();
    }
    let location = got.header("location");
    assert_eq!(desk.ask("DELETE", location, &[], "").await.status, 404);
}

#[tokio::test]
async fn figures_tell_how_publishers_arrive() {
    let desk = Desk::ruled(open());
    desk.ask("POST", "/phone/whip", &[SDP_TYPE], "offer").await;
    let got = desk.get("/metrics").await;
    for line in [
        "klieg_publisher_packets_total{channel=\"phone\"} 10",
        "klieg_publisher_lost_packets_total{channel=\"phone\"} 3",
    ] {
        assert!(got.text().contains(line), "{line}");
    }
}

#[tokio::test]
async fn pages_of_allowed_origins_may_publish() {
    let desk = Desk::ruled(open());
    let friend = ("origin", "https://club.example");
    for (path, method) in [("/phone/whip", "POST"), ("/phone/whip/x", "PATCH")] {
        let asked = ("access-control-request-method", method);
        let got = desk.ask("OPTIONS", path, &[friend, asked], "").await;
        assert_eq!(got.status, 204);
        assert_eq!(got.header("access-control-allow-origin"), friend.1);
        assert!(got.header("access-control-allow-methods").contains(method));
        let headers = got.header("access-control-allow-headers");
        for header in ["Authorization", "Content-Type", "If-Match"] {
            assert!(headers.contains(header), "{headers}");
        }
    }
}

#[tokio::test]
async fn a_token_of_an_identity_provider_publishes_what_it_says() {
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::json;

    const SHARED: &str = "a shared key that is long enough to be one";
    let store = Arc::new(store::Store::in_memory().unwrap());
    let key = crate::JwtKey::new(SHARED, "klieg").unwrap();
    let desk = Desk::with(store, Rules::default(), Some(key));
    let now = desk.app.clock.unix_millis(desk.app.clock.now()) / 1000;
    let claims = json!({ "aud": "klieg", "sub": "stage", "scope": "publish", "exp": now + 60 });
    for (name, value, expect, why) in [
        ("scope", json!("watch"), 401, "(scope)"),
        ("aud", json!("other"), 401, "(aud)"),
        ("exp", json!(now - 3600), 401, "expired (exp)"),
        ("sub", json!("garden"), 401, "another channel"),
        ("scope", json!("publish"), 201, ""),
    ] {
        let mut claims = claims.clone();
        claims[name] = value;
        let secret = EncodingKey::from_secret(SHARED.as_bytes());
        let token = encode(&Header::default(), &claims, &secret).unwrap();
        let bearer = format!("Bearer {token}");
        let headers = [SDP_TYPE, ("authorization", bearer.as_str())];
        let got = desk.ask("POST", "/stage/whip", &headers, "offer").await;
        assert_eq!(got.status, expect, "{claims}: {}", got.text());
        assert!(got.text().contains(why), "{claims}: {}", got.text());
    }
}
