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
    /// The number of the next packet, of which the lowest 16 bits are sent.
    next: u64,
    /// The first number and the RTP time of the access unit of which some packets are still to come.
    pub(crate) begun: Option<(u64, u32)>,
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
            next: (seed as u16).into(),
            begun: None,
            packets: 0,
            octets: 0,
        }
    }

    /// The RTP time of a timestamp.
    fn ticks(&self, at: Timestamp) -> u32 {
        // Wraps by design: RTP times are modulo 2^32.
        (at.ticks(self.rate) as u32).wrapping_add(self.offset)
    }

    /// Counts an access unit shown at `pts` as sent; its first packet's number, and its RTP time.
    pub(crate) fn send(&mut self, unit: &Unit, pts: Timestamp) -> (u64, u32) {
        let first = self.next;
        self.next += unit.payloads.len() as u64;
        self.packets = self.packets.wrapping_add(unit.payloads.len() as u32);
        self.octets = self.octets.wrapping_add(unit.bytes() as u32);
        (first, self.ticks(pts))
    }

    /// The packets of an access unit shown at `pts`.
    pub(crate) fn packets<'a>(
        &mut self,
        unit: &'a Unit,
        pts: Timestamp,
    ) -> impl Iterator<Item = Packet> + use<'a> {
        let (first, timestamp) = self.send(unit, pts);
        let (payload_type, ssrc) = (self.payload_type, self.ssrc);
        (first..)
            .zip(unit.payloads.iter().enumerate())
            .map(move |(number, (place, payload))| Packet {
                header: Header {
                    version: 2,
                    marker: unit.marks(place),
                    payload_type,
                    sequence_number: number as u16,
                    timestamp,
                    ssrc,
                    ..Header::default()
                },
                payload: payload.clone(),
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

/// The canonical name of whoever has this name (RFC 3550, section 6.5.1), in such a length that a description of a
/// source needs no padding: where it needs some the stack writes how much, and not the nulls that section 6.5
/// asks for, and peers that look throw the whole report away.
pub(crate) fn cname(name: &str) -> String {
    let mut cname = name.to_owned();
    while cname.len() % 4 != 1 {
        cname.push('-');
    }
    cname
}

/// Whose a source is (RFC 3550, section 6.5.1). Takes what [`cname`] gives.
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
    use rtc::shared::marshal::Marshal;

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

    /// RFC 3550, section 6.5: behind the last item there are nulls, one at least, up to the next word.
    #[test]
    fn a_description_ends_in_nulls() {
        for length in 1..20 {
            let cname = Bytes::from(cname(&"x".repeat(length)));
            let bytes = description(7, &cname).marshal().unwrap();
            assert!(bytes.len().is_multiple_of(4) && bytes[9] as usize == cname.len());
            let rest = &bytes[10 + cname.len()..];
            assert!(
                !rest.is_empty() && rest.iter().all(|b| *b == 0),
                "{bytes:?}"
            );
        }
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
