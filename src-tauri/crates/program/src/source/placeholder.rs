//! What stands in for a source that has no picture.

use media::{Frame, Timestamp};
use scene::TextStyle;

use super::color;
use super::text::Raster;

const WIDTH: u32 = 960;
const HEIGHT: u32 = 540;

/// Between the text and the edges, in pixels.
const MARGIN: u32 = 80;

/// A calm dark picture that says which source is missing and why: RGBA, 960 × 540, opaque.
pub fn picture(raster: &mut Raster, name: &str, reason: &str, timestamp: Timestamp) -> Frame {
    let mut pixels = background();
    let width = (WIDTH - 2 * MARGIN) as f32;
    let name = raster.raster(
        name,
        &TextStyle {
            size: 44.0,
            bold: true,
            color: "#e6e8ec".into(),
            ..TextStyle::default()
        },
        width,
        timestamp,
    );
    let reason = raster.raster(
        reason,
        &TextStyle {
            size: 28.0,
            color: "#9aa3af".into(),
            ..TextStyle::default()
        },
        width,
        timestamp,
    );
    let gap = 14;
    let both = name.height() + gap + reason.height();
    let top = HEIGHT.saturating_sub(both) / 2;
    draw(&mut pixels, &name, top);
    draw(&mut pixels, &reason, top + name.height() + gap);
    color::rgba(WIDTH, HEIGHT, pixels, timestamp)
}

/// Dark, a little lighter towards the top, in a thin frame.
fn background() -> Vec<u8> {
    let mut pixels = Vec::with_capacity((WIDTH * HEIGHT * 4) as usize);
    for y in 0..HEIGHT {
        let fall = (y * 10 / HEIGHT) as u8;
        let plain = [32 - fall, 35 - fall, 41 - fall, 255];
        for x in 0..WIDTH {
            let border = x.min(y).min(WIDTH - 1 - x).min(HEIGHT - 1 - y) < 2;
            pixels.extend_from_slice(&if border { [58, 63, 71, 255] } else { plain });
        }
    }
    pixels
}

/// Blends text into the middle of the picture; what stands over is cut off.
fn draw(pixels: &mut [u8], text: &Frame, top: u32) {
    let left = WIDTH.saturating_sub(text.width()) / 2;
    let rows = text.planes()[0]
        .data
        .chunks_exact(text.width() as usize * 4);
    for (y, row) in (top..HEIGHT).zip(rows) {
        for (x, from) in (left..WIDTH).zip(row.chunks_exact(4)) {
            let at = ((y * WIDTH + x) * 4) as usize;
            let alpha = u32::from(from[3]);
            for (to, from) in pixels[at..at + 3].iter_mut().zip(from) {
                let mixed = u32::from(*from) * alpha + u32::from(*to) * (255 - alpha);
                *to = ((mixed + 127) / 255) as u8;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_dark_opaque_and_says_something() {
        let frame = picture(
            &mut Raster::new(),
            "Camera",
            "unplugged, waiting for it",
            Timestamp::ZERO,
        );
        let pixels = frame.planes()[0].data.chunks_exact(4);
        assert!(pixels.clone().all(|pixel| pixel[3] == 255));
        let light = pixels.clone().filter(|pixel| pixel[1] > 150).count();
        assert!((500..40_000).contains(&light), "{light}");
        let mean = pixels.map(|pixel| usize::from(pixel[1])).sum::<usize>() / (960 * 540);
        assert!(mean < 50, "{mean}");
    }

    #[test]
    fn long_words_and_none_fit() {
        let mut raster = Raster::new();
        for (name, reason) in [("", ""), (&*"n".repeat(500), &*"reason ".repeat(400))] {
            let frame = picture(&mut raster, name, reason, Timestamp::ZERO);
            assert_eq!((frame.width(), frame.height()), (960, 540));
        }
    }
}
