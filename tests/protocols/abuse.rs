//! Strangers who mean harm, each in turn, while somebody watches: the station stays alive, and who
//! watches notices nothing.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "this is test code, only not inside of a #[test]"
)]

#[path = "webrtc_peers.rs"]
mod peers;

use std::io::{self, Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::time::Duration;

use klieg_tests::{Headless, eventually, http};
use serde_json::Value;

use peers::{Script, is};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(40);

/// The longest that who watches may wait for a picture or a sound, in seconds: more than a busy machine takes to
/// make one, and less than any deadline that a stranger may have the station wait for.
const FREEZE: f64 = 2.0;

/// What a stranger may make the station hold, in bytes.
const GROWTH: u64 = 64 << 20;

/// A station on air, and somebody who watches it.
struct Scene {
    station: Headless,
    viewer: Script,
    /// Bytes resident once the viewer has seen pictures.
    resident: u64,
}

impl Scene {
    fn open(test: &str) -> Option<Self> {
        let station = Headless::with().arg("--on-air").start();
        let mut viewer = Script::start(test, "whep_viewer.py", &[])?;
        let offer = viewer.hear("an offer", PATIENCE, is("offer"));
        let answer = http::request(
            "POST",
            &station.url("/program/whep"),
            &[("content-type", "application/sdp")],
            offer["sdp"].as_str().unwrap().as_bytes(),
        );
        assert_eq!(answer.status, 201, "{}", answer.text());
        viewer.tell(&serde_json::to_string(&answer.text()).unwrap());
        let resident = resident(station.pid());
        let mut scene = Self {
            station,
            viewer,
            resident,
        };
        for kind in ["video", "audio"] {
            scene.viewer.hear("the first of it", PATIENCE, is(kind));
        }
        // What it waited for until here was the beginning.
        scene.waits();
        scene.goes_on("before anything happens");
        Some(scene)
    }

    /// What has come to the viewer until now, and its longest waits since this was last asked. Whatever it
    /// said before is forgotten.
    fn waits(&mut self) -> Value {
        self.viewer.tell("waits");
        self.viewer.hear("its waits", PATIENCE, is("waits"))
    }

    /// The viewer gets two seconds more of pictures and sound, has not seen or heard a freeze since this
    /// was last looked at, the station answers, and holds no more than before.
    fn goes_on(&mut self, after: &str) {
        let until_now = self.waits();
        for (kind, many) in [("video", 60), ("audio", 100)] {
            let enough = until_now[kind]["count"].as_u64().unwrap() + many;
            self.viewer.hear(&format!("{kind} {after}"), PATIENCE, |v| {
                v["event"] == kind && v["count"].as_u64().unwrap() >= enough
            });
        }
        let now = self.waits();
        for kind in ["video", "audio"] {
            let waits = [&until_now, &now].map(|w| w[kind]["longest"].as_f64().unwrap());
            println!("{after}: no {kind} for {waits:.3?} s");
            assert!(
                waits.iter().all(|wait| *wait < FREEZE),
                "{kind} {after}: {waits:?} s"
            );
        }
        assert_eq!(self.station.get("/healthz").status, 200, "{after}");
        let held = resident(self.station.pid()).saturating_sub(self.resident);
        assert!(held < GROWTH, "{held} bytes more {after}");
    }

    fn tcp(&self, name: &str) -> TcpStream {
        let address = self.station.ready()[name].as_str().unwrap();
        let (_, rest) = address.split_once("://").unwrap();
        let host = rest.split('/').next().unwrap();
        let stream = TcpStream::connect(host).expect("the station listens");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// A connection to the RTMP port with its handshake done.
    fn rtmp(&self) -> TcpStream {
        self.try_rtmp().expect("the station shakes hands")
    }

    /// The same, where the station may have no room for one more.
    fn try_rtmp(&self) -> io::Result<TcpStream> {
        let mut stream = self.tcp("rtmp");
        let mut hello = vec![0x5a; 1537];
        hello[0] = 3;
        stream.write_all(&hello)?;
        let mut theirs = vec![0; 1 + 2 * 1536];
        stream.read_exact(&mut theirs)?;
        stream.write_all(&theirs[1..1537])?;
        Ok(stream)
    }
}

/// Bytes that a process has in memory.
fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status
        .lines()
        .find_map(|l| l.strip_prefix("VmRSS:"))
        .unwrap();
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    kilobytes << 10
}

/// A whole message in chunks of 128 bytes (RTMP 1.0, section 5.3.1).
fn message(chunk_stream: u8, kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = header(chunk_stream, kind, payload.len());
    for (n, piece) in payload.chunks(128).enumerate() {
        if n > 0 {
            out.push(0xc0 | chunk_stream);
        }
        out.extend_from_slice(piece);
    }
    out
}

/// The full header of a message's first chunk.
fn header(chunk_stream: u8, kind: u8, length: usize) -> Vec<u8> {
    let length = u32::try_from(length).unwrap().to_be_bytes();
    let mut out = vec![chunk_stream, 0, 0, 0];
    out.extend_from_slice(&length[1..]);
    out.extend_from_slice(&[kind, 0, 0, 0, 0]);
    out
}

/// The station says no by closing; whatever it says before does not matter here.
fn closed(mut stream: TcpStream, after: &str) {
    let mut rest = Vec::new();
    if let Err(error) = stream.read_to_end(&mut rest) {
        // A reset is a close as well; its silence until our patience ends is none.
        let waits = [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut];
        assert!(!waits.contains(&error.kind()), "open still after {after}");
    }
}

/// The message types of RTMP 1.0, section 7.1.
const AUDIO: u8 = 8;
const VIDEO: u8 = 9;
const COMMAND: u8 = 20;

/// `connect`, with as many arrays inside one another as 50 kB hold.
fn nested_amf(scene: &Scene) {
    let mut connect = b"\x02\x00\x07connect\x00\x3f\xf0\0\0\0\0\0\0".to_vec();
    for _ in 0..10_000 {
        connect.extend_from_slice(b"\x0a\0\0\0\x01");
    }
    let mut stream = scene.rtmp();
    drop(stream.write_all(&message(3, COMMAND, &connect)));
    closed(stream, "nested AMF");
}

/// Sound in the middle of a picture, on its own chunk stream and on the picture's.
fn interleaved_chunks(scene: &Scene) {
    for sound_on in [4, 6] {
        let mut stream = scene.rtmp();
        let mut bytes = header(6, VIDEO, 1_000);
        bytes.extend_from_slice(&[0x17; 128]);
        bytes.extend(message(sound_on, AUDIO, &[0xaf; 300]));
        bytes.push(0xc6);
        bytes.extend_from_slice(&[0x17; 128]);
        drop(stream.write_all(&bytes));
        // Nobody has said yet who this is: the station does not wait for more.
        drop(stream.shutdown(std::net::Shutdown::Write));
        closed(stream, "interleaved chunks");
    }
}

/// Five hundred who begin a handshake and say no more; beyond its bound the station takes none.
fn half_open_handshakes(scene: &mut Scene) {
    let mut streams = Vec::new();
    for _ in 0..500 {
        let mut stream = scene.tcp("rtmp");
        drop(stream.write_all(&[3]));
        streams.push(stream);
    }
    scene.goes_on("while 500 handshakes are half open");
    drop(streams);
    // There is room again, once the station has seen them go.
    eventually("room for one more", PATIENCE, || scene.try_rtmp().ok());
}

/// A hundred connections that send the headers of their requests a byte at a time.
fn slow_headers(scene: &mut Scene) {
    let mut streams: Vec<_> = (0..100).map(|_| scene.tcp("http")).collect();
    for byte in b"GET / HT" {
        for stream in &mut streams {
            drop(stream.write_all(&[*byte]));
        }
    }
    scene.goes_on("while 100 requests are half sent");
    // They are not waited for without end.
    closed(streams.swap_remove(0), "half a header");
}

/// Offers of ten megabytes, and bodies that are none.
fn fat_offers(scene: &Scene) {
    let fat = vec![b'a'; 10 << 20];
    for path in ["/program/whep", "/phone/whip"] {
        let headers = [("content-type", "application/sdp")];
        // The answer may come before all has been sent, and the connection be closed under it.
        let url = scene.station.url(path);
        if let Ok(answer) = http::try_request("POST", &url, &headers, &fat) {
            assert_eq!(answer.status, 413, "{path}: {}", answer.text());
        }
        let small = &fat[..1000];
        let answer = http::request("POST", &scene.station.url(path), &headers, small);
        assert!(
            (400..500).contains(&answer.status),
            "{path}: {}",
            answer.text()
        );
    }
}

/// Viewers by the hundred who never come, and say that they are where somebody else is.
fn idle_sessions(scene: &mut Scene) {
    let victim = UdpSocket::bind("127.0.0.2:0").unwrap();
    victim.set_nonblocking(true).unwrap();
    let port = victim.local_addr().unwrap().port();
    let offer = include_str!("../fuzz/corpus/offer/chromium-offer.sdp");
    let lie = format!("a=candidate:1 1 udp 5 127.0.0.2 {port} typ host\r\na=mid:");
    let offer = offer.replacen("a=mid:", &lie, 1);
    assert!(offer.contains(" 127.0.0.2 "), "{offer}");
    let logged = scene.station.log().len();
    let headers = [("content-type", "application/sdp")];
    for _ in 0..200 {
        let url = scene.station.url("/program/whep");
        let answer = http::request("POST", &url, &headers, offer.as_bytes());
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
    scene.goes_on("while 200 sessions wait");
    // Each would have been checked a hundred times until now.
    let knocked = victim.recv(&mut [0; 1_500]).map_err(|error| error.kind());
    assert_eq!(knocked, Err(io::ErrorKind::WouldBlock), "somebody else");
    let logged = scene.station.log().len() - logged;
    assert!(logged < 64 << 10, "{logged} bytes of log for them");
}

/// Keys by the thousand, at both doors of browsers: soon nobody looks at them.
fn wrong_keys(scene: &Scene) {
    let url = scene.station.url("/phone/whip");
    let other = scene.station.url("/ws?streamKey=phone&token=");
    let mut refused = (0, 0);
    for n in 0..1_000 {
        let key = format!("Bearer {n:032x}");
        let headers = [
            ("content-type", "application/sdp"),
            ("authorization", key.as_str()),
        ];
        let answer = match n % 2 {
            0 => http::request("POST", &url, &headers, b"v=0\r\n"),
            _ => http::request("GET", &format!("{other}{n:032x}"), &[], b""),
        };
        match answer.status {
            401 => refused.0 += 1,
            429 => refused.1 += 1,
            status => panic!("a wrong key was answered {status}"),
        }
    }
    assert!(refused.0 <= 20 && refused.1 >= 980, "{refused:?}");
    let host = scene.station.snapshot();
    assert!(host["publishers"].as_array().unwrap().is_empty(), "{host}");
}

/// Datagrams that are nothing, or half of something, at the port of all media.
fn noise_on_the_media_port(scene: &Scene) {
    let to = scene.station.ready()["media_udp"].as_str().unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    // A generator of old: the same noise each time.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut noise = [0; 1_200];
    for n in 0..10_000 {
        for byte in &mut noise {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *byte = state.to_le_bytes()[3];
        }
        // What the first byte announces: STUN, DTLS, RTP (RFC 7983).
        noise[0] = [0, 22, 0x80, state.to_le_bytes()[0]][n % 4];
        if n % 4 == 0 {
            noise[1] = 1;
            noise[4..8].copy_from_slice(&0x2112_a442_u32.to_be_bytes());
        }
        let length = usize::from(state.to_le_bytes()[1]) * 4 + 1;
        drop(socket.send_to(&noise[..length], to));
    }
}

/// What is no TLS to the TLS port, what is no RTMP to RTMP's, what is no HTTP to HTTP's.
fn wrong_languages(scene: &Scene) {
    for name in ["https", "rtmp", "http"] {
        for words in [
            &b"GET / HTTP/1.1\r\n\r\n"[..],
            &[0x16; 5_000],
            &[0xff; 5_000],
        ] {
            if name == "http" && words.starts_with(b"GET") {
                continue;
            }
            let mut stream = scene.tcp(name);
            drop(stream.write_all(words));
            drop(stream.shutdown(std::net::Shutdown::Write));
            closed(stream, name);
        }
    }
}

/// What a stranger does.
type Harm = fn(&mut Scene);

#[test]
fn who_watches_notices_nothing_of_those_who_mean_harm() {
    let test = "who_watches_notices_nothing_of_those_who_mean_harm";
    let Some(mut scene) = Scene::open(test) else {
        return;
    };
    let harms: [(&str, Harm); 9] = [
        ("nested AMF", |scene| nested_amf(scene)),
        ("interleaved chunks", |scene| interleaved_chunks(scene)),
        ("half-open handshakes", half_open_handshakes),
        ("slow headers", slow_headers),
        ("fat offers", |scene| fat_offers(scene)),
        ("sessions that never connect", idle_sessions),
        ("wrong keys", |scene| wrong_keys(scene)),
        ("noise on the media port", |scene| {
            noise_on_the_media_port(scene)
        }),
        ("wrong languages", |scene| wrong_languages(scene)),
    ];
    for (name, harm) in harms {
        harm(&mut scene);
        scene.goes_on(&format!("after {name}"));
    }
    let log = scene.station.log();
    assert!(!log.contains("panicked"), "{log}");
}
