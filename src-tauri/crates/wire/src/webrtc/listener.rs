//! Hears what the far end sends and what it reports about our media, on its way through the interceptors.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use rtc::interceptor::{Interceptor, Packet, StreamInfo, TaggedPacket};
use rtc::rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::receiver_report::ReceiverReport;
use rtc::rtcp::sender_report::SenderReport;
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

impl Ear {
    /// Takes what has been heard.
    pub(crate) fn take(&self) -> Heard {
        std::mem::take(&mut *self.0.lock())
    }
}

/// An interceptor that listens. Media ends here: behind it the stack would look for announced sources
/// alone, and not every publisher announces its own.
#[derive(Default)]
pub(crate) struct Listener {
    ear: Ear,
    reads: VecDeque<TaggedPacket>,
    writes: VecDeque<TaggedPacket>,
}

impl Listener {
    /// A listener that leaves what it hears in `ear`.
    pub(crate) fn new(ear: Ear) -> Self {
        Self {
            ear,
            ..Self::default()
        }
    }

    fn hear(&self, packets: &[Box<dyn rtc::rtcp::Packet>]) {
        let mut heard = self.ear.0.lock();
        for packet in packets {
            let packet = packet.as_any();
            if packet.is::<PictureLossIndication>() || packet.is::<FullIntraRequest>() {
                heard.keyframe = true;
            }
            if let Some(report) = packet.downcast_ref::<SenderReport>()
                && heard.clocks.len() < MOST_REPORTS
            {
                heard.clocks.push(SenderClock {
                    ssrc: report.ssrc,
                    ntp: report.ntp_time,
                    rtp: report.rtp_time,
                });
            }
            let Some(report) = packet.downcast_ref::<ReceiverReport>() else {
                continue;
            };
            let room = MOST_REPORTS.saturating_sub(heard.reports.len());
            heard
                .reports
                .extend(report.reports.iter().take(room).map(|r| Report {
                    ssrc: r.ssrc,
                    lost: r.total_lost,
                    last_report: r.last_sender_report,
                    delay: r.delay,
                }));
        }
    }

    fn receive(&self, packet: rtc::rtp::Packet) {
        let mut heard = self.ear.0.lock();
        if heard.media.len() < MOST_MEDIA {
            heard.media.push(packet);
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
        if let Packet::Rtp(packet) = message.message.packet {
            self.receive(packet);
            return Ok(());
        }
        if let Packet::Rtcp(packets) = &message.message.packet {
            self.hear(packets);
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
