use media::{Matrix, Range};
use scene::{Crop, Fit, Item, ItemId, Rect, SceneId, SourceId};

use super::*;
use crate::Adapter;

mod shows;

const WIDTH: u32 = 96;
const HEIGHT: u32 = 64;

fn compositor(adapter: Adapter) -> Compositor {
    sized(adapter, WIDTH, HEIGHT)
}

fn sized(adapter: Adapter, width: u32, height: u32) -> Compositor {
    Compositor::new(Options {
        width,
        height,
        adapter,
    })
    .unwrap()
}

fn item(source: &str, x: f32, y: f32, width: f32, height: f32) -> Item {
    Item {
        id: ItemId::new(format!("{source} {x} {y}")),
        source: SourceId::new(source),
        rect: Rect {
            x,
            y,
            width,
            height,
        },
        fit: Fit::Stretch,
        crop: Crop::default(),
        rotation: 0.0,
        opacity: 1.0,
        visible: true,
        locked: false,
        flip_h: false,
        flip_v: false,
        blend: scene::Blend::Normal,
        filters: Vec::new(),
    }
}

fn scene(items: Vec<Item>) -> Scene {
    Scene {
        id: SceneId::new("scene"),
        name: "Scene".into(),
        items,
        group: None,
        filters: Vec::new(),
        transition: None,
    }
}

fn all_over(source: &str) -> Item {
    item(source, 0.0, 0.0, WIDTH as f32, HEIGHT as f32)
}

/// One colour all over, straight alpha.
fn flat(rgba: [u8; 4], timestamp: Timestamp) -> Frame {
    let data = rgba.repeat(16 * 16);
    Frame::packed(
        PixelFormat::Rgba,
        16,
        16,
        Color::default(),
        timestamp,
        data.into(),
    )
    .unwrap()
}

/// Soft shapes and hard edges in any format.
fn lively(format: PixelFormat, width: u32, height: u32, color: Color) -> Frame {
    let mut data = vec![0; Frame::packed_len(format, width, height)];
    for (at, byte) in data.iter_mut().enumerate() {
        let (x, y) = (at % width as usize, at / width as usize);
        let edge = if (x / 9 + y / 7) % 2 == 0 { 60 } else { 0 };
        *byte = (40 + edge + (x * 3 + y * 2) % 120) as u8;
    }
    Frame::packed(format, width, height, color, Timestamp::ZERO, data.into()).unwrap()
}

fn frames(of: impl IntoIterator<Item = (&'static str, Frame)>) -> Frames {
    of.into_iter()
        .map(|(id, frame)| (SourceId::new(id), frame))
        .collect()
}

/// Y, U and V of the middle of a picture.
fn middle(frame: &Frame) -> [u8; 3] {
    let (x, y) = (frame.width() as usize / 2, frame.height() as usize / 2);
    [0, 1, 2].map(|index| {
        let plane = &frame.planes()[index];
        let half = if index == 0 { 1 } else { 2 };
        plane.data[y / half * plane.stride + x / half]
    })
}

fn largest_difference(a: &Frame, b: &Frame) -> u8 {
    a.planes()
        .iter()
        .zip(b.planes())
        .flat_map(|(a, b)| a.data.iter().zip(b.data.iter()))
        .map(|(a, b)| a.abs_diff(*b))
        .max()
        .unwrap()
}

#[test]
fn an_empty_scene_is_black_and_carries_the_time() {
    let now = Timestamp::from_millis(40);
    let mut compositor = compositor(Adapter::Software);
    let frame = compositor
        .render(&scene(vec![]), &Frames::new(), now)
        .unwrap();
    assert_eq!(frame.timestamp(), now);
    assert_eq!(frame.format(), PixelFormat::I420);
    assert_eq!((frame.width(), frame.height()), (WIDTH, HEIGHT));
    assert_eq!(frame.color(), Color::default());
    assert!(frame.planes()[0].data.iter().all(|y| *y == 16));
    assert!(frame.planes()[1].data.iter().all(|u| *u == 128));
}

#[test]
fn both_ways_agree_within_two_for_every_format_scale_and_colour() {
    let mut cpu = compositor(Adapter::Software);
    let mut gpu = compositor(Adapter::SoftwareAsGpu);
    for format in [
        PixelFormat::I420,
        PixelFormat::Nv12,
        PixelFormat::Yuyv,
        PixelFormat::Rgba,
        PixelFormat::Bgrx,
    ] {
        for (matrix, range) in [
            (Matrix::Bt601, Range::Full),
            (Matrix::Bt601, Range::Limited),
            (Matrix::Bt709, Range::Full),
            (Matrix::Bt709, Range::Limited),
        ] {
            let color = Color { matrix, range };
            for (width, height) in [(WIDTH, HEIGHT), (60, 40), (200, 140), (400, 300)] {
                let frames = frames([("a", lively(format, width, height, color))]);
                let mut turned = item("a", 50.5, 30.25, 40.0, 30.0);
                turned.rotation = 30.0;
                turned.opacity = 0.5;
                let scene = scene(vec![all_over("a"), turned]);
                let a = cpu.render(&scene, &frames, Timestamp::ZERO).unwrap();
                let b = gpu.render(&scene, &frames, Timestamp::ZERO).unwrap();
                let most = largest_difference(&a, &b);
                assert!(most <= 2, "{format:?} {color:?} {width}×{height}: {most}");
            }
        }
    }
}

#[test]
fn odd_canvases_and_odd_sources_agree_too() {
    for (width, height) in [(95, 63), (1, 1), (7, 2), (33, 64)] {
        let mut cpu = sized(Adapter::Software, width, height);
        let mut gpu = sized(Adapter::SoftwareAsGpu, width, height);
        for format in [PixelFormat::I420, PixelFormat::Nv12, PixelFormat::Yuyv] {
            let frames = frames([("a", lively(format, 95, 63, Color::default()))]);
            let scene = scene(vec![item("a", 0.0, 0.0, 95.0, 63.0)]);
            let a = cpu.render(&scene, &frames, Timestamp::ZERO).unwrap();
            let b = gpu.render(&scene, &frames, Timestamp::ZERO).unwrap();
            assert_eq!(a.planes()[1].data.len(), b.planes()[1].data.len());
            assert!(
                largest_difference(&a, &b) <= 2,
                "{format:?} {width}×{height}"
            );
        }
    }
}

#[test]
fn i420_shown_one_to_one_comes_back_as_it_was() {
    // Grey, so that nothing is lost to the rounding of colours.
    let mut frame = lively(PixelFormat::I420, WIDTH, HEIGHT, Color::default());
    let mut data = frame.planes()[0].data.to_vec();
    data.resize(Frame::packed_len(PixelFormat::I420, WIDTH, HEIGHT), 128);
    frame = Frame::packed(
        PixelFormat::I420,
        WIDTH,
        HEIGHT,
        Color::default(),
        Timestamp::ZERO,
        data.into(),
    )
    .unwrap();
    for adapter in [Adapter::Software, Adapter::SoftwareAsGpu] {
        let out = compositor(adapter)
            .render(
                &scene(vec![all_over("a")]),
                &frames([("a", frame.clone())]),
                Timestamp::ZERO,
            )
            .unwrap();
        assert!(largest_difference(&frame, &out) <= 1);
    }
}

#[test]
fn items_blend_in_their_order() {
    let mut compositor = compositor(Adapter::Software);
    let white = flat([255, 255, 255, 255], Timestamp::ZERO);
    let half_black = flat([0, 0, 0, 128], Timestamp::ZERO);
    let frames = frames([("white", white), ("half", half_black)]);
    let over = scene(vec![all_over("white"), all_over("half")]);
    let frame = compositor.render(&over, &frames, Timestamp::ZERO).unwrap();
    let [y, u, v] = middle(&frame);
    // 127 of 255 is left of the white: 16 + 219 × 127 / 255.
    assert!(
        y.abs_diff(125) <= 1 && u.abs_diff(128) <= 1 && v.abs_diff(128) <= 1,
        "{y} {u} {v}"
    );
    let under = scene(vec![all_over("half"), all_over("white")]);
    let frame = compositor.render(&under, &frames, Timestamp::ZERO).unwrap();
    assert_eq!(middle(&frame)[0], 235);
}

#[test]
fn a_frame_goes_up_once_and_again_when_it_changes() {
    let mut compositor = compositor(Adapter::Software);
    let scene = scene(vec![all_over("a")]);
    let red = flat([255, 0, 0, 255], Timestamp::ZERO);
    let first = frames([("a", red.clone())]);
    compositor.render(&scene, &first, Timestamp::ZERO).unwrap();
    for turn in 1..60 {
        compositor
            .render(&scene, &first, Timestamp::from_millis(turn))
            .unwrap();
    }
    // The same time and size, other pixels: text that was rasterised again.
    let green = frames([("a", flat([0, 255, 0, 255], Timestamp::ZERO))]);
    let frame = compositor.render(&scene, &green, Timestamp::ZERO).unwrap();
    assert!(middle(&frame)[0].abs_diff(173) <= 1, "{:?}", middle(&frame));
    // The same memory and another time.
    let again = frames([("a", red.with_timestamp(Timestamp::from_millis(9)))]);
    let frame = compositor.render(&scene, &again, Timestamp::ZERO).unwrap();
    assert!(middle(&frame)[0].abs_diff(63) <= 1, "{:?}", middle(&frame));
}

#[test]
fn pictures_that_are_not_drawn_are_dropped() {
    let mut compositor = compositor(Adapter::Software);
    let pale = flat([255, 255, 255, 100], Timestamp::ZERO);
    let frames = frames([("a", pale.clone()), ("b", pale)]);
    let both = scene(vec![all_over("a"), all_over("b")]);
    compositor.render(&both, &frames, Timestamp::ZERO).unwrap();
    assert_eq!(compositor.textures.count(), 2);
    let one = scene(vec![all_over("b")]);
    for _ in 0..40 {
        compositor.render(&one, &frames, Timestamp::ZERO).unwrap();
    }
    assert_eq!(compositor.textures.count(), 1);
}

#[test]
fn an_item_that_is_dragged_leaves_no_pictures_behind() {
    for adapter in [Adapter::Software, Adapter::SoftwareAsGpu] {
        let mut compositor = compositor(adapter);
        let frames = frames([("a", flat([255, 255, 255, 100], Timestamp::ZERO))]);
        for step in 0..50 {
            let width = 20.0 + step as f32;
            let dragged = scene(vec![item("a", 60.0 + step as f32, 8.0, width, 16.0)]);
            compositor
                .render(&dragged, &frames, Timestamp::ZERO)
                .unwrap();
            assert!(compositor.textures.count() <= 2);
        }
    }
}

#[test]
fn what_is_covered_all_over_is_not_even_uploaded() {
    let mut compositor = compositor(Adapter::Software);
    let camera = lively(PixelFormat::Nv12, WIDTH, HEIGHT, Color::default());
    let frames = frames([
        ("below", flat([9, 9, 9, 255], Timestamp::ZERO)),
        ("camera", camera),
    ]);
    let covered = scene(vec![all_over("below"), all_over("camera")]);
    compositor
        .render(&covered, &frames, Timestamp::ZERO)
        .unwrap();
    assert_eq!(compositor.textures.count(), 1);
}

#[test]
fn a_lost_device_is_replaced_and_the_picture_held_until_then() {
    for adapter in [Adapter::Software, Adapter::SoftwareAsGpu] {
        let mut compositor = compositor(adapter);
        let white = frames([("a", flat([255, 255, 255, 255], Timestamp::ZERO))]);
        let scene = scene(vec![all_over("a")]);
        compositor.render(&scene, &white, Timestamp::ZERO).unwrap();
        compositor.lose_device();
        let red = frames([("a", flat([255, 0, 0, 255], Timestamp::from_millis(1)))]);
        // One of these may still be the held white one; then the device is there again.
        for turn in 1..4 {
            let now = Timestamp::from_millis(turn);
            let frame = compositor.render(&scene, &red, now).unwrap();
            assert_eq!(frame.timestamp(), now);
            let y = middle(&frame)[0];
            assert!(y == 235 || y.abs_diff(63) <= 1, "{y}");
        }
        let frame = compositor
            .render(&scene, &red, Timestamp::from_millis(4))
            .unwrap();
        assert!(middle(&frame)[0].abs_diff(63) <= 1, "{:?}", middle(&frame));
    }
}

#[test]
fn without_a_device_the_last_picture_is_held_with_the_new_time() {
    let mut compositor = compositor(Adapter::Software);
    let white = frames([("a", flat([255, 255, 255, 255], Timestamp::ZERO))]);
    let scene = scene(vec![all_over("a")]);
    compositor.render(&scene, &white, Timestamp::ZERO).unwrap();
    compositor.lose_device();
    compositor.gpu.wait();
    compositor.reopen_at = Some(Timestamp::from_millis(100));
    let now = Timestamp::from_millis(50);
    let frame = compositor.render(&scene, &Frames::new(), now).unwrap();
    assert_eq!((middle(&frame)[0], frame.timestamp()), (235, now));
    let frame = compositor
        .render(&scene, &Frames::new(), Timestamp::from_millis(100))
        .unwrap();
    assert_eq!(middle(&frame)[0], 16, "a new device draws again");
}

#[test]
fn the_canvas_can_be_resized_within_its_limits() {
    let mut compositor = compositor(Adapter::Software);
    let white = frames([("a", flat([255, 255, 255, 255], Timestamp::ZERO))]);
    compositor.resize(50, 30).unwrap();
    let frame = compositor
        .render(
            &scene(vec![item("a", 0.0, 0.0, 50.0, 30.0)]),
            &white,
            Timestamp::ZERO,
        )
        .unwrap();
    assert_eq!((frame.width(), frame.height()), (50, 30));
    assert!(frame.planes()[0].data.iter().all(|y| *y == 235));
    let problem = compositor.resize(0, 30).unwrap_err().to_string();
    assert!(problem.contains("0×30"), "{problem}");
    let frame = compositor
        .render(&scene(vec![]), &white, Timestamp::ZERO)
        .unwrap();
    assert_eq!((frame.width(), frame.height()), (50, 30));
}

#[test]
fn pictures_started_together_come_back_in_order() {
    let mut compositor = compositor(Adapter::SoftwareAsGpu);
    let scene = scene(vec![all_over("a")]);
    let shades = [0_u8, 128, 255];
    for (turn, shade) in (0..).zip(shades) {
        let frames = frames([(
            "a",
            flat([shade, shade, shade, 255], Timestamp::from_millis(turn)),
        )]);
        let files = Files::new();
        let show = Show::scene(&scene, &frames, &files);
        compositor.submit(&show, Timestamp::from_millis(turn));
    }
    // Two fit the ring: the first one was given up.
    for (turn, y) in [(1, 126), (2, 235)] {
        let frame = compositor.collect(Timestamp::ZERO).unwrap();
        assert_eq!(frame.timestamp(), Timestamp::from_millis(turn));
        assert!(middle(&frame)[0].abs_diff(y) <= 1, "{:?}", middle(&frame));
    }
}

#[test]
fn finished_pictures_reuse_their_buffers() {
    let mut compositor = compositor(Adapter::Software);
    let scene = scene(vec![]);
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..20 {
        let frame = compositor
            .render(&scene, &Frames::new(), Timestamp::ZERO)
            .unwrap();
        seen.insert(frame.planes()[0].data.as_ptr() as usize);
    }
    assert!(seen.len() <= 3, "{} buffers", seen.len());
}

#[test]
fn compressed_frames_are_left_out() {
    let mjpeg = Frame::packed(
        PixelFormat::Mjpeg,
        16,
        16,
        Color::default(),
        Timestamp::ZERO,
        vec![0xff, 0xd8].into(),
    )
    .unwrap();
    let frame = compositor(Adapter::SoftwareAsGpu)
        .render(
            &scene(vec![all_over("a")]),
            &frames([("a", mjpeg)]),
            Timestamp::ZERO,
        )
        .unwrap();
    assert_eq!(middle(&frame)[0], 16);
}
