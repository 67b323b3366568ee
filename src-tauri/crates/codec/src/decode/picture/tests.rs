use super::*;
use crate::testing::{Noise, Scenery, ffmpeg, psnr};

fn made_by_ffmpeg(name: &str, arguments: &[&str]) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    let mut all = arguments.to_vec();
    let target = path.to_str().unwrap().to_owned();
    all.push(&target);
    ffmpeg(&all).then(|| std::fs::read(path).unwrap())
}

#[test]
fn files_of_every_kind_are_read() {
    for name in ["a.png", "a.jpg", "a.webp", "a.gif"] {
        let source = "color=c=0x3060c0:s=50x34:d=1:r=1";
        let Some(data) = made_by_ffmpeg(name, &["-f", "lavfi", "-i", source, "-frames:v", "1"])
        else {
            return;
        };
        let picture = file(&data).unwrap();
        let [(frame, shown)] = &picture.frames[..] else {
            panic!("{name}: {} frames", picture.frames.len())
        };
        assert_eq!((frame.width(), frame.height()), (50, 34), "{name}");
        assert_eq!(
            (frame.format(), *shown),
            (PixelFormat::Rgba, Duration::ZERO),
            "{name}"
        );
        let pixel = &frame.planes()[0].data[..4];
        let off = pixel
            .iter()
            .zip([0x30u8, 0x60, 0xc0, 255])
            .map(|(a, b)| a.abs_diff(b))
            .max();
        // FFmpeg's GIF has a palette of its own idea.
        let most = if name == "a.gif" { 25 } else { 6 };
        assert!(off <= Some(most), "{name}: {pixel:?}");
    }
}

#[test]
fn animations_bring_their_delays() {
    let source = "testsrc=s=40x30:r=5:d=1";
    for (name, more) in [
        ("a.gif", &[][..]),
        ("a.webp", &["-loop", "0"]),
        ("a.png", &["-f", "apng", "-plays", "0"]),
    ] {
        let mut arguments = vec!["-f", "lavfi", "-i", source];
        arguments.extend(more);
        let Some(data) = made_by_ffmpeg(name, &arguments) else {
            return;
        };
        let picture = file(&data).unwrap();
        assert_eq!(picture.frames.len(), 5, "{name}");
        for (n, (frame, shown)) in picture.frames.iter().enumerate() {
            assert_eq!(*shown, Duration::from_millis(200), "{name}");
            assert_eq!(
                frame.timestamp(),
                Timestamp::from_millis(200 * n as i64),
                "{name}"
            );
        }
        assert_eq!(picture.duration(), Duration::from_secs(1));
    }
}

/// One round of a GIF whose frames ask for no time at all.
#[test]
fn hurried_animations_get_the_usual_delay() {
    use image::codecs::gif::GifEncoder;
    let mut data = Vec::new();
    {
        let mut encoder = GifEncoder::new(&mut data);
        for shade in [0, 128] {
            let pixels = image::RgbaImage::from_pixel(4, 4, image::Rgba([shade, 0, 0, 255]));
            encoder.encode_frame(image::Frame::new(pixels)).unwrap();
        }
    }
    let picture = file(&data).unwrap();
    let delays: Vec<Duration> = picture.frames.iter().map(|f| f.1).collect();
    assert_eq!(delays, [USUAL_DELAY; 2]);
}

#[test]
fn camera_pictures_become_planes() {
    let scenery = Scenery::new();
    for (width, height, sampling) in [
        (64, 48, "yuvj420p"),
        (64, 48, "yuvj422p"),
        (50, 38, "yuvj444p"),
        (33, 17, "yuvj420p"),
    ] {
        let frame = scenery.picture(0, width, height, Timestamp::ZERO);
        let folder = tempfile::tempdir().unwrap();
        let (raw, out) = (folder.path().join("a.yuv"), folder.path().join("a.jpg"));
        let data: Vec<u8> = frame
            .planes()
            .iter()
            .flat_map(|p| p.data.to_vec())
            .collect();
        std::fs::write(&raw, data).unwrap();
        let size = format!("{width}x{height}");
        let made = ffmpeg(&[
            "-f",
            "rawvideo",
            "-pix_fmt",
            "yuvj420p",
            "-s",
            &size,
            "-i",
            raw.to_str().unwrap(),
            "-frames:v",
            "1",
            "-q:v",
            "2",
            "-pix_fmt",
            sampling,
            out.to_str().unwrap(),
        ]);
        if !made {
            return;
        }
        let mut data = std::fs::read(&out).unwrap();
        // Cameras pad their buffers.
        data.extend([0; 500]);
        let back = jpeg(&data, Timestamp::from_millis(7)).unwrap();
        assert_eq!((back.width(), back.height()), (width, height));
        assert_eq!(
            (back.format(), back.color()),
            (PixelFormat::I420, raster::JPEG)
        );
        let db = psnr(&frame, &back);
        assert!(db > 33.0, "{width}×{height} {sampling}: {db:.1} dB");
        for (a, b) in frame.planes()[1..].iter().zip(&back.planes()[1..]) {
            let off: u32 = a
                .data
                .iter()
                .zip(b.data.iter())
                .map(|(a, b)| u32::from(a.abs_diff(*b)))
                .sum();
            let mean = off as f32 / a.data.len() as f32;
            assert!(mean < 6.0, "{sampling}: chroma off by {mean:.1}");
        }
    }
}

#[test]
fn grey_cameras_work() {
    let mut data = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut data, 90);
    encoder
        .encode(&[77; 16 * 16], 16, 16, jpeg_encoder::ColorType::Luma)
        .unwrap();
    let frame = jpeg(&data, Timestamp::ZERO).unwrap();
    assert!(frame.planes()[0].data.iter().all(|y| y.abs_diff(77) <= 1));
    assert!(frame.planes()[1].data.iter().all(|&u| u == 128));
}

#[test]
fn damage_is_an_error_and_never_a_panic() {
    assert!(matches!(file(b"hello"), Err(Error::Unsupported { .. })));
    assert!(file(&[]).is_err());
    assert!(jpeg(&[], Timestamp::ZERO).is_err());
    // A PNG that claims to be enormous.
    let mut huge = vec![0x89, b'P', b'N', b'G', 13, 10, 26, 10, 0, 0, 0, 13];
    huge.extend(b"IHDR");
    huge.extend([0, 0, 0x3f, 0xff, 0, 0, 0x3f, 0xff, 8, 6, 0, 0, 0]);
    huge.extend([0; 4]);
    assert!(file(&huge).is_err());

    let frame = Scenery::new().picture(0, 48, 32, Timestamp::ZERO);
    let good = crate::encode::picture::jpeg(&frame, 48, 32, 80).unwrap();
    let mut originals = vec![good.to_vec()];
    for (name, count) in [("a.png", "1"), ("a.webp", "2"), ("a.gif", "2")] {
        let source = "testsrc=s=48x32:r=5:d=1";
        originals.extend(made_by_ffmpeg(
            name,
            &["-f", "lavfi", "-i", source, "-frames:v", count],
        ));
    }
    let mut noise = Noise(3);
    for original in originals {
        for _ in 0..150 {
            let mut damaged = original.clone();
            for _ in 0..1 + noise.next() % 8 {
                let at = noise.next() as usize % damaged.len();
                damaged[at] = noise.next() as u8;
            }
            damaged.truncate(1 + noise.next() as usize % damaged.len());
            drop(file(&damaged));
            drop(jpeg(&damaged, Timestamp::ZERO));
        }
    }
}
