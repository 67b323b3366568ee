//! How files play.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{Invalid, within};

/// Most files of a list.
const MAX_FILES: usize = 1000;

/// How media files play.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(default)]
pub struct Playing {
    /// Files that follow the first, in their order; relative paths start at the collection's folder.
    pub more: Vec<String>,
    /// In a new random order each round.
    pub shuffle: bool,
    /// 0.25 to 4; sound becomes higher and lower with it.
    pub speed: f32,
    /// Plays when it is shown; otherwise it waits for whoever presses Play.
    pub autoplay: bool,
    /// While nothing shows it.
    pub hidden: WhenHidden,
    /// Shows nothing after its end, instead of its last picture.
    pub clear: bool,
}

impl Default for Playing {
    fn default() -> Self {
        Self {
            more: Vec::new(),
            shuffle: false,
            speed: 1.0,
            autoplay: true,
            hidden: WhenHidden::Pause,
            clear: false,
        }
    }
}

/// What a file does while nothing shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhenHidden {
    /// Pauses, and goes on from there when it is shown again.
    #[default]
    Pause,
    /// Stops, and begins anew when it is shown again.
    Stop,
    /// Goes on, unseen and unheard.
    GoOn,
}

/// Pictures one after the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(default)]
pub struct SlideShow {
    /// Picture files, in their order; relative paths start at the collection's folder.
    pub files: Vec<String>,
    /// A folder whose pictures follow them, by name; empty is none.
    pub folder: String,
    /// Seconds that each is shown, 0.5 to 86 400.
    pub seconds: f32,
    /// From one to the next in milliseconds, 0 (a cut) to 10 000; part of the seconds.
    pub fade_ms: u32,
    /// In a new random order each round.
    pub shuffle: bool,
    /// Begins again at its end.
    pub looped: bool,
}

impl Default for SlideShow {
    fn default() -> Self {
        Self {
            files: Vec::new(),
            folder: String::new(),
            seconds: 5.0,
            fade_ms: 500,
            shuffle: false,
            looped: true,
        }
    }
}

impl Playing {
    pub(crate) fn validate(&self) -> Result<(), Invalid> {
        within("speed", self.speed.into(), 0.25, 4.0)?;
        within(
            "number of files",
            self.more.len() as f64,
            0.0,
            MAX_FILES as f64,
        )
    }
}

impl SlideShow {
    pub(crate) fn validate(&self) -> Result<(), Invalid> {
        within("seconds", self.seconds.into(), 0.5, 86_400.0)?;
        within("fade", self.fade_ms.into(), 0.0, 10_000.0)?;
        within(
            "number of files",
            self.files.len() as f64,
            0.0,
            MAX_FILES as f64,
        )
    }
}
