//! The studio as the station's control pages see it.

use std::sync::{Arc, Weak};

use api::{Command, DeviceKind, Event, Problem, Snapshot};
use media::Frame;
use scene::SourceKind;
use tokio::sync::{broadcast, watch};

use crate::devices;
use crate::studio::Shared;

/// Lets the station drive the studio. It holds the studio weakly: the studio owns the station.
pub(crate) struct Controls {
    shared: Weak<Shared>,
    events: broadcast::Sender<Arc<Event>>,
    last: parking_lot::Mutex<Snapshot>,
}

impl Controls {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Self {
            shared: Arc::downgrade(shared),
            events: shared.events.clone(),
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

    fn film_link(&self, film: i64, save_as: Option<&str>) -> Option<String> {
        self.shared.upgrade()?.storage.link(film, save_as)
    }

    fn secret(&self, name: &str) -> Option<String> {
        self.shared.upgrade()?.secrets.get(name)
    }

    fn keep_secret(&self, name: &str, secret: &str) -> Result<(), Problem> {
        let Some(shared) = self.shared.upgrade() else {
            return Err(Problem::new(api::Code::Conflict, "Klieg is closing."));
        };
        shared.secrets.set(name, secret).map_err(|error| {
            let text =
                format!("Its secret could not be kept: {error}. Free some space and try again.");
            Problem::new(api::Code::Unavailable, text)
        })
    }

    fn fonts(&self) -> Vec<String> {
        program::source::text::families().to_vec()
    }

    fn still(&self, kind: DeviceKind, device: &str) -> Result<Frame, Problem> {
        let Some(shared) = self.shared.upgrade() else {
            return Err(Problem::new(api::Code::Conflict, "Klieg is closing."));
        };
        // A camera that is on the program already can be opened by nobody else.
        match shared
            .program
            .picture_of(|source| shows(source, kind, device))
        {
            Some(frame) => Ok(frame),
            None => devices::still(kind, device, shared.clock),
        }
    }

    fn events(&self) -> broadcast::Receiver<Arc<Event>> {
        self.attend();
        self.events.subscribe()
    }

    fn attend(&self) {
        if let Some(shared) = self.shared.upgrade() {
            shared.program.attend();
        }
    }

    fn look(&self, view: server::View) -> watch::Receiver<Option<Frame>> {
        // While the studio leaves there is nothing to look at: the sender is gone at once.
        let Some(shared) = self.shared.upgrade() else {
            return watch::channel(None).1;
        };
        match view {
            server::View::Program => shared.program.preview(),
            server::View::Preview => shared.program.look(program::View::Preview),
            server::View::Scenes => shared.program.look(program::View::Scenes),
        }
    }
}

/// Whether a source is of this camera. Screens can be looked at by several, and whole.
fn shows(source: &SourceKind, kind: DeviceKind, wanted: &str) -> bool {
    matches!(source, SourceKind::Camera { device, .. } if kind == DeviceKind::Camera && device == wanted)
}
