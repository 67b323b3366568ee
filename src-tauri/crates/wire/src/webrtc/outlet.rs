//! A way out of the station's socket: many datagrams a system call where the system can (GSO).

use std::net::SocketAddr;
use std::sync::Arc;

use quinn_udp::{Transmit, UdpSocketState};
use tokio::net::UdpSocket;

use super::link::{Datagram, Exit};
use super::path::Ends;
use super::traffic::Counters;

/// Most bytes in one system call: what an IPv4 packet may hold.
const MAX_RUN: usize = 65_507;

/// What one thread sends. The system lets several send on one socket at once, and none of them waits.
#[derive(Debug)]
pub(crate) struct Outlet {
    io: Arc<UdpSocket>,
    state: Arc<UdpSocketState>,
    local: SocketAddr,
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

impl Outlet {
    pub(super) fn new(
        io: Arc<UdpSocket>,
        state: Arc<UdpSocketState>,
        local: SocketAddr,
        counters: Arc<Counters>,
    ) -> Self {
        Self {
            io,
            state,
            local,
            run: Run::default(),
            counters,
        }
    }

    /// Takes a datagram to send; [`Outlet::flush`] sends what is still held.
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
        let sent = self.state.try_send((&*self.io).into(), &transmit);
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

impl Exit for Outlet {
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
