//! Recordings: files that play while they are written, and become ordinary MP4 without being copied.
//!
//! A recording begins with [`head`] and goes on with fragments, so that whatever lies on the disk plays when the
//! program is killed. Once it is finished, [`index`] makes the index of a whole file, to be put behind
//! everything; then [`seal`] turns the sixteen bytes of room in front into the header of one box of media that
//! holds all before that index. Fragments stay where they are, so that playlists which name them by their place
//! stay true; those sixteen bytes are written at once, so that the file is one or the other at any moment.

use bytes::Bytes;
use media::Timestamp;

use crate::boxes::Writer;
use crate::fmp4::init::{self, TrackHead};
use crate::fmp4::{Muxer, scale_of};
use crate::mp4::{Sample, Track};

/// Where the room lies: behind the file's type.
const ROOM: u64 = 28;

/// Ticks per second of the finished file as a whole.
const MOVIE_SCALE: u32 = 90_000;

/// The beginning of a recording of the muxer's tracks. The muxer's fragments follow.
pub fn head(muxer: &Muxer) -> Bytes {
    muxer.recording_head()
}

/// Whether a file that begins with these bytes (32 suffice) is a recording that [`seal`] fits.
pub fn is_open(beginning: &[u8]) -> bool {
    beginning.get(4..8) == Some(b"ftyp") && beginning.get(28..36) == Some(b"\0\0\0\x10free")
}

/// What finishes a recording whose index lies at `index`: the place, and the bytes that go there.
pub fn seal(index: u64) -> (u64, [u8; 16]) {
    let mut bytes = *b"\0\0\0\x01mdat\0\0\0\0\0\0\0\0";
    bytes[8..].copy_from_slice(&index.saturating_sub(ROOM).to_be_bytes());
    (ROOM, bytes)
}

/// The beginning of a file of whole tracks: its type, [`index`] of `len` bytes of media behind it, and that
/// media's header. Samples count their places from the first byte of media; gives the bytes before it. Nothing is
/// shown from `until` on: what is decoded of that is there for the pictures before.
pub fn front(tracks: &[Track], samples: &[Sample], len: u64, until: Option<Timestamp>) -> Bytes {
    let mut w = Writer::default();
    init::file_type(&mut w);
    // Places have eight bytes each whatever they are, so that the index is as long either way.
    let before = w.out.len() as u64 + movie(tracks, samples, until).len() as u64 + 16;
    let moved: Vec<Sample> = samples
        .iter()
        .map(|sample| Sample {
            position: sample.position + before,
            ..*sample
        })
        .collect();
    w.put(&movie(tracks, &moved, until));
    w.put(b"\0\0\0\x01mdat");
    w.u64(len + 16);
    w.out.into()
}

/// The index of a whole file (`moov`): tracks, and where their samples lie, in order of decoding.
pub fn index(tracks: &[Track], samples: &[Sample]) -> Bytes {
    movie(tracks, samples, None)
}

fn movie(tracks: &[Track], samples: &[Sample], until: Option<Timestamp>) -> Bytes {
    let mut timed: Vec<Timed<'_>> = Vec::with_capacity(tracks.len());
    for track in tracks {
        let own = samples.iter().filter(|s| s.track == track.id);
        timed.push(Timed::new(track, own.copied().collect(), until));
    }
    timed.retain(|t| !t.samples.is_empty());
    let longest = timed.iter().map(|t| t.delay + t.shown).max().unwrap_or(0);
    let mut w = Writer::default();
    let moov = w.begin(b"moov");
    init::movie_header(&mut w, MOVIE_SCALE, Some(longest), timed.len());
    for (number, track) in (1u32..).zip(&timed) {
        let before = timed.iter().take(number as usize - 1);
        let before = before.map(|t| &t.track.config);
        let head = TrackHead {
            number,
            of_kind: TrackHead::of_kind(&track.track.config, before),
            config: &track.track.config,
            scale: track.scale,
            duration: Some((track.delay + track.shown, track.length())),
        };
        init::track(&mut w, head, |w| track.edits(w), |w| track.tables(w));
    }
    w.end(moov);
    w.out.into()
}

/// A track in its own ticks.
struct Timed<'a> {
    track: &'a Track,
    scale: u32,
    samples: Vec<Sample>,
    /// What is passed over before anything is shown, in the track's ticks.
    passed: u64,
    /// Nothing is shown this long, in the movie's ticks.
    delay: u64,
    /// How long it is shown, in the movie's ticks.
    shown: u64,
    /// There is more than is shown.
    hides: bool,
}

impl<'a> Timed<'a> {
    fn new(track: &'a Track, samples: Vec<Sample>, until: Option<Timestamp>) -> Self {
        let scale = scale_of(&track.config);
        let (mut passed, mut delay, mut shown, mut hides) = (0, 0, 0, false);
        let ends = samples.iter().map(|s| s.pts + s.duration).max();
        if let (Some(first), Some(ends)) = (samples.first(), ends) {
            let begins = samples.iter().take(32).map(|s| s.pts).min();
            let begins = begins.unwrap_or(first.pts).max(Timestamp::ZERO);
            passed = ticks(begins, scale).abs_diff(ticks(first.dts, scale));
            delay = ticks(begins, MOVIE_SCALE).unsigned_abs();
            hides = until.is_some_and(|until| until < ends);
            let ends = until.unwrap_or(ends).min(ends);
            shown = ticks(ends.max(begins), MOVIE_SCALE).abs_diff(ticks(begins, MOVIE_SCALE));
        }
        Self {
            track,
            scale,
            samples,
            passed,
            delay,
            shown,
            hides,
        }
    }

    /// Until the next sample of the track, for each.
    fn durations(&self) -> impl Iterator<Item = u32> + '_ {
        let next = self.samples.iter().skip(1).map(|s| s.dts);
        let end = self.samples.last().map(|s| s.dts + s.duration);
        let span = |(sample, next): (&Sample, Timestamp)| {
            let ticks = ticks(next, self.scale) - ticks(sample.dts, self.scale);
            u32::try_from(ticks).unwrap_or(0)
        };
        self.samples.iter().zip(next.chain(end)).map(span)
    }

    fn length(&self) -> u64 {
        self.durations().map(u64::from).sum()
    }

    /// Section 8.6.6: nothing for a while, then what there is.
    fn edits(&self, w: &mut Writer) {
        if self.delay == 0 && self.passed == 0 && !self.hides {
            return;
        }
        let edts = w.begin(b"edts");
        let elst = w.begin_full(b"elst", 1, 0);
        w.u32(1 + u32::from(self.delay > 0));
        if self.delay > 0 {
            w.u64(self.delay);
            w.u64(u64::MAX);
            w.u32(0x1_0000);
        }
        w.u64(self.shown);
        w.u64(self.passed);
        w.u32(0x1_0000);
        w.end(elst);
        w.end(edts);
    }

    /// Sections 8.5 to 8.7.
    fn tables(&self, w: &mut Writer) {
        let stts = w.begin_full(b"stts", 0, 0);
        runs(w, self.durations());
        w.end(stts);
        let offset = |s: &Sample| {
            let ticks = ticks(s.pts, self.scale) - ticks(s.dts, self.scale);
            i32::try_from(ticks).unwrap_or(0).cast_unsigned()
        };
        if self.samples.iter().any(|s| s.pts != s.dts) {
            let ctts = w.begin_full(b"ctts", 1, 0);
            runs(w, self.samples.iter().map(offset));
            w.end(ctts);
        }
        if self.samples.iter().any(|s| !s.keyframe) {
            let stss = w.begin_full(b"stss", 0, 0);
            let keys = (1u32..).zip(&self.samples).filter(|(_, s)| s.keyframe);
            w.u32(u32::try_from(keys.clone().count()).unwrap_or(u32::MAX));
            for (number, _) in keys {
                w.u32(number);
            }
            w.end(stss);
        }
        let chunks = self.chunks();
        let stsc = w.begin_full(b"stsc", 0, 0);
        let count = w.out.len();
        w.u32(0);
        let mut entries = 0;
        let mut before = 0;
        for (number, (_, len)) in (1u32..).zip(&chunks) {
            if *len != before {
                before = *len;
                entries += 1;
                w.u32(number);
                w.u32(*len);
                w.u32(1);
            }
        }
        w.patch(count, entries);
        w.end(stsc);
        let stsz = w.begin_full(b"stsz", 0, 0);
        w.u32(0);
        w.u32(u32::try_from(self.samples.len()).unwrap_or(u32::MAX));
        for sample in &self.samples {
            w.u32(u32::try_from(sample.len).unwrap_or(u32::MAX));
        }
        w.end(stsz);
        let co64 = w.begin_full(b"co64", 0, 0);
        w.u32(u32::try_from(chunks.len()).unwrap_or(u32::MAX));
        for (position, _) in &chunks {
            w.u64(*position);
        }
        w.end(co64);
    }

    /// Stretches in which one sample follows the other: the place, and how many.
    fn chunks(&self) -> Vec<(u64, u32)> {
        let mut chunks: Vec<(u64, u32)> = Vec::new();
        let mut end = None;
        for sample in &self.samples {
            match chunks.last_mut().filter(|_| end == Some(sample.position)) {
                Some((_, len)) => *len += 1,
                None => chunks.push((sample.position, 1)),
            }
            end = Some(sample.position + sample.len as u64);
        }
        chunks
    }
}

fn ticks(at: Timestamp, scale: u32) -> i64 {
    at.ticks(scale)
}

/// A table of equal values in a row: how often, what.
fn runs(w: &mut Writer, values: impl Iterator<Item = u32>) {
    let count = w.out.len();
    w.u32(0);
    let mut entries = 0;
    let mut run: Option<(u32, u32)> = None;
    for value in values {
        match &mut run {
            Some((times, same)) if *same == value => *times += 1,
            _ => {
                if let Some((times, value)) = run.replace((1, value)) {
                    entries += 1;
                    w.u32(times);
                    w.u32(value);
                }
            }
        }
    }
    if let Some((times, value)) = run {
        entries += 1;
        w.u32(times);
        w.u32(value);
    }
    w.patch(count, entries);
}

#[cfg(test)]
mod tests;
