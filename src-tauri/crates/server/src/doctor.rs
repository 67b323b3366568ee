//! The station's side of the connection doctor: what a device on the network tries its connection
//! with, and what it reports.
//!
//! Everything here is for strangers, so everything is small: bytes, messages and sessions are counted
//! for each address, few run at once, and nothing of it is kept but the last reports.

pub(crate) mod report;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use api::{Code, DoctorFacts, DoctorReport, NewDoctorReport};
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{OriginalUri, Path, Query, Request, State};
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use media::{
    ChannelInfo, ChannelName, Config, Hub, HubError, Origin, Timestamp, Track, TrackId, Writer,
};
use parking_lot::{Mutex, RwLock};
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast};

use crate::access::network;
use crate::app::App;
use crate::audit::peer;
use crate::body;
use crate::chat::{Bucket, Rate};
use crate::control::Token;
use crate::problem::Refusal;
use crate::sdp;
use crate::whip::peer_of;

use report::Reports;

/// Requests of one address: a whole examination takes about a dozen.
const REQUESTS: Rate = Rate {
    burst: 40.0,
    per_second: 0.5,
};

/// Bytes that may be fetched at once; also how many may be sent.
pub(crate) const BYTES_MAX: usize = 4 << 20;

/// Transfers and sessions at once.
const AT_ONCE: usize = 6;

/// A session for media lives so long at most: whoever only tests is done by then.
const SESSION: Duration = Duration::from_secs(20);

/// Messages that a WebSocket gives back, and for how long it stays open.
const ECHOES: usize = 16;
const ECHO_TIME: Duration = Duration::from_secs(10);

/// A report is this large at most, in bytes.
const REPORT_MAX: usize = 32 * 1024;

/// Addresses remembered; beyond them all are forgotten, which costs a full bucket each.
const ADDRESSES: usize = 4096;

/// What examinations share.
#[derive(Debug)]
pub(crate) struct Doctor {
    /// A channel of its own hub that carries nothing: media reaches it or not, and nobody sees it.
    channel: Option<Writer>,
    requests: Mutex<HashMap<IpAddr, Bucket>>,
    room: Arc<Semaphore>,
    reports: Reports,
    ports: RwLock<Option<Ports>>,
}

/// Where the station listens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    pub(crate) http: u16,
    pub(crate) https: Option<u16>,
    pub(crate) media: u16,
}

impl Doctor {
    /// Ready to examine.
    pub(crate) fn new() -> Self {
        Self {
            channel: silence().ok(),
            requests: Mutex::default(),
            room: Arc::new(Semaphore::new(AT_ONCE)),
            reports: Reports::default(),
            ports: RwLock::default(),
        }
    }

    /// Tells where the station listens, once it does.
    pub(crate) fn set_ports(&self, ports: Ports) {
        *self.ports.write() = Some(ports);
    }

    /// The reports that are kept, the newest first.
    pub(crate) fn reports(&self) -> Vec<DoctorReport> {
        self.reports.list()
    }

    /// Reports from now on.
    pub(crate) fn reported(&self) -> broadcast::Receiver<DoctorReport> {
        self.reports.follow()
    }

    fn take(&self, address: Option<IpAddr>, now: Timestamp) -> Result<(), Refusal> {
        let Some(address) = address else {
            return Ok(());
        };
        let mut requests = self.requests.lock();
        if requests.len() >= ADDRESSES {
            requests.clear();
        }
        let bucket = requests
            .entry(network(address))
            .or_insert_with(|| Bucket::full(REQUESTS, now));
        if bucket.take(REQUESTS, now) {
            Ok(())
        } else {
            let text =
                "This device has been examined often just now. Wait a minute, then try again.";
            Err(Refusal::new(Code::TooMany, text).retry_after(30))
        }
    }

    fn enter(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        Arc::clone(&self.room).try_acquire_owned().map_err(|_| {
            let text = "Other devices are being examined. Wait a moment, then try again.";
            Refusal::new(Code::TooMany, text).retry_after(5)
        })
    }
}

/// A channel that carries nothing. It stands in a hub of its own, so that nobody finds it and it takes
/// no place.
fn silence() -> Result<Writer, HubError> {
    let info = ChannelInfo {
        origin: Origin::Program,
        title: String::new(),
    };
    let name: ChannelName = "_doctor".parse()?;
    let mut channel = Hub::new(1).publish(name, info, Timestamp::ZERO)?;
    channel.set_tracks(vec![Track {
        id: TrackId(0),
        config: Config::Opus {
            channels: 2,
            pre_skip: 312,
        },
        bitrate: 0,
    }]);
    Ok(channel)
}

/// The addresses of it.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/doctor", get(facts))
        .route("/api/doctor/ping", get(ping))
        .route("/api/doctor/bytes", get(download).post(upload))
        .route("/api/doctor/echo", get(echo))
        .route("/api/doctor/whep", post(connect))
        .route("/api/doctor/whep/{session}", delete(disconnect))
        .route(
            "/api/doctor/reports",
            get(reports).post(report).delete(forget),
        )
}

/// `GET /api/doctor`: what an examination needs to know.
async fn facts(State(app): State<Arc<App>>, request: Request) -> Result<Response, Refusal> {
    app.doctor
        .take(peer(request.extensions()), app.clock.now())?;
    let ports = *app.doctor.ports.read();
    let facts = DoctorFacts {
        version: env!("CARGO_PKG_VERSION").into(),
        now: app.clock.unix_millis(app.clock.now()),
        media_port: ports.map_or(0, |p| p.media),
        http_port: ports.map_or(0, |p| p.http),
        https_port: ports.and_then(|p| p.https),
        bitrate: heaviest(&app),
    };
    Ok(fresh(Json(facts)))
}

/// What watching takes: the heaviest channel that is live, else what a usual one does.
fn heaviest(app: &App) -> u64 {
    const USUAL: u64 = 2_700_000;
    let bitrate = |channel: &Arc<media::Channel>| {
        let tracks = channel.tracks();
        tracks.iter().map(|track| u64::from(track.bitrate)).sum()
    };
    app.hub
        .channels()
        .iter()
        .map(bitrate)
        .max()
        .filter(|bits| *bits > 0)
        .unwrap_or(USUAL)
}

/// `GET /api/doctor/ping`: nothing, quickly. Answers any page, so that a page over HTTP can try HTTPS.
async fn ping(State(app): State<Arc<App>>, request: Request) -> Result<Response, Refusal> {
    app.doctor
        .take(peer(request.extensions()), app.clock.now())?;
    Ok(fresh(StatusCode::NO_CONTENT))
}

#[derive(Deserialize)]
struct Amount {
    bytes: usize,
}

/// `GET /api/doctor/bytes?bytes=N`: so many random bytes.
async fn download(
    State(app): State<Arc<App>>,
    Query(Amount { bytes }): Query<Amount>,
    request: Request,
) -> Result<Response, Refusal> {
    app.doctor
        .take(peer(request.extensions()), app.clock.now())?;
    if bytes > BYTES_MAX {
        let text = format!("At most {BYTES_MAX} bytes are given at once.");
        return Err(Refusal::new(Code::Invalid, text));
    }
    let _room = app.doctor.enter()?;
    let mut random = vec![0; bytes];
    // Nothing on the way can make them fewer. What a guesser would learn from them is nothing.
    getrandom::fill(&mut random).map_err(|e| {
        Refusal::new(
            Code::Internal,
            format!("The system has no randomness: {e}."),
        )
    })?;
    let kind = (header::CONTENT_TYPE, "application/octet-stream");
    let plain = (header::CONTENT_ENCODING, "identity");
    Ok(fresh(([kind, plain], random)))
}

/// `POST /api/doctor/bytes`: takes them, and says how many came.
async fn upload(State(app): State<Arc<App>>, request: Request) -> Result<Response, Refusal> {
    app.doctor
        .take(peer(request.extensions()), app.clock.now())?;
    let _room = app.doctor.enter()?;
    let body = body::read(request, BYTES_MAX).await?;
    Ok(fresh(Json(body.len())))
}

/// `GET /api/doctor/echo`: a WebSocket that gives back what comes, a few times.
async fn echo(
    State(app): State<Arc<App>>,
    extensions: Extensions,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Refusal> {
    app.doctor.take(peer(&extensions), app.clock.now())?;
    let room = app.doctor.enter()?;
    let stop = app.ends.stop.clone();
    let upgrade = upgrade.max_message_size(256);
    Ok(upgrade.on_upgrade(async move |socket| {
        let _room = room;
        tokio::select! {
            () = stop.cancelled() => {}
            _ = tokio::time::timeout(ECHO_TIME, give_back(socket)) => {}
        }
    }))
}

async fn give_back(mut socket: WebSocket) {
    for _ in 0..ECHOES {
        let back = match socket.recv().await {
            Some(Ok(Message::Close(_)) | Err(_)) | None => return,
            Some(Ok(message)) => socket.send(message).await,
        };
        if back.is_err() {
            return;
        }
    }
}

/// `POST /api/doctor/whep`: a session as a viewer opens it, for a channel that carries nothing: it
/// stands when datagrams reach the media port and come back. It ends by itself after 20 seconds.
async fn connect(
    State(app): State<Arc<App>>,
    OriginalUri(uri): OriginalUri,
    request: Request,
) -> Result<Response, Refusal> {
    app.doctor
        .take(peer(request.extensions()), app.clock.now())?;
    let from = peer_of(&request);
    let offer = sdp::read_offer(request).await?;
    let room = app.doctor.enter()?;
    let channel =
        app.doctor.channel.as_ref().ok_or_else(|| {
            Refusal::new(Code::Internal, "There is no channel to try media with.")
        })?;
    let channel = Arc::clone(channel.channel());
    let answer = app.peers.whep(channel, offer, from).await;
    let answer = answer.map_err(sdp::refused)?;
    let session = answer.session.clone();
    let ending = Arc::clone(&app);
    tokio::spawn(async move {
        let _room = room;
        tokio::select! {
            () = ending.ends.stop.cancelled() => {}
            () = tokio::time::sleep(SESSION) => {}
        }
        ending.peers.close(&session);
    });
    sdp::created(&app, &uri, answer)
}

/// `DELETE /api/doctor/whep/{session}`
async fn disconnect(
    State(app): State<Arc<App>>,
    Path(session): Path<String>,
) -> Result<StatusCode, Refusal> {
    if app.peers.close(&session) {
        Ok(StatusCode::OK)
    } else {
        let text = "There is no such session; it may have ended.";
        Err(Refusal::new(Code::NotFound, text))
    }
}

/// `POST /api/doctor/reports`: what a device found; 204 when the host can read it.
async fn report(State(app): State<Arc<App>>, request: Request) -> Result<StatusCode, Refusal> {
    let now = app.clock.now();
    let address = peer(request.extensions());
    app.doctor.take(address, now)?;
    body::expect_type(request.headers(), "application/json")?;
    let body = body::read(request, REPORT_MAX).await?;
    let report: NewDoctorReport = serde_json::from_slice(&body)
        .map_err(|e| Refusal::new(Code::Invalid, format!("That is no report: {e}.")))?;
    let report = report::checked(report)?;
    let at = app.clock.unix_millis(now);
    app.doctor.reports.add(report, address, at, now)?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/doctor/reports`: the last reports, the newest first, for whoever may control.
async fn reports(
    State(app): State<Arc<App>>,
    Query(Token { token }): Query<Token>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Json<Vec<DoctorReport>>, Refusal> {
    app.control_pass(peer(&extensions), &headers, token.as_deref())?;
    Ok(Json(app.doctor.reports()))
}

/// `DELETE /api/doctor/reports`: forgets them.
async fn forget(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<StatusCode, Refusal> {
    app.control_pass(peer(&extensions), &headers, None)?;
    app.doctor.reports.clear();
    Ok(StatusCode::NO_CONTENT)
}

/// An answer that nothing on the way keeps.
fn fresh(body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The policy of the doctor's page: it may reach this host's other door, to try whether HTTPS works.
pub(crate) fn policy(app: &App, headers: &HeaderMap, policy: &str) -> Option<HeaderValue> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    // Without the port; an address of IPv6 keeps its brackets.
    let name = match host.rfind(':') {
        Some(at) if !host[at..].contains(']') => &host[..at],
        _ => host,
    };
    let fine = |b: u8| b.is_ascii_alphanumeric() || b"-.:[]_".contains(&b);
    if !name.bytes().all(fine) {
        return None;
    }
    let port = (*app.doctor.ports.read())?.https?;
    let wider = format!("connect-src 'self' https://{name}:{port}");
    policy.replace("connect-src 'self'", &wider).parse().ok()
}

#[cfg(test)]
mod tests;
