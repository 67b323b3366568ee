//! What can be shown or heard, each in a file of its own, behind one seam: `Source`.

pub mod color;
mod device;
mod file;
pub mod image;
mod jpeg;
pub mod placeholder;
mod reader;
mod still;
pub mod test_signal;
pub mod text;

use std::path::Path;
use std::sync::{Arc, LazyLock};

use media::{Clock, Frame, Samples, Timestamp};
use parking_lot::Mutex;
use scene::{Canvas, SourceKind};

/// A running source. The program's threads call it and it never makes them wait for a device, a
/// disk or a decoder.
pub(crate) trait Source: Send + Sync {
    /// The picture that is due at a tick; `None` when there is nothing to show.
    fn picture(&self, at: Timestamp) -> Option<Frame>;

    /// Adds the sound that belongs into `frames` sample frames at 48 kHz from `start`, as far as it
    /// has arrived.
    fn sound(&self, start: Timestamp, frames: usize, out: &mut Vec<Samples>);

    /// Says whether the program shows it, or lets it be heard.
    fn show(&self, shown: bool, now: Timestamp);

    /// How it does.
    fn status(&self) -> Status;
}

/// How a source does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// How.
    pub state: State,
    /// Why it is not running, for people.
    pub message: Option<String>,
    /// What it delivers, for people.
    pub detail: Option<String>,
}

/// State of a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Nothing has shown it yet.
    #[default]
    Idle,
    /// Opening.
    Starting,
    /// Delivering.
    Running,
    /// Not there; comes back by itself.
    Lost,
    /// Cannot work as it is set.
    Failed,
}

impl Status {
    fn idle() -> Self {
        Self::default()
    }

    fn lost(message: String) -> Self {
        Self {
            state: State::Lost,
            message: Some(message),
            detail: None,
        }
    }

    fn failed(message: String) -> Self {
        Self {
            state: State::Failed,
            message: Some(message),
            detail: None,
        }
    }
}

/// Opens a source of the document. It always succeeds: what cannot be opened says so in its status
/// and shows a placeholder.
pub(crate) fn open(
    source: &scene::Source,
    canvas: Canvas,
    folder: &Path,
    clock: Clock,
) -> Arc<dyn Source> {
    let name = source.name.as_str();
    match &source.kind {
        SourceKind::Camera {
            device,
            width,
            height,
            fps,
        } => {
            let request = capture::camera::Request {
                device: device.clone(),
                width: *width,
                height: *height,
                fps: *fps,
            };
            Arc::new(device::camera(name, request, clock))
        }
        SourceKind::Microphone { device } => {
            let request = capture::microphone::Request {
                device: device.clone(),
            };
            Arc::new(device::microphone(request, clock))
        }
        SourceKind::Screen {
            device,
            area,
            pointer,
        } => {
            let request = capture::screen::Request {
                device: device.clone(),
                area: area.map(|a| capture::screen::Area {
                    x: a.x,
                    y: a.y,
                    width: a.width,
                    height: a.height,
                }),
                pointer: *pointer,
                fps: canvas.fps,
            };
            Arc::new(device::screen(name, request, clock))
        }
        SourceKind::Media { path, looped } => {
            let path = file::resolve(folder, path);
            Arc::new(file::file(name, path, *looped, clock))
        }
        SourceKind::Image { path } => Arc::new(still::image(name, file::resolve(folder, path))),
        SourceKind::Text { text, style } => Arc::new(still::text(text, style, canvas.width as f32)),
        SourceKind::Color { color } => Arc::new(still::color(name, color)),
        SourceKind::TestSignal { pattern } => Arc::new(still::signal(
            *pattern,
            canvas.width,
            canvas.height,
            canvas.fps,
        )),
    }
}

/// The one rasteriser: loading the fonts takes long enough to do it once.
fn raster() -> &'static Mutex<text::Raster> {
    static RASTER: LazyLock<Mutex<text::Raster>> =
        LazyLock::new(|| Mutex::new(text::Raster::new()));
    &RASTER
}

/// The picture that stands in for a source, made anew only when the reason changes.
fn placeholder_for(
    kept: &Mutex<Option<(String, Frame)>>,
    name: &str,
    reason: &str,
    at: Timestamp,
) -> Option<Frame> {
    let mut kept = kept.lock();
    if kept.as_ref().is_none_or(|(said, _)| said != reason) {
        let frame = placeholder::picture(&mut raster().lock(), name, reason, at);
        *kept = Some((reason.to_owned(), frame));
    }
    kept.as_ref().map(|(_, frame)| frame.clone())
}
