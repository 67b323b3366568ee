//! A viewer built on `rtc`, on a line that loses, in virtual time.

use media::{Config, TrackId};
use rtc::interceptor::{NackGeneratorBuilder, ReceiverReportBuilder};
use rtc::peer_connection::RTCPeerConnectionBuilder;
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::peer_connection::transport::RTCDtlsTransportState;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtp::Packet;
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use rtc::sansio::Protocol;

use super::*;
use crate::webrtc::link::SILENCE;
use crate::webrtc::payload::Packetizer;
use crate::webrtc::testing::{self, DELAY, Near};

type World = testing::World<Session>;

const PICTURE: Duration = Duration::from_nanos(1_000_000_000 / 30);

impl Near for Session {
    type Event = Event;

    fn connected(&self) -> bool {
        self.link.connected()
    }

    fn handle_datagram(&mut self, datagram: Datagram, now: Timestamp) {
        self.handle_datagram(datagram, now);
    }

    fn handle_timeout(&mut self, now: Timestamp) {
        self.handle_timeout(now);
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.poll_event()
    }

    fn poll_transmit(&mut self) -> Option<Datagram> {
        self.poll_transmit()
    }

    fn deadline(&mut self) -> Option<Timestamp> {
        self.deadline()
    }
}

fn said_goodbye(peer: &mut RTCPeerConnection) -> bool {
    let receiver = peer.get_receivers().next().unwrap();
    let receiver = peer.rtp_receiver(receiver).unwrap();
    receiver.transport().unwrap().state() == RTCDtlsTransportState::Closed
}

fn tracks() -> Vec<Track> {
    let video = Config::H264 {
        sps: Bytes::from_static(&[0x67, 0x42, 0xe0, 0x1f, 1]),
        pps: Bytes::from_static(&[0x68, 0xce]),
        width: 16,
        height: 16,
        fps_millis: 30_000,
    };
    let audio = Config::Opus {
        channels: 2,
        pre_skip: 0,
    };
    let track = |(id, config)| Track {
        id: TrackId(id),
        config,
        bitrate: 0,
    };
    [(0, video), (1, audio)].map(track).into()
}

fn viewer(now: std::time::Instant) -> (RTCPeerConnection, String) {
    let mut engine = MediaEngine::default();
    engine.register_default_codecs().unwrap();
    let registry = Registry::new()
        .with(
            Slot::NackGenerator,
            NackGeneratorBuilder::new()
                .with_interval(Duration::from_millis(25))
                .with_max_nacks_per_packet(4)
                .build(),
        )
        .with(Slot::ReceiverReport, ReceiverReportBuilder::new().build());
    let mut viewer = RTCPeerConnectionBuilder::new()
        .with_media_engine(engine)
        .with_interceptor_registry(registry)
        .with_setting_engine(testing::settings())
        .build(now)
        .unwrap();
    for kind in [RtpCodecKind::Video, RtpCodecKind::Audio] {
        let init = RTCRtpTransceiverInit {
            direction: RTCRtpTransceiverDirection::Recvonly,
            ..RTCRtpTransceiverInit::default()
        };
        viewer.add_transceiver_from_kind(kind, Some(init)).unwrap();
    }
    let offer = testing::offer(&mut viewer, now);
    (viewer, offer)
}

fn begin(seed: u64, loss: u64) -> World {
    World::begin(seed, loss, viewer, |opening, offer| {
        Session::answer(opening, offer, &tracks()).unwrap()
    })
}

/// Picture `n`: a keyframe every second, of a size that needs several packets.
fn picture(n: u32, now: Timestamp) -> (Vec<u8>, media::Packet) {
    let key = n.is_multiple_of(30);
    let size = if key { 20_000 } else { 5_000 };
    let mut nal = vec![if key { 0x65 } else { 0x41 }];
    nal.extend(n.to_be_bytes());
    nal.extend((0..size).map(|i: u32| (i.wrapping_mul(n | 1) >> 3) as u8));
    let mut data = u32::try_from(nal.len()).unwrap().to_be_bytes().to_vec();
    data.extend_from_slice(&nal);
    let packet = media::Packet {
        track: TrackId(0),
        pts: now,
        dts: now,
        keyframe: key,
        data: data.into(),
    };
    (nal, packet)
}

/// The slices that arrived whole, by RTP time: retransmissions fill in as they come.
fn slices(packets: &[Packet], payload_type: u8) -> Vec<Vec<u8>> {
    let mut sorted: Vec<&Packet> = packets
        .iter()
        .filter(|p| p.header.payload_type == payload_type)
        .collect();
    let Some(first) = sorted.first().map(|p| p.header.sequence_number) else {
        return Vec::new();
    };
    // Numbers relative to well before the first, so that early losses repaired late sort right.
    let place = |p: &&Packet| {
        p.header
            .sequence_number
            .wrapping_sub(first.wrapping_sub(1_000))
    };
    sorted.sort_by_key(place);
    sorted.dedup_by_key(|p| p.header.sequence_number);
    let mut whole = Vec::new();
    let mut open: Option<(Vec<u8>, u16)> = None;
    for packet in sorted {
        let [indicator, header, body @ ..] = &*packet.payload else {
            continue;
        };
        if indicator & 0x1f != 28 {
            continue;
        }
        let number = packet.header.sequence_number;
        if header & 0x80 != 0 {
            open = Some((vec![(indicator & 0xe0) | (header & 0x1f)], number));
        }
        if let Some((mut nal, next)) = open.take().filter(|(_, next)| *next == number) {
            nal.extend_from_slice(body);
            if header & 0x40 == 0 {
                open = Some((nal, next.wrapping_add(1)));
            } else {
                assert!(packet.header.marker);
                whole.push(nal);
            }
        }
    }
    whole
}

fn play(world: &mut World, pictures: u32) -> Vec<Vec<u8>> {
    let mut cut = Packetizer::default();
    cut.set_tracks(&tracks());
    let mut sent = Vec::new();
    for n in 0..pictures {
        let (nal, packet) = picture(n, world.now);
        let unit = cut.unit(&packet).unwrap();
        world.session.handle_media(&unit, packet.pts, world.now);
        sent.push(nal);
        world.run_for(PICTURE);
    }
    sent
}

#[test]
fn a_clear_line_carries_every_picture_unchanged() {
    let mut world = begin(1, 0);
    world.connect();
    let sent = play(&mut world, 60);
    world.run_for(DELAY * 2);
    let number = world.session.video.as_ref().unwrap().payload_type;
    assert_eq!(slices(&world.received, number), sent);
    let took = world.events[0].0.since(Timestamp::from_millis(5_000));
    assert!(
        took <= DELAY * 10,
        "connected after {took:?} at {DELAY:?} one way"
    );
    let stats = world.session.stats();
    assert_eq!(stats.lost, 0);
    let trip = stats.round_trip.unwrap();
    assert!(
        trip.abs_diff(DELAY * 2) < Duration::from_millis(2),
        "{trip:?}"
    );
}

#[test]
fn losses_are_repaired_by_retransmission() {
    for seed in [42, 43, 44] {
        let mut world = begin(seed, 5);
        world.connect();
        let sent = play(&mut world, 150);
        world.run_for(Duration::from_secs(1));
        let number = world.session.video.as_ref().unwrap().payload_type;
        let received = slices(&world.received, number);
        let whole = received.iter().filter(|nal| sent.contains(nal)).count();
        assert_eq!(whole, received.len(), "seed {seed}: nothing invented");
        assert!(whole >= 147, "seed {seed}: {whole} of 150");
        assert!(world.session.stats().lost > 0);
    }
}

#[test]
fn pictures_begin_with_a_keyframe() {
    let mut world = begin(2, 0);
    world.connect();
    let mut cut = Packetizer::default();
    cut.set_tracks(&tracks());
    for n in [29, 30, 31] {
        let (_, packet) = picture(n, world.now);
        let unit = cut.unit(&packet).unwrap();
        world.session.handle_media(&unit, packet.pts, world.now);
        world.run_for(PICTURE);
    }
    world.run_for(DELAY * 2);
    let number = world.session.video.as_ref().unwrap().payload_type;
    let firsts: Vec<u8> = slices(&world.received, number)
        .iter()
        .map(|n| n[0])
        .collect();
    assert_eq!(firsts, [0x65, 0x41]);
}

#[test]
fn a_lost_picture_asks_for_a_keyframe() {
    let mut world = begin(3, 0);
    world.connect();
    play(&mut world, 3);
    world.run_for(DELAY * 2);
    assert_eq!(world.count(&Event::KeyframeWanted), 0);
    let source = world.session.video.as_ref().unwrap().ssrc;
    let receiver = world.far.get_receivers().next().unwrap();
    let lost = PictureLossIndication {
        sender_ssrc: 1,
        media_ssrc: source,
    };
    let instant = world.clock.instant(world.now);
    let mut receiver = world.far.rtp_receiver(receiver).unwrap();
    receiver.write_rtcp(instant, vec![Box::new(lost)]).unwrap();
    world.run_for(DELAY * 2);
    assert_eq!(world.count(&Event::KeyframeWanted), 1);
}

#[test]
fn a_viewer_that_never_comes_or_falls_silent_is_given_up() {
    let mut world = begin(4, 100);
    world.run_for(SILENCE - Duration::from_millis(1));
    assert_eq!(world.count(&Event::Closed), 0);
    world.run_for(Duration::from_millis(2));
    assert_eq!(world.count(&Event::Closed), 1);

    let mut world = begin(5, 0);
    world.connect();
    world.run_for(SILENCE * 3);
    assert_eq!(world.count(&Event::Closed), 0, "its checks keep it");
    world.loss = 100;
    world.run_for(SILENCE + DELAY);
    assert_eq!(world.count(&Event::Closed), 1);
    assert_eq!(world.session.deadline(), None);
}

#[test]
fn the_viewer_is_told_of_the_end() {
    let mut world = begin(6, 0);
    world.connect();
    world.session.close(world.now);
    world.run_for(DELAY * 2);
    assert_eq!(world.count(&Event::Closed), 1);
    assert!(said_goodbye(&mut world.far));
}

#[test]
fn a_viewer_that_leaves_ends_its_session() {
    let mut world = begin(7, 0);
    world.connect();
    world.far.close().unwrap();
    world.run_for(DELAY * 2);
    assert_eq!(world.count(&Event::Closed), 1);
}

#[test]
fn datagrams_of_strangers_change_nothing() {
    let mut world = begin(8, 0);
    world.connect();
    world.strangers_knock();
    let sent = play(&mut world, 3);
    world.run_for(DELAY * 2);
    let number = world.session.video.as_ref().unwrap().payload_type;
    assert_eq!(slices(&world.received, number), sent);
    assert_eq!(world.count(&Event::Closed), 0);
}
