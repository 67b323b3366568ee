//! Where samples lie and when they are due.

use std::time::Duration;

use bytes::Bytes;
use media::{Config, Kind, Timestamp, TrackId, h264};

use super::movie::Defaults;
use super::{Error, Sample};
use crate::boxes::{Cursor, Short, child};

/// Most samples of all tracks together: about fourteen hours of picture at 30 and sound at 47 a second. What a
/// few bytes can claim must not become gigabytes.
pub(super) const MAX_SAMPLES: usize = 4 << 20;

/// Ticks as nanoseconds, as far as they go.
pub(super) fn nanos(ticks: u64, timescale: u32) -> i64 {
    let nanos = u128::from(ticks) * 1_000_000_000 / u128::from(timescale.max(1));
    // A century is enough; it leaves room to add.
    i64::try_from(nanos).unwrap_or(i64::MAX).min(1 << 61)
}

/// What an edit list asks for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Edit {
    /// Nanoseconds before the track begins.
    pub(super) delay: i64,
    /// Where in the media it begins, in the track's ticks.
    pub(super) start: i64,
    /// Nanoseconds it lasts; 0 for as long as there is media.
    pub(super) length: i64,
}

/// One sample.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) position: u64,
    /// Decode time in ticks.
    pub(super) dts: i64,
    /// What composition adds to it, in ticks.
    pub(super) offset: i32,
    pub(super) len: u32,
    pub(super) keyframe: bool,
}

/// All samples of a track, in decode order.
#[derive(Debug, Default)]
pub(super) struct Table {
    places: Vec<Place>,
    /// When the last one ends, in ticks.
    pub(super) end: i64,
}

impl Table {
    /// Puts the sample tables (section 8.5 to 8.7) together. `room` is how many more samples are taken.
    pub(super) fn read(stbl: &[u8], room: &mut usize) -> Result<Self, Error> {
        let (Some(sizes), Some(chunks)) = (sizes(stbl)?, chunks(stbl)?) else {
            return Ok(Self::default());
        };
        let count = sizes.count();
        if count == 0 {
            return Ok(Self::default());
        }
        *room = room
            .checked_sub(count)
            .ok_or(Error::TooLarge("the number of samples"))?;
        let mut table = Self {
            places: Vec::with_capacity(count),
            end: 0,
        };
        table.lay_out(&sizes, &chunks, child(stbl, b"stsc").ok_or(Short)?)?;
        table.stamp(child(stbl, b"stts").ok_or(Short)?)?;
        if let Some(ctts) = child(stbl, b"ctts") {
            table.compose(ctts)?;
        }
        if let Some(stss) = child(stbl, b"stss") {
            table.mark_keyframes(stss)?;
        }
        Ok(table)
    }

    /// Sizes and positions: samples lie one after the other in chunks (section 8.7.4).
    fn lay_out(
        &mut self,
        sizes: &Sizes<'_>,
        chunks: &Chunks<'_>,
        stsc: &[u8],
    ) -> Result<(), Error> {
        let mut cursor = Cursor(stsc);
        cursor.full()?;
        let count = cursor.u32()? as usize;
        let mut runs = (0..count).map(|_| {
            let first = cursor.u32()?;
            let per_chunk = cursor.u32()?;
            cursor.u32()?;
            Ok::<_, Short>((first, per_chunk))
        });
        let Some(run) = runs.next() else {
            return Err(Error::Damaged("its samples are in no chunk"));
        };
        let (_, mut per_chunk) = run?;
        let mut next_run = runs.next().transpose()?;
        for chunk in 0..chunks.count() {
            // Chunks are counted from 1.
            while let Some((first, per)) = next_run
                && chunk + 1 >= first as usize
            {
                per_chunk = per;
                next_run = runs.next().transpose()?;
            }
            let mut position = chunks.position(chunk)?;
            for _ in 0..per_chunk {
                let index = self.places.len();
                if index == sizes.count() {
                    return Ok(());
                }
                let len = sizes.len(index)?;
                self.places.push(Place {
                    position,
                    dts: 0,
                    offset: 0,
                    len,
                    keyframe: true,
                });
                position = position.saturating_add(u64::from(len));
            }
        }
        // Samples without a place cannot be read; those with one can.
        Ok(())
    }

    fn stamp(&mut self, stts: &[u8]) -> Result<(), Error> {
        let mut cursor = Cursor(stts);
        cursor.full()?;
        let count = cursor.u32()?;
        let mut places = self.places.iter_mut();
        let (mut dts, mut step) = (0i64, 0);
        'runs: for _ in 0..count {
            let samples = cursor.u32()?;
            step = i64::from(cursor.u32()?);
            for _ in 0..samples {
                let Some(place) = places.next() else {
                    break 'runs;
                };
                place.dts = dts;
                dts = dts.saturating_add(step);
            }
        }
        for place in places {
            place.dts = dts;
            dts = dts.saturating_add(step);
        }
        self.end = dts;
        Ok(())
    }

    fn compose(&mut self, ctts: &[u8]) -> Result<(), Error> {
        let mut cursor = Cursor(ctts);
        cursor.full()?;
        let count = cursor.u32()?;
        let mut places = self.places.iter_mut();
        for _ in 0..count {
            let samples = cursor.u32()?;
            // Version 0 says unsigned; files that mean negative numbers say version 0 all the same.
            let offset = cursor.i32()?;
            for _ in 0..samples {
                let Some(place) = places.next() else {
                    return Ok(());
                };
                place.offset = offset;
            }
        }
        Ok(())
    }

    fn mark_keyframes(&mut self, stss: &[u8]) -> Result<(), Error> {
        let mut cursor = Cursor(stss);
        cursor.full()?;
        let count = cursor.u32()?;
        for place in &mut self.places {
            place.keyframe = false;
        }
        for _ in 0..count {
            let number = cursor.u32()? as usize;
            if let Some(place) = number.checked_sub(1).and_then(|i| self.places.get_mut(i)) {
                place.keyframe = true;
            }
        }
        Ok(())
    }

    pub(super) fn push(&mut self, place: Place, duration: u32) {
        self.end = place.dts.saturating_add(i64::from(duration));
        self.places.push(place);
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Forgets the samples, not when they ended.
    pub(super) fn clear(&mut self) {
        self.places.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The sample of a number below [`len`](Self::len).
    pub(super) fn entry(&self, index: usize) -> Place {
        self.places[index]
    }
}

/// Sample sizes (section 8.7.3).
enum Sizes<'a> {
    Same(u32, usize),
    Each(&'a [u8], usize),
    Compact(&'a [u8], usize, u8),
}

fn sizes(stbl: &[u8]) -> Result<Option<Sizes<'_>>, Error> {
    if let Some(stsz) = child(stbl, b"stsz") {
        let mut cursor = Cursor(stsz);
        cursor.full()?;
        let (size, count) = (cursor.u32()?, cursor.u32()? as usize);
        return Ok(Some(match size {
            0 if cursor.0.len() / 4 < count => return Err(Short.into()),
            0 => Sizes::Each(cursor.0, count),
            size => Sizes::Same(size, count),
        }));
    }
    let Some(stz2) = child(stbl, b"stz2") else {
        return Ok(None);
    };
    let mut cursor = Cursor(stz2);
    cursor.full()?;
    let bits = (cursor.u32()? & 0xff) as u8;
    let count = cursor.u32()? as usize;
    if !matches!(bits, 4 | 8 | 16) || cursor.0.len() < (count * usize::from(bits)).div_ceil(8) {
        return Err(Short.into());
    }
    Ok(Some(Sizes::Compact(cursor.0, count, bits)))
}

impl Sizes<'_> {
    fn count(&self) -> usize {
        match *self {
            Self::Same(_, count) | Self::Each(_, count) | Self::Compact(_, count, _) => count,
        }
    }

    fn len(&self, index: usize) -> Result<u32, Short> {
        match *self {
            Self::Same(size, _) => Ok(size),
            Self::Each(data, _) => Cursor(data.get(index * 4..).ok_or(Short)?).u32(),
            Self::Compact(data, _, bits) => {
                let at = index * usize::from(bits) / 8;
                let mut cursor = Cursor(data.get(at..).ok_or(Short)?);
                match bits {
                    16 => cursor.u16().map(u32::from),
                    8 => cursor.u8().map(u32::from),
                    _ if index.is_multiple_of(2) => cursor.u8().map(|b| u32::from(b >> 4)),
                    _ => cursor.u8().map(|b| u32::from(b & 15)),
                }
            }
        }
    }
}

/// Chunk positions (section 8.7.5): the bytes, and how many each takes.
struct Chunks<'a>(&'a [u8], usize);

fn chunks(stbl: &[u8]) -> Result<Option<Chunks<'_>>, Error> {
    let (table, width) = match (child(stbl, b"stco"), child(stbl, b"co64")) {
        (Some(stco), _) => (stco, 4),
        (None, Some(co64)) => (co64, 8),
        (None, None) => return Ok(None),
    };
    let mut cursor = Cursor(table);
    cursor.full()?;
    let count = cursor.u32()? as usize;
    let bytes = count.checked_mul(width).ok_or(Short)?;
    Ok(Some(Chunks(cursor.take(bytes)?, width)))
}

impl Chunks<'_> {
    fn count(&self) -> usize {
        self.0.len() / self.1
    }

    fn position(&self, index: usize) -> Result<u64, Short> {
        let mut cursor = Cursor(self.0.get(index * self.1..).ok_or(Short)?);
        if self.1 == 8 {
            cursor.u64()
        } else {
            cursor.u32().map(u64::from)
        }
    }
}

/// A track, and how far it has been read.
#[derive(Debug)]
pub(super) struct Stream {
    /// `None` until the parameter sets have been found in the first sample.
    pub(super) config: Option<Config>,
    /// Bytes of a NAL unit's length.
    pub(super) length_size: u8,
    /// Parameter sets beyond the first of each kind, with four-byte lengths: they go before keyframes.
    pub(super) extra_sets: Bytes,
    pub(super) media: Kind,
    pub(super) timescale: u32,
    /// In ticks, as the header says; 0 when it does not.
    pub(super) length: u64,
    pub(super) edit: Edit,
    /// The number by which fragments know it.
    pub(super) file_id: u32,
    pub(super) defaults: Defaults,
    pub(super) table: Table,
    /// The first sample that is needed, and the one after the last.
    pub(super) first: usize,
    pub(super) end: usize,
    pub(super) next: usize,
}

impl Stream {
    pub(super) fn kind(&self) -> Kind {
        self.media
    }

    pub(super) fn set_h264(&mut self, sps: Bytes, pps: Bytes) -> Result<(), Error> {
        self.config = Some(h264::config(sps, pps)?);
        self.guess_rate();
        Ok(())
    }

    /// All samples are known: finds the part that the edit list leaves.
    pub(super) fn settle(&mut self) {
        self.first = 0;
        self.end = self.table.len();
        if self.edit.start > 0 && self.media == Kind::Video {
            // The last keyframe that is shown at or before the beginning.
            let shown = |i: &usize| self.pts(*i).nanos() <= self.edit.delay;
            let keyframes = (0..self.table.len()).filter(|&i| self.table.entry(i).keyframe);
            self.first = keyframes.take_while(shown).last().unwrap_or(0);
        }
        if self.edit.length > 0 {
            // One tick of the movie's clock is commonly a millisecond: less than that is rounding.
            let end = self.edit.delay.saturating_add(self.edit.length) - 1_000_000;
            let last = (self.first..self.table.len())
                .rev()
                .find(|&i| self.pts(i).nanos() < end);
            self.end = last.map_or(self.first, |i| i + 1);
        }
        self.next = self.first;
        self.guess_rate();
    }

    /// Where the parameter sets say nothing of the rate, the samples do.
    fn guess_rate(&mut self) {
        let begins = self.table.places.first().map_or(0, |p| p.dts);
        let (count, ticks) = (
            self.table.len() as i64,
            self.table.end.saturating_sub(begins),
        );
        let scale = i64::from(self.timescale);
        if let Some(Config::H264 { fps_millis, .. }) = &mut self.config
            && *fps_millis == 0
            && ticks > 0
        {
            let millis = count.saturating_mul(scale).saturating_mul(1000) / ticks;
            *fps_millis = u32::try_from(millis).unwrap_or(0);
        }
    }

    /// Nanoseconds of a time in the media, as presented.
    fn time(&self, ticks: i64) -> Timestamp {
        let ticks = ticks.saturating_sub(self.edit.start);
        // Beyond three hundred years nanoseconds do not reach.
        let most = i64::from(self.timescale).saturating_mul(1 << 33);
        Timestamp::from_ticks(ticks.clamp(-most, most), self.timescale).offset(self.edit.delay)
    }

    fn pts(&self, index: usize) -> Timestamp {
        let place = self.table.entry(index);
        self.time(place.dts.saturating_add(i64::from(place.offset)))
    }

    /// The decode time of a sample; `None` past the end.
    pub(super) fn dts(&self, index: usize) -> Option<Timestamp> {
        (index < self.end).then(|| self.time(self.table.entry(index).dts))
    }

    pub(super) fn sample(&self, index: usize, track: TrackId) -> Option<Sample> {
        let dts = self.dts(index)?;
        let place = self.table.entry(index);
        let next = if index + 1 < self.table.len() {
            self.table.entry(index + 1).dts
        } else {
            self.table.end
        };
        Some(Sample {
            track,
            pts: self.pts(index),
            dts,
            duration: self.time(next).since(dts),
            keyframe: place.keyframe,
            position: place.position,
            len: place.len as usize,
        })
    }

    pub(super) fn duration(&self) -> Duration {
        let edited = self.edit.delay.saturating_add(self.edit.length);
        let nanos = if self.edit.length > 0 {
            edited
        } else {
            let ticks = match self.length {
                0 => self.table.end,
                length => i64::try_from(length).unwrap_or(i64::MAX),
            };
            self.time(ticks).nanos()
        };
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
    }

    /// Goes to the keyframe shown at or before `to`, or to the sound that its decoder needs to be right there.
    pub(super) fn seek(&mut self, to: Timestamp) -> Timestamp {
        if self.first == self.end {
            return to;
        }
        let before = (self.first..self.end)
            .filter(|&i| self.table.entry(i).keyframe)
            .take_while(|&i| self.pts(i) <= to)
            .last()
            .unwrap_or(self.first);
        // AAC needs the packet before; Opus 80 ms (RFC 7845, section 4.6).
        let run_up = match self.config {
            Some(Config::Aac { .. }) => 1,
            Some(Config::Opus { .. }) => 4,
            _ => 0,
        };
        self.next = before.saturating_sub(run_up).max(self.first);
        self.pts(before)
    }

    /// The bytes of a sample as a packet has them.
    pub(super) fn convert(&self, data: Bytes, keyframe: bool) -> Result<Bytes, Error> {
        let more = keyframe && !self.extra_sets.is_empty();
        if self.media != Kind::Video || (self.length_size == 4 && !more) {
            return Ok(data);
        }
        let mut out = Vec::with_capacity(data.len() + 64 + self.extra_sets.len());
        if more {
            out.extend_from_slice(&self.extra_sets);
        }
        for nal in h264::avcc_with(&data, self.length_size) {
            h264::push_avcc(&mut out, nal?);
        }
        Ok(out.into())
    }
}
