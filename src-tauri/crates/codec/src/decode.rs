//! Packets and files become frames and samples.

pub mod audio;
pub mod audio_file;
pub mod picture;
pub mod video;
