use super::*;
use crate::testing;
use media::Config;

fn video() -> Track {
    testing::video(0)
}

fn audio() -> Track {
    testing::audio(1)
}

fn packet(track: u8, millis: i64, keyframe: bool) -> Next {
    Next::Packet(testing::packet(
        track,
        Timestamp::from_millis(millis),
        keyframe,
        5,
    ))
}

fn key(millis: i64) -> Next {
    packet(0, millis, true)
}

fn delta(millis: i64) -> Next {
    packet(0, millis, false)
}

fn sound(millis: i64) -> Next {
    packet(1, millis, true)
}

fn tracks(tracks: &[Track]) -> Next {
    Next::Tracks(tracks.into())
}

/// What is sent, in short: `M` metadata, `H8`/`H9` headers, `a20`/`v20` packets by their time.
fn check(items: Vec<Next>, expect: &str) {
    let mut feed = Feed::default();
    let mut out: Vec<_> = items.into_iter().flat_map(|n| feed.take(n)).collect();
    out.extend(feed.take(Next::End));
    let short: Vec<String> = out
        .iter()
        .map(|o| match o {
            Outgoing::Metadata(_) => "M".into(),
            Outgoing::Header(m) => format!("H{}@{}", m.kind, m.timestamp),
            Outgoing::Packet(m) if m.kind == kind::VIDEO => format!("v{}", m.timestamp),
            Outgoing::Packet(m) => format!("a{}", m.timestamp),
        })
        .collect();
    assert_eq!(short.join(" "), expect);
}

#[test]
fn begins_with_headers_and_a_keyframe_at_zero() {
    let both = [video(), audio()];
    check(
        vec![
            tracks(&both),
            sound(980),
            delta(990),
            key(1_000),
            sound(1_001),
            delta(1_033),
        ],
        "M H9@0 H8@0 v0 a1 v33",
    );
    check(
        vec![tracks(&both), key(1_000), sound(990), sound(1_011)],
        "M H9@0 H8@0 v0 a11",
    );
    check(
        vec![tracks(&[audio()]), sound(50), sound(71)],
        "M H8@0 a0 a21",
    );
    check(
        vec![tracks(&[video()]), delta(0), key(33), delta(66)],
        "M H9@0 v0 v33",
    );
    check(
        vec![
            tracks(&[testing::opus(2), video()]),
            key(0),
            packet(2, 1, true),
        ],
        "M H9@0 v0",
    );
    check(vec![tracks(&[]), sound(0)], "");
    check(vec![tracks(&[]), tracks(&[audio()]), sound(5)], "M H8@0 a0");
}

#[test]
fn sound_waits_a_little_for_a_picture_that_may_come() {
    check(
        vec![
            tracks(&[audio()]),
            sound(0),
            sound(1_000),
            tracks(&[video(), audio()]),
            sound(1_100),
            key(1_200),
            sound(1_201),
        ],
        "M H9@0 H8@0 v0 a1",
    );
    check(
        vec![
            tracks(&[audio()]),
            sound(0),
            sound(1_000),
            sound(2_000),
            sound(2_021),
            tracks(&[video(), audio()]),
            sound(2_042),
            key(2_050),
        ],
        "M H8@0 a0 a1000 a2000 a2021 M H9@2021 H8@2021 a2042 v2050",
    );
}

#[test]
fn a_gap_waits_for_the_picture_and_not_for_the_sound() {
    check(
        vec![
            tracks(&[video(), audio()]),
            key(0),
            sound(1),
            Next::Gap(9),
            sound(500),
            delta(501),
            key(600),
            sound(601),
        ],
        "M H9@0 H8@0 v0 a1 a500 v600 a601",
    );
}

#[test]
fn changed_tracks_are_announced_and_equal_ones_are_not() {
    let mut small = video();
    if let Config::H264 { width, .. } = &mut small.config {
        *width = 640;
    }
    check(
        vec![
            tracks(&[video()]),
            key(0),
            tracks(&[video()]),
            delta(33),
            tracks(&[small]),
            delta(66),
            key(100),
        ],
        "M H9@0 v0 v33 M H9@33 v100",
    );
}
