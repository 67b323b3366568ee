//! A signal that can be measured: a pattern with timecode and a counter that machines read, a tone, and
//! once a second a flash and a beep in step.
//!
//! # The picture
//! Of `width` × `height` pixels, whatever the pattern:
//!
//! * **Counter.** A row of 40 square cells along the bottom edge, each `s = width / 40` pixels wide and high.
//!   Cell `i` (0 at the left) covers x from `i × s` to `(i + 1) × s` and y from `height − s` to `height`; its
//!   middle is at `((i + 0.5) × s, height − s / 2)`. Cells are white (1) or black (0):
//!   cells 0 to 3 are white, black, white, black; cells 4 to 35 are the bits of the frame number as
//!   32-bit unsigned integer, most significant first; cells 36 to 39 are the exclusive or of its
//!   eight groups of four bits, most significant first. At 1280 × 720 a cell has 32 pixels, at 640 × 360 it
//!   has 16. Read the middle half of a cell, and take for 1 what is lighter than halfway between the
//!   black and the white ones of the first four. [`read_counter`] does it.
//! * **Flash.** A box from 13/16 to 15/16 of the width and from 1/16 to 3/16 of the height: white during the
//!   first tenth of every second (at 30 fps the frames whose number divided by 30 leaves 0, 1 or 2), black otherwise.
//! * **Timecode.** Hours, minutes, seconds and frames of the frame number, in the lower middle.
//!
//! # The sound
//! 1 kHz with a peak of −20 dBFS all the time, and 2 kHz with a peak of −6 dBFS on top of it during the first
//! 100 ms of every second: it begins with the first frame of the flash.

mod counter;
mod pattern;
mod sound;

use media::{BufferPool, Frame, PixelFormat, Timestamp};
use scene::{Pattern, TextStyle};

use super::color;
use super::text::{MONO, Raster};
use pattern::Background;

pub use counter::read_counter;
pub use sound::sound;

const BLACK: u8 = 16;
const WHITE: u8 = 235;
const GREY: u8 = 128;

/// Makes the pictures of the test signal.
#[derive(Debug)]
pub struct TestSignal {
    width: usize,
    height: usize,
    fps: u32,
    background: Background,
    figures: Figures,
    pool: BufferPool,
}

/// The figures of the timecode as tiles of luma, white on black, all of one size.
#[derive(Debug)]
struct Figures {
    width: usize,
    height: usize,
    /// 0 to 9 and the colon.
    tiles: Vec<Vec<u8>>,
}

impl TestSignal {
    /// For pictures of this size (1 to 16 384 pixels each way) and rate; a rate of 0 counts as 1.
    pub fn new(pattern: Pattern, width: u32, height: u32, fps: u32) -> Self {
        let width = width.clamp(1, Frame::MAX_SIDE) as usize;
        let height = height.clamp(1, Frame::MAX_SIDE) as usize;
        Self {
            width,
            height,
            fps: fps.max(1),
            background: Background::new(pattern, width, height),
            figures: Figures::new(height as f32 / 11.0),
            pool: BufferPool::new(6),
        }
    }

    /// Picture number `n` of the signal: I420, BT.709 limited.
    pub fn picture(&mut self, n: u32, timestamp: Timestamp) -> Frame {
        let (width, height) = (self.width, self.height);
        let size = (width as u32, height as u32);
        let mut data = self
            .pool
            .take(Frame::packed_len(PixelFormat::I420, size.0, size.1));
        let mut picture = Picture::new(&mut data, width, height);
        self.background.draw(&mut picture, n, self.fps);
        let flash = (n % self.fps) * 10 < self.fps;
        picture.fill(
            width * 13 / 16,
            height / 16,
            width / 8,
            height / 8,
            if flash { WHITE } else { BLACK },
        );
        self.timecode(&mut picture, n);
        counter::draw(&mut picture, n);
        color::packed(PixelFormat::I420, size.0, size.1, data.freeze(), timestamp)
    }

    fn timecode(&self, picture: &mut Picture<'_>, n: u32) {
        let seconds = n / self.fps;
        let mut figures = [10; 11];
        for (pair, value) in [
            seconds / 3600 % 100,
            seconds / 60 % 60,
            seconds % 60,
            n % self.fps % 100,
        ]
        .into_iter()
        .enumerate()
        {
            figures[pair * 3] = value as usize / 10;
            figures[pair * 3 + 1] = value as usize % 10;
        }
        let (width, height) = (self.figures.width, self.figures.height);
        let all = width * figures.len();
        let left = (picture.width.saturating_sub(all) / 2) & !1;
        let top = (picture.height * 3 / 4) & !1;
        let border = (height / 6).next_multiple_of(2);
        picture.fill(
            left.saturating_sub(border),
            top.saturating_sub(border / 2),
            all + 2 * border,
            height + border,
            BLACK,
        );
        for (at, figure) in figures.into_iter().enumerate() {
            picture.tile(left + at * width, top, width, &self.figures.tiles[figure]);
        }
    }
}

impl Figures {
    fn new(size: f32) -> Self {
        let style = TextStyle {
            font: MONO.into(),
            size,
            bold: true,
            ..TextStyle::default()
        };
        let mut raster = Raster::new();
        let masks: Vec<_> = (0..11)
            .map(|figure| raster.mask(&char::from(b'0' + figure).to_string(), &style))
            .collect();
        let width = masks.iter().map(|(width, ..)| *width).max().unwrap_or(1) as usize;
        let height = masks
            .iter()
            .map(|(_, height, _)| *height)
            .max()
            .unwrap_or(1) as usize;
        let tiles = masks
            .iter()
            .map(|(mask_width, _, ink)| {
                let mut tile = vec![BLACK; width * height];
                let rows = ink.chunks_exact(*mask_width as usize);
                for (to, from) in tile.chunks_exact_mut(width).zip(rows) {
                    for (to, ink) in to.iter_mut().zip(from) {
                        *to = BLACK + (u32::from(*ink) * u32::from(WHITE - BLACK) / 255) as u8;
                    }
                }
                tile
            })
            .collect();
        Self {
            width,
            height,
            tiles,
        }
    }
}

/// The planes of an I420 picture, to draw on.
struct Picture<'a> {
    width: usize,
    height: usize,
    luma: &'a mut [u8],
    blue: &'a mut [u8],
    red: &'a mut [u8],
}

impl<'a> Picture<'a> {
    fn new(data: &'a mut [u8], width: usize, height: usize) -> Self {
        let (luma, chroma) = data.split_at_mut(width * height);
        let (blue, red) = chroma.split_at_mut(width.div_ceil(2) * height.div_ceil(2));
        Self {
            width,
            height,
            luma,
            blue,
            red,
        }
    }

    /// Fills a box with a grey; what stands over is cut off.
    fn fill(&mut self, left: usize, top: usize, width: usize, height: usize, grey: u8) {
        self.paint(left, top, width, height, [grey, GREY, GREY]);
    }

    /// Fills a box with a colour; what stands over is cut off.
    fn paint(&mut self, left: usize, top: usize, width: usize, height: usize, [y, u, v]: [u8; 3]) {
        let right = (left + width).min(self.width);
        let bottom = (top + height).min(self.height);
        if left >= right || top >= bottom {
            return;
        }
        for row in self.luma[top * self.width..bottom * self.width].chunks_exact_mut(self.width) {
            row[left..right].fill(y);
        }
        let half = self.width.div_ceil(2);
        let lines = (top / 2) * half..bottom.div_ceil(2) * half;
        let columns = left / 2..right.div_ceil(2);
        for (plane, value) in [(&mut *self.blue, u), (&mut *self.red, v)] {
            for row in plane[lines.clone()].chunks_exact_mut(half) {
                row[columns.clone()].fill(value);
            }
        }
    }

    /// Copies luma; what stands over is cut off.
    fn tile(&mut self, left: usize, top: usize, width: usize, tile: &[u8]) {
        let across = width.min(self.width.saturating_sub(left));
        let rows = tile.chunks_exact(width);
        let lines = self.luma.chunks_exact_mut(self.width).skip(top);
        for (to, from) in lines.zip(rows) {
            to[left.min(self.width)..][..across].copy_from_slice(&from[..across]);
        }
    }
}

#[cfg(test)]
mod tests;
