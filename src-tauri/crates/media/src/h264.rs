//! H.264: NAL units in both framings, sequence parameter sets and the decoder configuration record.
//!
//! Inside Klieg a packet is an access unit of NAL units, each behind its length in four bytes
//! ("AVCC", ISO/IEC 14496-15, section 5.3); encoders and RTP bring start codes ("Annex B", ITU-T H.264,
//! annex B). Both are read here without copying, and no input makes these functions panic.

use bytes::{BufMut, Bytes, BytesMut};
use h264_reader::nal::sps::{ChromaFormat, FrameMbsFlags, SeqParameterSet};
use h264_reader::rbsp;

use crate::{Color, Config, Frame, Matrix, Range};

/// Why bytes are no H.264.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A NAL unit's length points past the end of its access unit.
    #[error("an H.264 access unit ends inside a NAL unit ({need} bytes announced, {have} there)")]
    Truncated {
        /// Bytes announced.
        need: usize,
        /// Bytes left.
        have: usize,
    },
    /// The sequence parameter set cannot be read.
    #[error("the H.264 sequence parameter set cannot be read: {0}")]
    Sps(String),
    /// The sequence parameter set is for pictures that are not decoded here.
    #[error("H.264 with {0} is not decoded by Klieg; convert to progressive 8-bit 4:2:0")]
    Unsupported(&'static str),
    /// The decoder configuration record cannot be read.
    #[error("the H.264 decoder configuration (avcC) cannot be read: {0}")]
    Record(&'static str),
}

/// What a NAL unit carries (ITU-T H.264, table 7-1), as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NalType {
    /// Part of a picture that needs others (1 to 4).
    Slice,
    /// Part of a picture from which decoding can begin (5).
    Idr,
    /// Supplemental information (6).
    Sei,
    /// Sequence parameter set (7).
    Sps,
    /// Picture parameter set (8).
    Pps,
    /// Access unit delimiter (9).
    Aud,
    /// Any other number, such as filler data (12); 0 for an empty NAL unit.
    Other(u8),
}

impl NalType {
    /// The type of a NAL unit that begins with its header byte.
    pub fn of(nal: &[u8]) -> Self {
        match nal.first().map_or(0, |b| b & 0x1f) {
            1..=4 => Self::Slice,
            5 => Self::Idr,
            6 => Self::Sei,
            7 => Self::Sps,
            8 => Self::Pps,
            9 => Self::Aud,
            other => Self::Other(other),
        }
    }

    /// Whether it is part of a coded picture.
    pub fn is_picture(self) -> bool {
        matches!(self, Self::Slice | Self::Idr)
    }
}

/// The NAL units between start codes (ITU-T H.264, annex B), without start codes and trailing zeros;
/// empty ones are left out. Bytes before the first start code are ignored.
pub fn annex_b(data: &[u8]) -> AnnexB<'_> {
    let rest = match start_code(data) {
        Some((_, after)) => &data[after..],
        None => &[],
    };
    AnnexB { rest }
}

/// See [`annex_b`].
#[derive(Clone, Debug)]
pub struct AnnexB<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for AnnexB<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while !self.rest.is_empty() {
            let (nal, rest) = match start_code(self.rest) {
                Some((at, after)) => (&self.rest[..at], &self.rest[after..]),
                None => (self.rest, &[][..]),
            };
            self.rest = rest;
            // A NAL unit never ends in zero (section 7.4.1): these belong to the next start code.
            let end = nal.iter().rposition(|&b| b != 0).map_or(0, |last| last + 1);
            if end > 0 {
                return Some(&nal[..end]);
            }
        }
        None
    }
}

/// Where the next `00 00 01` begins, and where it ends.
fn start_code(data: &[u8]) -> Option<(usize, usize)> {
    let mut at = 0;
    while at + 2 < data.len() {
        match data[at + 2] {
            0 => at += 1,
            1 if data[at] == 0 && data[at + 1] == 0 => return Some((at, at + 3)),
            _ => at += 3,
        }
    }
    None
}

/// The NAL units of an access unit with four-byte lengths.
///
/// Yields [`Error::Truncated`] once, and then ends, when a length points past the end.
pub fn avcc(data: &[u8]) -> Avcc<'_> {
    avcc_with(data, 4)
}

/// As [`avcc`], for files whose lengths are 1, 2 or 4 bytes wide. Other widths yield nothing.
pub fn avcc_with(data: &[u8], length_size: u8) -> Avcc<'_> {
    let rest = if matches!(length_size, 1..=4) {
        data
    } else {
        &[]
    };
    Avcc {
        rest,
        length_size: usize::from(length_size),
    }
}

/// See [`avcc`].
#[derive(Clone, Debug)]
pub struct Avcc<'a> {
    rest: &'a [u8],
    length_size: usize,
}

impl<'a> Iterator for Avcc<'a> {
    type Item = Result<&'a [u8], Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            let rest = std::mem::take(&mut self.rest);
            let Some((length, body)) = rest.split_at_checked(self.length_size) else {
                return Some(Err(Error::Truncated {
                    need: self.length_size,
                    have: rest.len(),
                }));
            };
            let need = length
                .iter()
                .fold(0usize, |n, &b| (n << 8) | usize::from(b));
            let Some((nal, after)) = body.split_at_checked(need) else {
                return Some(Err(Error::Truncated {
                    need,
                    have: body.len(),
                }));
            };
            self.rest = after;
            if !nal.is_empty() {
                return Some(Ok(nal));
            }
        }
    }
}

/// Appends one NAL unit behind its length in four bytes.
pub fn push_avcc(out: &mut Vec<u8>, nal: &[u8]) {
    out.extend_from_slice(&u32::try_from(nal.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(nal);
}

/// Appends one NAL unit behind a four-byte start code.
pub fn push_annex_b(out: &mut Vec<u8>, nal: &[u8]) {
    out.extend_from_slice(&[0, 0, 0, 1]);
    out.extend_from_slice(nal);
}

/// Four-byte lengths become start codes; appended to `out`.
///
/// # Errors
/// [`Error::Truncated`]; the NAL units before the fault have then been appended.
pub fn avcc_to_annex_b(data: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
    for nal in avcc(data) {
        push_annex_b(out, nal?);
    }
    Ok(())
}

/// Start codes become four-byte lengths; appended to `out`.
pub fn annex_b_to_avcc(data: &[u8], out: &mut Vec<u8>) {
    for nal in annex_b(data) {
        push_avcc(out, nal);
    }
}

/// One access unit, taken apart: the picture for the [`Packet`](crate::Packet), the parameter sets
/// for the [`Config`]. Delimiters, supplemental information and filler are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessUnit {
    /// The coded picture, each NAL unit behind its length in four bytes. Empty when there is none.
    pub data: Bytes,
    /// Whether decoding can begin here.
    pub keyframe: bool,
    /// The last sequence parameter set in it.
    pub sps: Option<Bytes>,
    /// The last picture parameter set in it.
    pub pps: Option<Bytes>,
}

impl AccessUnit {
    /// Sorts the NAL units of one access unit.
    pub fn from_nals<'a>(nals: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut data = Vec::new();
        let mut unit = Self::default();
        for nal in nals {
            match NalType::of(nal) {
                NalType::Idr => {
                    unit.keyframe = true;
                    push_avcc(&mut data, nal);
                }
                NalType::Slice => push_avcc(&mut data, nal),
                NalType::Sps => unit.sps = Some(Bytes::copy_from_slice(nal)),
                NalType::Pps => unit.pps = Some(Bytes::copy_from_slice(nal)),
                NalType::Sei | NalType::Aud | NalType::Other(_) => {}
            }
        }
        unit.data = data.into();
        unit
    }

    /// As [`from_nals`](Self::from_nals), from start codes.
    pub fn from_annex_b(data: &[u8]) -> Self {
        Self::from_nals(annex_b(data))
    }

    /// As [`from_nals`](Self::from_nals), from lengths of `length_size` bytes.
    ///
    /// # Errors
    /// [`Error::Truncated`].
    pub fn from_avcc(data: &[u8], length_size: u8) -> Result<Self, Error> {
        let nals: Vec<&[u8]> = avcc_with(data, length_size).collect::<Result<_, _>>()?;
        Ok(Self::from_nals(nals))
    }
}

/// What a sequence parameter set says (ITU-T H.264, sections 7.4.2.1 and E.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sps {
    /// Pixels across, after cropping.
    pub width: u32,
    /// Pixels down, after cropping.
    pub height: u32,
    /// Pictures per second × 1000 as the timing says; 0 when it says nothing.
    pub fps_millis: u32,
    /// `profile_idc`: 66 baseline, 77 main, 100 high.
    pub profile: u8,
    /// The constraint flags as they stand in the second byte: 0x40 with profile 66 is constrained baseline.
    pub constraints: u8,
    /// `level_idc`: 31 is level 3.1.
    pub level: u8,
    /// The colour it declares. Without a word about it: BT.709 from 720 lines on, else BT.601.
    pub color: Color,
    /// Whether it declares its colour.
    pub color_declared: bool,
    chroma_format: u8,
    bit_depths: [u8; 2],
}

impl Sps {
    /// Reads one NAL unit of type 7, without start code.
    ///
    /// # Errors
    /// [`Error::Sps`] when it is damaged or its size is out of the range of a [`Frame`];
    /// [`Error::Unsupported`] for other than 8-bit 4:2:0.
    pub fn parse(nal: &[u8]) -> Result<Self, Error> {
        if NalType::of(nal) != NalType::Sps {
            return Err(Error::Sps("another NAL unit is in its place".into()));
        }
        let body = rbsp::decode_nal(nal).map_err(|e| Error::Sps(e.to_string()))?;
        let sps = SeqParameterSet::from_bits(rbsp::BitReader::new(&body[..]))
            .map_err(|e| Error::Sps(format!("{e:?}")))?;
        // Before any arithmetic on them: what stands in the file can be any number.
        let most = Frame::MAX_SIDE / 16;
        if sps.pic_width_in_mbs_minus1 >= most || sps.pic_height_in_map_units_minus1 >= most {
            return Err(Error::Sps("the picture is too large".into()));
        }
        let chroma_format = match sps.chroma_info.chroma_format {
            ChromaFormat::YUV420 => 1,
            ChromaFormat::Monochrome => return Err(Error::Unsupported("grey pictures")),
            ChromaFormat::YUV422 => return Err(Error::Unsupported("4:2:2 colour")),
            ChromaFormat::YUV444 => return Err(Error::Unsupported("4:4:4 colour")),
            ChromaFormat::Invalid(_) => return Err(Error::Sps("no such chroma format".into())),
        };
        let bit_depths = [
            sps.chroma_info.bit_depth_luma_minus8,
            sps.chroma_info.bit_depth_chroma_minus8,
        ];
        if bit_depths != [0, 0] {
            return Err(Error::Unsupported("more than 8 bits"));
        }
        if matches!(sps.frame_mbs_flags, FrameMbsFlags::Fields { .. }) {
            return Err(Error::Unsupported("interlaced pictures"));
        }
        let (width, height) = sps
            .pixel_dimensions()
            .map_err(|e| Error::Sps(format!("{e:?}")))?;
        if width == 0 || height == 0 {
            return Err(Error::Sps("cropping leaves no picture".into()));
        }
        let (color, color_declared) = color_of(&sps, height);
        Ok(Self {
            width,
            height,
            fps_millis: fps_millis(&sps),
            profile: nal.get(1).copied().unwrap_or_default(),
            constraints: nal.get(2).copied().unwrap_or_default(),
            level: nal.get(3).copied().unwrap_or_default(),
            color,
            color_declared,
            chroma_format,
            bit_depths,
        })
    }

    /// The codec as it stands in playlists and page scripts (RFC 6381, section 3.3): `avc1.42c01f`.
    pub fn codec_string(&self) -> String {
        format!(
            "avc1.{:02x}{:02x}{:02x}",
            self.profile, self.constraints, self.level
        )
    }
}

fn fps_millis(sps: &SeqParameterSet) -> u32 {
    let timing = sps
        .vui_parameters
        .as_ref()
        .and_then(|v| v.timing_info.as_ref());
    match timing {
        // A tick is a field: two of them are a picture (table E-6).
        Some(t) if t.num_units_in_tick > 0 => {
            let millis =
                u64::from(t.time_scale) * 1000 / (2 * u64::from(t.num_units_in_tick)).max(1);
            // Timing of a million pictures per second is a lie, not a rate.
            u32::try_from(millis).ok().filter(|&m| m <= 1_000_000)
        }
        _ => None,
    }
    .unwrap_or(0)
}

fn color_of(sps: &SeqParameterSet, height: u32) -> (Color, bool) {
    let signal = sps
        .vui_parameters
        .as_ref()
        .and_then(|v| v.video_signal_type.as_ref());
    let range = match signal {
        Some(s) if s.video_full_range_flag => Range::Full,
        _ => Range::Limited,
    };
    // Table E-5: 1 is BT.709; 5, 6 and 4 are the 601 family; 2 says nothing.
    let declared = signal
        .and_then(|s| s.colour_description.as_ref())
        .and_then(|d| match d.matrix_coefficients {
            1 => Some(Matrix::Bt709),
            4..=6 => Some(Matrix::Bt601),
            _ => None,
        });
    let guessed = if height >= 720 {
        Matrix::Bt709
    } else {
        Matrix::Bt601
    };
    let color = Color {
        matrix: declared.unwrap_or(guessed),
        range,
    };
    (color, declared.is_some())
}

/// The [`Config`] of a track with these parameter sets, NAL units without start codes.
///
/// # Errors
/// As [`Sps::parse`]; [`Error::Record`] when `pps` is no picture parameter set.
pub fn config(sps: Bytes, pps: Bytes) -> Result<Config, Error> {
    if NalType::of(&pps) != NalType::Pps {
        return Err(Error::Record("the picture parameter set is missing"));
    }
    let Sps {
        width,
        height,
        fps_millis,
        ..
    } = Sps::parse(&sps)?;
    Ok(Config::H264 {
        sps,
        pps,
        width,
        height,
        fps_millis,
    })
}

/// The AVCDecoderConfigurationRecord, `avcC` (ISO/IEC 14496-15, section 5.3.3.1): what stands in MP4
/// sample entries and in the RTMP sequence header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Bytes of each NAL unit's length: 1, 2 or 4.
    pub length_size: u8,
    /// Sequence parameter sets, possibly none ("avc3" files carry them in the samples).
    pub sps: Vec<Bytes>,
    /// Picture parameter sets, possibly none.
    pub pps: Vec<Bytes>,
}

impl Record {
    /// Reads a record.
    ///
    /// # Errors
    /// [`Error::Record`] when it is cut short or of another version.
    pub fn parse(data: &[u8]) -> Result<Self, Error> {
        const SHORT: Error = Error::Record("it is cut short");
        let (head, mut rest) = data.split_at_checked(5).ok_or(SHORT)?;
        if head[0] != 1 {
            return Err(Error::Record("it is of another version"));
        }
        let length_size = (head[4] & 3) + 1;
        if length_size == 3 {
            return Err(Error::Record("NAL lengths of three bytes do not exist"));
        }
        let mut sets = |mask: u8| -> Result<Vec<Bytes>, Error> {
            let (&count, mut after) = rest.split_first().ok_or(SHORT)?;
            let mut found = Vec::new();
            for _ in 0..count & mask {
                let (length, body) = after.split_first_chunk::<2>().ok_or(SHORT)?;
                let (nal, next) = body
                    .split_at_checked(usize::from(u16::from_be_bytes(*length)))
                    .ok_or(SHORT)?;
                found.push(Bytes::copy_from_slice(nal));
                after = next;
            }
            rest = after;
            Ok(found)
        };
        let (sps, pps) = (sets(0x1f)?, sets(0xff)?);
        Ok(Self {
            length_size,
            sps,
            pps,
        })
    }

    /// The [`Config`] of its first parameter sets.
    ///
    /// # Errors
    /// [`Error::Record`] when it has none, and as [`Sps::parse`].
    pub fn config(&self) -> Result<Config, Error> {
        let (Some(sps), Some(pps)) = (self.sps.first(), self.pps.first()) else {
            return Err(Error::Record("it holds no parameter sets"));
        };
        config(sps.clone(), pps.clone())
    }
}

/// The record of one sequence and one picture parameter set, with lengths of four bytes.
///
/// # Errors
/// As [`Sps::parse`]; [`Error::Record`] when a set is longer than 65 535 bytes.
pub fn record(sps: &[u8], pps: &[u8]) -> Result<Bytes, Error> {
    const LONG: Error = Error::Record("a parameter set is too long");
    let parsed = Sps::parse(sps)?;
    let mut out = BytesMut::with_capacity(16 + sps.len() + pps.len());
    out.put_slice(&[1, parsed.profile, parsed.constraints, parsed.level]);
    out.put_slice(&[0xfc | 3, 0xe0 | 1]);
    out.put_u16(u16::try_from(sps.len()).map_err(|_| LONG)?);
    out.put_slice(sps);
    out.put_u8(1);
    out.put_u16(u16::try_from(pps.len()).map_err(|_| LONG)?);
    out.put_slice(pps);
    // The profiles above main say their sampling once more (section 5.3.3.1.2).
    if matches!(parsed.profile, 100 | 110 | 122 | 144) {
        out.put_slice(&[
            0xfc | parsed.chroma_format,
            0xf8 | parsed.bit_depths[0],
            0xf8 | parsed.bit_depths[1],
            0,
        ]);
    }
    Ok(out.freeze())
}

#[cfg(test)]
mod tests;
