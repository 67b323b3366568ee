//! WHIP (RFC 9725): an offer in, an answer out, and a session to delete.
//!
//! The answer carries all candidates and finds the publisher by its checks, so fragments that trickle are
//! taken and need nothing done. ICE is not restarted: 422 tells a publisher to begin again (section 4.3.2).

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use api::Code;
use axum::extract::{ConnectInfo, OriginalUri, Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use media::Origin;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use wire::webrtc::Publication;

use crate::app::App;
use crate::channels::channel_name;
use crate::ingest::{self, Admission};
use crate::problem::Refusal;
use crate::whep::{ACCEPT_POST, EXPOSED, SDP, created, read_offer, refused};
use crate::{access, body};

/// The type of fragments that trickle (RFC 8840).
const FRAGMENT: &str = "application/trickle-ice-sdpfrag";

/// No honest fragment is larger, in bytes.
const FRAGMENT_MAX: usize = 16 * 1024;

/// Said with an answer while the host has not let the publisher in.
const HELD: HeaderName = HeaderName::from_static("klieg-held");

/// In RFC 5789, and not in the `http` crate.
const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");

/// The sessions that publish.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    open: Mutex<HashMap<String, Session>>,
}

#[derive(Clone, Debug)]
struct Session {
    channel: String,
    /// What the offer came with, and every further request has to.
    bearer: Option<String>,
    etag: String,
    /// Cancelled when the session is over; cancelling it ends the session.
    end: CancellationToken,
}

impl Sessions {
    fn keep(&self, name: String, session: Session) {
        let mut open = self.open.lock();
        open.retain(|_, session| !session.end.is_cancelled());
        open.insert(name, session);
    }

    /// The session of an address, for who may have it.
    ///
    /// # Errors
    /// 401 without the bearer that it was begun with, 404 when there is no such session.
    fn find(&self, channel: &str, name: &str, headers: &HeaderMap) -> Result<Session, Refusal> {
        let found = self.open.lock().get(name).cloned();
        let session = found
            .filter(|s| s.channel == channel && !s.end.is_cancelled())
            .ok_or_else(|| {
                Refusal::new(
                    Code::NotFound,
                    "There is no such session; it may have ended.",
                )
            })?;
        let given = access::bearer_of(headers).unwrap_or_default();
        match &session.bearer {
            Some(bearer) if !access::same(given, bearer) => Err(Refusal::new(
                Code::Unauthorized,
                "This session was begun with another key. Send the same one again.",
            )),
            _ => Ok(session),
        }
    }
}

/// `POST /{channel}/whip`: 201 with the answer, its `Location` and its `ETag` (section 4.2).
pub(crate) async fn offer(
    State(app): State<Arc<App>>,
    Path(channel): Path<String>,
    OriginalUri(uri): OriginalUri,
    request: Request,
) -> Result<Response, Refusal> {
    let name = channel_name(&channel)?;
    let bearer = access::bearer_of(request.headers()).map(str::to_owned);
    let peer = peer_of(&request);
    let offer = read_offer(request).await?;
    let Admission { writer, end } = ingest::admit(
        &app,
        ingest::Request {
            channel: name,
            origin: Origin::Whip,
            key: bearer.as_deref(),
            peer,
        },
    )?;
    let held = writer.channel().is_held();
    let publication = Publication {
        writer,
        end: end.clone(),
    };
    let answer = app.peers.whip(publication, offer).await.map_err(refused)?;
    let session = Session {
        channel,
        bearer,
        etag: answer.etag.clone(),
        end,
    };
    app.publishers.keep(answer.session.clone(), session);
    let mut response = created(&uri, answer)?;
    if held {
        response
            .headers_mut()
            .insert(HELD, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// Where a request comes from.
fn peer_of(request: &Request) -> IpAddr {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| {
        peer.ip().to_canonical()
    })
}

/// `OPTIONS /{channel}/whip`: what may be posted (section 4.2).
pub(crate) async fn options() -> Response {
    (
        StatusCode::NO_CONTENT,
        [
            (ACCEPT_POST, SDP),
            (header::ALLOW, "POST, OPTIONS"),
            (header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED),
        ],
    )
        .into_response()
}

/// `OPTIONS /{channel}/whip/{session}`
pub(crate) async fn session_options() -> Response {
    (
        StatusCode::NO_CONTENT,
        [
            (ACCEPT_PATCH, FRAGMENT),
            (header::ALLOW, "PATCH, DELETE, OPTIONS"),
            (header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED),
        ],
    )
        .into_response()
}

/// `PATCH /{channel}/whip/{session}`: candidates that trickle (section 4.3.1).
pub(crate) async fn trickle(
    State(app): State<Arc<App>>,
    Path((channel, session)): Path<(String, String)>,
    request: Request,
) -> Result<StatusCode, Refusal> {
    let session = app.publishers.find(&channel, &session, request.headers())?;
    body::expect_type(request.headers(), FRAGMENT)
        .map_err(|refusal| refusal.with_header(ACCEPT_PATCH, HeaderValue::from_static(FRAGMENT)))?;
    match matches(request.headers(), &session.etag) {
        Match::Missing => {
            return Err(Refusal::new(
                Code::Invalid,
                "Say which ICE session this is for: If-Match with the ETag of the answer.",
            )
            .with_status(StatusCode::PRECONDITION_REQUIRED));
        }
        Match::Any => {
            return Err(Refusal::new(
                Code::Invalid,
                "ICE is not restarted here. Publish again with a new offer.",
            )
            .with_status(StatusCode::UNPROCESSABLE_ENTITY));
        }
        Match::Other => {
            return Err(Refusal::new(
                Code::Conflict,
                "If-Match names an ICE session that is not the one of this address.",
            )
            .with_status(StatusCode::PRECONDITION_FAILED));
        }
        Match::Same => {}
    }
    let fragment = body::read(request, FRAGMENT_MAX).await?;
    let text = std::str::from_utf8(&fragment).ok();
    if text.is_some_and(is_fragment) {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Refusal::new(Code::Invalid, "The body is no SDP fragment."))
    }
}

/// `DELETE /{channel}/whip/{session}`: ends it (section 4.2).
pub(crate) async fn end(
    State(app): State<Arc<App>>,
    Path((channel, session)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<StatusCode, Refusal> {
    let session = app.publishers.find(&channel, &session, &headers)?;
    session.end.cancel();
    Ok(StatusCode::OK)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Match {
    Missing,
    Any,
    Same,
    Other,
}

/// What `If-Match` says of an entity tag, compared strongly (RFC 9110, section 13.1.1).
fn matches(headers: &HeaderMap, etag: &str) -> Match {
    let mut tags = headers.get_all(header::IF_MATCH).iter().peekable();
    if tags.peek().is_none() {
        return Match::Missing;
    }
    let mut tags = tags
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .peekable();
    if tags.peek() == Some(&"*") {
        return Match::Any;
    }
    if tags.any(|tag| tag == etag) {
        Match::Same
    } else {
        Match::Other
    }
}

/// Whether a text is made of the lines that fragments have (RFC 8840, section 9).
fn is_fragment(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.is_empty()).peekable();
    lines.peek().is_some() && lines.all(|line| line.starts_with("a=") || line.starts_with("m="))
}

#[cfg(test)]
mod tests;
