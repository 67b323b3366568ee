//! Where sound stands in time: resampling, drift, gaps, late samples.

use super::*;

/// A small random number generator with a seed (xorshift).
struct Random(u64);

impl Random {
    /// From −1 to 1.
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

/// `frames` of a mono sine at `rate`, the first of them number `n`, heard at n/rate.
fn resampled_sine(n: i64, frames: usize, rate: u32, hertz: f64, amplitude: f64) -> Samples {
    Samples {
        timestamp: Timestamp::from_ticks(n, rate),
        rate,
        channels: 1,
        data: (n..n + frames as i64)
            .map(|k| {
                let phase = k as f64 * hertz / f64::from(rate);
                ((phase * std::f64::consts::TAU).sin() * amplitude) as f32
            })
            .collect(),
    }
}

#[test]
fn other_rates_keep_pitch_level_and_place() {
    for (rate, hertz) in [
        (44_100, 1_000.0),
        (44_100, 15_000.0),
        (8_000, 440.0),
        (16_000, 3_000.0),
        (32_000, 1_000.0),
        (96_000, 1_000.0),
        (192_000, 1_000.0),
    ] {
        let mut mixer = Mixer::new();
        let block = rate as usize / 100;
        let mut next = 0;
        // Ten milliseconds ahead: a block more than the range.
        let out = run(&mut mixer, 60, |m, start| {
            while at(start + TICK as i64 + 480) > Timestamp::from_ticks(next, rate) {
                m.push("a", resampled_sine(next, block, rate, hertz, 0.5));
                next += block as i64;
            }
        });
        // Whole seconds, so that the frequency is a whole number of cycles.
        let second = &out[place(24_000)..place(72_000)];
        let level = tone(second, hertz);
        let name = format!("{hertz} Hz at {rate}");
        assert!((level - 0.5).abs() < 0.005, "{name}: level {level}");
        let rest = residual(second, hertz);
        assert!(rest < 0.000_5, "{name}: {rest} beside the tone");
        // The phase says where it stands: sin begins at 0 for every whole second.
        let (re, im) = spectrum(second, hertz);
        let begin = 24_000.0 / f64::from(SAMPLE_RATE) * hertz;
        let phase = (re.atan2(im) / std::f64::consts::TAU - begin + 0.5).rem_euclid(1.0) - 0.5;
        let frames = phase / hertz * f64::from(SAMPLE_RATE);
        assert!(frames.abs() < 0.6, "{name}: {frames} frames off");
        let stats = mixer.stats("a").expect("a strip");
        assert_eq!((stats.late, stats.gaps), (0, 0), "{name}");
        assert!(stats.delay.is_zero(), "{name}");
    }
}

#[test]
fn sound_at_another_rate_that_comes_just_in_time_is_delayed_a_little_and_whole() {
    let mut mixer = Mixer::new();
    let out = run(&mut mixer, 90, |m, start| {
        let n = start * 147 / 160;
        m.push("a", resampled_sine(n, 1_470, 44_100, 1_000.0, 0.5));
    });
    let stats = mixer.stats("a").expect("a strip");
    assert!(stats.delay.as_millis() < 10, "{stats:?}");
    let second = &out[out.len() - 48_000..];
    assert!(residual(second, 1_000.0) < 0.001, "no holes");
}

#[test]
fn samples_stand_where_their_timestamps_say() {
    // A click pushed ahead, alone in its block, for several places within the range.
    for place_at in [2_000, 2_001, 3_199, 3_200, 10_000] {
        let mut mixer = Mixer::new();
        mixer.push(
            "a",
            sound(place_at - 200, 400, |n| {
                [if n == place_at { 0.5 } else { 0.0 }; 2]
            }),
        );
        let out = run(&mut mixer, 8, |_, _| {});
        let found: Vec<usize> = (0..out.len()).filter(|&n| out[n][0] != 0.0).collect();
        assert_eq!(found, [place(place_at as usize)]);
    }
}

#[test]
fn a_gap_is_silence_with_short_fades() {
    let mut mixer = Mixer::new();
    let gap = 4_000..6_000;
    let out = run(&mut mixer, 7, |m, start| {
        if start == 0 {
            m.push("a", sound(0, 4_000, |_| [0.5; 2]));
            m.push("a", sound(6_000, 3_600, |_| [0.5; 2]));
        }
    });
    assert!(steepest(&out) < 0.01, "{}", steepest(&out));
    close(out[place(gap.start - 1)][0], 0.5, 0.0, "before");
    for n in gap.start + 96..gap.end {
        assert_eq!(out[place(n)][0], 0.0, "frame {n}");
    }
    close(out[place(gap.end + 96)][0], 0.5, 0.0, "after");
    assert_eq!(mixer.stats("a").expect("a strip").gaps, 2, "and the end");
}

#[test]
fn late_samples_are_dropped_and_counted() {
    for timing in [Timing::Auto, Timing::Exact] {
        let mut mixer = Mixer::new();
        mixer.set_strip("a", Strip::default());
        mixer.set_timing("a", timing);
        let out = run(&mut mixer, 4, |m, start| {
            // The block for the second range comes 1 000 frames into the third.
            match start / TICK as i64 {
                0 => m.push("a", sound(0, 1_600, |_| [0.25; 2])),
                2 => {
                    m.push("a", sound(1_600, 1_600, |_| [0.9; 2]));
                    m.push("a", sound(3_200, 3_200, |_| [0.25; 2]));
                }
                _ => {}
            }
        });
        assert!(
            out.iter().all(|f| f[0] <= 0.2501),
            "late sound is not heard"
        );
        close(out[place(5_000)][0], 0.25, 0.0, "what was in time is");
        let stats = mixer.stats("a").expect("a strip");
        assert_eq!(stats.late, 1_600);
        assert!(stats.delay.is_zero());
    }
}

#[test]
fn what_overlaps_is_dropped_and_what_follows_stands_right() {
    let mut mixer = Mixer::new();
    mixer.push("a", sound(0, 4_000, |_| [0.25; 2]));
    mixer.push(
        "a",
        sound(2_000, 4_000, |n| [if n < 4_000 { 0.9 } else { 0.25 }; 2]),
    );
    let out = run(&mut mixer, 3, |_, _| {});
    assert!(out.iter().all(|f| f[0] <= 0.2501));
    close(out[4_700][0], 0.25, 0.0, "the rest follows");
    assert_eq!(mixer.stats("a").expect("a strip").late, 2_000);
}

#[test]
fn what_lies_far_ahead_is_refused() {
    let mut mixer = Mixer::new();
    for second in 0..12 {
        mixer.push("a", sound(second * 48_000, 48_000, |_| [0.1; 2]));
    }
    let stats = mixer.stats("a").expect("a strip");
    assert_eq!(stats.buffered.as_secs(), 10);
    assert_eq!(stats.refused, 2 * 48_000);
}

#[test]
fn timestamps_rounded_to_milliseconds_change_nothing() {
    let mut mixer = Mixer::new();
    let signal = |n: i64| [sine(n, 997.0, 0.5); 2];
    let mut next = 0;
    let out = run(&mut mixer, 300, |m, start| {
        while next < start + TICK as i64 {
            let mut block = sound(next, 1_024, signal);
            block.timestamp = Timestamp::from_millis(block.timestamp.millis());
            m.push("a", block);
            next += 1_024;
        }
    });
    assert!(!mixer.stats("a").expect("a strip").resampled);
    for n in 200..out.len() - LOOKAHEAD_FRAMES {
        assert_eq!(out[place(n)], signal(n as i64), "frame {n}");
    }
}

/// A microphone in virtual time: its clock runs at `hertz`, it makes blocks of 10 ms, stamps them with up to
/// 1 ms of error, and delivers them up to 4 ms late. Its sound is the time itself (a saw of one second), so that
/// every frame of the mix says when it was captured.
struct Device {
    hertz: f64,
    next: i64,
    random: Random,
}

const LATENCY: f64 = 0.006;

impl Device {
    fn new(hertz: f64) -> Self {
        Self {
            hertz,
            next: 0,
            random: Random(0x9E37_79B9_7F4A_7C15),
        }
    }

    fn deliver(&mut self, mixer: &mut Mixer, now: f64) {
        loop {
            let begin = self.next as f64 / self.hertz;
            let end = begin + 480.0 / self.hertz;
            if end + LATENCY + 0.004 * self.random.next().abs() > now {
                return;
            }
            let stamp = begin + 0.001 * self.random.next();
            mixer.push(
                "mic",
                Samples {
                    timestamp: Timestamp::from_nanos((stamp * 1e9) as i64),
                    rate: SAMPLE_RATE,
                    channels: 1,
                    data: (0..480)
                        .map(|k| saw((self.next + k) as f64 / self.hertz))
                        .collect(),
                },
            );
            self.next += 480;
        }
    }
}

/// Rises from −0.5 to 0.5 within each second.
fn saw(seconds: f64) -> f32 {
    (seconds.rem_euclid(1.0) - 0.5) as f32
}

#[test]
fn a_device_whose_clock_is_off_stays_in_step_for_an_hour() {
    let mut mixer = Mixer::new();
    let mut device = Device::new(48_005.0);
    let mut delays = (f64::MAX, f64::MIN);
    let mut settled = None;
    for tick in 0..3_600 * 30i64 {
        let start = tick * TICK as i64;
        device.deliver(&mut mixer, start as f64 / 48_000.0);
        let mixed = mixer.mix(at(start), TICK);
        let seconds = tick / 30;
        if seconds == 60 && settled.is_none() {
            settled = mixer.stats("mic");
        }
        if seconds >= 60 {
            // How long ago the frame was captured that is heard now, away from the saw's edge.
            let heard = mixed.samples.timestamp.seconds();
            let captured = heard.floor() + f64::from(mixed.samples.data[0]) + 0.5;
            let delay = heard - captured;
            let delay = delay - delay.round();
            let inside = (0.15..0.85).contains(&(captured - captured.floor()));
            if inside {
                delays = (delays.0.min(delay), delays.1.max(delay));
            }
        }
        mixer.recycle(mixed.samples);
    }
    let stats = mixer.stats("mic").expect("a strip");
    let settled = settled.expect("a minute has passed");
    assert!(stats.resampled, "{stats:?}");
    assert_eq!(
        stats.late, settled.late,
        "nothing lost after the first minute"
    );
    assert_eq!(stats.gaps, settled.gaps, "no hole after the first minute");
    assert!((stats.drift_ppm - 104.2).abs() < 40.0, "{stats:?}");
    assert!(stats.delay.as_millis() < 80, "{stats:?}");
    let (least, most) = delays;
    assert!(most < 0.080, "latency {least}..{most}");
    assert!(most - least < 0.020, "latency wanders: {least}..{most}");
}

#[test]
fn clocks_that_are_off_by_more_are_followed_too() {
    for (hertz, ppm) in [(47_990.4, -200.0), (48_009.6, 200.0), (48_024.0, 500.0)] {
        let mut mixer = Mixer::new();
        mixer.set_strip("mic", Strip::default());
        mixer.set_timing("mic", Timing::Live);
        let mut device = Device::new(hertz);
        let mut settled = StripStats::default();
        for tick in 0..180 * 30i64 {
            let start = tick * TICK as i64;
            device.deliver(&mut mixer, start as f64 / 48_000.0);
            let mixed = mixer.mix(at(start), TICK);
            mixer.recycle(mixed.samples);
            if tick == 60 * 30 {
                settled = mixer.stats("mic").expect("a strip");
            }
        }
        let stats = mixer.stats("mic").expect("a strip");
        assert_eq!(stats.late, settled.late, "{ppm} ppm: {stats:?}");
        assert_eq!(stats.gaps, settled.gaps, "{ppm} ppm: {stats:?}");
        assert!((stats.drift_ppm - ppm).abs() < 60.0, "{ppm} ppm: {stats:?}");
        assert!(stats.delay.as_millis() < 100, "{ppm} ppm: {stats:?}");
    }
}

#[test]
fn a_device_that_stops_is_silence_and_comes_back() {
    let mut mixer = Mixer::new();
    let mut device = Device::new(48_000.0);
    let mut heard = [false; 9];
    for tick in 0..270i64 {
        let start = tick * TICK as i64;
        let now = start as f64 / 48_000.0;
        if (3.0..6.0).contains(&now) {
            device.next = start;
        } else {
            device.deliver(&mut mixer, now);
        }
        let mixed = mixer.mix(at(start), TICK);
        let loud = mixed.samples.data.iter().any(|v| v.abs() > 0.1);
        if tick % 30 == 25 {
            heard[tick as usize / 30] = loud;
        }
        mixer.recycle(mixed.samples);
    }
    assert_eq!(
        heard,
        [true, true, true, false, false, false, true, true, true]
    );
    let delay = mixer.stats("mic").expect("a strip").delay;
    assert!(delay.as_millis() < 100, "{delay:?}");
}

#[test]
fn a_device_that_hands_out_two_seconds_at_a_time_is_whole_after_a_while() {
    let mut mixer = Mixer::new();
    let mut settled = StripStats::default();
    for tick in 0..60 * 30i64 {
        let start = tick * TICK as i64;
        if tick % 60 == 0 && tick > 0 {
            for block in 0..100 {
                let n = start - 96_000 - 960 + block * 960;
                mixer.push("mic", sound(n, 960, |n| [sine(n, 1_000.0, 0.5); 2]));
            }
        }
        let mixed = mixer.mix(at(start), TICK);
        mixer.recycle(mixed.samples);
        if tick == 20 * 30 {
            settled = mixer.stats("mic").expect("a strip");
        }
    }
    let stats = mixer.stats("mic").expect("a strip");
    assert_eq!(
        (stats.late, stats.gaps),
        (settled.late, settled.gaps),
        "{stats:?}"
    );
    assert!(stats.delay.as_millis() < 2_500, "{stats:?}");
}

#[test]
fn a_device_whose_time_jumps_is_not_late_for_long() {
    // At first it believes that its sound is 600 ms old, and knows better after a second.
    let mut mixer = Mixer::new();
    for tick in 0..10 * 30i64 {
        let start = tick * TICK as i64;
        let old = if tick < 30 { 28_800 } else { 480 };
        let n = start - TICK as i64 - old;
        mixer.push("mic", sound(n, TICK, |n| [sine(n, 1_000.0, 0.5); 2]));
        let mixed = mixer.mix(at(start), TICK);
        mixer.recycle(mixed.samples);
        let delay = mixer.stats("mic").expect("a strip").delay.as_millis();
        match tick {
            25 => assert!((600..720).contains(&delay), "{delay} ms at first"),
            60 => assert!(delay < 120, "{delay} ms after the jump"),
            _ => {}
        }
    }
}

#[test]
fn a_file_that_stalls_once_is_in_step_again_after() {
    let mut mixer = Mixer::new();
    let signal = |n: i64| [sine(n, 997.0, 0.5); 2];
    let out = run(&mut mixer, 90, |m, start| match start / TICK as i64 {
        // Half a second without, then everything at once.
        30..45 => {}
        45 => {
            for tick in 30..=45 {
                m.push("a", sound(tick * TICK as i64, TICK, signal));
            }
        }
        _ => m.push("a", sound(start, TICK, signal)),
    });
    for n in 46 * TICK + 200..out.len() - LOOKAHEAD_FRAMES {
        assert_eq!(out[place(n)], signal(n as i64), "frame {n}");
    }
    assert_eq!(mixer.stats("a").expect("a strip").late, 15 * TICK as u64);
}
