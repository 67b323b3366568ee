mod kills;

use std::sync::mpsc;

use media::{ChannelInfo, ChannelName, Hub, Origin, Track, TrackId, Writer};

use super::*;
use crate::testing::{FPS, PICTURE, packets, pictures, samples, tracks};
use crate::{Source, cut};

struct Bench {
    dir: tempfile::TempDir,
    _writer: Writer,
    worker: Worker,
    told: mpsc::Receiver<Event>,
}

impl Bench {
    fn new(window: u64, leave_free: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::start();
        let hub = Hub::new(1);
        let info = ChannelInfo {
            origin: Origin::Program,
            title: String::new(),
        };
        let writer = hub
            .publish(ChannelName::program(), info, clock.now())
            .unwrap();
        let (tell, told) = mpsc::sync_channel(64);
        let options = Options {
            behind: dir.path().join("behind"),
            window: Duration::from_secs(window),
            leave_free,
        };
        let tell = move |event| drop(tell.send(event));
        let mut worker = Worker::new(writer.channel(), clock, options, Box::new(tell));
        worker.set_tracks(tracks().into());
        Self {
            dir,
            _writer: writer,
            worker,
            told,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn record(&mut self, split: Option<Split>) {
        let path = self.path("Show.mp4");
        self.worker.handle(Request::Record { path, split });
    }

    fn take(&mut self, packets: &[Packet]) {
        for packet in packets {
            self.worker.take(packet.clone());
        }
    }

    /// The files that were finished, in their order.
    fn files(&self) -> Vec<PathBuf> {
        let ended = self.told.try_iter().filter_map(|event| match event {
            Event::Ended { path, result } => {
                result.unwrap();
                Some(path)
            }
            Event::Began { .. } | Event::Resumed { .. } | Event::Stopped(_) => None,
        });
        ended.collect()
    }
}

fn start() -> Timestamp {
    Timestamp::from_millis(3_000)
}

/// How many packets are written before the picture of this second.
fn until(packets: &[Packet], second: i64) -> usize {
    let at = start().offset(second * 1_000_000_000);
    let there = |p: &Packet| p.track == PICTURE && p.dts >= at;
    packets.iter().position(there).unwrap()
}

#[test]
fn files_split_without_losing_a_picture() {
    for split in [Split::Time(Duration::from_secs(4)), Split::Size(3_000)] {
        let mut bench = Bench::new(0, 0);
        bench.record(Some(split));
        let all = packets(start(), 20);
        let all_sound = all.iter().filter(|p| p.track != PICTURE).count();
        bench.take(&all);
        bench.worker.handle(Request::Stop);
        let files = bench.files();
        assert!(files.len() >= 4, "{split:?}: {files:?}");
        let names: Vec<_> = files
            .iter()
            .map(|f| f.file_name().unwrap().to_string_lossy())
            .collect();
        assert_eq!(names[..3], ["Show.mp4", "Show (2).mp4", "Show (3).mp4"]);
        // Sound that comes behind the split goes where it belongs.
        for file in &files[..files.len() - 1] {
            let ends = |track: u8| {
                let own = samples(file)
                    .into_iter()
                    .filter(|s| s.track == TrackId(track));
                own.map(|s| (s.dts + s.duration).millis()).max().unwrap()
            };
            assert!(
                (ends(0) - ends(1)).abs() <= 22,
                "{} and {}",
                ends(0),
                ends(1)
            );
        }
        let sounds: usize = files
            .iter()
            .map(|f| samples(f).len() - pictures(f).len())
            .sum();
        assert_eq!(sounds, all_sound, "{split:?}");
        let all: Vec<u32> = files.iter().flat_map(|f| pictures(f)).collect();
        let expect: Vec<u32> = (0..20 * u32::try_from(FPS).unwrap()).collect();
        assert_eq!(all, expect, "{split:?}");
    }
}

/// The same with two sound tracks beside the mix, each of which comes a little later than the one before.
fn with_beside(all: &[Packet]) -> (Vec<Track>, Vec<Packet>) {
    let mut known = tracks();
    let sound = known[1].clone();
    let beside = |n: u8| TrackId(TrackId::BESIDE.0 + n);
    known.extend([0, 1].map(|n| Track {
        id: beside(n),
        ..sound.clone()
    }));
    let mut packets = Vec::new();
    for packet in all {
        packets.push(packet.clone());
        if packet.track != PICTURE {
            packets.extend([0_u8, 1].map(|n| {
                let at = packet.dts.offset(7_000_000 * i64::from(n + 1));
                Packet {
                    track: beside(n),
                    pts: at,
                    dts: at,
                    ..packet.clone()
                }
            }));
        }
    }
    (known, packets)
}

#[test]
fn every_sound_track_is_whole_across_files() {
    let mut bench = Bench::new(60, 0);
    let (known, all) = with_beside(&packets(start(), 20));
    bench.worker.set_tracks(known.into());
    bench.record(Some(Split::Time(Duration::from_secs(4))));
    bench.take(&all);
    bench.worker.handle(Request::Stop);
    let files = bench.files();
    assert!(files.len() >= 4, "{files:?}");
    for track in 0..4 {
        let own = |file: &PathBuf| {
            let all = samples(file).into_iter();
            all.filter(|s| s.track == TrackId(track)).count()
        };
        let many: usize = files.iter().map(own).sum();
        // What belongs behind the last picture is in no file.
        let end = start().offset(20_000_000_000);
        let sent = all.iter().filter(|p| p.dts < end).filter(|p| match track {
            0 | 1 => (p.track == PICTURE) == (track == 0) && !p.track.is_beside(),
            n => p.track == TrackId(TrackId::BESIDE.0 + n - 2),
        });
        assert_eq!(many, sent.count(), "track {track}");
    }
}

#[test]
fn viewers_who_go_back_get_the_mix_alone() {
    let mut bench = Bench::new(60, 0);
    let (known, all) = with_beside(&packets(start(), 8));
    bench.worker.set_tracks(known.into());
    bench.take(&all);
    let timeline = &bench.worker.timeline;
    let listing = timeline.listing();
    let (reel, first) = listing.segments[0];
    let last = listing.segments[listing.segments.len() - 1].1;
    let range = first.position..last.position + last.len;
    // As the station gives it: the beginning for viewers, and the pieces with words written over.
    let path = timeline.file(reel).unwrap();
    let mut bytes = std::fs::read(path).unwrap();
    for place in timeline.beside(reel, &range) {
        let at = usize::try_from(place).unwrap();
        assert_eq!(&bytes[at..at + 4], b"traf");
        bytes[at..at + 4].copy_from_slice(b"free");
    }
    let from = usize::try_from(range.start).unwrap();
    let to = usize::try_from(range.end).unwrap();
    let mut seen = timeline.init(reel).unwrap().to_vec();
    seen.extend_from_slice(&bytes[from..to]);
    let as_seen = bench.path("seen.mp4");
    std::fs::write(&as_seen, seen).unwrap();
    let tracks: std::collections::BTreeSet<_> = samples(&as_seen).iter().map(|s| s.track).collect();
    assert_eq!(tracks, [TrackId(0), TrackId(1)].into());
    let expect: Vec<u32> = (0..150).collect();
    assert_eq!(pictures(&as_seen), expect);
}

#[test]
fn a_paused_recording_goes_on_in_the_same_file() {
    let mut bench = Bench::new(60, 0);
    bench.record(None);
    let all = packets(start(), 12);
    let (first, second) = (until(&all, 4), until(&all, 8));
    bench.take(&all[..first]);
    bench.worker.handle(Request::Pause);
    let recording = bench.worker.status.status().recording;
    assert!(recording.unwrap().paused);
    bench.take(&all[first..second]);
    bench.worker.handle(Request::Resume);
    bench.take(&all[second..]);
    bench.worker.handle(Request::Stop);
    let events: Vec<Event> = bench.told.try_iter().collect();
    let [
        Event::Began { at, .. },
        Event::Resumed { path, stood },
        Event::Ended { result, .. },
    ] = &events[..]
    else {
        panic!("{events:?}");
    };
    assert!(result.is_ok());
    assert_eq!(path, &bench.path("Show.mp4"));
    let numbers = pictures(path);
    // It goes on with the first keyframe after: picture 200.
    let jump = numbers.windows(2).find(|n| n[1] != n[0] + 1).unwrap();
    assert_eq!((jump[1], *numbers.last().unwrap()), (200, 299));
    assert!((96..=100).contains(&jump[0]), "{jump:?}");
    // The time that is told to be missing is what lies between them.
    let of = |number: u32| start().offset(i64::from(number) * 1_000_000_000 / FPS);
    assert_eq!(
        (at, stood),
        (&of(0), &(of(jump[0] + 1)..of(200))),
        "{jump:?}"
    );
    // What was passed over can be gone back to all the same.
    let span = bench.worker.timeline.span().unwrap();
    assert!(span.end.since(span.start) > Duration::from_millis(11_900));
}

#[test]
fn one_store_serves_going_back_recordings_and_clips() {
    let mut bench = Bench::new(3_600, 0);
    let all = packets(start(), 20);
    let half = until(&all, 10);
    bench.take(&all[..half]);
    bench.record(None);
    bench.take(&all[half..]);
    let timeline = Arc::clone(&bench.worker.timeline);
    let listing = timeline.listing();
    assert_eq!(
        listing.segments.len(),
        9,
        "ten of two seconds, the last of which grows"
    );
    let reels: Vec<u64> = listing.segments.iter().map(|(reel, _)| *reel).collect();
    assert_eq!(reels, [0, 0, 0, 0, 0, 1, 1, 1, 1]);
    // A clip over the moment at which the recording began, while it goes on.
    let at = |seconds: i64| start().offset(seconds * 1_000_000_000);
    let sources = timeline.sources(at(8), at(14)).unwrap();
    let clip = bench.path("clip.mp4");
    cut(&sources, &clip).unwrap();
    let expect: Vec<u32> = (8 * 25..14 * 25).collect();
    assert_eq!(pictures(&clip), expect);
    // From the very picture on that is on the screen then: what is before the next keyframe is made anew.
    let exact = bench.path("exact.mp4");
    let between = timeline.sources(at(8).offset(510_000_000), at(14)).unwrap();
    let told = std::sync::atomic::AtomicU8::new(0);
    crate::cut_exactly(&between, &exact, &told, &mut |config, packets, wanted| {
        let inside = packets.iter().filter(|p| wanted.contains(&p.pts));
        let mut packets: Vec<Packet> = inside.cloned().collect();
        packets[0].keyframe = true;
        let config = config.clone();
        Ok(crate::Edged { packets, config })
    })
    .unwrap();
    assert_eq!(pictures(&exact), expect[12..]);
    // The same when it has been finished in between, or since.
    bench.worker.handle(Request::Stop);
    cut(&sources, &clip).unwrap();
    assert_eq!(pictures(&clip), expect);
    let sources = timeline.sources(at(8), at(14)).unwrap();
    cut(&sources, &clip).unwrap();
    assert_eq!(pictures(&clip), expect);
    bench.worker.end();
    assert_eq!(bench.files(), [bench.path("Show.mp4")]);
    let left = std::fs::read_dir(bench.path("behind")).unwrap().count();
    assert_eq!(left, 0, "what nobody asked for is gone");
    // A finished recording is cut by its own time.
    let film = Source::times(
        bench.path("Show.mp4"),
        at(0).offset(-start().nanos())..Timestamp::from_millis(2_000),
    );
    cut(&[film], &clip).unwrap();
    assert_eq!(pictures(&clip).first(), Some(&250));
}

#[test]
fn a_full_disk_ends_the_recording_and_says_so() {
    let mut bench = Bench::new(0, u64::MAX);
    bench.record(None);
    bench.take(&packets(start(), 4));
    bench.worker.look_at_the_disk();
    let events: Vec<Event> = bench.told.try_iter().collect();
    let [
        Event::Began { .. },
        Event::Ended { result, .. },
        Event::Stopped(why),
    ] = &events[..]
    else {
        panic!("{events:?}");
    };
    assert!(result.is_ok());
    assert!(
        why.contains("almost full") && why.contains("show goes on"),
        "{why}"
    );
    assert!(bench.worker.status.status().recording.is_none());
    assert!(pictures(&bench.path("Show.mp4")).len() >= 95);
}

#[test]
fn a_folder_that_cannot_be_used_ends_the_recording_alone() {
    let mut bench = Bench::new(60, 0);
    std::fs::write(bench.path("file"), b"no folder").unwrap();
    let path = bench.path("file/Show.mp4");
    bench.worker.handle(Request::Record { path, split: None });
    bench.take(&packets(start(), 6));
    let stopped = bench.told.try_iter().find_map(|event| match event {
        Event::Stopped(why) => Some(why),
        Event::Began { .. } | Event::Resumed { .. } | Event::Ended { .. } => None,
    });
    let why = stopped.unwrap();
    assert!(why.contains("Show.mp4 cannot be used"), "{why}");
    assert!(
        bench.worker.timeline.span().is_some(),
        "the stretch behind goes on"
    );
}

#[test]
fn other_tracks_are_another_file() {
    let mut bench = Bench::new(0, 0);
    bench.record(None);
    bench.take(&packets(start(), 4));
    let silent = tracks()[..1].to_vec();
    bench.worker.set_tracks(silent.into());
    bench.take(&packets(start().offset(4_000_000_000), 4));
    bench.worker.handle(Request::Stop);
    let files = bench.files();
    assert_eq!(files.len(), 2);
    for file in files {
        assert!(pictures(&file).len() >= 98);
    }
}

/// The whole of it, on its thread: whatever is asked for before a packet is written is done before it.
#[test]
fn a_channel_that_ends_finishes_its_recording() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::start();
    let hub = Hub::new(1);
    let info = ChannelInfo {
        origin: Origin::Program,
        title: String::new(),
    };
    let name = ChannelName::program();
    let mut writer = hub
        .publish_backstage(name.clone(), info, clock.now())
        .unwrap();
    writer.set_tracks(tracks());
    let options = Options {
        behind: dir.path().join("behind"),
        window: Duration::ZERO,
        leave_free: 0,
    };
    let channel = Arc::clone(writer.channel());
    let keeper = Keeper::start(channel, clock, options, |_| {}).unwrap();
    let path = dir.path().join("Show.mp4");
    keeper.request(Request::Record {
        path: path.clone(),
        split: None,
    });
    let all = packets(start(), 6);
    let (first, second) = all.split_at(all.len() / 2);
    for packet in first {
        writer.write(packet.clone());
    }
    // It goes on air and off again; the recording hears nothing of it.
    assert!(hub.promote(&name, clock.now()) && hub.withdraw(&name));
    for packet in second {
        writer.write(packet.clone());
    }
    drop(writer);
    drop(keeper);
    assert_eq!(pictures(&path).len(), 150);
}
