use media::{Timestamp, TrackId, h264};

use super::*;
use crate::encode;
use crate::testing::{Noise, Scenery, tick};

fn stream(frames: usize) -> (Config, Vec<Packet>) {
    let scenery = Scenery::new();
    let config = encode::video::Config {
        width: 320,
        height: 180,
        fps: 30,
        bitrate: 600_000,
        keyframe_interval: std::time::Duration::from_secs(1),
    };
    let mut encoder = encode::video::open(config, TrackId(0)).unwrap();
    let packets = (0..frames)
        .filter_map(|n| {
            encoder
                .encode(&scenery.picture(n, 320, 180, tick(n, 30)))
                .unwrap()
        })
        .collect();
    (encoder.config().unwrap(), packets)
}

#[test]
fn nothing_comes_before_the_first_keyframe() {
    let (config, packets) = stream(40);
    let mut decoder = open(&config).unwrap();
    let mut shown = Vec::new();
    for packet in &packets[5..] {
        shown.extend(decoder.decode(packet).unwrap());
    }
    shown.extend(decoder.flush().unwrap());
    assert_eq!(shown.first().map(Frame::timestamp), Some(tick(30, 30)));
    assert_eq!(shown.len(), 10);

    // After a flush it begins again.
    assert!(decoder.decode(&packets[7]).unwrap().is_empty());
    assert_eq!(decoder.decode(&packets[0]).unwrap().len(), 1);
}

#[test]
fn a_lost_packet_costs_at_most_the_rest_of_its_group() {
    let (config, packets) = stream(70);
    let mut decoder = open(&config).unwrap();
    let mut shown = Vec::new();
    for (n, packet) in packets.iter().enumerate() {
        if n != 10 {
            shown.extend(decoder.decode(packet).unwrap_or_default());
        }
    }
    let times: Vec<Timestamp> = shown.iter().map(Frame::timestamp).collect();
    assert!(times.is_sorted());
    assert!(
        (30..70).all(|n| times.contains(&tick(n, 30))),
        "the next group is whole"
    );
}

#[test]
fn damage_is_an_error_and_never_a_crash() {
    let (config, packets) = stream(30);
    let mut noise = Noise(9);
    for _ in 0..12 {
        let mut decoder = open(&config).unwrap();
        for packet in &packets {
            let mut packet = packet.clone();
            let mut data = packet.data.to_vec();
            if noise.next().is_multiple_of(3) {
                for _ in 0..1 + noise.next() % 20 {
                    let at = noise.next() as usize % data.len();
                    data[at] = noise.next() as u8;
                }
            }
            if noise.next().is_multiple_of(7) {
                data.truncate(noise.next() as usize % data.len());
            }
            packet.data = data.into();
            for frame in decoder.decode(&packet).unwrap_or_default() {
                assert!(frame.width() > 0);
            }
        }
        drop(decoder.flush());
    }
    let Config::H264 { sps, pps, .. } = config else {
        panic!("no H.264")
    };
    assert!(
        open(&Config::H264 {
            sps: pps.clone(),
            pps,
            width: 1,
            height: 1,
            fps_millis: 0
        })
        .is_err()
    );
    let sound = Config::Opus {
        channels: 2,
        pre_skip: 0,
    };
    assert!(open(&sound).err().unwrap().to_string().contains("Opus"));
    assert!(h264::Sps::parse(&sps).is_ok());
}
