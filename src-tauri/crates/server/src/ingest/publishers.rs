//! Who publishes now: seen by the host, let in, and put out.

use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use api::{ChannelSource, Code, Problem};
use media::{Channel, ChannelName, Clock, Hub, Origin, Standing, Timestamp, Writer};
use parking_lot::{Mutex, MutexGuard, RwLock};
use tokio_util::sync::CancellationToken;

use super::Rules;
use crate::access::{Holder, network};

/// Publishers from one address that may wait for the host at once: nobody may fill the station by
/// knocking.
const WAITING_MAX: usize = 3;

/// How long whoever the host has ended stays out of that channel: long enough for a program that comes back by itself to
/// be told, and to give up.
const STAYS_OUT: Duration = Duration::from_secs(60);

/// Those of whom this is remembered, the newest.
const ENDED_MAX: usize = 64;

/// What a problem of one of those is about.
pub(super) const ENDED: &str = "ended";

/// Who publishes now, and by which rules.
#[derive(Debug)]
pub(crate) struct Ingests {
    rules: RwLock<Rules>,
    /// Where encoders reach it by RTMP, if they do.
    rtmp: RwLock<Option<u16>>,
    publishers: Mutex<Publishers>,
}

impl Ingests {
    /// Nobody yet.
    pub(crate) fn new(rules: Rules) -> Self {
        Self {
            rules: RwLock::new(rules),
            rtmp: RwLock::default(),
            publishers: Mutex::default(),
        }
    }

    /// The rules now.
    pub(crate) fn rules(&self) -> Rules {
        *self.rules.read()
    }

    /// Other rules, for whoever comes from now on.
    pub(crate) fn set_rules(&self, rules: Rules) {
        *self.rules.write() = rules;
    }

    /// The port of RTMP, where it is taken.
    pub(crate) fn rtmp_port(&self) -> Option<u16> {
        *self.rtmp.read()
    }

    /// RTMP is taken at this port from now on, or not at all.
    pub(crate) fn set_rtmp_port(&self, port: Option<u16>) {
        *self.rtmp.write() = port;
    }

    pub(super) fn publishers(&self) -> MutexGuard<'_, Publishers> {
        self.publishers.lock()
    }

    /// As if the minute had passed.
    #[cfg(test)]
    pub(crate) fn forget_whom_the_host_ended(&self) {
        self.publishers().ended.clear();
    }

    /// Whether the host has not ended a holder on a channel just now.
    #[cfg(test)]
    pub(crate) fn may_return(
        &self,
        channel: &ChannelName,
        holder: &Holder,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let nowhere = IpAddr::from([0, 0, 0, 0]);
        self.publishers()
            .may_return(channel, (Some(holder), nowhere), now)
    }

    /// Everyone, those that wait first, then by channel.
    pub(crate) fn list(&self, clock: &Clock) -> Vec<api::Publisher> {
        let mut publishers = self.publishers();
        publishers.forget_ended();
        let mut all: Vec<_> = publishers.all.iter().map(|p| p.describe(clock)).collect();
        all.sort_by(|a, b| (!a.held, &a.channel).cmp(&(!b.held, &b.channel)));
        all
    }

    /// Lets a publisher that waits go live; a guest backstage, where scenes find it, and from now on
    /// without waiting whenever it comes back.
    ///
    /// # Errors
    /// [`Code::NotFound`] when nobody waits there.
    pub(crate) fn admit(&self, hub: &Hub, channel: &str) -> Result<(), Problem> {
        let mut publishers = self.publishers();
        let found = publishers.all.iter().find(|p| p.is(channel));
        let publisher = found.filter(|p| hub.admit(p.channel.name(), p.destined()));
        let publisher = publisher.ok_or_else(|| {
            let text = format!("Nobody waits to publish on channel {channel}; they may have left.");
            Problem::new(Code::NotFound, text).about(channel)
        })?;
        publisher.note("was let in by the host", None);
        let guest = publisher.guest().map(str::to_owned);
        publishers.known.extend(guest);
        Ok(())
    }

    /// Ends a publisher, whether it waits or is live. One that was live stays out for a minute.
    ///
    /// # Errors
    /// [`Code::NotFound`] when nobody publishes there.
    pub(crate) fn end(&self, hub: &Hub, channel: &str, now: Timestamp) -> Result<(), Problem> {
        let mut publishers = self.publishers();
        let found = publishers.all.iter().find(|p| p.is(channel));
        let publisher = found.ok_or_else(|| {
            let text = format!("Nobody publishes on channel {channel}; they may have left.");
            Problem::new(Code::NotFound, text).about(channel)
        })?;
        let why = if publisher.channel.is_held() {
            "the host refused"
        } else {
            "the host ended it"
        };
        let held = publisher.channel.is_held();
        publisher.put_out(hub, why, None);
        let ended = Ended {
            channel: publisher.channel.name().clone(),
            holder: publisher.holder.clone(),
            from: network(publisher.peer),
            at: now,
        };
        if let Some(guest) = publisher.guest().map(str::to_owned) {
            publishers.known.remove(&guest);
        }
        if !held {
            publishers.ended.truncate(ENDED_MAX - 1);
            publishers.ended.push_front(ended);
        }
        publishers.forget_ended();
        Ok(())
    }

    /// Ends everyone who came through a link.
    pub(crate) fn end_of_link(&self, hub: &Hub, link: &str) {
        let mut publishers = self.publishers();
        publishers.known.remove(link);
        for publisher in &publishers.all {
            if matches!(&publisher.holder, Some(Holder::Link { id, .. }) if id == link) {
                publisher.put_out(hub, "the link was taken back", None);
            }
        }
        publishers.forget_ended();
    }

    /// Whether somebody publishes a channel now.
    pub(crate) fn publishes(&self, channel: &ChannelName, holder: &Holder) -> bool {
        let publishers = self.publishers();
        let live = publishers.find(channel).filter(|p| !p.channel.has_ended());
        live.is_some_and(|p| p.holder.as_ref() == Some(holder))
    }

    /// Forgets who has left, and ends who sends nothing, or came by a right that has run out by `unix`, in
    /// milliseconds since 1970 UTC. To be called now and then.
    pub(crate) fn sweep(&self, hub: &Hub, now: Timestamp, unix: i64) {
        let idle = self.rules().idle;
        let mut publishers = self.publishers();
        publishers.forget_ended();
        for publisher in &mut publishers.all {
            let packets = publisher.channel.totals().packets;
            if publisher.expires.is_some_and(|at| unix >= at) {
                publisher.put_out(hub, "its link or token has run out", Some("Klieg"));
            } else if packets != publisher.heard.0 {
                publisher.heard = (packets, now);
            } else if now.since(publisher.heard.1) >= idle {
                publisher.put_out(hub, "nothing came from it for too long", Some("Klieg"));
            }
        }
        publishers.forget_ended();
    }
}

/// Everyone who publishes; few enough to look through.
#[derive(Debug, Default)]
pub(super) struct Publishers {
    all: Vec<Publisher>,
    /// Links of guests who were let in, and were not ended since: they need not wait again.
    known: BTreeSet<String>,
    /// Whom the host has ended, the newest first.
    ended: VecDeque<Ended>,
}

/// Whom the host has ended: whoever had this right, or, where none was needed, came from there.
#[derive(Debug)]
struct Ended {
    channel: ChannelName,
    holder: Option<Holder>,
    from: IpAddr,
    at: Timestamp,
}

impl Publishers {
    pub(super) fn forget_ended(&mut self) {
        self.all.retain(|p| !p.channel.has_ended());
    }

    pub(super) fn find(&self, channel: &ChannelName) -> Option<&Publisher> {
        self.all.iter().find(|p| p.channel.name() == channel)
    }

    pub(super) fn add(&mut self, publisher: Publisher) {
        self.all.push(publisher);
    }

    /// Whether a guest was let in before.
    pub(super) fn knows(&self, guest: &Holder) -> bool {
        matches!(guest, Holder::Link { id, guest: true, .. } if self.known.contains(id))
    }

    /// Whether somebody may come back, whom the host may have ended just now.
    ///
    /// # Errors
    /// [`Code::Conflict`], about [`ENDED`].
    pub(super) fn may_return(
        &self,
        channel: &ChannelName,
        (holder, peer): (Option<&Holder>, IpAddr),
        now: Timestamp,
    ) -> Result<(), Problem> {
        let is = |ended: &&Ended| {
            ended.channel == *channel
                && ended.holder.as_ref() == holder
                && (holder.is_some() || ended.from == network(peer))
                && now.since(ended.at) < STAYS_OUT
        };
        if !self.ended.iter().any(|ended| is(&ended)) {
            return Ok(());
        }
        let text = format!(
            "The host ended this broadcast. Ask the host, or begin anew on channel {channel} in a minute."
        );
        Err(Problem::new(Code::Conflict, text).about(ENDED))
    }

    /// Whether one more from an address may wait.
    ///
    /// # Errors
    /// [`Code::TooMany`].
    pub(super) fn room_to_wait(&self, peer: IpAddr) -> Result<(), Problem> {
        let from = network(peer);
        let waiting = |p: &&Publisher| p.channel.is_held() && network(p.peer) == from;
        if self.all.iter().filter(waiting).count() < WAITING_MAX {
            return Ok(());
        }
        Err(Problem::new(
            Code::TooMany,
            "Too many publishers from this address wait for the host already. Wait until one is let in.",
        ))
    }
}

/// One who publishes.
#[derive(Debug)]
pub(super) struct Publisher {
    channel: Arc<Channel>,
    peer: IpAddr,
    pub(super) holder: Option<Holder>,
    /// When its right runs out, in milliseconds since 1970 UTC.
    expires: Option<i64>,
    end: CancellationToken,
    /// Packets so far, and when that figure was new.
    heard: (u64, Timestamp),
}

impl Publisher {
    pub(super) fn new(
        writer: &Writer,
        peer: IpAddr,
        (holder, expires): (Option<Holder>, Option<i64>),
        end: CancellationToken,
        now: Timestamp,
    ) -> Self {
        Self {
            channel: Arc::clone(writer.channel()),
            peer: peer.to_canonical(),
            holder,
            expires,
            end,
            heard: (0, now),
        }
    }

    /// Ends it at once, in somebody's name. Its channel is free when this returns: nobody waits for
    /// whoever still writes.
    pub(super) fn put_out(&self, hub: &Hub, why: &str, by: Option<&str>) {
        hub.end(&self.channel);
        self.end.cancel();
        self.note(why, by);
    }

    /// A line for the record of who did what: that it came itself.
    pub(super) fn came(&self, what: &str) {
        let by = self.holder.as_ref().map(Holder::recorded);
        tracing::info!(
            target: crate::AUDIT, channel = %self.channel.name(), origin = ?self.channel.origin(),
            peer = %self.peer, by, "publisher: {what}"
        );
    }

    /// A line for the record: what was done with it. Without a name it is done by whoever gives the
    /// command that is being carried out.
    fn note(&self, what: &str, by: Option<&str>) {
        let through = self.holder.as_ref().map(Holder::recorded);
        tracing::info!(
            target: crate::AUDIT, channel = %self.channel.name(), origin = ?self.channel.origin(),
            publisher = %self.peer, through, by, "publisher: {what}"
        );
    }

    /// Who finds its channel now.
    pub(super) fn standing(&self) -> Standing {
        self.channel.standing()
    }

    /// The link that a guest came through.
    fn guest(&self) -> Option<&str> {
        match &self.holder {
            Some(Holder::Link {
                id, guest: true, ..
            }) => Some(id),
            _ => None,
        }
    }

    /// Who finds its channel once the host has let it in.
    fn destined(&self) -> Standing {
        match self.guest() {
            Some(_) => Standing::Backstage,
            None => Standing::Live,
        }
    }

    fn is(&self, channel: &str) -> bool {
        self.channel.name().as_str() == channel && !self.channel.has_ended()
    }

    fn describe(&self, clock: &Clock) -> api::Publisher {
        api::Publisher {
            channel: self.channel.name().to_string(),
            source: match self.channel.origin() {
                Origin::Program => ChannelSource::Program,
                Origin::Whip => ChannelSource::Whip,
                Origin::Rtmp => ChannelSource::Rtmp,
            },
            address: self.peer.to_string(),
            by: self.holder.as_ref().map(|h| h.name().to_owned()),
            since: clock.unix_millis(self.channel.since()),
            held: self.channel.is_held(),
            guest: self.guest().is_some(),
        }
    }
}
