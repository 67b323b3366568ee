//! Packets of one source in the order of their numbers, and which ones to ask for again.

use std::collections::BTreeMap;
use std::time::Duration;

use media::Timestamp;

/// A step of the numbers beyond this is a source that began anew (RFC 3550, appendix A.1:
/// `MAX_DROPOUT`), not loss that could be repaired.
const MAX_STEP: u64 = 1_000;

/// Packets held back for a missing one: more than a second of picture at high bitrates.
const MAX_HELD: usize = 2_048;

/// Numbers between the packet that goes out next and the newest one.
const MAX_SPAN: u64 = 4_096;

/// How long a packet may be late by itself before it is asked for.
const TOLERANCE: Duration = Duration::from_millis(5);

/// How long the first packet waits for those that it overtook: without its beginning the first keyframe
/// is lost.
const BEGINNING: Duration = Duration::from_millis(10);

/// How often a missing packet is asked for (generic NACK, RFC 4585, section 6.2.1).
const ASK_INTERVAL: Duration = Duration::from_millis(25);

/// Requests for one packet: a far end that no longer has it is not asked forever.
const MOST_REQUESTS: u8 = 3;

/// What comes out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next<T> {
    /// The next packet.
    Packet(T),
    /// This many packets will not come.
    Gap(u64),
}

/// A buffer that is empty while nothing is missing.
///
/// The stack has a generator of requests as well; it hears retransmissions under a source of their own
/// (RFC 4588), so that it asks again for what it has been given.
#[derive(Debug)]
pub(crate) struct Reorder<T> {
    patience: Duration,
    /// The extended number that goes out next; `None` before the first packet.
    next: Option<u64>,
    /// Until when a packet before the first may come.
    begins: Option<Timestamp>,
    highest: u64,
    held: BTreeMap<u64, T>,
    missing: BTreeMap<u64, Missing>,
}

#[derive(Clone, Copy, Debug)]
struct Missing {
    since: Timestamp,
    requests: u8,
}

impl Missing {
    /// When it is asked for next; `None` when it has been often enough.
    fn due(&self) -> Option<Timestamp> {
        (self.requests < MOST_REQUESTS)
            .then(|| self.since + TOLERANCE + ASK_INTERVAL * u32::from(self.requests))
    }
}

impl<T> Reorder<T> {
    /// A buffer that waits so long for a missing packet.
    pub(crate) fn new(patience: Duration) -> Self {
        Self {
            patience,
            next: None,
            begins: None,
            highest: 0,
            held: BTreeMap::new(),
            missing: BTreeMap::new(),
        }
    }

    /// The number as it would be without wrapping, near the highest one so far.
    fn extend(&self, number: u16) -> u64 {
        let step = number.wrapping_sub(self.highest as u16) as i16;
        self.highest.saturating_add_signed(i64::from(step))
    }

    /// Takes a packet; `false` when it is a duplicate or comes too late.
    pub(crate) fn push(&mut self, number: u16, packet: T, now: Timestamp) -> bool {
        let Some(next) = self.next else {
            // One round above zero, so that what came before the first has a number as well.
            self.highest = (1 << 16) + u64::from(number);
            self.next = Some(self.highest);
            self.begins = Some(now + BEGINNING);
            self.held.insert(self.highest, packet);
            return true;
        };
        let place = self.extend(number);
        let far = place > self.highest + MAX_STEP || place + MAX_STEP < next;
        if far || place > next + MAX_SPAN {
            self.begin_anew(number, packet);
            return true;
        }
        let first = place < next && self.begins.is_some();
        if (place < next && !first) || self.held.contains_key(&place) {
            return false;
        }
        if first {
            self.next = Some(place);
        }
        let missing = if first {
            place + 1..next
        } else {
            self.highest + 1..place
        };
        for number in missing {
            let missing = Missing {
                since: now,
                requests: 0,
            };
            self.missing.insert(number, missing);
        }
        self.highest = self.highest.max(place);
        self.missing.remove(&place);
        self.held.insert(place, packet);
        true
    }

    /// Takes a retransmission; `false` when it is of no use. Far ends also send old packets again to
    /// find out what the path carries.
    pub(crate) fn repair(&mut self, number: u16, packet: T) -> bool {
        let place = self.extend(number);
        let useful = self.missing.remove(&place).is_some();
        if useful {
            self.held.insert(place, packet);
        }
        useful
    }

    /// What was held is given up with the old numbers; a gap says so.
    fn begin_anew(&mut self, number: u16, packet: T) {
        self.held.clear();
        self.missing.clear();
        // Far enough ahead that the step shows, whichever way the numbers went.
        let round = (self.highest >> 16) + 2;
        self.highest = (round << 16) + u64::from(number);
        self.held.insert(self.highest, packet);
    }

    /// The next packet or gap, until there is neither.
    pub(crate) fn pop(&mut self, now: Timestamp) -> Option<Next<T>> {
        let next = self.next?;
        if self.begins.is_some_and(|at| now < at) {
            return None;
        }
        self.begins = None;
        if let Some(packet) = self.held.remove(&next) {
            self.next = Some(next + 1);
            return Some(Next::Packet(packet));
        }
        let (&first, _) = self.held.first_key_value()?;
        let waited = self
            .missing
            .get(&next)
            .is_none_or(|m| now.since(m.since) >= self.patience);
        if !waited && self.held.len() <= MAX_HELD {
            return None;
        }
        self.missing = self.missing.split_off(&first);
        self.next = Some(first);
        Some(Next::Gap(first - next))
    }

    /// Packets to ask for at `now`, in order.
    pub(crate) fn requests(&mut self, now: Timestamp) -> Vec<u16> {
        let due = |m: &Missing| m.due().is_some_and(|at| at <= now);
        let due = self.missing.iter_mut().filter(|(_, m)| due(m));
        due.map(|(number, missing)| {
            missing.requests += 1;
            *number as u16
        })
        .collect()
    }

    /// When the first missing packet is given up, or waiting for the beginning is.
    pub(crate) fn gives_up(&self) -> Option<Timestamp> {
        let missing = self.missing.first_key_value();
        let missing = missing.map(|(_, first)| first.since + self.patience);
        missing.into_iter().chain(self.begins).min()
    }

    /// When [`Reorder::requests`] has something to ask for.
    pub(crate) fn asks(&self) -> Option<Timestamp> {
        self.missing.values().filter_map(Missing::due).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_millis(200);

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    /// A buffer whose first packet has gone out.
    fn begun(first: u16) -> Reorder<u16> {
        let mut buffer = Reorder::new(PATIENCE);
        assert!(buffer.push(first, first, at(-10)));
        assert_eq!(buffer.pop(at(-1)), None);
        assert_eq!(drain(&mut buffer, at(0)), packets([first]));
        buffer
    }

    fn drain(buffer: &mut Reorder<u16>, now: Timestamp) -> Vec<Next<u16>> {
        std::iter::from_fn(|| buffer.pop(now)).collect()
    }

    fn packets(numbers: impl IntoIterator<Item = u16>) -> Vec<Next<u16>> {
        numbers.into_iter().map(Next::Packet).collect()
    }

    #[test]
    fn packets_come_out_in_order_across_the_wrap() {
        let mut buffer = begun(65_532);
        let order = [65_533, 65_535, 65_534, 1, 0, 2];
        let mut out = Vec::new();
        for number in order {
            assert!(buffer.push(number, number, at(0)));
            out.extend(drain(&mut buffer, at(0)));
        }
        assert_eq!(out, packets([65_533, 65_534, 65_535, 0, 1, 2]));
        assert_eq!(buffer.gives_up(), None);
        for late in [2, 65_533, 65_500] {
            assert!(!buffer.push(late, late, at(0)), "{late} is there already");
        }
    }

    #[test]
    fn what_the_first_packet_overtook_comes_before_it() {
        let mut buffer = Reorder::new(PATIENCE);
        for number in [3, 1, 4] {
            assert!(buffer.push(number, number, at(0)));
        }
        assert_eq!(buffer.gives_up(), Some(at(10)));
        assert!(drain(&mut buffer, at(9)).is_empty());
        assert_eq!(drain(&mut buffer, at(10)), packets([1]));
        assert!(buffer.push(2, 2, at(11)));
        assert_eq!(drain(&mut buffer, at(11)), packets([2, 3, 4]));
        assert!(!buffer.push(0, 0, at(12)), "too late");
    }

    #[test]
    fn a_missing_packet_is_asked_for_three_times_and_then_given_up() {
        let mut buffer = begun(7);
        buffer.push(10, 10, at(0));
        let mut asked = Vec::new();
        while let Some(due) = buffer.asks() {
            asked.push((due.millis(), buffer.requests(due)));
        }
        let numbers = vec![8, 9];
        assert_eq!(
            asked,
            [(5, numbers.clone()), (30, numbers.clone()), (55, numbers)]
        );
        assert_eq!(buffer.gives_up(), Some(at(200)));
        assert!(drain(&mut buffer, at(199)).is_empty());
        assert_eq!(
            drain(&mut buffer, at(200)),
            [Next::Gap(2), Next::Packet(10)]
        );
        assert_eq!((buffer.asks(), buffer.gives_up()), (None, None));
    }

    #[test]
    fn a_repair_in_time_leaves_no_gap_and_no_request() {
        let mut buffer = begun(1);
        for number in [3, 4] {
            buffer.push(number, number, at(0));
        }
        assert!(buffer.repair(2, 2));
        for useless in [2, 1, 60_000] {
            assert!(!buffer.repair(useless, useless), "{useless}");
        }
        assert_eq!(drain(&mut buffer, at(60)), packets([2, 3, 4]));
        assert_eq!(buffer.asks(), None);
    }

    #[test]
    fn later_losses_wait_for_their_own_time() {
        let mut buffer = begun(1);
        buffer.push(3, 3, at(0));
        buffer.push(5, 5, at(100));
        assert_eq!(drain(&mut buffer, at(200)), [Next::Gap(1), Next::Packet(3)]);
        assert_eq!(buffer.gives_up(), Some(at(300)));
        assert_eq!(drain(&mut buffer, at(300)), [Next::Gap(1), Next::Packet(5)]);
    }

    #[test]
    fn numbers_that_jump_are_a_source_that_began_anew() {
        for jump in [30_000, 64_000, 2_000] {
            let mut buffer = begun(10);
            assert!(buffer.push(jump, jump, at(1)));
            let out = drain(&mut buffer, at(1));
            assert!(matches!(out[0], Next::Gap(_)), "{out:?}");
            assert_eq!(out[1], Next::Packet(jump));
            assert_eq!(buffer.asks(), None, "nothing to ask for");
            assert!(buffer.push(jump + 1, jump + 1, at(2)));
            assert_eq!(drain(&mut buffer, at(2)), packets([jump + 1]));
        }
    }

    #[test]
    fn what_is_held_is_bounded() {
        let mut buffer = Reorder::new(Duration::from_secs(3_600));
        let mut held = 0;
        for number in (0_u16..6_000).filter(|n| *n != 1) {
            buffer.push(number, number, at(0));
            while buffer.pop(at(10)).is_some() {}
            held = held.max(buffer.held.len());
        }
        assert_eq!(held, MAX_HELD);
        assert_eq!(buffer.held.len(), 0);
    }
}
