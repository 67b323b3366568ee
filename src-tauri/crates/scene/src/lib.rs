//! The document: what a person composes, as plain data.
//!
//! A [`Collection`] holds [`Source`]s and [`Scene`]s of [`Item`]s. It is immutable in use: an
//! [`Edit`] makes a new one, and the whole is swapped. [`History`] remembers the earlier ones.
//!
//! This crate knows no pixels, no devices, no files and no clock.

mod edit;
mod history;
mod id;
mod item;
mod source;

pub use edit::{Edit, EditError, ItemPatch};
pub use history::History;
pub use id::{ItemId, SceneId, SourceId};
pub use item::{Crop, Fit, Item, Rect};
pub use source::{Audio, Pattern, ScreenArea, Source, SourceKind, TextStyle};

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The newest version of the document that this program writes and reads.
pub const VERSION: u32 = 1;

/// A scene collection: the whole document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Collection {
    /// Version of the format, [`VERSION`] when written by this program.
    pub version: u32,
    /// What people call it.
    pub name: String,
    /// The picture that is composed.
    pub canvas: Canvas,
    /// Everything that can be shown or heard, each once.
    pub sources: Vec<Source>,
    /// The scenes, in the order of their number keys.
    pub scenes: Vec<Scene>,
    /// The scene that is on the program.
    pub current: SceneId,
    /// Master fader, in dB; −60 and below is silence.
    #[serde(default)]
    pub master_gain_db: f32,
}

/// The picture that is composed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Canvas {
    /// Pixels across, even, 64 to 3840.
    pub width: u32,
    /// Pixels down, even, 64 to 2160.
    pub height: u32,
    /// Pictures per second, 1 to 60.
    pub fps: u32,
}

impl Default for Canvas {
    fn default() -> Self {
        Self {
            width: 1280,
            height: 720,
            fps: 30,
        }
    }
}

/// A scene: items from the bottom to the top.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Scene {
    /// Its identity in the collection.
    pub id: SceneId,
    /// What people call it.
    pub name: String,
    /// Bottom first.
    pub items: Vec<Item>,
}

impl Collection {
    /// A collection with one empty scene.
    pub fn empty(name: &str) -> Self {
        let scene = Scene {
            id: SceneId::new("scene-1"),
            name: "Scene".into(),
            items: Vec::new(),
        };
        Self {
            version: VERSION,
            name: name.into(),
            canvas: Canvas::default(),
            sources: Vec::new(),
            current: scene.id.clone(),
            scenes: vec![scene],
            master_gain_db: 0.0,
        }
    }

    /// The scene of this identity.
    pub fn scene(&self, id: &SceneId) -> Option<&Scene> {
        self.scenes.iter().find(|s| s.id == *id)
    }

    /// The scene on the program.
    pub fn current_scene(&self) -> Option<&Scene> {
        self.scene(&self.current)
    }

    /// The source of this identity.
    pub fn source(&self, id: &SourceId) -> Option<&Source> {
        self.sources.iter().find(|s| s.id == *id)
    }

    /// Whether the whole holds together: version, sizes, identities, references.
    ///
    /// # Errors
    /// The first [`Invalid`] found.
    pub fn validate(&self) -> Result<(), Invalid> {
        if self.version > VERSION {
            return Err(Invalid::Newer {
                version: self.version,
            });
        }
        let Canvas { width, height, fps } = self.canvas;
        let even = width % 2 == 0 && height % 2 == 0;
        if !even || !(64..=3840).contains(&width) || !(64..=2160).contains(&height) {
            return Err(Invalid::Canvas { width, height });
        }
        if !(1..=60).contains(&fps) {
            return Err(Invalid::Fps { fps });
        }
        unique("source", self.sources.iter().map(|s| s.id.as_str()))?;
        unique("scene", self.scenes.iter().map(|s| s.id.as_str()))?;
        for scene in &self.scenes {
            unique("item", scene.items.iter().map(|i| i.id.as_str()))?;
            for item in &scene.items {
                if self.source(&item.source).is_none() {
                    return Err(Invalid::Dangling {
                        scene: scene.name.clone(),
                        source_id: item.source.clone(),
                    });
                }
                item.validate()?;
            }
        }
        for source in &self.sources {
            source.validate()?;
        }
        if self.current_scene().is_none() {
            return Err(Invalid::NoScene);
        }
        Ok(())
    }
}

fn unique<'a>(what: &'static str, ids: impl Iterator<Item = &'a str>) -> Result<(), Invalid> {
    let mut seen = std::collections::BTreeSet::new();
    for id in ids {
        if !seen.insert(id) {
            return Err(Invalid::Twice {
                what,
                id: id.to_owned(),
            });
        }
    }
    Ok(())
}

/// Why a document does not hold together.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Invalid {
    /// Written by a newer program.
    #[error(
        "it is of version {version}, and this Klieg reads up to version {VERSION}; update Klieg to open it"
    )]
    Newer {
        /// The version found.
        version: u32,
    },
    /// The canvas is out of range.
    #[error(
        "a canvas of {width}×{height} is not possible; choose even sizes from 64×64 to 3840×2160"
    )]
    Canvas {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
    },
    /// The frame rate is out of range.
    #[error("{fps} frames per second are not possible; choose 1 to 60")]
    Fps {
        /// Pictures per second.
        fps: u32,
    },
    /// Two of one kind with the same identity.
    #[error("two {what}s have the identity \"{id}\"")]
    Twice {
        /// source, scene or item.
        what: &'static str,
        /// The identity.
        id: String,
    },
    /// An item shows a source that is not there.
    #[error("scene \"{scene}\" shows a source \"{}\" that does not exist", source_id.as_str())]
    Dangling {
        /// The scene's name.
        scene: String,
        /// The missing source.
        source_id: SourceId,
    },
    /// No scene is on the program.
    #[error("the scene on the program does not exist")]
    NoScene,
    /// A value is out of its range.
    #[error("{field} is {value}; it goes from {min} to {max}")]
    Value {
        /// What it is.
        field: &'static str,
        /// What was given.
        value: f64,
        /// The least.
        min: f64,
        /// The most.
        max: f64,
    },
}

pub(crate) fn within(field: &'static str, value: f64, min: f64, max: f64) -> Result<(), Invalid> {
    if value.is_finite() && (min..=max).contains(&value) {
        Ok(())
    } else {
        Err(Invalid::Value {
            field,
            value,
            min,
            max,
        })
    }
}
