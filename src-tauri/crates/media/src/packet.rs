//! Encoded sound and picture.

use std::time::Duration;

use bytes::Bytes;

use crate::Timestamp;

/// Which track of its channel a packet belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackId(pub u8);

impl TrackId {
    /// Sound tracks beside the mix have the numbers from here to 63; what is made of others begins behind.
    pub const BESIDE: Self = Self(32);

    /// Whether it is a sound track beside the mix: for recordings, and for no viewer.
    pub fn is_beside(self) -> bool {
        (Self::BESIDE.0..crate::Twin::FIRST.0).contains(&self.0)
    }
}

/// Picture or sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Picture.
    Video,
    /// Sound.
    Audio,
}

/// What a decoder must know before the first packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Config {
    /// H.264. Packets are access units of NAL units, each behind its length in four bytes, big-endian
    /// (ISO/IEC 14496-15); parameter sets stand here and not in the packets.
    H264 {
        /// Sequence parameter set, one NAL unit without start code.
        sps: Bytes,
        /// Picture parameter set, one NAL unit without start code.
        pps: Bytes,
        /// Pixels across, after cropping.
        width: u32,
        /// Pixels down, after cropping.
        height: u32,
        /// Nominal pictures per second × 1000; 0 when unknown.
        fps_millis: u32,
    },
    /// Opus (RFC 6716), one packet each, 48 kHz.
    Opus {
        /// Channels.
        channels: u16,
        /// Samples at 48 kHz to throw away at the start (RFC 7845, section 4.2).
        pre_skip: u16,
    },
    /// AAC, one raw access unit each, without ADTS.
    Aac {
        /// AudioSpecificConfig (ISO/IEC 14496-3, section 1.6).
        asc: Bytes,
        /// Samples per second and channel.
        sample_rate: u32,
        /// Channels.
        channels: u16,
    },
}

impl Config {
    /// Picture or sound.
    pub fn kind(&self) -> Kind {
        match self {
            Self::H264 { .. } => Kind::Video,
            Self::Opus { .. } | Self::Aac { .. } => Kind::Audio,
        }
    }

    /// The codec's name as people write it: `H.264`, `Opus`, `AAC`.
    pub fn codec(&self) -> &'static str {
        match self {
            Self::H264 { .. } => "H.264",
            Self::Opus { .. } => "Opus",
            Self::Aac { .. } => "AAC",
        }
    }
}

/// A track of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// Its number in the channel.
    pub id: TrackId,
    /// What its decoder must know.
    pub config: Config,
    /// Nominal bits per second; 0 when unknown.
    pub bitrate: u32,
}

/// One encoded access unit. Cloning shares the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The track it belongs to.
    pub track: TrackId,
    /// When it is to be shown or heard.
    pub pts: Timestamp,
    /// When it is to be decoded; equal to `pts` without B-frames.
    pub dts: Timestamp,
    /// Decodable without earlier packets (always true for sound).
    pub keyframe: bool,
    /// The access unit, in the form that [`Config`] says.
    pub data: Bytes,
}

/// The furthest that a picture is shown from where it is decoded. Sixteen pictures at most are put in order (ITU-T H.264,
/// annex A), and hardly anybody sends fewer than four a second.
const REORDERING: Duration = Duration::from_secs(5);

impl Packet {
    /// Whether what a sender said of its times can be: shown near to where it is decoded.
    pub fn is_timed(&self) -> bool {
        let apart = self.pts.offset_from(self.dts).unsigned_abs();
        Duration::from_nanos(apart) <= REORDERING
    }

    /// The same, shown where it is decoded if its times cannot be: else one wrong figure would make a segment of hours.
    #[must_use]
    pub fn timed(mut self) -> Self {
        if !self.is_timed() {
            self.pts = self.dts;
        }
        self
    }
}
