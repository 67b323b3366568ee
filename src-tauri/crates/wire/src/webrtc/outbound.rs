//! One RTP stream that leaves: its numbering, its clock and its reports.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use media::{Clock, Timestamp};
use rtc::rtcp::sender_report::SenderReport;
use rtc::rtcp::source_description::{
    SdesType, SourceDescription, SourceDescriptionChunk, SourceDescriptionItem,
};
use rtc::rtp::{Packet, header::Header};

use super::payload::Unit;

/// Seconds from 1900 (NTP) to 1970 (Unix).
const NTP_OFFSET: u64 = 2_208_988_800;

/// How often sender reports go out.
pub(crate) const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// An outgoing stream (RFC 3550): numbers are continuous whatever the source left out, times keep
/// one offset to the house's time, and reports map both to the time of day in the same way for
/// every stream, so that the far end can put sound and picture together.
#[derive(Clone, Debug)]
pub(crate) struct Outbound {
    pub(crate) ssrc: u32,
    pub(crate) payload_type: u8,
    rate: u32,
    offset: u32,
    sequence: u16,
    packets: u32,
    octets: u32,
}

impl Outbound {
    /// A stream of `rate` ticks per second. Numbers and times begin anywhere (RFC 3550, section 5.1).
    pub(crate) fn new(ssrc: u32, payload_type: u8, rate: u32, seed: u64) -> Self {
        Self {
            ssrc,
            payload_type,
            rate,
            offset: (seed >> 16) as u32,
            sequence: seed as u16,
            packets: 0,
            octets: 0,
        }
    }

    /// The RTP time of a timestamp.
    fn ticks(&self, at: Timestamp) -> u32 {
        // Wraps by design: RTP times are modulo 2^32.
        (at.ticks(self.rate) as u32).wrapping_add(self.offset)
    }

    /// The packets of an access unit shown at `pts`. The last one of a picture is marked
    /// (RFC 6184, section 5.1); sound is never (RFC 7587, section 4.1: no discontinuous sending).
    pub(crate) fn packets(&mut self, unit: &Unit, pts: Timestamp) -> impl Iterator<Item = Packet> {
        let timestamp = self.ticks(pts);
        let video = unit.kind == media::Kind::Video;
        let last = unit.payloads.len().saturating_sub(1);
        unit.payloads
            .iter()
            .enumerate()
            .map(move |(index, payload)| {
                let sequence_number = self.sequence;
                self.sequence = self.sequence.wrapping_add(1);
                self.packets = self.packets.wrapping_add(1);
                self.octets = self.octets.wrapping_add(payload.len() as u32);
                Packet {
                    header: Header {
                        version: 2,
                        marker: video && index == last,
                        payload_type: self.payload_type,
                        sequence_number,
                        timestamp,
                        ssrc: self.ssrc,
                        ..Header::default()
                    },
                    payload: payload.clone(),
                }
            })
    }

    /// A compound report (RFC 3550, sections 6.4.1 and 6.5): where this stream stands at `now`.
    pub(crate) fn report(
        &self,
        clock: &Clock,
        now: Timestamp,
        cname: &Bytes,
    ) -> Vec<Box<dyn rtc::rtcp::Packet>> {
        vec![
            Box::new(SenderReport {
                ssrc: self.ssrc,
                ntp_time: ntp(clock, now),
                rtp_time: self.ticks(now),
                packet_count: self.packets,
                octet_count: self.octets,
                ..SenderReport::default()
            }),
            Box::new(description(self.ssrc, cname)),
        ]
    }
}

/// Whose a source is (RFC 3550, section 6.5.1).
pub(crate) fn description(ssrc: u32, cname: &Bytes) -> SourceDescription {
    SourceDescription {
        chunks: vec![SourceDescriptionChunk {
            source: ssrc,
            items: vec![SourceDescriptionItem {
                sdes_type: SdesType::SdesCname,
                text: cname.clone(),
            }],
        }],
    }
}

/// The time of day in NTP's form: seconds since 1900, 32.32 bits (RFC 3550, section 4).
fn ntp(clock: &Clock, at: Timestamp) -> u64 {
    let since = clock
        .wall(at)
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let fraction = (u64::from(since.subsec_nanos()) << 32) / 1_000_000_000;
    ((since.as_secs() + NTP_OFFSET) << 32) | fraction
}

/// The round trip that a reception report at `now` shows (RFC 3550, section 6.4.1).
pub(crate) fn round_trip(
    clock: &Clock,
    now: Timestamp,
    last_report: u32,
    delay: u32,
) -> Option<Duration> {
    if last_report == 0 {
        return None;
    }
    let middle = (ntp(clock, now) >> 16) as u32;
    let units = middle.wrapping_sub(last_report).wrapping_sub(delay);
    // More than half the range is a clock that ran backwards by rounding.
    let units = if units > u32::MAX / 2 { 0 } else { units };
    Some(Duration::from_nanos(
        u64::from(units) * 1_000_000_000 / 65_536,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_round_trip_is_what_is_left_of_the_time_between() {
        let clock = Clock::start();
        let sent = Timestamp::from_millis(1_000);
        let last_report = (ntp(&clock, sent) >> 16) as u32;
        let held = 65_536 / 10;
        let now = Timestamp::from_millis(1_150);
        let trip = round_trip(&clock, now, last_report, held).unwrap();
        assert!((49..=51).contains(&trip.as_millis()), "{trip:?}");
        assert_eq!(round_trip(&clock, now, 0, 0), None);
        let backwards = round_trip(&clock, sent, last_report, held);
        assert_eq!(backwards, Some(Duration::ZERO));
    }

    #[test]
    fn both_streams_of_a_session_map_to_the_same_time_of_day() {
        let clock = Clock::start();
        let at = Timestamp::from_millis(20_000);
        for rate in [90_000, 48_000] {
            let stream = Outbound::new(1, 96, rate, 0x1234_5678_9abc);
            let report = stream.report(&clock, at, &Bytes::from_static(b"k"));
            let report = report[0].as_any().downcast_ref::<SenderReport>().unwrap();
            assert_eq!(report.rtp_time.wrapping_sub(stream.offset), rate * 20);
            assert_eq!(report.ntp_time, ntp(&clock, at));
        }
    }
}
