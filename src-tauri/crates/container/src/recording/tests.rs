use bytes::Bytes;
use media::{Config, Packet, TrackId};

use super::*;
use crate::mp4::Demuxer;

const PICTURE: TrackId = TrackId(0);
const SOUND: TrackId = TrackId(1);

fn tracks() -> Vec<media::Track> {
    vec![
        media::Track {
            id: PICTURE,
            config: crate::fmp4::tests::tracks()[0].config.clone(),
            bitrate: 0,
        },
        media::Track {
            id: SOUND,
            config: Config::Aac {
                asc: Bytes::from_static(&[0x11, 0x90]),
                sample_rate: 48_000,
                channels: 2,
            },
            bitrate: 0,
        },
    ]
}

/// Three seconds: pictures at 25 a second shown one later than decoded, a keyframe a second; sound that begins
/// 10 ms before.
fn packets() -> Vec<Packet> {
    let mut packets = Vec::new();
    for n in 0..75_i64 {
        let dts = Timestamp::from_millis(1_000 + n * 40);
        let nal = if n % 25 == 0 { 0x65 } else { 0x41 };
        packets.push(Packet {
            track: PICTURE,
            pts: dts.offset(40_000_000),
            dts,
            keyframe: n % 25 == 0,
            data: Bytes::from(vec![0, 0, 0, 3, nal, 7, n as u8]),
        });
    }
    for n in 0..140_i64 {
        let at = Timestamp::from_ticks(990 * 48 + n * 1024, 48_000);
        packets.push(Packet {
            track: SOUND,
            pts: at,
            dts: at,
            keyframe: true,
            data: Bytes::from(vec![n as u8; 5]),
        });
    }
    packets.sort_by_key(|p| p.dts);
    packets
}

fn recorded() -> Vec<u8> {
    let mut muxer = Muxer::new(&tracks());
    let mut file = head(&muxer).to_vec();
    let all = packets();
    for (n, group) in all.chunks(36).enumerate() {
        let end = all
            .get((n + 1) * 36)
            .map_or(group[35.min(group.len() - 1)].dts, |p| p.dts);
        file.extend_from_slice(&muxer.fragment(group, end));
    }
    file
}

fn read(file: &[u8]) -> (Vec<Track>, Vec<Sample>) {
    let mut demuxer = Demuxer::new();
    while let Some((position, len)) = demuxer.need() {
        let from = usize::try_from(position).unwrap().min(file.len());
        let to = (from + len).min(file.len());
        demuxer.feed(position, &file[from..to]).unwrap();
    }
    let mut samples = Vec::new();
    while let Some(sample) = demuxer.next_sample().unwrap() {
        samples.push(sample);
    }
    (demuxer.tracks().to_vec(), samples)
}

/// Times within a tick: each file rounds to its own.
fn same(a: &[Sample], b: &[Sample]) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        let near = |a: Timestamp, b: Timestamp| a.offset_from(b).abs() < 25_000;
        assert!(near(a.pts, b.pts) && near(a.dts, b.dts), "{a:?} {b:?}");
        assert_eq!((a.track, a.keyframe, a.len), (b.track, b.keyframe, b.len));
    }
}

#[test]
fn a_recording_is_sealed_in_place_and_reads_the_same() {
    let open = recorded();
    assert!(is_open(&open));
    let (tracks, before) = read(&open);
    assert_eq!(before.len(), 75 + 140);
    let mut sealed = open.clone();
    sealed.extend_from_slice(&index(&tracks, &before));
    let (again, unsealed) = read(&sealed);
    assert_eq!(
        (again.len(), unsealed.len()),
        (2, before.len()),
        "not sealed yet"
    );
    let (at, bytes) = seal(open.len() as u64);
    let at = usize::try_from(at).unwrap();
    sealed[at..at + 16].copy_from_slice(&bytes);
    assert!(!is_open(&sealed));
    let (after_tracks, after) = read(&sealed);
    same(&before, &after);
    for (a, b) in before.iter().zip(&after) {
        assert_eq!(a.position, b.position, "nothing has moved");
    }
    let configs = |tracks: &[Track]| tracks.iter().map(|t| t.config.clone()).collect::<Vec<_>>();
    assert_eq!(configs(&tracks), configs(&after_tracks));
}

#[test]
fn a_cut_off_recording_reads_as_far_as_it_goes() {
    let whole = recorded();
    let (_, all) = read(&whole);
    let mut fewer = 0;
    for cut in (whole.len() / 2..whole.len()).step_by(41) {
        let (_, samples) = read(&whole[..cut]);
        assert!(samples.len() <= all.len() && samples.len() >= 72);
        fewer += usize::from(samples.len() < all.len());
    }
    assert!(fewer > 0);
}

#[test]
fn a_part_becomes_a_file_of_its_own() {
    let file = recorded();
    let (tracks, samples) = read(&file);
    let from = Timestamp::from_millis(1_000);
    let mut media = Vec::new();
    let mut part: Vec<Sample> = samples.into_iter().filter(|s| s.dts >= from).collect();
    let zero = part[0].dts;
    for sample in &mut part {
        let at = usize::try_from(sample.position).unwrap();
        sample.position = media.len() as u64;
        media.extend_from_slice(&file[at..at + sample.len]);
        sample.pts = sample.pts.offset(-zero.nanos());
        sample.dts = sample.dts.offset(-zero.nanos());
    }
    let mut cut = front(&tracks, &part, media.len() as u64, None).to_vec();
    let before = cut.len();
    cut.extend_from_slice(&media);
    let (_, read) = read(&cut);
    same(&part, &read);
    for (wanted, found) in part.iter().zip(&read) {
        assert_eq!(wanted.position + before as u64, found.position);
    }
}
