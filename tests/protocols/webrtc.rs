//! WebRTC with an implementation that was not written here: aiortc watches over WHEP, and receives
//! over WHIP, and both decode what they get.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "this is test code, only not inside of a #[test]"
)]

#[path = "whip_asks.rs"]
mod asks;
#[path = "whip_ingest.rs"]
mod ingest;
#[path = "whip_paths.rs"]
mod paths;
#[path = "webrtc_peers.rs"]
mod peers;
#[path = "webrtc_source.rs"]
mod source;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use klieg_tests::gstreamer;
use media::{ChannelName, Clock, Start, Want};
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use wire::webrtc::{Options, Station};
use wire::whip::{self, Target};
use wire::{Progress, PublishError};

use peers::{Script, is};
use source::{AMPLITUDE, SIZE, Signal};

/// How long the next line of a peer may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

const TOKEN: &str = "correct-horse";

fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
}

fn counted(event: &str, least: u64) -> impl Fn(&Value) -> bool {
    move |v| v["event"] == event && v["count"].as_u64().is_some_and(|n| n >= least)
}

fn near(value: &Value, expect: f32, by: f32) -> bool {
    value
        .as_f64()
        .is_some_and(|v| (v as f32 - expect).abs() <= by)
}

#[test]
fn aiortc_watches_over_whep() {
    let test = "aiortc_watches_over_whep";
    let Some(mut viewer) = Script::start(test, "whep_viewer.py", &[]) else {
        return;
    };
    let clock = Clock::start();
    let signal = Signal::start(clock);
    let station = Station::start(Options {
        bind: "127.0.0.1:0".parse().unwrap(),
        external: Vec::new(),
        clock,
    })
    .unwrap();
    let offer = viewer.hear("an offer", PATIENCE, is("offer"));
    let offer = offer["sdp"].as_str().unwrap();
    let answer = runtime()
        .block_on(station.whep(
            signal.channel(),
            offer,
            std::net::Ipv4Addr::LOCALHOST.into(),
        ))
        .unwrap();
    viewer.tell(&serde_json::to_string(&answer.sdp).unwrap());

    let picture = viewer.hear("a picture", PATIENCE, is("video"));
    assert_eq!(
        (&picture["width"], &picture["height"]),
        (&SIZE.0.into(), &SIZE.1.into())
    );
    viewer.hear("pictures that go on", PATIENCE, counted("video", 60));
    let sound = viewer.hear("sound", PATIENCE, counted("audio", 60));
    assert_eq!(sound["rate"], 48_000);
    assert!(near(&sound["peak"], AMPLITUDE, 0.08), "{sound}");

    assert_eq!(station.viewers(&ChannelName::program()), 1);
    let stats = station.sessions().pop().unwrap();
    assert!(stats.connected && stats.packets > 60, "{stats:?}");
    assert_eq!(stats.session, answer.session);

    drop(signal);
    viewer.hear("the end of the channel", PATIENCE, |v| {
        v["event"] == "state" && v["state"] == "closed"
    });
    assert_eq!(station.viewers(&ChannelName::program()), 0);
    assert!(!station.close(&answer.session), "already gone");
}

#[test]
fn a_viewer_that_is_closed_is_told() {
    let test = "a_viewer_that_is_closed_is_told";
    let Some(mut viewer) = Script::start(test, "whep_viewer.py", &[]) else {
        return;
    };
    let clock = Clock::start();
    let signal = Signal::start(clock);
    let station = Station::start(Options {
        bind: "0.0.0.0:0".parse().unwrap(),
        external: vec!["203.0.113.9".parse().unwrap()],
        clock,
    })
    .unwrap();
    let offer = viewer.hear("an offer", PATIENCE, is("offer"));
    let offer = offer["sdp"].as_str().unwrap();
    let answer = runtime()
        .block_on(station.whep(
            signal.channel(),
            offer,
            std::net::Ipv4Addr::LOCALHOST.into(),
        ))
        .unwrap();
    assert!(answer.sdp.contains(" 203.0.113.9 "), "{}", answer.sdp);
    viewer.tell(&serde_json::to_string(&answer.sdp).unwrap());
    viewer.hear("pictures", PATIENCE, counted("video", 15));
    assert!(station.close(&answer.session));
    viewer.hear("the end of the session", PATIENCE, |v| {
        v["event"] == "state" && v["state"] == "closed"
    });
}

/// A WHIP server, and a publication to it.
struct Publication {
    progress: Arc<Progress>,
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<(), PublishError>>,
}

impl Publication {
    fn start(runtime: &Runtime, signal: &Signal, clock: Clock, url: String, token: &str) -> Self {
        let progress = Arc::<Progress>::default();
        let (stop, stopped) = watch::channel(false);
        let target = Target {
            url,
            bearer: token.into(),
        };
        let reader = signal.channel().read(Want::WEBRTC, Start::Group, 256);
        let publish = whip::publish(target, reader, clock, Arc::clone(&progress), stopped);
        Self {
            progress,
            stop,
            task: runtime.spawn(publish),
        }
    }
}

fn server(test: &str) -> Option<(Script, String)> {
    let server = Script::start(test, "whip_server.py", &[TOKEN])?;
    let port = server.hear("its port", PATIENCE, is("listening"))["port"].clone();
    Some((server, format!("http://127.0.0.1:{port}")))
}

#[test]
fn aiortc_receives_over_whip_and_is_told_of_the_end() {
    let Some((server, base)) = server("aiortc_receives_over_whip_and_is_told_of_the_end") else {
        return;
    };
    let runtime = runtime();
    let clock = Clock::start();
    let signal = Signal::start(clock);
    let url = format!("{base}/live/whip");
    let publication = Publication::start(&runtime, &signal, clock, url, TOKEN);

    let offer = server.hear("an offer", PATIENCE, is("offer"));
    let sdp = offer["sdp"].as_str().unwrap();
    assert_eq!(sdp.matches("a=sendonly").count(), 2, "{sdp}");
    assert!(sdp.contains("profile-level-id=42e0"), "{sdp}");
    let picture = server.hear("a picture", PATIENCE, is("picture"));
    assert_eq!(
        (&picture["width"], &picture["height"]),
        (&SIZE.0.into(), &SIZE.1.into())
    );
    assert!(near(&picture["luma"], 115.0, 90.0), "{picture}");
    server.hear("pictures that go on", PATIENCE, counted("picture", 60));
    let sound = server.hear("sound", PATIENCE, is("sound"));
    assert_eq!(
        (&sound["rate"], &sound["channels"]),
        (&48_000.into(), &2.into())
    );
    assert!(near(&sound["peak"], AMPLITUDE, 0.08), "{sound}");
    assert!(publication.progress.connected());
    assert!(publication.progress.packets() > 60);
    assert!(publication.progress.bytes() > 10_000);
    assert!(signal.keyframes() >= 2, "one was asked for to begin with");

    publication.stop.send_replace(true);
    server.hear("DELETE", PATIENCE, is("deleted"));
    assert_eq!(runtime.block_on(publication.task).unwrap(), Ok(()));
    assert!(!publication.progress.connected());
}

#[test]
fn gstreamer_receives_over_whip() {
    let test = "gstreamer_receives_over_whip";
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
    let server = Script::on(python, "whip_gstreamer_server.py", &[]);
    let port = server.hear("its port", PATIENCE, is("listening"))["port"].clone();
    let runtime = runtime();
    let clock = Clock::start();
    let signal = Signal::start(clock);
    let url = format!("http://127.0.0.1:{port}/whip");
    let publication = Publication::start(&runtime, &signal, clock, url, "");
    let answer = server.hear("an answer", PATIENCE, is("answer"));
    assert!(
        answer["sdp"].as_str().unwrap().contains("H264/90000"),
        "{answer}"
    );
    let picture = server.hear("pictures", PATIENCE, counted("picture", 60));
    assert_eq!(
        (&picture["width"], &picture["height"]),
        (&SIZE.0.into(), &SIZE.1.into())
    );
    let sound = server.hear("sound", PATIENCE, |v| {
        v["event"] == "sound" && near(&v["peak"], AMPLITUDE, 0.08)
    });
    assert_eq!(sound["channels"], 2, "{sound}");
    publication.stop.send_replace(true);
    server.hear("DELETE", PATIENCE, is("deleted"));
    assert_eq!(runtime.block_on(publication.task).unwrap(), Ok(()));
}

#[test]
fn the_end_of_the_channel_ends_the_publication() {
    let Some((server, base)) = server("the_end_of_the_channel_ends_the_publication") else {
        return;
    };
    let runtime = runtime();
    let clock = Clock::start();
    let signal = Signal::start(clock);
    // Followed, with the token: it stays with the same origin.
    let url = format!("{base}/moved");
    let publication = Publication::start(&runtime, &signal, clock, url, TOKEN);
    server.hear("a picture", PATIENCE, is("picture"));
    drop(signal);
    server.hear("DELETE", PATIENCE, is("deleted"));
    assert_eq!(runtime.block_on(publication.task).unwrap(), Ok(()));
}

#[test]
fn refusals_and_losses_are_told_apart() {
    let Some((server, base)) = server("refusals_and_losses_are_told_apart") else {
        return;
    };
    let runtime = runtime();
    let clock = Clock::start();
    let signal = Signal::start(clock);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}/whip", closed.local_addr().unwrap());
    drop(closed);
    for (url, token, refused, says) in [
        (format!("{base}/live/whip"), "wrong", true, "token is wrong"),
        (format!("{base}/live/whip"), "", true, "wants a token"),
        (format!("{base}/nothing"), TOKEN, true, "no WHIP endpoint"),
        (format!("{base}/found"), TOKEN, true, "redirects with 302"),
        (format!("{base}/circle"), TOKEN, true, "in a circle"),
        (format!("{base}/broken"), TOKEN, false, "wait 7 s"),
        (nobody, TOKEN, false, "cannot be reached"),
        (
            "rtmp://127.0.0.1/live".into(),
            "",
            true,
            "begins with https://",
        ),
    ] {
        let publication = Publication::start(&runtime, &signal, clock, url.clone(), token);
        let error = runtime.block_on(publication.task).unwrap().unwrap_err();
        assert_eq!(error.is_refusal(), refused, "{url}: {error}");
        assert!(error.to_string().contains(says), "{url}: {error}");
    }
    server.hear("a refusal", PATIENCE, is("refused"));
}
