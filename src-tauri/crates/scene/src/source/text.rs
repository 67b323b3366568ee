//! How text looks, and how it moves.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Gradient;
use crate::{Invalid, within};

/// How text looks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(default)]
pub struct TextStyle {
    /// Font family; the bundled one when the machine does not have it.
    pub font: String,
    /// Height of a line's letters in canvas pixels, 4 to 1000.
    pub size: f32,
    /// Bold.
    pub bold: bool,
    /// Italic, where the family has it.
    pub italic: bool,
    /// `#rrggbb` or `#rrggbbaa`.
    pub color: String,
    /// Fills the letters instead of their colour; absent means the colour.
    pub gradient: Option<Gradient>,
    /// Where lines stand that are shorter than the widest.
    pub align: TextAlign,
    /// Pixels across at which lines are wrapped, and how wide the picture is then, 16 to 8192; 0 wraps at
    /// the canvas and makes the picture as wide as the text.
    pub wrap: f32,
    /// From one line to the next, as a multiple of the size, 0.5 to 5.
    pub line_spacing: f32,
    /// Between letters in pixels, beyond what the font says, −50 to 200.
    pub letter_spacing: f32,
    /// Behind the text, `#rrggbbaa`; absent means nothing.
    pub background: Option<String>,
    /// Between text and the edge of the background, in pixels, 0 to 500.
    pub padding: f32,
    /// Radius of the background's corners, in pixels, 0 to 500.
    pub radius: f32,
    /// Around the letters, `#rrggbb`; absent means none.
    pub outline: Option<String>,
    /// Width of the outline in pixels, 0 to 50.
    pub outline_width: f32,
    /// A soft dark copy below and to the right.
    pub shadow: bool,
    /// How the shadow falls; absent leaves it to the size of the letters.
    pub shadow_look: Option<TextShadow>,
}

impl Default for TextStyle {
    fn default() -> Self {
        Self {
            font: "Inter".into(),
            size: 48.0,
            bold: false,
            italic: false,
            color: "#ffffff".into(),
            gradient: None,
            align: TextAlign::Start,
            wrap: 0.0,
            line_spacing: 1.25,
            letter_spacing: 0.0,
            background: None,
            padding: 0.0,
            radius: 0.0,
            outline: None,
            outline_width: 0.0,
            shadow: false,
            shadow_look: None,
        }
    }
}

/// Where a line stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TextAlign {
    /// Where its script begins: left for Latin, right for Hebrew and Arabic.
    #[default]
    Start,
    /// Left.
    Left,
    /// In the middle.
    Center,
    /// Right.
    Right,
    /// From edge to edge, the last line of a paragraph at its start.
    Justify,
}

/// A shadow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(default)]
pub struct TextShadow {
    /// Pixels to the right, −200 to 200.
    pub x: f32,
    /// Pixels down, −200 to 200.
    pub y: f32,
    /// Softness in pixels, 0 to 100.
    pub blur: f32,
    /// `#rrggbb` or `#rrggbbaa`.
    pub color: String,
}

impl Default for TextShadow {
    fn default() -> Self {
        Self {
            x: 3.0,
            y: 3.0,
            blur: 3.0,
            color: "#000000a0".into(),
        }
    }
}

/// Text that moves through its picture.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(default)]
pub struct Crawl {
    /// Which way.
    pub direction: CrawlDirection,
    /// Pixels a second, 1 to 4000.
    pub speed: f32,
    /// Pixels from the end of the text to where it begins again, 0 to 8192; absent, it has left before it
    /// comes again.
    pub gap: Option<f32>,
    /// Pixels of the picture along the way, 16 to 8192; 0 is the canvas.
    pub span: f32,
}

impl Default for Crawl {
    fn default() -> Self {
        Self {
            direction: CrawlDirection::Left,
            speed: 120.0,
            gap: None,
            span: 0.0,
        }
    }
}

/// Which way something moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CrawlDirection {
    /// To the left: a news ticker. Lines follow each other.
    #[default]
    Left,
    /// To the right: a ticker in Hebrew or Arabic.
    Right,
    /// Upwards: closing credits.
    Up,
    /// Downwards.
    Down,
}

impl TextStyle {
    pub(crate) fn validate(&self) -> Result<(), Invalid> {
        within("font size", self.size.into(), 4.0, 1000.0)?;
        within("padding", self.padding.into(), 0.0, 500.0)?;
        within("corner radius", self.radius.into(), 0.0, 500.0)?;
        within("outline width", self.outline_width.into(), 0.0, 50.0)?;
        within("line spacing", self.line_spacing.into(), 0.5, 5.0)?;
        within("letter spacing", self.letter_spacing.into(), -50.0, 200.0)?;
        if self.wrap != 0.0 {
            within("wrap width", self.wrap.into(), 16.0, 8192.0)?;
        }
        if let Some(shadow) = &self.shadow_look {
            within("shadow offset", shadow.x.into(), -200.0, 200.0)?;
            within("shadow offset", shadow.y.into(), -200.0, 200.0)?;
            within("shadow blur", shadow.blur.into(), 0.0, 100.0)?;
        }
        self.gradient.as_ref().map_or(Ok(()), Gradient::validate)
    }
}

impl Crawl {
    pub(crate) fn validate(&self) -> Result<(), Invalid> {
        within("crawl speed", self.speed.into(), 1.0, 4000.0)?;
        if let Some(gap) = self.gap {
            within("crawl gap", gap.into(), 0.0, 8192.0)?;
        }
        if self.span != 0.0 {
            within("crawl span", self.span.into(), 16.0, 8192.0)?;
        }
        Ok(())
    }
}
