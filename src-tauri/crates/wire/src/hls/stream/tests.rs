mod parts;

use super::*;
use crate::testing;

const SECOND: i64 = 1_000;

/// A stream, and what it was fed.
struct Feed {
    stream: Stream,
    options: Options,
}

impl Feed {
    fn new(tracks: &[Track]) -> Self {
        Self::with(tracks, Options::default())
    }

    fn with(tracks: &[Track], options: Options) -> Self {
        let options = Options {
            epoch: 1_700_000_000_000,
            run: 0xabc,
            ..options
        };
        let mut stream = Stream::new(options);
        stream.push(Next::Tracks(tracks.into()));
        Self { stream, options }
    }

    fn packet(&mut self, track: u8, millis: i64, keyframe: bool, bytes: usize) -> bool {
        let at = Timestamp::from_millis(millis);
        let packet = testing::packet(track, at, keyframe, bytes);
        self.stream.push(Next::Packet(packet))
    }

    /// Picture at 25 a second with keyframes where told, and sound, over a span of milliseconds.
    fn play(&mut self, from: i64, to: i64, key: impl Fn(i64) -> bool) {
        for at in (from..to).step_by(20) {
            if at % 40 == 0 {
                self.packet(0, at, key(at), 4_000);
            }
            self.packet(1, at, true, 300);
        }
    }

    fn durations(&self) -> Vec<u128> {
        self.stream
            .shelf
            .segments
            .iter()
            .map(|s| s.duration.as_millis())
            .collect()
    }
}

fn both() -> [Track; 2] {
    [testing::video(0), testing::audio(1)]
}

/// All files of media that are there, segments before parts.
fn media(stream: &Stream) -> Vec<(String, File)> {
    let contents = stream.contents();
    let inits = (0..9).map(|n| format!("abc-init-{n}.mp4"));
    let segments = (0..99).map(|n| format!("abc-{n}.m4s"));
    let parts = (0..99).flat_map(|n| (0..9).map(move |part| format!("abc-{n}.{part}.m4s")));
    let names = inits.chain(segments).chain(parts);
    names
        .filter_map(|name| contents.media(&name).map(|file| (name, file)))
        .collect()
}

/// Names and sizes of the boxes at the top of a file.
fn boxes(mut file: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    while file.len() >= 8 {
        let size = u32::from_be_bytes(file[..4].try_into().unwrap()) as usize;
        names.push(String::from_utf8_lossy(&file[4..8]).into_owned());
        file = &file[size.max(8)..];
    }
    assert!(file.is_empty());
    names
}

fn check_cuts(keys: &[i64], until: i64, expect: &[u128]) {
    let mut feed = Feed::new(&both());
    feed.play(0, until, |at| keys.contains(&at));
    assert_eq!(feed.durations(), expect, "{keys:?}");
}

#[test]
fn segments_are_cut_at_keyframes_near_two_seconds() {
    check_cuts(&[0, 2_000, 4_000], 5_000, &[2_000, 2_000]);
    // Every second, every half second: the one at two seconds, once that is known to be so.
    check_cuts(
        &[0, 1_000, 2_000, 3_000, 4_000, 5_000],
        5_500,
        &[1_000, 2_000, 2_000],
    );
    check_cuts(
        &[
            0, 520, 1_040, 1_560, 2_080, 2_600, 3_120, 3_640, 4_160, 4_680,
        ],
        5_000,
        &[520, 2_080, 2_080],
    );
    // Further apart: as they come.
    check_cuts(&[0, 5_000, 10_000], 11_000, &[5_000, 5_000]);
    // An extra one in between that would make the next too long.
    check_cuts(
        &[0, 2_000, 4_000, 5_000, 7_000, 9_000],
        9_500,
        &[2_000, 2_000, 1_000, 2_000, 2_000],
    );
    // The first keyframe may be late: nothing before it counts.
    check_cuts(&[1_000, 3_000], 4_000, &[2_000]);
}

/// Whoever pushes only when something is due, and everything that came until then, gets the same files at
/// the same packets.
#[test]
fn nothing_changes_before_it_is_due() {
    let mut feed = Feed::new(&both());
    let mut silent = 0;
    for at in (0..9_000).step_by(20) {
        for (track, key) in [(0, at % 1_960 == 0), (1, true)] {
            if track == 0 && at % 40 != 0 {
                continue;
            }
            let due = feed.stream.due();
            let early = due.is_some_and(|due| {
                let due = if track == 0 { due.leads } else { due.others };
                Timestamp::from_millis(at) < due
            });
            let changed = feed.packet(track, at, key, 300);
            let leads = track == 0 && key;
            assert!(!(changed && early && !leads), "at {at} ms, due {due:?}");
            silent += usize::from(early && !leads);
        }
    }
    // Of 675 packets, some one in four hundred milliseconds is worth being woken for.
    assert!(silent > 640, "{silent}");
}

#[test]
fn target_duration_stands_still_while_keyframes_are_regular() {
    let mut feed = Feed::new(&both());
    // Extra keyframes, as viewers ask for them, at odd times.
    let extra = [640, 4_960, 9_400, 10_480, 15_720, 18_960];
    let mut last = 0;
    for at in (0..30 * SECOND).step_by(20) {
        let key = at == 0 || extra.contains(&at) || at - last >= 2_000;
        if at % 40 == 0 {
            last = if key { at } else { last };
            feed.packet(0, at, key, 1_000);
        }
        feed.packet(1, at, true, 300);
        if let Some(text) = feed.stream.contents().playlist() {
            assert!(text.contains("#EXT-X-TARGETDURATION:2\n"), "{text}");
        }
    }
    assert!(
        feed.durations().iter().all(|d| *d < 2_500),
        "{:?}",
        feed.durations()
    );
}

#[test]
fn playlist_slides_and_old_segments_stay_for_those_who_load_them() {
    let whole = Options {
        part: Duration::ZERO,
        ..Options::default()
    };
    let mut feed = Feed::with(&both(), whole);
    assert_eq!(feed.stream.contents().playlist(), None);
    assert_eq!(feed.stream.contents().multivariant(), None);
    feed.play(0, 60 * SECOND + 40, |at| at % 2_000 == 0);
    let text = feed.stream.contents().playlist().unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[..9],
        [
            "#EXTM3U",
            "#EXT-X-VERSION:7",
            "#EXT-X-TARGETDURATION:2",
            "#EXT-X-MEDIA-SEQUENCE:24",
            "#EXT-X-INDEPENDENT-SEGMENTS",
            "#EXT-X-MAP:URI=\"abc-init-0.mp4\"",
            "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:14:08.000Z",
            "#EXTINF:2.00000,",
            "abc-24.m4s",
        ]
    );
    assert_eq!(lines.iter().filter(|l| l.ends_with(".m4s")).count(), 6);
    // A segment of two seconds in a playlist of twelve: kept for fourteen more.
    assert_eq!(
        feed.stream.shelf.segments.front().map(|s| s.sequence),
        Some(17)
    );
    assert!(feed.stream.held() < 3_200_000, "{}", feed.stream.held());

    let files = media(&feed.stream);
    assert_eq!(files.len(), 1 + 13);
    let last = |files: Vec<(String, File)>, name| {
        let file = files.into_iter().find(|(n, _)| n == name);
        boxes(&file.unwrap().1.body.to_bytes())
    };
    assert_eq!(last(files.clone(), "abc-init-0.mp4"), ["ftyp", "moov"]);
    assert_eq!(last(files.clone(), "abc-29.m4s"), ["moof", "mdat"]);
    assert!(files.iter().all(|(name, _)| name != "abc-16.m4s"));
}

#[test]
fn short_segments_make_the_playlist_longer() {
    let mut feed = Feed::new(&both());
    // Keyframes at 0, 0.4, 2.4, 2.8 …: every other segment is short.
    feed.play(0, 48 * SECOND, |at| at % 2_400 == 0 || at % 2_400 == 400);
    let listed = feed.stream.shelf.segments.len() - feed.stream.shelf.unlisted;
    assert!(listed >= 6);
    let total = feed.stream.shelf.listing();
    assert!(
        total >= Duration::from_secs(3 * feed.stream.shelf.target),
        "{total:?}"
    );
}

#[test]
fn sound_goes_where_its_time_is() {
    let mut feed = Feed::new(&both());
    feed.packet(0, 0, true, 100);
    // Sound runs ahead of the picture by a tenth of a second.
    for at in (0..4_200).step_by(20) {
        feed.packet(1, at, true, 100);
        let picture = at - 100;
        if picture > 0 && picture % 40 == 0 {
            feed.packet(0, picture, picture % 2_000 == 0, 100);
        }
    }
    let open = feed.stream.open.as_ref().unwrap();
    assert_eq!(open.start, Timestamp::from_millis(4_000));
    assert!(open.packets.iter().all(|p| p.pts >= open.start));
    // 50 pictures and 100 sounds of 100 bytes in each.
    for segment in &feed.stream.shelf.segments {
        let payload = segment.bytes;
        assert!((15_000..18_000).contains(&payload), "{payload}");
    }
}

#[test]
fn a_gap_ends_the_segment_and_marks_what_follows() {
    let mut feed = Feed::new(&both());
    feed.play(0, 3_000, |at| at % 2_000 == 0);
    assert!(
        feed.stream.push(Next::Gap(40)),
        "the begun segment is closed"
    );
    feed.play(5_000, 9_600, |at| (at - 5_000) % 2_000 == 0);
    assert_eq!(feed.durations(), [2_000, 1_020, 2_000, 2_000]);
    let text = feed.stream.contents().playlist().unwrap();
    let places: Vec<&str> = text
        .lines()
        .filter(|l| l.ends_with("m4s") || *l == "#EXT-X-DISCONTINUITY")
        .collect();
    assert_eq!(
        places,
        [
            "abc-0.m4s",
            "abc-1.m4s",
            "#EXT-X-DISCONTINUITY",
            "abc-2.m4s",
            "abc-3.m4s"
        ]
    );
    // It is counted once it has left the list.
    feed.play(9_600, 40_000, |at| (at - 5_000) % 2_000 == 0);
    let text = feed.stream.contents().playlist().unwrap();
    assert!(text.contains("#EXT-X-DISCONTINUITY-SEQUENCE:1\n"), "{text}");
    assert!(!text.contains("#EXT-X-DISCONTINUITY\n"));
}

#[test]
fn a_writer_that_pauses_does_not_make_a_long_segment() {
    let mut feed = Feed::new(&both());
    feed.play(0, 3_000, |at| at % 2_000 == 0);
    feed.play(60_000, 65_000, |at| at % 2_000 == 0);
    assert_eq!(feed.durations(), [2_000, 1_020, 2_000, 2_000]);
    assert!(feed.stream.shelf.segments[2].discontinuity);
    assert_eq!(feed.stream.shelf.target, 2);
}

#[test]
fn changed_tracks_get_an_initialisation_segment_of_their_own() {
    let mut feed = Feed::new(&both());
    feed.play(0, 3_000, |at| at % 2_000 == 0);
    // The same again changes nothing.
    assert!(!feed.stream.push(Next::Tracks(both().into())));
    let mut small = both();
    if let Config::H264 { width, .. } = &mut small[0].config {
        *width = 640;
    }
    assert!(feed.stream.push(Next::Tracks(small.into())));
    feed.play(3_000, 7_600, |at| (at - 3_000) % 2_000 == 0);
    let text = feed.stream.contents().playlist().unwrap();
    let places: Vec<&str> = text
        .lines()
        .filter(|l| l.ends_with("m4s") || l.starts_with("#EXT-X-MAP") || l.ends_with("NUITY"))
        .collect();
    assert_eq!(
        places,
        [
            "#EXT-X-MAP:URI=\"abc-init-0.mp4\"",
            "abc-0.m4s",
            "abc-1.m4s",
            "#EXT-X-DISCONTINUITY",
            "#EXT-X-MAP:URI=\"abc-init-1.mp4\"",
            "abc-2.m4s",
            "abc-3.m4s",
        ]
    );
    assert!(
        feed.stream
            .contents()
            .multivariant()
            .unwrap()
            .contains("RESOLUTION=640x720")
    );
    // The first one goes with the last segment that needs it.
    feed.play(7_600, 60_000, |at| (at - 3_000) % 2_000 == 0);
    assert_eq!(feed.stream.shelf.inits.len(), 1);
}

#[test]
fn a_picture_that_comes_after_the_sound_is_in_the_first_segment() {
    let mut feed = Feed::new(&[testing::audio(1)]);
    for at in (0..600).step_by(20) {
        feed.packet(1, at, true, 300);
    }
    assert!(!feed.stream.push(Next::Tracks(both().into())));
    feed.play(600, 3_000, |at| at % 2_000 == 600);
    assert_eq!(feed.durations(), [2_000]);
    assert!(
        !feed
            .stream
            .contents()
            .playlist()
            .unwrap()
            .contains("DISCONTINUITY")
    );
    assert!(
        feed.stream
            .contents()
            .multivariant()
            .unwrap()
            .contains("avc1.")
    );
    assert_eq!(feed.stream.shelf.inits.len(), 1);
}

#[test]
fn sound_alone_and_picture_alone() {
    let mut sound = Feed::new(&[testing::audio(1)]);
    for at in (0..9_000).step_by(20) {
        sound.packet(1, at, true, 300);
    }
    assert_eq!(sound.durations(), [2_000; 4]);
    let (_, file) = media(&sound.stream).pop().unwrap();
    assert_eq!(file.content_type, "audio/mp4");
    assert!(
        sound
            .stream
            .contents()
            .multivariant()
            .unwrap()
            .contains("CODECS=\"mp4a.40.2\"\n")
    );
    assert!(!sound.stream.wants_keyframe());

    let mut picture = Feed::new(&[testing::video(0)]);
    for at in (0..9_000).step_by(40) {
        picture.packet(0, at, at % 2_000 == 0, 300);
    }
    assert_eq!(picture.durations(), [2_000; 4]);
    let index = picture.stream.contents().multivariant().unwrap();
    assert!(
        index.contains("CODECS=\"avc1.42C01F\",RESOLUTION=1280x720"),
        "{index}"
    );
}

#[test]
fn bandwidth_is_the_peak_and_at_least_what_is_announced() {
    let mut feed = Feed::new(&[testing::audio(1)]);
    for at in (0..8_000).step_by(20) {
        // 300 bytes are 120 kbit/s; the third segment is five times as dense.
        let bytes = if (4_000..6_000).contains(&at) {
            1_500
        } else {
            300
        };
        feed.packet(1, at, true, bytes);
    }
    feed.stream.push(Next::End);
    let index = feed.stream.contents().multivariant().unwrap();
    let value = |name: &str| {
        let (_, after) = index.split_once(name).unwrap();
        after
            .split([',', '\n'])
            .next()
            .unwrap()
            .parse::<u64>()
            .unwrap()
    };
    let (peak, average) = (value(":BANDWIDTH="), value("AVERAGE-BANDWIDTH="));
    assert!((600_000..620_000).contains(&peak), "{peak}");
    assert!((240_000..250_000).contains(&average), "{average}");
    let mut quiet = Feed::new(&[testing::audio(1)]);
    for at in (0..8_000).step_by(20) {
        quiet.packet(1, at, true, 10);
    }
    assert!(
        quiet
            .stream
            .contents()
            .multivariant()
            .unwrap()
            .contains(":BANDWIDTH=128000,")
    );
}

#[test]
fn the_end_closes_the_playlist() {
    let mut feed = Feed::new(&both());
    feed.play(0, 3_000, |at| at % 2_000 == 0);
    assert!(feed.stream.push(Next::End));
    assert!(
        feed.stream
            .contents()
            .playlist()
            .unwrap()
            .ends_with("#EXT-X-ENDLIST\n")
    );
    assert!(!feed.stream.push(Next::End));
    let mut never = Feed::new(&both());
    assert!(!never.stream.push(Next::End));
    assert_eq!(never.stream.contents().playlist(), None);
}

#[test]
fn what_cannot_be_is_left_out() {
    let mut feed = Feed::new(&both());
    feed.packet(0, 0, true, 100);
    feed.packet(0, 40, false, 100);
    // Twice the same time, back in time, a track that is not there.
    feed.packet(0, 40, false, 100);
    feed.packet(0, 20, false, 100);
    feed.packet(9, 60, true, 100);
    assert_eq!(feed.stream.open.as_ref().unwrap().packets.len(), 2);
}

#[test]
fn memory_is_bounded_whatever_the_writer_does() {
    // No keyframe ever after the first.
    let mut feed = Feed::new(&[testing::video(0)]);
    for n in 0..200 {
        feed.packet(0, n * 40, n == 0, 1 << 20);
        assert!(feed.stream.held() <= SEGMENT_BYTES + (1 << 20));
    }
    assert!(feed.stream.wants_keyframe());
    // Very fat segments: what the playlist lists stays, the rest goes.
    let mut feed = Feed::new(&[testing::video(0)]);
    for n in 0..2_000 {
        feed.packet(0, n * 40, n % 50 == 0, 500_000);
    }
    assert!(feed.stream.shelf.segments.len() >= feed.options.window);
    assert!(
        feed.stream.held() <= 8 * 25_500_000,
        "{}",
        feed.stream.held()
    );
    assert_eq!(
        feed.stream.shelf.unlisted, 0,
        "nothing is kept beyond the list"
    );
    // Sound without the picture that was announced.
    let mut feed = Feed::new(&both());
    for n in 0..10_000 {
        feed.packet(1, n * 20, true, 300);
    }
    assert!(feed.stream.held() <= EARLY * 300);
    assert!(feed.stream.wants_keyframe());
}

#[test]
fn reordered_pictures_keep_their_length() {
    // Keyframes every two seconds; decode times a frame before what is shown.
    let mut stream = Stream::new(Options::default());
    stream.push(Next::Tracks([testing::video(0)].into()));
    for n in 0..126_i64 {
        let mut packet = testing::packet(0, Timestamp::from_millis(n * 40), n % 50 == 0, 100);
        packet.pts = packet.dts + Duration::from_millis(80);
        stream.push(Next::Packet(packet));
    }
    let lengths: Vec<_> = stream
        .shelf
        .segments
        .iter()
        .map(|s| s.duration.as_millis())
        .collect();
    assert_eq!(lengths, [2_000, 2_000]);
}
