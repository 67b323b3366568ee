//! Protocol sessions: WebRTC, RTMP and HLS, to the hub and from it.
//!
//! Each protocol is adapters around one hub. [`webrtc`] and [`hls`] bring a channel to viewers,
//! [`rtmp`] and [`whip`] publish one to a platform.
//!
//! This crate knows no policy, no window and no retries: a session that ends says why
//! ([`PublishError`]), and others decide what follows.

#[doc(hidden)]
pub mod fuzz;
pub mod hls;
mod publish;
pub mod recorder;
pub mod rtmp;
#[cfg(test)]
mod testing;
pub mod webrtc;
pub mod whip;

pub use publish::{Progress, PublishError};
