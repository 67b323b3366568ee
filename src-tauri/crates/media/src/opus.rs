//! Opus: packet durations and the identification header.
//!
//! No input makes these functions panic.

use bytes::{BufMut, Bytes, BytesMut};

use crate::Config;

/// Samples per channel at 48 kHz that a packet holds (RFC 6716, sections 3.1 and 3.2); `None` when it is
/// empty, names no frames, or claims more than 120 ms.
pub fn packet_samples(packet: &[u8]) -> Option<u32> {
    let toc = *packet.first()?;
    // Table 2: the configuration number gives the duration of one frame.
    let frame = match toc >> 3 {
        config @ 0..=11 => [480, 960, 1920, 2880][usize::from(config & 3)],
        config @ 12..=15 => [480, 960][usize::from(config & 1)],
        config => [120, 240, 480, 960][usize::from(config & 3)],
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(*packet.get(1)? & 0x3f),
    };
    let samples = frame * frames;
    (1..=5760).contains(&samples).then_some(samples)
}

/// The identification header (RFC 7845, section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Channels: 1 or 2 in mapping family 0.
    pub channels: u8,
    /// Samples at 48 kHz to throw away at the start.
    pub pre_skip: u16,
    /// The rate of the material before encoding, for information; 0 when unknown.
    pub input_rate: u32,
    /// Gain to apply when decoding, in 1/256 dB.
    pub gain: i16,
}

/// Why bytes are no identification header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It does not begin with `OpusHead`, or is cut short.
    #[error("the Opus header is missing or cut short")]
    Head,
    /// A version or channel mapping that is not read here.
    #[error("Opus with {0} is not decoded by Klieg; convert to stereo")]
    Unsupported(&'static str),
}

impl Head {
    const MAGIC: &'static [u8; 8] = b"OpusHead";

    /// Reads a header of mapping family 0.
    ///
    /// # Errors
    /// [`Error`].
    pub fn parse(data: &[u8]) -> Result<Self, Error> {
        let head = data.first_chunk::<19>().ok_or(Error::Head)?;
        if &head[..8] != Self::MAGIC {
            return Err(Error::Head);
        }
        // The upper four bits are the major version: 0 is the one that exists.
        if head[8] > 15 {
            return Err(Error::Unsupported("a newer header"));
        }
        if head[18] != 0 {
            return Err(Error::Unsupported("more than two channels"));
        }
        if !(1..=2).contains(&head[9]) {
            return Err(Error::Head);
        }
        Ok(Self {
            channels: head[9],
            pre_skip: u16::from_le_bytes([head[10], head[11]]),
            input_rate: u32::from_le_bytes([head[12], head[13], head[14], head[15]]),
            gain: i16::from_le_bytes([head[16], head[17]]),
        })
    }

    /// The header's 19 bytes.
    pub fn build(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(19);
        out.put_slice(Self::MAGIC);
        out.put_u8(1);
        out.put_u8(self.channels);
        out.put_u16_le(self.pre_skip);
        out.put_u32_le(self.input_rate);
        out.put_i16_le(self.gain);
        out.put_u8(0);
        out.freeze()
    }

    /// The [`Config`] of a track of it.
    pub fn config(&self) -> Config {
        Config::Opus {
            channels: u16::from(self.channels),
            pre_skip: self.pre_skip,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_follow_the_table_of_contents() {
        for (packet, expect) in [
            (&[0u8][..], Some(480)),       // SILK narrow band, 10 ms
            (&[3 << 3], Some(2880)),       // SILK, 60 ms
            (&[(3 << 3) | 1], Some(5760)), // two of them
            (&[12 << 3], Some(480)),       // hybrid, 10 ms
            (&[15 << 3], Some(960)),       // hybrid, 20 ms
            (&[16 << 3], Some(120)),       // CELT, 2.5 ms
            (&[31 << 3], Some(960)),       // CELT full band, 20 ms
            (&[(31 << 3) | 2], Some(1920)),
            (&[(31 << 3) | 3, 6], Some(5760)),
            (&[(31 << 3) | 3, 0xc0 | 2], Some(1920)), // padding and variable rate flags aside
            (&[(31 << 3) | 3, 7], None),              // 140 ms
            (&[(31 << 3) | 3, 0], None),
            (&[(31 << 3) | 3], None),
            (&[], None),
        ] {
            assert_eq!(packet_samples(packet), expect, "{packet:02x?}");
        }
    }

    #[test]
    fn headers_round_trip_and_damage_is_named() {
        let head = Head {
            channels: 2,
            pre_skip: 312,
            input_rate: 48_000,
            gain: -256,
        };
        let bytes = head.build();
        assert_eq!(bytes.len(), 19);
        assert_eq!(Head::parse(&bytes), Ok(head));
        for cut in 0..19 {
            assert_eq!(Head::parse(&bytes[..cut]), Err(Error::Head));
        }
        for (at, value, expect) in [
            (0, b'X', Error::Head),
            (8, 16, Error::Unsupported("a newer header")),
            (9, 0, Error::Head),
            (18, 1, Error::Unsupported("more than two channels")),
        ] {
            let mut damaged = bytes.to_vec();
            damaged[at] = value;
            assert_eq!(Head::parse(&damaged), Err(expect));
        }
    }
}
