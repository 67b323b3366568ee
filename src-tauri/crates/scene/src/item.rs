//! A source's place in a scene.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{Filter, Invalid, ItemId, SourceId, filter, within};

/// A source's place in a scene. A source without a picture (a microphone) is heard while its item is visible.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Item {
    /// Its identity in the scene.
    pub id: ItemId,
    /// What it shows.
    pub source: SourceId,
    /// The box it fills, in canvas pixels, before rotation.
    pub rect: Rect,
    /// How the cropped picture fills the box.
    #[serde(default)]
    pub fit: Fit,
    /// What is cut off the source's picture.
    #[serde(default)]
    pub crop: Crop,
    /// Degrees clockwise around the middle of the box, −360 to 360.
    #[serde(default)]
    pub rotation: f32,
    /// 0 (invisible) to 1.
    #[serde(default = "one")]
    pub opacity: f32,
    /// Shown and heard.
    #[serde(default = "yes")]
    pub visible: bool,
    /// It is neither moved nor removed until it is unlocked.
    #[serde(default)]
    pub locked: bool,
    /// Mirrored left to right, before rotation.
    #[serde(default)]
    pub flip_h: bool,
    /// Mirrored top to bottom, before rotation.
    #[serde(default)]
    pub flip_v: bool,
    /// How it mixes with what lies below.
    #[serde(default, skip_serializing_if = "Blend::is_normal")]
    #[ts(as = "Option<Blend>", optional)]
    pub blend: Blend,
    /// What is done to its picture here, after its source's filters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<Vec<Filter>>", optional)]
    pub filters: Vec<Filter>,
}

fn one() -> f32 {
    1.0
}

fn yes() -> bool {
    true
}

impl Item {
    pub(crate) fn validate(&self) -> Result<(), Invalid> {
        let Rect {
            x,
            y,
            width,
            height,
        } = self.rect;
        for (field, value) in [("position x", x), ("position y", y)] {
            within(field, value.into(), -16_384.0, 16_384.0)?;
        }
        for (field, value) in [("width", width), ("height", height)] {
            within(field, value.into(), 1.0, 16_384.0)?;
        }
        within("rotation", self.rotation.into(), -360.0, 360.0)?;
        within("opacity", self.opacity.into(), 0.0, 1.0)?;
        filter::validate(&self.filters)
    }
}

/// A box in canvas pixels; the origin is at the top left.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Rect {
    /// Left edge.
    pub x: f32,
    /// Top edge.
    pub y: f32,
    /// Width, at least 1.
    pub width: f32,
    /// Height, at least 1.
    pub height: f32,
}

/// How a picture fills its box.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// All of the picture, as large as the box allows, centred; the rest of the box is empty.
    #[default]
    Contain,
    /// All of the box, centred; what stands over is cut off.
    Cover,
    /// All of the box, the picture stretched to it.
    Stretch,
}

/// How a picture mixes with what lies below.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Blend {
    /// Lies over it.
    #[default]
    Normal,
    /// Adds its light.
    Add,
    /// As two projectors on one wall: never darker.
    Screen,
    /// As two slides in one projector: never brighter.
    Multiply,
    /// The brighter of the two, in each colour.
    Lighten,
    /// The darker of the two, in each colour.
    Darken,
    /// Takes its light away.
    Subtract,
}

impl Blend {
    fn is_normal(&self) -> bool {
        *self == Self::Normal
    }
}

/// What is cut off a source's picture, in its own pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(default)]
pub struct Crop {
    /// From the left edge.
    pub left: u32,
    /// From the top edge.
    pub top: u32,
    /// From the right edge.
    pub right: u32,
    /// From the bottom edge.
    pub bottom: u32,
}
