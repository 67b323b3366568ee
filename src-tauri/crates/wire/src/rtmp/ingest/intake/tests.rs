use std::sync::Arc;

use media::{ChannelInfo, ChannelName, Hub, Next, Origin, Reader, Start, Want};

use super::*;
use crate::testing::{self, PPS, SPS};

/// 638 × 358, constrained baseline.
const OTHER_SPS: &[u8] = &[
    0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x2f, 0xea, 0x6c, 0x04, 0x40, 0x00, 0x00, 0xfa, 0x40,
    0x00, 0x3a, 0x98, 0x03, 0xc5, 0x8b, 0x92,
];

struct Desk {
    intake: Intake,
    writer: Writer,
    reader: Reader,
}

impl Desk {
    fn new() -> Self {
        let info = ChannelInfo {
            origin: Origin::Rtmp,
            title: String::new(),
        };
        let hub = Hub::new(1);
        let name: ChannelName = "a".parse().unwrap();
        let writer = hub.publish(name, info, Timestamp::ZERO).unwrap();
        let mut reader = writer.channel().read(Want::MP4, Start::Next, 64);
        assert_eq!(reader.try_next(), Some(Next::Tracks(Arc::from([]))));
        Self {
            intake: Intake::default(),
            writer,
            reader,
        }
    }

    fn take(&mut self, kind: u8, timestamp: u32, data: Bytes) -> Result<(), flv::Error> {
        let message = Message {
            kind,
            stream: 1,
            timestamp,
            data,
        };
        // Whatever the sender says of its times, it says so in time.
        let now = Timestamp::from_millis(5_000 + i64::from(timestamp));
        self.intake.take(&message, now, &mut self.writer)
    }

    /// A publisher that has introduced both tracks.
    fn introduced() -> Self {
        let mut desk = Self::new();
        desk.take(kind::VIDEO, 0, video_header(&testing::video(0).config))
            .unwrap();
        desk.take(kind::AUDIO, 0, video_header(&testing::audio(1).config))
            .unwrap();
        assert_eq!(
            desk.reader.try_next(),
            None,
            "nobody is told before there is something"
        );
        desk
    }

    fn picture(&mut self, millis: u32, composition: i32, nals: &[&[u8]]) {
        let mut body = vec![
            if nals.iter().any(|n| n[0] & 31 == 5) {
                0x17
            } else {
                0x27
            },
            1,
        ];
        body.extend(&composition.to_be_bytes()[1..]);
        for nal in nals {
            h264::push_avcc(&mut body, nal);
        }
        self.take(kind::VIDEO, millis, body.into()).unwrap();
    }

    fn sound(&mut self, millis: u32) {
        self.take(kind::AUDIO, millis, Bytes::from_static(&[0xaf, 1, 7, 8]))
            .unwrap();
    }

    fn tracks(&mut self) -> Arc<[Track]> {
        match self.reader.try_next() {
            Some(Next::Tracks(tracks)) => tracks,
            other => panic!("{other:?} and no tracks"),
        }
    }

    fn packet(&mut self) -> Packet {
        match self.reader.try_next() {
            Some(Next::Packet(packet)) => packet,
            other => panic!("{other:?} and no packet"),
        }
    }
}

fn video_header(config: &Config) -> Bytes {
    flv::sequence_header(config).unwrap()
}

fn size(tracks: &[Track]) -> (u32, u32) {
    match &tracks[0].config {
        Config::H264 { width, height, .. } => (*width, *height),
        other => panic!("{other:?}"),
    }
}

const IDR: &[u8] = &[0x65, 1, 2, 3];
const SLICE: &[u8] = &[0x41, 4, 5];
const AUD: &[u8] = &[0x09, 0xf0];
const SEI: &[u8] = &[0x06, 5, 1, 0, 0x80];

/// One wrong figure, and a segment would seem to last hours.
#[test]
fn a_picture_is_shown_near_to_where_it_is_decoded() {
    let mut desk = Desk::introduced();
    for (composition, late) in [
        (0, 0),
        (80, 80),
        (-40, -40),
        (5_000, 5_000),
        (5_001, 0),
        (8_000_000, 0),
        (-8_000_000, 0),
    ] {
        desk.picture(0, composition, &[IDR]);
        let come = std::iter::from_fn(|| desk.reader.try_next());
        let mut packets = come.filter_map(|next| match next {
            Next::Packet(packet) => Some(packet),
            _ => None,
        });
        let picture = packets.next().unwrap();
        drop(packets);
        let shown = picture.pts.millis() - picture.dts.millis();
        assert_eq!(shown, late, "{composition} ms");
    }
}

#[test]
fn both_tracks_are_told_once_and_packets_keep_their_times() {
    let mut desk = Desk::introduced();
    desk.picture(0, 0, &[IDR]);
    desk.sound(0);
    desk.picture(40, 0, &[SLICE]);
    let tracks = desk.tracks();
    assert_eq!(tracks.len(), 2);
    assert_eq!(size(&tracks), (1280, 720));
    assert_eq!(tracks[1].config, testing::audio(1).config);
    let picture = desk.packet();
    assert!(picture.keyframe && picture.track == VIDEO);
    assert_eq!(picture.data[..], [&[0, 0, 0, 4], IDR].concat());
    assert_eq!((picture.pts.millis(), picture.dts.millis()), (5_000, 5_000));
    let sound = desk.packet();
    assert_eq!((sound.track, &sound.data[..]), (AUDIO, &[7, 8][..]));
    let picture = desk.packet();
    assert!(!picture.keyframe);
    assert_eq!(picture.pts.millis(), 5_040);
}

#[test]
fn metadata_tells_rates() {
    let mut desk = Desk::new();
    desk.intake.metadata(&Value::ecma_array([
        ("videodatarate", 2_500.0.into()),
        ("audiodatarate", 128.0.into()),
        ("framerate", f64::NAN.into()),
    ]));
    desk.take(kind::VIDEO, 0, video_header(&testing::video(0).config))
        .unwrap();
    desk.picture(0, 0, &[IDR]);
    assert_eq!(desk.tracks()[0].bitrate, 2_500_000);
}

#[test]
fn pictures_out_of_order_keep_both_their_times() {
    let mut desk = Desk::introduced();
    for (dts, ahead) in [(0, 80), (40, 160), (80, 40), (120, 0), (160, 40)] {
        desk.picture(dts, ahead, &[if dts == 0 { IDR } else { SLICE }]);
    }
    desk.tracks();
    for (dts, pts) in [(0, 80), (40, 200), (80, 120), (120, 120), (160, 200)] {
        let packet = desk.packet();
        assert_eq!(packet.dts.millis(), 5_000 + dts);
        assert_eq!(packet.pts.millis(), 5_000 + pts);
    }
    assert!(desk.writer.channel().reordered());
    // Before they are decoded, in the signed sense of the field.
    desk.picture(200, -10, &[SLICE]);
    let packet = desk.packet();
    assert_eq!(packet.pts.offset_from(packet.dts), -10_000_000);
}

#[test]
fn only_the_picture_is_in_packets() {
    let mut desk = Desk::introduced();
    desk.picture(0, 0, &[AUD, SPS, PPS, SEI, IDR]);
    desk.tracks();
    assert_eq!(desk.packet().data[..], [&[0, 0, 0, 4], IDR].concat());
    // Parameter sets that are known already change nothing.
    desk.picture(40, 0, &[AUD, SLICE]);
    assert_eq!(desk.packet().data[..], [&[0, 0, 0, 3], SLICE].concat());
    desk.picture(80, 0, &[SPS, PPS]);
    assert_eq!(desk.reader.try_next(), None, "no picture, no packet");
}

#[test]
fn parameter_sets_that_change_change_the_track() {
    let mut desk = Desk::introduced();
    desk.picture(0, 0, &[IDR]);
    assert_eq!(size(&desk.tracks()), (1280, 720));
    desk.packet();
    // In the stream, before the picture that needs them.
    desk.picture(40, 0, &[OTHER_SPS, PPS, IDR]);
    assert_eq!(size(&desk.tracks()), (638, 358));
    assert!(desk.packet().keyframe);
    // By a new record.
    desk.take(kind::VIDEO, 80, video_header(&testing::video(0).config))
        .unwrap();
    desk.picture(80, 0, &[IDR]);
    assert_eq!(size(&desk.tracks()), (1280, 720));
    desk.packet();
    // The same record again is no change.
    desk.take(kind::VIDEO, 120, video_header(&testing::video(0).config))
        .unwrap();
    desk.picture(120, 0, &[IDR]);
    desk.packet();
}

#[test]
fn tracks_that_come_late_or_never() {
    let mut desk = Desk::new();
    // Sound before its configuration is left out.
    desk.sound(0);
    desk.take(kind::AUDIO, 0, video_header(&testing::audio(1).config))
        .unwrap();
    desk.sound(21);
    assert_eq!(desk.tracks().len(), 1);
    assert_eq!(desk.packet().track, AUDIO);
    desk.take(kind::VIDEO, 3_000, video_header(&testing::video(0).config))
        .unwrap();
    desk.picture(3_000, 0, &[IDR]);
    assert_eq!(desk.tracks().len(), 2);
    assert_eq!(desk.packet().track, VIDEO);
}

#[test]
fn parameter_sets_in_the_stream_alone() {
    let mut desk = Desk::new();
    let record = [0x17, 0, 0, 0, 0, 1, 0x42, 0xc0, 0x1f, 0xff, 0xe0, 0];
    desk.take(kind::VIDEO, 0, Bytes::copy_from_slice(&record))
        .unwrap();
    desk.picture(0, 0, &[IDR]);
    assert_eq!(desk.reader.try_next(), None);
    desk.picture(40, 0, &[SPS, PPS, IDR]);
    assert_eq!(size(&desk.tracks()), (1280, 720));
    assert!(desk.packet().keyframe);
}

#[test]
fn lengths_of_two_bytes() {
    let mut desk = Desk::new();
    let mut record = video_header(&testing::video(0).config).to_vec();
    record[9] = 0xfd;
    desk.take(kind::VIDEO, 0, record.into()).unwrap();
    let body = [&[0x17, 1, 0, 0, 0, 0, 4], IDR].concat();
    desk.take(kind::VIDEO, 0, body.into()).unwrap();
    desk.tracks();
    assert_eq!(desk.packet().data[..], [&[0, 0, 0, 4], IDR].concat());
}

#[test]
fn codecs_by_four_characters() {
    let mut desk = Desk::new();
    let avcc = video_header(&testing::video(0).config).slice(5..);
    let record = [&b"\x90avc1"[..], &avcc].concat();
    desk.take(kind::VIDEO, 0, record.into()).unwrap();
    let picture = [&b"\x93avc1\0\0\0\x04"[..], IDR].concat();
    desk.take(kind::VIDEO, 0, picture.into()).unwrap();
    assert_eq!(size(&desk.tracks()), (1280, 720));
    assert!(desk.packet().keyframe);
    for (kind, data, word) in [
        (kind::VIDEO, &b"\x90hvc1\0"[..], "HEVC"),
        (kind::VIDEO, b"\x91av01\0", "AV1"),
        (kind::VIDEO, b"\x91vp09\0", "VP9"),
        (kind::VIDEO, b"\x12\0", "H.263"),
        (kind::AUDIO, b"\x2f\0", "MP3"),
        (kind::AUDIO, b"\x90Opus", "Opus"),
    ] {
        let error = desk.take(kind, 0, Bytes::from_static(data)).unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn damaged_pictures_are_left_out() {
    let mut desk = Desk::introduced();
    for data in [
        &[0x17][..],
        &[],
        &[0x27, 1, 0, 0, 0, 0, 0, 0, 9, 0x41],
        &[0xaf],
    ] {
        desk.take(kind::VIDEO, 0, Bytes::from_static(data))
            .unwrap_or_default();
    }
    assert_eq!(desk.reader.try_next(), None);
    desk.picture(40, 0, &[IDR]);
    desk.tracks();
    assert!(desk.packet().keyframe);
}

#[test]
fn noise_is_taken_without_harm() {
    let mut desk = Desk::introduced();
    let good = [
        video_header(&testing::video(0).config),
        video_header(&testing::audio(1).config),
    ];
    for seed in 0..5_000 {
        let mut noise = testing::Noise::new(seed);
        let mut data = good[noise.below(2)].to_vec();
        noise.damage(&mut data);
        let kind = [kind::VIDEO, kind::AUDIO][noise.below(2)];
        // A stream that is refused is over; here it goes on, which must do no harm either.
        drop(desk.take(kind, noise.next() as u32, data.into()));
        while desk.reader.try_next().is_some() {}
    }
}
