//! `GET /ws?streamKey=CHANNEL&token=KEY`: a browser's recorder over a WebSocket, for publishers whom
//! WebRTC cannot reach. Binary messages are the recorder's bytes in order ([`wire::recorder`]); the
//! key is judged before the connection is upgraded.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use api::Code;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{ConnectInfo, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use media::Origin;
use serde::Deserialize;
use wire::recorder::Ingest;

use crate::accept::Unmetered;
use crate::app::App;
use crate::channels::channel_name;
use crate::ingest::{self, Admission};
use crate::problem::Refusal;

/// Bytes of one message: some seconds of what a browser records.
const MESSAGE_MAX: usize = 8 << 20;

/// A sender that is silent for so long is gone.
const SILENCE: Duration = Duration::from_secs(15);

/// From where a browser asks (Fetch Metadata, section 2.3).
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What stands in the address.
#[derive(Deserialize)]
pub(crate) struct Wish {
    #[serde(rename = "streamKey")]
    stream_key: String,
    token: Option<String>,
}

/// `GET /ws`: 101, or the refusal in words (429 for an address that opens too many). A plain request is answered 426 where an upgrade would be
/// taken, so that a page, which is not told why a WebSocket failed, can ask.
pub(crate) async fn publish(
    State(app): State<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Query(wish): Query<Wish>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refusal> {
    // A WebSocket's Origin is checked; a picture in some other site's page has none, and its wrong keys would be
    // counted as this machine's.
    if headers
        .get(FETCH_SITE)
        .is_some_and(|site| site == "cross-site")
    {
        return Err(Refusal::new(
            Code::Unauthorized,
            "Pages of other sites may not ask this. Open the station's own page to broadcast.",
        )
        .with_status(StatusCode::FORBIDDEN));
    }
    let request = ingest::Request {
        channel: channel_name(&wish.stream_key)?,
        origin: Origin::Whip,
        key: wish.token.as_deref(),
        peer: peer.ip(),
    };
    let Ok(upgrade) = upgrade else {
        ingest::check(&app, &request).map_err(ingest::answer)?;
        return Err(
            Refusal::new(Code::Invalid, "This address takes a WebSocket.")
                .with_status(StatusCode::UPGRADE_REQUIRED)
                .with_header(header::UPGRADE, HeaderValue::from_static("websocket")),
        );
    };
    let place = app.place(peer.ip())?;
    let admission = ingest::admit(&app, request).map_err(ingest::answer)?;
    let mut response = upgrade
        .max_message_size(MESSAGE_MAX)
        .on_upgrade(move |socket| async move {
            receive(app, admission, socket).await;
            drop(place);
        });
    response.extensions_mut().insert(Unmetered);
    Ok(response)
}

/// Carries the stream until one side ends it.
async fn receive(app: Arc<App>, admission: Admission, mut socket: WebSocket) {
    let Admission { writer, end, .. } = admission;
    let channel = writer.channel().name().clone();
    let mut stream = Ingest::new(writer);
    let mut heard = app.clock.now();
    let ended = loop {
        let due = stream.deadline().unwrap_or(heard + SILENCE);
        let timer = app.clock.instant(due.min(heard + SILENCE));
        tokio::select! {
            () = end.cancelled() => break Some("The host ended this broadcast.".to_owned()),
            () = tokio::time::sleep_until(timer.into()) => {
                let now = app.clock.now();
                if now.since(heard) >= SILENCE {
                    break Some("Nothing came for 15 seconds.".to_owned());
                }
                stream.handle_timeout(now);
            }
            message = socket.recv() => match message {
                Some(Ok(Message::Binary(bytes))) => {
                    heard = app.clock.now();
                    if let Err(error) = stream.handle_bytes(&bytes, heard) {
                        break Some(format!("{error}."));
                    }
                }
                Some(Ok(Message::Text(_) | Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => break None,
            }
        }
    };
    // Viewers see the end before the sender reads why.
    drop(stream);
    tracing::info!(%channel, reason = ended.as_deref().unwrap_or("it left"), "a recording browser went");
    if let Some(reason) = ended {
        let frame = CloseFrame {
            code: close_code::POLICY,
            reason: shortened(reason).into(),
        };
        // A sender that has gone needs no farewell.
        drop(socket.send(Message::Close(Some(frame))).await);
    }
}

/// A close frame holds 123 bytes of words (RFC 6455, section 5.5).
fn shortened(mut words: String) -> String {
    let mut end = words.len().min(123);
    while !words.is_char_boundary(end) {
        end -= 1;
    }
    words.truncate(end);
    words
}

#[cfg(test)]
mod tests;
