//! The one UDP socket of a station: many datagrams a system call where the system can (GRO, GSO).

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::BytesMut;
use quinn_udp::{RecvMeta, Transmit, UdpSocketState};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::link::{Datagram, Exit};
use super::path::Ends;
use super::traffic::Counters;

/// Room for what the system takes or holds while the thread is busy: a second of many viewers.
const BUFFER: usize = 4 << 20;

/// Receive buffers, each large enough for a merged run of datagrams.
const RECEIVE_BUFFERS: usize = 4;
const RECEIVE_SIZE: usize = 64 << 10;

/// Most bytes in one system call: what an IPv4 packet may hold.
const MAX_RUN: usize = 65_507;

/// An open socket.
#[derive(Debug)]
pub(crate) struct Socket {
    io: UdpSocket,
    state: UdpSocketState,
    local: SocketAddr,
    buffers: Vec<Vec<u8>>,
    run: Run,
    counters: Arc<Counters>,
}

/// Datagrams of one size to one peer, one behind the other.
#[derive(Debug, Default)]
struct Run {
    ends: Option<Ends>,
    segment: usize,
    count: usize,
    /// Whether the last one is shorter, which ends a run.
    ended: bool,
    data: Vec<u8>,
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
            io: UdpSocket::from_std(socket)?,
            state,
            local,
            buffers: vec![vec![0; RECEIVE_SIZE]; RECEIVE_BUFFERS],
            run: Run::default(),
            counters,
        })
    }

    /// Resolves when something has arrived.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        self.io.readable().await
    }

    /// Hands over what has arrived, one batch; `false` when there was nothing.
    pub(crate) fn receive(&mut self, mut each: impl FnMut(Datagram)) -> bool {
        let mut metas = [RecvMeta::default(); RECEIVE_BUFFERS];
        let received = {
            let (io, state) = (&self.io, &self.state);
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

    /// Takes a datagram to send; [`Socket::flush`] sends what is still held.
    pub(crate) fn send(&mut self, datagram: &Datagram) {
        let ends = Ends {
            local: datagram.local,
            peer: datagram.peer,
        };
        self.datagram(ends, datagram.data.len())
            .extend_from_slice(&datagram.data);
    }

    /// Sends what is held. What the system does not take now is lost, as on any network.
    pub(crate) fn flush(&mut self) {
        let run = &mut self.run;
        let Some(Ends { local, peer }) = run.ends.take() else {
            return;
        };
        let transmit = Transmit {
            destination: peer,
            ecn: None,
            contents: &run.data,
            segment_size: (run.count > 1).then_some(run.segment),
            src_ip: self.local.ip().is_unspecified().then_some(local.ip()),
        };
        let (io, state) = (&self.io, &self.state);
        let sent = io.try_io(Interest::WRITABLE, || state.try_send(io.into(), &transmit));
        let counters = &self.counters;
        match sent {
            Ok(()) => {
                Counters::count(&counters.datagrams_out, run.count as u64);
                Counters::count(&counters.bytes_out, run.data.len() as u64);
            }
            Err(error) => {
                Counters::count(&counters.unsent, run.count as u64);
                tracing::trace!(%error, "datagrams were not sent");
            }
        }
        run.data.clear();
        run.count = 0;
        run.ended = false;
    }
}

impl Exit for Socket {
    fn datagram(&mut self, ends: Ends, length: usize) -> &mut Vec<u8> {
        let run = &self.run;
        let fits = run.ends == Some(ends)
            && !run.ended
            && length <= run.segment
            && run.count < self.state.max_gso_segments()
            && run.data.len() + length <= MAX_RUN;
        if !fits {
            self.flush();
            self.run.ends = Some(ends);
            self.run.segment = length;
        }
        self.run.count += 1;
        self.run.ended = length < self.run.segment;
        &mut self.run.data
    }
}
