//! Colours that run into each other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{Invalid, within};

/// Most stops of a gradient.
const MAX_STOPS: usize = 16;

/// Colours that run into each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(default)]
pub struct Gradient {
    /// Its shape.
    pub shape: GradientShape,
    /// Of a linear one: degrees clockwise from upwards, −360 to 360; 90 runs to the right, 180 down.
    pub angle: f32,
    /// Its colours, 2 to 16, in the order of their places.
    pub stops: Vec<GradientStop>,
}

/// The shape of a gradient.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GradientShape {
    /// Along a line.
    #[default]
    Linear,
    /// From the middle to the corners.
    Radial,
}

/// A colour of a gradient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct GradientStop {
    /// Its place, 0 to 1.
    pub at: f32,
    /// `#rrggbb` or `#rrggbbaa`.
    pub color: String,
}

impl Default for Gradient {
    fn default() -> Self {
        let stop = |at, color: &str| GradientStop {
            at,
            color: color.into(),
        };
        Self {
            shape: GradientShape::Linear,
            angle: 180.0,
            stops: vec![stop(0.0, "#1d3557"), stop(1.0, "#0f1012")],
        }
    }
}

impl Gradient {
    pub(crate) fn validate(&self) -> Result<(), Invalid> {
        within("gradient angle", self.angle.into(), -360.0, 360.0)?;
        within(
            "number of colours",
            self.stops.len() as f64,
            2.0,
            MAX_STOPS as f64,
        )?;
        for stop in &self.stops {
            within("place of a colour", stop.at.into(), 0.0, 1.0)?;
        }
        Ok(())
    }
}
