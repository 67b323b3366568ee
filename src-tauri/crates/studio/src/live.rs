//! Settings while the studio runs: read again, changed, and put into effect.
//!
//! Whatever changes them, the file by hand, a command or a reload, goes one way: everything is read and
//! checked, what can change does, and only then it counts. A refusal leaves what runs as it is.
//!
//! The file is looked at, not watched by the system: editors that put a new file in its place, links
//! and network folders all look the same then, and reading a page of text costs nothing.

use std::path::Path;
use std::sync::Weak;
use std::time::Duration;

use api::{Code, Event, Problem, Setting, SettingKind, SettingOrigin, SettingValue};

use crate::Options;
use crate::destinations::Terms;
use crate::log;
use crate::settings::{self, KEYS, Key, Layers, Read, Settings, SettingsError};
use crate::storage;
use crate::studio::{Endpoints, Shared, StartError, sentence};

/// How often the file is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// What a problem with the settings is about.
const SUBJECT: &str = "settings";

/// The settings that hold, and what they are read from.
pub(crate) struct Live {
    layers: Layers,
    folder: std::path::PathBuf,
    /// As last read and taken.
    read: Read,
    /// What the studio was started with: some settings wait for its next start.
    started: Settings,
    /// The file as last looked at.
    text: String,
}

impl Live {
    /// Reads the settings that a studio starts with.
    ///
    /// # Errors
    /// [`SettingsError`] names the place.
    pub(crate) fn read(options: &Options) -> Result<Self, StartError> {
        let layers = options.settings.clone();
        let text = layers.text()?;
        let read = layers.read_over(&text)?;
        let live = Self {
            started: read.settings.clone(),
            folder: options.data_dir.clone(),
            layers,
            read,
            text,
        };
        live.changes(&live.read)?;
        Ok(live)
    }

    /// The settings that hold.
    pub(crate) fn settings(&self) -> &Settings {
        &self.read.settings
    }

    /// All of them as people see them.
    pub(crate) fn shown(&self) -> Vec<Setting> {
        let shown = |key| settings::shown(key, &self.started, &self.read);
        KEYS.iter().map(shown).collect()
    }

    /// What a station is told.
    fn changes(&self, read: &Read) -> Result<server::Changes, SettingsError> {
        let changes = changes(&read.settings, &self.folder);
        changes
            .and_then(|changes| self.terms(&read.settings).map(|_| changes))
            .map_err(|e| self.layers.placed(e, read))
    }

    /// What destinations are told.
    ///
    /// # Errors
    /// [`SettingsError::Override`] with what is wrong with the file of certificates.
    pub(crate) fn terms(&self, settings: &Settings) -> Result<Terms, SettingsError> {
        let encoder = &settings.encoder;
        let uplink = u64::from(settings.outputs.uplink.get());
        Ok(Terms {
            roots: settings.outputs.roots(&self.folder)?,
            video_bitrate: encoder.bitrate.get(),
            audio_bitrate: encoder.audio_bitrate.get(),
            keyframe_seconds: encoder.keyframe_seconds.get(),
            uplink: (uplink > 0).then_some(uplink),
        })
    }

    /// What the storage is told.
    ///
    /// # Errors
    /// As [`Self::terms`].
    pub(crate) fn storage_terms(
        &self,
        settings: &Settings,
    ) -> Result<storage::Terms, SettingsError> {
        Ok(storage::Terms {
            settings: settings.storage.clone(),
            roots: settings.outputs.roots(&self.folder)?,
        })
    }

    /// The text of the file with one setting changed, as far as it can be changed there.
    fn changed(&self, key: &str, change: Change<'_>) -> Result<String, Problem> {
        let known = Key::find(key).ok_or_else(|| {
            let text = format!("There is no setting {key}; the page of settings lists all.");
            Problem::new(Code::NotFound, text).about(key)
        })?;
        if let Some(place) = self.read.place(key)
            && matches!(
                place.origin(),
                SettingOrigin::Environment | SettingOrigin::CommandLine
            )
        {
            let text =
                format!("{key} is set by {place}, which stands over the file. Change it there.");
            return Err(Problem::new(Code::Conflict, text).about(key));
        }
        if known.kind() == SettingKind::File {
            let path = self.layers.file().display();
            let text = format!("{key} has parts of its own. Change it in {path}.");
            return Err(Problem::new(Code::Conflict, text).about(key));
        }
        let text = self.layers.text().map_err(|e| refused(&e))?;
        // A file that is wrong already is not the setting's fault, and is told with its own line.
        self.layers.read_over(&text).map_err(|e| refused(&e))?;
        let changed = match change {
            Change::Set(value) => settings::with(&text, key, value),
            Change::Reset => settings::without(&text, key),
        };
        changed.map_err(|e| Problem::new(Code::Invalid, sentence(&e)).about(key))
    }

    /// What would be read if this text stood in the file, for one who changes a setting.
    fn tried(&self, key: &str, text: &str) -> Result<Read, Problem> {
        // The line is of a file that nobody has seen yet: what is wrong is told without it.
        let about = |error: SettingsError| {
            let message = match error {
                SettingsError::File { message, .. } | SettingsError::Override { message, .. } => {
                    message
                }
                SettingsError::Read { .. } => error.to_string(),
            };
            // The interface shows it beside the setting: its name need not be said again.
            let name = key.rsplit('.').next().unwrap_or(key);
            let bare = |name: &str| message.strip_prefix(name)?.strip_prefix(": ");
            let message = bare(key).or_else(|| bare(name)).unwrap_or(&message);
            Problem::new(Code::Invalid, sentence(message)).about(key)
        };
        let read = self.layers.read_over(text).map_err(about)?;
        self.changes(&read).map_err(about)?;
        Ok(read)
    }
}

/// A change of one setting in the file.
enum Change<'a> {
    Set(&'a SettingValue),
    Reset,
}

impl Shared {
    /// Sets a setting in the file, and puts it into effect.
    pub(crate) fn set_setting(&self, key: &str, value: &SettingValue) -> Result<(), Problem> {
        self.change_setting(key, Change::Set(value))
    }

    /// Takes a setting out of the file, and puts its default into effect.
    pub(crate) fn reset_setting(&self, key: &str) -> Result<(), Problem> {
        self.change_setting(key, Change::Reset)
    }

    /// Whether a setting would be taken.
    pub(crate) fn check_setting(&self, key: &str, value: &SettingValue) -> Result<(), Problem> {
        let live = self.live.lock();
        let text = live.changed(key, Change::Set(value))?;
        live.tried(key, &text).map(drop)
    }

    fn change_setting(&self, key: &str, change: Change<'_>) -> Result<(), Problem> {
        let mut live = self.live.lock();
        let text = live.changed(key, change)?;
        let read = live.tried(key, &text)?;
        let before = live.read.clone();
        self.put_into_effect(&mut live, read)
            .map_err(|problem| problem.about(key))?;
        if let Err(error) = settings::write(live.layers.file(), &text) {
            let path = live.layers.file().display().to_string();
            // What is not kept does not hold either: it would be gone with the next start.
            self.put_into_effect(&mut live, before)?;
            let text = format!(
                "{path} cannot be written: {error}. Check that the folder may be written to."
            );
            return Err(Problem::new(Code::Unavailable, text).about(key));
        }
        live.text = text;
        self.settings_are_fine();
        tracing::info!(key, "a setting was changed");
        Ok(())
    }

    /// Reads the settings file again. What is wrong with it is shown until it is mended.
    pub(crate) fn reload_settings(&self) -> Result<(), Problem> {
        let mut live = self.live.lock();
        let outcome = self.reload(&mut live);
        match &outcome {
            Ok(()) => self.settings_are_fine(),
            Err(problem) => {
                tracing::error!(message = %problem, "the settings from before go on");
                let mut state = self.state.lock();
                state.problems.retain(|p| !is_about_settings(p));
                state.problems.push(problem.clone());
            }
        }
        outcome
    }

    fn reload(&self, live: &mut Live) -> Result<(), Problem> {
        live.text = live.layers.text().map_err(|e| refused(&e))?;
        let read = live.layers.read_over(&live.text).map_err(|e| refused(&e))?;
        live.changes(&read).map_err(|e| refused(&e))?;
        self.put_into_effect(live, read)?;
        tracing::info!(file = %live.layers.file().display(), "settings were read again");
        Ok(())
    }

    /// Changes what can change; all of it or nothing.
    fn put_into_effect(&self, live: &mut Live, read: Read) -> Result<(), Problem> {
        let changes = live.changes(&read).map_err(|e| refused(&e))?;
        self.with_station(|station| {
            let moved = self.runtime.block_on(station.change(changes));
            let told = |e: server::StartError| {
                let text = format!(
                    "{} The settings from before go on.",
                    sentence(&e.to_string())
                );
                Problem::new(Code::Unavailable, text).about(SUBJECT)
            };
            moved.map_err(told)?;
            let token = self.endpoints.read().control_token.clone();
            *self.endpoints.write() = Endpoints::of(station, token);
            Ok(())
        })?;
        self.show_links();
        self.hub.set_limit(max_channels(&read.settings));
        self.program.set_encoding(encoding(&read.settings));
        log::set_level(read.settings.log.level.as_str());
        self.kept.lock().set_window(&read.settings.recording);
        let terms = live.terms(&read.settings).map_err(|e| refused(&e))?;
        let storage = live
            .storage_terms(&read.settings)
            .map_err(|e| refused(&e))?;
        self.storage.set_terms(storage);
        live.read = read;
        let mut state = self.state.lock();
        state.destinations.set_terms(terms);
        state.settings = live.shown();
        Ok(())
    }

    fn settings_are_fine(&self) {
        let mut state = self.state.lock();
        state.problems.retain(|p| !is_about_settings(p));
    }
}

fn is_about_settings(problem: &Problem) -> bool {
    problem.subject.as_deref() == Some(SUBJECT)
}

fn refused(error: &SettingsError) -> Problem {
    let text = format!(
        "{} The settings from before go on.",
        sentence(&error.to_string())
    );
    Problem::new(Code::Invalid, text).about(SUBJECT)
}

/// Looks at the file until the studio is gone, and reads it again when it has changed.
pub(crate) async fn watch(weak: Weak<Shared>) {
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(shared) = weak.upgrade() else { return };
        let looked = tokio::task::spawn_blocking(move || look(&shared)).await;
        if let Err(error) = looked {
            tracing::error!(%error, "the settings file was not looked at");
        }
    }
}

fn look(shared: &Shared) {
    shared.look_for_masks();
    let same = {
        let live = shared.live.lock();
        // What cannot be read at the moment is read when it can; a reload says why it cannot.
        live.layers.text().map_or(true, |text| text == live.text)
    };
    if same {
        return;
    }
    if let Err(problem) = shared.reload_settings() {
        shared.tell(Event::Problem { problem });
    }
    shared.changed.notify_one();
}

/// What a station is told of the settings. A key file is looked for in `folder`.
///
/// # Errors
/// What is wrong with the key for tokens.
pub(crate) fn changes(
    settings: &Settings,
    folder: &Path,
) -> Result<server::Changes, SettingsError> {
    let server = &settings.server;
    let idle = settings.station.idle_seconds.get();
    Ok(server::Changes {
        http: server.http,
        https: server.https.get(),
        rtmp: server.rtmp.get(),
        external: server.external.clone(),
        ice_servers: server
            .ice_servers
            .iter()
            .map(settings::IceServer::get)
            .collect(),
        mdns: server.mdns,
        names: server
            .allowed_hosts
            .iter()
            .map(ToString::to_string)
            .collect(),
        origins: server
            .allowed_origins
            .iter()
            .map(ToString::to_string)
            .collect(),
        remote_control: server.remote_control,
        rules: server::Rules {
            policy: settings.ingest.policy.into(),
            take_over: settings.ingest.take_over,
            idle: Duration::from_secs(idle.into()),
        },
        jwt: settings.ingest.jwt.checker(folder)?,
    })
}

/// What the program is told of the settings.
pub(crate) fn encoding(settings: &Settings) -> program::Settings {
    let encoder = &settings.encoder;
    program::Settings {
        video_bitrate: encoder.bitrate.get(),
        keyframe_interval: encoder.keyframe_seconds.duration(),
        opus_bitrate: encoder.audio_bitrate.get(),
        aac_bitrate: encoder.audio_bitrate.get(),
    }
}

/// How many channels the hub carries.
pub(crate) fn max_channels(settings: &Settings) -> usize {
    usize::try_from(settings.station.max_channels.get()).unwrap_or(usize::MAX)
}
