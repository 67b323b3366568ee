//! What changed.

use scene::SourceId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{DoctorReport, Message, Problem, Snapshot, Stats};

/// One event. A follower first gets [`Event::Snapshot`], then whatever changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Everything, after any change that is not one of the others.
    Snapshot {
        /// The whole.
        snapshot: Box<Snapshot>,
    },
    /// Levels, about 15 times a second.
    Meters {
        /// The levels.
        meters: Meters,
    },
    /// Figures, once a second.
    Stats {
        /// The figures.
        stats: Stats,
    },
    /// A chat message in a channel.
    Chat {
        /// The channel.
        channel: String,
        /// The message.
        message: Message,
    },
    /// Somebody's connection doctor has reported.
    Doctor {
        /// What it found.
        report: DoctorReport,
    },
    /// Messages were taken away from a channel's chat.
    ChatDeleted {
        /// The channel.
        channel: String,
        /// Which; all that there are when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional, type = "number[]")]
        messages: Option<Vec<i64>>,
    },
    /// Something went wrong that no command asked for.
    Problem {
        /// What.
        problem: Problem,
    },
}

/// Levels of all strips.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Meters {
    /// One for each source with sound on the program.
    pub strips: Vec<Meter>,
    /// After the master fader and the limiter.
    pub master: Option<Meter>,
}

/// The level of a strip since the last one, left and right, in dBFS (−120 is silence).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Meter {
    /// The source; absent for the master.
    pub source: Option<SourceId>,
    /// Largest sample.
    pub peak: [f32; 2],
    /// Root mean square.
    pub rms: [f32; 2],
}
