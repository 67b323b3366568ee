use std::time::Duration;

use media::{aac::AudioConfig, h264};

use super::*;
use crate::mp4::{Demuxer, Sample};

pub(crate) fn tracks() -> [Track; 3] {
    let hex = "6742c01ed900a02fea6c04400000fa40003a9803c58b92";
    let sps: Vec<u8> = (0..hex.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap())
        .collect();
    let configs = [
        h264::config(sps.into(), vec![0x68, 0xcb, 0x83, 0xcb, 0x20].into()).unwrap(),
        AudioConfig::lc(48_000, 2).config().unwrap(),
        Config::Opus {
            channels: 2,
            pre_skip: 312,
        },
    ];
    let ids = [TrackId(7), TrackId(2), TrackId(9)];
    let both = configs.into_iter().zip(ids);
    let tracks: Vec<Track> = both
        .map(|(config, id)| Track {
            id,
            config,
            bitrate: 0,
        })
        .collect();
    tracks.try_into().unwrap()
}

/// Picture `n` of 30 a second from `start` on, moved by `shift` pictures when shown.
fn picture(start: Timestamp, n: i64, shift: i64) -> Packet {
    let at = |n: i64| start.offset(Timestamp::from_ticks(n, 30).nanos());
    Packet {
        track: TrackId(7),
        pts: at(n + shift),
        dts: at(n),
        keyframe: n % 10 == 0,
        data: vec![0, 0, 0, 2, if n % 10 == 0 { 0x65 } else { 0x41 }, n as u8].into(),
    }
}

fn sound(track: u8, start: Timestamp, n: i64, len: i64) -> Packet {
    let at = start.offset(Timestamp::from_ticks(n * len, 48_000).nanos());
    // An Opus packet says its length itself: full band, 20 ms.
    let data = vec![31 << 3, n as u8, 3];
    Packet {
        track: TrackId(track),
        pts: at,
        dts: at,
        keyframe: true,
        data: data.into(),
    }
}

fn demux(file: &[u8]) -> (Demuxer, Vec<Sample>) {
    let mut demuxer = Demuxer::new();
    while let Some((position, len)) = demuxer.need() {
        let start = file.len().min(position as usize);
        let end = file.len().min(start + len);
        demuxer.feed(position, &file[start..end]).unwrap();
    }
    let samples = std::iter::from_fn(|| demuxer.next_sample().unwrap()).collect();
    (demuxer, samples)
}

#[test]
fn fragments_are_read_back_as_they_were() {
    let tracks = tracks();
    let start = Timestamp::from_millis(777_123);
    let mut muxer = Muxer::new(&tracks);
    let mut file = muxer.init_segment().to_vec();
    let mut all = Vec::new();
    for part in 0..3 {
        let mut packets: Vec<Packet> = (part * 10..part * 10 + 10)
            .map(|n| picture(start, n, [0, 2, 1][(n % 3) as usize]))
            .collect();
        packets.extend(
            (part * 16..part * 16 + 16).map(|n| sound(2, start.offset(-40_000_000), n, 1024)),
        );
        packets.extend((part * 17..part * 17 + 17).map(|n| sound(9, start, n, 960)));
        let stranger = Packet {
            track: TrackId(1),
            ..packets[0].clone()
        };
        packets.push(stranger);
        packets.sort_by_key(|p| p.dts);
        let end = start.offset(Timestamp::from_ticks(part * 10 + 10, 30).nanos());
        file.extend(muxer.fragment(&packets, end));
        all.extend(packets.into_iter().filter(|p| p.track != TrackId(1)));
    }
    assert_eq!(
        muxer.origin(),
        Some(start.offset(-40_000_000)),
        "the priming comes first"
    );

    let (demuxer, samples) = demux(&file);
    let configs: Vec<&Config> = demuxer.tracks().iter().map(|t| &t.config).collect();
    assert_eq!(configs.len(), 3);
    for (got, track) in configs.iter().zip(&tracks) {
        assert_eq!(**got, track.config);
    }
    assert_eq!(samples.len(), all.len());
    for (index, track) in tracks.iter().enumerate() {
        let own: Vec<&Packet> = all.iter().filter(|p| p.track == track.id).collect();
        let got: Vec<&Sample> = samples
            .iter()
            .filter(|s| usize::from(s.track.0) == index)
            .collect();
        assert_eq!(own.len(), got.len());
        for (packet, sample) in own.iter().zip(got) {
            let bytes = &file[sample.position as usize..][..sample.len];
            assert_eq!(bytes, &packet.data[..]);
            assert_eq!(sample.keyframe, packet.keyframe);
            for (at, was) in [(sample.pts, packet.pts), (sample.dts, packet.dts)] {
                let off = at.nanos() - was.offset_from(start.offset(-40_000_000));
                assert!(off.abs() <= 11_200, "half a tick and rounding: {off}");
            }
            let usual = [33_333_333, 21_333_333, 20_000_000][index];
            let off = sample.duration.as_nanos() as i64 - usual;
            assert!(off.abs() < 25_000, "{:?}", sample.duration);
        }
    }
    assert_eq!(
        demuxer.tracks()[0].duration,
        Duration::from_millis(1_040),
        "until its end"
    );
}

#[test]
fn the_origin_can_be_told() {
    let start = Timestamp::from_millis(10_000);
    let mut muxer = Muxer::new(&tracks()[..1]).starting_at(Timestamp::from_millis(8_000));
    let mut file = muxer.init_segment().to_vec();
    file.extend(muxer.fragment(&[picture(start, 0, 0)], start.offset(33_000_000)));
    let (_, samples) = demux(&file);
    assert_eq!(samples[0].pts, Timestamp::from_millis(2_000));
    assert_eq!(samples[0].duration, Duration::from_millis(33));
}

#[test]
fn odd_fragments_are_no_trouble() {
    let mut muxer = Muxer::new(&tracks());
    for packets in [vec![], vec![sound(2, Timestamp::ZERO, 0, 1024)]] {
        let bytes = muxer.fragment(&packets, Timestamp::ZERO);
        assert_eq!(&bytes[4..8], b"moof");
    }
    // Time that runs backwards gives no lengths below zero.
    let back = [
        picture(Timestamp::ZERO, 5, 0),
        picture(Timestamp::ZERO, 3, -1),
    ];
    let mut file = muxer.init_segment().to_vec();
    file.extend(muxer.fragment(&back, Timestamp::ZERO));
    let (_, samples) = demux(&file);
    assert_eq!(samples.len(), 2);
    let empty = Muxer::new(&[]).init_segment();
    assert_eq!(&empty[4..8], b"ftyp");
}

#[test]
fn a_fragment_that_is_written_later_is_the_same() {
    let origin = Timestamp::from_millis(500);
    let group = |from: i64| -> Vec<Packet> {
        let at = |n: i64| picture(origin, n, 0);
        (from..from + 10).map(at).collect()
    };
    let ends = [10, 20, 30].map(|n| origin.offset(n * 33_333_333));
    let (mut now, mut later) = (Muxer::new(&tracks()), Muxer::new(&tracks()));
    let written: Vec<Bytes> = [0, 10, 20]
        .iter()
        .zip(ends)
        .map(|(from, end)| now.fragment(&group(*from), end))
        .collect();
    let kept: Vec<Unwritten> = [0, 10, 20]
        .iter()
        .zip(ends)
        .map(|(from, end)| later.later(group(*from), end))
        .collect();
    // In any order, and as often as somebody wants.
    for n in [2, 0, 1, 0] {
        assert_eq!(kept[n].write(), written[n]);
        let off = kept[n].about().abs_diff(written[n].len());
        assert!(off < 200, "{off} bytes");
    }
    assert_eq!(later.origin(), now.origin());
}
