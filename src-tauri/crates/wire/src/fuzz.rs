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

/// Reads what trickles to a session, and what restarts its ICE: at most a few addresses are kept.
pub fn fragment(text: &str) {
    let more = webrtc::offer::trickled(text);
    assert!(more.candidates.len() <= webrtc::offer::MAX_CANDIDATES);
    if let Ok(anew) = webrtc::offer::fragment(text) {
        assert_eq!(Some(&anew.fragment), more.fragment.as_ref());
        assert_eq!(anew.candidates, more.candidates);
    }
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
