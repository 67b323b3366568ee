//! What this machine can do: sizes of the picture that were tried on it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A trial of several sizes. Figures are measured beside the running program, not estimated.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct QualityTest {
    /// It is still under way.
    pub running: bool,
    /// What was found so far, the largest first.
    pub found: Vec<Quality>,
    /// Why it could not be made, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub problem: Option<String>,
}

/// A size of the picture, and what it costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Quality {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Pictures per second.
    pub fps: u32,
    /// Bits per second that suit it.
    pub bitrate: u32,
    /// Mean time to compose one picture, in ms.
    pub compose_ms: f32,
    /// Mean time to encode one picture, in ms.
    pub encode_ms: f32,
    /// How much of the time from one picture to the next it takes to make one, composing while the one before is
    /// encoded, as on air: above 1 it cannot keep up.
    pub load: f32,
    /// It leaves enough for everything else.
    pub fits: bool,
}
