//! Fragmented MP4 as it arrives, without an end: what a browser's MediaRecorder sends
//! (ISO/IEC 14496-12, section 8.8). Bytes in, tracks and packets out.

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};
use media::{Config, Kind, Packet, Track, TrackId, h264};

use super::movie::Movie;
use super::{Error, FIRST, fragment};
use crate::boxes::Header;

/// Most bytes of the index in front.
const MAX_MOOV: u64 = 1 << 20;
/// Most bytes of one fragment's index.
const MAX_MOOF: u64 = 1 << 20;
/// Most bytes of one fragment's media: seconds at any bitrate that a browser chooses.
const MAX_MDAT: u64 = 16 << 20;
/// Most bytes of anything else.
const MAX_OTHER: u64 = 64 << 10;

/// What comes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The tracks, before their first packet and whenever they change.
    Tracks(Vec<Track>),
    /// A packet of one of them, in the stream's own time, which begins anywhere.
    Packet(Packet),
}

/// Reads a stream. Memory is bounded by one fragment.
///
/// ```
/// # fn next_bytes() -> Option<Vec<u8>> { None }
/// # fn main() -> Result<(), klieg_container::mp4::Error> {
/// let mut demuxer = klieg_container::mp4::live::Demuxer::new();
/// while let Some(bytes) = next_bytes() {
///     demuxer.feed(&bytes)?;
///     while let Some(event) = demuxer.poll() {
///         // Tracks first, then packets.
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct Demuxer {
    buffer: BytesMut,
    /// Where the buffer begins in the stream.
    position: u64,
    begun: bool,
    movie: Option<Movie>,
    told: Vec<Track>,
    events: VecDeque<Event>,
}

impl Demuxer {
    /// A reader that has read nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the stream, however they are cut.
    ///
    /// # Errors
    /// [`Error`]; nothing can be read after it.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.buffer.extend_from_slice(bytes);
        while let Some(whole) = self.whole()? {
            let (at, data) = (self.position, self.buffer.split_to(whole).freeze());
            self.position += whole as u64;
            self.take(at, data)?;
        }
        Ok(())
    }

    /// What has been read, in decode order of each track.
    pub fn poll(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The size of the box in front, once all of it is there.
    fn whole(&self) -> Result<Option<usize>, Error> {
        let Ok(header) = Header::read(&self.buffer) else {
            return Ok(None);
        };
        if !self.begun && !FIRST.contains(&&header.kind) {
            return Err(Error::NotMp4);
        }
        let (most, name) = match &header.kind {
            b"moov" => (MAX_MOOV, "the stream's index"),
            b"moof" => (MAX_MOOF, "a fragment's index"),
            b"mdat" => (MAX_MDAT, "a fragment"),
            _ => (MAX_OTHER, "a part of the stream"),
        };
        let size = header
            .size
            .ok_or(Error::Damaged("a box of a stream has no size"))?;
        if size < header.len {
            return Err(Error::Damaged("a box is smaller than its header"));
        }
        let size = usize::try_from(size)
            .ok()
            .filter(|_| size <= most)
            .ok_or(Error::TooLarge(name))?;
        Ok((self.buffer.len() >= size).then_some(size))
    }

    fn take(&mut self, at: u64, data: Bytes) -> Result<(), Error> {
        self.begun = true;
        let header = Header::read(&data)?;
        let mut body = data.clone();
        body.advance(usize::try_from(header.len).unwrap_or(data.len()));
        match (&header.kind, &mut self.movie) {
            (b"moov", None) => {
                let movie = Movie::read(&body)?;
                if let Some(skipped) = movie.skipped.first() {
                    return Err(Error::Codec {
                        name: skipped.codec.clone(),
                        kind: skipped.kind,
                    });
                }
                if movie.streams.is_empty() {
                    return Err(Error::Empty);
                }
                self.movie = Some(movie);
                self.tell();
            }
            (b"moof", Some(movie)) => fragment::read(movie, at, &body)?,
            (b"mdat", Some(_)) => self.samples(at, &data)?,
            (b"moof" | b"mdat", None) => {
                return Err(Error::Damaged("media comes before the index"));
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes the samples of the fragments so far out of a box that lies at `at`.
    fn samples(&mut self, at: u64, data: &Bytes) -> Result<(), Error> {
        let Some(mut movie) = self.movie.take() else {
            return Ok(());
        };
        let mut packets = Vec::new();
        for (stream, id) in movie.streams.iter_mut().zip(0u8..) {
            stream.first = 0;
            stream.end = stream.table.len();
            for index in 0..stream.table.len() {
                let Some(sample) = stream.sample(index, TrackId(id)) else {
                    continue;
                };
                let start = sample.position.checked_sub(at);
                let range = start
                    .and_then(|start| usize::try_from(start).ok())
                    .and_then(|start| Some(start..start.checked_add(sample.len)?));
                let Some(bytes) = range.filter(|r| r.end <= data.len()).map(|r| data.slice(r))
                else {
                    return Err(Error::Damaged("a sample lies outside of its fragment"));
                };
                let (bytes, keyframe) = if stream.kind() == Kind::Video {
                    // Parameter sets may stand in the samples, and change there (avc3).
                    let unit = h264::AccessUnit::from_avcc(&bytes, stream.length_size)?;
                    if let (Some(sps), Some(pps)) = (unit.sps, unit.pps)
                        && !same_sets(stream.config.as_ref(), &sps, &pps)
                    {
                        stream.set_h264(sps, pps)?;
                    }
                    (unit.data, unit.keyframe)
                } else {
                    (bytes, true)
                };
                // A picture whose parameter sets have not come cannot be decoded.
                if bytes.is_empty() || stream.config.is_none() {
                    continue;
                }
                packets.push((
                    stream.config.clone(),
                    Packet {
                        track: sample.track,
                        pts: sample.pts,
                        dts: sample.dts,
                        keyframe,
                        data: bytes,
                    },
                ));
            }
            stream.table.clear();
        }
        packets.sort_by_key(|(_, packet)| packet.dts);
        self.movie = Some(movie);
        for (config, packet) in packets {
            let known = self
                .told
                .iter()
                .any(|t| t.id == packet.track && Some(&t.config) == config.as_ref());
            if !known {
                self.tell_of(packet.track, config);
            }
            self.events.push_back(Event::Packet(packet));
        }
        Ok(())
    }

    fn tell(&mut self) {
        let Some(movie) = &self.movie else { return };
        let tracks = movie.streams.iter().zip(0u8..);
        self.told = tracks
            .filter_map(|(stream, id)| Some(track(TrackId(id), stream.config.clone()?)))
            .collect();
        if !self.told.is_empty() {
            self.events.push_back(Event::Tracks(self.told.clone()));
        }
    }

    fn tell_of(&mut self, id: TrackId, config: Option<Config>) {
        let Some(config) = config else { return };
        self.told.retain(|t| t.id != id);
        self.told.push(track(id, config));
        self.told.sort_by_key(|t| t.id);
        self.events.push_back(Event::Tracks(self.told.clone()));
    }
}

fn same_sets(config: Option<&Config>, new_sps: &Bytes, new_pps: &Bytes) -> bool {
    matches!(config, Some(Config::H264 { sps, pps, .. }) if sps == new_sps && pps == new_pps)
}

fn track(id: TrackId, config: Config) -> Track {
    Track {
        id,
        config,
        bitrate: 0,
    }
}

#[cfg(test)]
mod tests;
