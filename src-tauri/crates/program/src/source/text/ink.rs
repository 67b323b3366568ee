//! Masks and pixels: what letters are drawn with.

use media::{Frame, Timestamp};

use crate::source::color;
use crate::source::gradient::Ramp;

/// How much ink is where: one byte each, 255 is all.
pub(super) struct Mask {
    width: u32,
    height: u32,
    data: Vec<u8>,
}

impl Mask {
    pub(super) fn new(width: u32, height: u32) -> Self {
        Self {
            width,
            height,
            data: vec![0; width as usize * height as usize],
        }
    }

    /// Adds the ink of a glyph; what stands over is cut off.
    pub(super) fn add(&mut self, at: (i32, i32), size: (u32, u32), ink: &[u8]) {
        each_inside(at, size, (self.width, self.height), |from, to| {
            self.data[to] = self.data[to].max(ink[from]);
        });
    }

    /// This mask with everything within `radius` pixels of its ink inked too, with soft edges.
    pub(super) fn grown(&self, radius: f32) -> Self {
        let (width, height) = (self.width as usize, self.height as usize);
        // Squared distances to the nearest ink, first down the columns and then along the rows, which
        // gives exact Euclidean ones (Felzenszwalb and Huttenlocher, "Distance Transforms of Sampled
        // Functions"). Pixels that are partly inked lie a part of a pixel away from the edge.
        let far = (width + height) as f32;
        let mut squared: Vec<f32> = self
            .data
            .iter()
            .map(|ink| match ink {
                0 => far * far,
                ink => (0.5 - f32::from(*ink) / 255.0).max(0.0).powi(2),
            })
            .collect();
        let mut space = Distances::default();
        let mut column = vec![0.0; height];
        for x in 0..width {
            for (y, value) in column.iter_mut().enumerate() {
                *value = squared[y * width + x];
            }
            space.transform(&mut column);
            for (y, value) in column.iter().enumerate() {
                squared[y * width + x] = *value;
            }
        }
        for row in squared.chunks_exact_mut(width) {
            space.transform(row);
        }
        let data = squared
            .iter()
            .zip(&self.data)
            .map(|(squared, ink)| {
                let reached = (radius + 0.5 - squared.sqrt()).clamp(0.0, 1.0);
                ((reached * 255.0).round() as u8).max(*ink)
            })
            .collect();
        Self { data, ..*self }
    }

    /// This mask, softened over about `radius` pixels.
    pub(super) fn blurred(&self, radius: u32) -> Self {
        let (width, height) = (self.width as usize, self.height as usize);
        let mut data = self.data.clone();
        let mut line = Vec::new();
        // Three means of neighbours come close to a Gaussian.
        for _ in 0..3 {
            for row in data.chunks_exact_mut(width) {
                mean(row, radius as usize, &mut line);
                row.copy_from_slice(&line);
            }
            let mut column = vec![0; height];
            for x in 0..width {
                for (y, value) in column.iter_mut().enumerate() {
                    *value = data[y * width + x];
                }
                mean(&column, radius as usize, &mut line);
                for (y, value) in line.iter().enumerate() {
                    data[y * width + x] = *value;
                }
            }
        }
        Self { data, ..*self }
    }
}

/// The ink of all of them; they are of one size.
impl<'a> FromIterator<&'a Mask> for Mask {
    fn from_iter<I: IntoIterator<Item = &'a Mask>>(masks: I) -> Self {
        let mut masks = masks.into_iter();
        let Some(first) = masks.next() else {
            return Self::new(0, 0);
        };
        let mut all = Self {
            data: first.data.clone(),
            ..*first
        };
        for mask in masks {
            for (to, from) in all.data.iter_mut().zip(&mask.data) {
                *to = (*to).max(*from);
            }
        }
        all
    }
}

/// With what a mask is drawn.
pub(super) enum Paint<'a> {
    /// One colour, straight RGBA.
    Flat([u8; 4]),
    /// A gradient over all but a border of `inset` pixels.
    Ramp {
        ramp: &'a Ramp,
        inset: u32,
        size: (u32, u32),
    },
}

/// The mean of each value and its neighbours within `radius`.
fn mean(from: &[u8], radius: usize, to: &mut Vec<u8>) {
    to.clear();
    let span = 2 * radius as u32 + 1;
    let mut sum: u32 = from
        .iter()
        .take(radius)
        .map(|value| u32::from(*value))
        .sum();
    for at in 0..from.len() {
        if let Some(entering) = from.get(at + radius) {
            sum += u32::from(*entering);
        }
        to.push(((sum + span / 2) / span) as u8);
        if at >= radius {
            sum -= u32::from(from[at - radius]);
        }
    }
}

/// The lower envelope of parabolas, one over each value.
#[derive(Default)]
struct Distances {
    values: Vec<f32>,
    vertices: Vec<usize>,
    bounds: Vec<f32>,
}

impl Distances {
    fn transform(&mut self, line: &mut [f32]) {
        let Self {
            values,
            vertices,
            bounds,
        } = self;
        values.clear();
        values.extend_from_slice(line);
        vertices.clear();
        bounds.clear();
        for (at, value) in values.iter().enumerate() {
            let meets = |vertex: usize| {
                let (a, b) = (at as f32, vertex as f32);
                ((value + a * a) - (values[vertex] + b * b)) / (2.0 * (a - b))
            };
            let mut bound = f32::NEG_INFINITY;
            while let (Some(vertex), Some(from)) = (vertices.last(), bounds.last()) {
                bound = meets(*vertex);
                if bound > *from {
                    break;
                }
                vertices.pop();
                bounds.pop();
                bound = f32::NEG_INFINITY;
            }
            vertices.push(at);
            bounds.push(bound);
        }
        let mut index = 0;
        for (at, out) in line.iter_mut().enumerate() {
            while bounds.get(index + 1).is_some_and(|from| *from < at as f32) {
                index += 1;
            }
            let vertex = vertices[index];
            *out = (at as f32 - vertex as f32).powi(2) + values[vertex];
        }
    }
}

/// Pixels, premultiplied RGBA.
pub(super) struct Canvas {
    pub(super) width: u32,
    pub(super) height: u32,
    data: Vec<[u8; 4]>,
}

impl Canvas {
    pub(super) fn new(width: u32, height: u32) -> Self {
        Self {
            width,
            height,
            data: vec![[0; 4]; width as usize * height as usize],
        }
    }

    /// Fills all but a border of `inset` pixels, its corners rounded by `radius`.
    pub(super) fn fill_inside(&mut self, inset: u32, radius: f32, color: [u8; 4]) {
        let filled = premultiplied(color, 255);
        let (width, height) = (self.width, self.height);
        let inner = |side: u32| side.saturating_sub(2 * inset) as f32;
        let (w, h) = (inner(width), inner(height));
        let radius = radius.min(w / 2.0).min(h / 2.0);
        let inside = |at: u32, side: u32| at >= inset && at < side.saturating_sub(inset);
        // How far a pixel's middle lies in the square of its corner, from that square's inner edge.
        let into = |at: u32, side: f32| {
            let middle = (at - inset) as f32 + 0.5;
            (radius - middle).max(middle - (side - radius)).max(0.0)
        };
        for (y, row) in (0..).zip(self.data.chunks_exact_mut(width as usize)) {
            if !inside(y, height) {
                continue;
            }
            let down = into(y, h);
            for (x, pixel) in (0..).zip(row) {
                if !inside(x, width) {
                    continue;
                }
                let across = if down > 0.0 { into(x, w) } else { 0.0 };
                *pixel = if across > 0.0 {
                    let covered = (radius + 0.5 - across.hypot(down)).clamp(0.0, 1.0);
                    premultiplied(color, (covered * 255.0).round() as u8)
                } else {
                    filled
                };
            }
        }
    }

    /// Draws a mask of this size, moved to the right and down.
    pub(super) fn draw(&mut self, mask: &Mask, offset: (i32, i32), paint: &Paint<'_>) {
        let size = (mask.width, mask.height);
        let (width, height) = (self.width, self.height);
        let data = &mut self.data;
        each_inside(offset, size, (width, height), |from, to| {
            let ink = mask.data[from];
            if ink == 0 {
                return;
            }
            let color = match paint {
                Paint::Flat(color) => *color,
                Paint::Ramp { ramp, inset, size } => {
                    let x = (to % width as usize) as u32;
                    let y = (to / width as usize) as u32;
                    ramp.at(x.saturating_sub(*inset), y.saturating_sub(*inset), *size)
                }
            };
            data[to] = over(premultiplied(color, ink), data[to]);
        });
    }

    /// Draws a picture of premultiplied RGBA bytes.
    pub(super) fn draw_picture(&mut self, at: (i32, i32), size: (u32, u32), pixels: &[u8]) {
        let data = &mut self.data;
        each_inside(at, size, (self.width, self.height), |from, to| {
            if let Some([r, g, b, a]) = pixels.get(from * 4..from * 4 + 4) {
                data[to] = over([*r, *g, *b, *a], data[to]);
            }
        });
    }

    /// Draws another canvas of this size.
    pub(super) fn over(&mut self, above: &Self) {
        for (below, above) in self.data.iter_mut().zip(&above.data) {
            *below = over(*above, *below);
        }
    }

    /// The bytes, with straight alpha.
    pub(super) fn into_pixels(self) -> Pixels {
        let mut data = Vec::with_capacity(self.data.len() * 4);
        for [r, g, b, a] in self.data {
            let straight = |value: u8| match a {
                0 => 0,
                a => ((u32::from(value) * 255 + u32::from(a) / 2) / u32::from(a)).min(255) as u8,
            };
            data.extend_from_slice(&[straight(r), straight(g), straight(b), a]);
        }
        Pixels {
            width: self.width,
            height: self.height,
            data,
        }
    }
}

/// A picture of any size: RGBA, straight alpha.
#[derive(Clone, Debug)]
pub(in crate::source) struct Pixels {
    pub(in crate::source) width: u32,
    pub(in crate::source) height: u32,
    pub(in crate::source) data: Vec<u8>,
}

impl Pixels {
    /// As a frame; its sides are 16 384 at most.
    pub(in crate::source) fn into_frame(self, timestamp: Timestamp) -> Frame {
        color::rgba(self.width, self.height, self.data, timestamp)
    }
}

/// Calls with the indices of each pixel of `size` at `at` that lies inside `within`: in the one, in the other.
fn each_inside(
    at: (i32, i32),
    size: (u32, u32),
    within: (u32, u32),
    mut with: impl FnMut(usize, usize),
) {
    let range = |at: i32, size: u32, side: u32| {
        let from = (-at).max(0);
        let to = (side as i32 - at).min(size as i32);
        from..to.max(from)
    };
    for y in range(at.1, size.1, within.1) {
        for x in range(at.0, size.0, within.0) {
            let from = y as usize * size.0 as usize + x as usize;
            let to = (y + at.1) as usize * within.0 as usize + (x + at.0) as usize;
            with(from, to);
        }
    }
}

fn premultiplied(color: [u8; 4], ink: u8) -> [u8; 4] {
    let alpha = scaled(color[3], ink);
    [
        scaled(color[0], alpha),
        scaled(color[1], alpha),
        scaled(color[2], alpha),
        alpha,
    ]
}

fn over(above: [u8; 4], below: [u8; 4]) -> [u8; 4] {
    let left = 255 - above[3];
    std::array::from_fn(|at| above[at].saturating_add(scaled(below[at], left)))
}

/// a × b / 255, rounded.
fn scaled(a: u8, b: u8) -> u8 {
    let product = u32::from(a) * u32::from(b) + 128;
    ((product + (product >> 8)) >> 8) as u8
}
