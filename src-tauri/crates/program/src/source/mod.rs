//! What can be shown or heard, each in a file of its own, behind one seam: `Source`.

pub mod alone;
pub mod channel;
mod chat;
pub mod color;
mod device;
mod feeds;
mod file;
pub mod gradient;
pub mod image;
mod jpeg;
mod nested;
mod painter;
mod picture;
pub mod placeholder;
mod slides;
mod still;
mod stinger;
pub mod test_signal;
pub mod text;
mod told;
mod transport;
mod words;

use std::path::Path;
use std::sync::{Arc, LazyLock};

use media::{Clock, Frame, Hub, Samples, Timestamp};
use parking_lot::Mutex;
use scene::{Canvas, SourceKind};

pub(crate) use feeds::SwitchTo;
pub use feeds::{Feeds, Line, Wanted};
pub(crate) use stinger::Stinger;
pub use transport::{Operation, Playback};

/// A running source. The program's threads call it and it never makes them wait for a device, a
/// disk or a decoder.
pub(crate) trait Source: Send + Sync {
    /// The picture that is due at a tick; `None` when there is nothing to show.
    fn picture(&self, at: Timestamp) -> Option<Frame>;

    /// Adds the sound that belongs into `frames` sample frames at 48 kHz from `start`, as far as it
    /// has arrived.
    fn sound(&self, start: Timestamp, frames: usize, out: &mut Vec<Samples>);

    /// Says where it is seen or heard from now on.
    fn show(&self, showing: Showing, now: Timestamp);

    /// Takes another name and other settings in its stride; false when it must be opened anew for them.
    fn set(&self, _name: &str, _kind: &SourceKind) -> bool {
        false
    }

    /// Plays, pauses, goes somewhere; false when that is nothing for it.
    fn operate(&self, _operation: Operation, _now: Timestamp) -> bool {
        false
    }

    /// Whether the last picture is the one that was due, and what follows it is ready: what is read or drawn
    /// beside the program may come a tick later.
    fn settled(&self) -> bool {
        self.status().state != State::Starting
    }

    /// How it does.
    fn status(&self) -> Status;
}

/// Where a source is seen or heard, each place more than the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Showing {
    /// Nowhere.
    #[default]
    Hidden,
    /// On the preview or among all scenes alone: it gives its picture, but what begins when it is shown waits
    /// for the program.
    Beside,
    /// On the program.
    Program,
}

impl Showing {
    /// Whether anybody sees or hears it.
    pub(crate) fn anywhere(self) -> bool {
        self != Self::Hidden
    }
}

/// How a source does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    /// How.
    pub state: State,
    /// Why it is not running, for people.
    pub message: Option<String>,
    /// What it delivers, for people.
    pub detail: Option<String>,
    /// How far it is, where it plays.
    pub playback: Option<Playback>,
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
            ..Self::default()
        }
    }

    fn failed(message: String) -> Self {
        Self {
            state: State::Failed,
            message: Some(message),
            ..Self::default()
        }
    }
}

/// What sources stand on.
#[derive(Clone, Copy)]
pub(crate) struct Ground<'a> {
    /// Where relative paths start.
    pub(crate) folder: &'a Path,
    /// Where guests and other channels come from.
    pub(crate) hub: &'a Hub,
    /// The process's clock.
    pub(crate) clock: Clock,
    /// What the station hands in.
    pub(crate) feeds: &'a Arc<Feeds>,
    /// The way to ask for another scene.
    pub(crate) switch: &'a SwitchTo,
}

/// Opens a source of the document. It always succeeds: what cannot be opened says so in its status
/// and shows a placeholder.
pub(crate) fn open(source: &scene::Source, canvas: Canvas, ground: Ground<'_>) -> Arc<dyn Source> {
    let Ground {
        folder,
        hub,
        clock,
        feeds,
        switch,
    } = ground;
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
                window: None,
                area: area.map(area_of),
                pointer: *pointer,
                fps: canvas.fps,
            };
            Arc::new(device::screen(name, request, clock))
        }
        kind @ SourceKind::Media { .. } => Arc::new(file::file(name, kind, folder, clock)),
        SourceKind::Image { path } => Arc::new(picture::picture(name, file::resolve(folder, path))),
        SourceKind::SlideShow(_) => {
            Arc::new(slides::slides(name, &source.kind, folder, canvas, clock))
        }
        kind @ SourceKind::Text { .. } => Arc::new(words::words(name, kind, canvas, folder)),
        kind @ (SourceKind::Clock(_)
        | SourceKind::Countdown(_)
        | SourceKind::Stopwatch(_)
        | SourceKind::ViewerCount(_)) => {
            Arc::new(told::told(name, kind, canvas.width, feeds, switch, clock))
        }
        SourceKind::Chat(overlay) => Arc::new(chat::chat(overlay, feeds, clock)),
        SourceKind::Gradient(gradient) => Arc::new(still::gradient(name, gradient, canvas)),
        SourceKind::Window {
            device,
            area,
            pointer,
        } => {
            let request = capture::screen::Request {
                window: Some(device.clone()),
                area: area.map(area_of),
                pointer: *pointer,
                fps: canvas.fps,
                ..capture::screen::Request::default()
            };
            Arc::new(device::screen(name, request, clock))
        }
        SourceKind::Color { color } => Arc::new(still::color(name, color)),
        SourceKind::Channel { channel } => {
            Arc::new(channel::channel(name, channel, hub.clone(), clock))
        }
        // Whoever fetches it writes it there.
        SourceKind::Remote { .. } => {
            let channel = channel::fetched(&source.id);
            Arc::new(channel::channel(name, channel.as_str(), hub.clone(), clock))
        }
        SourceKind::TestSignal { pattern } => Arc::new(still::signal(
            *pattern,
            canvas.width,
            canvas.height,
            canvas.fps,
        )),
        SourceKind::Scene { .. } => Arc::new(nested::Nested),
    }
}

fn area_of(area: scene::ScreenArea) -> capture::screen::Area {
    capture::screen::Area {
        x: area.x,
        y: area.y,
        width: area.width,
        height: area.height,
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
