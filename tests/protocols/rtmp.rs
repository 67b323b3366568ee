//! Publishing to RTMP servers that were not written here: nginx with its RTMP module, and FFmpeg.
//! What they received is read back and measured.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "this is test code, only not inside of a #[test]"
)]

#[path = "rtmp_measure.rs"]
mod measure;
#[path = "rtmp_peers.rs"]
mod peers;
#[path = "rtmp_program.rs"]
mod program;
#[path = "rtmp_source.rs"]
mod source;
#[path = "rtmp_trouble.rs"]
mod trouble;

use std::process::{Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use klieg_tests::{Process, TlsFront, free_tcp_port, need};
use media::{ChannelInfo, ChannelName, Clock, Hub, Origin, Packet, Timestamp, Track, TrackId};
use outputs::{Destination, Options, State, Target};
use tokio::runtime::Handle;
use tokio::time::timeout;

use peers::{Deaf, GOOD_KEY, Nginx, NodeServer, record};
use source::{BOTH, Signal};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(40);

fn rtmp(url: &str, key: &str) -> Target {
    Target::Rtmp {
        url: url.to_owned(),
        key: key.to_owned(),
    }
}

/// Waits for a state; panics with the one that stands instead.
async fn until(destination: &Destination, what: &str, fits: impl FnMut(&State) -> bool) -> State {
    let mut state = destination.state();
    match timeout(PATIENCE, state.wait_for(fits)).await {
        Ok(Ok(state)) => state.clone(),
        Ok(Err(_)) => panic!("ended as {:?}, never {what}", destination.state().borrow()),
        Err(_) => panic!("still {:?}, not {what}", destination.state().borrow()),
    }
}

fn is_live(state: &State) -> bool {
    matches!(state, State::Live { .. })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nginx_receives_picture_and_sound_in_step() {
    let Some(nginx) = Nginx::start("nginx_receives_picture_and_sound_in_step") else {
        return;
    };
    let clock = Clock::start();
    let signal = Signal::start(clock, BOTH);
    let target = rtmp(&nginx.url("live"), "a");
    let destination = Destination::start(target, signal.channel(), clock, &Handle::current());
    until(&destination, "live", is_live).await;
    let file = nginx.path("a.mkv");
    record(&format!("{}/a", nginx.url("live")), 8, &file);
    measure::check(&file, 8.0);
    let moving =
        |s: &State| matches!(s, State::Live { bitrate, dropped: 0, .. } if *bitrate > 50_000);
    until(&destination, "live with a bitrate", moving).await;
    let mut state = destination.state();
    destination.stop().await;
    assert_eq!(*state.borrow_and_update(), State::Off);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_media_server_receives_picture_and_sound_in_step() {
    let Some(server) = NodeServer::start("node_media_server_receives_picture_and_sound_in_step")
    else {
        return;
    };
    let clock = Clock::start();
    let signal = Signal::start(clock, BOTH);
    let target = rtmp(&server.url(), "a");
    let destination = Destination::start(target, signal.channel(), clock, &Handle::current());
    until(&destination, "live", is_live).await;
    let file = server.path("a.mkv");
    record(&format!("{}/a", server.url()), 6, &file);
    measure::check(&file, 6.0);
    destination.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_restarts_is_live_again() {
    let Some(mut nginx) = Nginx::start("a_server_that_restarts_is_live_again") else {
        return;
    };
    let clock = Clock::start();
    let signal = Signal::start(clock, BOTH);
    // The key may also stand in the address.
    let target = rtmp(&nginx.url("live/b"), "");
    let destination = Destination::start(target, signal.channel(), clock, &Handle::current());
    until(&destination, "live", is_live).await;
    // Longer than what looks like a refusal.
    let file = nginx.path("b.mkv");
    record(&nginx.url("live/b"), 3, &file);
    nginx.kill();
    let lost = until(&destination, "retrying", |s| {
        matches!(s, State::Retrying { .. })
    })
    .await;
    let State::Retrying { reason, .. } = lost else {
        unreachable!()
    };
    assert!(reason.contains("127.0.0.1"), "{reason}");
    nginx.resume();
    until(&destination, "live again", is_live).await;
    record(&nginx.url("live/b"), 4, &file);
    let streams = measure::streams(file.to_str().unwrap());
    assert_eq!(streams.len(), 2, "{streams:#?}");
    destination.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_key_is_refused_and_a_right_one_is_not() {
    let Some(nginx) = Nginx::start("a_wrong_key_is_refused_and_a_right_one_is_not") else {
        return;
    };
    let clock = Clock::start();
    let signal = Signal::start(clock, BOTH);
    let start = |key| {
        let target = rtmp(&nginx.url("keyed"), key);
        Destination::start(target, signal.channel(), clock, &Handle::current())
    };
    let wrong = start("bad-key");
    let refused = until(&wrong, "refused", |s| matches!(s, State::Refused { .. })).await;
    let State::Refused { reason, key: true } = refused else {
        unreachable!()
    };
    assert!(
        reason.contains("127.0.0.1") && reason.contains("stream key"),
        "{reason}"
    );
    assert!(!reason.contains("bad-key"), "{reason}");
    let right = start(GOOD_KEY);
    until(&right, "live", is_live).await;
    // nginx says so in words when somebody is live with the key, which may be over soon.
    let second = start(GOOD_KEY);
    let refused = until(&second, "refused for now", |s| {
        matches!(s, State::Retrying { .. } | State::Refused { .. })
    })
    .await;
    let State::Retrying { reason, .. } = refused else {
        panic!("given up: {refused:?}")
    };
    assert!(reason.contains("already"), "{reason}");
    assert!(is_live(&right.state().borrow()));
    right.stop().await;
    until(&second, "live after the first", is_live).await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rtmps_carries_the_same() {
    let Some(nginx) = Nginx::start("rtmps_carries_the_same") else {
        return;
    };
    let front = TlsFront::start(nginx.port).await;
    let clock = Clock::start();
    let signal = Signal::start(clock, BOTH);
    let url = format!("rtmps://localhost:{}/live", front.port);
    let options = Options {
        roots: vec![front.root.clone()].into(),
        ..Options::default()
    };
    let runtime = Handle::current();
    let target = rtmp(&url, "c");
    let destination =
        Destination::start_with(target.clone(), options, signal.channel(), clock, &runtime);
    until(&destination, "live", is_live).await;
    let file = nginx.path("c.mkv");
    record(&nginx.url("live/c"), 6, &file);
    measure::check(&file, 6.0);
    destination.stop().await;

    // A certificate that nobody vouches for is not trusted.
    let untrusting = Destination::start(target, signal.channel(), clock, &runtime);
    let lost = until(&untrusting, "retrying", |s| {
        matches!(s, State::Retrying { .. })
    })
    .await;
    let State::Retrying { reason, .. } = lost else {
        unreachable!()
    };
    assert!(reason.contains("secure connection"), "{reason}");
    untrusting.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ffmpeg_as_a_server_receives_picture_and_sound_in_step() {
    let test = "ffmpeg_as_a_server_receives_picture_and_sound_in_step";
    let (Some(ffmpeg), Some(_)) = (need(test, "ffmpeg"), need(test, "ffprobe")) else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("d.mkv");
    let port = free_tcp_port();
    let url = format!("rtmp://127.0.0.1:{port}/live");
    let mut server = Process::start(
        Command::new(ffmpeg)
            .args(["-v", "error", "-listen", "1", "-i", &format!("{url}/d")])
            .args(["-t", "6", "-c", "copy"])
            .arg(&file)
            .stdin(Stdio::null()),
    );
    peers::listening(port);
    let clock = Clock::start();
    let signal = Signal::start(clock, BOTH);
    let destination =
        Destination::start(rtmp(&url, "d"), signal.channel(), clock, &Handle::current());
    until(&destination, "live", is_live).await;
    // FFmpeg leaves when it has its six seconds.
    let gone = klieg_tests::eventually("ffmpeg has its recording", PATIENCE, || {
        server.child().try_wait().unwrap()
    });
    assert!(gone.success());
    until(&destination, "retrying", |s| !is_live(s)).await;
    destination.stop().await;
    measure::check(&file, 6.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_there_is_retried_and_says_so() {
    let clock = Clock::start();
    let signal = Signal::start(clock, BOTH);
    let port = free_tcp_port();
    for (url, word) in [
        (format!("rtmp://127.0.0.1:{port}/live"), "nothing listens"),
        (
            "rtmp://no-such-host.invalid/live".to_owned(),
            "cannot be found",
        ),
    ] {
        let target = rtmp(&url, "sesame");
        let destination = Destination::start(target, signal.channel(), clock, &Handle::current());
        let lost = until(&destination, "retrying", |s| {
            matches!(s, State::Retrying { .. })
        })
        .await;
        let State::Retrying {
            reason, attempt, ..
        } = lost
        else {
            unreachable!()
        };
        assert_eq!(attempt, 1);
        assert!(reason.contains(word), "{reason}");
        destination.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_reads_nothing_costs_packets_and_no_memory() {
    let server = Deaf::start().await;
    let clock = Clock::start();
    let hub = Hub::new(1);
    let info = ChannelInfo {
        origin: Origin::Program,
        title: String::new(),
    };
    let name = ChannelName::program();
    let mut writer = hub.publish(name, info, clock.now()).unwrap();
    writer.set_tracks(vec![Track {
        id: TrackId(0),
        config: media::Config::Aac {
            asc: Bytes::from_static(&[0x11, 0x90]),
            sample_rate: 48_000,
            channels: 2,
        },
        bitrate: 128_000,
    }]);
    let target = rtmp(&format!("rtmp://127.0.0.1:{}/live", server.port), "e");
    let channel = std::sync::Arc::clone(writer.channel());
    let destination = Destination::start(target, channel, clock, &Handle::current());
    until(&destination, "live", is_live).await;
    let before = resident();
    // A quarter of a gigabyte.
    for n in 0..5_000 {
        let at = Timestamp::from_millis(n * 20);
        writer.write(Packet {
            track: TrackId(0),
            pts: at,
            dts: at,
            keyframe: true,
            data: Bytes::from(vec![1; 50_000]),
        });
        if n % 100 == 0 {
            tokio::task::yield_now().await;
        }
    }
    let grown = resident().saturating_sub(before);
    println!("{} MiB more", grown >> 20);
    assert!(grown < 80 << 20, "{} MiB more", grown >> 20);
    let counted = |s: &State| matches!(s, State::Live { dropped, .. } if *dropped > 3_000);
    until(&destination, "counting losses", counted).await;
    destination.stop().await;
}

/// Bytes of memory that this process holds.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmRSS:"));
    let kilobytes = line.and_then(|l| l.split_whitespace().nth(1)?.parse::<usize>().ok());
    kilobytes.unwrap_or(0) << 10
}
