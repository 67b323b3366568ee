use media::Timestamp;

use super::*;

/// A picture with something different in each pixel, as planes of `format` with padded strides.
fn pattern(format: PixelFormat, width: u32, height: u32, color: Color, padding: usize) -> Frame {
    let mut state = 7_u32;
    let planes = (0..format.planes()).map(|index| {
        let (row, rows) = format.plane_size(index, width, height);
        let stride = row + padding;
        // Not a byte after the last pixel: what strict callers hand over.
        let data: Vec<u8> = (0..stride * (rows - 1) + row)
            .map(|at| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = (state >> 24) as u8 / 8;
                (((at % stride) * 7 + (at / stride) * 5) as u8 / 2 + 48).saturating_add(noise)
            })
            .collect();
        media::Plane {
            data: data.into(),
            stride,
        }
    });
    let planes: Vec<_> = planes.collect();
    Frame::new(format, width, height, color, Timestamp::ZERO, planes).unwrap()
}

fn byte(frame: &Frame, plane: usize, x: u32, y: u32) -> f32 {
    let plane = &frame.planes()[plane];
    f32::from(plane.data[y as usize * plane.stride + x as usize])
}

/// Premultiplied RGBA of the mean of a block, by the book.
fn expected(frame: &Frame, level: u32, x: u32, y: u32) -> [f32; 4] {
    let factor = 1 << level;
    let mut sum = [0.0; 4];
    let mut count = 0.0;
    for y in (y * factor..(y + 1) * factor).take_while(|y| *y < frame.height()) {
        for x in (x * factor..(x + 1) * factor).take_while(|x| *x < frame.width()) {
            let b = |plane, x, y| byte(frame, plane, x, y);
            let value = match frame.format() {
                PixelFormat::I420 => [b(0, x, y), b(1, x / 2, y / 2), b(2, x / 2, y / 2), 255.0],
                PixelFormat::Nv12 => [
                    b(0, x, y),
                    b(1, x / 2 * 2, y / 2),
                    b(1, x / 2 * 2 + 1, y / 2),
                    255.0,
                ],
                PixelFormat::Yuyv => [
                    b(0, x * 2, y),
                    b(0, x / 2 * 4 + 1, y),
                    b(0, x / 2 * 4 + 3, y),
                    255.0,
                ],
                PixelFormat::Rgba => {
                    let alpha = b(0, x * 4 + 3, y);
                    let c = |c| b(0, x * 4 + c, y) * alpha / 255.0;
                    [c(0), c(1), c(2), alpha]
                }
                _ => [
                    b(0, x * 4 + 2, y),
                    b(0, x * 4 + 1, y),
                    b(0, x * 4, y),
                    255.0,
                ],
            };
            for (sum, value) in sum.iter_mut().zip(value) {
                *sum += value;
            }
            count += 1.0;
        }
    }
    let mean = sum.map(|sum| sum / count);
    if matches!(frame.format(), PixelFormat::Rgba | PixelFormat::Bgrx) {
        return mean;
    }
    let rows = to_rgb(frame.color());
    let channel = |row: [f32; 4]| {
        let value: f32 = row[..3].iter().zip(mean).map(|(a, b)| a * b).sum();
        (value + row[3] * 255.0).clamp(0.0, 255.0)
    };
    [channel(rows[0]), channel(rows[1]), channel(rows[2]), 255.0]
}

fn check(format: PixelFormat, width: u32, height: u32, color: Color, level: u32) {
    for padding in [0, 6] {
        let frame = pattern(format, width, height, color, padding);
        let (to_width, to_height) = reduced(width, height, level);
        let stride = to_width as usize * 4 + 12;
        let mut scratch = Scratch::default();
        // Odd pictures are cut through a block of chroma at their far edges when halved more than once.
        let cut = level > 1 && (width % 2 == 1 || height % 2 == 1);
        let threshold = match level {
            0 => 2.0,
            // Means are rounded as Y, U and V before they become colours.
            _ => 3.0,
        };
        for top in (0..to_height).step_by(BAND as usize) {
            let count = BAND.min(to_height - top);
            let mut out = vec![0; stride * count as usize];
            band(&frame, level, top, count, &mut out, stride, &mut scratch).unwrap();
            for y in 0..count {
                for x in 0..to_width {
                    if cut && (x + 1 == to_width || top + y + 1 == to_height) {
                        continue;
                    }
                    let got = &out[y as usize * stride + x as usize * 4..][..4];
                    let want = expected(&frame, level, x, top + y);
                    for (got, want) in got.iter().zip(want) {
                        assert!(
                            (f32::from(*got) - want).abs() <= threshold,
                            "{format:?} {width}×{height} {color:?} level {level}: {got} for {want} at {x},{}",
                            top + y
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn every_format_size_and_level_is_what_the_book_says() {
    for format in [
        PixelFormat::I420,
        PixelFormat::Nv12,
        PixelFormat::Yuyv,
        PixelFormat::Rgba,
        PixelFormat::Bgrx,
    ] {
        for (width, height) in [(64, 36), (37, 19), (1, 1), (2, 33)] {
            for level in 0..4 {
                check(format, width, height, Color::default(), level);
            }
        }
    }
}

#[test]
fn every_colour_is_what_the_book_says() {
    for matrix in [Matrix::Bt601, Matrix::Bt709] {
        for range in [Range::Limited, Range::Full] {
            for format in [PixelFormat::I420, PixelFormat::Nv12, PixelFormat::Yuyv] {
                check(format, 48, 20, Color { matrix, range }, 0);
                check(format, 48, 20, Color { matrix, range }, 1);
            }
        }
    }
}

#[test]
fn the_canvas_becomes_i420_of_bt709_limited() {
    // Colour, and its Y, U and V by the book.
    for (rgb, yuv) in [
        ([0, 0, 0], [16, 128, 128]),
        ([255, 255, 255], [235, 128, 128]),
        ([255, 0, 0], [63, 102, 240]),
        ([0, 255, 0], [173, 42, 26]),
        ([0, 0, 255], [32, 240, 118]),
    ] {
        for (width, height) in [(8, 4), (5, 3), (1, 1)] {
            let stride = width as usize * 4 + 8;
            let mut rgba = vec![0; stride * height as usize];
            for pixel in rgba.chunks_exact_mut(4) {
                pixel.copy_from_slice(&[rgb[0], rgb[1], rgb[2], 255]);
            }
            let mut out = vec![0; Frame::packed_len(PixelFormat::I420, width, height)];
            canvas_to_i420(&rgba, stride, width, height, &mut out).unwrap();
            let luma = (width * height) as usize;
            let chroma = (width.div_ceil(2) * height.div_ceil(2)) as usize;
            let near = |bytes: &[u8], want: u8| bytes.iter().all(|got| got.abs_diff(want) <= 1);
            assert!(near(&out[..luma], yuv[0]), "{rgb:?}: Y {:?}", &out[..luma]);
            assert!(near(&out[luma..luma + chroma], yuv[1]), "{rgb:?}: U");
            assert!(near(&out[luma + chroma..], yuv[2]), "{rgb:?}: V");
        }
    }
}

#[test]
fn compressed_frames_are_left_alone() {
    let frame = Frame::packed(
        PixelFormat::Mjpeg,
        8,
        8,
        Color::default(),
        Timestamp::ZERO,
        vec![0xff, 0xd8].into(),
    )
    .unwrap();
    let mut out = vec![9; 8 * 4 * 8];
    band(&frame, 0, 0, 8, &mut out, 32, &mut Scratch::default()).unwrap();
    assert!(out.iter().all(|byte| *byte == 9));
}

#[test]
fn two_pictures_are_mixed_as_one_would_be() {
    // Higher than a band, odd, and with padding.
    let (width, height) = (9, 37);
    let stride = width as usize * 4 + 4;
    let picture = |step: usize| -> Vec<u8> {
        let bytes = (0..stride * height as usize).map(|at| (at * step) as u8);
        bytes.collect()
    };
    let (first, second) = (picture(3), picture(7));
    let len = Frame::packed_len(PixelFormat::I420, width, height);
    for share in [0, 64, 128, 256] {
        let mixed: Vec<u8> = first
            .iter()
            .zip(&second)
            .map(|(a, b)| {
                ((u32::from(*a) * (256 - share) + u32::from(*b) * share + 128) / 256) as u8
            })
            .collect();
        let mut expect = vec![0; len];
        canvas_to_i420(&mixed, stride, width, height, &mut expect).unwrap();
        let (mut got, mut band) = (vec![0; len], Vec::new());
        let both = (first.as_slice(), second.as_slice());
        let size = (width, height);
        mix_to_i420(both, share as u16, stride, size, &mut band, &mut got).unwrap();
        let apart = expect.iter().zip(&got).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(apart <= Some(1), "{share}: {apart:?}");
    }
}
