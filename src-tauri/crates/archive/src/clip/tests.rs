use std::ops::Range;

use media::h264;

use super::*;
use crate::cutter::Cutter;
use crate::finish;
use crate::testing::{PICTURE, packets, pictures, tracks};

fn film(dir: &Path) -> PathBuf {
    film_of(dir, packets(Timestamp::from_millis(10_000), 10))
}

fn film_of(dir: &Path, packets: Vec<Packet>) -> PathBuf {
    let mut cutter = Cutter::new(&tracks());
    let mut file = cutter.head().to_vec();
    for packet in packets {
        if let Some(piece) = cutter.push(packet) {
            file.extend_from_slice(&piece.data.join());
        }
    }
    file.extend_from_slice(&cutter.pause().unwrap().data.join());
    let path = dir.join("film.mp4");
    std::fs::write(&path, file).unwrap();
    finish(&path).unwrap();
    path
}

/// The same without its pictures from 2.8 to 3.6 seconds.
fn film_with_a_gap(dir: &Path) -> PathBuf {
    let began = Timestamp::from_millis(10_000);
    let mut all = packets(began, 10);
    let picture = tracks()[0].id;
    let skipped = began + Duration::from_millis(2_800)..began + Duration::from_millis(3_600);
    all.retain(|packet| packet.track != picture || !skipped.contains(&packet.pts));
    film_of(dir, all)
}

fn times(from: i64, to: i64) -> Range<Timestamp> {
    Timestamp::from_millis(from)..Timestamp::from_millis(to)
}

#[test]
fn a_clip_begins_with_the_keyframe_before() {
    let dir = tempfile::tempdir().unwrap();
    let film = film(dir.path());
    let to = dir.path().join("clip.mp4");
    for (cut_out, first, last) in [
        (times(0, 2_000), 0, 49),
        (times(3_000, 5_000), 50, 124),
        (times(4_000, 60_000), 100, 249),
    ] {
        let clip = cut(&[Source::times(film.clone(), cut_out)], &to).unwrap();
        let numbers = pictures(&to);
        assert_eq!((numbers[0], numbers[numbers.len() - 1]), (first, last));
        let millis = clip.duration.as_millis();
        let expect = u128::from(last - first + 1) * 40;
        assert!(millis.abs_diff(expect) <= 60, "{millis} for {expect}");
        assert_eq!(std::fs::metadata(&to).unwrap().len(), clip.bytes);
    }
}

#[test]
fn clips_of_several_files_follow_one_another() {
    let dir = tempfile::tempdir().unwrap();
    let film = film(dir.path());
    let to = dir.path().join("both.mp4");
    let parts = [times(0, 2_000), times(8_000, 10_000)];
    let clip = cut(&parts.map(|t| Source::times(film.clone(), t)), &to).unwrap();
    let numbers = pictures(&to);
    assert_eq!(numbers.len(), 100);
    assert_eq!((numbers[49], numbers[50]), (49, 200));
    let millis = clip.duration.as_millis();
    assert!(millis.abs_diff(4_000) <= 60, "{millis}");
}

#[test]
fn what_is_not_there_is_said_and_nothing_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let film = film(dir.path());
    let to = dir.path().join("clip.mp4");
    let past = Source::times(film, times(60_000, 70_000));
    assert!(matches!(cut(&[past], &to), Err(Error::Nothing(_))));
    let gone = Source::times(dir.path().join("gone.mp4"), times(0, 1));
    assert!(matches!(cut(&[gone], &to), Err(Error::Disk { .. })));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

/// The pictures of a file by the numbers they carry, and how many units each has.
fn units(path: &Path) -> Vec<(u32, usize)> {
    let mut file = File::open(path).unwrap();
    let len = file.metadata().unwrap().len();
    let (tracks, mut samples) = index(path, &mut file, len).unwrap();
    samples.retain(|s| s.track == tracks[0].id);
    let all = crate::finish::packets(path, &mut file, &samples).unwrap();
    let unit = |packet: &Packet| {
        let units: Vec<&[u8]> = h264::avcc(&packet.data).map(Result::unwrap).collect();
        let number = units.last().unwrap()[2..6].try_into().unwrap();
        (u32::from_be_bytes(number), units.len())
    };
    all.iter().map(unit).collect()
}

/// Gives the pictures of the range as they are, the first of them as a keyframe.
fn as_they_are(config: Config, packets: &[Packet], wanted: &Range<Timestamp>) -> Edged {
    let inside = packets.iter().filter(|p| wanted.contains(&p.pts));
    let mut packets: Vec<Packet> = inside.cloned().collect();
    packets[0].keyframe = true;
    Edged { packets, config }
}

#[test]
fn an_exact_clip_begins_with_the_very_picture() {
    let dir = tempfile::tempdir().unwrap();
    let film = film(dir.path());
    let to = dir.path().join("clip.mp4");
    let told = AtomicU8::new(0);
    let Config::H264 { sps, pps, .. } = tracks()[0].config.clone() else {
        panic!("a picture");
    };
    let others = h264::config(sps, [&pps[..], &[0x80]].concat().into()).unwrap();
    for (other, from, until, first, last, made) in [
        (false, 3_000, 5_000, 75, 124, Some((50, 99))),
        (true, 3_000, 5_000, 75, 124, Some((50, 99))),
        // Between two pictures the first is on the screen, but for one that is gone at once.
        (true, 3_010, 5_000, 75, 124, Some((50, 99))),
        (true, 3_037, 5_000, 76, 124, Some((50, 99))),
        (true, 3_003, 5_000, 75, 124, Some((50, 99))),
        // So is the last before a keyframe.
        (true, 3_990, 5_000, 99, 124, Some((50, 99))),
        (true, 3_998, 5_000, 100, 124, None),
        // Behind the end nothing is shown.
        (true, 9_000, 60_000, 225, 249, Some((200, 249))),
        // Within one group everything is encoded again, and before a keyframe nothing.
        (true, 2_400, 3_000, 60, 74, Some((50, 74))),
        (true, 4_000, 60_000, 100, 249, None),
    ] {
        let mut given = None;
        let mut edge = |config: &Config, packets: &[Packet], wanted: Range<Timestamp>| {
            assert!(packets[0].keyframe);
            let number = |p: &Packet| u32::from_be_bytes(p.data[6..10].try_into().unwrap());
            given = Some((number(&packets[0]), number(&packets[packets.len() - 1])));
            let config = if other {
                others.clone()
            } else {
                config.clone()
            };
            Ok(as_they_are(config, packets, &wanted))
        };
        let source = Source::times(film.clone(), times(from, until));
        let clip = cut_exactly(std::slice::from_ref(&source), &to, &told, &mut edge).unwrap();
        let what = format!("{from} to {until}");
        assert_eq!(given, made, "{what}");
        let units = units(&to);
        let numbers: Vec<u32> = units.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, (first..=last).collect::<Vec<_>>(), "{what}");
        // Where decoders need other parameter sets they stand in front, and again where the film goes on.
        let own: Vec<u32> = units
            .iter()
            .filter(|(_, n)| *n == 3)
            .map(|(n, _)| *n)
            .collect();
        let expect: Vec<u32> = match (other && made.is_some(), (first..last).contains(&100)) {
            (false, _) => Vec::new(),
            (true, true) => vec![first, 100],
            (true, false) => vec![first],
        };
        assert_eq!(own, expect, "{what}");
        let millis = clip.duration.as_millis();
        let long = (until.min(10_000) - from) as u128;
        assert!(millis.abs_diff(long) <= 25, "{millis} for {long}");
        assert_eq!(std::fs::metadata(&to).unwrap().len(), clip.bytes);
        assert_eq!(told.load(Ordering::Relaxed), 100);
    }
}

/// Two B-frames between each two pictures that they need, in groups of fifty: 0, 3, 1, 2, 6, 4, 5 and so on. All are
/// shown a picture later than without.
fn reordered(mut packets: Vec<Packet>) -> Vec<Packet> {
    let pictures = packets.iter_mut().filter(|p| p.track == PICTURE);
    for (place, packet) in (0_u32..).zip(pictures) {
        let within = match place % 50 {
            edge @ (0 | 49) => edge,
            needed if needed % 3 == 1 => needed + 2,
            between => between - 1,
        };
        let number = place / 50 * 50 + within;
        let later = i64::from(number) - i64::from(place) + 1;
        packet.pts = packet.dts.offset(later * 40_000_000);
        packet.data = [&packet.data[..6], &number.to_be_bytes()].concat().into();
    }
    packets
}

#[test]
fn an_exact_clip_keeps_what_its_last_pictures_need_and_does_not_show_it() {
    let dir = tempfile::tempdir().unwrap();
    let packets = reordered(packets(Timestamp::from_millis(10_000), 10));
    let film = film_of(dir.path(), packets);
    let to = dir.path().join("clip.mp4");
    let told = AtomicU8::new(0);
    let copied = [50, 53, 51, 52, 56, 54, 55, 59, 57, 58, 62, 60, 61, 65, 63];
    let copy = |more: &[u32]| (24..50).chain(copied).chain(more.iter().copied()).collect();
    // A picture is shown 40 ms behind its number's time.
    for (from, until, expect, shown) in [
        // 65 is shown behind the end, and 63 needs it.
        (25, 65, copy(&[]), 40),
        // Here it is the last that is shown, and the next that others would need is left out.
        (25, 67, copy(&[64]), 42),
        // Within one group all that is shown is encoded again, out of what it needs.
        (61, 65, (60..64).collect::<Vec<u32>>(), 4),
    ] {
        let mut given = Vec::new();
        let mut edge = |config: &Config, packets: &[Packet], wanted: Range<Timestamp>| {
            let number = |p: &Packet| u32::from_be_bytes(p.data[6..10].try_into().unwrap());
            given = packets.iter().map(number).collect();
            let mut packets = packets.to_vec();
            packets.sort_by_key(|p| p.pts);
            Ok(as_they_are(config.clone(), &packets, &wanted))
        };
        let source = Source::times(film.clone(), times(from * 40, until * 40));
        let clip = cut_exactly(std::slice::from_ref(&source), &to, &told, &mut edge).unwrap();
        let what = format!("{from} to {until}");
        assert_eq!(pictures(&to), expect, "{what}");
        if expect.len() == 4 {
            assert_eq!(given, copied, "{what}");
        }
        // Where pictures are shown later than they are decoded, the file begins so much later.
        let later = if expect.len() == 4 { 0 } else { 40 };
        let long = Duration::from_millis(shown * 40 + later);
        let mut file = File::open(&to).unwrap();
        let len = file.metadata().unwrap().len();
        let (own, _) = index(&to, &mut file, len).unwrap();
        assert_eq!(own[0].duration, long, "{what}");
        // Sound goes on to the end of its last packet at most.
        let more = clip.duration.saturating_sub(long);
        assert!(clip.duration >= long && more < Duration::from_millis(22));
    }
}

#[test]
fn an_exact_clip_of_several_files_begins_with_the_very_picture_of_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let film = film(dir.path());
    let to = dir.path().join("clip.mp4");
    let told = AtomicU8::new(0);
    let Config::H264 { sps, pps, .. } = tracks()[0].config.clone() else {
        panic!("a picture");
    };
    let others = h264::config(sps, [&pps[..], &[0x80]].concat().into()).unwrap();
    let mut edge = |_: &Config, packets: &[Packet], wanted: Range<Timestamp>| {
        Ok(as_they_are(others.clone(), packets, &wanted))
    };
    let whole = |skip: u64| Source {
        path: film.clone(),
        bytes: 0..u64::MAX,
        times: None,
        skip: Duration::from_millis(skip),
        ends: None,
    };
    for skip in [3_000, 9_000] {
        cut_exactly(&[whole(skip), whole(0)], &to, &told, &mut edge).unwrap();
        let units = units(&to);
        let numbers: Vec<u32> = units.iter().map(|(number, _)| *number).collect();
        let first = u32::try_from(skip / 40).unwrap();
        assert_eq!(numbers, (first..250).chain(0..250).collect::<Vec<_>>());
        // Each keyframe behind it is decoded by the sets of the file again, in both.
        let own = units.iter().filter(|(_, n)| *n == 3).map(|(n, _)| *n);
        let keys = (first.div_ceil(50)..5).chain(0..5).map(|n| n * 50);
        let expect: Vec<u32> = std::iter::once(first).chain(keys).collect();
        assert_eq!(own.collect::<Vec<_>>(), expect, "{skip}");
    }
}

#[test]
fn an_exact_clip_ends_where_the_last_source_says_and_one_that_is_copied_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let film = film(dir.path());
    let to = dir.path().join("clip.mp4");
    let told = AtomicU8::new(0);
    let source = |skip: u64, ends: Option<u64>| Source {
        path: film.clone(),
        bytes: 0..u64::MAX,
        times: None,
        skip: Duration::from_millis(skip),
        ends: ends.map(Duration::from_millis),
    };
    let mut edge = |config: &Config, packets: &[Packet], wanted: Range<Timestamp>| {
        Ok(as_they_are(config.clone(), packets, &wanted))
    };
    let mut numbers = |sources: &[Source]| {
        cut_exactly(sources, &to, &told, &mut edge).unwrap();
        let units = units(&to);
        units
            .into_iter()
            .map(|(number, _)| number)
            .collect::<Vec<u32>>()
    };
    // Pictures of 40 ms, and a keyframe every two seconds.
    assert_eq!(
        numbers(&[source(0, Some(3_000))]),
        (0..75).collect::<Vec<_>>()
    );
    assert_eq!(
        numbers(&[source(400, Some(1_000))]),
        (10..25).collect::<Vec<_>>()
    );
    let two = [source(400, None), source(0, Some(1_000))];
    assert_eq!(numbers(&two), (10..250).chain(0..25).collect::<Vec<_>>());
    cut(&[source(400, Some(1_000))], &to).unwrap();
    assert_eq!(units(&to).len(), 250);
}

#[test]
fn a_clip_ends_in_time_where_the_pictures_behind_it_were_skipped() {
    let dir = tempfile::tempdir().unwrap();
    let film = film_with_a_gap(dir.path());
    let to = dir.path().join("clip.mp4");
    let told = AtomicU8::new(0);
    let mut edge = |config: &Config, packets: &[Packet], wanted: Range<Timestamp>| {
        Ok(as_they_are(config.clone(), packets, &wanted))
    };
    let source = Source::times(film, times(0, 3_000));
    let clip = cut_exactly(std::slice::from_ref(&source), &to, &told, &mut edge).unwrap();
    let numbers: Vec<u32> = units(&to).iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (0..70).collect::<Vec<_>>());
    // A packet of sound reaches beyond it.
    let millis = clip.duration.as_millis();
    assert!((3_000..3_025).contains(&millis), "{millis} ms");
}

#[test]
fn a_clip_is_as_long_as_asked_for_where_it_begins_between_pictures_that_were_skipped() {
    let dir = tempfile::tempdir().unwrap();
    let film = film_with_a_gap(dir.path());
    let to = dir.path().join("clip.mp4");
    let told = AtomicU8::new(0);
    let mut edge = |config: &Config, packets: &[Packet], wanted: Range<Timestamp>| {
        Ok(as_they_are(config.clone(), packets, &wanted))
    };
    // Within what was skipped, before the next picture, and for less than it lasts.
    for (from, until, numbers) in [
        (3_000, 3_800, vec![69, 90, 91, 92, 93, 94]),
        (2_800, 3_650, vec![69, 90, 91]),
        (3_000, 3_200, vec![69]),
    ] {
        let source = Source::times(film.clone(), times(from, until));
        cut_exactly(std::slice::from_ref(&source), &to, &told, &mut edge).unwrap();
        let mut file = File::open(&to).unwrap();
        let len = file.metadata().unwrap().len();
        let (own, _) = index(&to, &mut file, len).unwrap();
        let what = format!("{from} to {until}");
        assert_eq!(pictures(&to), numbers, "{what}");
        let asked = u128::try_from(until - from).unwrap();
        assert_eq!(own[0].duration.as_millis(), asked, "{what}");
    }
}

#[test]
fn files_of_one_encoding_belong_together_however_many_pictures_were_skipped() {
    let config = tracks()[0].config.clone();
    let mut fewer = config.clone();
    if let Config::H264 { fps_millis, .. } = &mut fewer {
        *fps_millis += 1_000;
    }
    assert!(config != fewer && alike(&config, &fewer));
    let mut other = config.clone();
    if let Config::H264 { pps, .. } = &mut other {
        *pps = bytes::Bytes::from_static(&[0x68, 0x01]);
    }
    assert!(!alike(&config, &other));
    assert!(!alike(&config, &tracks()[1].config));
}

#[test]
fn what_cannot_be_encoded_again_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let film = film(dir.path());
    let to = dir.path().join("clip.mp4");
    let source = Source::times(film, times(3_000, 5_000));
    let told = AtomicU8::new(0);
    let failed = cut_exactly(std::slice::from_ref(&source), &to, &told, &mut |_, _, _| {
        Err("no encoder".into())
    });
    let said = failed.unwrap_err().to_string();
    assert!(said.contains("no encoder; cut at the keyframe"), "{said}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}
