//! The frame number as black and white cells.

use media::{Frame, PixelFormat};

use super::{BLACK, Picture, WHITE};

const CELLS: usize = 40;
const SYNC: [bool; 4] = [true, false, true, false];

/// The least between the luma of white and black cells for a picture to have a counter.
const CONTRAST: f32 = 60.0;

fn cells(n: u32) -> impl Iterator<Item = bool> {
    let bits = (0..32).rev().map(move |bit| n >> bit & 1 == 1);
    let checksum = checksum(n);
    let check = (0..4).rev().map(move |bit| checksum >> bit & 1 == 1);
    SYNC.into_iter().chain(bits).chain(check)
}

/// The exclusive or of the eight groups of four bits.
fn checksum(n: u32) -> u32 {
    (0..8).fold(0, |sum, group| sum ^ (n >> (group * 4) & 0xf))
}

pub(super) fn draw(picture: &mut Picture<'_>, n: u32) {
    let width = picture.width;
    let side = (width / CELLS).max(1);
    let top = picture.height.saturating_sub(side);
    for (index, white) in cells(n).enumerate() {
        let (left, right) = (index * width / CELLS, (index + 1) * width / CELLS);
        let grey = if white { WHITE } else { BLACK };
        picture.fill(left, top, right - left, side, grey);
    }
}

/// The frame number in a picture of the test signal, of any size and raw format; `None` when it carries
/// none, or one that is damaged.
pub fn read_counter(frame: &Frame) -> Option<u32> {
    let lightness = |index: usize| cell(frame, index);
    let white = (lightness(0)? + lightness(2)?) / 2.0;
    let black = (lightness(1)? + lightness(3)?) / 2.0;
    if white - black < CONTRAST {
        return None;
    }
    let middle = (white + black) / 2.0;
    let mut read = [false; CELLS];
    for (index, bit) in read.iter_mut().enumerate() {
        *bit = lightness(index)? > middle;
    }
    let number = |bits: &[bool]| bits.iter().fold(0, |sum, bit| sum << 1 | u32::from(*bit));
    let n = number(&read[4..36]);
    (read[..4] == SYNC && number(&read[36..]) == checksum(n)).then_some(n)
}

/// The mean lightness of the middle half of a cell.
fn cell(frame: &Frame, index: usize) -> Option<f32> {
    let (offset, step) = match frame.format() {
        PixelFormat::I420 | PixelFormat::Nv12 => (0, 1),
        PixelFormat::Yuyv => (0, 2),
        // Green stands for lightness well enough where all is grey.
        PixelFormat::Rgba | PixelFormat::Bgrx => (1, 4),
        PixelFormat::Mjpeg => return None,
    };
    let (width, height) = (frame.width() as f32, frame.height() as f32);
    let side = width / CELLS as f32;
    let plane = &frame.planes()[0];
    let middle = |centre: f32, limit: f32| {
        let from = (centre - side / 4.0).clamp(0.0, limit - 1.0);
        let to = (centre + side / 4.0).clamp(from, limit - 1.0);
        from as usize..=to as usize
    };
    let mut sum = 0.0;
    let mut count = 0.0;
    for y in middle(height - side / 2.0, height) {
        for x in middle((index as f32 + 0.5) * side, width) {
            sum += f32::from(*plane.data.get(y * plane.stride + x * step + offset)?);
            count += 1.0;
        }
    }
    Some(sum / count)
}
