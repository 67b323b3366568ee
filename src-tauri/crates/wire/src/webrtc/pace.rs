//! How fast a viewer gets much at once: a large keyframe, or the newest pictures when it joins.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use media::Timestamp;

use super::payload::Unit;

/// Payloads of pictures that a viewer gets at most before it may read. The buffer that a receiver has by default on Linux
/// holds some ninety datagrams; browsers ask for ten times as much, others do not. It is also about what one system call
/// takes.
pub(crate) const TURN: usize = 48;

/// The time until it gets more: some 450 Mbit/s.
pub(crate) const PAUSE: Duration = Duration::from_millis(1);

/// Pictures that wait at most; with more the channel has a rate that no pause does justice to.
const MOST: usize = 64;

/// The pictures that one viewer has still to get, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    waiting: VecDeque<(Arc<Unit>, Timestamp)>,
    /// Payloads of the oldest that have gone.
    gone: usize,
    /// When the latest turn began, and what it had.
    turn: Timestamp,
    used: usize,
    /// What waits began with the pictures that it joined with.
    joining: bool,
}

/// Payloads of a picture whose turn it is.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) unit: Arc<Unit>,
    /// When it is shown.
    pub(crate) pts: Timestamp,
    pub(crate) payloads: Range<usize>,
}

impl Pace {
    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether a picture of so many payloads goes out `now`, whole and without having waited.
    pub(crate) fn passes(&mut self, payloads: usize, now: Timestamp) -> bool {
        let passes = self.waiting.is_empty() && payloads <= self.room(now);
        if passes {
            self.used += payloads;
        }
        passes
    }

    /// How many payloads may go out `now`.
    fn room(&mut self, now: Timestamp) -> usize {
        if now >= self.turn + PAUSE {
            self.turn = now;
            self.used = 0;
        }
        TURN - self.used.min(TURN)
    }

    /// Takes a picture, behind all that wait.
    pub(crate) fn push(&mut self, unit: &Arc<Unit>, pts: Timestamp) {
        self.waiting.push_back((Arc::clone(unit), pts));
    }

    /// Takes what waits for the pictures that it joins with.
    pub(crate) fn join(&mut self) {
        self.joining = !self.waiting.is_empty();
    }

    /// Whether it has still to catch up with those who were there before.
    pub(crate) fn joins(&self) -> bool {
        self.joining
    }

    /// What goes out `now`, until there is nothing.
    pub(crate) fn next(&mut self, now: Timestamp) -> Option<Run> {
        let room = match self.room(now) {
            _ if self.waiting.len() > MOST => usize::MAX,
            0 => return None,
            room => room,
        };
        let (unit, pts) = self.waiting.front()?;
        let (unit, pts, count) = (Arc::clone(unit), *pts, unit.payloads.len());
        let payloads = self.gone..count.min(self.gone.saturating_add(room));
        self.used = self.used.saturating_add(payloads.len());
        self.gone = payloads.end;
        if self.gone == count {
            self.waiting.pop_front();
            self.gone = 0;
            self.joining &= !self.waiting.is_empty();
        }
        Some(Run {
            unit,
            pts,
            payloads,
        })
    }

    /// When more goes out; `None` where nothing waits.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        (!self.waiting.is_empty()).then(|| self.turn + PAUSE)
    }

    /// Forgets what waits: it has nowhere to go.
    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
        self.gone = 0;
        self.joining = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use media::Kind;

    fn unit(payloads: usize) -> Arc<Unit> {
        Arc::new(Unit {
            kind: Kind::Video,
            pts: Timestamp::ZERO,
            keyframe: true,
            payloads: vec![Bytes::from_static(b"a slice"); payloads],
        })
    }

    fn at(micros: u64) -> Timestamp {
        Timestamp::from_millis(5_000) + Duration::from_micros(micros)
    }

    /// The first payload that goes out at a time and the first that does not, picture by picture.
    fn goes(pace: &mut Pace, now: Timestamp) -> Vec<(usize, usize)> {
        let mut runs = Vec::new();
        while let Some(run) = pace.next(now) {
            runs.push((run.payloads.start, run.payloads.end));
        }
        runs
    }

    #[test]
    fn what_fits_goes_at_once_and_the_rest_turn_by_turn() {
        let mut pace = Pace::default();
        for size in [10, 30] {
            pace.push(&unit(size), at(0));
        }
        assert_eq!(goes(&mut pace, at(0)), [(0, 10), (0, 30)]);
        assert_eq!(pace.due(), None);

        // Within the same turn eight are left, and what comes behind stays behind.
        assert!(!pace.passes(100, at(200)));
        pace.push(&unit(100), at(0));
        assert_eq!(goes(&mut pace, at(200)), [(0, 8)]);
        pace.push(&unit(5), at(0));
        assert_eq!(goes(&mut pace, at(999)), []);
        assert_eq!(pace.due(), Some(at(1_000)));
        assert_eq!(goes(&mut pace, at(1_000)), [(8, 56)]);
        // A turn that is late makes none of the next ones longer.
        assert_eq!(goes(&mut pace, at(9_000)), [(56, 100), (0, 4)]);
        assert_eq!(pace.due(), Some(at(10_000)));
        assert_eq!(goes(&mut pace, at(10_000)), [(4, 5)]);
        assert!(pace.is_empty() && pace.due().is_none());

        // A small one passes as long as there is room, and where nothing waits.
        let pass = |pace: &mut Pace, count, micros| pace.passes(count, at(micros));
        assert!(pass(&mut pace, 40, 10_500) && pass(&mut pace, 7, 10_600));
        assert!(!pass(&mut pace, 1, 10_999) && pass(&mut pace, 48, 11_000));
        pace.push(&unit(1), at(0));
        assert!(!pass(&mut pace, 1, 20_000));
    }

    #[test]
    fn a_channel_faster_than_the_pace_is_not_held_back_without_end() {
        let mut pace = Pace::default();
        for _ in 0..=MOST {
            pace.push(&unit(100), at(0));
        }
        assert_eq!(goes(&mut pace, at(0)), [(0, 100)]);
        assert_eq!(pace.waiting.len(), MOST);
    }

    #[test]
    fn who_joins_catches_up_until_nothing_waits() {
        let mut pace = Pace::default();
        pace.push(&unit(40), at(0));
        goes(&mut pace, at(0));
        pace.join();
        assert!(!pace.joins(), "it got all at once");
        pace.push(&unit(100), at(0));
        pace.join();
        for (micros, joins) in [(1_000, true), (2_000, true), (3_000, false)] {
            goes(&mut pace, at(micros));
            assert_eq!(pace.joins(), joins, "{micros}");
        }
        // What waits later is late for another reason.
        pace.push(&unit(100), at(0));
        assert!(!pace.joins());
    }

    #[test]
    fn what_has_nowhere_to_go_leaves_no_trace() {
        let mut pace = Pace::default();
        pace.push(&unit(100), at(0));
        assert_eq!(goes(&mut pace, at(0)), [(0, 48)]);
        pace.clear();
        assert_eq!(pace.due(), None);
        pace.push(&unit(3), at(0));
        assert_eq!(goes(&mut pace, at(2_000)), [(0, 3)]);
    }
}
