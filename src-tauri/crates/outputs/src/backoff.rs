//! How long to wait before the next attempt.

use std::time::Duration;

/// Waits grow from two seconds to thirty, each a little longer or shorter by chance, so that not
/// everybody comes back to a restarted server in the same moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Backoff {
    attempts: u32,
}

const FIRST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(30);

impl Backoff {
    /// Failures in a row so far.
    pub(crate) fn attempts(self) -> u32 {
        self.attempts
    }

    /// The wait after one more failure; `chance` is any number.
    pub(crate) fn next(&mut self, chance: u32) -> Duration {
        let doubled = FIRST
            .saturating_mul(1 << self.attempts.min(10))
            .min(LONGEST);
        self.attempts = self.attempts.saturating_add(1);
        let spread = 0.8 + 0.4 * f64::from(chance) / f64::from(u32::MAX);
        doubled.mul_f64(spread).min(LONGEST)
    }

    /// The connection has proved itself: the next failure is the first again.
    pub(crate) fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_half_a_minute_and_begin_anew() {
        let mut backoff = Backoff::default();
        let middle = u32::MAX / 2;
        let waits: Vec<u64> = (0..7)
            .map(|_| backoff.next(middle).as_secs_f64().round() as u64)
            .collect();
        assert_eq!(waits, [2, 4, 8, 16, 30, 30, 30]);
        assert_eq!(backoff.attempts(), 7);
        backoff.reset();
        assert_eq!(backoff.attempts(), 0);
        assert_eq!(backoff.next(middle).as_secs_f64().round(), 2.0);
    }

    #[test]
    fn chance_moves_a_wait_by_a_fifth_and_never_beyond_the_longest() {
        for (failures, chance, expect) in [
            (0, 0, 1_600),
            (0, u32::MAX, 2_400),
            (2, 0, 6_400),
            (2, u32::MAX, 9_600),
            (20, 0, 24_000),
            (u32::MAX, u32::MAX, 30_000),
        ] {
            let mut backoff = Backoff { attempts: failures };
            let wait = backoff.next(chance);
            assert_eq!(wait.as_millis(), expect, "{failures} {chance}");
        }
    }
}
