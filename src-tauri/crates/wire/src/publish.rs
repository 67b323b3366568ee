//! What every session that we begin shares, to publish or to fetch: how it ends, and what it counts
//! meanwhile.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

/// Resolves when somebody says stop, or nobody can say it any more.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, which is a stop as well.
    drop(stop.wait_for(|stop| *stop).await);
}

/// Why a session that we began ended before it was told to stop. The texts are for people, and hold no secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// It can never work as it is: not an address, no codec in common.
    #[error("{0}")]
    Impossible(String),
    /// The far end says no for another reason than the key: nothing at the address (404), somebody live with the key
    /// already. It may say yes later.
    #[error("{0}")]
    Refused(String),
    /// The far end does not take the stream key or token (401, 403). Trying again would be refused again,
    /// and may count against its owner.
    #[error("{0}")]
    WrongKey(String),
    /// The far end hung up on the stream key, or says no without saying why: the key is wrong, or in use by a
    /// connection that it does not know to be lost.
    #[error("{0}")]
    KeyDoubted(String),
    /// The connection could not be made or was lost. Trying again later may succeed.
    #[error("{0}")]
    Lost(String),
}

impl PublishError {
    /// Whether the far end, or the address itself, says no; else it is out of reach or out of order.
    pub fn is_refusal(&self) -> bool {
        !matches!(self, Self::Lost(_))
    }

    /// Whether trying again is of no use until a person changes something.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Impossible(_) | Self::WrongKey(_))
    }
}

/// What one attempt at publishing or fetching has done so far. Shared: the session counts, others look.
#[derive(Debug, Default)]
pub struct Progress {
    connected: AtomicBool,
    bytes: AtomicU64,
    packets: AtomicU64,
    dropped: AtomicU64,
    /// In microseconds; 0 is not known.
    round_trip: AtomicU64,
    /// In bits per second; 0 is all there is.
    carries: AtomicU64,
}

impl Progress {
    /// Whether the far end has accepted the session and media flows.
    pub fn connected(&self) -> bool {
        self.connected.load(Ordering::Acquire)
    }

    /// Bytes of media handed to the network, or taken from it.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Packets (access units) handed to the network, or taken from it.
    pub fn packets(&self) -> u64 {
        self.packets.load(Ordering::Relaxed)
    }

    /// Packets lost because the far end took them too slowly, or on the way here.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// How long it takes to the far end and back, as far as it is known.
    pub fn round_trip(&self) -> Option<Duration> {
        let micros = self.round_trip.load(Ordering::Relaxed);
        (micros > 0).then(|| Duration::from_micros(micros))
    }

    /// Notes how long it takes to the far end and back.
    pub fn set_round_trip(&self, round_trip: Duration) {
        let micros = u64::try_from(round_trip.as_micros()).unwrap_or(u64::MAX);
        self.round_trip.store(micros.max(1), Ordering::Relaxed);
    }

    /// Bits per second that the path carries; `None` as long as it carries all there is, or that is not known.
    pub fn carries(&self) -> Option<u64> {
        let carries = self.carries.load(Ordering::Relaxed);
        (carries > 0).then_some(carries)
    }

    /// Notes what the path carries, in bits per second, when that is less than there is to send.
    pub fn set_carries(&self, carries: Option<u64>) {
        self.carries
            .store(carries.unwrap_or_default(), Ordering::Relaxed);
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
