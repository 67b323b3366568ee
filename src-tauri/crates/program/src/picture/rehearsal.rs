//! One transition outside of a program, at times of the caller's: for pictures of it that are looked at.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use media::{Clock, Frame, Hub, Timestamp};
use render::{Compositor, Files, Frames};
use scene::{Collection, SceneId};

use super::{over_of, shown};
use crate::source::{Ground, SwitchTo};
use crate::stage::{Desk, Looking, Stage, Switch};

/// Longer than any file takes to be read.
const PATIENCE: Duration = Duration::from_secs(20);

/// A transition on its way that nothing ticks. What plays over it is a moving picture or nothing: a film goes by the
/// clock.
pub struct Rehearsal {
    stage: Stage,
    began: Timestamp,
}

impl Rehearsal {
    /// Begins the transition that brings a scene of a document to the program. Relative paths start at
    /// `folder`. Unlike a program this waits until what plays over it is read, for at most twenty seconds.
    pub fn begin(collection: &Collection, to: &SceneId, folder: &Path, clock: Clock) -> Self {
        let (feeds, switch) = (Arc::default(), SwitchTo::default());
        let ground = Ground {
            folder,
            hub: &Hub::new(1),
            clock,
            feeds: &feeds,
            switch: &switch,
        };
        let set = |before: Option<&Stage>, document: Collection| {
            let how = match before {
                Some(_) => Switch::Transition,
                None => Switch::AtOnce,
            };
            Stage::set(before, Arc::new(document), Desk::default(), how, ground)
        };
        let before = set(None, collection.clone());
        let until = clock.now() + PATIENCE;
        while !before.stingers_are_read() && clock.now() < until {
            std::thread::yield_now();
        }
        let after = Collection {
            current: to.clone(),
            ..collection.clone()
        };
        let stage = set(Some(&before), after);
        let began = stage
            .passage
            .as_ref()
            .map_or_else(|| clock.now(), |passage| passage.began());
        stage.show(began, Looking::default());
        Self { stage, began }
    }

    /// What is wrong with what plays over it, for people.
    pub fn problems(&self) -> Vec<String> {
        self.stage.stinger_problems().collect()
    }

    /// The picture that is due so long `after` the transition began; `None` where there is no scene. What its sources
    /// show is given.
    ///
    /// # Errors
    /// As [`Compositor::compose`].
    pub fn compose(
        &self,
        compositor: &mut Compositor,
        (frames, files): (&Frames, &Files),
        after: Duration,
    ) -> Result<Option<Frame>, render::Error> {
        let at = self.began + after;
        let place = over_of(&self.stage, at);
        let stinger = self.stage.over(at);
        let over = place.as_ref().zip(stinger.as_ref());
        shown(&self.stage, at, (frames, files), over)
            .map(|show| compositor.compose(&show, at))
            .transpose()
    }
}
