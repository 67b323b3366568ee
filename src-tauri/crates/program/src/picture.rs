//! The program's thread: a picture at every tick, to the preview and to the encoder.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use media::{Clock, Frame, Timestamp, latest};
use parking_lot::Mutex;
use render::{Compositor, Frames};
use scene::Canvas;

use crate::Error;
use crate::encode::VideoEncoder;
use crate::outlet::Outlet;
use crate::stage::Stage;
use crate::stats::Counters;

/// How long to wait before looking for a graphics adapter again.
const RETRY: Duration = Duration::from_secs(5);

/// What the program's thread tells of itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Composing {
    /// The adapter that composes: "llvmpipe (software)"; empty before there is one.
    pub adapter: String,
    /// Why nothing is composed, for people.
    pub problem: Option<String>,
}

/// The program's thread. Dropping it ends and joins the thread.
pub(crate) struct PictureDesk {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    composing: Arc<Mutex<Composing>>,
}

/// All that the program's thread works with.
pub(crate) struct Parts {
    pub(crate) clock: Clock,
    pub(crate) stage: latest::Receiver<Arc<Stage>>,
    pub(crate) outlet: Arc<Outlet>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) encoder: VideoEncoder,
    pub(crate) preview: latest::Sender<Option<Frame>>,
}

impl PictureDesk {
    pub(crate) fn start(parts: Parts) -> Result<Self, Error> {
        let stop = Arc::new(AtomicBool::new(false));
        let composing = Arc::new(Mutex::new(Composing::default()));
        let mut desk = Desk {
            parts,
            composing: Arc::clone(&composing),
            compositor: None,
            looked: None,
            frames: Frames::default(),
            shown: None,
        };
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("program".into())
            .spawn(move || desk.run(&stopped))
            .map_err(Error::Thread)?;
        Ok(Self {
            stop,
            thread: Some(thread),
            composing,
        })
    }

    pub(crate) fn composing(&self) -> Composing {
        self.composing.lock().clone()
    }
}

impl Drop for PictureDesk {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the program's thread had panicked");
        }
    }
}

struct Desk {
    parts: Parts,
    composing: Arc<Mutex<Composing>>,
    compositor: Option<Compositor>,
    looked: Option<Timestamp>,
    frames: Frames,
    shown: Option<Arc<Stage>>,
}

impl Desk {
    fn run(&mut self, stop: &AtomicBool) {
        let clock = self.parts.clock;
        let mut fps = self.canvas().fps;
        let mut n = next_tick(clock.now(), fps);
        while !stop.load(Ordering::Acquire) {
            let tick = Timestamp::from_ticks(n, fps);
            clock.sleep_until(tick);
            self.tick(tick);
            let canvas = self.canvas();
            if canvas.fps != fps {
                fps = canvas.fps;
                n = next_tick(clock.now(), fps);
                continue;
            }
            // A tick that is merely late is still shown; one whose whole time is over is counted and left out.
            let due = current_tick(clock.now(), fps).max(n + 1);
            let late = due - (n + 1);
            if late > 0 {
                self.parts
                    .counters
                    .lagged
                    .fetch_add(late as u64, Ordering::Relaxed);
            }
            n = due;
        }
    }

    fn canvas(&self) -> Canvas {
        self.parts.stage.borrow().collection.canvas
    }

    fn tick(&mut self, tick: Timestamp) {
        let began = self.parts.clock.now();
        let stage = Arc::clone(&self.parts.stage.borrow());
        if self
            .shown
            .as_ref()
            .is_none_or(|before| !Arc::ptr_eq(before, &stage))
        {
            stage.show(tick);
            self.frames.clear();
            self.shown = Some(Arc::clone(&stage));
        }
        for id in &stage.visible {
            let picture = stage.sources.get(id).and_then(|s| s.picture(tick));
            match picture {
                Some(frame) => drop(self.frames.insert(id.clone(), frame)),
                None => drop(self.frames.remove(id)),
            }
        }
        let Some(frame) = self.compose(&stage, tick) else {
            return;
        };
        let counters = &self.parts.counters;
        counters.frames.fetch_add(1, Ordering::Relaxed);
        counters.render.add(self.parts.clock.now().since(began));
        if self.parts.outlet.is_open() {
            self.parts
                .encoder
                .submit(frame.clone(), stage.collection.canvas.fps);
        }
        self.parts.preview.send_replace(Some(frame));
    }

    /// The composed picture; black while there is no compositor, so that sound and stream go on.
    fn compose(&mut self, stage: &Stage, tick: Timestamp) -> Option<Frame> {
        let Canvas { width, height, .. } = stage.collection.canvas;
        let scene = stage.collection.current_scene()?;
        self.ready(width, height, tick);
        if let Some(compositor) = &mut self.compositor {
            match compositor.render(scene, &self.frames, tick) {
                Ok(frame) => {
                    self.composing.lock().problem = None;
                    return Some(frame);
                }
                Err(error) => self.failed(&error),
            }
        }
        Frame::black(width, height, tick).ok()
    }

    fn ready(&mut self, width: u32, height: u32, tick: Timestamp) {
        if let Some(compositor) = &mut self.compositor {
            if let Err(error) = compositor.resize(width, height) {
                self.failed(&error);
            }
            return;
        }
        if self.looked.is_some_and(|at| tick.since(at) < RETRY) {
            return;
        }
        self.looked = Some(tick);
        let options = render::Options {
            width,
            height,
            adapter: render::Adapter::Auto,
        };
        match Compositor::new(options) {
            Ok(compositor) => {
                let mut composing = self.composing.lock();
                composing.adapter = compositor.adapter().to_owned();
                composing.problem = None;
                drop(composing);
                self.compositor = Some(compositor);
            }
            Err(error) => self.failed(&error),
        }
    }

    fn failed(&mut self, error: &render::Error) {
        let mut composing = self.composing.lock();
        let text = error.to_string();
        if composing.problem.as_ref() != Some(&text) {
            tracing::error!(%error, "the picture cannot be composed");
            composing.problem = Some(text);
        }
        drop(composing);
        self.compositor = None;
    }
}

/// The first tick of `fps` a second that is not before `now`.
fn next_tick(now: Timestamp, fps: u32) -> i64 {
    let n = now.ticks(fps);
    if Timestamp::from_ticks(n, fps) < now {
        n + 1
    } else {
        n
    }
}

/// The tick of `fps` a second whose time `now` lies in.
fn current_tick(now: Timestamp, fps: u32) -> i64 {
    let next = next_tick(now, fps);
    if Timestamp::from_ticks(next, fps) > now {
        next - 1
    } else {
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_tick_is_never_before_now() {
        for (nanos, fps, expect) in [
            (0, 30, 0),
            (1, 30, 1),
            (33_333_333, 30, 1),
            (33_333_334, 30, 2),
            (999_999_999, 30, 30),
            (1_000_000_000, 60, 60),
        ] {
            let now = Timestamp::from_nanos(nanos);
            assert_eq!(next_tick(now, fps), expect, "{nanos} ns at {fps}");
            let current = Timestamp::from_ticks(current_tick(now, fps), fps);
            let following = Timestamp::from_ticks(current_tick(now, fps) + 1, fps);
            assert!(current <= now && now < following, "{nanos} ns at {fps}");
        }
    }
}
