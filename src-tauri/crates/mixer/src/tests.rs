//! Levels: what a fader, a pan, a layout and the limiter make of known signals.

mod allocation;
mod buses;
mod timing;

use media::{Samples, Timestamp};

use super::*;

/// Length of the ranges that the tests mix: 30 a second.
const TICK: usize = 1_600;

fn at(frame: i64) -> Timestamp {
    Timestamp::from_ticks(frame, SAMPLE_RATE)
}

/// Stereo samples at 48 kHz from frame `start` on.
fn sound(start: i64, frames: usize, f: impl Fn(i64) -> [f32; 2]) -> Samples {
    Samples {
        timestamp: at(start),
        rate: SAMPLE_RATE,
        channels: 2,
        data: (0..frames as i64).flat_map(|n| f(start + n)).collect(),
    }
}

fn sine(frame: i64, hertz: f64, amplitude: f64) -> f32 {
    let phase = frame as f64 * hertz / f64::from(SAMPLE_RATE);
    ((phase * std::f64::consts::TAU).sin() * amplitude) as f32
}

/// Mixes tick by tick; the frame before each tick is pushed by `source`.
fn run(mixer: &mut Mixer, ticks: i64, mut source: impl FnMut(&mut Mixer, i64)) -> Vec<[f32; 2]> {
    let mut all = Vec::new();
    for tick in 0..ticks {
        let start = tick * TICK as i64;
        source(mixer, start);
        let mixed = mixer.mix(at(start), TICK);
        assert_eq!(mixed.samples.frames(), TICK);
        all.extend_from_slice(mixed.samples.data.as_chunks::<2>().0);
        mixer.recycle(mixed.samples);
    }
    all
}

/// The frame of the mix that belongs to `frame`.
fn place(frame: usize) -> usize {
    frame + LOOKAHEAD_FRAMES
}

fn close(actual: f32, expected: f32, tolerance: f32, what: &str) {
    assert!(
        (actual - expected).abs() <= tolerance,
        "{what}: {actual}, expected {expected} ± {tolerance}"
    );
}

#[test]
fn gain_mute_and_balance() {
    let strip = |gain_db, muted, pan| Strip {
        gain_db,
        muted,
        pan,
    };
    // Settings, then the factors left and right.
    for (strip, expected) in [
        (strip(0.0, false, 0.0), [1.0, 1.0]),
        (strip(-6.0, false, 0.0), [0.501_187, 0.501_187]),
        (strip(-59.9, false, 0.0), [0.001_011_6, 0.001_011_6]),
        (strip(-60.0, false, 0.0), [0.0, 0.0]),
        (strip(f32::NEG_INFINITY, false, 0.0), [0.0, 0.0]),
        (strip(6.0, false, 0.0), [1.995_262, 1.995_262]),
        (strip(500.0, false, 0.0), [10.0, 10.0]),
        (strip(f32::NAN, false, 0.0), [0.0, 0.0]),
        (strip(0.0, true, 0.0), [0.0, 0.0]),
        (strip(0.0, false, -1.0), [1.0, 0.0]),
        (strip(0.0, false, 1.0), [0.0, 1.0]),
        (strip(0.0, false, 0.5), [0.5, 1.0]),
        (strip(0.0, false, -0.25), [1.0, 0.75]),
        (strip(0.0, false, 7.0), [0.0, 1.0]),
        (strip(0.0, false, f32::NAN), [1.0, 1.0]),
        (strip(-6.0, false, 0.5), [0.250_594, 0.501_187]),
    ] {
        let mut mixer = Mixer::new();
        mixer.set_strip("a", strip);
        let out = run(&mut mixer, 2, |m, start| {
            m.push("a", sound(start, TICK, |_| [0.05, -0.05]));
        });
        let frame = out[2 * TICK - 1];
        close(frame[0], 0.05 * expected[0], 1e-6, &format!("{strip:?} L"));
        close(frame[1], -0.05 * expected[1], 1e-6, &format!("{strip:?} R"));
    }
}

#[test]
fn a_strip_at_zero_passes_unchanged_and_exactly_in_its_place() {
    let mut mixer = Mixer::new();
    let signal = |n: i64| [sine(n, 997.0, 0.5), sine(n, 440.0, 0.8)];
    let mut ends = Vec::new();
    let out = run(&mut mixer, 60, |m, start| {
        m.push("a", sound(start, TICK, signal));
        ends.push(start);
    });
    for n in 200..out.len() - LOOKAHEAD_FRAMES {
        assert_eq!(out[place(n)], signal(n as i64), "frame {n}");
    }
    let stats = mixer.stats("a").expect("a strip");
    assert!(!stats.resampled);
    assert_eq!((stats.late, stats.refused, stats.gaps), (0, 0, 0));
}

#[test]
fn the_output_is_stamped_with_the_time_it_belongs_to() {
    let mut mixer = Mixer::new();
    let mixed = mixer.mix(at(48_000), 480);
    assert_eq!(mixed.samples.timestamp, at(48_000 - 96));
    assert_eq!((mixed.samples.rate, mixed.samples.channels), (48_000, 2));
}

#[test]
fn strips_add_up() {
    let mut mixer = Mixer::new();
    let out = run(&mut mixer, 2, |m, start| {
        m.push("a", sound(start, TICK, |_| [0.25, 0.0]));
        m.push("b", sound(start, TICK, |_| [0.125, 0.5]));
    });
    assert_eq!(out[2 * TICK - 1], [0.375, 0.5]);
    assert_eq!(mixer.keys().collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn any_channels_become_two() {
    const H: f32 = std::f32::consts::FRAC_1_SQRT_2;
    let cases: [(&[f32], [f32; 2]); 9] = [
        (&[0.5], [0.5, 0.5]),
        (&[0.5, 0.25], [0.5, 0.25]),
        (&[0.0, 0.0, 0.5], [0.5 * H, 0.5 * H]),
        (&[0.0, 0.0, 0.5, 0.0], [0.5 * H, 0.0]),
        (&[0.1, 0.2, 0.0, 0.9, 0.0, 0.0], [0.1, 0.2]),
        (&[0.0, 0.0, 0.5, 0.0, 0.0, 0.25], [0.5 * H, 0.75 * H]),
        (
            &[0.1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.2, 0.4],
            [0.1 + 0.2 * H, 0.4 * H],
        ),
        (&[0.1, 0.2, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9], [0.1, 0.2]),
        (&[f32::NAN, 0.2], [0.0, 0.2]),
    ];
    for (frame, expected) in cases {
        let mut mixer = Mixer::new();
        let out = run(&mut mixer, 2, |m, start| {
            m.push(
                "a",
                Samples {
                    timestamp: at(start),
                    rate: SAMPLE_RATE,
                    channels: frame.len() as u16,
                    data: frame.repeat(TICK),
                },
            );
        });
        for side in 0..2 {
            let what = format!("{frame:?} side {side}");
            close(out[2 * TICK - 1][side], expected[side], 1e-6, &what);
        }
    }
}

#[test]
fn impossible_sound_is_refused_and_counted() {
    let mut mixer = Mixer::new();
    for (rate, channels) in [(0, 2), (48_000, 0), (3_999, 1), (u32::MAX, 1)] {
        mixer.push(
            "a",
            Samples {
                timestamp: at(0),
                rate,
                channels,
                data: vec![0.5; 10],
            },
        );
    }
    let out = run(&mut mixer, 1, |_, _| {});
    assert!(out.iter().all(|f| *f == [0.0; 2]));
    assert_eq!(mixer.stats("a").expect("a strip").refused, 5 + 10 + 10 + 10);
}

/// The largest step between neighbouring frames.
fn steepest(out: &[[f32; 2]]) -> f32 {
    out.windows(2)
        .flat_map(|w| [0, 1].map(|s| (w[1][s] - w[0][s]).abs()))
        .fold(0.0, f32::max)
}

#[test]
fn changes_never_click() {
    let strip = |gain_db, muted, pan| Strip {
        gain_db,
        muted,
        pan,
    };
    type Change = fn(&mut Mixer, Strip);
    let set: Change = |m, s| m.set_strip("a", s);
    let master: Change = |m, s| m.set_master_gain(s.gain_db);
    let remove: Change = |m, _| m.remove("a");
    for (name, change, to) in [
        ("mute", set, strip(0.0, true, 0.0)),
        ("down", set, strip(-60.0, false, 0.0)),
        ("pan", set, strip(0.0, false, 1.0)),
        ("master", master, strip(-60.0, false, 0.0)),
        ("remove", remove, Strip::default()),
    ] {
        let mut mixer = Mixer::new();
        let out = run(&mut mixer, 6, |m, start| {
            if start == 3 * TICK as i64 {
                change(m, to);
            }
            if start < 3 * TICK as i64 || name != "remove" {
                m.push("a", sound(start, TICK, |_| [0.8, 0.8]));
            }
        });
        // 0.8 in the shortest of the ramps (the fade-in at the start: 96 frames) is 0.0084 a frame.
        assert!(steepest(&out) < 0.014, "{name}: {}", steepest(&out));
        assert_eq!(out[6 * TICK - 1][0], 0.0, "{name}");
        assert_eq!(mixer.keys().count(), usize::from(name != "remove"));
    }
}

#[test]
fn a_ramp_is_a_straight_line_of_ten_milliseconds() {
    let mut mixer = Mixer::new();
    let out = run(&mut mixer, 4, |m, start| {
        if start == 2 * TICK as i64 {
            m.set_strip(
                "a",
                Strip {
                    muted: true,
                    ..Strip::default()
                },
            );
        }
        m.push("a", sound(start, TICK, |_| [0.5, 0.5]));
    });
    let begin = place(2 * TICK);
    close(out[begin - 1][0], 0.5, 1e-6, "before");
    close(out[begin + 119][0], 0.375, 1e-5, "a quarter");
    close(out[begin + 239][0], 0.25, 1e-5, "half way");
    close(out[begin + 480][0], 0.0, 1e-6, "after");
}

#[test]
fn the_limiter_never_lets_anything_above_its_ceiling() {
    let ceiling = 10f32.powf(CEILING_DB / 20.0);
    let square = |n: i64, amplitude: f32| {
        if n / 55 % 2 == 0 {
            amplitude
        } else {
            -amplitude
        }
    };
    type Signal = Box<dyn Fn(i64) -> [f32; 2]>;
    let cases: [(&str, Signal); 6] = [
        ("square +20 dB", Box::new(move |n| [square(n, 10.0); 2])),
        (
            "square, one side",
            Box::new(move |n| [square(n, 10.0), 0.1]),
        ),
        ("sine +20 dB", Box::new(|n| [sine(n, 50.0, 10.0); 2])),
        (
            "single frames",
            Box::new(|n| [if n % 4_801 == 7 { 30.0 } else { 0.3 }; 2]),
        ),
        (
            "bursts",
            Box::new(move |n| {
                [if n / 3_000 % 2 == 0 {
                    0.2
                } else {
                    square(n, 4.0)
                }; 2]
            }),
        ),
        (
            "infinite",
            Box::new(|n| [if n == 99 { f32::INFINITY } else { f32::MAX }; 2]),
        ),
    ];
    for (name, signal) in cases {
        let mut mixer = Mixer::new();
        let out = run(&mut mixer, 40, |m, start| {
            m.push("a", sound(start, TICK, &signal));
        });
        for (n, frame) in out.iter().enumerate() {
            for value in frame {
                assert!(value.abs() <= ceiling, "{name}: {value} at {n}");
            }
        }
        let Level { peak, .. } = mixer.meters().master;
        assert!(peak[0] <= CEILING_DB + 1e-4, "{name}: {peak:?}");
        assert!(
            peak[0] > CEILING_DB - 0.2,
            "{name} is turned down too far: {peak:?}"
        );
    }
}

#[test]
fn the_limiter_turns_down_rather_than_cutting() {
    // A loud sine stays a sine: what is not its own frequency is small.
    let mut mixer = Mixer::new();
    let out = run(&mut mixer, 60, |m, start| {
        m.push("a", sound(start, TICK, |n| [sine(n, 1_000.0, 2.0); 2]));
    });
    let tail = &out[out.len() - 48_000..];
    let level = tone(tail, 1_000.0);
    let rest = residual(tail, 1_000.0);
    assert!(level > 0.85 && level < 0.892, "level {level}");
    assert!(rest < 0.01 * level, "distortion {rest}");
}

#[test]
fn the_limiter_lets_go_again() {
    let mut mixer = Mixer::new();
    let out = run(&mut mixer, 90, |m, start| {
        m.push(
            "a",
            sound(start, TICK, |n| [if n == 5_000 { 20.0 } else { 0.5 }; 2]),
        );
    });
    assert!(out[place(5_200)][0] < 0.1, "held down after the peak");
    assert_eq!(
        out[90 * TICK - 1],
        [0.5; 2],
        "and exactly as it was in the end"
    );
}

#[test]
fn meters_read_in_decibels_since_they_were_last_asked() {
    let mut mixer = Mixer::new();
    let mut push = |m: &mut Mixer, start: i64| {
        m.push("a", sound(start, TICK, |n| [sine(n, 1_000.0, 0.5), 0.0]));
    };
    run(&mut mixer, 30, &mut push);
    let Meters { strips, master } = mixer.meters();
    let (key, strip) = &strips[0];
    assert_eq!(key, "a");
    close(strip.peak[0], -6.02, 0.01, "peak");
    close(strip.rms[0], -9.03, 0.05, "rms");
    assert_eq!((strip.peak[1], strip.rms[1]), (FLOOR_DB, FLOOR_DB));
    close(master.peak[0], -6.02, 0.01, "master peak");

    let Meters { strips, master } = mixer.meters();
    assert_eq!(strips[0].1.peak, [FLOOR_DB; 2], "since the last call");
    assert_eq!(master.rms, [FLOOR_DB; 2]);
}

/// The amplitude of a frequency on the left side (Goertzel).
fn tone(frames: &[[f32; 2]], hertz: f64) -> f64 {
    let (re, im) = spectrum(frames, hertz);
    2.0 * re.hypot(im) / frames.len() as f64
}

fn spectrum(frames: &[[f32; 2]], hertz: f64) -> (f64, f64) {
    let step = std::f64::consts::TAU * hertz / f64::from(SAMPLE_RATE);
    frames
        .iter()
        .enumerate()
        .fold((0.0, 0.0), |(re, im), (n, f)| {
            let (sin, cos) = (step * n as f64).sin_cos();
            (re + f64::from(f[0]) * cos, im + f64::from(f[0]) * sin)
        })
}

/// RMS of what is left when a frequency is taken out of the left side.
fn residual(frames: &[[f32; 2]], hertz: f64) -> f64 {
    let (re, im) = spectrum(frames, hertz);
    let scale = 2.0 / frames.len() as f64;
    let step = std::f64::consts::TAU * hertz / f64::from(SAMPLE_RATE);
    let squares: f64 = frames
        .iter()
        .enumerate()
        .map(|(n, f)| {
            let (sin, cos) = (step * n as f64).sin_cos();
            (f64::from(f[0]) - scale * (re * cos + im * sin)).powi(2)
        })
        .sum();
    (squares / frames.len() as f64).sqrt()
}
