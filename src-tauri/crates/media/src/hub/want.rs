//! What a reader takes of a channel.

use std::sync::Arc;

use super::Twin;
use crate::{Config, Track};

/// Which codecs a reader takes. A channel may carry its sound both as Opus and as AAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Want {
    /// H.264.
    pub h264: bool,
    /// Opus.
    pub opus: bool,
    /// AAC.
    pub aac: bool,
    /// Also tracks that a [`Twin`] makes.
    pub twins: bool,
    /// Also tracks [beside the mix](crate::TrackId::is_beside).
    pub beside: bool,
}

impl Want {
    /// H.264 and Opus: WebRTC.
    pub const WEBRTC: Self = Self {
        h264: true,
        opus: true,
        aac: false,
        twins: true,
        beside: false,
    };
    /// H.264 and AAC: HLS, RTMP, MP4.
    pub const MP4: Self = Self {
        h264: true,
        opus: false,
        aac: true,
        twins: true,
        beside: false,
    };
    /// The same with every sound track there is: recordings.
    pub const RECORDING: Self = Self {
        beside: true,
        ..Self::MP4
    };

    fn takes(self, config: &Config) -> bool {
        match config {
            Config::H264 { .. } => self.h264,
            Config::Opus { .. } => self.opus,
            Config::Aac { .. } => self.aac,
        }
    }

    pub(super) fn of(self, tracks: &[Track]) -> Arc<[Track]> {
        let fits = |t: &&Track| {
            self.takes(&t.config)
                && (self.twins || t.id < Twin::FIRST)
                && (self.beside || !t.id.is_beside())
        };
        tracks.iter().filter(fits).cloned().collect()
    }
}
