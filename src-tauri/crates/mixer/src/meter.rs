//! Peak and RMS.

/// What silence reads as, in dBFS.
pub const FLOOR_DB: f32 = -120.0;

/// A level, left and right, in dBFS; [`FLOOR_DB`] is silence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// Largest sample.
    pub peak: [f32; 2],
    /// Root mean square. A sine at full scale reads −3 dB.
    pub rms: [f32; 2],
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Meter {
    peak: [f32; 2],
    squares: [f64; 2],
    frames: u64,
}

impl Meter {
    pub(crate) fn add(&mut self, frames: &[[f32; 2]]) {
        for frame in frames {
            for (side, value) in frame.iter().enumerate() {
                self.peak[side] = self.peak[side].max(value.abs());
                self.squares[side] += f64::from(*value) * f64::from(*value);
            }
        }
        self.frames += frames.len() as u64;
    }

    pub(crate) fn take(&mut self) -> Level {
        let taken = std::mem::take(self);
        let frames = taken.frames.max(1) as f64;
        Level {
            peak: taken.peak.map(|p| decibels(f64::from(p))),
            rms: taken.squares.map(|s| decibels((s / frames).sqrt())),
        }
    }
}

fn decibels(amplitude: f64) -> f32 {
    let floor = f64::from(FLOOR_DB);
    if amplitude > 0.0 {
        (20.0 * amplitude.log10()).max(floor) as f32
    } else {
        FLOOR_DB
    }
}
