//! RTP payload formats: H.264 (RFC 6184, packetization mode 1) and Opus (RFC 7587).

use bytes::{BufMut, Bytes, BytesMut};
use media::{Config, Kind, Packet, Timestamp, Track, TrackId};

/// Bytes of an RTP packet without its encryption and without UDP and IP.
const MTU: usize = 1_200;

/// Bytes of payload behind an RTP header without extensions.
pub(crate) const MAX_PAYLOAD: usize = MTU - 12;

/// RTP ticks of video per second (RFC 6184, section 8.2.1).
pub(crate) const VIDEO_RATE: u32 = 90_000;

/// RTP ticks of Opus per second (RFC 7587, section 4.1).
pub(crate) const AUDIO_RATE: u32 = 48_000;

const TYPE_MASK: u8 = 0x1f;
const IMPORTANCE_MASK: u8 = 0x60;
const ACCESS_UNIT_DELIMITER: u8 = 9;
const FILLER: u8 = 12;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

/// One access unit cut into RTP payloads, once for all who receive it.
#[derive(Clone, Debug)]
pub(crate) struct Unit {
    pub(crate) kind: Kind,
    pub(crate) pts: Timestamp,
    pub(crate) keyframe: bool,
    /// Payloads in order; the last one ends the access unit.
    pub(crate) payloads: Vec<Bytes>,
}

impl Unit {
    /// Bytes of all payloads.
    pub(crate) fn bytes(&self) -> usize {
        self.payloads.iter().map(Bytes::len).sum()
    }

    /// Whether the payload at this place is marked: the last one of a picture is (RFC 6184,
    /// section 5.1), sound never (RFC 7587, section 4.1: no discontinuous sending).
    pub(crate) fn marks(&self, place: usize) -> bool {
        self.kind == Kind::Video && place + 1 == self.payloads.len()
    }
}

/// Cuts the packets of a channel's H.264 and Opus tracks into [`Unit`]s.
#[derive(Debug, Default)]
pub(crate) struct Packetizer {
    video: Option<(TrackId, Bytes)>,
    audio: Option<TrackId>,
}

impl Packetizer {
    /// Takes the first H.264 and the first Opus track; others are ignored.
    pub(crate) fn set_tracks(&mut self, tracks: &[Track]) {
        self.video = tracks.iter().find_map(|t| match &t.config {
            Config::H264 { sps, pps, .. } => Some((t.id, aggregate(&[sps, pps]))),
            _ => None,
        });
        self.audio = tracks.iter().find_map(|t| match &t.config {
            Config::Opus { .. } => Some(t.id),
            _ => None,
        });
    }

    /// Whether there is a picture.
    pub(crate) fn has_video(&self) -> bool {
        self.video.is_some()
    }

    /// Whether the track of this number is the one that is taken of its kind.
    pub(crate) fn takes(&self, track: TrackId, kind: Kind) -> bool {
        match kind {
            Kind::Video => self.video.as_ref().is_some_and(|(id, _)| *id == track),
            Kind::Audio => self.audio == Some(track),
        }
    }

    /// The payloads of a packet; `None` for other tracks and for packets without content.
    pub(crate) fn unit(&self, packet: &Packet) -> Option<Unit> {
        let mut payloads = Vec::new();
        let kind = match &self.video {
            Some((id, parameter_sets)) if *id == packet.track => {
                if packet.keyframe {
                    payloads.push(parameter_sets.clone());
                }
                h264(&packet.data, &mut payloads);
                Kind::Video
            }
            _ if self.audio == Some(packet.track) => {
                payloads.push(packet.data.clone());
                Kind::Audio
            }
            _ => return None,
        };
        payloads.retain(|p| !p.is_empty());
        if payloads.is_empty() {
            return None;
        }
        Some(Unit {
            kind,
            pts: packet.pts,
            keyframe: packet.keyframe,
            payloads,
        })
    }
}

/// The NAL units of an access unit in ISO/IEC 14496-15 form (lengths of four bytes). Ends at the
/// first length that does not fit.
fn nal_units(data: &Bytes) -> impl Iterator<Item = Bytes> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let length = data.get(at..at + 4)?;
        let length = u32::from_be_bytes(length.try_into().ok()?);
        let start = at + 4;
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        if end > data.len() {
            return None;
        }
        at = end;
        Some(data.slice(start..end))
    })
}

/// Single NAL unit packets (RFC 6184, section 5.6) where they fit, FU-A (section 5.8) where not.
fn h264(data: &Bytes, payloads: &mut Vec<Bytes>) {
    for nal in nal_units(data) {
        match nal.first().map(|header| header & TYPE_MASK) {
            None | Some(ACCESS_UNIT_DELIMITER | FILLER) => {}
            Some(_) if nal.len() <= MAX_PAYLOAD => payloads.push(nal),
            Some(_) => fragment(&nal, payloads),
        }
    }
}

/// FU-A of equal size but for the last, so that a whole picture leaves in one system call.
fn fragment(nal: &Bytes, payloads: &mut Vec<Bytes>) {
    const HEADERS: usize = 2;
    let piece = MAX_PAYLOAD - HEADERS;
    let (header, body) = (nal[0], &nal[1..]);
    let pieces = body.len().div_ceil(piece);
    let mut out = BytesMut::with_capacity(body.len() + pieces * HEADERS);
    for (index, bytes) in body.chunks(piece).enumerate() {
        let start = u8::from(index == 0) << 7;
        let end = u8::from(index + 1 == pieces) << 6;
        out.put_u8((header & IMPORTANCE_MASK) | FU_A);
        out.put_u8(start | end | (header & TYPE_MASK));
        out.put_slice(bytes);
        payloads.push(out.split().freeze());
    }
}

/// A single-time aggregation packet (STAP-A, RFC 6184, section 5.7.1); empty when nothing is in it
/// or it would not fit one packet.
fn aggregate(nals: &[&Bytes]) -> Bytes {
    let nals = nals.iter().filter(|n| !n.is_empty());
    let mut out = BytesMut::new();
    out.put_u8(STAP_A);
    for nal in nals {
        let Ok(length) = u16::try_from(nal.len()) else {
            return Bytes::new();
        };
        out[0] |= nal[0] & IMPORTANCE_MASK;
        out.put_u16(length);
        out.put_slice(nal);
    }
    if out.len() == 1 || out.len() > MAX_PAYLOAD {
        return Bytes::new();
    }
    out.freeze()
}

#[cfg(test)]
mod tests;
