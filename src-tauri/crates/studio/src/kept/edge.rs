//! Encoding again what lies between a cut and the next keyframe.

use std::ops::Range;
use std::time::Duration;

use archive::Edged;
use codec::{decode, encode};
use media::{Config, Packet, Timestamp};

/// As good as what was there: the encoder begins anew, and a keyframe costs more than what it stands for.
const BETTER: u64 = 2;

/// Bits per second that are enough for anything, and the fewest that are asked for.
const BITRATES: Range<u64> = 500_000..50_000_000;

/// Decodes pictures and encodes those of a range again, the first of them as a keyframe. Takes about as long as the
/// pictures play.
pub(super) fn again(
    config: &Config,
    packets: &[Packet],
    wanted: Range<Timestamp>,
) -> Result<Edged, String> {
    let text = |error: codec::Error| error.to_string();
    let Config::H264 {
        width,
        height,
        fps_millis,
        ..
    } = config
    else {
        return Err(format!("{} is no picture that is encoded", config.codec()));
    };
    let none = || "none of them can be decoded".to_owned();
    let track = packets.first().ok_or_else(none)?.track;
    let mut decoder = decode::video::open(config).map_err(text)?;
    let mut encoder = encode::video::open(
        encode::video::Config {
            width: *width,
            height: *height,
            fps: rate(*fps_millis, packets),
            bitrate: bitrate(packets),
            // The next keyframe is the one that is there already.
            keyframe_interval: Duration::from_secs(3_600),
        },
        track,
    )
    .map_err(text)?;
    let mut made = Vec::new();
    let mut take = |frames: Vec<media::Frame>| -> Result<(), String> {
        for frame in frames {
            if wanted.contains(&frame.timestamp()) {
                made.extend(encoder.encode(&frame).map_err(text)?);
            }
        }
        Ok(())
    };
    for packet in packets {
        take(decoder.decode(packet).map_err(text)?)?;
    }
    take(decoder.flush().map_err(text)?)?;
    let config = encoder.config().ok_or_else(none)?;
    Ok(Edged {
        packets: made,
        config,
    })
}

/// Pictures per second, as the stream says or as they come.
fn rate(fps_millis: u32, packets: &[Packet]) -> u32 {
    if fps_millis > 0 {
        return fps_millis.div_ceil(1_000).clamp(1, 120);
    }
    let seconds = span(packets).as_secs_f64();
    let many = packets.len().saturating_sub(1) as f64;
    ((many / seconds.max(0.001)).round() as u32).clamp(1, 120)
}

fn bitrate(packets: &[Packet]) -> u32 {
    let bytes: u64 = packets.iter().map(|p| p.data.len() as u64).sum();
    let millis = u64::try_from(span(packets).as_millis()).unwrap_or(u64::MAX);
    let bits = bytes.saturating_mul(8_000 * BETTER) / millis.max(100);
    u32::try_from(bits.clamp(BITRATES.start, BITRATES.end)).unwrap_or(u32::MAX)
}

/// From the first picture that is shown to the last.
fn span(packets: &[Packet]) -> Duration {
    let times = packets.iter().map(|p| p.pts);
    match (times.clone().min(), times.max()) {
        (Some(first), Some(last)) => last.since(first),
        _ => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use media::{Color, Frame, PixelFormat, TrackId};

    const FPS: i64 = 25;

    /// A second of pictures that grow lighter from one to the next.
    fn lighter() -> (Config, Vec<Packet>) {
        let (width, height) = (64, 48);
        let config = encode::video::Config {
            width,
            height,
            fps: 25,
            bitrate: 1_000_000,
            keyframe_interval: Duration::from_secs(10),
        };
        let mut encoder = encode::video::open(config, TrackId(0)).unwrap();
        let packets = (0..FPS).filter_map(|n| {
            let mut data = vec![128; Frame::packed_len(PixelFormat::I420, width, height)];
            data[..(width * height) as usize].fill(luma(n));
            let (format, color) = (PixelFormat::I420, Color::default());
            let at = Timestamp::from_millis(n * 1_000 / FPS);
            let frame = Frame::packed(format, width, height, color, at, data.into());
            encoder.encode(&frame.unwrap()).unwrap()
        });
        let packets: Vec<Packet> = packets.collect();
        (encoder.config().unwrap(), packets)
    }

    fn luma(n: i64) -> u8 {
        u8::try_from(40 + n * 6).unwrap()
    }

    #[test]
    fn pictures_of_the_range_stay_what_and_when_they_were() {
        let (config, packets) = lighter();
        let at = Timestamp::from_millis;
        let edged = again(&config, &packets, at(400)..at(800)).unwrap();
        let times: Vec<i64> = edged.packets.iter().map(|p| p.pts.millis()).collect();
        assert_eq!(times, (10..20).map(|n| n * 40).collect::<Vec<_>>());
        assert!(edged.packets[0].keyframe);
        let mut decoder = decode::video::open(&edged.config).unwrap();
        let mut frames = Vec::new();
        for packet in &edged.packets {
            frames.extend(decoder.decode(packet).unwrap());
        }
        frames.extend(decoder.flush().unwrap());
        assert_eq!(frames.len(), 10);
        for (n, frame) in (10..).zip(&frames) {
            let seen = frame.planes()[0].data[24 * 64 + 32];
            assert!(seen.abs_diff(luma(n)) <= 3, "{n}: {seen}");
        }
    }

    #[test]
    fn what_is_no_picture_is_refused_in_words() {
        let sound = Config::Opus {
            channels: 2,
            pre_skip: 0,
        };
        let refused = again(&sound, &[], Timestamp::ZERO..Timestamp::ZERO).unwrap_err();
        assert!(refused.contains("Opus is no picture"), "{refused}");
        let (config, _) = lighter();
        let none = again(&config, &[], Timestamp::ZERO..Timestamp::ZERO).unwrap_err();
        assert!(none.contains("none of them"), "{none}");
    }
}
