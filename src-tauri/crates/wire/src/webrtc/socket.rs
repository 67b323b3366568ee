//! The one UDP socket of a station: many datagrams a system call where the system can (GRO).

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::BytesMut;
use quinn_udp::{RecvMeta, UdpSocketState};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::link::Datagram;
use super::outlet::Outlet;
use super::traffic::Counters;

/// Room for what the system takes or holds while the thread is busy: a second of many viewers.
const BUFFER: usize = 4 << 20;

/// Receive buffers, each large enough for a merged run of datagrams.
const RECEIVE_BUFFERS: usize = 4;
const RECEIVE_SIZE: usize = 64 << 10;

/// An open socket. Whoever holds it reads; to send, several may have an [`Outlet`] each.
#[derive(Debug)]
pub(crate) struct Socket {
    io: Arc<UdpSocket>,
    state: Arc<UdpSocketState>,
    local: SocketAddr,
    buffers: Vec<Vec<u8>>,
    counters: Arc<Counters>,
}

impl Socket {
    /// Wraps a bound socket, and counts what passes it. Needs tokio's reactor.
    pub(super) fn new(socket: std::net::UdpSocket, counters: Arc<Counters>) -> io::Result<Self> {
        let local = socket.local_addr()?;
        let state = UdpSocketState::new((&socket).into())?;
        for result in [
            state.set_send_buffer_size((&socket).into(), BUFFER),
            state.set_recv_buffer_size((&socket).into(), BUFFER),
        ] {
            if let Err(error) = result {
                tracing::debug!(%error, "the media socket keeps its small buffers");
            }
        }
        Ok(Self {
            io: Arc::new(UdpSocket::from_std(socket)?),
            state: Arc::new(state),
            local,
            buffers: vec![vec![0; RECEIVE_SIZE]; RECEIVE_BUFFERS],
            counters,
        })
    }

    /// A way out of the socket, for one thread.
    pub(super) fn outlet(&self) -> Outlet {
        Outlet::new(
            Arc::clone(&self.io),
            Arc::clone(&self.state),
            self.local,
            Arc::clone(&self.counters),
        )
    }

    /// Resolves when something has arrived.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        self.io.readable().await
    }

    /// Hands over what has arrived, one batch; `false` when there was nothing.
    pub(crate) fn receive(&mut self, mut each: impl FnMut(Datagram)) -> bool {
        let mut metas = [RecvMeta::default(); RECEIVE_BUFFERS];
        let received = {
            let (io, state) = (&*self.io, &self.state);
            let mut slices: Vec<IoSliceMut<'_>> = self
                .buffers
                .iter_mut()
                .map(|b| IoSliceMut::new(b))
                .collect();
            io.try_io(Interest::READABLE, || {
                state.recv(io.into(), &mut slices, &mut metas)
            })
        };
        let count = match received {
            Ok(count) => count,
            Err(error) => {
                if error.kind() != io::ErrorKind::WouldBlock {
                    // An ICMP error of an earlier datagram, say: nothing that reading on would not clear.
                    tracing::trace!(%error, "the media socket reported an error");
                }
                return false;
            }
        };
        for (buffer, meta) in self.buffers.iter().zip(&metas).take(count) {
            let local = SocketAddr::new(
                meta.dst_ip.unwrap_or_else(|| self.local.ip()),
                self.local.port(),
            );
            let data = &buffer[..meta.len.min(buffer.len())];
            let datagrams = data.len().div_ceil(meta.stride.max(1));
            Counters::count(&self.counters.datagrams_in, datagrams as u64);
            Counters::count(&self.counters.bytes_in, data.len() as u64);
            for datagram in data.chunks(meta.stride.max(1)) {
                each(Datagram {
                    local,
                    peer: meta.addr,
                    data: BytesMut::from(datagram),
                });
            }
        }
        true
    }
}
