//! Threads that stop when they are told.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::status::Board;

/// How long a lost device is left alone.
const RETRY: Duration = Duration::from_secs(1);
/// How long a handle waits for a thread that a driver may have caught.
const PATIENCE: Duration = Duration::from_secs(2);

/// Tells a thread to stop, and wakes it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop(Arc<Signal>);

#[derive(Debug, Default)]
struct Signal {
    flags: Mutex<Flags>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Flags {
    stop: bool,
    woken: bool,
    finished: bool,
}

impl Stop {
    pub(crate) fn is_set(&self) -> bool {
        self.0.flags.lock().stop
    }

    /// Waits until told to stop, woken, or the time has passed; true when told to stop.
    pub(crate) fn wait(&self, limit: Duration) -> bool {
        let mut flags = self.0.flags.lock();
        if !flags.stop && !flags.woken {
            self.0.changed.wait_for(&mut flags, limit);
        }
        flags.woken = false;
        flags.stop
    }

    fn set(&self) {
        self.0.flags.lock().stop = true;
        self.0.changed.notify_all();
    }

    fn finish(&self) {
        self.0.flags.lock().finished = true;
        self.0.changed.notify_all();
    }

    fn finished_within(&self, limit: Duration) -> bool {
        let mut flags = self.0.flags.lock();
        self.0
            .changed
            .wait_while_for(&mut flags, |f| !f.finished, limit);
        flags.finished
    }
}

/// A device's thread; stopped and joined when dropped.
#[derive(Debug)]
pub(crate) struct Worker {
    stop: Stop,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Runs `session` again and again until stopped. It returns when it is told to stop, or with
    /// a sentence for people when its device is lost.
    pub(crate) fn supervise(
        name: &str,
        board: Arc<Board>,
        mut session: impl FnMut(&Stop) -> Result<(), String> + Send + 'static,
    ) -> Self {
        let stop = Stop::default();
        let inside = stop.clone();
        let shown = board.clone();
        let body = move || {
            while !inside.is_set() {
                // Some drivers' libraries panic on what devices say of themselves.
                match catch_unwind(AssertUnwindSafe(|| session(&inside))) {
                    Ok(Ok(())) => break,
                    Ok(Err(message)) => board.lost(message),
                    Err(_) => board.lost(
                        "The device's driver failed unexpectedly. Unplug it and plug it in \
                         again; it is tried every second."
                            .to_owned(),
                    ),
                }
                inside.wait(RETRY);
            }
            inside.finish();
        };
        let thread = match std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(body)
        {
            Ok(thread) => Some(thread),
            Err(error) => {
                shown.lost(format!(
                    "The device could not be opened, because the system gives no more threads \
                     ({error}). Close other programs and open the source again."
                ));
                None
            }
        };
        Self { stop, thread }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop.set();
        let Some(thread) = self.thread.take() else {
            return;
        };
        if !self.stop.finished_within(PATIENCE) {
            // Caught in a driver that has no time-out: better a thread left behind than a studio that hangs.
            tracing::warn!(
                thread = thread.thread().name(),
                "a driver does not return; its thread is left behind"
            );
            return;
        }
        // It has finished; a panic was already turned into a message.
        drop(thread.join());
    }
}

/// What `f` gives, or none when it takes longer than `limit` or panics. For questions to drivers that may hang.
pub(crate) fn within<T: Send + 'static>(
    name: &str,
    limit: Duration,
    f: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (send, receive) = sync_channel(1);
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            // Nobody listens any more when it took too long.
            send.send(f()).ok();
        })
        .ok()?;
    receive.recv_timeout(limit).ok()
}

impl Stop {
    /// Wakes the thread without stopping it.
    pub(crate) fn wake(&self) {
        self.0.flags.lock().woken = true;
        self.0.changed.notify_all();
    }
}
