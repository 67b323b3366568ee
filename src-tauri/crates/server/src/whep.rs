//! WHEP (draft-ietf-wish-whep-03): an offer in, an answer out, and a session to delete.
//!
//! The answer carries all candidates, so there is nothing to trickle: `PATCH` is answered 405, which
//! tells a client to go on without it.

use std::sync::Arc;

use api::Code;
use axum::extract::{OriginalUri, Path, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::future::BoxFuture;
use media::{Channel, ChannelName};
use wire::webrtc::{Answer, OfferError};

use crate::app::App;
use crate::body;
use crate::channels::{channel_name, not_live};
use crate::problem::Refusal;

/// The type of offers and answers.
const SDP: &str = "application/sdp";

/// No honest offer is larger, in bytes.
const OFFER_MAX: usize = 64 * 1024;

/// Not in the `http` crate.
const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");

/// What a page of another origin may read of an answer.
pub(crate) const EXPOSED: &str = "Location, ETag, Link, Retry-After";

/// What sends media to viewers. Behind a trait, so that what HTTP says is tested without media.
pub(crate) trait Peers: Send + Sync + 'static {
    /// Opens a session.
    fn whep(
        &self,
        channel: Arc<Channel>,
        offer: String,
    ) -> BoxFuture<'_, Result<Answer, OfferError>>;
    /// Closes a session; `false` when there is none of this name.
    fn close(&self, session: &str) -> bool;
    /// Who watches a channel now.
    fn viewers(&self, channel: &ChannelName) -> u32;
}

impl Peers for wire::webrtc::Station {
    fn whep(
        &self,
        channel: Arc<Channel>,
        offer: String,
    ) -> BoxFuture<'_, Result<Answer, OfferError>> {
        Box::pin(async move { Self::whep(self, channel, &offer).await })
    }

    fn close(&self, session: &str) -> bool {
        Self::close(self, session)
    }

    fn viewers(&self, channel: &ChannelName) -> u32 {
        Self::viewers(self, channel)
    }
}

/// `POST /{channel}/whep`: 201 with the answer, its `Location` and its `ETag` (section 4.2).
pub(crate) async fn offer(
    State(app): State<Arc<App>>,
    Path(channel): Path<String>,
    OriginalUri(uri): OriginalUri,
    request: Request,
) -> Result<Response, Refusal> {
    let name = channel_name(&channel)?;
    body::expect_type(request.headers(), SDP)
        .map_err(|refusal| refusal.with_header(ACCEPT_POST, HeaderValue::from_static(SDP)))?;
    let offer = body::read(request, OFFER_MAX).await?;
    let offer = String::from_utf8(offer.into())
        .map_err(|_| Refusal::new(Code::Invalid, "The offer is not text."))?;
    let channel = app
        .hub
        .channel(&name)
        .ok_or_else(|| not_live(&name).retry_after(2))?;
    let answer = app.peers.whep(channel, offer).await.map_err(refused)?;
    let location = format!("{}/{}", uri.path().trim_end_matches('/'), answer.session);
    let mut response = (StatusCode::CREATED, answer.sdp).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(SDP));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for (name, value) in [(header::LOCATION, location), (header::ETAG, answer.etag)] {
        let value = value
            .parse()
            .map_err(|_| Refusal::new(Code::Internal, "A session got a name that is none."))?;
        headers.insert(name, value);
    }
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static(EXPOSED),
    );
    Ok(response)
}

/// `OPTIONS /{channel}/whep`: what may be posted (section 4.2).
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

/// `OPTIONS /{channel}/whep/{session}`
pub(crate) async fn session_options() -> Response {
    (StatusCode::NO_CONTENT, [(header::ALLOW, "DELETE, OPTIONS")]).into_response()
}

/// `DELETE /{channel}/whep/{session}`: ends it (section 4.5).
pub(crate) async fn end(
    State(app): State<Arc<App>>,
    Path((_, session)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    if app.peers.close(&session) {
        Ok(StatusCode::OK)
    } else {
        Err(Refusal::new(
            Code::NotFound,
            "There is no such session; it may have ended.",
        ))
    }
}

fn refused(error: OfferError) -> Refusal {
    let refusal = Refusal::new(Code::Invalid, format!("{error}."));
    match error {
        OfferError::Malformed(_) => refusal,
        OfferError::TooLarge(_) => refusal.with_status(StatusCode::PAYLOAD_TOO_LARGE),
        OfferError::NothingToReceive | OfferError::TooManyTracks => {
            refusal.with_status(StatusCode::UNPROCESSABLE_ENTITY)
        }
        OfferError::NoH264 | OfferError::Profile(_) | OfferError::Reordered => {
            refusal.with_status(StatusCode::NOT_ACCEPTABLE)
        }
        OfferError::Full => refusal
            .with_status(StatusCode::SERVICE_UNAVAILABLE)
            .retry_after(5),
    }
}
