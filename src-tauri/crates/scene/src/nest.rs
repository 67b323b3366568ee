//! Scenes in scenes: what a scene reaches through them, and that none reaches itself.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Collection, Invalid, Scene, SceneId, Source, SourceKind};

/// How deep scenes may stand in each other.
pub const MAX_DEPTH: usize = 16;

impl Collection {
    /// The scenes that people see in the list: all but the groups.
    pub fn listed(&self) -> impl Iterator<Item = &Scene> {
        self.scenes.iter().filter(|scene| scene.group.is_none())
    }

    /// The scene that a source shows, when it shows one.
    pub fn nested(&self, source: &Source) -> Option<&Scene> {
        match &source.kind {
            SourceKind::Scene { scene } => self.scene(scene),
            _ => None,
        }
    }

    /// Pixels across and down of a scene's picture: the canvas, or a group's own size.
    pub fn size_of(&self, scene: &Scene) -> (u32, u32) {
        scene
            .group
            .map_or((self.canvas.width, self.canvas.height), |group| {
                (group.width, group.height)
            })
    }

    /// The sources that a scene shows or lets be heard, each once: those of its visible items, and
    /// of the visible items of the scenes and groups that these show.
    pub fn reached(&self, scene: &SceneId) -> Vec<&Source> {
        let mut scenes = BTreeSet::new();
        let mut sources = BTreeMap::new();
        let mut ahead: Vec<&Scene> = self.scene(scene).into_iter().collect();
        while let Some(scene) = ahead.pop() {
            if !scenes.insert(&scene.id) {
                continue;
            }
            for item in scene.items.iter().filter(|item| item.visible) {
                if let Some(source) = self.source(&item.source) {
                    sources.insert(&source.id, source);
                    ahead.extend(self.nested(source));
                }
            }
        }
        sources.into_values().collect()
    }
}

/// Whether every scene that is shown exists, and none stands in itself.
pub(crate) fn check(doc: &Collection) -> Result<(), Invalid> {
    let places: BTreeMap<&SceneId, usize> = doc
        .scenes
        .iter()
        .enumerate()
        .map(|(place, scene)| (&scene.id, place))
        .collect();
    let mut shows = BTreeMap::new();
    for source in &doc.sources {
        if let SourceKind::Scene { scene } = &source.kind {
            let place = places.get(scene).ok_or_else(|| Invalid::Nowhere {
                source_name: source.name.clone(),
            })?;
            shows.insert(&source.id, *place);
        }
    }
    if shows.is_empty() {
        return Ok(());
    }
    let inner: Vec<BTreeSet<usize>> = doc
        .scenes
        .iter()
        .map(|scene| {
            let items = scene.items.iter();
            items
                .filter_map(|item| shows.get(&item.source).copied())
                .collect()
        })
        .collect();
    let mut walk = Walk {
        doc,
        inner,
        depths: vec![None; doc.scenes.len()],
        way: Vec::new(),
    };
    for place in 0..doc.scenes.len() {
        walk.depth(place)?;
    }
    Ok(())
}

struct Walk<'a> {
    doc: &'a Collection,
    /// The scenes that each one shows.
    inner: Vec<BTreeSet<usize>>,
    /// How deep each one is, as far as that is known.
    depths: Vec<Option<usize>>,
    /// The scenes on the way to the one that is looked at.
    way: Vec<usize>,
}

impl Walk<'_> {
    /// How many scenes stand in each other from this one on. The way ends at [`MAX_DEPTH`], so that
    /// no file makes this go deeper.
    fn depth(&mut self, place: usize) -> Result<usize, Invalid> {
        if let Some(from) = self.way.iter().position(|at| *at == place) {
            let round = self.way[from..].iter().chain([&place]);
            let names: Vec<&str> = round.map(|at| self.name(*at)).collect();
            return Err(Invalid::Cycle {
                scene: self.name(place).to_owned(),
                way: names.join(" → "),
            });
        }
        let below = if let Some(depth) = self.depths[place] {
            depth
        } else if self.way.len() >= MAX_DEPTH {
            MAX_DEPTH
        } else {
            self.way.push(place);
            let mut deepest = 0;
            for inner in self.inner[place].clone() {
                deepest = deepest.max(self.depth(inner)?);
            }
            self.way.pop();
            self.depths[place] = Some(deepest + 1);
            deepest + 1
        };
        if self.way.len() + below > MAX_DEPTH {
            let outermost = self.way.first().copied().unwrap_or(place);
            return Err(Invalid::Deep {
                scene: self.name(outermost).to_owned(),
            });
        }
        Ok(below)
    }

    fn name(&self, place: usize) -> &str {
        &self.doc.scenes[place].name
    }
}

#[cfg(test)]
mod tests;
