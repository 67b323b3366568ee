//! Sound at even distances, though RTMP tells its times in whole milliseconds.

use std::time::Duration;

use media::Timestamp;

/// Further than this from where it was expected, an access unit is where its time says: something
/// was left out, or the sender stamps by a clock and not by its samples.
const NEAR: i64 = 3_000_000;

/// Each access unit goes this part of the way from where it was expected to where its time says, so
/// that rounding vanishes and a slow drift is followed.
const PART: i64 = 64;

/// The least distance of two access units.
const LEAST: Duration = Duration::from_micros(100);

/// Takes the rounding out of the times of a track whose access units are equally long.
#[derive(Debug)]
pub(super) struct Cadence {
    unit: Duration,
    expected: Option<Timestamp>,
}

impl Cadence {
    /// For access units of this length.
    pub(super) fn new(unit: Duration) -> Self {
        Self {
            unit,
            expected: None,
        }
    }

    /// The even time of an access unit stamped `stamp`: never further than [`NEAR`] from it.
    pub(super) fn even(&mut self, stamp: Timestamp) -> Timestamp {
        let at = match self.expected {
            Some(expected) if stamp.offset_from(expected).abs() <= NEAR => {
                expected.offset(stamp.offset_from(expected) / PART)
            }
            Some(expected) => stamp.max(expected - self.unit + LEAST),
            None => stamp,
        };
        self.expected = Some(at + self.unit);
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_vanishes() {
        for rate in [44_100, 48_000] {
            let unit = Duration::from_nanos(1_024_000_000_000 / rate);
            let mut cadence = Cadence::new(unit);
            let mut before = None;
            for n in 0..5_000i64 {
                let real = Timestamp::from_ticks(n * 1_024, rate as u32);
                let even = cadence.even(Timestamp::from_millis(real.millis()));
                if let Some(before) = before.replace(even) {
                    let off = even.offset_from(before) - unit.as_nanos() as i64;
                    assert!(off.abs() <= 50_000, "{n}: {off} ns");
                }
                assert!(even.offset_from(real).abs() <= 1_100_000, "{n}: {even:?}");
            }
        }
    }

    #[test]
    fn a_gap_is_a_gap_and_times_never_go_back() {
        let mut cadence = Cadence::new(Duration::from_nanos(21_333_333));
        let mut before = Timestamp::from_millis(-1);
        for millis in [0, 21, 43, 107, 128, 130, 131, 149, 1_000] {
            let even = cadence.even(Timestamp::from_millis(millis));
            assert!(even > before, "{millis}");
            assert!((even.millis() - millis).abs() <= 3, "{millis}");
            before = even;
        }
    }
}
