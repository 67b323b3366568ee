//! What WHIP and WHEP have in common over HTTP (RFC 9725): offers read, answers given, and fragments taken.
//!
//! An answer carries all candidates of ours. A fragment for the ICE session that stands (`If-Match` with
//! its entity tag) brings more of the far end's; one for any session (`If-Match: *`) restarts ICE.

use std::net::IpAddr;
use std::sync::Arc;

use api::Code;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use wire::webrtc::{Answer, OfferError};

use crate::app::App;
use crate::problem::Refusal;
use crate::whip::peer_of;
use crate::{body, ice};

/// The type of offers and answers.
pub(crate) const SDP: &str = "application/sdp";

/// The type of fragments that trickle (RFC 8840).
pub(crate) const FRAGMENT: &str = "application/trickle-ice-sdpfrag";

/// No honest offer is larger, in bytes.
const OFFER_MAX: usize = 64 * 1024;

/// No honest fragment is larger, in bytes.
const FRAGMENT_MAX: usize = 16 * 1024;

/// Not in the `http` crate.
pub(crate) const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");

/// In RFC 5789, and not in the `http` crate.
const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");

/// What a page of another origin may read of an answer.
pub(crate) const EXPOSED: &str = "Location, ETag, Link, Retry-After, Klieg-Held, Klieg-Guest";

/// The offer that a request carries.
///
/// # Errors
/// 415, 413, 408 or 400.
pub(crate) async fn read_offer(request: Request) -> Result<String, Refusal> {
    body::expect_type(request.headers(), SDP)
        .map_err(|refusal| refusal.with_header(ACCEPT_POST, HeaderValue::from_static(SDP)))?;
    let offer = body::read(request, OFFER_MAX).await?;
    String::from_utf8(offer.into())
        .map_err(|_| Refusal::new(Code::Invalid, "The offer is not text."))
}

/// 201 with an answer, the address of its session below that of the request, and the servers that help
/// to a path.
pub(crate) fn created(app: &App, uri: &Uri, answer: Answer) -> Result<Response, Refusal> {
    let location = format!("{}/{}", uri.path().trim_end_matches('/'), answer.session);
    let mut response = (StatusCode::CREATED, answer.sdp).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(SDP));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::LOCATION, value(location)?);
    headers.insert(header::ETAG, value(answer.etag)?);
    expose(headers);
    ice::link(&app.ice_servers.read(), headers);
    Ok(response)
}

fn value(text: String) -> Result<HeaderValue, Refusal> {
    text.parse()
        .map_err(|_| Refusal::new(Code::Internal, "A session got a name that is none."))
}

fn expose(headers: &mut HeaderMap) {
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static(EXPOSED),
    );
}

/// `OPTIONS /{channel}/whip` and `/whep`: what may be posted, and the servers that help to a path
/// (sections 4.2 and 4.6).
pub(crate) async fn options(State(app): State<Arc<App>>) -> Response {
    let fixed = [(ACCEPT_POST, SDP), (header::ALLOW, "POST, OPTIONS")];
    let mut response = (StatusCode::NO_CONTENT, fixed).into_response();
    expose(response.headers_mut());
    ice::link(&app.ice_servers.read(), response.headers_mut());
    response
}

/// `OPTIONS /{channel}/whip/{session}` and `/whep/{session}`
pub(crate) async fn session_options() -> Response {
    let fixed = [
        (ACCEPT_PATCH, FRAGMENT),
        (header::ALLOW, "PATCH, DELETE, OPTIONS"),
    ];
    let mut response = (StatusCode::NO_CONTENT, fixed).into_response();
    expose(response.headers_mut());
    response
}

/// Carries out a `PATCH` of a session that the request may have: candidates that trickle for the ICE
/// session it names, or a restart of ICE (sections 4.3.1 and 4.3.2).
///
/// # Errors
/// 415, 428, 412, 429, 413, 408, 400; 422 when it restarts with what does not fit, 404 when the session has
/// ended.
pub(crate) async fn patch(app: &App, session: &str, request: Request) -> Result<Response, Refusal> {
    body::expect_type(request.headers(), FRAGMENT)
        .map_err(|refusal| refusal.with_header(ACCEPT_PATCH, HeaderValue::from_static(FRAGMENT)))?;
    let etag = app.peers.etag(session).ok_or_else(no_session)?;
    let matched = matches(request.headers(), &etag);
    match matched {
        Match::Missing => {
            return Err(Refusal::new(
                Code::Invalid,
                "Say which ICE session this is for: If-Match with the ETag of the answer, or * to restart it.",
            )
            .with_status(StatusCode::PRECONDITION_REQUIRED));
        }
        Match::Other => {
            return Err(Refusal::new(
                Code::Conflict,
                "If-Match names an ICE session that is not the one of this address.",
            )
            .with_status(StatusCode::PRECONDITION_FAILED));
        }
        Match::Any | Match::Same => {}
    }
    let from = peer_of(&request);
    app.throttle.patch(from, app.clock.now())?;
    let fragment = body::read(request, FRAGMENT_MAX).await?;
    let text = String::from_utf8(fragment.into())
        .ok()
        .filter(|text| is_fragment(text))
        .ok_or_else(|| Refusal::new(Code::Invalid, "The body is no SDP fragment."))?;
    if matched == Match::Same {
        let taken = app.peers.trickle(session, &text, from).await;
        taken.map_err(|_| no_session())?;
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    restart(app, session, text, from).await
}

async fn restart(
    app: &App,
    session: &str,
    text: String,
    from: IpAddr,
) -> Result<Response, Refusal> {
    let section = section(&text);
    let restarted = app.peers.restart(session, text, from).await;
    let restarted = restarted.map_err(|error| match error {
        OfferError::Malformed(_) => Refusal::new(
            Code::Invalid,
            format!("ICE cannot be restarted with this: {error}. Begin again with a new offer."),
        )
        .with_status(StatusCode::UNPROCESSABLE_ENTITY),
        _ => no_session(),
    })?;
    let mut response = (section + &restarted.fragment).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(FRAGMENT));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::ETAG, value(restarted.etag)?);
    expose(headers);
    Ok(response)
}

/// The section that a fragment speaks of, to be spoken of in the answer (RFC 8840, section 4.4).
pub(crate) fn section(text: &str) -> String {
    let line = |key: &str| {
        let found = text.lines().map(str::trim_end).find(|l| l.starts_with(key));
        found.map(|line| format!("{line}\r\n")).unwrap_or_default()
    };
    line("a=group:BUNDLE ") + &line("m=") + &line("a=mid:")
}

/// There is nothing at a session's address.
pub(crate) fn no_session() -> Refusal {
    Refusal::new(
        Code::NotFound,
        "There is no such session; it may have ended.",
    )
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
pub(crate) fn is_fragment(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.is_empty()).peekable();
    lines.peek().is_some() && lines.all(|line| line.starts_with("a=") || line.starts_with("m="))
}

impl From<OfferError> for Refusal {
    fn from(error: OfferError) -> Self {
        refused(error)
    }
}

/// What an offer that gets no answer becomes.
pub(crate) fn refused(error: OfferError) -> Refusal {
    let refusal = Refusal::new(Code::Invalid, format!("{error}."));
    match error {
        OfferError::Malformed(_) => refusal,
        OfferError::TooLarge(_) => refusal.with_status(StatusCode::PAYLOAD_TOO_LARGE),
        OfferError::NothingToReceive | OfferError::NothingToPublish | OfferError::TooManyTracks => {
            refusal.with_status(StatusCode::UNPROCESSABLE_ENTITY)
        }
        OfferError::NoH264
        | OfferError::NoH264ToPublish
        | OfferError::Profile(_)
        | OfferError::Reordered => refusal.with_status(StatusCode::NOT_ACCEPTABLE),
        OfferError::Full => refusal
            .with_status(StatusCode::SERVICE_UNAVAILABLE)
            .retry_after(5),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_compared_strongly() {
        for (given, expect) in [
            (vec![], Match::Missing),
            (vec!["*"], Match::Any),
            (vec!["\"e1\""], Match::Same),
            (vec!["\"e0\", \"e1\""], Match::Same),
            (vec!["\"e0\"", "\"e1\""], Match::Same),
            (vec!["W/\"e1\""], Match::Other),
            (vec!["e1"], Match::Other),
            (vec![""], Match::Other),
        ] {
            let mut headers = HeaderMap::new();
            for value in &given {
                headers.append(header::IF_MATCH, value.parse().unwrap());
            }
            assert_eq!(matches(&headers, "\"e1\""), expect, "{given:?}");
        }
    }

    #[test]
    fn fragments_are_told_from_nonsense() {
        for (text, expect) in [
            (
                "a=ice-ufrag:abcd\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n",
                true,
            ),
            ("a=end-of-candidates", true),
            ("", false),
            ("\r\n", false),
            ("{}", false),
            ("v=0\r\na=mid:0\r\n", false),
        ] {
            assert_eq!(is_fragment(text), expect, "{text:?}");
        }
    }
}
