//! What has been packaged: segments, their parts, and the playlists that name them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use media::{Timestamp, Track};

use super::{Body, Options, Part};
use crate::hls::MEDIA;
use crate::hls::playlist::{self, Entry, Head, Low, Piece};

/// Segments are kept no longer than they are of this many bytes together, beyond the newest ones
/// that the playlist needs.
const KEPT_BYTES: usize = 96 << 20;

/// Parts are listed as long as they begin within this many target durations of the end
/// (RFC 8216bis, section 6.2.2).
const PARTS_LISTED: u64 = 3;

/// Segments are skipped in delta updates when they are this many target durations from the end; the
/// least there may be (section 4.4.3.8).
const SKIP_TARGETS: u64 = 6;

/// Finished segments, oldest first, and what of them is listed.
#[derive(Clone, Debug)]
pub(super) struct Shelf {
    options: Options,
    /// Initialisation segments by number, as long as a kept segment needs them.
    pub(super) inits: VecDeque<(u64, Bytes)>,
    next_init: u64,
    pub(super) segments: VecDeque<Arc<Segment>>,
    /// How many of `segments`, from the front, have left the playlist and are kept for those who
    /// still load them.
    pub(super) unlisted: usize,
    next_sequence: u64,
    discontinuities: u64,
    /// Seconds.
    pub(super) target: u64,
    longest_listing: Duration,
    /// Bits per second.
    peak: u64,
}

/// A segment that is whole.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) sequence: u64,
    name: String,
    init: u64,
    init_name: String,
    start: Timestamp,
    pub(super) duration: Duration,
    pub(super) discontinuity: bool,
    /// All of it.
    pub(super) parts: Vec<Part>,
    /// About.
    pub(super) bytes: usize,
}

impl Segment {
    fn body(&self) -> Body {
        self.parts.iter().map(|part| part.body.bytes()).collect()
    }
}

/// What is about to become a segment, or its beginning so far.
#[derive(Clone, Debug)]
pub(super) struct Begun {
    pub(super) start: Timestamp,
    pub(super) discontinuity: bool,
    pub(super) parts: Vec<Part>,
}

impl Shelf {
    pub(super) fn new(options: Options) -> Self {
        Self {
            options,
            inits: VecDeque::new(),
            next_init: 0,
            segments: VecDeque::new(),
            unlisted: 0,
            next_sequence: 0,
            discontinuities: 0,
            target: rounded(options.target).max(1),
            longest_listing: Duration::ZERO,
            peak: 0,
        }
    }

    /// The number that the next segment gets.
    pub(super) fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// Bytes of media held.
    pub(super) fn bytes(&self) -> usize {
        self.segments.iter().map(|s| s.bytes).sum()
    }

    /// What is put next begins with this initialisation segment.
    pub(super) fn set_init(&mut self, init: Option<Bytes>) {
        if let Some(init) = init {
            self.inits.push_back((self.next_init, init));
            self.next_init += 1;
        }
        self.forget_inits();
    }

    /// Puts a segment of `duration` behind the others.
    pub(super) fn put(&mut self, begun: Begun, duration: Duration) {
        let Some(&(init, _)) = self.inits.back() else {
            return;
        };
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        let bytes = begun.parts.iter().map(|p| p.bytes).sum();
        // Very short ones say nothing of the rate (section 4.1).
        if duration * 2 >= self.options.target {
            self.peak = self.peak.max(bits_per_second(bytes, duration));
        }
        self.target = self.target.max(rounded(duration));
        self.segments.push_back(Arc::new(Segment {
            sequence,
            name: format!("{:x}-{sequence}.m4s", self.options.run),
            init,
            init_name: self.init_name(init),
            start: begun.start,
            duration,
            discontinuity: begun.discontinuity,
            parts: begun.parts,
            bytes,
        }));
        self.slide();
    }

    /// The multivariant playlist, once there is a segment (RFC 8216, section 4.3.4).
    pub(super) fn multivariant(&self, tracks: &[Track]) -> Option<String> {
        let mut listed = self.listed().peekable();
        listed.peek()?;
        let nominal: u64 = tracks.iter().map(|t| u64::from(t.bitrate)).sum();
        let (bytes, time) = listed.fold((0, Duration::ZERO), |(bytes, time), segment| {
            (bytes + segment.bytes, time + segment.duration)
        });
        let average = bits_per_second(bytes, time);
        let peak = self.peak.max(nominal).max(average);
        Some(playlist::multivariant(tracks, peak, average, MEDIA))
    }

    /// The media playlist, once there is a segment (RFC 8216, section 4.3.3); with `skip` as a delta
    /// update, if there is anything to skip (RFC 8216bis, section 6.2.5.1).
    pub(super) fn playlist(
        &self,
        begun: Option<&Begun>,
        low: Option<Duration>,
        ended: bool,
        skip: bool,
    ) -> Option<String> {
        let first = self.segments.get(self.unlisted)?;
        let whole = self.listing();
        let begun_for: Duration = begun
            .iter()
            .flat_map(|b| &b.parts)
            .map(|p| p.duration)
            .sum();
        let until = Duration::from_secs(self.target * SKIP_TARGETS);
        let mut behind = whole + begun_for;
        let mut entries = Vec::with_capacity(self.segments.len() + 1);
        let mut skipped = 0;
        for segment in self.listed() {
            if skip && low.is_some() && behind - segment.duration >= until {
                skipped += 1;
                behind -= segment.duration;
                continue;
            }
            let recent = behind <= Duration::from_secs(self.target * PARTS_LISTED);
            behind -= segment.duration;
            entries.push(Entry {
                whole: Some((&segment.name, segment.duration)),
                range: None,
                map: &segment.init_name,
                unix_millis: self.unix_millis(segment.start),
                discontinuity: segment.discontinuity,
                parts: match low {
                    Some(_) if recent => self.pieces(segment.sequence, &segment.parts),
                    _ => Vec::new(),
                },
            });
        }
        if skip && skipped == 0 {
            return None;
        }
        let map = self.inits.back().map(|(n, _)| self.init_name(*n));
        if let (Some(begun), Some(_), Some(map), false) = (begun, low, &map, ended)
            && !begun.parts.is_empty()
        {
            entries.push(Entry {
                whole: None,
                range: None,
                map,
                unix_millis: self.unix_millis(begun.start),
                discontinuity: begun.discontinuity,
                parts: self.pieces(self.next_sequence, &begun.parts),
            });
        }
        let hint = low
            .filter(|_| !ended)
            .map(|_| self.part_name(self.next_sequence, begun.map_or(0, |b| b.parts.len())));
        let head = Head {
            target: self.target,
            sequence: first.sequence,
            discontinuities: self.discontinuities,
            ended,
            skipped,
            low: low.zip(hint.as_deref()).map(|(part, hint)| Low {
                part,
                skip_until: until,
                hint,
            }),
        };
        Some(playlist::media(head, &entries))
    }

    fn pieces(&self, sequence: u64, parts: &[Part]) -> Vec<Piece> {
        let piece = |(n, part): (usize, &Part)| Piece {
            uri: self.part_name(sequence, n),
            duration: part.duration,
            independent: part.independent,
        };
        parts.iter().enumerate().map(piece).collect()
    }

    /// The name of a segment's part, counted from 0.
    pub(super) fn part_name(&self, sequence: u64, part: usize) -> String {
        format!("{:x}-{sequence}.{part}.m4s", self.options.run)
    }

    fn unix_millis(&self, at: Timestamp) -> i64 {
        self.options.epoch.saturating_add(at.millis())
    }

    /// What is in the file of media of this name, if a player may ask for it now.
    pub(super) fn media(&self, name: &str, begun: &[Part], low: bool) -> Option<Body> {
        let mut inits = self.inits.iter();
        if let Some((_, init)) = inits.find(|(number, _)| self.init_name(*number) == name) {
            return Some(init.clone().into());
        }
        if let Some(segment) = self.segments.iter().find(|s| s.name == name) {
            return Some(segment.body());
        }
        let recent = self.recent().map(|s| (s.sequence, s.parts.as_slice()));
        let parts = recent
            .chain([(self.next_sequence, begun)])
            .flat_map(|(sequence, parts)| parts.iter().enumerate().map(move |p| (sequence, p)));
        let mut named = parts
            .filter(|_| low)
            .filter(|(sequence, (n, _))| self.part_name(*sequence, *n) == name);
        let (_, (_, part)) = named.next()?;
        Some(part.body.bytes().into())
    }

    /// Segments whose parts may be asked for: those that the playlist lists in parts, and of the one before it,
    /// too, as whoever has read that may still ask.
    fn recent(&self) -> impl Iterator<Item = &Segment> {
        let listed = Duration::from_secs(self.target * (PARTS_LISTED + 1));
        let segments = self.segments.iter().rev().map(AsRef::as_ref);
        segments.scan(Duration::ZERO, move |behind, segment: &Segment| {
            let near = *behind < listed;
            *behind += segment.duration;
            near.then_some(segment)
        })
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
        let mut kept = self.bytes();
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
            kept -= first.bytes;
            self.segments.pop_front();
            self.unlisted -= 1;
        }
        self.forget_inits();
    }

    fn listed(&self) -> impl Iterator<Item = &Segment> {
        let listed = self.segments.iter().skip(self.unlisted);
        listed.map(AsRef::as_ref)
    }

    /// How long the listed segments are together.
    pub(super) fn listing(&self) -> Duration {
        self.listed().map(|s| s.duration).sum()
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
}

/// Seconds, rounded to the nearest, as EXT-X-TARGETDURATION compares them (section 4.3.3.1).
fn rounded(duration: Duration) -> u64 {
    (duration + Duration::from_millis(500)).as_secs()
}

fn bits_per_second(bytes: usize, time: Duration) -> u64 {
    let micros = time.as_micros().max(1);
    u64::try_from(bytes as u128 * 8 * 1_000_000 / micros).unwrap_or(u64::MAX)
}
