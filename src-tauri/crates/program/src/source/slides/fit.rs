//! Pictures made as large as the canvas, and mixed.

use image::RgbaImage;
use image::imageops::{FilterType, overlay, resize};
use media::{Frame, Timestamp};
use scene::Canvas;

use crate::source::color;

/// A picture as large as the canvas: all of it, centred, the rest clear. RGBA, straight alpha.
pub(super) fn fitted(frame: &Frame, canvas: Canvas) -> Frame {
    let Canvas { width, height, .. } = canvas;
    if (frame.width(), frame.height()) == (width, height) {
        return frame.clone();
    }
    let bytes = frame.planes().first().map(|plane| plane.data.to_vec());
    let picture = bytes.and_then(|data| RgbaImage::from_raw(frame.width(), frame.height(), data));
    let Some(picture) = picture else {
        return frame.clone();
    };
    let scale = (f64::from(width) / f64::from(frame.width()))
        .min(f64::from(height) / f64::from(frame.height()));
    let side = |of: u32, most: u32| ((f64::from(of) * scale).round() as u32).clamp(1, most);
    let (w, h) = (side(frame.width(), width), side(frame.height(), height));
    let small = resize(&picture, w, h, FilterType::Triangle);
    let mut whole = RgbaImage::new(width, height);
    let at = |whole: u32, part: u32| i64::from((whole - part) / 2);
    overlay(&mut whole, &small, at(width, w), at(height, h));
    color::rgba(width, height, whole.into_raw(), Timestamp::ZERO)
}

/// Two pictures of one size mixed, `part` of 256 of the second.
pub(super) fn mixed(from: &Frame, to: &Frame, part: u16) -> Frame {
    let (Some(a), Some(b)) = (from.planes().first(), to.planes().first()) else {
        return to.clone();
    };
    if a.data.len() != b.data.len() {
        return to.clone();
    }
    let (more, less) = (u32::from(part.min(256)), 256 - u32::from(part.min(256)));
    let mut data = vec![0; a.data.len()];
    let pixels = a
        .data
        .as_chunks::<4>()
        .0
        .iter()
        .zip(b.data.as_chunks::<4>().0);
    for (out, (a, b)) in data.as_chunks_mut::<4>().0.iter_mut().zip(pixels) {
        // By how much each covers: what is clear has no colour to give.
        let (wa, wb) = (less * u32::from(a[3]), more * u32::from(b[3]));
        let both = wa + wb;
        if both == 0 {
            continue;
        }
        for n in 0..3 {
            out[n] = ((wa * u32::from(a[n]) + wb * u32::from(b[n]) + both / 2) / both) as u8;
        }
        out[3] = ((both + 128) >> 8).min(255) as u8;
    }
    color::rgba(to.width(), to.height(), data, to.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(width: u32, height: u32, pixel: [u8; 4]) -> Frame {
        let data = pixel.repeat((width * height) as usize);
        color::rgba(width, height, data, Timestamp::ZERO)
    }

    fn pixel(frame: &Frame, x: u32, y: u32) -> [u8; 4] {
        let at = ((y * frame.width() + x) * 4) as usize;
        let data = &frame.planes()[0].data;
        [data[at], data[at + 1], data[at + 2], data[at + 3]]
    }

    #[test]
    fn a_picture_is_fitted_whole_and_centred() {
        let canvas = Canvas {
            width: 64,
            height: 32,
            fps: 30,
        };
        for (width, height) in [(8, 8), (640, 640)] {
            let frame = fitted(&flat(width, height, [200, 100, 50, 255]), canvas);
            assert_eq!((frame.width(), frame.height()), (64, 32));
            assert_eq!(pixel(&frame, 15, 16)[3], 0, "clear beside it");
            assert_eq!(pixel(&frame, 16, 0), [200, 100, 50, 255]);
            assert_eq!(pixel(&frame, 47, 31), [200, 100, 50, 255]);
            assert_eq!(pixel(&frame, 48, 16)[3], 0);
        }
    }

    #[test]
    fn pictures_are_mixed_by_their_parts() {
        let (red, blue) = (flat(2, 2, [255, 0, 0, 255]), flat(2, 2, [0, 0, 255, 255]));
        let clear = flat(2, 2, [0, 0, 0, 0]);
        for (a, b, part, expect) in [
            (&red, &blue, 0, [255, 0, 0, 255]),
            (&red, &blue, 128, [128, 0, 128, 255]),
            (&red, &blue, 256, [0, 0, 255, 255]),
            (&red, &clear, 128, [255, 0, 0, 128]),
            (&clear, &clear, 99, [0, 0, 0, 0]),
        ] {
            assert_eq!(pixel(&mixed(a, b, part), 1, 1), expect, "{part}");
        }
    }
}
