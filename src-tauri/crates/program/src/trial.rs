//! A trial: what pictures of other sizes would cost on this machine, found by making some.
//!
//! It has a compositor and an encoder of its own and runs on the caller's thread, beside the program,
//! which is not disturbed but for the time that it takes.

use std::time::Duration;

use codec::encode::video;
use media::{Clock, Timestamp, TrackId};
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
    /// To compose it.
    pub compose: Duration,
    /// To encode it.
    pub encode: Duration,
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
        let mut encoder = video::open(
            video::Config {
                width,
                height,
                fps,
                bitrate: wish.bitrate,
                keyframe_interval: Duration::from_secs(2),
            },
            TrackId(0),
        )?;
        let began = self.clock.now();
        let (mut compose, mut encode, mut pictures) = (Duration::ZERO, Duration::ZERO, 0);
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
                ..Show::scene(&scene, &frames, &self.files)
            };
            let first = self.clock.now();
            let frame = self.compositor.compose(&show, at)?;
            let second = self.clock.now();
            drop(encoder.encode(&frame)?);
            let third = self.clock.now();
            if n < WARM {
                continue;
            }
            compose += second.since(first);
            encode += third.since(second);
            pictures += 1;
            if pictures >= FEWEST && third.since(began) >= ENOUGH {
                break;
            }
        }
        Ok(Cost {
            compose: compose.checked_div(pictures).unwrap_or_default(),
            encode: encode.checked_div(pictures).unwrap_or_default(),
            pictures,
        })
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
