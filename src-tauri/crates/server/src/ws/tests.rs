use futures::{SinkExt, StreamExt};
use media::{Next, Start, Want};
use tokio_tungstenite::tungstenite::Message as Frame;

use super::*;
use crate::Limits;
use crate::testing::{Desk, PATIENCE, TOKEN, fetch, websocket};

/// A second of H.264 and AAC in fragments, as FFmpeg writes them.
const STREAM: &[u8] = include_bytes!("../../../../../tests/fuzz/corpus/live/ffmpeg-fragments");

/// A box that says nothing, 60 kB long.
fn filler() -> Vec<u8> {
    let mut bytes = 60_000u32.to_be_bytes().to_vec();
    bytes.extend_from_slice(b"free");
    bytes.resize(60_000, 0);
    bytes
}

async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.unwrap()
}

#[tokio::test]
async fn the_key_is_judged_before_the_upgrade() {
    let served = Desk::new().listen(Limits::default()).await;
    let at = served.address;
    for (path, expect) in [
        ("/ws?streamKey=phone", 401),
        ("/ws?streamKey=phone&token=guess", 401),
        (&format!("/ws?streamKey=a%20b&token={TOKEN}"), 404),
        (&format!("/ws?streamKey=program&token={TOKEN}"), 409),
        ("/ws", 400),
    ] {
        assert_eq!(websocket(at, path, &[]).await.err(), Some(expect), "{path}");
        let plain = fetch(at, "GET", path, &[], "").await;
        assert_eq!(plain.status, expect, "{path} without an upgrade");
    }
    let path = format!("/ws?streamKey=phone&token={TOKEN}");
    assert_eq!(fetch(at, "GET", &path, &[], "").await.status, 426);
    // A picture in a page of another site guesses nothing away from who is on this machine.
    for _ in 0..20 {
        let foreign = [("sec-fetch-site", "cross-site")];
        let guess = "/ws?streamKey=phone&token=guess";
        assert_eq!(fetch(at, "GET", guess, &foreign, "").await.status, 403);
    }
    assert_eq!(fetch(at, "GET", &path, &[], "").await.status, 426);
    let evil = [("origin", "http://evil.example")];
    assert_eq!(websocket(at, &path, &evil).await.err(), Some(403));
    assert!(served.desk.app.hub.channels().is_empty());
    served.stop().await;
}

#[tokio::test]
async fn what_a_recorder_sends_is_a_channel() {
    let served = Desk::new().listen(Limits::default()).await;
    let hub = served.desk.app.hub.clone();
    let mut changes = hub.watch();
    let path = format!("/ws?streamKey=phone&token={TOKEN}");
    let mut socket = websocket(served.address, &path, &[]).await.unwrap();
    let name = "phone".parse().unwrap();
    let channel = hub.channel(&name).unwrap();
    let mut reader = channel.read(Want::MP4, Start::Next, 1000);
    // More than any other WebSocket may send at once.
    for _ in 0..10 {
        socket.send(Frame::Text("hello".into())).await.unwrap();
        let (front, rest) = STREAM.split_at(24);
        if channel.tracks().is_empty() {
            socket.send(Frame::binary(front.to_vec())).await.unwrap();
            socket.send(Frame::binary(rest.to_vec())).await.unwrap();
            within(changes.wait_for(|_| !channel.tracks().is_empty()))
                .await
                .unwrap();
        }
        socket.send(Frame::binary(filler())).await.unwrap();
    }
    let kinds: Vec<_> = channel.tracks().iter().map(|t| t.config.codec()).collect();
    assert_eq!(kinds, ["H.264", "AAC", "Opus"], "the last is made here");
    let mut pictures = 0;
    while pictures < 10 {
        if let Next::Packet(packet) = within(reader.next()).await {
            pictures += u32::from(packet.track == channel.tracks()[0].id);
        }
    }
    assert_eq!(websocket(served.address, &path, &[]).await.err(), Some(409));

    socket
        .send(Frame::binary(b"\0\0\0\x04free".to_vec()))
        .await
        .unwrap();
    let farewell = loop {
        match within(socket.next()).await.unwrap().unwrap() {
            Frame::Close(frame) => break frame.unwrap(),
            _ => continue,
        }
    };
    assert!(
        farewell.reason.contains("cannot be carried"),
        "{farewell:?}"
    );
    within(async { while reader.next().await != Next::End {} }).await;
    assert!(hub.channel(&name).is_none());
    served.stop().await;
}

#[tokio::test]
async fn a_channel_ends_with_its_recorder() {
    let served = Desk::new().listen(Limits::default()).await;
    let hub = served.desk.app.hub.clone();
    let path = format!("/ws?streamKey=phone&token={TOKEN}");
    let mut changes = hub.watch();
    let socket = websocket(served.address, &path, &[]).await.unwrap();
    within(changes.wait_for(|_| !hub.channels().is_empty()))
        .await
        .unwrap();
    drop(socket);
    within(changes.wait_for(|_| hub.channels().is_empty()))
        .await
        .unwrap();
    served.stop().await;
}

#[test]
fn words_fit_a_close_frame() {
    assert_eq!(shortened("short".into()), "short");
    let cut = shortened("é".repeat(100));
    assert_eq!(cut.len(), 122);
}
