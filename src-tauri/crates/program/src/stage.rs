//! What is on: the document together with the running sources it names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use media::{Clock, Timestamp};
use scene::{Collection, SourceId};

use crate::source::{self, Source};

/// The document and its running sources; swapped whole whenever either changes.
pub(crate) struct Stage {
    pub(crate) collection: Arc<Collection>,
    pub(crate) sources: BTreeMap<SourceId, Arc<dyn Source>>,
    /// Sources with a picture that the scene on the program shows.
    pub(crate) visible: BTreeSet<SourceId>,
    /// Sources with sound that the scene on the program lets hear.
    pub(crate) audible: BTreeSet<SourceId>,
}

impl Stage {
    /// The stage for a document. Sources that stay as they were go on running; changed ones begin
    /// anew; those that are gone end when the last thread lets go of the stage before.
    pub(crate) fn set(
        before: Option<&Self>,
        collection: Arc<Collection>,
        folder: &Path,
        clock: Clock,
    ) -> Self {
        let sources = collection
            .sources
            .iter()
            .map(|wanted| {
                let same = before
                    .filter(|b| b.collection.canvas == collection.canvas)
                    .and_then(|stage| {
                        let earlier = stage.collection.source(&wanted.id)?;
                        let same = earlier.kind == wanted.kind && earlier.name == wanted.name;
                        stage.sources.get(&wanted.id).filter(|_| same).cloned()
                    });
                let running =
                    same.unwrap_or_else(|| source::open(wanted, collection.canvas, folder, clock));
                (wanted.id.clone(), running)
            })
            .collect();
        let shown: Vec<&scene::Source> = collection
            .current_scene()
            .map(|scene| {
                let visible = scene.items.iter().filter(|item| item.visible);
                visible
                    .filter_map(|item| collection.source(&item.source))
                    .collect()
            })
            .unwrap_or_default();
        let ids = |has: fn(&scene::SourceKind) -> bool| {
            let having = shown.iter().filter(|s| has(&s.kind));
            having.map(|s| s.id.clone()).collect()
        };
        Self {
            visible: ids(scene::SourceKind::has_video),
            audible: ids(scene::SourceKind::has_audio),
            sources,
            collection,
        }
    }

    /// Tells every source whether it is on the program now.
    pub(crate) fn show(&self, now: Timestamp) {
        for (id, source) in &self.sources {
            let shown = self.visible.contains(id) || self.audible.contains(id);
            source.show(shown, now);
        }
    }
}
