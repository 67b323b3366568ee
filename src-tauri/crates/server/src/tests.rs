//! The whole station: real sockets, real media.

use std::net::{TcpListener, UdpSocket};
use std::process::Stdio;
use std::time::Duration;

use api::Role;
use codec::encode::{audio, video};
use futures::{SinkExt, StreamExt};
use media::{
    ChannelInfo, Frame as Picture, Origin, Packet, Samples, Timestamp, Track, TrackId, Writer,
};
use tokio_tungstenite::tungstenite::Message as Ws;

mod https;

use super::*;
use crate::testing::{Desk, FakeControl, PATIENCE, TOKEN, fetch, websocket};

/// What Chromium 156 posts for one video and one audio section that receive.
const OFFER: &str = include_str!("testing/chromium-offer.sdp");

const SDP: (&str, &str) = ("content-type", "application/sdp");

fn config() -> Config {
    Config {
        http: "127.0.0.1:0".parse().unwrap(),
        https: None,
        rtmp: None,
        media_udp: "127.0.0.1:0".parse().unwrap(),
        external: Vec::new(),
        control_token: TOKEN.into(),
        data_dir: std::env::temp_dir(),
    }
}

fn parts(hub: &Hub) -> (Parts, Arc<FakeControl>) {
    let control = FakeControl::new();
    let parts = Parts {
        hub: hub.clone(),
        clock: Clock::start(),
        store: Arc::new(Store::in_memory().unwrap()),
        timelines: Arc::default(),
        control: Arc::clone(&control) as Arc<dyn Control>,
    };
    (parts, control)
}

/// Encoded picture and sound of some seconds, in order of time.
fn film(seconds: i64) -> (Vec<Track>, Vec<Packet>) {
    let (video_id, aac_id, opus_id) = (TrackId(0), TrackId(1), TrackId(2));
    let settings = video::Config {
        width: 320,
        height: 180,
        fps: 30,
        bitrate: 300_000,
        keyframe_interval: Duration::from_secs(2),
    };
    let mut encoder = video::open(settings, video_id).unwrap();
    let mut aac = audio::aac(aac_id, audio::BITRATE).unwrap();
    let mut opus = audio::opus(opus_id, audio::BITRATE).unwrap();
    let mut packets = Vec::new();
    for n in 0..seconds * 30 {
        let at = Timestamp::from_ticks(n, 30);
        let picture = Picture::black(320, 180, at).unwrap();
        packets.extend(encoder.encode(&picture).unwrap());
        let sound = Samples::silence(at, 1600);
        packets.extend(aac.encode(&sound).unwrap());
        packets.extend(opus.encode(&sound).unwrap());
    }
    let track = |id, config, bitrate| Track {
        id,
        config,
        bitrate,
    };
    let tracks = vec![
        track(video_id, encoder.config().unwrap(), 300_000),
        track(aac_id, aac.config(), audio::BITRATE),
        track(opus_id, opus.config(), audio::BITRATE),
    ];
    (tracks, packets)
}

fn publish(hub: &Hub, tracks: Vec<Track>, now: Timestamp) -> Writer {
    let info = ChannelInfo {
        origin: Origin::Program,
        title: "Film".into(),
    };
    let mut writer = hub.publish(ChannelName::program(), info, now).unwrap();
    writer.set_tracks(tracks);
    writer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ffprobe_reads_the_hls_of_a_channel() {
    let hub = Hub::new(4);
    let (parts, _control) = parts(&hub);
    let clock = parts.clock;
    let station = start(config(), parts).await.unwrap();
    let address = station.http_addr();
    let (tracks, packets) = film(9);
    let mut writer = publish(&hub, tracks, clock.now());
    let followed = async {
        while station.app.streams.live(&ChannelName::program()).is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, followed)
        .await
        .expect("the channel is followed");
    packets.into_iter().for_each(|packet| writer.write(packet));

    let path = "/hls/program/index.m3u8";
    let index = fetch(address, "GET", path, &[], "").await;
    assert_eq!(index.status, 200, "{}", index.text());
    assert_eq!(
        index.header("content-type"),
        "application/vnd.apple.mpegurl"
    );
    assert_eq!(index.header("cache-control"), "no-store");
    assert_eq!(index.header("access-control-allow-origin"), "");
    assert_eq!(
        station.viewers(&ChannelName::program()).hls,
        0,
        "an index is no viewer yet"
    );
    let media = index
        .text()
        .lines()
        .find(|l| !l.starts_with('#'))
        .unwrap()
        .to_owned();
    let playlist = fetch(address, "GET", &format!("/hls/program/{media}"), &[], "").await;
    assert_eq!(
        (playlist.status, playlist.header("cache-control")),
        (200, "no-cache")
    );
    assert_eq!(
        station.viewers(&ChannelName::program()),
        Viewers { whep: 0, hls: 1 }
    );
    let listed = fetch(address, "GET", "/api/channels/program", &[], "")
        .await
        .json();
    assert_eq!(listed["viewers"]["hls"], 1);
    let segment = playlist
        .text()
        .lines()
        .find(|l| !l.starts_with('#'))
        .unwrap()
        .to_owned();
    let path = format!("/hls/program/{segment}");
    let got = fetch(
        address,
        "GET",
        &path,
        &[("accept-encoding", "gzip, br")],
        "",
    )
    .await;
    assert_eq!((got.status, got.header("content-type")), (200, "video/mp4"));
    assert!(got.header("cache-control").contains("immutable"));
    assert_eq!(
        got.header("content-encoding"),
        "",
        "media is packed already"
    );
    assert_eq!(&got.body[4..8], b"moof");
    let again = fetch(address, "GET", "/hls/program/index.m3u8", &[], "").await;
    assert_ne!(
        again.text(),
        index.text(),
        "each player gets a number of its own"
    );

    let probe = tokio::process::Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-of",
            "json",
            "-show_streams",
            "-show_entries",
        ])
        .arg("stream=codec_name,width,height,sample_rate,channels")
        .arg(format!("http://{address}/hls/program/index.m3u8"))
        .stdin(Stdio::null())
        .output();
    match tokio::time::timeout(Duration::from_secs(60), probe)
        .await
        .expect("ffprobe ends")
    {
        Ok(probe) => {
            let errors = String::from_utf8_lossy(&probe.stderr);
            assert!(probe.status.success(), "{errors}");
            let probe: serde_json::Value = serde_json::from_slice(&probe.stdout).unwrap();
            let streams = probe["streams"].as_array().unwrap();
            let names: Vec<_> = streams.iter().map(|s| &s["codec_name"]).collect();
            assert_eq!(names, ["h264", "aac"], "{errors}");
            assert_eq!(
                (&streams[0]["width"], &streams[0]["height"]),
                (&320.into(), &180.into())
            );
            assert_eq!(streams[1]["sample_rate"], "48000");
        }
        Err(error) => eprintln!("skipped: no ffprobe to read HLS with ({error})"),
    }

    drop(writer);
    let ended = async {
        let path = format!("/hls/program/{media}");
        while !fetch(address, "GET", &path, &[], "")
            .await
            .text()
            .contains("#EXT-X-ENDLIST")
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, ended)
        .await
        .expect("players see the end");
    let index = fetch(address, "GET", "/hls/program/index.m3u8", &[], "").await;
    assert_eq!(index.status, 404, "nobody new begins with what has ended");
    station.shutdown().await;
}

#[tokio::test]
async fn what_an_hls_player_asks_for_early_is_answered_when_it_is_there() {
    let hub = Hub::new(4);
    let (parts, _control) = parts(&hub);
    let clock = parts.clock;
    let station = start(config(), parts).await.unwrap();
    let address = station.http_addr();
    let (tracks, packets) = film(9);
    let mut writer = publish(&hub, tracks, clock.now());
    let live = async {
        loop {
            if let Some(live) = station.app.streams.live(&ChannelName::program()) {
                return live;
            }
            tokio::task::yield_now().await;
        }
    };
    let live = tokio::time::timeout(PATIENCE, live).await.unwrap();
    let late = packets.iter().position(|p| p.dts.millis() > 3_900).unwrap();
    let (before, after) = packets.split_at(late);
    before.iter().for_each(|p| writer.write(p.clone()));
    let path = |query: &str| format!("/hls/program/media.m3u8?{query}");
    let ask = async |path: String| fetch(address, "GET", &path, &[], "").await;

    // The packager has a thread of its own: what was written is asked for in the same way.
    let playlist = ask(path("_HLS_msn=1&_HLS_part=3")).await;
    assert_eq!(playlist.status, 200, "{}", playlist.text());
    let hint = |text: &str| {
        let hint = text
            .lines()
            .find_map(|l| l.strip_prefix("#EXT-X-PRELOAD-HINT:TYPE=PART,URI="));
        hint.map(|h| h.trim_matches('"').to_owned())
    };
    let hinted = hint(playlist.text()).unwrap();
    assert!(live.file(&hinted).is_none(), "{hinted} is not there yet");

    for (query, status) in [
        ("_HLS_part=1", 400),
        ("_HLS_msn=99", 400),
        ("_HLS_msn=x", 400),
    ] {
        assert_eq!(ask(path(query)).await.status, status, "{query}");
    }
    let next = ask(path("_HLS_msn=2&_HLS_part=0"));
    let part = ask(format!("/hls/program/{hinted}"));
    let write = async {
        // Both requests are on their way before anything more comes.
        tokio::task::yield_now().await;
        after.iter().for_each(|p| writer.write(p.clone()));
    };
    let (next, part, ()) = tokio::join!(next, part, write);
    assert_eq!(next.status, 200);
    assert!(next.text().contains("-2.0.m4s"), "{}", next.text());
    assert_eq!((part.status, &part.body[4..8]), (200, &b"moof"[..]));
    assert!(part.header("cache-control").contains("immutable"));

    // The end makes a part of what is left; what nobody announced is not waited for.
    let now = ask(path("")).await;
    let last = hint(now.text()).unwrap();
    let path = |name: &str| format!("/hls/program/{name}");
    let (rest, ()) = tokio::join!(ask(path(&last)), async { drop(writer) });
    assert_eq!(rest.status, 200);
    let never = last.replace(".m4s", "9.m4s");
    assert_eq!(ask(path(&never)).await.status, 404);
    station.shutdown().await;
}

#[tokio::test]
async fn a_browsers_offer_is_answered_and_its_session_deleted() {
    let hub = Hub::new(4);
    let (parts, _control) = parts(&hub);
    let clock = parts.clock;
    let station = start(config(), parts).await.unwrap();
    let address = station.http_addr();
    let (tracks, packets) = film(1);
    let mut writer = publish(&hub, tracks, clock.now());
    packets.into_iter().for_each(|packet| writer.write(packet));

    let got = fetch(address, "POST", "/program/whep", &[SDP], OFFER).await;
    assert_eq!(got.status, 201, "{}", got.text());
    let candidate = format!("127.0.0.1 {} typ host", station.media_addr().port());
    assert!(
        got.text().contains(&candidate),
        "all candidates are in the answer:\n{}",
        got.text()
    );
    assert!(got.text().contains("H264/90000") && got.text().contains("opus/48000"));
    assert!(!got.text().contains("VP8"));
    let etag = got.header("etag");
    assert!(
        etag.starts_with('"') && etag.ends_with('"'),
        "a strong one: {etag}"
    );
    let location = got.header("location").to_owned();
    let session = location.strip_prefix("/program/whep/").unwrap();
    assert!(session.len() >= 32, "not to be guessed: {session}");

    for (offer, expect) in [
        ("", 400),
        ("nonsense", 400),
        (OFFER.replace("H264/90000", "H265/90000").as_str(), 406),
        (OFFER.replace("a=recvonly", "a=sendonly").as_str(), 422),
    ] {
        let got = fetch(address, "POST", "/program/whep", &[SDP], offer).await;
        assert_eq!(got.status, expect, "{:.40}: {}", offer, got.text());
        assert!(got.json()["message"].as_str().unwrap().len() > 20);
    }

    assert_eq!(
        fetch(address, "DELETE", &location, &[], "").await.status,
        200
    );
    assert_eq!(
        fetch(address, "DELETE", &location, &[], "").await.status,
        404
    );
    drop(writer);
    let late = fetch(address, "POST", "/program/whep", &[SDP], OFFER).await;
    assert_eq!((late.status, late.header("retry-after")), (404, "2"));
    station.shutdown().await;
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_and_another_offered() {
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let http = Config {
        http: tcp.local_addr().unwrap(),
        ..config()
    };
    let media = Config {
        media_udp: udp.local_addr().unwrap(),
        ..config()
    };
    for (config, expect, setting) in [
        (http, "HTTP", "server.http"),
        (media, "media", "server.media_udp"),
    ] {
        let port = if expect == "HTTP" {
            config.http.port()
        } else {
            config.media_udp.port()
        };
        let Err(error) = start(config, parts(&Hub::new(1)).0).await else {
            panic!("started on a taken port");
        };
        let text = error.to_string();
        let StartError::Taken {
            what,
            port: named,
            next_free,
            ..
        } = error
        else {
            panic!("{text}");
        };
        assert_eq!((what, named), (expect, port));
        let free = next_free.expect("one of the next fifty is free");
        assert!(
            text.contains(&port.to_string()) && text.contains(&free.to_string()),
            "{text}"
        );
        assert!(text.contains(setting), "{text}");
    }
    let elsewhere = Config {
        http: "192.0.2.1:0".parse().unwrap(),
        ..config()
    };
    let Err(error) = start(elsewhere, parts(&Hub::new(1)).0).await else {
        panic!("started on an address that is not ours");
    };
    assert!(
        matches!(error, StartError::Bind { what: "HTTP", .. }),
        "{error}"
    );
}

#[tokio::test]
async fn the_host_speaks_and_hears() {
    let hub = Hub::new(4);
    let (parts, _control) = parts(&hub);
    let store = Arc::clone(&parts.store);
    let station = start(config(), parts).await.unwrap();
    let mut heard = station.chat();
    let said = station.say("program", "  hello  ").unwrap();
    assert_eq!((said.role, said.text.as_str()), (Role::Host, "hello"));
    let heard = tokio::time::timeout(PATIENCE, heard.recv()).await.unwrap();
    let Ok(ChatNews::Said { channel, message }) = heard else {
        panic!("{heard:?}");
    };
    assert_eq!((channel.as_str(), &message), ("program", &said));
    assert_eq!(store.recent("program", 10).unwrap(), [said]);
    assert_eq!(station.say("program", "").unwrap_err().code, Code::Invalid);
    assert_eq!(station.say("a b", "hello").unwrap_err().code, Code::Invalid);
    station.shutdown().await;
}

#[tokio::test]
async fn events_begin_with_everything_and_survive_falling_behind() {
    let desk = Desk::new();
    let control = Arc::clone(&desk.control);
    let served = desk.listen(Limits::default()).await;
    let address = served.address;
    let wrong = "/api/events?token=wrong";
    assert_eq!(websocket(address, wrong, &[]).await.err(), Some(401));
    assert_eq!(
        websocket(address, "/api/events", &[]).await.err(),
        Some(401)
    );
    let path = format!("/api/events?token={TOKEN}");
    let evil = [("origin", "http://evil.example")];
    assert_eq!(websocket(address, &path, &evil).await.err(), Some(403));
    let window = [("origin", "tauri://localhost")];
    drop(websocket(address, &path, &window).await.unwrap());
    let bearer = format!("Bearer {TOKEN}");
    let mut socket = websocket(address, "/api/events", &[("authorization", &bearer)])
        .await
        .unwrap();

    let mut next = async || {
        let frame = tokio::time::timeout(PATIENCE, socket.next()).await;
        let frame = frame.expect("an event comes").unwrap().unwrap();
        serde_json::from_str::<serde_json::Value>(frame.to_text().unwrap()).unwrap()
    };
    let first = next().await;
    assert_eq!(first["event"], "snapshot");
    assert_eq!(first["snapshot"]["title"], "A <b>title</b>");
    let stats = |frames| {
        Arc::new(Event::Stats {
            stats: api::Stats {
                frames,
                ..api::Stats::default()
            },
        })
    };
    control.events.send(stats(1)).unwrap();
    assert_eq!(next().await["stats"]["frames"], 1);
    // More than the channel holds, before anybody can read.
    for frames in 0..100 {
        control.events.send(stats(frames)).unwrap();
    }
    assert_eq!(
        next().await["event"],
        "snapshot",
        "what was lost is made good"
    );
    control.events.send(stats(1000)).unwrap();
    while next().await["stats"]["frames"] != 1000 {}
    served.stop().await;
}

#[tokio::test]
async fn the_preview_waits_for_those_who_look() {
    let desk = Desk::new();
    let control = Arc::clone(&desk.control);
    let served = desk.listen(Limits::default()).await;
    assert_eq!(
        websocket(served.address, "/api/preview", &[]).await.err(),
        Some(401)
    );
    assert_eq!(
        control.frames.receiver_count(),
        0,
        "nobody looks, nothing is made"
    );

    control.show(40);
    let path = format!("/api/preview?token={TOKEN}");
    let mut socket = websocket(served.address, &path, &[]).await.unwrap();
    let mut show = async |answer: Option<u64>| {
        if let Some(sequence) = answer {
            socket
                .send(Ws::binary(sequence.to_le_bytes().to_vec()))
                .await
                .unwrap();
        }
        let next = tokio::time::timeout(PATIENCE, socket.next()).await;
        let bytes = next.expect("a picture comes").unwrap().unwrap().into_data();
        let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
        assert_eq!(bytes[16..18], [0xFF, 0xD8], "a JPEG");
        (word(0), word(8) / 1_000_000)
    };
    assert_eq!(show(None).await, (1, 40), "what is there is shown at once");
    control.show(80);
    assert_eq!(show(None).await, (2, 80));
    // Two are unanswered: what comes now is not even made, until the newest of it is wanted.
    for millis in [120, 160, 200] {
        control.show(millis);
    }
    let (sequence, millis) = show(Some(1)).await;
    assert_eq!((sequence, millis), (3, 200), "latest wins");
    assert_eq!(control.frames.receiver_count(), 1, "one maker");

    let mut second = websocket(served.address, &path, &[]).await.unwrap();
    control.show(240);
    let shared = tokio::time::timeout(PATIENCE, second.next())
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(shared.into_data()[..8], 4_u64.to_le_bytes());
    assert_eq!(show(Some(3)).await.0, 4, "one picture for all who look");
    assert_eq!(control.frames.receiver_count(), 1);

    second.close(None).await.unwrap();
    drop(second);
    socket.close(None).await.unwrap();
    drop(socket);
    let ended = async {
        while control.frames.receiver_count() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, ended)
        .await
        .expect("the maker ends with the last looker");
    let mut again = websocket(served.address, &path, &[]).await.unwrap();
    let first = tokio::time::timeout(PATIENCE, again.next())
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(first.into_data()[..8], 5_u64.to_le_bytes(), "numbers go on");
    served.stop().await;
}

#[tokio::test]
async fn a_station_stops_with_connections_open() {
    let hub = Hub::new(4);
    let (parts, control) = parts(&hub);
    let station = start(config(), parts).await.unwrap();
    let address = station.http_addr();
    let events = format!("/api/events?token={TOKEN}");
    let preview = format!("/api/preview?token={TOKEN}");
    let chat = "/socket.io/?EIO=4&transport=websocket";
    let mut open = Vec::new();
    for path in [events.as_str(), preview.as_str(), chat] {
        open.push(websocket(address, path, &[]).await.unwrap());
    }
    let idle = tokio::net::TcpStream::connect(address).await.unwrap();
    tokio::time::timeout(PATIENCE, station.shutdown())
        .await
        .expect("it stops");
    for mut socket in open {
        let ended = async { while let Some(Ok(_)) = socket.next().await {} };
        tokio::time::timeout(PATIENCE, ended)
            .await
            .expect("a WebSocket is closed");
    }
    drop((idle, control));
    drop(TcpListener::bind(address).expect("the port is free again"));
}
