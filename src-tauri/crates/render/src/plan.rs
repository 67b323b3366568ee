//! What is drawn of a scene, how, and where: decided once per picture, before anything is uploaded.

use media::{Frame, PixelFormat};
use scene::Scene;

use crate::Frames;
use crate::fit::Fit;
use crate::gpu::Layer;
use crate::pixels;
use crate::place::{Placement, place};
use crate::textures::{Shape, Textures, least_level};

/// What is drawn, bottom first. Kept from picture to picture for its space.
#[derive(Default)]
pub(crate) struct Plan {
    /// The items in the order of drawing.
    pub(crate) drawn: Vec<Drawn>,
    /// The rectangle of each of them.
    pub(crate) layers: Vec<Layer>,
    /// The first of them covers the canvas: it need not be cleared.
    pub(crate) covered: bool,
}

/// How an item is drawn.
#[derive(Clone, Copy)]
pub(crate) struct Drawn {
    /// Its index in the scene.
    pub(crate) item: usize,
    /// The form of its source's picture.
    pub(crate) shape: Shape,
    pub(crate) how: How,
}

/// The ways to draw a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// Opaque and fitted: copied to this place on the canvas.
    Copy { to: [u32; 2] },
    /// Upright and opaque.
    Replace { linear: bool },
    /// Upright.
    Blend { linear: bool },
    /// Rotated, or cropped and scaled.
    Smooth,
}

/// What of the adapter the plan depends on.
#[derive(Clone, Copy)]
pub(crate) struct Means {
    /// Pixels across and down of the canvas.
    pub(crate) canvas: (u32, u32),
    /// The largest side of a texture.
    pub(crate) max_side: u32,
    /// Upright pictures are fitted on the CPU.
    pub(crate) fits: bool,
}

/// Where a picture is sampled, in pixels of the halved picture.
struct Sampled {
    level: u32,
    /// Left, top, right, bottom.
    part: [f32; 4],
    /// Where samples may lie: no nearer to what was cropped off than half a pixel.
    limits: [f32; 4],
    /// Of the halved picture.
    size: [f32; 2],
    cropped: bool,
}

impl Plan {
    /// Decides anew. Frames that are drawn are shown to `textures`.
    pub(crate) fn make(
        &mut self,
        scene: &Scene,
        frames: &Frames,
        means: Means,
        textures: &mut Textures,
    ) {
        self.layers.clear();
        self.drawn.clear();
        self.covered = false;
        let (width, height) = means.canvas;
        for (index, item) in scene.items.iter().enumerate() {
            let Some(frame) = frames.get(&item.source) else {
                continue;
            };
            if frame.format() == PixelFormat::Mjpeg {
                continue;
            }
            let Some(placed) = place(item, frame.width(), frame.height()) else {
                continue;
            };
            if !placed.touches(width, height) {
                continue;
            }
            let opaque = textures.show(&item.source, frame) && item.opacity >= 1.0;
            let level = placed.level().max(least_level(frame, means.max_side));
            let sampled = Sampled::new(&placed, level, frame);
            let opacity = item.opacity.min(1.0);
            let (shape, how, layer) = if means.fits && placed.rotation == 0.0 {
                fitted(&placed, &sampled, opacity, opaque, means.canvas)
            } else {
                let how = how(&placed, &sampled, opaque);
                let layer = layer(&placed, &sampled, opacity, means.canvas);
                (Shape::Level(level), how, layer)
            };
            if matches!(how, How::Copy { .. } | How::Replace { .. }) && placed.covers(width, height)
            {
                // What lies below it is not seen, and need not even be uploaded.
                self.layers.clear();
                self.drawn.clear();
                self.covered = true;
            }
            self.layers.push(layer);
            self.drawn.push(Drawn {
                item: index,
                shape,
                how,
            });
        }
    }
}

impl Sampled {
    fn new(placed: &Placement, level: u32, frame: &Frame) -> Self {
        let (width, height) = pixels::reduced(frame.width(), frame.height(), level);
        let size = [width as f32, height as f32];
        let [x, y, w, h] = placed.part;
        let cropped = x > 0.0 || y > 0.0 || w < frame.width() as f32 || h < frame.height() as f32;
        let factor = (1_u32 << level) as f32;
        let part = [x, y, x + w, y + h].map(|value| value / factor);
        let inset = |from: f32, to: f32| {
            let half = 0.5_f32.min((to - from) / 2.0);
            (from + half, to - half)
        };
        let seen = if cropped {
            part
        } else {
            [0.0, 0.0, size[0], size[1]]
        };
        let (left, right) = inset(seen[0], seen[2]);
        let (top, bottom) = inset(seen[1], seen[3]);
        Self {
            level,
            part,
            limits: [left, top, right, bottom],
            size,
            cropped,
        }
    }
}

fn how(placed: &Placement, sampled: &Sampled, opaque: bool) -> How {
    let linear = !placed.exact(sampled.level);
    if placed.rotation != 0.0 || (linear && sampled.cropped) {
        How::Smooth
    } else if opaque {
        How::Replace { linear }
    } else {
        How::Blend { linear }
    }
}

/// The visible part of an upright picture, fitted to its place.
fn fitted(
    placed: &Placement,
    sampled: &Sampled,
    opacity: f32,
    opaque: bool,
    canvas: (u32, u32),
) -> (Shape, How, Layer) {
    let mut from = [0.0; 2];
    let mut step = [0.0; 2];
    let mut at = [0; 2];
    let mut size = [0; 2];
    for (axis, side) in [canvas.0, canvas.1].into_iter().enumerate() {
        let start = placed.centre[axis] - placed.size[axis] / 2.0;
        let end = start + placed.size[axis];
        let (seen_from, seen_to) = (start.max(0.0), end.min(side as f32));
        step[axis] = (sampled.part[axis + 2] - sampled.part[axis]) / placed.size[axis];
        from[axis] = sampled.part[axis] + (seen_from - start) * step[axis];
        at[axis] = seen_from as u32;
        size[axis] = ((seen_to - seen_from) as u32).max(1);
    }
    let fit = Fit {
        level: sampled.level,
        from,
        step,
        limits: sampled.limits,
        width: size[0],
        height: size[1],
    };
    let how = if opaque {
        How::Copy { to: at }
    } else {
        How::Blend { linear: false }
    };
    let half = [size[0] as f32 / 2.0, size[1] as f32 / 2.0];
    let layer = Layer {
        place: [
            at[0] as f32 + half[0],
            at[1] as f32 + half[1],
            half[0],
            half[1],
        ],
        turn: [1.0, 0.0, opacity, 0.0],
        part: [0.0, 0.0, 1.0, 1.0],
        limits: [0.0, 0.0, 1.0, 1.0],
        to_clip: to_clip(canvas),
    };
    (Shape::Fitted(fit), how, layer)
}

fn layer(placed: &Placement, sampled: &Sampled, opacity: f32, canvas: (u32, u32)) -> Layer {
    let [width, height] = sampled.size;
    let normal = |[left, top, right, bottom]: [f32; 4]| {
        [left / width, top / height, right / width, bottom / height]
    };
    let (sine, cosine) = placed.rotation.sin_cos();
    let feather = if placed.rotation == 0.0 { 0.0 } else { 1.0 };
    Layer {
        place: [
            placed.centre[0],
            placed.centre[1],
            placed.size[0] / 2.0,
            placed.size[1] / 2.0,
        ],
        turn: [cosine, sine, opacity, feather],
        part: normal(sampled.part),
        limits: normal(sampled.limits),
        to_clip: to_clip(canvas),
    }
}

fn to_clip((width, height): (u32, u32)) -> [f32; 2] {
    [2.0 / width as f32, 2.0 / height as f32]
}
