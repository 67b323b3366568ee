//! What the steps of the history are called.

use super::Edit;
use crate::{Collection, ItemId};

/// Letters of a name that a step shows.
const NAME: usize = 28;

impl Edit {
    /// What this does to a document, as a step of the history: `Rename scene “Intro”`.
    pub fn label(&self, before: &Collection) -> String {
        let deed = self.deed(before);
        match self.subject(before) {
            Some(name) => format!("{deed} \u{201c}{}\u{201d}", shortened(name)),
            None => deed.to_owned(),
        }
    }

    fn deed(&self, before: &Collection) -> &str {
        match self {
            Self::Many { label, .. } => label.trim(),
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
            Self::SetAudio { id, audio }
                if before
                    .source(id)
                    .is_some_and(|s| s.audio.tracks != audio.tracks) =>
            {
                "Change sound tracks"
            }
            Self::SetAudio { .. } => "Change level",
            Self::SetMasterGain { .. } => "Change master level",
            Self::AddItem { .. } => "Add item",
            Self::SetItem { scene, id, patch } => {
                let items = before.scene(scene).map_or(&[][..], |s| &s.items);
                patch.label(items.iter().find(|i| i.id == *id))
            }
            Self::MoveItem { .. } => "Change order",
            Self::RemoveItem { .. } => "Remove item",
            Self::Group { .. } => "Group items",
            Self::Ungroup { .. } => "Ungroup items",
            Self::FitGroup { .. } => "Fit group",
            Self::Paste { .. } => "Paste items",
            Self::AddFilter { .. } => "Add filter",
            Self::SetFilter { .. } => "Change filter",
            Self::RenameFilter { .. } => "Rename filter",
            Self::EnableFilter { enabled: true, .. } => "Apply filter",
            Self::EnableFilter { .. } => "Bypass filter",
            Self::MoveFilter { .. } => "Move filter",
            Self::RemoveFilter { .. } => "Remove filter",
            Self::PasteFilters { .. } => "Paste filters",
            Self::SetTransition { .. } | Self::SetSceneTransition { .. } => "Change transition",
        }
    }

    /// What people call the thing that this is about, where it is one thing with a name.
    fn subject<'a>(&'a self, before: &'a Collection) -> Option<&'a str> {
        let scene = |id| before.scene(id).map(|s| s.name.as_str());
        let source = |id| before.source(id).map(|s| s.name.as_str());
        let item = |scene, id: &ItemId| {
            let mut items = before.scene(scene)?.items.iter();
            source(&items.find(|i| i.id == *id)?.source)
        };
        match self {
            Self::AddScene { name, .. } | Self::Group { name, .. } => Some(name),
            Self::RenameScene { id, .. }
            | Self::DuplicateScene { id, .. }
            | Self::MoveScene { id, .. }
            | Self::RemoveScene { id }
            | Self::SwitchScene { id }
            | Self::SetSceneTransition { id, .. } => scene(id),
            Self::AddSource { source, .. } => Some(&source.name),
            Self::RenameSource { id, .. }
            | Self::SetSource { id, .. }
            | Self::SetAudio { id, .. } => source(id),
            Self::AddItem { item, .. } => source(&item.source),
            Self::SetItem { scene, id, .. }
            | Self::MoveItem { scene, id, .. }
            | Self::RemoveItem { scene, id }
            | Self::Ungroup { scene, item: id } => item(scene, id),
            Self::Many { edits, .. } => match edits.as_slice() {
                [one] => one.subject(before),
                _ => None,
            },
            _ => None,
        }
    }
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= NAME {
        return name.to_owned();
    }
    let kept: String = name.chars().take(NAME - 1).collect();
    format!("{}\u{2026}", kept.trim_end())
}
