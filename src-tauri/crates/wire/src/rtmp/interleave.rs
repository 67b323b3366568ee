//! Packets of several tracks in the order of their decode times.
//!
//! Encoders finish at their own pace, so sound and picture of one moment reach the hub a little
//! apart; RTMP wants its timestamps never to go back. A packet waits until every track has one
//! waiting, though no longer than [`PATIENCE`] of media: a track that pauses holds up nothing.

use std::collections::VecDeque;
use std::time::Duration;

use media::{Packet, Timestamp, TrackId};

/// How far the newest packet may be ahead of the oldest before that one goes.
const PATIENCE: Duration = Duration::from_millis(250);

/// No more than this many packets wait, whatever their times say.
const CAPACITY: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct Interleave {
    lanes: Vec<Lane>,
    /// Decode time of the newest packet given out.
    passed: Option<Timestamp>,
}

#[derive(Debug)]
struct Lane {
    track: TrackId,
    waiting: VecDeque<Packet>,
}

impl Interleave {
    /// For packets of these tracks.
    pub(crate) fn new(tracks: impl IntoIterator<Item = TrackId>) -> Self {
        let lane = |track| Lane {
            track,
            waiting: VecDeque::new(),
        };
        Self {
            lanes: tracks.into_iter().map(lane).collect(),
            passed: None,
        }
    }

    /// Takes a packet; those of other tracks are dropped.
    pub(crate) fn push(&mut self, packet: Packet) {
        if let Some(lane) = self.lanes.iter_mut().find(|l| l.track == packet.track) {
            lane.waiting.push_back(packet);
        }
    }

    /// The next packet in order, if none that belongs before it can still come. One that is late
    /// beyond patience comes out of order; its decode time is then that of the packet before.
    pub(crate) fn pop(&mut self) -> Option<Packet> {
        let newest = self
            .lanes
            .iter()
            .filter_map(|l| l.waiting.back())
            .map(|p| p.dts)
            .max()?;
        let waiting: usize = self.lanes.iter().map(|l| l.waiting.len()).sum();
        let all_wait = self.lanes.iter().all(|l| !l.waiting.is_empty());
        let lane = self
            .lanes
            .iter()
            .filter(|l| !l.waiting.is_empty())
            .min_by_key(|l| l.waiting.front().map(|p| p.dts))?;
        let (track, oldest) = (lane.track, lane.waiting.front()?.dts);
        if !all_wait && newest.since(oldest) <= PATIENCE && waiting <= CAPACITY {
            return None;
        }
        self.give(track)
    }

    /// Everything that still waits, in order, for the end.
    pub(crate) fn flush(&mut self) -> Vec<Packet> {
        let mut packets = Vec::new();
        while let Some(track) = self
            .lanes
            .iter()
            .filter_map(|l| Some((l.waiting.front()?.dts, l.track)))
            .min()
            .map(|(_, track)| track)
        {
            packets.extend(self.give(track));
        }
        packets
    }

    fn give(&mut self, track: TrackId) -> Option<Packet> {
        let lane = self.lanes.iter_mut().find(|l| l.track == track)?;
        let mut packet = lane.waiting.pop_front()?;
        if let Some(passed) = self.passed {
            packet.dts = packet.dts.max(passed);
        }
        self.passed = Some(packet.dts);
        Some(packet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn packet(track: u8, millis: i64) -> Packet {
        Packet {
            track: TrackId(track),
            pts: Timestamp::from_millis(millis),
            dts: Timestamp::from_millis(millis),
            keyframe: true,
            data: Bytes::new(),
        }
    }

    /// `(track, ms)` as they arrive → as they leave, and what is left at the end.
    fn check(tracks: &[u8], arriving: &[(u8, i64)], leaving: &[(u8, i64)], left: &[(u8, i64)]) {
        let mut interleave = Interleave::new(tracks.iter().map(|t| TrackId(*t)));
        let mut left_with = Vec::new();
        for (track, millis) in arriving {
            interleave.push(packet(*track, *millis));
            while let Some(packet) = interleave.pop() {
                left_with.push((packet.track.0, packet.dts.millis()));
            }
        }
        assert_eq!(left_with, leaving);
        let rest: Vec<_> = interleave
            .flush()
            .into_iter()
            .map(|p| (p.track.0, p.dts.millis()))
            .collect();
        assert_eq!(rest, left);
    }

    #[test]
    fn order_of_leaving() {
        // One track: at once.
        check(&[0], &[(0, 0), (0, 33)], &[(0, 0), (0, 33)], &[]);
        // Sound ahead of the picture waits for it.
        check(
            &[0, 1],
            &[(1, 0), (1, 21), (0, 0), (1, 42), (0, 33)],
            &[(0, 0), (1, 0), (1, 21), (0, 33)],
            &[(1, 42)],
        );
        // A picture that pauses holds up the sound for a quarter of a second of it.
        check(
            &[0, 1],
            &[(0, 0), (1, 0), (1, 100), (1, 200), (1, 300), (1, 400)],
            &[(0, 0), (1, 0), (1, 100)],
            &[(1, 200), (1, 300), (1, 400)],
        );
        // What is later than that never goes back in time.
        check(
            &[0, 1],
            &[(1, 0), (1, 300), (0, 10), (0, 400)],
            &[(1, 0), (0, 10), (1, 300)],
            &[(0, 400)],
        );
        check(
            &[0, 1],
            &[(1, 0), (1, 300), (1, 600), (0, 10), (0, 700)],
            &[(1, 0), (1, 300), (0, 300), (1, 600)],
            &[(0, 700)],
        );
        // A track that was not announced.
        check(&[0], &[(5, 0), (0, 1)], &[(0, 1)], &[]);
    }

    #[test]
    fn equal_times_do_not_pile_up() {
        let mut interleave = Interleave::new([TrackId(0), TrackId(1)]);
        for _ in 0..1_000 {
            interleave.push(packet(0, 0));
            while interleave.pop().is_some() {}
        }
        assert!(interleave.flush().len() <= CAPACITY);
    }
}
