//! Between the window's page and the studio.
#![allow(
    clippy::let_underscore_must_use,
    reason = "stands in what `tauri::command` expands to"
)]

use std::sync::{Arc, Mutex, PoisonError};

use api::{Code, Command, Event, Problem, Snapshot};
use serde::Serialize;
use studio::Studio;
use tauri::{AppHandle, Emitter, Manager, State, async_runtime};
use tauri_plugin_opener::OpenerExt;
use tokio::sync::broadcast::error::RecvError;

/// The event under which the page hears [`api::Event`]s.
const EVENT: &str = "studio://event";

/// The running studio, until the program ends.
pub(crate) struct Engine(Mutex<Option<Arc<Studio>>>);

impl Engine {
    pub(crate) fn new(studio: Arc<Studio>) -> Self {
        Self(Mutex::new(Some(studio)))
    }

    /// Ends broadcasts and closes what is open.
    pub(crate) fn stop(&self) {
        drop(self.slot().take());
    }

    /// Whether people are watching something now.
    pub(crate) fn on_air(&self) -> bool {
        self.studio().is_ok_and(|s| s.snapshot().on_air.is_some())
    }

    /// The studio; a refusal in words once it is closing.
    pub(crate) fn studio(&self) -> Result<Arc<Studio>, Problem> {
        self.slot()
            .clone()
            .ok_or_else(|| Problem::new(Code::Conflict, "Klieg is closing."))
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Arc<Studio>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the page reaches the station on this machine.
#[derive(Serialize)]
pub(crate) struct Endpoints {
    /// `http://127.0.0.1:8080`.
    http: String,
    /// What its commands need.
    token: String,
}

/// Does what the person commands.
#[tauri::command]
pub(crate) async fn apply(engine: State<'_, Engine>, command: Command) -> Result<(), Problem> {
    let studio = engine.studio()?;
    off_the_window(move || studio.apply(command)).await?
}

/// Everything at this moment.
#[tauri::command]
pub(crate) async fn snapshot(engine: State<'_, Engine>) -> Result<Snapshot, Problem> {
    let studio = engine.studio()?;
    off_the_window(move || studio.snapshot()).await
}

/// Where previews and pages come from.
#[tauri::command]
pub(crate) fn endpoints(engine: State<'_, Engine>) -> Result<Endpoints, Problem> {
    let studio = engine.studio()?;
    let at = studio.endpoints();
    Ok(Endpoints {
        http: at.local(),
        token: at.control_token.clone(),
    })
}

/// Shows the folder of the log's files in the system's file manager.
#[tauri::command]
pub(crate) fn open_logs(app: AppHandle, engine: State<'_, Engine>) -> Result<(), Problem> {
    let folder = engine.studio()?.log_folder();
    let path = folder.display().to_string();
    app.opener().open_path(path, None::<&str>).map_err(|e| {
        let text = format!("The folder {} does not open: {e}.", folder.display());
        Problem::new(Code::Unavailable, text)
    })
}

/// Looking for devices or opening a file takes its time: never on a thread that draws or answers.
pub(crate) async fn off_the_window<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    async_runtime::spawn_blocking(work)
        .await
        .map_err(|e| Problem::new(Code::Internal, format!("That failed inside Klieg: {e}.")))
}

/// Passes the studio's events on to the page, for as long as there are any.
pub(crate) fn forward(app: &AppHandle) {
    let Ok(studio) = app.state::<Engine>().studio() else {
        return;
    };
    let mut events = studio.events();
    let studio = Arc::downgrade(&studio);
    let app = app.clone();
    async_runtime::spawn(async move {
        loop {
            let event = match events.recv().await {
                Ok(event) => event,
                // Some were lost: the whole stands in for them.
                Err(RecvError::Lagged(_)) => match studio.upgrade() {
                    Some(studio) => Arc::new(Event::Snapshot {
                        snapshot: Box::new(studio.snapshot()),
                    }),
                    None => return,
                },
                Err(RecvError::Closed) => return,
            };
            if let Err(error) = app.emit(EVENT, &*event) {
                tracing::debug!(%error, "the window does not take events any more");
                return;
            }
        }
    });
}
