//! Named fan-out of encoded tracks: writers on one side, readers on the other.
//!
//! A [`Channel`] keeps its codec configuration and the current group of pictures, so that whoever
//! joins late can begin at once. No reader can slow the writer or another reader: each has a
//! bounded queue, and one that falls behind loses everything up to the next keyframe and is told so.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::{Kind, Packet, Timestamp, Track, TrackId};

mod held;
mod keyframe;
mod name;
mod rate;
mod reader;
mod signals;
mod twin;
mod want;

pub use held::Standing;
pub use name::ChannelName;
pub use reader::{Due, Next, Nudge, Reader, Start};
pub use signals::{PathRate, Signals};
pub use twin::Twin;
pub use want::Want;

use reader::{Audience, Queue};

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
    /// WebRTC: a WHIP publisher, or another station's channel that is fetched over WHEP.
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
    limit: AtomicUsize,
}

impl Hub {
    /// An empty hub for at most `limit` channels.
    pub fn new(limit: usize) -> Self {
        Self {
            shared: Arc::new(Shared {
                channels: Mutex::default(),
                changes: watch::Sender::new(0),
                limit: AtomicUsize::new(limit),
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
        self.open(name, info, now, Standing::Live)
    }

    fn open(
        &self,
        name: ChannelName,
        info: ChannelInfo,
        now: Timestamp,
        standing: Standing,
    ) -> Result<Writer, HubError> {
        let mut channels = self.shared.channels.lock();
        if channels.contains_key(&name) {
            return Err(HubError::Taken(name));
        }
        let limit = self.shared.limit.load(Ordering::Relaxed);
        if channels.len() >= limit {
            return Err(HubError::Full(limit));
        }
        let channel = Arc::new(Channel {
            name: name.clone(),
            origin: info.origin,
            standing: AtomicU8::new(standing as u8),
            state: Mutex::new(State {
                since: now,
                title: info.title,
                ..State::default()
            }),
            signals: signals::SignalBox::default(),
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

    /// Carries at most this many channels from now on; those that are live stay.
    pub fn set_limit(&self, limit: usize) {
        self.shared.limit.store(limit, Ordering::Relaxed);
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
    standing: AtomicU8,
    state: Mutex<State>,
    signals: signals::SignalBox,
    reordered: AtomicBool,
    packets: AtomicU64,
    bytes: AtomicU64,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    since: Timestamp,
    title: String,
    tracks: Arc<[Track]>,
    /// What a [`Twin`] adds to the writer's own tracks.
    twins: Option<twin::Derive>,
    group: Vec<Packet>,
    group_bytes: usize,
    /// The latest time at which a picture so far is shown.
    shown: Option<Timestamp>,
    rates: rate::Rates,
    readers: Vec<Weak<Queue>>,
    /// Somebody read what a [`Twin`] makes when the last packet was handed out, or came since.
    twin_read: bool,
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
        self.state.lock().since
    }

    /// What people read.
    pub fn title(&self) -> String {
        self.state.lock().title.clone()
    }

    /// Its tracks now, but for those that [recordings alone](TrackId::is_beside) take.
    pub fn tracks(&self) -> Arc<[Track]> {
        let all = Arc::clone(&self.state.lock().tracks);
        if all.iter().any(|t| t.id.is_beside()) {
            return all.iter().filter(|t| !t.id.is_beside()).cloned().collect();
        }
        all
    }

    /// Packets and bytes written so far, and packets that readers lost by falling behind.
    pub fn totals(&self) -> Totals {
        Totals {
            packets: self.packets.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
        }
    }

    /// Bits per second of a track, measured over the last seconds; 0 while that is not known yet.
    pub fn bitrate(&self, track: TrackId) -> u32 {
        self.state.lock().rates.of(track)
    }

    /// Whether anybody reads it.
    pub fn is_read(&self) -> bool {
        let state = self.state.lock();
        state.readers.iter().any(|r| r.strong_count() > 0)
    }

    /// A reader of the tracks it `want`s, holding at most `capacity` packets.
    ///
    /// Its first item is [`Next::Tracks`]. A reader of an ended channel gets [`Next::End`].
    pub fn read(self: &Arc<Self>, want: Want, start: Start, capacity: usize) -> Reader {
        self.join(Queue::new(want, capacity, Audience::Viewer), start)
    }

    /// The same for a reader that is no viewer: it stays when the channel is withdrawn.
    pub fn read_staying(self: &Arc<Self>, want: Want, start: Start, capacity: usize) -> Reader {
        self.join(Queue::new(want, capacity, Audience::Staying), start)
    }

    fn join(self: &Arc<Self>, queue: Queue, start: Start) -> Reader {
        let queue = Arc::new(queue);
        let mut state = self.state.lock();
        let group = if start == Start::Group {
            &state.group[..]
        } else {
            &[]
        };
        let reads_twin = queue.begin(&state.tracks, group, state.ended);
        state.twin_read |= reads_twin;
        state.readers.retain(|r| r.strong_count() > 0);
        state.readers.push(Arc::downgrade(&queue));
        drop(state);
        Reader::new(queue, Arc::clone(self))
    }

    /// Whether its pictures come in another order than they are shown in (B-frames), as far as has
    /// been seen since its video track last changed. WebRTC cannot carry that.
    pub fn reordered(&self) -> bool {
        self.reordered.load(Ordering::Relaxed)
    }

    /// Gives a packet to all readers that want it, and keeps it for those who join.
    fn hand_out(&self, packet: Packet) {
        let mut state = self.state.lock();
        if state.ended {
            return;
        }
        state.rates.count(&packet);
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
        let twin_read = state.twin_read;
        let mut read = false;
        state.each_reader(|queue| {
            let taken = queue.take(&packet, video, twin_read);
            lost += taken.lost;
            read |= taken.reads_twin;
        });
        state.twin_read = read;
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

    /// What readers ask for. A keyframe that was asked for since the last call is granted at most once a
    /// second; an earlier request stays pending until then. What the paths carry holds until they say otherwise.
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
            bandwidth: inner.narrowest(),
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

#[cfg(test)]
mod tests;
