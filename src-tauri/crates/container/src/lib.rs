//! MP4, FLV and Matroska: packets to bytes and back, without I/O.
//!
//! [`mp4::Demuxer`] reads MP4 and QuickTime files, whole or fragmented: it says which bytes it needs, is
//! fed, and then tells where each sample lies and when it is shown. [`fmp4::Muxer`] makes fragmented
//! MP4 of a channel's packets, for HLS and recordings, which [`recording`] finishes. [`flv`] has the message bodies of RTMP;
//! [`mkv`] lays samples out in Matroska.
//!
//! This crate opens no file and no socket, decodes nothing and knows no clock. What it reads may come
//! from anybody: memory is bounded by limits and not by what a file claims, and damage is an error.

mod boxes;
pub mod flv;
pub mod fmp4;
pub mod mkv;
pub mod mp4;
pub mod recording;
