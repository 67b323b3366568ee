use media::{Color, Plane, SAMPLE_RATE};

use super::*;

fn signal(pattern: Pattern) -> TestSignal {
    TestSignal::new(pattern, 1280, 720, 30)
}

/// The same picture at another size, each pixel the mean of what it covers, with noise.
fn worn(frame: &Frame, width: usize, height: usize, noise: u8) -> Frame {
    let from = &frame.planes()[0];
    let (across, down) = (
        frame.width() as usize / width,
        frame.height() as usize / height,
    );
    let mut state = 1_u32;
    let mut data = vec![128; Frame::packed_len(PixelFormat::I420, width as u32, height as u32)];
    for (at, to) in data[..width * height].iter_mut().enumerate() {
        let (x, y) = (at % width * across, at / width * down);
        let mut sum = 0;
        for row in y..y + down {
            for column in x..x + across {
                sum += usize::from(from.data[row * from.stride + column]);
            }
        }
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let shake = (state >> 24) as i32 % (i32::from(noise) * 2 + 1) - i32::from(noise);
        *to = (sum as i32 / (across * down) as i32 + shake).clamp(0, 255) as u8;
    }
    color::packed(
        PixelFormat::I420,
        width as u32,
        height as u32,
        data,
        Timestamp::ZERO,
    )
}

#[test]
fn the_counter_is_read_back_from_every_pattern_and_size() {
    for pattern in [Pattern::Bars, Pattern::Motion] {
        for (width, height) in [
            (1280, 720),
            (640, 360),
            (1920, 1080),
            (854, 480),
            (720, 1280),
            (641, 361),
        ] {
            let mut signal = TestSignal::new(pattern, width, height, 30);
            for n in [0, 1, 29, 30, 123_456_789, 0x8000_0000, u32::MAX] {
                let frame = signal.picture(n, Timestamp::from_millis(3));
                assert_eq!(
                    read_counter(&frame),
                    Some(n),
                    "{pattern:?} {width}×{height}"
                );
                assert_eq!(frame.timestamp(), Timestamp::from_millis(3));
            }
        }
    }
}

#[test]
fn the_counter_survives_scaling_and_noise() {
    let frame = signal(Pattern::Bars).picture(0xdead_beef, Timestamp::ZERO);
    for (width, height) in [(640, 360), (320, 180)] {
        assert_eq!(
            read_counter(&worn(&frame, width, height, 60)),
            Some(0xdead_beef)
        );
    }
}

#[test]
fn pictures_without_a_counter_or_with_a_damaged_one_give_none() {
    let black = Frame::black(1280, 720, Timestamp::ZERO).unwrap();
    assert_eq!(read_counter(&black), None);
    let frame = signal(Pattern::Bars).picture(77, Timestamp::ZERO);
    for cell in 0..40 {
        let mut data = frame.planes()[0].data.to_vec();
        for row in data.chunks_exact_mut(1280).skip(720 - 32) {
            for value in &mut row[cell * 32..(cell + 1) * 32] {
                *value = 251 - *value;
            }
        }
        data.resize(Frame::packed_len(PixelFormat::I420, 1280, 720), 128);
        let damaged = color::packed(PixelFormat::I420, 1280, 720, data, Timestamp::ZERO);
        assert_eq!(read_counter(&damaged), None, "cell {cell}");
    }
}

#[test]
fn the_counter_is_read_from_rgb_too() {
    let frame = signal(Pattern::Bars).picture(4242, Timestamp::ZERO);
    let rgba: Vec<u8> = frame.planes()[0]
        .data
        .iter()
        .flat_map(|y| [*y, *y, *y, 255])
        .collect();
    let plane = Plane {
        data: rgba.into(),
        stride: 1280 * 4,
    };
    let rgb = Frame::new(
        PixelFormat::Rgba,
        1280,
        720,
        Color::default(),
        Timestamp::ZERO,
        [plane],
    )
    .unwrap();
    assert_eq!(read_counter(&rgb), Some(4242));
}

#[test]
fn the_geometry_is_what_the_documentation_says() {
    let frame = signal(Pattern::Motion).picture(0b1011, Timestamp::ZERO);
    let at = |x: usize, y: usize| frame.planes()[0].data[y * 1280 + x];
    let cell = |index: usize| at(index * 32 + 16, 720 - 16);
    let white: Vec<usize> = (0..40).filter(|index| cell(*index) == WHITE).collect();
    // Sync, then bits 3, 1 and 0 of the number, then the same as checksum.
    assert_eq!(white, [0, 2, 32, 34, 35, 36, 38, 39]);
    assert_eq!(
        [at(0, 719), at(31, 688), at(32, 719)],
        [WHITE, WHITE, BLACK]
    );
}

#[test]
fn the_flash_fills_the_first_tenth_of_every_second() {
    for (fps, lit) in [
        (30, vec![0, 1, 2]),
        (60, (0..6).collect()),
        (25, vec![0, 1, 2]),
        (5, vec![0]),
        (1, vec![0]),
    ] {
        let mut signal = TestSignal::new(Pattern::Bars, 1280, 720, fps);
        let seen: Vec<u32> = (0..fps)
            .filter(|n| {
                let frame = signal.picture(fps * 61 + n, Timestamp::ZERO);
                frame.planes()[0].data[90 * 1280 + 1120] == WHITE
            })
            .collect();
        assert_eq!(seen, lit, "{fps} fps");
    }
}

#[test]
fn pictures_move_and_reuse_their_memory() {
    for pattern in [Pattern::Bars, Pattern::Motion] {
        let mut signal = signal(pattern);
        let first = signal.picture(10, Timestamp::ZERO);
        let second = signal.picture(11, Timestamp::ZERO);
        let upper = |frame: &Frame| frame.planes()[0].data.slice(..1280 * 400);
        assert_ne!(upper(&first), upper(&second), "{pattern:?}");
        let address = first.planes()[0].data.as_ptr();
        drop(first);
        assert_eq!(
            signal.picture(12, Timestamp::ZERO).planes()[0]
                .data
                .as_ptr(),
            address
        );
    }
}

#[test]
fn the_smallest_pictures_are_drawn_too() {
    for (width, height) in [(1, 1), (2, 2), (7, 5), (64, 64), (40, 3)] {
        for pattern in [Pattern::Bars, Pattern::Motion] {
            let mut signal = TestSignal::new(pattern, width, height, 0);
            let frame = signal.picture(u32::MAX, Timestamp::ZERO);
            assert_eq!((frame.width(), frame.height()), (width, height));
        }
    }
}

#[test]
fn the_timecode_counts() {
    let mut signal = signal(Pattern::Bars);
    let middle = |frame: &Frame| frame.planes()[0].data.slice(1280 * 530..1280 * 600);
    let one = signal.picture(30 * 3661, Timestamp::ZERO);
    let next = signal.picture(30 * 3661 + 1, Timestamp::ZERO);
    let day_later = signal.picture(30 * (3661 + 360_000), Timestamp::ZERO);
    assert_ne!(middle(&one), middle(&next));
    assert_eq!(middle(&one), middle(&day_later), "hours are two figures");
}

#[test]
fn runs_of_sound_fit_together() {
    let whole = sound(Timestamp::ZERO, 96_000);
    let mut pieces = Vec::new();
    let mut at = 0_i64;
    for frames in [1, 479, 1024, 960, 33_333, 60_203] {
        pieces.extend(sound(Timestamp::from_ticks(at, SAMPLE_RATE), frames).data);
        at += frames as i64;
    }
    assert_eq!(pieces, whole.data);
    let years = Timestamp::from_ticks(48_000 * 86_400 * 400, SAMPLE_RATE);
    assert_eq!(sound(years, 4800).data, whole.data[..9600]);
}

#[test]
fn levels_and_pitches_are_what_the_documentation_says() {
    let samples = sound(Timestamp::ZERO, 48_000);
    assert_eq!((samples.rate, samples.channels), (48_000, 2));
    let left: Vec<f32> = samples.data.iter().step_by(2).copied().collect();
    let right: Vec<f32> = samples.data.iter().skip(1).step_by(2).copied().collect();
    assert_eq!(left, right);
    let level = |values: &[f32], hertz: f64| {
        let (mut re, mut im) = (0.0, 0.0);
        for (at, value) in values.iter().enumerate() {
            let angle = std::f64::consts::TAU * hertz * at as f64 / 48_000.0;
            re += f64::from(*value) * angle.cos();
            im += f64::from(*value) * angle.sin();
        }
        20.0 * (2.0 * re.hypot(im) / values.len() as f64).log10()
    };
    let (during, after) = left.split_at(4800);
    assert!((level(during, 1000.0) + 20.0).abs() < 0.01);
    assert!((level(during, 2000.0) + 6.0).abs() < 0.01);
    assert!((level(after, 1000.0) + 20.0).abs() < 0.01);
    assert!(level(after, 2000.0) < -100.0);
    assert!(left[0].abs() < 1e-6 && left[4800].abs() < 1e-6, "no click");
}
