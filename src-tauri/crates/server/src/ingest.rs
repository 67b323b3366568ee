//! Who may publish, and as what: the one door from WHIP, RTMP and the browser's WebSocket to the hub.
//!
//! A way in reads what a publisher says of itself, and [`admit`] decides: the rule of the station
//! ([`Policy`]), the key, and whether the channel is free. What comes back is the writing end of the
//! channel, and a token that ends it.

mod publishers;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use api::{Code, IngestInfo, LinkKind, Problem, PublishPolicy};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use media::{ChannelInfo, ChannelName, HubError, Origin, Standing, Writer};
use tokio_util::sync::CancellationToken;

use crate::access::{Fault, Holder, Pass};
use crate::app::App;
use crate::problem::Refusal;
use crate::twin;

pub(crate) use publishers::Ingests;
use publishers::Publisher;

/// The rule for publishers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// With a publish link or a stream key.
    #[default]
    Keyed,
    /// Anyone on the network.
    Open,
    /// Anyone, once the host agrees; with a key at once.
    Approve,
}

/// How publishers are treated.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Who comes in.
    pub policy: Policy,
    /// Whoever presents the key of a live channel takes it over.
    pub take_over: bool,
    /// A publisher that sends nothing for this long is ended.
    pub idle: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            take_over: false,
            idle: Duration::from_secs(3600),
        }
    }
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

/// A publisher that was let in. Its channel may be held still, or found by scenes alone
/// ([`media::Channel::standing`]).
#[derive(Debug)]
pub(crate) struct Admission {
    /// The channel's writing end. Dropping it ends the channel.
    pub(crate) writer: Writer,
    /// Cancelled when the publisher has to go: the host ends it, another takes over, or the station
    /// stops. The channel has ended by then; what is still written goes nowhere.
    pub(crate) end: CancellationToken,
    /// It came through a guest link.
    pub(crate) guest: bool,
}

/// Lets a publisher in, or says why not.
///
/// # Errors
/// [`Code::Unauthorized`] for a missing or wrong key, [`Code::Conflict`] for a channel that is live,
/// [`Code::TooMany`] when the station is full or too many wrong keys came from there.
pub(crate) fn admit(app: &App, request: Request<'_>) -> Result<Admission, Problem> {
    if request.channel.is_reserved() {
        return Err(ours(&request.channel));
    }
    let rules = app.ingests.rules();
    // Before the key is judged, so that a link cannot be taken back between that and the entry.
    let mut publishers = app.ingests.publishers();
    publishers.forget_ended();
    let pass = recognise(app, &request)?;
    let expires = pass.as_ref().and_then(|pass| pass.expires);
    let holder = pass.map(|pass| pass.holder);
    let guest = holder.as_ref().filter(|holder| holder.is_guest());
    let standing = match guest {
        Some(guest) if publishers.knows(guest) => Standing::Backstage,
        Some(_) => Standing::Held,
        None if rules.policy == Policy::Approve && holder.is_none() => Standing::Held,
        None => Standing::Live,
    };
    let Request {
        channel,
        origin,
        peer,
        ..
    } = request;

    let now = app.clock.now();
    publishers.may_return(&channel, (holder.as_ref(), peer), now)?;
    if standing == Standing::Held {
        publishers.room_to_wait(peer)?;
    }
    if let Some(live) = publishers.find(&channel) {
        let own = holder.is_some() && live.holder == holder;
        // A guest's own link replaces what is left of a connection that broke.
        if !own || !(rules.take_over || guest.is_some()) {
            return Err(live_already(&channel, own));
        }
        let by = holder.as_ref().map(Holder::recorded);
        live.put_out(
            &app.hub,
            "another one with the same key took over",
            by.as_deref(),
        );
        publishers.forget_ended();
    }
    let info = ChannelInfo {
        origin,
        title: channel.to_string(),
    };
    let opened = match standing {
        Standing::Held => app.hub.hold(channel, info, now),
        Standing::Backstage => app.hub.publish_backstage(channel, info, now),
        Standing::Live => app.hub.publish(channel, info, now),
    };
    let mut writer = opened.map_err(refused)?;
    // The thread ends with the channel.
    drop(twin::start(writer.twin(twin::derive)));
    let end = app.ends.stop.child_token();
    let guest = guest.is_some();
    let publisher = Publisher::new(&writer, peer, (holder, expires), end.clone(), now);
    publisher.came(match standing {
        Standing::Held => "came and waits",
        Standing::Backstage => "a guest came back",
        Standing::Live => "came",
    });
    publishers.add(publisher);
    Ok(Admission { writer, end, guest })
}

/// Whether a publisher would be let in now, without letting it in.
///
/// # Errors
/// As [`admit`].
pub(crate) fn check(app: &App, request: &Request<'_>) -> Result<(), Problem> {
    if request.channel.is_reserved() {
        return Err(ours(&request.channel));
    }
    let publishers = app.ingests.publishers();
    let holder = recognise(app, request)?.map(|pass| pass.holder);
    let from = (holder.as_ref(), request.peer);
    publishers.may_return(&request.channel, from, app.clock.now())?;
    match publishers.find(&request.channel) {
        Some(live) => {
            let own = holder.is_some() && live.holder == holder;
            let guest = holder.as_ref().is_some_and(Holder::is_guest);
            if own && (app.ingests.rules().take_over || guest) {
                Ok(())
            } else {
                Err(live_already(&request.channel, own))
            }
        }
        None => Ok(()),
    }
}

/// What a publisher who is not let in is answered over HTTP: 403 for one whom the host has ended.
pub(crate) fn answer(problem: Problem) -> Refusal {
    let ended = problem.subject.as_deref() == Some(publishers::ENDED);
    let refusal = Refusal::from(problem);
    if ended {
        refusal.with_status(StatusCode::FORBIDDEN)
    } else {
        refusal
    }
}

/// `GET /api/ingest`: how the station takes publishers, for pages that tell it.
pub(crate) async fn info(State(app): State<Arc<App>>) -> Json<IngestInfo> {
    Json(IngestInfo {
        rtmp_port: app.ingests.rtmp_port(),
        policy: match app.ingests.rules().policy {
            Policy::Keyed => PublishPolicy::Keyed,
            Policy::Open => PublishPolicy::Open,
            Policy::Approve => PublishPolicy::Approve,
        },
    })
}

/// Whether a publisher may come at all, where that takes a key: the first thing that is asked.
///
/// # Errors
/// As [`check`].
pub(crate) fn expects(app: &App, request: &Request<'_>) -> Result<(), Problem> {
    match app.ingests.rules().policy {
        Policy::Keyed => check(app, request),
        Policy::Open | Policy::Approve => Ok(()),
    }
}

/// How the broadcast of whoever has this key stands, and whether that is a guest.
///
/// # Errors
/// [`Code::Unauthorized`] for a missing or wrong key, [`Code::TooMany`] after too many wrong ones,
/// [`Code::NotFound`] when nobody publishes there with that right.
pub(crate) fn standing(app: &App, request: &Request<'_>) -> Result<(Standing, bool), Problem> {
    let now = app.clock.now();
    app.access.guesses.may_try(request.peer, now)?;
    let key = request.key.filter(|key| !key.is_empty());
    let pass = key.and_then(|key| {
        let brought = (key, Some(request.peer));
        app.judge(LinkKind::Publish, brought, Some(&request.channel))
    });
    let Some(pass) = pass else {
        if key.is_some() {
            wrong(app, request, None);
        }
        return Err(Problem::new(
            Code::Unauthorized,
            "This needs the key that the channel is published with.",
        ));
    };
    let mut publishers = app.ingests.publishers();
    publishers.forget_ended();
    let own = publishers.find(&request.channel);
    let own = own.filter(|live| live.holder.as_ref() == Some(&pass.holder));
    let told = own.map(|live| (live.standing(), pass.holder.is_guest()));
    told.ok_or_else(|| {
        let text = format!(
            "You do not publish on channel {} now. Start again.",
            request.channel
        );
        Problem::new(Code::NotFound, text)
    })
}

fn ours(channel: &ChannelName) -> Problem {
    let text = format!("The channel {channel} belongs to this studio. Publish under another name.");
    Problem::new(Code::Conflict, text)
}

/// By what right a publisher comes; none where it needs none.
fn recognise(app: &App, request: &Request<'_>) -> Result<Option<Pass>, Problem> {
    let keyed = app.ingests.rules().policy == Policy::Keyed;
    let Some(key) = request.key.filter(|key| !key.is_empty()) else {
        return if keyed {
            Err(Problem::new(
                Code::Unauthorized,
                "This station takes publishers with a key alone. Ask the host for a publish link or a stream key.",
            ))
        } else {
            Ok(None)
        };
    };
    let now = app.clock.now();
    if let Err(problem) = app.access.guesses.may_try(request.peer, now) {
        return if keyed { Err(problem) } else { Ok(None) };
    }
    let pass = app.judge(
        LinkKind::Publish,
        (key, Some(request.peer)),
        Some(&request.channel),
    );
    if pass.is_none() {
        let unix = app.clock.unix_millis(now);
        let fault = app
            .access
            .fault(LinkKind::Publish, key, &request.channel, unix);
        wrong(app, request, fault);
        if keyed {
            let channel = &request.channel;
            let text = match fault {
                None if app.access.is_astray(key, Some(request.peer)) => {
                    "The control token works on the studio's own machine. Ask the host for a publish link or a stream key.".into()
                }
                Some(fault) => format!(
                    "That token does not open channel {channel}: it {fault}. Ask whoever gave it to you for another one."
                ),
                None => format!(
                    "That key does not open channel {channel}. Ask the host for a new publish link or stream key."
                ),
            };
            return Err(Problem::new(Code::Unauthorized, text));
        }
    }
    Ok(pass)
}

/// Counts a wrong key, and writes it into the record.
fn wrong(app: &App, request: &Request<'_>, fault: Option<Fault>) {
    app.access.guesses.wrong(request.peer, app.clock.now());
    let detail = fault.map(|fault| format!("the token {fault}"));
    tracing::info!(
        target: crate::AUDIT, channel = %request.channel, peer = %request.peer, detail,
        "a publisher brought a key that is wrong or for another channel"
    );
}

fn live_already(channel: &ChannelName, own: bool) -> Problem {
    let next = if own {
        "End the other publisher first, or choose another name. The host can let the same key take over, with the setting ingest.take_over."
    } else {
        "Choose another name, or wait until it has ended."
    };
    Problem::new(
        Code::Conflict,
        format!("Channel {channel} is live already. {next}"),
    )
}

fn refused(error: HubError) -> Problem {
    let code = match error {
        HubError::Full(_) => Code::TooMany,
        HubError::Name => Code::Invalid,
        HubError::Taken(_) => Code::Conflict,
    };
    Problem::new(code, format!("{error}."))
}

#[cfg(test)]
mod tests;
