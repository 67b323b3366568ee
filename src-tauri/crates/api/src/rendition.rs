//! The picture that a destination gets, where it is not the program's.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A picture of its own for a destination, encoded once more from what the program shows. It follows what the way
/// there carries, as far as that is seen (WHIP), and touches nobody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Rendition {
    /// Lines of the picture at most, 16 to 3840; its width follows from the canvas, and it is never larger than that.
    #[schemars(range(min = 16, max = 3840))]
    pub height: u32,
    /// Bits per second, 100 000 to 50 000 000.
    #[schemars(range(min = 100_000, max = 50_000_000))]
    pub bitrate: u32,
}

/// How a destination's own picture is encoded at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Encoded {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Bits per second: as it was entered, or less where the way there carries less.
    pub bitrate: u32,
    /// Pictures that its encoder was too busy to take, since the destination was started.
    #[ts(type = "number")]
    pub skipped: u64,
}
