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
    // However the address writes it.
    let escaped: String = TOKEN.bytes().map(|b| format!("%{b:02x}")).collect();
    for query in [
        format!("token={TOKEN}"),
        format!("%74oken={TOKEN}"),
        format!("token={escaped}"),
        format!("last=1&tok%65n={escaped}"),
    ] {
        for path in ["/api/events", "/api/logs", "/api/audit", "/metrics"] {
            let request = Request::builder()
                .uri(format!("{path}?{query}"))
                .header("host", "192.168.1.20:8080");
            let request = request.body(Body::empty()).unwrap();
            let got = desk.send(request, THERE.parse().unwrap()).await;
            assert_eq!(got.status, 403, "{path}?{query}");
        }
    }

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

/// The control token opens nothing at the other doors, either, when it comes from another machine.
#[tokio::test]
async fn the_control_token_is_no_key_from_another_machine() {
    let desk = Desk::new();
    let app = &desk.app;
    let stage: media::ChannelName = "stage".parse().unwrap();
    app.set_passphrase("stage", Some("open sesame")).unwrap();
    let _live = desk.live("stage", media::Origin::Whip);
    let offer = async |peer: &str, path: &str| {
        let request = Request::builder()
            .method("POST")
            .uri(path)
            .header("host", "192.168.1.20:8080")
            .header("content-type", "application/sdp")
            .header("authorization", format!("Bearer {TOKEN}"))
            .body(Body::from("offer"))
            .unwrap();
        desk.send(request, peer.parse().unwrap()).await
    };
    for (peer, there) in [(THERE, true), (HERE, false)] {
        let ip = peer.parse::<SocketAddr>().unwrap().ip();
        for kind in [
            api::LinkKind::Publish,
            api::LinkKind::Watch,
            api::LinkKind::Moderate,
            api::LinkKind::Control,
        ] {
            let pass = app.judge(kind, (TOKEN, Some(ip)), Some(&stage));
            assert_eq!(pass.is_none(), there, "{kind:?} from {peer}");
        }
        for path in ["/phone/whip", "/stage/whep"] {
            let got = offer(peer, path).await;
            assert_eq!(
                got.status == 201,
                !there,
                "{path} from {peer}: {}",
                got.text()
            );
        }
        let entry = Request::builder()
            .method("POST")
            .uri("/api/channels/stage/entry")
            .header("host", "192.168.1.20:8080")
            .header("content-type", "application/json")
            .body(Body::from(format!("{{\"key\":\"{TOKEN}\"}}")))
            .unwrap();
        let got = desk.send(entry, peer.parse().unwrap()).await;
        assert_eq!(got.status, if there { 401 } else { 200 }, "{peer}");
    }
}
