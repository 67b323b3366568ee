use media::{Origin, Packet, TrackId};
use serde_json::{Value, json};

use super::{Page, level, paginated, rfc3339, waiting};
use crate::testing::{Desk, Got, TOKEN, setting};

async fn ask(desk: &Desk, method: &str, path: &str) -> Got {
    let bearer = format!("Bearer {TOKEN}");
    desk.ask(method, path, &[("authorization", &bearer)], "")
        .await
}

#[tokio::test]
async fn paths_are_told_as_mediamtx_tells_them() {
    let desk = Desk::new();
    let mut stage = desk.live("stage", Origin::Whip);
    let _encoder = desk.live("encoder", Origin::Rtmp);
    let at = media::Timestamp::from_millis(1);
    stage.write(Packet {
        track: TrackId(0),
        pts: at,
        dts: at,
        keyframe: true,
        data: bytes::Bytes::from_static(&[0; 10]),
    });
    let offered = desk
        .ask(
            "POST",
            "/stage/whep",
            &[("content-type", "application/sdp")],
            "v=0",
        )
        .await;
    assert_eq!(offered.status, 201);
    let session = offered
        .header("location")
        .rsplit('/')
        .next()
        .unwrap()
        .to_owned();

    let all = ask(&desk, "GET", "/v3/paths/list").await.json();
    assert_eq!(
        (&all["itemCount"], &all["pageCount"]),
        (&json!(3), &json!(1))
    );
    let names: Vec<_> = all["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| &p["name"])
        .collect();
    assert_eq!(names, ["encoder", "program", "stage"]);
    assert_eq!(all["items"][0]["source"]["type"], "rtmpConn");

    let one = ask(&desk, "GET", "/v3/paths/get/stage").await.json();
    assert_eq!(one, all["items"][2]);
    for (field, expect) in [
        ("confName", json!("all_others")),
        ("ready", json!(true)),
        ("available", json!(true)),
        ("online", json!(true)),
        ("tracks", json!(["H264", "Opus"])),
        (
            "tracks2",
            json!([
                { "codec": "H264", "codecProps": { "width": 1280, "height": 720, "profile": "Baseline", "level": "3.1" } },
                { "codec": "Opus", "codecProps": { "channelCount": 2 } },
            ]),
        ),
        ("bytesReceived", json!(10)),
        ("inboundBytes", json!(10)),
        ("bytesSent", json!(1000)),
        ("outboundBytes", json!(1000)),
        ("inboundFramesInError", json!(0)),
    ] {
        assert_eq!(one[field], expect, "{field}");
    }
    assert_eq!(one["source"]["type"], "webRTCSession");
    assert!(one["readyTime"].as_str().unwrap().ends_with('Z'));
    let readers = one["readers"].as_array().unwrap();
    assert_eq!(readers.len(), 1);
    assert_eq!(readers[0]["type"], "webRTCSession");
    // The session's name would end it.
    assert!(!one.to_string().contains(&session), "{one}");

    let program = ask(&desk, "GET", "/v3/paths/get/program").await.json();
    assert_eq!(
        (&program["ready"], &program["source"]),
        (&json!(false), &Value::Null)
    );
    for nobody in ["nobody", "a.b"] {
        let got = ask(&desk, "GET", &format!("/v3/paths/get/{nobody}")).await;
        assert_eq!(got.status, 404);
        assert_eq!(
            got.json(),
            json!({ "status": "error", "error": "path not found" })
        );
    }
}

#[test]
fn lists_come_in_pages() {
    let items = || (0..5).map(|_| waiting()).collect::<Vec<_>>();
    for (per_page, page, expect) in [
        (None, None, Ok((5, 1, 5))),
        (Some("2"), None, Ok((5, 3, 2))),
        (Some("2"), Some("2"), Ok((5, 3, 1))),
        (Some("2"), Some("3"), Ok((5, 3, 0))),
        (Some("2147483647"), Some("2147483647"), Ok((5, 1, 0))),
        (Some(""), Some(""), Ok((5, 1, 5))),
        (Some("0"), None, Err(())),
        (Some("-1"), None, Err(())),
        (Some("2147483648"), None, Err(())),
        (None, Some("x"), Err(())),
    ] {
        let page = Page {
            items_per_page: per_page.map(str::to_owned),
            page: page.map(str::to_owned),
        };
        let got = paginated(items(), &page)
            .map(|list| (list.item_count, list.page_count, list.items.len()))
            .map_err(drop);
        assert_eq!(got, expect, "{page:?}");
    }
    let none = paginated(
        Vec::new(),
        &Page {
            items_per_page: None,
            page: None,
        },
    )
    .unwrap();
    assert_eq!(none.page_count, 0);
    assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
    assert_eq!([level(&31), level(&40)], ["3.1", "4"]);
}

#[tokio::test]
async fn settings_are_told_and_read_again() {
    let desk = Desk::new();
    for (key, value) in [
        ("server.http", json!("0.0.0.0:8080")),
        ("server.https", json!("off")),
        ("server.rtmp", json!("0.0.0.0:1935")),
        ("server.media_udp", json!("0.0.0.0:8189")),
        ("server.external", json!(["203.0.113.7"])),
        ("server.allowed_origins", json!(["https://club.example"])),
        ("ingest.policy", json!("approve")),
    ] {
        let mut one = setting(key);
        one.value = serde_json::from_value(value).unwrap();
        one.waits = key == "server.media_udp";
        desk.control.settings.lock().push(one);
    }
    let got = ask(&desk, "GET", "/v3/config/get").await.json();
    for (key, expect) in [
        ("api", json!(true)),
        ("rtmp", json!(true)),
        ("rtmpAddress", json!("0.0.0.0:1935")),
        ("webrtcAddress", json!("0.0.0.0:8080")),
        ("webrtcLocalUDPAddress", json!("0.0.0.0:8189")),
        ("webrtcAdditionalHosts", json!(["203.0.113.7"])),
        ("hlsAllowOrigins", json!(["https://club.example"])),
        ("klieg", json!({ "https": "", "ingestPolicy": "approve" })),
    ] {
        assert_eq!(got[key], expect, "{key}");
    }
    assert_eq!(ask(&desk, "GET", "/v3/config/global/get").await.json(), got);
    let reloaded = ask(&desk, "POST", "/v3/config/reload").await.json();
    assert_eq!(
        reloaded,
        json!({ "status": "ok", "changed": [], "waits": ["server.media_udp"] })
    );
    assert_eq!(
        desk.control.commands.lock().clone(),
        [api::Command::ReloadSettings]
    );
}

#[tokio::test]
async fn what_is_refused_is_refused_in_its_words() {
    let desk = Desk::new();
    for (method, path, token, expect) in [
        ("GET", "/v3/paths/list", false, 401),
        ("GET", "/v3/nothing", true, 404),
        ("POST", "/v3/paths/list", true, 405),
        ("GET", "/v3/config/reload", true, 405),
        ("GET", "/v3/paths/list?itemsPerPage=0", true, 400),
        ("GET", "/v3/paths/get/%ff", true, 400),
    ] {
        let got = if token {
            ask(&desk, method, path).await
        } else {
            desk.ask(method, path, &[], "").await
        };
        assert_eq!(got.status, expect, "{method} {path}");
        let said = got.json();
        assert_eq!(said["status"], "error", "{method} {path}: {said}");
        assert!(!said["error"].as_str().unwrap().is_empty(), "{said}");
        assert_eq!(said.as_object().unwrap().len(), 2, "{said}");
    }
}
