//! Projectors: windows that fill a monitor with the program, the preview or all scenes.
#![allow(
    clippy::let_underscore_must_use,
    reason = "stands in what `tauri::command` expands to"
)]

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use api::{Code, Problem};
use serde::{Deserialize, Serialize};
use tauri::utils::config::Color;
use tauri::{
    AppHandle, Manager, Monitor, WebviewUrl, WebviewWindow, WebviewWindowBuilder, WindowEvent,
};

/// What a projector's label begins with; its monitor's number follows.
const LABEL: &str = "projector-";

const BLACK: Color = Color(0, 0, 0, 0xff);

/// What fills a monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum View {
    Program,
    Preview,
    /// All scenes.
    Scenes,
}

impl View {
    fn title(self) -> &'static str {
        match self {
            Self::Program => "Klieg program",
            Self::Preview => "Klieg preview",
            Self::Scenes => "Klieg multiview",
        }
    }

    /// The page, and what it is to show.
    fn page(self) -> &'static str {
        match self {
            Self::Program => "projector.html?view=program",
            Self::Preview => "projector.html?view=preview",
            Self::Scenes => "projector.html?view=scenes",
        }
    }
}

/// Which monitors are filled, by number.
#[derive(Default)]
pub(crate) struct Projectors(Mutex<BTreeMap<usize, View>>);

impl Projectors {
    fn slot(&self) -> MutexGuard<'_, BTreeMap<usize, View>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A monitor of this machine.
#[derive(Serialize)]
pub(crate) struct Screen {
    /// As the system calls it.
    name: String,
    /// In pixels.
    width: u32,
    height: u32,
    /// Whether the studio stands on it.
    here: bool,
    /// What fills it.
    shows: Option<View>,
}

/// The monitors, in the system's order.
#[tauri::command(async)]
pub(crate) fn screens(window: WebviewWindow) -> Result<Vec<Screen>, Problem> {
    let found = monitors(&window)?;
    let here = window.current_monitor().ok().flatten();
    let projectors = window.state::<Projectors>();
    let filled = projectors.slot();
    let screens = found.iter().enumerate().map(|(at, monitor)| Screen {
        name: called(monitor.name().map(String::as_str), at),
        width: monitor.size().width,
        height: monitor.size().height,
        here: here
            .as_ref()
            .is_some_and(|here| here.position() == monitor.position()),
        shows: filled.get(&at).copied(),
    });
    Ok(screens.collect())
}

/// Fills a monitor, by its number in [`screens`]; with no view it is given back.
#[tauri::command(async)]
pub(crate) fn project(
    app: AppHandle,
    window: WebviewWindow,
    screen: usize,
    view: Option<View>,
) -> Result<(), Problem> {
    let open = app.get_webview_window(&label(screen));
    let Some(view) = view else {
        return open.map_or(Ok(()), |open| open.close().map_err(|e| failed(&e)));
    };
    let found = monitors(&window)?;
    let Some(monitor) = found.get(screen) else {
        let text = "That monitor is not connected any more. Choose another.";
        return Err(Problem::new(Code::Conflict, text));
    };
    let shown = match open {
        Some(open) => turn(&open, view),
        None => fill(&app, monitor, screen, view),
    };
    shown.map_err(|e| failed(&e))?;
    let projectors = app.state::<Projectors>();
    projectors.slot().insert(screen, view);
    Ok(())
}

/// Closes the projector that asks for it.
#[tauri::command(async)]
pub(crate) fn leave_projector(window: WebviewWindow) -> Result<(), Problem> {
    if !window.label().starts_with(LABEL) {
        return Ok(());
    }
    window.close().map_err(|e| failed(&e))
}

/// Gives all monitors back: they show nothing without the studio.
pub(crate) fn close_all(app: &AppHandle) {
    let windows = app.webview_windows().into_iter();
    for (label, window) in windows.filter(|(label, _)| label.starts_with(LABEL)) {
        if let Err(error) = window.destroy() {
            tracing::warn!(%error, label, "a projector could not be closed");
        }
    }
}

fn label(screen: usize) -> String {
    format!("{LABEL}{screen}")
}

fn monitors(window: &WebviewWindow) -> Result<Vec<Monitor>, Problem> {
    window.available_monitors().map_err(|e| failed(&e))
}

fn fill(app: &AppHandle, monitor: &Monitor, screen: usize, view: View) -> tauri::Result<()> {
    let at = monitor.position().to_logical::<f64>(monitor.scale_factor());
    let size = monitor.size().to_logical::<f64>(monitor.scale_factor());
    let window = WebviewWindowBuilder::new(app, label(screen), WebviewUrl::App(view.page().into()))
        .title(view.title())
        .position(at.x, at.y)
        .inner_size(size.width, size.height)
        .decorations(false)
        .background_color(BLACK)
        .build()?;
    window.set_fullscreen_on_monitor(monitor.position().cast())?;
    let app = app.clone();
    window.on_window_event(move |event| {
        if let WindowEvent::Destroyed = event {
            app.state::<Projectors>().slot().remove(&screen);
        }
    });
    Ok(())
}

/// Has a projector that stands already show something else.
fn turn(window: &WebviewWindow, view: View) -> tauri::Result<()> {
    let mut page = window.url()?;
    let query = view.page().split_once('?').map(|(_, query)| query);
    page.set_query(query);
    window.navigate(page)?;
    window.set_title(view.title())?;
    window.set_focus()
}

/// A monitor's name, for people.
fn called(name: Option<&str>, at: usize) -> String {
    match name.map(str::trim) {
        // Windows names them by device paths.
        Some(name) if !name.is_empty() && !name.starts_with(r"\\") => name.to_owned(),
        _ => format!("Monitor {}", at + 1),
    }
}

fn failed(error: &tauri::Error) -> Problem {
    let text = format!("The system does not give that monitor: {error}. Choose another.");
    Problem::new(Code::Unavailable, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monitors_have_names_for_people() {
        for (name, expect) in [
            (Some("HDMI-1"), "HDMI-1"),
            (Some(" "), "Monitor 3"),
            (Some(r"\\.\DISPLAY2"), "Monitor 3"),
            (None, "Monitor 3"),
        ] {
            assert_eq!(called(name, 2), expect, "{name:?}");
        }
    }
}
