use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message as Frame;
use tower::ServiceExt;

use super::*;
use crate::Limits;
use crate::testing::{Desk, PATIENCE, TOKEN, fetch, websocket};

const JSON: (&str, &str) = ("content-type", "application/json");
const SDP: (&str, &str) = ("content-type", "application/sdp");

fn found(verdict: &str) -> Value {
    json!({
        "name": "Ann", "device": "Chrome on Android", "summary": "Media does not come through.",
        "checks": [{ "id": "udp", "title": "Media", "verdict": verdict, "result": "no", "advice": "Open the port." }],
    })
}

#[tokio::test]
async fn a_report_is_checked_kept_and_told() {
    let desk = Desk::new();
    let mut news = desk.app.doctor.reported();
    let post = async |report: &Value| {
        let got = desk
            .ask("POST", "/api/doctor/reports", &[JSON], report.to_string())
            .await;
        got.status
    };
    assert_eq!(post(&found("bad")).await, 204);
    assert_eq!(news.recv().await.unwrap().report.checks[0].id, "udp");

    let mut long = found("bad");
    long["name"] = "x".repeat(41).into();
    let mut many = found("bad");
    many["checks"] = vec![many["checks"][0].clone(); 25].into();
    let mut none = found("bad");
    none["checks"] = json!([]);
    let mut control = found("bad");
    control["summary"] = "a\u{1b}[31mb".into();
    let mut more = found("bad");
    more["extra"] = 1.into();
    for (report, status) in [
        (long, 400),
        (many, 400),
        (none, 400),
        (control, 400),
        (more, 400),
        (found("wonderful"), 400),
        (json!("x".repeat(REPORT_MAX)), 413),
    ] {
        assert_eq!(post(&report).await, status, "{report:.60}");
    }

    assert_eq!(desk.get("/api/doctor/reports").await.status, 401);
    let kept = desk
        .get(&format!("/api/doctor/reports?token={TOKEN}"))
        .await;
    assert_eq!(kept.json().as_array().unwrap().len(), 1);
    assert_eq!(kept.json()[0]["report"]["name"], "Ann");
    let bearer = ("authorization", format!("Bearer {TOKEN}"));
    let gone = desk
        .ask(
            "DELETE",
            "/api/doctor/reports",
            &[(bearer.0, &bearer.1)],
            "",
        )
        .await;
    assert_eq!(gone.status, 204);
    assert!(desk.app.doctor.reports().is_empty());
}

#[test]
fn fifty_reports_are_kept_and_an_address_is_slowed_down() {
    let reports = Reports::default();
    let report: NewDoctorReport = serde_json::from_value(found("good")).unwrap();
    let second = |n: i64| Timestamp::from_millis(1000 * n);
    for n in 0..60_u8 {
        let address = IpAddr::from([10, 0, 0, n]);
        reports
            .add(report.clone(), Some(address), 0, second(0))
            .unwrap();
    }
    assert_eq!(reports.list().len(), 50);
    assert_eq!(reports.list()[0].id, 59);
    let named = NewDoctorReport {
        name: "Bea".into(),
        ..report.clone()
    };
    let last = Some(IpAddr::from([10, 0, 0, 59]));
    reports.add(named, last, 0, second(0)).unwrap();
    assert_eq!(reports.list().len(), 50, "the same one with a name");
    assert_eq!(reports.list()[0].report.name, "Bea");
    let one = Some(IpAddr::from([10, 0, 1, 1]));
    let outcomes: Vec<bool> = [0, 0, 0, 0, 0, 0, 19, 20, 21]
        .map(|at| reports.add(report.clone(), one, 0, second(at)).is_ok())
        .into();
    let expect = [true, true, true, true, true, false, false, true, false];
    assert_eq!(outcomes, expect);
}

#[tokio::test]
async fn bytes_are_random_bounded_and_kept_nowhere() {
    let desk = Desk::new();
    let wide = ("accept-encoding", "gzip, br");
    let got = desk
        .ask("GET", "/api/doctor/bytes?bytes=70000", &[wide], "")
        .await;
    assert_eq!((got.status, got.body.len()), (200, 70_000));
    assert_eq!(got.header("cache-control"), "no-store");
    let more = format!("/api/doctor/bytes?bytes={}", BYTES_MAX + 1);
    assert_eq!(desk.get(&more).await.status, 400);
    let sent = desk
        .ask("POST", "/api/doctor/bytes", &[], vec![7; 100_000])
        .await;
    assert_eq!(sent.json(), 100_000);
    let large = desk
        .ask("POST", "/api/doctor/bytes", &[], vec![7; BYTES_MAX + 1])
        .await;
    assert_eq!(large.status, 413);
    let room: Vec<_> = (0..AT_ONCE)
        .map(|_| desk.app.doctor.enter().unwrap())
        .collect();
    assert_eq!(desk.get("/api/doctor/bytes?bytes=1").await.status, 429);
    drop(room);
    assert_eq!(desk.get("/api/doctor/bytes?bytes=1").await.status, 200);
}

#[tokio::test]
async fn an_address_examines_itself_only_so_often() {
    let desk = Desk::new();
    let ask = async |ip: [u8; 4]| {
        let mut request = axum::http::Request::builder()
            .uri("/api/doctor/ping")
            .header("host", "10.0.0.1")
            .body(axum::body::Body::empty())
            .unwrap();
        let from = SocketAddr::from((ip, 9));
        request.extensions_mut().insert(ConnectInfo(from));
        let answer = desk.router.clone().oneshot(request).await.unwrap();
        answer.status().as_u16()
    };
    let mut answered = 0;
    while ask([10, 0, 0, 2]).await == 204 {
        answered += 1;
        assert!(answered < 100);
    }
    assert!(answered >= 40, "{answered}");
    assert_eq!(ask([10, 0, 0, 3]).await, 204, "others are not slowed down");
}

#[tokio::test]
async fn media_can_be_tried_while_nothing_is_live() {
    let desk = Desk::new();
    let got = desk.ask("POST", "/api/doctor/whep", &[SDP], "offer").await;
    assert_eq!(got.status, 201);
    let place = got.header("location").to_owned();
    assert_eq!(place, "/api/doctor/whep/session-1");
    assert!(
        desk.get("/api/channels")
            .await
            .json()
            .as_array()
            .unwrap()
            .iter()
            .all(|c| c["state"] != "live")
    );
    assert_eq!(desk.ask("DELETE", &place, &[], "").await.status, 200);
    assert_eq!(desk.ask("DELETE", &place, &[], "").await.status, 404);
    assert_eq!(
        desk.ask("POST", "/api/doctor/whep", &[], "offer")
            .await
            .status,
        415
    );
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_session_ends_by_itself() {
    let desk = Desk::new();
    desk.ask("POST", "/api/doctor/whep", &[SDP], "offer").await;
    tokio::task::yield_now().await;
    tokio::time::advance(SESSION + Duration::from_secs(1)).await;
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert!(desk.peers.open.lock().is_empty());
}

#[tokio::test]
async fn a_websocket_gives_back_a_few_small_messages() {
    let served = Desk::new().listen(Limits::default()).await;
    let mut socket = websocket(served.address, "/api/doctor/echo", &[])
        .await
        .unwrap();
    for n in 0..ECHOES {
        socket.send(Frame::text(n.to_string())).await.unwrap();
        let back = tokio::time::timeout(PATIENCE, socket.next()).await.unwrap();
        assert_eq!(back.unwrap().unwrap(), Frame::text(n.to_string()));
    }
    let end = tokio::time::timeout(PATIENCE, socket.next()).await.unwrap();
    assert!(!matches!(end, Some(Ok(Frame::Text(_)))), "it closes");
    let foreign = [("origin", "https://elsewhere.example")];
    let refused = websocket(served.address, "/api/doctor/echo", &foreign).await;
    assert_eq!(refused.err(), Some(403));
    served.stop().await;
}

#[tokio::test]
async fn the_page_may_reach_the_other_door_of_this_host_alone() {
    let desk = Desk::new();
    let policy = async |host: &str| {
        let got = desk.ask("GET", "/doctor", &[("host", host)], "").await;
        got.header("content-security-policy").to_owned()
    };
    assert!(
        policy("192.168.1.20:8080")
            .await
            .contains("connect-src 'self';")
    );
    desk.app.doctor.set_ports(Ports {
        http: 8080,
        https: Some(8443),
        media: 8189,
    });
    for (host, wider) in [
        (
            "192.168.1.20:8080",
            "connect-src 'self' https://192.168.1.20:8443;",
        ),
        (
            "[fd00::1]:8080",
            "connect-src 'self' https://[fd00::1]:8443;",
        ),
        (
            "station.local",
            "connect-src 'self' https://station.local:8443;",
        ),
    ] {
        let got = policy(host).await;
        assert!(got.contains(wider), "{host}: {got}");
    }
    let other = desk.get("/").await;
    assert!(
        other
            .header("content-security-policy")
            .contains("connect-src 'self';")
    );
    let facts = desk.get("/api/doctor").await.json();
    assert_eq!(
        (facts["media_port"].as_u64(), facts["https_port"].as_u64()),
        (Some(8189), Some(8443))
    );
}

#[tokio::test]
async fn facts_are_there_over_a_socket() {
    let served = Desk::new().listen(Limits::default()).await;
    let got = fetch(served.address, "GET", "/api/doctor", &[], "").await;
    assert!(got.json()["now"].as_i64().unwrap() > 1_600_000_000_000);
    served.stop().await;
}
