//! Who may ask: the names this station answers to, and the pages that may change something.
//!
//! A web page elsewhere must not reach the station through its visitor's browser. Two checks stand
//! against it: the `Host` must be a name that no stranger can point at us (against DNS rebinding),
//! and a request that changes something and comes from a page must come from a page of this host.
//! Programs send no `Origin` and pass.

use api::Code;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};

use crate::problem::Refusal;

/// Pages of the studio's own window (WebKit and WebView2).
const WINDOW: [&str; 3] = [
    "tauri://localhost",
    "http://tauri.localhost",
    "https://tauri.localhost",
];

/// The rules.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guard {
    names: Vec<String>,
    origins: Vec<String>,
}

/// What the rules say of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Allowed {
    /// The origin that may read the answer, when a page of another origin asks and may.
    pub(crate) origin: Option<HeaderValue>,
}

impl Guard {
    /// Rules with more names and origins than those that are always fine.
    pub(crate) fn new(names: &[String], origins: &[String]) -> Self {
        let lower = |all: &[String]| all.iter().map(|n| n.to_ascii_lowercase()).collect();
        Self {
            names: lower(names),
            origins: lower(origins),
        }
    }

    /// Whether a request may pass.
    ///
    /// # Errors
    /// 400 without a host, 421 (RFC 9110, section 15.5.20) for a name that is not ours, 403 for a
    /// change that a foreign page asks for.
    pub(crate) fn check(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<Allowed, Refusal> {
        let host = self.host(uri, headers)?;
        let Some(origin) = headers.get(header::ORIGIN) else {
            return Ok(Allowed { origin: None });
        };
        let ours = origin.to_str().is_ok_and(|text| self.may(text, &host));
        if ours {
            return Ok(Allowed {
                origin: Some(origin.clone()),
            });
        }
        if changes(method, uri, headers) {
            return Err(Refusal::new(
                Code::Unauthorized,
                "A page of another site may not do this here. Open this station's own page, \
                 or add that site to the allowed origins in the settings.",
            )
            .with_status(StatusCode::FORBIDDEN));
        }
        Ok(Allowed { origin: None })
    }

    fn host(&self, uri: &Uri, headers: &HeaderMap) -> Result<String, Refusal> {
        let given = match uri.authority() {
            Some(authority) => Some(authority.as_str()),
            None => headers.get(header::HOST).and_then(|v| v.to_str().ok()),
        };
        let host = given
            .and_then(host_of)
            .ok_or_else(|| Refusal::new(Code::Invalid, "The request names no valid host."))?;
        if self.answers_to(&host) {
            return Ok(host);
        }
        Err(Refusal::new(
            Code::Invalid,
            format!(
                "This station does not answer to the name {host}. Open it by its IP address, \
                 or add the name in the settings."
            ),
        )
        .with_status(StatusCode::MISDIRECTED_REQUEST))
    }

    fn answers_to(&self, host: &str) -> bool {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        bare.parse::<std::net::IpAddr>().is_ok()
            || host == "localhost"
            || host.ends_with(".localhost")
            || host.ends_with(".local")
            || self.names.iter().any(|name| name == host)
    }

    fn may(&self, origin: &str, host: &str) -> bool {
        let origin = origin.to_ascii_lowercase();
        if WINDOW.contains(&origin.as_str()) || self.origins.contains(&origin) {
            return true;
        }
        let Some((scheme, authority)) = origin.split_once("://") else {
            return false;
        };
        matches!(scheme, "http" | "https") && host_of(authority).is_some_and(|o| o == host)
    }
}

/// The host of `host[:port]`, in lower case and without a final dot.
fn host_of(authority: &str) -> Option<String> {
    if authority.contains('@') {
        return None;
    }
    let authority: Authority = authority.parse().ok()?;
    let host = authority.host().to_ascii_lowercase();
    let host = host.strip_suffix('.').unwrap_or(&host);
    (!host.is_empty()).then(|| host.to_owned())
}

/// Whether a request can change anything. A WebSocket can, and chat polls by GET.
fn changes(method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
    let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    !reads || headers.contains_key(header::UPGRADE) || uri.path().starts_with("/socket.io")
}

#[cfg(test)]
mod tests;
