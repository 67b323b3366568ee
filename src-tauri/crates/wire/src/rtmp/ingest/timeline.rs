//! From an RTMP sender's milliseconds to the time of the house.
//!
//! Where the two clocks meet is fixed at the first message, for sound and picture together; after
//! that a packet's time is what its sender says, not when it arrived. Three things move the
//! mapping: the sender's clock jumps (it restarted, or changed its source), its 32 bits wrap,
//! or it runs a little faster or slower than ours, which shows over minutes.

use std::time::Duration;

use media::{Kind, Timestamp};

/// A step beyond the newest time by more than this, in the sender's milliseconds, is a jump.
const AHEAD: i64 = 2_000;

/// A step back by no more than this is untidiness: such a packet goes right behind the one before.
const UNTIDY: i64 = 50;

/// The least distance of two packets of a track: less than a millisecond, more than a tick of any
/// container.
const LEAST: Duration = Duration::from_micros(100);

/// How long arrivals are watched before the clocks are compared. The earliest arrival counts: a
/// network can only make packets late.
const WINDOW: Duration = Duration::from_secs(10);

/// Differences of the clocks that are left alone, in nanoseconds.
const TOLERANCE: i64 = 10_000_000;

/// How much the mapping moves, in nanoseconds for each millisecond of media: half a thousandth,
/// which nobody hears and which outruns any honest clock.
const SLEW: i64 = 500;

const NANOS: i64 = 1_000_000;

/// The two tracks of a publication, and what their times mean.
///
/// Each track counts by one of two lines. They are the same line but for the moment when one
/// track has jumped and the other is about to.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    lines: [Line; 2],
    lanes: [Lane; 2],
}

#[derive(Clone, Copy, Debug, Default)]
struct Lane {
    /// The newest time of this track: the sender's, continued beyond 32 bits, and ours.
    newest: Option<(i64, Timestamp)>,
    line: usize,
}

/// One relation between the sender's clock and ours.
#[derive(Clone, Copy, Debug, Default)]
struct Line {
    /// Ours at the sender's zero, in nanoseconds.
    offset: i64,
    /// The sender's newest time on it.
    newest: i64,
    /// When the window began, and by how much the earliest arrival in it was late, in nanoseconds.
    since: Timestamp,
    earliest: Option<i64>,
    /// What is still to be added to `offset`.
    owed: i64,
}

impl Timeline {
    /// The decode time of a message of a track, said to be of `millis`, that arrived `now`. Grows
    /// within each track.
    pub(super) fn stamp(&mut self, kind: Kind, millis: u32, now: Timestamp) -> Timestamp {
        let (own, other) = match kind {
            Kind::Video => (0, 1),
            Kind::Audio => (1, 0),
        };
        let Lane { newest, mut line } = self.lanes[own];
        let elsewhere = self.lanes[other];
        let mut said = match newest {
            Some((before, _)) => continued(before, millis),
            None => i64::from(millis),
        };
        let jumped = match newest {
            Some((before, _)) => {
                said < before - UNTIDY || said > self.lines[line].newest.max(before) + AHEAD
            }
            None => true,
        };
        if jumped {
            let joined = elsewhere.newest.is_some()
                && (newest.is_none() || elsewhere.line != line)
                && self.lines[elsewhere.line].near(millis);
            if joined {
                line = elsewhere.line;
                said = continued(self.lines[line].newest, millis);
            } else {
                // The other track may still count by its own.
                line = match elsewhere.newest {
                    Some(_) => 1 - elsewhere.line,
                    None => line,
                };
                said = i64::from(millis);
                let begin = newest.map_or(now, |(_, stamp)| now.max(stamp + LEAST));
                self.lines[line] = Line::meeting(said, begin);
                if newest.is_some() {
                    tracing::debug!(?kind, said, "the sender's clock jumped");
                }
            }
        }
        let mut stamp = self.lines[line].map(said, now);
        if let Some((_, before)) = newest {
            stamp = stamp.max(before + LEAST);
        }
        let said = match newest {
            Some((before, _)) if !jumped => said.max(before),
            _ => said,
        };
        self.lanes[own] = Lane {
            newest: Some((said, stamp)),
            line,
        };
        stamp
    }
}

/// The time of which `millis` are the lower 32 bits, nearest to `near`.
fn continued(near: i64, millis: u32) -> i64 {
    // Half the range on either side, by reading the difference as signed.
    near + i64::from(millis.wrapping_sub(near as u32).cast_signed())
}

impl Line {
    fn meeting(said: i64, at: Timestamp) -> Self {
        Self {
            offset: at.nanos().saturating_sub(said * NANOS),
            newest: said,
            since: at,
            earliest: None,
            owed: 0,
        }
    }

    fn near(&self, millis: u32) -> bool {
        (continued(self.newest, millis) - self.newest).abs() <= AHEAD
    }

    fn map(&mut self, said: i64, now: Timestamp) -> Timestamp {
        let passed = (said - self.newest).max(0);
        self.newest = self.newest.max(said);
        let step = self.owed.clamp(-passed * SLEW, passed * SLEW);
        self.offset += step;
        self.owed -= step;
        let stamp = Timestamp::from_nanos(self.offset.saturating_add(said * NANOS));
        self.compare(now.offset_from(stamp), now);
        stamp
    }

    fn compare(&mut self, late: i64, now: Timestamp) {
        let earliest = self.earliest.map_or(late, |earliest| earliest.min(late));
        self.earliest = Some(earliest);
        if now.since(self.since) >= WINDOW {
            self.since = now;
            self.earliest = None;
            self.owed = earliest - earliest.clamp(-TOLERANCE, TOLERANCE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V: Kind = Kind::Video;
    const A: Kind = Kind::Audio;

    /// `(track, the sender's ms, arrival in ms)` → our ms.
    fn check(messages: &[(Kind, u32, i64, i64)]) {
        let mut timeline = Timeline::default();
        for (index, (kind, millis, arrived, expect)) in messages.iter().enumerate() {
            let stamp = timeline.stamp(*kind, *millis, Timestamp::from_millis(*arrived));
            assert_eq!(
                stamp.millis(),
                *expect,
                "message {index}: {kind:?} {millis}"
            );
        }
    }

    #[test]
    fn the_senders_cadence_is_kept_whatever_the_network_does() {
        check(&[
            (V, 0, 1_000, 1_000),
            (A, 3, 1_001, 1_003),
            (V, 33, 1_200, 1_033),
            (A, 24, 1_200, 1_024),
            (V, 67, 1_200, 1_067),
        ]);
    }

    #[test]
    fn sound_that_comes_later_belongs_to_the_picture() {
        check(&[
            (V, 500, 1_000, 1_000),
            (V, 2_000, 2_500, 2_500),
            (A, 2_010, 2_600, 2_510),
        ]);
        // From a clock of its own it meets the picture where it arrives.
        check(&[
            (V, 50_000, 1_000, 1_000),
            (A, 0, 1_300, 1_300),
            (V, 50_340, 1_340, 1_340),
        ]);
    }

    #[test]
    fn a_pause_of_one_track_is_no_jump() {
        check(&[
            (V, 0, 0, 0),
            (A, 0, 0, 0),
            (V, 1_900, 1_900, 1_900),
            (V, 3_800, 3_800, 3_800),
            (A, 3_700, 3_900, 3_700),
        ]);
    }

    #[test]
    fn thirty_two_bits_wrap() {
        check(&[
            (V, u32::MAX - 10, 1_000, 1_000),
            (A, u32::MAX, 1_010, 1_010),
            (V, 29, 1_040, 1_040),
            (A, 10, 1_040, 1_021),
            (V, 62, 1_080, 1_073),
        ]);
    }

    #[test]
    fn both_tracks_jump_together() {
        // The sender begins anew; its sound still has a packet from before.
        check(&[
            (V, 100_000, 5_000, 5_000),
            (A, 100_005, 5_000, 5_005),
            (V, 0, 6_000, 6_000),
            (A, 100_026, 6_001, 5_026),
            (A, 5, 6_010, 6_005),
            (V, 33, 6_040, 6_033),
            (A, 26, 6_041, 6_026),
        ]);
        // Forward: the time that is left out is left out by both.
        check(&[
            (V, 0, 0, 0),
            (A, 0, 0, 0),
            (A, 9_000, 40, 40),
            (V, 9_007, 45, 47),
            (A, 9_021, 60, 61),
        ]);
        // And twice in a row.
        check(&[
            (V, 0, 0, 0),
            (A, 0, 0, 0),
            (V, 9_000, 40, 40),
            (V, 90_000, 80, 80),
            (A, 90_000, 90, 80),
        ]);
    }

    #[test]
    fn untidy_times_never_go_back() {
        let mut timeline = Timeline::default();
        let mut before = Timestamp::from_millis(-1);
        for (millis, arrived) in [(0, 0), (40, 40), (35, 41), (35, 42), (80, 80), (80, 81)] {
            let stamp = timeline.stamp(V, millis, Timestamp::from_millis(arrived));
            assert!(stamp > before, "{millis}");
            assert!((stamp.millis() - i64::from(millis)).abs() <= 6);
            before = stamp;
        }
    }

    #[test]
    fn what_creeps_back_is_a_jump_in_the_end() {
        let mut timeline = Timeline::default();
        let mut stamp = Timestamp::ZERO;
        for n in 0..100 {
            stamp = timeline.stamp(
                V,
                10_000 - n * 20,
                Timestamp::from_millis(i64::from(n) * 33),
            );
        }
        assert!((stamp.millis() - 3_267).abs() <= 150, "{stamp:?}");
    }

    /// Hours of a clock that is off by `ppm` under a jittering network; gives the largest error
    /// of the second half and the largest step away from the sender's cadence, in ns.
    fn drift(ppm: i64) -> (i64, i64) {
        let mut timeline = Timeline::default();
        let mut noise = crate::testing::Noise::new(7);
        let (mut worst, mut step, mut before) = (0, 0, None);
        let count = 2 * 3_600 * 25;
        for n in 0..count {
            let millis = n * 40;
            let real = millis * NANOS + millis * ppm;
            let arrived = real + noise.below(30_000_000) as i64;
            let stamp = timeline.stamp(V, millis as u32, Timestamp::from_nanos(arrived));
            if n > count / 2 {
                worst = worst.max((stamp.nanos() - real).abs());
            }
            if let Some(before) = before.replace(stamp) {
                step = step.max((stamp.offset_from(before) - 40 * NANOS).abs());
            }
        }
        (worst, step)
    }

    #[test]
    fn a_clock_that_drifts_is_followed_gently() {
        for ppm in [-200, -20, 0, 20, 200] {
            let (worst, step) = drift(ppm);
            assert!(worst <= 40 * NANOS, "{ppm} ppm: {worst} ns");
            assert!(step <= 40 * SLEW, "{ppm} ppm: {step} ns");
        }
    }
}
