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

/// Seconds that [`Recent`] remembers.
const KEPT: usize = 60;

/// What was carried in each of the last seconds, for a plot.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    seconds: VecDeque<u64>,
    /// When it was noted last, of which connection, and its count of bytes then.
    last: Option<(Timestamp, Timestamp, u64)>,
}

impl Recent {
    /// Notes the count of bytes of the connection that stands since `since`; called about once a second.
    pub(crate) fn note(&mut self, now: Timestamp, since: Timestamp, bytes: u64) {
        let (before, known) = match self.last {
            Some((at, of, bytes)) if of == since => (at, bytes),
            Some((at, ..)) => {
                // Nothing was carried between the two connections.
                self.pass(since.since(at));
                (since, 0)
            }
            None => (since, 0),
        };
        let micros = now.since(before).as_micros();
        let bits = u128::from(bytes.saturating_sub(known)) * 8 * 1_000_000;
        if let Some(rate) = bits.checked_div(micros) {
            self.push(u64::try_from(rate).unwrap_or(u64::MAX));
        }
        self.last = Some((now, since, bytes));
    }

    /// All of it up to `now`; what was not noted any more was nothing.
    pub(crate) fn until(&self, now: Timestamp) -> Vec<u64> {
        let mut shown = self.seconds.clone();
        if let Some((at, ..)) = self.last {
            // The second that passes now is noted at its end.
            let quiet = now.since(at).as_secs().saturating_sub(1);
            let quiet = usize::try_from(quiet).unwrap_or(KEPT).min(KEPT);
            shown.extend(std::iter::repeat_n(0, quiet));
        }
        let skip = shown.len().saturating_sub(KEPT);
        shown.into_iter().skip(skip).collect()
    }

    fn pass(&mut self, quiet: Duration) {
        for _ in 0..quiet.as_secs().min(KEPT as u64) {
            self.push(0);
        }
    }

    fn push(&mut self, bits: u64) {
        self.seconds.push_back(bits);
        if self.seconds.len() > KEPT {
            self.seconds.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_second_is_remembered_for_a_minute_with_its_silences() {
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1_000);
        let mut recent = Recent::default();
        assert!(recent.until(at(100)).is_empty());
        recent.note(at(1), at(0), 1_000);
        recent.note(at(2), at(0), 3_000);
        assert_eq!(recent.until(at(2)), [8_000, 16_000]);
        assert_eq!(recent.until(at(5)), [8_000, 16_000, 0, 0]);
        // Another connection counts from zero; between the two there was nothing.
        recent.note(at(6), at(5), 500);
        assert_eq!(recent.until(at(6)), [8_000, 16_000, 0, 0, 0, 4_000]);
        for second in 7..200 {
            recent.note(at(second), at(5), 500);
        }
        assert_eq!(recent.until(at(199)), [0; KEPT]);
    }

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
