//! A session among the others: its role, and what follows from its events.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use media::{Channel, ChannelName, Timestamp, Writer};
use parking_lot::Mutex;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::OfferError;
use super::link::{Datagram, Exit};
use super::offer::{Remote, Trickled};
use super::payload::Unit;
use super::session::{Session, Stats};
use super::traffic::Counters;
use super::{inbound, session};

/// A channel to publish to.
#[derive(Debug)]
pub struct Publication {
    /// Its writing end. Dropped, and the channel with it, when the session is over.
    pub writer: Writer,
    /// Ends the session when it is cancelled, and is cancelled when the session is over.
    pub end: CancellationToken,
}

/// A session as seen from outside the media thread.
#[derive(Debug)]
pub(super) struct Board {
    pub(super) channel: ChannelName,
    /// Our ICE username fragment now.
    pub(super) fragment: Mutex<String>,
    /// Whether it publishes; it watches otherwise.
    pub(super) publishes: bool,
    pub(super) connected: AtomicBool,
    pub(super) bytes: AtomicU64,
    pub(super) packets: AtomicU64,
    pub(super) lost: AtomicU64,
    pub(super) missed: AtomicU64,
    /// In nanoseconds; 0 for unknown.
    pub(super) rtt: AtomicU64,
}

impl Board {
    /// Of a session that has done nothing yet.
    pub(super) fn new(channel: ChannelName, publishes: bool, fragment: String) -> Self {
        Self {
            channel,
            fragment: Mutex::new(fragment),
            publishes,
            connected: AtomicBool::new(false),
            bytes: AtomicU64::new(0),
            packets: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            missed: AtomicU64::new(0),
            rtt: AtomicU64::new(0),
        }
    }

    fn show(&self, stats: Stats, traffic: &Counters) {
        let side = if self.publishes {
            &traffic.publishers
        } else {
            &traffic.viewers
        };
        for (shown, stands, total) in [
            (&self.bytes, stats.bytes, &side.bytes),
            (&self.packets, stats.packets, &side.packets),
            (&self.lost, stats.lost, &side.lost),
            (&self.missed, stats.missed, &side.missed),
        ] {
            // What is lost may come late and be lost no more: a total only grows.
            let before = shown.swap(stands, Ordering::Relaxed);
            Counters::count(total, stands.saturating_sub(before));
        }
        let trip = stats.round_trip.map_or(0, |d| d.as_nanos().max(1));
        let trip = u64::try_from(trip).unwrap_or(u64::MAX);
        self.rtt.store(trip, Ordering::Relaxed);
    }
}

/// What a session is for.
pub(super) enum Role {
    /// Sends a channel.
    Viewer(Box<Session>),
    /// Writes one.
    Publisher(Box<Publisher>),
}

/// A publisher's session and the channel that it writes.
pub(super) struct Publisher {
    session: inbound::Session,
    writer: Writer,
    /// Tells whoever holds the token that the session is over.
    _end: DropGuard,
}

impl Publisher {
    /// A session that writes to this publication.
    pub(super) fn new(session: inbound::Session, publication: Publication) -> Self {
        Self {
            session,
            writer: publication.writer,
            _end: publication.end.drop_guard(),
        }
    }
}

/// What a session's owner has to see to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) connected: bool,
    pub(super) closed: bool,
    /// A viewer needs a keyframe.
    pub(super) keyframe_wanted: bool,
    /// A publisher's packets have gone to its channel.
    pub(super) wrote: bool,
}

/// A session of the media thread.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) fragment: String,
    pub(super) role: Role,
    pub(super) board: Arc<Board>,
    pub(super) deadline: Option<Timestamp>,
}

impl Publisher {
    /// The channel that it writes.
    pub(super) fn channel(&self) -> &Arc<Channel> {
        self.writer.channel()
    }
}

impl Entry {
    pub(super) fn handle_datagram(&mut self, datagram: Datagram, now: Timestamp) {
        match &mut self.role {
            Role::Viewer(session) => session.handle_datagram(datagram, now),
            Role::Publisher(publisher) => publisher.session.handle_datagram(datagram, now),
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Timestamp) {
        match &mut self.role {
            Role::Viewer(session) => session.handle_timeout(now),
            Role::Publisher(publisher) => publisher.session.handle_timeout(now),
        }
    }

    /// Sends a viewer media, and counts it. Gives whether some of it has to wait.
    pub(super) fn send(
        &mut self,
        units: &[Arc<Unit>],
        now: Timestamp,
        exit: &mut dyn Exit,
        traffic: &Counters,
    ) -> bool {
        if let Role::Viewer(session) = &mut self.role {
            for unit in units {
                session.handle_media(unit, unit.pts, now, exit);
            }
            self.board.show(session.stats(), traffic);
        }
        self.goes_on().is_some()
    }

    /// Sends a viewer what had to wait until now.
    pub(super) fn go_on(&mut self, now: Timestamp, exit: &mut dyn Exit, traffic: &Counters) {
        if let Role::Viewer(session) = &mut self.role {
            session.go_on(now, exit);
            self.board.show(session.stats(), traffic);
        }
    }

    /// Whether it is a viewer who has just joined, and catches up.
    pub(super) fn joins(&self) -> bool {
        matches!(&self.role, Role::Viewer(session) if session.joins())
    }

    /// When a viewer who has not got everything yet gets more.
    pub(super) fn goes_on(&self) -> Option<Timestamp> {
        match &self.role {
            Role::Viewer(session) => session.goes_on(),
            Role::Publisher(_) => None,
        }
    }

    /// Takes further addresses of the far end.
    pub(super) fn trickle(&mut self, more: &Trickled, now: Timestamp) {
        match &mut self.role {
            Role::Viewer(session) => session.trickle(more, now),
            Role::Publisher(publisher) => publisher.session.trickle(more, now),
        }
    }

    /// Looks for a path anew, under new names on both ends.
    pub(super) fn restart(
        &mut self,
        (fragment, password): (&str, &str),
        remote: &Remote,
        now: Timestamp,
    ) -> Result<(), OfferError> {
        let names = (fragment, password);
        match &mut self.role {
            Role::Viewer(session) => session.restart(names, remote, now)?,
            Role::Publisher(publisher) => publisher.session.restart(names, remote, now)?,
        }
        fragment.clone_into(&mut self.fragment);
        fragment.clone_into(&mut self.board.fragment.lock());
        Ok(())
    }

    pub(super) fn close(&mut self, now: Timestamp) {
        match &mut self.role {
            Role::Viewer(session) => session.close(now),
            Role::Publisher(publisher) => publisher.session.close(now),
        }
    }

    /// Carries out the session's events, as far as they are its own affair.
    pub(super) fn settle(&mut self, now: Timestamp) -> Outcome {
        let mut outcome = Outcome::default();
        match &mut self.role {
            Role::Viewer(session) => {
                while let Some(event) = session.poll_event() {
                    match event {
                        session::Event::Connected => outcome.connected = true,
                        session::Event::KeyframeWanted => outcome.keyframe_wanted = true,
                        session::Event::Closed => outcome.closed = true,
                    }
                }
            }
            Role::Publisher(publisher) => {
                let Publisher {
                    session, writer, ..
                } = &mut **publisher;
                while let Some(event) = session.poll_event() {
                    match event {
                        inbound::Event::Connected => outcome.connected = true,
                        inbound::Event::Tracks(tracks) => writer.set_tracks(tracks),
                        inbound::Event::Packet(packet) => {
                            writer.write(packet);
                            outcome.wrote = true;
                        }
                        inbound::Event::Closed => outcome.closed = true,
                    }
                }
                // Looked at whenever the publisher sends: many times in the life of a picture.
                if writer.signals(now).keyframe {
                    session.request_keyframe(now);
                }
            }
        }
        if outcome.connected {
            self.board.connected.store(true, Ordering::Relaxed);
        }
        outcome
    }

    pub(super) fn poll_transmit(&mut self) -> Option<Datagram> {
        match &mut self.role {
            Role::Viewer(session) => session.poll_transmit(),
            Role::Publisher(publisher) => publisher.session.poll_transmit(),
        }
    }

    /// Brings the deadline, the board and the totals up to date.
    pub(super) fn show(&mut self, traffic: &Counters) {
        let stats = match &mut self.role {
            Role::Viewer(session) => {
                self.deadline = session.deadline();
                session.stats()
            }
            Role::Publisher(publisher) => {
                self.deadline = publisher.session.deadline();
                publisher.session.stats()
            }
        };
        self.board.show(stats, traffic);
    }
}
