//! Buses beside the master: some of the strips, for a sound track of their own.

use media::{SAMPLE_RATE, Samples, Timestamp};

use crate::limiter::Limiter;

/// How many buses there are at most beside the master.
pub const BUSES: usize = 5;

/// Onto a bus and off it within 10 ms, as faders move.
const STEP: f32 = 1.0 / 480.0;

/// One bus. It has a limiter of its own, and so is as late as the master.
#[derive(Debug)]
pub(crate) struct Bus {
    frames: Vec<[f32; 2]>,
    limiter: Limiter,
    pub(crate) mixed: Samples,
}

impl Bus {
    pub(crate) fn new() -> Self {
        Self {
            frames: Vec::new(),
            limiter: Limiter::new(),
            mixed: Samples {
                timestamp: Timestamp::ZERO,
                rate: SAMPLE_RATE,
                channels: 2,
                data: Vec::new(),
            },
        }
    }

    pub(crate) fn begin(&mut self, frames: usize) {
        self.frames.clear();
        self.frames.resize(frames, [0.0; 2]);
    }

    pub(crate) fn end(&mut self, timestamp: Timestamp) {
        self.limiter.process(&mut self.frames);
        self.mixed.timestamp = timestamp;
        self.mixed.data.clear();
        self.mixed
            .data
            .extend_from_slice(self.frames.as_flattened());
    }
}

/// Which buses a strip goes to, and how far it has got.
#[derive(Debug, Default)]
pub(crate) struct Sends {
    /// One bit for each; unset before it is first said, which is no change.
    wanted: Option<u8>,
    gains: [f32; BUSES],
}

impl Sends {
    pub(crate) fn set(&mut self, wanted: u8) {
        if self.wanted.is_none() {
            for (bus, gain) in self.gains.iter_mut().enumerate() {
                *gain = full(wanted, bus);
            }
        }
        self.wanted = Some(wanted);
    }

    /// Adds the strip's part of the mix to the buses it goes to.
    pub(crate) fn add(&mut self, frames: &[[f32; 2]], buses: &mut [Bus]) {
        let wanted = self.wanted.unwrap_or(0);
        for (n, (bus, gain)) in buses.iter_mut().zip(&mut self.gains).enumerate() {
            let target = full(wanted, n);
            if *gain == target && target == 0.0 {
                continue;
            }
            for (sum, value) in bus.frames.iter_mut().zip(frames) {
                *gain += (target - *gain).clamp(-STEP, STEP);
                sum[0] += value[0] * *gain;
                sum[1] += value[1] * *gain;
            }
        }
    }
}

fn full(wanted: u8, bus: usize) -> f32 {
    if wanted & (1 << bus) == 0 { 0.0 } else { 1.0 }
}
