//! All routes, and what they share.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use api::{Code, Viewers};
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use hyper::body::Body as _;
use media::{ChannelName, Clock, Histogram, Hub, Timestamp};
use parking_lot::{Mutex, RwLock};
use socketioxide::layer::SocketIoLayer;
use store::Store;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};

use crate::accept::Ends;
use crate::access::{self, Access};
use crate::chat::{Bucket, Chat, Rate};
use crate::doctor::{self, Doctor};
use crate::figures::{self, Class, Figures};
use crate::guard::Guard;
use crate::history::{self, History};
use crate::hls::{self, Streams};
use crate::ice::IceServer;
use crate::ingest::Ingests;
use crate::library::{self, Stills};
use crate::logs::{self, Logs};
use crate::picture::{Pictures, Thumbnail};
use crate::preview::{self, Preview};
use crate::privacy::{self, Privacy};
use crate::problem::Refusal;
use crate::remote::{self, Side};
use crate::throttle::Throttle;
use crate::tls::{Tls, trust};
use crate::waiting::{self, Waiting};
use crate::whep::{self, Peers};
use crate::{
    Control, audit, body, channels, control, ingest, openapi, pages, rest, sdp, v3, whip, ws,
};

/// What the routes share.
pub(crate) struct App {
    pub(crate) hub: Hub,
    pub(crate) clock: Clock,
    pub(crate) store: Arc<Store>,
    pub(crate) timelines: Arc<archive::Timelines>,
    pub(crate) control: Arc<dyn Control>,
    pub(crate) access: Access,
    pub(crate) privacy: Privacy,
    pub(crate) guard: RwLock<Guard>,
    /// Held by whoever adds to a list and wants to know what came of it.
    pub(crate) adding: tokio::sync::Mutex<()>,
    pub(crate) ingests: Ingests,
    pub(crate) peers: Arc<dyn Peers>,
    pub(crate) publishers: whip::Sessions,
    /// What browsers are told of to find a path.
    pub(crate) ice_servers: RwLock<Vec<IceServer>>,
    pub(crate) streams: Streams,
    pub(crate) chat: Chat,
    /// For pages and for whole monitors, by [`View`](crate::View).
    pub(crate) preview: [[Preview; 3]; 2],
    pub(crate) thumbnail: Thumbnail,
    pub(crate) pictures: Pictures,
    pub(crate) stills: Stills,
    /// What pages may load.
    pub(crate) policy: RwLock<HeaderValue>,
    pub(crate) waiting: Waiting,
    pub(crate) figures: Figures,
    pub(crate) handshakes: Handshakes,
    pub(crate) throttle: Arc<Throttle>,
    pub(crate) tls: RwLock<Option<Arc<Tls>>>,
    pub(crate) logs: Logs,
    pub(crate) latencies: Arc<Histogram>,
    pub(crate) history: History,
    pub(crate) doctor: Doctor,
    pub(crate) ends: Ends,
}

impl App {
    /// Checks the right to look at figures: a request of this machine itself has it, and whoever may
    /// control. Behind a proxy every request seems to be of this machine: one that says so is not.
    ///
    /// # Errors
    /// 401.
    pub(crate) fn may_look(&self, request: &Request, token: Option<&str>) -> Result<(), Refusal> {
        let near = audit::peer(request.extensions()).is_some_and(|ip| ip.is_loopback());
        let headers = request.headers();
        let passed_on = ["forwarded", "x-forwarded-for"];
        if near && !passed_on.iter().any(|name| headers.contains_key(*name)) {
            return Ok(());
        }
        self.control_pass(audit::peer(request.extensions()), headers, token)
            .map(drop)
    }

    /// Who watches a channel now.
    pub(crate) fn viewers(&self, channel: &ChannelName) -> Viewers {
        Viewers {
            whep: self.peers.viewers(channel),
            hls: self.streams.viewers(channel, self.clock.now()),
        }
    }
}

/// The station as a function from requests to answers.
pub(crate) fn app(app: Arc<App>, chat: SocketIoLayer) -> Router {
    let whep = post(whep::offer).options(sdp::options);
    let whep_session = patch(whep::patch)
        .delete(whep::end)
        .options(sdp::session_options);
    let whip = post(whip::offer).options(sdp::options);
    let whip_session = patch(whip::patch)
        .delete(whip::end)
        .options(sdp::session_options);
    let text_only = DefaultPredicate::new()
        .and(NotForContentType::new("video/"))
        .and(NotForContentType::new("audio/"))
        .and(NotForContentType::new("font/"));
    Router::new()
        .route("/", get(pages::station))
        .route("/watch/{channel}", get(pages::watch))
        .route("/broadcast", get(pages::station))
        .route("/library", get(pages::station))
        .route("/library/{id}", get(pages::station))
        .route("/doctor", get(pages::doctor))
        .route("/dashboard", get(pages::station))
        .route("/u/{name}", get(pages::station))
        .route("/trust", get(pages::station))
        .route("/ca.pem", get(trust::pem))
        .route("/ca.crt", get(trust::der))
        .route("/ca.mobileconfig", get(trust::profile))
        .route("/studio", get(pages::studio))
        .route("/healthz", get(health))
        .route("/metrics", get(figures::metrics))
        .route("/api/channels", get(channels::list))
        .route("/api/channels/{name}", get(channels::one))
        .route("/api/channels/{name}/picture.jpg", get(channels::picture))
        .route("/api/library", get(library::list))
        .route("/api/library/{id}", get(library::one))
        .route("/api/library/{id}/chat", get(library::chat))
        .route("/api/library/{id}/picture.jpg", get(library::show_picture))
        .route("/media/{film}", get(library::media))
        .route("/api/publishers/{channel}", get(waiting::own))
        .route("/api/publishers/{channel}/look", get(waiting::look))
        .route("/api/channels/{name}/entry", post(privacy::enter))
        .route("/api/ingest", get(ingest::info))
        .route("/api/trust", get(trust::trust))
        .route("/api/snapshot", get(control::snapshot))
        .route("/api/commands", post(control::command))
        .route("/api/events", get(control::events))
        .route("/api/preview", get(preview::preview))
        .route("/api/logs", get(logs::last))
        .route("/api/logs/follow", get(logs::follow))
        .route("/api/audit", get(audit::list))
        .route("/api/dashboard", get(history::dashboard))
        .merge(doctor::routes())
        .route("/api/openapi.json", get(openapi::document))
        .route("/hls/{channel}/{file}", get(hls::file))
        .route("/{channel}/whep", whep.clone())
        .route("/{channel}/whep/{session}", whep_session.clone())
        .route("/ws", get(ws::publish))
        .route("/webrtc/{channel}/whep", whep)
        .route("/webrtc/{channel}/whep/{session}", whep_session)
        .route("/{channel}/whip", whip.clone())
        .route("/{channel}/whip/{session}", whip_session.clone())
        .route("/webrtc/{channel}/whip", whip)
        .route("/webrtc/{channel}/whip/{session}", whip_session)
        .merge(rest::routes(&app))
        .merge(v3::routes(&app))
        .fallback(nothing_or_file)
        .layer(CompressionLayer::new().compress_when(text_only))
        .layer(chat)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), gate))
        .with_state(app)
}

/// `GET /healthz`
async fn health(State(app): State<Arc<App>>) -> Json<api::Health> {
    Json(api::Health {
        status: "ok".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        channels: app.hub.channels().len(),
        uptime_s: app.clock.now().millis() / 1000,
        // Frame n of the program stands for this and n frames: what pictures' ages are measured by.
        epoch_ms: app.clock.unix_millis(Timestamp::ZERO),
    })
}

async fn nothing_or_file(request: Request) -> Response {
    let path = request.uri().path();
    if Side::of(path) != Side::Public {
        return Refusal::new(Code::NotFound, "There is nothing at this address.").into_response();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    pages::file(request.uri().clone(), request.headers().clone()).await
}

/// Before and after every route: who may ask, and what every answer carries.
async fn gate(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let route = route(&request);
    let began = app.clock.now();
    let noted = audit::watch_keys(&request);
    let guesser = access::guesser(&request);
    let side = Side::of(request.uri().path());
    let checked = app
        .guard
        .read()
        .check(&method, request.uri(), request.headers());
    let (mut response, origin) = match checked {
        Ok(allowed) => {
            let response = pass(&app, guesser, request, next)
                .await
                .unwrap_or_else(Refusal::into_response);
            (side.speaks(response), allowed.origin)
        }
        Err(refusal) => (side.speaks(refusal.into_response()), None),
    };
    if let Some(origin) = origin {
        share(&mut response, &method, origin);
    }
    protect(&mut response, app.policy.read().clone());
    noted(response.status());
    app.figures.request(&method, &route, response.status());
    let took = app.clock.now().since(began);
    let bytes = response.body().size_hint().exact();
    app.figures.answer(Class::of(&route), took, bytes);
    response
}

async fn pass(
    app: &App,
    guesser: Option<IpAddr>,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    if let Some(peer) = guesser {
        app.access.guesses.may_try(peer, app.clock.now())?;
    }
    let request = if request.uri().path().starts_with("/socket.io") {
        polled(app, request).await?
    } else {
        request
    };
    remote::may_ask(app, &request)?;
    let response = next.run(request).await;
    if let Some(peer) = guesser.filter(|_| response.status() == StatusCode::UNAUTHORIZED) {
        app.access.guesses.wrong(peer, app.clock.now());
    }
    Ok(response)
}

/// Socket.IO by polling has no limit of its own on how slowly a body arrives, nor on how many
/// sessions somebody opens without a connection.
async fn polled(app: &App, request: Request) -> Result<Request, Refusal> {
    const BODY_MAX: usize = 64 * 1024;
    if request.method() == Method::POST {
        let (parts, body) = request.into_parts();
        let body = body::read(Request::new(body), BODY_MAX).await?;
        return Ok(Request::from_parts(parts, body.into()));
    }
    let query = request.uri().query().unwrap_or_default();
    let opens = !query.split('&').any(|pair| pair.starts_with("sid="));
    if opens && let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>()
    {
        app.handshakes.take(peer.ip(), app.clock.now())?;
    }
    Ok(request)
}

/// Chat sessions opened, by address.
#[derive(Debug, Default)]
pub(crate) struct Handshakes {
    buckets: Mutex<HashMap<IpAddr, Bucket>>,
}

impl Handshakes {
    const RATE: Rate = Rate {
        burst: 100.0,
        per_second: 20.0,
    };

    /// Addresses remembered; beyond them all are forgotten, which costs a full bucket each.
    const ADDRESSES: usize = 4096;

    fn take(&self, address: IpAddr, now: Timestamp) -> Result<(), Refusal> {
        let mut buckets = self.buckets.lock();
        if buckets.len() >= Self::ADDRESSES {
            buckets.clear();
        }
        let bucket = buckets
            .entry(access::network(address))
            .or_insert_with(|| Bucket::full(Self::RATE, now));
        if bucket.take(Self::RATE, now) {
            Ok(())
        } else {
            Err(Refusal::new(
                Code::TooMany,
                "Too many connections at once. Wait a moment, then try again.",
            ))
        }
    }
}

/// The route as it is written, so that figures do not grow with what people ask for.
fn route(request: &Request) -> String {
    match request.extensions().get::<MatchedPath>() {
        Some(path) => path.as_str().to_owned(),
        None if request.uri().path().starts_with("/socket.io") => "/socket.io".to_owned(),
        None if request.uri().path().starts_with("/assets/") => "/assets".to_owned(),
        None => "other".to_owned(),
    }
}

/// Lets a page of an allowed origin read the answer (the Fetch standard's CORS protocol).
fn share(response: &mut Response, method: &Method, origin: HeaderValue) {
    if *method == Method::OPTIONS && response.status() == StatusCode::METHOD_NOT_ALLOWED {
        *response = StatusCode::NO_CONTENT.into_response();
    }
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    let mut set = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(header::ACCESS_CONTROL_EXPOSE_HEADERS, sdp::EXPOSED);
    if *method == Method::OPTIONS {
        set(
            header::ACCESS_CONTROL_ALLOW_METHODS,
            "GET, POST, PUT, PATCH, DELETE, OPTIONS",
        );
        set(
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "Authorization, Content-Type, If-Match",
        );
        set(header::ACCESS_CONTROL_MAX_AGE, "600");
    }
}

/// Pages run only what this station serves, in no frame, and reach no other host.
pub(crate) const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    style-src-attr 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; \
    media-src 'self' blob:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The same, but that films may be played from further origins, which the host has chosen.
pub(crate) fn policy(media: &[String]) -> HeaderValue {
    let fine = |origin: &&String| {
        origin
            .bytes()
            .all(|b| b.is_ascii_graphic() && b != b';' && b != b',')
    };
    let further: String = media.iter().filter(fine).map(|o| format!(" {o}")).collect();
    let all = CONTENT_SECURITY_POLICY.replace(MEDIA, &format!("{MEDIA}{further}"));
    HeaderValue::from_str(&all).unwrap_or(HeaderValue::from_static(CONTENT_SECURITY_POLICY))
}

/// What of the policy films are played by.
const MEDIA: &str = "media-src 'self' blob:";

fn protect(response: &mut Response, policy: HeaderValue) {
    let headers = response.headers_mut();
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(policy);
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(self), microphone=(self), display-capture=(self), fullscreen=(self), \
             autoplay=(self), picture-in-picture=(self), geolocation=(), payment=(), usb=()",
        ),
    ] {
        // A page may have its own.
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests;
