//! The one time inside the process.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::time::{Duration, Instant, SystemTime};

/// Nanoseconds since the epoch of the process: the moment its [`Clock`] was started.
///
/// Signed, so that the difference of two and the decode time of the first packets may lie before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The epoch itself.
    pub const ZERO: Self = Self(0);

    /// From nanoseconds since the epoch.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// From milliseconds since the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// From a count of ticks of `rate` per second, rounded to the nearest nanosecond.
    ///
    /// `rate` must not be zero.
    pub const fn from_ticks(ticks: i64, rate: u32) -> Self {
        let scaled = ticks as i128 * 1_000_000_000;
        Self(div_round(scaled, rate as i128) as i64)
    }

    /// Nanoseconds since the epoch.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Whole milliseconds since the epoch, rounded down.
    pub const fn millis(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Seconds since the epoch.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// Ticks of `rate` per second since the epoch (90 000 for RTP video, 48 000 for audio,
    /// 1 000 for RTMP), rounded to the nearest.
    pub const fn ticks(self, rate: u32) -> i64 {
        div_round(self.0 as i128 * rate as i128, 1_000_000_000) as i64
    }

    /// How long after `earlier` this is; zero when it is not after.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// `self - other` in nanoseconds, negative when `self` is earlier.
    pub const fn offset_from(self, other: Self) -> i64 {
        self.0.saturating_sub(other.0)
    }

    /// Moved by a signed number of nanoseconds.
    pub const fn offset(self, nanos: i64) -> Self {
        Self(self.0.saturating_add(nanos))
    }
}

const fn div_round(value: i128, by: i128) -> i128 {
    let half = by / 2;
    (value + half).div_euclid(by)
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(nanos_of(rhs)))
    }
}

impl AddAssign<Duration> for Timestamp {
    fn add_assign(&mut self, rhs: Duration) {
        *self = *self + rhs;
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, rhs: Duration) -> Self {
        Self(self.0.saturating_sub(nanos_of(rhs)))
    }
}

fn nanos_of(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}s", self.seconds())
    }
}

/// The process's clock. Started once, then copied to whoever stamps or ticks.
///
/// Only capture and the tick loops read it; everywhere else `now` is an argument.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    epoch: Instant,
    wall: SystemTime,
}

impl Clock {
    /// Starts the clock: this moment is the epoch.
    #[expect(clippy::disallowed_methods, reason = "the home of the clock")]
    pub fn start() -> Self {
        Self {
            epoch: Instant::now(),
            wall: SystemTime::now(),
        }
    }

    /// Now, monotonic.
    pub fn now(&self) -> Timestamp {
        self.stamp(self.instant_now())
    }

    /// The timestamp of an [`Instant`] taken elsewhere (a library's capture time).
    pub fn stamp(&self, instant: Instant) -> Timestamp {
        match instant.checked_duration_since(self.epoch) {
            Some(after) => Timestamp(nanos_of(after)),
            None => Timestamp(-nanos_of(self.epoch.duration_since(instant))),
        }
    }

    /// The [`Instant`] of a timestamp, to sleep until it. Times before the epoch give the epoch.
    pub fn instant(&self, at: Timestamp) -> Instant {
        self.epoch + at.since(Timestamp::ZERO)
    }

    /// The time of day at a timestamp. It follows the monotonic clock from the epoch on, and so
    /// is not moved by later changes of the system's time.
    pub fn wall(&self, at: Timestamp) -> SystemTime {
        self.wall + at.since(Timestamp::ZERO)
    }

    /// Milliseconds since 1970-01-01 UTC at a timestamp.
    pub fn unix_millis(&self, at: Timestamp) -> i64 {
        self.wall(at)
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
    }

    /// Sleeps the calling thread until a timestamp; returns at once when it has passed.
    pub fn sleep_until(&self, at: Timestamp) {
        let now = self.now();
        if at > now {
            std::thread::sleep(at.since(now));
        }
    }

    #[expect(clippy::disallowed_methods, reason = "the home of the clock")]
    fn instant_now(&self) -> Instant {
        Instant::now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_round_trip() {
        for (ticks, rate) in [
            (0, 90_000),
            (1, 90_000),
            (3_003, 90_000),
            (-7, 48_000),
            (48_000 * 3600 * 24, 48_000),
            (i64::from(u32::MAX), 1_000),
        ] {
            assert_eq!(
                Timestamp::from_ticks(ticks, rate).ticks(rate),
                ticks,
                "{ticks}/{rate}"
            );
        }
    }

    #[test]
    fn differences_saturate_at_zero_and_keep_their_sign() {
        let a = Timestamp::from_millis(5);
        let b = Timestamp::from_millis(8);
        assert_eq!(b.since(a), Duration::from_millis(3));
        assert_eq!(a.since(b), Duration::ZERO);
        assert_eq!(a.offset_from(b), -3_000_000);
    }

    #[test]
    fn instants_before_the_epoch_are_negative() {
        let clock = Clock::start();
        let at = clock.instant(Timestamp::from_millis(20));
        assert_eq!(clock.stamp(at), Timestamp::from_millis(20));
    }
}
