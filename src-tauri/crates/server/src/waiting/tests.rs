use futures::{SinkExt, StreamExt};
use media::{ChannelInfo, Hub, Writer};
use tokio_tungstenite::tungstenite;

use super::*;
use crate::Limits;
use crate::testing::{Desk, PATIENCE, TOKEN, keyframe, mean_of_jpeg, websocket};
use media::Timestamp;

fn hold(hub: &Hub, clock: &Clock) -> Writer {
    let info = ChannelInfo {
        origin: Origin::Whip,
        title: "maria".into(),
    };
    hub.hold("maria".parse().unwrap(), info, clock.now())
        .unwrap()
}

#[tokio::test]
async fn the_host_sees_and_hears_who_waits_and_nobody_else_does() {
    let served = Desk::new().listen(Limits::default()).await;
    let app = &served.desk.app;
    let mut writer = hold(&app.hub, &app.clock);
    let (video, packet) = keyframe([63, 102, 240], app.clock.now());
    let sound = media::TrackId(1);
    let mut opus = codec::encode::audio::opus(sound, 64_000).unwrap();
    let audio = media::Track {
        id: sound,
        config: opus.config(),
        bitrate: 0,
    };
    writer.set_tracks(vec![video, audio]);
    writer.write(packet);

    let path = "/api/publishers/maria/look";
    assert_eq!(websocket(served.address, path, &[]).await.err(), Some(401));
    let wrong = format!("{path}?token=wrong");
    assert_eq!(
        websocket(served.address, &wrong, &[]).await.err(),
        Some(401)
    );
    let nobody = format!("/api/publishers/nobody/look?token={TOKEN}");
    assert_eq!(
        websocket(served.address, &nobody, &[]).await.err(),
        Some(404)
    );
    let own = format!("{path}?token={TOKEN}");
    let mut socket = websocket(served.address, &own, &[]).await.unwrap();

    let (mut picture, mut loud) = (None, None);
    let mut block = 0;
    while picture.is_none() || loud.is_none() {
        // A sine of −20 dBFS, a tenth of a second at a time.
        for _ in 0..5 {
            let start = Timestamp::from_ticks(block, 50);
            let wave = |n: usize| (n as f32 * std::f32::consts::TAU / 48.0).sin() * 0.1;
            let samples = Samples {
                data: (0..960).flat_map(|n| [wave(n), wave(n)]).collect(),
                ..Samples::silence(start, 960)
            };
            for packet in opus.encode(&samples).unwrap() {
                writer.write(packet);
            }
            block += 1;
        }
        let message = tokio::time::timeout(PATIENCE, socket.next()).await.unwrap();
        match message.unwrap().unwrap() {
            tungstenite::Message::Binary(jpeg) => picture = Some(mean_of_jpeg(&jpeg)),
            tungstenite::Message::Text(text) => {
                let level: api::Level = serde_json::from_str(&text).unwrap();
                let tone = level.peak.iter().all(|p| (-21.5..=-18.5).contains(p));
                let power = level.rms.iter().all(|p| (-24.5..=-21.5).contains(p));
                loud = (tone && power).then_some(level).or(loud);
            }
            other => panic!("{other:?}"),
        }
    }
    let red = picture.unwrap();
    assert!(red[0].abs_diff(76) <= 4 && red[2] >= 250, "{red:?}");
    assert!(writer.signals(app.clock.now()).keyframe, "and the next one");

    drop(writer);
    let ended = async {
        while let Some(Ok(message)) = socket.next().await {
            assert!(!matches!(message, tungstenite::Message::Ping(_)));
        }
    };
    tokio::time::timeout(PATIENCE, ended)
        .await
        .expect("it ends with the channel");
    drop(socket.close(None).await);
    served.stop().await;
}

#[tokio::test]
async fn so_many_are_looked_at_and_no_more() {
    let served = Desk::new().listen(Limits::default()).await;
    let app = &served.desk.app;
    let writer = hold(&app.hub, &app.clock);
    let path = format!("/api/publishers/maria/look?token={TOKEN}");
    let mut looks = Vec::new();
    for _ in 0..LOOKS {
        looks.push(websocket(served.address, &path, &[]).await.unwrap());
    }
    let more = websocket(served.address, &path, &[]).await;
    assert_eq!(more.err(), Some(429));
    looks[0]
        .send(tungstenite::Message::Close(None))
        .await
        .unwrap();
    let free = async {
        while app.waiting.looks.available_permits() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, free).await.unwrap();
    assert!(websocket(served.address, &path, &[]).await.is_ok());
    drop(writer);
    drop(looks);
    served.stop().await;
}

#[test]
fn a_guest_is_shown_where_the_scene_on_the_program_has_it() {
    use api::scene::{Collection, Edit, ItemId, ItemPatch};
    let mut doc = Collection::empty("Test");
    let scene = doc.current.clone();
    let name: ChannelName = "maria".parse().unwrap();
    assert!(!shows(&doc, &name));
    let add = serde_json::json!({
        "edit": "add_source", "scene": scene,
        "source": { "id": "s", "name": "Maria", "kind": "channel", "settings": { "channel": "maria" } },
        "item": { "id": "i", "source": "s", "rect": { "x": 0, "y": 0, "width": 10, "height": 10 },
                  "fit": "contain", "crop": { "left": 0, "top": 0, "right": 0, "bottom": 0 },
                  "rotation": 0, "opacity": 1, "visible": true, "locked": false },
    });
    let add: Edit = serde_json::from_value(add).unwrap();
    doc = add.apply(&doc).unwrap();
    assert!(shows(&doc, &name) && !shows(&doc, &"other".parse().unwrap()));
    let hide = Edit::SetItem {
        scene,
        id: ItemId::new("i"),
        patch: ItemPatch {
            visible: Some(false),
            ..ItemPatch::default()
        },
    };
    assert!(!shows(&hide.apply(&doc).unwrap(), &name));
}
