//! HTTP Live Streaming (RFC 8216): a channel as playlists and fragmented MP4 segments.
//!
//! [`Stream`] is the packager: packets in, playlists and segments out, no I/O and no clock.
//! [`follow()`] feeds one from the hub and gives a [`Live`] to whoever answers requests.

mod follow;
mod playlist;
mod stream;

pub use follow::{Live, follow};
pub use playlist::{Range, ranges};
pub use stream::{Body, Contents, Edge, File, Options, Stream};

/// The name of the multivariant playlist among a channel's files.
pub const INDEX: &str = "index.m3u8";

/// The name of the media playlist among a channel's files.
pub const MEDIA: &str = "media.m3u8";
