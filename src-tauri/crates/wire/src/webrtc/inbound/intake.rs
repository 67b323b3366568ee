//! What one far end sends, from its RTP to the tracks and packets of a channel.
//!
//! It knows neither sockets nor connections: whoever holds one hands in what arrives, and carries away
//! what is to be asked for.

use std::time::Duration;

use media::{Kind, Timestamp};
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::receiver_report::ReceiverReport;
use rtc::rtcp::reception_report::ReceptionReport;
use rtc::rtcp::transport_feedbacks::transport_layer_nack::{
    TransportLayerNack, nack_pairs_from_sequence_numbers,
};

use super::picture::{self, Assembler};
use super::reorder::Next;
use super::source::{Arrived, Stream};
use super::timeline::Timeline;
use super::tracks::{self, Media, Tracks};
use crate::webrtc::listener::SenderClock;
use crate::webrtc::offer::Codec;
use crate::webrtc::session::Stats;

/// How long until a keyframe that has not come is asked for again; it doubles with each time.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// The longest time between two requests for a keyframe.
const ASK_AT_LEAST: Duration = Duration::from_secs(4);

/// Sound and picture of one far end.
pub(crate) struct Intake {
    /// The source of our reports.
    ssrc: u32,
    video: Option<Stream>,
    audio: Option<Stream>,
    assembler: Assembler,
    timeline: Timeline,
    tracks: Tracks,
    key: Option<Asking>,
    stats: Stats,
}

/// A keyframe that has not come yet.
#[derive(Clone, Copy, Debug)]
struct Asking {
    next: Timestamp,
    interval: Duration,
}

impl Intake {
    /// Of what was agreed on; what it asks for goes out under `ssrc`.
    pub(crate) fn new(ssrc: u32, video: Option<&Codec>, audio: Option<&Codec>) -> Self {
        let sets = video.and_then(|codec| codec.parameter_sets.as_deref());
        Self {
            ssrc,
            video: video.map(|codec| Stream::new(Kind::Video, codec)),
            audio: audio.map(|codec| Stream::new(Kind::Audio, codec)),
            assembler: Assembler::default(),
            timeline: Timeline::new(),
            tracks: Tracks::new(video.is_some(), audio.is_some(), sets),
            key: None,
            stats: Stats::default(),
        }
    }

    /// What has been received so far.
    pub(crate) fn stats(&self) -> Stats {
        let lost = [&self.video, &self.audio].into_iter().flatten();
        Stats {
            lost: lost.map(Stream::lost).sum(),
            ..self.stats
        }
    }

    /// Takes a packet.
    pub(crate) fn receive(&mut self, packet: &rtc::rtp::Packet, now: Timestamp) {
        let bytes = packet.payload.len() as u64;
        for stream in [&mut self.video, &mut self.audio].into_iter().flatten() {
            match stream.receive(packet, now) {
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

    /// Takes a sender report.
    pub(crate) fn hear(&mut self, clock: SenderClock, now: Timestamp) {
        for stream in [&mut self.video, &mut self.audio].into_iter().flatten() {
            if stream.hear(clock, now) {
                self.timeline.report(stream.kind(), clock);
            }
        }
    }

    /// Puts together what is in order; [`Self::poll`] hands it out.
    pub(crate) fn advance(&mut self, now: Timestamp) {
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
    }

    /// What is to be written into the channel next, until there is nothing.
    pub(crate) fn poll(&mut self) -> Option<Media> {
        let media = self.tracks.poll()?;
        if let Media::Packet(packet) = &media
            && packet.keyframe
            && packet.track == tracks::VIDEO
        {
            self.key = None;
        }
        Some(media)
    }

    /// A keyframe is needed; [`Self::requests`] asks for it until one has come.
    pub(crate) fn want_key(&mut self, now: Timestamp) {
        if self.video.is_some() {
            self.key.get_or_insert(Asking {
                next: now,
                interval: ASK_AGAIN,
            });
        }
    }

    /// What is to be asked for at `now`: packets that are missing, and a keyframe.
    pub(crate) fn requests(&mut self, now: Timestamp) -> Vec<Box<dyn rtc::rtcp::Packet>> {
        let missing = self.missing(now).map(|nack| Box::new(nack) as Box<_>);
        let loss = self.lost_picture(now).map(|loss| Box::new(loss) as Box<_>);
        missing.into_iter().chain(loss).collect()
    }

    /// Generic NACK (RFC 4585, section 6.2.1). Sound is small and soon over: it is not asked for.
    fn missing(&mut self, now: Timestamp) -> Option<TransportLayerNack> {
        let video = self.video.as_mut()?;
        let missing = video.requests(now);
        let media_ssrc = video.source().filter(|_| !missing.is_empty())?;
        Some(TransportLayerNack {
            sender_ssrc: self.ssrc,
            media_ssrc,
            nacks: nack_pairs_from_sequence_numbers(&missing),
        })
    }

    /// Picture loss indication (RFC 4585, section 6.3.1).
    fn lost_picture(&mut self, now: Timestamp) -> Option<PictureLossIndication> {
        let media_ssrc = self.video.as_ref()?.source()?;
        let asking = self.key.as_mut().filter(|asking| asking.next <= now)?;
        asking.next = now + asking.interval;
        asking.interval = (asking.interval * 2).min(ASK_AT_LEAST);
        Some(PictureLossIndication {
            sender_ssrc: self.ssrc,
            media_ssrc,
        })
    }

    /// A block on each source, for a receiver report (RFC 3550, section 6.4.2).
    pub(crate) fn reports(&mut self, now: Timestamp) -> Vec<ReceptionReport> {
        let streams = [&mut self.video, &mut self.audio].into_iter().flatten();
        streams.filter_map(|stream| stream.report(now)).collect()
    }

    /// A receiver report on all of it.
    pub(crate) fn report(&mut self, now: Timestamp) -> Box<dyn rtc::rtcp::Packet> {
        Box::new(ReceiverReport {
            ssrc: self.ssrc,
            reports: self.reports(now),
            ..ReceiverReport::default()
        })
    }

    /// The first source that sends; 0 while none does.
    pub(crate) fn source(&self) -> u32 {
        let mut streams = [&self.video, &self.audio].into_iter().flatten();
        streams.find_map(Stream::source).unwrap_or(0)
    }

    /// When [`Self::advance`] has something to give up.
    pub(crate) fn deadline(&self) -> Option<Timestamp> {
        let streams = [&self.video, &self.audio].into_iter().flatten();
        streams.filter_map(Stream::deadline).min()
    }

    /// When [`Self::requests`] has a keyframe to ask for.
    pub(crate) fn asks_at(&self) -> Option<Timestamp> {
        self.video.as_ref()?.source()?;
        Some(self.key?.next)
    }
}
