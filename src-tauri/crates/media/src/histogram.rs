//! How long things take, counted by size: what a thread that carries media can afford to tell.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the buckets, in microseconds: from a tenth of a millisecond to ten seconds.
const BOUNDS: [u64; 16] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 5_000_000, 10_000_000,
];

/// Durations, counted. Adding one is three additions to atomics: nobody waits, nothing is allocated.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; BOUNDS.len() + 1],
    nanos: AtomicU64,
    count: AtomicU64,
}

/// What a [`Histogram`] holds at a moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counted {
    /// For each upper bound in seconds, how many were not longer.
    pub buckets: Vec<(f64, u64)>,
    /// All of them added up.
    pub sum: Duration,
    /// How many.
    pub count: u64,
}

impl Histogram {
    /// Counts one.
    pub fn add(&self, took: Duration) {
        let micros = took.as_micros();
        let at = BOUNDS.partition_point(|bound| u128::from(*bound) < micros);
        self.buckets[at].fetch_add(1, Ordering::Relaxed);
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// What has been counted.
    pub fn read(&self) -> Counted {
        let mut so_far = 0;
        let buckets = BOUNDS.iter().zip(&self.buckets).map(|(bound, bucket)| {
            so_far += bucket.load(Ordering::Relaxed);
            (*bound as f64 / 1e6, so_far)
        });
        let buckets: Vec<_> = buckets.collect();
        let beyond = self.buckets[BOUNDS.len()].load(Ordering::Relaxed);
        Counted {
            // From the same look at the buckets, so that the last one is never more than all.
            count: buckets.last().map_or(0, |(_, n)| *n) + beyond,
            buckets,
            sum: Duration::from_nanos(self.nanos.load(Ordering::Relaxed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stands_under_the_bounds_it_does_not_pass() {
        let histogram = Histogram::default();
        for micros in [0, 100, 101, 4_999, 5_000, 20_000_000] {
            histogram.add(Duration::from_micros(micros));
        }
        let counted = histogram.read();
        assert_eq!(counted.count, 6);
        assert_eq!(counted.sum, Duration::from_micros(20_010_200));
        let under = |bound: f64| {
            let found = counted.buckets.iter().find(|(le, _)| *le == bound);
            found.unwrap().1
        };
        for (bound, count) in [
            (0.0001, 2),
            (0.00025, 3),
            (0.0025, 3),
            (0.005, 5),
            (10.0, 5),
        ] {
            assert_eq!(under(bound), count, "{bound}");
        }
    }
}
