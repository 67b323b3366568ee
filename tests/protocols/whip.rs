//! WHIP with implementations that were not written here: they publish to a station that runs as a process
//! of its own, and others watch what they publish.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "this is test code, only not inside of a #[test]"
)]

#[path = "webrtc_peers.rs"]
mod peers;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use klieg_tests::{Headless, eventually, http, skip};
use serde_json::Value;

use peers::{Script, is};

/// How long the next line of a peer may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the publisher's tone has.
const AMPLITUDE: f64 = 0.25;

fn open_station() -> Headless {
    Headless::with().set("ingest.policy=open").start()
}

/// Somebody who watches a channel.
fn watch(test: &str, station: &Headless, channel: &str) -> Option<Script> {
    let mut viewer = Script::start(test, "whep_viewer.py", &[])?;
    let offer = viewer.hear("an offer", PATIENCE, is("offer"));
    let offer = offer["sdp"].as_str().unwrap();
    let answer = http::request(
        "POST",
        &station.url(&format!("/{channel}/whep")),
        &[("content-type", "application/sdp")],
        offer.as_bytes(),
    );
    assert_eq!(answer.status, 201, "{}", answer.text());
    viewer.tell(&serde_json::to_string(&answer.text()).unwrap());
    Some(viewer)
}

fn counted(event: &str, least: u64) -> impl Fn(&Value) -> bool {
    move |v| v["event"] == event && v["count"].as_u64().is_some_and(|n| n >= least)
}

/// Pictures of this size go on, and the tone is heard as loud as it is.
fn watches(viewer: &Script, size: (u64, u64)) {
    let right = |v: &Value| v["width"] == size.0 && v["height"] == size.1;
    viewer.hear("a picture", PATIENCE, |v| v["event"] == "video" && right(v));
    let first = viewer.hear("pictures", PATIENCE, counted("video", 30));
    let later = viewer.hear("pictures that go on", PATIENCE, counted("video", 90));
    let took = later["at"].as_f64().unwrap() - first["at"].as_f64().unwrap();
    let pictures = later["count"].as_f64().unwrap() - first["count"].as_f64().unwrap();
    let rate = pictures / took;
    assert!((20.0..45.0).contains(&rate), "{rate} pictures a second");
    let sound = viewer.hear("sound", PATIENCE, counted("audio", 90));
    assert_eq!(sound["rate"], 48_000);
    let peak = sound["peak"].as_f64().unwrap();
    assert!((peak - AMPLITUDE).abs() < 0.08, "{sound}");
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
    watches(&viewer, (640, 360));
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

/// The system's Python, when it has GStreamer with all that publishing takes.
fn gstreamer(test: &str) -> Option<&'static Path> {
    const PYTHON: &str = "/usr/bin/python3";
    const NEEDED: &str = "import gi; gi.require_version('GstWebRTC', '1.0'); \
        gi.require_version('GstSdp', '1.0'); from gi.repository import Gst; Gst.init(None); \
        assert all(map(Gst.ElementFactory.find, \
        ['webrtcbin', 'nicesink', 'openh264enc', 'opusenc']))";
    let found = Command::new(PYTHON).args(["-c", NEEDED]).output();
    if found.is_ok_and(|output| output.status.success()) {
        return Some(Path::new(PYTHON));
    }
    skip(
        test,
        "GStreamer's webrtcbin and its Python bindings are not installed (`cargo xtask setup` installs them)",
    );
    None
}

#[test]
fn gstreamer_publishes_and_aiortc_watches() {
    let test = "gstreamer_publishes_and_aiortc_watches";
    let Some(python) = gstreamer(test) else {
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
    watches(&viewer, (640, 360));
    drop(publisher);
    viewer.hear("the end of the channel", PATIENCE, |v| {
        v["event"] == "state" && v["state"] == "closed"
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
