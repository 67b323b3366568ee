//! Bits per second over the last moments.

use std::collections::VecDeque;
use std::time::Duration;

use media::Timestamp;

/// How far back the rate looks.
const SPAN: Duration = Duration::from_secs(4);

/// Turns a growing count of bytes into a rate.
#[derive(Debug, Default)]
pub(crate) struct Rate {
    seen: VecDeque<(Timestamp, u64)>,
}

impl Rate {
    /// Notes the count at `now`; gives bits per second over the last four seconds.
    pub(crate) fn note(&mut self, now: Timestamp, bytes: u64) -> u64 {
        self.seen.push_back((now, bytes));
        while self.seen.len() > 2
            && self
                .seen
                .get(1)
                .is_some_and(|(at, _)| now.since(*at) >= SPAN)
        {
            self.seen.pop_front();
        }
        let Some((since, before)) = self.seen.front() else {
            return 0;
        };
        let micros = now.since(*since).as_micros();
        if micros == 0 {
            return 0;
        }
        let bits = u128::from(bytes.saturating_sub(*before)) * 8 * 1_000_000;
        u64::try_from(bits / micros).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_of_the_last_seconds() {
        let mut rate = Rate::default();
        let at = Timestamp::from_millis;
        assert_eq!(rate.note(at(0), 0), 0);
        assert_eq!(rate.note(at(1_000), 125_000), 1_000_000);
        for second in 2..10_i64 {
            assert_eq!(
                rate.note(at(second * 1_000), 125_000 * second as u64),
                1_000_000
            );
        }
        // Nothing more: it fades within the span, and what it keeps is bounded.
        for second in 10..14 {
            rate.note(at(second * 1_000), 125_000 * 9);
        }
        assert_eq!(rate.note(at(14_000), 125_000 * 9), 0);
        assert!(rate.seen.len() < 8);
    }
}
