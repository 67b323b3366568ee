//! RTMP 1.0: chunks, AMF0, a publishing client, and the server that publishers come to.
//!
//! [`publish()`] sends a channel to a platform, [`ingest::serve`] takes one in. [`chunk`] and [`amf0`] read
//! what strangers send: nothing there panics, and memory is bounded.

mod address;
pub mod amf0;
pub mod chunk;
#[cfg(test)]
mod far;
mod feed;
pub mod ingest;
mod interleave;
mod publish;
mod round_trip;
mod session;

pub use address::Target;
pub use publish::{Options, publish, publish_with};
