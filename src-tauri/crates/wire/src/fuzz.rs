//! Doors for fuzzing what is otherwise private. No part of the interface.

use crate::rtmp::ingest;
use crate::webrtc;

/// Takes what a publisher sends, from its first byte on; everybody may publish.
pub fn ingest(bytes: &[u8]) {
    ingest::replay(bytes);
}

/// Reads an offer, as a viewer's and as a publisher's.
pub fn offer(text: &str) {
    drop(webrtc::offer::plan_viewer(text, &[]));
    drop(webrtc::offer::plan_publisher(text));
}

/// Puts pictures together from RTP payloads: each behind a byte of flags (the lowest bit a mark, the
/// next one a new time, the third a gap before it) and its length in one byte.
pub fn payloads(data: &[u8]) {
    webrtc::inbound::fuzz(data);
}

/// Reads a datagram as STUN.
pub fn stun(datagram: &[u8]) {
    std::hint::black_box(webrtc::stun::parse(datagram));
}
