//! The studio: one state, changed by commands, seen in snapshots.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use api::{Code, Command, Event, Message, Problem, Snapshot};
use media::{Clock, Hub, Timestamp};
use parking_lot::{Mutex, RwLock};
use program::Program;
use scene::{History, SourceId};
use store::Store;
use tokio::runtime::Runtime;
use tokio::sync::{Notify, broadcast};

use crate::collections::Shelf;
use crate::control::Controls;
use crate::destinations::Destinations;
use crate::document::{self, Saver};
pub use crate::endpoints::Endpoints;
use crate::kept::Kept;
use crate::live::{self, Live};
use crate::remotes::Remotes;
use crate::secrets::Secrets;
use crate::settings::{Layers, SettingsError};
use crate::storage::Storage;
use crate::{demo, devices, first, keys, links, log, masks, presets, watch};

/// Events that a follower may be behind before it loses some (it then gets a fresh snapshot).
const EVENTS: usize = 256;

/// What to start with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder that holds everything.
    pub data_dir: PathBuf,
    /// The collection to open; the person's own (at first the demo) when absent.
    pub collection: Option<PathBuf>,
    /// Go live at once.
    pub on_air: bool,
    /// Destinations for this run; any of them goes live at once.
    pub publish: Vec<String>,
    /// Record the program from the start.
    pub record: bool,
    /// What settings are read from.
    pub settings: Layers,
}

/// Why the studio does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder cannot be used.
    #[error("the folder {} cannot be used: {source}; choose another with --data-dir", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The system gives no threads.
    #[error("the system gives no more threads: {0}")]
    Threads(#[source] std::io::Error),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A setting names something that cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The station cannot listen.
    #[error(transparent)]
    Server(#[from] server::StartError),
    /// The program cannot run.
    #[error(transparent)]
    Program(#[from] program::Error),
    /// A destination from the command line cannot be used.
    #[error("--publish {address}: {problem}")]
    Publish {
        /// The address, without its key.
        address: String,
        /// What is wrong.
        problem: Problem,
    },
    /// Going live failed.
    #[error("{0}")]
    GoLive(Problem),
    /// Recording failed.
    #[error("--record: {0}")]
    Record(Problem),
}

/// The running studio.
pub struct Studio {
    shared: Arc<Shared>,
    data_dir: PathBuf,
    runtime: Option<Runtime>,
}

/// What commands change and watchers read.
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) hub: Hub,
    pub(crate) store: Arc<Store>,
    pub(crate) program: Program,
    pub(crate) saver: Saver,
    pub(crate) shelf: Shelf,
    /// The folder of masks for luma wipes.
    pub(crate) masks: PathBuf,
    pub(crate) state: Mutex<State>,
    pub(crate) stats: RwLock<api::Stats>,
    pub(crate) events: broadcast::Sender<Arc<Event>>,
    pub(crate) changed: Notify,
    pub(crate) station: RwLock<Option<server::Station>>,
    /// Locked after `state` where both are.
    pub(crate) kept: Mutex<Kept>,
    pub(crate) storage: Storage,
    pub(crate) secrets: Arc<Secrets>,
    pub(crate) endpoints: RwLock<Endpoints>,
    pub(crate) testing: first::Testing,
    /// Held while settings change.
    pub(crate) live: Mutex<Live>,
    pub(crate) runtime: tokio::runtime::Handle,
}

pub(crate) struct State {
    pub(crate) history: History,
    pub(crate) path: PathBuf,
    /// The collections of the person's own folder, by name, as they were when it was looked at.
    pub(crate) collections: Vec<(String, PathBuf)>,
    pub(crate) title: String,
    pub(crate) on_air: Option<Timestamp>,
    pub(crate) destinations: Destinations,
    pub(crate) remotes: Remotes,
    pub(crate) devices: api::Devices,
    pub(crate) links: Vec<api::Link>,
    pub(crate) places: Vec<links::Place>,
    pub(crate) access: Vec<api::AccessLink>,
    pub(crate) settings: Vec<api::Setting>,
    pub(crate) keys: api::Keys,
    pub(crate) presets: Vec<api::FilterPreset>,
    pub(crate) first_start: bool,
    pub(crate) quality: Option<api::QualityTest>,
    pub(crate) masks: Vec<api::MaskFile>,
    pub(crate) problems: Vec<Problem>,
}

impl State {
    /// Where the broadcast also goes, as people see it.
    pub(crate) fn listed_destinations(&self) -> Vec<api::Destination> {
        self.destinations.list(self.history.now().canvas)
    }
}

impl Studio {
    /// Brings everything up: document, program, station; live when the options say so.
    ///
    /// # Errors
    /// [`StartError`]; nothing runs then. What a person can mend later (a missing file or device, a
    /// broken collection) is no error, but stands in the snapshot.
    pub fn start(options: Options) -> Result<Self, StartError> {
        let live = Live::read(&options)?;
        let settings = live.settings().clone();
        let clock = Clock::start();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("station")
            .enable_all()
            .build()
            .map_err(StartError::Threads)?;
        let shared = Shared::open(&options, live, clock, runtime.handle().clone())?;
        log::begin(&options.data_dir, &shared.store, clock);
        log::set_level(settings.log.level.as_str());
        let shared = Arc::new(shared);
        let control_token = random_text(24);
        let config = server::Config {
            http: settings.server.http,
            https: settings.server.https.get(),
            rtmp: settings.server.rtmp.get(),
            media_udp: settings.server.media_udp,
            external: settings.server.external.clone(),
            control_token: control_token.clone(),
            data_dir: options.data_dir.clone(),
        };
        let changes = live::changes(&settings, &options.data_dir)?;
        let rules = server::Options {
            names: changes.names,
            origins: changes.origins,
            rules: changes.rules,
            jwt: changes.jwt,
            ice_servers: changes.ice_servers,
            mdns: changes.mdns,
            remote_control: changes.remote_control,
            logs: log::lines(),
            latencies: shared.program.latencies(),
            ..server::Options::default()
        };
        let timelines = shared.kept.lock().timelines();
        let parts = server::Parts {
            hub: shared.hub.clone(),
            clock,
            store: Arc::clone(&shared.store),
            timelines,
            control: Arc::new(Controls::new(&shared)),
        };
        let station = runtime.block_on(server::start_with(config, rules, parts))?;
        *shared.endpoints.write() = Endpoints::of(&station, control_token);
        *shared.station.write() = Some(station);
        shared.show_links();
        shared.show_media_origins();
        shared.take_off_all_replays();
        watch::start(&shared, runtime.handle());
        let studio = Self {
            shared,
            data_dir: options.data_dir.clone(),
            runtime: Some(runtime),
        };
        studio.begin(&options)?;
        Ok(studio)
    }

    fn begin(&self, options: &Options) -> Result<(), StartError> {
        for address in &options.publish {
            let added = self
                .shared
                .state
                .lock()
                .destinations
                .add_transient(random_text(6), address);
            added.map_err(|problem| StartError::Publish {
                address: address.split('/').take(3).collect::<Vec<_>>().join("/"),
                problem,
            })?;
        }
        if options.on_air || !options.publish.is_empty() {
            server::done_by("the command line", None, Command::GoLive, |command| {
                self.shared.apply(command)
            })
            .map_err(StartError::GoLive)?;
        }
        // A setting may have begun it already.
        if options.record && self.shared.kept.lock().recordings().is_empty() {
            let record = Command::Record { channel: None };
            server::done_by("the command line", None, record, |command| {
                self.shared.apply(command)
            })
            .map_err(StartError::Record)?;
        }
        Ok(())
    }

    /// Where it is reached at the moment: settings move it.
    pub fn endpoints(&self) -> Endpoints {
        self.shared.endpoints.read().clone()
    }

    /// Does what the person at this machine commands.
    ///
    /// # Errors
    /// A [`Problem`] for them; nothing has changed then.
    pub fn apply(&self, command: Command) -> Result<(), Problem> {
        server::done_by("the host, in the window", None, command, |command| {
            self.shared.apply(command)
        })
    }

    /// The folder of the log's files.
    pub fn log_folder(&self) -> PathBuf {
        log::folder(&self.data_dir)
    }

    /// Everything at this moment.
    pub fn snapshot(&self) -> Snapshot {
        self.shared.snapshot()
    }

    /// What changes from now on.
    pub fn events(&self) -> broadcast::Receiver<Arc<Event>> {
        self.shared.events.subscribe()
    }

    /// The handle of the studio's own runtime.
    pub fn runtime(&self) -> tokio::runtime::Handle {
        self.shared.runtime.clone()
    }
}

impl Drop for Studio {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else {
            return;
        };
        self.shared.testing.end();
        let (stopping, ending) = self.shared.end_broadcast();
        ending.finish();
        self.shared.end_keeping();
        self.shared.tidy_tokens();
        let delayed = self.shared.state.lock().destinations.stop_all();
        let remotes = self.shared.state.lock().remotes.stop();
        let station = self.shared.station.write().take();
        runtime.block_on(async {
            let goodbyes = remotes.into_iter().map(outputs::Remote::stop);
            let goodbyes: tokio::task::JoinSet<()> = goodbyes.collect();
            stopping.finish().await;
            delayed.finish().await;
            goodbyes.join_all().await;
            if let Some(station) = station {
                station.shutdown().await;
            }
        });
        runtime.shutdown_timeout(Duration::from_secs(2));
        log::end();
    }
}

impl Shared {
    fn open(
        options: &Options,
        live: Live,
        clock: Clock,
        runtime: tokio::runtime::Handle,
    ) -> Result<Self, StartError> {
        let folder = |source| StartError::Folder {
            path: options.data_dir.clone(),
            source,
        };
        std::fs::create_dir_all(&options.data_dir).map_err(folder)?;
        let database = options.data_dir.join("klieg.db");
        let is_first = first::is_first(options, &database);
        let store = Arc::new(Store::open(&database)?);
        let mut problems = Vec::new();
        if let Some(aside) = store.set_aside() {
            problems.push(Problem::new(Code::Unavailable, aside.to_string()));
        }
        let shelf = Shelf::at(options.data_dir.join("collections"));
        let path = match &options.collection {
            Some(path) => std::path::absolute(path).map_err(folder)?,
            None => match shelf.last() {
                Some(path) => path,
                None => demo::lay_out(&shelf.folder().join("demo")).map_err(folder)?,
            },
        };
        let opened = document::open(&path);
        problems.extend(opened.problem);
        let collections = shelf.look();
        let history = History::new(opened.collection);
        let hub = Hub::new(live::max_channels(live.settings()));
        let program = Program::start(
            live::encoding(live.settings()),
            Arc::clone(history.now()),
            folder_of(&path),
            hub.clone(),
            clock,
        )?;
        let keychain = live.settings().station.keychain.get();
        let secrets = Arc::new(Secrets::open(&options.data_dir, keychain));
        let mut remotes = Remotes::new(Arc::clone(&secrets), hub.clone(), clock, runtime.clone());
        remotes.follow(history.now());
        let terms = live.terms(live.settings())?;
        let storage = Storage::open(
            Arc::clone(&store),
            Arc::clone(&secrets),
            live.storage_terms(live.settings())?,
            clock,
            runtime.clone(),
        )?;
        let destinations = Destinations::open(
            Arc::clone(&store),
            Arc::clone(&secrets),
            terms,
            clock,
            runtime.clone(),
        )?;
        let masks = options.data_dir.join("masks");
        if let Err(error) = masks::lay_out(&masks) {
            tracing::warn!(folder = %masks.display(), %error, "masks of luma wipes are not laid out");
        }
        let title = store.title()?;
        let keys = keys::open(&store)?;
        let presets = presets::open(&store)?;
        let first_start = first::open(&store, is_first)?;
        Ok(Self {
            clock,
            hub,
            program,
            shelf,
            masks: masks.clone(),
            saver: Saver::start().map_err(StartError::Threads)?,
            state: Mutex::new(State {
                title: title.unwrap_or_else(|| history.now().name.clone()),
                history,
                path,
                collections,
                on_air: None,
                destinations,
                remotes,
                devices: api::Devices::default(),
                links: Vec::new(),
                places: Vec::new(),
                access: Vec::new(),
                settings: live.shown(),
                keys,
                presets,
                first_start,
                quality: None,
                masks: masks::look(&masks),
                problems,
            }),
            stats: RwLock::default(),
            events: broadcast::Sender::new(EVENTS),
            changed: Notify::new(),
            station: RwLock::new(None),
            kept: Mutex::new(Kept::new(
                Arc::clone(&store),
                clock,
                options.data_dir.clone(),
            )),
            storage,
            secrets,
            endpoints: RwLock::new(Endpoints::nowhere()),
            testing: first::Testing::default(),
            live: Mutex::new(live),
            store,
            runtime,
        })
    }

    pub(crate) fn apply(self: &Arc<Self>, command: Command) -> Result<(), Problem> {
        let outcome = self.carry_out(command);
        self.changed.notify_one();
        outcome
    }

    fn carry_out(self: &Arc<Self>, command: Command) -> Result<(), Problem> {
        match command {
            Command::Edit { edit } => self.change(|history| {
                history
                    .apply_at(&edit, self.clock.now().since(Timestamp::ZERO))
                    .map_err(|e| Problem::new(Code::Invalid, sentence(&e.to_string())))
            }),
            Command::Undo => self.change(|history| {
                let went = history.undo();
                went.then_some(()).ok_or_else(|| nothing_to("undo"))
            }),
            Command::Redo => self.change(|history| {
                let went = history.redo();
                went.then_some(()).ok_or_else(|| nothing_to("redo"))
            }),
            Command::Travel { steps } => self.change(|history| {
                let back = steps < 0;
                let mut went = 0;
                while went < steps.unsigned_abs()
                    && (if back { history.undo() } else { history.redo() })
                {
                    went += 1;
                }
                let what = if back { "undo" } else { "redo" };
                (went > 0).then_some(()).ok_or_else(|| nothing_to(what))
            }),
            Command::Operate { source, operation } => self.operate(&source, operation),
            Command::StudioMode { on } => self.set_studio_mode(on),
            Command::Show { scene } => self.show(&scene),
            Command::Preview { scene } => self.set_preview(&scene),
            Command::Take => self.take(),
            Command::Hold { far } => self.hold(far),
            Command::GoLive => self.go_live(),
            Command::EndBroadcast => {
                let (stopping, ending) = self.end_broadcast();
                self.finish_later(stopping);
                self.runtime.spawn_blocking(|| ending.finish());
                Ok(())
            }
            Command::Record { channel } => self.record(channel.as_deref()),
            Command::PauseRecording { channel, paused } => {
                self.pause_recording(channel.as_deref(), paused)
            }
            Command::StopRecording { channel } => self.stop_recording(channel.as_deref()),
            Command::Mark { channel, label } => self.mark(channel.as_deref(), label.as_deref()),
            Command::SaveReplay { channel, seconds } => {
                self.save_replay(channel.as_deref(), seconds, false)
            }
            Command::PlayReplay { channel, seconds } => {
                self.save_replay(channel.as_deref(), seconds, true)
            }
            Command::CutFilm {
                film,
                from_ms,
                to_ms,
                title,
                exact,
            } => self.cut_film(film, from_ms..to_ms, &title, exact),
            Command::CutBehind {
                channel,
                from,
                to,
                title,
                exact,
            } => self.cut_behind(channel.as_deref(), from..to, &title, exact),
            Command::DeleteFilm { film, for_good } => {
                self.delete_film(film, true)?;
                if for_good {
                    self.forget_film(film)
                } else {
                    Ok(())
                }
            }
            Command::RestoreFilm { film } => self.delete_film(film, false),
            Command::SetShow {
                id,
                title,
                description,
                hidden,
                protected,
            } => {
                let change = store::ShowChange {
                    title: title.as_deref(),
                    description: description.as_deref(),
                    hidden,
                    protected,
                };
                self.set_show(&id, change)
            }
            Command::DeleteShow { id, for_good } => {
                self.delete_show(&id, true)?;
                if for_good {
                    self.delete_for_good(&id)
                } else {
                    Ok(())
                }
            }
            Command::RestoreShow { id } => self.delete_show(&id, false),
            Command::UploadFilm { film } => self.storage.upload(film),
            Command::PauseUpload { film } => self.storage.pause(film),
            Command::CancelUpload { film } => self.storage.cancel(film),
            Command::SetStorageKeys { access, secret } => {
                self.storage.set_keys(access.expose(), secret.expose())
            }
            Command::CheckStorage => self.storage.check(),
            Command::SetTitle { title } => self.set_title(&title),
            Command::AddDestination { destination } => {
                let mut state = self.state.lock();
                state.destinations.add(random_text(6), &destination)?;
                self.start_destinations(&mut state);
                Ok(())
            }
            Command::SetDestination { id, destination } => {
                let mut state = self.state.lock();
                let stopping = state.destinations.set(&id, &destination)?;
                self.start_destinations(&mut state);
                self.finish_later(stopping);
                Ok(())
            }
            Command::RemoveDestination { id } => {
                let stopping = self.state.lock().destinations.remove(&id)?;
                self.finish_later(stopping);
                Ok(())
            }
            Command::EnableDestination { id, enabled } => {
                let mut state = self.state.lock();
                let stopping = state.destinations.enable(&id, enabled)?;
                self.start_destinations(&mut state);
                self.finish_later(stopping);
                Ok(())
            }
            Command::AdmitPublisher { channel } => {
                self.with_station(|s| s.admit_publisher(&channel))
            }
            Command::EndPublisher { channel } => self.with_station(|s| s.end_publisher(&channel)),
            Command::CreateLink { link } => self.create_link(link),
            Command::RevokeLink { id } => self.revoke_link(&id),
            Command::RegenerateLink { id } => self.regenerate_link(&id),
            Command::Moderate {
                channel,
                moderation,
            } => self.with_station(|s| s.moderate(&channel, moderation)),
            Command::SetPassphrase {
                channel,
                passphrase,
            } => self.with_station(|s| {
                s.set_passphrase(&channel, passphrase.as_ref().map(api::Secret::expose))
            }),
            Command::Say { channel, text } => self.say(&channel, &text).map(drop),
            Command::SetSetting { key, value } => self.set_setting(&key, &value),
            Command::CheckSetting { key, value } => self.check_setting(&key, &value),
            Command::ResetSetting { key } => self.reset_setting(&key),
            Command::SetKeys { keys } => self.set_keys(keys),
            Command::KeepFilterPreset { preset } => self.keep_preset(preset),
            Command::ForgetFilterPreset { kind, name } => self.forget_preset(&kind, &name),
            Command::FinishFirstStart => self.finish_first_start(),
            Command::TestQuality => self.test_quality(),
            Command::ReloadSettings => self.reload_settings(),
            Command::SetSourceToken { id, token } => {
                self.set_source_token(&id, token.expose().trim())
            }
            Command::RefreshDevices => {
                let found = devices::look();
                self.state.lock().devices = found;
                Ok(())
            }
            Command::OpenCollection { path } => self.open_collection(Path::new(&path)),
            Command::NewCollection { name } => self.new_collection(&name),
            Command::DuplicateCollection { name } => self.duplicate_collection(&name),
            Command::ImportCollection { collection } => self.import_collection(collection),
            Command::ExportCollection { path } => self.export_collection(Path::new(&path)),
            Command::DeleteCollection { path } => self.delete_collection(Path::new(&path)),
        }
    }

    /// Changes the document, runs it, and has it saved.
    pub(crate) fn change(
        &self,
        change: impl FnOnce(&mut History) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        self.change_in(&mut self.state.lock(), change)
    }

    /// The same for who holds the state already, because what it decides must still be so.
    pub(crate) fn change_in(
        &self,
        state: &mut State,
        change: impl FnOnce(&mut History) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        change(&mut state.history)?;
        let now = Arc::clone(state.history.now());
        self.saver.save(&state.path, Arc::clone(&now));
        state.remotes.follow(&now);
        // Under the lock, so that two changes reach the program in the order in which they were made.
        self.program.set_collection(now);
        state
            .problems
            .retain(|p| p.subject.as_deref() != Some("collection"));
        Ok(())
    }

    pub(crate) fn say(&self, channel: &str, text: &str) -> Result<Message, Problem> {
        self.with_station(|station| station.say(channel, text))
    }

    fn set_source_token(&self, id: &SourceId, token: &str) -> Result<(), Problem> {
        if token.len() > 4096 {
            let text = "A token has at most 4096 characters. Copy it again.";
            return Err(Problem::new(Code::Invalid, text).about("token"));
        }
        let mut state = self.state.lock();
        let now = Arc::clone(state.history.now());
        state.remotes.set_token(&now, id, token)?;
        state.remotes.follow(&now);
        Ok(())
    }

    pub(crate) fn open_collection(&self, path: &Path) -> Result<(), Problem> {
        let unusable = |e: &dyn std::fmt::Display| {
            let text = format!("{} cannot be opened: {e}.", path.display());
            Problem::new(Code::NotFound, text).about("collection")
        };
        let path = std::path::absolute(path).map_err(|e| unusable(&e))?;
        if !path.is_file() {
            return Err(unusable(&"there is no such file"));
        }
        let opened = document::open(&path);
        let mut state = self.state.lock();
        state
            .problems
            .retain(|p| p.subject.as_deref() != Some("collection"));
        state.problems.extend(opened.problem);
        state.history = History::new(opened.collection);
        let now = Arc::clone(state.history.now());
        state.remotes.follow(&now);
        self.program.open(now, folder_of(&path));
        self.shelf.remember(&path);
        state.collections = self.shelf.look();
        state.path = path;
        Ok(())
    }
}

pub(crate) fn folder_of(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new(".")).to_owned()
}

fn nothing_to(what: &str) -> Problem {
    Problem::new(Code::Conflict, format!("There is nothing to {what}."))
}

/// An error's text as a sentence: "there is no scene" becomes "There is no scene."
pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string());
    let end = if text.ends_with('.') { "" } else { "." };
    format!("{}{}{end}", first.unwrap_or_default(), letters.as_str())
}

/// Random letters and digits, `bytes` of entropy: identities and tokens.
pub(crate) fn random_text(bytes: usize) -> String {
    let mut random = vec![0_u8; bytes];
    if let Err(error) = getrandom::fill(&mut random) {
        // Without randomness there are no safe tokens; nothing may go on with weak ones.
        tracing::error!(%error, "the system gives no random numbers");
        std::process::abort();
    }
    random.iter().map(|b| format!("{b:02x}")).collect()
}
