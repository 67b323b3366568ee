//! WHIP (RFC 9725): an offer in, an answer out, and a session to restart or delete.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use api::Code;
use axum::extract::{ConnectInfo, OriginalUri, Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use media::Origin;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use wire::webrtc::Publication;

use crate::access;
use crate::app::App;
use crate::channels::channel_name;
use crate::ingest::{self, Admission};
use crate::problem::Refusal;
use crate::sdp::{self, created, no_session, read_offer};

/// Said with an answer while the host has not let the publisher in.
const HELD: HeaderName = HeaderName::from_static("klieg-held");

/// Said with an answer to a guest: once it is let in, scenes alone find the channel.
const GUEST: HeaderName = HeaderName::from_static("klieg-guest");

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
            .ok_or_else(no_session)?;
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

/// `POST /{channel}/whip`: 201 with the answer, its `Location` and its `ETag` (section 4.2); 429 for an
/// address that opens too many sessions.
pub(crate) async fn offer(
    State(app): State<Arc<App>>,
    Path(channel): Path<String>,
    OriginalUri(uri): OriginalUri,
    request: Request,
) -> Result<Response, Refusal> {
    let name = channel_name(&channel)?;
    let bearer = access::bearer_of(request.headers()).map(str::to_owned);
    let peer = peer_of(&request);
    let place = app.place(peer)?;
    let offer = read_offer(request).await?;
    let request = ingest::Request {
        channel: name,
        origin: Origin::Whip,
        key: bearer.as_deref(),
        peer,
    };
    // A stranger's offer is not looked into.
    ingest::expects(&app, &request).map_err(ingest::answer)?;
    let mut let_in = None;
    let admit = Box::new(|| {
        let Admission { writer, end, guest } =
            ingest::admit(&app, request).map_err(ingest::answer)?;
        let held = writer.channel().is_held();
        let_in = Some((end.clone(), held, guest));
        Ok(Publication { writer, end })
    });
    let answer = app.peers.whip(offer, peer, admit).await?;
    let (end, held, guest) = let_in.ok_or_else(no_session)?;
    place.keep(&answer.session);
    let session = Session {
        channel,
        bearer,
        end,
    };
    app.publishers.keep(answer.session.clone(), session);
    let mut response = created(&app, &uri, answer)?;
    for (told, is) in [(HELD, held), (GUEST, guest)] {
        if is {
            let headers = response.headers_mut();
            headers.insert(told, HeaderValue::from_static("true"));
        }
    }
    Ok(response)
}

/// Where a request comes from.
pub(crate) fn peer_of(request: &Request) -> IpAddr {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| {
        peer.ip().to_canonical()
    })
}

/// `PATCH /{channel}/whip/{session}`: candidates that trickle, or a restart (section 4.3).
pub(crate) async fn patch(
    State(app): State<Arc<App>>,
    Path((channel, session)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Refusal> {
    app.publishers.find(&channel, &session, request.headers())?;
    sdp::patch(&app, &session, request).await
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

#[cfg(test)]
mod tests;
