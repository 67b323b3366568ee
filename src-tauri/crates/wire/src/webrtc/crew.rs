//! Who helps the media thread when a channel has many viewers: each of a few threads serves some of them, and
//! a picture is with the last viewer sooner. A large keyframe gains nothing by it: receivers and networks are slower.

use std::sync::Arc;
use std::thread::available_parallelism;

use media::Timestamp;
use parking_lot::Mutex;
use rayon::prelude::*;

use super::entry::Entry;
use super::outlet::Outlet;
use super::payload::Unit;
use super::socket::Socket;
use super::traffic::Counters;
use super::urgency;

/// Viewers of one channel for whom it is worth waking anybody.
pub(super) const WORTH: usize = 32;

/// Threads at most, the media thread among them. The encoder and the compositor want some as well.
const THREADS: usize = 4;

/// Viewers that a thread takes at a time.
const SHARE: usize = 8;

/// The media thread and its helpers.
pub(super) struct Crew {
    pool: rayon::ThreadPool,
    /// One for each thread.
    outlets: Vec<Mutex<Outlet>>,
}

impl Crew {
    /// The calling thread with others; `None` where it is alone.
    pub(super) fn gather(socket: &Socket) -> Option<Self> {
        let threads = available_parallelism().map_or(1, |n| n.get().min(THREADS));
        if threads == 1 {
            return None;
        }
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .use_current_thread()
            .thread_name(|n| format!("webrtc-media-{n}"))
            .start_handler(|_| drop(urgency::claim()))
            .build();
        match pool {
            Ok(pool) => Some(Self {
                pool,
                outlets: (0..threads).map(|_| Mutex::new(socket.outlet())).collect(),
            }),
            Err(error) => {
                tracing::warn!(%error, "the media thread has nobody to help it");
                None
            }
        }
    }

    /// Sends viewers these access units; returns when all that may go now has left, and whether some has to wait.
    pub(super) fn send(
        &self,
        viewers: &mut [&mut Entry],
        units: &[Arc<Unit>],
        now: Timestamp,
        traffic: &Counters,
    ) -> bool {
        self.pool.install(|| {
            let shares = viewers.par_chunks_mut(SHARE).with_max_len(1);
            let waits = shares.map(|share| self.serve(share, units, now, traffic));
            waits.reduce(|| false, |one, other| one | other)
        })
    }

    fn serve(
        &self,
        share: &mut [&mut Entry],
        units: &[Arc<Unit>],
        now: Timestamp,
        traffic: &Counters,
    ) -> bool {
        let own = self.pool.current_thread_index();
        let Some(outlet) = own.and_then(|own| self.outlets.get(own)) else {
            return false;
        };
        // Nobody else asks for it.
        let mut outlet = outlet.lock();
        let mut waits = false;
        for viewer in share {
            waits |= viewer.send(units, now, &mut *outlet, traffic);
        }
        outlet.flush();
        waits
    }
}
