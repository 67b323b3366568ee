//! One publisher: media received over a [`Link`], put in order, in time and together.
//!
//! Each source's packets go through [`reorder`] (what is missing is asked for again), pictures are put
//! together in [`picture`], both get their times from one [`timeline`], and [`tracks`] makes of them
//! what is written into the channel. A picture that is lost for good costs those that build on it, and
//! a keyframe is asked for until one has come.
//!
//! A session does no I/O and reads no clock. It is fed datagrams and the time, and is drained of
//! datagrams and events until it says when to come back.

mod picture;
mod reception;
mod reorder;
mod source;
mod timeline;
mod tracks;

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use media::{Kind, Packet, Timestamp, Track};
use rtc::interceptor::Registry;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::receiver_report::ReceiverReport;
use rtc::rtcp::transport_feedbacks::transport_layer_nack::{
    TransportLayerNack, nack_pairs_from_sequence_numbers,
};

use self::picture::Assembler;
use self::reorder::Next;
use self::source::{Arrived, Stream};
use self::timeline::Timeline;
use self::tracks::{Media, Tracks};
use super::OfferError;
use super::link::{Datagram, Link, News, Opening};
use super::listener::SenderClock;
use super::offer;
use super::outbound::{REPORT_INTERVAL, description};
use super::session::Stats;

/// How long until a keyframe that has not come is asked for again; it doubles with each time.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// The longest time between two requests for a keyframe.
const ASK_AT_LEAST: Duration = Duration::from_secs(4);

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
    video: Option<Stream>,
    audio: Option<Stream>,
    assembler: Assembler,
    timeline: Timeline,
    tracks: Tracks,
    key: Option<Asking>,
    next_report: Option<Timestamp>,
    events: VecDeque<Event>,
    stats: Stats,
}

/// A keyframe that has not come yet.
#[derive(Clone, Copy, Debug)]
struct Asking {
    next: Timestamp,
    interval: Duration,
}

impl Session {
    /// Answers an offer to publish.
    pub(crate) fn answer(opening: &Opening<'_>, offer: &str) -> Result<(Self, String), OfferError> {
        let plan = offer::plan_publisher(offer)?;
        let video = plan.video.as_ref().map(|c| Stream::new(Kind::Video, c));
        let audio = plan.audio.as_ref().map(|c| Stream::new(Kind::Audio, c));
        let sets = plan
            .video
            .as_ref()
            .and_then(|c| c.parameter_sets.as_deref());
        let tracks = Tracks::new(video.is_some(), audio.is_some(), sets);
        let (link, sdp) = Link::answer(opening, plan, Registry::new(), |_| Ok(()))?;
        let identity = opening.identity;
        let session = Self {
            link,
            ssrc: (identity.seed >> 8) as u32,
            cname: Bytes::copy_from_slice(identity.fragment.as_bytes()),
            video,
            audio,
            assembler: Assembler::default(),
            timeline: Timeline::new(),
            tracks,
            key: None,
            next_report: None,
            events: VecDeque::new(),
            stats: Stats::default(),
        };
        Ok((session, sdp))
    }

    /// What has been received so far.
    pub(crate) fn stats(&self) -> Stats {
        let lost = [&self.video, &self.audio].into_iter().flatten();
        Stats {
            lost: lost.map(Stream::lost).sum(),
            ..self.stats
        }
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
        self.want_key(now);
        self.ask_for_key(now);
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
            self.hear(clock, now);
        }
        self.advance(now);
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
            self.ask_for_packets(now);
            self.ask_for_key(now);
            self.send_reports(now);
        }
    }

    fn receive(&mut self, packet: rtc::rtp::Packet, now: Timestamp) {
        let bytes = packet.payload.len() as u64;
        for stream in [&mut self.video, &mut self.audio].into_iter().flatten() {
            match stream.receive(&packet, now) {
                Arrived::Elsewhere => continue,
                Arrived::Useless | Arrived::Taken => {}
                Arrived::Anew => {
                    self.timeline.restart(stream.kind());
                    if stream.kind() == Kind::Video {
                        self.assembler.gap();
                        self.tracks.lost_picture();
                    }
                }
            }
            self.stats.packets += 1;
            self.stats.bytes += bytes;
            return;
        }
    }

    fn hear(&mut self, clock: SenderClock, now: Timestamp) {
        for stream in [&mut self.video, &mut self.audio].into_iter().flatten() {
            if stream.hear(clock, now) {
                self.timeline.report(stream.kind(), clock);
            }
        }
    }

    /// Hands on what is in order.
    fn advance(&mut self, now: Timestamp) {
        while let Some(next) = self.video.as_mut().and_then(|v| v.pop(now)) {
            match next {
                Next::Packet((packet, arrival)) => {
                    let time = packet.header.timestamp;
                    let at = self.timeline.stamp(Kind::Video, time, arrival);
                    let marker = packet.header.marker;
                    self.assembler.push(time, at, marker, &packet.payload);
                }
                Next::Gap(lost) => {
                    tracing::debug!(lost, "a picture of a publisher is lost");
                    self.assembler.gap();
                    self.tracks.lost_picture();
                    self.want_key(now);
                }
            }
            while let Some(unit) = self.assembler.poll() {
                let useful = match unit {
                    Ok(unit) => self.tracks.picture(&unit),
                    Err(picture::Broken) => {
                        self.tracks.lost_picture();
                        false
                    }
                };
                if !useful {
                    self.want_key(now);
                }
            }
        }
        while let Some(next) = self.audio.as_mut().and_then(|a| a.pop(now)) {
            // Silence in place of what is lost is the listener's to make.
            if let Next::Packet((packet, arrival)) = next {
                let time = packet.header.timestamp;
                let at = self.timeline.stamp(Kind::Audio, time, arrival);
                self.tracks.sound(at, &packet.payload);
            }
        }
        while let Some(media) = self.tracks.poll() {
            self.events.push_back(match media {
                Media::Tracks(tracks) => Event::Tracks(tracks),
                Media::Packet(packet) => {
                    if packet.keyframe && packet.track == tracks::VIDEO {
                        self.key = None;
                    }
                    Event::Packet(packet)
                }
            });
        }
    }

    fn want_key(&mut self, now: Timestamp) {
        if self.video.is_some() {
            self.key.get_or_insert(Asking {
                next: now,
                interval: ASK_AGAIN,
            });
        }
    }

    /// The source of the pictures and when a keyframe of it is to be asked for.
    fn asks_for_key(&self) -> Option<(u32, Timestamp)> {
        let source = self.video.as_ref()?.source()?;
        Some((source, self.key?.next)).filter(|_| self.link.connected())
    }

    /// Picture loss indication (RFC 4585, section 6.3.1).
    fn ask_for_key(&mut self, now: Timestamp) {
        let Some((media_ssrc, next)) = self.asks_for_key() else {
            return;
        };
        if next > now {
            return;
        }
        if let Some(asking) = &mut self.key {
            asking.next = now + asking.interval;
            asking.interval = (asking.interval * 2).min(ASK_AT_LEAST);
        }
        let loss = PictureLossIndication {
            sender_ssrc: self.ssrc,
            media_ssrc,
        };
        self.link.send_rtcp(vec![Box::new(loss)], now);
    }

    /// Generic NACK (RFC 4585, section 6.2.1). Sound is small and soon over: it is not asked for.
    fn ask_for_packets(&mut self, now: Timestamp) {
        let Some(video) = &mut self.video else { return };
        let missing = video.requests(now);
        let Some(media_ssrc) = video.source().filter(|_| !missing.is_empty()) else {
            return;
        };
        let nack = TransportLayerNack {
            sender_ssrc: self.ssrc,
            media_ssrc,
            nacks: nack_pairs_from_sequence_numbers(&missing),
        };
        self.link.send_rtcp(vec![Box::new(nack)], now);
    }

    fn send_reports(&mut self, now: Timestamp) {
        if self.next_report.is_none_or(|at| at > now) {
            return;
        }
        self.next_report = Some(now + REPORT_INTERVAL);
        let streams = [&mut self.video, &mut self.audio].into_iter().flatten();
        let report = ReceiverReport {
            ssrc: self.ssrc,
            reports: streams.filter_map(|s| s.report(now)).collect(),
            ..ReceiverReport::default()
        };
        let description = description(self.ssrc, &self.cname);
        self.link
            .send_rtcp(vec![Box::new(report), Box::new(description)], now);
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
        let video = self.video.as_ref().and_then(Stream::deadline);
        let audio = self.audio.as_ref().and_then(Stream::deadline);
        let key = self.asks_for_key().map(|(_, next)| next);
        let others = [video, audio, key, self.next_report];
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
