//! The studio as the station's control pages see it.

use std::sync::{Arc, Weak};

use api::{Command, Event, Problem, Snapshot};
use media::Frame;
use tokio::sync::{broadcast, watch};

use crate::studio::Shared;

/// Lets the station drive the studio. It holds the studio weakly: the studio owns the station.
pub(crate) struct Controls {
    shared: Weak<Shared>,
    events: broadcast::Sender<Arc<Event>>,
    preview: watch::Receiver<Option<Frame>>,
    last: parking_lot::Mutex<Snapshot>,
}

impl Controls {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Self {
            shared: Arc::downgrade(shared),
            events: shared.events.clone(),
            preview: shared.program.preview(),
            last: parking_lot::Mutex::new(shared.snapshot()),
        }
    }
}

impl server::Control for Controls {
    fn snapshot(&self) -> Snapshot {
        // While the studio leaves, its last snapshot still answers.
        match self.shared.upgrade() {
            Some(shared) => {
                let now = shared.snapshot();
                self.last.lock().clone_from(&now);
                now
            }
            None => self.last.lock().clone(),
        }
    }

    fn apply(&self, command: Command) -> Result<(), Problem> {
        match self.shared.upgrade() {
            Some(shared) => shared.apply(command),
            None => Err(Problem::new(
                api::Code::Conflict,
                "Klieg is closing; start it again.",
            )),
        }
    }

    fn events(&self) -> broadcast::Receiver<Arc<Event>> {
        self.events.subscribe()
    }

    fn preview(&self) -> watch::Receiver<Option<Frame>> {
        self.preview.clone()
    }
}
