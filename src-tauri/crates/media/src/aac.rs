//! AAC: ADTS headers and AudioSpecificConfig.
//!
//! Inside Klieg an AAC packet is one raw access unit; what its decoder must know stands in the
//! AudioSpecificConfig (ISO/IEC 14496-3, section 1.6.2.1). ADTS (ISO/IEC 13818-7, section 6.2) is the
//! framing of broadcast streams and `.aac` files. No input makes these functions panic.

use bytes::Bytes;

use crate::Config;

/// Why bytes are no AAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The AudioSpecificConfig ends early.
    #[error("the AAC configuration is cut short")]
    Short,
    /// A reserved number stands where a rate, a layout or an object type should.
    #[error("the AAC configuration has a reserved {0}")]
    Reserved(&'static str),
    /// No ADTS header stands here.
    #[error("no ADTS header where an AAC frame should begin")]
    Sync,
    /// The frame ends early.
    #[error("an ADTS frame is cut short ({need} bytes announced, {have} there)")]
    Frame {
        /// Bytes announced.
        need: usize,
        /// Bytes there.
        have: usize,
    },
}

/// Sampling frequencies by index (ISO/IEC 14496-3, table 1.18).
const RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];

/// What an AudioSpecificConfig says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioConfig {
    /// Audio object type of the core: 2 is low complexity.
    pub object_type: u8,
    /// Samples per second and channel of the core.
    pub sample_rate: u32,
    /// Samples per second that the decoder puts out: twice the core's with spectral band replication.
    pub output_rate: u32,
    /// Channels; two for parametric stereo.
    pub channels: u16,
    /// Samples per access unit and channel, at the core's rate: 1024 or 960.
    pub frame_len: u16,
}

impl AudioConfig {
    /// Low complexity at a rate and a number of channels (1 to 6, or 8).
    pub const fn lc(sample_rate: u32, channels: u16) -> Self {
        Self {
            object_type: 2,
            sample_rate,
            output_rate: sample_rate,
            channels,
            frame_len: 1024,
        }
    }

    /// Reads an AudioSpecificConfig; what follows it is ignored.
    ///
    /// # Errors
    /// [`Error::Short`] and [`Error::Reserved`].
    pub fn parse(asc: &[u8]) -> Result<Self, Error> {
        let mut bits = Bits::new(asc);
        let mut object_type = bits.object_type()?;
        let sample_rate = bits.rate()?;
        let layout = bits.take(4)?;
        let mut output_rate = sample_rate;
        let mut parametric = false;
        // 5: spectral band replication, 29: parametric stereo with it; the core's type comes after.
        if matches!(object_type, 5 | 29) {
            parametric = object_type == 29;
            output_rate = bits.rate()?;
            object_type = bits.object_type()?;
        }
        let mut frame_len = 1024;
        let mut channels = match layout {
            0 => 0,
            1..=6 => layout as u16,
            7 | 12 | 14 => 8,
            11 => 7,
            _ => return Err(Error::Reserved("channel layout")),
        };
        // GASpecificConfig (section 4.4.1).
        if matches!(object_type, 1..=4 | 6 | 7 | 17 | 19..=23) {
            if bits.take(1)? == 1 {
                frame_len = 960;
            }
            if bits.take(1)? == 1 {
                bits.take(14)?;
            }
            bits.take(1)?;
            if layout == 0 {
                channels = bits.program_channels()?;
            }
        }
        if channels == 0 {
            return Err(Error::Reserved("channel layout"));
        }
        Ok(Self {
            object_type,
            sample_rate,
            output_rate,
            channels: if parametric { 2 } else { channels },
            frame_len,
        })
    }

    /// The AudioSpecificConfig of its core, two bytes long (five for unlisted rates).
    ///
    /// # Errors
    /// [`Error::Reserved`] for a number of channels or an object type that two bytes cannot say.
    pub fn build(&self) -> Result<Bytes, Error> {
        let layout = self.layout()?;
        // Main, LC, SSR and LTP: the others need more than these fields.
        if !(1..=4).contains(&self.object_type) {
            return Err(Error::Reserved("object type"));
        }
        let short = u64::from(self.frame_len == 960);
        let head = u64::from(self.object_type);
        let (value, len) = match rate_index(self.sample_rate) {
            Some(index) => (
                (head << 11) | (u64::from(index) << 7) | (layout << 3) | (short << 2),
                2,
            ),
            None => {
                let rate = u64::from(self.sample_rate & 0xff_ffff);
                (
                    (head << 35) | (15 << 31) | (rate << 7) | (layout << 3) | (short << 2),
                    5,
                )
            }
        };
        Ok(Bytes::copy_from_slice(&value.to_be_bytes()[8 - len..]))
    }

    /// The ADTS header, without checksum, of a raw access unit of `payload` bytes.
    ///
    /// # Errors
    /// [`Error::Reserved`] for what ADTS cannot say: object types above 4, unlisted rates, more than
    /// 8 184 bytes.
    pub fn adts_header(&self, payload: usize) -> Result<[u8; 7], Error> {
        let index = rate_index(self.sample_rate).ok_or(Error::Reserved("sample rate"))?;
        let layout = self.layout()? as u8;
        if !(1..=4).contains(&self.object_type) {
            return Err(Error::Reserved("object type"));
        }
        let len = u16::try_from(payload + 7)
            .ok()
            .filter(|&n| n < 1 << 13)
            .ok_or(Error::Reserved("frame length"))?;
        Ok([
            0xff,
            0xf1,
            ((self.object_type - 1) << 6) | (index << 2) | (layout >> 2),
            (layout << 6) | (len >> 11) as u8,
            (len >> 3) as u8,
            ((len << 5) as u8) | 0x1f,
            0xfc,
        ])
    }

    /// The [`Config`] of a track of it.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub fn config(&self) -> Result<Config, Error> {
        Ok(Config::Aac {
            asc: self.build()?,
            sample_rate: self.output_rate,
            channels: self.channels,
        })
    }

    /// The codec as it stands in playlists and page scripts (RFC 6381, section 3.3): `mp4a.40.2`.
    pub fn codec_string(&self) -> String {
        format!("mp4a.40.{}", self.object_type)
    }

    fn layout(&self) -> Result<u64, Error> {
        match self.channels {
            n @ 1..=6 => Ok(u64::from(n)),
            8 => Ok(7),
            _ => Err(Error::Reserved("channel layout")),
        }
    }
}

fn rate_index(rate: u32) -> Option<u8> {
    RATES
        .iter()
        .position(|&r| r == rate)
        .and_then(|i| u8::try_from(i).ok())
}

/// One ADTS frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdtsFrame<'a> {
    /// What its header says.
    pub config: AudioConfig,
    /// The raw access unit.
    pub payload: &'a [u8],
    /// Bytes of header and payload together: where the next frame begins.
    pub len: usize,
}

/// Reads the ADTS frame at the start of `data`.
///
/// # Errors
/// [`Error::Sync`] when there is none, [`Error::Frame`] when it is not all there, [`Error::Reserved`] for
/// reserved rates, layouts, and several blocks in one frame (which nobody writes).
pub fn adts_frame(data: &[u8]) -> Result<AdtsFrame<'_>, Error> {
    let short = |need| Error::Frame {
        need,
        have: data.len(),
    };
    let head = data.first_chunk::<7>().ok_or(short(7))?;
    // Twelve bits of ones, and two zero bits for the layer.
    if head[0] != 0xff || head[1] & 0xf6 != 0xf0 {
        return Err(Error::Sync);
    }
    let header = if head[1] & 1 == 1 { 7 } else { 9 };
    let rate = RATES
        .get(usize::from((head[2] >> 2) & 15))
        .ok_or(Error::Reserved("sample rate"))?;
    let channels = match ((head[2] & 1) << 2) | (head[3] >> 6) {
        0 => return Err(Error::Reserved("channel layout")),
        7 => 8,
        n => u16::from(n),
    };
    if head[6] & 3 != 0 {
        return Err(Error::Reserved("number of blocks"));
    }
    let len = (usize::from(head[3] & 3) << 11)
        | (usize::from(head[4]) << 3)
        | (usize::from(head[5]) >> 5);
    if len < header {
        return Err(Error::Sync);
    }
    let payload = data.get(header..len).ok_or(short(len))?;
    Ok(AdtsFrame {
        config: AudioConfig {
            object_type: (head[2] >> 6) + 1,
            ..AudioConfig::lc(*rate, channels)
        },
        payload,
        len,
    })
}

struct Bits<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0 }
    }

    /// Up to 32 bits.
    fn take(&mut self, count: usize) -> Result<u32, Error> {
        let mut value = 0u32;
        for _ in 0..count {
            let byte = self.data.get(self.at / 8).ok_or(Error::Short)?;
            value = (value << 1) | u32::from((byte >> (7 - self.at % 8)) & 1);
            self.at += 1;
        }
        Ok(value)
    }

    fn object_type(&mut self) -> Result<u8, Error> {
        let kind = match self.take(5)? {
            31 => 32 + self.take(6)?,
            kind => kind,
        };
        match kind {
            0 => Err(Error::Reserved("object type")),
            kind => u8::try_from(kind).map_err(|_| Error::Reserved("object type")),
        }
    }

    fn rate(&mut self) -> Result<u32, Error> {
        let rate = match self.take(4)? {
            15 => self.take(24)?,
            index => RATES.get(index as usize).copied().unwrap_or(0),
        };
        if rate == 0 || rate > 192_000 {
            return Err(Error::Reserved("sample rate"));
        }
        Ok(rate)
    }

    /// Channels of a program config element (section 4.4.1.1).
    fn program_channels(&mut self) -> Result<u16, Error> {
        self.take(4 + 2 + 4)?;
        let [front, side, back] = [self.take(4)?, self.take(4)?, self.take(4)?];
        let low = self.take(2)?;
        self.take(3 + 4)?;
        for bits in [4, 4, 3] {
            if self.take(1)? == 1 {
                self.take(bits)?;
            }
        }
        let mut channels = low;
        for _ in 0..front + side + back {
            channels += 1 + self.take(1)?;
            self.take(4)?;
        }
        u16::try_from(channels).map_err(|_| Error::Reserved("channel layout"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configurations_are_read() {
        let he = AudioConfig {
            output_rate: 48_000,
            ..AudioConfig::lc(24_000, 2)
        };
        let short = AudioConfig {
            frame_len: 960,
            ..AudioConfig::lc(48_000, 2)
        };
        for (asc, expect) in [
            (&[0x11, 0x90][..], Ok(AudioConfig::lc(48_000, 2))),
            (&[0x12, 0x10], Ok(AudioConfig::lc(44_100, 2))),
            (&[0x11, 0x94], Ok(short)),
            (&[0x2b, 0x11, 0x88, 0x00], Ok(he)),
            (
                &[0xeb, 0x09, 0x88, 0x00],
                Ok(AudioConfig { channels: 2, ..he }),
            ),
            (&[0x11], Err(Error::Short)),
            (&[], Err(Error::Short)),
            (&[0x16, 0x90], Err(Error::Reserved("sample rate"))),
            (&[0x01, 0x90], Err(Error::Reserved("object type"))),
        ] {
            assert_eq!(AudioConfig::parse(asc), expect, "{asc:02x?}");
        }
    }

    #[test]
    fn built_configurations_read_back() {
        for rate in RATES.into_iter().chain([37_800]) {
            for channels in [1, 2, 3, 4, 5, 6, 8] {
                for frame_len in [1024, 960] {
                    let config = AudioConfig {
                        frame_len,
                        ..AudioConfig::lc(rate, channels)
                    };
                    let asc = config.build().unwrap();
                    assert_eq!(AudioConfig::parse(&asc), Ok(config), "{asc:02x?}");
                }
            }
        }
        assert_eq!(
            AudioConfig::lc(48_000, 2).build().unwrap()[..],
            [0x11, 0x90]
        );
        assert!(AudioConfig::lc(48_000, 7).build().is_err());
    }

    #[test]
    fn a_program_config_element_counts_its_channels() {
        // Low complexity, 48 kHz, layout 0; then one front pair and one back single: three channels.
        let bits = concat!(
            "00010", "0011", "0000", "0", "0", "0", // configuration
            "0000", "01", "0011", "0001", "0000", "0001", "00", "000", "0000", "0", "0", "0", "1",
            "0000", "0", "0000",
        );
        let mut asc = vec![0u8; bits.len().div_ceil(8)];
        for (i, bit) in bits.bytes().enumerate() {
            asc[i / 8] |= (bit - b'0') << (7 - i % 8);
        }
        assert_eq!(AudioConfig::parse(&asc).unwrap().channels, 3);
    }

    #[test]
    fn adts_frames_round_trip() {
        let config = AudioConfig::lc(44_100, 2);
        for len in [0, 1, 371, 8_184] {
            let mut data = config.adts_header(len).unwrap().to_vec();
            data.resize(7 + len, 0x5a);
            let frame = adts_frame(&data).unwrap();
            assert_eq!(
                (frame.config, frame.payload.len(), frame.len),
                (config, len, len + 7)
            );
            data.pop();
            assert!(matches!(
                adts_frame(&data),
                Err(Error::Frame { .. } | Error::Sync)
            ));
        }
        assert!(config.adts_header(8_185).is_err());
        assert_eq!(adts_frame(&[0; 9]), Err(Error::Sync));
    }

    #[test]
    fn noise_is_refused_quietly() {
        let mut state = 1u32;
        for _ in 0..20_000 {
            let noise: Vec<u8> = (0..16)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 24) as u8
                })
                .collect();
            for cut in [1, 3, 16] {
                if let Ok(config) = AudioConfig::parse(&noise[..cut]) {
                    assert!(config.channels > 0 && config.sample_rate > 0);
                }
                if let Ok(frame) = adts_frame(&noise[..cut]) {
                    assert!(frame.len <= cut);
                }
            }
        }
    }
}
