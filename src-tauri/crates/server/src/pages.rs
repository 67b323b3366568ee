//! The pages and what they are made of, carried in the binary.
//!
//! Files under `assets/` have their contents' hash in their name and never change; everything else is
//! asked for anew with its `ETag` (RFC 9110, section 13.1.2).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use media::ChannelName;
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::app::{App, CONTENT_SECURITY_POLICY};
use crate::doctor;

#[derive(RustEmbed)]
#[folder = "$KLIEG_PAGES"]
struct Pages;

const STATION: &str = "index.html";
const STUDIO: &str = "studio.html";

/// `GET /` and the station's other pages: one document that finds its way by its address.
pub(crate) async fn station(headers: HeaderMap) -> Response {
    page(STATION, StatusCode::OK, &headers)
}

/// `GET /doctor`: the station's page, which may also try this host's door for HTTPS.
pub(crate) async fn doctor(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let mut response = page(STATION, StatusCode::OK, &headers);
    if let Some(policy) = doctor::policy(&app, &headers, CONTENT_SECURITY_POLICY) {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// `GET /watch/{channel}`
pub(crate) async fn watch(Path(channel): Path<String>, headers: HeaderMap) -> Response {
    match channel.parse::<ChannelName>() {
        Ok(_) => page(STATION, StatusCode::OK, &headers),
        Err(_) => nowhere(&headers),
    }
}

/// `GET /studio`
pub(crate) async fn studio(headers: HeaderMap) -> Response {
    page(STUDIO, StatusCode::OK, &headers)
}

/// Whatever no route takes: a file of the pages, or nothing.
pub(crate) async fn file(uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if plain(path) && Pages::get(path).is_some() {
        return page(path, StatusCode::OK, &headers);
    }
    nowhere(&headers)
}

/// There is nothing: the page that says so, for whoever takes pages.
fn nowhere(headers: &HeaderMap) -> Response {
    let accepts = headers.get(header::ACCEPT).and_then(|a| a.to_str().ok());
    if accepts.is_some_and(|types| types.contains("text/html")) {
        return page(STATION, StatusCode::NOT_FOUND, headers);
    }
    nothing()
}

/// Names of letters, digits and a few signs, none of them beginning with a dot. Nothing that is
/// percent-encoded is among the files.
fn plain(path: &str) -> bool {
    !path.is_empty()
        && path.split('/').all(|part| {
            let fine = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
            !part.is_empty() && !part.starts_with('.') && part.bytes().all(fine)
        })
}

fn nothing() -> Response {
    (StatusCode::NOT_FOUND, "There is nothing at this address.\n").into_response()
}

fn page(path: &str, status: StatusCode, headers: &HeaderMap) -> Response {
    let Some(file) = Pages::get(path) else {
        return nothing();
    };
    let etag = etag(&file);
    let mut response = if status == StatusCode::OK && matches(headers, &etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let kind = content_type(&file);
        let mut response = Response::new(Body::from(file.data));
        *response.status_mut() = status;
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    };
    let headers = response.headers_mut();
    if let Ok(etag) = etag.parse() {
        headers.insert(header::ETAG, etag);
    }
    let caching = if path.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    response
}

fn content_type(file: &EmbeddedFile) -> HeaderValue {
    let kind = file.metadata.mimetype();
    let text =
        kind.starts_with("text/") || matches!(kind, "application/json" | "application/javascript");
    let value = if text {
        format!("{kind}; charset=utf-8")
    } else {
        kind.to_owned()
    };
    value
        .parse()
        .unwrap_or(HeaderValue::from_static("application/octet-stream"))
}

fn etag(file: &EmbeddedFile) -> String {
    let hash = file.metadata.sha256_hash();
    let hex: String = hash.iter().take(12).map(|b| format!("{b:02x}")).collect();
    format!("\"{hex}\"")
}

/// Weak comparison, as If-None-Match asks for: compression makes an `ETag` weak.
fn matches(headers: &HeaderMap, etag: &str) -> bool {
    headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|given| {
            given.split(',').any(|one| {
                let one = one.trim();
                one == "*" || one.strip_prefix("W/").unwrap_or(one) == etag
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_paths_are_looked_up() {
        for (path, expect) in [
            ("index.html", true),
            ("assets/a-B_1.2.js", true),
            ("", false),
            ("..", false),
            ("../secret", false),
            ("assets/../../secret", false),
            ("assets//x", false),
            ("/etc/passwd", false),
            ("assets/", false),
            (".placeholder", false),
            ("assets/.hidden", false),
            ("%2e%2e/secret", false),
            ("..\\secret", false),
            ("C:\\secret", false),
            ("a\0b", false),
        ] {
            assert_eq!(plain(path), expect, "{path:?}");
        }
    }
}
