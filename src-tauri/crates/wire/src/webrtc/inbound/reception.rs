//! What reception reports say of a source that is received (RFC 3550, section 6.4.1).

use media::Timestamp;
use rtc::rtcp::reception_report::ReceptionReport;

use super::super::listener::SenderClock;

/// Losses are reported in 24 bits.
const MOST_LOST: u64 = 0x7f_ffff;

/// Counts as RFC 3550 does (appendices A.3 and A.8). Retransmissions have a source of their own and
/// do not count (RFC 4588, section 6.4), so that the far end learns what the path loses.
#[derive(Debug)]
pub(crate) struct Reception {
    ssrc: u32,
    rate: u32,
    /// Extended numbers.
    first: u64,
    highest: u64,
    received: u64,
    /// Expected and received when the last report was made.
    before: (u64, u64),
    transit: Option<u32>,
    /// The mean deviation of the transit times, in ticks × 16.
    jitter: u32,
    clock: Option<(u32, Timestamp)>,
}

impl Reception {
    /// Of a source whose first packet has this number.
    pub(crate) fn new(ssrc: u32, rate: u32, number: u16) -> Self {
        let first = (1 << 16) + u64::from(number);
        Self {
            ssrc,
            rate,
            first,
            highest: first,
            received: 0,
            before: (0, 0),
            transit: None,
            jitter: 0,
            clock: None,
        }
    }

    /// Counts a packet.
    pub(crate) fn arrived(&mut self, number: u16, time: u32, now: Timestamp) {
        let step = number.wrapping_sub(self.highest as u16) as i16;
        let number = self.highest.saturating_add_signed(step.into());
        self.highest = self.highest.max(number);
        self.first = self.first.min(number);
        self.received += 1;
        // Ticks wrap by design.
        let transit = (now.ticks(self.rate) as u32).wrapping_sub(time);
        if let Some(before) = self.transit.replace(transit) {
            let deviation = transit.wrapping_sub(before).cast_signed().unsigned_abs();
            self.jitter = self.jitter - ((self.jitter + 8) >> 4) + deviation.min(1 << 24);
        }
    }

    /// Takes the source's own report, to be answered by the next of ours.
    pub(crate) fn reported(&mut self, clock: SenderClock, now: Timestamp) {
        self.clock = Some(((clock.ntp >> 16) as u32, now));
    }

    /// Packets lost on the way so far; fewer when late ones come after all.
    pub(crate) fn lost(&self) -> u64 {
        self.expected().saturating_sub(self.received)
    }

    fn expected(&self) -> u64 {
        self.highest - self.first + 1
    }

    /// A block for the next report.
    pub(crate) fn report(&mut self, now: Timestamp) -> ReceptionReport {
        let counts = (self.expected(), self.received);
        let expected = counts.0 - self.before.0;
        let lost = expected.saturating_sub(counts.1 - self.before.1);
        self.before = counts;
        let fraction = (lost << 8).checked_div(expected).unwrap_or(0).min(255);
        let (last_sender_report, delay) = self.clock.map_or((0, 0), |(middle, at)| {
            (middle, now.since(at).as_nanos() * 65_536 / 1_000_000_000)
        });
        ReceptionReport {
            ssrc: self.ssrc,
            fraction_lost: fraction as u8,
            total_lost: self.lost().min(MOST_LOST) as u32,
            last_sequence_number: self.highest as u32,
            jitter: self.jitter >> 4,
            last_sender_report,
            delay: u32::try_from(delay).unwrap_or(u32::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_say_what_was_lost_in_all_and_since_the_last_one() {
        let mut reception = Reception::new(9, 48_000, 65_000);
        let mut number = 65_000_u16;
        for n in 0..1_000_i64 {
            if n % 4 != 3 {
                let now = Timestamp::from_millis(20 * n);
                reception.arrived(number, (n * 960) as u32, now);
            }
            number = number.wrapping_add(1);
        }
        let report = reception.report(Timestamp::ZERO);
        assert_eq!((report.total_lost, report.fraction_lost), (249, 63));
        assert_eq!(report.last_sequence_number, (1 << 16) + 65_000 + 998);
        assert_eq!((report.jitter, report.last_sender_report), (0, 0));
        assert_eq!(reception.report(Timestamp::ZERO).fraction_lost, 0);
        reception.arrived(number.wrapping_sub(1), 0, Timestamp::ZERO);
        assert_eq!(reception.lost(), 249);
    }

    #[test]
    fn the_sources_report_is_answered_with_the_time_since() {
        let mut reception = Reception::new(9, 90_000, 1);
        let clock = SenderClock {
            ssrc: 9,
            ntp: 0x1234_5678_9abc_def0,
            rtp: 0,
        };
        reception.reported(clock, Timestamp::from_millis(100));
        let report = reception.report(Timestamp::from_millis(600));
        assert_eq!(
            (report.last_sender_report, report.delay),
            (0x5678_9abc, 32_768)
        );
    }

    #[test]
    fn jitter_is_the_deviation_in_ticks() {
        let mut reception = Reception::new(9, 48_000, 1);
        for n in 0..400_i64 {
            let late = 10 * (n % 2);
            let now = Timestamp::from_millis(20 * n + late);
            reception.arrived(n as u16 + 1, (n * 960) as u32, now);
        }
        let jitter = reception.report(Timestamp::ZERO).jitter;
        assert!((470..=490).contains(&jitter), "{jitter}");
    }
}
