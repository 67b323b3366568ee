//! What goes against the stream.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::Channel;
use crate::Timestamp;

#[derive(Debug, Default)]
pub(super) struct SignalBox {
    pub(super) inner: Mutex<SignalState>,
    pub(super) notify: Notify,
}

#[derive(Debug, Default)]
pub(super) struct SignalState {
    pub(super) keyframe: bool,
    pub(super) granted: Option<Timestamp>,
    paths: Vec<Weak<AtomicU64>>,
}

impl SignalState {
    /// The narrowest path that a reader has told of and still holds.
    pub(super) fn narrowest(&mut self) -> Option<u64> {
        self.paths.retain(|path| path.strong_count() > 0);
        let told = self.paths.iter().filter_map(Weak::upgrade);
        let rates = told.map(|path| path.load(Ordering::Relaxed));
        rates.min().filter(|rate| *rate < WIDE)
    }
}

/// The two signals that go against the stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signals {
    /// A reader wants a keyframe.
    pub keyframe: bool,
    /// What the narrowest path of those readers that ask for it carries of the picture, in bits per second;
    /// `None` as long as none asks for less than there is.
    pub bandwidth: Option<u64>,
}

/// A path that carries all there is.
const WIDE: u64 = u64::MAX;

/// What the path of one reader carries, for the writer to follow. It counts as long as this is held, so
/// that a reader that leaves holds nobody back.
#[derive(Debug)]
pub struct PathRate {
    channel: Arc<Channel>,
    rate: Arc<AtomicU64>,
}

impl PathRate {
    /// Says what the path carries of the picture, in bits per second; `None` when it carries all there is.
    pub fn set(&self, bits_per_second: Option<u64>) {
        let rate = bits_per_second.unwrap_or(WIDE);
        if self.rate.swap(rate, Ordering::Relaxed) != rate {
            self.channel.signals.notify.notify_one();
        }
    }
}

impl Channel {
    /// A path of which the writer is told what it carries; wide at first.
    pub fn path(self: &Arc<Self>) -> PathRate {
        let rate = Arc::new(AtomicU64::new(WIDE));
        let mut inner = self.signals.inner.lock();
        inner.paths.retain(|path| path.strong_count() > 0);
        inner.paths.push(Arc::downgrade(&rate));
        drop(inner);
        PathRate {
            channel: Arc::clone(self),
            rate,
        }
    }
}
