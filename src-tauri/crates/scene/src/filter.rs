//! Filters: what is done to the picture of an item, a source or a scene before it is seen.
//!
//! Each filter is a struct of parameters in a file of its own, which describes its own controls; the
//! list below makes them kinds of the document. What a filter draws is the renderer's.

mod blur;
mod border;
mod chroma_key;
mod color_correction;
mod crop_pad;
mod luma_key;
mod lut;
mod mask;
mod matte;
mod rounded_corners;
mod scroll;
mod shadow;
mod sharpen;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{Described, FilterId, Invalid, ItemId, SceneId, SourceId};

pub use blur::Blur;
pub use border::Border;
pub use chroma_key::ChromaKey;
pub use color_correction::ColorCorrection;
pub use crop_pad::CropPad;
pub use luma_key::LumaKey;
pub use lut::Lut;
pub use mask::{Mask, MaskChannel, MaskMode};
pub use matte::{Matte, MatteSide};
pub use rounded_corners::RoundedCorners;
pub use scroll::Scroll;
pub use shadow::Shadow;
pub use sharpen::Sharpen;

/// The most filters in one list.
pub(crate) const MOST: usize = 32;

/// A filter in its place in a list. Filters run from the first to the last.
///
/// Lengths are canvas pixels for items and scenes, and the picture's own for sources. What is cropped
/// off an item is gone before its source's filters run, and those run before the item's own. Filters
/// neither move nor scale: what a shadow or a border adds stands around the item's box.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Filter {
    /// Its identity in the list.
    pub id: FilterId,
    /// What people call it; empty means the name of its kind.
    #[serde(default)]
    pub name: String,
    /// Whether it is applied.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// What it does.
    #[serde(flatten)]
    pub kind: FilterKind,
}

fn yes() -> bool {
    true
}

/// Whose filters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum FilterOwner {
    /// An item's: here alone.
    Item {
        /// The scene.
        scene: SceneId,
        /// Which.
        id: ItemId,
    },
    /// A source's: wherever it is shown.
    Source {
        /// Which.
        id: SourceId,
    },
    /// A scene's: all of it together.
    Scene {
        /// Which.
        id: SceneId,
    },
}

macro_rules! kinds {
    ($( $(#[$doc:meta])* $name:ident; )*) => {
        /// What a filter does.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
        #[serde(tag = "kind", content = "settings", rename_all = "snake_case")]
        pub enum FilterKind {
            $( $(#[$doc])* $name($name), )*
        }

        impl FilterKind {
            /// All filters, as the interface offers them.
            pub const DESCRIBED: &'static [Described] = &[ $( $name::DESCRIBED, )* ];

            /// How the interface offers it.
            pub fn described(&self) -> Described {
                match self { $( Self::$name(_) => $name::DESCRIBED, )* }
            }

            /// Whether what it is set to is within range.
            ///
            /// # Errors
            /// [`Invalid`], which names the parameter.
            pub fn validate(&self) -> Result<(), Invalid> {
                match self { $( Self::$name(settings) => settings.validate(), )* }
            }
        }
    };
}

kinds! {
    /// Makes a colour transparent.
    ChromaKey;
    /// Makes what is dark or bright transparent.
    LumaKey;
    /// Exposure, contrast and colour.
    ColorCorrection;
    /// A table of colours.
    Lut;
    /// Cuts edges off, or adds empty ones.
    CropPad;
    /// Makes soft.
    Blur;
    /// Makes crisp.
    Sharpen;
    /// Cuts out or mixes by a picture.
    Mask;
    /// Transparency from the other half.
    Matte;
    /// Moves the picture through its box.
    Scroll;
    /// Rounds the corners.
    RoundedCorners;
    /// A soft copy below.
    Shadow;
    /// A line around.
    Border;
}

impl FilterKind {
    /// The file that it needs, as the document names it.
    pub fn file(&self) -> Option<&str> {
        let path = match self {
            Self::Lut(lut) => &lut.path,
            Self::Mask(mask) => &mask.path,
            _ => return None,
        };
        Some(path.as_str()).filter(|path| !path.is_empty())
    }
}

/// Whether a list of filters holds together.
pub(crate) fn validate(filters: &[Filter]) -> Result<(), Invalid> {
    crate::within("number of filters", filters.len() as f64, 0.0, MOST as f64)?;
    crate::unique("filter", filters.iter().map(|f| f.id.as_str()))?;
    for filter in filters {
        crate::within(
            "length of a filter's name",
            filter.name.chars().count() as f64,
            0.0,
            100.0,
        )?;
        filter.kind.validate()?;
    }
    Ok(())
}
