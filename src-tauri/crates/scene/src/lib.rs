//! The document: what a person composes, as plain data.
//!
//! A [`Collection`] holds [`Source`]s and [`Scene`]s of [`Item`]s. It is immutable in use: an
//! [`Edit`] makes a new one, and the whole is swapped. [`History`] remembers the earlier ones.
//!
//! This crate knows no pixels, no devices, no files and no clock.

mod edit;
mod filter;
mod history;
mod id;
mod item;
mod nest;
mod parameter;
#[cfg(test)]
mod properties;
mod source;
mod transition;

pub use edit::{Edit, EditError, Fragment, ItemPatch};
pub use filter::{
    Blur, Border, ChromaKey, ColorCorrection, CropPad, Filter, FilterKind, FilterOwner, LumaKey,
    Lut, Mask, MaskChannel, MaskMode, Matte, MatteSide, RoundedCorners, Scroll, Shadow, Sharpen,
};
pub use history::History;
pub use id::{FilterId, ItemId, SceneId, SourceId};
pub use item::{Blend, Crop, Fit, Item, Rect};
pub use nest::MAX_DEPTH;
pub use parameter::{Accepts, Control, Described, Parameter, rgba};
pub use source::{
    Audio, ChatOverlay, Countdown, CountdownEnd, CountdownTarget, Crawl, CrawlDirection, Gradient,
    GradientShape, GradientStop, Newest, Pattern, Playing, ScreenArea, SlideShow, SoundTracks,
    Source, SourceKind, Stopwatch, TextAlign, TextShadow, TextStyle, TimeLayout, TimeOfDay,
    ViewerCount, WhenHidden,
};
pub use transition::{
    Cut, Direction, Fade, FadeToColor, LumaWipe, Push, Slide, Stinger, StingerKey, Transition,
    TransitionKind, WipeShape,
};

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The newest version of the document that this program writes and reads.
pub const VERSION: u32 = 1;

/// A scene collection: the whole document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
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
    /// How scenes take each other's place, unless they say otherwise.
    #[serde(default)]
    #[ts(as = "Option<Transition>", optional)]
    pub transition: Transition,
}

/// The picture that is composed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Scene {
    /// Its identity in the collection.
    pub id: SceneId,
    /// What people call it.
    pub name: String,
    /// Bottom first.
    pub items: Vec<Item>,
    /// A group: the list of scenes does not show it, and its picture has a size of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub group: Option<GroupSize>,
    /// What is done to all of its picture together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<Vec<Filter>>", optional)]
    pub filters: Vec<Filter>,
    /// How this scene comes to the program; as the collection says when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub transition: Option<Transition>,
}

/// The canvas of a group; its items are placed in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct GroupSize {
    /// Pixels across, 1 to 8192.
    pub width: u32,
    /// Pixels down, 1 to 8192.
    pub height: u32,
}

impl Collection {
    /// A collection with one empty scene.
    pub fn empty(name: &str) -> Self {
        let scene = Scene {
            id: SceneId::new("scene-1"),
            name: "Scene".into(),
            items: Vec::new(),
            group: None,
            filters: Vec::new(),
            transition: None,
        };
        Self {
            version: VERSION,
            name: name.into(),
            canvas: Canvas::default(),
            sources: Vec::new(),
            current: scene.id.clone(),
            scenes: vec![scene],
            master_gain_db: 0.0,
            transition: Transition::default(),
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

    /// How a scene comes to the program.
    pub fn transition_to(&self, id: &SceneId) -> &Transition {
        let own = self.scene(id).and_then(|scene| scene.transition.as_ref());
        own.unwrap_or(&self.transition)
    }

    /// The source of this identity.
    pub fn source(&self, id: &SourceId) -> Option<&Source> {
        self.sources.iter().find(|s| s.id == *id)
    }

    /// The sound tracks beside the mix that sources are on.
    pub fn sound_tracks(&self) -> SoundTracks {
        let on = self.sources.iter().filter(|s| s.kind.has_audio());
        on.fold(SoundTracks::default(), |all, s| all.or(s.audio.tracks))
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
        let known: BTreeSet<&SourceId> = self.sources.iter().map(|s| &s.id).collect();
        for scene in &self.scenes {
            if let Some(GroupSize { width, height }) = scene.group {
                within("group width", width.into(), 1.0, 8192.0)?;
                within("group height", height.into(), 1.0, 8192.0)?;
            }
            unique("item", scene.items.iter().map(|i| i.id.as_str()))?;
            for item in &scene.items {
                if !known.contains(&item.source) {
                    return Err(Invalid::Dangling {
                        scene: scene.name.clone(),
                        source_id: item.source.clone(),
                    });
                }
                item.validate()?;
            }
            filter::validate(&scene.filters)?;
            if let Some(transition) = &scene.transition {
                transition.validate()?;
            }
        }
        self.transition.validate()?;
        for source in &self.sources {
            source.validate()?;
        }
        nest::check(self)?;
        if self.current_scene().is_none_or(|s| s.group.is_some()) {
            return Err(Invalid::NoScene);
        }
        Ok(())
    }
}

fn unique<'a>(what: &'static str, ids: impl Iterator<Item = &'a str>) -> Result<(), Invalid> {
    let mut seen = BTreeSet::new();
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
    /// A source is the program itself.
    #[error(
        "channel program is what this studio makes: a scene that shows it would show itself without end; choose another channel"
    )]
    Loop,
    /// A source names what can be no channel.
    #[error(
        "source \"{source_name}\" names no channel; a channel name is 1 to 64 letters, digits, '-' or '_'"
    )]
    Channel {
        /// The source's name.
        source_name: String,
    },
    /// A source names what can be no address of another station.
    #[error(
        "source \"{source_name}\" has no address to fetch from; it begins with https:// or http:// and ends, on another Klieg, with /CHANNEL/whep"
    )]
    Address {
        /// The source's name.
        source_name: String,
    },
    /// A source shows a scene that is not there.
    #[error(
        "source \"{source_name}\" shows a scene that does not exist; choose another scene for it"
    )]
    Nowhere {
        /// The source's name.
        source_name: String,
    },
    /// A scene shows itself, through however many others.
    #[error(
        "scene \"{scene}\" would show itself without end: {way}; take one of them out of the other first"
    )]
    Cycle {
        /// The scene's name.
        scene: String,
        /// The names from the scene around to itself: `Interview → Desk → Interview`.
        way: String,
    },
    /// Too many scenes stand in each other.
    #[error("in scene \"{scene}\" more than {MAX_DEPTH} scenes stand in each other; show fewer")]
    Deep {
        /// The outermost scene's name.
        scene: String,
    },
    /// A text is no colour.
    #[error("{field} is \"{text}\", which is no colour; write it as #rrggbb or #rrggbbaa")]
    Color {
        /// What it is.
        field: &'static str,
        /// What was given.
        text: String,
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
