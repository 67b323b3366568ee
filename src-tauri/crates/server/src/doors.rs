//! Where the station listens, and all else that can change while it runs.
//!
//! A door that is moved opens at its new place before it closes at the old one, where that is possible;
//! connections that came through it stay. What cannot be opened leaves everything as it was.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::RwLock;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::accept::{self, Limits, Lobby};
use crate::access::JwtKey;
use crate::app::App;
use crate::doctor;
use crate::guard::Guard;
use crate::ice::IceServer;
use crate::ingest::Rules;
use crate::ports::Transport;
use crate::tls::{self, Tls};
use crate::{StartError, Station, rtmp, unbound};

/// What can change while a station runs, as it is to be.
#[derive(Clone, Debug)]
pub struct Changes {
    /// Pages, API, WHEP, HLS and chat; port 0 is any free one.
    pub http: SocketAddr,
    /// The same over TLS, when wanted.
    pub https: Option<SocketAddr>,
    /// RTMP publishers, when wanted.
    pub rtmp: Option<SocketAddr>,
    /// More addresses that lead to the media port from outside, for new sessions.
    pub external: Vec<IpAddr>,
    /// STUN and TURN servers that browsers are told of.
    pub ice_servers: Vec<IceServer>,
    /// Tells the network the station's name and title.
    pub mdns: bool,
    /// Names the station answers to beyond those that are always fine.
    pub names: Vec<String>,
    /// Origins whose pages may use the station.
    pub origins: Vec<String>,
    /// The studio's own token also works from other machines.
    pub remote_control: bool,
    /// How publishers are treated who come from now on.
    pub rules: Rules,
    /// What tokens of an identity provider are checked with.
    pub jwt: Option<JwtKey>,
}

impl Station {
    /// Changes what can change while it runs: all of it, or nothing.
    ///
    /// # Errors
    /// [`StartError`] when it cannot listen where it should; everything is as before then.
    pub async fn change(&self, changes: Changes) -> Result<(), StartError> {
        let Changes {
            http,
            https,
            rtmp,
            external,
            ice_servers,
            mdns,
            names,
            origins,
            remote_control,
            rules,
            jwt,
        } = changes;
        self.doors.moved(http, https, rtmp).await?;
        *self.app.guard.write() = guard(self.doors.host(), &names, &origins);
        self.app.ingests.set_rules(rules);
        self.app.access.set_jwt(jwt);
        self.app.access.set_remote_control(remote_control);
        self.app.peers.set_external(external);
        *self.app.ice_servers.write() = ice_servers;
        self.tell_network(mdns);
        Ok(())
    }
}

/// The rules for who may ask, on a machine of this name.
pub(crate) fn guard(host: Option<&str>, names: &[String], origins: &[String]) -> Guard {
    let mut names = names.to_vec();
    names.extend(host.map(str::to_owned));
    Guard::new(&names, origins)
}

/// What every door leads to.
pub(crate) struct Ground {
    pub(crate) app: Arc<App>,
    pub(crate) lobby: Lobby,
    pub(crate) limits: Limits,
    pub(crate) tasks: TaskTracker,
    pub(crate) publishers: rtmp::Publishers,
    /// For certificates.
    pub(crate) data_dir: PathBuf,
    /// This machine's name.
    pub(crate) host: Option<String>,
    /// The port of media, which does not move.
    pub(crate) media: u16,
}

/// Where the doors are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At {
    pub(crate) http: SocketAddr,
    pub(crate) https: Option<SocketAddr>,
    pub(crate) rtmp: Option<SocketAddr>,
}

/// All doors of a station.
pub(crate) struct Doors {
    ground: Ground,
    at: RwLock<At>,
    /// Held while doors move.
    open: tokio::sync::Mutex<[Option<Door>; 3]>,
}

/// What comes through a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Http,
    Https,
    Rtmp,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Http, Self::Https, Self::Rtmp];

    fn name(self) -> &'static str {
        match self {
            Self::Http => "HTTP",
            Self::Https => "HTTPS",
            Self::Rtmp => "RTMP",
        }
    }
}

/// An open door.
struct Door {
    /// The address asked for; its port may be 0.
    asked: SocketAddr,
    /// The address it got.
    at: SocketAddr,
    close: CancellationToken,
    task: JoinHandle<()>,
}

impl Door {
    /// Lets nobody in any more. The address is free when this returns.
    async fn shut(self) {
        self.close.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "a listener had failed");
        }
    }
}

/// A listener, and the address asked for.
pub(crate) type Listening = (TcpListener, SocketAddr);

/// Listens on an address.
///
/// # Errors
/// [`StartError`] names the port and who has it.
pub(crate) async fn listen(
    what: &'static str,
    address: SocketAddr,
) -> Result<Listening, StartError> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|e| unbound(what, Transport::Tcp, address, &e))?;
    Ok((listener, address))
}

impl Doors {
    /// Opens them.
    ///
    /// # Errors
    /// [`StartError`].
    pub(crate) fn open(
        ground: Ground,
        http: Listening,
        https: Option<Listening>,
        rtmp: Option<Listening>,
    ) -> Result<Self, StartError> {
        let mut open = [None, None, None];
        let wanted = [Some(http), https, rtmp];
        for ((kind, listening), door) in Kind::ALL.into_iter().zip(wanted).zip(&mut open) {
            if let Some(listening) = listening {
                *door = Some(ground.door(kind, listening)?);
            }
        }
        let at = At::of(&open, SocketAddr::from(([0, 0, 0, 0], 0)));
        ground.told(at);
        Ok(Self {
            ground,
            at: RwLock::new(at),
            open: tokio::sync::Mutex::new(open),
        })
    }

    /// Where they are.
    pub(crate) fn at(&self) -> At {
        *self.at.read()
    }

    /// Moves those that should be elsewhere.
    async fn moved(
        &self,
        http: SocketAddr,
        https: Option<SocketAddr>,
        rtmp: Option<SocketAddr>,
    ) -> Result<(), StartError> {
        let mut open = self.open.lock().await;
        let wanted = [Some(http), https, rtmp];
        let before: Vec<_> = open
            .iter()
            .map(|d| d.as_ref().map(|d| (d.asked, d.at)))
            .collect();
        let mut refused = None;
        for ((kind, address), door) in Kind::ALL.into_iter().zip(wanted).zip(open.iter_mut()) {
            if let Err(error) = self.ground.moved(kind, door, address).await {
                refused = Some(error);
                break;
            }
        }
        if refused.is_some() {
            for ((kind, was), door) in Kind::ALL.into_iter().zip(before).zip(open.iter_mut()) {
                let same = was.map(|(asked, _)| asked) == door.as_ref().map(|d| d.asked);
                if same {
                    continue;
                }
                // At the port it had, also where any was asked for.
                let back = self.ground.moved(kind, door, was.map(|(_, at)| at)).await;
                match (back, door, was) {
                    (Ok(()), Some(door), Some((asked, _))) => door.asked = asked,
                    (Ok(()), _, _) => {}
                    (Err(error), _, _) => {
                        tracing::error!(%error, "{} cannot go back to where it was", kind.name());
                    }
                }
            }
        }
        let at = At::of(&open, self.at().http);
        *self.at.write() = at;
        self.ground.told(at);
        refused.map_or(Ok(()), Err)
    }

    /// This machine's name.
    pub(crate) fn host(&self) -> Option<&str> {
        self.ground.host.as_deref()
    }
}

impl At {
    fn of([http, https, rtmp]: &[Option<Door>; 3], last: SocketAddr) -> Self {
        Self {
            http: http.as_ref().map_or(last, |door| door.at),
            https: https.as_ref().map(|door| door.at),
            rtmp: rtmp.as_ref().map(|door| door.at),
        }
    }
}

impl Ground {
    /// The doctor tells devices which ports to try.
    fn told(&self, at: At) {
        self.app.doctor.set_ports(doctor::Ports {
            http: at.http.port(),
            https: at.https.map(|at| at.port()),
            media: self.media,
        });
        let rtmp = at.rtmp.map(|at| at.port());
        self.app.ingests.set_rtmp_port(rtmp);
    }

    async fn moved(
        &self,
        kind: Kind,
        door: &mut Option<Door>,
        wanted: Option<SocketAddr>,
    ) -> Result<(), StartError> {
        if door.as_ref().map(|d| d.asked) == wanted {
            return Ok(());
        }
        let Some(address) = wanted else {
            if let Some(old) = door.take() {
                old.shut().await;
                if kind == Kind::Https {
                    *self.app.tls.write() = None;
                }
            }
            return Ok(());
        };
        let same_port = |old: &Door| old.at.port() == address.port();
        let listening = match listen(kind.name(), address).await {
            Ok(listening) => listening,
            // The old one may be what stands in the way: 0.0.0.0:8080 before 127.0.0.1:8080.
            Err(_) if door.as_ref().is_some_and(same_port) => {
                let (asked, at) = match door.take() {
                    Some(old) => {
                        let was = (old.asked, old.at);
                        old.shut().await;
                        was
                    }
                    None => (address, address),
                };
                match listen(kind.name(), address).await {
                    Ok(listening) => listening,
                    Err(error) => {
                        let (listener, _) = listen(kind.name(), at).await?;
                        *door = Some(self.door(kind, (listener, asked))?);
                        return Err(error);
                    }
                }
            }
            Err(error) => return Err(error),
        };
        let new = self.door(kind, listening)?;
        tracing::info!(address = %new.at, "{} listens here now", kind.name());
        if let Some(old) = door.replace(new) {
            old.shut().await;
        }
        Ok(())
    }

    /// Lets people in through a listener.
    fn door(&self, kind: Kind, (listener, asked): Listening) -> Result<Door, StartError> {
        let refused = |e| unbound(kind.name(), Transport::Tcp, asked, &e);
        let at = listener.local_addr().map_err(refused)?;
        let close = self.app.ends.stop.child_token();
        let task = match kind {
            Kind::Http => {
                let accepting = accept::run(listener, None, self.lobby.clone());
                self.while_open(&close, &Handle::current(), accepting)
            }
            Kind::Https => {
                let clock = self.app.clock;
                let now = clock.unix_millis(clock.now());
                let tls = Tls::open(&self.data_dir, self.host.clone(), at.port(), now)?;
                let tls = Arc::new(tls);
                let acceptor = tls.acceptor()?;
                *self.app.tls.write() = Some(Arc::clone(&tls));
                self.tasks.spawn(tls::watch(tls, clock, close.clone()));
                let lobby = self.lobby.clone();
                let accepting = accept::run(listener, Some(acceptor), lobby);
                self.while_open(&close, &Handle::current(), accepting)
            }
            Kind::Rtmp => {
                let listener = self.publishers.adopt(listener).map_err(refused)?;
                let (app, tasks) = (Arc::clone(&self.app), self.tasks.clone());
                let accepting = rtmp::run(listener, app, self.limits, tasks);
                self.while_open(&close, self.publishers.handle(), accepting)
            }
        };
        Ok(Door {
            asked,
            at,
            close,
            task,
        })
    }

    /// Accepting may be given up at any moment: connections are tasks of their own.
    fn while_open(
        &self,
        close: &CancellationToken,
        threads: &Handle,
        accepting: impl Future<Output = ()> + Send + 'static,
    ) -> JoinHandle<()> {
        let close = close.clone();
        let open = async move {
            tokio::select! {
                () = close.cancelled() => {}
                () = accepting => {}
            }
        };
        self.tasks.spawn_on(open, threads)
    }
}
