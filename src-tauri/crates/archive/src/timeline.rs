//! Where each moment of a channel lies.

use std::collections::VecDeque;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use media::{Timestamp, Track};
use parking_lot::RwLock;

use crate::Error;
use crate::clip::Source;
use crate::cutter::Piece;

/// What is kept behind the live picture of one channel: shared by who writes it and who looks back.
#[derive(Debug, Default)]
pub struct Timeline {
    inner: RwLock<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    reels: VecDeque<Filed>,
    next: u64,
    /// Segments and changes of reel that have left the playlist.
    gone: Gone,
    ended: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Gone {
    segments: u64,
    reels: u64,
}

/// A reel and its pieces.
#[derive(Debug)]
struct Filed {
    number: u64,
    path: PathBuf,
    /// A recording: its file stays when it is no longer listed.
    kept: bool,
    init: Bytes,
    tracks: Vec<Track>,
    segments: VecDeque<Segment>,
    /// Places of words in the file that viewers get as `free`.
    beside: VecDeque<u64>,
}

/// A stretch of a reel from one keyframe to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Where in the file it begins, in bytes.
    pub position: u64,
    /// How many bytes it is.
    pub len: u64,
    /// Its first decode time.
    pub start: Timestamp,
    /// How long it is.
    pub duration: Duration,
}

/// All that can be played, as playlists list it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Whole segments, the oldest first, each with the number of its reel.
    pub segments: Vec<(u64, Segment)>,
    /// How many segments were listed before them.
    pub gone_segments: u64,
    /// How many reels.
    pub gone_reels: u64,
    /// Nothing follows.
    pub ended: bool,
}

/// A stretch that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its beginning.
    pub start: Timestamp,
    /// Its end.
    pub end: Timestamp,
}

impl Timeline {
    /// Files a new reel; gives its number.
    pub(crate) fn begin(&self, path: PathBuf, kept: bool, init: Bytes, tracks: Vec<Track>) -> u64 {
        let mut inner = self.inner.write();
        let number = inner.next;
        inner.next += 1;
        inner.ended = false;
        inner.reels.push_back(Filed {
            number,
            path,
            kept,
            init,
            tracks,
            segments: VecDeque::new(),
            beside: VecDeque::new(),
        });
        number
    }

    /// Files a piece that was written at `position` of a reel.
    pub(crate) fn add(&self, reel: u64, position: u64, piece: &Piece) {
        let mut inner = self.inner.write();
        let Some(filed) = inner.reels.iter_mut().find(|r| r.number == reel) else {
            return;
        };
        let places = piece.beside.iter().map(|at| position + *at as u64);
        filed.beside.extend(places);
        let len = piece.data.size() as u64;
        match filed.segments.back_mut().filter(|_| !piece.keyframe) {
            Some(segment) => {
                segment.len += len;
                segment.duration = (piece.start + piece.duration).since(segment.start);
            }
            None => filed.segments.push_back(Segment {
                position,
                len,
                start: piece.start,
                duration: piece.duration,
            }),
        }
    }

    /// Says that nothing more comes, for now.
    pub(crate) fn end(&self) {
        self.inner.write().ended = true;
    }

    /// Forgets what ended before `time`; gives the files that nobody keeps any more.
    pub(crate) fn forget(&self, time: Timestamp) -> Vec<PathBuf> {
        let mut inner = self.inner.write();
        let mut files = Vec::new();
        let newest = inner.next.saturating_sub(1);
        while let Some(reel) = inner.reels.front_mut() {
            let before = reel.segments.len();
            let old = |s: &Segment| s.start + s.duration < time;
            while reel.segments.front().is_some_and(old) {
                reel.segments.pop_front();
            }
            let first = reel.segments.front().map_or(0, |s| s.position);
            while reel.beside.front().is_some_and(|at| *at < first) {
                reel.beside.pop_front();
            }
            let (left, empty) = (before - reel.segments.len(), reel.segments.is_empty());
            let done = empty && reel.number != newest;
            inner.gone.segments += left as u64;
            if !done {
                break;
            }
            inner.gone.reels += 1;
            if let Some(reel) = inner.reels.pop_front()
                && !reel.kept
            {
                files.push(reel.path);
            }
        }
        files
    }

    /// Forgets everything; gives the files that nobody keeps any more.
    pub(crate) fn clear(&self) -> Vec<PathBuf> {
        let mut inner = self.inner.write();
        let reels = std::mem::take(&mut inner.reels);
        reels
            .into_iter()
            .filter(|r| !r.kept)
            .map(|r| r.path)
            .collect()
    }

    /// What can be gone back to; `None` before anything is kept.
    pub fn span(&self) -> Option<Span> {
        let inner = self.inner.read();
        let mut segments = inner.reels.iter().flat_map(|r| &r.segments);
        let start = segments.next()?.start;
        let last = inner.reels.iter().rev().find_map(|r| r.segments.back())?;
        Some(Span {
            start,
            end: last.start + last.duration,
        })
    }

    /// All segments that are whole.
    pub fn listing(&self) -> Listing {
        let inner = self.inner.read();
        let all = inner
            .reels
            .iter()
            .flat_map(|reel| reel.segments.iter().map(|s| (reel.number, *s)));
        let mut segments: Vec<(u64, Segment)> = all.collect();
        if !inner.ended {
            // The newest one still grows.
            segments.pop();
        }
        Listing {
            segments,
            gone_segments: inner.gone.segments,
            gone_reels: inner.gone.reels,
            ended: inner.ended,
        }
    }

    /// The tracks of what is newest.
    pub fn tracks(&self) -> Option<Vec<Track>> {
        Some(self.inner.read().reels.back()?.tracks.clone())
    }

    /// The initialisation segment of a reel.
    pub fn init(&self, reel: u64) -> Option<Bytes> {
        let inner = self.inner.read();
        let found = inner.reels.iter().find(|r| r.number == reel)?;
        Some(found.init.clone())
    }

    /// The file of a reel, of which the playlist names ranges.
    pub fn file(&self, reel: u64) -> Option<PathBuf> {
        let inner = self.inner.read();
        let found = inner.reels.iter().find(|r| r.number == reel)?;
        Some(found.path.clone())
    }

    /// Places in a range of a reel's file at which viewers get the four letters `free`: what describes sound
    /// tracks that are for recordings alone.
    pub fn beside(&self, reel: u64, bytes: &Range<u64>) -> Vec<u64> {
        let inner = self.inner.read();
        let found = inner.reels.iter().find(|r| r.number == reel);
        let touched = |at: &&u64| **at < bytes.end && **at + 4 > bytes.start;
        let places = found.into_iter().flat_map(|r| &r.beside);
        places.filter(touched).copied().collect()
    }

    /// What the picture at `at` is in: the stretch from the keyframe before it.
    ///
    /// # Errors
    /// [`Error::Nothing`] when nothing is kept of that time.
    pub fn around(&self, at: Timestamp) -> Result<Option<Source>, Error> {
        let just_behind = at + Duration::from_millis(1);
        Ok(self.gather(at, just_behind, true)?.1.pop())
    }

    /// What a clip from `from` to `to` is cut from.
    ///
    /// # Errors
    /// [`Error::Nothing`] when nothing is kept of that time, [`Error::Changed`] when the encoding changed
    /// within it.
    pub fn sources(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Source>, Error> {
        Ok(self.gather(from, to, false)?.1)
    }

    /// The same of what the encoding has been since it last changed within that time, and when that begins.
    ///
    /// # Errors
    /// [`Error::Nothing`] when nothing is kept of that time.
    pub fn latest(
        &self,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<(Timestamp, Vec<Source>), Error> {
        self.gather(from, to, true)
    }

    /// Begins `anew` where the encoding changed, or says so.
    fn gather(
        &self,
        from: Timestamp,
        to: Timestamp,
        anew: bool,
    ) -> Result<(Timestamp, Vec<Source>), Error> {
        let mut begins = from;
        let inner = self.inner.read();
        let overlaps = |s: &Segment| s.start < to && s.start + s.duration > from;
        let touched = inner
            .reels
            .iter()
            .filter(|r| r.segments.iter().any(overlaps));
        let mut sources: Vec<Source> = Vec::new();
        let mut tracks: Option<&[Track]> = None;
        for reel in touched {
            let same = |t: &[Track]| {
                t.len() == reel.tracks.len()
                    && t.iter()
                        .zip(&reel.tracks)
                        .all(|(a, b)| a.config == b.config)
            };
            if !tracks.is_none_or(same) {
                if !anew {
                    return Err(Error::Changed);
                }
                sources.clear();
            }
            tracks = Some(&reel.tracks);
            let wanted: Vec<&Segment> = reel.segments.iter().filter(|s| overlaps(s)).collect();
            if let (Some(first), Some(last)) = (wanted.first(), wanted.last()) {
                if sources.is_empty() {
                    begins = from.max(first.start);
                }
                sources.push(Source {
                    path: reel.path.clone(),
                    bytes: first.position..last.position + last.len,
                    times: None,
                    skip: match sources.is_empty() {
                        true => from.since(first.start),
                        false => Duration::ZERO,
                    },
                    // Of time for which a recording stood still nothing is in the file.
                    ends: (to < last.start + last.duration).then(|| {
                        let before = &wanted[..wanted.len() - 1];
                        let before: Duration = before.iter().map(|s| s.duration).sum();
                        before + to.since(last.start)
                    }),
                });
            }
        }
        if sources.is_empty() {
            let kept = inner.kept_time();
            return Err(Error::Nothing(kept.as_secs()));
        }
        Ok((begins, sources))
    }
}

impl Inner {
    fn kept_time(&self) -> Duration {
        let all = self.reels.iter().flat_map(|r| &r.segments);
        all.map(|s| s.duration).sum()
    }
}

#[cfg(test)]
mod tests;
