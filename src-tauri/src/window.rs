//! The one window.

use std::sync::atomic::{AtomicBool, Ordering};

use tauri::{
    AppHandle, Manager, WebviewUrl, WebviewWindow, WebviewWindowBuilder, WindowEvent,
    utils::config::Color,
};
use tauri_plugin_dialog::{DialogExt, MessageDialogButtons, MessageDialogKind};

use crate::bridge::Engine;
use crate::projector;

pub(crate) const LABEL: &str = "studio";

/// The page's background, so that opening does not flash.
const NIGHT: Color = Color(0x0f, 0x10, 0x12, 0xff);

/// Opens it.
pub(crate) fn open(app: &AppHandle) -> tauri::Result<()> {
    let window = WebviewWindowBuilder::new(app, LABEL, WebviewUrl::App("studio.html".into()))
        .title("Klieg")
        .inner_size(1440.0, 900.0)
        .min_inner_size(1024.0, 640.0)
        // Small laptops: what does not fit is out of reach where nothing moves windows.
        .prevent_overflow()
        .background_color(NIGHT)
        .build()?;
    guard(&window);
    Ok(())
}

/// Says in a dialog why there is no studio, and ends with the error.
pub(crate) fn refuse(error: anyhow::Error) -> anyhow::Result<()> {
    tracing::error!("{error:#}");
    let text = format!("{error:#}");
    let app = tauri::Builder::default()
        .plugin(tauri_plugin_dialog::init())
        .setup(move |app| {
            let handle = app.handle().clone();
            app.dialog()
                .message(text)
                .title("Klieg could not start")
                .kind(MessageDialogKind::Error)
                .show(move |_| handle.exit(1));
            Ok(())
        })
        .build(crate::context())?;
    app.run(|_, _| {});
    Err(error)
}

/// Brings it to the front: somebody started Klieg a second time, or pressed its icon.
pub(crate) fn show(app: &AppHandle) {
    let Some(window) = app.get_webview_window(LABEL) else {
        return;
    };
    let shown = window
        .unminimize()
        .and_then(|()| window.show())
        .and_then(|()| window.set_focus());
    if let Err(error) = shown {
        tracing::warn!(%error, "the window could not be brought to the front");
    }
}

/// Hides it; shows it when it is hidden.
pub(crate) fn show_or_hide(app: &AppHandle) {
    let Some(window) = app.get_webview_window(LABEL) else {
        return;
    };
    // One that cannot be asked is shown: nothing is lost by that.
    let seen = window.is_visible().unwrap_or(false) && !window.is_minimized().unwrap_or(false);
    if !seen {
        show(app);
    } else if let Err(error) = window.hide() {
        tracing::warn!(%error, "the window could not be hidden");
    }
}

/// Closes it as its close button does, which asks first while on air.
pub(crate) fn close(app: &AppHandle) {
    let Some(window) = app.get_webview_window(LABEL) else {
        return;
    };
    // A question is asked where it can be seen.
    show(app);
    if let Err(error) = window.close() {
        tracing::warn!(%error, "the window could not be closed");
    }
}

/// Closing while on air asks once; what was open beside it goes with it.
fn guard(window: &WebviewWindow) {
    let asking = std::sync::Arc::new(AtomicBool::new(false));
    let guarded = window.clone();
    window.on_window_event(move |event| {
        let api = match event {
            WindowEvent::CloseRequested { api, .. } => api,
            WindowEvent::Destroyed => return projector::close_all(guarded.app_handle()),
            _ => return,
        };
        if !guarded.state::<Engine>().on_air() {
            return;
        }
        api.prevent_close();
        if asking.swap(true, Ordering::Relaxed) {
            return;
        }
        let (window, asking) = (guarded.clone(), std::sync::Arc::clone(&asking));
        guarded
            .dialog()
            .message("You are on air. Closing Klieg ends the broadcast for everyone who watches.")
            .title("End the broadcast?")
            .kind(MessageDialogKind::Warning)
            .buttons(MessageDialogButtons::OkCancelCustom(
                "End and close".into(),
                "Stay on air".into(),
            ))
            .parent(&guarded)
            .show(move |close| {
                asking.store(false, Ordering::Relaxed);
                if close && let Err(error) = window.destroy() {
                    tracing::warn!(%error, "the window could not be closed");
                }
            });
    });
}
