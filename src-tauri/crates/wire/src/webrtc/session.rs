//! One viewer: an offer answered, a path found, keys agreed, media sent.
//!
//! A session does no I/O and reads no clock. It is fed datagrams, access units and the time, and is
//! drained of datagrams and events until it says when to come back. Behind it stands the `rtc` stack,
//! which no other module of the station names.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use media::{Clock, Kind, Timestamp, Track};
use rtc::interceptor::{NackResponderBuilder, Registry, Slot};
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::certificate::RTCCertificate;
use rtc::peer_connection::configuration::RTCConfigurationBuilder;
use rtc::peer_connection::event::RTCPeerConnectionEvent;
use rtc::peer_connection::message::{RTCMessage, TaggedRTCMessage};
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::state::{RTCIceConnectionState, RTCPeerConnectionState};
use rtc::peer_connection::transport::RTCDtlsTransportState;
use rtc::peer_connection::{RTCPeerConnection, RTCPeerConnectionBuilder};
use rtc::rtp_transceiver::{RTCRtpSenderId, RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use rtc::sansio::Protocol;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};

use super::listener::{Ear, Listener};
use super::offer::{self, Codec, Plan};
use super::outbound::{self, Outbound, REPORT_INTERVAL};
use super::payload::{AUDIO_RATE, Unit, VIDEO_RATE};
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

/// What a session tells its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Media can be sent from now on.
    Connected,
    /// The viewer needs a keyframe.
    KeyframeWanted,
    /// It is over; nothing more comes but its last datagrams.
    Closed,
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

/// A viewer's session.
pub(crate) struct Session {
    clock: Clock,
    peer: RTCPeerConnection,
    ear: Ear,
    cname: Bytes,
    video: Option<Outbound>,
    audio: Option<Outbound>,
    /// Any sender: through it the stack shows the state of the keys.
    sender: Option<RTCRtpSenderId>,
    state: State,
    awaiting_key: bool,
    /// When the session ends unless something is heard before.
    expires: Timestamp,
    next_report: Option<Timestamp>,
    early: Vec<Datagram>,
    events: VecDeque<Event>,
    outgoing: VecDeque<Datagram>,
    stats: Stats,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Connecting,
    Connected,
    Closed,
}

/// What has been sent, and what the viewer reports of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stats {
    pub(crate) bytes: u64,
    pub(crate) packets: u64,
    pub(crate) lost: u64,
    pub(crate) round_trip: Option<Duration>,
}

impl Session {
    /// Answers an offer. `locals` are our addresses, best first; `extra` are addresses that others
    /// see and that lead to one of them.
    pub(crate) fn answer(
        common: &Common,
        identity: &Identity,
        offer: &str,
        tracks: &[Track],
        locals: &[SocketAddr],
        extra: &[SocketAddr],
        now: Timestamp,
    ) -> Result<(Self, String), OfferError> {
        let Plan {
            video,
            audio,
            peer_begins,
            sdp,
        } = offer::plan(offer, tracks)?;
        let clock = common.clock;
        let instant = clock.instant(now);
        let ear = Ear::default();
        let registry = Registry::new()
            .with(Slot::NackResponder, NackResponderBuilder::new().build())
            .with(Slot::JitterBuffer, Listener::new(ear.clone()));
        let mut peer = RTCPeerConnectionBuilder::new()
            .with_configuration(
                RTCConfigurationBuilder::new()
                    .with_certificates(vec![common.certificate.clone()])
                    .build(),
            )
            .with_setting_engine(setup::settings(
                &identity.fragment,
                &identity.password,
                peer_begins,
            ))
            .with_media_engine(setup::media_engine(video.as_ref(), audio.as_ref()).map_err(broken)?)
            .with_interceptor_registry(registry)
            .build(instant)
            .map_err(broken)?;

        let outbound = |kind: Kind, codec: &Codec| {
            let (index, rate) = match kind {
                Kind::Video => (0, VIDEO_RATE),
                Kind::Audio => (1, AUDIO_RATE),
            };
            // Distinct by construction: the low bits tell stream and retransmissions apart.
            let ssrc = ((identity.seed >> 8) as u32 & !7) | (index << 1) | 1;
            let seed = identity.seed.rotate_left(17 + 23 * index);
            Outbound::new(ssrc, codec.payload_type, rate, seed)
        };
        let stream = identity.fragment.as_str();
        let mut add = |kind: Kind, codec: &Codec| -> Result<Outbound, OfferError> {
            let sender = outbound(kind, codec);
            let track: MediaStreamTrack = setup::track(stream, kind, codec, sender.ssrc);
            let encodings = track.codings().to_vec();
            let init = RTCRtpTransceiverInit {
                direction: RTCRtpTransceiverDirection::Sendonly,
                streams: vec![stream.to_owned()],
                send_encodings: encodings,
            };
            peer.add_transceiver_from_track(track, Some(init))
                .map_err(broken)?;
            Ok(sender)
        };
        let video = video.map(|c| add(Kind::Video, &c)).transpose()?;
        let audio = audio.map(|c| add(Kind::Audio, &c)).transpose()?;

        let offer = RTCSessionDescription::offer(sdp).map_err(broken)?;
        peer.set_remote_description(instant, offer)
            .map_err(broken)?;
        for local in locals {
            peer.add_local_candidate(candidates::host(*local).map_err(broken)?)
                .map_err(broken)?;
        }
        let answer = peer.create_answer(None).map_err(broken)?;
        let sdp = candidates::with_extra(&answer.sdp, extra);
        peer.set_local_description(instant, answer)
            .map_err(broken)?;
        let sender = peer.get_senders().next();
        let session = Self {
            clock,
            peer,
            sender,
            ear,
            cname: Bytes::copy_from_slice(stream.as_bytes()),
            awaiting_key: video.is_some(),
            video,
            audio,
            state: State::Connecting,
            expires: now + SILENCE,
            next_report: None,
            early: Vec::new(),
            events: VecDeque::new(),
            outgoing: VecDeque::new(),
            stats: Stats::default(),
        };
        Ok((session, sdp))
    }

    /// Whether media can be sent.
    #[cfg(test)]
    fn connected(&self) -> bool {
        self.state == State::Connected
    }

    /// What has been sent so far.
    pub(crate) fn stats(&self) -> Stats {
        self.stats
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
            tracing::debug!(%error, "a viewer's datagram was not understood");
        }
    }

    /// Sends an access unit as shown at `pts`. Without a connection, or before the first keyframe,
    /// it is left out.
    pub(crate) fn handle_media(&mut self, unit: &Unit, pts: Timestamp, now: Timestamp) {
        if self.state != State::Connected {
            return;
        }
        let stream = match unit.kind {
            Kind::Video if self.awaiting_key && !unit.keyframe => return,
            Kind::Video => &mut self.video,
            Kind::Audio => &mut self.audio,
        };
        let Some(stream) = stream else { return };
        if unit.kind == Kind::Video {
            self.awaiting_key = false;
        }
        let instant = self.clock.instant(now);
        for packet in stream.packets(unit, pts) {
            let message = TaggedRTCMessage {
                now: instant,
                message: RTCMessage::RtpPacket(String::new(), packet),
            };
            if let Err(error) = self.peer.handle_write(message) {
                tracing::debug!(%error, "a packet could not be sent to a viewer");
            }
        }
        self.stats.packets += unit.payloads.len() as u64;
        self.stats.bytes += unit.bytes() as u64;
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
        if self.next_report.is_some_and(|at| now >= at) {
            self.send_reports(now);
        }
        self.tick(now);
        self.settle(now);
    }

    fn tick(&mut self, now: Timestamp) {
        if let Err(error) = self.peer.handle_timeout(self.clock.instant(now)) {
            tracing::debug!(%error, "a viewer's session failed");
            self.close(now);
        }
    }

    fn send_reports(&mut self, now: Timestamp) {
        self.next_report = Some(now + REPORT_INTERVAL);
        let instant = self.clock.instant(now);
        for stream in [&self.video, &self.audio].into_iter().flatten() {
            let report = stream.report(&self.clock, now, &self.cname);
            let message = TaggedRTCMessage {
                now: instant,
                message: RTCMessage::RtcpPacket(String::new(), report),
            };
            if let Err(error) = self.peer.handle_write(message) {
                tracing::debug!(%error, "a report could not be sent to a viewer");
            }
        }
    }

    /// Ends the session; the last datagrams tell the viewer (DTLS `close_notify`).
    pub(crate) fn close(&mut self, now: Timestamp) {
        if self.state == State::Closed {
            return;
        }
        self.state = State::Closed;
        self.events.push_back(Event::Closed);
        // The stack stamps its farewell with the newest time it was given.
        drop(self.peer.handle_timeout(self.clock.instant(now)));
        if let Err(error) = self.peer.close() {
            tracing::debug!(%error, "a viewer's session did not close cleanly");
        }
    }

    /// Events first, then reads; writes follow when the owner drains them.
    fn settle(&mut self, now: Timestamp) {
        // The DTLS hello leaves only in a timeout, so one follows each change of the path; a second
        // round sees what that brought about.
        loop {
            let mut changed = false;
            while let Some(event) = self.peer.poll_event() {
                changed |= self.handle_event(event, now);
            }
            if !changed || self.state == State::Closed {
                break;
            }
            // Answers to the far end's checks must go before the hello, or it is not ready for it.
            self.drain();
            self.tick(now);
        }
        while self.peer.poll_read().is_some() {}
        self.listen(now);
        if self.state == State::Connected && self.left() {
            self.close(now);
        }
    }

    /// Whether the viewer has said goodbye (DTLS `close_notify`). The stack goes on calling such a
    /// connection connected, as W3C's aggregate state does.
    fn left(&mut self) -> bool {
        let sender = self.sender.and_then(|id| self.peer.rtp_sender(id));
        let state = sender.and_then(|s| s.transport().map(|t| t.state()));
        state == Some(RTCDtlsTransportState::Closed)
    }

    /// Whether the path changed.
    fn handle_event(&mut self, event: RTCPeerConnectionEvent, now: Timestamp) -> bool {
        match event {
            RTCPeerConnectionEvent::OnIceConnectionStateChangeEvent(state) => {
                if state == RTCIceConnectionState::Connected {
                    self.early.clear();
                }
                true
            }
            RTCPeerConnectionEvent::OnConnectionStateChangeEvent(state) => {
                match state {
                    RTCPeerConnectionState::Connected if self.state == State::Connecting => {
                        self.state = State::Connected;
                        self.expires = now + SILENCE;
                        self.events.push_back(Event::Connected);
                        self.send_reports(now);
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

    fn listen(&mut self, now: Timestamp) {
        let heard = self.ear.take();
        if heard.keyframe && self.state == State::Connected {
            self.events.push_back(Event::KeyframeWanted);
        }
        for report in heard.reports {
            if self.video.as_ref().is_some_and(|v| v.ssrc == report.ssrc) {
                self.stats.lost = u64::from(report.lost);
            }
            let trip = outbound::round_trip(&self.clock, now, report.last_report, report.delay);
            self.stats.round_trip = trip.or(self.stats.round_trip);
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

    /// The next event, until there is none.
    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Session::handle_timeout`] is due; `None` once closed.
    pub(crate) fn deadline(&mut self) -> Option<Timestamp> {
        if self.state == State::Closed {
            return None;
        }
        let stack = self.peer.poll_timeout().map(|at| self.clock.stamp(at));
        [stack, self.next_report, Some(self.expires)]
            .into_iter()
            .flatten()
            .min()
    }
}

fn broken(error: rtc::shared::error::Error) -> OfferError {
    OfferError::Malformed(error.to_string())
}

#[cfg(test)]
mod tests;
