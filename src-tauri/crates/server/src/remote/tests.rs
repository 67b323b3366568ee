use std::net::SocketAddr;

use axum::body::Body;
use axum::http::Request;

use crate::testing::{Desk, Got, TOKEN};

const HERE: &str = "127.0.0.1:50000";
const THERE: &str = "192.168.1.30:50000";

async fn ask(desk: &Desk, path: &str, secret: &str, peer: &str) -> Got {
    let request = Request::builder()
        .uri(path)
        .header("host", "192.168.1.20:8080")
        .header("authorization", format!("Bearer {secret}"))
        .body(Body::empty())
        .unwrap();
    desk.send(request, peer.parse::<SocketAddr>().unwrap())
        .await
}

#[tokio::test]
async fn the_control_token_works_on_its_own_machine_until_the_host_allows_more() {
    let desk = Desk::new();
    for path in ["/api/snapshot", "/api/links", "/v3/paths/list"] {
        assert_eq!(ask(&desk, path, TOKEN, HERE).await.status, 200, "{path}");
        let refused = ask(&desk, path, TOKEN, THERE).await;
        assert_eq!(refused.status, 403, "{path}");
        assert!(
            refused.text().contains("server.remote_control"),
            "{}",
            refused.text()
        );
    }
    for path in ["/metrics", "/media/film.mp4"] {
        assert_eq!(ask(&desk, path, TOKEN, THERE).await.status, 403, "{path}");
    }
    let query = format!("/api/events?token={TOKEN}");
    let request = Request::builder()
        .uri(&query)
        .header("host", "192.168.1.20:8080");
    let request = request.body(Body::empty()).unwrap();
    assert_eq!(desk.send(request, THERE.parse().unwrap()).await.status, 403);

    let link = api::NewAccessLink {
        kind: api::LinkKind::Control,
        name: "Tablet".into(),
        channel: None,
        expires: None,
    };
    let link = desk.app.access.links.create(link, 0).unwrap();
    assert_eq!(
        ask(&desk, "/api/snapshot", link.word(), THERE).await.status,
        200
    );

    desk.app.access.set_remote_control(true);
    assert_eq!(ask(&desk, "/api/snapshot", TOKEN, THERE).await.status, 200);
    // Who is live is everybody's to know, whatever stands in the request.
    assert_eq!(
        ask(&desk, "/api/channels", "wrong", THERE).await.status,
        200
    );
}
