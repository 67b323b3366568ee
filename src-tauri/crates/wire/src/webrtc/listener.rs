//! What the far end sends, and what it reports about our media; and how a connection that stands on the
//! whole stack hears it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use rtc::interceptor::{
    BandwidthEstimator, Interceptor, Packet, PacketReport, StreamInfo, TaggedPacket,
};
use rtc::rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::payload_feedbacks::receiver_estimated_maximum_bitrate::ReceiverEstimatedMaximumBitrate;
use rtc::rtcp::receiver_report::ReceiverReport;
use rtc::rtcp::reception_report::ReceptionReport;
use rtc::rtcp::sender_report::SenderReport;
use rtc::rtcp::transport_feedbacks::transport_layer_nack::TransportLayerNack;
use rtc::sansio::Protocol;
use rtc::shared::error::Error;

/// What has been heard since the last look.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// The far end lost its picture (PLI, RFC 4585, section 6.3.1, or FIR, RFC 5104, section 4.3.1).
    pub(crate) keyframe: bool,
    /// Reception reports: (source, packets lost so far, last report of ours, delay since it).
    pub(crate) reports: Vec<Report>,
    /// Media, as it came.
    pub(crate) media: Vec<rtc::rtp::Packet>,
    /// Sender reports (RFC 3550, section 6.4.1).
    pub(crate) clocks: Vec<SenderClock>,
    /// Packets of ours that the far end misses, by source (generic NACK, RFC 4585, section 6.2.1).
    pub(crate) missing: Vec<(u32, u16)>,
    /// What became of packets of ours, where the far end counts them.
    pub(crate) fates: Vec<PacketReport>,
    /// What the far end takes the path to carry, in bits per second (REMB, draft-alvestrand-rmcat-remb-03).
    pub(crate) estimate: Option<f32>,
}

/// What a sender report says of its source's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SenderClock {
    pub(crate) ssrc: u32,
    /// The far end's time of day: seconds since 1900, 32.32 bits.
    pub(crate) ntp: u64,
    /// The RTP time at that moment.
    pub(crate) rtp: u32,
}

/// A reception report block (RFC 3550, section 6.4.1).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Report {
    pub(crate) ssrc: u32,
    pub(crate) lost: u32,
    /// The share lost since the report before, of 256.
    pub(crate) share: u8,
    /// The middle 32 bits of the NTP time of our report it answers; 0 for none.
    pub(crate) last_report: u32,
    /// In units of 1/65 536 s.
    pub(crate) delay: u32,
}

/// Where a [`Listener`] leaves what it heard.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ear(Arc<Mutex<Heard>>);

/// Reports of each kind kept between two looks; a far end that sends more is heard no further.
const MOST_REPORTS: usize = 16;

/// Media packets kept between two looks. Whoever listens looks after each datagram.
const MOST_MEDIA: usize = 64;

/// Missing packets heard of between two looks.
const MOST_MISSING: usize = 256;

/// Packets of ours heard of between two looks.
const MOST_FATES: usize = 4_096;

impl Heard {
    /// Takes a compound of reports.
    pub(crate) fn hear(&mut self, packets: &[Box<dyn rtc::rtcp::Packet>]) {
        for packet in packets {
            let packet = packet.as_any();
            if packet.is::<PictureLossIndication>() || packet.is::<FullIntraRequest>() {
                self.keyframe = true;
            } else if let Some(nack) = packet.downcast_ref::<TransportLayerNack>() {
                let numbers = nack.nacks.iter().flat_map(|pair| pair.into_iter());
                let room = MOST_MISSING.saturating_sub(self.missing.len());
                self.missing
                    .extend(numbers.take(room).map(|n| (nack.media_ssrc, n)));
            } else if let Some(report) = packet.downcast_ref::<SenderReport>() {
                if self.clocks.len() < MOST_REPORTS {
                    self.clocks.push(SenderClock {
                        ssrc: report.ssrc,
                        ntp: report.ntp_time,
                        rtp: report.rtp_time,
                    });
                }
                self.report(&report.reports);
            } else if let Some(report) = packet.downcast_ref::<ReceiverReport>() {
                self.report(&report.reports);
            } else if let Some(told) = packet.downcast_ref::<ReceiverEstimatedMaximumBitrate>() {
                self.estimate = Some(told.bitrate);
            }
        }
    }

    fn report(&mut self, blocks: &[ReceptionReport]) {
        let room = MOST_REPORTS.saturating_sub(self.reports.len());
        self.reports
            .extend(blocks.iter().take(room).map(|r| Report {
                ssrc: r.ssrc,
                lost: r.total_lost,
                share: r.fraction_lost,
                last_report: r.last_sender_report,
                delay: r.delay,
            }));
    }

    /// Takes a packet of media.
    pub(crate) fn receive(&mut self, packet: rtc::rtp::Packet) {
        if self.media.len() < MOST_MEDIA {
            self.media.push(packet);
        }
    }
}

impl Ear {
    /// Takes what has been heard.
    pub(crate) fn take(&self) -> Heard {
        std::mem::take(&mut *self.0.lock())
    }
}

/// Hears what becomes of each packet of ours, where the far end counts them. The stack joins what was sent with
/// what is said of it, and asks for a rate; what follows from it is decided elsewhere.
pub(crate) struct Fates(Ear);

impl Fates {
    /// What leaves in `ear` what it hears.
    pub(crate) fn new(ear: Ear) -> Self {
        Self(ear)
    }
}

impl BandwidthEstimator for Fates {
    fn on_reports(&mut self, _now: Instant, reports: &[PacketReport]) {
        let fates = &mut self.0.0.lock().fates;
        let room = MOST_FATES.saturating_sub(fates.len());
        fates.extend(reports.iter().take(room).cloned());
    }

    fn target_bitrate(&self) -> f64 {
        0.0
    }
}

/// An interceptor that listens.
#[derive(Default)]
pub(crate) struct Listener {
    ear: Ear,
    /// Whether media goes on to the stack.
    passes: bool,
    reads: VecDeque<TaggedPacket>,
    writes: VecDeque<TaggedPacket>,
}

impl Listener {
    /// A listener that leaves what it hears in `ear`. Media ends here: behind it the stack would look for
    /// announced sources alone, and not every publisher announces its own.
    pub(crate) fn new(ear: Ear) -> Self {
        Self {
            ear,
            ..Self::default()
        }
    }

    /// A listener to reports alone: media goes on to the stack's own tracks.
    pub(crate) fn to_reports(ear: Ear) -> Self {
        Self {
            ear,
            passes: true,
            ..Self::default()
        }
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Listener {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, message: TaggedPacket) -> Result<(), Error> {
        match message.message.packet {
            Packet::Rtp(packet) if !self.passes => {
                self.ear.0.lock().receive(packet);
                return Ok(());
            }
            Packet::Rtcp(ref packets) => self.ear.0.lock().hear(packets),
            _ => {}
        }
        self.reads.push_back(message);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.reads.pop_front()
    }

    fn handle_write(&mut self, message: TaggedPacket) -> Result<(), Error> {
        self.writes.push_back(message);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.writes.pop_front()
    }
}

impl Interceptor for Listener {
    fn bind_local_stream(&mut self, _info: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _info: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _info: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _info: &StreamInfo) {}
}
