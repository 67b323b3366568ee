//! Two ends of `rtc` on a line that loses and delays, in time that only the test lets pass.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use media::{Clock, Timestamp};
use rtc::interceptor::{NackGeneratorBuilder, ReceiverReportBuilder, Registry, Slot};
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::peer_connection::configuration::setting_engine::{SettingEngine, SettingEngineBuilder};
use rtc::peer_connection::event::RTCPeerConnectionEvent;
use rtc::peer_connection::message::RTCMessage;
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::state::RTCPeerConnectionState;
use rtc::peer_connection::transport::RTCIceCandidate;
use rtc::peer_connection::{RTCPeerConnection, RTCPeerConnectionBuilder};
use rtc::rtp::Packet;
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use rtc::sansio::Protocol;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};

use super::link::{Datagram, Exit, Identity, Opening};
use super::offer::{self, Remote};
use super::path::Ends;
use super::{candidates, station};

pub(super) const STATION: &str = "192.0.2.1:8189";
pub(super) const FAR: &str = "192.0.2.2:50000";
/// How long a datagram is on its way.
pub(super) const DELAY: Duration = Duration::from_millis(20);

/// SplitMix64: the line's luck.
pub(super) struct Luck(pub(super) u64);

impl Luck {
    pub(super) fn below(&mut self, percent: u64) -> bool {
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

/// The station's end.
pub(super) trait Near {
    type Event;
    fn connected(&self) -> bool;
    fn handle_datagram(&mut self, datagram: Datagram, now: Timestamp);
    fn handle_timeout(&mut self, now: Timestamp);
    fn poll_event(&mut self) -> Option<Self::Event>;
    fn poll_transmit(&mut self) -> Option<Datagram>;
    fn deadline(&mut self) -> Option<Timestamp>;
    /// Sends what had to wait until now.
    fn go_on(&mut self, _now: Timestamp, _outbox: &mut Outbox) {}
}

/// How long a datagram to the station is held up beyond [`DELAY`]; `None` for ever.
type Fate = Box<dyn FnMut(&[u8]) -> Option<Duration>>;

/// A station's session, its far end, and the line between them.
pub(super) struct World<S: Near> {
    pub(super) clock: Clock,
    pub(super) now: Timestamp,
    pub(super) session: S,
    pub(super) far: RTCPeerConnection,
    line: BinaryHeap<Reverse<Flight>>,
    order: u64,
    luck: Luck,
    /// Of datagrams either way, in percent.
    pub(super) loss: u64,
    pub(super) fate: Fate,
    /// What the station answered.
    answer: String,
    pub(super) outbox: Outbox,
    pub(super) events: Vec<(Timestamp, S::Event)>,
    /// What the far end has received.
    pub(super) received: Vec<Packet>,
    /// When, packet by packet.
    pub(super) received_at: Vec<Timestamp>,
    /// Datagrams of reports that have left the far end.
    pub(super) reports: usize,
    pub(super) far_states: Vec<RTCPeerConnectionState>,
}

/// Does something with what a session begins with.
pub(super) fn opening<T>(
    clock: Clock,
    seed: u64,
    now: Timestamp,
    with: impl FnOnce(&Opening<'_>) -> T,
) -> T {
    with(&Opening {
        common: &station::common(clock).unwrap(),
        identity: &Identity {
            fragment: "station".into(),
            password: "0123456789abcdef0123456789".into(),
            seed,
        },
        locals: &[STATION.parse().unwrap()],
        extra: &[],
        from: FAR.parse::<SocketAddr>().unwrap().ip(),
        now,
    })
}

/// How a far end is set.
pub(super) fn settings() -> SettingEngine {
    SettingEngineBuilder::new()
        .with_multicast_dns_mode(rtc::ice::mdns::MulticastDnsMode::Disabled)
        .with_ice_connection_attempts(Some(Duration::from_millis(20)), Some(200))
        .build()
}

/// A viewer of sound and picture that asks for what it misses.
pub(super) fn receiver(now: Instant) -> RTCPeerConnection {
    let mut engine = MediaEngine::default();
    engine.register_default_codecs().unwrap();
    let nacks = NackGeneratorBuilder::new()
        .with_interval(Duration::from_millis(25))
        .with_max_nacks_per_packet(4);
    let registry = Registry::new()
        .with(Slot::NackGenerator, nacks.build())
        .with(Slot::ReceiverReport, ReceiverReportBuilder::new().build());
    let mut viewer = RTCPeerConnectionBuilder::new()
        .with_media_engine(engine)
        .with_interceptor_registry(registry)
        .with_setting_engine(settings())
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
}

/// The offer of a far end that has its media.
pub(super) fn offer(far: &mut RTCPeerConnection, now: Instant) -> String {
    let candidate = candidates::host(FAR.parse().unwrap()).unwrap();
    let candidate = RTCIceCandidate::from(&candidate).to_json().unwrap();
    far.add_local_candidate(candidate).unwrap();
    let offer = far.create_offer(None).unwrap();
    far.set_local_description(now, offer.clone()).unwrap();
    offer.sdp
}

/// Sealed media on its way to the line.
#[derive(Default)]
pub(super) struct Outbox(Vec<Vec<u8>>);

impl Exit for Outbox {
    fn datagram(&mut self, ends: Ends, _length: usize) -> &mut Vec<u8> {
        assert_eq!(ends.peer, FAR.parse::<SocketAddr>().unwrap());
        self.0.push(Vec::new());
        self.0.last_mut().unwrap()
    }
}

impl<S: Near> World<S> {
    /// A world in which the station answers what the far end offers.
    pub(super) fn begin(
        seed: u64,
        loss: u64,
        far: impl FnOnce(Instant) -> (RTCPeerConnection, String),
        answer: impl FnOnce(&Opening<'_>, &str) -> (S, String),
    ) -> Self {
        let clock = Clock::start();
        let now = Timestamp::from_millis(5_000);
        let (mut far, offer) = far(clock.instant(now));
        let (session, answer) = opening(clock, seed, now, |opening| answer(opening, &offer));
        let description = RTCSessionDescription::answer(answer.clone()).unwrap();
        far.set_remote_description(clock.instant(now), description)
            .unwrap();
        Self {
            answer,
            clock,
            now,
            session,
            far,
            line: BinaryHeap::new(),
            order: 0,
            luck: Luck(seed),
            loss,
            fate: Box::new(|_| Some(Duration::ZERO)),
            outbox: Outbox::default(),
            events: Vec::new(),
            received: Vec::new(),
            received_at: Vec::new(),
            reports: 0,
            far_states: Vec::new(),
        }
    }

    fn launch(&mut self, to_station: bool, data: &[u8]) {
        self.order += 1;
        if self.luck.below(self.loss) {
            return;
        }
        let late = if to_station {
            (self.fate)(data)
        } else {
            Some(Duration::ZERO)
        };
        let Some(late) = late else { return };
        self.line.push(Reverse(Flight {
            at: self.now + DELAY + late,
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
        for sealed in std::mem::take(&mut self.outbox.0) {
            self.launch(false, &sealed);
        }
        while let Some(datagram) = self.session.poll_transmit() {
            assert_eq!(datagram.peer, FAR.parse::<SocketAddr>().unwrap());
            self.launch(false, &datagram.data);
        }
        loop {
            let mut path_changed = false;
            while let Some(event) = self.far.poll_event() {
                match event {
                    RTCPeerConnectionEvent::OnIceConnectionStateChangeEvent(_) => {
                        path_changed = true;
                    }
                    RTCPeerConnectionEvent::OnConnectionStateChangeEvent(state) => {
                        self.far_states.push(state);
                    }
                    _ => {}
                }
            }
            if !path_changed {
                break;
            }
            self.far
                .handle_timeout(self.clock.instant(self.now))
                .unwrap();
        }
        while let Some(read) = self.far.poll_read() {
            if let RTCMessage::RtpPacket(_, packet) = read.message {
                self.received.push(packet);
                self.received_at.push(self.now);
            }
        }
        while let Some(message) = self.far.poll_write() {
            let data = &message.message;
            self.reports += usize::from(matches!(data[..], [128..=191, 192..=223, ..]));
            self.launch(true, data);
        }
    }

    /// Lets time pass until `end`, event by event.
    pub(super) fn run_until(&mut self, end: Timestamp) {
        loop {
            self.settle();
            // A closed end of the stack still names deadlines, long past ones.
            let here = self.far_states.last() != Some(&RTCPeerConnectionState::Closed);
            let stack = self.far.poll_timeout().filter(|_| here);
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
                self.session.go_on(self.now, &mut self.outbox);
                self.session.handle_timeout(self.now);
            }
            let instant = self.clock.instant(self.now);
            if stack.is_some_and(|at| at <= self.now) {
                // In a handshake on a line that loses, its timers may find nothing to say again.
                drop(self.far.handle_timeout(instant));
            }
        }
    }

    fn land(&mut self, flight: Flight) {
        let data = BytesMut::from(flight.data.as_slice());
        let (station, far) = (STATION.parse().unwrap(), FAR.parse().unwrap());
        if flight.to_station {
            let datagram = Datagram {
                local: station,
                peer: far,
                data,
            };
            self.session.handle_datagram(datagram, self.now);
            return;
        }
        let message = TaggedBytesMut {
            now: self.clock.instant(self.now),
            transport: TransportContext {
                local_addr: far,
                peer_addr: station,
                transport_protocol: TransportProtocol::UDP,
                ecn: None,
            },
            message: data,
        };
        drop(self.far.handle_read(message));
    }

    pub(super) fn run_for(&mut self, time: Duration) {
        self.run_until(self.now + time);
    }

    /// The far end begins its ICE anew; the station's part is answered to it.
    pub(super) fn restart(
        &mut self,
        restart: impl FnOnce(&mut S, (&str, &str), &Remote, Timestamp),
    ) {
        self.far.restart_ice();
        let offer = self.far.create_offer(None).unwrap();
        let instant = self.clock.instant(self.now);
        let remote = offer::fragment(&offer.sdp).unwrap();
        self.far.set_local_description(instant, offer).unwrap();
        let candidate = candidates::host(FAR.parse().unwrap()).unwrap();
        let candidate = RTCIceCandidate::from(&candidate).to_json().unwrap();
        drop(self.far.add_local_candidate(candidate));
        let names = ("renewed", "fedcba9876543210fedcba9876");
        restart(&mut self.session, names, &remote, self.now);
        let answer = self
            .answer
            .replace("a=ice-ufrag:station", "a=ice-ufrag:renewed")
            .replace("0123456789abcdef0123456789", names.1);
        let answer = RTCSessionDescription::answer(answer).unwrap();
        self.far.set_remote_description(instant, answer).unwrap();
    }

    pub(super) fn connect(&mut self) {
        let start = self.now;
        while !self.session.connected() && self.now.since(start) < Duration::from_secs(10) {
            self.run_for(Duration::from_millis(5));
        }
        assert!(self.session.connected(), "{:?}", self.far_states);
    }

    /// Datagrams of nobody's, of every kind and many lengths.
    pub(super) fn strangers_knock(&mut self) {
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
                self.session.handle_datagram(datagram, self.now);
            }
        }
    }
}

impl<S: Near> World<S>
where
    S::Event: PartialEq,
{
    /// How often this has happened.
    pub(super) fn count(&self, event: &S::Event) -> usize {
        self.events.iter().filter(|(_, e)| e == event).count()
    }
}
