//! The packets of one section of the offer: which of them belong to it, and in what order.

use std::time::Duration;

use media::{Kind, Timestamp};
use rtc::rtcp::reception_report::ReceptionReport;
use rtc::rtp::Packet;

use super::reception::Reception;
use super::reorder::{Next, Reorder};
use crate::webrtc::listener::SenderClock;
use crate::webrtc::offer::Codec;
use crate::webrtc::payload::{AUDIO_RATE, VIDEO_RATE};

/// How long pictures wait for a packet: three requests and the way there and back.
const VIDEO_PATIENCE: Duration = Duration::from_millis(200);

/// How long sound waits for a packet that was overtaken.
const AUDIO_PATIENCE: Duration = Duration::from_millis(60);

/// A source that has been silent for so long may be replaced by another.
const REPLACED: Duration = Duration::from_secs(1);

/// A packet, and when it arrived.
pub(crate) type Held = (Packet, Timestamp);

/// Sound or picture, as agreed on.
#[derive(Debug)]
pub(crate) struct Stream {
    kind: Kind,
    payload_type: u8,
    rtx: Option<u8>,
    source: Option<Source>,
}

/// Who sends it (RFC 3550, section 3: SSRC).
#[derive(Debug)]
struct Source {
    ssrc: u32,
    heard: Timestamp,
    reorder: Reorder<Held>,
    reception: Reception,
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrived {
    /// It belongs to another stream.
    Elsewhere,
    /// It is a duplicate, too late, or of a source that is not listened to.
    Useless,
    /// It is kept.
    Taken,
    /// It is kept, and the first one of a source in place of another.
    Anew,
}

impl Stream {
    /// A stream that nobody sends yet.
    pub(crate) fn new(kind: Kind, codec: &Codec) -> Self {
        Self {
            kind,
            payload_type: codec.payload_type,
            rtx: codec.rtx,
            source: None,
        }
    }

    /// Sound or picture.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// Who sends it, if anybody does.
    pub(crate) fn source(&self) -> Option<u32> {
        self.source.as_ref().map(|s| s.ssrc)
    }

    /// Packets lost on the way so far, some of them repaired since.
    pub(crate) fn lost(&self) -> u64 {
        self.source.as_ref().map_or(0, |s| s.reception.lost())
    }

    /// Takes a packet when it belongs here. What it belongs to is told by its payload type, which
    /// is a different one for each stream and its retransmissions in what was agreed on.
    pub(crate) fn receive(&mut self, packet: &Packet, now: Timestamp) -> Arrived {
        let number = packet.header.payload_type;
        if number == self.payload_type {
            self.keep(packet, now)
        } else if Some(number) == self.rtx {
            self.repair(packet, now)
        } else {
            Arrived::Elsewhere
        }
    }

    fn keep(&mut self, packet: &Packet, now: Timestamp) -> Arrived {
        let header = &packet.header;
        let known = self.source.as_ref().map(|s| (s.ssrc, s.heard));
        let mut outcome = Arrived::Taken;
        match known {
            Some((ssrc, _)) if ssrc == header.ssrc => {}
            Some((_, heard)) if now.since(heard) < REPLACED => return Arrived::Useless,
            earlier => {
                if earlier.is_some() {
                    outcome = Arrived::Anew;
                }
                self.source = Some(self.begin(header.ssrc, header.sequence_number, now));
            }
        }
        let Some(source) = &mut self.source else {
            return Arrived::Useless;
        };
        source.heard = now;
        source
            .reception
            .arrived(header.sequence_number, header.timestamp, now);
        let held = (packet.clone(), now);
        if source.reorder.push(header.sequence_number, held, now) {
            outcome
        } else {
            Arrived::Useless
        }
    }

    fn begin(&self, ssrc: u32, number: u16, now: Timestamp) -> Source {
        let (rate, patience) = match self.kind {
            Kind::Video => (VIDEO_RATE, VIDEO_PATIENCE),
            Kind::Audio => (AUDIO_RATE, AUDIO_PATIENCE),
        };
        Source {
            ssrc,
            heard: now,
            reorder: Reorder::new(patience),
            reception: Reception::new(ssrc, rate, number),
        }
    }

    /// A retransmission: the number it had, then what it carried (RFC 4588, section 4).
    fn repair(&mut self, packet: &Packet, now: Timestamp) -> Arrived {
        let (Some(source), Some(number)) = (&mut self.source, packet.payload.first_chunk()) else {
            return Arrived::Useless;
        };
        let number = u16::from_be_bytes(*number);
        let mut original = packet.clone();
        original.header.ssrc = source.ssrc;
        original.header.payload_type = self.payload_type;
        original.header.sequence_number = number;
        original.payload = packet.payload.slice(2..);
        if source.reorder.repair(number, (original, now)) {
            Arrived::Taken
        } else {
            Arrived::Useless
        }
    }

    /// Takes a sender report; `false` when it is of another source.
    pub(crate) fn hear(&mut self, clock: SenderClock, now: Timestamp) -> bool {
        let source = self.source.as_mut().filter(|s| s.ssrc == clock.ssrc);
        source.is_some_and(|source| {
            source.reception.reported(clock, now);
            true
        })
    }

    /// The next packet in order, or what is missing for good.
    pub(crate) fn pop(&mut self, now: Timestamp) -> Option<Next<Held>> {
        self.source.as_mut()?.reorder.pop(now)
    }

    /// The numbers to ask for.
    pub(crate) fn requests(&mut self, now: Timestamp) -> Vec<u16> {
        let source = self.source.as_mut();
        source.map_or_else(Vec::new, |s| s.reorder.requests(now))
    }

    /// A block for a report on its source.
    pub(crate) fn report(&mut self, now: Timestamp) -> Option<ReceptionReport> {
        Some(self.source.as_mut()?.reception.report(now))
    }

    /// When something is to be asked for or given up.
    pub(crate) fn deadline(&self) -> Option<Timestamp> {
        let reorder = &self.source.as_ref()?.reorder;
        let asks = reorder.asks().filter(|_| self.kind == Kind::Video);
        asks.into_iter().chain(reorder.gives_up()).min()
    }
}
