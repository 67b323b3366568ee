//! The program's thread: a picture at every tick, to the preview and to the encoder.

mod rehearsal;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use media::{Clock, Frame, Timestamp, latest};
use parking_lot::Mutex;
use render::{Before, Compositor, Frames, Passage, Show};
use scene::{
    Blend, Canvas, ChromaKey, Crop, Fade, Filter, FilterId, FilterKind, Fit, Item, ItemId, Matte,
    MatteSide, Rect, SourceId, Stinger, StingerKey, TransitionKind,
};

use crate::Error;
use crate::attention::Attention;
use crate::encode::VideoEncoder;
use crate::files;
use crate::outlet::Outlet;
use crate::stage::{From, Looking, Stage};
use crate::stats::Counters;
use crate::views::{self, View, Views};

pub use rehearsal::Rehearsal;

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
    attention: Arc<Attention>,
    thread: Option<JoinHandle<()>>,
    composing: Arc<Mutex<Composing>>,
    sizes: Arc<Mutex<Sizes>>,
}

/// Pixels across and down of the newest picture of each source that was shown.
pub(crate) type Sizes = BTreeMap<SourceId, (u32, u32)>;

/// All that the program's thread works with.
pub(crate) struct Parts {
    pub(crate) clock: Clock,
    pub(crate) stage: latest::Receiver<Arc<Stage>>,
    pub(crate) outlet: Arc<Outlet>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) encoder: VideoEncoder,
    pub(crate) attention: Arc<Attention>,
    pub(crate) preview: latest::Sender<Option<Frame>>,
    pub(crate) views: Arc<Views>,
    pub(crate) files: files::Reader,
}

/// What a hand does where the document says what no hand can hold.
const BY_HAND: TransitionKind = TransitionKind::Fade(Fade {});

impl PictureDesk {
    pub(crate) fn start(parts: Parts) -> Result<Self, Error> {
        let stop = Arc::new(AtomicBool::new(false));
        let composing = Arc::new(Mutex::new(Composing::default()));
        let sizes = Arc::new(Mutex::new(Sizes::new()));
        let attention = Arc::clone(&parts.attention);
        let mut desk = Desk {
            parts,
            composing: Arc::clone(&composing),
            sizes: Arc::clone(&sizes),
            sized: Sizes::new(),
            compositor: None,
            looked: None,
            frames: Frames::default(),
            shown: None,
            phase: Phase::default(),
            over: None,
        };
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("program".into())
            .spawn(move || desk.run(&stopped))
            .map_err(Error::Thread)?;
        Ok(Self {
            stop,
            attention,
            thread: Some(thread),
            composing,
            sizes,
        })
    }

    pub(crate) fn sizes(&self) -> Sizes {
        self.sizes.lock().clone()
    }

    pub(crate) fn composing(&self) -> Composing {
        self.composing.lock().clone()
    }
}

impl Drop for PictureDesk {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.attention.ring();
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
    /// What is told of the sizes, and what was told last: nothing is locked while they stay.
    sizes: Arc<Mutex<Sizes>>,
    sized: Sizes,
    compositor: Option<Compositor>,
    looked: Option<Timestamp>,
    frames: Frames,
    shown: Option<Arc<Stage>>,
    phase: Phase,
    /// The place of a stinger's picture.
    over: Option<Item>,
}

/// What decides, with the stage, which sources are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Phase {
    looking: Looking,
    passing: bool,
}

impl Desk {
    fn run(&mut self, stop: &AtomicBool) {
        let clock = self.parts.clock;
        let mut fps = self.canvas().fps;
        let mut n = next_tick(clock.now(), fps);
        while !stop.load(Ordering::Acquire) {
            if !self.parts.attention.is_paid(clock.now()) {
                self.rest(stop);
                fps = self.canvas().fps;
                n = next_tick(clock.now(), fps);
                continue;
            }
            let tick = Timestamp::from_ticks(n, fps);
            clock.sleep_until(tick);
            self.tick(tick, n);
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

    /// Lets the sources go and waits until somebody looks; the first tick after it shows them again.
    fn rest(&mut self, stop: &AtomicBool) {
        let Parts {
            clock, attention, ..
        } = &self.parts;
        if self.shown.take().is_some() {
            self.parts.stage.borrow().rest(clock.now());
            self.frames.clear();
        }
        attention.rest(clock.now(), || stop.load(Ordering::Acquire));
    }

    fn canvas(&self) -> Canvas {
        self.parts.stage.borrow().collection.canvas
    }

    fn tick(&mut self, tick: Timestamp, n: i64) {
        let began = self.parts.clock.now();
        let stage = Arc::clone(&self.parts.stage.borrow());
        self.prepare(&stage, tick);
        for (id, source) in &stage.sources {
            if !stage.sees(id, tick, self.phase.looking) {
                continue;
            }
            let picture = source.picture(tick);
            if let Some(frame) = &picture {
                let size = (frame.width(), frame.height());
                if self.sized.get(id) != Some(&size) {
                    self.sized.insert(id.clone(), size);
                    self.sizes.lock().insert(id.clone(), size);
                }
            }
            match (picture, self.frames.get_mut(id)) {
                (Some(frame), Some(place)) => *place = frame,
                (Some(frame), None) => drop(self.frames.insert(id.clone(), frame)),
                (None, _) => drop(self.frames.remove(id)),
            }
        }
        let Some(frame) = self.compose(&stage, tick) else {
            return;
        };
        let counters = &self.parts.counters;
        counters.frames.fetch_add(1, Ordering::Relaxed);
        counters.render.add(self.parts.clock.now().since(began));
        let Parts {
            outlet, encoder, ..
        } = &self.parts;
        if outlet.is_open() {
            let fps = stage.collection.canvas.fps;
            encoder.submit(frame.clone(), fps);
            outlet.renditions().see(&frame, fps);
        }
        self.parts.preview.send_replace(Some(frame));
        self.look(&stage, tick, n);
    }

    /// Tells the sources what is shown, when that has changed.
    fn prepare(&mut self, stage: &Arc<Stage>, tick: Timestamp) {
        let phase = Phase {
            looking: self.parts.views.looking(),
            passing: stage.running(tick).is_some(),
        };
        let same = self
            .shown
            .as_ref()
            .is_some_and(|before| Arc::ptr_eq(before, stage));
        if same && phase == self.phase {
            return;
        }
        self.phase = phase;
        stage.show(tick, phase.looking);
        self.frames
            .retain(|id, _| stage.sees(id, tick, phase.looking));
        self.over = over_of(stage, tick);
        self.shown = Some(Arc::clone(stage));
    }

    /// Pictures for those who look at what is not on the program.
    fn look(&mut self, stage: &Stage, tick: Timestamp, n: i64) {
        let Some(compositor) = &mut self.compositor else {
            return;
        };
        let collection = &*stage.collection;
        let fps = collection.canvas.fps;
        let Looking { preview, scenes } = self.phase.looking;
        let files = self.parts.files.files();
        let given = (&self.frames, &*files);
        if preview
            && views::is_due(View::Preview, n, fps)
            && let Some(scene) = stage
                .desk
                .preview
                .as_ref()
                .and_then(|id| collection.scene(id))
        {
            let size = views::preview_size(collection.canvas);
            let board = [(scene, [0, 0, size.0, size.1])];
            if let Ok(Some(frame)) = compositor.look(collection, &board, given, size, tick) {
                self.parts.views.show(View::Preview, frame);
            }
        }
        if scenes && views::is_due(View::Scenes, n, fps) {
            let (boxes, size) = views::boxes(collection);
            if let Ok(Some(frame)) = compositor.look(collection, &boxes, given, size, tick) {
                self.parts.views.show(View::Scenes, frame);
            }
        }
    }

    /// The composed picture; black while there is no compositor, so that sound and stream go on.
    fn compose(&mut self, stage: &Stage, tick: Timestamp) -> Option<Frame> {
        let Canvas { width, height, .. } = stage.collection.canvas;
        self.ready(width, height, tick);
        if let Some(compositor) = &mut self.compositor {
            let files = self.parts.files.files();
            let stinger = stage.over(tick);
            let over = self.over.as_ref().zip(stinger.as_ref());
            let show = shown(stage, tick, (&self.frames, &files), over)?;
            match compositor.compose(&show, tick) {
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

/// What is to be seen at a time, with what lies over it.
fn shown<'a>(
    stage: &'a Stage,
    now: Timestamp,
    (frames, files): (&'a Frames, &'a render::Files),
    over: Option<(&'a Item, &'a Frame)>,
) -> Option<Show<'a>> {
    let collection = &*stage.collection;
    let (scene, hand) = stage.scene()?;
    let mut show = Show {
        collection: Some(collection),
        over,
        ..Show::scene(scene, frames, files)
    };
    if let Some(far) = hand {
        let kind = &collection.transition_to(&scene.id).kind;
        let held = matches!(kind, TransitionKind::Cut(_) | TransitionKind::Stinger(_));
        show.passage = Some(Passage {
            before: Before::Scene(collection.current_scene()?),
            kind: if held { &BY_HAND } else { kind },
            far,
        });
    } else if let Some(passage) = stage.running(now) {
        let before = match &passage.from {
            From::Still(number) => Some(Before::Still(*number)),
            From::Scene(id) => collection.scene(id).map(Before::Scene),
        };
        let (kind, far) = match (&passage.transition.kind, passage.is_before_cut(now)) {
            // Nothing of the new scene yet.
            (TransitionKind::Stinger(_), true) => (&BY_HAND, 0.0),
            (kind, _) => (kind, passage.far(now)),
        };
        show.passage = before.map(|before| Passage { before, kind, far });
    }
    Some(show)
}

/// The place of what lies over the transition that is to be seen at a time.
fn over_of(stage: &Stage, now: Timestamp) -> Option<Item> {
    match &stage.running(now)?.transition.kind {
        TransitionKind::Stinger(stinger) => Some(over(stinger, stage.collection.canvas)),
        _ => None,
    }
}

/// The place of a stinger's picture: all over, seen through as it is set.
fn over(stinger: &Stinger, canvas: Canvas) -> Item {
    let filter = |kind| Filter {
        id: FilterId::new("key"),
        name: String::new(),
        enabled: true,
        kind,
    };
    let matte = |side| {
        filter(FilterKind::Matte(Matte {
            side,
            ..Matte::default()
        }))
    };
    let (mut blend, mut filters) = (Blend::Normal, Vec::new());
    let (mut width, mut height) = (canvas.width as f32, canvas.height as f32);
    match stinger.key {
        StingerKey::Cover => {}
        StingerKey::Black => blend = Blend::Screen,
        StingerKey::Green => filters.push(filter(FilterKind::ChromaKey(ChromaKey {
            color: "#00ff00".into(),
            ..ChromaKey::default()
        }))),
        // Half of the video is the matte, which the filter cuts off.
        StingerKey::MatteRight => {
            filters.push(matte(MatteSide::Right));
            width *= 2.0;
        }
        StingerKey::MatteBelow => {
            filters.push(matte(MatteSide::Below));
            height *= 2.0;
        }
    }
    let fit = match stinger.key {
        StingerKey::MatteRight | StingerKey::MatteBelow => Fit::Stretch,
        _ => Fit::Cover,
    };
    Item {
        id: ItemId::new("stinger"),
        source: SourceId::new("\u{0}stinger"),
        rect: Rect {
            x: 0.0,
            y: 0.0,
            width,
            height,
        },
        fit,
        crop: Crop::default(),
        rotation: 0.0,
        opacity: 1.0,
        visible: true,
        locked: true,
        flip_h: false,
        flip_v: false,
        blend,
        filters,
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
mod tests;
