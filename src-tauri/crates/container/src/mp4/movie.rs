//! The movie box: tracks, their time and their samples.

use media::Kind;

use super::entry::{self, Entry};
use super::samples::{self, Edit, Stream, Table};
use super::{Error, Skipped};
use crate::boxes::{Cursor, Short, child, children};

/// Most tracks; track numbers have one byte.
const MAX_TRACKS: usize = 64;

#[derive(Debug)]
pub(super) struct Movie {
    pub(super) streams: Vec<Stream>,
    pub(super) skipped: Vec<Skipped>,
    /// Whether fragments follow.
    pub(super) fragmented: bool,
}

/// What fragments take for granted (section 8.8.3).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Defaults {
    pub(super) duration: u32,
    pub(super) size: u32,
    pub(super) flags: u32,
}

impl Movie {
    pub(super) fn read(moov: &[u8]) -> Result<Self, Error> {
        let header = child(moov, b"mvhd").ok_or(Error::Damaged("its index has no header"))?;
        let (timescale, _) = time(header)?;
        let extends = child(moov, b"mvex");
        let mut movie = Self {
            streams: Vec::new(),
            skipped: Vec::new(),
            fragmented: extends.is_some(),
        };
        let mut room = samples::MAX_SAMPLES;
        for (_, trak) in children(moov)
            .filter(|(kind, _)| kind == b"trak")
            .take(MAX_TRACKS)
        {
            movie.track(trak, timescale, &mut room)?;
        }
        for (_, trex) in children(extends.unwrap_or_default()).filter(|(k, _)| k == b"trex") {
            let mut cursor = Cursor(trex);
            cursor.full()?;
            let id = cursor.u32()?;
            cursor.u32()?;
            let defaults = Defaults {
                duration: cursor.u32()?,
                size: cursor.u32()?,
                flags: cursor.u32()?,
            };
            if let Some(stream) = movie.streams.iter_mut().find(|s| s.file_id == id) {
                stream.defaults = defaults;
            }
        }
        Ok(movie)
    }

    fn track(&mut self, trak: &[u8], movie_scale: u32, room: &mut usize) -> Result<(), Error> {
        const MISSING: Error = Error::Damaged("a track lacks a part");
        let mdia = child(trak, b"mdia").ok_or(MISSING)?;
        let kind = match handler(child(mdia, b"hdlr").ok_or(MISSING)?)? {
            [b'v', b'i', b'd', b'e'] => Kind::Video,
            [b's', b'o', b'u', b'n'] => Kind::Audio,
            // Subtitles, chapters, time codes, metadata.
            _ => return Ok(()),
        };
        let (timescale, length) = time(child(mdia, b"mdhd").ok_or(MISSING)?)?;
        let stbl = child(mdia, b"minf")
            .and_then(|minf| child(minf, b"stbl"))
            .ok_or(MISSING)?;
        let stsd = child(stbl, b"stsd").ok_or(MISSING)?;
        let entry = match entry::read(stsd, kind)? {
            Entry::Codec(entry) => entry,
            Entry::Unknown(codec) => {
                self.skipped.push(Skipped { kind, codec });
                return Ok(());
            }
        };
        let edit = match child(trak, b"edts").and_then(|edts| child(edts, b"elst")) {
            Some(elst) => edit(elst, movie_scale)?,
            None => Edit::default(),
        };
        let table = Table::read(stbl, room)?;
        let file_id = track_id(child(trak, b"tkhd").ok_or(MISSING)?)?;
        self.streams.push(Stream {
            config: entry.config,
            length_size: entry.length_size,
            extra_sets: entry.extra_sets,
            media: kind,
            timescale,
            length,
            edit,
            file_id,
            defaults: Defaults::default(),
            table,
            first: 0,
            end: 0,
            next: 0,
        });
        Ok(())
    }
}

/// Ticks per second, and the length in them; of `mvhd` and `mdhd` (sections 8.2.2 and 8.4.2).
fn time(header: &[u8]) -> Result<(u32, u64), Error> {
    let mut cursor = Cursor(header);
    let (version, _) = cursor.full()?;
    cursor.take(if version == 1 { 16 } else { 8 })?;
    let timescale = cursor.u32()?;
    let length = cursor.sized(version)?;
    if timescale == 0 {
        return Err(Error::Damaged("its clock stands still"));
    }
    // All ones say that nobody knows.
    let unknown = length == u64::MAX || (version == 0 && length == u64::from(u32::MAX));
    Ok((timescale, if unknown { 0 } else { length }))
}

fn handler(hdlr: &[u8]) -> Result<[u8; 4], Short> {
    let mut cursor = Cursor(hdlr);
    cursor.full()?;
    cursor.u32()?;
    cursor.kind()
}

fn track_id(tkhd: &[u8]) -> Result<u32, Short> {
    let mut cursor = Cursor(tkhd);
    let (version, _) = cursor.full()?;
    cursor.take(if version == 1 { 16 } else { 8 })?;
    cursor.u32()
}

/// The edit list (section 8.6.6): a delay, then one stretch of the media. Of further stretches only the
/// first is played.
fn edit(elst: &[u8], movie_scale: u32) -> Result<Edit, Error> {
    let mut cursor = Cursor(elst);
    let (version, _) = cursor.full()?;
    let count = cursor.u32()?;
    let mut delay = 0u64;
    for _ in 0..count {
        let length = cursor.sized(version)?;
        let start = if version == 1 {
            cursor.u64()?.cast_signed()
        } else {
            i64::from(cursor.i32()?)
        };
        cursor.u32()?;
        if start < 0 {
            delay = delay.saturating_add(length);
            continue;
        }
        return Ok(Edit {
            delay: samples::nanos(delay, movie_scale),
            start,
            length: samples::nanos(length, movie_scale),
        });
    }
    Ok(Edit {
        delay: samples::nanos(delay, movie_scale),
        ..Edit::default()
    })
}
