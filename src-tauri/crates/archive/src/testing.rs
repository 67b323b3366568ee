//! A channel's packets, made up.

use bytes::Bytes;
use container::mp4::Sample;
use media::{Config, Packet, Timestamp, Track, TrackId, h264};

pub(crate) const PICTURE: TrackId = TrackId(0);
pub(crate) const SOUND: TrackId = TrackId(2);

/// Pictures per second.
pub(crate) const FPS: i64 = 25;

/// Pictures and AAC, as the program has them.
pub(crate) fn tracks() -> Vec<Track> {
    let hex = "6742c01ed900a02fea6c04400000fa40003a9803c58b92";
    let sps: Vec<u8> = (0..hex.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap())
        .collect();
    let picture = h264::config(sps.into(), vec![0x68, 0xcb, 0x83, 0xcb, 0x20].into()).unwrap();
    let sound = Config::Aac {
        asc: Bytes::from_static(&[0x11, 0x90]),
        sample_rate: 48_000,
        channels: 2,
    };
    [(PICTURE, picture), (SOUND, sound)]
        .map(|(id, config)| Track {
            id,
            config,
            bitrate: 0,
        })
        .to_vec()
}

/// So many seconds from `start` on, in the order in which they are written: a keyframe each two seconds, and
/// sound that comes a little late. Each payload says which packet it is.
pub(crate) fn packets(start: Timestamp, seconds: i64) -> Vec<Packet> {
    let mut packets = Vec::new();
    for n in 0..seconds * FPS {
        let at = start.offset(n * 1_000_000_000 / FPS);
        let key = n % (2 * FPS) == 0;
        let mut data = vec![0, 0, 0, 6, if key { 0x65 } else { 0x41 }, 0];
        data.extend_from_slice(&u32::try_from(n).unwrap().to_be_bytes());
        packets.push((at, packet(PICTURE, at, key, data)));
    }
    let mut n = 0;
    loop {
        let at = start.offset(Timestamp::from_ticks(n * 1024, 48_000).nanos());
        if at >= start.offset(seconds * 1_000_000_000) {
            break;
        }
        let data = u32::try_from(n).unwrap().to_be_bytes().to_vec();
        packets.push((at.offset(70_000_000), packet(SOUND, at, true, data)));
        n += 1;
    }
    packets.sort_by_key(|(written, _)| *written);
    packets.into_iter().map(|(_, packet)| packet).collect()
}

fn packet(track: TrackId, at: Timestamp, keyframe: bool, data: Vec<u8>) -> Packet {
    Packet {
        track,
        pts: at,
        dts: at,
        keyframe,
        data: data.into(),
    }
}

/// The pictures of a file, by the numbers they carry.
pub(crate) fn pictures(path: &std::path::Path) -> Vec<u32> {
    let bytes = std::fs::read(path).unwrap();
    let mut numbers = Vec::new();
    for sample in samples(path) {
        let at = usize::try_from(sample.position).unwrap();
        if sample.track == TrackId(0) && at + sample.len <= bytes.len() {
            let data = &bytes[at..at + sample.len];
            numbers.push(u32::from_be_bytes(data[6..10].try_into().unwrap()));
        }
    }
    numbers
}

/// The samples of a file.
pub(crate) fn samples(path: &std::path::Path) -> Vec<Sample> {
    let mut file = std::fs::File::open(path).unwrap();
    let len = file.metadata().unwrap().len();
    crate::finish::index(path, &mut file, len).unwrap().1
}
