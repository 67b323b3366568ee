//! Two ends of `rtc` on a line that loses and delays, in time that only the test lets pass.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use media::{Config, TrackId};
use rtc::interceptor::{NackGeneratorBuilder, ReceiverReportBuilder};
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::peer_connection::configuration::setting_engine::SettingEngineBuilder;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtp::Packet;
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;

use super::*;
use crate::webrtc::payload::Packetizer;

const STATION: &str = "192.0.2.1:8189";
const VIEWER: &str = "192.0.2.2:50000";
const DELAY: Duration = Duration::from_millis(20);
const PICTURE: Duration = Duration::from_nanos(1_000_000_000 / 30);

/// SplitMix64: the line's luck.
struct Luck(u64);

impl Luck {
    fn below(&mut self, percent: u64) -> bool {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % 100 < percent
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Flight {
    at: Timestamp,
    order: u64,
    to_station: bool,
    data: Vec<u8>,
}

/// A station's session, a viewer, and the line between them.
struct World {
    clock: Clock,
    now: Timestamp,
    session: Session,
    viewer: RTCPeerConnection,
    line: BinaryHeap<Reverse<Flight>>,
    order: u64,
    luck: Luck,
    loss: u64,
    events: Vec<(Timestamp, Event)>,
    received: Vec<Packet>,
    viewer_states: Vec<RTCPeerConnectionState>,
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
    let settings = SettingEngineBuilder::new()
        .with_multicast_dns_mode(rtc::ice::mdns::MulticastDnsMode::Disabled)
        .with_ice_connection_attempts(Some(Duration::from_millis(20)), Some(200))
        .build();
    let mut viewer = RTCPeerConnectionBuilder::new()
        .with_media_engine(engine)
        .with_interceptor_registry(registry)
        .with_setting_engine(settings)
        .build(now)
        .unwrap();
    for kind in [RtpCodecKind::Video, RtpCodecKind::Audio] {
        let init = RTCRtpTransceiverInit {
            direction: RTCRtpTransceiverDirection::Recvonly,
            ..RTCRtpTransceiverInit::default()
        };
        viewer.add_transceiver_from_kind(kind, Some(init)).unwrap();
    }
    viewer
        .add_local_candidate(candidates::host(VIEWER.parse().unwrap()).unwrap())
        .unwrap();
    let offer = viewer.create_offer(None).unwrap();
    viewer.set_local_description(now, offer.clone()).unwrap();
    (viewer, offer.sdp)
}

impl World {
    fn new(seed: u64, loss: u64) -> Self {
        let clock = Clock::start();
        let now = Timestamp::from_millis(5_000);
        let (mut viewer, offer) = viewer(clock.instant(now));
        let common = Common {
            certificate: crate::webrtc::setup::certificate().unwrap(),
            clock,
        };
        let identity = Identity {
            fragment: "station".into(),
            password: "0123456789abcdef0123456789".into(),
            seed,
        };
        let locals = [STATION.parse().unwrap()];
        let (session, answer) =
            Session::answer(&common, &identity, &offer, &tracks(), &locals, &[], now).unwrap();
        let answer = RTCSessionDescription::answer(answer).unwrap();
        viewer
            .set_remote_description(clock.instant(now), answer)
            .unwrap();
        Self {
            clock,
            now,
            session,
            viewer,
            line: BinaryHeap::new(),
            order: 0,
            luck: Luck(seed),
            loss,
            events: Vec::new(),
            received: Vec::new(),
            viewer_states: Vec::new(),
        }
    }

    fn launch(&mut self, to_station: bool, data: &[u8]) {
        self.order += 1;
        if self.luck.below(self.loss) {
            return;
        }
        self.line.push(Reverse(Flight {
            at: self.now + DELAY,
            order: self.order,
            to_station,
            data: data.to_vec(),
        }));
    }

    /// Drains both ends onto the line.
    fn settle(&mut self) {
        while let Some(event) = self.session.poll_event() {
            self.events.push((self.now, event));
        }
        while let Some(datagram) = self.session.poll_transmit() {
            assert_eq!(datagram.peer, VIEWER.parse::<SocketAddr>().unwrap());
            self.launch(false, &datagram.data);
        }
        loop {
            let mut path_changed = false;
            while let Some(event) = self.viewer.poll_event() {
                match event {
                    RTCPeerConnectionEvent::OnIceConnectionStateChangeEvent(_) => {
                        path_changed = true;
                    }
                    RTCPeerConnectionEvent::OnConnectionStateChangeEvent(state) => {
                        self.viewer_states.push(state);
                    }
                    _ => {}
                }
            }
            if !path_changed {
                break;
            }
            self.viewer
                .handle_timeout(self.clock.instant(self.now))
                .unwrap();
        }
        while let Some(read) = self.viewer.poll_read() {
            if let RTCMessage::RtpPacket(_, packet) = read.message {
                self.received.push(packet);
            }
        }
        while let Some(message) = self.viewer.poll_write() {
            self.launch(true, &message.message);
        }
    }

    /// Lets time pass until `end`, event by event.
    fn run_until(&mut self, end: Timestamp) {
        loop {
            self.settle();
            // A closed end of the stack still names deadlines, long past ones.
            let here = self.viewer_states.last() != Some(&RTCPeerConnectionState::Closed);
            let stack = self.viewer.poll_timeout().filter(|_| here);
            let stack = stack.map(|at| self.clock.stamp(at));
            let flight = self.line.peek().map(|f| f.0.at);
            let next = [stack, flight, self.session.deadline()];
            let Some(next) = next.into_iter().flatten().min().filter(|at| *at <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            while self.line.peek().is_some_and(|f| f.0.at <= self.now) {
                let Reverse(flight) = self.line.pop().unwrap();
                self.land(flight);
                // Each end must see what one datagram brought about before it takes the next.
                self.settle();
            }
            if self.session.deadline().is_some_and(|at| at <= self.now) {
                self.session.handle_timeout(self.now);
            }
            let instant = self.clock.instant(self.now);
            if stack.is_some_and(|at| at <= self.now) {
                self.viewer.handle_timeout(instant).unwrap();
            }
        }
    }

    fn land(&mut self, flight: Flight) {
        let data = BytesMut::from(flight.data.as_slice());
        let (station, viewer) = (STATION.parse().unwrap(), VIEWER.parse().unwrap());
        if flight.to_station {
            let datagram = Datagram {
                local: station,
                peer: viewer,
                data,
            };
            self.session.handle_datagram(datagram, self.now);
            return;
        }
        let message = TaggedBytesMut {
            now: self.clock.instant(self.now),
            transport: TransportContext {
                local_addr: viewer,
                peer_addr: station,
                transport_protocol: TransportProtocol::UDP,
                ecn: None,
            },
            message: data,
        };
        drop(self.viewer.handle_read(message));
    }

    fn run_for(&mut self, time: Duration) {
        self.run_until(self.now + time);
    }

    fn connect(&mut self) {
        let start = self.now;
        while !self.session.connected() && self.now.since(start) < Duration::from_secs(10) {
            self.run_for(Duration::from_millis(5));
        }
        assert!(self.session.connected(), "{:?}", self.viewer_states);
    }

    fn events(&self, event: Event) -> usize {
        self.events.iter().filter(|(_, e)| *e == event).count()
    }
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
    let mut world = World::new(1, 0);
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
        let mut world = World::new(seed, 5);
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
    let mut world = World::new(2, 0);
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
    let mut world = World::new(3, 0);
    world.connect();
    play(&mut world, 3);
    world.run_for(DELAY * 2);
    assert_eq!(world.events(Event::KeyframeWanted), 0);
    let source = world.session.video.as_ref().unwrap().ssrc;
    let receiver = world.viewer.get_receivers().next().unwrap();
    let lost = PictureLossIndication {
        sender_ssrc: 1,
        media_ssrc: source,
    };
    let instant = world.clock.instant(world.now);
    let mut receiver = world.viewer.rtp_receiver(receiver).unwrap();
    receiver.write_rtcp(instant, vec![Box::new(lost)]).unwrap();
    world.run_for(DELAY * 2);
    assert_eq!(world.events(Event::KeyframeWanted), 1);
}

#[test]
fn a_viewer_that_never_comes_or_falls_silent_is_given_up() {
    let mut world = World::new(4, 100);
    world.run_for(SILENCE - Duration::from_millis(1));
    assert_eq!(world.events(Event::Closed), 0);
    world.run_for(Duration::from_millis(2));
    assert_eq!(world.events(Event::Closed), 1);

    let mut world = World::new(5, 0);
    world.connect();
    world.run_for(SILENCE * 3);
    assert_eq!(world.events(Event::Closed), 0, "its checks keep it");
    world.loss = 100;
    world.run_for(SILENCE + DELAY);
    assert_eq!(world.events(Event::Closed), 1);
    assert_eq!(world.session.deadline(), None);
}

#[test]
fn the_viewer_is_told_of_the_end() {
    let mut world = World::new(6, 0);
    world.connect();
    world.session.close(world.now);
    world.run_for(DELAY * 2);
    assert_eq!(world.events(Event::Closed), 1);
    assert!(said_goodbye(&mut world.viewer));
}

#[test]
fn a_viewer_that_leaves_ends_its_session() {
    let mut world = World::new(7, 0);
    world.connect();
    world.viewer.close().unwrap();
    world.run_for(DELAY * 2);
    assert_eq!(world.events(Event::Closed), 1);
}

#[test]
fn datagrams_of_strangers_change_nothing() {
    let mut world = World::new(8, 0);
    world.connect();
    let mut luck = Luck(8);
    for length in [0, 1, 12, 13, 20, 64, 1_200] {
        for first in [0, 1, 20, 22, 63, 64, 128, 191, 255] {
            let mut data: Vec<u8> = (0..length)
                .map(|_| u8::from(luck.below(50)) * 0xa5)
                .collect();
            if let Some(byte) = data.first_mut() {
                *byte = first;
            }
            let datagram = Datagram {
                local: STATION.parse().unwrap(),
                peer: "198.51.100.66:6666".parse().unwrap(),
                data: BytesMut::from(data.as_slice()),
            };
            world.session.handle_datagram(datagram, world.now);
        }
    }
    let sent = play(&mut world, 3);
    world.run_for(DELAY * 2);
    let number = world.session.video.as_ref().unwrap().payload_type;
    assert_eq!(slices(&world.received, number), sent);
    assert_eq!(world.events(Event::Closed), 0);
}
