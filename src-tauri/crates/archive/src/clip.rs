//! Clips: parts of recordings as files of their own, cut at keyframes and not encoded again, or exactly.

mod exact;

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use bytes::Bytes;
use container::mp4::{Sample, Track};
use container::recording;
use media::{Config, Kind, Packet, Timestamp};

use crate::Error;
use crate::finish::index;

pub use exact::{Edge, Edged, cut_exactly};

/// Bytes that are copied at a time.
const COPY: usize = 1 << 20;

/// What a clip is cut from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file.
    pub path: PathBuf,
    /// Samples that lie here are taken.
    pub bytes: Range<u64>,
    /// Samples of this time of the file are taken, from the keyframe before it on; all when absent.
    pub times: Option<Range<Timestamp>>,
    /// How far behind the first of all those samples the clip begins, where it is cut exactly.
    pub skip: Duration,
    /// How far behind the first of all those samples it ends, where it is cut exactly; with the last of them when absent.
    pub ends: Option<Duration>,
}

impl Source {
    /// A time of a finished file.
    pub fn times(path: PathBuf, times: Range<Timestamp>) -> Self {
        Self {
            path,
            bytes: 0..u64::MAX,
            times: Some(times),
            skip: Duration::ZERO,
            ends: None,
        }
    }
}

/// A clip as it was cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clip {
    /// How long it plays.
    pub duration: Duration,
    /// Bytes of the file.
    pub bytes: u64,
}

/// A sample that is taken.
struct Piece {
    /// As it will be; its place is still that in the file it comes from.
    sample: Sample,
    /// What goes before its bytes.
    before: Bytes,
    /// Its bytes, where they are not those in the file.
    made: Option<Bytes>,
}

impl From<Sample> for Piece {
    fn from(sample: Sample) -> Self {
        Self {
            sample,
            before: Bytes::new(),
            made: None,
        }
    }
}

impl Piece {
    /// Where its bytes in the file end.
    fn end(&self) -> u64 {
        self.sample.position + self.sample.len as u64 - self.before.len() as u64
    }
}

/// What is taken of one file.
struct Part {
    path: PathBuf,
    file: File,
    samples: Vec<Piece>,
    /// The first picture's decode time; the first sound's where there is none.
    begins: Timestamp,
    /// What is shown of it, where it is cut exactly.
    wanted: Option<Range<Timestamp>>,
    /// Pictures that are shown from here on are there for those before alone.
    until: Option<Timestamp>,
    /// Where it ends, where it is cut exactly and not by its times.
    ends: Option<Timestamp>,
}

/// Cuts `sources`, one behind the other, into a new file at `to`, whose index is in front. The file is there
/// whole or not at all.
///
/// # Errors
/// [`Error`]: [`Error::Nothing`] when the sources hold nothing of it, [`Error::Changed`] when they do not
/// belong together.
pub fn cut(sources: &[Source], to: &Path) -> Result<Clip, Error> {
    cut_and_tell(sources, to, &AtomicU8::new(0))
}

/// The same, and `percent` says how far it is.
///
/// # Errors
/// As [`cut`].
pub fn cut_and_tell(sources: &[Source], to: &Path, percent: &AtomicU8) -> Result<Clip, Error> {
    let (tracks, mut parts) = open(sources)?;
    put_together(&tracks, &mut parts, to, percent)
}

/// Opens those that hold something.
fn open(sources: &[Source]) -> Result<(Vec<Track>, Vec<Part>), Error> {
    let mut tracks: Vec<Track> = Vec::new();
    let mut parts = Vec::new();
    for source in sources {
        let (own, part) = Part::open(source)?;
        if part.samples.is_empty() {
            continue;
        }
        let same = |(a, b): (&Track, &Track)| alike(&a.config, &b.config);
        if !parts.is_empty() && (own.len() != tracks.len() || !own.iter().zip(&tracks).all(same)) {
            return Err(Error::Changed);
        }
        tracks = own;
        parts.push(part);
    }
    Ok((tracks, parts))
}

/// Whether one decoder plays both. How many pictures a second there are, files say by what is in them: the same
/// encoding has others where pictures were skipped.
fn alike(a: &Config, b: &Config) -> bool {
    match (a, b) {
        (
            Config::H264 { sps, pps, .. },
            Config::H264 {
                sps: other_sps,
                pps: other_pps,
                ..
            },
        ) => sps == other_sps && pps == other_pps,
        (a, b) => a == b,
    }
}

/// Writes a file of all parts.
fn put_together(
    tracks: &[Track],
    parts: &mut [Part],
    to: &Path,
    percent: &AtomicU8,
) -> Result<Clip, Error> {
    let Lined { moved, len, until } = line_up(parts);
    let Some(end) = moved.iter().map(|s| s.pts + s.duration).max() else {
        return Err(Error::Nothing(0));
    };
    let end = until.unwrap_or(end).min(end);
    let front = recording::front(tracks, &moved, len, until);
    let beside = to.with_extension("part");
    let told = Told {
        percent,
        whole: len.max(1),
        so_far: 0,
    };
    let written = write(&beside, &front, parts, told);
    if let Err(error) = written {
        drop(std::fs::remove_file(&beside));
        return Err(error);
    }
    std::fs::rename(&beside, to).map_err(Error::disk(to))?;
    Ok(Clip {
        duration: end.since(Timestamp::ZERO),
        bytes: front.len() as u64 + len,
    })
}

/// All samples with the places and times that they get.
struct Lined {
    moved: Vec<Sample>,
    len: u64,
    /// Nothing is shown from here on.
    until: Option<Timestamp>,
}

fn line_up(parts: &[Part]) -> Lined {
    let mut moved = Vec::new();
    let mut position = 0;
    let mut until = None;
    let mut begins = Timestamp::ZERO;
    for part in parts {
        let shift = begins.offset_from(part.begins);
        let mut end = begins;
        for Piece { sample, .. } in &part.samples {
            let dts = sample.dts.offset(shift);
            end = end.max(dts + sample.duration);
            moved.push(Sample {
                position,
                dts,
                pts: sample.pts.offset(shift),
                ..*sample
            });
            position += sample.len as u64;
        }
        // Players show one stretch of a file: only its end can be hidden.
        until = part.until.map(|at| at.offset(shift));
        begins = end;
    }
    Lined {
        moved,
        len: position,
        until,
    }
}

/// How far a cut is.
struct Told<'a> {
    percent: &'a AtomicU8,
    whole: u64,
    so_far: u64,
}

impl Told<'_> {
    fn wrote(&mut self, bytes: u64) {
        self.so_far += bytes;
        let percent = u8::try_from(self.so_far * 100 / self.whole).unwrap_or(100);
        self.percent.store(percent.min(100), Ordering::Relaxed);
    }
}

fn write(to: &Path, front: &[u8], parts: &mut [Part], mut told: Told<'_>) -> Result<(), Error> {
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder).map_err(Error::disk(folder))?;
    }
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).open(to);
    let mut out = BufWriter::with_capacity(COPY, file.map_err(Error::disk(to))?);
    out.write_all(front).map_err(Error::disk(to))?;
    for part in parts {
        part.copy(&mut out, to, &mut told)?;
    }
    let file = out
        .into_inner()
        .map_err(|e| Error::disk(to)(e.into_error()))?;
    file.sync_all().map_err(Error::disk(to))
}

impl Part {
    fn open(source: &Source) -> Result<(Vec<Track>, Self), Error> {
        let path = &source.path;
        let mut file = File::open(path).map_err(Error::disk(path))?;
        let len = file.metadata().map_err(Error::disk(path))?.len();
        // Of one that is written on, what comes behind is left alone; of one that was finished since, the index lies
        // there.
        let (tracks, mut samples) = match index(path, &mut file, len.min(source.bytes.end)) {
            Ok((tracks, samples)) if !samples.is_empty() => (tracks, samples),
            _ => {
                let len = file.metadata().map_err(Error::disk(path))?.len();
                index(path, &mut file, len)?
            }
        };
        let within = |s: &Sample| {
            let end = s.position.saturating_add(s.len as u64);
            s.position >= source.bytes.start && end <= source.bytes.end.min(len)
        };
        samples.retain(within);
        if let Some(times) = &source.times {
            let ends = samples.iter().map(|s| s.pts + s.duration).max();
            if ends.is_none_or(|end| end <= times.start) {
                samples.clear();
            }
            let from = keyframe_before(&tracks, &samples, times.start);
            samples.retain(|s| s.dts >= from && s.dts < times.end);
        }
        let video = tracks.iter().find(|t| t.config.kind() == Kind::Video);
        let leads = |s: &&Sample| video.is_none_or(|v| v.id == s.track);
        let begins = samples.iter().filter(leads).map(|s| s.dts).min();
        let begins = begins.unwrap_or_default();
        // Sound lies behind its pictures: what belongs to those before is left out.
        samples.retain(|s| s.dts >= begins);
        let shown = samples.iter().filter(leads);
        let ends = shown.map(|s| s.pts + s.duration).max();
        let behind = begins + source.skip..ends.unwrap_or(begins);
        let cut_off = source.ends.map(|behind| begins + behind);
        let behind = behind.start..cut_off.map_or(behind.end, |end| end.min(behind.end));
        let skips = !source.skip.is_zero();
        let part = Self {
            path: path.clone(),
            file,
            samples: samples.into_iter().map(Piece::from).collect(),
            begins,
            wanted: source.times.clone().or(skips.then_some(behind)),
            until: None,
            ends: cut_off,
        };
        Ok((tracks, part))
    }

    /// Copies the samples in their order, in as few reads as they lie.
    fn copy(&mut self, out: &mut impl Write, to: &Path, told: &mut Told<'_>) -> Result<(), Error> {
        let mut buffer = vec![0; COPY];
        let mut rest = self.samples.as_slice();
        while let Some(first) = rest.first() {
            out.write_all(&first.before).map_err(Error::disk(to))?;
            told.wrote(first.before.len() as u64);
            if let Some(made) = &first.made {
                out.write_all(made).map_err(Error::disk(to))?;
                told.wrote(made.len() as u64);
                rest = &rest[1..];
                continue;
            }
            let mut end = first.end();
            let follows = |next: &&Piece, end: u64| {
                next.made.is_none() && next.before.is_empty() && next.sample.position == end
            };
            let mut many = 1;
            while let Some(next) = rest.get(many).filter(|next| follows(next, end)) {
                end = next.end();
                many += 1;
            }
            rest = &rest[many..];
            let first = first.sample.position;
            let from = &mut self.file;
            let seek = from.seek(SeekFrom::Start(first));
            seek.map_err(Error::disk(&self.path))?;
            let mut left = end - first;
            while left > 0 {
                let now = usize::try_from(left).map_or(COPY, |l| l.min(COPY));
                let read = from.read_exact(&mut buffer[..now]);
                read.map_err(Error::disk(&self.path))?;
                out.write_all(&buffer[..now]).map_err(Error::disk(to))?;
                told.wrote(now as u64);
                left -= now as u64;
            }
        }
        Ok(())
    }
}

/// The keyframe from which a moment of a file is decoded, and its codec; `None` for a file without pictures.
///
/// # Errors
/// [`Error`]
pub fn keyframe(path: &Path, at: Timestamp) -> Result<Option<(Config, Packet)>, Error> {
    let mut file = File::open(path).map_err(Error::disk(path))?;
    let len = file.metadata().map_err(Error::disk(path))?.len();
    let mut demuxer = crate::finish::read(path, &mut file, len)?;
    let video = |t: &&Track| t.config.kind() == Kind::Video;
    let Some(track) = demuxer.tracks().iter().find(video).cloned() else {
        return Ok(None);
    };
    demuxer.seek(at);
    while let Some(sample) = demuxer.next_sample().map_err(Error::file(path))? {
        if sample.track != track.id || !sample.keyframe {
            continue;
        }
        let mut data = vec![0; sample.len];
        let read = file
            .seek(SeekFrom::Start(sample.position))
            .and_then(|_| file.read_exact(&mut data));
        read.map_err(Error::disk(path))?;
        let packet = demuxer.packet(&sample, data.into());
        return Ok(Some((track.config, packet.map_err(Error::file(path))?)));
    }
    Ok(None)
}

/// The keyframe that a stretch of a file begins with, which may still be written, and its codec; `None` where there
/// are no pictures.
///
/// # Errors
/// [`Error`]
pub fn first_keyframe(source: &Source) -> Result<Option<(Config, Packet)>, Error> {
    let (tracks, mut part) = Part::open(source)?;
    let video = |t: &&Track| t.config.kind() == Kind::Video;
    let Some(track) = tracks.iter().find(video) else {
        return Ok(None);
    };
    let key = |piece: &&Piece| piece.sample.track == track.id && piece.sample.keyframe;
    let Some(first) = part.samples.iter().find(key).map(|piece| piece.sample) else {
        return Ok(None);
    };
    let packets = crate::finish::packets(&part.path, &mut part.file, &[first])?;
    let config = track.config.clone();
    Ok(packets.into_iter().next().map(|packet| (config, packet)))
}

/// Where decoding must begin for `at` to be shown.
fn keyframe_before(tracks: &[Track], samples: &[Sample], at: Timestamp) -> Timestamp {
    let video = tracks.iter().find(|t| t.config.kind() == Kind::Video);
    let leads = |s: &&Sample| video.is_none_or(|v| v.id == s.track);
    let keys = samples.iter().filter(leads).filter(|s| s.keyframe);
    let before = keys.filter(|s| s.pts <= at).map(|s| s.dts).max();
    before.unwrap_or(at)
}

#[cfg(test)]
mod tests;
