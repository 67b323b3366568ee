//! Chat over Socket.IO at `/socket.io`, namespace `/`.
//!
//! Requests, each acknowledged: `join {channel, session?, key?}` → `{history, viewers, name, state,
//! role, rules, stopped, room?}`, `name {name, key?}` → `{name, key}`, `say {text}` → `{message}`,
//! `moderate {act, …}` ([`api::Moderation`]) → `{}`; a refusal acknowledges `{error: {code, message,
//! subject?}}`. After a lost connection, the `key` of a name takes it over from the connection that is
//! not yet known to be gone; as `session` of `join` it tells who comes back. The `key` of `join` is
//! the secret of a link or the token of a private channel ([`crate::privacy`]).
//!
//! Events: `message`, `viewers {whep, hls}`, `live {state}`, `deleted {messages}` (`null` for all),
//! `rules {slow_seconds, links}`, `stopped {until, message}` or `null` to whoever may not write, or may
//! again, `closed {error}` to whoever is put out of a private channel; and to moderators `room`
//! ([`api::ChatRoom`]) and, when their link has ended, `role {role}`.
//!
//! All requests go through one task in the order of their arrival, so that what is kept, what is
//! shown and what a newcomer reads are in the same order. What somebody may do is decided in
//! [`rooms`] and [`text`], without sockets.

mod bucket;
mod moderate;
mod order;
mod rooms;
pub(crate) mod text;
pub(crate) mod words;

pub(crate) use bucket::{Bucket, Rate};
pub(crate) use order::Order;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Weak};
use std::time::Duration;

use api::{ChannelState, Code, LinkKind, Message, Moderation, Problem, Role, Viewers};
use axum::extract::ConnectInfo;
use media::{ChannelName, Timestamp};
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::{Value, json};
use socketioxide::SocketIo;
use socketioxide::extract::{AckSender, SocketRef, TryData};
use socketioxide::layer::SocketIoLayer;
use socketioxide::socket::Sid;
use store::{Author, Speaker, Store};
use tokio::sync::{broadcast, mpsc, oneshot};
use tracing::Instrument;

use crate::access::Pass;
use crate::app::App;
use crate::privacy::{Right, Shown, is_signed};
use crate::problem::store_failed;
use moderate::{Keeper, moderate};
use rooms::{Coming, Rooms};

/// Messages that a newcomer reads.
const HISTORY: u32 = 100;

/// Requests that wait for the one task. When it is full, more are refused.
const WAITING: usize = 1024;

/// Followers of [`Chat::news`] lose the oldest beyond this many.
const NEWS: usize = 256;

/// What one request may have, in bytes: a message of 500 characters, escaped, fits.
const PAYLOAD: u64 = 16 * 1024;

/// Packets that one connection may leave unread; what is more is lost for it alone.
const UNREAD: usize = 512;

/// Who is gone is known after two of these.
const PING: Duration = Duration::from_secs(10);

/// The rooms and everybody in them.
pub(crate) struct Chat {
    io: SocketIo,
    rooms: Mutex<Rooms<Sid>>,
    order: Mutex<Order>,
    calls: mpsc::Sender<Call>,
    news: broadcast::Sender<ChatNews>,
}

/// What happens in the rooms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChatNews {
    /// Something was said.
    Said {
        /// The channel.
        channel: String,
        /// What.
        message: Message,
    },
    /// Messages were taken away.
    Deleted {
        /// The channel.
        channel: String,
        /// Which; all that there are when absent.
        messages: Option<Vec<i64>>,
    },
}

/// What the one task works off.
pub(crate) enum Call {
    /// Somebody asks for something.
    Ask {
        socket: SocketRef,
        ask: Ask,
        at: Timestamp,
        ack: AckSender,
    },
    /// The host has said something, which is kept already.
    Said(String, Message),
    /// The host keeps a room in order.
    Moderate {
        channel: String,
        moderation: Moderation,
        /// In whose name it is recorded.
        span: tracing::Span,
        done: oneshot::Sender<Result<(), Problem>>,
    },
}

/// What somebody asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    Join {
        channel: ChannelName,
        session: Option<String>,
        key: Option<String>,
    },
    Name {
        name: String,
        key: Option<String>,
    },
    Say(String),
    Moderate(Moderation),
}

impl Chat {
    /// A chat with nobody in it, the layer that carries it, and what [`serve`] needs.
    pub(crate) fn new(order: Order) -> (Self, SocketIoLayer, mpsc::Receiver<Call>) {
        let (layer, io) = SocketIo::builder()
            .max_payload(PAYLOAD)
            .max_buffer_size(UNREAD)
            .ping_interval(PING)
            .ping_timeout(PING)
            .connect_timeout(PING)
            .build_layer();
        let (calls, work) = mpsc::channel(WAITING);
        let chat = Self {
            io,
            rooms: Mutex::default(),
            order: Mutex::new(order),
            calls,
            news: broadcast::Sender::new(NEWS),
        };
        (chat, layer, work)
    }

    /// What happens in any room from now on. A follower that is too slow loses the oldest.
    pub(crate) fn news(&self) -> broadcast::Receiver<ChatNews> {
        self.news.subscribe()
    }

    /// Connections in all rooms.
    pub(crate) fn people(&self) -> usize {
        self.rooms.lock().people_in_all()
    }

    /// Rooms with somebody in them.
    pub(crate) fn occupied(&self) -> std::collections::BTreeSet<String> {
        self.rooms.lock().rooms()
    }

    /// Says something as the host. Blocks for the time of a small query.
    ///
    /// # Errors
    /// [`Code::Invalid`] for a text that cannot be said, [`Code::TooMany`] when the chat is
    /// overwhelmed, [`Code::Internal`] when it cannot be kept.
    pub(crate) fn say_as_host(
        &self,
        store: &Store,
        channel: &str,
        said: &str,
        at: i64,
    ) -> Result<Message, Problem> {
        let channel: ChannelName = channel.parse().map_err(|_| no_channel())?;
        let said = text::text(said)?;
        let permit = self.calls.try_reserve().map_err(|_| overwhelmed())?;
        let message = store
            .say(channel.as_str(), text::HOST, Role::Host, &said, at)
            .map_err(|e| store_failed(&e))?;
        permit.send(Call::Said(channel.to_string(), message.clone()));
        Ok(message)
    }

    /// Keeps a room in order as the host. What comes of it arrives when the one task has come to it.
    ///
    /// # Errors
    /// [`Code::Invalid`] for what is no channel's name, [`Code::TooMany`] when the chat is overwhelmed.
    pub(crate) fn moderate_as_host(
        &self,
        channel: &str,
        moderation: Moderation,
    ) -> Result<oneshot::Receiver<Result<(), Problem>>, Problem> {
        let channel: ChannelName = channel.parse().map_err(|_| no_channel())?;
        let (done, outcome) = oneshot::channel();
        let call = Call::Moderate {
            channel: channel.to_string(),
            moderation,
            span: tracing::Span::current(),
            done,
        };
        self.calls.try_send(call).map_err(|_| overwhelmed())?;
        Ok(outcome)
    }

    /// Puts everybody out of a room who has no right to it, with a word on why.
    pub(crate) async fn put_out(
        &self,
        channel: &ChannelName,
        holds: impl Fn(&Right) -> bool,
        why: &Problem,
    ) {
        let strangers = self.rooms.lock().put_out(channel.as_str(), holds);
        for who in strangers {
            if let Some(socket) = self.io.of("/").and_then(|all| all.get_socket(who)) {
                socket.leave(channel.to_string());
            }
            self.tell_one(who, "closed", &json!({ "error": why }));
        }
    }

    /// Takes the keeping of order from those whose link has ended.
    pub(crate) fn demote(&self, now: i64) {
        let over = self.rooms.lock().demote(now);
        for who in over {
            self.tell_one(who, "role", &json!({ "role": Role::Viewer }));
        }
    }

    fn tell_one(&self, who: Sid, event: &str, data: &(impl Serialize + ?Sized)) {
        let socket = self.io.of("/").and_then(|all| all.get_socket(who));
        if let Some(Err(error)) = socket.map(|socket| socket.emit(event, data)) {
            tracing::debug!(%error, event, "somebody was not reached");
        }
    }

    /// Tells a room who watches.
    pub(crate) async fn tell_viewers(&self, channel: &str, viewers: Viewers) {
        self.tell(channel, "viewers", &viewers).await;
    }

    /// Tells a room whether there is something to see.
    pub(crate) async fn tell_live(&self, channel: &str, state: ChannelState) {
        self.tell(channel, "live", &json!({ "state": state })).await;
    }

    async fn tell(&self, channel: &str, event: &str, data: &(impl Serialize + ?Sized + Sync)) {
        let Some(all) = self.io.of("/") else { return };
        // Whoever does not take what is said to them has a full queue, and misses it alone.
        if let Err(error) = all.to(channel.to_owned()).emit(event, data).await {
            tracing::debug!(%error, channel, event, "not everybody in a room was reached");
        }
    }

    /// Sends everybody away.
    pub(crate) async fn close(&self) {
        self.io.close().await;
    }
}

/// Lets people in, and works off what they ask for until the chat is dropped.
pub(crate) async fn serve(app: Arc<App>, mut work: mpsc::Receiver<Call>) {
    let weak = Arc::downgrade(&app);
    app.chat.io.ns("/", move |socket: SocketRef| {
        enter(&weak, &socket);
        std::future::ready(())
    });
    let stop = app.ends.stop.clone();
    loop {
        let call = tokio::select! {
            () = stop.cancelled() => return,
            call = work.recv() => call,
        };
        match call {
            Some(Call::Said(channel, message)) => spread(&app, channel, message).await,
            Some(Call::Moderate {
                channel,
                moderation,
                span,
                done,
            }) => {
                let act = moderate(&app, channel, Keeper::host(), moderation);
                let outcome = act.instrument(span).await;
                // The host may have left meanwhile; what was to be done is done.
                drop(done.send(outcome));
            }
            Some(Call::Ask {
                socket,
                ask,
                at,
                ack,
            }) => {
                let answer = answer(&app, &socket, ask, at).await;
                acknowledge(&app, ack, answer);
            }
            None => return,
        }
    }
}

/// Runs in the order of arrival, as do the handlers it sets: only what they return runs later.
fn enter(weak: &Weak<App>, socket: &SocketRef) {
    let Some(app) = weak.upgrade() else { return };
    app.chat
        .rooms
        .lock()
        .enter(socket.id, address(socket), app.clock.now());
    for event in ["join", "name", "say", "moderate"] {
        let weak = Weak::clone(weak);
        socket.on(
            event,
            move |socket: SocketRef, TryData::<Value>(data), ack: AckSender| {
                if let Some(app) = weak.upgrade() {
                    receive(&app, socket, event, data.unwrap_or(Value::Null), ack);
                }
                std::future::ready(())
            },
        );
    }
    let weak = Weak::clone(weak);
    socket.on_disconnect(move |socket: SocketRef| {
        if let Some(app) = weak.upgrade() {
            app.chat.rooms.lock().leave(socket.id);
        }
        std::future::ready(())
    });
}

fn address(socket: &SocketRef) -> IpAddr {
    let peer = socket
        .req_parts()
        .extensions
        .get::<ConnectInfo<SocketAddr>>();
    let address = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |p| p.0.ip());
    address.to_canonical()
}

fn receive(app: &App, socket: SocketRef, event: &str, data: Value, ack: AckSender) {
    let at = app.clock.now();
    let allowed = app.chat.rooms.lock().call(socket.id, at);
    match allowed.and_then(|()| read(event, data)) {
        Ok(ask) => {
            let call = Call::Ask {
                socket,
                ask,
                at,
                ack,
            };
            if let Err(error) = app.chat.calls.try_send(call)
                && let Call::Ask { ack, .. } = error.into_inner()
            {
                acknowledge(app, ack, Err(overwhelmed()));
            }
        }
        Err(problem) => acknowledge(app, ack, Err(problem)),
    }
}

/// What a request says, checked for its shape only.
pub(crate) fn read(event: &str, data: Value) -> Result<Ask, Problem> {
    let field = |name: &'static str| match data.get(name) {
        Some(Value::String(text)) => Ok(text.clone()),
        _ => Err(Problem::new(
            Code::Invalid,
            format!("\"{event}\" needs an object with a text \"{name}\"."),
        )
        .about(name)),
    };
    match event {
        "join" => Ok(Ask::Join {
            channel: field("channel")?.parse().map_err(|_| no_channel())?,
            session: field("session").ok(),
            key: field("key").ok(),
        }),
        "moderate" => serde_json::from_value(data)
            .map(Ask::Moderate)
            .map_err(|e| Problem::new(Code::Invalid, format!("That is no act: {e}."))),
        "name" => Ok(Ask::Name {
            name: field("name")?,
            key: field("key").ok(),
        }),
        _ => Ok(Ask::Say(field("text")?)),
    }
}

async fn answer(
    app: &Arc<App>,
    socket: &SocketRef,
    ask: Ask,
    at: Timestamp,
) -> Result<Value, Problem> {
    match ask {
        Ask::Join {
            channel,
            session,
            key,
        } => join(app, socket, channel, session, key).await,
        Ask::Name { name, key } => {
            may_write(app, socket, key.as_deref()).await?;
            let fresh = crate::secret()?;
            let mut rooms = app.chat.rooms.lock();
            let named = rooms.name(socket.id, &name, key.as_deref(), fresh)?;
            Ok(json!({ "name": named.name, "key": named.key }))
        }
        Ask::Say(said) => say(app, socket, &said, at).await,
        Ask::Moderate(moderation) => {
            let person = app.chat.rooms.lock().who(socket.id, None)?;
            let now = app.clock.unix_millis(app.clock.now());
            let pass = person.moderates.filter(|pass| pass.holds(now));
            let pass = pass.ok_or_else(|| {
                Problem::new(
                    Code::Unauthorized,
                    "Only moderators can do that. Open your moderation link again, or ask the host for a new one.",
                )
            })?;
            let keeper = Keeper {
                name: pass.holder.name().to_owned(),
                role: Role::Moderator,
                address: Some(person.address.to_string()),
            };
            moderate(app, person.channel, keeper, moderation).await?;
            Ok(json!({}))
        }
    }
}

/// Whether somebody who takes a name may write in their room.
async fn may_write(app: &Arc<App>, socket: &SocketRef, key: Option<&str>) -> Result<(), Problem> {
    let person = app.chat.rooms.lock().who(socket.id, key)?;
    if person.moderates.is_some() {
        return Ok(());
    }
    let now = app.clock.unix_millis(app.clock.now());
    let stranger_stopped = {
        let order = app.chat.order.lock();
        let own = person.identity.as_deref();
        if let Some(ban) = own.and_then(|own| order.stops(&person.channel, own, now)) {
            return Err(order::refusal(ban, now));
        }
        order
            .stops_strangers(&person.channel, person.address, now)
            .map(|ban| ban.at)
    };
    let Some(since) = stranger_stopped else {
        return Ok(());
    };
    let known = match person.identity {
        Some(own) => {
            let store = Arc::clone(&app.store);
            blocking(move || store.spoke_before(&person.channel, &own, since)).await?
        }
        None => false,
    };
    if known {
        return Ok(());
    }
    Err(Problem::new(
        Code::Conflict,
        "Nobody new can write from your network at the moment: somebody there was banned. You can go on watching.",
    )
    .about("ban"))
}

async fn say(
    app: &Arc<App>,
    socket: &SocketRef,
    said: &str,
    at: Timestamp,
) -> Result<Value, Problem> {
    let unix = app.clock.unix_millis(at);
    let saying = app.chat.rooms.lock().saying(socket.id, said)?;
    let slow = {
        let order = app.chat.order.lock();
        if !saying.moderates {
            if let Some(ban) = order.stops(&saying.channel, &saying.identity, unix) {
                return Err(order::refusal(ban, unix));
            }
            order.allows(&saying.channel, &saying.text)?;
        }
        order.rules(&saying.channel).slow_seconds
    };
    let slow = Duration::from_secs(slow.into());
    app.chat.rooms.lock().say(socket.id, &saying, slow, at)?;
    let store = Arc::clone(&app.store);
    let channel = saying.channel.clone();
    let author = Author {
        name: saying.name,
        role: if saying.moderates {
            Role::Moderator
        } else {
            Role::Viewer
        },
        speaker: Some(Speaker {
            identity: saying.identity,
            address: saying.address.to_string(),
        }),
    };
    let message =
        blocking(move || store.say_as(&saying.channel, author, &saying.text, unix)).await?;
    let answer = json!({ "message": &message });
    spread(app, channel, message).await;
    Ok(answer)
}

/// What a key opens in a room; wrong ones are counted, as those for a private channel are where its door is.
fn moderates(app: &App, channel: &ChannelName, key: &str, peer: IpAddr) -> Option<Pass> {
    let now = app.clock.now();
    app.access.guesses.may_try(peer, now).ok()?;
    let brought = (key, Some(peer));
    let pass = app.judge(LinkKind::Moderate, brought, Some(channel));
    let elsewhere = || {
        app.privacy.is_private(channel)
            || is_signed(key)
            || [LinkKind::Watch, LinkKind::Publish]
                .into_iter()
                .any(|kind| app.judge(kind, brought, Some(channel)).is_some())
    };
    if pass.is_none() && !elsewhere() {
        app.access.guesses.wrong(peer, now);
        tracing::info!(
            target: crate::AUDIT, channel = %channel, peer = %peer,
            "a wrong key was brought to the chat"
        );
    }
    pass
}

async fn join(
    app: &Arc<App>,
    socket: &SocketRef,
    channel: ChannelName,
    session: Option<String>,
    key: Option<String>,
) -> Result<Value, Problem> {
    let room = channel.to_string();
    let shown = Shown::new(address(socket), &socket.req_parts().headers).and(key.clone());
    let coming = Coming {
        right: app.right_to(&channel, &shown)?,
        moderates: key
            .filter(|key| !key.is_empty())
            .and_then(|key| moderates(app, &channel, &key, address(socket))),
        identity: session.map(|session| rooms::identity(&session)),
    };
    let moderates = coming.moderates.is_some();
    let live = app.hub.channel(&channel).is_some();
    let open = live || channel == ChannelName::program() || app.chat.rooms.lock().occupied(&room);
    let store = Arc::clone(&app.store);
    let asked = room.clone();
    let history = blocking(move || store.recent(&asked, HISTORY)).await?;
    // Rooms cannot be made up: each leaves its messages behind.
    if !open && history.is_empty() {
        return Err(Problem::new(
            Code::NotFound,
            format!("There is no channel {channel}. Join when it is live."),
        )
        .about("channel"));
    }
    let identity = coming.identity.clone();
    let left = app.chat.rooms.lock().room(socket.id).map(str::to_owned);
    let name = app.chat.rooms.lock().join(socket.id, &room, coming)?;
    if let Some(left) = left.filter(|left| *left != room) {
        socket.leave(left);
    }
    socket.join(room.clone());
    let state = if live {
        ChannelState::Live
    } else {
        ChannelState::Waiting
    };
    let now = app.clock.unix_millis(app.clock.now());
    let order = app.chat.order.lock();
    let kept = order.room(&room, now);
    let stopped = identity.and_then(|own| order.stops(&room, &own, now).cloned());
    drop(order);
    let mut answer = json!({
        "history": history,
        "viewers": app.viewers(&channel),
        "name": name,
        "state": state,
        "role": if moderates { Role::Moderator } else { Role::Viewer },
        "rules": moderate::rules(&kept),
        "stopped": stopped.filter(|_| !moderates).map(|ban| moderate::stopped(&ban, now)),
    });
    if moderates {
        answer["room"] = json!(kept);
    }
    Ok(answer)
}

async fn spread(app: &App, channel: String, message: Message) {
    app.figures.said(message.role);
    app.chat.tell(&channel, "message", &message).await;
    // Nobody may follow.
    drop(app.chat.news.send(ChatNews::Said { channel, message }));
}

fn acknowledge(app: &App, ack: AckSender, answer: Result<Value, Problem>) {
    let answer = answer.unwrap_or_else(|problem| {
        app.figures.unsaid();
        if problem.code == Code::Internal {
            tracing::error!(message = %problem, "chat failed");
        }
        json!({ "error": problem })
    });
    if let Err(error) = ack.send(&answer) {
        tracing::debug!(%error, "nobody is left to be answered");
    }
}

async fn blocking<T: Send + 'static>(
    query: impl FnOnce() -> Result<T, store::Error> + Send + 'static,
) -> Result<T, Problem> {
    match tokio::task::spawn_blocking(query).await {
        Ok(answer) => answer.map_err(|e| store_failed(&e)),
        Err(error) => Err(Problem::new(Code::Internal, error.to_string())),
    }
}

fn no_channel() -> Problem {
    Problem::new(
        Code::Invalid,
        "A channel name is 1 to 64 letters, digits, '-' or '_'.",
    )
    .about("channel")
}

fn overwhelmed() -> Problem {
    Problem::new(
        Code::TooMany,
        "The chat is overwhelmed. Try again in a moment.",
    )
}

#[cfg(test)]
mod tests;
