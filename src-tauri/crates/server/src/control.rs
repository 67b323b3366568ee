//! The studio over HTTP: snapshot, commands, events. All of it needs the right to control.

use std::sync::Arc;
use std::time::Duration;

use api::{Code, Command, Event};
use axum::Json;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::access::Pass;
use crate::app::App;
use crate::body;
use crate::problem::Refusal;

/// A command is this large at most, in bytes: a text source holds the longest.
const COMMAND_MAX: usize = 256 * 1024;

/// What keeps an idle WebSocket alive through routers that forget, and finds out who is gone.
const PING: Duration = Duration::from_secs(20);

/// The control token where a page cannot set headers.
#[derive(Deserialize)]
pub(crate) struct Token {
    pub(crate) token: Option<String>,
}

/// `GET /api/snapshot`
pub(crate) async fn snapshot(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Json<api::Snapshot>, Refusal> {
    app.control_pass(&headers, None)?;
    Ok(Json(app.control.snapshot()))
}

/// `POST /api/commands`: one [`Command`] as JSON; 204 when done.
pub(crate) async fn command(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<StatusCode, Refusal> {
    app.control_pass(request.headers(), None)?;
    body::expect_type(request.headers(), "application/json")?;
    let body = body::read(request, COMMAND_MAX).await?;
    let command: Command = serde_json::from_slice(&body)
        .map_err(|e| Refusal::new(Code::Invalid, format!("That is no command: {e}.")))?;
    let control = Arc::clone(&app.control);
    // Edits are saved before they are answered: a disk may be slow.
    tokio::task::spawn_blocking(move || control.apply(command))
        .await
        .map_err(|e| Refusal::new(Code::Internal, format!("The command failed: {e}.")))??;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/events`: a WebSocket of [`Event`]s as JSON, the first one a snapshot. A follower that is
/// too slow loses events and gets a new snapshot instead.
pub(crate) async fn events(
    State(app): State<Arc<App>>,
    Query(Token { token }): Query<Token>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Refusal> {
    let pass = app.control_pass(&headers, token.as_deref())?;
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
