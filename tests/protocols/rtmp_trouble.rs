//! Servers that are not what they should be, and what a destination says of each; and what one of them
//! costs the others.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use klieg_tests::TlsFront;
use media::{
    Channel, ChannelInfo, ChannelName, Clock, Config, Hub, Origin, Packet, Timestamp, Track,
    TrackId, Writer,
};
use outputs::{Destination, Options, Roots, State};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use wire::rtmp::chunk::kind;

use crate::peers::{Deaf, Listening};
use crate::source::{BOTH, Signal};
use crate::{is_live, rtmp, until};

/// What a destination says when it does not come to be live.
async fn reason(url: &str, roots: Roots, channel: Arc<Channel>, clock: Clock) -> (String, bool) {
    let options = Options {
        roots,
        ..Options::default()
    };
    let target = rtmp(url, "sesame");
    let destination = Destination::start_with(target, options, channel, clock, &Handle::current());
    let ended = until(&destination, "lost or refused", |state| {
        matches!(state, State::Retrying { .. } | State::Refused { .. })
    })
    .await;
    destination.stop().await;
    match ended {
        State::Retrying { reason, .. } => (reason, false),
        State::Refused { reason, key: false } => (reason, true),
        other => panic!("{url}: {other:?}"),
    }
}

/// A server that says one thing to everybody.
async fn says(text: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            drop(stream.write_all(text).await);
            held.push(stream);
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_bad_server_is_told_from_the_others() {
    let clock = Clock::start();
    let signal = Signal::start(clock, BOTH);
    let garbage = says(b"SSH-2.0-OpenSSH_9.2\r\n").await;
    let fine = TlsFront::start(garbage).await;
    let elsewhere = TlsFront::named("elsewhere.example", garbage).await;
    let expired = TlsFront::expired(garbage).await;
    let trust = |front: &TlsFront| Roots::from(vec![front.root.clone()]);
    for (url, roots, refused, says) in [
        (
            "http://127.0.0.1/live".to_owned(),
            Roots::default(),
            true,
            "begins with rtmp://",
        ),
        (
            format!("rtmp://127.0.0.1:{garbage}/live"),
            Roots::default(),
            false,
            "not RTMP",
        ),
        (
            format!("rtmps://127.0.0.1:{garbage}/live"),
            Roots::default(),
            false,
            "not TLS",
        ),
        (
            format!("rtmp://localhost:{}/live", fine.port),
            Roots::default(),
            false,
            "rtmps://",
        ),
        (
            format!("rtmps://localhost:{}/live", fine.port),
            trust(&fine),
            false,
            "not RTMP",
        ),
        (
            format!("rtmps://localhost:{}/live", fine.port),
            Roots::default(),
            false,
            "outputs.ca_file",
        ),
        (
            format!("rtmps://localhost:{}/live", elsewhere.port),
            trust(&elsewhere),
            false,
            "is for another name",
        ),
        (
            format!("rtmps://localhost:{}/live", expired.port),
            trust(&expired),
            false,
            "has expired",
        ),
    ] {
        let (said, was_refused) = reason(&url, roots, signal.channel(), clock).await;
        assert!(said.contains(says), "{url}: {said}");
        assert_eq!(was_refused, refused, "{url}: {said}");
        assert!(!said.contains("sesame"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_accepts_and_says_nothing_is_not_waited_for_and_is_tried_again() {
    let clock = Clock::start();
    let signal = Signal::start(clock, BOTH);
    let silent = says(b"").await;
    let front = TlsFront::start(silent).await;
    let trust = || Roots::from(vec![front.root.clone()]);
    let told = |url: String, roots: Roots| {
        let channel = signal.channel();
        async move { reason(&url, roots, channel, clock).await }
    };
    let (plain, unsafe_one, safe) = tokio::join!(
        told(format!("rtmp://127.0.0.1:{silent}/live"), Roots::default()),
        told(format!("rtmps://127.0.0.1:{silent}/live"), trust()),
        told(format!("rtmps://localhost:{}/live", front.port), trust()),
    );
    for ((said, refused), expect) in [
        (plain, "does not answer"),
        (
            unsafe_one,
            "did not agree on a secure connection: no answer",
        ),
        (safe, "does not answer"),
    ] {
        assert!(said.contains(expect), "{said}");
        assert!(said.contains("10 seconds"), "{said}");
        assert!(!refused, "{said}");
        assert!(!said.contains("sesame"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_cut_in_mid_frame_it_begins_with_a_keyframe_and_its_time_only_grows() {
    // Longer than what looks like a refusal.
    let mut server = Listening::cutting_after(Duration::from_millis(2_500)).await;
    let clock = Clock::start();
    let signal = Signal::start(clock, BOTH);
    let url = format!("rtmp://127.0.0.1:{}/live", server.port);
    let target = rtmp(&url, "e");
    let destination = Destination::start(target, signal.channel(), clock, &Handle::current());
    for connection in 0..2 {
        let (mut newest, mut pictures) = (0, 0);
        while newest < 2_000 {
            let (number, message) = server.next().await;
            assert_eq!(number, connection);
            assert!(message.timestamp >= newest, "time only grows");
            newest = message.timestamp;
            // The sequence header aside.
            if message.kind == kind::VIDEO && message.data[1] == 1 {
                let keyframe = message.data[0] >> 4 == 1;
                assert!(pictures > 0 || keyframe, "it begins with a keyframe");
                pictures += 1;
            }
        }
        assert!(pictures > 10, "{pictures}");
        if connection == 0 {
            let lost = until(&destination, "retrying", |s| {
                matches!(s, State::Retrying { .. })
            });
            let State::Retrying {
                reason, attempt, ..
            } = lost.await
            else {
                unreachable!()
            };
            assert!(reason.contains("closed the connection"), "{reason}");
            assert_eq!(attempt, 1);
            server.skip_to(1).await;
        }
    }
    destination.stop().await;
}

/// A channel of sound alone, whose packets are made by the test.
fn sound(clock: Clock) -> Writer {
    let info = ChannelInfo {
        origin: Origin::Program,
        title: String::new(),
    };
    let hub = Hub::new(1);
    let mut writer = hub
        .publish(ChannelName::program(), info, clock.now())
        .unwrap();
    writer.set_tracks(vec![Track {
        id: TrackId(0),
        config: Config::Aac {
            asc: Bytes::from_static(&[0x11, 0x90]),
            sample_rate: 48_000,
            channels: 2,
        },
        bitrate: 128_000,
    }]);
    writer
}

fn write(writer: &mut Writer, at: Timestamp, bytes: usize) {
    writer.write(Packet {
        track: TrackId(0),
        pts: at,
        dts: at,
        keyframe: true,
        data: Bytes::from(vec![1; bytes]),
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_reads_nothing_costs_another_not_a_packet() {
    const PACKETS: i64 = 2_000;
    let deaf = Deaf::start().await;
    let mut server = Listening::start().await;
    let clock = Clock::start();
    let mut writer = sound(clock);
    let start = |port| {
        let target = rtmp(&format!("rtmp://127.0.0.1:{port}/live"), "e");
        let channel = Arc::clone(writer.channel());
        Destination::start(target, channel, clock, &Handle::current())
    };
    let (slow, fast) = (start(deaf.port), start(server.port));
    until(&slow, "live", is_live).await;
    until(&fast, "live", is_live).await;
    let mut came = 0;
    for n in 0..PACKETS {
        write(&mut writer, Timestamp::from_millis(n * 20), 20_000);
        // Nobody is overrun who reads: a hundred more than are held back before the beginning.
        while came + 200 < n {
            let (_, message) = server.next().await;
            came += i64::from(message.kind == kind::AUDIO);
        }
    }
    let counted = |s: &State| matches!(s, State::Live { dropped, .. } if *dropped > 0);
    until(&slow, "counting losses", counted).await;
    let whole = |s: &State| matches!(s, State::Live { dropped: 0, .. });
    until(&fast, "without a loss", whole).await;
    drop(writer);
    // The end of the channel lets out what is held back to be put in order.
    while came < PACKETS {
        let (_, message) = server.next().await;
        // The header of the sound is one more.
        came += i64::from(message.kind == kind::AUDIO && message.data[1] == 1);
    }
    slow.stop().await;
    fast.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delayed_destination_begins_late_and_sends_all_of_it() {
    let mut server = Listening::start().await;
    let clock = Clock::start();
    let mut writer = sound(clock);
    let delay = Duration::from_millis(1_500);
    let options = Options {
        delay,
        ..Options::default()
    };
    let target = rtmp(&format!("rtmp://127.0.0.1:{}/live", server.port), "e");
    let channel = Arc::clone(writer.channel());
    let destination = Destination::start_with(target, options, channel, clock, &Handle::current());
    let first = clock.now();
    for n in 0..100_u32 {
        write(&mut writer, first + Duration::from_millis(20) * n, 1_000);
    }
    // The broadcast is over long before the first of it is sent.
    drop(writer);
    for _ in 0..100 {
        while server.next().await.1.kind != kind::AUDIO {}
        assert!(clock.now() >= first + delay, "not before its time");
    }
    until(&destination, "off", |s| *s == State::Off).await;
}
