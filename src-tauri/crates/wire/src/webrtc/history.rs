//! What has been sent of a picture, to be sent again when it was lost on the way.

use std::collections::VecDeque;
use std::sync::Arc;

use super::payload::Unit;

/// Packets kept at least as long as they can be asked for; four seconds of a 2.5 Mbit/s picture.
const MOST_PACKETS: u64 = 1_024;

/// Pictures kept, however small: four seconds.
const MOST_UNITS: usize = 128;

/// Repairs that may follow each other without pause.
const BURST: f32 = 256.0;

/// Repairs for each packet sent: beyond every third packet a path is not repaired but overrun.
const SHARE: f32 = 0.5;

/// An access unit as one viewer got it. What is in it is shared by all viewers.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// The number of its first packet in the stream.
    pub(crate) first: u64,
    pub(crate) time: u32,
    pub(crate) unit: Arc<Unit>,
}

/// The newest packets of a stream.
#[derive(Debug)]
pub(crate) struct History {
    sent: VecDeque<Sent>,
    next: u64,
    credit: f32,
}

impl Default for History {
    fn default() -> Self {
        Self {
            sent: VecDeque::new(),
            next: 0,
            credit: BURST,
        }
    }
}

impl History {
    /// Remembers what was sent last.
    pub(crate) fn push(&mut self, sent: Sent) {
        let count = sent.unit.payloads.len();
        self.next = sent.first + count as u64;
        self.credit = (self.credit + SHARE * count as f32).min(BURST);
        self.sent.push_back(sent);
        let oldest = self.next.saturating_sub(MOST_PACKETS);
        while self.sent.len() > MOST_UNITS || self.sent.front().is_some_and(|s| s.first < oldest) {
            self.sent.pop_front();
        }
    }

    /// The packet that went out under this number: its unit, and its place in it. `None` when it is
    /// long gone, was never sent, or too much is asked for.
    pub(crate) fn find(&mut self, number: u16) -> Option<(Sent, usize)> {
        let newest = self.next.checked_sub(1)?;
        let back = (newest as u16).wrapping_sub(number);
        let index = newest.checked_sub(back.into())?;
        let after = self.sent.partition_point(|s| s.first <= index);
        let sent = self.sent.get(after.checked_sub(1)?)?;
        let place = usize::try_from(index - sent.first).ok()?;
        if place >= sent.unit.payloads.len() || self.credit < 1.0 {
            return None;
        }
        self.credit -= 1.0;
        Some((sent.clone(), place))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use media::{Kind, Timestamp};

    use super::*;

    fn unit(packets: usize) -> Arc<Unit> {
        Arc::new(Unit {
            kind: Kind::Video,
            pts: Timestamp::ZERO,
            keyframe: false,
            payloads: vec![Bytes::from_static(b"x"); packets],
        })
    }

    fn filled(from: u64, units: u64) -> History {
        let mut history = History::default();
        for n in 0..units {
            history.push(Sent {
                first: from + 10 * n,
                time: n as u32,
                unit: unit(10),
            });
        }
        history
    }

    #[test]
    fn packets_are_found_by_the_number_they_went_under() {
        let mut history = filled(65_500, 20);
        for (number, expect) in [
            (65_500, Some((0, 0))),
            (65_535, Some((3, 5))),
            (0, Some((3, 6))),
            (163, Some((19, 9))),
            (164, None),
            (65_499, None),
            (30_000, None),
        ] {
            let found = history.find(number).map(|(sent, place)| (sent.time, place));
            assert_eq!(found, expect, "{number}");
        }
        assert!(History::default().find(0).is_none());
    }

    #[test]
    fn what_is_kept_and_what_is_repaired_have_bounds() {
        let mut history = filled(0, 500);
        assert!(history.sent.len() <= 103, "{}", history.sent.len());
        assert!(history.find(10).is_none(), "long gone");
        let repaired = (0..10_000)
            .filter(|_| history.find(4_999).is_some())
            .count();
        assert_eq!(repaired, BURST as usize);
        history.push(Sent {
            first: 5_000,
            time: 0,
            unit: unit(10),
        });
        let repaired = (0..100).filter(|_| history.find(5_000).is_some()).count();
        assert_eq!(repaired, 5);
    }
}
