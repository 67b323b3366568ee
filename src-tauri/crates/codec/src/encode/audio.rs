//! Opus and AAC from the master mix.

use media::{Packet, Samples, TrackId};

use crate::{Error, backend};

/// One audio encoder, for one thread.
///
/// It takes 48 kHz stereo of any length. Sound is continuous: a packet's time is counted from the first
/// sample, less the encoder's delay, so that what is decoded at `pts` is what was heard at `pts`; the
/// first packets may lie before the first sample. When the timestamps leave the count by more than
/// 20 ms, counting starts anew there.
pub trait Encoder: Send {
    /// The track's configuration.
    fn config(&self) -> media::Config;

    /// Encodes; the packets that became whole.
    ///
    /// # Errors
    /// [`Error::Input`] for other than 48 kHz stereo, [`Error::Library`] when encoding fails.
    fn encode(&mut self, samples: &Samples) -> Result<Vec<Packet>, Error>;

    /// The packets that still hold sound that was put in, filled up with silence. The next samples
    /// start a new count.
    ///
    /// # Errors
    /// [`Error::Library`].
    fn flush(&mut self) -> Result<Vec<Packet>, Error>;
}

/// The usual bitrate of the master, in bits per second.
pub const BITRATE: u32 = 128_000;

/// Opus (RFC 6716): 48 kHz stereo, packets of 20 ms, constrained variable bitrate.
///
/// # Errors
/// [`Error::Settings`] outside of 16 000 to 510 000 bits per second.
pub fn opus(track: TrackId, bitrate: u32) -> Result<Box<dyn Encoder>, Error> {
    check_bitrate("Opus", bitrate, 16_000, 510_000)?;
    let backend = backend::opus::Encoder::open(bitrate)?;
    Ok(Box::new(Framed::new(backend, track)))
}

/// AAC low complexity (ISO/IEC 14496-3): 48 kHz stereo, raw access units of 1024 samples.
///
/// # Errors
/// [`Error::Settings`] outside of 32 000 to 320 000 bits per second; [`Error::NoAac`] in a build without it.
#[cfg(feature = "aac")]
pub fn aac(track: TrackId, bitrate: u32) -> Result<Box<dyn Encoder>, Error> {
    check_bitrate("AAC", bitrate, 32_000, 320_000)?;
    let backend = backend::aac_encoder::Encoder::open(bitrate)?;
    Ok(Box::new(Framed::new(backend, track)))
}

/// AAC is left out of this build.
///
/// # Errors
/// [`Error::NoAac`], always.
#[cfg(not(feature = "aac"))]
pub fn aac(_track: TrackId, _bitrate: u32) -> Result<Box<dyn Encoder>, Error> {
    Err(Error::NoAac)
}

fn check_bitrate(codec: &'static str, bitrate: u32, low: u32, high: u32) -> Result<(), Error> {
    if (low..=high).contains(&bitrate) {
        Ok(())
    } else {
        Err(Error::Settings {
            codec,
            what: format!("{bitrate} bits per second ({low} to {high})"),
        })
    }
}

/// What a library does: one frame of fixed length in, one packet out.
pub(crate) trait Backend: Send {
    const CODEC: &'static str;
    /// Sample frames per packet.
    const FRAME: usize;
    fn config(&self) -> media::Config;
    /// Sample frames by which decoded sound comes later than it went in.
    fn delay(&self) -> usize;
    /// Encodes `FRAME × 2` values. `None` while the library is filling up.
    fn encode(&mut self, frame: &[f32]) -> Result<Option<bytes::Bytes>, Error>;
}

/// Cuts a stream of samples into frames and keeps the count.
struct Framed<B> {
    backend: B,
    track: TrackId,
    pending: Vec<f32>,
    /// When the first sample of the count was heard.
    start: Option<media::Timestamp>,
    /// Sample frames taken since then.
    taken: u64,
    /// Packets put out since then.
    packets: u64,
}

impl<B: Backend> Framed<B> {
    fn new(backend: B, track: TrackId) -> Self {
        Self {
            backend,
            track,
            pending: Vec::with_capacity(B::FRAME * 4),
            start: None,
            taken: 0,
            packets: 0,
        }
    }

    /// When the sample frame number `count` of this count is heard.
    fn time_of(&self, count: i64) -> media::Timestamp {
        let since = media::Timestamp::from_ticks(count, media::SAMPLE_RATE);
        self.start.unwrap_or_default().offset(since.nanos())
    }

    /// Starts the count anew where the timestamps have left it.
    fn follow(&mut self, samples: &Samples) {
        const TOLERANCE: u64 = 20_000_000;
        let expected = self.time_of(i64::try_from(self.taken).unwrap_or(i64::MAX));
        let off = samples.timestamp.offset_from(expected);
        if self.start.is_none() {
            self.start = Some(samples.timestamp);
        } else if off.unsigned_abs() > TOLERANCE {
            // What is pending and inside the library keeps its place before the new samples.
            self.start = self.start.map(|s| s.offset(off));
        }
    }

    fn drain(&mut self, packets: &mut Vec<Packet>) -> Result<(), Error> {
        let len = B::FRAME * 2;
        let mut used = 0;
        let mut result = Ok(());
        while self.pending.len() - used >= len {
            let frame = &self.pending[used..used + len];
            used += len;
            match self.backend.encode(frame) {
                Ok(Some(data)) => {
                    let first = self.packets * B::FRAME as u64;
                    let count = i64::try_from(first).unwrap_or(i64::MAX)
                        - i64::try_from(self.backend.delay()).unwrap_or(0);
                    let pts = self.time_of(count);
                    self.packets += 1;
                    packets.push(Packet {
                        track: self.track,
                        pts,
                        dts: pts,
                        keyframe: true,
                        data,
                    });
                }
                Ok(None) => {}
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        self.pending.drain(..used);
        result
    }
}

impl<B: Backend> Encoder for Framed<B> {
    fn config(&self) -> media::Config {
        self.backend.config()
    }

    fn encode(&mut self, samples: &Samples) -> Result<Vec<Packet>, Error> {
        if samples.rate != media::SAMPLE_RATE || samples.channels != 2 {
            return Err(Error::Input {
                codec: B::CODEC,
                what: format!(
                    "sound at {} Hz with {} channels; it takes 48000 Hz stereo",
                    samples.rate, samples.channels
                ),
            });
        }
        self.follow(samples);
        self.pending.extend_from_slice(&samples.data);
        self.taken += samples.frames() as u64;
        let mut packets = Vec::with_capacity(self.pending.len() / (B::FRAME * 2));
        self.drain(&mut packets)?;
        Ok(packets)
    }

    fn flush(&mut self) -> Result<Vec<Packet>, Error> {
        let mut packets = Vec::new();
        if self.start.is_some() {
            // Until the last sample has come out again, after the library's delay.
            let wanted = self.taken + self.backend.delay() as u64;
            let frame = B::FRAME as u64;
            while self.packets * frame < wanted {
                let before = self.packets;
                let missing = B::FRAME * 2 - self.pending.len() % (B::FRAME * 2);
                self.pending.extend(std::iter::repeat_n(0.0, missing));
                self.drain(&mut packets)?;
                // A library that swallows its input forever would keep this loop alive.
                if self.packets == before && packets.len() > 16 {
                    break;
                }
            }
        }
        self.pending.clear();
        self.start = None;
        self.taken = 0;
        self.packets = 0;
        Ok(packets)
    }
}

#[cfg(test)]
mod tests;
