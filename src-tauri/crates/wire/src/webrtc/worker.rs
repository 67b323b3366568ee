//! The media thread: it alone reads the socket and has the sessions, and lends them to its crew.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use media::{Channel, Clock, Next, Reader, Start, Timestamp, Want};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::OfferError;
use super::crew::{self, Crew};
use super::entry::{Board, Entry, Role};
use super::feed::Feed;
use super::link::Datagram;
use super::offer::{Remote, Trickled};
use super::outlet::Outlet;
use super::pace::{PAUSE, TURN};
use super::payload::Unit;
use super::socket::Socket;
use super::stun;
use super::traffic::Counters;
use super::urgency;

/// Packets a channel may wait for the media thread: two seconds of picture and sound.
const READER_CAPACITY: usize = 256;

/// The least time between two timeouts of a session.
const SHORTEST: Duration = Duration::from_millis(1);

/// All sessions as seen from outside, by name.
pub(super) type Boards = Arc<Mutex<BTreeMap<String, Arc<Board>>>>;

/// What the station's doors ask of its thread.
pub(super) enum Order {
    Open {
        entry: Box<Entry>,
        /// What a viewer watches, or what ends a publisher.
        with: Tie,
        done: oneshot::Sender<()>,
    },
    /// Hands a session further addresses of its far end.
    Trickle {
        name: String,
        more: Trickled,
        done: oneshot::Sender<()>,
    },
    /// Looks for a session's path anew, under these names of ours.
    Restart {
        name: String,
        names: (String, String),
        remote: Remote,
        done: oneshot::Sender<Result<(), OfferError>>,
    },
    Close(String),
    #[cfg(test)]
    Count(oneshot::Sender<[usize; 5]>),
    End,
}

/// What a session hangs on.
pub(super) enum Tie {
    Watches(Arc<Channel>),
    EndsWith(CancellationToken),
}

type Key = u64;

/// A reader that waits, and what it got.
type Arrival = BoxFuture<'static, (Key, Reader, Next)>;

/// A publisher that has to go.
type Departure = BoxFuture<'static, Key>;

/// The media thread's own.
pub(super) struct Worker {
    clock: Clock,
    socket: Socket,
    outlet: Outlet,
    /// Who helps when a channel has many viewers.
    crew: Option<Crew>,
    boards: Boards,
    counters: Arc<Counters>,
    next: Key,
    sessions: HashMap<Key, Entry>,
    by_fragment: HashMap<String, Key>,
    by_address: HashMap<SocketAddr, Key>,
    feeds: HashMap<Key, Watched>,
    /// The feed of each viewer.
    watches: HashMap<Key, Key>,
    arrivals: FuturesUnordered<Arrival>,
    departures: FuturesUnordered<Departure>,
}

struct Watched {
    feed: Feed,
    viewers: Vec<Key>,
    /// When the first datagram came whose packets have not left for the viewers.
    waits: Option<Timestamp>,
    /// The same of those that have left, but not for all of them.
    leaving: Option<Timestamp>,
}

impl Watched {
    /// Counts how long packets took to leave, now that all have.
    fn count(&mut self, counters: &Counters, clock: Clock) {
        if let Some(since) = self.leaving.take() {
            counters.latency.add(clock.now().since(since));
        }
    }
}

impl Worker {
    /// A thread's work on this socket, with nobody watching yet.
    pub(super) fn new(
        clock: Clock,
        socket: Socket,
        boards: Boards,
        counters: Arc<Counters>,
    ) -> Self {
        Self {
            clock,
            outlet: socket.outlet(),
            socket,
            crew: None,
            boards,
            counters,
            next: 0,
            sessions: HashMap::new(),
            by_fragment: HashMap::new(),
            by_address: HashMap::new(),
            feeds: HashMap::new(),
            watches: HashMap::new(),
            arrivals: FuturesUnordered::new(),
            departures: FuturesUnordered::new(),
        }
    }

    /// Works until told to end, then closes every session.
    pub(super) async fn run(mut self, mut inbox: mpsc::Receiver<Order>) {
        if let Err(reason) = urgency::claim() {
            tracing::info!(
                reason,
                "media waits its turn behind other programs: the system gives it no precedence"
            );
        }
        self.crew = Crew::gather(&self.socket);
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
                Some(publisher) = self.departures.next() => self.close(publisher),
                () = tokio::time::sleep_until(timer), if deadline.is_some() => self.expire(self.clock.now()),
            }
        }
        let keys: Vec<_> = self.sessions.keys().copied().collect();
        for key in keys {
            self.close(key);
        }
    }

    fn close(&mut self, key: Key) {
        let now = self.clock.now();
        self.with(key, now, |entry| entry.close(now));
        self.outlet.flush();
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Open { entry, with, done } => {
                let key = self.fresh_key();
                self.by_fragment.insert(entry.fragment.clone(), key);
                self.boards
                    .lock()
                    .insert(entry.name.clone(), Arc::clone(&entry.board));
                self.sessions.insert(key, *entry);
                match with {
                    Tie::Watches(channel) => {
                        let feed = self.feed_of(channel);
                        self.watches.insert(key, feed);
                        if let Some(watched) = self.feeds.get_mut(&feed) {
                            watched.viewers.push(key);
                        }
                    }
                    Tie::EndsWith(end) => self.departures.push(Box::pin(async move {
                        end.cancelled_owned().await;
                        key
                    })),
                }
                self.with(key, self.clock.now(), |_| {});
                if done.send(()).is_err() {
                    self.close(key);
                }
            }
            Order::Trickle { name, more, done } => {
                // Without an answer there is no such session.
                if let Some(key) = self.named(&name) {
                    let now = self.clock.now();
                    self.with(key, now, |entry| entry.trickle(&more, now));
                    if done.send(()).is_err() {
                        tracing::debug!("whoever trickled has not waited");
                    }
                }
            }
            Order::Restart {
                name,
                names,
                remote,
                done,
            } => {
                // Without an answer there is no such session.
                if let Some(key) = self.named(&name) {
                    let restarted = self.restart(key, &names, &remote);
                    drop(done.send(restarted));
                }
            }
            Order::Close(name) => {
                if let Some(key) = self.named(&name) {
                    self.close(key);
                }
            }
            #[cfg(test)]
            Order::Count(done) => {
                let maps = [
                    self.sessions.len(),
                    self.by_fragment.len(),
                    self.by_address.len(),
                    self.watches.len(),
                    self.feeds.len(),
                ];
                done.send(maps).ok();
            }
            Order::End => {}
        }
        self.outlet.flush();
    }

    fn named(&self, name: &str) -> Option<Key> {
        let found = self.sessions.iter().find(|(_, e)| e.name == name);
        found.map(|(key, _)| *key)
    }

    fn restart(
        &mut self,
        key: Key,
        (fragment, password): &(String, String),
        remote: &Remote,
    ) -> Result<(), OfferError> {
        let Some(before) = self.sessions.get(&key).map(|e| e.fragment.clone()) else {
            return Err(OfferError::Full);
        };
        let now = self.clock.now();
        let mut outcome = Ok(());
        self.with(key, now, |entry| {
            outcome = entry.restart((fragment, password), remote, now);
        });
        if outcome.is_ok() {
            self.by_fragment.remove(&before);
            self.by_fragment.insert(fragment.clone(), key);
        }
        outcome
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
            waits: None,
            leaving: None,
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
                self.with(key, now, |entry| entry.handle_datagram(datagram, now));
            }
        }
        self.outlet.flush();
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
        watched.leaving = watched.leaving.or(watched.waits.take());
        if watched.viewers.is_empty() {
            self.feeds.remove(&key);
            return;
        }
        // Media alone changes nothing that a session has to see to: only what it costs stands here.
        let now = self.clock.now();
        let payloads: usize = units.iter().map(|unit| unit.payloads.len()).sum();
        let mut waits = false;
        if let Some(crew) = &self.crew
            && payloads <= TURN
            && watched.viewers.len() >= crew::WORTH
        {
            let watch = |viewer: &Key| self.watches.get(viewer) == Some(&key);
            let sessions = self.sessions.iter_mut();
            let viewers = sessions.filter(|(viewer, _)| watch(viewer));
            let mut viewers: Vec<_> = viewers.map(|(_, entry)| entry).collect();
            waits = crew.send(&mut viewers, &units, now, &self.counters);
        } else {
            // Receivers on this machine read between two turns, if they are let.
            urgency::go_first(payloads <= TURN);
            for viewer in &watched.viewers {
                if let Some(entry) = self.sessions.get_mut(viewer) {
                    waits |= entry.send(&units, now, &mut self.outlet, &self.counters);
                }
            }
            self.outlet.flush();
            if waits {
                self.go_round(key, now);
            }
            urgency::go_first(true);
        }
        if waits {
            self.see_off(key);
        } else if let Some(watched) = self.feeds.get_mut(&key) {
            watched.count(&self.counters, self.clock);
        }
        if !ended {
            self.arrivals.push(wait(key, reader));
            return;
        }
        let watched = self.feeds.remove(&key);
        for viewer in watched.map_or_else(Vec::new, |w| w.viewers) {
            self.close(viewer);
        }
    }

    /// Goes on with those whose first turn was at `now`, where the turns of all took as long as each has to wait.
    fn go_round(&mut self, feed: Key, now: Timestamp) {
        let Some(watched) = self.feeds.get(&feed) else {
            return;
        };
        let mut turn = now;
        loop {
            let next = self.clock.now();
            if next < turn + PAUSE {
                return;
            }
            turn = next;
            let mut waited = false;
            for viewer in &watched.viewers {
                let entry = self.sessions.get_mut(viewer);
                if let Some(entry) = entry.filter(|e| e.goes_on().is_some()) {
                    entry.go_on(turn, &mut self.outlet, &self.counters);
                    waited = true;
                }
            }
            self.outlet.flush();
            if !waited {
                return;
            }
        }
    }

    fn expire(&mut self, now: Timestamp) {
        let due = |e: &Entry| e.deadline.is_some_and(|at| at <= now);
        let keys: Vec<_> = self
            .sessions
            .iter()
            .filter(|(_, e)| due(e))
            .map(|(key, _)| *key)
            .collect();
        for key in keys {
            if let Some(entry) = self.sessions.get_mut(&key)
                && entry.goes_on().is_some()
            {
                urgency::go_first(false);
                entry.go_on(now, &mut self.outlet, &self.counters);
                entry.show(&self.counters);
                if !due(entry) {
                    continue;
                }
            }
            self.with(key, now, |entry| entry.handle_timeout(now));
            // Whatever the stack says, time passes before its next turn.
            if let Some(entry) = self.sessions.get_mut(&key) {
                entry.deadline = entry.deadline.map(|at| at.max(now + SHORTEST));
            }
        }
        self.outlet.flush();
        urgency::go_first(true);
        let leaving = self.feeds.iter().filter(|(_, w)| w.leaving.is_some());
        for feed in leaving.map(|(key, _)| *key).collect::<Vec<_>>() {
            self.see_off(feed);
        }
    }

    /// Comes back to viewers who wait for packets of a channel. Once nobody does but those who have just joined, counts
    /// how long they took.
    fn see_off(&mut self, feed: Key) {
        let Some(watched) = self.feeds.get_mut(&feed) else {
            return;
        };
        let mut gone = true;
        for viewer in &watched.viewers {
            if let Some(entry) = self.sessions.get_mut(viewer)
                && let Some(at) = entry.goes_on()
            {
                entry.deadline = Some(entry.deadline.map_or(at, |before| before.min(at)));
                gone &= entry.joins();
            }
        }
        if gone {
            watched.count(&self.counters, self.clock);
        }
    }

    /// Does something with a session and carries out what follows from it.
    fn with(&mut self, key: Key, now: Timestamp, act: impl FnOnce(&mut Entry)) {
        let Some(entry) = self.sessions.get_mut(&key) else {
            return;
        };
        act(entry);
        let outcome = entry.settle(now);
        if outcome.wrote
            && let Role::Publisher(publisher) = &entry.role
        {
            let channel = publisher.channel();
            let mut feeds = self.feeds.values_mut();
            if let Some(watched) = feeds.find(|w| Arc::ptr_eq(&w.feed.channel, channel)) {
                watched.waits.get_or_insert(now);
            }
        }
        if let Role::Viewer(session) = &mut entry.role
            && (outcome.keyframe_wanted || outcome.connected)
            && let Some(watched) = self.watches.get(&key).and_then(|f| self.feeds.get(f))
        {
            if outcome.keyframe_wanted {
                Counters::count(&self.counters.keyframes_wanted, 1);
                watched.feed.channel.request_keyframe();
            }
            if outcome.connected {
                let pictures = watched.feed.catch_up(now);
                session.catch_up(&pictures, now, &mut self.outlet);
            }
        }
        while let Some(datagram) = entry.poll_transmit() {
            self.outlet.send(&datagram);
        }
        entry.show(&self.counters);
        if outcome.closed {
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
        let feed = self.watches.remove(&key);
        if let Some(watched) = feed.and_then(|feed| self.feeds.get_mut(&feed)) {
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

#[cfg(test)]
mod tests;
