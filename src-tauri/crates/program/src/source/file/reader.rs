//! A media file as decoded parts, in the order of their time.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::foreign;
use codec::decode;
use container::mp4;
use media::{Config, Frame, Samples, Timestamp, TrackId};

/// How far before its end a file is shown that is sought behind it.
const LAST: Duration = Duration::from_millis(100);

/// No single access unit is larger than this.
const MAX_UNIT: usize = 32 << 20;

/// Why a file does not play.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// It is not there (any more).
    #[error("{} is not there; put it back, or choose another file", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// It is there and cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is broken, or not media.
    #[error("{}: {source}", path.display())]
    Container {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: container::mp4::Error,
    },
    /// A part of it is broken or not decoded here.
    #[error("{}: {source}", path.display())]
    Codec {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: codec::Error,
    },
    /// It is media of a kind that is not played here.
    #[error("{}", foreign::advice(path, what))]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is: "Matroska with VP9 and Opus".
        what: String,
    },
    /// No file is named.
    #[error("No file is chosen; choose one in the source's settings")]
    None,
    /// There is nothing in it to see or hear.
    #[error("{} has neither picture nor sound that Klieg plays; choose another file", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// A decoded part, stamped with its position in the file.
pub(super) enum Part {
    Picture(Frame),
    Sound(Samples),
}

impl Part {
    pub(super) fn start(&self) -> Timestamp {
        match self {
            Self::Picture(frame) => frame.timestamp(),
            Self::Sound(samples) => samples.timestamp,
        }
    }

    /// Whether it belongs to what is shown from a place on.
    fn is_from(&self, place: Timestamp) -> bool {
        match self {
            Self::Picture(frame) => frame.timestamp() >= place,
            Self::Sound(samples) => samples.end() > place,
        }
    }

    /// Where it ends, as far as it knows: a picture lasts until the next one.
    pub(super) fn end(&self) -> Timestamp {
        match self {
            Self::Picture(frame) => frame.timestamp(),
            Self::Sound(samples) => samples.end(),
        }
    }
}

/// A file that is being read.
pub(super) struct Reader {
    path: PathBuf,
    inner: Inner,
    ready: VecDeque<Part>,
    detail: String,
    /// What lies before it is decoded and not given out.
    from: Timestamp,
}

enum Inner {
    Movie(Box<Movie>),
    Sound(decode::audio_file::AudioFile),
}

struct Movie {
    file: File,
    demuxer: mp4::Demuxer,
    video: Option<Stream<dyn decode::video::Decoder>>,
    audio: Option<Stream<dyn decode::audio::Decoder>>,
    flushed: bool,
    /// The longest track: rounds of a loop begin when it ends, so that it joins without a seam.
    duration: Duration,
}

struct Stream<D: ?Sized> {
    track: TrackId,
    config: Config,
    decoder: Box<D>,
}

impl Reader {
    /// Opens a file and looks into it.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let mut file = open(path)?;
        let mut head = vec![0; foreign::HEAD];
        let have = read_some(&mut file, &mut head).map_err(|e| read_error(path, e))?;
        head.truncate(have);
        if let Some(what) = foreign::name(&head) {
            return Err(Error::Foreign {
                path: path.to_owned(),
                what,
            });
        }
        let kind = head.get(4..8).unwrap_or_default();
        let fourcc = matches!(kind, b"ftyp" | b"moov" | b"mdat" | b"wide" | b"free");
        let (inner, detail) = if fourcc {
            let movie = Movie::open(path, file)?;
            let detail = movie.detail();
            (Inner::Movie(Box::new(movie)), detail)
        } else {
            file.seek(SeekFrom::Start(0))
                .map_err(|e| read_error(path, e))?;
            let sound =
                decode::audio_file::open(file).map_err(|source| codec_error(path, source))?;
            let detail = format!(
                "{} kHz, {}",
                f64::from(sound.rate()) / 1000.0,
                match sound.channels() {
                    1 => "mono".to_owned(),
                    2 => "stereo".to_owned(),
                    n => format!("{n} channels"),
                }
            );
            (Inner::Sound(sound), detail)
        };
        Ok(Self {
            path: path.to_owned(),
            inner,
            ready: VecDeque::new(),
            detail,
            from: Timestamp::ZERO,
        })
    }

    /// What is in it, for people: "1280×720 H.264, 48 kHz AAC".
    pub(super) fn detail(&self) -> String {
        self.detail.clone()
    }

    /// The next part; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Part>, Error> {
        loop {
            while let Some(part) = self.ready.pop_front() {
                if part.is_from(self.from) {
                    return Ok(Some(part));
                }
            }
            let more = match &mut self.inner {
                Inner::Movie(movie) => movie.step(&self.path, &mut self.ready)?,
                Inner::Sound(sound) => {
                    let samples = sound.next().map_err(|e| codec_error(&self.path, e))?;
                    self.ready.extend(samples.map(Part::Sound));
                    !self.ready.is_empty()
                }
            };
            if !more && self.ready.is_empty() {
                return Ok(None);
            }
        }
    }

    /// How long the file is, when it says so.
    pub(super) fn duration(&self) -> Option<Duration> {
        match &self.inner {
            Inner::Movie(movie) => Some(movie.duration).filter(|d| !d.is_zero()),
            Inner::Sound(sound) => sound.duration(),
        }
    }

    /// Samples per second of its sound, when it is known before it is heard.
    pub(super) fn rate(&self) -> Option<u32> {
        match &self.inner {
            Inner::Movie(_) => None,
            Inner::Sound(sound) => Some(sound.rate()),
        }
    }

    /// Goes to a place; what comes next begins there, or less than a picture later. A place behind the end
    /// is just before it.
    pub(super) fn seek(&mut self, to: Timestamp) -> Result<(), Error> {
        let last = self
            .duration()
            .map(|d| Timestamp::ZERO + d.saturating_sub(LAST));
        let to = last.map_or(to, |last| to.min(last)).max(Timestamp::ZERO);
        self.ready.clear();
        self.from = to;
        match &mut self.inner {
            Inner::Movie(movie) => {
                movie.demuxer.seek(to);
                movie.flushed = false;
                movie.open_decoders(&self.path)
            }
            Inner::Sound(sound) => sound.seek(to).map_err(|e| codec_error(&self.path, e)),
        }
    }

    /// Begins again.
    pub(super) fn rewind(&mut self) -> Result<(), Error> {
        self.ready.clear();
        self.from = Timestamp::ZERO;
        match &mut self.inner {
            Inner::Movie(movie) => movie.rewind(&self.path),
            Inner::Sound(sound) => sound
                .seek(Timestamp::ZERO)
                .map_err(|e| codec_error(&self.path, e)),
        }
    }
}

impl Movie {
    fn open(path: &Path, mut file: File) -> Result<Self, Error> {
        let mut demuxer = mp4::Demuxer::new();
        let length = file.metadata().map_err(|e| read_error(path, e))?.len();
        while let Some((position, wanted)) = demuxer.need() {
            let rest = length.saturating_sub(position);
            let len = wanted.min(usize::try_from(rest).unwrap_or(usize::MAX));
            let data = read_at(&mut file, position, len).map_err(|e| read_error(path, e))?;
            demuxer
                .feed(position, &data)
                .map_err(|e| container_error(path, e))?;
        }
        let mut movie = Self {
            file,
            demuxer,
            video: None,
            audio: None,
            flushed: false,
            duration: Duration::ZERO,
        };
        movie.open_decoders(path)?;
        Ok(movie)
    }

    fn open_decoders(&mut self, path: &Path) -> Result<(), Error> {
        self.video = None;
        self.audio = None;
        for track in self.demuxer.tracks() {
            let config = track.config.clone();
            match config.kind() {
                media::Kind::Video if self.video.is_none() => {
                    let decoder = decode::video::open(&config).map_err(|e| codec_error(path, e))?;
                    self.video = Some(Stream {
                        track: track.id,
                        config,
                        decoder,
                    });
                }
                media::Kind::Audio if self.audio.is_none() => {
                    let decoder = decode::audio::open(&config).map_err(|e| codec_error(path, e))?;
                    self.audio = Some(Stream {
                        track: track.id,
                        config,
                        decoder,
                    });
                }
                // Only the first track of a kind plays.
                _ => continue,
            }
            self.duration = self.duration.max(track.duration);
        }
        if self.video.is_none() && self.audio.is_none() {
            return Err(Error::Empty {
                path: path.to_owned(),
            });
        }
        Ok(())
    }

    fn detail(&self) -> String {
        let video = self.video.as_ref().map(|s| match &s.config {
            Config::H264 { width, height, .. } => format!("{width}×{height} H.264"),
            other => other.codec().to_owned(),
        });
        let audio = self.audio.as_ref().map(|s| s.config.codec().to_owned());
        let left_out = self.demuxer.skipped().iter();
        let left_out =
            left_out.map(|track| format!("{} left out: not decoded by Klieg", track.codec));
        let parts: Vec<String> = video.into_iter().chain(audio).chain(left_out).collect();
        parts.join(", ")
    }

    /// Decodes one sample; false when there are no more.
    fn step(&mut self, path: &Path, ready: &mut VecDeque<Part>) -> Result<bool, Error> {
        let next = self.demuxer.next_sample();
        let Some(sample) = next.map_err(|e| container_error(path, e))? else {
            return self.flush(path, ready);
        };
        let video = self.video.as_mut().filter(|s| s.track == sample.track);
        let audio = self.audio.as_mut().filter(|s| s.track == sample.track);
        if video.is_none() && audio.is_none() {
            return Ok(true);
        }
        let len = sample.len.min(MAX_UNIT);
        let data =
            read_at(&mut self.file, sample.position, len).map_err(|e| read_error(path, e))?;
        let packet = self.demuxer.packet(&sample, data.into());
        let packet = packet.map_err(|e| container_error(path, e))?;
        if let Some(stream) = video {
            let frames = unless_damaged(stream.decoder.decode(&packet));
            let frames = frames
                .map_err(|e| codec_error(path, e))?
                .unwrap_or_default();
            ready.extend(frames.into_iter().filter(shown).map(Part::Picture));
        }
        if let Some(stream) = audio {
            let samples = unless_damaged(stream.decoder.decode(&packet));
            let samples = samples.map_err(|e| codec_error(path, e))?.flatten();
            let length = match self.duration {
                Duration::ZERO => Duration::MAX,
                known => known,
            };
            ready.extend(samples.and_then(|s| trim(s, length)).map(Part::Sound));
        }
        Ok(true)
    }

    fn flush(&mut self, path: &Path, ready: &mut VecDeque<Part>) -> Result<bool, Error> {
        if std::mem::replace(&mut self.flushed, true) {
            return Ok(false);
        }
        if let Some(stream) = &mut self.video {
            let frames = stream.decoder.flush().map_err(|e| codec_error(path, e))?;
            ready.extend(frames.into_iter().filter(shown).map(Part::Picture));
        }
        Ok(!ready.is_empty())
    }

    fn rewind(&mut self, path: &Path) -> Result<(), Error> {
        self.demuxer.rewind();
        self.flushed = false;
        self.open_decoders(path)
    }
}

/// A damaged packet is one lost packet, not the end of the file: the decoder goes on behind it.
fn unless_damaged<T>(decoded: Result<T, codec::Error>) -> Result<Option<T>, codec::Error> {
    match decoded {
        Ok(parts) => Ok(Some(parts)),
        Err(error @ codec::Error::Damaged { .. }) => {
            tracing::debug!(%error, "a packet of a file was lost");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// What lies before the beginning is there for the decoder alone.
fn shown(frame: &Frame) -> bool {
    frame.timestamp() >= Timestamp::ZERO
}

/// Cuts off what lies before the beginning (an encoder's priming) and after the end.
fn trim(mut samples: Samples, duration: Duration) -> Option<Samples> {
    let channels = usize::from(samples.channels);
    let frames_in = |d: Duration| (d.as_secs_f64() * f64::from(samples.rate)).round() as usize;
    let before = frames_in(Timestamp::ZERO.since(samples.timestamp)).min(samples.frames());
    let past = samples.end().since(Timestamp::ZERO + duration);
    let after = frames_in(past).min(samples.frames() - before);
    let keep = samples.frames() - before - after;
    samples.data.drain(..before * channels);
    samples.data.truncate(keep * channels);
    samples.timestamp = samples.timestamp.max(Timestamp::ZERO);
    (keep > 0).then_some(samples)
}

fn open(path: &Path) -> Result<File, Error> {
    File::open(path).map_err(|source| {
        if source.kind() == std::io::ErrorKind::NotFound {
            Error::Missing {
                path: path.to_owned(),
            }
        } else {
            read_error(path, source)
        }
    })
}

fn read_at(file: &mut File, position: u64, len: usize) -> std::io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(position))?;
    let mut data = vec![0; len];
    file.read_exact(&mut data)?;
    Ok(data)
}

fn read_some(file: &mut File, into: &mut [u8]) -> std::io::Result<usize> {
    let mut have = 0;
    while have < into.len() {
        match file.read(&mut into[have..])? {
            0 => break,
            n => have += n,
        }
    }
    Ok(have)
}

fn read_error(path: &Path, source: std::io::Error) -> Error {
    Error::Read {
        path: path.to_owned(),
        source,
    }
}

fn container_error(path: &Path, source: mp4::Error) -> Error {
    let path = path.to_owned();
    match source {
        mp4::Error::Codec { name, .. } => Error::Foreign {
            path,
            what: format!("MP4 with {name}"),
        },
        source => Error::Container { path, source },
    }
}

fn codec_error(path: &Path, source: codec::Error) -> Error {
    Error::Codec {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_is_cut_to_the_length_of_the_file() {
        let samples = |at: i64, frames: usize| Samples {
            timestamp: Timestamp::from_ticks(at, 48_000),
            ..Samples::silence(Timestamp::ZERO, frames)
        };
        let second = Duration::from_secs(1);
        for (at, frames, expect) in [
            (0, 1024, Some((0, 1024))),
            (-1024, 1024, None),
            (-24, 1024, Some((0, 1000))),
            (47_500, 1024, Some((47_500, 500))),
            (48_000, 1024, None),
        ] {
            let cut =
                trim(samples(at, frames), second).map(|s| (s.timestamp.ticks(48_000), s.frames()));
            assert_eq!(cut, expect, "{frames} at {at}");
        }
    }
}
