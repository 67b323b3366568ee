use super::*;

fn avcc(nals: &[Vec<u8>]) -> Bytes {
    let mut out = Vec::new();
    for nal in nals {
        out.extend_from_slice(&u32::try_from(nal.len()).unwrap().to_be_bytes());
        out.extend_from_slice(nal);
    }
    out.into()
}

/// Puts payloads together again as RFC 6184 says: the NAL units in order.
fn depacketize(payloads: &[Bytes]) -> Vec<Vec<u8>> {
    let mut nals: Vec<Vec<u8>> = Vec::new();
    for payload in payloads {
        assert!(payload.len() <= MAX_PAYLOAD);
        match payload[0] & TYPE_MASK {
            STAP_A => {
                let mut rest = &payload[1..];
                while !rest.is_empty() {
                    let length = usize::from(u16::from_be_bytes([rest[0], rest[1]]));
                    nals.push(rest[2..2 + length].to_vec());
                    rest = &rest[2 + length..];
                }
            }
            FU_A => {
                if payload[1] & 0x80 != 0 {
                    nals.push(vec![(payload[0] & 0xe0) | (payload[1] & TYPE_MASK)]);
                }
                nals.last_mut().unwrap().extend_from_slice(&payload[2..]);
            }
            _ => nals.push(payload.to_vec()),
        }
    }
    nals
}

fn tracks() -> Vec<Track> {
    vec![
        Track {
            id: TrackId(0),
            config: Config::H264 {
                sps: Bytes::from_static(&[0x67, 0x42, 0xe0, 0x1f]),
                pps: Bytes::from_static(&[0x68, 0xce]),
                width: 16,
                height: 16,
                fps_millis: 0,
            },
            bitrate: 0,
        },
        Track {
            id: TrackId(1),
            config: Config::Opus {
                channels: 2,
                pre_skip: 0,
            },
            bitrate: 0,
        },
    ]
}

fn packet(track: u8, keyframe: bool, data: Bytes) -> Packet {
    Packet {
        track: TrackId(track),
        pts: Timestamp::ZERO,
        dts: Timestamp::ZERO,
        keyframe,
        data,
    }
}

#[test]
fn what_is_cut_can_be_put_together_again() {
    let mut cut = Packetizer::default();
    cut.set_tracks(&tracks());
    for size in [
        1,
        2,
        MAX_PAYLOAD - 1,
        MAX_PAYLOAD,
        MAX_PAYLOAD + 1,
        2_373,
        2_374,
        90_000,
    ] {
        let mut slice = vec![0x65; 1];
        slice.extend((1..size).map(|i| (i % 251) as u8));
        let unit = cut
            .unit(&packet(0, true, avcc(&[vec![9, 0xf0], slice.clone()])))
            .unwrap();
        let expect = vec![vec![0x67, 0x42, 0xe0, 0x1f], vec![0x68, 0xce], slice];
        assert_eq!(depacketize(&unit.payloads), expect, "{size} bytes");
        if let [_, fragments @ .., _] = unit.payloads.as_slice() {
            assert!(fragments.iter().all(|f| f.len() == MAX_PAYLOAD), "{size}");
        }
    }
}

#[test]
fn only_keyframes_carry_parameter_sets() {
    let mut cut = Packetizer::default();
    cut.set_tracks(&tracks());
    let unit = cut.unit(&packet(0, false, avcc(&[vec![0x41, 7]]))).unwrap();
    assert_eq!(unit.payloads, [Bytes::from_static(&[0x41, 7])]);
}

#[test]
fn sound_is_one_payload_and_other_tracks_are_none() {
    let mut cut = Packetizer::default();
    cut.set_tracks(&tracks());
    let sound = Bytes::from_static(&[0xfc, 1, 2]);
    let unit = cut.unit(&packet(1, true, sound.clone())).unwrap();
    assert_eq!(
        (unit.kind, unit.payloads),
        (Kind::Audio, vec![sound.clone()])
    );
    assert!(cut.unit(&packet(2, true, sound)).is_none());
    assert!(cut.unit(&packet(0, false, Bytes::new())).is_none());
}

#[test]
fn broken_lengths_end_the_access_unit() {
    let mut data = avcc(&[vec![0x41, 1]]).to_vec();
    data.extend_from_slice(&[0, 0, 1, 0, 5]);
    let mut payloads = Vec::new();
    h264(&data.into(), &mut payloads);
    assert_eq!(payloads, [Bytes::from_static(&[0x41, 1])]);
}
