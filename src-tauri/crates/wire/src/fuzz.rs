//! Doors for fuzzing what is otherwise private. No part of the interface.

use crate::rtmp::ingest;
use crate::webrtc;

/// Takes what a publisher sends, from its first byte on; everybody may publish.
pub fn ingest(bytes: &[u8]) {
    ingest::replay(bytes);
}

/// Reads a viewer's offer.
pub fn offer(text: &str) {
    drop(webrtc::offer::plan(text, &[]));
}

/// Reads a datagram as STUN.
pub fn stun(datagram: &[u8]) {
    std::hint::black_box(webrtc::stun::parse(datagram));
}
