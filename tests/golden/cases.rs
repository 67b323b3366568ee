//! What is composed: one case for each property.

use std::collections::BTreeMap;

use media::{Color, Frame, Matrix, PixelFormat, Range, Timestamp};
use program::source::test_signal::TestSignal;
use program::source::{placeholder, text};
use render::Frames;
use scene::{Crop, Fit, Item, ItemId, Pattern, Rect, Scene, SceneId, SourceId, TextStyle};

pub(crate) const WIDTH: u32 = 320;
pub(crate) const HEIGHT: u32 = 180;

/// One picture to be composed.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) scene: Scene,
    pub(crate) frames: Frames,
}

/// All of them.
pub(crate) fn all() -> Vec<Case> {
    let mut cases = properties();
    cases.extend(pictures());
    cases
}

fn properties() -> Vec<Case> {
    let card = || [("card", card(PixelFormat::I420, 160, 90, Color::default()))];
    let square = |fit| Item {
        fit,
        ..item("card", 40.0, 10.0, 120.0, 160.0)
    };
    let middle = || item("card", 80.0, 45.0, 160.0, 90.0);
    vec![
        case("contain", vec![back(), square(Fit::Contain)], card()),
        case("cover", vec![back(), square(Fit::Cover)], card()),
        case("stretch", vec![back(), square(Fit::Stretch)], card()),
        case("exact", vec![back(), middle()], card()),
        case(
            "crop",
            vec![
                back(),
                Item {
                    crop: Crop {
                        left: 40,
                        top: 10,
                        right: 20,
                        bottom: 5,
                    },
                    ..item("card", 20.0, 20.0, 100.0, 75.0)
                },
                Item {
                    crop: Crop {
                        left: 0,
                        top: 0,
                        right: 80,
                        bottom: 45,
                    },
                    ..item("card", 140.0, 40.0, 160.0, 90.0)
                },
            ],
            card(),
        ),
        case("rotated-30", vec![back(), turned(middle(), 30.0)], card()),
        case("rotated-90", vec![back(), turned(middle(), 90.0)], card()),
        case(
            "rotated-minus-135",
            vec![back(), turned(middle(), -135.5)],
            card(),
        ),
        case(
            "rotated-cropped-cover",
            vec![
                back(),
                Item {
                    crop: Crop {
                        left: 40,
                        top: 0,
                        right: 0,
                        bottom: 20,
                    },
                    fit: Fit::Cover,
                    rotation: 15.0,
                    ..item("card", 90.0, 30.0, 120.0, 120.0)
                },
            ],
            card(),
        ),
        case(
            "flip-h",
            vec![
                back(),
                Item {
                    flip_h: true,
                    ..middle()
                },
            ],
            card(),
        ),
        case(
            "flip-v",
            vec![
                back(),
                Item {
                    flip_v: true,
                    ..middle()
                },
            ],
            card(),
        ),
        case(
            "flip-v-cropped-turned",
            vec![
                back(),
                Item {
                    flip_v: true,
                    crop: Crop {
                        left: 40,
                        top: 20,
                        right: 0,
                        bottom: 0,
                    },
                    ..turned(middle(), 20.0)
                },
            ],
            card(),
        ),
        case("opacity-50", vec![back(), faded(middle(), 0.5)], card()),
        case(
            "opacity-25-rotated",
            vec![back(), faded(turned(middle(), 45.0), 0.25)],
            card(),
        ),
        case(
            "hidden",
            vec![
                back(),
                Item {
                    visible: false,
                    ..middle()
                },
            ],
            card(),
        ),
        case(
            "over-the-edges",
            vec![
                back(),
                item("card", -50.0, -30.0, 160.0, 90.0),
                item("card", 250.5, 120.0, 160.0, 90.0),
                turned(item("card", 200.0, -40.0, 160.0, 90.0), 20.0),
            ],
            card(),
        ),
        case(
            "large",
            vec![item("card", -100.0, -60.0, 640.0, 360.0)],
            card(),
        ),
        case(
            "small",
            vec![
                back(),
                item("fine", 8.0, 8.0, 200.0, 150.0),
                item("fine", 212.0, 8.0, 100.0, 75.0),
                item("fine", 212.0, 90.0, 57.0, 43.0),
                turned(item("fine", 270.0, 110.0, 40.0, 30.0), 10.0),
            ],
            [("fine", fine(800, 600))],
        ),
        case(
            "alpha",
            vec![
                back(),
                item("card", 60.0, 40.0, 160.0, 90.0),
                item("glow", 20.0, 10.0, 160.0, 160.0),
                turned(item("glow", 170.0, 30.0, 120.0, 120.0), 45.0),
            ],
            [
                (
                    "card",
                    self::card(PixelFormat::I420, 160, 90, Color::default()),
                ),
                ("glow", glow(160)),
            ],
        ),
        case(
            "order",
            vec![
                back(),
                item("red", 60.0, 30.0, 100.0, 80.0),
                item("green", 110.0, 60.0, 100.0, 80.0),
                faded(item("blue", 160.0, 90.0, 100.0, 80.0), 0.7),
            ],
            [
                ("red", flat([220, 30, 40, 255])),
                ("green", flat([30, 190, 70, 160])),
                ("blue", flat([40, 70, 230, 255])),
            ],
        ),
    ]
}

fn pictures() -> Vec<Case> {
    let color = |matrix, range| Color { matrix, range };
    let mut raster = text::Raster::new();
    let mut words =
        |text: &str, style: TextStyle| raster.raster(text, &style, 300.0, Timestamp::ZERO);
    let plain = words(
        "Klieg goes on air",
        TextStyle {
            size: 26.0,
            ..TextStyle::default()
        },
    );
    let boxed = words(
        "Ada Lovelace\nAnalytical Engine",
        TextStyle {
            size: 20.0,
            bold: true,
            color: "#ffd166".into(),
            background: Some("#102040c0".into()),
            padding: 8.0,
            ..TextStyle::default()
        },
    );
    let outlined = words(
        "LIVE",
        TextStyle {
            size: 44.0,
            bold: true,
            outline: Some("#c1121f".into()),
            outline_width: 4.0,
            shadow: true,
            ..TextStyle::default()
        },
    );
    let figures = words(
        "01:23:45",
        TextStyle {
            font: text::MONO.into(),
            size: 24.0,
            color: "#7bdff2".into(),
            shadow: true,
            ..TextStyle::default()
        },
    );
    let own_size = |id: &str, x: f32, y: f32, frame: &Frame| {
        item(id, x, y, frame.width() as f32, frame.height() as f32)
    };
    let written = vec![
        back(),
        own_size("plain", 10.0, 8.0, &plain),
        own_size("boxed", 10.0, 50.0, &boxed),
        own_size("outlined", 10.0, 110.0, &outlined),
        own_size("figures", 170.0, 130.0, &figures),
    ];
    let signal =
        |pattern| TestSignal::new(pattern, WIDTH, HEIGHT, 30).picture(109_810, Timestamp::ZERO);
    let unplugged = placeholder::picture(
        &mut text::Raster::new(),
        "Camera",
        "unplugged, waiting for it",
        Timestamp::ZERO,
    );
    vec![
        case(
            "formats",
            vec![
                back(),
                item("i420", 4.0, 4.0, 100.0, 56.0),
                item("nv12", 110.0, 4.0, 100.0, 56.0),
                item("yuyv", 216.0, 4.0, 100.0, 56.0),
                item("rgba", 4.0, 64.0, 100.0, 56.0),
                item("bgrx", 110.0, 64.0, 100.0, 56.0),
                item("odd", 216.0, 64.0, 100.0, 56.0),
            ],
            [
                ("i420", card(PixelFormat::I420, 160, 90, Color::default())),
                ("nv12", card(PixelFormat::Nv12, 160, 90, Color::default())),
                ("yuyv", card(PixelFormat::Yuyv, 160, 90, Color::default())),
                ("rgba", card(PixelFormat::Rgba, 160, 90, Color::default())),
                ("bgrx", card(PixelFormat::Bgrx, 160, 90, Color::default())),
                ("odd", card(PixelFormat::I420, 161, 91, Color::default())),
            ],
        ),
        case(
            "colours",
            vec![
                item("601 limited", 0.0, 0.0, 160.0, 90.0),
                item("601 full", 160.0, 0.0, 160.0, 90.0),
                item("709 limited", 0.0, 90.0, 160.0, 90.0),
                item("709 full", 160.0, 90.0, 160.0, 90.0),
            ],
            [
                (
                    "601 limited",
                    card(
                        PixelFormat::I420,
                        160,
                        90,
                        color(Matrix::Bt601, Range::Limited),
                    ),
                ),
                (
                    "601 full",
                    card(
                        PixelFormat::Nv12,
                        160,
                        90,
                        color(Matrix::Bt601, Range::Full),
                    ),
                ),
                (
                    "709 limited",
                    card(
                        PixelFormat::Yuyv,
                        160,
                        90,
                        color(Matrix::Bt709, Range::Limited),
                    ),
                ),
                (
                    "709 full",
                    card(
                        PixelFormat::I420,
                        160,
                        90,
                        color(Matrix::Bt709, Range::Full),
                    ),
                ),
            ],
        ),
        case(
            "text",
            written,
            [
                ("plain", plain),
                ("boxed", boxed),
                ("outlined", outlined),
                ("figures", figures),
            ],
        ),
        case(
            "signal-bars",
            vec![all_over("signal")],
            [("signal", signal(Pattern::Bars))],
        ),
        case(
            "signal-motion",
            vec![all_over("signal")],
            [("signal", signal(Pattern::Motion))],
        ),
        case(
            "placeholder",
            vec![all_over("camera")],
            [("camera", unplugged)],
        ),
    ]
}

pub(crate) fn case<const N: usize>(
    name: &'static str,
    items: Vec<Item>,
    frames: [(&str, Frame); N],
) -> Case {
    let mut frames: Frames = frames
        .into_iter()
        .map(|(id, frame)| (SourceId::new(id), frame))
        .collect::<BTreeMap<_, _>>();
    frames.insert(SourceId::new("back"), flat([52, 58, 70, 255]));
    Case {
        name,
        scene: Scene {
            id: SceneId::new(name),
            name: name.into(),
            items,
            group: None,
            filters: Vec::new(),
            transition: None,
        },
        frames,
    }
}

pub(crate) fn item(source: &str, x: f32, y: f32, width: f32, height: f32) -> Item {
    Item {
        id: ItemId::new(format!("{source} at {x}, {y}")),
        source: SourceId::new(source),
        rect: Rect {
            x,
            y,
            width,
            height,
        },
        fit: Fit::Contain,
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

pub(crate) fn all_over(source: &str) -> Item {
    Item {
        fit: Fit::Stretch,
        ..item(source, 0.0, 0.0, WIDTH as f32, HEIGHT as f32)
    }
}

pub(crate) fn back() -> Item {
    all_over("back")
}

pub(crate) fn turned(item: Item, rotation: f32) -> Item {
    Item { rotation, ..item }
}

fn faded(item: Item, opacity: f32) -> Item {
    Item { opacity, ..item }
}

pub(crate) fn flat(rgba: [u8; 4]) -> Frame {
    rgb_frame(16, 16, |_, _| rgba)
}

/// A picture with a top and a bottom, a left and a right: fields of colour in a white frame, a grey slope, and an
/// arrow from the middle to the top left.
pub(crate) fn card(format: PixelFormat, width: u32, height: u32, color: Color) -> Frame {
    let pixel = move |x: u32, y: u32| -> [u8; 4] {
        let (u, v) = (x as f32 / width as f32, y as f32 / height as f32);
        let border = x.min(width - 1 - x).min(y).min(height - 1 - y);
        let arrow = u < 0.5 && v < 0.5 && (u - v).abs() < 0.04 || u.max(v) < 0.22 && u.min(v) > 0.1;
        let [r, g, b] = match (u, v) {
            _ if border < 2 => [255, 255, 255],
            _ if arrow => [20, 20, 20],
            (_, v) if v > 0.8 => [(u * 255.0) as u8; 3],
            (u, v) if u < 0.5 && v < 0.4 => [214, 40, 57],
            (_, v) if v < 0.4 => [46, 160, 67],
            (u, _) if u < 0.5 => [33, 96, 214],
            _ => [240, 180, 40],
        };
        [r, g, b, 255]
    };
    match format {
        PixelFormat::Rgba => rgb_frame(width, height, pixel),
        PixelFormat::Bgrx => {
            let frame = rgb_frame(width, height, |x, y| {
                let [r, g, b, _] = pixel(x, y);
                // What stands in the fourth byte must not matter.
                [b, g, r, 0]
            });
            let data = frame.planes()[0].data.clone();
            Frame::packed(format, width, height, color, Timestamp::ZERO, data).unwrap()
        }
        _ => yuv_frame(format, width, height, color, pixel),
    }
}

pub(crate) fn rgb_frame(width: u32, height: u32, pixel: impl Fn(u32, u32) -> [u8; 4]) -> Frame {
    let rows = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let data: Vec<u8> = rows.flat_map(|(x, y)| pixel(x, y)).collect();
    Frame::packed(
        PixelFormat::Rgba,
        width,
        height,
        Color::default(),
        Timestamp::ZERO,
        data.into(),
    )
    .unwrap()
}

/// Converts by the book; chroma is that of the top left pixel of each block.
fn yuv_frame(
    format: PixelFormat,
    width: u32,
    height: u32,
    color: Color,
    pixel: impl Fn(u32, u32) -> [u8; 4],
) -> Frame {
    let (kr, kb) = match color.matrix {
        Matrix::Bt601 => (0.299, 0.114),
        Matrix::Bt709 => (0.2126, 0.0722),
    };
    let (black, luma_range, chroma_range) = match color.range {
        Range::Limited => (16.0, 219.0, 224.0),
        Range::Full => (0.0, 255.0, 255.0),
    };
    let yuv = |x: u32, y: u32| {
        let [r, g, b, _] = pixel(x.min(width - 1), y.min(height - 1)).map(|v| f32::from(v) / 255.0);
        let luma = kr * r + (1.0 - kr - kb) * g + kb * b;
        let byte = |value: f32| value.round().clamp(0.0, 255.0) as u8;
        [
            byte(black + luma * luma_range),
            byte(128.0 + (b - luma) / (2.0 * (1.0 - kb)) * chroma_range),
            byte(128.0 + (r - luma) / (2.0 * (1.0 - kr)) * chroma_range),
        ]
    };
    let mut data = Vec::new();
    let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
    let all =
        |width: u32, height: u32| (0..height).flat_map(move |y| (0..width).map(move |x| (x, y)));
    if format == PixelFormat::Yuyv {
        for (x, y) in all(half_width, height) {
            let ([y0, u, v], [y1, ..]) = (yuv(x * 2, y), yuv(x * 2 + 1, y));
            data.extend([y0, u, y1, v]);
        }
    } else {
        data.extend(all(width, height).map(|(x, y)| yuv(x, y)[0]));
        let chroma: Vec<_> = all(half_width, half_height)
            .map(|(x, y)| yuv(x * 2, y * 2))
            .collect();
        if format == PixelFormat::Nv12 {
            data.extend(chroma.iter().flat_map(|[_, u, v]| [*u, *v]));
        } else {
            data.extend(chroma.iter().map(|[_, u, _]| *u));
            data.extend(chroma.iter().map(|[_, _, v]| *v));
        }
    }
    Frame::packed(format, width, height, color, Timestamp::ZERO, data.into()).unwrap()
}

/// Fine lines, rings and a checkerboard: what shimmers when it is scaled badly.
fn fine(width: u32, height: u32) -> Frame {
    yuv_frame(
        PixelFormat::I420,
        width,
        height,
        Color::default(),
        |x, y| {
            let (dx, dy) = (x as f32 - 200.0, y as f32 - 300.0);
            let value = if x < width / 2 {
                let rings = (dx.hypot(dy) * 0.5).sin();
                (128.0 + 120.0 * rings) as u8
            } else if y < height / 2 {
                if (x / 2 + y / 2) % 2 == 0 { 230 } else { 30 }
            } else {
                let line = (x + y * 2) % 24 < 2;
                if line { 250 } else { 40 }
            };
            [value, value, value / 2, 255]
        },
    )
}

/// A soft disc, clear towards its edge.
fn glow(side: u32) -> Frame {
    rgb_frame(side, side, |x, y| {
        let half = side as f32 / 2.0;
        let away = (x as f32 + 0.5 - half).hypot(y as f32 + 0.5 - half) / half;
        let alpha = ((1.0 - away) * 2.0).clamp(0.0, 1.0);
        [255, 140, (x * 255 / side) as u8, (alpha * 255.0) as u8]
    })
}
