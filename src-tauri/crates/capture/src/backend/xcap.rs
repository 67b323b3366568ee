//! Screens of Windows, macOS and Wayland.

use media::{Clock, Color, Frame, PixelFormat, Timestamp};
use xcap::Monitor;

use crate::DeviceInfo;
use crate::screen::{Area, Beat, Request, cut};
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
    let monitor = find(&request.device)?;
    let mut beat = Beat::new(request.fps, clock);
    let mut size = (0, 0);
    while let Some(now) = beat.next(stop) {
        let frame = capture(&monitor, request.area, now)?;
        if size != (frame.width(), frame.height()) {
            size = (frame.width(), frame.height());
            board.running(format!("{}×{}, {} fps", size.0, size.1, beat.fps()));
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
