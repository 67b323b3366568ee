//! AAC low complexity by the Fraunhofer library.

use bytes::Bytes;
use fdk_aac::enc::{
    AudioObjectType, BitRate, ChannelMode, Encoder as Library, EncoderParams, Transport,
};
use media::SAMPLE_RATE;

use crate::{Error, encode};

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
