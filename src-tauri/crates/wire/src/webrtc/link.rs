//! What all sessions have in common, whichever way their media goes: an offer answered, a path found,
//! keys agreed, and an end.
//!
//! A link does no I/O and reads no clock. It is fed datagrams and the time, and is drained of datagrams
//! and news until it says when to come back. Behind it stands the `rtc` stack.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::BytesMut;
use media::{Clock, Timestamp};
use rtc::interceptor::{Registry, Slot};
use rtc::peer_connection::certificate::RTCCertificate;
use rtc::peer_connection::configuration::RTCConfigurationBuilder;
use rtc::peer_connection::event::RTCPeerConnectionEvent;
use rtc::peer_connection::message::{RTCMessage, TaggedRTCMessage};
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::state::{RTCIceConnectionState, RTCPeerConnectionState};
use rtc::peer_connection::transport::RTCDtlsTransportState;
use rtc::peer_connection::{RTCPeerConnection, RTCPeerConnectionBuilder};
use rtc::rtp_transceiver::{RTCRtpReceiverId, RTCRtpSenderId};
use rtc::sansio::Protocol;
use rtc::shared::error::Result;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};

use super::listener::{Ear, Heard, Listener};
use super::offer::Plan;
use super::{OfferError, candidates, setup, stun};

/// A session that hears nothing for so long, or does not connect, is over.
pub(crate) const SILENCE: Duration = Duration::from_secs(15);

/// Nominations kept until our own check has succeeded, one for each address they may come from.
const EARLY_NOMINATIONS: usize = 8;

/// A UDP datagram and its two ends.
#[derive(Clone, Debug)]
pub(crate) struct Datagram {
    pub(crate) local: SocketAddr,
    pub(crate) peer: SocketAddr,
    pub(crate) data: BytesMut,
}

/// What every session of a station has in common.
#[derive(Clone, Debug)]
pub(crate) struct Common {
    pub(crate) certificate: RTCCertificate,
    pub(crate) clock: Clock,
}

/// Names and secrets of one session, unguessable.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// The ICE username fragment by which its datagrams are found.
    pub(crate) fragment: String,
    /// The ICE password.
    pub(crate) password: String,
    /// Where its numbers begin.
    pub(crate) seed: u64,
}

/// What a session begins with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opening<'a> {
    pub(crate) common: &'a Common,
    pub(crate) identity: &'a Identity,
    /// Our addresses, best first.
    pub(crate) locals: &'a [SocketAddr],
    /// Addresses that others see and that lead to one of ours.
    pub(crate) extra: &'a [SocketAddr],
    pub(crate) now: Timestamp,
}

/// What changes once in the life of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// Media can flow from now on.
    Connected,
    /// It is over; nothing more comes but its last datagrams.
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Connecting,
    Connected,
    Closed,
}

#[derive(Clone, Copy, Debug)]
enum End {
    Sender(RTCRtpSenderId),
    Receiver(RTCRtpReceiverId),
}

/// A connection to one far end.
pub(crate) struct Link {
    clock: Clock,
    peer: RTCPeerConnection,
    ear: Ear,
    /// Any sender or receiver: through it the stack shows the state of the keys.
    end: Option<End>,
    state: State,
    /// When it ends unless something is heard before.
    expires: Timestamp,
    early: Vec<Datagram>,
    news: VecDeque<News>,
    outgoing: VecDeque<Datagram>,
}

impl Link {
    /// Answers a planned offer. `registry` holds the interceptors beside the one that listens; `add`
    /// brings in what is sent. What does not fit the stack is the offer's fault.
    pub(crate) fn answer(
        opening: &Opening<'_>,
        plan: Plan,
        registry: Registry,
        add: impl FnOnce(&mut RTCPeerConnection) -> Result<()>,
    ) -> std::result::Result<(Self, String), OfferError> {
        Self::negotiate(opening, plan, registry, add)
            .map_err(|error| OfferError::Malformed(error.to_string()))
    }

    fn negotiate(
        opening: &Opening<'_>,
        plan: Plan,
        registry: Registry,
        add: impl FnOnce(&mut RTCPeerConnection) -> Result<()>,
    ) -> Result<(Self, String)> {
        let Opening {
            common,
            identity,
            locals,
            extra,
            now,
        } = *opening;
        let clock = common.clock;
        let instant = clock.instant(now);
        let ear = Ear::default();
        let mut peer = RTCPeerConnectionBuilder::new()
            .with_configuration(
                RTCConfigurationBuilder::new()
                    .with_certificates(vec![common.certificate.clone()])
                    .build(),
            )
            .with_setting_engine(setup::settings(
                &identity.fragment,
                &identity.password,
                plan.peer_begins,
            ))
            .with_media_engine(setup::media_engine(
                plan.video.as_ref(),
                plan.audio.as_ref(),
            )?)
            .with_interceptor_registry(
                registry.with(Slot::JitterBuffer, Listener::new(ear.clone())),
            )
            .build(instant)?;
        add(&mut peer)?;
        peer.set_remote_description(instant, RTCSessionDescription::offer(plan.sdp)?)?;
        for local in locals {
            peer.add_local_candidate(candidates::host(*local)?)?;
        }
        let answer = peer.create_answer(None)?;
        let sdp = candidates::with_extra(&answer.sdp, extra);
        peer.set_local_description(instant, answer)?;
        let sender = peer.get_senders().next().map(End::Sender);
        let end = sender.or_else(|| peer.get_receivers().next().map(End::Receiver));
        let link = Self {
            clock,
            peer,
            ear,
            end,
            state: State::Connecting,
            expires: now + SILENCE,
            early: Vec::new(),
            news: VecDeque::new(),
            outgoing: VecDeque::new(),
        };
        Ok((link, sdp))
    }

    /// Whether media can flow.
    pub(crate) fn connected(&self) -> bool {
        self.state == State::Connected
    }

    /// Takes a datagram from the network.
    pub(crate) fn handle_datagram(&mut self, datagram: Datagram, now: Timestamp) {
        if self.state == State::Closed {
            return;
        }
        if self.state == State::Connected {
            self.expires = now + SILENCE;
        }
        let message = stun::parse(&datagram.data);
        let answered = message == Some(stun::Message::Success);
        let nominates = matches!(
            message,
            Some(stun::Message::Request {
                nominates: true,
                ..
            })
        );
        if nominates && self.state == State::Connecting {
            self.keep_nomination(&datagram);
        }
        self.read(datagram, now);
        if answered && self.state == State::Connecting {
            // The stack leaves a nomination unanswered that overtakes our own check of the pair, and
            // the far end repeats it late. Now that a check of ours is through, it may count.
            for datagram in std::mem::take(&mut self.early) {
                self.early.push(datagram.clone());
                self.read(datagram, now);
            }
        }
        self.settle(now);
    }

    fn keep_nomination(&mut self, datagram: &Datagram) {
        self.early
            .retain(|d| (d.local, d.peer) != (datagram.local, datagram.peer));
        if self.early.len() < EARLY_NOMINATIONS {
            self.early.push(datagram.clone());
        }
    }

    fn read(&mut self, datagram: Datagram, now: Timestamp) {
        let message = TaggedBytesMut {
            now: self.clock.instant(now),
            transport: TransportContext {
                local_addr: datagram.local,
                peer_addr: datagram.peer,
                transport_protocol: TransportProtocol::UDP,
                ecn: None,
            },
            message: datagram.data,
        };
        if let Err(error) = self.peer.handle_read(message) {
            tracing::debug!(%error, "a datagram was not understood");
        }
    }

    /// Lets time pass.
    pub(crate) fn handle_timeout(&mut self, now: Timestamp) {
        if self.state == State::Closed {
            return;
        }
        if now >= self.expires {
            self.close(now);
            return;
        }
        self.tick(now);
        self.settle(now);
    }

    fn tick(&mut self, now: Timestamp) {
        if let Err(error) = self.peer.handle_timeout(self.clock.instant(now)) {
            tracing::debug!(%error, "a session failed");
            self.close(now);
        }
    }

    /// Sends an RTP packet.
    pub(crate) fn send_rtp(&mut self, packet: rtc::rtp::Packet, now: Timestamp) {
        self.send(RTCMessage::RtpPacket(String::new(), packet), now);
    }

    /// Sends RTCP packets as one compound.
    pub(crate) fn send_rtcp(&mut self, packets: Vec<Box<dyn rtc::rtcp::Packet>>, now: Timestamp) {
        self.send(RTCMessage::RtcpPacket(String::new(), packets), now);
    }

    fn send(&mut self, message: RTCMessage, now: Timestamp) {
        let now = self.clock.instant(now);
        if let Err(error) = self.peer.handle_write(TaggedRTCMessage { now, message }) {
            tracing::debug!(%error, "a packet could not be sent");
        }
    }

    /// What the far end has sent since the last call.
    pub(crate) fn listen(&mut self) -> Heard {
        self.ear.take()
    }

    /// Ends it; the last datagrams tell the far end (DTLS `close_notify`).
    pub(crate) fn close(&mut self, now: Timestamp) {
        if self.state == State::Closed {
            return;
        }
        self.state = State::Closed;
        self.news.push_back(News::Closed);
        // The stack stamps its farewell with the newest time it was given.
        drop(self.peer.handle_timeout(self.clock.instant(now)));
        if let Err(error) = self.peer.close() {
            tracing::debug!(%error, "a session did not close cleanly");
        }
    }

    /// Events first, then reads; writes follow when the owner drains them.
    fn settle(&mut self, now: Timestamp) {
        // The DTLS hello leaves only in a timeout, so one follows each change of the path; a second
        // round sees what that brought about.
        loop {
            let mut changed = false;
            while let Some(event) = self.peer.poll_event() {
                changed |= self.handle_event(&event, now);
            }
            if !changed || self.state == State::Closed {
                break;
            }
            // Answers to the far end's checks must go before the hello, or it is not ready for it.
            self.drain();
            self.tick(now);
        }
        // Media and reports are left with the ear, on their way here.
        while self.peer.poll_read().is_some() {}
        if self.state == State::Connected && self.left() {
            self.close(now);
        }
    }

    /// Whether the far end has said goodbye (DTLS `close_notify`). The stack goes on calling such a
    /// connection connected, as W3C's aggregate state does.
    fn left(&mut self) -> bool {
        let state = match self.end {
            Some(End::Sender(id)) => {
                let sender = self.peer.rtp_sender(id);
                sender.and_then(|s| s.transport().map(|t| t.state()))
            }
            Some(End::Receiver(id)) => {
                let receiver = self.peer.rtp_receiver(id);
                receiver.and_then(|r| r.transport().map(|t| t.state()))
            }
            None => None,
        };
        state == Some(RTCDtlsTransportState::Closed)
    }

    /// Whether the path changed.
    fn handle_event(&mut self, event: &RTCPeerConnectionEvent, now: Timestamp) -> bool {
        match event {
            RTCPeerConnectionEvent::OnIceConnectionStateChangeEvent(state) => {
                if *state == RTCIceConnectionState::Connected {
                    self.early.clear();
                }
                true
            }
            RTCPeerConnectionEvent::OnConnectionStateChangeEvent(state) => {
                match state {
                    RTCPeerConnectionState::Connected if self.state == State::Connecting => {
                        self.state = State::Connected;
                        self.expires = now + SILENCE;
                        self.news.push_back(News::Connected);
                    }
                    RTCPeerConnectionState::Failed | RTCPeerConnectionState::Closed => {
                        self.close(now);
                    }
                    _ => {}
                }
                false
            }
            _ => false,
        }
    }

    fn drain(&mut self) {
        while let Some(message) = self.peer.poll_write() {
            self.outgoing.push_back(Datagram {
                local: message.transport.local_addr,
                peer: message.transport.peer_addr,
                data: message.message,
            });
        }
    }

    /// The next datagram to send, until there is none.
    pub(crate) fn poll_transmit(&mut self) -> Option<Datagram> {
        if self.outgoing.is_empty() {
            self.drain();
        }
        self.outgoing.pop_front()
    }

    /// What has changed, until nothing has.
    pub(crate) fn poll_news(&mut self) -> Option<News> {
        self.news.pop_front()
    }

    /// When [`Link::handle_timeout`] is due; `None` once closed.
    pub(crate) fn deadline(&mut self) -> Option<Timestamp> {
        if self.state == State::Closed {
            return None;
        }
        let stack = self.peer.poll_timeout().map(|at| self.clock.stamp(at));
        Some(stack.map_or(self.expires, |at| at.min(self.expires)))
    }
}
