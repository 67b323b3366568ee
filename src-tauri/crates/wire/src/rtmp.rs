//! RTMP 1.0: chunks, AMF0, and a publishing client.
//!
//! [`chunk`] and [`amf0`] read what strangers send: nothing there panics, and memory is bounded.

mod address;
pub mod amf0;
pub mod chunk;
#[cfg(test)]
mod interleave;
#[cfg(test)]
mod session;

pub use address::Target;
