//! RTP payloads become access units: H.264 (RFC 6184, packetization modes 0 and 1).

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use media::Timestamp;
use media::h264::NalType;

const TYPE_MASK: u8 = 0x1f;
const IMPORTANCE_MASK: u8 = 0xe0;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

/// A picture larger than this, in bytes, is no picture.
const MAX_PICTURE: usize = 8 << 20;

/// NAL units of a picture: more slices than a picture of the highest level has.
const MAX_NALS: usize = 1_024;

/// An access unit, as it was sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unit {
    /// The time of its first packet.
    pub(crate) at: Timestamp,
    pub(crate) nals: Vec<Bytes>,
}

/// Puts payloads together, in the order of their numbers.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    /// The RTP time that its packets have in common, and the time of the first.
    time: u32,
    at: Timestamp,
    nals: Vec<Bytes>,
    fragment: Option<BytesMut>,
    bytes: usize,
    /// Something of this access unit is missing or cannot be read.
    broken: bool,
    /// Its beginning may be missing.
    doubtful: bool,
    /// Whether anything of it has come.
    open: bool,
    finished: VecDeque<Result<Unit, Broken>>,
}

/// An access unit that cannot be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broken;

impl Assembler {
    /// Takes a payload of RTP time `time`; empty ones are padding. Follow with [`Assembler::poll`].
    pub(crate) fn push(&mut self, time: u32, at: Timestamp, marker: bool, payload: &Bytes) {
        if payload.is_empty() {
            return;
        }
        if self.open && time != self.time {
            let lost = self.broken;
            self.finish();
            self.doubtful = lost;
        }
        if !self.open {
            self.at = at;
        }
        self.open = true;
        self.time = time;
        if self.take(payload).is_none() {
            self.broken = true;
        }
        // The last packet of an access unit is marked (section 5.1).
        if marker {
            self.finish();
        }
    }

    /// Packets in between will not come: the picture they belong to is lost, and so may be the
    /// beginning of the next one.
    pub(crate) fn gap(&mut self) {
        self.open = true;
        self.broken = true;
        self.fragment = None;
    }

    /// The next access unit that has ended, whole or not.
    pub(crate) fn poll(&mut self) -> Option<Result<Unit, Broken>> {
        self.finished.pop_front()
    }

    fn finish(&mut self) {
        let nals = std::mem::take(&mut self.nals);
        let headless = std::mem::take(&mut self.doubtful) && !begins(&nals);
        let open_end = self.fragment.take().is_some();
        let broken = std::mem::take(&mut self.broken) || open_end || headless;
        self.bytes = 0;
        self.open = false;
        let unit = if broken {
            Err(Broken)
        } else {
            Ok(Unit { at: self.at, nals })
        };
        self.finished.push_back(unit);
    }

    /// `None` when the payload does not fit what came before, or is of a kind that is not answered.
    fn take(&mut self, payload: &Bytes) -> Option<()> {
        let header = *payload.first()?;
        match header & TYPE_MASK {
            1..=23 => self.keep(payload.clone()),
            STAP_A => self.aggregate(payload.slice(1..)),
            FU_A => self.fragment(payload),
            _ => None,
        }
    }

    fn keep(&mut self, nal: Bytes) -> Option<()> {
        // A fragment that was begun has to end before anything else (section 5.8).
        if self.fragment.take().is_some() {
            return None;
        }
        self.bytes += nal.len();
        if self.nals.len() >= MAX_NALS || self.bytes > MAX_PICTURE {
            self.nals.clear();
            return None;
        }
        self.nals.push(nal);
        Some(())
    }

    /// NAL units behind their lengths in two bytes (section 5.7.1).
    fn aggregate(&mut self, mut rest: Bytes) -> Option<()> {
        while !rest.is_empty() {
            let length = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
            if length == 0 || rest.len() < 2 + length {
                return None;
            }
            let nal = rest.split_to(2 + length).slice(2..);
            self.keep(nal)?;
        }
        Some(())
    }

    /// A piece of a NAL unit (section 5.8).
    fn fragment(&mut self, payload: &Bytes) -> Option<()> {
        let &[indicator, header, ref body @ ..] = &payload[..] else {
            return None;
        };
        let (start, end) = (header & 0x80 != 0, header & 0x40 != 0);
        if start {
            if self.fragment.is_some() || end {
                return None;
            }
            let whole = (indicator & IMPORTANCE_MASK) | (header & TYPE_MASK);
            self.fragment = Some(BytesMut::from(&[whole][..]));
        }
        let fragment = self.fragment.as_mut()?;
        if self.bytes + fragment.len() + body.len() > MAX_PICTURE {
            self.fragment = None;
            self.nals.clear();
            return None;
        }
        fragment.extend_from_slice(body);
        if end {
            let nal = self.fragment.take()?.freeze();
            return self.keep(nal);
        }
        Some(())
    }
}

/// Whether the first slice is the first of its picture: `first_mb_in_slice`, an Exp-Golomb number, is
/// zero when its first bit is set (ITU-T H.264, sections 7.3.3 and 9.1).
fn begins(nals: &[Bytes]) -> bool {
    let mut slices = nals.iter().filter(|nal| NalType::of(nal).is_picture());
    slices
        .next()
        .is_none_or(|nal| nal.get(1).is_some_and(|b| b & 0x80 != 0))
}

#[cfg(test)]
mod tests {
    use media::{Packet, TrackId};

    use super::*;
    use crate::testing::{Noise, video};
    use crate::webrtc::payload::Packetizer;

    fn units(assembler: &mut Assembler) -> Vec<Result<Unit, Broken>> {
        std::iter::from_fn(|| assembler.poll()).collect()
    }

    fn push(assembler: &mut Assembler, time: u32, marker: bool, payload: &[u8]) {
        let at = Timestamp::from_millis(time.into());
        assembler.push(time, at, marker, &Bytes::copy_from_slice(payload));
    }

    fn nals(unit: &Result<Unit, Broken>) -> Vec<&[u8]> {
        let nals = &unit.as_ref().unwrap().nals;
        nals.iter().map(|n| &n[..]).collect()
    }

    /// What the station itself would send for a picture.
    fn payloads(nals: &[Vec<u8>], keyframe: bool) -> Vec<Bytes> {
        let mut data = Vec::new();
        for nal in nals {
            media::h264::push_avcc(&mut data, nal);
        }
        let mut cut = Packetizer::default();
        cut.set_tracks(&[video(0)]);
        let packet = Packet {
            track: TrackId(0),
            pts: Timestamp::ZERO,
            dts: Timestamp::ZERO,
            keyframe,
            data: data.into(),
        };
        cut.unit(&packet).unwrap().payloads
    }

    #[test]
    fn what_was_cut_is_put_together() {
        let sent = [
            [vec![0x65, 0x88], vec![7; 5_000]].concat(),
            vec![0x65, 3, 9],
        ];
        let mut assembler = Assembler::default();
        let payloads = payloads(&sent, true);
        let last = payloads.len() - 1;
        for (index, payload) in payloads.iter().enumerate() {
            push(&mut assembler, 90, index == last, payload);
        }
        let units = units(&mut assembler);
        let [unit] = &units[..] else {
            panic!("{units:?}");
        };
        let got = nals(unit);
        assert_eq!(got[..2], [crate::testing::SPS, crate::testing::PPS]);
        assert_eq!(got[2..], [&sent[0][..], &sent[1]]);
        assert_eq!(unit.as_ref().unwrap().at, Timestamp::from_millis(90));
    }

    #[test]
    fn a_new_time_ends_a_picture_that_was_not_marked() {
        let mut assembler = Assembler::default();
        push(&mut assembler, 1, false, &[0x41, 0x80]);
        push(&mut assembler, 1, false, &[]);
        assert!(units(&mut assembler).is_empty());
        push(&mut assembler, 2, true, &[0x41, 0x81]);
        let units = units(&mut assembler);
        assert_eq!(units.len(), 2);
        assert_eq!(nals(&units[0]), [[0x41, 0x80]]);
        assert_eq!(nals(&units[1]), [[0x41, 0x81]]);
    }

    #[test]
    fn loss_breaks_its_picture_and_a_next_one_without_its_beginning() {
        // A loss within a picture; then whole pictures.
        let mut assembler = Assembler::default();
        push(&mut assembler, 1, false, &[0x41, 0x80]);
        assembler.gap();
        push(&mut assembler, 1, true, &[0x41, 0x20]);
        push(&mut assembler, 2, true, &[0x41, 0x80]);
        let all = units(&mut assembler);
        assert_eq!(all.len(), 2);
        assert_eq!(all[0], Err(Broken));
        assert!(all[1].is_ok());
        // A loss between pictures: one of which nothing came, and one that is whole or not.
        for (first_slice, whole) in [(0x80, true), (0x20, false)] {
            assembler.gap();
            push(&mut assembler, 3, true, &[0x65, first_slice]);
            let all = units(&mut assembler);
            assert_eq!(all[0], Err(Broken));
            assert_eq!(all[1].is_ok(), whole);
            assembler.gap();
            push(&mut assembler, 4, true, &[0x65, 0x80]);
            assert_eq!(units(&mut assembler).len(), 2);
        }
    }

    #[test]
    fn what_does_not_fit_breaks_the_picture_alone() {
        let start = [0x7c, 0x85, 1, 2];
        let middle = [0x7c, 0x05, 3, 4];
        let cases: [&[&[u8]]; 12] = [
            &[&middle],               // no beginning
            &[&start, &start],        // two beginnings
            &[&start, &[0x41, 0x80]], // no end
            &[&start],                // nor here
            &[&[0x7c]],               // no header
            &[&[0x7c, 0xc5, 1]],      // beginning and end in one
            &[&[0x18, 0, 9, 1]],      // an aggregate cut short
            &[&[0x18, 0, 0]],         // an empty unit in it
            &[&[0x18, 0]],
            &[&[0x19, 0, 1, 0, 1, 9]], // interleaved modes
            &[&[0x1d, 0x80, 0, 0, 0]],
            &[&[0x00, 1]],
        ];
        for wrong in cases {
            let mut assembler = Assembler::default();
            let last = wrong.len() - 1;
            for (index, payload) in wrong.iter().enumerate() {
                push(&mut assembler, 1, index == last, payload);
            }
            assert_eq!(units(&mut assembler), [Err(Broken)], "{wrong:02x?}");
            push(&mut assembler, 2, true, &[0x41, 0x80]);
            assert!(units(&mut assembler)[0].is_ok());
        }
    }

    #[test]
    fn nothing_grows_without_bound() {
        let mut assembler = Assembler::default();
        let piece = vec![0x7c; 60_000];
        for n in 0..1_000_u32 {
            let mut payload = piece.clone();
            payload[1] = if n == 0 { 0x85 } else { 0x05 };
            push(&mut assembler, 1, false, &payload);
            let held = assembler.fragment.as_ref().map_or(0, BytesMut::len);
            assert!(held <= MAX_PICTURE);
        }
        for _ in 0..5_000 {
            push(&mut assembler, 1, false, &[0x41, 0x80]);
            assert!(assembler.nals.len() <= MAX_NALS);
        }
        push(&mut assembler, 1, true, &[0x41, 0x80]);
        assert_eq!(units(&mut assembler), [Err(Broken)]);
    }

    #[test]
    fn noise_makes_no_panic() {
        let mut noise = Noise::new(11);
        let mut assembler = Assembler::default();
        for _ in 0..20_000 {
            let mut payload = noise.bytes(40);
            if let (Some(first), true) = (payload.first_mut(), noise.below(2) == 0) {
                *first = [0x18, 0x7c, 0x41][noise.below(3)];
            }
            if noise.below(20) == 0 {
                assembler.gap();
            }
            let time = noise.below(3) as u32;
            push(&mut assembler, time, noise.below(3) == 0, &payload);
            while assembler.poll().is_some() {}
        }
    }
}
