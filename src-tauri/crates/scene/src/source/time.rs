//! Text that tells a time or a number.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::TextStyle;
use crate::{Invalid, SceneId, within};

/// The time of day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(default)]
pub struct TimeOfDay {
    /// What it says, with parts of the time as strftime writes them: `%H:%M:%S`, `%A, %-d %B %Y`.
    pub format: String,
    /// A zone of the IANA database, such as `Europe/Vienna`; empty is this machine's own.
    pub zone: String,
    /// How it looks.
    pub style: TextStyle,
}

impl Default for TimeOfDay {
    fn default() -> Self {
        Self {
            format: "%H:%M:%S".into(),
            zone: String::new(),
            style: TextStyle::default(),
        }
    }
}

/// Time that is left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(default)]
pub struct Countdown {
    /// To what.
    pub target: CountdownTarget,
    /// How the time is written.
    pub layout: TimeLayout,
    /// What it says; `{time}` is the time that is left.
    pub template: String,
    /// What happens when nothing is left.
    pub end: CountdownEnd,
    /// One that lasts begins by itself when it is first shown.
    pub autostart: bool,
    /// How it looks.
    pub style: TextStyle,
}

impl Default for Countdown {
    fn default() -> Self {
        Self {
            target: CountdownTarget::default(),
            layout: TimeLayout::Auto,
            template: "{time}".into(),
            end: CountdownEnd::Stay,
            autostart: true,
            style: TextStyle::default(),
        }
    }
}

/// To what a countdown counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(tag = "to", rename_all = "snake_case")]
pub enum CountdownTarget {
    /// For a while from its start; it can be started, paused and reset.
    Duration {
        /// Seconds, 1 to 359 999.
        seconds: u32,
    },
    /// To a time of day, or of one day.
    Time {
        /// `20:00` is every day: six hours later it counts to the next. `2026-12-31 23:59:50` is once.
        at: String,
        /// A zone of the IANA database; empty is this machine's own.
        zone: String,
    },
}

impl Default for CountdownTarget {
    fn default() -> Self {
        Self::Duration { seconds: 300 }
    }
}

/// What happens at the end of a countdown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(tag = "then", rename_all = "snake_case")]
pub enum CountdownEnd {
    /// It stays at zero.
    #[default]
    Stay,
    /// It shows nothing.
    Hide,
    /// It says something else.
    Text {
        /// What.
        text: String,
    },
    /// Another scene comes on the program, if this countdown is on it then.
    Scene {
        /// Which.
        scene: SceneId,
    },
}

/// Time that has passed; it can be started, paused and reset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(default)]
pub struct Stopwatch {
    /// How the time is written.
    pub layout: TimeLayout,
    /// What it says; `{time}` is the time that has passed.
    pub template: String,
    /// It begins by itself when it is first shown.
    pub autostart: bool,
    /// How it looks.
    pub style: TextStyle,
}

impl Default for Stopwatch {
    fn default() -> Self {
        Self {
            layout: TimeLayout::Auto,
            template: "{time}".into(),
            autostart: false,
            style: TextStyle::default(),
        }
    }
}

/// How a length of time is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimeLayout {
    /// As short as it goes: `4:05`, `1:04:05`.
    #[default]
    Auto,
    /// Hours, minutes and seconds: `01:04:05`.
    Hours,
    /// Minutes and seconds: `64:05`.
    Minutes,
    /// Seconds: `3845`.
    Seconds,
    /// Minutes, seconds and tenths: `64:05.3`.
    Tenths,
    /// Days before it: `2 d 01:04:05`.
    Days,
}

/// How many watch a channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(default)]
pub struct ViewerCount {
    /// The channel's name; `program` is this studio's own.
    pub channel: String,
    /// What it says; `{viewers}` is the number.
    pub template: String,
    /// How it looks.
    pub style: TextStyle,
}

impl Default for ViewerCount {
    fn default() -> Self {
        Self {
            channel: "program".into(),
            template: "{viewers} watching".into(),
            style: TextStyle::default(),
        }
    }
}

impl Countdown {
    pub(crate) fn validate(&self) -> Result<(), Invalid> {
        if let CountdownTarget::Duration { seconds } = self.target {
            within("countdown", seconds.into(), 1.0, 359_999.0)?;
        }
        self.style.validate()
    }
}
