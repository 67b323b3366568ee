//! WHIP with implementations that were not written here: they publish to a station that runs as a process
//! of its own, and others watch what they publish.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "this is test code, only not inside of a #[test]"
)]

#[path = "publisher_keys.rs"]
mod keys;
#[path = "webrtc_peers.rs"]
mod peers;
#[path = "whep_remote.rs"]
mod remote;
#[path = "webrtc_viewer.rs"]
mod viewer;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use klieg_tests::{Headless, Process, eventually, gstreamer, need};
use serde_json::{Value, json};

use peers::{Script, is};
use viewer::{PATIENCE, in_step, over_hls, watch, watches};

/// What the publishers' tone has.
const AMPLITUDE: f64 = 0.25;

/// What they send, in pixels.
const SIZE: (u64, u64) = (640, 360);

fn open_station() -> Headless {
    Headless::with().set("ingest.policy=open").start()
}

fn publish(test: &str, station: &Headless, channel: &str) -> Option<Script> {
    let url = station.url(&format!("/{channel}/whip"));
    Script::start(test, "whip_publisher.py", &[&url])
}

fn live(station: &Headless, channel: &str) -> Option<Value> {
    let answer = station.get(&format!("/api/channels/{channel}"));
    answer.ok().then(|| answer.json())
}

fn connected(publisher: &Script) {
    let answer = publisher.hear("an answer", PATIENCE, is("answer"));
    assert_eq!(answer["status"], 201, "{answer}");
    let sdp = answer["sdp"].as_str().unwrap();
    assert!(sdp.contains("H264/90000") && !sdp.contains("VP8"), "{sdp}");
    publisher.hear("a connection", PATIENCE, |v| v["state"] == "connected");
}

#[test]
fn aiortc_publishes_and_another_watches() {
    let test = "aiortc_publishes_and_another_watches";
    let station = open_station();
    let Some(mut publisher) = publish(test, &station, "phone") else {
        return;
    };
    connected(&publisher);
    let Some(viewer) = watch(test, &station, "phone") else {
        return;
    };
    watches(&viewer, SIZE, AMPLITUDE);
    // Its reports say when packets left, and on a busy machine sound and picture leave late by different spans.
    in_step(&viewer, 0.060);
    let shown = live(&station, "phone").unwrap();
    assert_eq!(
        (&shown["source"], &shown["state"]),
        (&"whip".into(), &"live".into())
    );
    let tracks = shown["tracks"].as_array().unwrap().iter();
    let codecs: Vec<_> = tracks.map(|t| t["codec"].as_str()).collect();
    assert_eq!(codecs[..2], [Some("H.264"), Some("Opus")], "{shown}");
    let figures = station.get("/metrics").text();
    assert!(figures.contains("klieg_publisher_packets_total{channel=\"phone\"}"));
    let figure = |name: &str| {
        let line = figures.lines().find_map(|line| line.strip_prefix(name));
        let value = line.and_then(|value| value.trim().parse::<f64>().ok());
        value.unwrap_or_else(|| panic!("no {name} in\n{figures}"))
    };
    let [taken, given] = ["ingest", "viewer"].map(|side| {
        let bytes = figure(&format!("klieg_{side}_bytes_total "));
        assert!(bytes > 10_000.0 && figure(&format!("klieg_{side}_packets_total ")) > 90.0);
        bytes
    });
    assert!(figure("klieg_webrtc_received_bytes_total ") > taken);
    assert!(figure("klieg_webrtc_sent_bytes_total ") > given);
    // Each time packets left for the viewer, the time since their datagram came was counted.
    assert!(figure("klieg_station_latency_seconds_count ") > 90.0);

    over_hls(test, &station, "phone", SIZE, AMPLITUDE);

    publisher.tell("delete");
    let deleted = publisher.hear("DELETE", PATIENCE, is("deleted"));
    assert_eq!(deleted["status"], 200);
    viewer.hear("the end of the channel", PATIENCE, |v| {
        v["event"] == "state" && v["state"] == "closed"
    });
    assert_eq!(live(&station, "phone"), None);
}

#[test]
fn a_publisher_changes_its_size_and_leaves() {
    let test = "a_publisher_changes_its_size_and_leaves";
    let station = open_station();
    let Some(mut publisher) = publish(test, &station, "phone") else {
        return;
    };
    connected(&publisher);
    let Some(viewer) = watch(test, &station, "phone") else {
        return;
    };
    viewer.hear("a picture", PATIENCE, |v| v["width"] == 640);
    publisher.tell("small");
    viewer.hear("a smaller picture", PATIENCE, |v| v["width"] == 320);
    publisher.tell("close");
    viewer.hear("the end of the channel", PATIENCE, |v| {
        v["event"] == "state" && v["state"] == "closed"
    });
    eventually("the channel is gone", PATIENCE, || {
        live(&station, "phone").is_none().then_some(())
    });
}

/// Its certificates for DTLS are RSA ones, which the other peers have not, on either side.
#[test]
fn gstreamer_publishes_and_aiortc_and_gstreamer_watch() {
    let test = "gstreamer_publishes_and_aiortc_and_gstreamer_watch";
    let elements = ["webrtcbin", "nicesink", "openh264enc", "opusenc"];
    let Some(python) = gstreamer(test, &elements) else {
        return;
    };
    // GStreamer gathers no address of the loopback.
    let station = Headless::with()
        .set("ingest.policy=open")
        .set("server.media_udp=0.0.0.0:0")
        .start();
    let url = station.url("/webrtc/studio/whip");
    let publisher = Script::on(python, "whip_gstreamer.py", &[&url]);
    connected(&publisher);
    let Some(viewer) = watch(test, &station, "studio") else {
        return;
    };
    watches(&viewer, SIZE, AMPLITUDE);
    in_step(&viewer, 0.060);
    let url = station.url("/webrtc/studio/whep");
    let second = Script::on(python, "whep_gstreamer.py", &[&url]);
    let answer = second.hear("an answer", PATIENCE, is("answer"));
    assert_eq!(answer["status"], 201, "{answer}");
    second.hear("a connection", PATIENCE, |v| v["state"] == "connected");
    watches(&second, SIZE, AMPLITUDE);
    eventually("two watch", PATIENCE, || {
        (live(&station, "studio")?["viewers"]["whep"] == 2).then_some(())
    });
    over_hls(test, &station, "studio", SIZE, AMPLITUDE);
    drop(publisher);
    viewer.hear("the end of the channel", PATIENCE, |v| {
        v["event"] == "state" && v["state"] == "closed"
    });
}

/// Where the test signal flashes, in a picture of 640 × 360.
const FLASH: &str = "524,26,72,36";

/// A collection whose one scene is the test signal.
fn test_signal(folder: &Path) -> PathBuf {
    let document = folder.join("collection.json");
    let rect = json!({ "x": 0, "y": 0, "width": SIZE.0, "height": SIZE.1 });
    let collection = json!({
        "version": 1, "name": "Test", "canvas": { "width": SIZE.0, "height": SIZE.1, "fps": 30 },
        "sources": [{ "id": "it", "name": "It", "kind": "test_signal", "settings": { "pattern": "bars" } }],
        "scenes": [{ "id": "a", "name": "A", "items": [{ "id": "i", "source": "it", "rect": rect }] }],
        "current": "a",
    });
    std::fs::write(&document, collection.to_string()).unwrap();
    document
}

#[test]
fn aiortc_watches_the_program_in_step() {
    let test = "aiortc_watches_the_program_in_step";
    let folder = tempfile::tempdir().unwrap();
    let studio = Headless::with()
        .collection(&test_signal(folder.path()))
        .arg("--on-air")
        .start();
    eventually("the program is live", PATIENCE, || {
        let program = live(&studio, "program")?;
        (program["tracks"].as_array()?.len() > 1).then_some(())
    });
    let Some(viewer) = watch(test, &studio, "program") else {
        return;
    };
    viewer.hear("pictures that go on", PATIENCE, |v| {
        v["event"] == "video" && v["width"] == SIZE.0 && v["count"].as_u64() >= Some(60)
    });
    in_step(&viewer, 0.060);
    assert!(studio.stop().success());
}

#[test]
fn gstreamer_has_the_program_in_step() {
    let test = "gstreamer_has_the_program_in_step";
    let elements = [
        "webrtcbin",
        "nicesrc",
        "rtph264depay",
        "avdec_h264",
        "opusdec",
        "level",
    ];
    let Some(python) = gstreamer(test, &elements) else {
        return;
    };
    let server = Script::on(python, "whip_gstreamer_server.py", &[FLASH]);
    let port = server.hear("its port", PATIENCE, is("listening"))["port"].clone();
    let folder = tempfile::tempdir().unwrap();
    let document = test_signal(folder.path());
    let publish = format!("http://127.0.0.1:{port}/whip");
    let studio = Headless::with()
        .collection(&document)
        .args(["--on-air", "--publish", &publish])
        .start();
    // GStreamer puts both on one clock once both have been reported on.
    server.hear("some seconds of it", PATIENCE, |v| {
        v["event"] == "picture" && v["count"].as_u64() >= Some(120)
    });
    let (mut flashes, mut beeps) = (Vec::new(), Vec::new());
    while flashes.len() < 6 || beeps.len() < 6 {
        let heard = server.hear("flashes and beeps", PATIENCE, |v| {
            v["event"] == "flash" || v["event"] == "beep"
        });
        let at = heard["at"].as_f64().unwrap();
        let of = if heard["event"] == "flash" {
            &mut flashes
        } else {
            &mut beeps
        };
        of.push(at);
    }
    // At the ends one of the two may not have come.
    let apart = flashes.iter().filter_map(|flash| {
        let each = beeps.iter().map(|beep| beep - flash);
        each.min_by(|a, b| a.abs().total_cmp(&b.abs()))
            .filter(|a| a.abs() < 0.5)
    });
    let mut apart: Vec<f64> = apart.collect();
    println!("GStreamer: beeps {apart:?} s from their flashes");
    assert!(apart.len() >= 4, "{flashes:?} and {beeps:?}");
    apart.sort_by(f64::total_cmp);
    // A busy machine leaves out a picture, and a flash then is seen with the next.
    assert!(apart[apart.len() / 2].abs() <= 0.020, "{apart:?}");
    assert!(studio.stop().success());
    server.hear("DELETE", PATIENCE, is("deleted"));
}

#[test]
fn another_klieg_takes_the_program_and_refuses_a_wrong_key() {
    let test = "another_klieg_takes_the_program_and_refuses_a_wrong_key";
    let station = Headless::start();
    let link = json!({ "kind": "publish", "name": "Hall", "channel": "hall" });
    assert!(
        station
            .apply(&json!({ "command": "create_link", "link": link }))
            .ok()
    );
    let key = station.snapshot()["access"][0]["secret"].clone();
    let studio = Headless::start();
    let destination = |name: &str, secret: &Value| {
        json!({ "command": "add_destination", "destination": {
            "name": name,
            "target": { "protocol": "whip", "url": station.url("/hall/whip") },
            "platform": "klieg",
            "secret": secret,
        }})
    };
    assert!(studio.apply(&destination("wrong", &"sesame".into())).ok());
    assert!(studio.apply(&destination("right", &key)).ok());
    studio.go_live();
    let states = |now: &Value| [0, 1].map(|n| now["destinations"][n]["state"].clone());
    let now = studio.until("one is refused, one is live", |now| {
        let [wrong, right] = states(now);
        wrong["state"] == "refused" && right["state"] == "live" && !right["round_trip_ms"].is_null()
    });
    let [wrong, right] = states(&now);
    assert_eq!(wrong["key"], true, "{wrong}");
    assert!(
        wrong["reason"].as_str().unwrap().contains("token is wrong"),
        "{wrong}"
    );
    assert!(right["round_trip_ms"].as_u64().unwrap() < 5_000, "{right}");
    let shown = live(&station, "hall").unwrap();
    assert_eq!(shown["source"], "whip", "{shown}");
    if let Some(viewer) = watch(test, &station, "hall") {
        viewer.hear("a picture", PATIENCE, |v| v["width"] == 1280);
    }
    // Stopped on air, by itself: the other station is told at once.
    let id = &now["destinations"][1]["id"];
    assert!(
        studio
            .apply(&json!({ "command": "enable_destination", "id": id, "enabled": false }))
            .ok()
    );
    eventually("the channel is gone", PATIENCE, || {
        live(&station, "hall").is_none().then_some(())
    });
}

#[test]
fn a_station_that_asks_for_keys_lets_nobody_in_without() {
    let test = "a_station_that_asks_for_keys_lets_nobody_in_without";
    let station = Headless::start();
    let Some(publisher) = publish(test, &station, "phone") else {
        return;
    };
    let answer = publisher.hear("an answer", PATIENCE, is("answer"));
    assert_eq!(answer["status"], 401, "{answer}");
    assert_eq!(live(&station, "phone"), None);
}

#[test]
fn ffmpeg_publishes_over_rtmp_and_aiortc_watches() {
    let test = "ffmpeg_publishes_over_rtmp_and_aiortc_watches";
    let Some(ffmpeg) = need(test, "ffmpeg") else {
        return;
    };
    let station = open_station();
    let address = format!("{}/encoder", station.ready()["rtmp"].as_str().unwrap());
    // The first tenth of every second is marked: a white box, and silence.
    let marked = "lt(mod(t,1),0.1)";
    let at = "drawbox=iw*13/16:ih/16:iw/8:ih/8";
    let picture = format!(
        "testsrc2=s={}x{}:r=30,{at}:black:fill,{at}:white:fill:enable='{marked}'",
        SIZE.0, SIZE.1
    );
    let wave = format!("{AMPLITUDE}*not({marked})*sin(1000*2*PI*t)");
    let sound = format!("aevalsrc='{wave}|{wave}':s=48000");
    let _publisher = Process::start(
        Command::new(ffmpeg)
            .args(["-v", "error", "-re", "-f", "lavfi", "-i", &picture])
            .args(["-f", "lavfi", "-i", &sound])
            .args([
                "-c:v",
                "libx264",
                "-preset",
                "ultrafast",
                "-tune",
                "zerolatency",
            ])
            .args(["-profile:v", "baseline", "-g", "60", "-pix_fmt", "yuv420p"])
            .args(["-c:a", "aac", "-t", "300", "-f", "flv", &address])
            .stdin(Stdio::null())
            .stdout(Stdio::null()),
    );
    eventually("the encoder is live", PATIENCE, || {
        let tracks = live(&station, "encoder")?["tracks"].as_array()?.len();
        (tracks >= 2).then_some(())
    });
    let Some(viewer) = watch(test, &station, "encoder") else {
        return;
    };
    watches(&viewer, SIZE, AMPLITUDE);
    in_step(&viewer, 0.020);
}
