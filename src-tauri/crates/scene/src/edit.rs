//! All that can be done to a document.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{
    Audio, Canvas, Collection, Crop, Fit, Invalid, Item, ItemId, Rect, Scene, SceneId, Source,
    SourceId, SourceKind,
};

/// One change to a [`Collection`]. New things bring their identity with them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "edit", rename_all = "snake_case")]
pub enum Edit {
    /// Renames the collection.
    Rename {
        /// The new name.
        name: String,
    },
    /// Sets the canvas.
    SetCanvas {
        /// The new canvas.
        canvas: Canvas,
    },
    /// Adds an empty scene at the end.
    AddScene {
        /// Its identity.
        id: SceneId,
        /// Its name.
        name: String,
    },
    /// Renames a scene.
    RenameScene {
        /// Which.
        id: SceneId,
        /// The new name.
        name: String,
    },
    /// Copies a scene with its items, right behind it.
    DuplicateScene {
        /// Which.
        id: SceneId,
        /// The copy's identity.
        copy: SceneId,
        /// The copy's name.
        name: String,
    },
    /// Moves a scene to a place in the order.
    MoveScene {
        /// Which.
        id: SceneId,
        /// Its new place, 0 is the first.
        index: usize,
    },
    /// Deletes a scene; the last one stays.
    RemoveScene {
        /// Which.
        id: SceneId,
    },
    /// Takes a scene to the program.
    SwitchScene {
        /// Which.
        id: SceneId,
    },
    /// Adds a source, and an item that shows it on top of a scene.
    AddSource {
        /// The scene.
        scene: SceneId,
        /// The source.
        source: Source,
        /// Its place.
        item: Item,
    },
    /// Renames a source.
    RenameSource {
        /// Which.
        id: SourceId,
        /// The new name.
        name: String,
    },
    /// Changes what a source is or how it is set.
    SetSource {
        /// Which.
        id: SourceId,
        /// The new settings.
        source: SourceKind,
    },
    /// Sets a source's strip in the mixer.
    SetAudio {
        /// Which.
        id: SourceId,
        /// The new strip.
        audio: Audio,
    },
    /// Sets the master fader.
    SetMasterGain {
        /// In dB, −60 to 20.
        gain_db: f32,
    },
    /// Shows an existing source on top of a scene.
    AddItem {
        /// The scene.
        scene: SceneId,
        /// The item.
        item: Item,
    },
    /// Changes an item; what is absent stays as it is.
    SetItem {
        /// The scene.
        scene: SceneId,
        /// Which.
        id: ItemId,
        /// What changes.
        patch: ItemPatch,
    },
    /// Moves an item in the order.
    MoveItem {
        /// The scene.
        scene: SceneId,
        /// Which.
        id: ItemId,
        /// Its new place, 0 is the bottom.
        index: usize,
    },
    /// Removes an item, and its source when nothing else shows it.
    RemoveItem {
        /// The scene.
        scene: SceneId,
        /// Which.
        id: ItemId,
    },
}

/// What changes of an [`Item`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(default)]
#[ts(optional_fields)]
pub struct ItemPatch {
    /// The box.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rect: Option<Rect>,
    /// The fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fit: Option<Fit>,
    /// The crop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crop: Option<Crop>,
    /// The rotation in degrees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation: Option<f32>,
    /// The opacity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opacity: Option<f32>,
    /// Visibility.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visible: Option<bool>,
    /// Lock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locked: Option<bool>,
}

/// Why an edit is refused. The document stays as it was.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EditError {
    /// It names something that does not exist.
    #[error("there is no {what} \"{id}\"; it may have been deleted")]
    Missing {
        /// scene, source or item.
        what: &'static str,
        /// The identity.
        id: String,
    },
    /// It would delete the only scene.
    #[error("this is the only scene; add another before you delete it")]
    LastScene,
    /// A name is empty or too long.
    #[error("a name has 1 to 100 characters")]
    Name,
    /// The result would not hold together.
    #[error(transparent)]
    Invalid(#[from] Invalid),
}

impl Edit {
    /// What this does, as a step of the history: "Rename scene".
    pub fn label(&self) -> &'static str {
        match self {
            Self::Rename { .. } => "Rename collection",
            Self::SetCanvas { .. } => "Change canvas",
            Self::AddScene { .. } => "Add scene",
            Self::RenameScene { .. } => "Rename scene",
            Self::DuplicateScene { .. } => "Duplicate scene",
            Self::MoveScene { .. } => "Move scene",
            Self::RemoveScene { .. } => "Delete scene",
            Self::SwitchScene { .. } => "Switch scene",
            Self::AddSource { .. } => "Add source",
            Self::RenameSource { .. } => "Rename source",
            Self::SetSource { .. } => "Change source",
            Self::SetAudio { .. } => "Change level",
            Self::SetMasterGain { .. } => "Change master level",
            Self::AddItem { .. } => "Add item",
            Self::SetItem { .. } => "Change item",
            Self::MoveItem { .. } => "Move item",
            Self::RemoveItem { .. } => "Remove item",
        }
    }

    /// Whether this only goes on changing the value that `last` changed, as a drag does.
    pub(crate) fn goes_on(&self, last: &Self) -> bool {
        match (self, last) {
            (Self::SetAudio { id, audio }, Self::SetAudio { id: of, audio: was }) => {
                id == of
                    && audio.muted == was.muted
                    && (audio.pan == was.pan || audio.gain_db == was.gain_db)
            }
            (Self::SetMasterGain { .. }, Self::SetMasterGain { .. }) => true,
            (
                Self::SetItem { scene, id, patch },
                Self::SetItem {
                    scene: of,
                    id: was,
                    patch: before,
                },
            ) => scene == of && id == was && patch.is_gradual() && patch.same_fields(before),
            (
                Self::SetSource { id, source },
                Self::SetSource {
                    id: of,
                    source: was,
                },
            ) => id == of && source.goes_on(was),
            _ => false,
        }
    }

    /// The document after this edit.
    ///
    /// # Errors
    /// [`EditError`]; the given document is untouched in every case.
    pub fn apply(&self, before: &Collection) -> Result<Collection, EditError> {
        let mut after = before.clone();
        self.change(&mut after)?;
        after.validate()?;
        Ok(after)
    }

    fn change(&self, doc: &mut Collection) -> Result<(), EditError> {
        match self {
            Self::Rename { name } => doc.name = checked(name)?,
            Self::SetCanvas { canvas } => doc.canvas = *canvas,
            Self::AddScene { id, name } => doc.scenes.push(Scene {
                id: id.clone(),
                name: checked(name)?,
                items: Vec::new(),
            }),
            Self::RenameScene { id, name } => scene(doc, id)?.name = checked(name)?,
            Self::DuplicateScene { id, copy, name } => {
                let at = position(doc, id)?;
                let mut twin = doc.scenes[at].clone();
                twin.id = copy.clone();
                twin.name = checked(name)?;
                doc.scenes.insert(at + 1, twin);
            }
            Self::MoveScene { id, index } => {
                let at = position(doc, id)?;
                let moved = doc.scenes.remove(at);
                doc.scenes.insert((*index).min(doc.scenes.len()), moved);
            }
            Self::RemoveScene { id } => remove_scene(doc, id)?,
            Self::SwitchScene { id } => {
                position(doc, id)?;
                doc.current = id.clone();
            }
            Self::AddSource {
                scene: id,
                source,
                item,
            } => {
                checked(&source.name)?;
                doc.sources.push(source.clone());
                scene(doc, id)?.items.push(item.clone());
            }
            Self::RenameSource { id, name } => source(doc, id)?.name = checked(name)?,
            Self::SetSource { id, source: kind } => source(doc, id)?.kind = kind.clone(),
            Self::SetAudio { id, audio } => source(doc, id)?.audio = *audio,
            Self::SetMasterGain { gain_db } => {
                crate::within("master gain", (*gain_db).into(), -60.0, 20.0)?;
                doc.master_gain_db = *gain_db;
            }
            Self::AddItem { scene: id, item } => scene(doc, id)?.items.push(item.clone()),
            Self::SetItem {
                scene: of,
                id,
                patch,
            } => patch.change(item(doc, of, id)?),
            Self::MoveItem {
                scene: of,
                id,
                index,
            } => {
                item(doc, of, id)?;
                let items = &mut scene(doc, of)?.items;
                if let Some(at) = items.iter().position(|i| i.id == *id) {
                    let moved = items.remove(at);
                    items.insert((*index).min(items.len()), moved);
                }
            }
            Self::RemoveItem { scene: of, id } => {
                item(doc, of, id)?;
                scene(doc, of)?.items.retain(|i| i.id != *id);
                drop_unused(doc);
            }
        }
        Ok(())
    }
}

impl ItemPatch {
    /// Only of what moves by degrees: no switch, no choice.
    fn is_gradual(&self) -> bool {
        self.fit.is_none() && self.visible.is_none() && self.locked.is_none()
    }

    fn same_fields(&self, other: &Self) -> bool {
        self.rect.is_some() == other.rect.is_some()
            && self.crop.is_some() == other.crop.is_some()
            && self.rotation.is_some() == other.rotation.is_some()
            && self.opacity.is_some() == other.opacity.is_some()
            && other.is_gradual()
    }

    fn change(&self, item: &mut Item) {
        let Self {
            rect,
            fit,
            crop,
            rotation,
            opacity,
            visible,
            locked,
        } = self;
        set(&mut item.rect, rect);
        set(&mut item.fit, fit);
        set(&mut item.crop, crop);
        set(&mut item.rotation, rotation);
        set(&mut item.opacity, opacity);
        set(&mut item.visible, visible);
        set(&mut item.locked, locked);
    }
}

fn set<T: Copy>(place: &mut T, value: &Option<T>) {
    if let Some(value) = value {
        *place = *value;
    }
}

fn checked(name: &str) -> Result<String, EditError> {
    let name = name.trim();
    if (1..=100).contains(&name.chars().count()) {
        Ok(name.to_owned())
    } else {
        Err(EditError::Name)
    }
}

fn position(doc: &Collection, id: &SceneId) -> Result<usize, EditError> {
    doc.scenes
        .iter()
        .position(|s| s.id == *id)
        .ok_or_else(|| EditError::Missing {
            what: "scene",
            id: id.as_str().to_owned(),
        })
}

fn scene<'a>(doc: &'a mut Collection, id: &SceneId) -> Result<&'a mut Scene, EditError> {
    let at = position(doc, id)?;
    Ok(&mut doc.scenes[at])
}

fn source<'a>(doc: &'a mut Collection, id: &SourceId) -> Result<&'a mut Source, EditError> {
    doc.sources
        .iter_mut()
        .find(|s| s.id == *id)
        .ok_or_else(|| EditError::Missing {
            what: "source",
            id: id.as_str().to_owned(),
        })
}

fn item<'a>(doc: &'a mut Collection, of: &SceneId, id: &ItemId) -> Result<&'a mut Item, EditError> {
    scene(doc, of)?
        .items
        .iter_mut()
        .find(|i| i.id == *id)
        .ok_or_else(|| EditError::Missing {
            what: "item",
            id: id.as_str().to_owned(),
        })
}

fn remove_scene(doc: &mut Collection, id: &SceneId) -> Result<(), EditError> {
    let at = position(doc, id)?;
    if doc.scenes.len() == 1 {
        return Err(EditError::LastScene);
    }
    doc.scenes.remove(at);
    if doc.current == *id {
        doc.current = doc.scenes[at.min(doc.scenes.len() - 1)].id.clone();
    }
    drop_unused(doc);
    Ok(())
}

fn drop_unused(doc: &mut Collection) {
    let scenes = &doc.scenes;
    let used = |id: &SourceId| {
        scenes
            .iter()
            .any(|s| s.items.iter().any(|i| i.source == *id))
    };
    doc.sources.retain(|s| used(&s.id));
}

#[cfg(test)]
mod tests;
