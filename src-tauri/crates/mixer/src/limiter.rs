//! The master limiter.

use std::collections::VecDeque;

/// What no sample of the mix exceeds, in dBFS.
pub const CEILING_DB: f32 = -1.0;

/// How far the limiter looks ahead, in frames at 48 kHz: its fixed delay (2 ms).
pub const LOOKAHEAD_FRAMES: usize = 96;

/// 10^(−1/20).
const CEILING: f32 = 0.891_250_9;

/// The gain comes back with this time constant, in frames (100 ms).
const RELEASE_FRAMES: f64 = 4_800.0;

/// Looks ahead: the gain that a peak needs is reached in a straight line before it comes, and so a
/// peak is turned down rather than cut.
///
/// The gain a frame needs is held over the look-ahead (a sliding minimum) and then averaged over
/// the same length. Every value in the average of a frame is at most what that frame needs, and so is the
/// average. Both sides get the same gain, so that the picture does not wander.
#[derive(Debug)]
pub(crate) struct Limiter {
    delay: VecDeque<[f32; 2]>,
    /// Candidates for the minimum: (frame number, gain), gains rising from front to back.
    lowest: VecDeque<(u64, f64)>,
    held: VecDeque<f64>,
    sum: f64,
    gain: f64,
    frame: u64,
}

impl Limiter {
    pub(crate) fn new() -> Self {
        let taps = LOOKAHEAD_FRAMES + 1;
        Self {
            delay: VecDeque::from(vec![[0.0; 2]; LOOKAHEAD_FRAMES]),
            lowest: VecDeque::with_capacity(taps + 1),
            held: VecDeque::from(vec![1.0; taps]),
            sum: taps as f64,
            gain: 1.0,
            frame: 0,
        }
    }

    pub(crate) fn process(&mut self, frames: &mut [[f32; 2]]) {
        let window = LOOKAHEAD_FRAMES as u64;
        for slot in frames {
            let input = *slot;
            let peak = input[0].abs().max(input[1].abs());
            let needed = if peak > CEILING {
                f64::from(CEILING) / f64::from(peak)
            } else {
                1.0
            };

            while self.lowest.back().is_some_and(|&(_, g)| g >= needed) {
                self.lowest.pop_back();
            }
            self.lowest.push_back((self.frame, needed));
            while self
                .lowest
                .front()
                .is_some_and(|&(n, _)| n + window < self.frame)
            {
                self.lowest.pop_front();
            }
            self.frame += 1;
            let minimum = self.lowest.front().map_or(1.0, |&(_, g)| g);

            // Down at once (the average makes the slope), up slowly, and to unity in the end, so that
            // an untouched signal is untouched.
            let risen = self.gain + (1.0 - self.gain) / RELEASE_FRAMES;
            self.gain = if risen > 1.0 - 1e-6 { 1.0 } else { risen }.min(minimum);

            if let Some(oldest) = self.held.pop_front() {
                self.sum += self.gain - oldest;
                self.held.push_back(self.gain);
            }
            let average = (self.sum / (LOOKAHEAD_FRAMES + 1) as f64) as f32;

            self.delay.push_back(input);
            if let Some(output) = self.delay.pop_front() {
                *slot = output.map(|v| (v * average).clamp(-CEILING, CEILING));
            }
        }
    }
}
