//! Edits of the whole: scenes that come and go, and what nobody shows any more.

use std::collections::BTreeSet;

use super::{EditError, Fragment, listed, position, scene, source};
use crate::{Collection, Scene, SceneId, Source, SourceId, SourceKind};

/// Renames a scene, and the sources that show it under its name.
pub(super) fn rename_scene(
    doc: &mut Collection,
    id: &SceneId,
    name: String,
) -> Result<(), EditError> {
    let before = std::mem::replace(&mut scene(doc, id)?.name, name.clone());
    for source in &mut doc.sources {
        if shows(source, id) && source.name == before {
            source.name.clone_from(&name);
        }
    }
    Ok(())
}

/// Renames a source; a group and its source have one name.
pub(super) fn rename_source(
    doc: &mut Collection,
    id: &SourceId,
    name: String,
) -> Result<(), EditError> {
    let source = source(doc, id)?;
    source.name.clone_from(&name);
    if let SourceKind::Scene { scene: shown } = &source.kind {
        let shown = shown.clone();
        if let Some(group) = doc.scenes.iter_mut().find(|s| s.id == shown)
            && group.group.is_some()
        {
            group.name = name;
        }
    }
    Ok(())
}

pub(super) fn duplicate_scene(
    doc: &mut Collection,
    id: &SceneId,
    copy: &SceneId,
    name: String,
) -> Result<(), EditError> {
    let at = listed(doc, id)?;
    let mut twin = doc.scenes[at].clone();
    twin.id = copy.clone();
    twin.name = name;
    let mut copies = Copies {
        of: copy,
        made: 0,
        scenes: Vec::new(),
        sources: Vec::new(),
    };
    copies.part(doc, &mut twin);
    doc.sources.append(&mut copies.sources);
    doc.scenes.insert(at + 1, twin);
    doc.scenes.append(&mut copies.scenes);
    Ok(())
}

/// The groups of a scene that is copied: each belongs to one scene alone.
struct Copies<'a> {
    of: &'a SceneId,
    made: usize,
    scenes: Vec<Scene>,
    sources: Vec<Source>,
}

impl Copies<'_> {
    fn part(&mut self, doc: &Collection, copy: &mut Scene) {
        for item in &mut copy.items {
            let Some(source) = doc.source(&item.source) else {
                continue;
            };
            let Some(group) = doc.nested(source).filter(|s| s.group.is_some()) else {
                continue;
            };
            self.made += 1;
            // A document with a group in itself is never valid, but an end is better than a promise.
            if self.made > doc.scenes.len() * doc.scenes.len() {
                return;
            }
            let name = format!("{}/{}", self.of.as_str(), self.made);
            let mut twin = group.clone();
            twin.id = SceneId::new(&name);
            let mut shown = source.clone();
            shown.id = SourceId::new(&name);
            shown.kind = SourceKind::Scene {
                scene: twin.id.clone(),
            };
            item.source = shown.id.clone();
            self.sources.push(shown);
            self.part(doc, &mut twin);
            self.scenes.push(twin);
        }
    }
}

/// Removes a scene and every item that shows it.
pub(super) fn remove_scene(doc: &mut Collection, id: &SceneId) -> Result<(), EditError> {
    let at = position(doc, id)?;
    let is_listed = doc.scenes[at].group.is_none();
    if is_listed && doc.listed().nth(1).is_none() {
        return Err(EditError::LastScene);
    }
    doc.scenes.remove(at);
    if doc.current == *id {
        let others: Vec<&SceneId> = doc.listed().map(|s| &s.id).collect();
        doc.current = others[at.min(others.len() - 1)].clone();
    }
    drop_sources(doc, |source| shows(source, id));
    Ok(())
}

pub(super) fn paste(
    doc: &mut Collection,
    into: &SceneId,
    fragment: &Fragment,
) -> Result<(), EditError> {
    if fragment.items.is_empty() {
        return Err(EditError::NoItems);
    }
    position(doc, into)?;
    for scene in &fragment.scenes {
        if doc.scene(&scene.id).is_none() {
            doc.scenes.push(scene.clone());
        }
    }
    for source in &fragment.sources {
        if doc.source(&source.id).is_none() {
            doc.sources.push(source.clone());
        }
    }
    let items = fragment.items.iter().cloned();
    scene(doc, into)?.items.extend(items);
    Ok(())
}

/// Removes what is left over: sources that no item shows, and groups that are empty or not shown.
pub(super) fn drop_unused(doc: &mut Collection) {
    loop {
        let before = (doc.sources.len(), doc.scenes.len());
        let empty: BTreeSet<SceneId> = doc
            .scenes
            .iter()
            .filter(|s| s.group.is_some() && s.items.is_empty())
            .map(|s| s.id.clone())
            .collect();
        if !empty.is_empty() {
            drop_sources(doc, |source| empty.iter().any(|id| shows(source, id)));
        }
        let items = doc.scenes.iter().flat_map(|s| &s.items);
        let used: BTreeSet<SourceId> = items.map(|i| i.source.clone()).collect();
        doc.sources.retain(|s| used.contains(&s.id));
        let sources = &doc.sources;
        doc.scenes
            .retain(|scene| scene.group.is_none() || sources.iter().any(|s| shows(s, &scene.id)));
        if (doc.sources.len(), doc.scenes.len()) == before {
            return;
        }
    }
}

/// Removes sources, and the items that show them.
fn drop_sources(doc: &mut Collection, which: impl Fn(&Source) -> bool) {
    let gone: BTreeSet<SourceId> = doc
        .sources
        .iter()
        .filter(|s| which(s))
        .map(|s| s.id.clone())
        .collect();
    doc.sources.retain(|s| !gone.contains(&s.id));
    for scene in &mut doc.scenes {
        scene.items.retain(|i| !gone.contains(&i.source));
    }
}

fn shows(source: &Source, id: &SceneId) -> bool {
    matches!(&source.kind, SourceKind::Scene { scene } if scene == id)
}
