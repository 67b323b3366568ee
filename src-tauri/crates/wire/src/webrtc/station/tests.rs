//! Viewers that come and go, over the loopback.

use std::net::{Ipv4Addr, UdpSocket};

use bytes::BytesMut;
use media::{ChannelInfo, Hub, Origin, Timestamp};
use rtc::peer_connection::RTCPeerConnection;
use rtc::peer_connection::event::RTCPeerConnectionEvent;
use rtc::peer_connection::message::RTCMessage;
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::state::RTCPeerConnectionState;
use rtc::peer_connection::transport::RTCIceCandidate;
use rtc::sansio::Protocol;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};

use super::*;
use crate::testing as samples;
use crate::webrtc::pace::TURN;
use crate::webrtc::{crew, testing};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// As many at once, and as often.
const VIEWERS: usize = 16;
const ROUNDS: usize = 3;

/// A viewer built on `rtc`, with a socket of its own.
struct Viewer {
    socket: UdpSocket,
    peer: RTCPeerConnection,
    clock: Clock,
    connected: bool,
    /// Packets of the picture.
    received: Vec<rtc::rtp::Packet>,
}

impl Viewer {
    async fn join(station: &Station, channel: &Arc<Channel>) -> (Self, String) {
        let clock = station.common.clock;
        let now = clock.instant(clock.now());
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket
            .set_read_timeout(Some(Duration::from_millis(5)))
            .unwrap();
        let mut peer = testing::receiver(now);
        let own = candidates::host(socket.local_addr().unwrap()).unwrap();
        let own = RTCIceCandidate::from(&own).to_json().unwrap();
        peer.add_local_candidate(own).unwrap();
        let offer = peer.create_offer(None).unwrap();
        peer.set_local_description(now, offer.clone()).unwrap();
        let answer = station
            .whep(Arc::clone(channel), &offer.sdp, HERE)
            .await
            .unwrap();
        let description = RTCSessionDescription::answer(answer.sdp).unwrap();
        peer.set_remote_description(now, description).unwrap();
        let viewer = Self {
            socket,
            peer,
            clock,
            connected: false,
            received: Vec::new(),
        };
        (viewer, answer.session)
    }

    /// One round of whatever there is to do.
    fn step(&mut self) {
        let now = self.clock.instant(self.clock.now());
        drop(self.peer.handle_timeout(now));
        while let Some(event) = self.peer.poll_event() {
            if let RTCPeerConnectionEvent::OnConnectionStateChangeEvent(state) = event {
                self.connected |= state == RTCPeerConnectionState::Connected;
            }
        }
        while let Some(read) = self.peer.poll_read() {
            if let RTCMessage::RtpPacket(_, packet) = read.message {
                self.received.push(packet);
            }
        }
        while let Some(out) = self.peer.poll_write() {
            let to = out.transport.peer_addr;
            self.socket.send_to(&out.message, to).unwrap();
        }
        let mut buffer = [0; 2048];
        if let Ok((length, from)) = self.socket.recv_from(&mut buffer) {
            let message = TaggedBytesMut {
                now,
                transport: TransportContext {
                    local_addr: self.socket.local_addr().unwrap(),
                    peer_addr: from,
                    transport_protocol: TransportProtocol::UDP,
                    ecn: None,
                },
                message: BytesMut::from(&buffer[..length]),
            };
            drop(self.peer.handle_read(message));
        }
    }
}

fn started() -> (Station, Hub) {
    let station = Station::start(Options {
        bind: "127.0.0.1:0".parse().unwrap(),
        external: Vec::new(),
        clock: Clock::start(),
    });
    (station.unwrap(), Hub::new(2))
}

fn publish(hub: &Hub, name: &str) -> media::Writer {
    let info = ChannelInfo {
        origin: Origin::Whip,
        title: String::new(),
    };
    hub.publish(name.parse().unwrap(), info, Timestamp::ZERO)
        .unwrap()
}

/// An offer, with no word on where its sender is.
fn hidden(offer: &str) -> String {
    let lines = offer.lines().filter(|l| !l.starts_with("a=candidate:"));
    lines.map(|l| format!("{l}\r\n")).collect()
}

#[tokio::test]
async fn whoever_trickles_is_knocked_at_watching_and_publishing() {
    let (station, hub) = started();
    let mut writer = publish(&hub, "stage");
    writer.set_tracks(vec![samples::video(0), samples::opus(1)]);
    let channel = Arc::clone(writer.channel());
    let clock = station.common.clock;
    let mut viewer = testing::receiver(clock.instant(clock.now()));
    let watching = viewer.create_offer(None).unwrap().sdp;
    let watching = station
        .whep(channel, &hidden(&watching), HERE)
        .await
        .unwrap();
    let publication = Publication {
        writer: publish(&hub, "phone"),
        end: tokio_util::sync::CancellationToken::new(),
    };
    let publishing = include_str!("../offer/chromium-publishes.sdp");
    let publishing = station
        .whip(&hidden(publishing), HERE, || {
            Ok::<_, OfferError>(publication)
        })
        .await
        .unwrap();
    let names = [&watching.session, &publishing.session];
    for name in names {
        let own = UdpSocket::bind("127.0.0.1:0").unwrap();
        own.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let port = own.local_addr().unwrap().port();
        let lines = format!("a=mid:0\r\na=candidate:1 1 udp 5 127.0.0.1 {port} typ host\r\n");
        station.trickle(name, &lines, HERE).await.unwrap();
        let mut buffer = [0; 2048];
        let (length, from) = own.recv_from(&mut buffer).expect("a check");
        assert_eq!(from.port(), station.local_addr().port());
        assert!(length > 20 && buffer[..2] == [0, 1], "a binding request");
        // The only key to a session is its name.
        assert!(name.len() == 32 && name.bytes().all(|b| b.is_ascii_hexdigit()));
    }
    assert_ne!(names[0], names[1]);
    let gone = station.trickle("0123", "a=end-of-candidates", HERE).await;
    assert_eq!(gone.unwrap_err(), OfferError::Full);
}

#[tokio::test]
async fn nothing_is_left_of_viewers_that_have_come_and_gone() {
    let (station, hub) = started();
    let clock = station.common.clock;
    let mut writer = publish(&hub, "program");
    writer.set_tracks(vec![samples::video(0), samples::opus(1)]);
    let channel = Arc::clone(writer.channel());
    for round in 0..ROUNDS {
        let mut viewers = Vec::new();
        for _ in 0..VIEWERS {
            viewers.push(Viewer::join(&station, &channel).await);
        }
        while !viewers.iter().all(|(viewer, _)| viewer.connected) {
            for (viewer, _) in &mut viewers {
                viewer.step();
            }
        }
        assert_eq!(station.viewers(&ChannelName::program()), VIEWERS as u32);
        assert!(station.holdings().await.iter().all(|held| *held > 0));
        for (n, (mut viewer, session)) in viewers.into_iter().enumerate() {
            if n % 2 == round % 2 {
                assert!(station.close(&session));
            } else {
                viewer.peer.close().unwrap();
                viewer.step();
            }
        }
        // Each is let go as its goodbye is heard; a feed without viewers ends with its next packet.
        while station.holdings().await[..4] != [0; 4] {
            tokio::task::yield_now().await;
        }
        writer.write(samples::packet(1, clock.now(), true, 20));
        while station.holdings().await != [0; 5] {
            tokio::task::yield_now().await;
        }
        assert!(station.sessions().is_empty());
    }
}

#[tokio::test]
async fn one_viewer_gets_every_packet_once_and_in_order() {
    every_packet_once_and_in_order(1).await;
}

/// More than one thread serves them where there is more than one core.
#[tokio::test]
async fn a_crowd_gets_every_packet_once_and_in_order() {
    every_packet_once_and_in_order(crew::WORTH + 1).await;
}

async fn every_packet_once_and_in_order(count: usize) {
    const PICTURES: usize = 20;
    let (station, hub) = started();
    let clock = station.common.clock;
    let mut writer = publish(&hub, "stage");
    writer.set_tracks(vec![samples::video(0)]);
    let channel = Arc::clone(writer.channel());
    let mut viewers = Vec::new();
    for _ in 0..count {
        viewers.push(Viewer::join(&station, &channel).await.0);
    }
    while !viewers.iter().all(|viewer| viewer.connected) {
        viewers.iter_mut().for_each(Viewer::step);
    }
    for n in 1..=PICTURES {
        // A few packets each, or more than go at once, and no two alike.
        let size = if n % 5 == 1 { 80_000 } else { 4_000 };
        let mut picture = vec![n as u8; size + n];
        let length = picture.len() as u32 - 4;
        picture[..4].copy_from_slice(&length.to_be_bytes());
        picture[4] = if n == 1 { 0x65 } else { 0x41 };
        writer.write(media::Packet {
            data: picture.into(),
            ..samples::packet(0, clock.now(), n == 1, 0)
        });
        let marks = |viewer: &Viewer| viewer.received.iter().filter(|p| p.header.marker).count();
        while !viewers.iter().all(|viewer| marks(viewer) == n) {
            viewers.iter_mut().for_each(Viewer::step);
        }
    }
    let told = |viewer: &Viewer| -> Vec<_> {
        let first = viewer.received[0].header.sequence_number;
        let packets = viewer.received.iter();
        packets
            .map(|p| {
                (
                    p.header.sequence_number.wrapping_sub(first),
                    p.payload.clone(),
                )
            })
            .collect()
    };
    let first = told(&viewers[0]);
    let numbers: Vec<_> = first.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (0..first.len() as u16).collect::<Vec<_>>());
    assert!(first.len() > 4 * PICTURES + 4 * TURN);
    for viewer in &viewers {
        assert_eq!(told(viewer), first);
    }
}
