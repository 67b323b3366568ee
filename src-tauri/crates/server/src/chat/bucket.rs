//! A token bucket in the process's time. Pure: `now` is an argument.

use media::Timestamp;

/// How much, how fast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rate {
    /// At once.
    pub(crate) burst: f64,
    /// More, each second.
    pub(crate) per_second: f64,
}

/// A bucket, full at first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    left: f64,
    at: Timestamp,
}

impl Bucket {
    /// A full bucket.
    pub(crate) fn full(rate: Rate, now: Timestamp) -> Self {
        Self {
            left: rate.burst,
            at: now,
        }
    }

    /// Whether it is as a new one would be.
    pub(crate) fn is_full(mut self, rate: Rate, now: Timestamp) -> bool {
        self.fill(rate, now);
        self.left >= rate.burst
    }

    fn fill(&mut self, rate: Rate, now: Timestamp) {
        let passed = now.since(self.at).as_secs_f64();
        self.left = (self.left + passed * rate.per_second).min(rate.burst);
        self.at = self.at.max(now);
    }

    /// Takes one out, if one is there.
    pub(crate) fn take(&mut self, rate: Rate, now: Timestamp) -> bool {
        self.fill(rate, now);
        // What is left after many small fillings is not exact.
        let fine = self.left >= 1.0 - 1e-9;
        if fine {
            self.left -= 1.0;
        }
        fine
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        burst: 5.0,
        per_second: 1.0,
    };

    #[test]
    fn five_at_once_then_one_a_second() {
        let mut bucket = Bucket::full(RATE, Timestamp::ZERO);
        for (millis, expect) in [
            (0, true),
            (0, true),
            (1, true),
            (2, true),
            (3, true),
            (4, false),
            (900, false),
            (1000, true),
            (1001, false),
            (2000, true),
            // An earlier time gives nothing and takes nothing.
            (500, false),
            (3000, true),
            (3500, false),
            (60_000, true),
            (60_000, true),
            (60_000, true),
            (60_000, true),
            (60_000, true),
            (60_000, false),
        ] {
            let got = bucket.take(RATE, Timestamp::from_millis(millis));
            assert_eq!(got, expect, "at {millis} ms");
        }
    }

    #[test]
    fn refusals_cost_nothing() {
        let mut bucket = Bucket::full(RATE, Timestamp::ZERO);
        let said = (0..10_000)
            .filter(|ms| bucket.take(RATE, Timestamp::from_millis(*ms)))
            .count();
        assert_eq!(said, 5 + 9);
    }
}
