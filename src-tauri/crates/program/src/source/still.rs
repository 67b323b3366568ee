//! Sources that are made rather than captured: text, pictures, colours, the test signal.

use std::path::{Path, PathBuf};

use media::{Frame, Samples, Timestamp};
use parking_lot::Mutex;
use scene::{Pattern, TextStyle};

use super::image::Image;
use super::test_signal::{self, TestSignal};
use super::{Source, State, Status, color, placeholder_for, raster};

/// One picture, or the reason why there is none.
pub(super) struct Still {
    name: String,
    made: Result<Made, String>,
    placeholder: Mutex<Option<(String, Frame)>>,
}

enum Made {
    Frame(Frame),
    Image(Image),
}

pub(super) fn text(text: &str, style: &TextStyle, max_width: f32) -> Still {
    let frame = raster()
        .lock()
        .raster(text, style, max_width, Timestamp::ZERO);
    Still::new("Text", Ok(Made::Frame(frame)))
}

pub(super) fn color(name: &str, text: &str) -> Still {
    let made = color::frame(text, Timestamp::ZERO).map(Made::Frame);
    Still::new(name, made.map_err(|e| e.to_string()))
}

pub(super) fn image(name: &str, path: PathBuf) -> Still {
    Still::new(name, read_image(&path).map(Made::Image))
}

fn read_image(path: &Path) -> Result<Image, String> {
    let shown = path.display();
    let bytes = std::fs::read(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            format!("{shown} is not there; put it back, or choose another file")
        }
        _ => format!("{shown} cannot be read: {error}"),
    })?;
    Image::open(&bytes).map_err(|error| format!("{shown}: {error}"))
}

impl Still {
    fn new(name: &str, made: Result<Made, String>) -> Self {
        Self {
            name: name.to_owned(),
            made,
            placeholder: Mutex::default(),
        }
    }
}

impl Source for Still {
    fn picture(&self, at: Timestamp) -> Option<Frame> {
        match &self.made {
            Ok(Made::Frame(frame)) => Some(frame.clone()),
            Ok(Made::Image(image)) => Some(image.frame(at)),
            Err(reason) => placeholder_for(&self.placeholder, &self.name, reason, at),
        }
    }

    fn sound(&self, _start: Timestamp, _frames: usize, _out: &mut Vec<Samples>) {}

    fn show(&self, _shown: bool, _now: Timestamp) {}

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

/// The test signal, made for the canvas.
pub(super) struct Signal {
    picture: Mutex<TestSignal>,
    fps: u32,
}

pub(super) fn signal(pattern: Pattern, width: u32, height: u32, fps: u32) -> Signal {
    Signal {
        picture: Mutex::new(TestSignal::new(pattern, width, height, fps)),
        fps,
    }
}

impl Source for Signal {
    fn picture(&self, at: Timestamp) -> Option<Frame> {
        let n = at.ticks(self.fps);
        let n = u32::try_from(n.rem_euclid(1 << 32)).unwrap_or(0);
        Some(self.picture.lock().picture(n, at))
    }

    fn sound(&self, start: Timestamp, frames: usize, out: &mut Vec<Samples>) {
        out.push(test_signal::sound(start, frames));
    }

    fn show(&self, _shown: bool, _now: Timestamp) {}

    fn status(&self) -> Status {
        Status {
            state: State::Running,
            ..Status::default()
        }
    }
}
