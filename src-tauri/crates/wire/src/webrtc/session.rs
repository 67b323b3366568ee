//! One viewer: media sent over a [`Link`], and what it reports of it.
//!
//! A session does no I/O and reads no clock. It is fed datagrams, access units and the time, and is
//! drained of datagrams and events until it says when to come back.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use media::{Clock, Kind, Timestamp, Track};

use super::OfferError;
use super::answer::Stream;
use super::history::{History, Sent};
use super::link::{Datagram, Exit, Identity, Link, News, Opening};
use super::offer::{self, Codec, Remote, Trickled};
use super::outbound::{self, Outbound, REPORT_INTERVAL};
use super::pace::{Pace, Run};
use super::payload::{AUDIO_RATE, Unit, VIDEO_RATE};
use super::seal::Header;

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
    repairs: Repairs,
    pace: Pace,
    awaiting_key: bool,
    next_report: Option<Timestamp>,
    events: VecDeque<Event>,
    stats: Stats,
}

/// What was lost of the picture goes out again: from a source of its own (RFC 4588), or under its old
/// number where the viewer knows no such source.
#[derive(Debug, Default)]
struct Repairs {
    history: History,
    /// Payload type, source, and the number of the next one.
    rtx: Option<(u8, u32, u64)>,
}

/// What a session has carried, and how it got there.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stats {
    pub(crate) bytes: u64,
    pub(crate) packets: u64,
    pub(crate) lost: u64,
    /// Packets that were asked for again (NACK).
    pub(crate) missed: u64,
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
        let video = plan.video.as_ref();
        let rtx = video.and_then(|codec| codec.rtx);
        let video = video.map(|codec| outgoing(identity, Kind::Video, codec));
        let audio = plan.audio.as_ref();
        let audio = audio.map(|codec| outgoing(identity, Kind::Audio, codec));
        // Retransmissions have the number below.
        let rtx = rtx
            .zip(video.as_ref())
            .map(|(rtx, v)| (rtx, v.ssrc - 1, identity.seed & 0x7fff));
        let stream = |kind, stream: &Outbound, rtx| Stream {
            kind,
            ssrc: stream.ssrc,
            rtx,
        };
        let repairs = rtx.map(|(_, ssrc, _)| ssrc);
        let streams: Vec<_> = video
            .iter()
            .map(|v| stream(Kind::Video, v, repairs))
            .chain(audio.iter().map(|a| stream(Kind::Audio, a, None)))
            .collect();
        let (link, sdp) = Link::answer(opening, &plan, &streams)?;
        let session = Self {
            clock: opening.common.clock,
            link,
            cname: outbound::cname(&identity.fragment).into(),
            pace: Pace::default(),
            awaiting_key: video.is_some(),
            video,
            audio,
            repairs: Repairs {
                rtx,
                ..Repairs::default()
            },
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

    /// Sends an access unit as shown at `pts`: sound at once, a picture when the [`Pace`] allows. Without a
    /// connection, or before the first keyframe, it is left out.
    pub(crate) fn handle_media(
        &mut self,
        unit: &Arc<Unit>,
        pts: Timestamp,
        now: Timestamp,
        exit: &mut dyn Exit,
    ) {
        match unit.kind {
            Kind::Audio => self.send_run(unit, pts, 0..unit.payloads.len(), exit),
            // Behind a keyframe that waits it is of use.
            Kind::Video if self.awaiting_key && !unit.keyframe && self.pace.is_empty() => {}
            Kind::Video if self.pace.passes(unit.payloads.len(), now) => {
                self.send_run(unit, pts, 0..unit.payloads.len(), exit);
            }
            Kind::Video => {
                self.pace.push(unit, pts);
                self.go_on(now, exit);
            }
        }
    }

    /// Sends a viewer who joins the pictures up to the newest one, each with the time at which it is shown.
    pub(crate) fn catch_up(
        &mut self,
        pictures: &[(Arc<Unit>, Timestamp)],
        now: Timestamp,
        exit: &mut dyn Exit,
    ) {
        for (unit, pts) in pictures {
            self.handle_media(unit, *pts, now, exit);
        }
        self.pace.join();
    }

    /// Sends what had to wait until now.
    pub(crate) fn go_on(&mut self, now: Timestamp, exit: &mut dyn Exit) {
        if !self.link.connected() {
            return self.pace.clear();
        }
        while let Some(Run {
            unit,
            pts,
            payloads,
        }) = self.pace.next(now)
        {
            self.send_run(&unit, pts, payloads, exit);
        }
    }

    /// Whether what waits began with what it joined with.
    pub(crate) fn joins(&self) -> bool {
        self.pace.joins()
    }

    /// When [`Session::go_on`] is due; `None` when nothing waits.
    pub(crate) fn goes_on(&self) -> Option<Timestamp> {
        self.pace.due()
    }

    /// Sends some of an access unit's payloads. Its runs come one behind the other, beginning with its first payload.
    fn send_run(
        &mut self,
        unit: &Arc<Unit>,
        pts: Timestamp,
        run: Range<usize>,
        exit: &mut dyn Exit,
    ) {
        if !self.link.connected() {
            return;
        }
        let stream = match unit.kind {
            Kind::Video => &mut self.video,
            Kind::Audio => &mut self.audio,
        };
        let Some(stream) = stream else { return };
        if run.start == 0 {
            stream.begun = Some(stream.send(unit, pts));
        }
        let Some((first, time)) = stream.begun else {
            return;
        };
        let last = run.end == unit.payloads.len();
        let mut bytes = 0;
        for (place, payload) in unit
            .payloads
            .iter()
            .enumerate()
            .take(run.end)
            .skip(run.start)
        {
            let header = Header {
                marker: unit.marks(place),
                payload_type: stream.payload_type,
                index: first + place as u64,
                time,
                ssrc: stream.ssrc,
            };
            self.link.send_media(&header, [payload, &[]], exit);
            bytes += payload.len();
        }
        if last {
            stream.begun = None;
        }
        if unit.kind == Kind::Video && last {
            self.awaiting_key = false;
            let unit = Arc::clone(unit);
            self.repairs.history.push(Sent { first, time, unit });
        }
        self.stats.packets += run.len() as u64;
        self.stats.bytes += bytes as u64;
    }

    /// Sends again what the viewer misses of the picture.
    fn repair(&mut self, number: u16) {
        let Some(video) = &self.video else { return };
        let Some((sent, place)) = self.repairs.history.find(number) else {
            return;
        };
        let Some(payload) = sent.unit.payloads.get(place) else {
            return;
        };
        let index = sent.first + place as u64;
        let mut header = Header {
            marker: sent.unit.marks(place),
            payload_type: video.payload_type,
            index,
            time: sent.time,
            ssrc: video.ssrc,
        };
        let mut pieces: [&[u8]; 2] = [payload, &[]];
        let original = number.to_be_bytes();
        if let Some((payload_type, ssrc, next)) = &mut self.repairs.rtx {
            header.payload_type = *payload_type;
            header.ssrc = *ssrc;
            header.index = *next;
            *next += 1;
            pieces = [&original, payload];
        }
        self.link.send_again(&header, pieces);
    }

    /// Takes further addresses of the far end, as it finds them (RFC 8838).
    pub(crate) fn trickle(&mut self, more: &Trickled, now: Timestamp) {
        self.link.trickle(more, now);
        self.follow(now);
    }

    /// Looks for a path anew, under new names on both ends (RFC 8445, section 9).
    pub(crate) fn restart(
        &mut self,
        names: (&str, &str),
        remote: &Remote,
        now: Timestamp,
    ) -> Result<(), OfferError> {
        let done = self.link.restart(names, remote, now);
        self.follow(now);
        done.map_err(|error| OfferError::Malformed(error.to_string()))
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
            self.link.send_rtcp(&report);
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
        self.stats.missed += heard.missing.len() as u64;
        for (ssrc, number) in heard.missing {
            if self.video.as_ref().is_some_and(|v| v.ssrc == ssrc) {
                self.repair(number);
            }
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

    /// When [`Session::handle_timeout`] is due, or [`Session::go_on`]; `None` once closed.
    pub(crate) fn deadline(&mut self) -> Option<Timestamp> {
        let link = self.link.deadline()?;
        let others = [self.next_report, self.goes_on()];
        Some(others.into_iter().flatten().fold(link, Timestamp::min))
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

#[cfg(test)]
mod tests;
