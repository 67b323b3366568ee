//! Gain, mute and pan as one pair of factors that never jumps.

use crate::Strip;

/// The fader at its lowest, in dB: from here down is silence.
pub const SILENCE_DB: f32 = -60.0;
/// The fader at its highest, in dB.
pub const MAX_GAIN_DB: f32 = 20.0;

/// 10 ms at 48 kHz: long enough not to click, short enough to feel immediate.
const RAMP_FRAMES: usize = 480;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Fader {
    current: [f32; 2],
    target: [f32; 2],
    step: [f32; 2],
    left: usize,
}

impl Fader {
    /// At its place from the start.
    pub(crate) fn new(strip: Strip) -> Self {
        let target = factors(strip);
        Self {
            current: target,
            target,
            step: [0.0; 2],
            left: 0,
        }
    }

    pub(crate) fn set(&mut self, strip: Strip) {
        self.aim(factors(strip));
    }

    /// To nothing, whatever the strip says.
    pub(crate) fn silence(&mut self) {
        self.aim([0.0; 2]);
    }

    pub(crate) fn moving(&self) -> bool {
        self.left > 0
    }

    fn aim(&mut self, target: [f32; 2]) {
        if target == self.target {
            return;
        }
        self.target = target;
        self.left = RAMP_FRAMES;
        self.step = [0, 1].map(|s| (target[s] - self.current[s]) / RAMP_FRAMES as f32);
    }

    pub(crate) fn apply(&mut self, frames: &mut [[f32; 2]]) {
        let ramp = self.left.min(frames.len());
        let (ramped, steady) = frames.split_at_mut(ramp);
        for frame in ramped {
            for ((value, gain), step) in frame.iter_mut().zip(&mut self.current).zip(self.step) {
                *gain += step;
                *value *= *gain;
            }
        }
        self.left -= ramp;
        if self.left > 0 {
            return;
        }
        self.current = self.target;
        if self.current != [1.0; 2] {
            for frame in steady {
                frame[0] *= self.current[0];
                frame[1] *= self.current[1];
            }
        }
    }
}

fn factors(strip: Strip) -> [f32; 2] {
    // A NaN from a broken document must not reach the mix.
    if strip.muted || strip.gain_db.is_nan() || strip.gain_db <= SILENCE_DB {
        return [0.0; 2];
    }
    let db = strip.gain_db.min(MAX_GAIN_DB);
    let gain = if db == 0.0 {
        1.0
    } else {
        10f32.powf(db / 20.0)
    };
    let pan = if strip.pan.is_nan() {
        0.0
    } else {
        strip.pan.clamp(-1.0, 1.0)
    };
    [gain * (1.0 - pan).min(1.0), gain * (1.0 + pan).min(1.0)]
}
