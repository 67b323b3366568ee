//! Relays that are reached over TCP or TLS (RFC 8656, section 3.1), from networks that let no UDP out.
//!
//! The stack speaks to relays over UDP alone. For each relay of this kind it is told of a port of this machine instead;
//! what it sends there goes on over a connection, one for each address that it sends from, and what comes over that goes
//! back to it. Messages are the same; on a stream their own lengths part them.

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::Roots;
use crate::endpoint::IceServer;
use crate::tls;
use crate::webrtc::candidates;

/// Messages that wait for a connection. More are lost, as they are on any way that is too narrow.
const WAITING: usize = 256;

/// Connections to one relay at most: one for each of our addresses.
const MOST: usize = 16;

/// How long a relay may take to be reached.
const REACHED: Duration = Duration::from_secs(5);

/// The longest message: a header of 20 bytes, and as much as 16 bits count.
const LONGEST: usize = 20 + 65_535;

/// Relays that are reached over connections, as long as this is held.
#[derive(Debug, Default)]
pub(super) struct Relays {
    tasks: JoinSet<()>,
}

impl Relays {
    /// The servers as the stack can reach them. One that cannot be led to is left out.
    pub(super) async fn lead_to(
        &mut self,
        servers: Vec<IceServer>,
        roots: &Roots,
    ) -> Vec<IceServer> {
        let mut reached = Vec::new();
        for server in servers {
            match Relay::read(&server.url, roots) {
                None => reached.push(server),
                Some(relay) => match self.open(relay).await {
                    Ok(near) => reached.push(IceServer {
                        url: format!("turn:{near}?transport=udp"),
                        ..server
                    }),
                    Err(error) => tracing::warn!(%error, "a relay is left out"),
                },
            }
        }
        reached
    }

    async fn open(&mut self, relay: Relay) -> io::Result<SocketAddr> {
        // Every address of this machine leads to every other.
        let own = candidates::for_sending(true);
        let near = own.into_iter().find(SocketAddr::is_ipv4);
        let near = near.ok_or_else(|| io::Error::other("this machine has no address of IPv4"))?;
        let near = UdpSocket::bind(near).await?;
        let address = near.local_addr()?;
        self.tasks.spawn(carry(Arc::new(near), Arc::new(relay)));
        Ok(address)
    }
}

/// A relay behind a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Relay {
    host: String,
    port: u16,
    /// What it is trusted by, where it is spoken to over TLS.
    secure: Option<Roots>,
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

impl Relay {
    /// Reads the address of a relay (RFC 7065); `None` for one that is reached over UDP, and for all that is no relay.
    fn read(url: &str, roots: &Roots) -> Option<Self> {
        let (scheme, rest) = url.split_once(':')?;
        let secure = scheme.eq_ignore_ascii_case("turns");
        if !secure && !scheme.eq_ignore_ascii_case("turn") {
            return None;
        }
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let transport = query.split('&').find_map(|p| p.strip_prefix("transport="));
        let stream = match transport {
            Some(named) => named.eq_ignore_ascii_case("tcp"),
            None => secure,
        };
        let usual = if secure { 5349 } else { 3478 };
        let (host, port) = match place.strip_prefix('[') {
            Some(rest) => {
                let (host, after) = rest.split_once(']')?;
                let port = after.strip_prefix(':').map(str::parse);
                (host, port.unwrap_or(Ok(usual)).ok()?)
            }
            None => match place.rsplit_once(':') {
                Some((host, port)) => (host, port.parse().ok()?),
                None => (place, usual),
            },
        };
        (stream && !host.is_empty()).then(|| Self {
            host: host.to_owned(),
            port,
            secure: secure.then(|| roots.clone()),
        })
    }

    async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        stream.set_nodelay(true)?;
        let Some(roots) = &self.secure else {
            return Ok(Box::new(stream));
        };
        let config = tls::client(roots).map_err(io::Error::other)?;
        let name = ServerName::try_from(self.host.clone()).map_err(io::Error::other)?;
        let connector = TlsConnector::from(Arc::new(config));
        Ok(Box::new(connector.connect(name, stream).await?))
    }
}

/// Carries what comes to a port of this machine, each sender's over a connection of its own.
async fn carry(near: Arc<UdpSocket>, relay: Arc<Relay>) {
    let mut legs: HashMap<SocketAddr, mpsc::Sender<Bytes>> = HashMap::new();
    let mut tasks = JoinSet::new();
    let mut buffer = vec![0; LONGEST];
    loop {
        let (length, sender) = match near.recv_from(&mut buffer).await {
            Ok(came) => came,
            // That a sender has gone is told of by an error, which is nothing to the others.
            Err(error) if gone(error.kind()) => continue,
            Err(error) => {
                tracing::warn!(%error, "a port for a relay cannot be read any more; its paths end");
                return;
            }
        };
        legs.retain(|_, leg| !leg.is_closed());
        if !legs.contains_key(&sender) {
            if legs.len() == MOST || !is_own(sender.ip()) {
                continue;
            }
            let (leg, waiting) = mpsc::channel(WAITING);
            tasks.spawn(run(Arc::clone(&relay), waiting, Arc::clone(&near), sender));
            legs.insert(sender, leg);
        }
        if let Some(leg) = legs.get(&sender) {
            // What there is no room for is lost, as on any way.
            drop(leg.try_send(Bytes::copy_from_slice(&buffer[..length])));
        }
        while tasks.try_join_next().is_some() {}
    }
}

/// Errors that tell of one sender, not of the port.
fn gone(kind: ErrorKind) -> bool {
    use ErrorKind::{ConnectionRefused, ConnectionReset, HostUnreachable, NetworkUnreachable};
    matches!(
        kind,
        ConnectionRefused | ConnectionReset | HostUnreachable | NetworkUnreachable
    )
}

/// Whether it is this machine that sends.
fn is_own(address: IpAddr) -> bool {
    let own = candidates::for_sending(true);
    own.iter().any(|own| own.ip() == address)
}

/// One connection, until either side ends it.
async fn run(
    relay: Arc<Relay>,
    mut waiting: mpsc::Receiver<Bytes>,
    near: Arc<UdpSocket>,
    to: SocketAddr,
) {
    let stream = match timeout(REACHED, relay.connect()).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(%error, host = relay.host, "no relay there"),
        Err(_) => return tracing::debug!(host = relay.host, "the relay does not answer"),
    };
    let (mut reader, mut writer) = tokio::io::split(stream);
    let out = async {
        while let Some(message) = waiting.recv().await {
            let padding = message.len().next_multiple_of(4) - message.len();
            writer.write_all(&message).await?;
            writer.write_all(&[0; 3][..padding]).await?;
            writer.flush().await?;
        }
        Ok(())
    };
    let back = async {
        let mut message = vec![0; LONGEST + 3];
        loop {
            let length = read(&mut reader, &mut message).await?;
            near.send_to(&message[..length], to).await?;
        }
    };
    let ended: io::Result<()> = tokio::select! {
        ended = out => ended,
        ended = back => ended,
    };
    tracing::debug!(
        ?ended,
        host = relay.host,
        "a connection to a relay has ended"
    );
}

/// The next message of a stream; gives how long it is.
async fn read(from: &mut ReadHalf<Box<dyn Stream>>, into: &mut [u8]) -> io::Result<usize> {
    from.read_exact(&mut into[..4]).await?;
    let (message, whole) = lengths([into[0], into[1], into[2], into[3]])
        .ok_or_else(|| io::Error::other("what it sends is not TURN"))?;
    from.read_exact(&mut into[4..whole]).await?;
    Ok(message)
}

/// By its first four bytes, how long a message is, and how much of the stream it takes: those of STUN end where they
/// say, those of a channel are filled up to four bytes (RFC 8489, section 5; RFC 8656, section 12.5).
fn lengths([first, second, third, fourth]: [u8; 4]) -> Option<(usize, usize)> {
    let told = usize::from(u16::from_be_bytes([third, fourth]));
    match (first, second) {
        (0..=0x3f, _) => Some((20 + told, 20 + told)),
        (0x40..=0x4f, _) => Some((4 + told, 4 + told.next_multiple_of(4))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relays_behind_connections_are_told_from_the_others() {
        let roots = Roots::default();
        for (url, expect) in [
            (
                "turn:relay.example?transport=tcp",
                Some(("relay.example", 3478, false)),
            ),
            (
                "turn:relay.example:80?transport=TCP",
                Some(("relay.example", 80, false)),
            ),
            ("turns:relay.example", Some(("relay.example", 5349, true))),
            (
                "turns:relay.example:443?transport=tcp",
                Some(("relay.example", 443, true)),
            ),
            (
                "turn:[2001:db8::1]:443?transport=tcp",
                Some(("2001:db8::1", 443, false)),
            ),
            (
                "turn:[2001:db8::1]?transport=tcp",
                Some(("2001:db8::1", 3478, false)),
            ),
            ("turn:relay.example", None),
            ("turn:relay.example?transport=udp", None),
            ("turns:relay.example?transport=udp", None),
            ("stun:relay.example", None),
            ("turn:relay.example:port?transport=tcp", None),
            ("turn:?transport=tcp", None),
            ("relay.example", None),
        ] {
            let read = Relay::read(url, &roots);
            let found = read
                .as_ref()
                .map(|r| (r.host.as_str(), r.port, r.secure.is_some()));
            assert_eq!(found, expect, "{url}");
        }
    }

    #[test]
    fn messages_are_parted_by_their_own_lengths() {
        for (header, expect) in [
            ([0x00, 0x01, 0x00, 0x00], Some((20, 20))),
            ([0x01, 0x01, 0x00, 0x0c], Some((32, 32))),
            ([0x40, 0x00, 0x00, 0x05], Some((9, 12))),
            ([0x40, 0x01, 0x00, 0x08], Some((12, 12))),
            ([0x4f, 0xff, 0xff, 0xff], Some((65_539, 65_540))),
            ([0x00, 0x01, 0xff, 0xff], Some((65_555, 65_555))),
            ([0x16, 0x03, 0x01, 0x00], Some((276, 276))),
            ([0x80, 0x00, 0x00, 0x05], None),
            ([b'H', b'T', b'T', b'P'], Some((21_588, 21_588))),
        ] {
            let known = lengths(header);
            assert_eq!(known, expect, "{header:02x?}");
            assert!(known.is_none_or(|(_, whole)| whole <= LONGEST + 3));
        }
    }
}
