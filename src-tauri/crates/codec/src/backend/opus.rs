//! Opus by libopus.

use bytes::Bytes;
use media::{Packet, SAMPLE_RATE, Samples};
use opus::{Application, Bitrate, Channels};

use crate::{Error, decode, encode};

/// The most a 20 ms packet of one stream can hold (RFC 6716, section 3.4).
const MAX_PACKET: usize = 1275 + 2;

pub(crate) struct Encoder {
    inner: opus::Encoder,
    pre_skip: u16,
    scratch: Box<[u8; MAX_PACKET]>,
}

impl Encoder {
    pub(crate) fn open(bitrate: u32) -> Result<Self, Error> {
        let mut inner = opus::Encoder::new(SAMPLE_RATE, Channels::Stereo, Application::Audio)
            .map_err(library_error)?;
        let bits = i32::try_from(bitrate).unwrap_or(i32::MAX);
        inner
            .set_bitrate(Bitrate::Bits(bits))
            .map_err(library_error)?;
        inner.set_vbr(true).map_err(library_error)?;
        inner.set_vbr_constraint(true).map_err(library_error)?;
        let pre_skip = inner.get_lookahead().map_err(library_error)?;
        Ok(Self {
            inner,
            pre_skip: u16::try_from(pre_skip).unwrap_or(0),
            scratch: Box::new([0; MAX_PACKET]),
        })
    }
}

impl encode::audio::Backend for Encoder {
    const CODEC: &'static str = "Opus";
    const FRAME: usize = 960;

    fn config(&self) -> media::Config {
        media::Config::Opus {
            channels: 2,
            pre_skip: self.pre_skip,
        }
    }

    fn delay(&self) -> usize {
        usize::from(self.pre_skip)
    }

    fn encode(&mut self, frame: &[f32]) -> Result<Option<Bytes>, Error> {
        let len = self
            .inner
            .encode_float(frame, &mut self.scratch[..])
            .map_err(library_error)?;
        Ok(Some(Bytes::copy_from_slice(&self.scratch[..len])))
    }
}

pub(crate) struct Decoder {
    inner: opus::Decoder,
    channels: u16,
}

impl Decoder {
    pub(crate) fn open(channels: u16) -> Result<Self, Error> {
        let layout = match channels {
            1 => Channels::Mono,
            2 => Channels::Stereo,
            n => {
                return Err(Error::Unsupported {
                    what: format!("Opus with {n} channels"),
                    instead: "stereo",
                });
            }
        };
        Ok(Self {
            inner: opus::Decoder::new(SAMPLE_RATE, layout).map_err(library_error)?,
            channels,
        })
    }
}

impl decode::audio::Decoder for Decoder {
    fn decode(&mut self, packet: &Packet) -> Result<Option<Samples>, Error> {
        let damaged = |message: String| Error::Damaged {
            codec: "Opus",
            message,
        };
        // Asked beforehand: an empty packet would ask the library to invent sound.
        let frames = media::opus::packet_samples(&packet.data)
            .ok_or_else(|| damaged("the packet has no valid length".into()))?;
        let mut data = vec![0.0; frames as usize * usize::from(self.channels)];
        let decoded = self
            .inner
            .decode_float(&packet.data, &mut data, false)
            .map_err(|e| damaged(e.description().to_owned()))?;
        data.truncate(decoded * usize::from(self.channels));
        Ok(Some(Samples {
            timestamp: packet.pts,
            rate: SAMPLE_RATE,
            channels: self.channels,
            data,
        }))
    }
}

fn library_error(error: opus::Error) -> Error {
    Error::Library {
        codec: "Opus",
        message: error.description().to_owned(),
    }
}
