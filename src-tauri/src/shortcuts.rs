//! Keys that count while another program has the keyboard, where the system lets a window hear them.
#![allow(
    clippy::let_underscore_must_use,
    reason = "stands in what `tauri::command` expands to"
)]

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use tauri::plugin::TauriPlugin;
use tauri::{AppHandle, Emitter, Manager, Wry};
use tauri_plugin_global_shortcut::{GlobalShortcutExt, Shortcut, ShortcutEvent, ShortcutState};

/// The event under which the page hears which action was asked for.
const EVENT: &str = "studio://shortcut";

const HEARD: &str =
    "These work wherever you are, as long as Klieg runs. They need Ctrl, Alt or an F key.";

const WAYLAND: &str = "Your desktop runs on Wayland, which lets no program hear the keys of others. In a session on X11 these can have keys.";

/// Which action belongs to a key that the system hears, by the key's number.
#[derive(Default)]
pub(crate) struct Heard(Mutex<HashMap<u32, String>>);

/// What the system says to keys.
#[derive(Serialize)]
pub(crate) struct Answer {
    /// Whether it lets any be heard.
    available: bool,
    /// How that is, for people.
    about: &'static str,
    /// Why some are not heard, by action.
    refused: BTreeMap<String, String>,
}

/// Whether this system lets a program hear keys of others.
pub(crate) fn available() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let wayland = std::env::var_os("XDG_SESSION_TYPE").is_some_and(|kind| kind == "wayland");
    cfg!(not(target_os = "linux")) || !(wayland || set("WAYLAND_DISPLAY")) && set("DISPLAY")
}

/// What hears them; only to be used where it is [`available`].
pub(crate) fn plugin() -> TauriPlugin<Wry> {
    tauri_plugin_global_shortcut::Builder::new()
        .with_handler(pressed)
        .build()
}

fn pressed(app: &AppHandle, shortcut: &Shortcut, event: ShortcutEvent) {
    if event.state() != ShortcutState::Pressed {
        return;
    }
    let heard = app.state::<Heard>();
    let action = heard.slot().get(&shortcut.id()).cloned();
    if let Some(action) = action
        && let Err(error) = app.emit(EVENT, &action)
    {
        tracing::debug!(%error, action, "the window does not take a key");
    }
}

impl Heard {
    fn slot(&self) -> std::sync::MutexGuard<'_, HashMap<u32, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Has these keys heard, by action, and no others any more.
#[tauri::command(async)]
pub(crate) fn shortcuts(app: AppHandle, keys: BTreeMap<String, String>) -> Answer {
    if !available() {
        return Answer {
            available: false,
            about: WAYLAND,
            refused: BTreeMap::new(),
        };
    }
    let system = app.global_shortcut();
    let mut refused = BTreeMap::new();
    if let Err(error) = system.unregister_all() {
        tracing::warn!(%error, "the system does not give keys back");
    }
    let heard = app.state::<Heard>();
    heard.slot().clear();
    for (action, key) in keys.into_iter().filter(|(_, key)| !key.is_empty()) {
        let Ok(shortcut) = written(&key).parse::<Shortcut>() else {
            let text = format!("The system does not know the key {key}. Choose another.");
            refused.insert(action, text);
            continue;
        };
        if let Err(error) = system.register(shortcut) {
            tracing::info!(%error, key, "the system does not give a key");
            let text = format!("Another program has {key}. Choose another key, or free it there.");
            refused.insert(action, text);
            continue;
        }
        heard.slot().insert(shortcut.id(), action);
    }
    Answer {
        available: true,
        about: HEARD,
        refused,
    }
}

/// A key as the interface writes it, as the system's names have it.
fn written(key: &str) -> String {
    // A sign of its own may be the plus that stands between others.
    let (held, last) = match key.strip_suffix("++") {
        Some(held) => (held.split('+').collect(), "+"),
        None => {
            let mut parts: Vec<_> = key.split('+').collect();
            let last = parts.pop().unwrap_or_default();
            (parts, last)
        }
    };
    let held = held.into_iter().map(|part| match part {
        // The interface writes the command key of a Mac so, too.
        "Ctrl" => "CmdOrCtrl",
        other => other,
    });
    let last = match last {
        "+" => "Equal",
        "Up" | "Down" | "Left" | "Right" => {
            return held
                .chain([&*format!("Arrow{last}")])
                .collect::<Vec<_>>()
                .join("+");
        }
        other => other,
    };
    held.chain([last]).collect::<Vec<_>>().join("+")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_the_interface_are_known_to_the_system() {
        for key in [
            "Ctrl+1",
            "Ctrl+Shift+Z",
            "Alt+A",
            "F5",
            "Shift+F10",
            "Ctrl+Up",
            "Ctrl+Enter",
            "Ctrl+,",
            "Ctrl+Space",
            "Ctrl+Home",
            "Ctrl+Delete",
            "Alt+PageUp",
            "Ctrl++",
        ] {
            let written = written(key);
            assert!(written.parse::<Shortcut>().is_ok(), "{key} as {written}");
        }
        assert!(written("Ctrl+ß").parse::<Shortcut>().is_err());
    }
}
