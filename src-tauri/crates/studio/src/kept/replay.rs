//! The replay on air: the last seconds as a source on top of the scene, which leaves when it has played.

use std::path::Path;

use api::{Code, Problem};
use program::State;
use scene::{Edit, Fit, Item, ItemId, Playing, Rect, SceneId, Source, SourceId, SourceKind};

use crate::studio::{Shared, random_text, sentence};

/// What the identity of a replay on air begins with, as a source and as an item.
const ON_AIR: &str = "replay-on-air-";

/// A file whose end is so near has played.
const END: std::time::Duration = std::time::Duration::from_millis(250);

impl Shared {
    /// Puts a clip on top of the scene that is on the program, in place of a replay that is there.
    pub(super) fn put_on_air(&self, clip: &Path) -> Result<(), Problem> {
        let before = self.replays();
        let id = format!("{ON_AIR}{}", random_text(4));
        let path = clip.display().to_string();
        self.change(|history| {
            let now = history.now();
            let add = Edit::AddSource {
                scene: now.current.clone(),
                source: replay(&id, path),
                item: item(&id, now.canvas.width, now.canvas.height),
            };
            let mut edits: Vec<Edit> = before.into_iter().flat_map(removal).collect();
            edits.push(add);
            apply(history, "Replay on air", edits)
        })
    }

    /// Takes replays off that have played, or cannot.
    pub(crate) fn tend_replays(&self) {
        let replays = self.replays();
        if replays.is_empty() {
            return;
        }
        let now = self.clock.now();
        let statuses = self.program.statuses();
        let over = |(_, item): &(SceneId, ItemId)| {
            let of = statuses.iter().find(|(id, _)| id.as_str() == item.as_str());
            of.is_some_and(|(_, status)| {
                let played = status.playback.as_ref().is_some_and(|playback| {
                    let at = playback.position_at(now) + END;
                    !playback.playing && playback.duration.is_some_and(|whole| at >= whole)
                });
                played || status.state == State::Failed
            })
        };
        self.take_off(replays.into_iter().filter(over).collect());
    }

    /// Takes off what the last run has left on: nobody asked for it now.
    pub(crate) fn take_off_all_replays(&self) {
        self.take_off(self.replays());
    }

    fn take_off(&self, replays: Vec<(SceneId, ItemId)>) {
        if replays.is_empty() {
            return;
        }
        let edits = replays.into_iter().flat_map(removal).collect();
        let gone = self.change(|history| apply(history, "Replay is over", edits));
        if let Err(problem) = gone {
            tracing::warn!(%problem, "a replay stays");
        }
        self.changed.notify_one();
    }

    /// The replays in the document: which scene, which item.
    fn replays(&self) -> Vec<(SceneId, ItemId)> {
        let state = self.state.lock();
        let scenes = state.history.now().scenes.iter();
        let found = scenes.flat_map(|scene| {
            let own = scene.items.iter().map(|item| &item.id);
            let own = own.filter(|id| id.as_str().starts_with(ON_AIR));
            own.map(|id| (scene.id.clone(), id.clone()))
        });
        found.collect()
    }
}

fn apply(history: &mut scene::History, label: &str, edits: Vec<Edit>) -> Result<(), Problem> {
    let step = Edit::Many {
        label: label.into(),
        edits,
        gesture: None,
    };
    history
        .apply(&step)
        .map_err(|e| Problem::new(Code::Invalid, sentence(&e.to_string())))
}

/// It leaves though somebody has locked it.
fn removal((scene, id): (SceneId, ItemId)) -> [Edit; 2] {
    let patch = scene::ItemPatch {
        locked: Some(false),
        ..scene::ItemPatch::default()
    };
    [
        Edit::SetItem {
            scene: scene.clone(),
            id: id.clone(),
            patch,
        },
        Edit::RemoveItem { scene, id },
    ]
}

fn replay(id: &str, path: String) -> Source {
    Source {
        id: SourceId::new(id),
        name: "Replay".into(),
        kind: SourceKind::Media {
            path,
            looped: false,
            playing: Playing {
                clear: true,
                ..Playing::default()
            },
        },
        audio: scene::Audio::default(),
        filters: Vec::new(),
    }
}

fn item(id: &str, width: u32, height: u32) -> Item {
    Item {
        id: ItemId::new(id),
        source: SourceId::new(id),
        rect: Rect {
            x: 0.0,
            y: 0.0,
            width: width as f32,
            height: height as f32,
        },
        fit: Fit::Contain,
        crop: scene::Crop::default(),
        rotation: 0.0,
        opacity: 1.0,
        visible: true,
        locked: false,
        flip_h: false,
        flip_v: false,
        blend: scene::Blend::Normal,
        filters: Vec::new(),
    }
}
