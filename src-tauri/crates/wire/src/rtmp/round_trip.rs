//! How long it takes to a server and back, as the system measures it for each of its TCP connections.
//!
//! Linux tells it over a netlink socket (`sock_diag(7)`), as it tells `ss`; other systems are not asked.

use std::time::Duration;

use tokio::net::TcpStream;

/// Asks the system about one connection.
pub(super) struct Probe(#[cfg(target_os = "linux")] Option<linux::Question>);

impl Probe {
    /// A probe of this connection; one that never knows anything where the system is not asked.
    pub(super) fn new(stream: &TcpStream) -> Self {
        #[cfg(target_os = "linux")]
        match linux::Question::about(stream) {
            Ok(question) => Self(Some(question)),
            Err(error) => {
                tracing::debug!(%error, "the system does not tell round trips");
                Self(None)
            }
        }
        #[cfg(not(target_os = "linux"))]
        {
            let _ = stream;
            Self()
        }
    }

    /// A probe of nothing.
    #[cfg(test)]
    pub(super) fn none() -> Self {
        Self(
            #[cfg(target_os = "linux")]
            None,
        )
    }

    /// The smoothed round trip at this moment, as far as it is known. Never waits.
    pub(super) fn look(&mut self) -> Option<Duration> {
        #[cfg(target_os = "linux")]
        return self.0.as_mut()?.ask();
        #[cfg(not(target_os = "linux"))]
        None
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io::{Read, Write};
    use std::net::{IpAddr, SocketAddr};
    use std::time::Duration;

    use socket2::{Domain, Protocol, Socket, Type};
    use tokio::net::TcpStream;

    // From linux/netlink.h, linux/sock_diag.h and linux/inet_diag.h.
    const AF_NETLINK: i32 = 16;
    const NETLINK_SOCK_DIAG: i32 = 4;
    const SOCK_DIAG_BY_FAMILY: u16 = 20;
    const NLM_F_REQUEST: u16 = 1;
    const IPPROTO_TCP: u8 = 6;
    const AF_INET: u8 = 2;
    const AF_INET6: u8 = 10;
    const INET_DIAG_INFO: u16 = 2;
    /// `struct nlmsghdr`.
    const HEAD: usize = 16;
    /// `struct inet_diag_msg`.
    const ANSWER: usize = 72;
    /// Where `tcpi_rtt` stands in `struct tcp_info`: microseconds.
    const RTT: usize = 68;

    /// The question about one connection, and the way to ask it.
    pub(super) struct Question {
        socket: Socket,
        text: Vec<u8>,
    }

    impl Question {
        pub(super) fn about(stream: &TcpStream) -> std::io::Result<Self> {
            let socket = Socket::new(
                Domain::from(AF_NETLINK),
                Type::DGRAM,
                Some(Protocol::from(NETLINK_SOCK_DIAG)),
            )?;
            socket.set_nonblocking(true)?;
            let text = text(stream.local_addr()?, stream.peer_addr()?);
            Ok(Self { socket, text })
        }

        pub(super) fn ask(&mut self) -> Option<Duration> {
            self.socket.write_all(&self.text).ok()?;
            // The system answers before the question's call returns.
            let mut answer = [0; 1024];
            let length = self.socket.read(&mut answer).ok()?;
            read(answer.get(..length)?)
        }
    }

    /// `struct nlmsghdr` and `struct inet_diag_req_v2`.
    fn text(near: SocketAddr, far: SocketAddr) -> Vec<u8> {
        let family = if near.is_ipv4() { AF_INET } else { AF_INET6 };
        let mut text = Vec::with_capacity(72);
        text.extend(72_u32.to_ne_bytes());
        text.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
        text.extend(NLM_F_REQUEST.to_ne_bytes());
        text.extend([0; 8]);
        text.extend([family, IPPROTO_TCP, 1 << (INET_DIAG_INFO - 1), 0]);
        text.extend(u32::MAX.to_ne_bytes());
        text.extend(near.port().to_be_bytes());
        text.extend(far.port().to_be_bytes());
        for address in [near.ip(), far.ip()] {
            match address {
                IpAddr::V4(ip) => {
                    text.extend(ip.octets());
                    text.extend([0; 12]);
                }
                IpAddr::V6(ip) => text.extend(ip.octets()),
            }
        }
        // Any interface, and no cookie.
        text.extend([0; 4]);
        text.extend([0xff; 8]);
        text
    }

    /// The round trip in an answer; `None` where it has none, an error among them.
    pub(super) fn read(answer: &[u8]) -> Option<Duration> {
        let kind = answer.get(4..6)?;
        if u16::from_ne_bytes(kind.try_into().ok()?) != SOCK_DIAG_BY_FAMILY {
            return None;
        }
        let mut rest = answer.get(HEAD + ANSWER..)?;
        loop {
            let length = usize::from(u16::from_ne_bytes(rest.get(..2)?.try_into().ok()?));
            let kind = u16::from_ne_bytes(rest.get(2..4)?.try_into().ok()?);
            if kind == INET_DIAG_INFO {
                let micros = rest.get(4 + RTT..4 + RTT + 4)?.try_into().ok()?;
                let micros = u32::from_ne_bytes(micros);
                return (micros > 0).then(|| Duration::from_micros(micros.into()));
            }
            rest = rest.get(length.max(4).next_multiple_of(4)..)?;
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::Write as _;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Past the test runner, which keeps to itself what passing tests say.
    fn skipped(why: &str) {
        let test = "a_connection_of_the_loopback_is_close";
        drop(writeln!(std::io::stderr(), "SKIPPED {test}: {why}"));
    }

    #[tokio::test]
    async fn a_connection_of_the_loopback_is_close() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address).await else {
                skipped(&format!("no {address}"));
                continue;
            };
            let far = listener.local_addr().unwrap();
            let (near, accepted) = tokio::join!(TcpStream::connect(far), listener.accept());
            let (mut near, mut far) = (near.unwrap(), accepted.unwrap().0);
            near.write_all(&[1; 100]).await.unwrap();
            far.read_exact(&mut [0; 100]).await.unwrap();
            let mut probe = Probe::new(&near);
            for _ in 0..3 {
                let trip = probe.look();
                if trip.is_none() {
                    skipped("no sock_diag here");
                    return;
                }
                assert!(trip < Some(Duration::from_secs(5)), "{trip:?}");
            }
        }
    }

    #[test]
    fn what_is_cut_off_says_nothing() {
        let mut answer = vec![0; 400];
        answer[4..6].copy_from_slice(&20_u16.to_ne_bytes());
        answer[88..90].copy_from_slice(&200_u16.to_ne_bytes());
        answer[90..92].copy_from_slice(&2_u16.to_ne_bytes());
        answer[160..164].copy_from_slice(&1_500_u32.to_ne_bytes());
        assert_eq!(linux::read(&answer), Some(Duration::from_micros(1_500)));
        for length in 0..164 {
            assert_eq!(linux::read(&answer[..length]), None, "{length}");
        }
        // No length at all is no reason to go round for ever.
        answer[88..92].fill(0);
        assert_eq!(linux::read(&answer), None);
    }
}
