//! Edits of filters, of whomever they are.

use super::{Edit, EditError, item, scene, source};
use crate::{Collection, Filter, FilterId, FilterKind, FilterOwner, Transition, TransitionKind};

pub(super) fn change(doc: &mut Collection, edit: &Edit) -> Result<(), EditError> {
    match edit {
        Edit::AddFilter { owner, filter } => list(doc, owner)?.push(filter.clone()),
        Edit::SetFilter { owner, id, filter } => one(doc, owner, id)?.kind = filter.clone(),
        Edit::RenameFilter { owner, id, name } => {
            name.trim().clone_into(&mut one(doc, owner, id)?.name);
        }
        Edit::EnableFilter { owner, id, enabled } => one(doc, owner, id)?.enabled = *enabled,
        Edit::MoveFilter { owner, id, index } => {
            let filters = list(doc, owner)?;
            let at = place(filters, id)?;
            let moved = filters.remove(at);
            filters.insert((*index).min(filters.len()), moved);
        }
        Edit::RemoveFilter { owner, id } => {
            let filters = list(doc, owner)?;
            let at = place(filters, id)?;
            filters.remove(at);
        }
        Edit::PasteFilters { owner, filters } => list(doc, owner)?.extend(filters.iter().cloned()),
        _ => {}
    }
    Ok(())
}

/// Whether one only goes on moving by degrees what the other moved.
pub(super) fn goes_on(edit: &Edit, last: &Edit) -> bool {
    match (edit, last) {
        (
            Edit::SetFilter { owner, id, filter },
            Edit::SetFilter {
                owner: whose,
                id: was,
                filter: before,
            },
        ) => owner == whose && id == was && alike(filter, before),
        (Edit::SetTransition { transition }, Edit::SetTransition { transition: before }) => {
            gradual(transition, before)
        }
        (
            Edit::SetSceneTransition {
                id,
                transition: Some(transition),
            },
            Edit::SetSceneTransition {
                id: was,
                transition: Some(before),
            },
        ) => id == was && gradual(transition, before),
        _ => false,
    }
}

fn alike(a: &FilterKind, b: &FilterKind) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b)
}

fn gradual(a: &Transition, b: &Transition) -> bool {
    std::mem::discriminant::<TransitionKind>(&a.kind) == std::mem::discriminant(&b.kind)
}

fn list<'a>(
    doc: &'a mut Collection,
    owner: &FilterOwner,
) -> Result<&'a mut Vec<Filter>, EditError> {
    match owner {
        FilterOwner::Item { scene: of, id } => Ok(&mut item(doc, of, id)?.filters),
        FilterOwner::Source { id } => Ok(&mut source(doc, id)?.filters),
        FilterOwner::Scene { id } => Ok(&mut scene(doc, id)?.filters),
    }
}

fn place(filters: &[Filter], id: &FilterId) -> Result<usize, EditError> {
    let at = filters.iter().position(|f| f.id == *id);
    at.ok_or_else(|| EditError::Missing {
        what: "filter",
        id: id.as_str().to_owned(),
    })
}

fn one<'a>(
    doc: &'a mut Collection,
    owner: &FilterOwner,
    id: &FilterId,
) -> Result<&'a mut Filter, EditError> {
    let filters = list(doc, owner)?;
    let at = place(filters, id)?;
    Ok(&mut filters[at])
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Blur, ChromaKey, Fade, History, Invalid, LumaKey, SceneId};

    fn owner() -> FilterOwner {
        FilterOwner::Scene {
            id: SceneId::new("scene-1"),
        }
    }

    fn filter(id: &str, kind: FilterKind) -> Filter {
        Filter {
            id: FilterId::new(id),
            name: String::new(),
            enabled: true,
            kind,
        }
    }

    fn blur(radius: f32) -> FilterKind {
        FilterKind::Blur(Blur { radius })
    }

    fn ids(doc: &Collection) -> Vec<&str> {
        let filters = doc.scenes[0].filters.iter();
        filters.map(|f| f.id.as_str()).collect()
    }

    #[test]
    fn filters_come_move_change_and_go() {
        let id = FilterId::new;
        let mut doc = Collection::empty("Test");
        for (name, kind) in [
            ("a", blur(3.0)),
            ("b", FilterKind::ChromaKey(ChromaKey::default())),
        ] {
            let filter = filter(name, kind);
            let add = Edit::AddFilter {
                owner: owner(),
                filter,
            };
            doc = add.apply(&doc).unwrap();
        }
        let mut make = |edit: Edit| doc = edit.apply(&doc).unwrap();
        make(Edit::MoveFilter {
            owner: owner(),
            id: id("b"),
            index: 0,
        });
        make(Edit::EnableFilter {
            owner: owner(),
            id: id("b"),
            enabled: false,
        });
        make(Edit::RenameFilter {
            owner: owner(),
            id: id("a"),
            name: " Soft ".into(),
        });
        make(Edit::PasteFilters {
            owner: owner(),
            filters: vec![filter("c", FilterKind::LumaKey(LumaKey::default()))],
        });
        assert_eq!(ids(&doc), ["b", "a", "c"]);
        assert!(!doc.scenes[0].filters[0].enabled);
        assert_eq!(doc.scenes[0].filters[1].name, "Soft");
        let remove = Edit::RemoveFilter {
            owner: owner(),
            id: id("b"),
        };
        let after = remove.apply(&doc).unwrap();
        assert_eq!(ids(&after), ["a", "c"]);
        let again = remove.apply(&after).unwrap_err().to_string();
        assert!(again.contains("no filter \"b\""), "{again}");
    }

    #[test]
    fn values_out_of_range_and_identities_twice_are_refused() {
        let doc = Collection::empty("Test");
        let paste = |filters| {
            let owner = owner();
            Edit::PasteFilters { owner, filters }.apply(&doc)
        };
        let refused = paste(vec![filter("a", blur(201.0))]).unwrap_err();
        assert_eq!(refused.to_string(), "Radius is 201; it goes from 0 to 200");
        let twice = paste(vec![filter("a", blur(1.0)), filter("a", blur(1.0))]);
        assert!(matches!(
            twice,
            Err(EditError::Invalid(Invalid::Twice { what: "filter", .. }))
        ));
        let key = FilterKind::ChromaKey(ChromaKey {
            color: "green".into(),
            ..ChromaKey::default()
        });
        let said = paste(vec![filter("a", key)]).unwrap_err().to_string();
        assert!(said.contains("\"green\", which is no colour"), "{said}");
        let many = (0..33).map(|n| filter(&n.to_string(), blur(1.0)));
        assert!(paste(many.collect()).is_err());
    }

    #[test]
    fn a_drag_of_a_filter_is_one_step_and_undo_brings_back_what_was() {
        let mut doc = Collection::empty("Test");
        doc.scenes[0].filters.push(filter("a", blur(1.0)));
        let mut history = History::new(doc.clone());
        for step in 0..20_u8 {
            let edit = Edit::SetFilter {
                owner: owner(),
                id: FilterId::new("a"),
                filter: blur(f32::from(step)),
            };
            let at = Duration::from_millis(u64::from(step) * 30);
            history.apply_at(&edit, at).unwrap();
        }
        let fade = Edit::SetTransition {
            transition: Transition {
                kind: TransitionKind::Fade(Fade {}),
                duration_ms: 300,
            },
        };
        history.apply(&fade).unwrap();
        assert!(history.undo() && history.undo());
        assert_eq!(**history.now(), doc);
        assert!(!history.undo());
    }

    #[test]
    fn every_filter_and_transition_describes_what_it_takes_and_is_valid_as_it_comes() {
        for described in FilterKind::DESCRIBED
            .iter()
            .chain(TransitionKind::DESCRIBED)
        {
            assert!(!described.name.is_empty() && !described.hint.is_empty());
            let keys: std::collections::BTreeSet<_> =
                described.parameters.iter().map(|p| p.key).collect();
            assert_eq!(keys.len(), described.parameters.len(), "{}", described.kind);
        }
        assert_eq!(Transition::default().validate(), Ok(()));
        assert_eq!(blur(8.0).validate(), Ok(()));
    }
}
