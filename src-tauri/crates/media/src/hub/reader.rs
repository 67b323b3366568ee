//! The reading end of a channel: a bounded queue, and what is in it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};
use tokio::sync::Notify;

use super::{Channel, Twin, Want};
use crate::{Kind, Packet, Timestamp, Track};

/// Where a new reader begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the current group of pictures, from its keyframe.
    Group,
    /// With the next keyframe to be written (sound begins at once).
    Next,
}

/// What a reader gets.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// The tracks it reads, before their first packet and whenever they change.
    Tracks(Arc<[Track]>),
    /// A packet of one of them.
    Packet(Packet),
    /// The reader fell behind and lost this many packets; the next video packet is a keyframe.
    Gap(u64),
    /// The channel has ended; nothing follows.
    End,
}

/// From which decode times on packets matter to a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// Pictures, or sound where there are none.
    pub leads: Timestamp,
    /// Sound beside pictures.
    pub others: Timestamp,
}

/// A bounded reading end. When it is full, everything in it is dropped and counted, video waits
/// for the next keyframe, and the reader sees [`Next::Gap`].
#[derive(Debug)]
pub struct Reader {
    queue: Arc<Queue>,
    channel: Arc<Channel>,
}

impl Reader {
    pub(super) fn new(queue: Arc<Queue>, channel: Arc<Channel>) -> Self {
        Self { queue, channel }
    }

    /// The channel it reads.
    pub fn channel(&self) -> &Arc<Channel> {
        &self.channel
    }

    /// The next item, if one is there.
    pub fn try_next(&mut self) -> Option<Next> {
        let mut inner = self.queue.inner.lock();
        loop {
            match inner.pop()? {
                Item::Next(next) => return Some(next),
                Item::Nudge => {}
            }
        }
    }

    /// What nudges whoever waits on this reader's thread.
    pub fn nudge(&self) -> Nudge {
        Nudge(Arc::clone(&self.queue))
    }

    /// The next item, when it comes. After [`Next::End`] it is always [`Next::End`].
    pub async fn next(&mut self) -> Next {
        self.next_due(None).await
    }

    /// The same for a reader to whom single packets mean nothing before one is [`Due`]: until then it
    /// sleeps on, but for a keyframe and for what is no packet, and finds all that has come at once.
    /// Being woken costs more than most packets do.
    pub async fn next_due(&mut self, due: Option<Due>) -> Next {
        loop {
            {
                let mut inner = self.queue.inner.lock();
                match inner.pop() {
                    Some(Item::Next(next)) => return next,
                    Some(Item::Nudge) => continue,
                    None => inner.due = due,
                }
            }
            self.queue.notify.notified().await;
        }
    }

    /// The next item, waited for on this thread; `None` when `timeout` passes first.
    pub fn next_blocking(&mut self, timeout: Duration) -> Option<Next> {
        self.next_blocking_due(timeout, None)
    }

    /// The same for a reader that sleeps on as [`next_due`](Self::next_due) does. `None` also when it
    /// comes to a [`Nudge`], behind all that was written before that.
    pub fn next_blocking_due(&mut self, timeout: Duration, due: Option<Due>) -> Option<Next> {
        let mut inner = self.queue.inner.lock();
        if inner.items.is_empty() {
            inner.due = due;
            // A spurious wake-up only shortens the wait.
            self.queue.arrived.wait_for(&mut inner, timeout);
        }
        match inner.pop()? {
            Item::Next(next) => Some(next),
            Item::Nudge => None,
        }
    }

    /// Packets lost so far by falling behind.
    pub fn dropped(&self) -> u64 {
        self.queue.inner.lock().dropped
    }

    /// Packets waiting to be read.
    pub fn queued(&self) -> usize {
        self.queue.inner.lock().packets
    }
}

/// Tells a reader that there is something to see to, at this place among what it reads.
#[derive(Clone, Debug)]
pub struct Nudge(Arc<Queue>);

impl Nudge {
    /// Nudges once: whoever waits in [`Reader::next_blocking_due`] comes back from it.
    pub fn now(&self) {
        self.0.inner.lock().items.push_back(Item::Nudge);
        self.0.wake();
    }
}

/// Whom a queue serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    /// Somebody who watches.
    Viewer,
    /// A reader that stays when the channel is withdrawn.
    Staying,
    /// The maker of a [`Twin`]: it reads while somebody reads what it makes.
    Twin,
}

#[derive(Debug)]
pub(super) struct Queue {
    pub(super) audience: Audience,
    inner: Mutex<QueueState>,
    notify: Notify,
    arrived: Condvar,
}

/// What came of a packet.
pub(super) struct Taken {
    /// Packets that had to go.
    pub(super) lost: u64,
    /// The reader takes what a twin makes.
    pub(super) reads_twin: bool,
}

#[derive(Debug)]
enum Item {
    Next(Next),
    Nudge,
}

#[derive(Debug)]
struct QueueState {
    items: VecDeque<Item>,
    packets: usize,
    capacity: usize,
    want: Want,
    /// What the reader was last told.
    shown: Arc<[Track]>,
    /// Wanted track numbers, one bit each: a lookup per packet and reader must be cheap.
    tracks: u128,
    has_video: bool,
    awaiting_key: bool,
    /// The reader need not be woken for packets before this.
    due: Option<Due>,
    /// The maker of a twin has been told that nobody reads what it makes.
    rests: bool,
    dropped: u64,
}

impl QueueState {
    fn set_tracks(&mut self, tracks: &[Track]) {
        self.shown = self.want.of(tracks);
        self.tracks = 0;
        self.has_video = false;
        for track in self.shown.iter() {
            self.tracks |= 1 << (track.id.0 & 127);
            self.has_video |= track.config.kind() == Kind::Video;
        }
    }

    fn wants(&self, packet: &Packet) -> bool {
        self.tracks & (1 << (packet.track.0 & 127)) != 0
    }

    fn reads_twin(&self) -> bool {
        self.tracks >> Twin::FIRST.0 != 0
    }

    /// Whether a packet that has just come is worth waking the reader for.
    fn is_due(&self, packet: &Packet, video: bool) -> bool {
        let leads = video || !self.has_video;
        let late = self
            .due
            .is_none_or(|due| packet.dts >= if leads { due.leads } else { due.others });
        late || video && packet.keyframe || self.packets * 2 >= self.capacity
    }

    fn pop(&mut self) -> Option<Item> {
        if matches!(self.items.front(), Some(Item::Next(Next::End))) {
            return Some(Item::Next(Next::End));
        }
        let item = self.items.pop_front();
        if matches!(item, Some(Item::Next(Next::Packet(_)))) {
            self.packets -= 1;
        }
        item
    }

    fn put(&mut self, next: Next) {
        self.items.push_back(Item::Next(next));
    }

    fn overflow(&mut self) -> u64 {
        let lost = self.packets as u64;
        let mut gap = lost;
        self.items.retain(|item| match item {
            Item::Next(Next::Gap(earlier)) => {
                gap += earlier;
                false
            }
            Item::Next(Next::Packet(_)) => false,
            Item::Next(Next::Tracks(_) | Next::End) | Item::Nudge => true,
        });
        self.packets = 0;
        self.dropped += lost;
        self.put(Next::Gap(gap));
        self.awaiting_key = self.has_video;
        lost
    }
}

impl Queue {
    pub(super) fn new(want: Want, capacity: usize, audience: Audience) -> Self {
        Self {
            audience,
            inner: Mutex::new(QueueState {
                items: VecDeque::new(),
                packets: 0,
                capacity: capacity.max(2),
                want,
                shown: Arc::default(),
                tracks: 0,
                has_video: false,
                awaiting_key: true,
                due: None,
                rests: true,
                dropped: 0,
            }),
            notify: Notify::new(),
            arrived: Condvar::new(),
        }
    }

    /// The first things it holds. Says whether its reader takes what a twin makes.
    pub(super) fn begin(&self, tracks: &[Track], group: &[Packet], ended: bool) -> bool {
        let mut inner = self.inner.lock();
        inner.set_tracks(tracks);
        let shown = Arc::clone(&inner.shown);
        inner.put(Next::Tracks(shown));
        for packet in group {
            if inner.wants(packet) {
                inner.awaiting_key = false;
                inner.put(Next::Packet(packet.clone()));
                inner.packets += 1;
            }
        }
        if ended {
            inner.put(Next::End);
        }
        inner.reads_twin()
    }

    /// Takes a packet if its reader wants it. The maker of a twin does while that is read.
    pub(super) fn take(&self, packet: &Packet, video: bool, twin_read: bool) -> Taken {
        let inner = self.inner.lock();
        let reads_twin = inner.reads_twin();
        let mut lost = 0;
        if self.audience == Audience::Twin && !twin_read {
            self.rest(inner);
        } else if inner.wants(packet) {
            lost = self.push(inner, packet, video);
        }
        Taken { lost, reads_twin }
    }

    fn push(&self, mut inner: MutexGuard<'_, QueueState>, packet: &Packet, video: bool) -> u64 {
        let mut lost = 0;
        if inner.packets >= inner.capacity {
            lost += inner.overflow();
        }
        if video {
            if inner.awaiting_key && !packet.keyframe {
                return lost;
            }
            inner.awaiting_key = false;
        }
        inner.put(Next::Packet(packet.clone()));
        inner.packets += 1;
        inner.rests = false;
        let due = inner.is_due(packet, video);
        drop(inner);
        if due {
            self.wake();
        }
        lost
    }

    /// Tells the maker of a twin, once, that nobody reads what it makes.
    fn rest(&self, mut inner: MutexGuard<'_, QueueState>) {
        if !std::mem::replace(&mut inner.rests, true) {
            inner.put(Next::Gap(0));
            drop(inner);
            self.wake();
        }
    }

    pub(super) fn set_tracks(&self, tracks: &[Track]) {
        let mut inner = self.inner.lock();
        let before = Arc::clone(&inner.shown);
        inner.set_tracks(tracks);
        // What changed for others alone costs this reader no wait for a keyframe.
        let same = |(a, b): (&Track, &Track)| a.id == b.id && a.config == b.config;
        if before.len() == inner.shown.len() && before.iter().zip(inner.shown.iter()).all(same) {
            return;
        }
        inner.awaiting_key = true;
        let shown = Arc::clone(&inner.shown);
        inner.put(Next::Tracks(shown));
        drop(inner);
        self.wake();
    }

    pub(super) fn end(&self) {
        self.inner.lock().put(Next::End);
        self.wake();
    }

    fn wake(&self) {
        self.notify.notify_one();
        self.arrived.notify_one();
    }
}
