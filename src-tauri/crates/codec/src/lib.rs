//! Encoders and decoders behind one seam each.
//!
//! [`encode`] turns the program's frames and samples into packets: H.264 ([`encode::video::open`]),
//! Opus and AAC ([`encode::audio`]), and single pictures as JPEG ([`encode::picture::jpeg`]).
//! [`scale`] makes frames smaller before that.
//! [`decode`] goes back: [`decode::video::open`] and [`decode::audio::open`] by the track's
//! [`media::Config`], whole sound files ([`decode::audio_file`]) and pictures ([`decode::picture`]).
//!
//! Everything runs on the caller's thread and blocks it for as long as the work takes. The libraries
//! behind the seams stay in `backend`; their names do not leak. This crate knows no container, no
//! device, no clock and no hub: it gets packets, frames and samples, and the time stands in them.
//!
//! Bytes that a decoder is given may come from anybody: damage is an [`Error`], never a panic, and
//! what is decoded is bounded in size.

mod backend;
pub mod decode;
pub mod encode;
mod error;
mod raster;
pub mod scale;
#[cfg(test)]
mod testing;

pub use error::Error;
