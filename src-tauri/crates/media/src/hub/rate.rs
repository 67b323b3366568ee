//! What the tracks of a channel carry, as it is written.

use std::time::Duration;

use crate::{Packet, Timestamp, TrackId};

/// How long is counted before a rate is said anew.
const WINDOW: Duration = Duration::from_secs(2);

/// Tracks that are counted; a channel has two, and their twins.
const MOST: usize = 8;

/// Bits per second, track by track, over the last whole window.
#[derive(Debug, Default)]
pub(super) struct Rates(Vec<Rate>);

#[derive(Debug)]
struct Rate {
    track: TrackId,
    began: Timestamp,
    bytes: u64,
    said: u32,
}

impl Rates {
    /// Counts a packet by when it is to be decoded.
    pub(super) fn count(&mut self, packet: &Packet) {
        let bytes = packet.data.len() as u64;
        let Some(rate) = self.0.iter_mut().find(|r| r.track == packet.track) else {
            if self.0.len() < MOST {
                self.0.push(Rate {
                    track: packet.track,
                    began: packet.dts,
                    bytes,
                    said: 0,
                });
            }
            return;
        };
        let passed = packet.dts.since(rate.began);
        if packet.dts < rate.began {
            // Its times have jumped back.
            rate.began = packet.dts;
            rate.bytes = 0;
        } else if passed >= WINDOW {
            let bits = rate.bytes as f64 * 8.0 / passed.as_secs_f64();
            rate.said = bits.min(f64::from(u32::MAX)) as u32;
            rate.began = packet.dts;
            rate.bytes = 0;
        }
        rate.bytes += bytes;
    }

    /// Bits per second; 0 while that is not known yet.
    pub(super) fn of(&self, track: TrackId) -> u32 {
        let rate = self.0.iter().find(|r| r.track == track);
        rate.map_or(0, |r| r.said)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn packet(track: u8, at: i64, bytes: usize) -> Packet {
        let at = Timestamp::from_millis(at);
        Packet {
            track: TrackId(track),
            pts: at,
            dts: at,
            keyframe: true,
            data: Bytes::from(vec![0; bytes]),
        }
    }

    #[test]
    fn each_track_has_its_own_rate_and_jumps_do_not_count() {
        let mut rates = Rates::default();
        for n in 0..101 {
            rates.count(&packet(0, 40 * n, 5_000));
            rates.count(&packet(1, 40 * n, 160));
        }
        assert_eq!(
            (rates.of(TrackId(0)), rates.of(TrackId(1))),
            (1_000_000, 32_000)
        );
        assert_eq!(rates.of(TrackId(2)), 0);
        rates.count(&packet(0, 10, 5_000));
        assert_eq!(rates.of(TrackId(0)), 1_000_000, "as it was last known");
        for n in 0..51 {
            rates.count(&packet(0, 40 * n, 2_500));
        }
        assert!((400_000..=520_000).contains(&rates.of(TrackId(0))));
    }
}
