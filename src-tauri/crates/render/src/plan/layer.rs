//! The rectangle of a picture: where on the board, and which part of it.

use media::Frame;

use super::How;
use super::chain::{Input, Made};
use crate::fit::Fit;
use crate::gpu::Layer;
use crate::pixels;
use crate::place::Placement;
use crate::plan::Picture;
use crate::textures::Shape;

/// Where a picture is sampled, in pixels of the halved picture.
pub(super) struct Sampled {
    level: u32,
    /// Left, top, right, bottom.
    part: [f32; 4],
    /// Where samples may lie: no nearer to what was cropped off than half a pixel.
    limits: [f32; 4],
    /// Of the halved picture.
    size: [f32; 2],
    cropped: bool,
    exact: bool,
}

impl Sampled {
    pub(super) fn new(placed: &Placement, level: u32, frame: &Frame) -> Self {
        let size = pixels::reduced(frame.width(), frame.height(), level);
        let factor = (1_u32 << level) as f32;
        let exact = placed.exact(level);
        let whole = (frame.width(), frame.height());
        Self::scaled(placed, level, size, [factor; 2], whole, exact)
    }

    /// Of a scene of `whole` pixels that was drawn in `size`.
    pub(super) fn surface(placed: &Placement, size: (u32, u32), whole: (u32, u32)) -> Self {
        let factor = [
            whole.0 as f32 / size.0 as f32,
            whole.1 as f32 / size.1 as f32,
        ];
        let lands = |axis: usize| {
            let from = placed.part[axis] / factor[axis];
            let side = placed.part[axis + 2] / factor[axis];
            from.fract() == 0.0 && (side - placed.size[axis]).abs() < 0.01
        };
        let exact = placed.rotation == 0.0 && lands(0) && lands(1);
        Self::scaled(placed, 0, size, factor, whole, exact)
    }

    fn scaled(
        placed: &Placement,
        level: u32,
        (width, height): (u32, u32),
        factor: [f32; 2],
        whole: (u32, u32),
        exact: bool,
    ) -> Self {
        let size = [width as f32, height as f32];
        let [x, y, w, h] = placed.part;
        let cropped = x > 0.0 || y > 0.0 || w < whole.0 as f32 || h < whole.1 as f32;
        let part = [
            x / factor[0],
            y / factor[1],
            (x + w) / factor[0],
            (y + h) / factor[1],
        ];
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
            exact,
        }
    }

    /// What filters get of it, mirrored already.
    pub(super) fn input(&self, picture: Picture, flip: [bool; 2]) -> Input {
        let [width, height] = self.size;
        let [left, top, right, bottom] = self.part;
        let mut part = [
            left / width,
            top / height,
            (right - left) / width,
            (bottom - top) / height,
        ];
        for axis in 0..2 {
            if flip[axis] {
                part[axis] += part[axis + 2];
                part[axis + 2] = -part[axis + 2];
            }
        }
        Input {
            picture,
            part,
            limits: [left / width, top / height, right / width, bottom / height],
            half: [0.5 / width, 0.5 / height],
            stamp: None,
        }
    }
}

pub(super) fn how(placed: &Placement, sampled: &Sampled, opaque: bool) -> How {
    let linear = !sampled.exact;
    if placed.rotation != 0.0 || (linear && sampled.cropped) {
        How::Smooth
    } else if opaque {
        How::Replace { linear }
    } else {
        How::Blend { linear }
    }
}

/// An upright picture, all of what is shown of it, fitted to `size`.
pub(super) fn fit_whole(placed: &Placement, sampled: &Sampled, size: [u32; 2]) -> Fit {
    let mut from = [0.0; 2];
    let mut step = [0.0; 2];
    for axis in 0..2 {
        let (mut first, mut last) = (sampled.part[axis], sampled.part[axis + 2]);
        if placed.flip[axis] {
            std::mem::swap(&mut first, &mut last);
        }
        from[axis] = first;
        step[axis] = (last - first) / size[axis] as f32;
    }
    Fit {
        level: sampled.level,
        from,
        step,
        limits: sampled.limits,
        width: size[0],
        height: size[1],
    }
}

/// The visible part of an upright picture, fitted to its place.
pub(super) fn fitted(
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
        let (mut first, mut last) = (sampled.part[axis], sampled.part[axis + 2]);
        if placed.flip[axis] {
            std::mem::swap(&mut first, &mut last);
        }
        step[axis] = (last - first) / placed.size[axis];
        from[axis] = first + (seen_from - start) * step[axis];
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
    let mut layer = upright([at[0], at[1], size[0], size[1]], canvas);
    layer.turn[2] = opacity;
    (Shape::Fitted(fit), how, layer)
}

/// All of a picture in a box of whole pixels: left, top, width, height.
pub(super) fn upright([left, top, width, height]: [u32; 4], canvas: (u32, u32)) -> Layer {
    let half = [width as f32 / 2.0, height as f32 / 2.0];
    Layer {
        place: [
            left as f32 + half[0],
            top as f32 + half[1],
            half[0],
            half[1],
        ],
        turn: [1.0, 0.0, 1.0, 0.0],
        part: [0.0, 0.0, 1.0, 1.0],
        limits: [0.0, 0.0, 1.0, 1.0],
        to_clip: to_clip(canvas),
    }
}

pub(super) fn layer(
    placed: &Placement,
    sampled: &Sampled,
    opacity: f32,
    canvas: (u32, u32),
) -> Layer {
    let [width, height] = sampled.size;
    let normal = |[left, top, right, bottom]: [f32; 4]| {
        [left / width, top / height, right / width, bottom / height]
    };
    let mut part = normal(sampled.part);
    for axis in 0..2 {
        if placed.flip[axis] {
            part.swap(axis, axis + 2);
        }
    }
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
        part,
        limits: normal(sampled.limits),
        to_clip: to_clip(canvas),
    }
}

/// What filters made, around the place where the picture would be without them.
pub(super) fn chained(
    placed: &Placement,
    made: &Made,
    opacity: f32,
    canvas: (u32, u32),
) -> (How, Layer) {
    let scale = [0, 1].map(|axis| placed.size[axis] / made.worked[axis] as f32);
    let [left, top, right, bottom] = made.grown;
    let half = [made.size[0] * scale[0] / 2.0, made.size[1] * scale[1] / 2.0];
    let off = [
        (right - left) / 2.0 * scale[0],
        (bottom - top) / 2.0 * scale[1],
    ];
    let (sine, cosine) = placed.rotation.sin_cos();
    let feather = if placed.rotation == 0.0 { 0.0 } else { 1.0 };
    let layer = Layer {
        place: [
            placed.centre[0] + off[0] * cosine - off[1] * sine,
            placed.centre[1] + off[0] * sine + off[1] * cosine,
            half[0],
            half[1],
        ],
        turn: [cosine, sine, opacity, feather],
        part: [0.0, 0.0, 1.0, 1.0],
        limits: [0.0, 0.0, 1.0, 1.0],
        to_clip: to_clip(canvas),
    };
    let how = if placed.rotation != 0.0 {
        How::Smooth
    } else {
        let one_to_one = scale == [1.0, 1.0] && made.full;
        How::Blend {
            linear: !one_to_one,
        }
    };
    (how, layer)
}

fn to_clip((width, height): (u32, u32)) -> [f32; 4] {
    [2.0 / width as f32, 2.0 / height as f32, 0.0, 0.0]
}
