//! A viewer built on `rtc`, on a line that loses, in virtual time.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use media::{Clock, Config, TrackId};
use rtc::peer_connection::RTCPeerConnection;
use rtc::peer_connection::transport::RTCDtlsTransportState;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtp::Packet;
use rtc::sansio::Protocol;

use super::*;
use crate::webrtc::link::SILENCE;
use crate::webrtc::pace::{PAUSE, TURN};
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

    fn go_on(&mut self, now: Timestamp, outbox: &mut testing::Outbox) {
        self.go_on(now, outbox);
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
    let mut viewer = testing::receiver(now);
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
        let unit = Arc::new(cut.unit(&packet).unwrap());
        world
            .session
            .handle_media(&unit, packet.pts, world.now, &mut world.outbox);
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

/// The longest time in which no further picture was whole, from the first one on.
fn longest_freeze(world: &World) -> Duration {
    let number = world.session.video.as_ref().unwrap().payload_type;
    let whole = |upto: usize| slices(&world.received[..upto], number).len();
    let (mut shown, mut last, mut longest) = (0, world.received_at[0], Duration::ZERO);
    for (upto, at) in (1..).zip(&world.received_at) {
        // Only the end of a picture can make it whole.
        let ends = world.received[upto - 1].header.marker;
        let repaired = upto > 1 && at != &world.received_at[upto - 2];
        if (ends || repaired) && whole(upto) > shown {
            shown = whole(upto);
            longest = longest.max(at.since(last));
            last = *at;
        }
    }
    longest
}

#[test]
fn one_packet_in_twenty_lost_freezes_nothing_for_half_a_second() {
    for seed in [7, 77, 777] {
        let mut world = begin(seed, 0);
        world.connect();
        world.loss = 5;
        let before = world.reports;
        let sent = play(&mut world, 90);
        world.run_for(Duration::from_millis(500));
        let number = world.session.video.as_ref().unwrap().payload_type;
        let whole = slices(&world.received, number).len();
        assert!(whole >= sent.len() - 2, "seed {seed}: {whole} of 90");
        let freeze = longest_freeze(&world);
        assert!(
            freeze < Duration::from_millis(500),
            "seed {seed}: {freeze:?}"
        );
        // It asks every 25 ms at most, and we answer each number a bounded number of times.
        let asked = world.reports - before;
        assert!(asked < 160, "seed {seed}: {asked} reports in 3.5 s");
        let carried = world.received.len() as u64;
        let stats = world.session.stats();
        assert!(carried < stats.packets * 5 / 4, "seed {seed}: {carried}");
    }
}

#[test]
fn a_path_is_found_anew_while_pictures_go_on() {
    let mut world = begin(9, 0);
    world.connect();
    let mut sent = play(&mut world, 10);
    world.restart(|session, names, remote, now| session.restart(names, remote, now).unwrap());
    sent.extend(play(&mut world, 40));
    world.run_for(SILENCE * 2);
    sent.extend(play(&mut world, 10));
    world.run_for(DELAY * 2);
    let number = world.session.video.as_ref().unwrap().payload_type;
    let received = slices(&world.received, number);
    // We go on; the far end's stack is deaf for the one round trip until it has checked the new path.
    assert!(received.len() >= 57, "{} of 60", received.len());
    assert!(received.iter().all(|nal| sent.contains(nal)));
    assert_eq!(received[received.len() - 45..], sent[15..]);
    assert_eq!(world.count(&Event::Closed), 0, "the new names keep it");
}

/// Where a session that was offered no address knocks within a second, when it is told of these.
fn knocks(told: &[&str]) -> BTreeSet<SocketAddr> {
    let clock = Clock::start();
    let mut now = Timestamp::from_millis(5_000);
    let offer = testing::offer(
        &mut testing::receiver(clock.instant(now)),
        clock.instant(now),
    );
    let lines = offer.lines().filter(|l| !l.starts_with("a=candidate:"));
    let offer: String = lines.map(|l| format!("{l}\r\n")).collect();
    let named = offer.split("a=ice-ufrag:").nth(1).unwrap();
    let named = named.lines().next().unwrap();
    let (mut session, _) = testing::opening(clock, 1, now, |opening| {
        Session::answer(opening, &offer, &tracks()).unwrap()
    });
    for text in told {
        session.trickle(&offer::trickled(&text.replace("UFRAG", named)), now);
    }
    let end = now + Duration::from_secs(1);
    let mut knocked = BTreeSet::new();
    while now < end {
        while let Some(datagram) = session.poll_transmit() {
            knocked.insert(datagram.peer);
        }
        now = session
            .deadline()
            .unwrap()
            .max(now + Duration::from_millis(1));
        session.handle_timeout(now);
    }
    knocked
}

#[test]
fn addresses_that_come_later_are_tried() {
    let lines = |of: std::ops::Range<u8>| {
        let line = |n| format!("a=candidate:{n} 1 udp 5 192.0.2.{n} 50000 typ host\r\n");
        of.map(line).collect::<String>()
    };
    let (one, two) = (lines(7..8), lines(8..9));
    let [ours, past] = ["UFRAG", "older"].map(|name| format!("a=ice-ufrag:{name}\r\n"));
    let many: Vec<String> = (20..60).map(|n| lines(n..n + 1)).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (told, expect) in [
        (vec![], 0),
        (vec![one.as_str()], 1),
        (vec![&one, &one], 1),
        (vec![&one, &two, "a=end-of-candidates"], 2),
        (vec![&format!("{ours}{one}")], 1),
        (vec![&format!("{past}{one}")], 0),
        // However they come, a stranger has us knock at a few doors only.
        (many, offer::MAX_CANDIDATES),
    ] {
        let knocked = knocks(&told);
        assert_eq!(knocked.len(), expect, "{told:?}: {knocked:?}");
        assert!(knocked.iter().all(|to| to.port() == 50_000));
    }
}

/// A keyframe and a picture behind it, of so many bytes each, and a packet of sound.
fn burst(world: &mut World, sizes: [usize; 2]) -> Vec<Vec<u8>> {
    let mut cut = Packetizer::default();
    cut.set_tracks(&tracks());
    let sound = media::Packet {
        track: TrackId(1),
        pts: world.now,
        dts: world.now,
        keyframe: true,
        data: Bytes::from_static(b"sound"),
    };
    let mut sent = Vec::new();
    for (n, size) in (0_u8..).zip(sizes) {
        let mut nal = vec![if n == 0 { 0x65 } else { 0x41 }, n];
        nal.resize(size, n | 1);
        let mut data = u32::try_from(nal.len()).unwrap().to_be_bytes().to_vec();
        data.extend_from_slice(&nal);
        let packet = media::Packet {
            track: TrackId(0),
            pts: world.now,
            dts: world.now,
            keyframe: n == 0,
            data: data.into(),
        };
        sent.push(nal);
        let unit = Arc::new(cut.unit(&packet).unwrap());
        let outbox = &mut world.outbox;
        world
            .session
            .handle_media(&unit, packet.pts, world.now, outbox);
    }
    let sound = Arc::new(cut.unit(&sound).unwrap());
    let outbox = &mut world.outbox;
    world
        .session
        .handle_media(&sound, world.now, world.now, outbox);
    sent
}

#[test]
fn a_large_keyframe_leaves_the_viewer_time_to_read_and_sound_goes_past_it() {
    let mut world = begin(1, 0);
    world.connect();
    let sent = burst(&mut world, [189_000, 5_000]);
    let began = world.now;
    world.run_for(DELAY * 2);
    let number = world.session.video.as_ref().unwrap().payload_type;
    assert_eq!(slices(&world.received, number), sent);
    assert!(world.session.goes_on().is_none());

    // How many came at which time, in milliseconds behind the first.
    let mut turns: Vec<(u128, usize)> = Vec::new();
    for at in &world.received_at {
        let behind = at.since(began + DELAY).as_millis();
        match turns.last_mut().filter(|(last, _)| *last == behind) {
            Some((_, count)) => *count += 1,
            None => turns.push((behind, 1)),
        }
    }
    let all: usize = turns.iter().map(|(_, count)| count).sum();
    assert!(all > 3 * TURN, "{all} packets need no turns");
    let whole = (0..).map(|at| (at, TURN)).take(turns.len() - 1);
    let mut expect: Vec<(u128, usize)> = whole.collect();
    // Sound is one more, in the first turn, though it came behind both pictures.
    expect[0].1 += 1;
    assert_eq!(turns[..turns.len() - 1], expect);
    let places = world.received.iter().zip(&world.received_at);
    let mut sounds = places.filter(|(p, _)| p.header.payload_type != number);
    assert_eq!(sounds.next().map(|(_, at)| *at), Some(began + DELAY));
}

#[test]
fn what_waits_when_the_session_ends_is_forgotten() {
    let mut world = begin(1, 0);
    world.connect();
    burst(&mut world, [189_000, 5_000]);
    assert!(world.session.goes_on().is_some());
    world.session.close(world.now);
    world.session.go_on(world.now + PAUSE, &mut world.outbox);
    assert!(world.session.goes_on().is_none());
    world.run_for(DELAY * 2);
    assert_eq!(world.received.len(), TURN + 1);
}

#[test]
fn pictures_begin_with_a_keyframe() {
    let mut world = begin(2, 0);
    world.connect();
    let mut cut = Packetizer::default();
    cut.set_tracks(&tracks());
    for n in [29, 30, 31] {
        let (_, packet) = picture(n, world.now);
        let unit = Arc::new(cut.unit(&packet).unwrap());
        world
            .session
            .handle_media(&unit, packet.pts, world.now, &mut world.outbox);
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
