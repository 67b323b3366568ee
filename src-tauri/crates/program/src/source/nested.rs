//! A scene in a scene. The compositor draws it of the sources in it, and the mixer hears these: there
//! is nothing to open.

use media::{Frame, Samples, Timestamp};

use super::{Showing, Source, State, Status};

/// A scene, as a source of another.
pub(super) struct Nested;

impl Source for Nested {
    fn picture(&self, _at: Timestamp) -> Option<Frame> {
        None
    }

    fn sound(&self, _start: Timestamp, _frames: usize, _out: &mut Vec<Samples>) {}

    fn show(&self, _showing: Showing, _now: Timestamp) {}

    fn status(&self) -> Status {
        Status {
            state: State::Running,
            ..Status::default()
        }
    }
}
