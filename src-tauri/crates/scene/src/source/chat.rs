//! A channel's chat in the picture.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::TextStyle;
use crate::{Invalid, within};

/// A channel's chat in the picture. What is deleted vanishes; what is refused is never there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(default)]
pub struct ChatOverlay {
    /// The channel's name; `program` is this studio's own.
    pub channel: String,
    /// Pixels across, 64 to 4096.
    pub width: u32,
    /// Pixels down, 32 to 4096.
    pub height: u32,
    /// Messages shown at most, 1 to 50; as many as fit.
    pub count: u32,
    /// Seconds after which a message fades, 1 to 3600; 0 lets it stay.
    pub fade_after: f32,
    /// Where the newest stands.
    pub newest: Newest,
    /// Colour of names, `#rrggbb`; absent gives everyone their own.
    pub name_color: Option<String>,
    /// How the text looks; its background is behind each message.
    pub style: TextStyle,
}

/// Where the newest message stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Newest {
    /// At the bottom.
    #[default]
    Bottom,
    /// At the top.
    Top,
}

impl Default for ChatOverlay {
    fn default() -> Self {
        Self {
            channel: "program".into(),
            width: 480,
            height: 560,
            count: 12,
            fade_after: 0.0,
            newest: Newest::Bottom,
            name_color: None,
            style: TextStyle {
                size: 26.0,
                background: Some("#0f101299".into()),
                padding: 8.0,
                radius: 8.0,
                ..TextStyle::default()
            },
        }
    }
}

impl ChatOverlay {
    pub(crate) fn validate(&self) -> Result<(), Invalid> {
        within("chat width", self.width.into(), 64.0, 4096.0)?;
        within("chat height", self.height.into(), 32.0, 4096.0)?;
        within("number of messages", self.count.into(), 1.0, 50.0)?;
        if self.fade_after != 0.0 {
            within("fade after", self.fade_after.into(), 1.0, 3600.0)?;
        }
        self.style.validate()
    }
}
