//! Chat over Socket.IO at `/socket.io`, namespace `/`.
//!
//! Requests, each acknowledged: `join {channel}` → `{history, viewers, name}`, `name {name, key?}` →
//! `{name, key}`, `say {text}` → `{message}`; a refusal acknowledges `{error: {code, message}}`.
//! Events: `message`, `viewers {whep, hls}`, `live {state}`. After a lost connection, `key` takes the
//! name over from the connection that is not yet known to be gone.
//!
//! All requests go through one task in the order of their arrival, so that what is kept, what is
//! shown and what a newcomer reads are in the same order. What somebody may do is decided in
//! [`rooms`] and [`text`], without sockets.

mod bucket;
mod rooms;
mod text;

pub(crate) use bucket::{Bucket, Rate};

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Weak};
use std::time::Duration;

use api::{ChannelState, Code, Message, Problem, Role, Viewers};
use axum::extract::ConnectInfo;
use media::{ChannelName, Timestamp};
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::{Value, json};
use socketioxide::SocketIo;
use socketioxide::extract::{AckSender, SocketRef, TryData};
use socketioxide::layer::SocketIoLayer;
use socketioxide::socket::Sid;
use store::Store;
use tokio::sync::{broadcast, mpsc};

use crate::app::App;
use crate::problem::store_failed;
use rooms::Rooms;

/// Messages that a newcomer reads.
const HISTORY: u32 = 100;

/// Requests that wait for the one task. When it is full, more are refused.
const WAITING: usize = 1024;

/// Followers of [`Chat::said`] lose the oldest messages beyond this many.
const SAID: usize = 256;

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
    calls: mpsc::Sender<Call>,
    said: broadcast::Sender<(String, Message)>,
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
}

/// What somebody asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    Join(ChannelName),
    Name { name: String, key: Option<String> },
    Say(String),
}

impl Chat {
    /// A chat with nobody in it, the layer that carries it, and what [`serve`] needs.
    pub(crate) fn new() -> (Self, SocketIoLayer, mpsc::Receiver<Call>) {
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
            calls,
            said: broadcast::Sender::new(SAID),
        };
        (chat, layer, work)
    }

    /// What is said in any room from now on. A follower that is too slow loses the oldest.
    pub(crate) fn said(&self) -> broadcast::Receiver<(String, Message)> {
        self.said.subscribe()
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
    let peer = socket
        .req_parts()
        .extensions
        .get::<ConnectInfo<SocketAddr>>();
    let address = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |p| p.0.ip());
    app.chat
        .rooms
        .lock()
        .enter(socket.id, address.to_canonical(), app.clock.now());
    for event in ["join", "name", "say"] {
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
fn read(event: &str, data: Value) -> Result<Ask, Problem> {
    let field = |name: &'static str| match data.get(name) {
        Some(Value::String(text)) => Ok(text.clone()),
        _ => Err(Problem::new(
            Code::Invalid,
            format!("\"{event}\" needs an object with a text \"{name}\"."),
        )
        .about(name)),
    };
    match event {
        "join" => Ok(Ask::Join(
            field("channel")?.parse().map_err(|_| no_channel())?,
        )),
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
        Ask::Join(channel) => join(app, socket, channel).await,
        Ask::Name { name, key } => {
            let fresh = crate::secret()?;
            let mut rooms = app.chat.rooms.lock();
            let named = rooms.name(socket.id, &name, key.as_deref(), fresh)?;
            Ok(json!({ "name": named.name, "key": named.key }))
        }
        Ask::Say(said) => {
            let saying = app.chat.rooms.lock().say(socket.id, &said, at)?;
            let store = Arc::clone(&app.store);
            let at = app.clock.unix_millis(at);
            let channel = saying.channel.clone();
            let message = blocking(move || {
                store.say(
                    &saying.channel,
                    &saying.name,
                    Role::Viewer,
                    &saying.text,
                    at,
                )
            })
            .await?;
            let answer = json!({ "message": &message });
            spread(app, channel, message).await;
            Ok(answer)
        }
    }
}

async fn join(app: &Arc<App>, socket: &SocketRef, channel: ChannelName) -> Result<Value, Problem> {
    let room = channel.to_string();
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
    let left = app.chat.rooms.lock().room(socket.id).map(str::to_owned);
    let name = app.chat.rooms.lock().join(socket.id, &room)?;
    if let Some(left) = left.filter(|left| *left != room) {
        socket.leave(left);
    }
    socket.join(room);
    let state = if live {
        ChannelState::Live
    } else {
        ChannelState::Waiting
    };
    Ok(json!({
        "history": history,
        "viewers": app.viewers(&channel),
        "name": name,
        "state": state,
    }))
}

async fn spread(app: &App, channel: String, message: Message) {
    app.figures.said(message.role);
    app.chat.tell(&channel, "message", &message).await;
    // Nobody may follow.
    drop(app.chat.said.send((channel, message)));
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
