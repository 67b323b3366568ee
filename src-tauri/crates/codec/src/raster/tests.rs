use media::Timestamp;

use super::*;

#[test]
fn sizes_fit_and_keep_their_shape() {
    for ((w, h), (mw, mh), expect) in [
        ((1280, 720), (960, 540), (960, 540)),
        ((1280, 720), (640, 640), (640, 360)),
        ((720, 1280), (960, 540), (304, 540)),
        ((640, 360), (960, 540), (640, 360)),
        ((641, 361), (960, 540), (641, 361)),
        ((16384, 1), (100, 100), (100, 1)),
        ((1920, 1080), (0, 0), (1, 1)),
    ] {
        assert_eq!(fit(w, h, mw, mh), expect, "{w}×{h} into {mw}×{mh}");
    }
}

#[test]
fn shrinking_averages_areas_and_keeps_brightness() {
    let mut out = [0; 4];
    let source: Vec<u8> = (0..16).map(|i| if i % 2 == 0 { 0 } else { 200 }).collect();
    shrink(&source, 4, (4, 4), &mut out, (2, 2));
    assert_eq!(out, [100; 4]);

    // A flat picture stays flat at any ratio, with stride.
    for (w, h, tw, th) in [
        (7, 5, 3, 2),
        (1280, 3, 960, 2),
        (100, 100, 1, 1),
        (5, 5, 5, 4),
    ] {
        for value in [0u8, 1, 127, 254, 255] {
            let source = vec![value; (w + 3) * h];
            let mut out = vec![9; tw * th];
            shrink(&source, w + 3, (w, h), &mut out, (tw, th));
            assert!(out.iter().all(|&p| p == value), "{w}×{h} {value}: {out:?}");
        }
    }
}

#[test]
fn colours_come_out_as_rgb_says() {
    // White, black and the primaries in BT.709 limited and BT.601 full (from the standards' matrices).
    let table = [
        ([235, 128, 128], [255, 128, 128]),
        ([16, 128, 128], [0, 128, 128]),
        ([63, 102, 240], [76, 85, 255]),
        ([173, 42, 26], [150, 44, 21]),
        ([32, 240, 118], [29, 255, 107]),
    ];
    for (from, to) in table {
        let mut buffer = [from[0], from[0], from[0], from[0], from[1], from[2]];
        to_jpeg_color(&mut buffer, 2, 2, Color::default());
        let got = [buffer[0], buffer[4], buffer[5]];
        let off = got
            .iter()
            .zip(to)
            .map(|(a, b): (&u8, u8)| a.abs_diff(b))
            .max();
        assert!(off <= Some(1), "{from:?} became {got:?}, not {to:?}");
    }
    // Range alone.
    let limited = Color {
        matrix: Matrix::Bt601,
        range: Range::Limited,
    };
    let mut buffer = [16, 235, 126, 16, 128, 128];
    to_jpeg_color(&mut buffer, 2, 2, limited);
    assert_eq!(buffer, [0, 255, 128, 0, 128, 128]);
}

fn flat(format: PixelFormat, width: u32, height: u32, pixel: [u8; 4]) -> Frame {
    let data: Vec<u8> = match format {
        PixelFormat::I420 | PixelFormat::Nv12 => {
            let luma = (width * height) as usize;
            let chroma = Frame::packed_len(format, width, height) - luma;
            let mut data = vec![pixel[0]; luma];
            if format == PixelFormat::I420 {
                data.extend(vec![pixel[1]; chroma / 2]);
                data.extend(vec![pixel[2]; chroma / 2]);
            } else {
                data.extend([pixel[1], pixel[2]].repeat(chroma / 2));
            }
            data
        }
        PixelFormat::Yuyv => [pixel[0], pixel[1], pixel[0], pixel[2]]
            .repeat(Frame::packed_len(format, width, height) / 4),
        _ => pixel.repeat((width * height) as usize),
    };
    Frame::packed(format, width, height, JPEG, Timestamp::ZERO, data.into()).unwrap()
}

#[test]
fn every_raw_format_becomes_planes() {
    let cases = [
        (PixelFormat::I420, [76, 85, 255, 0]),
        (PixelFormat::Nv12, [76, 85, 255, 0]),
        (PixelFormat::Yuyv, [76, 85, 255, 0]),
        (PixelFormat::Rgba, [255, 0, 0, 255]),
        (PixelFormat::Bgrx, [0, 0, 255, 0]),
    ];
    for (width, height) in [(16, 16), (17, 9), (1, 1), (34, 3)] {
        for (format, pixel) in cases {
            let out = to_i420(&flat(format, width, height, pixel)).unwrap();
            assert_eq!((out.width(), out.height()), (width, height));
            for (plane, expect) in out.planes().iter().zip([76u8, 85, 255]) {
                let row = plane.data.chunks(plane.stride).next().unwrap();
                let off = row.iter().map(|p| p.abs_diff(expect)).max();
                assert!(off <= Some(2), "{format:?} {width}×{height}: {row:?}");
            }
        }
    }
}
