//! What the station tells anyone: who is live.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A channel of the station.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Channel {
    /// Its name in addresses.
    pub name: String,
    /// What people read.
    pub title: String,
    /// Whether there is something to see.
    pub state: ChannelState,
    /// Live since, in milliseconds since 1970 UTC.
    #[ts(type = "number | null")]
    pub since: Option<i64>,
    /// Where it comes from.
    pub source: ChannelSource,
    /// Whether it asks for a passphrase. Its picture is not shown then.
    #[serde(default)]
    pub private: bool,
    /// Who watches.
    pub viewers: Viewers,
    /// What it carries.
    pub tracks: Vec<Track>,
}

/// Whether there is something to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChannelState {
    /// Yes.
    Live,
    /// Not yet.
    Waiting,
}

/// Where a channel comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChannelSource {
    /// The studio's own program.
    Program,
    /// A WHIP publisher.
    Whip,
    /// An RTMP publisher.
    Rtmp,
}

/// Who watches, by way of watching.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Viewers {
    /// Over WebRTC.
    pub whep: u32,
    /// Over HLS.
    pub hls: u32,
}

/// A track of a channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Track {
    /// Picture or sound.
    pub kind: TrackKind,
    /// The codec's name: `H.264`, `Opus`, `AAC`.
    pub codec: String,
    /// Pixels across.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub width: Option<u32>,
    /// Pixels down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub height: Option<u32>,
    /// Pictures per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub fps: Option<f32>,
    /// Samples per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub sample_rate: Option<u32>,
    /// Bits per second.
    pub bitrate: u32,
}

/// Picture or sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrackKind {
    /// Picture.
    Video,
    /// Sound.
    Audio,
}

/// The right to watch a private channel, for those who came with its passphrase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Entry {
    /// Opens the channel as `Authorization: Bearer`, as `token` in an address, and in the chat's `join`.
    pub token: String,
    /// Until when, in milliseconds since 1970 UTC; for as long as the link holds when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub expires: Option<i64>,
}
