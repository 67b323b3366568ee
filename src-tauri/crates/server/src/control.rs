//! The studio over HTTP: snapshot, commands, events. All of it needs the right to control.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use api::{Code, Command, Event};
use axum::Json;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, Request, State};
use axum::http::{Extensions, HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use serde::Deserialize;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::access::Pass;
use crate::app::App;
use crate::problem::Refusal;
use crate::{audit, body};

/// A command is this large at most, in bytes: an imported collection is the longest.
const COMMAND_MAX: usize = 4 * 1024 * 1024;

/// What keeps an idle WebSocket alive through routers that forget, and finds out who is gone.
const PING: Duration = Duration::from_secs(20);

/// The control token where a page cannot set headers.
#[derive(Deserialize)]
pub(crate) struct Token {
    pub(crate) token: Option<String>,
}

/// Before routes that need the right to control. A page of another origin asks first what it may
/// (the Fetch standard's preflight), without a token.
///
/// # Errors
/// 401.
pub(crate) async fn may(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    if request.method() == Method::OPTIONS {
        return Ok(next.run(request).await);
    }
    let pass = app.control_pass(audit::peer(request.extensions()), request.headers(), None)?;
    let asker = Asker::new(&pass, request.extensions());
    Ok(ASKER.scope(asker, next.run(request)).await)
}

tokio::task_local! {
    /// In whose name the request of this task is.
    static ASKER: Asker;
}

/// Who commands, for the record.
#[derive(Clone, Debug)]
pub(crate) struct Asker {
    by: String,
    from: Option<IpAddr>,
}

impl Asker {
    fn new(pass: &Pass, extensions: &Extensions) -> Self {
        Self {
            by: pass.holder.recorded(),
            from: audit::peer(extensions),
        }
    }
}

impl App {
    /// Does something in the name of whoever this request is from: behind [`may`] alone.
    ///
    /// # Errors
    /// What stood against it.
    pub(crate) async fn apply(&self, command: Command) -> Result<(), Refusal> {
        let asker = ASKER
            .try_with(Clone::clone)
            .map_err(|_| Refusal::new(Code::Internal, "The request is in nobody's name."))?;
        self.apply_for(asker, command).await
    }

    /// Does something in somebody's name, away from the threads that serve: a disk may be slow.
    ///
    /// # Errors
    /// What stood against it.
    async fn apply_for(&self, asker: Asker, command: Command) -> Result<(), Refusal> {
        let control = Arc::clone(&self.control);
        let Asker { by, from } = asker;
        let apply = move || audit::done_by(&by, from, command, |command| control.apply(command));
        let done = tokio::task::spawn_blocking(apply).await;
        done.map_err(|e| Refusal::new(Code::Internal, format!("The command failed: {e}.")))??;
        Ok(())
    }
}

/// `GET /api/snapshot`
pub(crate) async fn snapshot(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Json<api::Snapshot>, Refusal> {
    app.control_pass(audit::peer(&extensions), &headers, None)?;
    app.control.attend();
    Ok(Json(app.control.snapshot()))
}

/// `POST /api/commands`: one [`Command`] as JSON; 204 when done.
pub(crate) async fn command(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<StatusCode, Refusal> {
    let pass = app.control_pass(audit::peer(request.extensions()), request.headers(), None)?;
    let asker = Asker::new(&pass, request.extensions());
    let command: Command = body::json(request, COMMAND_MAX, "command").await?;
    app.apply_for(asker, command).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/events`: a WebSocket of [`Event`]s as JSON, the first one a snapshot. A follower that is
/// too slow loses events and gets a new snapshot instead.
pub(crate) async fn events(
    State(app): State<Arc<App>>,
    Query(Token { token }): Query<Token>,
    headers: HeaderMap,
    extensions: Extensions,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Refusal> {
    let peer = audit::peer(&extensions);
    let pass = app.control_pass(peer, &headers, token.as_deref())?;
    let by = pass.holder.recorded();
    let peer = peer.map(|ip| ip.to_string());
    tracing::info!(target: crate::AUDIT, by, peer, "opened the studio");
    Ok(upgrade
        .max_message_size(1024)
        .on_upgrade(move |socket| follow(app, pass, socket)))
}

async fn follow(app: Arc<App>, pass: Pass, mut socket: WebSocket) {
    // Before the snapshot, so that nothing falls between the two.
    let mut events = app.control.events();
    if send(&mut socket, &whole(&app)).await.is_err() {
        return;
    }
    let mut ping = tokio::time::interval(PING);
    ping.reset();
    let mut lapsed = std::pin::pin!(pass.lapsed(&app.clock));
    loop {
        let sent = tokio::select! {
            () = app.ends.stop.cancelled() => break,
            () = &mut lapsed => break,
            event = next(&mut events) => match event {
                Followed::Event(event) => send(&mut socket, &event).await,
                Followed::Lost => {
                    events = app.control.events();
                    send(&mut socket, &whole(&app)).await
                }
                Followed::Ended => break,
            },
            message = socket.recv() => match message {
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => Ok(()),
            },
            _ = ping.tick() => socket.send(Message::Ping(bytes::Bytes::new())).await,
        };
        if sent.is_err() {
            break;
        }
    }
}

enum Followed {
    Event(Arc<Event>),
    Lost,
    Ended,
}

async fn next(events: &mut broadcast::Receiver<Arc<Event>>) -> Followed {
    match events.recv().await {
        Ok(event) => Followed::Event(event),
        Err(RecvError::Lagged(_)) => Followed::Lost,
        Err(RecvError::Closed) => Followed::Ended,
    }
}

fn whole(app: &App) -> Event {
    Event::Snapshot {
        snapshot: Box::new(app.control.snapshot()),
    }
}

async fn send(socket: &mut WebSocket, event: &Event) -> Result<(), axum::Error> {
    let text = serde_json::to_string(event).map_err(axum::Error::new)?;
    socket.send(Message::Text(text.into())).await
}
