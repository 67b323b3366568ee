//! The doors of the media thread.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use media::{Channel, ChannelName, Clock};
use parking_lot::RwLock;
use tokio::sync::{mpsc, oneshot};

use super::entry::{Board, Entry, Publication, Publisher, Role};
use super::link::{self, Common, Identity, Opening};
use super::session::Session;
use super::socket::Socket;
use super::traffic::{Counters, Traffic};
use super::worker::{Boards, Order, Tie, Worker};
use super::{OfferError, candidates, inbound, offer, setup};

/// Sessions at most, connected or not.
const MAX_SESSIONS: usize = 1_000;

/// Orders waiting for the media thread; whoever gives one waits when there are more.
const ORDERS: usize = 64;

/// A keyframe older than this when somebody asks to watch is renewed while the path is made.
const RENEW: Duration = Duration::from_millis(300);

/// How a station is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where media is received and sent; port 0 is any free one. Bound to `0.0.0.0` or `::`, the
    /// addresses of all interfaces are told to viewers.
    pub bind: SocketAddr,
    /// More addresses that lead to the bound port from outside, as a router maps them.
    pub external: Vec<IpAddr>,
    /// The process's clock.
    pub clock: Clock,
}

/// Why a station does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken, or is not this machine's.
    #[error(
        "media cannot use UDP {address}: {source}; end the program that uses it, or set server.media_udp to another address"
    )]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The thread could not be started, or its socket not be used.
    #[error("the media thread does not start: {0}")]
    Thread(#[source] io::Error),
    /// No certificate could be made.
    #[error("no certificate for WebRTC could be made: {0}")]
    Certificate(String),
}

/// The answer to an offer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The session's name: 128 random bits in hexadecimal, the only key to it.
    pub session: String,
    /// The answer, with all of the station's candidates.
    pub sdp: String,
    /// A strong entity tag of the session's ICE credentials, in quotes (RFC 9725, section 4.3.1).
    pub etag: String,
}

/// The answer to a restart of ICE.
#[derive(Clone, Debug)]
pub struct Restarted {
    /// The station's new credentials and all its candidates, as lines of SDP.
    pub fragment: String,
    /// The entity tag of these credentials.
    pub etag: String,
}

/// What a session has done.
#[derive(Clone, Debug)]
pub struct SessionStats {
    /// Its name.
    pub session: String,
    /// What it watches or publishes.
    pub channel: ChannelName,
    /// Whether media flows.
    pub connected: bool,
    /// Bytes of media sent or received, without headers.
    pub bytes: u64,
    /// RTP packets of media sent, without retransmissions, or received.
    pub packets: u64,
    /// Packets lost on the way, some of them repaired since: those of the picture that a viewer reports,
    /// or all that a publisher sent.
    pub lost: u64,
    /// The round trip, once a viewer has reported it; unknown of publishers.
    pub rtt: Option<Duration>,
}

/// The station's WebRTC: its socket, its thread, its sessions. Dropping it closes them all.
pub struct Station {
    local: SocketAddr,
    external: RwLock<Vec<IpAddr>>,
    common: Common,
    boards: Boards,
    counters: Arc<Counters>,
    orders: mpsc::Sender<Order>,
    thread: Option<JoinHandle<()>>,
}

impl Station {
    /// Opens the socket and starts the media thread.
    ///
    /// # Errors
    /// [`StartError`], which names the address when it is taken.
    pub fn start(options: Options) -> Result<Self, StartError> {
        let bind = |source| StartError::Bind {
            address: options.bind,
            source,
        };
        let socket = std::net::UdpSocket::bind(options.bind).map_err(bind)?;
        let local = socket.local_addr().map_err(bind)?;
        let common = common(options.clock).map_err(StartError::Certificate)?;
        let boards = Boards::default();
        let counters = Arc::new(Counters::default());
        let (orders, inbox) = mpsc::channel(ORDERS);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(StartError::Thread)?;
        let socket = {
            let _reactor = runtime.enter();
            Socket::new(socket, Arc::clone(&counters)).map_err(StartError::Thread)?
        };
        let worker = Worker::new(
            options.clock,
            socket,
            Arc::clone(&boards),
            Arc::clone(&counters),
        );
        let thread = std::thread::Builder::new()
            .name("webrtc-media".into())
            .spawn(move || runtime.block_on(worker.run(inbox)))
            .map_err(StartError::Thread)?;
        Ok(Self {
            local,
            external: RwLock::new(options.external),
            common,
            boards,
            counters,
            orders,
            thread: Some(thread),
        })
    }

    /// Where media is received: the bound address, with the port it got.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Tells other addresses that lead to the port from outside, to sessions that are opened from now on.
    pub fn set_external(&self, external: Vec<IpAddr>) {
        *self.external.write() = external;
    }

    /// Answers a viewer's offer to watch a channel. The session waits for the viewer's first check.
    ///
    /// `from` is where the offer came from: the session looks for its viewer there alone, and elsewhere waits to be found.
    ///
    /// # Errors
    /// [`OfferError`] says what is wrong with the offer, or that there is no more room.
    pub async fn whep(
        &self,
        channel: Arc<Channel>,
        offer: &str,
        from: IpAddr,
    ) -> Result<Answer, OfferError> {
        if channel.reordered() {
            return Err(OfferError::Reordered);
        }
        let tracks = channel.tracks();
        let (draft, session) =
            self.draft(from, |opening| Session::answer(opening, offer, &tracks))?;
        let now = self.common.clock.now();
        if channel
            .newest_keyframe()
            .is_none_or(|at| now.since(at) > RENEW)
        {
            channel.request_keyframe();
        }
        let board = draft.board(channel.name().clone(), false);
        let role = Role::Viewer(Box::new(session));
        self.open(draft, role, board, Tie::Watches(channel)).await
    }

    /// Answers an offer to publish that came from somewhere. The session waits for the publisher's first check; its tracks
    /// and packets go to the publication's writer, which is dropped when the session is over, by whatever cause.
    ///
    /// `admit` is asked for the publication once the offer has an answer: what cannot be answered puts nobody out.
    ///
    /// # Errors
    /// [`OfferError`] says what is wrong with the offer, or that there is no more room; or what `admit` says.
    pub async fn whip<E: From<OfferError>>(
        &self,
        offer: &str,
        from: IpAddr,
        admit: impl FnOnce() -> Result<Publication, E>,
    ) -> Result<Answer, E> {
        let (draft, session) =
            self.draft(from, |opening| inbound::Session::answer(opening, offer))?;
        let publication = admit()?;
        let board = draft.board(publication.writer.channel().name().clone(), true);
        let tie = Tie::EndsWith(publication.end.clone());
        let role = Role::Publisher(Box::new(Publisher::new(session, publication)));
        Ok(self.open(draft, role, board, tie).await?)
    }

    fn draft<S>(
        &self,
        from: IpAddr,
        answer: impl FnOnce(&Opening<'_>) -> Result<(S, String), OfferError>,
    ) -> Result<(Draft, S), OfferError> {
        if self.boards.lock().len() >= MAX_SESSIONS {
            return Err(OfferError::Full);
        }
        let identity = identity().ok_or(OfferError::Full)?;
        let name = hex(&random::<16>().ok_or(OfferError::Full)?);
        let (locals, external) = self.addresses();
        let (session, sdp) = answer(&Opening {
            common: &self.common,
            identity: &identity,
            locals: &locals,
            extra: &external,
            from,
            now: self.common.clock.now(),
        })?;
        let draft = Draft {
            name,
            fragment: identity.fragment,
            sdp,
        };
        Ok((draft, session))
    }

    /// Our own addresses, and those that lead here from outside.
    fn addresses(&self) -> (Vec<SocketAddr>, Vec<SocketAddr>) {
        let locals = candidates::of(self.local);
        let port = self.local.port();
        let external = self.external.read();
        let external = external.iter().map(|ip| SocketAddr::new(*ip, port));
        let external = external.filter(|a| !locals.contains(a)).collect();
        (locals, external)
    }

    fn keep_near(&self, candidates: &mut Vec<String>, from: IpAddr) {
        if !candidates.is_empty() {
            let own = candidates::of(self.local);
            candidates.retain(|text| candidates::leads_back(text, from, &own));
        }
    }

    /// The entity tag of a session's ICE credentials now; `None` when there is no such session.
    pub fn etag(&self, session: &str) -> Option<String> {
        let boards = self.boards.lock();
        Some(etag(&boards.get(session)?.fragment.lock()))
    }

    /// Takes further addresses of a session's far end, as it finds them (RFC 9725, section 4.3.1): a few
    /// of them, while there is no path yet, and only such as lead back to where they were named (`from`).
    ///
    /// # Errors
    /// [`OfferError::Full`] when the session is no more.
    pub async fn trickle(
        &self,
        session: &str,
        fragment: &str,
        from: IpAddr,
    ) -> Result<(), OfferError> {
        let mut more = offer::trickled(fragment);
        self.keep_near(&mut more.candidates, from);
        let (done, taken) = oneshot::channel();
        let order = Order::Trickle {
            name: session.to_owned(),
            more,
            done,
        };
        self.orders
            .send(order)
            .await
            .map_err(|_| OfferError::Full)?;
        taken.await.map_err(|_| OfferError::Full)
    }

    /// Restarts a session's ICE with what the far end says anew (RFC 9725, section 4.3.2): its path is
    /// looked for from both ends while media goes on where it went; from ours, only at addresses that lead back to where
    /// they were named (`from`).
    ///
    /// # Errors
    /// [`OfferError::Malformed`] when the fragment names no new credentials, [`OfferError::Full`] when
    /// the session is no more.
    pub async fn restart(
        &self,
        session: &str,
        fragment: &str,
        from: IpAddr,
    ) -> Result<Restarted, OfferError> {
        let mut remote = offer::fragment(fragment)?;
        self.keep_near(&mut remote.candidates, from);
        let identity = identity().ok_or(OfferError::Full)?;
        let (locals, external) = self.addresses();
        let (done, restarted) = oneshot::channel();
        let names = (identity.fragment, identity.password);
        let order = Order::Restart {
            name: session.to_owned(),
            names: names.clone(),
            remote,
            done,
        };
        self.orders
            .send(order)
            .await
            .map_err(|_| OfferError::Full)?;
        restarted.await.map_err(|_| OfferError::Full)??;
        let names = (&*names.0, &*names.1);
        Ok(Restarted {
            fragment: link::restarted(names, &locals, &external),
            etag: etag(names.0),
        })
    }

    async fn open(
        &self,
        draft: Draft,
        role: Role,
        board: Board,
        with: Tie,
    ) -> Result<Answer, OfferError> {
        let Draft {
            name,
            fragment,
            sdp,
        } = draft;
        let etag = etag(&fragment);
        let entry = Entry {
            name: name.clone(),
            fragment,
            role,
            board: Arc::new(board),
            deadline: None,
        };
        let (done, opened) = oneshot::channel();
        let order = Order::Open {
            entry: Box::new(entry),
            with,
            done,
        };
        self.orders
            .send(order)
            .await
            .map_err(|_| OfferError::Full)?;
        // The far end's first check must find its session.
        opened.await.map_err(|_| OfferError::Full)?;
        Ok(Answer {
            session: name,
            sdp,
            etag,
        })
    }

    /// Whether a session is a viewer's of this channel.
    pub fn watches(&self, session: &str, channel: &ChannelName) -> bool {
        let boards = self.boards.lock();
        let board = boards.get(session);
        board.is_some_and(|board| !board.publishes && board.channel == *channel)
    }

    /// Ends a viewer's session; `false` when there is none of that name. Publishers end by their token.
    pub fn close(&self, session: &str) -> bool {
        let mut boards = self.boards.lock();
        if boards.get(session).is_none_or(|board| board.publishes) {
            return false;
        }
        boards.remove(session);
        drop(boards);
        if let Err(error) = self.orders.try_send(Order::Close(session.to_owned())) {
            // The session then ends by its viewer's silence.
            tracing::debug!(%error, "the media thread is busy");
        }
        true
    }

    /// How much the media thread holds, of each thing it holds.
    #[cfg(test)]
    async fn holdings(&self) -> [usize; 5] {
        let (done, told) = oneshot::channel();
        self.orders.send(Order::Count(done)).await.unwrap();
        told.await.unwrap()
    }

    /// All sessions that watch, connected or not yet.
    pub fn sessions(&self) -> Vec<SessionStats> {
        self.stats(|board| !board.publishes)
    }

    /// All sessions that publish, connected or not yet.
    pub fn publishers(&self) -> Vec<SessionStats> {
        self.stats(|board| board.publishes)
    }

    fn stats(&self, which: impl Fn(&Board) -> bool) -> Vec<SessionStats> {
        let boards = self.boards.lock();
        let stats = |(session, board): (&String, &Arc<Board>)| SessionStats {
            session: session.clone(),
            channel: board.channel.clone(),
            connected: board.connected.load(Ordering::Relaxed),
            bytes: board.bytes.load(Ordering::Relaxed),
            packets: board.packets.load(Ordering::Relaxed),
            lost: board.lost.load(Ordering::Relaxed),
            rtt: Some(board.rtt.load(Ordering::Relaxed))
                .filter(|nanos| *nanos != 0)
                .map(Duration::from_nanos),
        };
        let chosen = boards.iter().filter(|(_, board)| which(board));
        chosen.map(stats).collect()
    }

    /// What all sessions have carried since the station began.
    pub fn traffic(&self) -> Traffic {
        self.counters.read()
    }

    /// Viewers of a channel to whom media flows.
    pub fn viewers(&self, channel: &ChannelName) -> u32 {
        let boards = self.boards.lock();
        let watching = |b: &&Arc<Board>| {
            !b.publishes && b.channel == *channel && b.connected.load(Ordering::Relaxed)
        };
        u32::try_from(boards.values().filter(watching).count()).unwrap_or(u32::MAX)
    }
}

/// A session that is answered and not yet open.
struct Draft {
    name: String,
    fragment: String,
    sdp: String,
}

impl Draft {
    fn board(&self, channel: ChannelName, publishes: bool) -> Board {
        Board::new(channel, publishes, self.fragment.clone())
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        // A full inbox is emptied soon; a gone one means the thread has ended.
        let mut order = Order::End;
        while let Err(mpsc::error::TrySendError::Full(back)) = self.orders.try_send(order) {
            order = back;
            std::thread::yield_now();
        }
        if self.thread.take().is_some_and(|t| t.join().is_err()) {
            tracing::error!("the media thread had panicked");
        }
    }
}

pub(crate) fn random<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).ok()?;
    Some(bytes)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn etag(fragment: &str) -> String {
    format!("\"{fragment}\"")
}

/// What all sessions share; an error in words.
pub(super) fn common(clock: Clock) -> Result<Common, String> {
    let provider = rtc::crypto::default_provider().map_err(|e| e.to_string())?;
    let certificate = setup::certificate(provider.crypto()).map_err(|e| e.to_string())?;
    let fingerprint = setup::fingerprint(&certificate, provider.crypto());
    Ok(Common {
        fingerprint: fingerprint.map_err(|e| e.to_string())?,
        certificate,
        provider,
        clock,
    })
}

fn identity() -> Option<Identity> {
    Some(Identity {
        fragment: hex(&random::<8>()?),
        password: hex(&random::<16>()?),
        seed: u64::from_le_bytes(random()?),
    })
}

#[cfg(test)]
mod tests;
