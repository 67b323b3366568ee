//! Tells a publisher what its path carries, so that it sends as much as that and no more.
//!
//! Who counts the packets of its path hears when each of them came, and estimates by itself
//! ([`Arrivals`]: transport-wide feedback, draft-holmer-rmcat-transport-wide-cc-extensions-01). Who only
//! takes an estimate gets one ([`Estimate`]: REMB, draft-alvestrand-rmcat-remb-03).

use std::collections::BTreeMap;
use std::time::Duration;

use media::Timestamp;

/// How often arrivals are reported; the less often, the later the far end sees a queue grow.
const INTERVAL: Duration = Duration::from_millis(50);

/// Arrival times are told in units of 250 µs, and begin at a multiple of 256 of them.
const UNIT: i64 = 250_000;
const REFERENCE: i64 = 256;

/// Packets told of in one report.
const MOST: u64 = 1_024;

/// Packets counted ahead of the newest one beyond which the far end has begun anew.
const JUMP: u64 = 10_000;

const RTPFB: u8 = 205;
const FORMAT: u8 = 15;

/// When the packets of a path came.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    newest: Option<u64>,
    /// The first packet that has not been reported on.
    next: u64,
    /// Number and time, in units, of those that came since.
    came: BTreeMap<u64, i64>,
    reports: u8,
    due: Option<Timestamp>,
}

impl Arrivals {
    /// Takes the number that a packet carries.
    pub(crate) fn arrived(&mut self, number: u16, now: Timestamp) {
        let number = match self.newest {
            // Unrolled well above nought, so that what the first one overtook counts.
            None => (1 << 16) + u64::from(number),
            Some(newest) => {
                let step = number.wrapping_sub(newest as u16).cast_signed();
                newest.saturating_add_signed(step.into())
            }
        };
        let newest = self.newest.unwrap_or(number);
        if self.newest.is_none() || number.abs_diff(newest) > JUMP {
            self.came.clear();
            self.next = number;
            self.newest = Some(number);
        }
        if number < self.next {
            // Reported as missing already; what repairs do is the far end's to know.
            return;
        }
        self.newest = self.newest.max(Some(number));
        self.came
            .entry(number)
            .or_insert_with(|| now.nanos() / UNIT);
        self.due.get_or_insert(now + INTERVAL);
    }

    /// When a report is due.
    pub(crate) fn deadline(&self) -> Option<Timestamp> {
        self.due
    }

    /// A report from `sender`, when one is due: an RTCP packet, whole.
    pub(crate) fn report(&mut self, now: Timestamp, sender: u32, media: u32) -> Option<Vec<u8>> {
        self.due.filter(|at| *at <= now)?;
        let (&first, &began) = self.came.first_key_value()?;
        let (&last, _) = self.came.last_key_value()?;
        let base = if last - self.next >= MOST {
            first
        } else {
            self.next
        };
        let reference = began.div_euclid(REFERENCE);
        let mut before = reference * REFERENCE;
        let (mut symbols, mut deltas) = (Vec::new(), Vec::new());
        for number in base..=last.min(base + MOST - 1) {
            let Some(at) = self.came.get(&number) else {
                symbols.push(Symbol::Missing);
                continue;
            };
            let delta = at - before;
            if let Ok(small) = u8::try_from(delta) {
                symbols.push(Symbol::Small);
                deltas.push(small);
            } else if let Ok(large) = i16::try_from(delta) {
                symbols.push(Symbol::Large);
                deltas.extend(large.to_be_bytes());
            } else {
                // Too long after the one before: for a report of its own.
                break;
            }
            before = *at;
        }
        self.next = base + symbols.len() as u64;
        self.came = self.came.split_off(&self.next);
        self.due = (!self.came.is_empty()).then_some(now);
        let count = u16::try_from(symbols.len()).ok()?;
        let mut out = vec![2 << 6 | FORMAT, RTPFB, 0, 0];
        out.extend(sender.to_be_bytes());
        out.extend(media.to_be_bytes());
        out.extend((base as u16).to_be_bytes());
        out.extend(count.to_be_bytes());
        out.extend(&(reference as u32).to_be_bytes()[1..]);
        out.push(self.reports);
        self.reports = self.reports.wrapping_add(1);
        chunks(&symbols, &mut out);
        out.extend(deltas);
        pad(&mut out);
        Some(out)
    }
}

/// What is said of a packet, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Symbol {
    Missing = 0,
    /// It came up to 64 ms after the one before.
    Small = 1,
    Large = 2,
}

/// Symbols of one chunk that names each of them.
const EACH: usize = 7;

/// Most symbols of one chunk that names one for all.
const ALIKE: usize = (1 << 13) - 1;

fn chunks(mut symbols: &[Symbol], out: &mut Vec<u8>) {
    while let Some(first) = symbols.first() {
        let alike = symbols.iter().take_while(|s| *s == first).count();
        let (chunk, told) = if alike > EACH || alike == symbols.len() {
            let told = alike.min(ALIKE);
            ((*first as u16) << 13 | told as u16, told)
        } else {
            let told = symbols.len().min(EACH);
            let places = symbols.iter().take(told).zip((0..EACH).rev());
            let bits = places.fold(0b11 << 14, |bits, (symbol, place)| {
                bits | (*symbol as u16) << (2 * place)
            });
            (bits, told)
        };
        out.extend(chunk.to_be_bytes());
        symbols = &symbols[told..];
    }
}

/// Fills up to whole words and writes the length (RFC 3550, section 6.4.1).
fn pad(out: &mut Vec<u8>) {
    let padding = out.len().next_multiple_of(4) - out.len();
    if padding > 0 {
        out[0] |= 1 << 5;
        out.resize(out.len() + padding - 1, 0);
        out.push(padding as u8);
    }
    let words = (out.len() / 4 - 1) as u16;
    out[2..4].copy_from_slice(&words.to_be_bytes());
}

/// Bits per second that are never gone below, and never beyond.
const LEAST: f32 = 100_000.0;
const HIGHEST: f32 = 30_000_000.0;

/// An estimate of what the path carries, by what comes and what is lost: the loss-based half of Google's
/// congestion control (draft-ietf-rmcat-gcc-02, section 6).
#[derive(Debug)]
pub(crate) struct Estimate {
    bitrate: f32,
}

impl Default for Estimate {
    fn default() -> Self {
        Self {
            bitrate: 1_000_000.0,
        }
    }
}

impl Estimate {
    /// Follows what came in a second: bits, and the share that was lost, of 256. Bits per second.
    pub(crate) fn update(&mut self, bits: f32, lost: u8) -> f32 {
        let lost = f32::from(lost) / 256.0;
        if lost > 0.1 {
            self.bitrate *= 1.0 - 0.5 * lost;
        } else if lost < 0.02 {
            // Who sends less than the path carries shows nothing of it: room for half as much again.
            let room = (1.5 * bits).max(self.bitrate);
            self.bitrate = room.min(1.25 * self.bitrate);
        }
        self.bitrate = self.bitrate.clamp(LEAST, HIGHEST);
        self.bitrate
    }
}

#[cfg(test)]
mod tests {
    use rtc::rtcp::transport_feedbacks::transport_layer_cc::{
        PacketStatusChunk, SymbolTypeTcc, TransportLayerCc,
    };
    use rtc::shared::marshal::Unmarshal;

    use super::*;

    /// What a report says, as others read it: numbers and times in µs, the missing ones without.
    fn read(report: &[u8]) -> Vec<(u16, Option<i64>)> {
        let mut bytes = report;
        let read = TransportLayerCc::unmarshal(&mut bytes).unwrap();
        let mut symbols = Vec::new();
        for chunk in &read.packet_chunks {
            match chunk {
                PacketStatusChunk::RunLengthChunk(chunk) => {
                    symbols.extend((0..chunk.run_length).map(|_| chunk.packet_status_symbol))
                }
                PacketStatusChunk::StatusVectorChunk(chunk) => {
                    symbols.extend(chunk.symbol_list.iter().copied());
                }
            }
        }
        let mut at = i64::from(read.reference_time) * 64_000;
        let mut deltas = read.recv_deltas.iter();
        let told = symbols.iter().take(read.packet_status_count.into());
        told.zip(0_u16..)
            .map(|(symbol, n)| {
                let came = *symbol != SymbolTypeTcc::PacketNotReceived;
                let time = came.then(|| {
                    at += deltas.next().unwrap().delta;
                    at
                });
                (read.base_sequence_number.wrapping_add(n), time)
            })
            .collect()
    }

    fn millis(at: i64) -> Timestamp {
        Timestamp::from_millis(at)
    }

    #[test]
    fn what_came_and_when_is_read_by_others_as_it_was() {
        let mut arrivals = Arrivals::default();
        let mut expect = Vec::new();
        let mut number = 65_500_u16;
        for n in 0..120_i64 {
            let at = 1_000_000 + n * 3 + if n > 90 { 500 } else { 0 };
            let missing = n % 11 == 5 || (40..60).contains(&n);
            if !missing {
                arrivals.arrived(number, millis(at));
            }
            expect.push((number, (!missing).then_some(at * 1_000)));
            number = number.wrapping_add(1);
        }
        assert_eq!(arrivals.deadline(), Some(millis(1_000_050)));
        assert!(arrivals.report(millis(1_000_049), 1, 2).is_none());
        let report = arrivals.report(millis(1_000_999), 1, 2).unwrap();
        assert_eq!(report.len() % 4, 0);
        let told = read(&report);
        assert_eq!(told.len(), expect.len());
        for (told, expect) in told.iter().zip(&expect) {
            assert_eq!(told, expect);
        }
        assert!(arrivals.deadline().is_none(), "all told");
        // What comes late has been told of; what comes next goes on where that ended.
        arrivals.arrived(65_505, millis(1_001_000));
        assert!(arrivals.deadline().is_none());
        arrivals.arrived(number.wrapping_add(1), millis(1_001_000));
        let report = arrivals.report(millis(1_001_050), 1, 2).unwrap();
        let told = read(&report);
        assert_eq!(told[0], (number, None));
        assert_eq!(told[1].1, Some(1_001_000_000));
    }

    #[test]
    fn long_silences_and_jumps_of_the_numbers_are_reports_of_their_own() {
        let mut arrivals = Arrivals::default();
        arrivals.arrived(1, millis(0));
        arrivals.arrived(2, millis(20_000));
        let now = millis(20_100);
        assert_eq!(read(&arrivals.report(now, 1, 2).unwrap()).len(), 1);
        assert_eq!(
            read(&arrivals.report(now, 1, 2).unwrap()),
            [(2, Some(20_000_000))]
        );
        arrivals.arrived(30_000, now);
        arrivals.arrived(31_500, now);
        let told = read(&arrivals.report(now + INTERVAL, 1, 2).unwrap());
        assert_eq!((told[0].0, told.len()), (30_000, 1_024));
        let told = read(&arrivals.report(now + INTERVAL, 1, 2).unwrap());
        assert_eq!(told.last(), Some(&(31_500, Some(20_100_000))));
    }

    #[test]
    fn an_estimate_grows_with_what_comes_and_falls_with_what_is_lost() {
        let mut estimate = Estimate::default();
        let mut bitrate = 1_000_000.0;
        for _ in 0..10 {
            bitrate = estimate.update(bitrate, 0);
        }
        assert!(bitrate > 5_000_000.0, "{bitrate}");
        let before = bitrate;
        assert_eq!(
            estimate.update(bitrate, 12),
            before,
            "a little is no congestion"
        );
        bitrate = estimate.update(bitrate, 128);
        assert_eq!(bitrate, before * 0.75);
        for _ in 0..100 {
            bitrate = estimate.update(0.0, 255);
        }
        assert_eq!(bitrate, LEAST);
    }
}
