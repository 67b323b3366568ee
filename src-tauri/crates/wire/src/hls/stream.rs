//! The packager: packets to playlists, segments and parts.

mod contents;
mod late;
mod shelf;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use container::fmp4::Muxer;
use media::{Config, Due, Kind, Next, Packet, Timestamp, Track, TrackId};

pub use contents::{Body, Contents};
use late::Late;
use shelf::{Begun, Shelf};

/// How a channel is cut up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How long segments should be. Where keyframes allow, none is longer by more than a quarter.
    pub target: Duration,
    /// How long the parts of segments may be, for players that stay close behind; zero for no parts.
    /// Players keep three of them between themselves and the newest.
    pub part: Duration,
    /// How many segments the playlist lists, or more where those would be shorter than three times
    /// `target` together (RFC 8216, section 6.2.2).
    pub window: usize,
    /// The time of day at [`Timestamp::ZERO`], in milliseconds since 1970 UTC.
    pub epoch: i64,
    /// Goes into the names of files, so that those of an earlier life of the channel, which caches
    /// may still hold, are not taken for these.
    pub run: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            target: Duration::from_secs(2),
            part: Duration::from_millis(334),
            window: 6,
            epoch: 0,
            run: 0,
        }
    }
}

/// A file that players ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its media type.
    pub content_type: &'static str,
    /// It never changes, so that caches may keep it.
    pub immutable: bool,
    /// What is in it.
    pub body: Body,
}

/// How far a stream has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// The number of the segment that is being filled, or comes next.
    pub segment: u64,
    /// How many of its parts are there.
    pub parts: usize,
}

/// A segment that grows beyond this is thrown away: its writer sends no keyframes.
const SEGMENT_BYTES: usize = 32 << 20;

/// How many distances between keyframes are remembered.
const SPACINGS: usize = 16;

/// Sound that comes before the first keyframe and may belong after it.
const EARLY: usize = 64;

/// Fewer pictures a second than this, in thousandths, and parts would be too uneven to be listed.
const PARTS_FPS_MILLIS: u32 = 10_000;

/// Packages one channel. Begins anew, behind a discontinuity, after gaps and when tracks change.
#[derive(Debug)]
pub struct Stream {
    options: Options,
    tracks: Arc<[Track]>,
    muxer: Option<Muxer>,
    /// How long parts may be; `None` where there are none.
    part: Option<Duration>,
    open: Option<Open>,
    early: VecDeque<Packet>,
    /// The newest decode time of each track.
    newest: Vec<(TrackId, Timestamp)>,
    /// Times between the newest keyframes, newest last.
    spacings: VecDeque<Duration>,
    newest_key: Option<Timestamp>,
    frame: Duration,
    discontinuity: bool,
    shelf: Shelf,
    ended: bool,
}

/// The segment that is being filled.
#[derive(Debug)]
struct Open {
    start: Timestamp,
    parts: Vec<Part>,
    /// The decode time with which the part that is being filled begins.
    since: Timestamp,
    /// What is in it.
    packets: Vec<Packet>,
    bytes: usize,
}

/// A piece of a segment that can be loaded alone: a fragment of its own.
#[derive(Clone, Debug)]
struct Part {
    body: Arc<Late>,
    /// About.
    bytes: usize,
    duration: Duration,
    /// A player can begin here.
    independent: bool,
}

impl Stream {
    /// An empty stream.
    pub fn new(options: Options) -> Self {
        Self {
            options,
            tracks: Arc::default(),
            muxer: None,
            part: None,
            open: None,
            early: VecDeque::new(),
            newest: Vec::new(),
            spacings: VecDeque::new(),
            newest_key: None,
            frame: Duration::ZERO,
            discontinuity: false,
            shelf: Shelf::new(options),
            ended: false,
        }
    }

    /// Takes what a hub reader gave. Says whether playlists, segments or parts have changed.
    pub fn push(&mut self, next: Next) -> bool {
        match next {
            Next::Tracks(tracks) => self.set_tracks(&tracks),
            Next::Packet(packet) => self.packet(packet),
            Next::Gap(_) => self.interrupt(),
            Next::End => {
                let closed = self.interrupt();
                let ends = !self.ended && !self.shelf.segments.is_empty();
                self.ended = true;
                closed || ends
            }
        }
    }

    /// Everything that players may ask for as it is now; cheap, as nothing is written for those who may not
    /// come.
    pub fn contents(&self) -> Contents {
        Contents {
            shelf: self.shelf.clone(),
            begun: self.open.as_ref().map(|open| Begun {
                start: open.start,
                discontinuity: self.discontinuity,
                parts: open.parts.clone(),
            }),
            tracks: Arc::clone(&self.tracks),
            part: self.part,
            ended: self.ended,
        }
    }

    /// Whether the segment being filled has waited for a keyframe for longer than it should.
    pub fn wants_keyframe(&self) -> bool {
        let newest = self.newest.iter().map(|(_, at)| *at).max();
        match (&self.open, newest) {
            (Some(open), Some(newest)) => {
                self.has_video() && newest.since(open.start) > self.options.target * 2
            }
            (None, Some(_)) => self.has_video(),
            _ => false,
        }
    }

    /// The decode times before which no packet but a keyframe can end the part that is being filled, so that
    /// those that come until then may as well be pushed together; `None` while there is no part to fill.
    pub fn due(&self) -> Option<Due> {
        let (part, open) = self.part.zip(self.open.as_ref())?;
        Some(Due {
            leads: open.since + (part - self.frame.min(part / 3)),
            others: open.since + part * 2,
        })
    }

    /// Bytes of media held, in segments and in packets.
    pub fn held(&self) -> usize {
        let open = self.open.as_ref().map_or(0, |o| o.bytes);
        let early: usize = self.early.iter().map(|p| p.data.len()).sum();
        self.shelf.bytes() + open + early
    }

    fn set_tracks(&mut self, tracks: &[Track]) -> bool {
        if *tracks == *self.tracks {
            return false;
        }
        if self.shelf.segments.is_empty() {
            // Sound often comes a moment before the picture; players settle for what there is in
            // the first segment.
            self.open = None;
        }
        let changed = self.interrupt();
        self.tracks = tracks.into();
        self.muxer = None;
        self.newest.clear();
        self.spacings.clear();
        self.frame = Duration::ZERO;
        self.part = self.parts();
        self.muxer = (!tracks.is_empty()).then(|| Muxer::new(tracks));
        let init = self.muxer.as_ref().map(Muxer::init_segment);
        self.shelf.set_init(init);
        changed
    }

    /// How long parts may be: there are none where pictures come too slowly.
    fn parts(&self) -> Option<Duration> {
        let slow = |t: &Track| match t.config {
            Config::H264 { fps_millis, .. } => (1..PARTS_FPS_MILLIS).contains(&fps_millis),
            Config::Aac { .. } | Config::Opus { .. } => false,
        };
        let wanted = !self.options.part.is_zero() && !self.tracks.iter().any(slow);
        wanted.then_some(self.options.part)
    }

    fn packet(&mut self, packet: Packet) -> bool {
        let Some(track) = self.tracks.iter().find(|t| t.id == packet.track) else {
            return false;
        };
        let video = track.config.kind() == Kind::Video;
        if !self.in_order(&packet) {
            return false;
        }
        let mut changed = false;
        if self.jumped(&packet) {
            changed = self.interrupt();
        }
        self.note_time(&packet, video);
        let leads = video || !self.has_video();
        let key = packet.keyframe && leads;
        match &self.open {
            None if key => self.begin(packet.pts, packet.dts),
            None => {
                if !video {
                    self.early.push_back(packet);
                    if self.early.len() > EARLY {
                        self.early.pop_front();
                    }
                }
                return changed;
            }
            Some(open) => {
                let cuts = key && self.should_cut(packet.pts.since(open.start));
                changed |= self.close_parts(packet.dts, leads, cuts);
                if cuts {
                    changed |= self.cut(&packet);
                }
            }
        }
        if let Some(open) = &mut self.open {
            open.bytes += packet.data.len();
            open.packets.push(packet);
            if open.bytes > SEGMENT_BYTES {
                tracing::warn!(bytes = open.bytes, "segment without end is thrown away");
                self.open = None;
                self.discontinuity = !self.shelf.segments.is_empty();
            }
        }
        changed
    }

    /// Closes the part that is being filled when a packet that comes at `at` would make it too long.
    ///
    /// Pictures decide, and sound where there are none. Where pictures stay away, sound goes on
    /// without them once it is two parts ahead; a picture that comes later goes into a later part.
    fn close_parts(&mut self, at: Timestamp, leads: bool, cuts: bool) -> bool {
        let Some(part) = self.part else {
            return false;
        };
        let most = if leads { part } else { part * 2 };
        let mut changed = false;
        while let Some(open) = &self.open
            && at.since(open.since) > most
        {
            let boundary = open.since + part;
            if !open.packets.iter().any(|p| p.dts < boundary) {
                break;
            }
            self.close_part(boundary);
            changed = true;
        }
        let Some(open) = &self.open else {
            return changed;
        };
        // One more picture, if it is as long as the one before, and it would be too long.
        let next = at.since(open.since) + self.frame.min(part / 3);
        if leads && !cuts && next > part && !open.packets.is_empty() {
            self.close_part(at);
            changed = true;
        }
        changed
    }

    /// Ends the part that is being filled at a decode time; what comes later stays for the next.
    fn close_part(&mut self, end: Timestamp) {
        if let Some(mut open) = self.open.take() {
            let (ours, next) = open.packets.drain(..).partition(|p| p.dts < end);
            open.packets = next;
            self.add_part(&mut open, ours, end);
            self.open = Some(open);
        }
    }

    fn add_part(&mut self, open: &mut Open, packets: Vec<Packet>, end: Timestamp) {
        let duration = end.since(open.since);
        open.since = end;
        let begins = |p: &Packet| p.keyframe && (self.is_video(p.track) || !self.has_video());
        let independent = packets.iter().any(begins);
        if let Some(muxer) = &mut self.muxer
            && !packets.is_empty()
        {
            let fragment = muxer.later(packets, end);
            open.parts.push(Part {
                bytes: fragment.about(),
                body: Arc::new(Late::new(fragment)),
                duration,
                independent,
            });
        }
    }

    /// Decode times grow within a track; a packet that goes back cannot be muxed.
    fn in_order(&self, packet: &Packet) -> bool {
        match self.newest.iter().find(|(id, _)| *id == packet.track) {
            Some((_, newest)) => packet.dts > *newest,
            None => true,
        }
    }

    /// Whether nothing came for so long that this cannot belong to the segment before.
    fn jumped(&self, packet: &Packet) -> bool {
        let newest = self.newest.iter().map(|(_, at)| *at).max();
        newest.is_some_and(|newest| packet.dts.since(newest) > self.options.target * 2)
    }

    fn note_time(&mut self, packet: &Packet, video: bool) {
        match self.newest.iter_mut().find(|(id, _)| *id == packet.track) {
            Some((_, newest)) => {
                if video || self.tracks.len() == 1 {
                    self.frame = packet.dts.since(*newest).min(Duration::from_secs(1));
                }
                *newest = packet.dts;
            }
            None => self.newest.push((packet.track, packet.dts)),
        }
        if video && packet.keyframe {
            if let Some(before) = self.newest_key {
                self.spacings.push_back(packet.pts.since(before));
                if self.spacings.len() > SPACINGS {
                    self.spacings.pop_front();
                }
            }
            self.newest_key = Some(packet.pts);
        }
    }

    /// Whether to cut at a keyframe that comes `elapsed` after the segment's start: when the one
    /// after it might come too late to keep what the target duration promises. Keyframes count as
    /// far apart until they have shown to be closer; extra ones come whenever a viewer asks.
    fn should_cut(&self, elapsed: Duration) -> bool {
        let seen = self.spacings.iter().max().copied().unwrap_or_default();
        let spacing = match self.spacings.len() {
            _ if !self.has_video() => Duration::ZERO,
            0..2 => seen.max(self.options.target),
            _ => seen,
        };
        let slack = self.options.target.min(Duration::from_secs(2)) / 4;
        elapsed >= self.options.target || elapsed + spacing >= self.options.target + slack
    }

    fn begin(&mut self, start: Timestamp, since: Timestamp) {
        let packets: Vec<Packet> = self.early.drain(..).filter(|p| p.pts >= start).collect();
        self.open = Some(Open {
            start,
            parts: Vec::new(),
            since,
            bytes: packets.iter().map(|p| p.data.len()).sum(),
            packets,
        });
    }

    /// Ends the open segment at a keyframe; sound from there on goes into the next one.
    fn cut(&mut self, key: &Packet) -> bool {
        let at = key.pts;
        let Some(mut open) = self.open.take() else {
            return false;
        };
        let (ours, next) = std::mem::take(&mut open.packets)
            .into_iter()
            .partition(|p| p.pts < at || self.is_video(p.track));
        open.packets = ours;
        self.early = Vec::into(next);
        let duration = at.since(open.start);
        let changed = self.seal(open, duration, key.dts);
        self.begin(at, key.dts);
        changed
    }

    /// Ends the open segment where its packets end; what follows begins anew.
    fn interrupt(&mut self) -> bool {
        self.early.clear();
        self.newest_key = None;
        let sealed = match self.open.take() {
            Some(open) => {
                let ends = |of: fn(&Packet) -> Timestamp, least: Timestamp| {
                    let newest = open.packets.iter().map(of).max();
                    newest.map_or(least, |newest| newest + self.frame)
                };
                let decoded = ends(|p| p.dts, open.since);
                let whole: Duration = open.parts.iter().map(|p| p.duration).sum();
                let shown = ends(|p| p.pts, open.start + whole);
                let duration = shown.since(open.start);
                self.seal(open, duration, decoded)
            }
            None => false,
        };
        self.discontinuity = !self.shelf.segments.is_empty();
        sealed
    }

    /// Makes a segment of `duration` that ends at the decode time `end`; all that is left goes into
    /// its last part.
    fn seal(&mut self, mut open: Open, duration: Duration, end: Timestamp) -> bool {
        if self.muxer.is_none() || open.is_empty() || duration.is_zero() {
            return false;
        }
        let rest = std::mem::take(&mut open.packets);
        self.add_part(&mut open, rest, end);
        let discontinuity = std::mem::take(&mut self.discontinuity);
        let begun = Begun {
            start: open.start,
            discontinuity,
            parts: open.parts,
        };
        self.shelf.put(begun, duration);
        true
    }

    fn has_video(&self) -> bool {
        has_video(&self.tracks)
    }

    fn is_video(&self, id: TrackId) -> bool {
        let track = self.tracks.iter().find(|t| t.id == id);
        track.is_some_and(|t| matches!(t.config, Config::H264 { .. }))
    }
}

impl Open {
    fn is_empty(&self) -> bool {
        self.packets.is_empty() && self.parts.is_empty()
    }
}

fn has_video(tracks: &[Track]) -> bool {
    tracks.iter().any(|t| t.config.kind() == Kind::Video)
}

#[cfg(test)]
mod tests;
