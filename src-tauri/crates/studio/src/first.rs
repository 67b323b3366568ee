//! The first start: whether it is still to ask, and what this machine can do.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use api::{Code, Problem, Quality, QualityTest};
use parking_lot::Mutex;
use program::{TrialError, Wish};
use scene::Canvas;
use store::Store;

use crate::Options;
use crate::studio::{Shared, sentence};

/// Under which it is kept, and what stands there.
const KEPT: &str = "first start";
const OPEN: &str = "open";
const DONE: &str = "done";

/// How much of the time from one picture to the next making one may take, so that viewers, destinations and the
/// interface have theirs.
const ENOUGH: f32 = 0.7;

/// A size that is tried: pixels across and down, and its rates, each with the bits per second that suit it.
type Size = (u32, u32, &'static [(u32, u32)]);

/// Sizes that are tried, the largest first.
const TRIED: [Size; 4] = [
    (1920, 1080, &[(60, 6_000_000), (30, 4_500_000)]),
    (1280, 720, &[(60, 4_000_000), (30, 2_500_000)]),
    (960, 540, &[(30, 1_500_000)]),
    (640, 360, &[(30, 800_000)]),
];

/// The thread of a test, which is to be gone before the program is.
#[derive(Default)]
pub(crate) struct Testing {
    thread: Mutex<Option<JoinHandle<()>>>,
    leaving: AtomicBool,
}

impl Testing {
    /// Ends it, and waits until it has.
    pub(crate) fn end(&self) {
        self.leaving.store(true, Ordering::Release);
        if let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            tracing::error!("the quality test had panicked");
        }
    }
}

/// Whether nobody has used this data folder, and nobody says on the command line what to begin with.
pub(crate) fn is_first(options: &Options, database: &Path) -> bool {
    !database.exists()
        && options.collection.is_none()
        && !options.on_air
        && options.publish.is_empty()
}

/// Whether it is still to ask. `new` says that it is to from now on.
pub(crate) fn open(store: &Store, new: bool) -> Result<bool, store::Error> {
    if new {
        store.set(KEPT, OPEN)?;
    }
    Ok(store.get(KEPT)?.as_deref() == Some(OPEN))
}

impl Shared {
    pub(crate) fn finish_first_start(&self) -> Result<(), Problem> {
        self.store
            .set(KEPT, DONE)
            .map_err(|e| Problem::new(Code::Unavailable, sentence(&e.to_string())))?;
        self.state.lock().first_start = false;
        Ok(())
    }

    /// Begins to try how large a picture this machine can make.
    pub(crate) fn test_quality(self: &Arc<Self>) -> Result<(), Problem> {
        let mut state = self.state.lock();
        if state.quality.as_ref().is_some_and(|test| test.running) {
            let text = "The quality is being tested already; it takes a few seconds.";
            return Err(Problem::new(Code::Conflict, text));
        }
        if state.on_air.is_some() {
            let text =
                "A test takes the time that the broadcast needs. End the broadcast, then test.";
            return Err(Problem::new(Code::Conflict, text));
        }
        let weak = Arc::downgrade(self);
        let thread = std::thread::Builder::new().name("quality test".into());
        let thread = thread.spawn(move || run(&weak)).map_err(|e| {
            let text = format!("The system gives no thread for the test: {e}.");
            Problem::new(Code::Unavailable, text)
        })?;
        // The one before has ended.
        drop(self.testing.thread.lock().replace(thread));
        state.quality = Some(QualityTest {
            running: true,
            ..QualityTest::default()
        });
        Ok(())
    }

    fn tell_quality(&self, change: impl FnOnce(&mut QualityTest)) {
        if let Some(test) = &mut self.state.lock().quality {
            change(test);
        }
        self.changed.notify_one();
    }
}

fn run(weak: &Weak<Shared>) {
    let outcome = try_sizes(weak);
    let Some(shared) = weak.upgrade() else { return };
    shared.tell_quality(|test| {
        test.running = false;
        // Who went live meanwhile knows why it stopped.
        let failed = outcome.err().filter(|e| !matches!(e, TrialError::GivenUp));
        test.problem = failed.map(|error| sentence(&error.to_string()));
    });
}

/// Holds the studio for no longer than one question takes: it may end at any time.
fn try_sizes(weak: &Weak<Shared>) -> Result<(), TrialError> {
    let goes_on = || {
        weak.upgrade().is_some_and(|shared| {
            let leaving = shared.testing.leaving.load(Ordering::Acquire);
            !leaving && shared.state.lock().on_air.is_none()
        })
    };
    let mut trial = {
        let shared = weak.upgrade().ok_or(TrialError::GivenUp)?;
        shared.program.trial(goes_on)?
    };
    for (width, height, rates) in TRIED {
        let Some((fps, bitrate)) = rates.last().copied() else {
            continue;
        };
        let wish = Wish {
            canvas: Canvas { width, height, fps },
            bitrate,
        };
        let cost = trial.run(wish, goes_on)?;
        let shared = weak.upgrade().ok_or(TrialError::GivenUp)?;
        shared.tell_quality(|test| {
            let found = rates.iter();
            test.found.extend(found.map(|(fps, bitrate)| Quality {
                width,
                height,
                fps: *fps,
                bitrate: *bitrate,
                compose_ms: cost.compose.as_secs_f32() * 1000.0,
                encode_ms: cost.encode.as_secs_f32() * 1000.0,
                load: load(cost.together, *fps),
                fits: load(cost.together, *fps) <= ENOUGH,
            }));
        });
    }
    Ok(())
}

/// How much of the time from one picture to the next it takes to make one.
fn load(together: Duration, fps: u32) -> f32 {
    together.as_secs_f32() * fps as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_fits_where_making_it_leaves_enough() {
        let ms = Duration::from_millis;
        for (together, fps, fits) in [
            (ms(20), 30, true),
            (ms(24), 30, false),
            (ms(10), 60, true),
            (ms(12), 60, false),
        ] {
            let load = load(together, fps);
            assert_eq!(load <= ENOUGH, fits, "{together:?} {fps}: {load}");
        }
    }

    #[test]
    fn it_asks_until_it_was_answered() {
        let store = Store::in_memory().unwrap();
        assert!(
            !open(&store, false).unwrap(),
            "somebody used it before there was a first start"
        );
        assert!(open(&store, true).unwrap());
        assert!(
            open(&store, false).unwrap(),
            "it was closed without an answer"
        );
        store.set(KEPT, DONE).unwrap();
        assert!(!open(&store, false).unwrap());
    }
}
