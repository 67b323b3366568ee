//! Attempt after attempt, until told to stop or refused for good.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use media::{Clock, Timestamp};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use wire::{Progress, PublishError};

use crate::backoff::Backoff;
use crate::rate::{Rate, Recent};

/// How a destination, or a channel that is fetched, fares. The texts are for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Reaching it.
    Connecting,
    /// Media flows.
    Live {
        /// Since when, without a break.
        since: Timestamp,
        /// Bits per second over the last few.
        bitrate: u64,
        /// Bytes carried since then.
        bytes: u64,
        /// Packets lost since it was started: taken too slowly, or lost on the way here.
        dropped: u64,
        /// There and back, as far as it is known.
        round_trip: Option<Duration>,
        /// Bits per second that the path carries, when that is less than there is to send.
        carries: Option<u64>,
    },
    /// It was lost, or said no for another reason than the key, and will be tried again.
    Retrying {
        /// Failures in a row: 1 after the first.
        attempt: u32,
        /// When it is tried again.
        at: Timestamp,
        /// Why.
        reason: String,
    },
    /// It does not take the key, or can never work as it is: somebody has to change something.
    Refused {
        /// Why, and what to do.
        reason: String,
        /// It is the key or token that is not taken.
        key: bool,
    },
    /// Stopped, or the channel has ended.
    Off,
}

/// How long a stop may take, with the goodbye to the far end.
const STOPPING: Duration = Duration::from_secs(3);

/// Attempts at something, until it is stopped or dropped. Dropping says goodbye in the background.
#[derive(Debug)]
pub(crate) struct Supervised {
    state: watch::Receiver<State>,
    recent: Arc<Mutex<Recent>>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Supervised {
    /// Begins. Each attempt is handed what it counts in, and what tells it to stop.
    pub(crate) fn start<F>(
        mut attempt: impl FnMut(Arc<Progress>, watch::Receiver<bool>) -> F + Send + 'static,
        clock: Clock,
        runtime: &Handle,
    ) -> Self
    where
        F: Future<Output = Result<(), PublishError>> + Send + 'static,
    {
        let (sender, state) = watch::channel(State::Connecting);
        let (stop, stopped) = watch::channel(false);
        let stopping = stopped.clone();
        let attempt = move |progress| attempt(progress, stopping.clone());
        let recent = Arc::<Mutex<Recent>>::default();
        let noted = Arc::clone(&recent);
        let task = runtime.spawn(supervise(attempt, clock, sender, stopped, noted, chance));
        Self {
            state,
            recent,
            stop,
            task,
        }
    }

    /// Bits carried in each of the last seconds up to `now`, the newest last; a minute at most.
    pub(crate) fn recent(&self, now: Timestamp) -> Vec<u64> {
        self.recent.lock().until(now)
    }

    /// How it fares, now and from now on.
    pub(crate) fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Says goodbye and ends, within three seconds whatever the far end does.
    pub(crate) async fn stop(mut self) {
        self.stop.send_replace(true);
        if timeout(STOPPING, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

/// A random number; without randomness everybody waits equally long, which does no harm.
fn chance() -> u32 {
    getrandom::u32().unwrap_or(u32::MAX / 2)
}

/// How often a live state is brought up to date.
const TICK: Duration = Duration::from_secs(1);

/// A connection that held this long makes the failures before it forgotten.
const PROVED: Duration = Duration::from_secs(10);

/// A destination that has been live knows the key: when it hangs up on it afterwards, it often still holds
/// the connection that was lost. It is tried again, this many times and no more: a key can be taken back meanwhile,
/// and some platforms lock who tries too often.
const SECOND_THOUGHTS: u32 = 6;

/// Runs `attempt` again and again. `state` has the last word when this ends: [`State::Off`] or
/// [`State::Refused`].
pub(crate) async fn supervise<F>(
    mut attempt: impl FnMut(Arc<Progress>) -> F,
    clock: Clock,
    state: watch::Sender<State>,
    mut stop: watch::Receiver<bool>,
    recent: Arc<Mutex<Recent>>,
    mut chance: impl FnMut() -> u32,
) where
    F: Future<Output = Result<(), PublishError>>,
{
    let mut backoff = Backoff::default();
    let mut was_live = false;
    let mut doubts = 0;
    let mut dropped_before = 0;
    loop {
        state.send_replace(State::Connecting);
        let progress = Arc::new(Progress::default());
        let mut look = Look {
            clock,
            progress: Arc::clone(&progress),
            dropped_before,
            since: None,
            rate: Rate::default(),
            recent: Arc::clone(&recent),
        };
        let result = run(attempt(progress), &mut look, &state).await;
        dropped_before += look.progress.dropped();
        let proved = |since| clock.now().since(since) >= PROVED;
        if look.since.is_some_and(proved) {
            backoff.reset();
            doubts = 0;
        }
        let Err(error) = result else { break };
        let doubted = matches!(error, PublishError::KeyDoubted(_));
        doubts += u32::from(doubted);
        let given_up = error.is_final() || doubted && (!was_live || doubts > SECOND_THOUGHTS);
        // One that hung up on the key has not taken it, even if it said so.
        was_live |= look.since.is_some() && !doubted;
        let reason = error.to_string();
        if given_up {
            let key = doubted || matches!(error, PublishError::WrongKey(_));
            tracing::info!(reason, "the far end refuses");
            state.send_replace(State::Refused { reason, key });
            return;
        }
        let wait = backoff.next(chance());
        tracing::info!(
            reason,
            ?wait,
            "the far end is lost or refuses; it is tried again"
        );
        state.send_replace(State::Retrying {
            attempt: backoff.attempts(),
            at: clock.now() + wait,
            reason,
        });
        tokio::select! {
            // An error means that the sender is gone, which is a stop as well.
            _ = stop.wait_for(|stop| *stop) => break,
            () = sleep(wait) => {}
        }
    }
    state.send_replace(State::Off);
}

/// Watches one attempt.
struct Look {
    clock: Clock,
    progress: Arc<Progress>,
    dropped_before: u64,
    since: Option<Timestamp>,
    rate: Rate,
    recent: Arc<Mutex<Recent>>,
}

/// One attempt, with its state kept up to date.
async fn run(
    attempt: impl Future<Output = Result<(), PublishError>>,
    look: &mut Look,
    state: &watch::Sender<State>,
) -> Result<(), PublishError> {
    tokio::pin!(attempt);
    let mut tick = interval(TICK / 4);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut ticks = 0_u32;
    loop {
        tokio::select! {
            biased;
            result = &mut attempt => {
                look.note_connection();
                return result;
            }
            _ = tick.tick() => {
                // The beginning is shown at once, the figures once a second.
                let begun = look.note_connection();
                ticks += 1;
                if (begun || ticks.is_multiple_of(4)) && let Some(live) = look.live() {
                    state.send_replace(live);
                }
            }
        }
    }
}

impl Look {
    /// Notes when the connection stands; says whether that is news.
    fn note_connection(&mut self) -> bool {
        let begun =
            self.since.is_none() && (self.progress.connected() || self.progress.packets() > 0);
        if begun {
            self.since = Some(self.clock.now());
        }
        begun
    }

    fn live(&mut self) -> Option<State> {
        let since = self.since?;
        let (now, bytes) = (self.clock.now(), self.progress.bytes());
        self.recent.lock().note(now, since, bytes);
        Some(State::Live {
            since,
            bitrate: self.rate.note(now, bytes),
            bytes,
            dropped: self.dropped_before + self.progress.dropped(),
            round_trip: self.progress.round_trip(),
            carries: self.progress.carries(),
        })
    }
}

#[cfg(test)]
mod tests;
