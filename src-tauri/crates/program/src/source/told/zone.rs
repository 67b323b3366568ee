//! Time of day, anywhere.

use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// For so long after a time of day a countdown to it has ended; then it counts to the next day's.
const STAYS_OVER_MS: i64 = 6 * 3_600_000;

/// A zone of the IANA database, or this machine's own.
#[derive(Clone, Debug)]
pub(super) struct Zone(TimeZone);

impl Zone {
    /// The zone of a name; of this machine where it is empty.
    ///
    /// # Errors
    /// What is wrong and what to do, for people.
    pub(super) fn named(name: &str) -> Result<Self, String> {
        let name = name.trim();
        if name.is_empty() {
            return Ok(Self(TimeZone::system()));
        }
        TimeZone::get(name).map(Self).map_err(|_| {
            format!("There is no time zone “{name}”. Choose one such as Europe/Vienna, or leave it empty for this machine’s")
        })
    }

    /// A second since 1970 UTC as a format of strftime says it.
    ///
    /// # Errors
    /// What is wrong with the format, for people.
    pub(super) fn text(&self, format: &str, unix_seconds: i64) -> Result<String, String> {
        let at = Timestamp::from_second(unix_seconds).unwrap_or_default();
        strtime::format(format, &at.to_zoned(self.0.clone())).map_err(|error| {
            format!("The format “{format}” cannot be used: {error}. %H:%M:%S is the time, %d.%m.%Y the date")
        })
    }

    /// A time of day, `20:00` or `20:00:30`, or of one day, `2026-12-31 23:59:50`.
    ///
    /// # Errors
    /// What is wrong and what to do, for people.
    pub(super) fn moment(&self, text: &str) -> Result<Moment, String> {
        let text = text.trim();
        // A date with a time can be read as a time, too.
        let dated = text.contains('-');
        if !dated && let Ok(time) = text.parse::<Time>() {
            return Ok(Moment::Daily(time, self.0.clone()));
        }
        let once = text.parse::<DateTime>().ok().filter(|_| dated);
        let once = once.and_then(|at| at.to_zoned(self.0.clone()).ok());
        once.map(|at| Moment::Once(at.timestamp().as_millisecond()))
            .ok_or_else(|| {
                format!(
                    "“{text}” is no time. Write 20:00 for every day, or 2026-12-31 23:59:50 for one"
                )
            })
    }
}

/// When a countdown ends.
#[derive(Clone, Debug)]
pub(super) enum Moment {
    /// Milliseconds since 1970 UTC.
    Once(i64),
    /// Every day.
    Daily(Time, TimeZone),
}

impl Moment {
    /// When it is, seen from a time; both in milliseconds since 1970 UTC.
    pub(super) fn next(&self, unix_ms: i64) -> i64 {
        let (time, zone) = match self {
            Self::Once(at) => return *at,
            Self::Daily(time, zone) => (*time, zone),
        };
        let from = unix_ms.saturating_sub(STAYS_OVER_MS);
        let day = Timestamp::from_millisecond(from)
            .unwrap_or_default()
            .to_zoned(zone.clone())
            .date();
        let on = |day: Date| {
            let at = day.to_datetime(time).to_zoned(zone.clone());
            at.map_or(unix_ms, |at| at.timestamp().as_millisecond())
        };
        let first = on(day);
        if first > from {
            return first;
        }
        day.checked_add(1.day()).map_or(first, on)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21 20:54:12 UTC.
    const NOW: i64 = 1_795_294_452;

    #[test]
    fn the_time_is_told_everywhere() {
        for (zone, format, expect) in [
            ("UTC", "%H:%M:%S", "20:54:12"),
            ("Europe/Vienna", "%H:%M", "21:54"),
            ("America/New_York", "%-I:%M %p", "3:54 PM"),
            ("Asia/Kolkata", "%A, %-d %B %Y", "Sunday, 22 November 2026"),
            ("UTC", "on air since %H o’clock", "on air since 20 o’clock"),
        ] {
            let zone = Zone::named(zone).unwrap();
            assert_eq!(zone.text(format, NOW).unwrap(), expect);
        }
        assert!(Zone::named("").is_ok());
    }

    #[test]
    fn what_is_wrong_is_said() {
        let problem = Zone::named("Europe/Atlantis").unwrap_err();
        assert!(problem.contains("Europe/Atlantis") && problem.contains("Europe/Vienna"));
        let utc = Zone::named("UTC").unwrap();
        let problem = utc.text("%H:%!", 0).unwrap_err();
        assert!(problem.contains("%H:%!"), "{problem}");
        let problem = utc.moment("at noon").unwrap_err();
        assert!(problem.contains("“at noon” is no time"), "{problem}");
    }

    #[test]
    fn a_time_of_day_is_the_next_one_and_stays_over_for_six_hours() {
        let utc = Zone::named("UTC").unwrap();
        let midnight = NOW * 1000 - (20 * 3600 + 54 * 60 + 12) * 1000;
        let hour = |n: f64| midnight + (n * 3_600_000.0) as i64;
        let moment = utc.moment("20:00").unwrap();
        for (now, expect) in [
            (hour(0.0), hour(-4.0)),
            (hour(2.5), hour(20.0)),
            (hour(19.999), hour(20.0)),
            (hour(20.0), hour(20.0)),
            (hour(25.9), hour(20.0)),
            (hour(26.1), hour(44.0)),
            (hour(44.0), hour(44.0)),
        ] {
            assert_eq!(
                moment.next(now),
                expect,
                "{}",
                (now - midnight) as f64 / 3.6e6
            );
        }
        let once = utc.moment("2026-11-21 20:00:30").unwrap();
        assert_eq!(once.next(hour(80.0)), hour(20.0) + 30_000);
    }

    #[test]
    fn a_day_that_is_an_hour_short_counts_right() {
        // On 29 March 2026 the clocks of Vienna go from 2 to 3.
        let vienna = Zone::named("Europe/Vienna").unwrap();
        let eve = vienna.moment("2026-03-28 20:00").unwrap().next(0);
        let morning = vienna.moment("08:00").unwrap().next(eve);
        assert_eq!(morning - eve, 11 * 3_600_000);
    }
}
