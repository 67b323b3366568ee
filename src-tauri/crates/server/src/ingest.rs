//! Who may publish, and as what: the one door from WHIP, RTMP and the browser's WebSocket to the hub.
//!
//! A way in reads what a publisher says of itself, and [`admit`] decides: the rule of the station
//! ([`Policy`]), the key, and whether the channel is free. What comes back is the writing end of the
//! channel, and a token that ends it.

use std::net::IpAddr;

use api::{Code, Problem};
use media::{ChannelInfo, ChannelName, HubError, Origin, Writer};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::twin;

/// The rule for publishers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// With a publish link or a stream key.
    #[default]
    Keyed,
    /// Anyone on the network.
    Open,
    /// Anyone, once the host agrees.
    Approve,
}

/// What a publisher says of itself.
#[derive(Clone, Debug)]
pub(crate) struct Request<'a> {
    /// Where it wants to publish.
    pub(crate) channel: ChannelName,
    /// How it came.
    pub(crate) origin: Origin,
    /// Its bearer token or stream key.
    pub(crate) key: Option<&'a str>,
    /// From where.
    pub(crate) peer: IpAddr,
}

/// A publisher that was let in.
#[derive(Debug)]
pub(crate) struct Admission {
    /// The channel's writing end. Dropping it ends the channel.
    pub(crate) writer: Writer,
    /// Cancelled when the publisher has to go: the host ends it, or the station stops.
    pub(crate) end: CancellationToken,
}

/// Who publishes now, and by which rule.
#[derive(Debug)]
pub(crate) struct Ingests {
    policy: Policy,
}

impl Ingests {
    /// Nobody yet.
    pub(crate) fn new(policy: Policy) -> Self {
        Self { policy }
    }
}

/// Lets a publisher in, or says why not.
///
/// # Errors
/// [`Code::Unauthorized`] for a missing or wrong key, [`Code::Conflict`] for a channel that is live,
/// [`Code::TooMany`] when the station is full.
pub(crate) fn admit(app: &App, request: Request<'_>) -> Result<Admission, Problem> {
    let Request {
        channel,
        origin,
        key,
        peer,
    } = request;
    if channel == ChannelName::program() {
        return Err(Problem::new(
            Code::Conflict,
            "The channel program belongs to this studio. Publish under another name.",
        ));
    }
    if app.ingests.policy != Policy::Open && key != Some(app.token.as_str()) {
        return Err(Problem::new(
            Code::Unauthorized,
            "This station takes publishers with a key alone. Ask the host for a publish link or a stream key.",
        ));
    }
    let info = ChannelInfo {
        origin,
        title: channel.to_string(),
    };
    let mut writer = app
        .hub
        .publish(channel, info, app.clock.now())
        .map_err(|error| {
            let code = match error {
                HubError::Full(_) => Code::TooMany,
                HubError::Name => Code::Invalid,
                HubError::Taken(_) => Code::Conflict,
            };
            Problem::new(code, format!("{error}."))
        })?;
    // The thread ends with the channel.
    drop(twin::start(writer.twin(twin::derive)));
    tracing::info!(channel = %writer.channel().name(), ?origin, %peer, "a publisher came");
    Ok(Admission {
        writer,
        end: app.ends.stop.child_token(),
    })
}
