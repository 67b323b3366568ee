//! The station on the network: who is live, watching over WHEP and HLS, publishing over WHIP, chat, and
//! the studio's own page, all on one HTTP port and one UDP port.
//!
//! [`start`] binds both and returns a [`Station`]; what the studio does for it stands behind
//! [`Control`]. [`Station::shutdown`] ends requests and connections in order.
//!
//! This crate knows no program, no window and no settings file: pictures are handed to it, and
//! whoever starts it decides where it listens. Only [`api`] types leave it.

mod accept;
mod access;
mod announcing;
mod app;
mod audit;
mod body;
mod channels;
mod chat;
mod control;
mod doctor;
mod doors;
mod figures;
pub mod fuzz;
mod gate;
mod guard;
mod history;
mod hls;
mod hosting;
mod ice;
mod ingest;
mod library;
mod logs;
mod mdns;
mod openapi;
mod pages;
mod picture;
mod ports;
mod presence;
mod preview;
mod privacy;
mod problem;
mod remote;
mod rest;
mod rewind;
mod rtmp;
mod sdp;
mod throttle;
mod tls;
mod twin;
mod v3;
mod waiting;
mod whep;
mod whip;
mod ws;

pub use accept::Limits;
pub use access::{JwtError, JwtKey, Link};
pub use audit::done_by;
pub use chat::ChatNews;
pub use doors::Changes;
pub use ice::{IceServer, IceServerError};
pub use ingest::{Policy, Rules};
pub use library::keep_pictures;
pub use logs::Logs;
pub use tls::TlsError;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use api::{Code, Command, DeviceKind, Event, Message, Problem, Snapshot, Viewers};
use media::{ChannelName, Clock, Frame, Histogram, Hub};
use parking_lot::{Mutex, RwLock};
use store::Store;
use tokio::sync::{broadcast, watch};
use tokio_util::task::TaskTracker;
use wire::webrtc;

use accept::{Ends, Lobby};
use access::{Access, Links};
use announcing::Announcing;
use app::App;
use chat::{Chat, Order};
use doors::Doors;
use figures::Figures;
use guard::Guard;
use ports::Transport;
use preview::Preview;
use privacy::Privacy;
use tls::Tls;
use whep::Peers;

/// Where the station listens, and who may command it.
#[derive(Clone, Debug)]
pub struct Config {
    /// Pages, API, WHEP, HLS and chat; port 0 is any free one.
    pub http: SocketAddr,
    /// The same over TLS, when wanted; port 0 is any free one.
    pub https: Option<SocketAddr>,
    /// RTMP publishers, when wanted; port 0 is any free one.
    pub rtmp: Option<SocketAddr>,
    /// All media, UDP; port 0 is any free one.
    pub media_udp: SocketAddr,
    /// More addresses that lead to the media port from outside, as a router maps them.
    pub external: Vec<IpAddr>,
    /// What commands and snapshots ask for. Empty lets nobody in.
    pub control_token: String,
    /// The folder for what the station makes for itself (certificates).
    pub data_dir: PathBuf,
}

/// What has a sensible default.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Names the station answers to beyond IP addresses, `localhost`, `*.local` and this machine's
    /// host name.
    pub names: Vec<String>,
    /// Origins (`https://club.example`) whose pages may watch and chat here.
    pub origins: Vec<String>,
    /// What connections may ask for.
    pub limits: Limits,
    /// How publishers are treated.
    pub rules: Rules,
    /// What tokens of an identity provider are checked with, where they may publish and watch.
    pub jwt: Option<JwtKey>,
    /// STUN and TURN servers that browsers are told of.
    pub ice_servers: Vec<IceServer>,
    /// Where the newest lines of the log are.
    pub logs: Logs,
    /// How long the program's pictures take from their tick to the hub.
    pub latencies: Arc<Histogram>,
    /// Tells the network the station's name: `NAME.local`, and its title as a web service. Not where
    /// it listens on this machine alone.
    pub mdns: bool,
    /// The control token also works from other machines.
    pub remote_control: bool,
}

/// What the station stands on.
pub struct Parts {
    /// Live channels.
    pub hub: Hub,
    /// The process's clock.
    pub clock: Clock,
    /// Where chat is kept.
    pub store: Arc<Store>,
    /// What is kept behind live channels.
    pub timelines: Arc<archive::Timelines>,
    /// The studio.
    pub control: Arc<dyn Control>,
}

/// What the studio does for the station.
pub trait Control: Send + Sync + 'static {
    /// Everything at this moment. Must not block for long: it is called from asynchronous code.
    fn snapshot(&self) -> Snapshot;
    /// Does something; may block.
    ///
    /// # Errors
    /// What stood against it.
    fn apply(&self, command: Command) -> Result<(), Problem>;
    /// Font families that text can have, in the order of their names; may block.
    fn fonts(&self) -> Vec<String>;
    /// A picture of a device, in any format; blocks until there is one, some seconds at most.
    ///
    /// # Errors
    /// What the device says.
    fn still(&self, kind: DeviceKind, device: &str) -> Result<Frame, Problem>;
    /// What changes from now on. A follower that is too slow loses the oldest.
    fn events(&self) -> broadcast::Receiver<Arc<Event>>;
    /// Notes that somebody asks how the program does: it goes on for a while, if it rested.
    fn attend(&self) {}
    /// An address elsewhere that a film is played from for some hours; `save_as` is the name under which it is
    /// saved. None for one that lies here alone. Must not block for long.
    fn film_link(&self, film: i64, save_as: Option<&str>) -> Option<String>;
    /// A secret that was kept under this name, if it is at hand now.
    fn secret(&self, name: &str) -> Option<String>;
    /// Keeps a secret where the studio keeps its own: in the system's keychain, where there is one. May block.
    ///
    /// # Errors
    /// It can be kept nowhere.
    fn keep_secret(&self, name: &str, secret: &str) -> Result<(), Problem>;
    /// The newest picture of a view, in any raw format, made as long as this is held; latest wins.
    fn look(&self, view: View) -> watch::Receiver<Option<Frame>>;
}

/// What can be looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// The program.
    #[default]
    Program,
    /// The scene on the preview, in studio mode.
    Preview,
    /// All scenes of the list, in rows of as many as there are columns.
    Scenes,
}

/// Why the station does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another program uses the port.
    #[error("{}", taken(what, *port, *next_free, holder.as_deref()))]
    Taken {
        /// What the port is for: `HTTP`, `HTTPS`, `RTMP` or `media`.
        what: &'static str,
        /// The port.
        port: u16,
        /// The next port that nobody uses.
        next_free: Option<u16>,
        /// Who uses it, where the system says so: `nginx (process 812)`.
        holder: Option<String>,
    },
    /// The address cannot be listened on: it is not this machine's, or needs rights.
    #[error(
        "{what} cannot listen on {address}: {reason}; choose an address of this machine and a port above 1023"
    )]
    Bind {
        /// What the address is for.
        what: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system says.
        reason: String,
    },
    /// Media does not start for another reason.
    #[error("{0}")]
    Media(String),
    /// No thread for publishers.
    #[error(
        "the system has no thread left for publishers ({0}); end other programs, and start again"
    )]
    Thread(std::io::Error),
    /// There is no certificate to serve.
    #[error("HTTPS cannot start: {0}; mend that, or turn it off (--set server.https=off)")]
    Tls(#[from] TlsError),
    /// Links, rules and passphrases cannot be read.
    #[error(transparent)]
    Store(#[from] store::Error),
}

fn taken(what: &str, port: u16, next_free: Option<u16>, holder: Option<&str>) -> String {
    let setting = match what {
        "HTTP" => "server.http",
        "HTTPS" => "server.https",
        "RTMP" => "server.rtmp",
        _ => "server.media_udp",
    };
    let holder = holder.unwrap_or("another program");
    match next_free {
        Some(free) => format!(
            "{what} port {port} is taken by {holder}; end it, or use port {free}, which is free \
             (--set {setting}=0.0.0.0:{free})"
        ),
        None => format!(
            "{what} port {port} is taken by {holder}; end it, or choose another port \
             (--set {setting}=0.0.0.0:PORT)"
        ),
    }
}

/// A station that runs. Dropping it stops it at once; [`Station::shutdown`] does so in order.
pub struct Station {
    app: Arc<App>,
    doors: Doors,
    media: SocketAddr,
    announcing: Mutex<Announcing>,
    tasks: TaskTracker,
}

/// Where the log says who did what: `audit.rs` says how.
pub const AUDIT: &str = "audit";

/// How long connections have to end by themselves.
const FAREWELL: Duration = Duration::from_secs(3);

/// Starts a station with the defaults of [`Options`].
///
/// # Errors
/// [`StartError`].
pub async fn start(config: Config, parts: Parts) -> Result<Station, StartError> {
    start_with(config, Options::default(), parts).await
}

/// Starts a station.
///
/// # Errors
/// [`StartError`].
pub async fn start_with(
    config: Config,
    options: Options,
    parts: Parts,
) -> Result<Station, StartError> {
    // Ports that are taken are told before anything else is begun.
    let http = doors::listen("HTTP", config.http).await?;
    let https = match config.https {
        Some(address) => Some(doors::listen("HTTPS", address).await?),
        None => None,
    };
    let rtmp = match config.rtmp {
        Some(address) => Some(doors::listen("RTMP", address).await?),
        None => None,
    };
    let peers = webrtc::Station::start(webrtc::Options {
        bind: config.media_udp,
        external: config.external,
        clock: parts.clock,
    })
    .map_err(|error| match error {
        webrtc::StartError::Bind { address, source } => {
            unbound("media", Transport::Udp, address, &source)
        }
        other => StartError::Media(other.to_string()),
    })?;
    let media = peers.local_addr();
    let host = host_name();
    let guard = doors::guard(host.as_deref(), &options.names, &options.origins);
    let links = Links::open(Arc::clone(&parts.store), Arc::clone(&parts.control))?;
    let access = Access::new(config.control_token, links, options.jwt);
    access.set_remote_control(options.remote_control);
    let Assembled {
        app,
        router,
        work,
        tasks,
    } = assemble(
        parts,
        access,
        guard,
        options.rules,
        Arc::new(peers),
        None,
        (options.logs, options.latencies),
    )?;
    *app.ice_servers.write() = options.ice_servers;
    tasks.spawn(history::follow(Arc::clone(&app)));
    tasks.spawn(library::follow_faces(Arc::clone(&app)));
    tasks.spawn(chat::serve(Arc::clone(&app), work));
    tasks.spawn(presence::follow(Arc::clone(&app), tasks.clone()));
    let lobby = Lobby::new(router, options.limits, app.ends.clone(), tasks.clone());
    let ground = doors::Ground {
        app: Arc::clone(&app),
        lobby,
        limits: options.limits,
        tasks: tasks.clone(),
        publishers: rtmp::Publishers::start().map_err(StartError::Thread)?,
        data_dir: config.data_dir,
        host,
        media: media.port(),
    };
    let doors = Doors::open(ground, http, https, rtmp)?;
    let station = Station {
        app,
        doors,
        media,
        announcing: Mutex::default(),
        tasks,
    };
    station.tell_network(options.mdns);
    Ok(station)
}

struct Assembled {
    app: Arc<App>,
    router: axum::Router,
    work: tokio::sync::mpsc::Receiver<chat::Call>,
    tasks: TaskTracker,
}

fn assemble(
    parts: Parts,
    access: Access,
    guard: Guard,
    rules: Rules,
    peers: Arc<dyn Peers>,
    tls: Option<Arc<Tls>>,
    (logs, latencies): (Logs, Arc<Histogram>),
) -> Result<Assembled, store::Error> {
    let (chat, layer, work) = Chat::new(Order::open(&parts.store)?);
    let privacy = Privacy::open(Arc::clone(&parts.store))?;
    let app = Arc::new(App {
        hub: parts.hub,
        clock: parts.clock,
        store: parts.store,
        timelines: parts.timelines,
        stills: library::Stills::default(),
        policy: RwLock::new(app::policy(&[])),
        control: parts.control,
        access,
        privacy,
        guard: RwLock::new(guard),
        adding: tokio::sync::Mutex::default(),
        ingests: ingest::Ingests::new(rules),
        peers,
        publishers: whip::Sessions::default(),
        ice_servers: RwLock::default(),
        streams: hls::Streams::default(),
        chat,
        preview: Preview::all(),
        thumbnail: picture::Thumbnail::default(),
        pictures: picture::Pictures::new(),
        waiting: waiting::Waiting::new(),
        figures: Figures::new(),
        handshakes: app::Handshakes::default(),
        throttle: Arc::default(),
        tls: RwLock::new(tls),
        logs,
        latencies,
        history: history::History::default(),
        doctor: doctor::Doctor::new(),
        ends: Ends::default(),
    });
    Ok(Assembled {
        router: app::app(Arc::clone(&app), layer),
        app,
        work,
        tasks: TaskTracker::new(),
    })
}

fn unbound(
    what: &'static str,
    transport: Transport,
    address: SocketAddr,
    error: &std::io::Error,
) -> StartError {
    if error.kind() == std::io::ErrorKind::AddrInUse {
        StartError::Taken {
            what,
            port: address.port(),
            next_free: ports::next_free(transport, address),
            holder: ports::holder(transport, address.port()),
        }
    } else {
        StartError::Bind {
            what,
            address,
            reason: error.to_string(),
        }
    }
}

/// This machine's name, where the system tells it without asking the network.
fn host_name() -> Option<String> {
    let named = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .or_else(|| std::env::var("COMPUTERNAME").ok())
        .or_else(|| std::env::var("HOSTNAME").ok())?;
    let name = named.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// 128 random bits in hexadecimal.
fn secret() -> Result<String, Problem> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|e| {
        Problem::new(
            Code::Internal,
            format!("The system has no randomness: {e}."),
        )
    })?;
    Ok(bytes.iter().map(|b| format!("{b:02x}")).collect())
}

impl Station {
    /// Where pages, API, WHEP, HLS and chat are.
    pub fn http_addr(&self) -> SocketAddr {
        self.doors.at().http
    }

    /// Where the same is over TLS, when it is.
    pub fn https_addr(&self) -> Option<SocketAddr> {
        self.doors.at().https
    }

    /// Where RTMP publishers come to, when they may.
    pub fn rtmp_addr(&self) -> Option<SocketAddr> {
        self.doors.at().rtmp
    }

    /// Where media is sent from.
    pub fn media_addr(&self) -> SocketAddr {
        self.media
    }

    /// The name under which the network knows the station, when it is told: `studio.local`.
    pub fn local_name(&self) -> Option<String> {
        self.announcing.lock().host()
    }

    /// Tells the network another title.
    pub fn announce(&self, title: &str) {
        self.announcing.lock().rename(title);
    }

    /// Lets pages play films from these origins, too: `https://s3.example.org`.
    pub fn set_media_origins(&self, origins: &[String]) {
        *self.app.policy.write() = app::policy(origins);
    }

    /// Who watches a channel now.
    pub fn viewers(&self, channel: &ChannelName) -> Viewers {
        self.app.viewers(channel)
    }

    /// Says something in a channel's chat as the host. Blocks for the time of a small query.
    ///
    /// # Errors
    /// [`Code::Invalid`] for a text or a channel name that cannot be, [`Code::TooMany`] when the chat
    /// is overwhelmed, [`Code::Internal`] when the message cannot be kept.
    pub fn say(&self, channel: &str, text: &str) -> Result<Message, Problem> {
        let at = self.app.clock.unix_millis(self.app.clock.now());
        self.app
            .chat
            .say_as_host(&self.app.store, channel, text, at)
    }

    /// What happens in any channel's chat from now on. A follower that is too slow loses the oldest
    /// of 256.
    pub fn chat(&self) -> broadcast::Receiver<ChatNews> {
        self.app.chat.news()
    }

    /// Stops: no new connections, current requests are answered, viewers are told, and whatever is
    /// not done after three seconds is dropped.
    pub async fn shutdown(self) {
        self.app.ends.stop.cancel();
        self.tasks.close();
        let farewell = async {
            self.app.chat.close().await;
            self.tasks.wait().await;
        };
        if tokio::time::timeout(FAREWELL, farewell).await.is_err() {
            tracing::debug!("some connections did not end by themselves");
        }
        self.app.ends.cut.cancel();
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        self.app.ends.stop.cancel();
        self.app.ends.cut.cancel();
    }
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
