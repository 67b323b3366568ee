use api::scene::Edit;
use api::{
    Command, DestinationTarget, LinkKind, Moderation, NewAccessLink, NewDestination, SettingValue,
};
use serde_json::{Value, json};

use crate::testing::{Desk, Got, TOKEN, setting};

async fn ask(desk: &Desk, method: &str, path: &str, body: Option<Value>) -> Got {
    let bearer = format!("Bearer {TOKEN}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    let body = body.map_or_else(String::new, |body| body.to_string());
    desk.ask(method, path, &headers, body).await
}

#[tokio::test]
async fn resources_are_ways_to_the_same_commands() {
    let id = || "a1".to_owned();
    let target = json!({ "protocol": "rtmp", "url": "rtmp://127.0.0.1/live" });
    let destination = || NewDestination {
        name: "One".into(),
        target: DestinationTarget::Rtmp {
            url: "rtmp://127.0.0.1/live".into(),
        },
        secret: None,
        platform: None,
        delay_seconds: 0,
        test: false,
        rendition: None,
        follow: false,
    };
    for (method, path, body, expect) in [
        ("POST", "/api/broadcast", None, Command::GoLive),
        ("DELETE", "/api/broadcast", None, Command::EndBroadcast),
        (
            "PUT",
            "/api/title",
            Some(json!({ "title": "x" })),
            Command::SetTitle { title: "x".into() },
        ),
        (
            "POST",
            "/api/collection/edits",
            Some(json!({ "edit": "rename", "name": "x" })),
            Command::Edit {
                edit: Edit::Rename { name: "x".into() },
            },
        ),
        ("POST", "/api/collection/redo", None, Command::Redo),
        (
            "PUT",
            "/api/collection",
            Some(json!({ "path": "/x.json" })),
            Command::OpenCollection {
                path: "/x.json".into(),
            },
        ),
        ("POST", "/api/devices", None, Command::RefreshDevices),
        (
            "POST",
            "/api/destinations",
            Some(json!({ "name": "One", "target": target })),
            Command::AddDestination {
                destination: destination(),
            },
        ),
        (
            "PUT",
            "/api/destinations/a1",
            Some(json!({ "name": "One", "target": target })),
            Command::SetDestination {
                id: id(),
                destination: destination(),
            },
        ),
        (
            "DELETE",
            "/api/destinations/a1",
            None,
            Command::RemoveDestination { id: id() },
        ),
        (
            "PUT",
            "/api/destinations/a1/enabled",
            Some(json!({ "enabled": false })),
            Command::EnableDestination {
                id: id(),
                enabled: false,
            },
        ),
        (
            "POST",
            "/api/links",
            Some(json!({ "kind": "watch", "name": "One" })),
            Command::CreateLink {
                link: NewAccessLink {
                    kind: LinkKind::Watch,
                    name: "One".into(),
                    channel: None,
                    expires: None,
                },
            },
        ),
        (
            "DELETE",
            "/api/links/a1",
            None,
            Command::RevokeLink { id: id() },
        ),
        (
            "POST",
            "/api/links/a1/secret",
            None,
            Command::RegenerateLink { id: id() },
        ),
        (
            "POST",
            "/api/publishers/stage/admit",
            None,
            Command::AdmitPublisher {
                channel: "stage".into(),
            },
        ),
        (
            "DELETE",
            "/api/publishers/stage",
            None,
            Command::EndPublisher {
                channel: "stage".into(),
            },
        ),
        (
            "POST",
            "/api/channels/program/chat",
            Some(json!({ "text": "Hi" })),
            Command::Say {
                channel: "program".into(),
                text: "Hi".into(),
            },
        ),
        (
            "POST",
            "/api/channels/program/chat/moderation",
            Some(json!({ "act": "clear" })),
            Command::Moderate {
                channel: "program".into(),
                moderation: Moderation::Clear,
            },
        ),
        (
            "PUT",
            "/api/channels/stage/passphrase",
            Some(json!({ "passphrase": "umbrella" })),
            Command::SetPassphrase {
                channel: "stage".into(),
                passphrase: Some("umbrella".into()),
            },
        ),
        (
            "DELETE",
            "/api/channels/stage/passphrase",
            None,
            Command::SetPassphrase {
                channel: "stage".into(),
                passphrase: None,
            },
        ),
        (
            "PUT",
            "/api/sources/next-door/token",
            Some(json!({ "token": "s3cret" })),
            Command::SetSourceToken {
                id: api::scene::SourceId::new("next-door"),
                token: "s3cret".into(),
            },
        ),
        (
            "DELETE",
            "/api/sources/next-door/token",
            None,
            Command::SetSourceToken {
                id: api::scene::SourceId::new("next-door"),
                token: "".into(),
            },
        ),
        (
            "PUT",
            "/api/settings/station.idle_seconds",
            Some(json!({ "value": 60 })),
            Command::SetSetting {
                key: "station.idle_seconds".into(),
                value: SettingValue::Whole(60),
            },
        ),
        (
            "POST",
            "/api/settings/server.external/check",
            Some(json!({ "value": ["203.0.113.7"] })),
            Command::CheckSetting {
                key: "server.external".into(),
                value: SettingValue::List(vec!["203.0.113.7".into()]),
            },
        ),
        (
            "DELETE",
            "/api/settings/a1",
            None,
            Command::ResetSetting { key: id() },
        ),
        (
            "POST",
            "/api/settings/reload",
            None,
            Command::ReloadSettings,
        ),
    ] {
        let desk = Desk::new();
        let got = ask(&desk, method, path, body.clone()).await;
        assert_eq!(
            desk.control.commands.lock().clone(),
            [expect],
            "{method} {path}"
        );
        // What was changed and is looked for in vain was gone before.
        let found_or_gone = got.status < 300 || got.status == 404;
        assert!(
            found_or_gone,
            "{method} {path}: {} {}",
            got.status,
            got.text()
        );
        if body.is_some() {
            let nonsense = ask(&desk, method, path, Some(json!([1]))).await;
            assert_eq!(nonsense.status, 400, "{method} {path}");
        }
    }
    let desk = Desk::new();
    let got = ask(&desk, "POST", "/api/collection/undo", None).await;
    assert_eq!((got.status, &got.json()["code"]), (409, &json!("conflict")));
}

#[tokio::test]
async fn what_is_made_is_found_where_the_answer_says() {
    let desk = Desk::new();
    let link = json!({ "kind": "publish", "name": "For Ana", "channel": "stage" });
    let target = json!({ "protocol": "whip", "url": "https://127.0.0.1/whip" });
    for (path, body) in [
        ("/api/links", link),
        (
            "/api/destinations",
            json!({ "name": "Other", "target": target, "secret": "k" }),
        ),
    ] {
        for _ in 0..2 {
            let made = ask(&desk, "POST", path, Some(body.clone())).await;
            assert_eq!(made.status, 201, "{}", made.text());
            let at = made.header("location").to_owned();
            let found = ask(&desk, "GET", &at, None).await;
            assert_eq!(found.json(), made.json(), "{at}");
        }
        let all = ask(&desk, "GET", path, None).await.json();
        assert_eq!(all.as_array().unwrap().len(), 2);
        let nowhere = ask(&desk, "GET", &format!("{path}/none"), None).await;
        assert_eq!(nowhere.status, 404);
    }
}

#[tokio::test]
async fn chat_is_read_and_settings_are_found() {
    let desk = Desk::new();
    for n in 0..3 {
        let text = format!("message {n}");
        desk.app
            .store
            .say("program", "Ana", api::Role::Viewer, &text, n)
            .unwrap();
    }
    let read = ask(&desk, "GET", "/api/channels/program/chat?limit=2", None)
        .await
        .json();
    let texts: Vec<_> = read
        .as_array()
        .unwrap()
        .iter()
        .map(|m| &m["text"])
        .collect();
    assert_eq!(texts, ["message 1", "message 2"]);
    for wrong in ["limit=0", "limit=1001", "limit=x", "limit=-1"] {
        let got = ask(
            &desk,
            "GET",
            &format!("/api/channels/program/chat?{wrong}"),
            None,
        )
        .await;
        assert_eq!(
            (got.status, &got.json()["code"]),
            (400, &json!("invalid")),
            "{wrong}"
        );
    }
    assert_eq!(
        ask(&desk, "GET", "/api/channels/a.b/chat", None)
            .await
            .status,
        404
    );

    desk.control.settings.lock().push(setting("ingest.policy"));
    let one = ask(&desk, "GET", "/api/settings/ingest.policy", None)
        .await
        .json();
    assert_eq!(one["key"], "ingest.policy");
    assert_eq!(
        ask(&desk, "GET", "/api/settings/none", None).await.status,
        404
    );
    assert_eq!(
        ask(&desk, "GET", "/api/publishers/nobody", None)
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn bodies_are_bounded_and_typed() {
    let desk = Desk::new();
    let bearer = format!("Bearer {TOKEN}");
    let auth = ("authorization", bearer.as_str());
    let json = ("content-type", "application/json");
    let huge = format!(r#"{{"title":"{}"}}"#, "x".repeat(300 * 1024));
    for (headers, body, expect) in [
        (vec![auth], "{}", 415),
        (vec![auth, ("content-type", "text/plain")], "{}", 415),
        (vec![auth, json], huge.as_str(), 413),
        (vec![auth, json], "{", 400),
        (vec![auth, json], "", 400),
        (vec![json], r#"{"title":"x"}"#, 401),
        (
            vec![auth, json, ("origin", "https://evil.example")],
            r#"{"title":"x"}"#,
            403,
        ),
        (
            vec![auth, json, ("origin", "https://club.example")],
            r#"{"title":"x"}"#,
            204,
        ),
    ] {
        let got = desk
            .ask("PUT", "/api/title", &headers, body.to_owned())
            .await;
        assert_eq!(got.status, expect, "{headers:?}: {}", got.text());
        if expect != 204 {
            assert!(got.json()["message"].is_string());
        }
    }
    // Before a page of an allowed origin does it, its browser asks, without a token.
    let preflight = [
        ("origin", "https://club.example"),
        ("access-control-request-method", "PUT"),
    ];
    let got = desk.ask("OPTIONS", "/api/title", &preflight, "").await;
    assert_eq!(got.status, 204);
    assert!(got.header("access-control-allow-methods").contains("PUT"));
    // What the libraries under us refuse is said in the same words.
    for (path, expect) in [
        ("/api/nothing", 404),
        ("/api/events", 400),
        ("/api/channels/%ff", 400),
    ] {
        let got = desk.ask("GET", path, &[auth], "").await;
        assert_eq!(got.status, expect, "{path}: {}", got.text());
        assert!(got.json()["message"].is_string(), "{path}");
    }
}
