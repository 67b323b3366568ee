//! Figures of the running program.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use media::Histogram;
use parking_lot::Mutex;

/// What the program's threads count. One each per program, shared by its threads.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) frames: AtomicU64,
    pub(crate) lagged: AtomicU64,
    pub(crate) skipped: AtomicU64,
    pub(crate) render: Mean,
    pub(crate) encode: Mean,
    pub(crate) latency: Median,
    /// The same, counted by size.
    pub(crate) latencies: Arc<Histogram>,
    /// The picture's bitrate while it is held below what is set; 0 while it is not.
    pub(crate) lowered: AtomicU32,
    /// The name of the encoder last opened.
    pub(crate) encoder: Mutex<Option<&'static str>>,
}

/// Figures since the program was started, and means since the last time they were read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stats {
    /// Pictures composed.
    pub frames: u64,
    /// Ticks that passed without a picture.
    pub lagged: u64,
    /// Pictures that the encoder was too busy to take.
    pub skipped: u64,
    /// Mean time to compose a picture.
    pub render: Duration,
    /// Mean time to encode a picture.
    pub encode: Duration,
    /// Median time from a picture's tick to its packet in the hub, over the last pictures.
    pub latency: Duration,
    /// Bits per second that the picture is held to as a path carries no more; `None` when it has what is set.
    pub lowered: Option<u32>,
}

impl Counters {
    pub(crate) fn read(&self) -> Stats {
        Stats {
            frames: self.frames.load(Ordering::Relaxed),
            lagged: self.lagged.load(Ordering::Relaxed),
            skipped: self.skipped.load(Ordering::Relaxed),
            render: self.render.take(),
            encode: self.encode.take(),
            latency: self.latency.read(),
            lowered: Some(self.lowered.load(Ordering::Relaxed)).filter(|rate| *rate > 0),
        }
    }
}

/// A mean that starts anew whenever it is taken.
#[derive(Debug, Default)]
pub(crate) struct Mean {
    state: Mutex<(Duration, u32)>,
}

impl Mean {
    pub(crate) fn add(&self, value: Duration) {
        let mut state = self.state.lock();
        state.0 += value;
        state.1 += 1;
    }

    /// The mean since the last call; zero without values.
    pub(crate) fn take(&self) -> Duration {
        let (sum, count) = std::mem::take(&mut *self.state.lock());
        sum.checked_div(count).unwrap_or_default()
    }
}

/// The median of the last [`Median::SPAN`] values.
#[derive(Debug, Default)]
pub(crate) struct Median {
    state: Mutex<(Vec<Duration>, usize)>,
}

impl Median {
    const SPAN: usize = 256;

    pub(crate) fn add(&self, value: Duration) {
        let mut state = self.state.lock();
        let (values, next) = &mut *state;
        if values.len() < Self::SPAN {
            values.push(value);
        } else {
            values[*next] = value;
            *next = (*next + 1) % Self::SPAN;
        }
    }

    pub(crate) fn read(&self) -> Duration {
        let mut values = self.state.lock().0.clone();
        let middle = values.len() / 2;
        if values.is_empty() {
            return Duration::ZERO;
        }
        *values.select_nth_unstable(middle).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_starts_anew_and_the_median_forgets() {
        let mean = Mean::default();
        mean.add(Duration::from_millis(2));
        mean.add(Duration::from_millis(4));
        assert_eq!(mean.take(), Duration::from_millis(3));
        assert_eq!(mean.take(), Duration::ZERO);

        let median = Median::default();
        assert_eq!(median.read(), Duration::ZERO);
        for ms in 0..1000 {
            median.add(Duration::from_millis(ms));
        }
        assert_eq!(median.read(), Duration::from_millis(1000 - 128));
    }
}
