//! Viewers that connect and count.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::BytesMut;
use klieg_tests::http;
use media::Clock;
use rtc::ice::mdns::MulticastDnsMode;
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::peer_connection::configuration::setting_engine::SettingEngineBuilder;
use rtc::peer_connection::event::RTCPeerConnectionEvent;
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::state::RTCPeerConnectionState;
use rtc::peer_connection::transport::{CandidateConfig, CandidateHostConfig, RTCIceCandidate};
use rtc::peer_connection::{RTCPeerConnection, RTCPeerConnectionBuilder};
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use rtc::sansio::Protocol;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};
use serde_json::{Value, json};
use tokio::net::UdpSocket;
use tokio::task::LocalSet;

/// How long all of them have to connect.
const CONNECT: Duration = Duration::from_secs(60);

/// What a viewer has counted.
#[derive(Debug, Default)]
struct Tally {
    connected: bool,
    bytes: u64,
    /// By source: the first and the newest sequence number, wraps unrolled, and packets.
    sources: BTreeMap<u32, (i64, i64, i64)>,
}

type Shared = Rc<RefCell<Tally>>;

/// Watches, measures and counts.
pub(super) fn run(url: &str, pid: u32, count: usize, seconds: f64) -> Result<Value> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    LocalSet::new().block_on(&runtime, async {
        let clock = Clock::start();
        let memory_before = resident(pid)?;
        let mut tallies = Vec::new();
        for _ in 0..count {
            let tally = Shared::default();
            let viewer = Viewer::open(url, &clock, Rc::clone(&tally)).await?;
            tokio::task::spawn_local(viewer.watch());
            tallies.push(tally);
            // Let those that are there answer their checks.
            tokio::task::yield_now().await;
        }
        let all = || tallies.iter().all(|t| t.borrow().connected);
        let begin = clock.now();
        while !all() {
            if clock.now().since(begin) > CONNECT {
                let there = tallies.iter().filter(|t| t.borrow().connected).count();
                bail!("{there} of {count} viewers connected");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // The first pictures come all at once.
        tokio::time::sleep(Duration::from_secs(2)).await;
        for tally in &tallies {
            tally.borrow_mut().forget();
        }
        let before = cpu(pid)?;
        tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
        let used = cpu(pid)? - before;
        let (mut packets, mut lost, mut bytes) = (0, 0, 0);
        for tally in &tallies {
            let tally = tally.borrow();
            bytes += tally.bytes;
            for (first, newest, seen) in tally.sources.values() {
                packets += seen;
                lost += newest - first + 1 - seen;
            }
        }
        let each = seconds * count as f64;
        Ok(json!({
            "viewers": count,
            "cpu_percent": 100.0 * used / seconds,
            "packets_per_viewer_second": packets as f64 / each,
            "kbps_per_viewer": bytes as f64 * 8.0 / 1000.0 / each,
            "lost": lost,
            "resident_kb_per_viewer": (resident(pid)? - memory_before) / count as f64,
        }))
    })
}

/// How many come at once, and go again.
const AT_ONCE: usize = 100;

/// Lets `total` viewers come and go, and says what is left of them.
pub(super) fn churn(url: &str, pid: u32, total: usize) -> Result<Value> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    LocalSet::new().block_on(&runtime, async {
        let clock = Clock::start();
        // What is kept for good comes with the first ones.
        come_and_go(url, &clock, AT_ONCE).await?;
        let before = left(pid)?;
        for _ in 0..total.div_ceil(AT_ONCE) {
            come_and_go(url, &clock, AT_ONCE).await?;
        }
        // Connections of HTTP end a moment after their answers.
        let begin = clock.now();
        let mut after = left(pid)?;
        while (after.0, after.1) != (before.0, before.1) && clock.now().since(begin) < CONNECT {
            tokio::time::sleep(Duration::from_millis(100)).await;
            after = left(pid)?;
        }
        Ok(json!({
            "viewers": total,
            "descriptors": after.0 as f64 - before.0 as f64,
            "threads": after.1 as f64 - before.1 as f64,
            "resident_kb": after.2 - before.2,
        }))
    })
}

async fn come_and_go(url: &str, clock: &Clock, count: usize) -> Result<()> {
    let mut watching = Vec::new();
    for _ in 0..count {
        let tally = Shared::default();
        let viewer = Viewer::open(url, clock, Rc::clone(&tally)).await?;
        let session = viewer.session.clone();
        let task = tokio::task::spawn_local(viewer.watch());
        watching.push((session, task, tally));
    }
    let begin = clock.now();
    while !watching
        .iter()
        .all(|(_, _, tally)| tally.borrow().connected)
    {
        if clock.now().since(begin) > CONNECT {
            bail!("not all of {count} viewers connected");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for (session, task, _) in watching {
        let ended =
            tokio::task::spawn_blocking(move || http::request("DELETE", &session, &[], &[]));
        let ended = ended.await?;
        if ended.status != 200 {
            bail!("{}: {}", ended.status, ended.text());
        }
        task.abort();
    }
    Ok(())
}

/// Descriptors, threads, and memory in kB of a process.
fn left(pid: u32) -> Result<(usize, usize, f64)> {
    let count =
        |what: &str| Ok::<_, std::io::Error>(fs::read_dir(format!("/proc/{pid}/{what}"))?.count());
    Ok((count("fd")?, count("task")?, resident(pid)?))
}

struct Viewer {
    /// Its address at the station.
    session: String,
    socket: UdpSocket,
    local: SocketAddr,
    peer: RTCPeerConnection,
    clock: Clock,
    tally: Shared,
}

impl Viewer {
    async fn open(url: &str, clock: &Clock, tally: Shared) -> Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0").await?;
        let local = socket.local_addr()?;
        let now = clock.instant(clock.now());
        let mut engine = MediaEngine::default();
        engine.register_default_codecs()?;
        let settings = SettingEngineBuilder::new()
            .with_multicast_dns_mode(MulticastDnsMode::Disabled)
            .with_ice_connection_attempts(Some(Duration::from_millis(20)), Some(200))
            .build();
        let mut peer = RTCPeerConnectionBuilder::new()
            .with_media_engine(engine)
            .with_setting_engine(settings)
            .build(now)?;
        for kind in [RtpCodecKind::Video, RtpCodecKind::Audio] {
            let init = RTCRtpTransceiverInit {
                direction: RTCRtpTransceiverDirection::Recvonly,
                ..RTCRtpTransceiverInit::default()
            };
            peer.add_transceiver_from_kind(kind, Some(init))?;
        }
        let host = CandidateHostConfig {
            base_config: CandidateConfig {
                network: "udp".into(),
                address: local.ip().to_string(),
                port: local.port(),
                component: 1,
                ..CandidateConfig::default()
            },
            ..CandidateHostConfig::default()
        };
        let candidate = host.new_candidate_host()?;
        peer.add_local_candidate(RTCIceCandidate::from(&candidate).to_json()?)?;
        let offer = peer.create_offer(None)?;
        peer.set_local_description(now, offer.clone())?;
        let (target, sdp) = (url.to_owned(), offer.sdp);
        let answer = tokio::task::spawn_blocking(move || {
            let headers = [("content-type", "application/sdp")];
            http::request("POST", &target, &headers, sdp.as_bytes())
        })
        .await?;
        if answer.status != 201 {
            bail!("{}: {}", answer.status, answer.text());
        }
        let place = answer.header("location").context("no Location")?;
        let host = url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
        let session = format!("{host}{place}");
        let answer = RTCSessionDescription::answer(answer.text())?;
        peer.set_remote_description(now, answer)?;
        Ok(Self {
            session,
            socket,
            local,
            peer,
            clock: *clock,
            tally,
        })
    }

    async fn watch(mut self) {
        let mut buffer = vec![0; 2048];
        loop {
            self.drain();
            let deadline = self.peer.poll_timeout();
            let timer = deadline.unwrap_or_else(|| self.clock.instant(self.clock.now()) + CONNECT);
            tokio::select! {
                ready = self.socket.readable() => {
                    if ready.is_err() {
                        return;
                    }
                    while let Ok((length, from)) = self.socket.try_recv_from(&mut buffer) {
                        self.receive(&buffer[..length], from);
                    }
                }
                () = tokio::time::sleep_until(timer.into()) => {
                    let now = self.clock.instant(self.clock.now());
                    drop(self.peer.handle_timeout(now));
                }
            }
        }
    }

    fn receive(&mut self, data: &[u8], from: SocketAddr) {
        // RFC 7983: 128 to 191 is RTP or RTCP; types 64 to 95 are the latter's.
        if (128..192).contains(&data[0]) {
            if !(64..96).contains(&(data[1] & 0x7f)) {
                self.tally.borrow_mut().count(data);
            }
            return;
        }
        let message = TaggedBytesMut {
            now: self.clock.instant(self.clock.now()),
            transport: TransportContext {
                local_addr: self.local,
                peer_addr: from,
                transport_protocol: TransportProtocol::UDP,
                ecn: None,
            },
            message: BytesMut::from(data),
        };
        drop(self.peer.handle_read(message));
    }

    fn drain(&mut self) {
        while let Some(event) = self.peer.poll_event() {
            match event {
                RTCPeerConnectionEvent::OnConnectionStateChangeEvent(
                    RTCPeerConnectionState::Connected,
                ) => self.tally.borrow_mut().connected = true,
                RTCPeerConnectionEvent::OnIceConnectionStateChangeEvent(_) => {
                    // The DTLS hello leaves only in a timeout.
                    let now = self.clock.instant(self.clock.now());
                    drop(self.peer.handle_timeout(now));
                }
                _ => {}
            }
        }
        while self.peer.poll_read().is_some() {}
        while let Some(out) = self.peer.poll_write() {
            drop(
                self.socket
                    .try_send_to(&out.message, out.transport.peer_addr),
            );
        }
    }
}

impl Tally {
    fn forget(&mut self) {
        self.bytes = 0;
        self.sources.clear();
    }

    fn count(&mut self, data: &[u8]) {
        if data.len() < 12 {
            return;
        }
        self.bytes += data.len() as u64;
        let sequence = i64::from(u16::from_be_bytes([data[2], data[3]]));
        let ssrc = u32::from_be_bytes([data[8], data[9], data[10], data[11]]);
        let (_, newest, seen) = self
            .sources
            .entry(ssrc)
            .or_insert((sequence, sequence - 1, 0));
        let mut step = (sequence - *newest).rem_euclid(1 << 16);
        if step > 1 << 15 {
            step -= 1 << 16;
        }
        *newest += step.max(0);
        *seen += 1;
    }
}

/// CPU time of a process so far, in seconds.
fn cpu(pid: u32) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, rest) = text.rsplit_once(") ").context("/proc/…/stat")?;
    let ticks: Vec<f64> = rest
        .split(' ')
        .skip(11)
        .take(2)
        .flat_map(str::parse)
        .collect();
    Ok(ticks.iter().sum::<f64>() / 100.0)
}

/// Memory of a process, in kB.
fn resident(pid: u32) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text.lines().find_map(|l| l.strip_prefix("VmRSS:"));
    let number = line.and_then(|l| l.trim().strip_suffix(" kB"));
    Ok(number.context("VmRSS")?.parse()?)
}
