//! One publisher: media received over a [`Link`], put in order, in time and together.
//!
//! What it sends goes through its [`Intake`]: each source's packets through [`reorder`] (what is missing is asked for again), pictures are put
//! together in [`picture`], both get their times from one [`timeline`], and [`tracks`] makes of them
//! what is written into the channel. A picture that is lost for good costs those that build on it, and
//! a keyframe is asked for until one has come.
//!
//! A session does no I/O and reads no clock. It is fed datagrams and the time, and is drained of
//! datagrams and events until it says when to come back.

mod congestion;
pub(crate) mod intake;
mod picture;
mod reception;
mod reorder;
mod source;
mod timeline;
pub(crate) mod tracks;

use std::collections::VecDeque;

use bytes::Bytes;
use media::{Packet, Timestamp, Track};
use rtc::rtcp::payload_feedbacks::receiver_estimated_maximum_bitrate::ReceiverEstimatedMaximumBitrate;
use rtc::rtcp::receiver_report::ReceiverReport;

use self::congestion::{Arrivals, Estimate};
use self::intake::Intake;
use self::picture::Assembler;
use self::tracks::{Media, Tracks};
use super::OfferError;
use super::link::{Datagram, Link, News, Opening};
use super::offer::{self, Remote, Trickled};
use super::outbound::{REPORT_INTERVAL, cname, description};
use super::session::Stats;

/// What a session tells its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Media may come from now on.
    Connected,
    /// The tracks of the channel, before their first packet and whenever one changes.
    Tracks(Vec<Track>),
    /// An access unit, in the order of its track.
    Packet(Packet),
    /// It is over; nothing more comes but its last datagrams.
    Closed,
}

/// A publisher's session.
pub(crate) struct Session {
    link: Link,
    /// The source of our reports.
    ssrc: u32,
    cname: Bytes,
    intake: Intake,
    next_report: Option<Timestamp>,
    /// The extension that counts the packets of the path, when the publisher takes feedback on them.
    counter: Option<u8>,
    arrivals: Arrivals,
    /// For who takes an estimate in place of that, and the bytes that had come when it was made.
    estimate: Option<(Estimate, u64)>,
    events: VecDeque<Event>,
}

impl Session {
    /// Answers an offer to publish.
    pub(crate) fn answer(opening: &Opening<'_>, offer: &str) -> Result<(Self, String), OfferError> {
        let plan = offer::plan_publisher(offer)?;
        let (link, sdp) = Link::answer(opening, &plan, &[])?;
        let identity = opening.identity;
        let ssrc = (identity.seed >> 8) as u32;
        let session = Self {
            link,
            ssrc,
            cname: cname(&identity.fragment).into(),
            intake: Intake::new(ssrc, plan.video.as_ref(), plan.audio.as_ref()),
            next_report: None,
            counter: plan.counted(),
            arrivals: Arrivals::default(),
            estimate: plan.estimated().then(|| (Estimate::default(), 0)),
            events: VecDeque::new(),
        };
        Ok((session, sdp))
    }

    /// What has been received so far.
    pub(crate) fn stats(&self) -> Stats {
        self.intake.stats()
    }

    /// Takes a datagram from the network.
    pub(crate) fn handle_datagram(&mut self, datagram: Datagram, now: Timestamp) {
        self.link.handle_datagram(datagram, now);
        self.follow(now);
    }

    /// Lets time pass.
    pub(crate) fn handle_timeout(&mut self, now: Timestamp) {
        self.link.handle_timeout(now);
        self.follow(now);
    }

    /// A reader of the channel needs a keyframe.
    pub(crate) fn request_keyframe(&mut self, now: Timestamp) {
        self.intake.want_key(now);
        self.ask(now);
    }

    /// Ends the session, and tells the publisher.
    pub(crate) fn close(&mut self, now: Timestamp) {
        self.link.close(now);
        self.follow(now);
    }

    /// Acts on what the link has brought and on what time has.
    fn follow(&mut self, now: Timestamp) {
        let heard = self.link.listen();
        for packet in heard.media {
            self.receive(packet, now);
        }
        for clock in heard.clocks {
            self.intake.hear(clock, now);
        }
        self.intake.advance(now);
        while let Some(media) = self.intake.poll() {
            self.events.push_back(match media {
                Media::Tracks(tracks) => Event::Tracks(tracks),
                Media::Packet(packet) => Event::Packet(packet),
            });
        }
        while let Some(news) = self.link.poll_news() {
            match news {
                News::Connected => {
                    self.next_report = Some(now + REPORT_INTERVAL);
                    self.events.push_back(Event::Connected);
                }
                News::Closed => self.events.push_back(Event::Closed),
            }
        }
        if self.link.connected() {
            self.ask(now);
            self.send_arrivals(now);
            self.send_reports(now);
        }
    }

    fn receive(&mut self, packet: rtc::rtp::Packet, now: Timestamp) {
        let counted = self.counter.and_then(|id| packet.header.get_extension(id));
        if let Some(number) = counted.as_deref().and_then(|bytes| bytes.first_chunk()) {
            self.arrivals.arrived(u16::from_be_bytes(*number), now);
        }
        self.intake.receive(&packet, now);
    }

    /// Asks for what is missing.
    fn ask(&mut self, now: Timestamp) {
        if !self.link.connected() {
            return;
        }
        for request in self.intake.requests(now) {
            self.link.send_rtcp(&[request]);
        }
    }

    fn send_reports(&mut self, now: Timestamp) {
        if self.next_report.is_none_or(|at| at > now) {
            return;
        }
        self.next_report = Some(now + REPORT_INTERVAL);
        let reports = self.intake.reports(now);
        let mut compound: Vec<Box<dyn rtc::rtcp::Packet>> = Vec::new();
        if let Some((estimate, before)) = &mut self.estimate {
            let received = self.intake.stats().bytes;
            let bits = 8.0 * (received - *before) as f32;
            *before = received;
            let lost = reports.first().map_or(0, |report| report.fraction_lost);
            compound.push(Box::new(ReceiverEstimatedMaximumBitrate {
                sender_ssrc: self.ssrc,
                bitrate: estimate.update(bits / REPORT_INTERVAL.as_secs_f32(), lost),
                ssrcs: reports.iter().map(|report| report.ssrc).collect(),
            }));
        }
        let report = ReceiverReport {
            ssrc: self.ssrc,
            reports,
            ..ReceiverReport::default()
        };
        compound.insert(0, Box::new(report));
        compound.insert(1, Box::new(description(self.ssrc, &self.cname)));
        self.link.send_rtcp(&compound);
    }

    fn send_arrivals(&mut self, now: Timestamp) {
        let media = self.intake.source();
        while let Some(report) = self.arrivals.report(now, self.ssrc, media) {
            self.link.send_reports(&report);
        }
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
        let asks = self.intake.asks_at().filter(|_| self.link.connected());
        let counted = self.arrivals.deadline();
        let others = [self.intake.deadline(), asks, counted, self.next_report];
        Some(others.into_iter().flatten().fold(link, Timestamp::min))
    }
}

/// See [`crate::fuzz::payloads`].
pub(crate) fn fuzz(mut data: &[u8]) {
    let mut assembler = Assembler::default();
    let mut tracks = Tracks::new(true, true, None);
    let mut time = 0;
    while let [flags, length, rest @ ..] = data {
        let (payload, after) = rest.split_at(rest.len().min(usize::from(*length)));
        data = after;
        time += u32::from(flags & 2);
        if flags & 4 != 0 {
            assembler.gap();
        }
        let at = Timestamp::from_millis(time.into());
        let payload = Bytes::copy_from_slice(payload);
        assembler.push(time, at, flags & 1 != 0, &payload);
        while let Some(unit) = assembler.poll() {
            let Ok(unit) = unit else { continue };
            tracks.picture(&unit);
        }
        tracks.sound(at, &payload);
        while let Some(media) = tracks.poll() {
            let Media::Packet(packet) = media else {
                continue;
            };
            let whole = media::h264::avcc(&packet.data).all(|nal| nal.is_ok());
            assert!(whole || packet.track != tracks::VIDEO, "AVCC inside");
        }
    }
}

#[cfg(test)]
mod tests;
