//! Sources that play: what can be done with them, and how far they are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What can be done with a source that plays: a media file, a slide show, a countdown, a stopwatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Operation {
    /// Goes on, from the beginning after the end.
    Play,
    /// Stands still.
    Pause,
    /// Stands still at its beginning.
    Stop,
    /// Plays from the beginning.
    Restart,
    /// Goes to a place in the file that is on.
    Seek {
        /// Milliseconds from its beginning.
        #[ts(type = "number")]
        position_ms: u64,
    },
    /// To the next file or picture.
    Next,
    /// To the one before; to the beginning of one that has played for a while.
    Previous,
}

/// How far a source is that plays, at the moment of the snapshot. While it plays, it goes on by its speed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Playback {
    /// Whether it goes on.
    pub playing: bool,
    /// Milliseconds from the beginning.
    #[ts(type = "number")]
    pub position_ms: u64,
    /// Against the clock; 1 is as fast.
    pub speed: f32,
    /// Milliseconds of the whole, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub duration_ms: Option<u64>,
    /// Which of a list is on, from 0.
    pub entry: u32,
    /// How many there are; 0 where there is no list.
    pub entries: u32,
    /// What is on: the name of a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub title: Option<String>,
}
