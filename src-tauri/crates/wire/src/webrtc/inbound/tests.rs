//! A publisher built on `rtc`, on a line that loses, delays and reorders, in virtual time.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use media::{Config, Kind, TrackId};
use rtc::interceptor::{NackResponderBuilder, Registry, Slot};
use rtc::peer_connection::message::TaggedRTCMessage;
use rtc::peer_connection::transport::RTCDtlsTransportState;
use rtc::peer_connection::{RTCPeerConnection, RTCPeerConnectionBuilder};
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use rtc::sansio::Protocol;

use super::*;
use crate::testing::{self as samples, PPS, SPS};
use crate::webrtc::link::SILENCE;
use crate::webrtc::listener::{Ear, Listener};
use crate::webrtc::offer::Codec;
use crate::webrtc::outbound::Outbound;
use crate::webrtc::payload::{AUDIO_RATE, Packetizer, VIDEO_RATE};
use crate::webrtc::setup;
use crate::webrtc::testing::{self, DELAY, Near};

const PICTURE: Duration = Duration::from_nanos(1_000_000_000 / 30);
const VIDEO: u8 = 96;
const RTX: u8 = 97;
const AUDIO: u8 = 111;
const VIDEO_SSRC: u32 = 0x1001;
const AUDIO_SSRC: u32 = 0x2001;

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

/// A publisher at work.
struct Studio {
    world: testing::World<Session>,
    ear: Ear,
    cut: Packetizer,
    video: Outbound,
    audio: Outbound,
    /// When the next picture is taken, by the studio's clock.
    taken: Timestamp,
    pictures: u32,
    sent: Vec<Bytes>,
    /// When each picture and each sound was taken.
    taken_at: [Vec<Timestamp>; 2],
    keyframes_asked: usize,
}

fn codecs(rtx: bool) -> (Codec, Codec) {
    let video = Codec {
        payload_type: VIDEO,
        fmtp: "packetization-mode=1;profile-level-id=42e01f".into(),
        rtx: rtx.then_some(RTX),
        parameter_sets: None,
    };
    let audio = Codec {
        payload_type: AUDIO,
        fmtp: "minptime=10".into(),
        rtx: None,
        parameter_sets: None,
    };
    (video, audio)
}

fn far(now: Instant, rtx: bool, ear: Ear) -> (RTCPeerConnection, String) {
    let (video, audio) = codecs(rtx);
    let registry = Registry::new()
        .with(Slot::NackResponder, NackResponderBuilder::new().build())
        .with(Slot::JitterBuffer, Listener::new(ear));
    let mut far = RTCPeerConnectionBuilder::new()
        .with_media_engine(setup::media_engine(Some(&video), Some(&audio)).unwrap())
        .with_interceptor_registry(registry)
        .with_setting_engine(testing::settings())
        .build(now)
        .unwrap();
    for (kind, codec, ssrc) in [
        (Kind::Video, video, VIDEO_SSRC),
        (Kind::Audio, audio, AUDIO_SSRC),
    ] {
        let track = setup::track("studio", kind, &codec, ssrc);
        let init = RTCRtpTransceiverInit {
            direction: RTCRtpTransceiverDirection::Sendonly,
            streams: vec!["studio".to_owned()],
            send_encodings: track.codings().to_vec(),
        };
        far.add_transceiver_from_track(track, Some(init)).unwrap();
    }
    let offer = testing::offer(&mut far, now);
    (far, offer)
}

/// What differs from publisher to publisher.
#[derive(Clone, Copy)]
struct Set {
    seed: u64,
    loss: u64,
    /// Retransmissions have a source of their own.
    rtx: bool,
    /// The sources are announced in the offer.
    announced: bool,
}

const CLEAR: Set = Set {
    seed: 1,
    loss: 0,
    rtx: true,
    announced: true,
};

impl Studio {
    fn connected(set: Set) -> Self {
        let ear = Ear::default();
        let mut world = testing::World::begin(
            set.seed,
            set.loss,
            |now| {
                let (far, offer) = far(now, set.rtx, ear.clone());
                if set.announced {
                    return (far, offer);
                }
                let kept = offer.lines().filter(|line| !line.starts_with("a=ssrc"));
                let offer = kept.map(|line| format!("{line}\r\n")).collect();
                (far, offer)
            },
            |opening, offer| Session::answer(opening, offer).unwrap(),
        );
        world.connect();
        let mut cut = Packetizer::default();
        cut.set_tracks(&[samples::video(0), samples::opus(1)]);
        Self {
            taken: world.now,
            world,
            ear,
            cut,
            // Numbers and times wrap soon.
            video: Outbound::new(VIDEO_SSRC, VIDEO, VIDEO_RATE, 0xffff_f000_ffe0),
            audio: Outbound::new(AUDIO_SSRC, AUDIO, AUDIO_RATE, 0xffff_ff00_fffc),
            pictures: 0,
            sent: Vec::new(),
            taken_at: [Vec::new(), Vec::new()],
            keyframes_asked: 0,
        }
    }

    fn send(&mut self, packet: &Packet) {
        let unit = self.cut.unit(packet).unwrap();
        let stream = match unit.kind {
            Kind::Video => &mut self.video,
            Kind::Audio => &mut self.audio,
        };
        let now = self.world.clock.instant(self.world.now);
        for packet in stream.packets(&unit, packet.pts) {
            let message = rtc::peer_connection::message::RTCMessage::RtpPacket("".into(), packet);
            self.world
                .far
                .handle_write(TaggedRTCMessage { now, message })
                .unwrap();
        }
    }

    /// Takes a picture, of a size that needs several packets, and sends it after `late`.
    fn picture(&mut self, key: bool, late: Duration) {
        self.world.run_until(self.taken + late);
        let n = self.pictures;
        self.pictures += 1;
        let size = if key { 20_000 } else { 5_000 };
        let mut nal = vec![if key { 0x65 } else { 0x41 }, 0x88];
        nal.extend(n.to_be_bytes());
        nal.extend((0..size).map(|i: u32| (i.wrapping_mul(n | 1) >> 3) as u8));
        let mut data = Vec::new();
        media::h264::push_avcc(&mut data, &nal);
        let packet = Packet {
            track: TrackId(0),
            pts: self.taken,
            dts: self.taken,
            keyframe: key,
            data: data.into(),
        };
        self.sent.push(packet.data.clone());
        self.taken_at[0].push(self.taken);
        self.send(&packet);
    }

    fn sound(&mut self, taken: Timestamp) {
        self.taken_at[1].push(taken);
        self.send(&Packet {
            track: TrackId(1),
            pts: taken,
            dts: taken,
            keyframe: true,
            data: Bytes::from_static(&[31 << 3, 1, 2, 3]),
        });
    }

    /// Publishes for so many pictures. Keyframes come when asked for, after the first.
    fn publish(&mut self, pictures: u32) {
        for _ in 0..pictures {
            let asked = self.ear.take().keyframe;
            self.keyframes_asked += usize::from(asked);
            let key = self.pictures == 0 || asked;
            self.picture(key, Duration::ZERO);
            let taken = self.taken;
            self.sound(taken);
            self.taken += PICTURE;
        }
        self.world.run_until(self.taken);
    }

    /// Both sources say where they stand.
    fn report(&mut self) {
        let now = self.world.clock.instant(self.world.now);
        for stream in [&self.video, &self.audio] {
            let report = stream.report(&self.world.clock, self.world.now, &Bytes::new());
            let message = rtc::peer_connection::message::RTCMessage::RtcpPacket("".into(), report);
            self.world
                .far
                .handle_write(TaggedRTCMessage { now, message })
                .unwrap();
        }
    }

    fn packets(&self, track: u8) -> Vec<&Packet> {
        let packets = self
            .world
            .events
            .iter()
            .filter_map(|(_, event)| match event {
                Event::Packet(packet) if packet.track.0 == track => Some(packet),
                _ => None,
            });
        packets.collect()
    }

    /// Which of the pictures have come, unchanged.
    fn arrived(&self) -> Vec<usize> {
        let place = |p: &&Packet| self.sent.iter().position(|sent| *sent == p.data);
        let places = self.packets(0).iter().map(place).collect::<Option<_>>();
        places.expect("nothing is invented")
    }

    /// All that were sent.
    fn all(&self) -> Vec<usize> {
        (0..self.sent.len()).collect()
    }
}

fn media_of(data: &[u8], payload_type: u8) -> bool {
    data.len() > 12 && (128..192).contains(&data[0]) && data[1] & 0x7f == payload_type
}

#[test]
fn a_clear_line_carries_everything_unchanged_and_in_time() {
    for announced in [true, false] {
        let mut studio = Studio::connected(Set { announced, ..CLEAR });
        studio.publish(60);
        studio.world.run_for(DELAY * 2);
        assert_eq!(studio.arrived(), studio.all());
        let sound = studio.packets(1);
        assert_eq!(sound.len(), 60);
        let video = studio.packets(0);
        for (packets, name) in [(&video, "pictures"), (&sound, "sound")] {
            let from = packets[0].pts;
            for (n, packet) in (0_u32..).zip(packets.iter()) {
                let off = packet.pts.offset_from(from + PICTURE * n).abs();
                assert!(off < 30_000, "{name} {n} is {off} ns off");
            }
        }
        let kinds: Vec<_> = studio
            .world
            .events
            .iter()
            .filter_map(|(_, e)| match e {
                Event::Tracks(tracks) => Some(tracks.clone()),
                _ => None,
            })
            .collect();
        let [tracks] = &kinds[..] else {
            panic!("{kinds:?}");
        };
        let Config::H264 {
            sps, pps, width, ..
        } = &tracks[0].config
        else {
            panic!("{tracks:?}");
        };
        assert_eq!((&sps[..], &pps[..], *width), (SPS, PPS, 1280));
        assert_eq!(tracks[1].config.codec(), "Opus");
        let stats = studio.world.session.stats();
        assert_eq!((stats.lost, studio.keyframes_asked), (0, 0));
        assert!(stats.packets > 300 && stats.bytes > 300_000, "{stats:?}");
    }
}

#[test]
fn losses_are_repaired_with_and_without_a_source_for_repairs() {
    for (seed, rtx) in [(42, true), (43, false), (44, true), (45, false)] {
        let mut studio = Studio::connected(Set {
            seed,
            loss: 5,
            rtx,
            ..CLEAR
        });
        studio.publish(150);
        studio.world.run_for(Duration::from_secs(1));
        let got = studio.arrived().len();
        assert!(got >= 140, "seed {seed}: {got} of 150");
        // A packet that comes again under its own number has come.
        let lost = studio.world.session.stats().lost;
        assert!(!rtx || lost > 20, "seed {seed}: {lost}");
    }
}

#[test]
fn what_is_there_is_not_asked_for_again() {
    let mut studio = Studio::connected(CLEAR);
    let mut lost = HashSet::new();
    let mut repairs = 0_u32;
    let count = std::rc::Rc::new(std::cell::Cell::new(0));
    let seen = std::rc::Rc::clone(&count);
    studio.world.fate = Box::new(move |data| {
        if media_of(data, RTX) {
            repairs += 1;
            seen.set(repairs);
        }
        let number = u16::from_be_bytes([data[2], data[3]]);
        let first = media_of(data, VIDEO) && number.is_multiple_of(20) && lost.insert(number);
        (!first).then_some(Duration::ZERO)
    });
    studio.publish(60);
    // What is lost last shows with what comes next.
    studio.world.fate = Box::new(|_| Some(Duration::ZERO));
    studio.publish(1);
    studio.world.run_for(Duration::from_secs(1));
    assert_eq!(studio.arrived(), studio.all());
    let lost = studio.world.session.stats().lost;
    assert!(lost >= 15, "{lost}");
    // 40 ms there and back, asked for each 25 ms: twice at most.
    let repaired = u64::from(count.get());
    assert!(
        (lost..=lost * 2).contains(&repaired),
        "{repaired} for {lost}"
    );
}

#[test]
fn a_loss_beyond_repair_asks_for_a_keyframe_and_goes_on_with_it() {
    let mut studio = Studio::connected(CLEAR);
    studio.publish(10);
    // Nothing is repaired, and one packet of a picture is gone.
    let mut gone = false;
    studio.world.fate = Box::new(move |data| {
        let loses = media_of(data, RTX) || (media_of(data, VIDEO) && !gone);
        gone |= loses;
        (!loses).then_some(Duration::ZERO)
    });
    studio.publish(30);
    studio.world.run_for(DELAY * 2);
    assert_eq!(studio.keyframes_asked, 1);
    let packets = studio.packets(0);
    let places = studio.arrived();
    assert_eq!(places[..10], (0..10).collect::<Vec<_>>());
    let next = places[10];
    assert!(next > 10 && packets[10].keyframe, "{places:?}");
    assert!(next <= 20, "within 300 ms: {places:?}");
    assert_eq!(places[10..], (next..40).collect::<Vec<_>>());
    assert_eq!(studio.packets(1).len(), 40, "the sound goes on");
}

#[test]
fn a_keyframe_is_asked_for_until_it_comes() {
    let mut studio = Studio::connected(CLEAR);
    // A publisher that begins in the middle and does not hear at first.
    studio.pictures = 1;
    let mut asked = Vec::new();
    for n in 0..90 {
        if studio.ear.take().keyframe {
            asked.push(n);
        }
        studio.picture(false, Duration::ZERO);
        studio.taken += PICTURE;
    }
    assert!((2..=4).contains(&asked.len()), "{asked:?}");
    assert!(studio.packets(0).is_empty());
    studio.publish(200);
    assert!(studio.packets(0).len() > 60);
    assert_eq!(studio.keyframes_asked, 1);
}

#[test]
fn a_reader_that_wants_a_keyframe_gets_it() {
    let mut studio = Studio::connected(CLEAR);
    studio.publish(10);
    let now = studio.world.now;
    studio.world.session.request_keyframe(now);
    studio.publish(10);
    assert_eq!(studio.keyframes_asked, 1);
    let keys = studio.packets(0).iter().filter(|p| p.keyframe).count();
    assert_eq!(keys, 2);
}

#[test]
fn packets_that_overtake_each_other_are_put_in_order() {
    let mut studio = Studio::connected(CLEAR);
    let mut luck = testing::Luck(9);
    studio.world.fate = Box::new(move |data| {
        let media = media_of(data, VIDEO) || media_of(data, AUDIO);
        let late = media && luck.below(30);
        Some(Duration::from_millis(if late { 4 } else { 0 }))
    });
    studio.publish(90);
    studio.world.run_for(DELAY * 4);
    assert_eq!(studio.arrived(), studio.all());
    assert_eq!(studio.packets(1).len(), 90);
    let times: Vec<_> = studio.packets(1).iter().map(|p| p.pts).collect();
    assert!(times.is_sorted_by(|a, b| a < b));
}

#[test]
fn sound_and_picture_are_in_step_once_both_have_reported() {
    // The publisher's encoder holds each picture for 90 ms, and sound for none.
    let late = PICTURE * 3;
    let mut studio = Studio::connected(CLEAR);
    for n in 0..90 {
        studio.picture(n == 0, late);
        let taken = studio.taken + late;
        studio.sound(taken);
        studio.taken += PICTURE;
        if n == 30 {
            studio.report();
        }
    }
    studio.world.run_for(DELAY * 2);
    let behind = |track: u8, n: usize| {
        let taken = studio.taken_at[usize::from(track)][n];
        studio.packets(track)[n].pts.offset_from(taken)
    };
    let apart = |n| behind(0, n) - behind(1, n);
    let late = i64::try_from(late.as_nanos()).unwrap();
    assert!((apart(5) - late).abs() < 1_000_000, "{}", apart(5));
    for n in [40, 60, 89] {
        assert!(apart(n).abs() < 1_000_000, "{n}: {} ns", apart(n));
        let delay = i64::try_from(DELAY.as_nanos()).unwrap();
        assert!((behind(1, n) - delay).abs() < 1_000_000);
    }
}

#[test]
fn a_new_size_in_mid_stream_is_announced_before_its_keyframe() {
    let mut studio = Studio::connected(CLEAR);
    studio.publish(5);
    let mut smaller = samples::video(0);
    if let Config::H264 { sps, .. } = &mut smaller.config {
        *sps = Bytes::from_static(samples::SMALL_SPS);
    }
    studio.cut.set_tracks(&[smaller, samples::opus(1)]);
    studio.picture(true, Duration::ZERO);
    studio.taken += PICTURE;
    studio.publish(5);
    studio.world.run_for(DELAY * 2);
    let widths: Vec<u32> = studio
        .world
        .events
        .iter()
        .filter_map(|(_, e)| match e {
            Event::Tracks(tracks) => Some(tracks),
            _ => None,
        })
        .map(|tracks| match tracks[0].config {
            Config::H264 { width, .. } => width,
            _ => 0,
        })
        .collect();
    assert_eq!(widths, [1280, 640]);
    assert_eq!(studio.arrived(), studio.all());
    let small = studio
        .world
        .events
        .iter()
        .rposition(|(_, e)| matches!(e, Event::Tracks(_)))
        .unwrap();
    let mut after = studio.world.events[small + 1..].iter();
    assert!(matches!(&after.next().unwrap().1, Event::Packet(p) if p.keyframe && p.track.0 == 0));
}

#[test]
fn a_source_takes_the_place_of_one_that_fell_silent_and_no_other() {
    let mut studio = Studio::connected(CLEAR);
    studio.publish(10);
    let first = studio.video.clone();
    studio.video = Outbound::new(0x3001, VIDEO, VIDEO_RATE, 77);
    studio.publish(10);
    assert_eq!(studio.packets(0).len(), 10, "one at a time");
    studio.video = first;
    studio.world.run_for(Duration::from_millis(1_500));
    studio.taken = studio.world.now;
    studio.video = Outbound::new(0x4001, VIDEO, VIDEO_RATE, 1 << 40);
    studio.publish(30);
    studio.world.run_for(DELAY * 2);
    assert!(studio.packets(0).len() >= 25, "{}", studio.packets(0).len());
    let times: Vec<_> = studio.packets(0).iter().map(|p| p.pts).collect();
    assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
}

#[test]
fn one_packet_in_twenty_lost_freezes_nothing_for_half_a_second() {
    for seed in [5, 55, 555] {
        let mut studio = Studio::connected(Set { seed, ..CLEAR });
        studio.world.loss = 5;
        studio.publish(150);
        studio.world.run_for(Duration::from_millis(500));
        let written: Vec<_> = studio
            .world
            .events
            .iter()
            .filter(|(_, e)| matches!(e, Event::Packet(p) if p.track.0 == 0))
            .map(|(at, _)| *at)
            .collect();
        let freezes = written.windows(2).map(|pair| pair[1].since(pair[0]));
        let longest = freezes.max().unwrap();
        assert!(
            longest < Duration::from_millis(500),
            "seed {seed}: {longest:?}"
        );
        assert!(studio.keyframes_asked <= 3, "{}", studio.keyframes_asked);
    }
}

#[test]
fn a_path_is_found_anew_while_media_goes_on() {
    let mut studio = Studio::connected(CLEAR);
    studio.publish(10);
    studio
        .world
        .restart(|session, names, remote, now| session.restart(names, remote, now).unwrap());
    studio.publish(30);
    studio.world.run_for(SILENCE * 2);
    studio.taken = studio.world.now;
    studio.publish(10);
    studio.world.run_for(DELAY * 2);
    assert_eq!(studio.arrived(), studio.all());
    assert_eq!(
        studio.world.count(&Event::Closed),
        0,
        "the new names keep it"
    );
}

#[test]
fn reports_tell_the_publisher_what_is_lost() {
    let mut studio = Studio::connected(Set { loss: 10, ..CLEAR });
    let mut heard = Vec::new();
    for _ in 0..4 {
        for n in 0..30 {
            studio.picture(n == 0, Duration::ZERO);
            studio.taken += PICTURE;
        }
        studio.report();
        heard.extend(studio.ear.take().reports);
    }
    let video: Vec<_> = heard.iter().filter(|r| r.ssrc == VIDEO_SSRC).collect();
    assert!(video.len() >= 2, "{heard:?}");
    assert!(video.last().unwrap().lost > 10, "{video:?}");
    assert!(heard.iter().any(|r| r.last_report != 0), "{heard:?}");
}

#[test]
fn a_publisher_that_never_comes_or_falls_silent_is_given_up() {
    let mut world = testing::World::begin(
        3,
        100,
        |now| far(now, true, Ear::default()),
        |opening, offer| Session::answer(opening, offer).unwrap(),
    );
    world.run_for(SILENCE - Duration::from_millis(1));
    assert_eq!(world.count(&Event::Closed), 0);
    world.run_for(Duration::from_millis(2));
    assert_eq!(world.count(&Event::Closed), 1);

    let mut studio = Studio::connected(CLEAR);
    studio.publish(3);
    studio.world.run_for(SILENCE * 3);
    assert_eq!(studio.world.count(&Event::Closed), 0, "its checks keep it");
    studio.world.loss = 100;
    studio.world.run_for(SILENCE + DELAY);
    assert_eq!(studio.world.count(&Event::Closed), 1);
    assert_eq!(studio.world.session.deadline(), None);
}

#[test]
fn both_ends_can_leave() {
    let mut studio = Studio::connected(CLEAR);
    studio.publish(3);
    studio.world.far.close().unwrap();
    studio.world.run_for(DELAY * 2);
    assert_eq!(studio.world.count(&Event::Closed), 1);

    let mut studio = Studio::connected(CLEAR);
    let now = studio.world.now;
    studio.world.session.close(now);
    studio.world.run_for(DELAY * 2);
    let sender = studio.world.far.get_senders().next().unwrap();
    let sender = studio.world.far.rtp_sender(sender).unwrap();
    let state = sender.transport().unwrap().state();
    assert_eq!(state, RTCDtlsTransportState::Closed, "it is told");
    assert_eq!(studio.world.session.deadline(), None);
}

#[test]
fn datagrams_of_strangers_change_nothing() {
    let mut studio = Studio::connected(CLEAR);
    studio.publish(3);
    studio.world.strangers_knock();
    studio.publish(3);
    studio.world.run_for(DELAY * 2);
    assert_eq!(studio.arrived(), studio.all());
    assert_eq!(studio.world.count(&Event::Closed), 0);
}
