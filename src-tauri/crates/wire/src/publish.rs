//! What every way of publishing shares: how it ends, and what it counts meanwhile.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Why publishing ended before it was told to stop. The texts are for people, and hold no secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The far end, or the address itself, says no: a wrong key, 401, 403, 404, not an address.
    /// Trying again would be refused again.
    #[error("{0}")]
    Refused(String),
    /// The connection could not be made or was lost. Trying again later may succeed.
    #[error("{0}")]
    Lost(String),
}

/// What one attempt at publishing has done so far. Shared: the session counts, others look.
#[derive(Debug, Default)]
pub struct Progress {
    connected: AtomicBool,
    bytes: AtomicU64,
    packets: AtomicU64,
    dropped: AtomicU64,
}

impl Progress {
    /// Whether the far end has accepted the publication and media flows.
    pub fn connected(&self) -> bool {
        self.connected.load(Ordering::Acquire)
    }

    /// Bytes of media handed to the network.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Packets (access units) handed to the network.
    pub fn packets(&self) -> u64 {
        self.packets.load(Ordering::Relaxed)
    }

    /// Packets lost because the far end took them too slowly.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Says whether the far end has accepted the publication.
    pub fn set_connected(&self, connected: bool) {
        self.connected.store(connected, Ordering::Release);
    }

    /// Counts one packet of `bytes` handed to the network.
    pub fn sent(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.packets.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts packets lost.
    pub fn lost(&self, packets: u64) {
        self.dropped.fetch_add(packets, Ordering::Relaxed);
    }
}
