//! Protocol sessions: WebRTC, RTMP and HLS, to the hub and from it.
//!
//! Each protocol is adapters around one hub. [`webrtc`] and [`hls`] bring a channel to viewers,
//! [`rtmp`] and [`whip`] publish one to a platform; [`whep`] fetches one from another station. [`s3`] puts
//! files into a storage.
//!
//! This crate knows no policy, no window and no retries: a session that ends says why
//! ([`PublishError`]), and others decide what follows.

mod caller;
mod endpoint;
#[doc(hidden)]
pub mod fuzz;
pub mod hls;
mod publish;
pub mod recorder;
pub mod rtmp;
pub mod s3;
#[cfg(test)]
mod testing;
mod tls;
pub mod webrtc;
pub mod whep;
pub mod whip;

pub use publish::{Progress, PublishError};
pub use tls::Roots;
