//! AAC by the Fraunhofer library.

use bytes::Bytes;
use fdk_aac::dec;
use fdk_aac::enc::{
    AudioObjectType, BitRate, ChannelMode, Encoder as Library, EncoderParams, Transport,
};
use media::{Packet, SAMPLE_RATE, Samples, Timestamp, aac::AudioConfig};

use crate::{Error, decode, encode};

/// More than the 6144 bits per channel that an access unit may have (ISO/IEC 14496-3, 4.5.3.2).
const MAX_UNIT: usize = 2048;

pub(crate) struct Encoder {
    inner: Library,
    asc: Bytes,
    delay: usize,
    pcm: Vec<i16>,
    scratch: Box<[u8; MAX_UNIT]>,
}

impl Encoder {
    pub(crate) fn open(bitrate: u32) -> Result<Self, Error> {
        let library = |error: fdk_aac::enc::EncoderError| Error::Library {
            codec: "AAC",
            message: error.to_string(),
        };
        let inner = Library::new(EncoderParams {
            bit_rate: BitRate::Cbr(bitrate),
            sample_rate: SAMPLE_RATE,
            transport: Transport::Raw,
            channels: ChannelMode::Stereo,
            audio_object_type: AudioObjectType::Mpeg4LowComplexity,
        })
        .map_err(library)?;
        let info = inner.info().map_err(library)?;
        let size = usize::try_from(info.confSize).unwrap_or(0);
        let asc = info.confBuf.get(..size).unwrap_or_default();
        Ok(Self {
            asc: Bytes::copy_from_slice(asc),
            delay: usize::try_from(info.nDelay).unwrap_or(0),
            inner,
            pcm: Vec::with_capacity(2048),
            scratch: Box::new([0; MAX_UNIT]),
        })
    }
}

impl encode::audio::Backend for Encoder {
    const CODEC: &'static str = "AAC";
    const FRAME: usize = 1024;

    fn config(&self) -> media::Config {
        media::Config::Aac {
            asc: self.asc.clone(),
            sample_rate: SAMPLE_RATE,
            channels: 2,
        }
    }

    fn delay(&self) -> usize {
        self.delay
    }

    fn encode(&mut self, frame: &[f32]) -> Result<Option<Bytes>, Error> {
        self.pcm.clear();
        // The conversion saturates, and makes silence of NaN.
        self.pcm
            .extend(frame.iter().map(|&s| (s * 32_767.0).round() as i16));
        let info = self
            .inner
            .encode(&self.pcm, &mut self.scratch[..])
            .map_err(|error| Error::Library {
                codec: "AAC",
                message: error.to_string(),
            })?;
        if info.input_consumed != self.pcm.len() {
            return Err(Error::Library {
                codec: "AAC",
                message: format!(
                    "it took {} of {} samples",
                    info.input_consumed,
                    self.pcm.len()
                ),
            });
        }
        let unit = self.scratch.get(..info.output_size).unwrap_or_default();
        Ok((!unit.is_empty()).then(|| Bytes::copy_from_slice(unit)))
    }
}

pub(crate) struct Decoder {
    inner: dec::Decoder,
    pcm: Vec<i16>,
}

/// Samples that one access unit can become: 2048 with band replication, for 8 channels.
const MAX_PCM: usize = 2048 * 8;

impl Decoder {
    pub(crate) fn open(asc: &[u8]) -> Result<Self, Error> {
        let config = AudioConfig::parse(asc).map_err(|e| damaged(e.to_string()))?;
        if !matches!(config.object_type, 2 | 5 | 29) {
            return Err(Error::Unsupported {
                what: format!("AAC of object type {}", config.object_type),
                instead: "AAC-LC",
            });
        }
        let mut inner = dec::Decoder::new(dec::Transport::Raw);
        inner
            .config_raw(asc)
            .map_err(|e| damaged(e.message().to_owned()))?;
        // Surround is mixed down here, where the channels' places are known.
        inner
            .set_max_output_channels(2)
            .map_err(|e| damaged(e.message().to_owned()))?;
        Ok(Self {
            inner,
            pcm: vec![0; MAX_PCM],
        })
    }
}

impl decode::audio::Decoder for Decoder {
    fn decode(&mut self, packet: &Packet) -> Result<Option<Samples>, Error> {
        if packet.data.is_empty() {
            return Err(damaged("the packet is empty".into()));
        }
        self.inner
            .fill(&packet.data)
            .map_err(|e| damaged(e.message().to_owned()))?;
        match self.inner.decode_frame(&mut self.pcm) {
            Ok(()) => {}
            Err(dec::DecoderError::NOT_ENOUGH_BITS) => return Ok(None),
            Err(error) => return Err(damaged(error.message().to_owned())),
        }
        let info = self.inner.stream_info();
        let (rate, channels, frames) = (
            u32::try_from(info.sampleRate).unwrap_or(0),
            u16::try_from(info.numChannels).unwrap_or(0),
            usize::try_from(info.frameSize).unwrap_or(0),
        );
        if rate == 0 || channels == 0 {
            return Ok(None);
        }
        let len = (frames * usize::from(channels)).min(self.pcm.len());
        // The library's limiter and concealment hold sound back.
        let late = Timestamp::from_ticks(i64::from(info.outputDelay), rate);
        Ok(Some(Samples {
            timestamp: packet.pts.offset(-late.nanos()),
            rate,
            channels,
            data: self.pcm[..len]
                .iter()
                .map(|&s| f32::from(s) / 32_768.0)
                .collect(),
        }))
    }
}

fn damaged(message: String) -> Error {
    Error::Damaged {
        codec: "AAC",
        message,
    }
}
