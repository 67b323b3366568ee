use container::fmp4::Fragment;

use super::*;

fn piece(start: i64, millis: u64, keyframe: bool) -> Piece {
    Piece {
        data: Fragment {
            head: Bytes::from_static(&[0; 10]),
            media: Vec::new(),
        },
        start: Timestamp::from_millis(start),
        duration: Duration::from_millis(millis),
        keyframe,
        beside: vec![4],
    }
}

/// Two reels of three segments of two seconds each, the second of which is a recording.
fn filled() -> Timeline {
    let timeline = Timeline::default();
    for (reel, kept) in [(0, false), (1, true)] {
        let path = PathBuf::from(format!("{reel}.mp4"));
        let number = timeline.begin(path, kept, Bytes::new(), Vec::new());
        for n in 0..6 {
            let start = (reel * 6 + n) * 1_000;
            let position = u64::try_from(100 + n * 10).unwrap();
            timeline.add(number, position, &piece(start, 1_000, n % 2 == 0));
        }
    }
    timeline
}

#[test]
fn segments_are_whole_from_keyframe_to_keyframe() {
    let timeline = filled();
    let listing = timeline.listing();
    let starts: Vec<(u64, i64, u64, u64)> = listing
        .segments
        .iter()
        .map(|(reel, s)| (*reel, s.start.millis(), s.position, s.len))
        .collect();
    // The last one may still grow.
    let expect = [
        (0, 0, 100, 20),
        (0, 2_000, 120, 20),
        (0, 4_000, 140, 20),
        (1, 6_000, 100, 20),
        (1, 8_000, 120, 20),
    ];
    assert_eq!(starts, expect);
    timeline.end();
    assert_eq!(timeline.listing().segments.len(), 6);
    let span = timeline.span().unwrap();
    assert_eq!((span.start.millis(), span.end.millis()), (0, 12_000));
}

#[test]
fn what_is_old_goes_but_recordings_stay() {
    let timeline = filled();
    let at = Timestamp::from_millis;
    assert_eq!(timeline.forget(at(3_000)), Vec::<PathBuf>::new());
    let listing = timeline.listing();
    assert_eq!((listing.gone_segments, listing.gone_reels), (1, 0));
    assert_eq!(timeline.forget(at(9_000)), [PathBuf::from("0.mp4")]);
    let listing = timeline.listing();
    assert_eq!((listing.gone_segments, listing.gone_reels), (4, 1));
    // The newest reel is still written.
    assert_eq!(timeline.forget(at(60_000)), Vec::<PathBuf>::new());
    assert_eq!(
        timeline.begin("2.mp4".into(), false, Bytes::new(), Vec::new()),
        2
    );
    assert_eq!(timeline.forget(at(60_000)), Vec::<PathBuf>::new());
    assert!(timeline.file(1).is_none(), "out of sight, and on the disk");
    assert_eq!(timeline.clear(), [PathBuf::from("2.mp4")]);
}

#[test]
fn clips_are_cut_from_the_reels_they_touch() {
    let timeline = filled();
    let at = Timestamp::from_millis;
    let sources = timeline.sources(at(4_500), at(6_500)).unwrap();
    let skips: Vec<u128> = sources.iter().map(|s| s.skip.as_millis()).collect();
    assert_eq!(skips, [500, 0]);
    let ends = |sources: &[Source]| -> Vec<Option<u128>> {
        let ends = sources.iter().map(|source| source.ends);
        ends.map(|end| end.map(|end| end.as_millis())).collect()
    };
    assert_eq!(ends(&sources), [None, Some(500)]);
    let found: Vec<(String, std::ops::Range<u64>)> = sources
        .into_iter()
        .map(|s| (s.path.display().to_string(), s.bytes))
        .collect();
    assert_eq!(
        found,
        [("0.mp4".into(), 140..160), ("1.mp4".into(), 100..120)]
    );
    // It ends with the last picture, unless it ends before.
    for (to, expect) in [(10_500, Some(4_500)), (11_999, Some(5_999)), (12_000, None)] {
        let sources = timeline.sources(at(6_500), at(to)).unwrap();
        assert_eq!(ends(&sources), [expect], "{to}");
    }
    let around = timeline.around(at(7_999)).unwrap().unwrap();
    assert_eq!((around.path, around.bytes), ("1.mp4".into(), 100..120));
    // Where the encoding changed, what was since then.
    let sound = media::Track {
        id: media::TrackId(2),
        config: media::Config::Opus {
            channels: 2,
            pre_skip: 312,
        },
        bitrate: 96_000,
    };
    let number = timeline.begin("2.mp4".into(), true, Bytes::new(), vec![sound]);
    timeline.add(number, 100, &piece(12_000, 1_000, true));
    let refused = timeline.sources(at(9_000), at(13_000));
    assert!(matches!(refused, Err(Error::Changed)));
    let (begins, sources) = timeline.latest(at(9_000), at(13_000)).unwrap();
    assert_eq!((begins, sources.len()), (at(12_000), 1));
    assert_eq!(
        (&sources[0].bytes, sources[0].skip),
        (&(100..110), Duration::ZERO)
    );
    let nothing = timeline
        .sources(at(60_000), at(70_000))
        .unwrap_err()
        .to_string();
    assert!(nothing.contains("the last 13 s"), "{nothing}");
}

#[test]
fn words_that_viewers_do_not_get_are_named_by_their_place() {
    let timeline = filled();
    assert_eq!(timeline.beside(0, &(100..120)), [104, 114]);
    assert_eq!(timeline.beside(0, &(107..114)), [104]);
    assert_eq!(timeline.beside(0, &(108..114)), [0_u64; 0]);
    assert_eq!(timeline.beside(7, &(0..u64::MAX)), [0_u64; 0]);
    timeline.forget(Timestamp::from_millis(3_000));
    assert_eq!(timeline.beside(0, &(0..140)), [124, 134]);
}
