//! One source outside of a program, at times of the caller's: for pictures of it that are looked at.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use media::{Clock, Frame, Hub, Timestamp};
use scene::{Audio, Canvas, SourceId, SourceKind};

use super::{Feeds, Ground, Showing, Source, Status, SwitchTo};

/// Longer than anything takes to be read and drawn.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running source that nothing ticks.
pub struct Alone {
    source: Arc<dyn Source>,
    feeds: Arc<Feeds>,
    clock: Clock,
}

impl Alone {
    /// Opens a source. Relative paths start at `folder`.
    pub fn open(kind: &SourceKind, canvas: Canvas, folder: &Path, clock: Clock) -> Self {
        let feeds = Arc::<Feeds>::default();
        let source = scene::Source {
            id: SourceId::new("alone"),
            name: "Alone".into(),
            kind: kind.clone(),
            audio: Audio::default(),
            filters: Vec::new(),
        };
        let ground = Ground {
            folder,
            hub: &Hub::new(1),
            clock,
            feeds: &feeds,
            switch: &SwitchTo::default(),
        };
        Self {
            source: super::open(&source, canvas, ground),
            feeds,
            clock,
        }
    }

    /// Where viewers and chat are handed in.
    pub fn feeds(&self) -> &Feeds {
        &self.feeds
    }

    /// Says that a program shows it from a time on.
    pub fn show(&self, at: Timestamp) {
        self.source.show(Showing::Program, at);
    }

    /// How it does.
    pub fn status(&self) -> Status {
        self.source.status()
    }

    /// The picture that is due at a time. Unlike a program this waits for what is read or drawn beside it, for
    /// at most twenty seconds.
    pub fn picture(&self, at: Timestamp) -> Option<Frame> {
        let until = self.clock.now() + PATIENCE;
        loop {
            let before = self.source.picture(at);
            if self.source.settled() {
                return self.source.picture(at);
            }
            if self.clock.now() > until {
                return before;
            }
            std::thread::yield_now();
        }
    }
}
