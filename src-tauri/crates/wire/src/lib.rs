//! Protocol sessions: WebRTC, RTMP and HLS, to the hub and from it.
