//! The tone and the beep.

use std::f64::consts::TAU;
use std::sync::LazyLock;

use media::{SAMPLE_RATE, Samples, Timestamp};

/// Samples of the beep at the start of every second.
const BEEP: usize = SAMPLE_RATE as usize / 10;

/// Samples after which the tone repeats itself; the beep fits twice.
const PERIOD: usize = SAMPLE_RATE as usize / 1000;

struct Waves {
    tone: [f32; PERIOD],
    beep: [f32; PERIOD],
}

/// The sound from `start` on: 48 kHz stereo. Each value depends only on the number of its sample since the
/// epoch, so that runs fit together whatever their lengths.
pub fn sound(start: Timestamp, frames: usize) -> Samples {
    static WAVES: LazyLock<Waves> = LazyLock::new(|| {
        let wave = |rounds: f64, peak_db: f64| {
            std::array::from_fn(|at| {
                let angle = TAU * rounds * at as f64 / PERIOD as f64;
                (angle.sin() * 10.0_f64.powf(peak_db / 20.0)) as f32
            })
        };
        Waves {
            tone: wave(1.0, -20.0),
            beep: wave(2.0, -6.0),
        }
    });
    let Waves { tone, beep } = &*WAVES;
    let second = i64::from(SAMPLE_RATE);
    let mut at = start.ticks(SAMPLE_RATE).rem_euclid(second) as usize;
    let mut data = Vec::with_capacity(frames * 2);
    for _ in 0..frames {
        let mut value = tone[at % PERIOD];
        if at < BEEP {
            value += beep[at % PERIOD];
        }
        data.extend([value, value]);
        at = (at + 1) % SAMPLE_RATE as usize;
    }
    Samples {
        timestamp: start,
        rate: SAMPLE_RATE,
        channels: 2,
        data,
    }
}
