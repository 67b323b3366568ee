//! Sample entries: which codec, and what its decoder must know.

use bytes::Bytes;
use media::{Config, Kind, aac, h264};

use super::Error;
use crate::boxes::{Cursor, Header, Short, child, children};

pub(super) enum Entry {
    Codec(Description),
    /// The name of a codec that is not decoded.
    Unknown(String),
}

pub(super) struct Description {
    /// `None` when the parameter sets stand in the samples.
    pub(super) config: Option<Config>,
    pub(super) length_size: u8,
    pub(super) extra_sets: Bytes,
}

impl From<Config> for Description {
    fn from(config: Config) -> Self {
        Self {
            config: Some(config),
            length_size: 4,
            extra_sets: Bytes::new(),
        }
    }
}

/// Reads the first entry of `stsd` (ISO/IEC 14496-12, section 8.5.2).
pub(super) fn read(stsd: &[u8], kind: Kind) -> Result<Entry, Error> {
    let mut cursor = Cursor(stsd);
    cursor.full()?;
    cursor.u32()?;
    let Some((name, body)) = children(cursor.0).next() else {
        return Err(Error::Damaged("a track does not say what it holds"));
    };
    match (kind, &name) {
        (Kind::Video, b"avc1" | b"avc3") => video(body),
        (Kind::Audio, b"mp4a") => mpeg_audio(body),
        (Kind::Audio, b"Opus") => opus(body),
        _ => Ok(Entry::Unknown(codec_name(name))),
    }
}

/// ISO/IEC 14496-15, section 5.4.2.
fn video(body: &[u8]) -> Result<Entry, Error> {
    // SampleEntry and VisualSampleEntry: 78 bytes before the boxes.
    let record = child(body.get(78..).ok_or(Short)?, b"avcC")
        .ok_or(Error::Damaged("its H.264 has no configuration"))?;
    let record = h264::Record::parse(record)?;
    let more = record.sps.iter().skip(1).chain(record.pps.iter().skip(1));
    let mut extra_sets = Vec::new();
    for set in more {
        h264::push_avcc(&mut extra_sets, set);
    }
    let config = if record.sps.is_empty() || record.pps.is_empty() {
        None
    } else {
        Some(record.config()?)
    };
    Ok(Entry::Codec(Description {
        config,
        length_size: record.length_size,
        extra_sets: extra_sets.into(),
    }))
}

/// What an audio sample entry says itself, and the boxes in it. QuickTime has three versions of it.
fn audio(body: &[u8]) -> Result<(u16, u32, &[u8]), Short> {
    let mut cursor = Cursor(body);
    cursor.take(8)?;
    let version = cursor.u16()?;
    cursor.take(6)?;
    let channels = cursor.u16()?;
    cursor.take(6)?;
    let rate = cursor.u32()? >> 16;
    // In MP4, version 1 is another thing and adds nothing: what follows tells.
    let plain = Header::read(cursor.0).is_ok_and(|h| {
        h.kind.iter().all(|c| c.is_ascii_graphic())
            && h.size.is_some_and(|s| s >= 8 && s <= cursor.0.len() as u64)
    });
    match version {
        1 if !plain => {
            cursor.take(16)?;
        }
        2 if !plain => {
            cursor.take(36)?;
        }
        _ => {}
    }
    Ok((channels, rate, cursor.0))
}

/// ISO/IEC 14496-14, section 5.6; QuickTime puts the descriptor into a `wave` box.
fn mpeg_audio(body: &[u8]) -> Result<Entry, Error> {
    let (channels, rate, inner) = audio(body)?;
    let esds = child(inner, b"esds")
        .or_else(|| child(inner, b"wave").and_then(|wave| child(wave, b"esds")))
        .ok_or(Error::Damaged("its AAC has no configuration"))?;
    let (object, specific) = descriptor(esds)?;
    match object {
        0x40 | 0x66..=0x68 => {}
        0x69 | 0x6b => return Ok(Entry::Unknown("MP3 in MP4".into())),
        other => return Ok(Entry::Unknown(format!("MPEG audio {other:#04x}"))),
    }
    let asc = match specific {
        [] => aac::AudioConfig::lc(rate, channels)
            .build()
            .map_err(|_| Error::Damaged("its AAC has no configuration"))?,
        asc => Bytes::copy_from_slice(asc),
    };
    let parsed = aac::AudioConfig::parse(&asc)
        .map_err(|_| Error::Damaged("its AAC configuration cannot be read"))?;
    if !matches!(parsed.object_type, 2 | 5 | 29) {
        let name = format!("AAC of object type {}", parsed.object_type);
        return Ok(Entry::Unknown(name));
    }
    Ok(Entry::Codec(
        Config::Aac {
            asc,
            sample_rate: parsed.output_rate,
            channels: parsed.channels,
        }
        .into(),
    ))
}

/// The object type and the specific information of an ES descriptor (ISO/IEC 14496-1, section 7.2.6).
fn descriptor(esds: &[u8]) -> Result<(u8, &[u8]), Short> {
    let mut cursor = Cursor(esds);
    cursor.full()?;
    let mut es = Cursor(tagged(&mut cursor, 3)?);
    es.u16()?;
    let flags = es.u8()?;
    if flags & 0x80 != 0 {
        es.u16()?;
    }
    if flags & 0x40 != 0 {
        let len = es.u8()?;
        es.take(usize::from(len))?;
    }
    if flags & 0x20 != 0 {
        es.u16()?;
    }
    let mut decoder = Cursor(tagged(&mut es, 4)?);
    let object = decoder.u8()?;
    decoder.take(12)?;
    let specific = tagged(&mut decoder, 5).unwrap_or_default();
    Ok((object, specific))
}

/// The body of the descriptor with a tag (section 8.3.3), which must come next. One that is cut short is
/// taken as far as it goes: some writers are wrong about lengths.
fn tagged<'a>(cursor: &mut Cursor<'a>, tag: u8) -> Result<&'a [u8], Short> {
    if cursor.u8()? != tag {
        return Err(Short);
    }
    let mut len = 0usize;
    for _ in 0..4 {
        let byte = cursor.u8()?;
        len = (len << 7) | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    cursor.take(len.min(cursor.0.len()))
}

/// The Opus mapping, section 4.3.2.
fn opus(body: &[u8]) -> Result<Entry, Error> {
    let (_, _, inner) = audio(body)?;
    let mut dops =
        Cursor(child(inner, b"dOps").ok_or(Error::Damaged("its Opus has no configuration"))?);
    dops.u8()?;
    let channels = dops.u8()?;
    let pre_skip = dops.u16()?;
    dops.take(6)?;
    if dops.u8()? != 0 || !(1..=2).contains(&channels) {
        return Ok(Entry::Unknown("surround Opus".into()));
    }
    Ok(Entry::Codec(
        Config::Opus {
            channels: u16::from(channels),
            pre_skip,
        }
        .into(),
    ))
}

/// What people call the codec of a sample entry.
fn codec_name(entry: [u8; 4]) -> String {
    let known = match &entry {
        b"hvc1" | b"hev1" => "HEVC",
        b"dvh1" | b"dvhe" | b"dvav" | b"dva1" => "Dolby Vision",
        b"av01" => "AV1",
        b"vp08" => "VP8",
        b"vp09" => "VP9",
        b"mp4v" => "MPEG-4 Part 2",
        b"s263" | b"H263" => "H.263",
        b"jpeg" | b"mjpa" | b"mjpb" | b"MJPG" => "Motion JPEG",
        b"apch" | b"apcn" | b"apcs" | b"apco" | b"ap4h" | b"ap4x" => "ProRes",
        b"AVdn" | b"AVdh" => "DNxHD",
        b"encv" | b"enca" => "protected media",
        b"ac-3" => "AC-3",
        b"ec-3" => "E-AC-3",
        b"ac-4" => "AC-4",
        b"dtsc" | b"dtsh" | b"dtsl" | b"dtse" => "DTS",
        b"fLaC" => "FLAC in MP4",
        b"alac" => "ALAC",
        b".mp3" => "MP3 in MP4",
        b"samr" | b"sawb" => "AMR",
        b"sowt" | b"twos" | b"lpcm" | b"ipcm" | b"fpcm" | b"in24" | b"in32" | b"fl32" | b"fl64"
        | b"raw " | b"NONE" => "PCM in MP4",
        _ => "",
    };
    if known.is_empty() {
        let readable = entry.map(|c| if c.is_ascii_graphic() { c } else { b'?' });
        format!(
            "\"{}\"",
            readable.map(char::from).iter().collect::<String>()
        )
    } else {
        known.to_owned()
    }
}
