//! Writing Matroska (RFC 9559, on EBML of RFC 8794) of samples that are all known: every length and place is
//! computed before the first byte is written, so that a file streams, has its index in front, and says how
//! long it is.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use media::{Config, Kind, h264, opus};

use crate::mp4::{Sample, Track};

/// A cluster ends by then: its blocks count milliseconds in 16 bits, from its beginning on.
const LONGEST: i64 = 25_000;

/// A cluster of a file without pictures is so long.
const OF_SOUND: i64 = 5_000;

/// What we are called in the file.
const APP: &str = concat!("Klieg ", env!("CARGO_PKG_VERSION"));

/// A file as it will be: what goes in front, and before each sample.
#[derive(Clone, Debug)]
pub struct Layout {
    front: Bytes,
    /// The cluster's head that goes before a sample, by its place in the list.
    clusters: Vec<(usize, Bytes)>,
    blocks: Vec<Block>,
    len: u64,
}

#[derive(Clone, Copy, Debug)]
struct Block {
    track: u8,
    keyframe: bool,
    /// Milliseconds from its cluster's beginning.
    at: i16,
    len: u64,
}

impl Block {
    fn head(self) -> Bytes {
        let mut out = BytesMut::with_capacity(14);
        out.put_u8(0xa3);
        out.put_slice(&size(self.len + 4));
        out.put_u8(0x80 | self.track);
        out.put_i16(self.at);
        out.put_u8(if self.keyframe { 0x80 } else { 0 });
        out.freeze()
    }

    fn whole(self) -> u64 {
        1 + size(self.len + 4).len() as u64 + 4 + self.len
    }
}

impl Layout {
    /// Lays a file out of samples in the order of their decoding, tracks interleaved. Tracks whose codec cannot
    /// be described are left out; [`Self::takes`] says which samples are.
    pub fn new(tracks: &[Track], samples: &[Sample]) -> Self {
        let mut sounds = 0;
        let numbers: Vec<_> = tracks
            .iter()
            .filter_map(|t| {
                let own = entry(t)?;
                if t.config.kind() == Kind::Video {
                    return Some((t.id, own));
                }
                sounds += 1;
                Some((t.id, named(own, sounds)))
            })
            .collect();
        let number = |sample: &Sample| {
            let at = numbers.iter().position(|(id, _)| *id == sample.track)?;
            u8::try_from(at + 1).ok().filter(|n| *n < 0x80)
        };
        let video = tracks.iter().find(|t| t.config.kind() == Kind::Video);
        let leads = |s: &Sample| s.keyframe && video.is_none_or(|v| v.id == s.track);
        let mut blocks = Vec::with_capacity(samples.len());
        let mut begins: Vec<(usize, i64)> = Vec::new();
        for sample in samples {
            let at = sample.pts.millis().max(0);
            let due = match begins.last() {
                None => true,
                Some((_, since)) => {
                    let long = if video.is_some() { LONGEST } else { OF_SOUND };
                    (leads(sample) && video.is_some()) || at - since >= long
                }
            };
            if due {
                begins.push((blocks.len(), at));
            }
            let since = begins.last().map_or(0, |(_, since)| *since);
            blocks.push(Block {
                track: number(sample).unwrap_or(0),
                keyframe: sample.keyframe,
                at: i16::try_from(at - since).unwrap_or(if at < since {
                    i16::MIN
                } else {
                    i16::MAX
                }),
                len: sample.len as u64,
            });
        }
        let ends = samples.iter().map(|s| s.pts + s.duration).max();
        let long = ends.map_or(Duration::ZERO, |end| end.since(media::Timestamp::ZERO));
        Self::of(&numbers, blocks, &begins, long)
    }

    fn of(
        numbers: &[(media::TrackId, Bytes)],
        blocks: Vec<Block>,
        begins: &[(usize, i64)],
        long: Duration,
    ) -> Self {
        let next = |n: usize| begins.get(n + 1).map_or(blocks.len(), |(at, _)| *at);
        let mut clusters = Vec::with_capacity(begins.len());
        let mut lens = Vec::with_capacity(begins.len());
        for (n, (at, since)) in begins.iter().enumerate() {
            let own = blocks[*at..next(n)].iter().filter(|b| b.track > 0);
            let media: u64 = own.map(|b| b.whole()).sum();
            let time = number(&[0xe7], u64::try_from(*since).unwrap_or(0));
            let mut head = BytesMut::new();
            head.put_slice(&[0x1f, 0x43, 0xb6, 0x75]);
            head.put_slice(&size(time.len() as u64 + media));
            head.put_slice(&time);
            lens.push(head.len() as u64 + media);
            clusters.push((*at, head.freeze()));
        }
        let info = info(long);
        let entries: Vec<&[u8]> = numbers.iter().map(|(_, entry)| entry.as_ref()).collect();
        let numbered: Vec<Bytes> = entries
            .iter()
            .enumerate()
            .map(|(n, entry)| {
                let own = number(&[0xd7], n as u64 + 1);
                let uid = number(&[0x73, 0xc5], n as u64 + 1);
                element(&[0xae], &[&own, &uid, entry])
            })
            .collect();
        let numbered: Vec<&[u8]> = numbered.iter().map(Bytes::as_ref).collect();
        let tracks = element(&[0x16, 0x54, 0xae, 0x6b], &numbered);
        // Places are numbers of eight bytes, so that they move nothing.
        let seek = |places: [u64; 3]| {
            let ids: [&[u8]; 3] = [
                &[0x15, 0x49, 0xa9, 0x66],
                &[0x16, 0x54, 0xae, 0x6b],
                &[0x1c, 0x53, 0xbb, 0x6b],
            ];
            let seeks: Vec<Bytes> = ids
                .iter()
                .zip(places)
                .map(|(id, place)| {
                    let id = element(&[0x53, 0xab], &[id]);
                    element(&[0x4d, 0xbb], &[&id, &fixed(&[0x53, 0xac], place)])
                })
                .collect();
            let seeks: Vec<&[u8]> = seeks.iter().map(Bytes::as_ref).collect();
            element(&[0x11, 0x4d, 0x9b, 0x74], &seeks)
        };
        let cues = |from: u64| {
            let mut place = from;
            let points: Vec<Bytes> = begins
                .iter()
                .zip(&lens)
                .map(|((_, since), len)| {
                    let track = number(&[0xf7], 1);
                    let there = element(&[0xb7], &[&track, &fixed(&[0xf1], place)]);
                    place += len;
                    let time = number(&[0xb3], u64::try_from(*since).unwrap_or(0));
                    element(&[0xbb], &[&time, &there])
                })
                .collect();
            let points: Vec<&[u8]> = points.iter().map(Bytes::as_ref).collect();
            element(&[0x1c, 0x53, 0xbb, 0x6b], &points)
        };
        let at_info = seek([0; 3]).len() as u64;
        let at_tracks = at_info + info.len() as u64;
        let at_cues = at_tracks + tracks.len() as u64;
        let at_media = at_cues + cues(0).len() as u64;
        let media: u64 = lens.iter().sum();
        let mut front = BytesMut::from(head().as_ref());
        front.put_slice(&[0x18, 0x53, 0x80, 0x67]);
        front.put_slice(&size(at_media + media));
        front.put_slice(&seek([at_info, at_tracks, at_cues]));
        front.put_slice(&info);
        front.put_slice(&tracks);
        front.put_slice(&cues(at_media));
        Self {
            len: front.len() as u64 + media,
            front: front.freeze(),
            clusters,
            blocks,
        }
    }

    /// What the file begins with.
    pub fn front(&self) -> &Bytes {
        &self.front
    }

    /// Bytes of the whole file.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Whether a sample of the list is in the file.
    pub fn takes(&self, sample: usize) -> bool {
        self.blocks.get(sample).is_some_and(|block| block.track > 0)
    }

    /// What goes before the bytes of a sample of the list.
    pub fn before(&self, sample: usize) -> Bytes {
        let mut out = BytesMut::new();
        if let Ok(at) = self.clusters.binary_search_by_key(&sample, |(at, _)| *at) {
            out.put_slice(&self.clusters[at].1);
        }
        if let Some(block) = self.blocks.get(sample).filter(|block| block.track > 0) {
            out.put_slice(&block.head());
        }
        out.freeze()
    }
}

fn head() -> Bytes {
    element(
        &[0x1a, 0x45, 0xdf, 0xa3],
        &[
            &number(&[0x42, 0x86], 1),
            &number(&[0x42, 0xf7], 1),
            &number(&[0x42, 0xf2], 4),
            &number(&[0x42, 0xf3], 8),
            &element(&[0x42, 0x82], &[b"matroska"]),
            &number(&[0x42, 0x87], 4),
            &number(&[0x42, 0x85], 2),
        ],
    )
}

fn info(long: Duration) -> Bytes {
    let millis = long.as_secs_f64() * 1_000.0;
    element(
        &[0x15, 0x49, 0xa9, 0x66],
        &[
            &number(&[0x2a, 0xd7, 0xb1], 1_000_000),
            &element(&[0x44, 0x89], &[&millis.to_be_bytes()]),
            &element(&[0x4d, 0x80], &[APP.as_bytes()]),
            &element(&[0x57, 0x41], &[APP.as_bytes()]),
        ],
    )
}

/// What is said of a track, but for its number; none when its codec cannot be described.
fn entry(track: &Track) -> Option<Bytes> {
    let mut out = BytesMut::new();
    // Pictures or sound; a block holds one access unit.
    let kind = match track.config.kind() {
        Kind::Video => 1,
        Kind::Audio => 2,
    };
    out.put_slice(&number(&[0x83], kind));
    out.put_slice(&number(&[0x9c], 0));
    let mut codec = |id: &str, private: &[u8]| {
        out.put_slice(&element(&[0x86], &[id.as_bytes()]));
        out.put_slice(&element(&[0x63, 0xa2], &[private]));
    };
    let sound = |rate: f64, channels: u16| {
        let rate = element(&[0xb5], &[&rate.to_be_bytes()]);
        let channels = number(&[0x9f], channels.into());
        element(&[0xe1], &[&rate, &channels])
    };
    match &track.config {
        Config::H264 {
            sps,
            pps,
            width,
            height,
            ..
        } => {
            codec("V_MPEG4/ISO/AVC", &h264::record(sps, pps).ok()?);
            let (width, height) = (
                number(&[0xb0], (*width).into()),
                number(&[0xba], (*height).into()),
            );
            out.put_slice(&element(&[0xe0], &[&width, &height]));
        }
        Config::Aac {
            asc,
            sample_rate,
            channels,
        } => {
            codec("A_AAC", asc);
            out.put_slice(&sound(f64::from(*sample_rate), *channels));
        }
        Config::Opus { channels, pre_skip } => {
            let head = opus::Head {
                channels: u8::try_from(*channels).ok()?,
                pre_skip: *pre_skip,
                input_rate: 48_000,
                gain: 0,
            };
            codec("A_OPUS", &head.build());
            // In nanoseconds: what is thrown away, and how much is decoded before a place that is sought.
            let skipped = u64::from(*pre_skip) * 1_000_000_000 / 48_000;
            out.put_slice(&number(&[0x56, 0xaa], skipped));
            out.put_slice(&number(&[0x56, 0xbb], 80_000_000));
            out.put_slice(&sound(48_000.0, *channels));
        }
    }
    Some(out.freeze())
}

/// The entry of a sound that is not the first: players begin with that, and people choose by names.
fn named(entry: Bytes, sound: usize) -> Bytes {
    if sound == 1 {
        return entry;
    }
    let mut out = BytesMut::from(entry.as_ref());
    out.put_slice(&number(&[0x88], 0));
    out.put_slice(&element(
        &[0x53, 0x6e],
        &[format!("Sound {sound}").as_bytes()],
    ));
    out.freeze()
}

/// An element: its identity, its length, what is in it.
fn element(id: &[u8], parts: &[&[u8]]) -> Bytes {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = BytesMut::with_capacity(id.len() + 8 + len);
    out.put_slice(id);
    out.put_slice(&size(len as u64));
    for part in parts {
        out.put_slice(part);
    }
    out.freeze()
}

/// A number in as few bytes as it takes.
fn number(id: &[u8], value: u64) -> Bytes {
    let bytes = value.to_be_bytes();
    let from = (value.leading_zeros() / 8).min(7) as usize;
    element(id, &[&bytes[from..]])
}

/// A number in eight bytes.
fn fixed(id: &[u8], value: u64) -> Bytes {
    element(id, &[&value.to_be_bytes()])
}

/// A length in as few bytes as it takes (RFC 8794, section 4).
fn size(len: u64) -> Bytes {
    // All ones stand for an unknown length.
    let bytes = (1_u32..8)
        .find(|n| len < (1_u64 << (7 * n)) - 1)
        .unwrap_or(8);
    let marked = len | (1_u64 << (7 * bytes));
    Bytes::copy_from_slice(&marked.to_be_bytes()[8 - bytes as usize..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_in_as_few_bytes_as_they_take() {
        for (len, bytes) in [
            (0, &[0x80][..]),
            (126, &[0xfe]),
            (127, &[0x40, 127]),
            (16_382, &[0x7f, 0xfe]),
            (16_383, &[0x20, 0x3f, 0xff]),
            (1 << 40, &[0x05, 0, 0, 0, 0, 0]),
        ] {
            assert_eq!(size(len), bytes, "{len}");
        }
        assert_eq!(number(&[0xd7], 0), [0xd7, 0x81, 0][..]);
        assert_eq!(number(&[0xd7], 256), [0xd7, 0x82, 1, 0][..]);
    }
}
