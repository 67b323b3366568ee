//! What a lock holds: where an item is, and that it is.
//!
//! How it looks is not held, and the lock itself can always be taken off. A scene goes with all that is in it,
//! and undo goes anywhere: neither is done to an item by accident.

use super::{Edit, EditError};
use crate::{Collection, Item, ItemId, SceneId};

/// Refuses one edit, not those within it, that would move or remove an item that is locked.
pub(super) fn allows(edit: &Edit, doc: &Collection) -> Result<(), EditError> {
    let locked = |scene: &SceneId, id: &ItemId| -> Option<(usize, &Item)> {
        let mut items = doc.scene(scene)?.items.iter().enumerate();
        items.find(|(_, item)| item.id == *id && item.locked)
    };
    let held = match edit {
        // Whoever names the lock means it.
        Edit::SetItem { scene, id, patch } if patch.locked.is_none() => {
            locked(scene, id).filter(|(_, item)| patch.moves(item))
        }
        Edit::MoveItem { scene, id, index } => locked(scene, id).filter(|(at, _)| {
            let last = doc.scene(scene).map_or(0, |s| s.items.len() - 1);
            (*index).min(last) != *at
        }),
        Edit::RemoveItem { scene, id } | Edit::Ungroup { scene, item: id } => locked(scene, id),
        Edit::Group { scene, items, .. } => items.iter().find_map(|id| locked(scene, id)),
        _ => None,
    };
    let Some((_, item)) = held else {
        return Ok(());
    };
    let name = doc.source(&item.source).map(|source| source.name.as_str());
    Err(EditError::Locked {
        name: name.unwrap_or(item.id.as_str()).to_owned(),
    })
}

#[cfg(test)]
mod tests;
