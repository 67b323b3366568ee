//! The icon beside the system's clock: the window is shown and hidden, the broadcast and the recording begin and
//! end, and sources are muted, while the window is away.
//!
//! A desktop that shows no such icons is none the worse for it: the window does all of this.

use std::sync::Arc;

use api::scene::{Edit, Source, SourceId};
use api::{Code, Command, Event, Problem, Snapshot, UplinkFit};
use studio::Studio;
use tauri::menu::{CheckMenuItemBuilder, Menu, MenuBuilder, MenuEvent, SubmenuBuilder};
use tauri::tray::{MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent};
use tauri::{AppHandle, Manager, Wry, async_runtime};
use tauri_plugin_dialog::{DialogExt, MessageDialogButtons, MessageDialogKind};
use tokio::sync::broadcast::error::RecvError;

use crate::bridge::{Engine, off_the_window};
use crate::window;

const SHOW: &str = "show";
const LIVE: &str = "live";
const RECORD: &str = "record";
const CLOSE: &str = "close";
/// A source's identity follows.
const MUTE: &str = "mute:";

/// What of the studio stands in the menu.
#[derive(Clone, Debug, Default, PartialEq)]
struct Told {
    on_air: bool,
    recording: bool,
    sounds: Vec<Sound>,
}

#[derive(Clone, Debug, PartialEq)]
struct Sound {
    id: SourceId,
    name: String,
    muted: bool,
}

impl Told {
    fn of(snapshot: &Snapshot) -> Self {
        let sounds = snapshot.collection.sources.iter();
        Self {
            on_air: snapshot.on_air.is_some(),
            recording: is_recorded(snapshot),
            sounds: sounds
                .filter(|source| source.kind.has_audio())
                .map(|source| Sound {
                    id: source.id.clone(),
                    name: source.name.clone(),
                    muted: source.audio.muted,
                })
                .collect(),
        }
    }

    /// What is read where the pointer rests on the icon.
    fn tip(&self) -> &'static str {
        match (self.on_air, self.recording) {
            (true, true) => "Klieg: on air, recording",
            (true, false) => "Klieg: on air",
            (false, true) => "Klieg: recording",
            (false, false) => "Klieg: off air",
        }
    }
}

fn is_recorded(snapshot: &Snapshot) -> bool {
    snapshot.recordings.iter().any(|r| r.channel == PROGRAM)
}

/// The channel of the program.
const PROGRAM: &str = "program";

/// Puts the icon there, where the desktop has a place for it.
pub(crate) fn open(app: &AppHandle) {
    let Ok(studio) = app.state::<Engine>().studio() else {
        return;
    };
    let told = Told::of(&studio.snapshot());
    match build(app, &told) {
        Ok(icon) => follow(app, &studio, icon, told),
        Err(error) => tracing::info!(
            %error,
            "this desktop shows no icons beside its clock: Klieg has none there"
        ),
    }
}

fn build(app: &AppHandle, told: &Told) -> tauri::Result<TrayIcon<Wry>> {
    let mut icon = TrayIconBuilder::with_id("klieg")
        .menu(&menu(app, told)?)
        .show_menu_on_left_click(false)
        .title("Klieg")
        .tooltip(told.tip())
        .on_menu_event(asked)
        .on_tray_icon_event(|icon, event| {
            if let TrayIconEvent::Click {
                button: MouseButton::Left,
                button_state: MouseButtonState::Up,
                ..
            } = event
            {
                window::show(icon.app_handle());
            }
        });
    if let Some(picture) = app.default_window_icon() {
        icon = icon.icon(picture.clone());
    }
    icon.build(app)
}

fn menu(app: &AppHandle, told: &Told) -> tauri::Result<Menu<Wry>> {
    let live = if told.on_air {
        "End the broadcast…"
    } else {
        "Go live"
    };
    let record = if told.recording {
        "Stop recording"
    } else {
        "Record"
    };
    let mut mute = SubmenuBuilder::new(app, "Mute");
    for Sound { id, name, muted } in &told.sounds {
        let item = CheckMenuItemBuilder::with_id(format!("{MUTE}{}", id.as_str()), plain(name))
            .checked(*muted)
            .build(app)?;
        mute = mute.item(&item);
    }
    let mute = mute.enabled(!told.sounds.is_empty()).build()?;
    MenuBuilder::new(app)
        .text(SHOW, "Show or hide the window")
        .separator()
        .text(LIVE, live)
        .text(RECORD, record)
        .item(&mute)
        .separator()
        .text(CLOSE, "Close Klieg")
        .build()
}

/// A name as a menu has it, where `&` would underline a letter.
fn plain(name: &str) -> String {
    name.replace('&', "&&")
}

/// Keeps the menu as the studio is, for as long as there is one.
fn follow(app: &AppHandle, studio: &Arc<Studio>, icon: TrayIcon<Wry>, mut told: Told) {
    let mut events = studio.events();
    let studio = Arc::downgrade(studio);
    let app = app.clone();
    async_runtime::spawn(async move {
        loop {
            let now = match events.recv().await.as_deref() {
                Ok(Event::Snapshot { snapshot }) => Told::of(snapshot),
                Ok(_) => continue,
                Err(RecvError::Lagged(_)) => match studio.upgrade() {
                    Some(studio) => Told::of(&studio.snapshot()),
                    None => return,
                },
                Err(RecvError::Closed) => return,
            };
            if now == told {
                continue;
            }
            told = now;
            let set = menu(&app, &told)
                .and_then(|menu| icon.set_menu(Some(menu)))
                .and_then(|()| icon.set_tooltip(Some(told.tip())));
            if let Err(error) = set {
                tracing::debug!(%error, "the icon beside the clock is not brought up to date");
            }
        }
    });
}

/// Does what was chosen.
fn asked(app: &AppHandle, event: MenuEvent) {
    let Ok(studio) = app.state::<Engine>().studio() else {
        return;
    };
    let id = event.id().as_ref();
    match id {
        SHOW => window::show_or_hide(app),
        CLOSE => window::close(app),
        LIVE => live(app, &studio),
        RECORD => {
            let channel = None;
            let command = if is_recorded(&studio.snapshot()) {
                Command::StopRecording { channel }
            } else {
                Command::Record { channel }
            };
            apply(app, command);
        }
        _ => {
            let snapshot = studio.snapshot();
            let sources = &snapshot.collection.sources;
            let wanted = id.strip_prefix(MUTE);
            if let Some(source) = sources.iter().find(|s| Some(s.id.as_str()) == wanted) {
                apply(app, muted(source));
            }
        }
    }
}

/// Mutes a source, or has it heard again.
fn muted(source: &Source) -> Command {
    let mut audio = source.audio;
    audio.muted = !audio.muted;
    let id = source.id.clone();
    Command::Edit {
        edit: Edit::SetAudio { id, audio },
    }
}

/// Goes live, or ends: the end, and more than the connection carries, are asked about first.
fn live(app: &AppHandle, studio: &Studio) {
    let snapshot = studio.snapshot();
    if snapshot.on_air.is_some() {
        let text = "Everybody who watches sees that it is over. Chat and scenes stay.";
        let (title, yes) = ("End the broadcast?", "End broadcast");
        ask(
            app,
            title,
            text,
            [yes, "Stay on air"],
            Command::EndBroadcast,
        );
    } else if snapshot.uplink.fit == UplinkFit::TooMuch {
        let text = snapshot.uplink.warning.unwrap_or_default();
        let (title, yes) = ("More than your connection carries", "Go live all the same");
        ask(app, title, &text, [yes, "Cancel"], Command::GoLive);
    } else {
        apply(app, Command::GoLive);
    }
}

fn ask(app: &AppHandle, title: &str, text: &str, [yes, no]: [&str; 2], command: Command) {
    let asking = app.clone();
    app.dialog()
        .message(text)
        .title(title)
        .kind(MessageDialogKind::Warning)
        .buttons(MessageDialogButtons::OkCancelCustom(yes.into(), no.into()))
        .show(move |sure| {
            if sure {
                apply(&asking, command);
            }
        });
}

/// Does it beside the window's thread; a refusal is said.
fn apply(app: &AppHandle, command: Command) {
    let app = app.clone();
    async_runtime::spawn(async move {
        let studio = app.state::<Engine>().studio();
        let done = match studio {
            Ok(studio) => off_the_window(move || studio.apply(command)).await,
            Err(problem) => Err(problem),
        };
        if let Err(problem) | Ok(Err(problem)) = done {
            refused(&app, &problem);
        }
    });
}

fn refused(app: &AppHandle, problem: &Problem) {
    let kind = match problem.code {
        Code::Internal => MessageDialogKind::Error,
        _ => MessageDialogKind::Warning,
    };
    app.dialog()
        .message(&problem.message)
        .title("Klieg")
        .kind(kind)
        .show(|_| {});
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tip_says_what_people_must_know() {
        for (on_air, recording, expect) in [
            (false, false, "Klieg: off air"),
            (true, false, "Klieg: on air"),
            (false, true, "Klieg: recording"),
            (true, true, "Klieg: on air, recording"),
        ] {
            let told = Told {
                on_air,
                recording,
                sounds: Vec::new(),
            };
            assert_eq!(told.tip(), expect);
        }
    }

    #[test]
    fn names_are_written_as_they_are() {
        assert_eq!(plain("Rock & Roll"), "Rock && Roll");
    }
}
