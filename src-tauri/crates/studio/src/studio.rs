//! The studio: one state, changed by commands, seen in snapshots.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use api::{Code, Command, Event, Message, Problem, Snapshot};
use media::{ChannelInfo, ChannelName, Clock, Hub, Origin, Timestamp};
use parking_lot::{Mutex, RwLock};
use program::Program;
use scene::History;
use store::Store;
use tokio::runtime::Runtime;
use tokio::sync::{Notify, broadcast};

use crate::control::Controls;
use crate::destinations::{Destinations, Stopping};
use crate::document::{self, Saver};
use crate::secrets::Secrets;
use crate::settings::{Settings, SettingsError};
use crate::{demo, devices, links, watch};

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
    /// The settings.
    pub settings: Settings,
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
}

/// Where the running studio is reached.
#[derive(Clone, Debug)]
pub struct Endpoints {
    /// Pages and API.
    pub http: SocketAddr,
    /// The same over TLS, when it is on.
    pub https: Option<SocketAddr>,
    /// RTMP ingest, when it is on.
    pub rtmp: Option<SocketAddr>,
    /// WebRTC media.
    pub media_udp: SocketAddr,
    /// What commands need.
    pub control_token: String,
}

impl Endpoints {
    /// The base address for this machine itself: `http://127.0.0.1:8080`.
    pub fn local(&self) -> String {
        links::local_base("http", self.http)
    }

    /// The same over TLS, when it is on.
    pub fn local_https(&self) -> Option<String> {
        self.https.map(|at| links::local_base("https", at))
    }

    /// Where RTMP publishers on this machine come to: `rtmp://127.0.0.1:1935/live`.
    pub fn local_rtmp(&self) -> Option<String> {
        self.rtmp.map(|at| links::local_base("rtmp", at) + "/live")
    }
}

/// The running studio.
pub struct Studio {
    shared: Arc<Shared>,
    endpoints: Endpoints,
    runtime: Option<Runtime>,
}

/// What commands change and watchers read.
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) hub: Hub,
    pub(crate) store: Arc<Store>,
    pub(crate) program: Program,
    pub(crate) saver: Saver,
    pub(crate) state: Mutex<State>,
    pub(crate) stats: RwLock<api::Stats>,
    pub(crate) events: broadcast::Sender<Arc<Event>>,
    pub(crate) changed: Notify,
    pub(crate) station: RwLock<Option<server::Station>>,
    runtime: tokio::runtime::Handle,
}

pub(crate) struct State {
    pub(crate) history: History,
    pub(crate) path: PathBuf,
    pub(crate) title: String,
    pub(crate) on_air: Option<Timestamp>,
    pub(crate) destinations: Destinations,
    pub(crate) devices: api::Devices,
    pub(crate) links: Vec<api::Link>,
    pub(crate) access: Vec<api::AccessLink>,
    pub(crate) problems: Vec<Problem>,
}

impl Studio {
    /// Brings everything up: document, program, station; live when the options say so.
    ///
    /// # Errors
    /// [`StartError`]; nothing runs then. What a person can mend later (a missing file or device, a
    /// broken collection) is no error, but stands in the snapshot.
    pub fn start(options: Options) -> Result<Self, StartError> {
        let clock = Clock::start();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("station")
            .enable_all()
            .build()
            .map_err(StartError::Threads)?;
        let shared = Shared::open(&options, clock, runtime.handle().clone())?;
        let shared = Arc::new(shared);
        let control_token = random_text(24);
        let config = server::Config {
            http: options.settings.server.http,
            https: options.settings.server.https.get(),
            rtmp: options.settings.server.rtmp.get(),
            media_udp: options.settings.server.media_udp,
            external: options.settings.server.external.clone(),
            control_token: control_token.clone(),
            data_dir: options.data_dir.clone(),
        };
        let ingest = &options.settings.ingest;
        let idle = options.settings.station.idle_seconds.get();
        let rules = server::Options {
            rules: server::Rules {
                policy: ingest.policy.into(),
                take_over: ingest.take_over,
                idle: Duration::from_secs(idle.into()),
            },
            jwt: ingest.jwt.checker(&options.data_dir)?,
            ..server::Options::default()
        };
        let parts = server::Parts {
            hub: shared.hub.clone(),
            clock,
            store: Arc::clone(&shared.store),
            control: Arc::new(Controls::new(&shared)),
        };
        let station = runtime.block_on(server::start_with(config, rules, parts))?;
        let endpoints = Endpoints {
            http: station.http_addr(),
            https: station.https_addr(),
            rtmp: station.rtmp_addr(),
            media_udp: station.media_addr(),
            control_token,
        };
        shared.state.lock().links = links::watch_links(endpoints.http);
        *shared.station.write() = Some(station);
        shared.show_links();
        watch::start(&shared, runtime.handle());
        let studio = Self {
            shared,
            endpoints,
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
            self.apply(Command::GoLive).map_err(StartError::GoLive)?;
        }
        Ok(())
    }

    /// Where it is reached.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Does what a person commands.
    ///
    /// # Errors
    /// A [`Problem`] for them; nothing has changed then.
    pub fn apply(&self, command: Command) -> Result<(), Problem> {
        self.shared.apply(command)
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
        let stopping = self.shared.end_broadcast();
        let station = self.shared.station.write().take();
        runtime.block_on(async {
            stopping.finish().await;
            if let Some(station) = station {
                station.shutdown().await;
            }
        });
        runtime.shutdown_timeout(Duration::from_secs(2));
    }
}

impl Shared {
    fn open(
        options: &Options,
        clock: Clock,
        runtime: tokio::runtime::Handle,
    ) -> Result<Self, StartError> {
        let folder = |source| StartError::Folder {
            path: options.data_dir.clone(),
            source,
        };
        std::fs::create_dir_all(&options.data_dir).map_err(folder)?;
        let store = Arc::new(Store::open(&options.data_dir.join("klieg.db"))?);
        let mut problems = Vec::new();
        if let Some(aside) = store.set_aside() {
            problems.push(Problem::new(Code::Unavailable, aside.to_string()));
        }
        let path = match &options.collection {
            Some(path) => std::path::absolute(path).map_err(folder)?,
            None => demo::lay_out(&options.data_dir.join("collections/demo")).map_err(folder)?,
        };
        let opened = document::open(&path);
        problems.extend(opened.problem);
        let history = History::new(opened.collection);
        let encoder = &options.settings.encoder;
        let program = Program::start(
            program::Settings {
                video_bitrate: encoder.bitrate.get(),
                keyframe_interval: encoder.keyframe_seconds.duration(),
                opus_bitrate: encoder.audio_bitrate.get(),
                aac_bitrate: encoder.audio_bitrate.get(),
            },
            Arc::clone(history.now()),
            folder_of(&path),
            clock,
        )?;
        let secrets = Secrets::open(&options.data_dir);
        let destinations = Destinations::open(Arc::clone(&store), secrets, clock, runtime.clone())?;
        let title = store.title()?;
        let max_channels = options.settings.station.max_channels.get();
        Ok(Self {
            clock,
            hub: Hub::new(usize::try_from(max_channels).unwrap_or(usize::MAX)),
            program,
            saver: Saver::start().map_err(StartError::Threads)?,
            state: Mutex::new(State {
                title: title.unwrap_or_else(|| history.now().name.clone()),
                history,
                path,
                on_air: None,
                destinations,
                devices: api::Devices::default(),
                links: Vec::new(),
                access: Vec::new(),
                problems,
            }),
            stats: RwLock::default(),
            events: broadcast::Sender::new(EVENTS),
            changed: Notify::new(),
            station: RwLock::new(None),
            store,
            runtime,
        })
    }

    pub(crate) fn apply(&self, command: Command) -> Result<(), Problem> {
        let outcome = self.carry_out(command);
        self.changed.notify_one();
        outcome
    }

    fn carry_out(&self, command: Command) -> Result<(), Problem> {
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
            Command::GoLive => self.go_live(),
            Command::EndBroadcast => {
                self.finish_later(self.end_broadcast());
                Ok(())
            }
            Command::SetTitle { title } => self.set_title(&title),
            Command::AddDestination { destination } => {
                let mut state = self.state.lock();
                state.destinations.add(random_text(6), destination)?;
                self.start_destinations(&mut state);
                Ok(())
            }
            Command::SetDestination { id, destination } => {
                let mut state = self.state.lock();
                let stopping = state.destinations.set(&id, destination)?;
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
            Command::Say { channel, text } => self.say(&channel, &text).map(drop),
            Command::RefreshDevices => {
                let found = devices::look();
                self.state.lock().devices = found;
                Ok(())
            }
            Command::OpenCollection { path } => self.open_collection(Path::new(&path)),
        }
    }

    /// Changes the document, runs it, and has it saved.
    fn change(
        &self,
        change: impl FnOnce(&mut History) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        let mut state = self.state.lock();
        change(&mut state.history)?;
        let now = Arc::clone(state.history.now());
        self.saver.save(&state.path, Arc::clone(&now));
        // Under the lock, so that two changes reach the program in the order in which they were made.
        self.program.set_collection(now);
        state
            .problems
            .retain(|p| p.subject.as_deref() != Some("collection"));
        Ok(())
    }

    fn go_live(&self) -> Result<(), Problem> {
        let mut state = self.state.lock();
        if state.on_air.is_some() {
            return Err(Problem::new(Code::Conflict, "The broadcast is on already."));
        }
        let now = self.clock.now();
        let info = ChannelInfo {
            origin: Origin::Program,
            title: state.title.clone(),
        };
        let conflict = |e: &dyn std::fmt::Display| {
            Problem::new(Code::Conflict, format!("The broadcast cannot begin: {e}."))
        };
        let writer = self
            .hub
            .publish(ChannelName::program(), info, now)
            .map_err(|e| conflict(&e))?;
        self.program.go_live(writer).map_err(|e| conflict(&e))?;
        state.on_air = Some(now);
        self.start_destinations(&mut state);
        Ok(())
    }

    fn start_destinations(&self, state: &mut State) {
        if state.on_air.is_some()
            && let Some(channel) = self.hub.channel(&ChannelName::program())
        {
            state.destinations.start(&channel);
        }
    }

    /// Ends the broadcast; the destinations that ran are to be stopped by the caller.
    fn end_broadcast(&self) -> Stopping {
        let mut state = self.state.lock();
        state.on_air = None;
        let stopping = state.destinations.stop();
        drop(state);
        self.program.end();
        stopping
    }

    fn finish_later(&self, stopping: Stopping) {
        self.runtime.spawn(stopping.finish());
    }

    fn set_title(&self, title: &str) -> Result<(), Problem> {
        let title = title.trim();
        if !(1..=100).contains(&title.chars().count()) || title.chars().any(char::is_control) {
            let text = "A title has 1 to 100 characters.";
            return Err(Problem::new(Code::Invalid, text).about("title"));
        }
        self.store
            .set_title(title)
            .map_err(|e| Problem::new(Code::Unavailable, sentence(&e.to_string())))?;
        self.state.lock().title = title.to_owned();
        self.program.set_title(title);
        Ok(())
    }

    pub(crate) fn say(&self, channel: &str, text: &str) -> Result<Message, Problem> {
        self.with_station(|station| station.say(channel, text))
    }

    fn open_collection(&self, path: &Path) -> Result<(), Problem> {
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
        self.program
            .open(Arc::clone(state.history.now()), folder_of(&path));
        state.path = path;
        Ok(())
    }
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new(".")).to_owned()
}

fn nothing_to(what: &str) -> Problem {
    Problem::new(Code::Conflict, format!("There is nothing to {what}."))
}

/// An error's text as a sentence: "there is no scene" becomes "There is no scene."
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string());
    let end = if text.ends_with('.') { "" } else { "." };
    format!("{}{}{end}", first.unwrap_or_default(), letters.as_str())
}

/// Random letters and digits, `bytes` of entropy: identities and tokens.
fn random_text(bytes: usize) -> String {
    let mut random = vec![0_u8; bytes];
    if let Err(error) = getrandom::fill(&mut random) {
        // Without randomness there are no safe tokens; nothing may go on with weak ones.
        tracing::error!(%error, "the system gives no random numbers");
        std::process::abort();
    }
    random.iter().map(|b| format!("{b:02x}")).collect()
}
