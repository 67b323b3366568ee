//! What can be shown or heard.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{Invalid, SourceId, within};

/// Something that can be shown or heard, in as many scenes as wanted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Source {
    /// Its identity in the collection.
    pub id: SourceId,
    /// What people call it.
    pub name: String,
    /// What it is.
    #[serde(flatten)]
    pub kind: SourceKind,
    /// Its strip in the mixer; without effect on sources without sound.
    #[serde(default)]
    pub audio: Audio,
}

/// A source's strip in the mixer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct Audio {
    /// Fader in dB, −60 (silence) to 20.
    pub gain_db: f32,
    /// Silent whatever the fader says.
    pub muted: bool,
    /// −1 left, 0 middle, 1 right.
    pub pan: f32,
}

/// What a source is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", content = "settings", rename_all = "snake_case")]
pub enum SourceKind {
    /// A camera.
    Camera {
        /// The device's identity; empty means the first one.
        device: String,
        /// Pixels across wished for; 0 leaves it to the device.
        width: u32,
        /// Pixels down wished for.
        height: u32,
        /// Pictures per second wished for; 0 leaves it to the device.
        fps: u32,
    },
    /// A microphone or any other audio input.
    Microphone {
        /// The device's identity; empty means the system's default.
        device: String,
    },
    /// A monitor, a window, or a part of one.
    Screen {
        /// The monitor's identity; empty means the first one.
        device: String,
        /// All of it when absent.
        #[serde(default)]
        area: Option<ScreenArea>,
        /// With the pointer.
        pointer: bool,
    },
    /// A video or audio file.
    Media {
        /// The file; relative paths start at the collection's folder.
        path: String,
        /// Begins again at its end.
        looped: bool,
    },
    /// A picture file.
    Image {
        /// The file; relative paths start at the collection's folder.
        path: String,
    },
    /// Text.
    Text {
        /// What it says; may have several lines.
        text: String,
        /// How it looks.
        style: TextStyle,
    },
    /// One colour all over.
    Color {
        /// `#rrggbb` or `#rrggbbaa`.
        color: String,
    },
    /// The test signal.
    TestSignal {
        /// Its picture.
        pattern: Pattern,
    },
}

/// A part of a screen, in its pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ScreenArea {
    /// Left edge.
    pub x: u32,
    /// Top edge.
    pub y: u32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// How text looks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct TextStyle {
    /// Font family; the bundled one when the machine does not have it.
    pub font: String,
    /// Height of a line's letters in canvas pixels, 4 to 1000.
    pub size: f32,
    /// Bold.
    pub bold: bool,
    /// `#rrggbb` or `#rrggbbaa`.
    pub color: String,
    /// Behind the text, `#rrggbbaa`; absent means nothing.
    pub background: Option<String>,
    /// Between text and the edge of the background, in pixels, 0 to 500.
    pub padding: f32,
    /// Around the letters, `#rrggbb`; absent means none.
    pub outline: Option<String>,
    /// Width of the outline in pixels, 0 to 50.
    pub outline_width: f32,
    /// A soft dark copy below and to the right.
    pub shadow: bool,
}

impl Default for TextStyle {
    fn default() -> Self {
        Self {
            font: "Inter".into(),
            size: 48.0,
            bold: false,
            color: "#ffffff".into(),
            background: None,
            padding: 0.0,
            outline: None,
            outline_width: 0.0,
            shadow: false,
        }
    }
}

/// The picture of the test signal. All carry the machine-readable frame counter, timecode,
/// a 1 kHz tone at −20 dBFS, and a flash and beep in step once a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Pattern {
    /// Colour bars with a moving sweep.
    #[default]
    Bars,
    /// A moving zone pattern, hard to encode.
    Motion,
}

impl Source {
    pub(crate) fn validate(&self) -> Result<(), Invalid> {
        within("gain", self.audio.gain_db.into(), -60.0, 20.0)?;
        within("pan", self.audio.pan.into(), -1.0, 1.0)?;
        if let SourceKind::Text { style, .. } = &self.kind {
            within("font size", style.size.into(), 4.0, 1000.0)?;
            within("padding", style.padding.into(), 0.0, 500.0)?;
            within("outline width", style.outline_width.into(), 0.0, 50.0)?;
        }
        Ok(())
    }
}

impl SourceKind {
    /// Whether this differs from an earlier setting only by what is typed or moved by degrees.
    pub(crate) fn goes_on(&self, was: &Self) -> bool {
        matches!(
            (self, was),
            (Self::Text { .. }, Self::Text { .. }) | (Self::Color { .. }, Self::Color { .. })
        )
    }

    /// Whether it has a picture.
    pub fn has_video(&self) -> bool {
        !matches!(self, Self::Microphone { .. })
    }

    /// Whether it may have sound.
    pub fn has_audio(&self) -> bool {
        matches!(
            self,
            Self::Microphone { .. } | Self::Media { .. } | Self::TestSignal { .. }
        )
    }
}
