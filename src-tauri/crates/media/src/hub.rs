//! Named fan-out of encoded tracks: writers on one side, readers on the other.
//!
//! A [`Channel`] keeps its codec configuration and the current group of pictures, so that whoever
//! joins late can begin at once. No reader can slow the writer or another reader: each has a
//! bounded queue, and one that falls behind loses everything up to the next keyframe and is told so.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio::sync::{Notify, watch};

use crate::{Kind, Packet, Timestamp, Track, packet::Config};

mod held;
mod name;
mod twin;

pub use name::ChannelName;
pub use twin::Twin;

/// Why the hub says no.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HubError {
    /// Not a channel name.
    #[error("a channel name is 1 to 64 letters, digits, '-' or '_'")]
    Name,
    /// Somebody publishes there already.
    #[error("channel {0} is already live")]
    Taken(ChannelName),
    /// No more channels.
    #[error("the station carries at most {0} channels; end one first")]
    Full(usize),
}

/// Where a channel comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The studio's own program.
    Program,
    /// A WHIP publisher.
    Whip,
    /// An RTMP publisher.
    Rtmp,
}

/// All live channels of the station. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Hub {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    channels: Mutex<BTreeMap<ChannelName, Arc<Channel>>>,
    changes: watch::Sender<u64>,
    limit: usize,
}

impl Hub {
    /// An empty hub for at most `limit` channels.
    pub fn new(limit: usize) -> Self {
        Self {
            shared: Arc::new(Shared {
                channels: Mutex::default(),
                changes: watch::Sender::new(0),
                limit,
            }),
        }
    }

    /// Opens a channel for writing. It is live until the writer is dropped.
    ///
    /// # Errors
    /// [`HubError::Taken`] or [`HubError::Full`].
    pub fn publish(
        &self,
        name: ChannelName,
        info: ChannelInfo,
        now: Timestamp,
    ) -> Result<Writer, HubError> {
        self.open(name, info, now, false)
    }

    fn open(
        &self,
        name: ChannelName,
        info: ChannelInfo,
        now: Timestamp,
        held: bool,
    ) -> Result<Writer, HubError> {
        let mut channels = self.shared.channels.lock();
        if channels.contains_key(&name) {
            return Err(HubError::Taken(name));
        }
        if channels.len() >= self.shared.limit {
            return Err(HubError::Full(self.shared.limit));
        }
        let channel = Arc::new(Channel {
            name: name.clone(),
            origin: info.origin,
            since: now,
            held: AtomicBool::new(held),
            state: Mutex::new(State {
                title: info.title,
                ..State::default()
            }),
            signals: SignalBox::default(),
            reordered: AtomicBool::new(false),
            packets: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        });
        channels.insert(name, Arc::clone(&channel));
        drop(channels);
        self.changed();
        Ok(Writer {
            hub: self.clone(),
            channel,
        })
    }

    /// A number that grows whenever a channel comes, goes, or changes its tracks or title.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.shared.changes.subscribe()
    }

    fn changed(&self) {
        self.shared.changes.send_modify(|n| *n += 1);
    }
}

/// What a publisher says of its channel.
#[derive(Clone, Debug)]
pub struct ChannelInfo {
    /// Where it comes from.
    pub origin: Origin,
    /// What people read.
    pub title: String,
}

/// A live channel, as readers see it.
#[derive(Debug)]
pub struct Channel {
    name: ChannelName,
    origin: Origin,
    since: Timestamp,
    held: AtomicBool,
    state: Mutex<State>,
    signals: SignalBox,
    reordered: AtomicBool,
    packets: AtomicU64,
    bytes: AtomicU64,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    title: String,
    tracks: Arc<[Track]>,
    /// What a [`Twin`] adds to the writer's own tracks.
    twins: Option<twin::Derive>,
    group: Vec<Packet>,
    group_bytes: usize,
    /// The latest time at which a picture so far is shown.
    shown: Option<Timestamp>,
    readers: Vec<Weak<Queue>>,
    ended: bool,
}

/// A group of pictures larger than this is not kept for late joiners: the writer has lost its mind.
const GROUP_BYTES: usize = 64 << 20;

/// Keyframes on request come at most this often.
const KEYFRAME_SPACING: Duration = Duration::from_secs(1);

impl Channel {
    /// Its name.
    pub fn name(&self) -> &ChannelName {
        &self.name
    }

    /// Where it comes from.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// When it went live.
    pub fn since(&self) -> Timestamp {
        self.since
    }

    /// What people read.
    pub fn title(&self) -> String {
        self.state.lock().title.clone()
    }

    /// Its tracks now.
    pub fn tracks(&self) -> Arc<[Track]> {
        Arc::clone(&self.state.lock().tracks)
    }

    /// Packets and bytes written so far, and packets that readers lost by falling behind.
    pub fn totals(&self) -> Totals {
        Totals {
            packets: self.packets.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
        }
    }

    /// A reader of the tracks it `want`s, holding at most `capacity` packets.
    ///
    /// Its first item is [`Next::Tracks`]. A reader of an ended channel gets [`Next::End`].
    pub fn read(self: &Arc<Self>, want: Want, start: Start, capacity: usize) -> Reader {
        let queue = Arc::new(Queue::new(want, capacity.max(2)));
        let mut state = self.state.lock();
        {
            let mut inner = queue.inner.lock();
            inner.set_tracks(&state.tracks);
            let shown = Arc::clone(&inner.shown);
            inner.items.push_back(Next::Tracks(shown));
            if start == Start::Group {
                for packet in &state.group {
                    if inner.wants(packet) {
                        inner.awaiting_key = false;
                        inner.items.push_back(Next::Packet(packet.clone()));
                        inner.packets += 1;
                    }
                }
            }
            if state.ended {
                inner.items.push_back(Next::End);
            }
        }
        state.readers.retain(|r| r.strong_count() > 0);
        state.readers.push(Arc::downgrade(&queue));
        drop(state);
        Reader {
            queue,
            channel: Arc::clone(self),
        }
    }

    /// Whether its pictures come in another order than they are shown in (B-frames), as far as has
    /// been seen since its video track last changed. WebRTC cannot carry that.
    pub fn reordered(&self) -> bool {
        self.reordered.load(Ordering::Relaxed)
    }

    /// When the newest keyframe of the current group is to be shown; `None` without one.
    pub fn newest_keyframe(&self) -> Option<Timestamp> {
        self.state.lock().group.first().map(|p| p.pts)
    }

    /// Asks the writer for a keyframe soon (a viewer lost its picture).
    pub fn request_keyframe(&self) {
        self.signals.inner.lock().keyframe = true;
        self.signals.notify.notify_one();
    }

    /// Tells the writer what a reader's path carries, in bits per second.
    pub fn report_bandwidth(&self, bits_per_second: u64) {
        self.signals.inner.lock().bandwidth = Some(bits_per_second);
        self.signals.notify.notify_one();
    }

    /// Gives a packet to all readers that want it, and keeps it for those who join.
    fn hand_out(&self, packet: Packet) {
        let mut state = self.state.lock();
        if state.ended {
            return;
        }
        let video = state.kind_of(&packet) == Some(Kind::Video);
        let opens = video && packet.keyframe;
        if video {
            let back = state.shown.is_some_and(|shown| packet.pts < shown);
            self.reordered.fetch_or(back, Ordering::Relaxed);
            state.shown = state.shown.max(Some(packet.pts));
        }
        if opens || state.group_bytes + packet.data.len() > GROUP_BYTES {
            state.group.clear();
            state.group_bytes = 0;
        }
        if opens || !state.group.is_empty() {
            state.group_bytes += packet.data.len();
            state.group.push(packet.clone());
        }
        let mut lost = 0;
        state.each_reader(|queue| lost += queue.push(&packet, video));
        self.dropped.fetch_add(lost, Ordering::Relaxed);
    }
}

/// Totals of a [`Channel`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Packets written.
    pub packets: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Packets that readers lost by falling behind, added up.
    pub dropped: u64,
}

#[derive(Debug, Default)]
struct SignalBox {
    inner: Mutex<SignalState>,
    notify: Notify,
}

#[derive(Debug, Default)]
struct SignalState {
    keyframe: bool,
    granted: Option<Timestamp>,
    bandwidth: Option<u64>,
}

/// The two signals that go against the stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signals {
    /// A reader wants a keyframe.
    pub keyframe: bool,
    /// The newest bandwidth that a reader has seen, in bits per second.
    pub bandwidth: Option<u64>,
}

/// The writing end of a channel. Dropping it ends the channel for all its readers.
#[derive(Debug)]
pub struct Writer {
    hub: Hub,
    channel: Arc<Channel>,
}

impl Writer {
    /// The channel as readers see it.
    pub fn channel(&self) -> &Arc<Channel> {
        &self.channel
    }

    /// Sets or replaces the tracks. Readers get [`Next::Tracks`] before the next packet, and the
    /// kept group of pictures is forgotten when a video track changed.
    pub fn set_tracks(&mut self, tracks: Vec<Track>) {
        let mut state = self.channel.state.lock();
        if state.ended {
            return;
        }
        let video = |t: &[Track]| t.iter().find(|t| t.config.kind() == Kind::Video).cloned();
        if video(&state.tracks) != video(&tracks) {
            state.group.clear();
            state.group_bytes = 0;
            state.shown = None;
            self.channel.reordered.store(false, Ordering::Relaxed);
        }
        state.set_tracks(tracks);
        drop(state);
        self.hub.changed();
    }

    /// Replaces the title.
    pub fn set_title(&mut self, title: String) {
        self.channel.state.lock().title = title;
        self.hub.changed();
    }

    /// Hands a packet to every reader. Never blocks.
    pub fn write(&mut self, packet: Packet) {
        let channel = &self.channel;
        channel.packets.fetch_add(1, Ordering::Relaxed);
        channel
            .bytes
            .fetch_add(packet.data.len() as u64, Ordering::Relaxed);
        channel.hand_out(packet);
    }

    /// What readers have asked for since the last call. A keyframe is granted at most once a second;
    /// an earlier request stays pending until then.
    pub fn signals(&self, now: Timestamp) -> Signals {
        let mut inner = self.channel.signals.inner.lock();
        let due = inner
            .granted
            .is_none_or(|at| now.since(at) >= KEYFRAME_SPACING);
        let keyframe = inner.keyframe && due;
        if keyframe {
            inner.keyframe = false;
            inner.granted = Some(now);
        }
        Signals {
            keyframe,
            bandwidth: inner.bandwidth.take(),
        }
    }

    /// Resolves when a reader has asked for something since the last call.
    pub async fn signalled(&self) {
        self.channel.signals.notify.notified().await;
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.hub.end(&self.channel);
    }
}

impl State {
    /// Replaces the writer's own tracks; those of the twin follow from them.
    fn set_tracks(&mut self, mut own: Vec<Track>) {
        if let Some(derive) = self.twins {
            let twins = derive(&own);
            own.extend(twins);
        }
        self.tracks = own.into();
        let tracks = Arc::clone(&self.tracks);
        self.each_reader(|queue| queue.set_tracks(&tracks));
    }

    fn each_reader(&mut self, mut act: impl FnMut(&Queue)) {
        self.readers.retain(|reader| match reader.upgrade() {
            Some(queue) => {
                act(&queue);
                true
            }
            None => false,
        });
    }

    fn kind_of(&self, packet: &Packet) -> Option<Kind> {
        self.tracks
            .iter()
            .find(|t| t.id == packet.track)
            .map(|t| t.config.kind())
    }
}

/// Which codecs a reader takes. A channel may carry its sound both as Opus and as AAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Want {
    /// H.264.
    pub h264: bool,
    /// Opus.
    pub opus: bool,
    /// AAC.
    pub aac: bool,
    /// Also tracks that a [`Twin`] makes.
    pub twins: bool,
}

impl Want {
    /// H.264 and Opus: WebRTC.
    pub const WEBRTC: Self = Self {
        h264: true,
        opus: true,
        aac: false,
        twins: true,
    };
    /// H.264 and AAC: HLS, RTMP, MP4.
    pub const MP4: Self = Self {
        h264: true,
        opus: false,
        aac: true,
        twins: true,
    };

    fn takes(self, config: &Config) -> bool {
        match config {
            Config::H264 { .. } => self.h264,
            Config::Opus { .. } => self.opus,
            Config::Aac { .. } => self.aac,
        }
    }

    fn of(self, tracks: &[Track]) -> Arc<[Track]> {
        tracks
            .iter()
            .filter(|t| self.takes(&t.config) && (self.twins || t.id < Twin::FIRST))
            .cloned()
            .collect()
    }
}

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
        loop {
            if let Some(next) = self.try_next() {
                return next;
            }
            self.queue.notify.notified().await;
        }
    }

    /// The next item, waited for on this thread; `None` when `timeout` passes first.
    pub fn next_blocking(&mut self, timeout: Duration) -> Option<Next> {
        let mut inner = self.queue.inner.lock();
        if inner.items.is_empty() {
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

#[derive(Debug)]
struct Queue {
    inner: Mutex<QueueState>,
    notify: Notify,
    arrived: Condvar,
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
    fn new(want: Want, capacity: usize) -> Self {
        Self {
            inner: Mutex::new(QueueState {
                items: VecDeque::new(),
                packets: 0,
                capacity,
                want,
                shown: Arc::default(),
                tracks: 0,
                has_video: false,
                awaiting_key: true,
                dropped: 0,
            }),
            notify: Notify::new(),
            arrived: Condvar::new(),
        }
    }

    fn push(&self, packet: &Packet, video: bool) -> u64 {
        let mut inner = self.inner.lock();
        if !inner.wants(packet) {
            return 0;
        }
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
        drop(inner);
        self.wake();
        lost
    }

    fn set_tracks(&self, tracks: &[Track]) {
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

    fn end(&self) {
        self.inner.lock().items.push_back(Next::End);
        self.wake();
    }

    fn wake(&self) {
        self.notify.notify_one();
        self.arrived.notify_one();
    }
}

#[cfg(test)]
mod tests;
