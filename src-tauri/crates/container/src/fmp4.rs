//! Writing fragmented MP4 (ISO/IEC 14496-12, section 8.8): an initialisation segment, then fragments, as HLS
//! (RFC 8216, section 3.3) and recordings want them.

pub(crate) mod init;

use std::sync::Arc;

use bytes::Bytes;
use media::{Config, Packet, Timestamp, Track, TrackId};

use crate::boxes::Writer;

/// Ticks per second of pictures.
const VIDEO_SCALE: u32 = 90_000;

/// Ticks per second in which a track is written.
pub(crate) fn scale_of(config: &Config) -> u32 {
    match config {
        Config::H264 { .. } => VIDEO_SCALE,
        Config::Opus { .. } => media::SAMPLE_RATE,
        Config::Aac { sample_rate, .. } => (*sample_rate).max(1),
    }
}

/// Makes an initialisation segment of tracks, and fragments of their packets.
///
/// Decode time 0 of the file is the earliest decode time in the first fragment, unless
/// [`starting_at`](Self::starting_at) has said otherwise; all tracks keep their distance from one another.
#[derive(Clone, Debug)]
pub struct Muxer {
    tracks: Arc<[Out]>,
    sequence: u32,
    origin: Option<Timestamp>,
}

#[derive(Clone, Debug)]
struct Out {
    id: TrackId,
    config: Config,
    scale: u32,
}

impl Muxer {
    /// A muxer for these tracks, which get the numbers 1, 2, … in the file.
    pub fn new(tracks: &[Track]) -> Self {
        let tracks = tracks
            .iter()
            .map(|track| Out {
                id: track.id,
                config: track.config.clone(),
                scale: scale_of(&track.config),
            })
            .collect();
        Self {
            tracks,
            sequence: 0,
            origin: None,
        }
    }

    /// The same, with `origin` as decode time 0. Packets from before it are written at 0.
    #[must_use]
    pub fn starting_at(mut self, origin: Timestamp) -> Self {
        self.origin = Some(origin);
        self
    }

    /// What stands at decode time 0; `None` before the first fragment.
    pub fn origin(&self) -> Option<Timestamp> {
        self.origin
    }

    /// The initialisation segment: `ftyp` and `moov`.
    pub fn init_segment(&self) -> Bytes {
        let tracks = self.tracks.iter().map(|t| (&t.config, t.scale));
        init::segment(tracks)
    }

    /// The beginning of a recording: an initialisation segment with room for a seal (see [`recording`](crate::recording)).
    pub(crate) fn recording_head(&self) -> Bytes {
        let mut w = Writer::default();
        init::file_type(&mut w);
        let room = w.begin(b"free");
        w.zeros(8);
        w.end(room);
        let tracks = self.tracks.iter().map(|t| (&t.config, t.scale));
        init::movie(&mut w, tracks);
        w.out.into()
    }

    /// One fragment, `moof` and `mdat`, of packets in decode order, of which those of other tracks are left
    /// out. Each packet lasts until the next of its track; the last picture lasts until `end`, the decode
    /// time with which the next fragment begins, and the last sound as long as it is.
    pub fn fragment(&mut self, packets: &[Packet], end: Timestamp) -> Bytes {
        self.scattered(packets, end).join()
    }

    /// The same, with the media where it lies: for whoever writes it to a file.
    pub fn scattered(&mut self, packets: &[Packet], end: Timestamp) -> Fragment {
        let origin = self.count(packets);
        let mut writer = Writer {
            out: Vec::with_capacity(packets.len() * 16 + 256),
        };
        let moof = writer.begin(b"moof");
        let mfhd = writer.begin_full(b"mfhd", 0, 0);
        writer.u32(self.sequence);
        writer.end(mfhd);
        let mut runs: Vec<(usize, Vec<&Packet>)> = Vec::with_capacity(self.tracks.len());
        for (number, track) in (1u32..).zip(&*self.tracks) {
            let own: Vec<&Packet> = packets.iter().filter(|p| p.track == track.id).collect();
            if own.is_empty() {
                continue;
            }
            let place = track.describe(&mut writer, number, &own, origin, end);
            runs.push((place, own));
        }
        writer.end(moof);
        let mdat = writer.out.len();
        writer.u32(0);
        writer.put(b"mdat");
        // Counted from the first byte of the fragment, which is the first written.
        let mut length = writer.out.len();
        let mut media = Vec::with_capacity(packets.len());
        for (place, packets) in runs {
            writer.patch(place, u32::try_from(length).unwrap_or(u32::MAX));
            length += packets.iter().map(|p| p.data.len()).sum::<usize>();
            media.extend(packets.iter().map(|p| p.data.clone()));
        }
        writer.patch(mdat, u32::try_from(length - mdat).unwrap_or(u32::MAX));
        Fragment {
            head: writer.out.into(),
            media,
        }
    }

    /// The same fragment for when it is wanted; those after it may be written before.
    pub fn later(&mut self, packets: Vec<Packet>, end: Timestamp) -> Unwritten {
        let muxer = self.clone();
        self.count(&packets);
        Unwritten {
            muxer,
            packets,
            end,
        }
    }

    /// Counts a fragment, and gives decode time 0.
    fn count(&mut self, packets: &[Packet]) -> Timestamp {
        let known = |p: &&Packet| self.tracks.iter().any(|t| t.id == p.track);
        let earliest = packets.iter().filter(known).map(|p| p.dts).min();
        self.sequence = self.sequence.wrapping_add(1);
        *self.origin.get_or_insert(earliest.unwrap_or_default())
    }
}

/// A fragment as it is written: its boxes, and behind them the media, which is not copied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fragment {
    /// `moof`, and the beginning of `mdat`.
    pub head: Bytes,
    /// What is in `mdat`, in order.
    pub media: Vec<Bytes>,
}

impl Fragment {
    /// Its pieces, one behind the other.
    pub fn pieces(&self) -> impl Iterator<Item = &Bytes> {
        std::iter::once(&self.head).chain(&self.media)
    }

    /// Bytes of all of it.
    pub fn size(&self) -> usize {
        self.pieces().map(Bytes::len).sum()
    }

    /// All of it in one piece.
    pub fn join(&self) -> Bytes {
        let mut out = Vec::with_capacity(self.size());
        for piece in self.pieces() {
            out.extend_from_slice(piece);
        }
        out.into()
    }
}

/// A fragment that nobody has wanted yet: its packets, which are not copied.
#[derive(Clone, Debug)]
pub struct Unwritten {
    /// As it was before the fragment.
    muxer: Muxer,
    packets: Vec<Packet>,
    end: Timestamp,
}

impl Unwritten {
    /// The fragment, as [`Muxer::fragment`] gives it.
    pub fn write(&self) -> Bytes {
        self.muxer.clone().fragment(&self.packets, self.end)
    }

    /// About how many bytes it has; never far from it, as media is most of them.
    pub fn about(&self) -> usize {
        let payload: usize = self.packets.iter().map(|p| p.data.len()).sum();
        payload + self.packets.len() * 8 + 160
    }
}

/// Flags of a sample that others need not wait for (section 8.8.3.1): depends on none.
const SYNC: u32 = 0x0200_0000;
/// And of one that cannot be decoded alone.
const NOT_SYNC: u32 = 0x0101_0000;

impl Out {
    /// Writes the `traf` of its packets; gives the place where the offset of their data goes.
    fn describe(
        &self,
        writer: &mut Writer,
        number: u32,
        packets: &[&Packet],
        origin: Timestamp,
        end: Timestamp,
    ) -> usize {
        let ticks = |at: Timestamp| {
            Timestamp::from_nanos(at.offset_from(origin))
                .ticks(self.scale)
                .max(0)
        };
        let durations = self.durations(packets, ticks, end);
        let first = durations.first().copied().unwrap_or(0);
        let steady = durations.iter().all(|&d| d == first);
        let all_sync = packets.iter().all(|p| p.keyframe);
        let reordered = packets.iter().any(|p| p.pts != p.dts);

        let traf = writer.begin(b"traf");
        // default-base-is-moof, and the flags of every sample.
        let tfhd = writer.begin_full(b"tfhd", 0, 0x2_0020 | if steady { 8 } else { 0 });
        writer.u32(number);
        if steady {
            writer.u32(first);
        }
        writer.u32(if all_sync { SYNC } else { NOT_SYNC });
        writer.end(tfhd);

        let tfdt = writer.begin_full(b"tfdt", 1, 0);
        let begins = packets.first().map_or(0, |p| ticks(p.dts));
        writer.u64(u64::try_from(begins).unwrap_or(0));
        writer.end(tfdt);

        let flags = 0x201
            | if steady { 0 } else { 0x100 }
            | if all_sync { 0 } else { 0x400 }
            | if reordered { 0x800 } else { 0 };
        // Version 1: composition may come before decoding.
        let trun = writer.begin_full(b"trun", 1, flags);
        writer.u32(u32::try_from(packets.len()).unwrap_or(u32::MAX));
        let place = writer.out.len();
        writer.u32(0);
        for (packet, duration) in packets.iter().zip(durations) {
            if !steady {
                writer.u32(duration);
            }
            writer.u32(u32::try_from(packet.data.len()).unwrap_or(u32::MAX));
            if !all_sync {
                writer.u32(if packet.keyframe { SYNC } else { NOT_SYNC });
            }
            if reordered {
                let ahead = ticks(packet.pts) - ticks(packet.dts);
                let ahead = i32::try_from(ahead).unwrap_or(0);
                writer.u32(ahead.cast_unsigned());
            }
        }
        writer.end(trun);
        writer.end(traf);
        place
    }

    fn durations(
        &self,
        packets: &[&Packet],
        ticks: impl Fn(Timestamp) -> i64,
        end: Timestamp,
    ) -> Vec<u32> {
        let between = |from: i64, to: i64| u32::try_from(to - from).unwrap_or(0);
        let mut durations: Vec<u32> = packets
            .windows(2)
            .map(|pair| between(ticks(pair[0].dts), ticks(pair[1].dts)))
            .collect();
        if let Some(last) = packets.last() {
            let previous = durations.last().copied();
            let own = match &self.config {
                Config::Aac { .. } => Some(1024),
                Config::Opus { .. } => media::opus::packet_samples(&last.data),
                Config::H264 { .. } => {
                    Some(between(ticks(last.dts), ticks(end))).filter(|&d| d > 0)
                }
            };
            durations.push(own.or(previous).unwrap_or(self.scale / 30));
        }
        durations
    }
}

#[cfg(test)]
pub(crate) mod tests;
