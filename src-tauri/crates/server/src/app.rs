//! All routes, and what they share.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use api::{Code, Viewers};
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post};
use axum::{Json, Router};
use media::{ChannelName, Clock, Hub, Timestamp};
use parking_lot::Mutex;
use serde_json::json;
use socketioxide::layer::SocketIoLayer;
use store::Store;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};

use crate::accept::Ends;
use crate::access::Access;
use crate::chat::{Bucket, Chat, Rate};
use crate::figures::{self, Figures};
use crate::guard::Guard;
use crate::hls::{self, Streams};
use crate::ingest::Ingests;
use crate::picture::Thumbnail;
use crate::preview::{self, Preview};
use crate::problem::Refusal;
use crate::tls::{Tls, trust};
use crate::whep::{self, Peers};
use crate::{Control, body, channels, control, pages, whip, ws};

/// What the routes share.
pub(crate) struct App {
    pub(crate) hub: Hub,
    pub(crate) clock: Clock,
    pub(crate) store: Arc<Store>,
    pub(crate) control: Arc<dyn Control>,
    pub(crate) access: Access,
    pub(crate) guard: Guard,
    pub(crate) ingests: Ingests,
    pub(crate) peers: Arc<dyn Peers>,
    pub(crate) publishers: whip::Sessions,
    pub(crate) streams: Streams,
    pub(crate) chat: Chat,
    pub(crate) preview: Preview,
    pub(crate) thumbnail: Thumbnail,
    pub(crate) figures: Figures,
    pub(crate) handshakes: Handshakes,
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) ends: Ends,
}

impl App {
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
    let whep = post(whep::offer).options(whep::options);
    let whep_session = delete(whep::end).options(whep::session_options);
    let whip = post(whip::offer).options(whip::options);
    let whip_session = patch(whip::trickle)
        .delete(whip::end)
        .options(whip::session_options);
    let text_only = DefaultPredicate::new()
        .and(NotForContentType::new("video/"))
        .and(NotForContentType::new("audio/"))
        .and(NotForContentType::new("font/"));
    Router::new()
        .route("/", get(pages::station))
        .route("/watch/{channel}", get(pages::watch))
        .route("/broadcast", get(pages::station))
        .route("/library", get(pages::station))
        .route("/doctor", get(pages::station))
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
        .route("/api/trust", get(trust::trust))
        .route("/api/snapshot", get(control::snapshot))
        .route("/api/commands", post(control::command))
        .route("/api/events", get(control::events))
        .route("/api/preview", get(preview::preview))
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
        .fallback(nothing_or_file)
        .layer(CompressionLayer::new().compress_when(text_only))
        .layer(chat)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), gate))
        .with_state(app)
}

/// `GET /healthz`
async fn health(State(app): State<Arc<App>>) -> Json<serde_json::Value> {
    Json(json!({
        "status": "ok",
        "version": env!("CARGO_PKG_VERSION"),
        "channels": app.hub.channels().len(),
        "uptime_s": app.clock.now().millis() / 1000,
        // Frame n of the program stands for this and n frames: what pictures' ages are measured by.
        "epoch_ms": app.clock.unix_millis(Timestamp::ZERO),
    }))
}

async fn nothing_or_file(request: Request) -> Response {
    let path = request.uri().path();
    if path.starts_with("/api/") {
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
    let (mut response, origin) = match app.guard.check(&method, request.uri(), request.headers()) {
        Ok(allowed) => {
            let response = pass(&app, request, next)
                .await
                .unwrap_or_else(Refusal::into_response);
            (response, allowed.origin)
        }
        Err(refusal) => (refusal.into_response(), None),
    };
    if let Some(origin) = origin {
        share(&mut response, &method, origin);
    }
    protect(&mut response);
    app.figures.request(&method, &route, response.status());
    response
}

async fn pass(app: &App, request: Request, next: Next) -> Result<Response, Refusal> {
    let request = if request.uri().path().starts_with("/socket.io") {
        polled(app, request).await?
    } else {
        request
    };
    Ok(next.run(request).await)
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
            .entry(address.to_canonical())
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
    set(header::ACCESS_CONTROL_EXPOSE_HEADERS, whep::EXPOSED);
    if *method == Method::OPTIONS {
        set(
            header::ACCESS_CONTROL_ALLOW_METHODS,
            "GET, POST, PATCH, DELETE, OPTIONS",
        );
        set(
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "Authorization, Content-Type, If-Match",
        );
        set(header::ACCESS_CONTROL_MAX_AGE, "600");
    }
}

/// Pages run only what this station serves, in no frame, and reach no other host.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    style-src-attr 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; \
    media-src 'self' blob:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

fn protect(response: &mut Response) {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
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
        headers.insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests;
