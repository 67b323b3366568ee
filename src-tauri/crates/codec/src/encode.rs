//! Frames and samples become packets.

pub mod audio;
pub mod picture;
pub mod video;
