//! One viewer: media sent over a [`Link`], and what it reports of it.
//!
//! A session does no I/O and reads no clock. It is fed datagrams, access units and the time, and is
//! drained of datagrams and events until it says when to come back.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use media::{Clock, Kind, Timestamp, Track};
use rtc::interceptor::{NackResponderBuilder, Registry, Slot};
use rtc::peer_connection::RTCPeerConnection;
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use rtc::shared::error::Result;

use super::link::{Datagram, Identity, Link, News, Opening};
use super::offer::{self, Codec};
use super::outbound::{self, Outbound, REPORT_INTERVAL};
use super::payload::{AUDIO_RATE, Unit, VIDEO_RATE};
use super::{OfferError, setup};

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

/// A viewer's session.
pub(crate) struct Session {
    clock: Clock,
    link: Link,
    cname: Bytes,
    video: Option<Outbound>,
    audio: Option<Outbound>,
    awaiting_key: bool,
    next_report: Option<Timestamp>,
    events: VecDeque<Event>,
    stats: Stats,
}

/// What a session has carried, and how it got there.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stats {
    pub(crate) bytes: u64,
    pub(crate) packets: u64,
    pub(crate) lost: u64,
    pub(crate) round_trip: Option<Duration>,
}

impl Session {
    /// Answers an offer to watch a channel with these tracks.
    pub(crate) fn answer(
        opening: &Opening<'_>,
        offer: &str,
        tracks: &[Track],
    ) -> std::result::Result<(Self, String), OfferError> {
        let plan = offer::plan_viewer(offer, tracks)?;
        let identity = opening.identity;
        let stream = |kind, codec: &Option<Codec>| {
            let codec = codec.as_ref()?;
            Some((codec.clone(), outgoing(identity, kind, codec)))
        };
        let video = stream(Kind::Video, &plan.video);
        let audio = stream(Kind::Audio, &plan.audio);
        let registry =
            Registry::new().with(Slot::NackResponder, NackResponderBuilder::new().build());
        let (link, sdp) = Link::answer(opening, plan, registry, |peer| {
            for (kind, stream) in [(Kind::Video, &video), (Kind::Audio, &audio)] {
                if let Some((codec, outbound)) = stream {
                    add(peer, &identity.fragment, kind, codec, outbound.ssrc)?;
                }
            }
            Ok(())
        })?;
        let session = Self {
            clock: opening.common.clock,
            link,
            cname: Bytes::copy_from_slice(identity.fragment.as_bytes()),
            awaiting_key: video.is_some(),
            video: video.map(|(_, outbound)| outbound),
            audio: audio.map(|(_, outbound)| outbound),
            next_report: None,
            events: VecDeque::new(),
            stats: Stats::default(),
        };
        Ok((session, sdp))
    }

    /// What has been sent so far.
    pub(crate) fn stats(&self) -> Stats {
        self.stats
    }

    /// Takes a datagram from the network.
    pub(crate) fn handle_datagram(&mut self, datagram: Datagram, now: Timestamp) {
        self.link.handle_datagram(datagram, now);
        self.follow(now);
    }

    /// Sends an access unit as shown at `pts`. Without a connection, or before the first keyframe,
    /// it is left out.
    pub(crate) fn handle_media(&mut self, unit: &Unit, pts: Timestamp, now: Timestamp) {
        if !self.link.connected() {
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
        for packet in stream.packets(unit, pts) {
            self.link.send_rtp(packet, now);
        }
        self.stats.packets += unit.payloads.len() as u64;
        self.stats.bytes += unit.bytes() as u64;
    }

    /// Lets time pass.
    pub(crate) fn handle_timeout(&mut self, now: Timestamp) {
        if self.next_report.is_some_and(|at| now >= at) && self.link.connected() {
            self.send_reports(now);
        }
        self.link.handle_timeout(now);
        self.follow(now);
    }

    fn send_reports(&mut self, now: Timestamp) {
        self.next_report = Some(now + REPORT_INTERVAL);
        for stream in [&self.video, &self.audio].into_iter().flatten() {
            let report = stream.report(&self.clock, now, &self.cname);
            self.link.send_rtcp(report, now);
        }
    }

    /// Ends the session, and tells the viewer.
    pub(crate) fn close(&mut self, now: Timestamp) {
        self.link.close(now);
        self.follow(now);
    }

    /// Acts on what the link has brought.
    fn follow(&mut self, now: Timestamp) {
        while let Some(news) = self.link.poll_news() {
            match news {
                News::Connected => {
                    self.events.push_back(Event::Connected);
                    self.send_reports(now);
                }
                News::Closed => self.events.push_back(Event::Closed),
            }
        }
        let heard = self.link.listen();
        if heard.keyframe && self.link.connected() {
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

    /// The next datagram to send, until there is none.
    pub(crate) fn poll_transmit(&mut self) -> Option<Datagram> {
        self.link.poll_transmit()
    }

    /// The next event, until there is none.
    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Session::handle_timeout`] is due; `None` once closed.
    pub(crate) fn deadline(&mut self) -> Option<Timestamp> {
        let link = self.link.deadline()?;
        Some(self.next_report.map_or(link, |at| at.min(link)))
    }
}

fn outgoing(identity: &Identity, kind: Kind, codec: &Codec) -> Outbound {
    let (index, rate) = match kind {
        Kind::Video => (0, VIDEO_RATE),
        Kind::Audio => (1, AUDIO_RATE),
    };
    // Distinct by construction: the low bits tell stream and retransmissions apart.
    let ssrc = ((identity.seed >> 8) as u32 & !7) | (index << 1) | 1;
    let seed = identity.seed.rotate_left(17 + 23 * index);
    Outbound::new(ssrc, codec.payload_type, rate, seed)
}

fn add(
    peer: &mut RTCPeerConnection,
    stream: &str,
    kind: Kind,
    codec: &Codec,
    ssrc: u32,
) -> Result<()> {
    let track = setup::track(stream, kind, codec, ssrc);
    let init = RTCRtpTransceiverInit {
        direction: RTCRtpTransceiverDirection::Sendonly,
        streams: vec![stream.to_owned()],
        send_encodings: track.codings().to_vec(),
    };
    peer.add_transceiver_from_track(track, Some(init))?;
    Ok(())
}

#[cfg(test)]
mod tests;
