//! Screens: a monitor, a window, or a part of one.

use std::sync::Arc;
use std::time::Duration;

use media::{Clock, Frame, Timestamp};

use crate::status::Board;
use crate::worker::{Stop, Worker, within};
use crate::{DeviceInfo, Status, backend};

/// Which screen, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The monitor's identity; empty means the main one.
    pub device: String,
    /// The identity of a window, which is captured instead.
    pub window: Option<String>,
    /// A part of it; all of it when absent.
    pub area: Option<Area>,
    /// With the pointer.
    pub pointer: bool,
    /// Pictures per second, 1 to 120; 0 means 30.
    pub fps: u32,
}

/// A part of a monitor, in its pixels from its top left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    /// Left edge.
    pub x: u32,
    /// Top edge.
    pub y: u32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// A screen being captured.
///
/// X11 gives BGRX through shared memory; other systems RGBA.
#[derive(Debug)]
pub struct Screen {
    board: Arc<Board>,
    _worker: Worker,
}

/// The monitors of this machine, the main one first; none without a display. Takes two seconds at most.
pub fn list() -> Vec<DeviceInfo> {
    within("screen-list", Duration::from_secs(2), || {
        #[cfg(target_os = "linux")]
        if backend::x11::is_there() {
            return backend::x11::list();
        }
        backend::xcap::list()
    })
    .unwrap_or_default()
}

/// The windows of other programs that can be captured, those used last first where the system says so. Takes two
/// seconds at most.
pub fn windows() -> Vec<DeviceInfo> {
    within("window-list", Duration::from_secs(2), || {
        #[cfg(target_os = "linux")]
        if backend::x11::is_there() {
            return backend::x11::windows();
        }
        backend::xcap::windows()
    })
    .unwrap_or_default()
}

/// The identity of a window: what it belongs to, and its title. It survives restarts, and a title that
/// changes.
pub(crate) fn identity(class: &str, title: &str) -> String {
    format!("{}|{title}", class.replace('|', " "))
}

/// The place of the window in a list that an identity means: of the same program and title, or else of the same
/// program.
pub(crate) fn window_of<'a>(
    wanted: &str,
    mut windows: impl Iterator<Item = (&'a str, &'a str)> + Clone,
) -> Option<usize> {
    let class = wanted.split_once('|').map_or(wanted, |(class, _)| class);
    let exact = windows
        .clone()
        .position(|(class, title)| identity(class, title) == wanted);
    exact.or_else(|| windows.position(|(of, _)| of.replace('|', " ") == class))
}

/// What people call a window that an identity means.
pub(crate) fn called(wanted: &str) -> &str {
    match wanted.split_once('|') {
        Some((class, "")) => class,
        Some((_, title)) => title,
        None => wanted,
    }
}

impl Screen {
    /// Starts capturing. Returns at once; how it does stands in [`Screen::status`].
    pub fn start(request: Request, clock: Clock) -> Self {
        let board = Arc::new(Board::new());
        let shown = board.clone();
        let worker = Worker::supervise("screen", board.clone(), move |stop| {
            #[cfg(target_os = "linux")]
            if backend::x11::is_there() {
                return backend::x11::run(&request, clock, &shown, stop);
            }
            backend::xcap::run(&request, clock, &shown, stop)
        });
        Self {
            board,
            _worker: worker,
        }
    }

    /// How it does.
    pub fn status(&self) -> Status {
        self.board.status()
    }

    /// The latest picture; none while the screen is not there.
    pub fn latest(&self) -> Option<Frame> {
        self.board.frame()
    }
}

/// The beat of a capture: calls come every 1/fps, and after a late one there is no rush to catch up.
#[derive(Debug)]
pub(crate) struct Beat {
    clock: Clock,
    period: Duration,
    next: Timestamp,
}

impl Beat {
    pub(crate) fn new(fps: u32, clock: Clock) -> Self {
        let fps = if fps == 0 { 30 } else { fps.min(120) };
        Self {
            clock,
            period: Duration::from_secs(1) / fps,
            next: clock.now(),
        }
    }

    /// Pictures per second.
    pub(crate) fn fps(&self) -> u32 {
        (1.0 / self.period.as_secs_f64()).round() as u32
    }

    /// Waits for the next beat and says what time it is; none when told to stop.
    pub(crate) fn next(&mut self, stop: &Stop) -> Option<Timestamp> {
        let now = self.clock.now();
        if self.next > now && stop.wait(self.next.since(now)) || stop.is_set() {
            return None;
        }
        let now = self.clock.now();
        self.next = (self.next + self.period).max(now);
        Some(now)
    }
}

/// The part of a monitor of `width` × `height` that is asked for, cut to what is there.
pub(crate) fn cut(area: Option<Area>, width: u32, height: u32) -> Result<Area, String> {
    let all = Area {
        x: 0,
        y: 0,
        width,
        height,
    };
    let Some(wanted) = area else {
        return Ok(all);
    };
    let cut = Area {
        x: wanted.x,
        y: wanted.y,
        width: wanted.width.min(width.saturating_sub(wanted.x)),
        height: wanted.height.min(height.saturating_sub(wanted.y)),
    };
    if cut.width == 0 || cut.height == 0 {
        return Err(format!(
            "The area {}×{} at {}, {} lies outside this monitor, which is {width}×{height}. \
             Choose another area in the source's settings.",
            wanted.width, wanted.height, wanted.x, wanted.y
        ));
    }
    Ok(cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(x: u32, y: u32, width: u32, height: u32) -> Area {
        Area {
            x,
            y,
            width,
            height,
        }
    }

    #[test]
    fn a_window_is_found_by_its_program_and_title_or_its_program() {
        let windows = [
            ("Editor", "a.txt"),
            ("Browser", "News"),
            ("Browser", "Mail | Inbox"),
        ];
        for (wanted, found) in [
            ("Browser|Mail | Inbox", Some(2)),
            ("Browser|News", Some(1)),
            ("Browser|A page that was left", Some(1)),
            ("Editor|", Some(0)),
            ("Game|Level 1", None),
            ("", None),
        ] {
            assert_eq!(window_of(wanted, windows.into_iter()), found, "{wanted}");
        }
        assert_eq!(identity("a|b", "c|d"), "a b|c|d");
        assert_eq!(called("Browser|Mail | Inbox"), "Mail | Inbox");
    }

    #[test]
    fn an_area_is_cut_to_its_monitor() {
        for (wanted, expected) in [
            (None, Some(area(0, 0, 800, 600))),
            (Some(area(10, 20, 30, 40)), Some(area(10, 20, 30, 40))),
            (
                Some(area(700, 500, 300, 300)),
                Some(area(700, 500, 100, 100)),
            ),
            (Some(area(800, 0, 10, 10)), None),
            (Some(area(0, 4_000_000_000, 10, 10)), None),
            (Some(area(0, 0, 0, 10)), None),
            (
                Some(area(0, 0, u32::MAX, u32::MAX)),
                Some(area(0, 0, 800, 600)),
            ),
        ] {
            assert_eq!(cut(wanted, 800, 600).ok(), expected, "{wanted:?}");
        }
    }
}
