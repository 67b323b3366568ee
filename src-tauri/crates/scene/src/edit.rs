//! All that can be done to a document.

mod filters;
mod group;
mod label;
mod lock;
mod patch;
mod structure;
mod transform;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub use patch::ItemPatch;

use crate::{
    Audio, Canvas, Collection, Filter, FilterId, FilterKind, FilterOwner, Invalid, Item, ItemId,
    Scene, SceneId, Source, SourceId, SourceKind, Transition,
};

/// One change to a [`Collection`]. New things bring their identity with them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(tag = "edit", rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "one is alive at a time, and a box would show in every caller"
)]
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
    /// Copies a scene with its items, right behind it. Its groups are copied with it, under
    /// identities made of the copy's.
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
    /// Deletes a scene, and the items of other scenes that show it; the last one stays.
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
    /// Changes an item; what is absent stays as it is. One that is locked stays where it is, unless the
    /// lock is named, too.
    SetItem {
        /// The scene.
        scene: SceneId,
        /// Which.
        id: ItemId,
        /// What changes.
        patch: ItemPatch,
    },
    /// Moves an item in the order; one that is locked stays.
    MoveItem {
        /// The scene.
        scene: SceneId,
        /// Which.
        id: ItemId,
        /// Its new place, 0 is the bottom.
        index: usize,
    },
    /// Removes an item, and its source when nothing else shows it; one that is locked stays.
    RemoveItem {
        /// The scene.
        scene: SceneId,
        /// Which.
        id: ItemId,
    },
    /// Makes one thing of several items, none of them locked: they move into a group, which stands
    /// where the topmost of them stood.
    Group {
        /// The scene they are in.
        scene: SceneId,
        /// Which, in any order.
        items: Vec<ItemId>,
        /// The identity of the scene that the group is.
        group: SceneId,
        /// The identity of the item that shows the group.
        item: ItemId,
        /// The identity of the source that the item shows.
        source: SourceId,
        /// What people call the group.
        name: String,
    },
    /// Puts a group's items back in the place of the item that shows it, unless that is locked. Size,
    /// rotation, flips, opacity and filters of colour go on to each of them; what would be skewed keeps
    /// its middle and its sides. What is of the whole (crop, blend mode, other filters) goes with the group.
    Ungroup {
        /// The scene.
        scene: SceneId,
        /// The item that shows the group.
        item: ItemId,
    },
    /// Makes a group as large as what is in it; nothing is seen to move. Belongs to the step before
    /// it, when that one changed the group.
    FitGroup {
        /// The group.
        group: SceneId,
    },
    /// Puts items on top of a scene, with the sources and scenes that they need.
    Paste {
        /// The scene.
        scene: SceneId,
        /// What is put there.
        fragment: Fragment,
    },
    /// Adds a filter at the end of a list.
    AddFilter {
        /// Whose.
        owner: FilterOwner,
        /// The filter.
        filter: Filter,
    },
    /// Changes what a filter does.
    SetFilter {
        /// Whose.
        owner: FilterOwner,
        /// Which.
        id: FilterId,
        /// The new settings.
        filter: FilterKind,
    },
    /// Names a filter; an empty name is that of its kind.
    RenameFilter {
        /// Whose.
        owner: FilterOwner,
        /// Which.
        id: FilterId,
        /// The new name, up to 100 characters.
        name: String,
    },
    /// Lets a filter be applied, or bypasses it.
    EnableFilter {
        /// Whose.
        owner: FilterOwner,
        /// Which.
        id: FilterId,
        /// Applied.
        enabled: bool,
    },
    /// Moves a filter in its list.
    MoveFilter {
        /// Whose.
        owner: FilterOwner,
        /// Which.
        id: FilterId,
        /// Its new place, 0 is the first.
        index: usize,
    },
    /// Removes a filter.
    RemoveFilter {
        /// Whose.
        owner: FilterOwner,
        /// Which.
        id: FilterId,
    },
    /// Adds copied filters at the end of a list.
    PasteFilters {
        /// Whose.
        owner: FilterOwner,
        /// The filters, with identities that are new in the list.
        filters: Vec<Filter>,
    },
    /// Sets how scenes take each other's place.
    SetTransition {
        /// The new transition.
        transition: Transition,
    },
    /// Sets how one scene comes to the program.
    SetSceneTransition {
        /// Which.
        id: SceneId,
        /// The new transition; absent, it comes as the others.
        #[serde(default)]
        transition: Option<Transition>,
    },
    /// Several edits as one step: all of them are made, or none.
    Many {
        /// What people call the step: "Align left".
        label: String,
        /// The edits, in their order; at least one.
        edits: Vec<Edit>,
        /// Which drag this belongs to. What follows with the same one and the same label goes on
        /// with this step, however long the hand rests in between.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        gesture: Option<String>,
    },
}

/// A part of a document that can be put anywhere. Of what the document knows already by its
/// identity, it keeps its own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Fragment {
    /// Items, bottom first, with identities that are new in the scene.
    pub items: Vec<Item>,
    /// The sources that they show, and those in the scenes below.
    #[serde(default)]
    pub sources: Vec<Source>,
    /// The scenes and groups that these sources show.
    #[serde(default)]
    pub scenes: Vec<Scene>,
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
    /// It needs items, and has none.
    #[error("choose at least one item first")]
    NoItems,
    /// It has no edits in it.
    #[error("\"{label}\" would change nothing")]
    Nothing {
        /// What people call the step.
        label: String,
    },
    /// It would move or remove an item that is locked.
    #[error("\"{name}\" is locked; unlock it first")]
    Locked {
        /// What people call it.
        name: String,
    },
    /// It needs a group, and was given something else.
    #[error("\"{name}\" is no group")]
    NotGroup {
        /// What people call it.
        name: String,
    },
    /// It needs a scene of the list, and was given a group.
    #[error("\"{name}\" is a group, and no scene of its own; take it apart or copy it instead")]
    IsGroup {
        /// What people call it.
        name: String,
    },
    /// The result would not hold together.
    #[error(transparent)]
    Invalid(#[from] Invalid),
}

impl Edit {
    /// Whether this only goes on changing the value that `last` changed, as a drag does.
    pub(crate) fn goes_on(&self, last: &Self) -> bool {
        match (self, last) {
            (Self::SetAudio { id, audio }, Self::SetAudio { id: of, audio: was }) => {
                id == of
                    && audio.muted == was.muted
                    && audio.tracks == was.tracks
                    && (audio.pan == was.pan || audio.gain_db == was.gain_db)
            }
            (Self::SetMasterGain { .. }, Self::SetMasterGain { .. }) => true,
            (Self::SetFilter { .. }, Self::SetFilter { .. })
            | (Self::SetTransition { .. }, Self::SetTransition { .. })
            | (Self::SetSceneTransition { .. }, Self::SetSceneTransition { .. }) => {
                filters::goes_on(self, last)
            }
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
            (
                Self::Many {
                    label,
                    edits,
                    gesture,
                },
                Self::Many {
                    label: before,
                    edits: earlier,
                    gesture: of,
                },
            ) => {
                label == before
                    && gesture == of
                    && (gesture.is_some() || goes_on_each(edits, earlier))
            }
            _ => false,
        }
    }

    /// Whether this belongs to the step of `last`, whenever it comes.
    pub(crate) fn belongs_to(&self, last: &Self) -> bool {
        match self {
            Self::Many {
                gesture: Some(_), ..
            } => self.goes_on(last),
            Self::FitGroup { group } => last.is_within(group),
            _ => false,
        }
    }

    /// Whether this changes the items of a scene.
    fn is_within(&self, scene: &SceneId) -> bool {
        match self {
            Self::AddSource { scene: of, .. }
            | Self::AddItem { scene: of, .. }
            | Self::SetItem { scene: of, .. }
            | Self::RemoveItem { scene: of, .. }
            | Self::Group { scene: of, .. }
            | Self::Ungroup { scene: of, .. }
            | Self::Paste { scene: of, .. } => of == scene,
            Self::Many { edits, .. } => edits.iter().any(|edit| edit.is_within(scene)),
            _ => false,
        }
    }

    /// Whether this switches scenes and nothing else, which is no step: nobody wants undo to change
    /// what is on air.
    pub(crate) fn only_switches(&self) -> bool {
        match self {
            Self::SwitchScene { .. } => true,
            Self::Many { edits, .. } => edits.iter().all(Self::only_switches),
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
        if self.may_leave_unused() {
            structure::drop_unused(&mut after);
        }
        // Numbers and places count the listed scenes alone.
        after.scenes.sort_by_key(|scene| scene.group.is_some());
        after.validate()?;
        Ok(after)
    }

    fn may_leave_unused(&self) -> bool {
        match self {
            Self::RemoveScene { .. }
            | Self::SetSource { .. }
            | Self::RemoveItem { .. }
            | Self::Group { .. }
            | Self::Ungroup { .. }
            | Self::Paste { .. } => true,
            Self::Many { edits, .. } => edits.iter().any(Self::may_leave_unused),
            _ => false,
        }
    }

    fn change(&self, doc: &mut Collection) -> Result<(), EditError> {
        lock::allows(self, doc)?;
        match self {
            Self::Rename { name } => doc.name = checked(name)?,
            Self::SetCanvas { canvas } => doc.canvas = *canvas,
            Self::AddScene { id, name } => doc.scenes.push(Scene {
                id: id.clone(),
                name: checked(name)?,
                items: Vec::new(),
                group: None,
                filters: Vec::new(),
                transition: None,
            }),
            Self::RenameScene { id, name } => structure::rename_scene(doc, id, checked(name)?)?,
            Self::DuplicateScene { id, copy, name } => {
                structure::duplicate_scene(doc, id, copy, checked(name)?)?;
            }
            Self::MoveScene { id, index } => {
                let at = listed(doc, id)?;
                let moved = doc.scenes.remove(at);
                doc.scenes.insert((*index).min(doc.scenes.len()), moved);
            }
            Self::RemoveScene { id } => structure::remove_scene(doc, id)?,
            Self::SwitchScene { id } => {
                listed(doc, id)?;
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
            Self::RenameSource { id, name } => structure::rename_source(doc, id, checked(name)?)?,
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
            }
            Self::Group {
                scene,
                items,
                group,
                item,
                source,
                name,
            } => {
                let shell = group::Shell {
                    group,
                    item,
                    source,
                    name: checked(name)?,
                };
                group::group(doc, scene, items, shell)?;
            }
            Self::Ungroup { scene, item } => group::ungroup(doc, scene, item)?,
            Self::FitGroup { group } => group::fit(doc, group)?,
            Self::Paste { scene, fragment } => structure::paste(doc, scene, fragment)?,
            Self::AddFilter { .. }
            | Self::SetFilter { .. }
            | Self::RenameFilter { .. }
            | Self::EnableFilter { .. }
            | Self::MoveFilter { .. }
            | Self::RemoveFilter { .. }
            | Self::PasteFilters { .. } => filters::change(doc, self)?,
            Self::SetTransition { transition } => doc.transition = transition.clone(),
            Self::SetSceneTransition { id, transition } => {
                let at = listed(doc, id)?;
                doc.scenes[at].transition.clone_from(transition);
            }
            Self::Many { label, edits, .. } => {
                let label = checked(label)?;
                if edits.is_empty() {
                    return Err(EditError::Nothing { label });
                }
                for edit in edits {
                    edit.change(doc)?;
                }
            }
        }
        Ok(())
    }
}

fn goes_on_each(edits: &[Edit], earlier: &[Edit]) -> bool {
    edits.len() == earlier.len()
        && edits
            .iter()
            .zip(earlier)
            .all(|(edit, before)| edit.goes_on(before))
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

/// The place of a scene that is no group.
fn listed(doc: &Collection, id: &SceneId) -> Result<usize, EditError> {
    let at = position(doc, id)?;
    let scene = &doc.scenes[at];
    if scene.group.is_some() {
        return Err(EditError::IsGroup {
            name: scene.name.clone(),
        });
    }
    Ok(at)
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

#[cfg(test)]
mod tests;
