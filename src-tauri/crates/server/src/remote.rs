//! The control side as seen from the network: from where it may be asked, and that every answer of it
//! is JSON.

use api::{Code, Problem};
use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::access::shown_key;
use crate::app::App;
use crate::audit;
use crate::problem::Refusal;
use crate::v3;

/// How an address answers when it refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// As a page or as media: as its route does.
    Public,
    /// As the studio's interface for programs: a problem as JSON.
    Api,
    /// As MediaMTX does.
    V3,
}

impl Side {
    /// Of a path.
    pub(crate) fn of(path: &str) -> Self {
        if path.starts_with("/api/") || ["/healthz", "/metrics"].contains(&path) {
            Self::Api
        } else if path.starts_with("/v3/") {
            Self::V3
        } else {
            Self::Public
        }
    }

    /// The same answer; a refusal in this side's own words.
    pub(crate) fn speaks(self, response: Response) -> Response {
        let status = response.status();
        let refused = status.is_client_error() || status.is_server_error();
        let is_json = response
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
        match self {
            Self::Api if refused && !is_json => rewritten(response, plain(status).into_response()),
            Self::V3 if refused => {
                // What a problem says is kept beside the answer, so that no body has to be read again.
                let said = response.extensions().get::<Problem>().cloned();
                if said.is_none() && is_json {
                    return response;
                }
                let words = said.map_or_else(|| words(status).to_owned(), |p| p.message);
                rewritten(response, v3::failed(status, words))
            }
            Self::Public | Self::Api | Self::V3 => response,
        }
    }
}

/// An answer with the body of another.
fn rewritten(response: Response, other: Response) -> Response {
    let (mut parts, _) = response.into_parts();
    let (new, body) = other.into_parts();
    for name in [header::CONTENT_LENGTH, header::CONTENT_ENCODING] {
        parts.headers.remove(name);
    }
    for name in [header::CONTENT_TYPE, header::CACHE_CONTROL] {
        if let Some(value) = new.headers.get(&name) {
            parts.headers.insert(name, value.clone());
        }
    }
    Response::from_parts(parts, Body::new(body))
}

/// A refusal that the library under us made.
fn plain(status: StatusCode) -> Refusal {
    let code = match status {
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Code::Unauthorized,
        StatusCode::TOO_MANY_REQUESTS => Code::TooMany,
        status if status.is_server_error() => Code::Internal,
        _ => Code::Invalid,
    };
    Refusal::new(code, words(status)).with_status(status)
}

fn words(status: StatusCode) -> &'static str {
    match status {
        StatusCode::METHOD_NOT_ALLOWED => {
            "This address does not do that. The header Allow says what it does."
        }
        StatusCode::NOT_FOUND => "There is nothing at this address.",
        StatusCode::UPGRADE_REQUIRED => "This address is a WebSocket. Open it as one.",
        StatusCode::BAD_REQUEST => {
            "The request makes no sense as it stands. See /api/openapi.json."
        }
        status if status.is_server_error() => "That failed inside Klieg. Its log says why.",
        _ => "This is refused. See /api/openapi.json for what is possible here.",
    }
}

/// Whether the control side may be asked from there.
///
/// # Errors
/// 403 for the studio's own token from another machine, unless the host allows that.
pub(crate) fn may_ask(app: &App, request: &Request) -> Result<(), Refusal> {
    let from = audit::peer(request.extensions());
    if shown_key(request).is_some_and(|secret| app.access.is_astray(&secret, from)) {
        return Err(Refusal::new(
            Code::Unauthorized,
            "The control token works on the studio's own machine. Make a control link there to \
             control it from here, or turn on the setting server.remote_control.",
        )
        .with_status(StatusCode::FORBIDDEN));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
