//! Reading MP4 and QuickTime files (ISO/IEC 14496-12, 14496-14, 14496-15; the Opus mapping of Xiph),
//! whole ones and fragmented ones.

mod entry;
mod fragment;
pub mod live;
mod movie;
mod samples;

use std::time::Duration;

use bytes::Bytes;
use media::{Config, Kind, Packet, Timestamp, TrackId, h264};

use crate::boxes::{Header, Short};
use movie::Movie;
use samples::Stream;

/// Most bytes of an index (`moov`): about thirty hours of picture and sound.
const MAX_MOOV: u64 = 128 << 20;
/// Most bytes of one fragment's index (`moof`).
const MAX_MOOF: u64 = 16 << 20;
/// Most boxes at the top level; one fragment a second are three days.
const MAX_BOXES: u32 = 1 << 20;
/// Most bytes of a first sample that is looked at for its parameter sets.
const MAX_FIRST_SAMPLE: usize = 4 << 20;

/// Why a file is not played.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Another kind of file.
    #[error("this is no MP4 or QuickTime file")]
    NotMp4,
    /// A codec that is not decoded here.
    #[error("codec {name} is not decoded by Klieg; convert to {}", if *.kind == Kind::Video { "H.264" } else { "AAC" })]
    Codec {
        /// Its name as people write it: `HEVC`.
        name: String,
        /// Picture or sound.
        kind: Kind,
    },
    /// There is media, but no index of it.
    #[error("the file was never finished: its index is missing, as when a recording is cut off")]
    Unfinished,
    /// No picture and no sound.
    #[error("the file holds neither picture nor sound")]
    Empty,
    /// The structure is damaged.
    #[error("the file is damaged: {0}")]
    Damaged(&'static str),
    /// More than is taken.
    #[error("{0} is larger than Klieg reads")]
    TooLarge(&'static str),
    /// The H.264 configuration is damaged, or for pictures that are not decoded.
    #[error(transparent)]
    H264(#[from] h264::Error),
    /// Bytes of another place than was asked for.
    #[error("bytes from {fed} were given where those from {needed} are needed")]
    Misplaced {
        /// Where they come from.
        fed: u64,
        /// Where those come from that are needed.
        needed: u64,
    },
}

impl From<Short> for Error {
    fn from(_: Short) -> Self {
        Self::Damaged("a box is cut short")
    }
}

/// A track that can be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// Its number here, counted from 0.
    pub id: TrackId,
    /// What its decoder must know.
    pub config: Config,
    /// How long it is shown or heard.
    pub duration: Duration,
}

/// A track that is passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Picture or sound.
    pub kind: Kind,
    /// Its codec's name.
    pub codec: String,
}

/// Where one access unit lies, and when it is shown or heard.
///
/// Times follow the file's edit lists, and so are in step between tracks: 0 is where the presentation
/// begins. What lies before 0 must be decoded and not shown: an encoder's priming, or pictures before a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Its track.
    pub track: TrackId,
    /// When it is shown or heard.
    pub pts: Timestamp,
    /// When it is decoded.
    pub dts: Timestamp,
    /// Until the next one of its track.
    pub duration: Duration,
    /// Whether decoding can begin here.
    pub keyframe: bool,
    /// Where its bytes begin in the file.
    pub position: u64,
    /// How many they are.
    pub len: usize,
}

/// Reads a file's index, then gives its samples in the order they are decoded, all tracks interleaved.
///
/// ```
/// # fn read(_: u64, _: usize) -> Vec<u8> { Vec::new() }
/// # fn main() -> Result<(), klieg_container::mp4::Error> {
/// # return Ok(());
/// let mut demuxer = klieg_container::mp4::Demuxer::new();
/// while let Some((position, len)) = demuxer.need() {
///     demuxer.feed(position, &read(position, len))?;
/// }
/// while let Some(sample) = demuxer.next_sample()? {
///     let data = read(sample.position, sample.len);
///     let packet = demuxer.packet(&sample, data.into())?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct Demuxer {
    state: State,
    /// Top-level boxes so far.
    boxes: u32,
    /// Whether media was seen without an index.
    media: bool,
    movie: Option<Movie>,
    tracks: Vec<Track>,
    streams: Vec<Stream>,
    skipped: Vec<Skipped>,
}

#[derive(Debug)]
enum State {
    /// The header of the box at this place is needed.
    Walk(u64),
    /// The whole box.
    Moov(u64, usize),
    /// The whole box; its header's length.
    Moof(u64, usize, usize),
    /// The first sample of a stream, for its parameter sets.
    First(usize, u64, usize),
    /// Nothing more.
    Ready,
}

impl Default for State {
    fn default() -> Self {
        Self::Walk(0)
    }
}

impl Demuxer {
    /// A demuxer that has read nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The bytes it needs next, by place and number; `None` once it knows all it needs.
    pub fn need(&self) -> Option<(u64, usize)> {
        match self.state {
            State::Walk(at) => Some((at, Header::MAX)),
            State::Moov(at, len) | State::Moof(at, len, _) | State::First(_, at, len) => {
                Some((at, len))
            }
            State::Ready => None,
        }
    }

    /// Takes the bytes that [`need`](Self::need) has asked for. Fewer than that, or none, say that the file
    /// ends there.
    ///
    /// # Errors
    /// [`Error`]: the file cannot be played, or other bytes were given. Feeding the same again gives the same.
    pub fn feed(&mut self, position: u64, data: &[u8]) -> Result<(), Error> {
        let Some((needed, len)) = self.need() else {
            return Ok(());
        };
        if position != needed {
            return Err(Error::Misplaced {
                fed: position,
                needed,
            });
        }
        let data = &data[..data.len().min(len)];
        let next = match self.state {
            State::Walk(at) => self.walk(at, data)?,
            State::Moov(at, _) if data.len() == len => self.moov(at, data)?,
            State::Moov(..) => return Err(Error::Damaged("its index is cut short")),
            State::Moof(at, _, header) if data.len() == len => {
                self.moof(at, header, data)?;
                State::Walk(at.saturating_add(len as u64))
            }
            // A recording that was cut off: what came before stands.
            State::Moof(..) => self.finish()?,
            State::First(stream, ..) => self.first_sample(stream, data)?,
            State::Ready => State::Ready,
        };
        self.state = next;
        Ok(())
    }

    fn walk(&mut self, at: u64, data: &[u8]) -> Result<State, Error> {
        let Ok(header) = Header::read(data) else {
            return self.finish();
        };
        self.boxes += 1;
        if self.boxes == 1 && !FIRST.contains(&&header.kind) {
            return Err(Error::NotMp4);
        }
        if self.boxes > MAX_BOXES {
            return Err(Error::Damaged("it has a million parts"));
        }
        let Some(size) = header.size else {
            // To the end of the file: media, if anything.
            self.media |= header.kind == *b"mdat";
            return self.finish();
        };
        if size < header.len {
            return Err(Error::Damaged("a box is smaller than its header"));
        }
        let whole = |most, name| {
            usize::try_from(size)
                .ok()
                .filter(|_| size <= most)
                .ok_or(Error::TooLarge(name))
        };
        match &header.kind {
            b"moov" if self.movie.is_none() => {
                Ok(State::Moov(at, whole(MAX_MOOV, "the file's index")?))
            }
            b"moof" if self.movie.is_some() => {
                let header = usize::try_from(header.len).unwrap_or(Header::MAX);
                Ok(State::Moof(
                    at,
                    whole(MAX_MOOF, "a fragment's index")?,
                    header,
                ))
            }
            kind => {
                self.media |= matches!(kind, b"mdat" | b"moof");
                // Nothing lies beyond the end of numbers.
                at.checked_add(size)
                    .map_or_else(|| self.finish(), |next| Ok(State::Walk(next)))
            }
        }
    }

    fn moov(&mut self, at: u64, data: &[u8]) -> Result<State, Error> {
        let header = Header::read(data)?;
        let body = usize::try_from(header.len)
            .ok()
            .and_then(|start| data.get(start..))
            .ok_or(Short)?;
        let movie = Movie::read(body)?;
        let fragmented = movie.fragmented;
        self.movie = Some(movie);
        if fragmented {
            return Ok(State::Walk(at.saturating_add(data.len() as u64)));
        }
        self.finish()
    }

    fn moof(&mut self, at: u64, header: usize, data: &[u8]) -> Result<(), Error> {
        let Some(movie) = &mut self.movie else {
            return Ok(());
        };
        fragment::read(movie, at, data.get(header..).ok_or(Short)?)
    }

    /// All of the index has been read: which tracks are there?
    fn finish(&mut self) -> Result<State, Error> {
        let Some(movie) = self.movie.take() else {
            return Err(if self.media {
                Error::Unfinished
            } else if self.boxes == 0 {
                Error::NotMp4
            } else {
                Error::Empty
            });
        };
        self.skipped = movie.skipped;
        self.streams = movie.streams;
        self.streams.retain(|s| !s.table.is_empty());
        for stream in &mut self.streams {
            stream.settle();
        }
        // Sound without its picture is no help to whoever opened a film.
        let playable = |kind| self.streams.iter().any(|s| s.kind() == kind);
        let unplayable = |kind| self.skipped.iter().find(|s| s.kind == kind);
        let refused = match (unplayable(Kind::Video), unplayable(Kind::Audio)) {
            (Some(skipped), _) if !playable(Kind::Video) => Some(skipped),
            (_, Some(skipped)) if self.streams.is_empty() => Some(skipped),
            _ => None,
        };
        if let Some(Skipped { kind, codec }) = refused {
            return Err(Error::Codec {
                name: codec.clone(),
                kind: *kind,
            });
        }
        if self.streams.is_empty() {
            return Err(Error::Empty);
        }
        self.describe()
    }

    /// Makes the list of tracks, or asks for the first sample of one that keeps its parameter sets there.
    fn describe(&mut self) -> Result<State, Error> {
        for (index, stream) in self.streams.iter().enumerate() {
            if stream.config.is_none() {
                let first = stream.table.entry(0);
                let len = (first.len as usize).min(MAX_FIRST_SAMPLE);
                return Ok(State::First(index, first.position, len));
            }
        }
        self.tracks = self
            .streams
            .iter()
            .zip(0u8..)
            .filter_map(|(stream, id)| {
                Some(Track {
                    id: TrackId(id),
                    config: stream.config.clone()?,
                    duration: stream.duration(),
                })
            })
            .collect();
        Ok(State::Ready)
    }

    fn first_sample(&mut self, stream: usize, data: &[u8]) -> Result<State, Error> {
        const MISSING: Error = Error::Damaged("its H.264 has no parameter sets");
        let stream = self.streams.get_mut(stream).ok_or(MISSING)?;
        // As far as it was read: parameter sets stand in front.
        let nals = h264::avcc_with(data, stream.length_size).map_while(Result::ok);
        let unit = h264::AccessUnit::from_nals(nals);
        let (Some(sps), Some(pps)) = (unit.sps, unit.pps) else {
            return Err(MISSING);
        };
        stream.set_h264(sps, pps)?;
        self.describe()
    }

    /// The tracks that can be decoded; empty while something is still needed.
    pub fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// The tracks that are passed over.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// The next sample, by decode time; `None` at the end.
    ///
    /// # Errors
    /// None today; a file whose index were read in parts could fail here.
    pub fn next_sample(&mut self) -> Result<Option<Sample>, Error> {
        let earliest = self
            .streams
            .iter()
            .enumerate()
            .filter_map(|(index, stream)| Some((stream.dts(stream.next)?, index)))
            .min();
        let Some((_, index)) = earliest else {
            return Ok(None);
        };
        let stream = &mut self.streams[index];
        let sample = stream.sample(stream.next, TrackId(u8::try_from(index).unwrap_or(u8::MAX)));
        stream.next += 1;
        Ok(sample)
    }

    /// The packet of a sample and its bytes: NAL lengths of four bytes, whatever the file has.
    ///
    /// # Errors
    /// [`Error::H264`] when the NAL lengths do not fit the bytes.
    pub fn packet(&self, sample: &Sample, data: Bytes) -> Result<Packet, Error> {
        let stream = self.streams.get(usize::from(sample.track.0));
        let data = match stream {
            Some(stream) => stream.convert(data, sample.keyframe)?,
            None => data,
        };
        Ok(Packet {
            track: sample.track,
            pts: sample.pts,
            dts: sample.dts,
            keyframe: sample.keyframe,
            data,
        })
    }

    /// Begins again.
    pub fn rewind(&mut self) {
        for stream in &mut self.streams {
            stream.next = stream.first;
        }
    }

    /// Goes to the keyframe at or before `to`, and the sound a little before it, which its decoder needs.
    /// Gives the time of that keyframe (of the sound, where there is no picture): what lies between it and
    /// `to` is to be decoded and not shown.
    pub fn seek(&mut self, to: Timestamp) -> Timestamp {
        let mut landed = to;
        for video in self.streams.iter_mut().filter(|s| s.kind() == Kind::Video) {
            landed = landed.min(video.seek(to));
        }
        let has_video = landed < to || self.streams.iter().any(|s| s.kind() == Kind::Video);
        for audio in self.streams.iter_mut().filter(|s| s.kind() == Kind::Audio) {
            let at = audio.seek(landed);
            if !has_video {
                landed = at;
            }
        }
        landed
    }
}

/// What a file may begin with.
const FIRST: [&[u8; 4]; 11] = [
    b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"uuid", b"sidx",
    b"moof",
];

#[cfg(test)]
mod tests;
