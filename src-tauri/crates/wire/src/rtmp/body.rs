//! Bodies of sound and picture messages (FLV 10.1, annex E.4.2 and E.4.3).

use bytes::{BufMut, Bytes, BytesMut};
use media::{Config, Packet, Timestamp, h264};

/// H.264, with or without the mark of a keyframe.
const AVC_KEY: u8 = 0x17;
const AVC_INTER: u8 = 0x27;
/// AAC; rate, size and channels have fixed values.
const AAC: u8 = 0xaf;

/// What a decoder must know, as a body of its own; `None` for codecs that RTMP does not carry.
pub(super) fn sequence_header(config: &Config) -> Option<Bytes> {
    let mut out = BytesMut::with_capacity(64);
    match config {
        Config::H264 { sps, pps, .. } => {
            out.put_slice(&[AVC_KEY, 0, 0, 0, 0]);
            out.put_slice(&h264::record(sps, pps).ok()?);
        }
        Config::Aac { asc, .. } => {
            out.put_slice(&[AAC, 0]);
            out.put_slice(asc);
        }
        Config::Opus { .. } => return None,
    }
    Some(out.freeze())
}

/// A packet as a body.
pub(super) fn body(config: &Config, packet: &Packet) -> Bytes {
    let mut out = BytesMut::with_capacity(packet.data.len() + 5);
    if let Config::H264 { .. } = config {
        let delay = Timestamp::from_nanos(packet.pts.offset_from(packet.dts)).ticks(1_000);
        out.put_u8(if packet.keyframe { AVC_KEY } else { AVC_INTER });
        out.put_u8(1);
        out.put_int(delay, 3);
    } else {
        out.put_slice(&[AAC, 1]);
    }
    out.put_slice(&packet.data);
    out.freeze()
}
