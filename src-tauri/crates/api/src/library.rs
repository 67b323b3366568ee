//! What was broadcast and recorded.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A broadcast or a recording, past or going on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Show {
    /// Its identity.
    pub id: String,
    /// The channel it was on.
    pub channel: String,
    /// What people read.
    pub title: String,
    /// More about it; may be empty.
    pub description: String,
    /// When it began, in milliseconds since 1970 UTC.
    #[ts(type = "number")]
    pub began: i64,
    /// When it ended; absent while it is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub ended: Option<i64>,
    /// It was on air; else it was recorded alone.
    pub aired: bool,
    /// It ended with the program or the power, and not by anybody's wish.
    pub interrupted: bool,
    /// The most viewers at once.
    pub peak: u32,
    /// The host alone sees it.
    pub hidden: bool,
    /// When it was deleted, in milliseconds since 1970 UTC; for the host, who may bring it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub deleted: Option<i64>,
    /// The quota never takes it.
    #[serde(default)]
    pub protected: bool,
    /// A picture of it is kept beside its films, at `/api/library/{id}/picture.jpg`.
    #[serde(default)]
    pub pictured: bool,
    /// Where else it was live, by the names of those destinations; for the host alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(optional, as = "Option<Vec<String>>")]
    pub destinations: Vec<String>,
    /// Its files, the oldest first.
    pub films: Vec<Film>,
    /// Moments that the host has marked.
    pub markers: Vec<Marker>,
}

/// A file of a show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Film {
    /// Its number. It is played from `/media/{id}.mp4`, its picture is `/media/{id}.jpg`.
    #[ts(type = "number")]
    pub id: i64,
    /// A recording, or a clip of one.
    pub kind: FilmKind,
    /// What people read.
    pub title: String,
    /// The file's name.
    pub file: String,
    /// When its first picture was shown, in milliseconds since 1970 UTC.
    #[ts(type = "number")]
    pub began: i64,
    /// Where its recording stood still: of that time nothing is in it. The first stands first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(optional, as = "Option<Vec<Pause>>")]
    pub pauses: Vec<Pause>,
    /// How long it plays, in milliseconds; absent while it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub duration_ms: Option<u64>,
    /// How large it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub bytes: Option<u64>,
    /// Where it lies in a storage, for the host; it is played from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub stored: Option<String>,
    /// No file of it is on the studio's machine any more.
    #[serde(default)]
    pub away: bool,
    /// When this clip was deleted, in milliseconds since 1970 UTC; for the host, who may bring it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub deleted: Option<i64>,
    /// Its file is not where it was recorded: moved, renamed or deleted. Said to the host alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[ts(optional, as = "Option<bool>")]
    pub missing: bool,
}

/// A time for which a recording stood still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Pause {
    /// When it began, in milliseconds since 1970 UTC.
    #[ts(type = "number")]
    pub at: i64,
    /// How long it was, in milliseconds.
    #[ts(type = "number")]
    pub length_ms: u64,
}

/// What a file of a show is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FilmKind {
    /// The show as it was, or a part of it.
    Recording,
    /// A stretch that somebody cut out.
    Clip,
}

/// A moment of a show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Marker {
    /// When, in milliseconds since 1970 UTC.
    #[ts(type = "number")]
    pub at: i64,
    /// What people read.
    pub label: String,
}

/// A clip that is being cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Cutting {
    /// Its show.
    pub show: String,
    /// What people read.
    pub title: String,
    /// How far it is, in percent.
    pub percent: u8,
}

/// The room that the library takes on the studio's machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Room {
    /// Bytes of its files.
    #[ts(type = "number")]
    pub used: u64,
    /// Bytes that it may take; absent for as many as there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub quota: Option<u64>,
    /// Bytes of the disk that are free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub free: Option<u64>,
}

/// A recording that is on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Recording {
    /// The channel.
    pub channel: String,
    /// The show it belongs to.
    pub show: String,
    /// The file that is written.
    pub file: String,
    /// Which file it is, from 1.
    pub part: u32,
    /// How long it plays so far, in milliseconds, all files together.
    #[ts(type = "number")]
    pub duration_ms: u64,
    /// How large it is so far, all files together.
    #[ts(type = "number")]
    pub bytes: u64,
    /// It stands still.
    pub paused: bool,
    /// Packets that were lost because the disk was too slow.
    #[ts(type = "number")]
    pub lost: u64,
}

/// What is kept behind the live picture of a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Rewind {
    /// The channel.
    pub channel: String,
    /// How far one can go back now, in milliseconds.
    #[ts(type = "number")]
    pub behind_ms: u64,
    /// When the newest picture was shown that is kept, in milliseconds since 1970 UTC.
    #[serde(default)]
    #[ts(type = "number")]
    pub until: i64,
}
