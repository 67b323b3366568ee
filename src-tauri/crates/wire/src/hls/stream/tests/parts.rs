//! Parts of segments, for players that stay close behind (RFC 8216bis).

use std::collections::BTreeMap;

use bytes::Bytes;

use super::*;

/// Picture at so many a second with keyframes every two seconds, and sound, for some seconds. After
/// each packet the stream is shown to `look`.
fn play(feed: &mut Feed, fps: i64, seconds: i64, mut look: impl FnMut(&Stream)) {
    let mut sound = 0;
    for n in 0..fps * seconds {
        let at = n * SECOND / fps;
        feed.packet(0, at, n % (2 * fps) == 0, 1_000);
        look(&feed.stream);
        while sound <= at {
            feed.packet(1, sound, true, 100);
            sound += 20;
            look(&feed.stream);
        }
    }
}

/// Length in seconds and address of each part, by segment; the last list is of the begun one.
fn listed(playlist: &str) -> Vec<Vec<(f64, String)>> {
    let mut segments = vec![Vec::new()];
    for line in playlist.lines() {
        if let Some(part) = line.strip_prefix("#EXT-X-PART:DURATION=") {
            let (seconds, rest) = part.split_once(",URI=\"").unwrap();
            let (uri, _) = rest.split_once('"').unwrap();
            let part = (seconds.parse().unwrap(), uri.to_owned());
            segments.last_mut().unwrap().push(part);
        } else if !line.starts_with('#') {
            segments.push(Vec::new());
        }
    }
    segments
}

#[test]
fn parts_are_as_long_as_the_standard_wants_whatever_the_rate() {
    for fps in [12, 15, 24, 25, 30, 48, 50, 60, 120] {
        let mut feed = Feed::new(&both());
        play(&mut feed, fps, 9, |_| ());
        let text = feed.stream.contents().playlist().unwrap();
        assert!(text.contains("#EXT-X-PART-INF:PART-TARGET=0.33400\n"));
        let segments = listed(&text);
        assert!(segments.iter().filter(|s| !s.is_empty()).count() >= 3);
        for parts in &segments {
            for (n, (seconds, uri)) in parts.iter().enumerate() {
                assert!(*seconds <= 0.334, "{fps} fps: {uri} is {seconds} s long");
                let last = n + 1 == parts.len();
                assert!(
                    last || *seconds >= 0.334 * 0.85,
                    "{fps} fps: {uri} is {seconds} s long"
                );
            }
        }
        let whole: f64 = segments[2].iter().map(|p| p.0).sum();
        assert!((whole - 2.0).abs() < 0.002, "{fps} fps: {whole}");
    }
}

#[test]
fn parts_together_are_their_segment() {
    let mut feed = Feed::new(&both());
    play(&mut feed, 30, 5, |_| ());
    let files: BTreeMap<String, File> = media(&feed.stream).into_iter().collect();
    for sequence in 0..2 {
        let whole = &files[&format!("abc-{sequence}.m4s")].body;
        let parts = (0..).map_while(|n| files.get(&format!("abc-{sequence}.{n}.m4s")));
        let parts: Vec<Bytes> = parts.flat_map(|f| f.body.clone()).collect();
        assert_eq!(whole.to_bytes(), parts.concat());
        assert_eq!(boxes(&whole.to_bytes()), ["moof", "mdat"].repeat(6));
        // Memory is held once: parts are pieces of the whole.
        let places = |pieces: Vec<Bytes>| pieces.iter().map(|p| p.as_ptr()).collect::<Vec<_>>();
        assert_eq!(places(whole.clone().into_iter().collect()), places(parts));
    }
}

#[test]
fn the_part_that_is_announced_is_the_one_that_comes() {
    let mut feed = Feed::new(&both());
    let mut hint = feed.stream.contents().hint().unwrap();
    let mut edge = feed.stream.contents().edge().unwrap();
    let mut came = 0;
    play(&mut feed, 30, 10, |stream| {
        let now = stream.contents().edge().unwrap();
        if now == edge {
            assert_eq!(stream.contents().hint().as_ref(), Some(&hint));
            return;
        }
        assert!(now > edge);
        let there = stream.contents().media(&hint);
        assert!(there.is_some(), "no {hint} at {now:?}");
        came += 1;
        hint = stream.contents().hint().unwrap();
        edge = now;
        if let Some(text) = stream.contents().playlist() {
            let line = format!("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"{hint}\"\n");
            assert!(text.ends_with(&line), "{text}");
        }
    });
    assert_eq!(came, 29, "six parts in two seconds, the last still open");
}

#[test]
fn a_player_can_begin_where_a_part_says_so() {
    let mut feed = Feed::new(&both());
    // Every second keyframe is in the middle of a segment, and of a part.
    feed.play(0, 5_000, |at| at % 1_000 == 0);
    let text = feed.stream.contents().playlist().unwrap();
    let independent: Vec<&str> = text
        .lines()
        .filter(|l| l.contains("INDEPENDENT=YES"))
        .map(|l| l.split('"').nth(1).unwrap())
        .collect();
    assert_eq!(
        independent,
        [
            "abc-0.0.m4s",
            "abc-1.0.m4s",
            "abc-1.3.m4s",
            "abc-2.0.m4s",
            "abc-2.3.m4s"
        ]
    );
    let mut sound = Feed::new(&[testing::audio(1)]);
    for at in (0..5_000).step_by(20) {
        sound.packet(1, at, true, 300);
    }
    let text = sound.stream.contents().playlist().unwrap();
    let mut parts = text.lines().filter(|l| l.contains("#EXT-X-PART:"));
    assert!(parts.all(|l| l.contains("INDEPENDENT")));
}

#[test]
fn sound_goes_on_while_the_picture_stands_still() {
    // A shared screen on which nothing moves: a picture every 1.5 seconds.
    let mut feed = Feed::new(&both());
    let mut longest_wait = 0;
    let (mut edge, mut since) = (Edge::default(), 0);
    for at in (0..12_000).step_by(20) {
        if at % 1_500 == 0 {
            feed.packet(0, at, at % 3_000 == 0, 2_000);
        }
        feed.packet(1, at, true, 100);
        let now = feed.stream.contents().edge().unwrap();
        if now != edge {
            longest_wait = longest_wait.max(at - since);
            (edge, since) = (now, at);
        }
    }
    assert!(
        longest_wait <= 700,
        "{longest_wait} ms without anything new"
    );
    for (seconds, uri) in listed(&feed.stream.contents().playlist().unwrap()).concat() {
        assert!(seconds <= 0.334, "{uri} is {seconds} s long");
    }
    // Nothing is lost: the pictures of nine seconds, and all of their sound.
    let segments = feed.stream.shelf.segments.iter();
    let held: usize = segments.map(|s| s.bytes).sum();
    assert!(held > 9_000 / 20 * 100 + 6 * 2_000, "{held}");
}

#[test]
fn slow_pictures_are_not_cut_into_parts() {
    let mut slow = both();
    if let Config::H264 { fps_millis, .. } = &mut slow[0].config {
        *fps_millis = 5_000;
    }
    let mut feed = Feed::new(&slow);
    play(&mut feed, 5, 7, |_| ());
    let text = feed.stream.contents().playlist().unwrap();
    assert!(text.starts_with("#EXTM3U\n#EXT-X-VERSION:7\n"));
    assert!(!text.contains("PART"), "{text}");
    assert_eq!(
        (feed.stream.contents().edge(), feed.stream.contents().hint()),
        (None, None)
    );
}

#[test]
fn only_what_is_near_the_end_is_listed_in_parts_and_kept_so() {
    let mut feed = Feed::new(&both());
    play(&mut feed, 30, 21, |_| ());
    let segments = listed(&feed.stream.contents().playlist().unwrap());
    let counts: Vec<usize> = segments.iter().map(Vec::len).collect();
    assert_eq!(
        counts,
        [0, 0, 0, 0, 6, 6, 2],
        "6 s of whole parts, and the begun one's"
    );
    let parts = |n: u64| {
        let prefix = format!("abc-{n}.");
        let files = media(&feed.stream);
        files.iter().filter(|(f, _)| f.starts_with(&prefix)).count()
    };
    // Itself and six parts, for one segment longer than it is listed.
    assert_eq!([5, 6, 7, 8, 9].map(parts), [1, 7, 7, 7, 7]);
}

#[test]
fn a_delta_update_and_what_is_known_make_the_whole() {
    let options = Options {
        window: 20,
        ..Options::default()
    };
    let mut feed = Feed::with(&both(), options);
    play(&mut feed, 30, 10, |stream| {
        assert_eq!(stream.contents().delta(), None)
    });
    feed.play(10 * SECOND, 50 * SECOND, |at| at % 2_000 == 0);
    let whole = feed.stream.contents().playlist().unwrap();
    let delta = feed.stream.contents().delta().unwrap();
    let skip = "#EXT-X-SKIP:SKIPPED-SEGMENTS=";
    let skipped = delta.lines().find_map(|l| l.strip_prefix(skip)).unwrap();
    let skipped: usize = skipped.parse().unwrap();
    assert!((12..=15).contains(&skipped), "{skipped}");
    let uris = |text: &str| -> Vec<String> {
        let uris = text.lines().filter(|l| !l.starts_with('#'));
        uris.map(str::to_owned).collect()
    };
    assert_eq!(uris(&delta), uris(&whole)[skipped..]);
    // From the first segment that both name on they say the same.
    let from = format!("{}\n", uris(&delta)[0]);
    let tail = |text: &str| text.split_once(&from).unwrap().1.to_owned();
    assert_eq!(tail(&delta), tail(&whole));
}

#[test]
fn after_the_end_nothing_is_announced() {
    let mut feed = Feed::new(&both());
    play(&mut feed, 30, 5, |_| ());
    feed.stream.push(Next::End);
    let text = feed.stream.contents().playlist().unwrap();
    assert!(!text.contains("PRELOAD-HINT"));
    assert!(text.ends_with("#EXT-X-ENDLIST\n"));
    assert_eq!(feed.stream.contents().hint(), None);
}
