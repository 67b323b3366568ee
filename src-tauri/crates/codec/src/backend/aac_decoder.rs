//! AAC and HE-AAC by the Fraunhofer library, without the sound that its defaults hold back.

use std::ffi::{c_int, c_uint};

use fdk_aac_sys as sys;
use media::{Packet, Samples, Timestamp, aac::AudioConfig};

use crate::{Error, decode};

/// Values that one access unit can become: 2048 with band replication, for 8 channels before they are
/// mixed down.
const MAX_PCM: usize = 2048 * 8;

pub(crate) struct Decoder {
    handle: Handle,
    pcm: Vec<i16>,
}

/// An open decoder, closed when dropped.
struct Handle(sys::HANDLE_AACDECODER);

// SAFETY: the library keeps all state of a decoder behind its handle, and nothing of a thread.
unsafe impl Send for Handle {}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: it came from aacDecoder_Open and is closed once.
        unsafe { sys::aacDecoder_Close(self.0) };
    }
}

impl Handle {
    fn open() -> Result<Self, Error> {
        // SAFETY: opening takes plain numbers; null means that there was no memory.
        let handle = unsafe { sys::aacDecoder_Open(sys::TRANSPORT_TYPE_TT_MP4_RAW, 1) };
        if handle.is_null() {
            return Err(Error::Library {
                codec: "AAC",
                message: "it could not be opened".into(),
            });
        }
        Ok(Self(handle))
    }

    fn set(&self, parameter: sys::AACDEC_PARAM, value: c_int) -> Result<(), Error> {
        // SAFETY: the handle is open; parameters are plain numbers.
        check(unsafe { sys::aacDecoder_SetParam(self.0, parameter, value) })
    }

    fn configure(&self, asc: &[u8]) -> Result<(), Error> {
        let mut pointer = asc.as_ptr().cast_mut();
        let len = length(asc)?;
        // SAFETY: the library reads `len` bytes during the call, and writes none.
        check(unsafe { sys::aacDecoder_ConfigRaw(self.0, &raw mut pointer, &raw const len) })
    }

    fn fill(&self, unit: &[u8]) -> Result<(), Error> {
        let mut pointer = unit.as_ptr().cast_mut();
        let len = length(unit)?;
        let mut left: c_uint = len;
        // SAFETY: as in `configure`; the bytes are copied into the decoder's own buffer.
        check(unsafe {
            sys::aacDecoder_Fill(self.0, &raw mut pointer, &raw const len, &raw mut left)
        })?;
        if left == 0 {
            Ok(())
        } else {
            Err(damaged("the packet is too long".into()))
        }
    }

    /// One frame into `pcm`: whether there was one, and its rate, channels, sample frames and delay.
    fn decode(&self, pcm: &mut [i16]) -> Result<Option<(u32, u16, usize, u32)>, Error> {
        let room = c_int::try_from(pcm.len()).unwrap_or(c_int::MAX);
        // SAFETY: the library writes at most `room` values.
        let code = unsafe { sys::aacDecoder_DecodeFrame(self.0, pcm.as_mut_ptr(), room, 0) };
        if code == sys::AAC_DECODER_ERROR_AAC_DEC_NOT_ENOUGH_BITS {
            return Ok(None);
        }
        check(code)?;
        // SAFETY: the handle is open; what the pointer shows is the decoder's, valid until its next call.
        let info = unsafe { sys::aacDecoder_GetStreamInfo(self.0).as_ref() };
        Ok(info.and_then(|info| {
            let rate = u32::try_from(info.sampleRate).ok().filter(|&n| n > 0)?;
            let channels = u16::try_from(info.numChannels).ok().filter(|&n| n > 0)?;
            let frames = usize::try_from(info.frameSize).ok()?;
            Some((rate, channels, frames, info.outputDelay))
        }))
    }
}

impl Decoder {
    pub(crate) fn open(asc: &[u8]) -> Result<Self, Error> {
        let config = AudioConfig::parse(asc).map_err(|e| damaged(e.to_string()))?;
        if !matches!(config.object_type, 2 | 5 | 29) {
            return Err(Error::Unsupported {
                what: format!("AAC of object type {}", config.object_type),
                instead: "AAC-LC",
            });
        }
        let handle = Handle::open()?;
        for (parameter, value) in [
            // The limiter would hold back 15 ms: the mixer has one.
            (sys::AACDEC_PARAM_AAC_PCM_LIMITER_ENABLE, 0),
            // Losses become noise, not an interpolation for which a packet more would have to be waited.
            (sys::AACDEC_PARAM_AAC_CONCEAL_METHOD, 1),
            // Surround is mixed down here, where the channels' places are known.
            (sys::AACDEC_PARAM_AAC_PCM_MAX_OUTPUT_CHANNELS, 2),
        ] {
            handle.set(parameter, value)?;
        }
        handle.configure(asc)?;
        Ok(Self {
            handle,
            pcm: vec![0; MAX_PCM],
        })
    }
}

impl decode::audio::Decoder for Decoder {
    fn decode(&mut self, packet: &Packet) -> Result<Option<Samples>, Error> {
        if packet.data.is_empty() {
            return Err(damaged("the packet is empty".into()));
        }
        self.handle.fill(&packet.data)?;
        let Some((rate, channels, frames, delay)) = self.handle.decode(&mut self.pcm)? else {
            return Ok(None);
        };
        let len = (frames * usize::from(channels)).min(self.pcm.len());
        let late = Timestamp::from_ticks(i64::from(delay), rate);
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

fn length(bytes: &[u8]) -> Result<c_uint, Error> {
    c_uint::try_from(bytes.len()).map_err(|_| damaged("the packet is too long".into()))
}

fn check(code: sys::AAC_DECODER_ERROR) -> Result<(), Error> {
    match code {
        sys::AAC_DECODER_ERROR_AAC_DEC_OK => Ok(()),
        code => Err(damaged(format!("code {code:#x}"))),
    }
}

fn damaged(message: String) -> Error {
    Error::Damaged {
        codec: "AAC",
        message,
    }
}
