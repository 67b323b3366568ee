//! Sources that are made once and stand still: colours, gradients. And the test signal.

use media::{Frame, Samples, Timestamp};
use parking_lot::Mutex;
use scene::{Canvas, Gradient, Pattern};

use super::test_signal::{self, TestSignal};
use super::{Showing, Source, State, Status, color, gradient, placeholder_for};

/// One picture, or the reason why there is none.
pub(super) struct Still {
    name: String,
    made: Result<Frame, String>,
    placeholder: Mutex<Option<(String, Frame)>>,
}

pub(super) fn color(name: &str, text: &str) -> Still {
    Still::new(name, color::frame(text, Timestamp::ZERO))
}

pub(super) fn gradient(name: &str, of: &Gradient, canvas: Canvas) -> Still {
    let Canvas { width, height, .. } = canvas;
    Still::new(name, gradient::frame(of, width, height, Timestamp::ZERO))
}

impl Still {
    fn new(name: &str, made: Result<Frame, color::NoColor>) -> Self {
        Self {
            name: name.to_owned(),
            made: made.map_err(|e| e.to_string()),
            placeholder: Mutex::default(),
        }
    }
}

impl Source for Still {
    fn picture(&self, at: Timestamp) -> Option<Frame> {
        match &self.made {
            Ok(frame) => Some(frame.clone()),
            Err(reason) => placeholder_for(&self.placeholder, &self.name, reason, at),
        }
    }

    fn sound(&self, _start: Timestamp, _frames: usize, _out: &mut Vec<Samples>) {}

    fn show(&self, _showing: Showing, _now: Timestamp) {}

    fn status(&self) -> Status {
        match &self.made {
            Ok(_) => Status {
                state: State::Running,
                ..Status::default()
            },
            Err(reason) => Status::failed(reason.clone()),
        }
    }
}

/// The test signal, made for the canvas when it is first shown: a document of many opens at once.
pub(super) struct Signal {
    picture: Mutex<Option<TestSignal>>,
    pattern: Pattern,
    size: (u32, u32),
    fps: u32,
}

pub(super) fn signal(pattern: Pattern, width: u32, height: u32, fps: u32) -> Signal {
    Signal {
        picture: Mutex::default(),
        pattern,
        size: (width, height),
        fps,
    }
}

impl Source for Signal {
    fn picture(&self, at: Timestamp) -> Option<Frame> {
        let n = at.ticks(self.fps);
        let n = u32::try_from(n.rem_euclid(1 << 32)).unwrap_or(0);
        let mut picture = self.picture.lock();
        let (width, height) = self.size;
        let made =
            picture.get_or_insert_with(|| TestSignal::new(self.pattern, width, height, self.fps));
        Some(made.picture(n, at))
    }

    fn sound(&self, start: Timestamp, frames: usize, out: &mut Vec<Samples>) {
        out.push(test_signal::sound(start, frames));
    }

    fn show(&self, _showing: Showing, _now: Timestamp) {}

    fn status(&self) -> Status {
        Status {
            state: State::Running,
            ..Status::default()
        }
    }
}
