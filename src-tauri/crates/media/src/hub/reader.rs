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
        self.queue.inner.lock().pop()
    }

    /// The next item, when it comes. After [`Next::End`] it is always [`Next::End`].
    pub async fn next(&mut self) -> Next {
        self.next_due(None).await
    }

    /// The same for a reader to whom single packets mean nothing before one is decoded at `due` or
    /// later: until then it sleeps on, but for a keyframe and for what is no packet, and finds all
    /// that has come at once. Being woken costs more than most packets do.
    pub async fn next_due(&mut self, due: Option<Timestamp>) -> Next {
        loop {
            {
                let mut inner = self.queue.inner.lock();
                if let Some(next) = inner.pop() {
                    return next;
                }
                inner.due = due;
            }
            self.queue.notify.notified().await;
        }
    }

    /// The next item, waited for on this thread; `None` when `timeout` passes first.
    pub fn next_blocking(&mut self, timeout: Duration) -> Option<Next> {
        let mut inner = self.queue.inner.lock();
        if inner.items.is_empty() {
            inner.due = None;
            // A spurious wake-up only shortens the wait.
            self.queue.arrived.wait_for(&mut inner, timeout);
        }
        inner.pop()
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
struct QueueState {
    items: VecDeque<Next>,
    packets: usize,
    capacity: usize,
    want: Want,
    /// What the reader was last told.
    shown: Arc<[Track]>,
    /// Wanted track numbers, one bit each: a lookup per packet and reader must be cheap.
    tracks: u128,
    has_video: bool,
    awaiting_key: bool,
    /// The reader need not be woken for packets before this one.
    due: Option<Timestamp>,
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
        let late = self.due.is_none_or(|due| packet.dts >= due);
        late || video && packet.keyframe || self.packets * 2 >= self.capacity
    }

    fn pop(&mut self) -> Option<Next> {
        if matches!(self.items.front(), Some(Next::End)) {
            return Some(Next::End);
        }
        let next = self.items.pop_front();
        if matches!(next, Some(Next::Packet(_))) {
            self.packets -= 1;
        }
        next
    }

    fn overflow(&mut self) -> u64 {
        let lost = self.packets as u64;
        let mut gap = lost;
        self.items.retain(|item| match item {
            Next::Gap(earlier) => {
                gap += earlier;
                false
            }
            Next::Packet(_) => false,
            Next::Tracks(_) | Next::End => true,
        });
        self.packets = 0;
        self.dropped += lost;
        self.items.push_back(Next::Gap(gap));
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
        inner.items.push_back(Next::Tracks(shown));
        for packet in group {
            if inner.wants(packet) {
                inner.awaiting_key = false;
                inner.items.push_back(Next::Packet(packet.clone()));
                inner.packets += 1;
            }
        }
        if ended {
            inner.items.push_back(Next::End);
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
        inner.items.push_back(Next::Packet(packet.clone()));
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
            inner.items.push_back(Next::Gap(0));
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
        inner.items.push_back(Next::Tracks(shown));
        drop(inner);
        self.wake();
    }

    pub(super) fn end(&self) {
        self.inner.lock().items.push_back(Next::End);
        self.wake();
    }

    fn wake(&self) {
        self.notify.notify_one();
        self.arrived.notify_one();
    }
}
