use media::{Color, Matrix, Range, Timestamp};

use super::*;
use crate::decode;
use crate::testing::{Scenery, psnr};

#[test]
fn a_jpeg_looks_like_its_frame() {
    let scenery = Scenery::new();
    let full = Color {
        matrix: Matrix::Bt601,
        range: Range::Full,
    };
    for (width, height) in [(640, 360), (641, 359), (16, 16), (2, 2), (1, 1)] {
        let frame = scenery.picture(0, width, height, Timestamp::ZERO);
        // Already as JPEG has it, so that nothing but the coding differs.
        let planes = frame.planes().to_vec();
        let frame = Frame::new(
            PixelFormat::I420,
            width,
            height,
            full,
            Timestamp::ZERO,
            planes,
        )
        .unwrap();
        let file = jpeg(&frame, 10_000, 10_000, 90).unwrap();
        let back = decode::picture::jpeg(&file, Timestamp::from_millis(5)).unwrap();
        assert_eq!((back.width(), back.height()), (width, height));
        assert_eq!(
            (back.timestamp(), back.color()),
            (Timestamp::from_millis(5), full)
        );
        let db = psnr(&frame, &back);
        assert!(db > 30.0, "{width}×{height}: {db:.1} dB");
    }
}

#[test]
fn large_frames_are_made_to_fit() {
    let scenery = Scenery::new();
    let frame = scenery.picture(0, 1280, 720, Timestamp::ZERO);
    let file = jpeg(&frame, 960, 540, 70).unwrap();
    let back = decode::picture::jpeg(&file, Timestamp::ZERO).unwrap();
    assert_eq!((back.width(), back.height()), (960, 540));
    assert!(file.len() < 200_000, "{} bytes", file.len());
}

#[test]
fn colours_survive_from_any_format() {
    // Red on the canvas (BT.709 limited), from a camera and from a screen.
    let cases = [
        (PixelFormat::I420, Color::default(), [63, 102, 240, 0]),
        (PixelFormat::Rgba, Color::default(), [255, 0, 0, 255]),
        (PixelFormat::Bgrx, Color::default(), [0, 0, 255, 0]),
    ];
    for (format, color, pixel) in cases {
        let data: Vec<u8> = if format == PixelFormat::I420 {
            [
                vec![pixel[0]; 64 * 64],
                vec![pixel[1]; 32 * 32],
                vec![pixel[2]; 32 * 32],
            ]
            .concat()
        } else {
            pixel.repeat(64 * 64)
        };
        let frame = Frame::packed(format, 64, 64, color, Timestamp::ZERO, data.into()).unwrap();
        let file = jpeg(&frame, 64, 64, 95).unwrap();
        let picture = decode::picture::file(&file).unwrap();
        let rgba = &picture.frames[0].0.planes()[0].data;
        let near = rgba
            .chunks(4)
            .all(|p| p[0] > 248 && p[1] < 8 && p[2] < 8 && p[3] == 255);
        assert!(near, "{format:?}: {:?}", &rgba[..4]);
    }
    // A picture in a picture: MJPEG in, JPEG out.
    let frame = Frame::black(32, 32, Timestamp::ZERO).unwrap();
    let file = jpeg(&frame, 32, 32, 80).unwrap();
    let mjpeg = Frame::packed(
        PixelFormat::Mjpeg,
        32,
        32,
        Color::default(),
        Timestamp::ZERO,
        file,
    )
    .unwrap();
    assert!(jpeg(&mjpeg, 16, 16, 80).is_ok());
    let broken = Frame::packed(
        PixelFormat::Mjpeg,
        32,
        32,
        Color::default(),
        Timestamp::ZERO,
        vec![1, 2, 3].into(),
    )
    .unwrap();
    assert!(jpeg(&broken, 16, 16, 80).is_err());
}
