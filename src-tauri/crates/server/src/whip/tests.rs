use super::*;
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
    let key = auth();
    let key = ("authorization", key.as_str());
    let got = desk
        .ask("POST", "/phone/whip", &[SDP_TYPE, key], "offer")
        .await;
    let location = got.header("location").to_owned();
    let same = ("if-match", "\"e1\"");
    for (headers, body, expect) in [
        (vec![key, FRAGMENT_TYPE, same], LINES, 204),
        (vec![key, FRAGMENT_TYPE], LINES, 428),
        (vec![key, FRAGMENT_TYPE, ("if-match", "\"e0\"")], LINES, 412),
        (vec![key, FRAGMENT_TYPE, ("if-match", "*")], LINES, 422),
        (vec![key, SDP_TYPE, same], LINES, 415),
        (vec![key, same], LINES, 415),
        (vec![key, FRAGMENT_TYPE, same], "nonsense", 400),
        (vec![FRAGMENT_TYPE, same], LINES, 401),
        (
            vec![("authorization", "Bearer no"), FRAGMENT_TYPE, same],
            LINES,
            401,
        ),
    ] {
        let got = desk.ask("PATCH", &location, &headers, body).await;
        assert_eq!(got.status, expect, "{headers:?}: {}", got.text());
        assert!(got.header("etag").is_empty());
    }
    let other = location.replace("phone", "tablet");
    let headers = [key, FRAGMENT_TYPE, same];
    assert_eq!(desk.ask("PATCH", &other, &headers, LINES).await.status, 404);
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

#[test]
fn tags_are_compared_strongly() {
    for (given, expect) in [
        (vec![], Match::Missing),
        (vec!["*"], Match::Any),
        (vec!["\"e1\""], Match::Same),
        (vec!["\"e0\", \"e1\""], Match::Same),
        (vec!["\"e0\"", "\"e1\""], Match::Same),
        (vec!["W/\"e1\""], Match::Other),
        (vec!["e1"], Match::Other),
        (vec![""], Match::Other),
    ] {
        let mut headers = HeaderMap::new();
        for value in &given {
            headers.append(header::IF_MATCH, value.parse().unwrap());
        }
        assert_eq!(matches(&headers, "\"e1\""), expect, "{given:?}");
    }
}

#[test]
fn fragments_are_told_from_nonsense() {
    for (text, expect) in [
        (
            "a=ice-ufrag:abcd\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n",
            true,
        ),
        ("a=end-of-candidates", true),
        ("", false),
        ("\r\n", false),
        ("{}", false),
        ("v=0\r\na=mid:0\r\n", false),
    ] {
        assert_eq!(is_fragment(text), expect, "{text:?}");
    }
}
