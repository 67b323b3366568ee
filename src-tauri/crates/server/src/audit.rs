//! The record of who did what.
//!
//! **How a line gets into it**: `tracing::info!(target: crate::AUDIT, channel, peer, by, "what")`, from
//! anywhere and on any thread. Four fields have a meaning of their own, all of them optional: `by` (who),
//! `peer` (their address), `channel`, and `detail`; other fields are put behind each other as detail. The
//! message is the act. What happens inside of [`done_by`] is in that person's name by itself. Whoever runs
//! the program turns such lines into rows of the store (`studio::log`); that never waits for the disk.
//!
//! Secrets do not belong into any of it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use api::{Act, Code, Command, Problem};
use axum::extract::{ConnectInfo, Query, Request, State};
use axum::http::{Extensions, HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, http::StatusCode};
use serde::Deserialize;
use serde_json::Value;
use store::AuditQuery;

use crate::AUDIT;
use crate::access::{Holder, is_for_control, shown_key};
use crate::app::App;
use crate::problem::{Refusal, store_failed};

/// Does a command in somebody's name, and writes it into the record: as itself, unless what it did
/// has left a line of its own.
///
/// `by` says who; `from` is their address, absent for this machine's own window.
///
/// # Errors
/// What `act` says.
pub fn done_by(
    by: &str,
    from: Option<IpAddr>,
    command: Command,
    act: impl FnOnce(Command) -> Result<(), Problem>,
) -> Result<(), Problem> {
    // A question is no act: it is asked with every key that somebody types.
    if matches!(command, Command::CheckSetting { .. }) {
        return act(command);
    }
    let peer = from.map(|ip| ip.to_canonical().to_string());
    // An edit is one of many a second while something is dragged: for the record, not for the log.
    let frequent = matches!(
        command,
        Command::Edit { .. }
            | Command::Undo
            | Command::Redo
            | Command::Travel { .. }
            | Command::RefreshDevices
            | Command::Operate { .. }
    );
    let (what, detail) = describe(&command);
    let span = tracing::debug_span!(target: AUDIT, "command", by, peer);
    span.in_scope(|| {
        let outcome = act(command);
        let detail = match &outcome {
            Ok(()) => detail,
            Err(problem) => Some(refused(detail, &problem.message)),
        };
        let refused = outcome.is_err();
        if frequent {
            tracing::debug!(target: AUDIT, command = true, refused, by, peer, detail, "{what}");
        } else {
            tracing::info!(target: AUDIT, command = true, refused, by, peer, detail, "{what}");
        }
        outcome
    })
}

fn refused(detail: Option<String>, why: &str) -> String {
    match detail {
        Some(detail) => format!("{detail}; refused: {why}"),
        None => format!("refused: {why}"),
    }
}

/// Fields of commands that may be read by everyone who reads the record. Whatever is not named here
/// (secrets, addresses with keys in them, what is said in the chat) stays out.
const TOLD: [&str; 14] = [
    "edit", "id", "key", "name", "label", "kind", "channel", "enabled", "title", "path",
    "protocol", "expires", "source", "scene",
];

/// A command's name, and what may be told of it.
fn describe(command: &Command) -> (String, Option<String>) {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(command) else {
        return ("command".into(), None);
    };
    let tag = fields.remove("command");
    let tag = tag.as_ref().and_then(Value::as_str).unwrap_or("command");
    let mut told = Vec::new();
    tell(&fields, &mut told);
    let detail = (!told.is_empty()).then(|| told.join(", "));
    (tag.replace('_', " "), detail)
}

fn tell(fields: &serde_json::Map<String, Value>, told: &mut Vec<String>) {
    for (name, value) in fields {
        let short = |text: String| text.chars().take(120).collect::<String>();
        match value {
            Value::Object(inner) => tell(inner, told),
            Value::String(text) if TOLD.contains(&name.as_str()) => {
                told.push(format!("{name}={}", short(text.clone())));
            }
            Value::Bool(_) | Value::Number(_) if TOLD.contains(&name.as_str()) => {
                told.push(format!("{name}={value}"));
            }
            _ => {}
        }
    }
}

impl Holder {
    /// As the record names them.
    pub(crate) fn recorded(&self) -> String {
        match self {
            Self::Host => "the host, by the control token".into(),
            Self::Link { name, .. } => format!("link “{name}”"),
            Self::Token { subject } => format!("token of {subject}"),
        }
    }
}

/// Where a request came from.
pub(crate) fn peer(extensions: &Extensions) -> Option<IpAddr> {
    let ConnectInfo(address) = extensions.get::<ConnectInfo<SocketAddr>>()?;
    Some(address.ip().to_canonical())
}

/// Notes a key that opened nothing of the control side.
pub(crate) fn watch_keys(request: &Request) -> impl FnOnce(StatusCode) + use<> {
    let keyed = shown_key(request).is_some();
    let here = is_for_control(request);
    let peer = peer(request.extensions()).map(|ip| ip.to_string());
    move |status| {
        if keyed && here && status == StatusCode::UNAUTHORIZED {
            tracing::info!(target: AUDIT, peer, "a wrong key was brought to the studio");
        }
    }
}

/// Which acts somebody asks for.
#[derive(Deserialize)]
pub(crate) struct Ask {
    token: Option<String>,
    before: Option<i64>,
    since: Option<i64>,
    search: Option<String>,
    limit: Option<u32>,
    format: Option<String>,
}

/// How many acts are given when nobody says.
const LIMIT: u32 = 100;

/// `GET /api/audit`: who did what, the newest first. `search` holds words, `since` a time in
/// milliseconds, `before` the number of an act, `limit` at most 1000; `format=csv` gives a table.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Query(ask): Query<Ask>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Response, Refusal> {
    app.control_pass(peer(&extensions), &headers, ask.token.as_deref())?;
    let search = ask.search.unwrap_or_default();
    let query = AuditQuery {
        before: ask.before,
        since: ask.since,
        words: search
            .split_whitespace()
            .take(8)
            .map(str::to_owned)
            .collect(),
        limit: ask.limit.unwrap_or(LIMIT),
    };
    let store = Arc::clone(&app.store);
    let acts = tokio::task::spawn_blocking(move || store.acts(&query))
        .await
        .map_err(|e| Refusal::new(Code::Internal, format!("The record was not read: {e}.")))?
        .map_err(|e| store_failed(&e))?;
    let stale = (header::CACHE_CONTROL, "no-store");
    Ok(match ask.format.as_deref() {
        None | Some("json") => ([stale], Json(acts)).into_response(),
        Some("csv") => {
            let kind = (header::CONTENT_TYPE, "text/csv; charset=utf-8");
            let name = (
                header::CONTENT_DISPOSITION,
                "attachment; filename=\"klieg-audit.csv\"",
            );
            ([stale, kind, name], table(&acts)).into_response()
        }
        Some(_) => {
            let text = "The record is given as json or csv.";
            return Err(Refusal::new(Code::Invalid, text));
        }
    })
}

/// Acts as CSV (RFC 4180).
fn table(acts: &[Act]) -> String {
    let mut text = String::from("id,at,last,times,by,from,channel,what,detail\r\n");
    for act in acts {
        let times = [act.at, act.last].map(moment);
        let fields = [
            act.id.to_string(),
            times[0].clone(),
            times[1].clone(),
            act.times.to_string(),
            act.by.clone().unwrap_or_default(),
            act.from.clone().unwrap_or_default(),
            act.channel.clone().unwrap_or_default(),
            act.what.clone(),
            act.detail.clone().unwrap_or_default(),
        ];
        text.push_str(&fields.map(|field| cell(&field)).join(","));
        text.push_str("\r\n");
    }
    text
}

/// A time as people and spreadsheets read it (RFC 3339, UTC).
fn moment(millis: i64) -> String {
    let nanos = i128::from(millis) * 1_000_000;
    let Ok(at) = time::OffsetDateTime::from_unix_timestamp_nanos(nanos) else {
        return millis.to_string();
    };
    let (date, clock) = (at.date(), at.time());
    format!(
        "{date}T{:02}:{:02}:{:02}.{:03}Z",
        clock.hour(),
        clock.minute(),
        clock.second(),
        clock.millisecond()
    )
}

/// A field in quotes. One that a spreadsheet would take for a formula begins with an apostrophe: names
/// are strangers'.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let quoted = text.replace('"', "\"\"");
    format!("\"{}{quoted}\"", if formula { "'" } else { "" })
}

#[cfg(test)]
mod tests;
