//! WHEP (draft-ietf-wish-whep-03): an offer in, an answer out, and a session to delete.
//!
//! The answer carries all candidates, so there is nothing to trickle: `PATCH` is answered 405, which
//! tells a client to go on without it.

use std::sync::Arc;

use api::Code;
use axum::extract::{OriginalUri, Path, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use futures::future::BoxFuture;
use media::{Channel, ChannelName};
use wire::webrtc::{Answer, OfferError, Publication, SessionStats};

use crate::app::App;
use crate::body;
use crate::channels::{channel_name, not_live};
use crate::problem::Refusal;

/// The type of offers and answers.
pub(crate) const SDP: &str = "application/sdp";

/// No honest offer is larger, in bytes.
const OFFER_MAX: usize = 64 * 1024;

/// Not in the `http` crate.
pub(crate) const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");

/// What a page of another origin may read of an answer.
pub(crate) const EXPOSED: &str = "Location, ETag, Link, Retry-After, Klieg-Held";

/// What carries media to viewers and from publishers. Behind a trait, so that what HTTP says is tested
/// without media.
pub(crate) trait Peers: Send + Sync + 'static {
    /// Opens a viewer's session.
    fn whep(
        &self,
        channel: Arc<Channel>,
        offer: String,
    ) -> BoxFuture<'_, Result<Answer, OfferError>>;
    /// Opens a publisher's session. It ends by the publication's token, and cancels it when it ends.
    fn whip(
        &self,
        publication: Publication,
        offer: String,
    ) -> BoxFuture<'_, Result<Answer, OfferError>>;
    /// Closes a viewer's session; `false` when there is none of this name.
    fn close(&self, session: &str) -> bool;
    /// Who watches a channel now.
    fn viewers(&self, channel: &ChannelName) -> u32;
    /// Who publishes now, and how that goes.
    fn publishers(&self) -> Vec<SessionStats>;
}

impl Peers for wire::webrtc::Station {
    fn whep(
        &self,
        channel: Arc<Channel>,
        offer: String,
    ) -> BoxFuture<'_, Result<Answer, OfferError>> {
        Box::pin(async move { Self::whep(self, channel, &offer).await })
    }

    fn whip(
        &self,
        publication: Publication,
        offer: String,
    ) -> BoxFuture<'_, Result<Answer, OfferError>> {
        Box::pin(async move { Self::whip(self, publication, &offer).await })
    }

    fn close(&self, session: &str) -> bool {
        Self::close(self, session)
    }

    fn viewers(&self, channel: &ChannelName) -> u32 {
        Self::viewers(self, channel)
    }

    fn publishers(&self) -> Vec<SessionStats> {
        Self::publishers(self)
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
    let offer = read_offer(request).await?;
    let channel = app
        .hub
        .channel(&name)
        .ok_or_else(|| not_live(&name).retry_after(2))?;
    let answer = app.peers.whep(channel, offer).await.map_err(refused)?;
    created(&uri, answer)
}

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

/// 201 with an answer, and the address of its session below that of the request.
pub(crate) fn created(uri: &Uri, answer: Answer) -> Result<Response, Refusal> {
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
