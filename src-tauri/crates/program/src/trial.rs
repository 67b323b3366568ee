//! A trial: what pictures of other sizes would cost on this machine, found by making some.
//!
//! It has a compositor and an encoder of its own and runs beside the program, which is not disturbed but for the time
//! that it takes. As on air, one picture is composed while the one before is encoded: where both want the same
//! cores, that shows.

use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use codec::encode::video;
use media::{Clock, Frame, Timestamp, TrackId};
use render::{Adapter, Compositor, Files, Frames, Options, Show};
use scene::{Canvas, Collection, Rect, Scene};

use crate::Program;

/// Moments of the program whose pictures are composed again and again.
const MOMENTS: usize = 8;

/// From one of them to the next.
const APART: Duration = Duration::from_millis(60);

/// Pictures that are made before any is counted: shaders are compiled, the encoder finds its rate.
const WARM: u32 = 3;

/// Pictures that are counted: no fewer, and no more.
const FEWEST: u32 = 5;
const MOST: u32 = 40;

/// After so long, a size has been tried enough.
const ENOUGH: Duration = Duration::from_millis(1200);

/// What is on the program, as it moves for a moment, and what composes it.
pub struct Trial {
    clock: Clock,
    collection: Collection,
    scene: Scene,
    moments: Vec<Frames>,
    files: Files,
    compositor: Compositor,
}

/// How a picture would be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Pixels, and pictures a second.
    pub canvas: Canvas,
    /// Bits per second.
    pub bitrate: u32,
}

/// What one picture cost, on average.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// To compose it, while others were encoded.
    pub compose: Duration,
    /// To encode it, while others were composed.
    pub encode: Duration,
    /// From one to the next, both done at once.
    pub together: Duration,
    /// How many were made.
    pub pictures: u32,
}

/// Why there is no trial.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// Nothing composes.
    #[error(transparent)]
    Render(#[from] render::Error),
    /// Nothing encodes.
    #[error(transparent)]
    Codec(#[from] codec::Error),
    /// There is no scene.
    #[error("there is no scene on the program to try it with")]
    Empty,
    /// Somebody gave it up.
    #[error("it was given up")]
    GivenUp,
}

impl Program {
    /// Begins a trial with the scene that is on the program. Takes about half a second, in which it
    /// looks at what moves; `goes_on` is asked all the while.
    ///
    /// # Errors
    /// [`TrialError`]; `GivenUp` once `goes_on` says no.
    pub fn trial(&self, goes_on: impl Fn() -> bool) -> Result<Trial, TrialError> {
        let stage = std::sync::Arc::clone(&self.stage.borrow());
        let collection = Collection::clone(&stage.collection);
        let scene = collection.current_scene().ok_or(TrialError::Empty)?.clone();
        let mut moments = Vec::with_capacity(MOMENTS);
        for n in 0..MOMENTS {
            if n > 0 {
                self.clock.sleep_until(self.clock.now() + APART);
            }
            if !goes_on() {
                return Err(TrialError::GivenUp);
            }
            let now = self.clock.now();
            let seen = stage.sources.iter().filter(|(id, _)| stage.casts(id));
            let pictures = seen.filter_map(|(id, source)| Some((id.clone(), source.picture(now)?)));
            moments.push(pictures.collect());
        }
        let Canvas { width, height, .. } = collection.canvas;
        let compositor = Compositor::new(Options {
            width,
            height,
            adapter: Adapter::Auto,
        })?;
        Ok(Trial {
            clock: self.clock,
            files: Files::clone(&self.shelf.reader().files()),
            collection,
            scene,
            moments,
            compositor,
        })
    }
}

impl Trial {
    /// Makes pictures of another size, and says what one of them takes. The scene fills it as it fills
    /// its own canvas.
    ///
    /// # Errors
    /// [`TrialError`]; `GivenUp` once `goes_on` says no.
    pub fn run(&mut self, wish: Wish, goes_on: impl Fn() -> bool) -> Result<Cost, TrialError> {
        let Canvas { width, height, fps } = wish.canvas;
        self.compositor.resize(width, height)?;
        let scene = scaled(&self.scene, self.collection.canvas, wish.canvas);
        let encoder = video::open(
            video::Config {
                width,
                height,
                fps,
                bitrate: wish.bitrate,
                keyframe_interval: Duration::from_secs(2),
            },
            TrackId(0),
        )?;
        let clock = self.clock;
        // As many as the program has under way.
        let (frames, inbox) = sync_channel(1);
        std::thread::scope(|scope| {
            let encoding = scope.spawn(move || encode_all(encoder, &inbox, clock));
            let composed =
                self.compose_all(&scene, fps, goes_on, |frame| frames.send(frame).is_ok());
            // It ends with what it was given.
            drop(frames);
            let encoded = encoding.join();
            let compose = composed?;
            let (encode, together, pictures) =
                encoded.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            Ok(Cost {
                compose,
                encode,
                together,
                pictures,
            })
        })
    }

    /// Composes pictures until enough are tried or `give` takes no more; how long one takes.
    fn compose_all(
        &mut self,
        scene: &Scene,
        fps: u32,
        goes_on: impl Fn() -> bool,
        mut give: impl FnMut(Frame) -> bool,
    ) -> Result<Duration, TrialError> {
        let began = self.clock.now();
        let mut tally = Tally::default();
        for n in 0..WARM + MOST {
            if !goes_on() {
                return Err(TrialError::GivenUp);
            }
            // Every one is a new moment to the compositor, which keeps what stands still.
            let at = Timestamp::from_ticks(n.into(), fps);
            let of = n as usize % self.moments.len().max(1);
            let frames: Frames = self.moments.get(of).map_or_else(Frames::new, |moment| {
                let again = moment.iter();
                again
                    .map(|(id, frame)| (id.clone(), frame.clone()))
                    .collect()
            });
            let show = Show {
                collection: Some(&self.collection),
                ..Show::scene(scene, &frames, &self.files)
            };
            let from = self.clock.now();
            let frame = self.compositor.compose(&show, at)?;
            let to = self.clock.now();
            tally.add(from, to);
            if !give(frame) || (tally.counted >= FEWEST && to.since(began) >= ENOUGH) {
                break;
            }
        }
        Ok(tally.each())
    }
}

/// Encodes all that comes: how long one takes, how long it is from one to the next, and how many were counted.
fn encode_all(
    mut encoder: Box<dyn video::Encoder>,
    inbox: &Receiver<Frame>,
    clock: Clock,
) -> Result<(Duration, Duration, u32), codec::Error> {
    let mut tally = Tally::default();
    for frame in inbox {
        let from = clock.now();
        drop(encoder.encode(&frame)?);
        tally.add(from, clock.now());
    }
    Ok((tally.each(), tally.apart(), tally.counted))
}

/// How long pictures took, but for those that only warm up.
#[derive(Default)]
struct Tally {
    warm: u32,
    /// When the last one that is not counted was done.
    since: Timestamp,
    until: Timestamp,
    taken: Duration,
    counted: u32,
}

impl Tally {
    fn add(&mut self, from: Timestamp, to: Timestamp) {
        self.until = to;
        if self.warm < WARM {
            self.warm += 1;
            self.since = to;
            return;
        }
        self.taken += to.since(from);
        self.counted += 1;
    }

    /// How long one took.
    fn each(&self) -> Duration {
        self.taken.checked_div(self.counted).unwrap_or_default()
    }

    /// From one that was done to the next.
    fn apart(&self) -> Duration {
        let all = self.until.since(self.since);
        all.checked_div(self.counted).unwrap_or_default()
    }
}

/// A scene on another canvas: all of its items where they were, as parts of it.
fn scaled(scene: &Scene, from: Canvas, to: Canvas) -> Scene {
    let across = to.width as f32 / from.width.max(1) as f32;
    let down = to.height as f32 / from.height.max(1) as f32;
    let mut scene = scene.clone();
    for item in &mut scene.items {
        let Rect {
            x,
            y,
            width,
            height,
        } = item.rect;
        item.rect = Rect {
            x: x * across,
            y: y * down,
            width: width * across,
            height: height * down,
        };
    }
    scene
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_warms_up_is_not_counted_and_waiting_counts_from_one_to_the_next() {
        let mut tally = Tally::default();
        assert_eq!((tally.each(), tally.apart()), Default::default());
        let at = |ms| Timestamp::from_millis(ms);
        // Each of the first takes half a second; then they take 10 ms each, and come every 30.
        for n in 0..i64::from(WARM) {
            tally.add(at(n * 500), at(n * 500 + 500));
        }
        for n in 0..10 {
            let from = i64::from(WARM) * 500 + n * 30 + 20;
            tally.add(at(from), at(from + 10));
        }
        let ms = Duration::from_millis;
        assert_eq!((tally.each(), tally.apart()), (ms(10), ms(30)));
        assert_eq!(tally.counted, 10);
    }
}
