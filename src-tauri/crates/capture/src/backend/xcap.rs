//! Screens of Windows, macOS and Wayland, without the pointer: what gives their pictures here leaves it out, and the
//! source says so.

use media::{Clock, Color, Frame, PixelFormat, Timestamp};
use xcap::{Monitor, Window};

use crate::DeviceInfo;
use crate::screen::{Area, Beat, Request, called, cut, identity, window_of};
use crate::status::Board;
use crate::worker::Stop;

pub(crate) fn list() -> Vec<DeviceInfo> {
    let mut monitors = Monitor::all().unwrap_or_default();
    monitors.sort_by_key(|m| !m.is_primary().unwrap_or(false));
    monitors
        .iter()
        .filter_map(|monitor| {
            let id = monitor.name().ok()?;
            let label = monitor
                .friendly_name()
                .ok()
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| id.clone());
            let (width, height) = (monitor.width().ok()?, monitor.height().ok()?);
            Some(DeviceInfo {
                id,
                name: format!("{label} ({width}×{height})"),
            })
        })
        .collect()
}

pub(crate) fn run(
    request: &Request,
    clock: Clock,
    board: &Board,
    stop: &Stop,
) -> Result<(), String> {
    if let Some(window) = &request.window {
        return run_window(window, request, clock, board, stop);
    }
    let monitor = find(&request.device)?;
    let mut beat = Beat::new(request.fps, clock);
    let mut size = (0, 0);
    while let Some(now) = beat.next(stop) {
        let frame = capture(&monitor, request.area, now)?;
        if size != (frame.width(), frame.height()) {
            size = (frame.width(), frame.height());
            board.running(told(size, beat.fps(), request.pointer));
        }
        board.show(frame);
    }
    Ok(())
}

/// What runs, for people.
fn told((width, height): (u32, u32), fps: u32, pointer: bool) -> String {
    let without = if pointer {
        "; this system gives the picture without the pointer"
    } else {
        ""
    };
    format!("{width}×{height}, {fps} fps{without}")
}

pub(crate) fn windows() -> Vec<DeviceInfo> {
    let named = named_windows().into_iter();
    named
        .map(|(_, class, title)| DeviceInfo {
            id: identity(&class, &title),
            name: format!("{class}: {title}"),
        })
        .collect()
}

/// Windows that have a program and a title, with both.
fn named_windows() -> Vec<(Window, String, String)> {
    let windows = Window::all().unwrap_or_default().into_iter();
    windows
        .filter_map(|window| {
            let class = window.app_name().ok().filter(|name| !name.is_empty())?;
            let title = window.title().ok().filter(|title| !title.is_empty())?;
            Some((window, class, title))
        })
        .collect()
}

fn run_window(
    wanted: &str,
    request: &Request,
    clock: Clock,
    board: &Board,
    stop: &Stop,
) -> Result<(), String> {
    let windows = named_windows();
    let names = windows.iter().map(|(_, c, t)| (c.as_str(), t.as_str()));
    let window = window_of(wanted, names).and_then(|at| windows.get(at));
    let Some((window, ..)) = window else {
        return Err(format!(
            "The window “{}” is not open. Open it, or choose another in the source's settings; it is \
             looked for every second.",
            called(wanted)
        ));
    };
    let mut beat = Beat::new(request.fps, clock);
    let mut size = (0, 0);
    while let Some(now) = beat.next(stop) {
        let image = window.capture_image().map_err(|error| {
            format!(
                "The window “{}” cannot be captured ({error}). Show it if it is minimised, and allow screen \
                 capture for Klieg in the system's settings; it is tried again every second.",
                called(wanted)
            )
        })?;
        let image = match request.area {
            None => image,
            Some(_) => {
                let (width, height) = image.dimensions();
                let Area {
                    x,
                    y,
                    width,
                    height,
                } = cut(request.area, width, height)?;
                xcap::image::imageops::crop_imm(&image, x, y, width, height).to_image()
            }
        };
        let frame = frame(image, now)?;
        if size != (frame.width(), frame.height()) {
            size = (frame.width(), frame.height());
            board.running(told(size, beat.fps(), request.pointer));
        }
        board.show(frame);
    }
    Ok(())
}

fn find(device: &str) -> Result<Monitor, String> {
    let monitors = Monitor::all().map_err(|error| {
        format!(
            "No screen can be captured here ({error}). Open Klieg in a desktop session; it is \
             tried again every second."
        )
    })?;
    let mut main = None;
    for monitor in monitors {
        if device.is_empty() {
            if monitor.is_primary().unwrap_or(false) {
                return Ok(monitor);
            }
            main.get_or_insert(monitor);
        } else if monitor.name().is_ok_and(|name| name == device) {
            return Ok(monitor);
        }
    }
    main.ok_or_else(|| {
        if device.is_empty() {
            "No monitor was found. Connect one; it is looked for every second.".to_owned()
        } else {
            format!(
                "The monitor “{device}” is not connected. Connect it, or choose another in the \
                 source's settings; it is looked for every second."
            )
        }
    })
}

fn capture(monitor: &Monitor, area: Option<Area>, now: Timestamp) -> Result<Frame, String> {
    let failed = |error: xcap::XCapError| {
        format!(
            "The screen cannot be captured ({error}). Allow screen capture for Klieg in the \
             system's settings; it is tried again every second."
        )
    };
    let image = match area {
        None => monitor.capture_image().map_err(failed)?,
        Some(_) => {
            let (width, height) = (
                monitor.width().map_err(failed)?,
                monitor.height().map_err(failed)?,
            );
            let area = cut(area, width, height)?;
            monitor
                .capture_region(area.x, area.y, area.width, area.height)
                .map_err(failed)?
        }
    };
    frame(image, now)
}

fn frame(image: xcap::image::RgbaImage, now: Timestamp) -> Result<Frame, String> {
    let (width, height) = image.dimensions();
    Frame::packed(
        PixelFormat::Rgba,
        width,
        height,
        Color::default(),
        now,
        image.into_raw().into(),
    )
    .map_err(|error| format!("The screen gives no usable picture: {error}."))
}
