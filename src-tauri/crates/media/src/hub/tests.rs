use bytes::Bytes;

use super::*;
use crate::{Config, TrackId};

const VIDEO: TrackId = TrackId(0);
const OPUS: TrackId = TrackId(1);
const AAC: TrackId = TrackId(2);

fn tracks() -> Vec<Track> {
    let config = [
        Config::H264 {
            sps: Bytes::new(),
            pps: Bytes::new(),
            width: 16,
            height: 16,
            fps_millis: 30_000,
        },
        Config::Opus {
            channels: 2,
            pre_skip: 312,
        },
        Config::Aac {
            asc: Bytes::from_static(&[0x11, 0x90]),
            sample_rate: 48_000,
            channels: 2,
        },
    ];
    config
        .into_iter()
        .zip([VIDEO, OPUS, AAC])
        .map(|(config, id)| Track {
            id,
            config,
            bitrate: 0,
        })
        .collect()
}

fn packet(track: TrackId, at: i64, keyframe: bool) -> Packet {
    let pts = Timestamp::from_millis(at);
    Packet {
        track,
        pts,
        dts: pts,
        keyframe,
        data: Bytes::from(vec![0; 10]),
    }
}

fn open(hub: &Hub) -> Writer {
    let info = ChannelInfo {
        origin: Origin::Program,
        title: "Test".into(),
    };
    let mut writer = hub
        .publish(ChannelName::program(), info, Timestamp::ZERO)
        .unwrap();
    writer.set_tracks(tracks());
    writer
}

/// What a reader holds, in short: `T` tracks, `k12`/`v12`/`a12` packets at 12 ms, `-3` a gap of three, `E` end.
fn drain(reader: &mut Reader) -> String {
    let mut seen = Vec::new();
    while let Some(next) = reader.try_next() {
        seen.push(match next {
            Next::Tracks(t) => format!("T{}", t.len()),
            Next::Gap(n) => format!("-{n}"),
            Next::End => {
                seen.push("E".into());
                break;
            }
            Next::Packet(p) => {
                let kind = match (p.track, p.keyframe) {
                    (VIDEO, true) => 'k',
                    (VIDEO, false) => 'v',
                    _ => 'a',
                };
                format!("{kind}{}", p.pts.millis())
            }
        });
    }
    seen.join(" ")
}

#[test]
fn names_are_checked_at_the_edge() {
    let long = "x".repeat(65);
    for (name, fine) in [
        ("program", true),
        ("Ana_s-phone2", true),
        ("", false),
        ("a/b", false),
        ("ä", false),
        (long.as_str(), false),
    ] {
        assert_eq!(name.parse::<ChannelName>().is_ok(), fine, "{name:?}");
    }
}

#[test]
fn a_late_joiner_gets_the_current_group() {
    let hub = Hub::new(10);
    let mut writer = open(&hub);
    for p in [
        packet(VIDEO, 0, true),
        packet(VIDEO, 33, false),
        packet(VIDEO, 66, true),
        packet(OPUS, 70, true),
        packet(AAC, 71, true),
        packet(VIDEO, 99, false),
    ] {
        writer.write(p);
    }
    let channel = hub.channel(&ChannelName::program()).unwrap();
    let mut group = channel.read(Want::WEBRTC, Start::Group, 100);
    let mut fresh = channel.read(Want::MP4, Start::Next, 100);
    assert_eq!(drain(&mut group), "T2 k66 a70 v99");
    assert_eq!(drain(&mut fresh), "T2");
    writer.write(packet(VIDEO, 132, false));
    writer.write(packet(AAC, 140, true));
    writer.write(packet(VIDEO, 165, true));
    assert_eq!(drain(&mut group), "v132 k165");
    assert_eq!(drain(&mut fresh), "a140 k165");
    drop(writer);
    assert_eq!(drain(&mut group), "E");
    assert_eq!(drain(&mut group), "E", "the end stays the end");
}

#[test]
fn a_slow_reader_drops_to_the_next_keyframe_and_hurts_no_one() {
    let hub = Hub::new(10);
    let mut writer = open(&hub);
    let channel = Arc::clone(writer.channel());
    let mut slow = channel.read(Want::WEBRTC, Start::Next, 3);
    let mut quick = channel.read(Want::WEBRTC, Start::Next, 100);
    writer.write(packet(VIDEO, 0, true));
    for at in 1..6 {
        writer.write(packet(VIDEO, at, false));
    }
    writer.write(packet(OPUS, 6, true));
    writer.write(packet(VIDEO, 7, true));
    assert_eq!(drain(&mut slow), "T2 -3 a6 k7");
    assert_eq!(slow.dropped(), 3);
    assert_eq!(drain(&mut quick), "T2 k0 v1 v2 v3 v4 v5 a6 k7");
    assert_eq!(channel.totals().dropped, 3);
}

#[test]
fn changed_tracks_are_announced_before_their_packets() {
    let hub = Hub::new(10);
    let mut writer = open(&hub);
    writer.write(packet(VIDEO, 0, true));
    let mut reader = writer.channel().read(Want::WEBRTC, Start::Group, 10);
    let mut changed = tracks();
    changed.remove(0);
    writer.set_tracks(changed);
    writer.write(packet(VIDEO, 1, true));
    writer.write(packet(OPUS, 2, true));
    assert_eq!(drain(&mut reader), "T2 k0 T1 a2");
    assert_eq!(writer.channel().newest_keyframe(), None);
}

#[test]
fn one_publisher_a_channel_and_so_many_channels() {
    let hub = Hub::new(1);
    let writer = open(&hub);
    let info = ChannelInfo {
        origin: Origin::Rtmp,
        title: String::new(),
    };
    let again = hub.publish(ChannelName::program(), info.clone(), Timestamp::ZERO);
    assert_eq!(again.unwrap_err(), HubError::Taken(ChannelName::program()));
    let other = hub.publish("other".parse().unwrap(), info.clone(), Timestamp::ZERO);
    assert_eq!(other.unwrap_err(), HubError::Full(1));
    drop(writer);
    assert!(
        hub.publish("other".parse().unwrap(), info, Timestamp::ZERO)
            .is_ok()
    );
}

#[test]
fn keyframes_on_request_come_at_most_once_a_second() {
    let hub = Hub::new(1);
    let writer = open(&hub);
    let channel = writer.channel();
    let asked = |at| writer.signals(Timestamp::from_millis(at)).keyframe;
    assert!(!asked(0));
    channel.request_keyframe();
    assert!(asked(10));
    channel.request_keyframe();
    assert!(!asked(500), "too soon");
    assert!(asked(1_010), "but not forgotten");
    assert!(!asked(3_000));
}

#[test]
fn the_narrowest_path_counts_as_long_as_its_reader_is_there() {
    let hub = Hub::new(1);
    let writer = open(&hub);
    let bandwidth = || writer.signals(Timestamp::ZERO).bandwidth;
    assert_eq!(bandwidth(), None);
    let (wide, narrow) = (writer.channel().path(), writer.channel().path());
    assert_eq!(bandwidth(), None, "nobody has asked for less");
    narrow.set(Some(700));
    wide.set(Some(900));
    assert_eq!(bandwidth(), Some(700));
    assert_eq!(bandwidth(), Some(700), "it holds");
    narrow.set(Some(800));
    assert_eq!(bandwidth(), Some(800));
    drop(narrow);
    assert_eq!(bandwidth(), Some(900), "who leaves holds nobody back");
    wide.set(None);
    assert_eq!(bandwidth(), None);
}

#[test]
fn a_blocking_reader_is_woken_by_the_writer() {
    let hub = Hub::new(1);
    let mut writer = open(&hub);
    let mut reader = writer.channel().read(Want::WEBRTC, Start::Next, 10);
    assert!(matches!(reader.try_next(), Some(Next::Tracks(_))));
    let waiting = std::thread::Builder::new()
        .name("reader".into())
        .spawn(move || {
            loop {
                if let Some(next) = reader.next_blocking(Duration::from_secs(5)) {
                    return next;
                }
            }
        })
        .unwrap();
    writer.write(packet(VIDEO, 0, true));
    assert_eq!(
        waiting.join().unwrap(),
        Next::Packet(packet(VIDEO, 0, true))
    );
}

/// Who nudges is seen to behind what was written before, and before what is written after; what is lost to a reader
/// that falls behind leaves the nudge where it was.
#[test]
fn a_nudge_has_its_place_among_the_packets() {
    let hub = Hub::new(1);
    let mut writer = open(&hub);
    let mut reader = writer.channel().read(Want::WEBRTC, Start::Next, 2);
    let nudge = reader.nudge();
    assert!(matches!(reader.try_next(), Some(Next::Tracks(_))));
    let mut next = || reader.next_blocking_due(Duration::from_secs(60), None);
    nudge.now();
    assert_eq!(next(), None, "long before its time is over");
    writer.write(packet(VIDEO, 0, true));
    nudge.now();
    writer.write(packet(VIDEO, 1, false));
    assert_eq!(next(), Some(Next::Packet(packet(VIDEO, 0, true))));
    assert_eq!(next(), None);
    assert_eq!(next(), Some(Next::Packet(packet(VIDEO, 1, false))));
    for at in 2..5 {
        writer.write(packet(OPUS, at, true));
        nudge.now();
    }
    assert_eq!((next(), next()), (None, None));
    assert_eq!(next(), Some(Next::Gap(2)));
    assert_eq!(next(), Some(Next::Packet(packet(OPUS, 4, true))));
    assert_eq!(reader.try_next(), None, "who does not wait is not nudged");
}

/// A reader that has said from when on packets matter to it sleeps until then; what else befalls the
/// channel wakes it, and nothing is lost.
#[test]
fn a_reader_sleeps_until_a_packet_is_due() {
    use std::task::{Context, Poll, Wake, Waker};

    struct Count(AtomicUsize);
    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Times woken by what `then` does to a reader that waits for `due`, and what it finds.
    fn woken(due: Option<i64>, then: impl FnOnce(&mut Writer)) -> (usize, String) {
        let hub = Hub::new(1);
        let mut writer = open(&hub);
        let mut reader = writer.channel().read(Want::MP4, Start::Next, 10);
        writer.write(packet(VIDEO, 0, true));
        assert_eq!(drain(&mut reader), "T2 k0");
        let count = Arc::new(Count(AtomicUsize::new(0)));
        let waker = Waker::from(Arc::clone(&count));
        let mut context = Context::from_waker(&waker);
        {
            let due = due.map(|at| Due {
                leads: Timestamp::from_millis(at),
                others: Timestamp::from_millis(at + 50),
            });
            let mut next = std::pin::pin!(reader.next_due(due));
            // What came before has left its mark, once.
            while next.as_mut().poll(&mut context) != Poll::Pending {}
            count.0.store(0, Ordering::Relaxed);
            then(&mut writer);
        }
        (count.0.load(Ordering::Relaxed), drain(&mut reader))
    }

    let sound = |at: i64| move |w: &mut Writer| w.write(packet(AAC, at, true));
    let picture = |at: i64, key| move |w: &mut Writer| w.write(packet(VIDEO, at, key));
    for (due, then, times, finds) in [
        (
            None,
            Box::new(sound(10)) as Box<dyn FnOnce(&mut Writer)>,
            1,
            "a10",
        ),
        (Some(100), Box::new(sound(100)), 0, "a100"),
        (Some(100), Box::new(sound(149)), 0, "a149"),
        (Some(100), Box::new(sound(150)), 1, "a150"),
        (Some(100), Box::new(picture(99, false)), 0, "v99"),
        (Some(100), Box::new(picture(100, false)), 1, "v100"),
        (Some(100), Box::new(picture(50, true)), 1, "k50"),
        (
            Some(100),
            Box::new(|w| w.set_tracks(tracks()[..1].to_vec())),
            1,
            "T1",
        ),
    ] {
        assert_eq!(woken(due, then), (times, finds.to_owned()), "{due:?}");
    }
    // Before the queue can overflow, the reader is woken all the same.
    let much = |w: &mut Writer| (10..15).for_each(|at| w.write(packet(AAC, at, true)));
    assert_eq!(
        woken(Some(100), much),
        (1, "a10 a11 a12 a13 a14".to_owned())
    );
}

#[test]
fn pictures_out_of_order_are_noticed_until_the_track_changes() {
    let hub = Hub::new(1);
    let mut writer = open(&hub);
    let channel = Arc::clone(writer.channel());
    let shown = |at: i64, decoded: i64| Packet {
        pts: Timestamp::from_millis(at),
        ..packet(VIDEO, decoded, false)
    };
    // A constant delay between decoding and showing is no reordering, and sound has no say in it.
    for at in [0, 33, 66] {
        writer.write(shown(at + 66, at));
        writer.write(packet(AAC, at, true));
    }
    assert!(!channel.reordered());
    writer.write(shown(232, 100));
    writer.write(shown(166, 133));
    assert!(channel.reordered());
    let mut others = tracks();
    if let Config::H264 { width, .. } = &mut others[0].config {
        *width = 32;
    }
    writer.set_tracks(others);
    assert!(!channel.reordered());
}

fn guest() -> (ChannelName, ChannelInfo) {
    let info = ChannelInfo {
        origin: Origin::Whip,
        title: "Guest".into(),
    };
    ("guest".parse().unwrap(), info)
}

#[test]
fn a_held_channel_is_carried_but_shown_to_nobody_until_it_is_admitted() {
    let hub = Hub::new(1);
    let (name, info) = guest();
    let mut writer = hub
        .hold(name.clone(), info.clone(), Timestamp::ZERO)
        .unwrap();
    writer.set_tracks(tracks());
    writer.write(packet(VIDEO, 0, true));
    assert!(hub.channel(&name).is_none() && hub.channels().is_empty());
    assert_eq!(hub.held().len(), 1);
    assert!(hub.held()[0].is_held());
    // It has the name, and its place.
    let taken = hub.publish(name.clone(), info.clone(), Timestamp::ZERO);
    assert_eq!(taken.unwrap_err(), HubError::Taken(name.clone()));
    let other = hub.publish(ChannelName::program(), info, Timestamp::ZERO);
    assert_eq!(other.unwrap_err(), HubError::Full(1));

    let changes = hub.watch();
    assert!(hub.admit(&name, Standing::Live));
    assert!(changes.has_changed().unwrap());
    assert!(!hub.admit(&name, Standing::Live), "it is admitted once");
    assert!(hub.held().is_empty());
    let mut reader = hub
        .channel(&name)
        .unwrap()
        .read(Want::WEBRTC, Start::Group, 10);
    assert_eq!(drain(&mut reader), "T2 k0");
    drop(writer);
    assert!(hub.channels().is_empty());
}

#[test]
fn a_channel_backstage_is_found_by_scenes_alone() {
    let hub = Hub::new(2);
    let (name, info) = guest();
    let now = Timestamp::ZERO;
    let mut writer = hub.hold(name.clone(), info.clone(), now).unwrap();
    assert!(
        hub.on_stage(&name).is_none(),
        "not even they while it is held"
    );
    assert!(hub.admit(&name, Standing::Backstage));
    assert!(hub.channel(&name).is_none() && hub.channels().is_empty() && hub.held().is_empty());
    let channel = hub.on_stage(&name).unwrap();
    assert_eq!(channel.standing(), Standing::Backstage);

    writer.set_tracks(tracks());
    assert!(channel.keyframe().is_none());
    writer.write(packet(VIDEO, 0, true));
    writer.write(packet(VIDEO, 33, false));
    let (track, keyframe) = channel.keyframe().unwrap();
    assert_eq!((track.id, keyframe), (VIDEO, packet(VIDEO, 0, true)));
    drop(writer);
    let again = hub.publish_backstage(name.clone(), info, now).unwrap();
    assert!(hub.channel(&name).is_none() && hub.on_stage(&name).is_some());
    drop(again);
}

#[test]
fn a_channel_that_is_ended_leaves_its_name_to_the_next_writer() {
    let hub = Hub::new(1);
    let (name, info) = guest();
    let now = Timestamp::ZERO;
    let mut first = hub.publish(name.clone(), info.clone(), now).unwrap();
    first.set_tracks(tracks());
    let channel = Arc::clone(first.channel());
    let mut reader = channel.read(Want::WEBRTC, Start::Next, 10);
    assert!(hub.end(&channel));
    assert!(!hub.end(&channel) && channel.has_ended());
    first.write(packet(VIDEO, 0, true));
    first.set_tracks(Vec::new());
    assert_eq!(drain(&mut reader), "T2 E");

    let second = hub.publish(name.clone(), info, now).unwrap();
    drop(first);
    assert!(hub.channel(&name).is_some(), "the first took it along");
    assert!(!second.channel().has_ended());
}
