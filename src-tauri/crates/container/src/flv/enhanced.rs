//! Codecs named by four characters (Enhanced RTMP v2, `ExVideoTagHeader` and `ExAudioTagHeader`).

use bytes::Bytes;
use media::h264;

use super::{Body, Error, composition};

/// Packet types (table "VideoPacketType" and "AudioPacketType").
mod packet {
    pub(super) const SEQUENCE_START: u8 = 0;
    pub(super) const CODED_FRAMES: u8 = 1;
    pub(super) const CODED_FRAMES_X: u8 = 3;
    pub(super) const AUDIO_MULTITRACK: u8 = 5;
    pub(super) const VIDEO_MULTITRACK: u8 = 6;
    pub(super) const MODIFIED: u8 = 7;
}

/// A frame type that carries a command for the player.
const COMMAND: u8 = 5;

/// A picture message whose first bit is set.
pub(super) fn video(body: &Bytes) -> Result<Body, Error> {
    let first = *body.first().ok_or(Error::Short)?;
    let frame = (first >> 4) & 7;
    let (packet, at) = packet_type(body, first & 15)?;
    if frame == COMMAND {
        return Ok(Body::Nothing);
    }
    if packet == packet::VIDEO_MULTITRACK {
        return Err(Error::Multitrack);
    }
    let code = body.get(at..at + 4).ok_or(Error::Short)?;
    match code {
        b"avc1" => {}
        b"hvc1" => return Err(Error::Codec("HEVC")),
        b"vvc1" => return Err(Error::Codec("VVC")),
        b"av01" => return Err(Error::Codec("AV1")),
        b"vp09" => return Err(Error::Codec("VP9")),
        b"vp08" => return Err(Error::Codec("VP8")),
        _ => return Err(Error::Codec("of enhanced RTMP")),
    }
    let data = body.slice(at + 4..);
    let keyframe = frame == 1;
    match packet {
        packet::SEQUENCE_START => Ok(Body::Record(h264::Record::parse(&data)?)),
        packet::CODED_FRAMES => {
            let ahead = data.first_chunk::<3>().ok_or(Error::Short)?;
            Ok(Body::Video {
                keyframe,
                composition: composition(*ahead),
                data: data.slice(3..),
            })
        }
        packet::CODED_FRAMES_X => Ok(Body::Video {
            keyframe,
            composition: 0,
            data,
        }),
        _ => Ok(Body::Nothing),
    }
}

/// A sound message of format 9.
pub(super) fn audio(body: &Bytes) -> Result<Body, Error> {
    let first = *body.first().ok_or(Error::Short)?;
    let (packet, at) = packet_type(body, first & 15)?;
    if packet == packet::AUDIO_MULTITRACK {
        return Err(Error::Multitrack);
    }
    let code = body.get(at..at + 4).ok_or(Error::Short)?;
    match code {
        b"mp4a" => {}
        b".mp3" => return Err(Error::Codec("MP3")),
        b"Opus" => return Err(Error::Codec("Opus")),
        b"ac-3" => return Err(Error::Codec("AC-3")),
        b"ec-3" => return Err(Error::Codec("E-AC-3")),
        b"fLaC" => return Err(Error::Codec("FLAC")),
        _ => return Err(Error::Codec("of enhanced RTMP")),
    }
    let data = body.slice(at + 4..);
    match packet {
        packet::SEQUENCE_START => super::aac_config(data),
        packet::CODED_FRAMES => Ok(Body::Audio(data)),
        _ => Ok(Body::Nothing),
    }
}

/// The packet type behind all modifiers ("ModEx", none of which matters here), and where what
/// follows it begins.
fn packet_type(body: &Bytes, first: u8) -> Result<(u8, usize), Error> {
    let (mut packet, mut at) = (first, 1);
    while packet == packet::MODIFIED {
        let byte = |at: usize| body.get(at).copied().map(usize::from).ok_or(Error::Short);
        let mut size = byte(at)? + 1;
        at += 1;
        if size == 256 {
            size = ((byte(at)? << 8) | byte(at + 1)?) + 1;
            at += 2;
        }
        at += size;
        packet = (byte(at)? & 15) as u8;
        at += 1;
    }
    Ok((packet, at))
}
