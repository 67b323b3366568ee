//! The desktop shell: a window around the studio, and nothing else.
//!
//! [`has_display`] says whether it can be opened, and [`run`] does. The window's page speaks `api` through
//! three commands and one event (see `bridge`); keys of the whole system come by `shortcuts`, monitors are filled by
//! `projector`, and `tray` is the icon beside the system's clock. This is the only crate that knows Tauri; what
//! a broadcast is, it does not know.

mod bridge;
mod environment;
mod projector;
mod shortcuts;
mod tray;
mod window;

pub use environment::has_display;

use std::{io::IsTerminal, sync::Arc};

use studio::{Options, Studio, cli::Args};
use tauri::{Manager, RunEvent};
use tauri_plugin_window_state::StateFlags;

use bridge::Engine;

/// Runs the studio in its window, and returns when that is closed.
///
/// # Errors
/// The window system fails, or the studio cannot start; in words for people.
pub fn run(args: Args) -> anyhow::Result<()> {
    studio::start_log();
    let own_data = args.data_dir.is_some();
    let started = Options::from_args(&args).and_then(|options| Ok(Studio::start(options)?));
    let studio = match started {
        Ok(studio) => Arc::new(studio),
        // Started from a menu there is no terminal to say it on.
        Err(error) if !std::io::stderr().is_terminal() => return window::refuse(error),
        Err(error) => return Err(error),
    };

    let mut builder = tauri::Builder::default();
    if !own_data {
        // Two windows on one data folder would write over each other; a folder of its own is a
        // studio of its own.
        builder = builder.plugin(tauri_plugin_single_instance::init(|app, _args, _folder| {
            window::show(app);
        }));
    }
    if shortcuts::available() {
        builder = builder.plugin(shortcuts::plugin());
    }
    let app = builder
        .plugin(
            tauri_plugin_window_state::Builder::default()
                // What was hidden in the tray is shown at the next start.
                .with_state_flags(StateFlags::all().difference(StateFlags::VISIBLE))
                .with_filter(|label| label == window::LABEL)
                .build(),
        )
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_opener::init())
        .manage(Engine::new(studio))
        .manage(shortcuts::Heard::default())
        .manage(projector::Projectors::default())
        .invoke_handler(tauri::generate_handler![
            bridge::apply,
            bridge::snapshot,
            bridge::endpoints,
            bridge::open_logs,
            shortcuts::shortcuts,
            projector::screens,
            projector::project,
            projector::leave_projector
        ])
        .setup(|app| {
            bridge::forward(app.handle());
            window::open(app.handle())?;
            tray::open(app.handle());
            Ok(())
        })
        .build(context())?;
    app.run(|app, event| {
        if let RunEvent::Exit = event {
            // Tauri leaves by exiting the process: what must end cleanly ends here.
            app.state::<Engine>().stop();
        }
    });
    Ok(())
}

/// The configuration and the pages, embedded once.
fn context() -> tauri::Context {
    tauri::generate_context!()
}
