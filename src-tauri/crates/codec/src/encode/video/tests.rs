use media::{Color, Config as Track, PixelFormat, Timestamp, h264};

use super::*;
use crate::decode;
use crate::testing::{Scenery, psnr, tick};

const TRACK: TrackId = TrackId(3);

fn config(bitrate: u32) -> Config {
    Config {
        width: 640,
        height: 360,
        fps: 30,
        bitrate,
        keyframe_interval: Duration::from_secs(2),
    }
}

fn encode(
    encoder: &mut dyn Encoder,
    scenery: &Scenery,
    range: std::ops::Range<usize>,
) -> Vec<Packet> {
    range
        .map(|n| {
            let frame = scenery.picture(n, 640, 360, tick(n, 30));
            encoder
                .encode(&frame)
                .unwrap()
                .expect("no picture is left out")
        })
        .collect()
}

fn keyframes(packets: &[Packet]) -> Vec<usize> {
    packets
        .iter()
        .enumerate()
        .filter(|(_, p)| p.keyframe)
        .map(|(i, _)| i)
        .collect()
}

#[test]
fn what_is_encoded_comes_back_in_time_and_looks_the_same() {
    let scenery = Scenery::new();
    let mut encoder = open(config(2_000_000), TRACK).unwrap();
    assert!(
        encoder.config().is_none(),
        "nothing is known before the first picture"
    );
    let packets = encode(&mut *encoder, &scenery, 0..75);
    let track = encoder.config().unwrap();
    let mut decoder = decode::video::open(&track).unwrap();
    let mut frames = Vec::new();
    for packet in &packets {
        assert_eq!((packet.track, packet.dts), (TRACK, packet.pts));
        for nal in h264::avcc(&packet.data) {
            assert!(
                h264::NalType::of(nal.unwrap()).is_picture(),
                "parameter sets in a packet"
            );
        }
        frames.extend(decoder.decode(packet).unwrap());
    }
    frames.extend(decoder.flush().unwrap());
    assert_eq!(frames.len(), 75);
    let mut worst = f64::MAX;
    for (n, frame) in frames.iter().enumerate() {
        assert_eq!(frame.timestamp(), tick(n, 30));
        assert_eq!(frame.color(), Color::default());
        worst = worst.min(psnr(frame, &scenery.picture(n, 640, 360, Timestamp::ZERO)));
    }
    assert!(worst > 32.0, "worst picture {worst:.1} dB");
}

#[test]
fn the_stream_says_what_it_is() {
    let scenery = Scenery::new();
    let mut encoder = open(config(1_000_000), TRACK).unwrap();
    encode(&mut *encoder, &scenery, 0..1);
    let Some(Track::H264 {
        sps,
        width,
        height,
        fps_millis,
        ..
    }) = encoder.config()
    else {
        panic!("no H.264")
    };
    assert_eq!((width, height, fps_millis), (640, 360, 30_000));
    let sps = h264::Sps::parse(&sps).unwrap();
    assert_eq!(
        (sps.width, sps.height),
        (640, 360),
        "cropped from 368 lines"
    );
    assert_eq!(sps.profile, 66);
    assert_eq!(sps.constraints & 0xc0, 0xc0, "constrained baseline");
    assert!(sps.color_declared);
    assert_eq!(sps.color, Color::default(), "BT.709 limited");
}

#[test]
fn keyframes_come_at_their_interval_and_on_request() {
    let scenery = Scenery::new();
    let mut encoder = open(config(1_500_000), TRACK).unwrap();
    let packets = encode(&mut *encoder, &scenery, 0..150);
    assert_eq!(keyframes(&packets), [0, 60, 120]);

    encoder.request_keyframe();
    let packets = encode(&mut *encoder, &scenery, 150..270);
    assert_eq!(
        keyframes(&packets),
        [0, 60],
        "the interval begins again with it"
    );

    // Another interval holds at once, counted from the keyframe before.
    encoder.set_keyframe_interval(Duration::from_secs(1));
    let packets = encode(&mut *encoder, &scenery, 270..360);
    assert_eq!(keyframes(&packets), [0, 30, 60]);

    // Pictures that were left out do not stretch it: it is time that counts.
    let mut encoder = open(config(1_500_000), TRACK).unwrap();
    let mut packets = Vec::new();
    for n in (0..90).filter(|n| n % 3 != 1) {
        let frame = scenery.picture(n, 640, 360, tick(n, 30));
        packets.extend(encoder.encode(&frame).unwrap());
    }
    let times: Vec<i64> = packets
        .iter()
        .filter(|p| p.keyframe)
        .map(|p| p.pts.millis())
        .collect();
    assert_eq!(times, [0, 2000]);
}

/// Bits per second of one-second-aligned stretches of packets.
fn rate(packets: &[Packet]) -> f64 {
    let bits: usize = packets.iter().map(|p| p.data.len() * 8).sum();
    bits as f64 * 30.0 / packets.len() as f64
}

#[test]
fn the_bitrate_is_kept_and_changes_while_running() {
    let scenery = Scenery::new();
    let mut encoder = open(config(1_000_000), TRACK).unwrap();
    let mut at = 0;
    let mut previous = None;
    // The target, and how far the mean of four seconds may be from it once settled.
    for (bitrate, tolerance) in [(1_000_000, 0.15), (2_500_000, 0.15), (600_000, 0.15)] {
        if previous.replace(bitrate).is_some() {
            encoder.set_bitrate(bitrate).unwrap();
        }
        encode(&mut *encoder, &scenery, at..at + 30);
        let packets = encode(&mut *encoder, &scenery, at + 30..at + 150);
        at += 150;
        let off = rate(&packets) / f64::from(bitrate) - 1.0;
        println!("{bitrate}: {:+.1} %", off * 100.0);
        assert!(
            off.abs() < tolerance,
            "{bitrate}: off by {:.0} %",
            off * 100.0
        );
    }
    // Before the first picture, too.
    let mut encoder = open(config(300_000), TRACK).unwrap();
    encoder.set_bitrate(2_000_000).unwrap();
    let packets = encode(&mut *encoder, &scenery, 0..90);
    assert!(rate(&packets) > 1_400_000.0, "{}", rate(&packets));
    assert!(encoder.set_bitrate(0).is_err());
}

#[test]
fn what_does_not_fit_is_refused_in_words() {
    for (width, height, fps, bitrate, word) in [
        (641, 360, 30, 1_000_000, "641×360"),
        (0, 0, 30, 1_000_000, "0×0"),
        (3840, 3840, 30, 1_000_000, "3840×3840"),
        (640, 360, 0, 1_000_000, "0 pictures"),
        (640, 360, 30, 0, "0 bits"),
    ] {
        let config = Config {
            width,
            height,
            fps,
            bitrate,
            keyframe_interval: Duration::from_secs(2),
        };
        let error = open(config, TRACK).err().unwrap().to_string();
        assert!(error.contains(word), "{error}");
    }
    let mut encoder = open(config(1_000_000), TRACK).unwrap();
    let other = Frame::black(320, 180, Timestamp::ZERO).unwrap();
    let error = encoder.encode(&other).unwrap_err().to_string();
    assert!(
        error.contains("320×180") && error.contains("640×360"),
        "{error}"
    );
    let rgba = Frame::packed(
        PixelFormat::Rgba,
        640,
        360,
        Color::default(),
        Timestamp::ZERO,
        vec![0; 640 * 360 * 4].into(),
    )
    .unwrap();
    assert!(encoder.encode(&rgba).is_err());
    assert!(
        encoder
            .encode(&Frame::black(640, 360, Timestamp::ZERO).unwrap())
            .is_ok()
    );
}
