use media::Timestamp;

use super::*;
use crate::fmp4::Muxer;

const SPS: &[u8] = &[
    0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x2f, 0xea, 0x6c, 0x04, 0x40, 0x00, 0x00, 0xfa, 0x40,
    0x00, 0x3a, 0x98, 0x03, 0xc5, 0x8b, 0x92,
];
const PPS: &[u8] = &[0x68, 0xcb, 0x83, 0xcb, 0x20];

fn tracks() -> Vec<Track> {
    let video = h264::config(Bytes::from_static(SPS), Bytes::from_static(PPS)).unwrap();
    let audio = Config::Opus {
        channels: 2,
        pre_skip: 312,
    };
    vec![track(TrackId(0), video), track(TrackId(1), audio)]
}

fn picture(n: i64) -> Packet {
    let at = Timestamp::from_ticks(n, 30);
    let kind = if n % 10 == 0 { 0x65 } else { 0x41 };
    Packet {
        track: TrackId(0),
        pts: at,
        dts: at,
        keyframe: n % 10 == 0,
        data: vec![0, 0, 0, 3, kind, n as u8, 7].into(),
    }
}

fn sound(n: i64) -> Packet {
    let at = Timestamp::from_ticks(n * 960, 48_000);
    Packet {
        track: TrackId(1),
        pts: at,
        dts: at,
        keyframe: true,
        data: vec![31 << 3, n as u8].into(),
    }
}

/// A stream of three seconds in fragments of half a second, and what it carries.
fn stream() -> (Vec<u8>, Vec<Packet>) {
    let mut muxer = Muxer::new(&tracks());
    let mut bytes = muxer.init_segment().to_vec();
    let mut all = Vec::new();
    for half in 0..6 {
        let mut packets: Vec<_> = (half * 15..half * 15 + 15).map(picture).collect();
        packets.extend((half * 25..half * 25 + 25).map(sound));
        packets.sort_by_key(|p| p.dts);
        let end = Timestamp::from_millis((half + 1) * 500);
        bytes.extend_from_slice(&muxer.fragment(&packets, end));
        all.extend(packets);
    }
    (bytes, all)
}

fn read(pieces: impl Iterator<Item = Vec<u8>>) -> Result<Vec<Event>, Error> {
    let mut demuxer = Demuxer::new();
    let mut events = Vec::new();
    for piece in pieces {
        demuxer.feed(&piece)?;
        events.extend(std::iter::from_fn(|| demuxer.poll()));
    }
    Ok(events)
}

#[test]
fn what_goes_in_comes_out_however_it_is_cut() {
    let (bytes, packets) = stream();
    let whole = read(std::iter::once(bytes.clone())).unwrap();
    for size in [1, 7, 100, 4096] {
        let cut = read(bytes.chunks(size).map(<[u8]>::to_vec)).unwrap();
        assert_eq!(cut, whole, "in pieces of {size}");
    }
    let told: Vec<_> = whole
        .iter()
        .filter(|e| matches!(e, Event::Tracks(_)))
        .collect();
    assert_eq!(told, [&Event::Tracks(tracks())]);
    assert_eq!(whole[0], *told[0]);
    let mut read: Vec<_> = whole
        .into_iter()
        .filter_map(|e| match e {
            Event::Packet(packet) => Some(packet),
            Event::Tracks(_) => None,
        })
        .collect();
    assert_eq!(read.len(), packets.len());
    for (read, sent) in read.iter_mut().zip(&packets) {
        // A timescale rounds.
        assert!(
            read.pts.offset_from(sent.pts).abs() < 20_000,
            "{read:?} {sent:?}"
        );
        (read.pts, read.dts) = (sent.pts, sent.dts);
        assert_eq!(read, sent);
    }
}

#[test]
fn changed_parameter_sets_change_the_track() {
    let mut muxer = Muxer::new(&tracks());
    let mut bytes = muxer.init_segment().to_vec();
    let mut key = picture(0);
    // The same picture size at another level.
    let mut sps = SPS.to_vec();
    sps[3] = 0x1f;
    let mut data = Vec::new();
    for nal in [&sps[..], PPS, &[0x65, 1, 2]] {
        h264::push_avcc(&mut data, nal);
    }
    key.data = data.into();
    bytes.extend_from_slice(&muxer.fragment(&[key], Timestamp::from_millis(33)));
    let events = read(std::iter::once(bytes)).unwrap();
    let [
        Event::Tracks(first),
        Event::Tracks(second),
        Event::Packet(packet),
    ] = &events[..]
    else {
        panic!("{events:?}");
    };
    assert_eq!(*first, tracks());
    assert!(matches!(&second[0].config, Config::H264 { sps: now, .. } if now[..] == sps[..]));
    assert_eq!(packet.data[..], [0, 0, 0, 3, 0x65, 1, 2]);
    assert!(packet.keyframe);
}

#[test]
fn what_is_no_stream_is_said_so() {
    let box_of = |size: u32, kind: &[u8; 4]| {
        let mut bytes = size.to_be_bytes().to_vec();
        bytes.extend_from_slice(kind);
        bytes.resize(bytes.len().max(64), 0);
        bytes
    };
    let mut early = box_of(64, b"ftyp");
    early.extend(box_of(64, b"mdat"));
    for (bytes, expect) in [
        (b"\x1aE\xdf\xa3 a WebM file here".to_vec(), Error::NotMp4),
        (
            box_of(4, b"ftyp"),
            Error::Damaged("a box is smaller than its header"),
        ),
        (
            box_of(0, b"ftyp"),
            Error::Damaged("a box of a stream has no size"),
        ),
        (
            box_of(1 << 30, b"moov"),
            Error::TooLarge("the stream's index"),
        ),
        (early, Error::Damaged("media comes before the index")),
    ] {
        assert_eq!(read(std::iter::once(bytes)).unwrap_err(), expect);
    }
}

#[test]
fn damage_is_an_error_and_never_a_panic() {
    let (bytes, _) = stream();
    let mut seed = 1u32;
    for _ in 0..2000 {
        let mut damaged = bytes.clone();
        for _ in 0..3 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = seed as usize % damaged.len();
            damaged[at] = (seed >> 24) as u8;
        }
        // An error is as good as packets.
        drop(read(std::iter::once(damaged)));
    }
}
