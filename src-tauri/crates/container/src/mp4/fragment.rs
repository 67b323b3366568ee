//! Movie fragments (ISO/IEC 14496-12, section 8.8).

use super::Error;
use super::movie::Movie;
use super::samples::{MAX_SAMPLES, Place, Stream};
use crate::boxes::{Cursor, Short, child, children};

/// Adds the samples of a fragment that begins at `at`; `moof` is its body.
pub(super) fn read(movie: &mut Movie, at: u64, moof: &[u8]) -> Result<(), Error> {
    let mut have: usize = movie.streams.iter().map(|s| s.table.len()).sum();
    // Without a place of its own, a track's data begins where that of the one before ended.
    let mut end = at;
    for (_, traf) in children(moof).filter(|(kind, _)| kind == b"traf") {
        let mut cursor = Cursor(child(traf, b"tfhd").ok_or(Short)?);
        let (_, flags) = cursor.full()?;
        let id = cursor.u32()?;
        let Some(stream) = movie.streams.iter_mut().find(|s| s.file_id == id) else {
            continue;
        };
        let base = if flags & 1 != 0 {
            cursor.u64()?
        } else if flags & 0x2_0000 != 0 {
            at
        } else {
            end
        };
        if flags & 2 != 0 {
            cursor.u32()?;
        }
        let mut run = Run {
            base,
            position: base,
            dts: stream.table.end,
            duration: stream.defaults.duration,
            size: stream.defaults.size,
            flags: stream.defaults.flags,
        };
        for (bit, field) in [
            (8, &mut run.duration),
            (16, &mut run.size),
            (32, &mut run.flags),
        ] {
            if flags & bit != 0 {
                *field = cursor.u32()?;
            }
        }
        if let Some(tfdt) = child(traf, b"tfdt") {
            let mut cursor = Cursor(tfdt);
            let (version, _) = cursor.full()?;
            run.dts = i64::try_from(cursor.sized(version)?).unwrap_or(i64::MAX);
        }
        for (_, trun) in children(traf).filter(|(kind, _)| kind == b"trun") {
            have += run.read(trun, stream, MAX_SAMPLES.saturating_sub(have))?;
        }
        end = run.position;
    }
    Ok(())
}

struct Run {
    base: u64,
    position: u64,
    dts: i64,
    duration: u32,
    size: u32,
    flags: u32,
}

impl Run {
    /// One track run (section 8.8.8); gives the number of its samples.
    fn read(&mut self, trun: &[u8], stream: &mut Stream, room: usize) -> Result<usize, Error> {
        let mut cursor = Cursor(trun);
        let (_, flags) = cursor.full()?;
        let count = cursor.u32()? as usize;
        if count > room {
            return Err(Error::TooLarge("the number of samples"));
        }
        if flags & 1 != 0 {
            self.position = self.base.saturating_add_signed(i64::from(cursor.i32()?));
        }
        let first = if flags & 4 != 0 {
            Some(cursor.u32()?)
        } else {
            None
        };
        for index in 0..count {
            let mut field = |bit, default| {
                if flags & bit != 0 {
                    cursor.u32()
                } else {
                    Ok(default)
                }
            };
            let duration = field(0x100, self.duration)?;
            let len = field(0x200, self.size)?;
            let default = match first {
                Some(first) if index == 0 => first,
                _ => self.flags,
            };
            let sample = field(0x400, default)?;
            let offset = field(0x800, 0)?.cast_signed();
            stream.table.push(
                Place {
                    position: self.position,
                    dts: self.dts,
                    offset,
                    len,
                    // sample_is_non_sync_sample.
                    keyframe: sample & 0x1_0000 == 0,
                },
                duration,
            );
            self.position = self.position.saturating_add(u64::from(len));
            self.dts = self.dts.saturating_add(i64::from(duration));
        }
        Ok(count)
    }
}
