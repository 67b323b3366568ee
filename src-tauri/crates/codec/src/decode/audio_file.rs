//! Sound files: MP3, WAV, FLAC and Ogg (Vorbis and Opus).

use std::io::{Read, Seek, SeekFrom};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use media::{Packet, Samples, Timestamp, TrackId};
use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::well_known::CODEC_ID_OPUS;
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as Fault;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, SeekMode, SeekTo, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;
use symphonia::core::units::{Time, TimeBase};

use super::audio::Decoder as _;
use super::picture::contain;
use crate::{Error, backend};

/// Damaged packets in a row after which a file is given up.
const PATIENCE: u32 = 64;

/// A sound file that is being read. Its first sample is heard at [`Timestamp::ZERO`].
pub struct AudioFile {
    reader: Box<dyn FormatReader>,
    decoder: Decoder,
    track: u32,
    time_base: TimeBase,
    duration: Option<Duration>,
    rate: u32,
    channels: u16,
    /// Sample frames put out or passed over so far.
    position: i64,
    /// The place that was sought, until its first sample has come.
    wanted: Option<i64>,
}

enum Decoder {
    Library(Box<dyn AudioDecoder>),
    Opus(backend::opus::Decoder),
}

/// Opens a sound file, known by its content.
///
/// # Errors
/// [`Error::Unsupported`] for other files, [`Error::Damaged`], [`Error::Read`].
pub fn open(source: impl Read + Seek + Send + 'static) -> Result<AudioFile, Error> {
    contain("sound file", || AudioFile::open(Source::new(source)?))
}

impl AudioFile {
    fn open(source: Source<impl Read + Seek + Send + 'static>) -> Result<Self, Error> {
        let unknown = || Error::Unsupported {
            what: "this kind of sound file".into(),
            instead: "MP3, WAV, FLAC, Ogg or MP4 with AAC",
        };
        let stream = MediaSourceStream::new(Box::new(source), MediaSourceStreamOptions::default());
        let reader = symphonia::default::get_probe()
            .probe(
                &Hint::new(),
                stream,
                FormatOptions::default(),
                MetadataOptions::default(),
            )
            .map_err(|e| match e {
                Fault::IoError(e) if e.kind() != std::io::ErrorKind::UnexpectedEof => {
                    Error::Read(e)
                }
                _ => unknown(),
            })?;
        let track = reader.default_track(TrackType::Audio).ok_or_else(unknown)?;
        let Some(CodecParameters::Audio(codec)) = &track.codec_params else {
            return Err(unknown());
        };
        let channels = codec.channels.as_ref().map_or(0, |c| c.count());
        let channels = u16::try_from(channels).unwrap_or(0);
        let decoder = if codec.codec == CODEC_ID_OPUS {
            Decoder::Opus(backend::opus::Decoder::open(channels)?)
        } else {
            let options = AudioDecoderOptions::default();
            symphonia::default::get_codecs()
                .make_audio_decoder(codec, &options)
                .map(Decoder::Library)
                .map_err(|_| unknown())?
        };
        let rate = match decoder {
            Decoder::Opus(_) => media::SAMPLE_RATE,
            Decoder::Library(_) => codec.sample_rate.unwrap_or(0),
        };
        let time_base = track.time_base.or(TimeBase::try_from_recip(rate));
        let duration = match (track.num_frames, track.duration, track.time_base) {
            (Some(frames), _, _) if rate > 0 => Some(length(frames, rate)),
            (_, Some(ticks), Some(base)) => base
                .calc_duration(ticks)
                .and_then(|t| u64::try_from(t.as_nanos()).ok())
                .map(Duration::from_nanos),
            _ => None,
        };
        let time_base = time_base.ok_or_else(unknown)?;
        Ok(Self {
            track: track.id,
            reader,
            decoder,
            time_base,
            duration,
            rate,
            channels,
            position: 0,
            wanted: None,
        })
    }

    /// How long it is, when the file says so.
    pub fn duration(&self) -> Option<Duration> {
        self.duration
    }

    /// Samples per second and channel.
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// Channels; 0 when only the first packet will tell.
    pub fn channels(&self) -> u16 {
        self.channels
    }

    /// The next samples, a few thousand at most; `None` at the end. Single damaged packets are passed over.
    ///
    /// # Errors
    /// [`Error::Damaged`] when nothing can be made of the file any more, [`Error::Read`].
    #[expect(
        clippy::should_implement_trait,
        reason = "it fails, and goes on after a seek: no iterator does"
    )]
    pub fn next(&mut self) -> Result<Option<Samples>, Error> {
        contain("sound file", || self.advance())
    }

    fn advance(&mut self) -> Result<Option<Samples>, Error> {
        let mut damaged = 0;
        loop {
            let packet = match self.reader.next_packet() {
                Ok(Some(packet)) => packet,
                // A file that is cut short ends where it ends.
                Ok(None) => return Ok(None),
                Err(Fault::IoError(e)) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
                    return Ok(None);
                }
                Err(e) => return Err(fault(e)),
            };
            if packet.track_id != self.track {
                continue;
            }
            match self.decode(&packet) {
                Ok(Some(samples)) => return Ok(Some(samples)),
                Ok(None) => {}
                Err(e) => {
                    damaged += 1;
                    if damaged > PATIENCE {
                        return Err(e);
                    }
                }
            }
        }
    }

    fn decode(
        &mut self,
        packet: &symphonia::core::packet::Packet,
    ) -> Result<Option<Samples>, Error> {
        let mut data = Vec::new();
        match &mut self.decoder {
            Decoder::Library(decoder) => {
                let buffer = decoder.decode(packet).map_err(fault)?;
                self.rate = buffer.spec().rate();
                self.channels = u16::try_from(buffer.spec().channels().count()).unwrap_or(0);
                buffer.copy_to_vec_interleaved::<f32>(&mut data);
            }
            Decoder::Opus(decoder) => {
                let samples = decoder.decode(&Packet {
                    track: TrackId(0),
                    pts: Timestamp::ZERO,
                    dts: Timestamp::ZERO,
                    keyframe: true,
                    data: packet.data.to_vec().into(),
                })?;
                data = samples.map(|s| s.data).unwrap_or_default();
                let width = usize::from(self.channels.max(1));
                let clip = |n: u64| {
                    usize::try_from(n)
                        .unwrap_or(usize::MAX)
                        .saturating_mul(width)
                };
                let end = data.len().saturating_sub(clip(packet.trim_end.get()));
                data.truncate(end);
                data.drain(..clip(packet.trim_start.get()).min(data.len()));
            }
        }
        let width = usize::from(self.channels);
        if width == 0 || self.rate == 0 {
            return Ok(None);
        }
        if data.is_empty() {
            return Ok(None);
        }
        if let Some(wanted) = self.wanted {
            // Where the packet says it is: decoders swallow some after a leap.
            let begins = packet.pts.saturating_add(packet.trim_start);
            let begins = self.time_base.calc_time_saturating(begins).as_nanos();
            let begins = Timestamp::from_nanos(i64::try_from(begins).unwrap_or(0)).ticks(self.rate);
            let frames = i64::try_from(data.len() / width).unwrap_or(i64::MAX);
            let passed = (wanted - begins).clamp(0, frames);
            if passed == frames {
                return Ok(None);
            }
            data.drain(..usize::try_from(passed).unwrap_or(0) * width);
            self.position = begins + passed;
            self.wanted = None;
        }
        let timestamp = Timestamp::from_ticks(self.position, self.rate);
        self.position += i64::try_from(data.len() / width).unwrap_or(0);
        Ok(Some(Samples {
            timestamp,
            rate: self.rate,
            channels: self.channels,
            data,
        }))
    }

    /// Goes to a place: the next samples begin exactly there. Places before the beginning are the beginning.
    ///
    /// # Errors
    /// [`Error::Damaged`] when the place is past the end or cannot be found, [`Error::Read`].
    pub fn seek(&mut self, to: Timestamp) -> Result<(), Error> {
        contain("sound file", || self.go(to.max(Timestamp::ZERO)))
    }

    fn go(&mut self, to: Timestamp) -> Result<(), Error> {
        let time = Time::try_from_nanos_i128(i128::from(to.nanos())).unwrap_or(Time::ZERO);
        self.reader
            .seek(
                SeekMode::Accurate,
                SeekTo::Time {
                    time,
                    track_id: Some(self.track),
                },
            )
            .map_err(fault)?;
        match &mut self.decoder {
            Decoder::Library(decoder) => decoder.reset(),
            Decoder::Opus(decoder) => *decoder = backend::opus::Decoder::open(self.channels)?,
        }
        self.wanted = Some(to.ticks(self.rate.max(1)));
        Ok(())
    }
}

impl std::fmt::Debug for AudioFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AudioFile")
            .field("rate", &self.rate)
            .field("channels", &self.channels)
            .field("duration", &self.duration)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

fn length(frames: u64, rate: u32) -> Duration {
    let nanos = u128::from(frames) * 1_000_000_000 / u128::from(rate.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

fn fault(fault: Fault) -> Error {
    match fault {
        Fault::IoError(e) => Error::Read(e),
        other => Error::Damaged {
            codec: "sound file",
            message: other.to_string(),
        },
    }
}

/// What the library reads from: it wants to know the length, and to be shared between threads.
struct Source<R> {
    inner: Mutex<R>,
    len: u64,
}

impl<R: Read + Seek> Source<R> {
    fn new(mut inner: R) -> Result<Self, Error> {
        let len = inner.seek(SeekFrom::End(0))?;
        inner.seek(SeekFrom::Start(0))?;
        Ok(Self {
            inner: Mutex::new(inner),
            len,
        })
    }

    fn get(&mut self) -> &mut R {
        self.inner.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R: Read + Seek> Read for Source<R> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        self.get().read(buf)
    }
}

impl<R: Read + Seek> Seek for Source<R> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.get().seek(to)
    }
}

impl<R: Read + Seek + Send> MediaSource for Source<R> {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.len)
    }
}

#[cfg(test)]
mod tests;
