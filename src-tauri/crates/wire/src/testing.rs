//! What the unit tests share.

use bytes::Bytes;
use media::{Config, Packet, Timestamp, Track, TrackId};

/// 1280 × 720, constrained baseline, 30 pictures a second.
pub(crate) const SPS: &[u8] = &[
    0x67, 0x42, 0xc0, 0x1f, 0xd9, 0x00, 0x50, 0x05, 0xbb, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10,
    0x00, 0x00, 0x03, 0x03, 0xc0, 0xf1, 0x83, 0x24, 0x80,
];

/// 640 × 360, otherwise as [`SPS`].
pub(crate) const SMALL_SPS: &[u8] = &[
    0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x2f, 0xf9, 0x70, 0x11, 0x00, 0x00, 0x03, 0x00, 0x01,
    0x00, 0x00, 0x03, 0x00, 0x3c, 0x0f, 0x16, 0x2e, 0x48,
];

/// What goes with both.
pub(crate) const PPS: &[u8] = &[0x68, 0xcb, 0x83, 0xcb, 0x20];

/// AAC-LC, 48 kHz, stereo.
pub(crate) const ASC: &[u8] = &[0x11, 0x90];

/// An H.264 track of that size.
pub(crate) fn video(id: u8) -> Track {
    Track {
        id: TrackId(id),
        config: Config::H264 {
            sps: Bytes::from_static(SPS),
            pps: Bytes::from_static(PPS),
            width: 1280,
            height: 720,
            fps_millis: 30_000,
        },
        bitrate: 2_500_000,
    }
}

/// An AAC track.
pub(crate) fn audio(id: u8) -> Track {
    Track {
        id: TrackId(id),
        config: Config::Aac {
            asc: Bytes::from_static(ASC),
            sample_rate: 48_000,
            channels: 2,
        },
        bitrate: 128_000,
    }
}

/// An Opus track.
pub(crate) fn opus(id: u8) -> Track {
    Track {
        id: TrackId(id),
        config: Config::Opus {
            channels: 2,
            pre_skip: 312,
        },
        bitrate: 128_000,
    }
}

/// A packet that is shown when it is decoded.
pub(crate) fn packet(track: u8, at: Timestamp, keyframe: bool, bytes: usize) -> Packet {
    Packet {
        track: TrackId(track),
        pts: at,
        dts: at,
        keyframe,
        data: Bytes::from(vec![1; bytes]),
    }
}

/// A repeatable source of numbers (xorshift64*), so that a failure can be run again.
pub(crate) struct Noise(u64);

impl Noise {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `limit`, which must not be zero.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 33) as usize % limit
    }

    /// Up to `limit` bytes of anything.
    pub(crate) fn bytes(&mut self, limit: usize) -> Vec<u8> {
        (0..self.below(limit + 1))
            .map(|_| self.next() as u8)
            .collect()
    }

    /// Changes, cuts or repeats a few places of a well-formed message.
    pub(crate) fn damage(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(4) {
            if bytes.is_empty() {
                return;
            }
            let at = self.below(bytes.len());
            match self.below(4) {
                0 => bytes[at] = self.next() as u8,
                1 => bytes[at] ^= 1 << self.below(8),
                2 => bytes.truncate(at),
                _ => {
                    let again = bytes[at..].to_vec();
                    bytes.extend_from_slice(&again);
                }
            }
        }
    }
}
