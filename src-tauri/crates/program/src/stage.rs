//! What is on: the document together with the running sources it names, and the way from one scene to
//! the next.

mod passage;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use media::{Frame, Timestamp};
use scene::{Collection, Scene, SceneId, SourceId, SourceKind};

use crate::source::{self, Ground, Showing, Source, Stinger};

pub(crate) use passage::{From, Passage};

/// The document and its running sources; swapped whole whenever either changes.
pub(crate) struct Stage {
    pub(crate) collection: Arc<Collection>,
    pub(crate) sources: BTreeMap<SourceId, Arc<dyn Source>>,
    /// What the scene on the program shows and lets hear, also through scenes in it.
    pub(crate) cast: Cast,
    /// The transition that brought it, as long as that may still be seen.
    pub(crate) passage: Option<Passage>,
    pub(crate) desk: Desk,
    /// What plays over the cuts of the document's transitions, by its path.
    stingers: BTreeMap<String, Arc<Stinger>>,
    /// What the scene on the preview shows.
    preparing: Cast,
    /// What any scene shows.
    all: Cast,
    /// Transitions that were cut short so far.
    cuts: u64,
}

/// What people set beside the document: studio mode.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Desk {
    /// The scene on the preview; none outside of studio mode.
    pub(crate) preview: Option<SceneId>,
    /// How far a hand holds the transition from the program to the preview, 0 to 1.
    pub(crate) hand: Option<f32>,
}

/// Sources that are seen or heard.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Cast {
    pub(crate) visible: BTreeSet<SourceId>,
    pub(crate) audible: BTreeSet<SourceId>,
}

/// Who looks at what beside the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Looking {
    pub(crate) preview: bool,
    pub(crate) scenes: bool,
}

/// How one document follows another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Switch {
    /// As the document says.
    Transition,
    /// The new scene is there already.
    AtOnce,
}

impl Cast {
    fn of(collection: &Collection, scene: &SceneId) -> Self {
        let reached = collection.reached(scene);
        let ids = |has: fn(&SourceKind) -> bool| {
            let having = reached.iter().filter(|s| has(&s.kind));
            having.map(|s| s.id.clone()).collect()
        };
        Self {
            visible: ids(SourceKind::has_video),
            audible: ids(SourceKind::has_audio),
        }
    }

    fn whole(collection: &Collection) -> Self {
        let ids = |has: fn(&SourceKind) -> bool| {
            let having = collection.sources.iter().filter(|s| has(&s.kind));
            having.map(|s| s.id.clone()).collect()
        };
        Self {
            visible: ids(SourceKind::has_video),
            audible: ids(SourceKind::has_audio),
        }
    }
}

impl Stage {
    /// The stage for a document. Sources that stay as they were go on running; changed ones begin
    /// anew; those that are gone end when the last thread lets go of the stage before. Another scene
    /// on the program begins a transition.
    pub(crate) fn set(
        before: Option<&Self>,
        collection: Arc<Collection>,
        desk: Desk,
        switch: Switch,
        ground: Ground<'_>,
    ) -> Self {
        let sources = collection
            .sources
            .iter()
            .map(|wanted| {
                let same = before
                    .filter(|b| b.collection.canvas == collection.canvas)
                    .and_then(|stage| {
                        let earlier = stage.collection.source(&wanted.id)?;
                        let running = stage.sources.get(&wanted.id)?;
                        let same = earlier.kind == wanted.kind && earlier.name == wanted.name;
                        let goes_on = same || running.set(&wanted.name, &wanted.kind);
                        goes_on.then(|| Arc::clone(running))
                    });
                let running =
                    same.unwrap_or_else(|| source::open(wanted, collection.canvas, ground));
                (wanted.id.clone(), running)
            })
            .collect();
        let cast = Cast::of(&collection, &collection.current);
        let stingers = stingers(before, &collection, ground);
        let preparing = desk.preview.as_ref();
        let preparing = preparing.map_or_else(Cast::default, |id| Cast::of(&collection, id));
        let mut stage = Self {
            sources,
            cast,
            passage: None,
            stingers,
            preparing,
            all: Cast::whole(&collection),
            collection,
            desk,
            cuts: before.map_or(0, |before| before.cuts),
        };
        if let Some(before) = before {
            stage.follow(before, switch, ground);
        }
        stage
    }

    /// The transition that goes on or begins.
    fn follow(&mut self, before: &Self, switch: Switch, ground: Ground<'_>) {
        let now = ground.clock.now();
        let running = before.passage.as_ref().filter(|p| p.runs(now));
        let (was, is) = (&before.collection.current, &self.collection.current);
        if switch == Switch::AtOnce {
            return;
        }
        if was == is {
            self.passage = running.cloned();
            return;
        }
        let transition = self.collection.transition_to(is).clone();
        let stinger = transition.film().and_then(|path| self.stingers.get(path));
        let stinger = stinger.cloned();
        if let (Some(before), Some(after)) = (running.and_then(|p| p.stinger.as_ref()), &stinger)
            && Arc::ptr_eq(before, after)
        {
            after.again(now);
        }
        self.passage = match running {
            // Back to where it came from, from where it is.
            Some(passage) if matches!(&passage.from, From::Scene(id) if id == is) => {
                passage.back(before.cast.clone(), was.clone(), now)
            }
            Some(_) => {
                self.cuts += 1;
                let from = From::Still(self.cuts);
                Passage::begin(from, before.cast.clone(), transition, stinger, now)
            }
            None => {
                let from = From::Scene(was.clone());
                Passage::begin(from, before.cast.clone(), transition, stinger, now)
            }
        };
    }

    /// The transition as it is to be seen at a time.
    pub(crate) fn running(&self, now: Timestamp) -> Option<&Passage> {
        self.passage.as_ref().filter(|passage| passage.runs(now))
    }

    /// The picture that lies over the transition at a time.
    pub(crate) fn over(&self, now: Timestamp) -> Option<Frame> {
        self.running(now)?.stinger.as_ref()?.picture(now)
    }

    /// The scene that is to be seen at a time, and how far a hand has brought it in from the program's.
    pub(crate) fn scene(&self) -> Option<(&Scene, Option<f32>)> {
        if let (Some(preview), Some(far)) = (&self.desk.preview, self.desk.hand)
            && far > 0.0
            && *preview != self.collection.current
            && let Some(scene) = self.collection.scene(preview)
        {
            return Some((scene, Some(far)));
        }
        Some((self.collection.current_scene()?, None))
    }

    /// Whether the scene on the program shows a source.
    pub(crate) fn casts(&self, id: &SourceId) -> bool {
        self.cast.visible.contains(id)
    }

    fn by_hand(&self) -> bool {
        self.desk.hand.is_some_and(|far| far > 0.0)
    }

    /// Whether a source's picture is needed.
    pub(crate) fn sees(&self, id: &SourceId, now: Timestamp, looking: Looking) -> bool {
        self.shows(id, now)
            || (looking.preview && self.preparing.visible.contains(id))
            || (looking.scenes && self.all.visible.contains(id))
    }

    /// Whether a source's picture is seen on the program.
    fn shows(&self, id: &SourceId, now: Timestamp) -> bool {
        self.cast.visible.contains(id)
            || self
                .running(now)
                .is_some_and(|passage| passage.leaving.visible.contains(id))
            || (self.by_hand() && self.preparing.visible.contains(id))
    }

    /// Where a source is seen or heard.
    fn showing(&self, id: &SourceId, now: Timestamp, looking: Looking) -> Showing {
        if self.shows(id, now) || self.audible(now).any(|other| other == id) {
            Showing::Program
        } else if self.sees(id, now, looking) {
            Showing::Beside
        } else {
            Showing::Hidden
        }
    }

    /// How loud a source is: 0 is not heard, 1 as its strip says. The sum of both sides of a transition
    /// has the same power all the way.
    pub(crate) fn loudness(&self, id: &SourceId, now: Timestamp) -> f32 {
        let quarter = std::f32::consts::FRAC_PI_2;
        let heard = self.cast.audible.contains(id);
        let (leaving, coming, far) =
            if let (Some(far), Some(_)) = (self.desk.hand, &self.desk.preview) {
                (heard, self.preparing.audible.contains(id), far)
            } else if let Some(passage) = self.running(now) {
                (
                    passage.leaving.audible.contains(id),
                    heard,
                    passage.heard(now),
                )
            } else {
                return if heard { 1.0 } else { 0.0 };
            };
        match (leaving, coming) {
            (true, true) => 1.0,
            (true, false) => (far * quarter).cos().max(0.0),
            (false, true) => (far * quarter).sin(),
            (false, false) => 0.0,
        }
    }

    /// The sources that may be heard, each once.
    pub(crate) fn audible(&self, now: Timestamp) -> impl Iterator<Item = &SourceId> {
        let leaving = self.running(now).map(|passage| &passage.leaving.audible);
        let preparing = self.by_hand().then_some(&self.preparing.audible);
        let more = leaving.into_iter().chain(preparing).flatten();
        let more = more.filter(|id| !self.cast.audible.contains(*id));
        self.cast.audible.iter().chain(more)
    }

    /// Tells every source where it is shown now.
    pub(crate) fn show(&self, now: Timestamp, looking: Looking) {
        for (id, source) in &self.sources {
            source.show(self.showing(id, now, looking), now);
        }
        let playing = self.running(now).and_then(|p| p.stinger.as_ref());
        for stinger in self.stingers.values() {
            let plays = playing.is_some_and(|one| Arc::ptr_eq(one, stinger));
            stinger.play(plays, now);
        }
        // One that the document has forgotten meanwhile plays to its end.
        if let Some(stinger) = self.passage.as_ref().and_then(|p| p.stinger.as_ref()) {
            stinger.play(playing.is_some(), now);
        }
    }

    /// Tells every source that nobody sees or hears it.
    pub(crate) fn rest(&self, now: Timestamp) {
        for source in self.sources.values() {
            source.show(Showing::Hidden, now);
        }
        for stinger in self.stingers.values() {
            stinger.play(false, now);
        }
    }

    /// Whether no stinger is still being read.
    pub(crate) fn stingers_are_read(&self) -> bool {
        self.stingers.values().all(|one| one.is_read())
    }

    /// Stingers that do not play, for people.
    pub(crate) fn stinger_problems(&self) -> impl Iterator<Item = String> {
        self.stingers.values().filter_map(|one| one.problem())
    }
}

/// What plays over the cuts of a document; what was open already stays so.
fn stingers(
    before: Option<&Stage>,
    collection: &Collection,
    ground: Ground<'_>,
) -> BTreeMap<String, Arc<Stinger>> {
    let own = collection
        .scenes
        .iter()
        .filter_map(|s| s.transition.as_ref());
    let films = own.chain([&collection.transition]).filter_map(|t| t.film());
    films
        .map(|path| {
            let open = before.and_then(|stage| stage.stingers.get(path));
            let stinger = open
                .cloned()
                .unwrap_or_else(|| Arc::new(Stinger::open(path, ground.folder, ground.clock)));
            (path.to_owned(), stinger)
        })
        .collect()
}

#[cfg(test)]
mod tests;
