//! WHEP (draft-ietf-wish-whep-03): an offer in, an answer out, and a session to restart or delete.
//!
//! Who offers nothing that a channel has is refused with 406 and words, without the offer in return that the draft
//! allows: it could hold H.264 and Opus alone, which whoever has them offers by themselves. HLS is there for the others.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{OriginalUri, Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use futures::future::BoxFuture;
use media::{Channel, ChannelName};
use wire::webrtc::{Answer, OfferError, Publication, Restarted, SessionStats, Traffic};

use crate::app::App;
use crate::channels::{channel_name, not_live};
use crate::privacy::Visitor;
use crate::problem::Refusal;
use crate::sdp::{self, created, no_session, read_offer, refused};
use crate::whip::peer_of;

/// Lets a publisher in.
pub(crate) type Admit<'a> = Box<dyn FnOnce() -> Result<Publication, Refusal> + Send + 'a>;

/// What carries media to viewers and from publishers. Behind a trait, so that what HTTP says is tested
/// without media.
pub(crate) trait Peers: Send + Sync + 'static {
    /// Opens a viewer's session, for an offer that came from an address.
    fn whep(
        &self,
        channel: Arc<Channel>,
        offer: String,
        from: IpAddr,
    ) -> BoxFuture<'_, Result<Answer, OfferError>>;
    /// Opens a publisher's session, which is admitted once its offer is known to be good. It ends by the publication's
    /// token, and cancels it when it ends.
    fn whip<'a>(
        &'a self,
        offer: String,
        from: IpAddr,
        admit: Admit<'a>,
    ) -> BoxFuture<'a, Result<Answer, Refusal>>;
    /// Whether a session is a viewer's of this channel.
    fn watches(&self, session: &str, channel: &ChannelName) -> bool;
    /// The entity tag of a session's ICE credentials; `None` when there is none of this name.
    fn etag(&self, session: &str) -> Option<String>;
    /// Takes addresses at which a session's far end may be reached, as it finds them.
    fn trickle<'a>(
        &'a self,
        session: &'a str,
        fragment: &'a str,
        from: IpAddr,
    ) -> BoxFuture<'a, Result<(), OfferError>>;
    /// Restarts a session's ICE with what its far end says anew.
    fn restart<'a>(
        &'a self,
        session: &'a str,
        fragment: String,
        from: IpAddr,
    ) -> BoxFuture<'a, Result<Restarted, OfferError>>;
    /// Closes a viewer's session; `false` when there is none of this name.
    fn close(&self, session: &str) -> bool;
    /// Who watches a channel now.
    fn viewers(&self, channel: &ChannelName) -> u32;
    /// Who watches now, and how that goes.
    fn sessions(&self) -> Vec<SessionStats>;
    /// Who publishes now, and how that goes.
    fn publishers(&self) -> Vec<SessionStats>;
    /// What all sessions have carried since the start.
    fn traffic(&self) -> Traffic;
    /// More addresses that lead here from outside, for sessions that are opened from now on.
    fn set_external(&self, external: Vec<IpAddr>);
}

impl Peers for wire::webrtc::Station {
    fn whep(
        &self,
        channel: Arc<Channel>,
        offer: String,
        from: IpAddr,
    ) -> BoxFuture<'_, Result<Answer, OfferError>> {
        Box::pin(async move { Self::whep(self, channel, &offer, from).await })
    }

    fn whip<'a>(
        &'a self,
        offer: String,
        from: IpAddr,
        admit: Admit<'a>,
    ) -> BoxFuture<'a, Result<Answer, Refusal>> {
        Box::pin(async move { Self::whip(self, &offer, from, admit).await })
    }

    fn watches(&self, session: &str, channel: &ChannelName) -> bool {
        Self::watches(self, session, channel)
    }

    fn etag(&self, session: &str) -> Option<String> {
        Self::etag(self, session)
    }

    fn trickle<'a>(
        &'a self,
        session: &'a str,
        fragment: &'a str,
        from: IpAddr,
    ) -> BoxFuture<'a, Result<(), OfferError>> {
        Box::pin(async move { Self::trickle(self, session, fragment, from).await })
    }

    fn restart<'a>(
        &'a self,
        session: &'a str,
        fragment: String,
        from: IpAddr,
    ) -> BoxFuture<'a, Result<Restarted, OfferError>> {
        Box::pin(async move { Self::restart(self, session, &fragment, from).await })
    }

    fn close(&self, session: &str) -> bool {
        Self::close(self, session)
    }

    fn viewers(&self, channel: &ChannelName) -> u32 {
        Self::viewers(self, channel)
    }

    fn sessions(&self) -> Vec<SessionStats> {
        Self::sessions(self)
    }

    fn publishers(&self) -> Vec<SessionStats> {
        Self::publishers(self)
    }

    fn traffic(&self) -> Traffic {
        Self::traffic(self)
    }

    fn set_external(&self, external: Vec<IpAddr>) {
        Self::set_external(self, external);
    }
}

/// `POST /{channel}/whep`: 201 with the answer, its `Location` and its `ETag` (section 4.2); 401 for a
/// private channel without a right to it, 429 for an address that opens too many sessions.
pub(crate) async fn offer(
    State(app): State<Arc<App>>,
    Path(channel): Path<String>,
    OriginalUri(uri): OriginalUri,
    Visitor(visitor): Visitor,
    request: Request,
) -> Result<Response, Refusal> {
    let name = channel_name(&channel)?;
    // Before the offer is read: strangers cost little, and those who wait for a channel take no place.
    app.right_to(&name, &visitor)?;
    let live = || {
        let channel = app.hub.channel(&name);
        channel.ok_or_else(|| not_live(&name).retry_after(2))
    };
    live()?;
    let peer = peer_of(&request);
    let place = app.place(peer)?;
    let offer = read_offer(request).await?;
    let channel = live()?;
    let _opening = app.privacy.opening.read().await;
    // The channel may have become private while the offer came.
    let right = app.right_to(&name, &visitor)?;
    let answer = app.peers.whep(channel, offer, peer).await;
    let answer = answer.map_err(refused)?;
    place.keep(&answer.session);
    app.privacy.note(&answer.session, right);
    created(&app, &uri, answer)
}

/// `PATCH /{channel}/whep/{session}`: candidates that trickle, or a restart (section 4.3).
pub(crate) async fn patch(
    State(app): State<Arc<App>>,
    Path((channel, session)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Refusal> {
    watched(&app, &channel, &session)?;
    sdp::patch(&app, &session, request).await
}

/// `DELETE /{channel}/whep/{session}`: ends it (section 4.5).
pub(crate) async fn end(
    State(app): State<Arc<App>>,
    Path((channel, session)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    watched(&app, &channel, &session)?;
    if app.peers.close(&session) {
        Ok(StatusCode::OK)
    } else {
        Err(no_session())
    }
}

/// Looks whether a viewer's session stands at this address: those of publishers are asked for their key, elsewhere. No key of a
/// viewer's is asked for: the name of a session is one itself, and a session ends with the right that it was opened by.
///
/// # Errors
/// 404.
fn watched(app: &App, channel: &str, session: &str) -> Result<(), Refusal> {
    let name = channel_name(channel)?;
    app.peers
        .watches(session, &name)
        .then_some(())
        .ok_or_else(no_session)
}
