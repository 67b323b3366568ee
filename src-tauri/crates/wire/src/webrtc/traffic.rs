//! What all sessions together have carried since the station began. Counted by the media thread in
//! atomics, read by whoever asks: nobody waits for anybody.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use media::Histogram;

/// Counters of the media thread.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) datagrams_in: AtomicU64,
    pub(super) bytes_in: AtomicU64,
    pub(super) datagrams_out: AtomicU64,
    pub(super) bytes_out: AtomicU64,
    /// Datagrams that the system did not take.
    pub(super) unsent: AtomicU64,
    pub(super) viewers: Carried,
    pub(super) publishers: Carried,
    pub(super) keyframes_wanted: AtomicU64,
    pub(super) latency: Histogram,
}

/// Media in one direction.
#[derive(Debug, Default)]
pub(super) struct Carried {
    pub(super) packets: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) lost: AtomicU64,
    pub(super) missed: AtomicU64,
}

/// What all sessions have carried since the station began.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    /// Datagrams received, of whatever kind, with those that belong to nobody.
    pub datagrams_in: u64,
    /// Bytes in them.
    pub bytes_in: u64,
    /// Datagrams sent.
    pub datagrams_out: u64,
    /// Bytes in them.
    pub bytes_out: u64,
    /// Datagrams that the system did not take.
    pub unsent: u64,
    /// To viewers.
    pub viewers: Media,
    /// From publishers.
    pub publishers: Media,
    /// Keyframes that viewers asked for (PLI and FIR).
    pub keyframes_wanted: u64,
    /// From a publisher's datagram to the datagrams for its viewers.
    pub latency: media::Counted,
}

/// Media in one direction.
#[derive(Clone, Copy, Debug, Default)]
pub struct Media {
    /// RTP packets, without retransmissions.
    pub packets: u64,
    /// Bytes of media in them.
    pub bytes: u64,
    /// Packets lost on the way, some of them repaired since.
    pub lost: u64,
    /// Packets that viewers asked for again (generic NACK, RFC 4585, section 6.2.1); none of publishers.
    pub missed: u64,
}

impl Counters {
    /// Adds to a counter.
    pub(super) fn count(counter: &AtomicU64, more: u64) {
        // Several threads count at once, and even nothing more would take the counter from the others.
        if more > 0 {
            counter.fetch_add(more, Ordering::Relaxed);
        }
    }

    pub(super) fn read(self: &Arc<Self>) -> Traffic {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let media = |carried: &Carried| Media {
            packets: read(&carried.packets),
            bytes: read(&carried.bytes),
            lost: read(&carried.lost),
            missed: read(&carried.missed),
        };
        Traffic {
            datagrams_in: read(&self.datagrams_in),
            bytes_in: read(&self.bytes_in),
            datagrams_out: read(&self.datagrams_out),
            bytes_out: read(&self.bytes_out),
            unsent: read(&self.unsent),
            viewers: media(&self.viewers),
            publishers: media(&self.publishers),
            keyframes_wanted: read(&self.keyframes_wanted),
            latency: self.latency.read(),
        }
    }
}
