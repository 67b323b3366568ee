//! The media thread and its doors.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use media::{Channel, ChannelName, Clock, Next, Reader, Start, Timestamp, Want};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use super::feed::Feed;
use super::payload::Unit;
use super::session::{Common, Datagram, Event, Identity, Session};
use super::socket::Socket;
use super::{OfferError, candidates, setup, stun};

/// Sessions at most, connected or not.
const MAX_SESSIONS: usize = 1_000;

/// Packets a channel may wait for the media thread: two seconds of picture and sound.
const READER_CAPACITY: usize = 256;

/// Orders waiting for the media thread; whoever gives one waits when there are more.
const ORDERS: usize = 64;

/// A keyframe older than this when somebody asks to watch is renewed while the path is made.
const RENEW: Duration = Duration::from_millis(300);

/// The least time between two timeouts of a session.
const SHORTEST: Duration = Duration::from_millis(1);

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

/// What a session has done.
#[derive(Clone, Debug)]
pub struct SessionStats {
    /// Its name.
    pub session: String,
    /// What it watches.
    pub channel: ChannelName,
    /// Whether media flows.
    pub connected: bool,
    /// Bytes of media sent, without headers.
    pub bytes: u64,
    /// RTP packets of media sent, without retransmissions.
    pub packets: u64,
    /// Video packets that the viewer reports lost on the way, some of them repaired since.
    pub lost: u64,
    /// The round trip, once the viewer has reported it.
    pub rtt: Option<Duration>,
}

/// A session as seen from outside the media thread.
#[derive(Debug)]
struct Board {
    channel: ChannelName,
    connected: AtomicBool,
    bytes: AtomicU64,
    packets: AtomicU64,
    lost: AtomicU64,
    /// In nanoseconds; 0 for unknown.
    rtt: AtomicU64,
}

type Boards = Arc<Mutex<BTreeMap<String, Arc<Board>>>>;

enum Order {
    Open {
        name: String,
        fragment: String,
        session: Box<Session>,
        channel: Arc<Channel>,
        board: Arc<Board>,
        done: oneshot::Sender<()>,
    },
    Close(String),
    End,
}

/// The station's WebRTC: its socket, its thread, its sessions. Dropping it closes them all.
#[derive(Debug)]
pub struct Station {
    local: SocketAddr,
    external: Vec<IpAddr>,
    common: Common,
    boards: Boards,
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
        let certificate =
            setup::certificate().map_err(|e| StartError::Certificate(e.to_string()))?;
        let boards = Boards::default();
        let (orders, inbox) = mpsc::channel(ORDERS);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(StartError::Thread)?;
        let socket = {
            let _reactor = runtime.enter();
            Socket::new(socket).map_err(StartError::Thread)?
        };
        let worker = Worker {
            clock: options.clock,
            socket,
            boards: Arc::clone(&boards),
            next: 0,
            sessions: HashMap::new(),
            by_fragment: HashMap::new(),
            by_address: HashMap::new(),
            feeds: HashMap::new(),
            arrivals: FuturesUnordered::new(),
        };
        let thread = std::thread::Builder::new()
            .name("webrtc-media".into())
            .spawn(move || runtime.block_on(worker.run(inbox)))
            .map_err(StartError::Thread)?;
        Ok(Self {
            local,
            external: options.external,
            common: Common {
                certificate,
                clock: options.clock,
            },
            boards,
            orders,
            thread: Some(thread),
        })
    }

    /// Where media is received: the bound address, with the port it got.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Answers a viewer's offer to watch a channel. The session waits for the viewer's first check.
    ///
    /// # Errors
    /// [`OfferError`] says what is wrong with the offer, or that there is no more room.
    pub async fn whep(&self, channel: Arc<Channel>, offer: &str) -> Result<Answer, OfferError> {
        if self.boards.lock().len() >= MAX_SESSIONS {
            return Err(OfferError::Full);
        }
        let now = self.common.clock.now();
        let identity = identity().ok_or(OfferError::Full)?;
        let name = hex(&random::<16>().ok_or(OfferError::Full)?);
        let locals = candidates::of(self.local);
        let port = self.local.port();
        let external: Vec<_> = self
            .external
            .iter()
            .map(|ip| SocketAddr::new(*ip, port))
            .filter(|a| !locals.contains(a))
            .collect();
        let tracks = channel.tracks();
        let (session, sdp) = Session::answer(
            &self.common,
            &identity,
            offer,
            &tracks,
            &locals,
            &external,
            now,
        )?;
        if channel
            .newest_keyframe()
            .is_none_or(|at| now.since(at) > RENEW)
        {
            channel.request_keyframe();
        }
        let board = Arc::new(Board {
            channel: channel.name().clone(),
            connected: AtomicBool::new(false),
            bytes: AtomicU64::new(0),
            packets: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            rtt: AtomicU64::new(0),
        });
        let (done, opened) = oneshot::channel();
        let order = Order::Open {
            name: name.clone(),
            fragment: identity.fragment.clone(),
            session: Box::new(session),
            channel,
            board,
            done,
        };
        self.orders
            .send(order)
            .await
            .map_err(|_| OfferError::Full)?;
        // The viewer's first check must find its session.
        opened.await.map_err(|_| OfferError::Full)?;
        Ok(Answer {
            session: name,
            sdp,
            etag: format!("\"{}\"", identity.fragment),
        })
    }

    /// Ends a session; `false` when there is none of that name.
    pub fn close(&self, session: &str) -> bool {
        if self.boards.lock().remove(session).is_none() {
            return false;
        }
        if let Err(error) = self.orders.try_send(Order::Close(session.to_owned())) {
            // The session then ends by its viewer's silence.
            tracing::debug!(%error, "the media thread is busy");
        }
        true
    }

    /// All sessions, connected or not yet.
    pub fn sessions(&self) -> Vec<SessionStats> {
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
        boards.iter().map(stats).collect()
    }

    /// Viewers of a channel to whom media flows.
    pub fn viewers(&self, channel: &ChannelName) -> u32 {
        let boards = self.boards.lock();
        let watching =
            |b: &&Arc<Board>| b.channel == *channel && b.connected.load(Ordering::Relaxed);
        u32::try_from(boards.values().filter(watching).count()).unwrap_or(u32::MAX)
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

fn identity() -> Option<Identity> {
    Some(Identity {
        fragment: hex(&random::<8>()?),
        password: hex(&random::<16>()?),
        seed: u64::from_le_bytes(random()?),
    })
}

type Key = u64;

/// A reader that waits, and what it got.
type Arrival = BoxFuture<'static, (Key, Reader, Next)>;

struct Worker {
    clock: Clock,
    socket: Socket,
    boards: Boards,
    next: Key,
    sessions: HashMap<Key, Entry>,
    by_fragment: HashMap<String, Key>,
    by_address: HashMap<SocketAddr, Key>,
    feeds: HashMap<Key, Watched>,
    arrivals: FuturesUnordered<Arrival>,
}

struct Entry {
    name: String,
    fragment: String,
    session: Box<Session>,
    feed: Key,
    board: Arc<Board>,
    deadline: Option<Timestamp>,
}

struct Watched {
    feed: Feed,
    viewers: Vec<Key>,
}

impl Worker {
    async fn run(mut self, mut inbox: mpsc::Receiver<Order>) {
        loop {
            let deadline = self.sessions.values().filter_map(|e| e.deadline).min();
            let timer = tokio::time::Instant::from_std(
                self.clock.instant(deadline.unwrap_or(Timestamp::ZERO)),
            );
            tokio::select! {
                order = inbox.recv() => match order {
                    Some(Order::End) | None => break,
                    Some(order) => self.obey(order),
                },
                ready = self.socket.readable() => match ready {
                    Ok(()) => self.receive(),
                    Err(error) => {
                        tracing::error!(%error, "the media socket is broken");
                        break;
                    }
                },
                Some((feed, reader, next)) = self.arrivals.next() => self.arrive(feed, reader, next),
                () = tokio::time::sleep_until(timer), if deadline.is_some() => self.expire(),
            }
        }
        let now = self.clock.now();
        let keys: Vec<_> = self.sessions.keys().copied().collect();
        for key in keys {
            self.with(key, |session| session.close(now));
        }
        self.socket.flush();
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Open {
                name,
                fragment,
                session,
                channel,
                board,
                done,
            } => {
                let key = self.fresh_key();
                let feed = self.feed_of(channel);
                if let Some(watched) = self.feeds.get_mut(&feed) {
                    watched.viewers.push(key);
                }
                self.by_fragment.insert(fragment.clone(), key);
                self.boards.lock().insert(name.clone(), Arc::clone(&board));
                let entry = Entry {
                    name,
                    fragment,
                    session,
                    feed,
                    board,
                    deadline: None,
                };
                self.sessions.insert(key, entry);
                self.with(key, |_| {});
                if done.send(()).is_err() {
                    let now = self.clock.now();
                    self.with(key, |session| session.close(now));
                }
            }
            Order::Close(name) => {
                let found = self.sessions.iter().find(|(_, e)| e.name == name);
                if let Some((&key, _)) = found {
                    let now = self.clock.now();
                    self.with(key, |session| session.close(now));
                }
            }
            Order::End => {}
        }
        self.socket.flush();
    }

    fn fresh_key(&mut self) -> Key {
        self.next += 1;
        self.next
    }

    /// The feed of a channel, begun when nobody watches it yet.
    fn feed_of(&mut self, channel: Arc<Channel>) -> Key {
        let same = |w: &&Watched| Arc::ptr_eq(&w.feed.channel, &channel) && !w.feed.ended();
        if let Some((key, _)) = self.feeds.iter().find(|(_, w)| same(w)) {
            return *key;
        }
        let key = self.fresh_key();
        let reader = channel.read(Want::WEBRTC, Start::Group, READER_CAPACITY);
        let watched = Watched {
            feed: Feed::new(channel),
            viewers: Vec::new(),
        };
        self.feeds.insert(key, watched);
        self.arrivals.push(wait(key, reader));
        key
    }

    fn receive(&mut self) {
        let now = self.clock.now();
        let mut arrived = Vec::new();
        while self.socket.receive(|datagram| arrived.push(datagram)) {
            // One batch after the other, but sound and picture must not wait for long.
            if arrived.len() >= 256 {
                break;
            }
        }
        for datagram in arrived {
            if let Some(key) = self.session_of(&datagram) {
                self.with(key, |session| session.handle_datagram(datagram, now));
            }
        }
        self.socket.flush();
    }

    /// The session of a datagram: by the username of a check, which also says whose the source
    /// address is, else by the source address.
    fn session_of(&mut self, datagram: &Datagram) -> Option<Key> {
        if let Some(stun::Message::Request { fragment, .. }) = stun::parse(&datagram.data) {
            let key = *self.by_fragment.get(fragment)?;
            self.by_address.insert(datagram.peer, key);
            return Some(key);
        }
        self.by_address.get(&datagram.peer).copied()
    }

    fn arrive(&mut self, key: Key, mut reader: Reader, first: Next) {
        let Some(watched) = self.feeds.get_mut(&key) else {
            return;
        };
        let mut units: Vec<Arc<Unit>> = Vec::new();
        let mut next = Some(first);
        while let Some(item) = next {
            units.extend(watched.feed.take(item));
            if watched.feed.ended() {
                break;
            }
            next = reader.try_next();
        }
        let ended = watched.feed.ended();
        let viewers = watched.viewers.clone();
        if viewers.is_empty() {
            self.feeds.remove(&key);
            return;
        }
        let now = self.clock.now();
        for viewer in viewers {
            self.with(viewer, |session| {
                for unit in &units {
                    session.handle_media(unit, unit.pts, now);
                }
                if ended {
                    session.close(now);
                }
            });
        }
        self.socket.flush();
        if ended {
            self.feeds.remove(&key);
        } else {
            self.arrivals.push(wait(key, reader));
        }
    }

    fn expire(&mut self) {
        let now = self.clock.now();
        let due = |e: &Entry| e.deadline.is_some_and(|at| at <= now);
        let keys: Vec<_> = self
            .sessions
            .iter()
            .filter(|(_, e)| due(e))
            .map(|(key, _)| *key)
            .collect();
        for key in keys {
            self.with(key, |session| session.handle_timeout(now));
            // Whatever the stack says, time passes before its next turn.
            if let Some(entry) = self.sessions.get_mut(&key) {
                entry.deadline = entry.deadline.map(|at| at.max(now + SHORTEST));
            }
        }
        self.socket.flush();
    }

    /// Does something with a session and carries out what follows from it.
    fn with(&mut self, key: Key, act: impl FnOnce(&mut Session)) {
        let Some(entry) = self.sessions.get_mut(&key) else {
            return;
        };
        act(&mut entry.session);
        let mut closed = false;
        while let Some(event) = entry.session.poll_event() {
            match event {
                Event::Closed => closed = true,
                Event::KeyframeWanted => {
                    if let Some(watched) = self.feeds.get(&entry.feed) {
                        watched.feed.channel.request_keyframe();
                    }
                }
                Event::Connected => {
                    let now = self.clock.now();
                    entry.board.connected.store(true, Ordering::Relaxed);
                    if let Some(watched) = self.feeds.get(&entry.feed) {
                        for (unit, pts) in watched.feed.catch_up(now) {
                            entry.session.handle_media(&unit, pts, now);
                        }
                    }
                }
            }
        }
        while let Some(datagram) = entry.session.poll_transmit() {
            self.socket.send(&datagram);
        }
        entry.deadline = entry.session.deadline();
        let stats = entry.session.stats();
        entry.board.bytes.store(stats.bytes, Ordering::Relaxed);
        entry.board.packets.store(stats.packets, Ordering::Relaxed);
        entry.board.lost.store(stats.lost, Ordering::Relaxed);
        let trip = stats.round_trip.map_or(0, |d| d.as_nanos().max(1));
        let trip = u64::try_from(trip).unwrap_or(u64::MAX);
        entry.board.rtt.store(trip, Ordering::Relaxed);
        if closed {
            self.forget(key);
        }
    }

    fn forget(&mut self, key: Key) {
        let Some(entry) = self.sessions.remove(&key) else {
            return;
        };
        self.by_fragment.remove(&entry.fragment);
        self.by_address.retain(|_, owner| *owner != key);
        self.boards.lock().remove(&entry.name);
        // A feed without viewers ends with its next packet.
        if let Some(watched) = self.feeds.get_mut(&entry.feed) {
            watched.viewers.retain(|viewer| *viewer != key);
        }
    }
}

fn wait(key: Key, mut reader: Reader) -> Arrival {
    Box::pin(async move {
        let next = reader.next().await;
        (key, reader, next)
    })
}
