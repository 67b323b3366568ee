//! Attempt after attempt, until told to stop or refused for good.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use media::{Clock, Timestamp};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep};
use wire::{Progress, PublishError};

use crate::backoff::Backoff;
use crate::rate::Rate;

/// How a destination fares. The texts are for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Reaching it.
    Connecting,
    /// It takes the broadcast.
    Live {
        /// Since when, without a break.
        since: Timestamp,
        /// Bits per second over the last few.
        bitrate: u64,
        /// Packets lost since the destination was started, because it took them too slowly.
        dropped: u64,
    },
    /// It was lost and will be tried again.
    Retrying {
        /// Failures in a row: 1 after the first.
        attempt: u32,
        /// When it is tried again.
        at: Timestamp,
        /// Why it was lost.
        reason: String,
    },
    /// It says no, and somebody has to change something.
    Refused {
        /// Why, and what to do.
        reason: String,
    },
    /// Stopped, or the channel has ended.
    Off,
}

/// How often a live state is brought up to date.
const TICK: Duration = Duration::from_secs(1);

/// A connection that held this long makes the failures before it forgotten.
const PROVED: Duration = Duration::from_secs(10);

/// A destination that has been live knows the key: when it says no afterwards, it often still holds
/// the connection that was lost. It is tried again, this many times in a row.
const SECOND_THOUGHTS: u32 = 6;

/// Runs `attempt` again and again. `state` has the last word when this ends: [`State::Off`] or
/// [`State::Refused`].
pub(crate) async fn supervise<F>(
    mut attempt: impl FnMut(Arc<Progress>) -> F,
    clock: Clock,
    state: watch::Sender<State>,
    mut stop: watch::Receiver<bool>,
    mut chance: impl FnMut() -> u32,
) where
    F: Future<Output = Result<(), PublishError>>,
{
    let mut backoff = Backoff::default();
    let mut was_live = false;
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
        };
        let result = run(attempt(progress), &mut look, &state).await;
        dropped_before += look.progress.dropped();
        if let Some(since) = look.since {
            was_live = true;
            if clock.now().since(since) >= PROVED {
                backoff.reset();
            }
        }
        let reason = match result {
            Ok(()) => break,
            Err(PublishError::Refused(reason)) => {
                if !was_live || backoff.attempts() >= SECOND_THOUGHTS {
                    tracing::info!(reason, "destination refused");
                    state.send_replace(State::Refused { reason });
                    return;
                }
                reason
            }
            Err(PublishError::Lost(reason)) => reason,
        };
        let wait = backoff.next(chance());
        tracing::info!(reason, ?wait, "destination lost");
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
        Some(State::Live {
            since,
            bitrate: self.rate.note(self.clock.now(), self.progress.bytes()),
            dropped: self.dropped_before + self.progress.dropped(),
        })
    }
}

#[cfg(test)]
mod tests;
