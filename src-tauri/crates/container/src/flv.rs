//! FLV: the bodies of RTMP's media messages (Adobe Flash Video File Format 10.1, annex E; Enhanced
//! RTMP v2), and the file around them.

mod enhanced;

use bytes::{BufMut, Bytes, BytesMut};
use media::{Config, Packet, Track, aac, h264};

/// A message or tag type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Sound, 8.
    Audio = 8,
    /// Picture, 9.
    Video = 9,
    /// Metadata, 18.
    Data = 18,
}

impl Kind {
    /// The kind of a track's messages.
    pub fn of(config: &Config) -> Self {
        match config.kind() {
            media::Kind::Video => Self::Video,
            media::Kind::Audio => Self::Audio,
        }
    }

    fn from_number(number: u8) -> Option<Self> {
        match number {
            8 => Some(Self::Audio),
            9 => Some(Self::Video),
            18 => Some(Self::Data),
            _ => None,
        }
    }
}

/// Why a body cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It ends early.
    #[error("an FLV body is cut short")]
    Short,
    /// Another codec.
    #[error("codec {0} is not decoded by Klieg; send H.264 and AAC")]
    Codec(&'static str),
    /// Several tracks of a kind, as enhanced RTMP has them.
    #[error("several tracks of a kind in one stream are not taken; send one picture and one sound")]
    Multitrack,
    /// The configuration is damaged.
    #[error(transparent)]
    H264(#[from] h264::Error),
    /// The configuration is damaged.
    #[error(transparent)]
    Aac(#[from] aac::Error),
    /// Not an FLV file, or a damaged one.
    #[error("this is no FLV file, or a damaged one")]
    File,
}

/// AAC, 44 kHz, 16 bits, stereo: what the format demands whatever the sound is (E.4.2.1).
const AAC: u8 = 0xaf;
const AVC: u8 = 7;

/// The body that must precede the packets of a track; `None` for codecs that FLV does not carry (Opus), and for
/// parameter sets that cannot be read.
pub fn sequence_header(config: &Config) -> Option<Bytes> {
    match config {
        Config::H264 { sps, pps, .. } => {
            let record = h264::record(sps, pps).ok()?;
            Some(join(&[(1 << 4) | AVC, 0, 0, 0, 0], &record))
        }
        Config::Aac { asc, .. } => Some(join(&[AAC, 0], asc)),
        Config::Opus { .. } => None,
    }
}

/// The body of one packet. Its time stamp is the packet's `dts` in milliseconds.
pub fn body(config: &Config, packet: &Packet) -> Bytes {
    match config {
        Config::H264 { .. } => {
            let frame = if packet.keyframe { 1 } else { 2 };
            // In whole milliseconds on both sides, so that pts come out as rounded as dts are.
            let ahead = packet.pts.ticks(1_000) - packet.dts.ticks(1_000);
            let [.., a, b, c] = ahead.clamp(-0x80_0000, 0x7f_ffff).to_be_bytes();
            join(&[(frame << 4) | AVC, 1, a, b, c], &packet.data)
        }
        Config::Aac { .. } | Config::Opus { .. } => join(&[AAC, 1], &packet.data),
    }
}

fn join(head: &[u8], rest: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(head.len() + rest.len());
    out.put_slice(head);
    out.put_slice(rest);
    out.freeze()
}

/// What a body holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// The configuration of the pictures to come.
    Record(h264::Record),
    /// The configuration of the sound to come.
    Config(Config),
    /// One access unit of H.264, NAL units behind lengths as the record says.
    Video {
        /// Whether decoding can begin here.
        keyframe: bool,
        /// Milliseconds from decoding to showing.
        composition: i32,
        /// The access unit.
        data: Bytes,
    },
    /// One access unit of AAC.
    Audio(Bytes),
    /// Nothing to decode: the end of a sequence, a command frame.
    Nothing,
}

/// Reads a body. Data messages, and what says nothing, are [`Body::Nothing`].
///
/// # Errors
/// [`Error`].
pub fn parse(kind: Kind, body: &Bytes) -> Result<Body, Error> {
    match kind {
        Kind::Video => parse_video(body),
        Kind::Audio => parse_audio(body),
        Kind::Data => Ok(Body::Nothing),
    }
}

fn parse_video(body: &Bytes) -> Result<Body, Error> {
    let Some(&first) = body.first() else {
        return Ok(Body::Nothing);
    };
    if first & 0x80 != 0 {
        return enhanced::video(body);
    }
    match first & 15 {
        AVC => {}
        2 => return Err(Error::Codec("Sorenson H.263")),
        4 | 5 => return Err(Error::Codec("VP6")),
        // Numbers that some encoders agreed on.
        12 => return Err(Error::Codec("HEVC")),
        13 => return Err(Error::Codec("AV1")),
        _ => return Err(Error::Codec("of an unknown number")),
    }
    // 5: a command for the player.
    if first >> 4 == 5 {
        return Ok(Body::Nothing);
    }
    let head = body.get(1..5).ok_or(Error::Short)?;
    let data = body.slice(5..);
    match head[0] {
        0 => Ok(Body::Record(h264::Record::parse(&data)?)),
        1 => Ok(Body::Video {
            keyframe: first >> 4 == 1,
            composition: composition([head[1], head[2], head[3]]),
            data,
        }),
        _ => Ok(Body::Nothing),
    }
}

/// A signed number of 24 bits.
fn composition([a, b, c]: [u8; 3]) -> i32 {
    i32::from_be_bytes([a, b, c, 0]) >> 8
}

fn parse_audio(body: &Bytes) -> Result<Body, Error> {
    let Some(&first) = body.first() else {
        return Ok(Body::Nothing);
    };
    match first >> 4 {
        10 => {}
        2 | 14 => return Err(Error::Codec("MP3")),
        11 => return Err(Error::Codec("Speex")),
        9 => return enhanced::audio(body),
        _ => return Err(Error::Codec("of an old sound format")),
    }
    let kind = *body.get(1).ok_or(Error::Short)?;
    let data = body.slice(2..);
    if kind == 0 {
        aac_config(data)
    } else {
        Ok(Body::Audio(data))
    }
}

fn aac_config(asc: Bytes) -> Result<Body, Error> {
    let parsed = aac::AudioConfig::parse(&asc)?;
    Ok(Body::Config(Config::Aac {
        asc,
        sample_rate: parsed.output_rate,
        channels: parsed.channels,
    }))
}

/// A value of `onMetaData`.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number.
    Number(f64),
    /// True or false.
    Boolean(bool),
    /// Text.
    Text(String),
}

/// What `onMetaData` says of these tracks (E.5), in the order it is written.
pub fn metadata(tracks: &[Track]) -> Vec<(&'static str, Value)> {
    let mut values = Vec::new();
    for track in tracks {
        let kilobits = Value::Number(f64::from(track.bitrate) / 1_000.0);
        match &track.config {
            Config::H264 {
                width,
                height,
                fps_millis,
                ..
            } => {
                values.push(("width", Value::Number(f64::from(*width))));
                values.push(("height", Value::Number(f64::from(*height))));
                if *fps_millis > 0 {
                    let fps = f64::from(*fps_millis) / 1_000.0;
                    values.push(("framerate", Value::Number(fps)));
                }
                values.push(("videocodecid", Value::Number(f64::from(AVC))));
                if track.bitrate > 0 {
                    values.push(("videodatarate", kilobits));
                }
            }
            Config::Aac {
                sample_rate,
                channels,
                ..
            } => {
                values.push(("audiocodecid", Value::Number(10.0)));
                values.push(("audiosamplerate", Value::Number(f64::from(*sample_rate))));
                values.push(("audiosamplesize", Value::Number(16.0)));
                values.push(("stereo", Value::Boolean(*channels > 1)));
                if track.bitrate > 0 {
                    values.push(("audiodatarate", kilobits));
                }
            }
            Config::Opus { .. } => {}
        }
    }
    values.push((
        "encoder",
        Value::Text(concat!("Klieg/", env!("CARGO_PKG_VERSION")).into()),
    ));
    values
}

/// The body of a data tag: `onMetaData` and its values in AMF 0.
pub fn script(values: &[(&str, Value)]) -> Bytes {
    let mut out = BytesMut::new();
    let text = |out: &mut BytesMut, text: &str| {
        let bytes = &text.as_bytes()[..text.len().min(usize::from(u16::MAX))];
        out.put_u16(bytes.len() as u16);
        out.put_slice(bytes);
    };
    out.put_u8(2);
    text(&mut out, "onMetaData");
    out.put_u8(8);
    out.put_u32(u32::try_from(values.len()).unwrap_or(u32::MAX));
    for (name, value) in values {
        text(&mut out, name);
        match value {
            Value::Number(number) => {
                out.put_u8(0);
                out.put_f64(*number);
            }
            Value::Boolean(yes) => {
                out.put_u8(1);
                out.put_u8(u8::from(*yes));
            }
            Value::Text(value) => {
                out.put_u8(2);
                text(&mut out, value);
            }
        }
    }
    out.put_slice(&[0, 0, 9]);
    out.freeze()
}

/// What a file begins with (E.2), the first back pointer included.
pub fn file_header(video: bool, audio: bool) -> [u8; 13] {
    let flags = u8::from(video) | (u8::from(audio) << 2);
    [b'F', b'L', b'V', 1, flags, 0, 0, 0, 9, 0, 0, 0, 0]
}

/// One tag of a file (E.4.1) at a time in milliseconds, with its back pointer.
pub fn tag(kind: Kind, millis: u32, body: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(body.len() + 15);
    // The length has 24 bits.
    let body = &body[..body.len().min(0xff_ffff)];
    let len = body.len() as u32;
    out.put_u32((u32::from(kind as u8) << 24) | len);
    // The upper eight bits come last.
    out.put_u32(millis.rotate_left(8));
    out.put_slice(&[0; 3]);
    out.put_slice(body);
    out.put_u32(len + 11);
    out.freeze()
}

/// One tag that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Its type.
    pub kind: Kind,
    /// Its time in milliseconds.
    pub millis: u32,
    /// Its body.
    pub body: Bytes,
}

/// The tags of a file that lies in memory; those of unknown types are passed over, and one that is cut short
/// ends the list.
///
/// # Errors
/// [`Error::File`] when it does not begin as a file must.
pub fn tags(file: &Bytes) -> Result<impl Iterator<Item = Tag>, Error> {
    let head = file.first_chunk::<9>().ok_or(Error::File)?;
    let start = u32::from_be_bytes([head[5], head[6], head[7], head[8]]) as usize;
    if &head[..3] != b"FLV" || start < 9 || start.saturating_add(4) > file.len() {
        return Err(Error::File);
    }
    let mut rest = file.slice(start + 4..);
    Ok(std::iter::from_fn(move || {
        loop {
            let head = *rest.first_chunk::<11>()?;
            let len = u32::from_be_bytes([0, head[1], head[2], head[3]]) as usize;
            if rest.len() < 11 + len {
                return None;
            }
            let body = rest.slice(11..11 + len);
            rest = rest.slice((11 + len + 4).min(rest.len())..);
            if let Some(kind) = Kind::from_number(head[0] & 0x1f) {
                let millis = u32::from_be_bytes([head[7], head[4], head[5], head[6]]);
                return Some(Tag { kind, millis, body });
            }
        }
    }))
}

#[cfg(test)]
mod tests;
