//! HTTP Live Streaming (RFC 8216): a channel as playlists and fragmented MP4 segments.

#[cfg(test)]
mod playlist;
