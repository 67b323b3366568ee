//! The addresses and shapes of MediaMTX's control API (v3), for dashboards and scripts that were
//! written for it: the settings, a reload, and who publishes and watches.
//!
//! A path there is a channel here. Of its fields both generations are filled: `ready`, `bytesReceived`
//! and `tracks` as since v1.0, `available`, `inboundBytes` and `tracks2` as in its `api/openapi.yaml` of
//! 2026. Failures are `{"status": "error", "error": "…"}`, the ones of HTTP itself among them.

use std::sync::Arc;

use api::{Setting, SettingValue};
use axum::Json;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use media::{Channel, ChannelName, Config, Origin, Timestamp, Track};
use ring::digest::{SHA256, digest};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::app::App;
use crate::control;
use crate::problem::Refusal;

/// All of them, each behind the right to control.
pub(crate) fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .route("/v3/config/get", get(config))
        .route("/v3/config/global/get", get(config))
        .route("/v3/config/reload", post(reload))
        .route("/v3/paths/list", get(list))
        .route("/v3/paths/get/{name}", get(one))
        .route_layer(middleware::from_fn_with_state(
            Arc::clone(app),
            control::may,
        ))
}

/// A failure.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "V3Error")]
pub(crate) struct Failure {
    /// `error`.
    pub(crate) status: &'static str,
    /// What.
    pub(crate) error: String,
}

/// A failure in words, with its status.
pub(crate) fn failed(status: StatusCode, error: impl Into<String>) -> Response {
    let failure = Failure {
        status: "error",
        error: error.into(),
    };
    (status, Json(failure)).into_response()
}

/// What was done.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "V3Done")]
pub(crate) struct Done {
    /// `ok`.
    status: &'static str,
    /// Settings with another value than before.
    changed: Vec<String>,
    /// Settings that hold only when Klieg is started again.
    waits: Vec<String>,
}

/// `POST /v3/config/reload`
async fn reload(State(app): State<Arc<App>>) -> Result<Json<Done>, Refusal> {
    let api::Reloaded { changed, waits } = app.reload_settings().await?;
    Ok(Json(Done {
        status: "ok",
        changed,
        waits,
    }))
}

/// `GET /v3/config/get`, and the same under its newer name: what has a counterpart here.
async fn config(State(app): State<Arc<App>>) -> Json<Value> {
    Json(global(&app.control.snapshot().settings))
}

fn global(settings: &[Setting]) -> Value {
    let value = |key: &str| {
        let found = settings.iter().find(|s| s.key == key);
        found.and_then(|s| s.value.clone())
    };
    let text = |key: &str| match value(key) {
        Some(SettingValue::Text(text)) => text,
        _ => String::new(),
    };
    let list = |key: &str| match value(key) {
        Some(SettingValue::List(list)) => list,
        _ => Vec::new(),
    };
    let listens = |key: &str| {
        let address = text(key);
        if address == "off" {
            String::new()
        } else {
            address
        }
    };
    let (http, https, rtmp) = (
        listens("server.http"),
        listens("server.https"),
        listens("server.rtmp"),
    );
    let origins = list("server.allowed_origins");
    let policy = text("ingest.policy");
    let jwt = settings
        .iter()
        .any(|s| s.key.starts_with("ingest.jwt.key") && s.origin != api::SettingOrigin::Default);
    let mut all = json!({
        "logLevel": text("log.level"),
        "logDestinations": ["stdout"],
        "authMethod": if jwt { "jwt" } else { "internal" },
        "authJWTAudience": text("ingest.jwt.audience"),
        "api": true,
        "apiAddress": http,
        "apiEncryption": false,
        "apiAllowOrigins": origins,
        "metrics": true,
        "metricsAddress": http,
        "metricsEncryption": false,
        "metricsAllowOrigins": origins,
        "pprof": false,
        "playback": false,
        "rtsp": false,
        "rtmp": !rtmp.is_empty(),
        "rtmpAddress": rtmp,
        "rtmpEncryption": "no",
        "hls": true,
        "hlsAddress": http,
        "hlsEncryption": false,
        "hlsAllowOrigins": origins,
        "hlsVariant": "fmp4",
        "webrtc": true,
        "webrtcAddress": http,
        "webrtcEncryption": false,
        "webrtcAllowOrigins": origins,
        "webrtcLocalUDPAddress": text("server.media_udp"),
        "webrtcLocalTCPAddress": "",
        "webrtcAdditionalHosts": list("server.external"),
        "srt": false,
    });
    // What has no counterpart there stands under its own name.
    if let Value::Object(all) = &mut all {
        let mut own = Map::new();
        own.insert("https".into(), https.into());
        own.insert("ingestPolicy".into(), policy.into());
        all.insert("klieg".into(), Value::Object(own));
    }
    all
}

/// Which part of a list is asked for.
#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    #[serde(rename = "itemsPerPage")]
    items_per_page: Option<String>,
    page: Option<String>,
}

/// Items of a page where nobody says how many.
const ITEMS: usize = 100;

/// A part of a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "V3PathList")]
#[serde(rename_all = "camelCase")]
pub(crate) struct PathList {
    /// How many there are in all.
    item_count: usize,
    /// On how many pages.
    page_count: usize,
    /// Those of this page.
    items: Vec<PathItem>,
}

/// A channel, as MediaMTX tells of a path.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "V3Path")]
#[serde(rename_all = "camelCase")]
pub(crate) struct PathItem {
    /// The channel's name.
    name: String,
    /// `program` for the studio's own, else `all_others`.
    conf_name: String,
    /// Whether it is live.
    ready: bool,
    /// Since when (RFC 3339).
    ready_time: Option<String>,
    /// As `ready`.
    available: bool,
    /// As `readyTime`.
    available_time: Option<String>,
    /// As `ready`.
    online: bool,
    /// As `readyTime`.
    online_time: Option<String>,
    /// Who publishes.
    source: Option<Peer>,
    /// Codecs by name: `H264`, `Opus`, `MPEG-4 Audio`.
    tracks: Vec<&'static str>,
    /// The same with their properties.
    tracks2: Vec<TrackItem>,
    /// Bytes of media written to the channel since it went live.
    bytes_received: u64,
    /// Bytes of media sent to those who watch over WebRTC now.
    bytes_sent: u64,
    /// As `bytesReceived`.
    inbound_bytes: u64,
    /// As `bytesSent`.
    outbound_bytes: u64,
    /// None: a publisher with errors is ended.
    inbound_frames_in_error: u64,
    /// Who watches.
    readers: Vec<Peer>,
}

/// Somebody who publishes or watches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "V3Peer")]
pub(crate) struct Peer {
    /// How: `webRTCSession`, `rtmpConn`, `hlsSession`, or `program`.
    r#type: &'static str,
    /// Tells it from others; no key to anything.
    id: String,
}

/// A track.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "V3Track")]
#[serde(rename_all = "camelCase")]
pub(crate) struct TrackItem {
    /// As in `tracks`.
    codec: &'static str,
    /// What is known of it, by codec.
    codec_props: Option<Value>,
}

/// `GET /v3/paths/list`
async fn list(State(app): State<Arc<App>>, Query(page): Query<Page>) -> Response {
    let mut items: Vec<PathItem> = app.hub.channels().iter().map(|c| app.path(c)).collect();
    if items
        .iter()
        .all(|item| item.name != ChannelName::program().as_str())
    {
        items.push(waiting());
    }
    items.sort_by(|a, b| a.name.cmp(&b.name));
    match paginated(items, &page) {
        Ok(list) => Json(list).into_response(),
        Err(words) => failed(StatusCode::BAD_REQUEST, words),
    }
}

/// `GET /v3/paths/get/{name}`
async fn one(State(app): State<Arc<App>>, Path(name): Path<String>) -> Response {
    let Ok(name) = name.parse::<ChannelName>() else {
        return failed(StatusCode::NOT_FOUND, "path not found");
    };
    match app.hub.channel(&name) {
        Some(channel) => Json(app.path(&channel)).into_response(),
        None if name == ChannelName::program() => Json(waiting()).into_response(),
        None => failed(StatusCode::NOT_FOUND, "path not found"),
    }
}

/// The part of a list that is asked for; beyond its end there is an empty one.
fn paginated(items: Vec<PathItem>, page: &Page) -> Result<PathList, String> {
    // Up to 31 bits there, too.
    let number = |text: &Option<String>, otherwise: usize, name: &str| match text.as_deref() {
        None | Some("") => Ok(otherwise),
        Some(text) => text
            .parse::<u32>()
            .ok()
            .filter(|n| *n <= i32::MAX.unsigned_abs())
            .map(|n| n as usize)
            .ok_or_else(|| format!("invalid {name}: \"{text}\" is no number from 0")),
    };
    let per_page = number(&page.items_per_page, ITEMS, "itemsPerPage")?;
    let page = number(&page.page, 0, "page")?;
    if per_page == 0 {
        return Err("invalid items per page".into());
    }
    let item_count = items.len();
    let first = page.saturating_mul(per_page);
    let of_page = items.into_iter().skip(first).take(per_page);
    Ok(PathList {
        item_count,
        page_count: item_count.div_ceil(per_page),
        items: of_page.collect(),
    })
}

/// The program, off air.
fn waiting() -> PathItem {
    let name = ChannelName::program().to_string();
    PathItem {
        conf_name: name.clone(),
        name,
        ready: false,
        ready_time: None,
        available: false,
        available_time: None,
        online: false,
        online_time: None,
        source: None,
        tracks: Vec::new(),
        tracks2: Vec::new(),
        bytes_received: 0,
        bytes_sent: 0,
        inbound_bytes: 0,
        outbound_bytes: 0,
        inbound_frames_in_error: 0,
        readers: Vec::new(),
    }
}

impl App {
    fn path(&self, channel: &Channel) -> PathItem {
        let name = channel.name().to_string();
        let since = Some(rfc3339(self.clock.unix_millis(channel.since())));
        let kind = match channel.origin() {
            Origin::Program => "program",
            Origin::Whip => "webRTCSession",
            Origin::Rtmp => "rtmpConn",
        };
        let tracks = channel.tracks();
        let inbound = channel.totals().bytes;
        let (readers, outbound) = self.readers(channel.name());
        PathItem {
            conf_name: match channel.origin() {
                Origin::Program => name.clone(),
                Origin::Whip | Origin::Rtmp => "all_others".into(),
            },
            ready: true,
            ready_time: since.clone(),
            available: true,
            available_time: since.clone(),
            online: true,
            online_time: since,
            source: Some(Peer {
                r#type: kind,
                id: identity(&format!("{name} {}", nanos(channel.since()))),
            }),
            tracks: tracks.iter().map(codec).collect(),
            tracks2: tracks.iter().map(described).collect(),
            bytes_received: inbound,
            bytes_sent: outbound,
            inbound_bytes: inbound,
            outbound_bytes: outbound,
            inbound_frames_in_error: 0,
            readers,
            name,
        }
    }

    /// Who watches a channel, and what was sent to them over WebRTC.
    fn readers(&self, channel: &ChannelName) -> (Vec<Peer>, u64) {
        let sessions = self.peers.sessions();
        let ours: Vec<_> = sessions
            .iter()
            .filter(|s| s.connected && s.channel == *channel)
            .collect();
        let whep = ours.iter().map(|session| Peer {
            r#type: "webRTCSession",
            // The session's own name opens it.
            id: identity(&session.session),
        });
        let hls = (0..self.viewers(channel).hls).map(|n| Peer {
            r#type: "hlsSession",
            id: identity(&format!("{channel} {n}")),
        });
        let sent = ours.iter().map(|session| session.bytes).sum();
        (whep.chain(hls).collect(), sent)
    }
}

fn nanos(at: Timestamp) -> i64 {
    at.ticks(1_000_000_000)
}

/// Milliseconds since 1970 UTC as a date (RFC 3339).
fn rfc3339(millis: i64) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000)
        .ok()
        .and_then(|at| at.format(&Rfc3339).ok())
        .unwrap_or_default()
}

/// An identity that says nothing of what it is made of, written as a UUID (RFC 9562, section 5.8).
fn identity(of: &str) -> String {
    let hash = digest(&SHA256, of.as_bytes());
    crate::tls::trust::uuid(&hash.as_ref()[..16]).to_lowercase()
}

fn codec(track: &Track) -> &'static str {
    match track.config {
        Config::H264 { .. } => "H264",
        Config::Opus { .. } => "Opus",
        Config::Aac { .. } => "MPEG-4 Audio",
    }
}

fn described(track: &Track) -> TrackItem {
    let properties = match &track.config {
        Config::H264 {
            sps, width, height, ..
        } => json!({
            "width": width,
            "height": height,
            "profile": sps.get(1).map_or("", profile),
            "level": sps.get(3).map_or_else(String::new, level),
        }),
        Config::Opus { channels, .. } => json!({ "channelCount": channels }),
        Config::Aac {
            sample_rate,
            channels,
            ..
        } => json!({ "sampleRate": sample_rate, "channelCount": channels }),
    };
    TrackItem {
        codec: codec(track),
        codec_props: Some(properties),
    }
}

/// `profile_idc` in words (ITU-T H.264, annex A).
fn profile(idc: &u8) -> &'static str {
    match idc {
        66 => "Baseline",
        77 => "Main",
        88 => "Extended",
        100 => "High",
        110 => "High 10",
        122 => "High 4:2:2",
        244 => "High 4:4:4 Predictive",
        _ => "",
    }
}

/// `level_idc` as people write it: 31 is 3.1.
fn level(idc: &u8) -> String {
    match (idc / 10, idc % 10) {
        (whole, 0) => whole.to_string(),
        (whole, tenth) => format!("{whole}.{tenth}"),
    }
}

#[cfg(test)]
mod tests;
