//! A WHIP endpoint around the station's own WebRTC, with manners that each test chooses: what it takes after the
//! answer, over which paths it can be reached, and which servers it recommends. It tells of every request.

use std::net::{SocketAddr, UdpSocket};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use klieg_tests::{Process, eventually, free_udp_port, need};
use media::{ChannelInfo, ChannelName, Clock, Hub, Next, Origin, Reader, Start, Timestamp, Want};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use wire::webrtc::{OfferError, Options, Publication, Station};

/// How long anything may take on a busy machine.
const HERE: std::net::IpAddr = std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

const PATIENCE: Duration = Duration::from_secs(40);

/// How it behaves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Manners {
    /// The ports that its answers lead to, one after the other; its own without any. The last one stays. With doors
    /// it tries no address that it is told, so that nothing comes by another way.
    pub(crate) doors: Vec<u16>,
    /// The status of what trickles; 204 without.
    pub(crate) trickle: Option<u16>,
    /// The status of restarts, which are not carried out then.
    pub(crate) restart: Option<u16>,
    /// Links of its answer to `OPTIONS`, and to offers.
    pub(crate) early: Option<String>,
    pub(crate) late: Option<String>,
    /// It has no tag for an ICE session.
    pub(crate) untagged: bool,
}

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Asked {
    /// A header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            (key.eq_ignore_ascii_case(name)).then(|| value.trim())
        })
    }
}

/// The endpoint, until it is dropped.
pub(crate) struct Ingest {
    pub(crate) url: String,
    port: u16,
    hub: Hub,
    asked: mpsc::Receiver<Asked>,
    task: JoinHandle<()>,
}

struct Desk {
    station: Arc<Station>,
    hub: Hub,
    clock: Clock,
    manners: Manners,
    asked: mpsc::Sender<Asked>,
    doors: usize,
    /// What ends the session that is open.
    end: CancellationToken,
}

impl Ingest {
    /// Listens, around a station.
    pub(crate) async fn start(station: &Arc<Station>, clock: Clock, manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = format!("http://127.0.0.1:{port}/whip");
        let (sender, asked) = mpsc::channel(256);
        let hub = Hub::new(10);
        let mut desk = Desk {
            station: Arc::clone(station),
            hub: hub.clone(),
            clock,
            manners,
            asked: sender,
            doors: 0,
            end: CancellationToken::new(),
        };
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                // Whoever hangs up is only one who hangs up.
                if let Some(asked) = read(&mut stream).await {
                    let answer = desk.answer(&asked).await;
                    drop(desk.asked.try_send(asked));
                    drop(stream.write_all(answer.as_bytes()).await);
                }
            }
        });
        Self {
            url,
            port,
            hub,
            asked,
            task,
        }
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The next request of a method.
    pub(crate) async fn asked(&mut self, method: &str) -> Asked {
        loop {
            let next = timeout(PATIENCE, self.asked.recv()).await;
            let asked = next.unwrap_or_else(|_| panic!("never {method}"));
            let asked = asked.expect("the endpoint runs");
            if asked.method == method {
                return asked;
            }
        }
    }

    /// Requests of a method that have come since the last look.
    pub(crate) fn count(&mut self, method: &str) -> usize {
        std::iter::from_fn(|| self.asked.try_recv().ok())
            .filter(|asked| asked.method == method)
            .count()
    }

    /// What comes of the channel that is published.
    pub(crate) async fn reader(&self) -> Reader {
        let mut changes = self.hub.watch();
        let name = ChannelName::program();
        let found = async {
            loop {
                changes.borrow_and_update();
                if let Some(channel) = self.hub.channel(&name) {
                    return channel.read(Want::WEBRTC, Start::Next, 1_000);
                }
                changes.changed().await.expect("the hub is there");
            }
        };
        timeout(PATIENCE, found).await.expect("never a channel")
    }

    /// The channel wants a keyframe, as for a viewer who comes.
    pub(crate) fn wish_for_keyframe(&self) {
        let channel = self.hub.channel(&ChannelName::program());
        channel.expect("a channel").request_keyframe();
    }

    /// Waits for the next keyframe.
    pub(crate) async fn keyframe(&self, reader: &mut Reader) {
        loop {
            let next = timeout(PATIENCE, reader.next()).await;
            match next.expect("never a keyframe") {
                Next::Packet(packet) if packet.track.0 == 0 && packet.keyframe => return,
                Next::End => panic!("the channel ended"),
                Next::Packet(_) | Next::Tracks(_) | Next::Gap(_) => {}
            }
        }
    }

    /// Waits for so many more pictures; gives when each is shown.
    pub(crate) async fn pictures(&self, reader: &mut Reader, count: usize) -> Vec<Timestamp> {
        let mut came = Vec::new();
        while came.len() < count {
            let next = timeout(PATIENCE, reader.next()).await;
            match next.unwrap_or_else(|_| panic!("{} of {count} pictures", came.len())) {
                Next::Packet(packet) if packet.track.0 == 0 => came.push(packet.pts),
                Next::End => panic!("the channel ended after {} pictures", came.len()),
                Next::Packet(_) | Next::Tracks(_) | Next::Gap(_) => {}
            }
        }
        came
    }
}

impl Drop for Ingest {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A whole request.
pub(crate) async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut asked = Asked {
        method: head.split(' ').next()?.to_owned(),
        head,
        body: String::new(),
    };
    let length: usize = asked
        .header("content-length")
        .map_or(0, |l| l.parse().unwrap());
    while bytes.len() < end + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    asked.body = String::from_utf8_lossy(&bytes[end + 4..]).into_owned();
    Some(asked)
}

fn said(status: u16, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} So\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    )
}

fn link(link: Option<&String>) -> String {
    link.map_or_else(String::new, |link| format!("link: {link}\r\n"))
}

impl Desk {
    async fn answer(&mut self, asked: &Asked) -> String {
        match asked.method.as_str() {
            "OPTIONS" => said(204, &link(self.manners.early.as_ref()), ""),
            "POST" => self.offer(&asked.body).await,
            "PATCH" => self.patch(asked).await,
            "DELETE" => {
                self.end.cancel();
                self.ended().await;
                said(200, "", "")
            }
            _ => said(405, "", ""),
        }
    }

    /// Waits until the channel is gone.
    async fn ended(&self) {
        let mut changes = self.hub.watch();
        let name = ChannelName::program();
        let gone = async {
            while self.hub.channel(&name).is_some() {
                changes.changed().await.expect("the hub is there");
            }
        };
        timeout(PATIENCE, gone).await.expect("still a channel");
    }

    async fn offer(&mut self, offer: &str) -> String {
        let info = ChannelInfo {
            origin: Origin::Whip,
            title: String::new(),
        };
        let writer = self
            .hub
            .publish(ChannelName::program(), info, self.clock.now());
        let Ok(writer) = writer else {
            return said(409, "", "");
        };
        self.end = CancellationToken::new();
        let publication = Publication {
            writer,
            end: self.end.clone(),
        };
        let offer = self.heard(offer);
        let answer = self
            .station
            .whip(&offer, HERE, || Ok::<_, OfferError>(publication))
            .await
            .unwrap();
        let mut headers = format!(
            "content-type: application/sdp\r\nlocation: /sessions/{}\r\n",
            answer.session
        );
        if !self.manners.untagged {
            headers += &format!("etag: {}\r\n", answer.etag);
        }
        headers += &link(self.manners.late.as_ref());
        said(201, &headers, &self.led(&answer.sdp))
    }

    async fn patch(&mut self, asked: &Asked) -> String {
        if asked.header("if-match") != Some("*") {
            return said(self.manners.trickle.unwrap_or(204), "", "");
        }
        if let Some(status) = self.manners.restart {
            return said(status, "", "");
        }
        let fragment = self.heard(&asked.body);
        match self.station.restart(session(asked), &fragment, HERE).await {
            Ok(restarted) => {
                let headers = format!("etag: {}\r\n", restarted.etag);
                said(200, &headers, &self.led(&restarted.fragment))
            }
            Err(_) => said(404, "", ""),
        }
    }

    /// A description, without addresses where those are not to be tried.
    fn heard(&self, sdp: &str) -> String {
        let lines = sdp.lines();
        let known =
            |line: &&str| self.manners.doors.is_empty() || !line.starts_with("a=candidate:");
        lines
            .filter(known)
            .map(|line| format!("{}\r\n", line.trim_end()))
            .collect()
    }

    /// A description that leads to the next door.
    fn led(&mut self, sdp: &str) -> String {
        let last = self.manners.doors.len().saturating_sub(1);
        let door = self.manners.doors.get(self.doors.min(last)).copied();
        self.doors += 1;
        let Some(door) = door else {
            return sdp.to_owned();
        };
        let own = format!(" {} typ host", self.station.local_addr().port());
        sdp.replace(&own, &format!(" {door} typ host"))
    }
}

fn session(asked: &Asked) -> &str {
    let path = asked.head.split(' ').nth(1).unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default()
}

/// A station on the loopback.
pub(crate) fn station(clock: Clock) -> Arc<Station> {
    let options = Options {
        bind: "127.0.0.1:0".parse().unwrap(),
        external: Vec::new(),
        clock,
    };
    Arc::new(Station::start(options).unwrap())
}

/// coturn on the loopback.
pub(crate) struct Turn {
    port: u16,
    _process: Process,
}

/// The ports that it relays from: none that the system gives by itself.
pub(crate) const RELAYED: std::ops::RangeInclusive<u16> = 61_000..=61_199;

impl Turn {
    /// Starts it; without it the test says that it is skipped.
    pub(crate) fn start(test: &str) -> Option<Self> {
        let program = need(test, "turnserver")?;
        let port = free_udp_port();
        let process = Process::start(
            Command::new(program)
                .args(["-n", "--no-cli", "--no-tls", "--no-dtls"])
                .args([
                    "--allow-loopback-peers",
                    "--log-file=stdout",
                    "--simple-log",
                ])
                .args([
                    "-L",
                    "127.0.0.1",
                    "-E",
                    "127.0.0.1",
                    "-p",
                    &port.to_string(),
                ])
                .args(["--min-port", &RELAYED.start().to_string()])
                .args(["--max-port", &RELAYED.end().to_string()])
                .args([
                    "-a",
                    "-u",
                    "guest:secret",
                    "-r",
                    "klieg",
                    "--pidfile",
                    "/dev/null",
                ])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null()),
        );
        let asking = UdpSocket::bind("127.0.0.1:0").unwrap();
        asking
            .set_read_timeout(Some(Duration::from_millis(100)))
            .unwrap();
        // A request of STUN for our own address (RFC 8489, section 5).
        let request = b"\0\x01\0\0\x21\x12\xa4\x42klieg asks..";
        eventually("coturn answers", Duration::from_secs(20), || {
            drop(asking.send_to(request, ("127.0.0.1", port)));
            asking.recv(&mut [0; 256]).ok()
        });
        Some(Self {
            port,
            _process: process,
        })
    }

    /// Where it is.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// How an endpoint recommends it.
    pub(crate) fn link(&self) -> String {
        Self::link_over(self.port)
    }

    /// How an endpoint recommends it, over a path that begins at a port.
    pub(crate) fn link_over(port: u16) -> String {
        Self::link_to(&format!("turn:127.0.0.1:{port}?transport=udp"))
    }

    /// How an endpoint recommends it by an address of its own.
    pub(crate) fn link_to(url: &str) -> String {
        format!(
            "<{url}>; rel=\"ice-server\"; username=\"guest\"; credential=\"secret\"; \
             credential-type=\"password\""
        )
    }
}
