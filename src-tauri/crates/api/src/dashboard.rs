//! The last hour of the station, for the dashboard.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Figures of the last hour, one point for each moment in `at`. A figure that was not there yet, or
/// is not known on this system, is null.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Dashboard {
    /// Milliseconds between two points.
    pub every_ms: u32,
    /// When each point was taken, in milliseconds since 1970 UTC, the oldest first.
    #[ts(type = "number[]")]
    pub at: Vec<i64>,
    /// CPU time, 1 is one core.
    pub cpu: Vec<Option<f32>>,
    /// Resident memory in bytes.
    #[ts(type = "(number | null)[]")]
    pub memory: Vec<Option<u64>>,
    /// Media written to all channels, in bits per second.
    #[ts(type = "(number | null)[]")]
    pub bitrate_in: Vec<Option<u64>>,
    /// Media sent to all viewers, in bits per second.
    #[ts(type = "(number | null)[]")]
    pub bitrate_out: Vec<Option<u64>>,
    /// Pictures composed per second.
    pub fps: Vec<Option<f32>>,
    /// Pictures of the program that were skipped or lagged, per second.
    pub skipped: Vec<Option<f32>>,
    /// Packets lost per second, on the way to viewers, from publishers and inside of the station.
    pub lost: Vec<Option<f32>>,
    /// Median time from a picture's tick to its packet in the hub, in ms.
    pub latency: Vec<Option<f32>>,
    /// Each channel that was live within the hour, by name.
    pub channels: Vec<DashboardChannel>,
}

/// A channel within the hour.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct DashboardChannel {
    /// Its name.
    pub name: String,
    /// Whether it is live now.
    pub live: bool,
    /// Who watches, in all ways together.
    pub viewers: Vec<Option<u32>>,
}
