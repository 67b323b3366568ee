//! Doors for fuzzing what is otherwise private. No part of the interface.

use crate::webrtc;

/// Reads a viewer's offer.
pub fn offer(text: &str) {
    drop(webrtc::offer::plan(text, &[]));
}

/// Reads a datagram as STUN.
pub fn stun(datagram: &[u8]) {
    drop(webrtc::stun::parse(datagram));
}
