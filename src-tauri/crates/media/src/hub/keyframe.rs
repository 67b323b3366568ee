//! Keyframes of a channel: the newest one, and the wish for another.

use super::Channel;
use crate::{Packet, Timestamp, Track};

impl Channel {
    /// When the newest keyframe of the current group is to be shown; `None` without one.
    pub fn newest_keyframe(&self) -> Option<Timestamp> {
        self.state.lock().group.first().map(|p| p.pts)
    }

    /// The keyframe that the current group begins with, and its track; `None` without one.
    pub fn keyframe(&self) -> Option<(Track, Packet)> {
        let state = self.state.lock();
        let packet = state.group.first()?.clone();
        let track = state.tracks.iter().find(|t| t.id == packet.track)?;
        Some((track.clone(), packet))
    }

    /// Asks the writer for a keyframe soon (a viewer lost its picture).
    pub fn request_keyframe(&self) {
        self.signals.inner.lock().keyframe = true;
        self.signals.notify.notify_one();
    }
}
