//! The packager: packets to playlists and segments.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use container::fmp4::Muxer;
use media::{Config, Kind, Next, Packet, Timestamp, Track, TrackId};

use super::playlist::{self, Entry, Head};
use super::{INDEX, MEDIA};

/// How a channel is cut up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How long segments should be. Where keyframes allow, none is longer by more than a quarter.
    pub target: Duration,
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
    pub body: Bytes,
}

const PLAYLIST_TYPE: &str = "application/vnd.apple.mpegurl";
const VIDEO_TYPE: &str = "video/mp4";
const AUDIO_TYPE: &str = "audio/mp4";

/// A segment that grows beyond this is thrown away: its writer sends no keyframes.
const SEGMENT_BYTES: usize = 32 << 20;

/// Segments are kept no longer than they are of this many bytes together, beyond the newest ones
/// that the playlist needs.
const KEPT_BYTES: usize = 96 << 20;

/// How many distances between keyframes are remembered.
const SPACINGS: usize = 16;

/// Sound that comes before the first keyframe and may belong after it.
const EARLY: usize = 64;

/// Packages one channel. Begins anew, behind a discontinuity, after gaps and when tracks change.
#[derive(Debug)]
pub struct Stream {
    options: Options,
    tracks: Vec<Track>,
    muxer: Option<Muxer>,
    /// Initialisation segments by number, as long as a kept segment needs them.
    inits: VecDeque<(u64, Bytes)>,
    next_init: u64,
    open: Option<Open>,
    early: VecDeque<Packet>,
    /// The newest decode time of each track.
    newest: Vec<(TrackId, Timestamp)>,
    /// Times between the newest keyframes, newest last.
    spacings: VecDeque<Duration>,
    newest_key: Option<Timestamp>,
    frame: Duration,
    discontinuity: bool,
    segments: VecDeque<Segment>,
    /// How many of `segments`, from the front, have left the playlist and are kept for those who
    /// still load them.
    unlisted: usize,
    next_sequence: u64,
    discontinuities: u64,
    target: u64,
    longest_listing: Duration,
    peak: u64,
    ended: bool,
}

/// The segment that is being filled.
#[derive(Debug)]
struct Open {
    start: Timestamp,
    packets: Vec<Packet>,
    bytes: usize,
}

#[derive(Debug)]
struct Segment {
    sequence: u64,
    name: String,
    init: u64,
    init_name: String,
    start: Timestamp,
    duration: Duration,
    discontinuity: bool,
    body: Bytes,
}

impl Stream {
    /// An empty stream.
    pub fn new(options: Options) -> Self {
        Self {
            options,
            tracks: Vec::new(),
            muxer: None,
            inits: VecDeque::new(),
            next_init: 0,
            open: None,
            early: VecDeque::new(),
            newest: Vec::new(),
            spacings: VecDeque::new(),
            newest_key: None,
            frame: Duration::ZERO,
            discontinuity: false,
            segments: VecDeque::new(),
            unlisted: 0,
            next_sequence: 0,
            discontinuities: 0,
            target: rounded(options.target).max(1),
            longest_listing: Duration::ZERO,
            peak: 0,
            ended: false,
        }
    }

    /// Takes what a hub reader gave. Says whether playlists or segments have changed.
    pub fn push(&mut self, next: Next) -> bool {
        match next {
            Next::Tracks(tracks) => self.set_tracks(&tracks),
            Next::Packet(packet) => self.packet(packet),
            Next::Gap(_) => self.interrupt(),
            Next::End => {
                let closed = self.interrupt();
                let ends = !self.ended && !self.segments.is_empty();
                self.ended = true;
                closed || ends
            }
        }
    }

    /// The multivariant playlist, once there is a segment (RFC 8216, section 4.3.4).
    pub fn multivariant(&self) -> Option<String> {
        let mut listed = self.segments.iter().skip(self.unlisted).peekable();
        listed.peek()?;
        let nominal: u64 = self.tracks.iter().map(|t| u64::from(t.bitrate)).sum();
        let (bytes, time) = listed.fold((0, Duration::ZERO), |(bytes, time), segment| {
            (bytes + segment.body.len(), time + segment.duration)
        });
        let average = bits_per_second(bytes, time);
        let peak = self.peak.max(nominal).max(average);
        Some(playlist::multivariant(&self.tracks, peak, average, MEDIA))
    }

    /// The media playlist, once there is a segment (RFC 8216, section 4.3.3).
    pub fn playlist(&self) -> Option<String> {
        let first = self.segments.get(self.unlisted)?;
        let head = Head {
            target: self.target,
            sequence: first.sequence,
            discontinuities: self.discontinuities,
            ended: self.ended,
        };
        let entries = self.segments.iter().skip(self.unlisted).map(|s| Entry {
            uri: &s.name,
            map: &s.init_name,
            duration: s.duration,
            unix_millis: self.options.epoch.saturating_add(s.start.millis()),
            discontinuity: s.discontinuity,
        });
        Some(playlist::media(head, entries))
    }

    /// The initialisation segment of the newest tracks.
    pub fn init(&self) -> Option<Bytes> {
        self.inits.back().map(|(_, body)| body.clone())
    }

    /// The segment of this number, as long as it is kept.
    pub fn segment(&self, sequence: u64) -> Option<Bytes> {
        let segment = self.segments.iter().find(|s| s.sequence == sequence)?;
        Some(segment.body.clone())
    }

    /// Everything that a player may ask for now, with its name.
    pub fn files(&self) -> Vec<(String, File)> {
        let playlist = |body: String| File {
            content_type: PLAYLIST_TYPE,
            immutable: false,
            body: body.into(),
        };
        let media = |body: &Bytes| File {
            content_type: self.content_type(),
            immutable: true,
            body: body.clone(),
        };
        let mut files = Vec::with_capacity(self.segments.len() + 4);
        files.extend(self.multivariant().map(|p| (INDEX.to_owned(), playlist(p))));
        files.extend(self.playlist().map(|p| (MEDIA.to_owned(), playlist(p))));
        files.extend(
            self.inits
                .iter()
                .map(|(number, body)| (self.init_name(*number), media(body))),
        );
        files.extend(
            self.segments
                .iter()
                .map(|s| (s.name.clone(), media(&s.body))),
        );
        files
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

    /// Bytes of media held, in segments and in packets.
    pub fn held(&self) -> usize {
        let open = self.open.as_ref().map_or(0, |o| o.bytes);
        let early: usize = self.early.iter().map(|p| p.data.len()).sum();
        self.kept() + open + early
    }

    fn kept(&self) -> usize {
        self.segments.iter().map(|s| s.body.len()).sum()
    }

    fn set_tracks(&mut self, tracks: &[Track]) -> bool {
        if tracks == self.tracks {
            return false;
        }
        if self.segments.is_empty() {
            // Sound often comes a moment before the picture; players settle for what there is in
            // the first segment.
            self.open = None;
        }
        let changed = self.interrupt();
        self.tracks = tracks.to_vec();
        self.muxer = None;
        self.newest.clear();
        self.spacings.clear();
        self.frame = Duration::ZERO;
        if !tracks.is_empty() {
            let muxer = Muxer::new(tracks);
            self.inits.push_back((self.next_init, muxer.init_segment()));
            self.next_init += 1;
            self.muxer = Some(muxer);
        }
        self.forget_inits();
        changed
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
        let key = packet.keyframe && (video || !self.has_video());
        match &self.open {
            None if key => self.begin(packet.pts),
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
                if key && self.should_cut(packet.pts.since(open.start)) {
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
                self.discontinuity = !self.segments.is_empty();
            }
        }
        changed
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

    fn begin(&mut self, start: Timestamp) {
        let packets: Vec<Packet> = self.early.drain(..).filter(|p| p.pts >= start).collect();
        self.open = Some(Open {
            start,
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
        self.begin(at);
        changed
    }

    /// Ends the open segment where its packets end; what follows begins anew.
    fn interrupt(&mut self) -> bool {
        self.early.clear();
        self.newest_key = None;
        let sealed = match self.open.take() {
            Some(open) => {
                let last = |of: fn(&Packet) -> Timestamp| {
                    let newest = open.packets.iter().map(of).max();
                    newest.unwrap_or(open.start) + self.frame
                };
                let (shown, decoded) = (last(|p| p.pts), last(|p| p.dts));
                let duration = shown.since(open.start);
                self.seal(open, duration, decoded)
            }
            None => false,
        };
        self.discontinuity = !self.segments.is_empty();
        sealed
    }

    /// Makes a segment of `duration` that ends at the decode time `end`.
    fn seal(&mut self, open: Open, duration: Duration, end: Timestamp) -> bool {
        let (Some(muxer), Some((init, _))) = (&mut self.muxer, self.inits.back()) else {
            return false;
        };
        if open.packets.is_empty() || duration.is_zero() {
            return false;
        }
        let init = *init;
        let body = muxer.fragment(&open.packets, end);
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        // Very short ones say nothing of the rate (section 4.1).
        if duration * 2 >= self.options.target {
            self.peak = self.peak.max(bits_per_second(body.len(), duration));
        }
        self.target = self.target.max(rounded(duration));
        self.segments.push_back(Segment {
            sequence,
            name: format!("{:x}-{sequence}.m4s", self.options.run),
            init,
            init_name: self.init_name(init),
            start: open.start,
            duration,
            discontinuity: std::mem::take(&mut self.discontinuity),
            body,
        });
        self.slide();
        true
    }

    /// Takes what is too old off the playlist, and forgets it once nobody can still want it: after
    /// its own duration and that of the longest playlist that named it (section 6.2.2).
    fn slide(&mut self) {
        let least = Duration::from_secs(self.target) * 3;
        let mut listing = self.listing();
        while self.segments.len() - self.unlisted > self.options.window {
            let first = &self.segments[self.unlisted];
            if listing - first.duration < least {
                break;
            }
            listing -= first.duration;
            // The tag of the segment that is now first is counted and no longer written.
            self.unlisted += 1;
            if self.segments[self.unlisted].discontinuity {
                self.discontinuities += 1;
            }
        }
        self.longest_listing = self.longest_listing.max(listing);
        let mut kept = self.kept();
        while self.unlisted > 0 {
            let first = &self.segments[0];
            let unlisted: Duration = self
                .segments
                .iter()
                .skip(1)
                .take(self.unlisted - 1)
                .map(|s| s.duration)
                .sum();
            let expired = unlisted >= first.duration + self.longest_listing;
            if !expired && kept <= KEPT_BYTES {
                break;
            }
            kept -= first.body.len();
            self.segments.pop_front();
            self.unlisted -= 1;
        }
        self.forget_inits();
    }

    fn listing(&self) -> Duration {
        let listed = self.segments.iter().skip(self.unlisted);
        listed.map(|s| s.duration).sum()
    }

    fn forget_inits(&mut self) {
        let newest = self.inits.back().map(|(number, _)| *number);
        let segments = &self.segments;
        self.inits.retain(|(number, _)| {
            Some(*number) == newest || segments.iter().any(|s| s.init == *number)
        });
    }

    fn init_name(&self, number: u64) -> String {
        format!("{:x}-init-{number}.mp4", self.options.run)
    }

    fn has_video(&self) -> bool {
        self.tracks.iter().any(|t| t.config.kind() == Kind::Video)
    }

    fn is_video(&self, id: TrackId) -> bool {
        let track = self.tracks.iter().find(|t| t.id == id);
        track.is_some_and(|t| matches!(t.config, Config::H264 { .. }))
    }

    fn content_type(&self) -> &'static str {
        if self.has_video() {
            VIDEO_TYPE
        } else {
            AUDIO_TYPE
        }
    }
}

/// Seconds, rounded to the nearest, as EXT-X-TARGETDURATION compares them (section 4.3.3.1).
fn rounded(duration: Duration) -> u64 {
    (duration + Duration::from_millis(500)).as_secs()
}

fn bits_per_second(bytes: usize, time: Duration) -> u64 {
    let micros = time.as_micros().max(1);
    u64::try_from(bytes as u128 * 8 * 1_000_000 / micros).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
