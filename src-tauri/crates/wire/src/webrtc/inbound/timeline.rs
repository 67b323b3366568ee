//! RTP times of sound and picture on the one line of [`Timestamp`]s.
//!
//! Each source counts from anywhere (RFC 3550, section 5.1), and its packets take their time to come.
//! The first packet of a source is laid where it arrived. Once sender reports (section 6.4.1) have said
//! where both sources stand at the same time of day, the picture moves onto the line of the sound, in
//! one step, and is held there.

use std::time::Duration;

use media::{Kind, Timestamp};

use super::super::listener::SenderClock;
use super::super::payload::{AUDIO_RATE, VIDEO_RATE};

/// A source whose times are so far from their arrival began anew, or was asleep.
const LOST: i64 = 2_000_000_000;

/// Reports that would move the picture further than this are not believed.
const BELIEVABLE: i64 = 3_000_000_000;

/// How often the line is compared with the times of arrival.
const WINDOW: Duration = Duration::from_secs(2);

/// A line this far from the arrivals, in nanoseconds, is led back: the far end's clock drifts. Less is
/// the network's.
const DRIFT: i64 = 20_000_000;

/// How far it is led back in each window, in nanoseconds: half a thousandth.
const SLEW: i64 = 1_000_000;

/// Two packets of a track are never closer, so that each time is later than the one before.
const LEAST_STEP: Duration = Duration::from_millis(1);

/// The times of one session.
#[derive(Debug)]
pub(crate) struct Timeline {
    video: Line,
    audio: Line,
    /// The picture is on the line of the sound.
    together: bool,
}

impl Timeline {
    /// Of sources that have not begun.
    pub(crate) fn new() -> Self {
        Self {
            video: Line::new(VIDEO_RATE),
            audio: Line::new(AUDIO_RATE),
            together: false,
        }
    }

    /// When a packet of this RTP time is to be shown or heard. Packets come in order.
    pub(crate) fn stamp(&mut self, kind: Kind, time: u32, arrival: Timestamp) -> Timestamp {
        let follows = self.together && kind == Kind::Video;
        let line = self.line(kind);
        let (at, lost) = line.stamp(time, arrival, follows);
        if lost {
            self.together = false;
        }
        at
    }

    /// Takes what the far end says of a source's clock.
    pub(crate) fn report(&mut self, kind: Kind, clock: SenderClock) {
        self.line(kind).clock = Some(clock);
        let (Some(video), Some(audio)) = (self.video.at_report(), self.audio.at_report()) else {
            return;
        };
        // How much later the picture's report was made than the sound's, by the far end's clock and
        // by our two lines.
        let apart = ntp_nanos(video.1.ntp.wrapping_sub(audio.1.ntp).cast_signed());
        let shown = video.0.offset_from(audio.0);
        let wrong = apart.saturating_sub(shown);
        if wrong.abs() > BELIEVABLE {
            return;
        }
        let step = if self.together {
            wrong.clamp(-SLEW, SLEW)
        } else {
            wrong
        };
        self.together = true;
        if let Some(base) = &mut self.video.base {
            base.at = base.at.offset(step);
        }
    }

    /// Forgets a source that another has taken the place of.
    pub(crate) fn restart(&mut self, kind: Kind) {
        self.together = false;
        let line = self.line(kind);
        *line = Line {
            newest: line.newest,
            ..Line::new(line.rate)
        };
    }

    fn line(&mut self, kind: Kind) -> &mut Line {
        match kind {
            Kind::Video => &mut self.video,
            Kind::Audio => &mut self.audio,
        }
    }
}

/// NTP's 32.32 bits of seconds in nanoseconds.
fn ntp_nanos(difference: i64) -> i64 {
    let nanos = (i128::from(difference) * 1_000_000_000) >> 32;
    i64::try_from(nanos).unwrap_or(i64::MAX)
}

/// The times of one source.
#[derive(Debug)]
struct Line {
    rate: u32,
    base: Option<Base>,
    clock: Option<SenderClock>,
    /// The least delay seen in this window, in nanoseconds, and when the window began.
    least: Option<(i64, Timestamp)>,
    /// The newest RTP time and what it became.
    newest: Option<(u32, Timestamp)>,
}

/// An RTP time that is unwrapped, and its place.
#[derive(Clone, Copy, Debug)]
struct Base {
    ticks: u32,
    at: Timestamp,
}

impl Line {
    fn new(rate: u32) -> Self {
        Self {
            rate,
            base: None,
            clock: None,
            least: None,
            newest: None,
        }
    }

    /// The place of an RTP time near the newest one; the 32 bits wrap by design.
    fn place(&self, base: Base, ticks: u32) -> Timestamp {
        let since = ticks.wrapping_sub(base.ticks).cast_signed();
        base.at
            .offset(Timestamp::from_ticks(i64::from(since), self.rate).nanos())
    }

    /// Where the line stood when the newest report was made.
    fn at_report(&self) -> Option<(Timestamp, SenderClock)> {
        let clock = self.clock?;
        Some((self.place(self.base?, clock.rtp), clock))
    }

    /// The time of a packet, and whether the line was lost and begins anew with it.
    fn stamp(&mut self, ticks: u32, arrival: Timestamp, follows: bool) -> (Timestamp, bool) {
        if let Some((newest, at)) = self.newest
            && newest == ticks
            && self.base.is_some()
        {
            return (at, false);
        }
        let fresh = Base { ticks, at: arrival };
        let base = self.moved(self.base.unwrap_or(fresh), ticks);
        let mut at = self.place(base, ticks);
        let delay = arrival.offset_from(at);
        let lost = delay.abs() > LOST;
        if lost {
            at = arrival;
            self.base = Some(fresh);
            self.clock = None;
            self.least = None;
        } else {
            self.base = Some(base);
            if !follows {
                self.compare(delay, arrival);
            }
        }
        let earliest = self.newest.map(|(_, newest)| newest + LEAST_STEP);
        let at = earliest.map_or(at, |earliest| at.max(earliest));
        self.newest = Some((ticks, at));
        (at, lost)
    }

    /// The base moved close to an RTP time, so that the difference never wraps: by whole seconds, so
    /// that nothing is rounded away.
    fn moved(&self, base: Base, ticks: u32) -> Base {
        let since = ticks.wrapping_sub(base.ticks);
        if since.cast_signed() < 0 {
            return base;
        }
        let seconds = since / self.rate;
        Base {
            ticks: base.ticks.wrapping_add(seconds * self.rate),
            at: base.at + Duration::from_secs(seconds.into()),
        }
    }

    /// Leads the line back to where packets arrive that were not held up.
    fn compare(&mut self, delay: i64, arrival: Timestamp) {
        let (least, began) = self.least.unwrap_or((delay, arrival));
        let least = least.min(delay);
        if arrival.since(began) < WINDOW {
            self.least = Some((least, began));
            return;
        }
        self.least = None;
        if least.abs() > DRIFT
            && let Some(base) = &mut self.base
        {
            base.at = base.at.offset(least.clamp(-SLEW, SLEW));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_millis(5_000);

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// A report made `after` the beginning, of a source whose RTP time began at `first`.
    fn report(rate: u32, first: u32, after: Duration) -> SenderClock {
        let ticks = Timestamp::ZERO.offset(i64::try_from(after.as_nanos()).unwrap());
        SenderClock {
            ssrc: 1,
            ntp: (7 << 32) + ((after.as_nanos() << 32) / 1_000_000_000) as u64,
            rtp: first.wrapping_add(ticks.ticks(rate) as u32),
        }
    }

    #[test]
    fn times_go_on_across_the_wrap_of_their_32_bits() {
        for (kind, rate) in [(Kind::Video, VIDEO_RATE), (Kind::Audio, AUDIO_RATE)] {
            let mut line = Timeline::new();
            let first = u32::MAX - rate / 2;
            for n in 0..100_u32 {
                let after = ms(u64::from(n) * 20);
                let ticks = first.wrapping_add(n * rate / 50);
                let at = line.stamp(kind, ticks, START + after);
                assert_eq!(at, START + after, "{kind:?} {n}");
            }
        }
    }

    #[test]
    fn a_day_of_times_is_exact() {
        let mut line = Timeline::new();
        let mut ticks = 0_u32;
        for n in 0..24 * 3_600_u64 {
            let at = START + Duration::from_secs(n);
            assert_eq!(line.stamp(Kind::Video, ticks, at), at);
            ticks = ticks.wrapping_add(VIDEO_RATE);
        }
    }

    #[test]
    fn reports_put_the_picture_onto_the_line_of_the_sound() {
        // Both begin at the same moment; the picture is 80 ms longer on its way.
        let (video, audio, late) = (4_000_000_000, 77, ms(80));
        let mut line = Timeline::new();
        let stamp = |line: &mut Timeline, kind, after: Duration| match kind {
            Kind::Audio => {
                let ticks = report(AUDIO_RATE, audio, after).rtp;
                line.stamp(kind, ticks, START + after)
            }
            Kind::Video => {
                let ticks = report(VIDEO_RATE, video, after).rtp;
                line.stamp(kind, ticks, START + after + late)
            }
        };
        assert_eq!(stamp(&mut line, Kind::Audio, ms(0)), START);
        assert_eq!(stamp(&mut line, Kind::Video, ms(0)), START + late);
        line.report(Kind::Video, report(VIDEO_RATE, video, ms(500)));
        assert_eq!(stamp(&mut line, Kind::Video, ms(600)), START + ms(680));
        line.report(Kind::Audio, report(AUDIO_RATE, audio, ms(900)));
        for after in [ms(1_000), ms(2_000)] {
            assert_eq!(stamp(&mut line, Kind::Audio, after), START + after);
            let shown = stamp(&mut line, Kind::Video, after);
            assert!(shown.offset_from(START + after).abs() < 50_000, "{shown:?}");
        }
    }

    #[test]
    fn reports_that_cannot_be_are_not_believed() {
        let mut line = Timeline::new();
        line.stamp(Kind::Audio, 0, START);
        line.stamp(Kind::Video, 0, START);
        line.report(Kind::Audio, report(AUDIO_RATE, 0, ms(0)));
        let mut other = report(VIDEO_RATE, 0, ms(0));
        for ntp in [0, u64::MAX, other.ntp + (4 << 32)] {
            other.ntp = ntp;
            line.report(Kind::Video, other);
            assert!(!line.together, "{ntp}");
        }
        let at = line.stamp(Kind::Video, 9_000, START + ms(100));
        assert_eq!(at, START + ms(100));
    }

    #[test]
    fn a_clock_that_drifts_is_followed_and_jitter_is_not() {
        // 200 millionths fast for an hour, and up to 15 ms of jitter.
        let mut line = Timeline::new();
        let mut newest = START;
        for n in 0..180_000_u64 {
            let real = START + Duration::from_nanos(n * 20_000_000 * 9_998 / 10_000);
            let arrival = real + ms(n * 7 % 16);
            let ticks = (n * 960) as u32;
            let at = line.stamp(Kind::Audio, ticks, arrival);
            let step = at.since(newest);
            assert!(n == 0 || (ms(18)..=ms(22)).contains(&step), "{n}: {step:?}");
            assert!(at.offset_from(real).abs() < 40_000_000, "{n}: {at:?}");
            newest = at;
        }
        let mut line = Timeline::new();
        for n in 0..1_000_u64 {
            let at = START + ms(20 * n);
            assert_eq!(
                line.stamp(Kind::Audio, (n * 960) as u32, at + ms(n % 20)),
                at
            );
        }
    }

    #[test]
    fn a_source_that_jumps_begins_anew_and_never_goes_back() {
        let mut line = Timeline::new();
        line.stamp(Kind::Video, 1_000, START);
        let jumped = line.stamp(Kind::Video, 4_000_000, START + ms(40));
        assert_eq!(jumped, START + ms(40));
        assert_eq!(line.stamp(Kind::Video, 4_000_000, START + ms(41)), jumped);
        line.restart(Kind::Video);
        let again = line.stamp(Kind::Video, 3, START + ms(30));
        assert_eq!(again, jumped + LEAST_STEP);
    }
}
