use media::{Config, SAMPLE_RATE, Timestamp};

use super::*;
use crate::decode;
use crate::testing::{channel, sine, tone};

const START: Timestamp = Timestamp::from_millis(1_234);

fn encoders() -> Vec<Box<dyn Encoder>> {
    vec![
        opus(TrackId(1), BITRATE).unwrap(),
        #[cfg(feature = "aac")]
        aac(TrackId(2), BITRATE).unwrap(),
    ]
}

/// Encodes in pieces of odd lengths, and decodes: samples by their place relative to `START`.
fn round_trip(
    encoder: &mut dyn Encoder,
    input: impl Fn(usize, usize) -> Samples,
    frames: usize,
) -> (Vec<Packet>, Vec<f32>) {
    let mut packets = Vec::new();
    let mut at = 0;
    for len in [1, 480, 959, 2_000, 77, 1_024].into_iter().cycle() {
        let len = len.min(frames - at);
        packets.extend(encoder.encode(&input(at, len)).unwrap());
        at += len;
        if at == frames {
            break;
        }
    }
    packets.extend(encoder.flush().unwrap());
    let mut decoder = decode::audio::open(&encoder.config()).unwrap();
    let mut out = vec![0.0; (frames + 4_096) * 2];
    for packet in &packets {
        let Some(samples) = decoder.decode(packet).unwrap() else {
            continue;
        };
        assert_eq!((samples.rate, samples.channels), (SAMPLE_RATE, 2));
        let place = Timestamp::from_nanos(samples.timestamp.offset_from(START)).ticks(SAMPLE_RATE);
        for (i, pair) in samples.data.chunks_exact(2).enumerate() {
            let to = (place + i as i64) * 2;
            if let Some(to) = usize::try_from(to).ok().filter(|t| t + 1 < out.len()) {
                out[to..to + 2].copy_from_slice(pair);
            }
        }
    }
    (packets, out)
}

#[test]
fn a_tone_keeps_its_pitch_its_level_and_its_place() {
    for mut encoder in encoders() {
        let codec = encoder.config().codec();
        let frames = SAMPLE_RATE as usize;
        let input = |from, len| sine(1_000.0, 0.5, START, from, len);
        let (packets, out) = round_trip(&mut *encoder, input, frames);
        for (which, expect) in [(0, 0.5), (1, 0.25)] {
            let steady = &channel(&out, 2, which)[4_800..frames - 4_800];
            let (level, hz) = tone(steady, SAMPLE_RATE);
            assert!((hz - 1_000.0).abs() < 0.5, "{codec}: {hz} Hz");
            assert!(
                (level / expect - 1.0).abs() < 0.03,
                "{codec}: level {level}"
            );
        }
        let original = sine(1_000.0, 0.5, START, 0, frames);
        // In place to the sample: the difference is small against the tone.
        let off: f64 = (9_600..frames * 2 - 9_600)
            .map(|i| f64::from(out[i] - original.data[i]).powi(2))
            .sum::<f64>()
            / (frames * 2 - 19_200) as f64;
        assert!(off.sqrt() < 0.02, "{codec}: off by {:.3}", off.sqrt());

        let step = match encoder.config() {
            Config::Opus { .. } => 960,
            _ => 1_024,
        };
        for (i, packet) in packets.iter().enumerate() {
            let since = packet.pts.offset_from(packets[0].pts);
            assert_eq!(
                Timestamp::from_nanos(since).ticks(SAMPLE_RATE),
                i as i64 * step
            );
            assert!(packet.keyframe && packet.pts == packet.dts);
        }
        assert!(
            packets[0].pts <= START,
            "{codec}: the delay lies before the sound"
        );
    }
}

#[test]
fn a_click_comes_out_where_it_went_in() {
    for mut encoder in encoders() {
        let codec = encoder.config().codec();
        let click = 20_011;
        let input = |from: usize, len: usize| {
            let mut samples = Samples::silence(
                START.offset(Timestamp::from_ticks(from as i64, SAMPLE_RATE).nanos()),
                len,
            );
            // A short burst, which survives coding better than a single sample.
            for n in 0..len {
                let n_at = from + n;
                if (click..click + 48).contains(&n_at) {
                    let value = if ((n_at - click) / 6).is_multiple_of(2) {
                        0.8
                    } else {
                        -0.8
                    };
                    samples.data[n * 2..n * 2 + 2].fill(value);
                }
            }
            samples
        };
        let (_, out) = round_trip(&mut *encoder, input, 40_000);
        let left = channel(&out, 2, 0);
        // Where the energy lies, on the whole.
        let energy: f64 = left.iter().map(|&s| f64::from(s).powi(2)).sum();
        let moment: f64 = left
            .iter()
            .enumerate()
            .map(|(i, &s)| i as f64 * f64::from(s).powi(2))
            .sum();
        let centre = moment / energy - (click + 24) as f64;
        println!("{codec}: {centre:+.1} samples");
        assert!(
            centre.abs() < 48.0,
            "{codec}: off by {centre:.1} samples (1 ms is 48)"
        );
    }
}

#[test]
fn all_that_went_in_comes_out_after_a_flush() {
    for mut encoder in encoders() {
        let codec = encoder.config().codec();
        for frames in [1, 959, 960, 5_000] {
            let input = |from, len| sine(400.0, 0.5, START, from, len);
            let (packets, _) = round_trip(&mut *encoder, input, frames);
            let last = packets.last().unwrap();
            let step = if codec == "Opus" { 960 } else { 1_024 };
            let end = last
                .pts
                .offset(Timestamp::from_ticks(step, SAMPLE_RATE).nanos());
            let sound = START.offset(Timestamp::from_ticks(frames as i64, SAMPLE_RATE).nanos());
            assert!(
                end >= sound,
                "{codec} {frames}: ends at {end:?}, sound at {sound:?}"
            );
        }
        assert!(encoder.flush().unwrap().is_empty(), "nothing is left");
    }
}

#[test]
fn a_leap_in_time_is_followed() {
    for mut encoder in encoders() {
        let mut packets = encoder.encode(&Samples::silence(START, 9_600)).unwrap();
        let near = START.offset(200_000_000 + 5_000_000);
        packets.extend(encoder.encode(&Samples::silence(near, 9_600)).unwrap());
        let steady: Vec<i64> = packets
            .windows(2)
            .map(|p| p[1].pts.offset_from(p[0].pts))
            .collect();
        assert!(
            steady
                .iter()
                .all(|&d| (20_000_000..21_400_000).contains(&d)),
            "jitter is smoothed: {steady:?}"
        );

        let later = START.offset(10_000_000_000);
        let after = encoder.encode(&Samples::silence(later, 9_600)).unwrap();
        let last = after.last().unwrap().pts;
        assert!(last > later && last < later.offset(200_000_000), "{last:?}");
    }
}

#[test]
fn other_sound_is_refused_and_settings_are_checked() {
    for mut encoder in encoders() {
        let mut samples = Samples::silence(START, 10);
        samples.rate = 44_100;
        let error = encoder.encode(&samples).unwrap_err().to_string();
        assert!(error.contains("44100"), "{error}");
        samples.rate = SAMPLE_RATE;
        samples.channels = 1;
        assert!(encoder.encode(&samples).is_err());
    }
    assert!(opus(TrackId(0), 1).is_err());
    assert!(aac(TrackId(0), 1).is_err());
}

#[test]
fn the_bitrate_is_near_what_was_asked() {
    for bitrate in [64_000, 128_000, 192_000] {
        let mut both = vec![opus(TrackId(1), bitrate).unwrap()];
        #[cfg(feature = "aac")]
        both.push(aac(TrackId(2), bitrate).unwrap());
        for mut encoder in both {
            let codec = encoder.config().codec();
            let mut noise = crate::testing::Noise(5);
            let mut bits = 0;
            for n in 0..100 {
                let mut samples = sine(440.0, 0.3, START, n * 960, 960);
                for value in &mut samples.data {
                    *value += (noise.next() % 1_000) as f32 / 5_000.0 - 0.1;
                }
                let packets = encoder.encode(&samples).unwrap();
                bits += packets.iter().map(|p| p.data.len() * 8).sum::<usize>();
            }
            let rate = bits as f64 / 2.0;
            let off = rate / f64::from(bitrate) - 1.0;
            assert!(off.abs() < 0.12, "{codec} {bitrate}: {:+.0} %", off * 100.0);
        }
    }
}

#[cfg(feature = "aac")]
#[test]
fn the_aac_configuration_is_low_complexity() {
    let Config::Aac { asc, .. } = aac(TrackId(2), BITRATE).unwrap().config() else {
        panic!("not AAC")
    };
    assert_eq!(asc[..], [0x11, 0x90]);
}
