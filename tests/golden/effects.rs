//! Filters, blend modes, transitions, and scenes in scenes: one case for each, at stated times.

use std::sync::Arc;

use media::{Color, Frame, PixelFormat, Timestamp};
use render::{Cube, File, Files, Frames};
use scene::{
    Audio, Blend, Blur, Border, Canvas, ChromaKey, Collection, ColorCorrection, CropPad, Direction,
    Fade, FadeToColor, Filter, FilterId, FilterKind, GroupSize, Item, ItemId, LumaKey, LumaWipe,
    Lut, Mask, MaskChannel, MaskMode, Matte, MatteSide, Push, RoundedCorners, Scene, SceneId,
    Scroll, Shadow, Sharpen, Slide, Source, SourceId, SourceKind, TransitionKind, WipeShape,
};

use super::cases::{HEIGHT, WIDTH, all_over, back, card, flat, item, rgb_frame, turned};

/// One picture to be composed.
pub(crate) struct Shot {
    pub(crate) name: String,
    pub(crate) collection: Collection,
    pub(crate) scene: SceneId,
    /// From which scene, how, and how far it is.
    pub(crate) passage: Option<(SceneId, TransitionKind, f32)>,
    pub(crate) frames: Frames,
    pub(crate) files: Files,
    pub(crate) at: Timestamp,
}

/// All of them.
pub(crate) fn all() -> Vec<Shot> {
    let mut shots = filters();
    shots.extend(blends());
    shots.extend(scenes());
    shots.extend(transitions());
    shots
}

fn filters() -> Vec<Shot> {
    use FilterKind as F;
    let key = || ChromaKey {
        color: "#2ea043".into(),
        ..ChromaKey::default()
    };
    let mask = |mode, channel, invert| {
        F::Mask(Mask {
            path: "mask.png".into(),
            mode,
            channel,
            invert,
            amount: 1.0,
        })
    };
    let corrected = |set: ColorCorrection| F::ColorCorrection(set);
    let plain = ColorCorrection::default;
    let list: Vec<(&str, Vec<FilterKind>)> = vec![
        ("chroma-key", vec![F::ChromaKey(key())]),
        (
            "chroma-key-tight-edge",
            vec![F::ChromaKey(ChromaKey {
                similarity: 0.2,
                smoothness: 0.4,
                spill: 1.0,
                edge: 0.5,
                ..key()
            })],
        ),
        (
            "luma-key",
            vec![F::LumaKey(LumaKey {
                low: 0.4,
                high: 0.9,
                smoothness: 0.2,
                invert: false,
            })],
        ),
        (
            "exposure-contrast",
            vec![corrected(ColorCorrection {
                exposure: 0.5,
                contrast: 0.3,
                ..plain()
            })],
        ),
        (
            "saturation-hue",
            vec![corrected(ColorCorrection {
                saturation: -0.5,
                hue: 90.0,
                ..plain()
            })],
        ),
        (
            "temperature-gamma-opacity",
            vec![corrected(ColorCorrection {
                temperature: 0.8,
                gamma: 1.8,
                opacity: 0.6,
                ..plain()
            })],
        ),
        (
            "lut",
            vec![F::Lut(Lut {
                path: "look.cube".into(),
                amount: 0.8,
            })],
        ),
        (
            "crop",
            vec![F::CropPad(CropPad {
                left: 30.0,
                top: 10.0,
                right: 20.0,
                bottom: 5.0,
            })],
        ),
        // A border shows where the empty edges end.
        (
            "pad",
            vec![
                F::CropPad(CropPad {
                    left: -40.0,
                    top: -10.0,
                    right: 20.0,
                    bottom: -30.0,
                }),
                F::Border(Border {
                    width: 2.0,
                    color: "#f5a524".into(),
                    ..Border::default()
                }),
            ],
        ),
        ("blur-2", vec![F::Blur(Blur { radius: 2.0 })]),
        ("blur-20", vec![F::Blur(Blur { radius: 20.0 })]),
        ("sharpen", vec![F::Sharpen(Sharpen { amount: 1.0 })]),
        (
            "mask-alpha",
            vec![mask(MaskMode::Cut, MaskChannel::Alpha, false)],
        ),
        (
            "mask-luma-inverted",
            vec![mask(MaskMode::Cut, MaskChannel::Luma, true)],
        ),
        (
            "mask-over",
            vec![mask(MaskMode::Over, MaskChannel::Alpha, false)],
        ),
        (
            "mask-over-half",
            vec![F::Mask(Mask {
                path: "mask.png".into(),
                mode: MaskMode::Over,
                amount: 0.5,
                ..Mask::default()
            })],
        ),
        (
            "mask-add",
            vec![mask(MaskMode::Add, MaskChannel::Alpha, false)],
        ),
        (
            "mask-multiply",
            vec![mask(MaskMode::Multiply, MaskChannel::Alpha, false)],
        ),
        ("matte-right", vec![F::Matte(Matte::default())]),
        (
            "matte-below-inverted",
            vec![F::Matte(Matte {
                side: MatteSide::Below,
                invert: true,
            })],
        ),
        (
            "scroll",
            vec![F::Scroll(Scroll {
                speed_x: 40.0,
                speed_y: -10.0,
                loops: true,
            })],
        ),
        (
            "scroll-gap",
            vec![F::Scroll(Scroll {
                speed_x: 40.0,
                speed_y: 0.0,
                loops: false,
            })],
        ),
        (
            "rounded-corners",
            vec![F::RoundedCorners(RoundedCorners { radius: 24.0 })],
        ),
        (
            "shadow",
            vec![F::Shadow(Shadow {
                x: 8.0,
                y: 6.0,
                ..Shadow::default()
            })],
        ),
        (
            "border",
            vec![F::Border(Border {
                width: 6.0,
                ..Border::default()
            })],
        ),
        (
            "many",
            vec![
                F::ColorCorrection(ColorCorrection {
                    saturation: 0.4,
                    ..plain()
                }),
                F::CropPad(CropPad {
                    left: 10.0,
                    ..CropPad::default()
                }),
                F::Blur(Blur { radius: 1.5 }),
                F::RoundedCorners(RoundedCorners { radius: 16.0 }),
                F::Border(Border {
                    width: 3.0,
                    color: "#f5a524".into(),
                    radius: 19.0,
                }),
                F::Shadow(Shadow::default()),
            ],
        ),
    ];
    let mut shots: Vec<Shot> = list
        .into_iter()
        .map(|(name, kinds)| {
            let mut shown = item("card", 80.0, 45.0, 160.0, 90.0);
            shown.filters = list_of(kinds);
            let mut shot = shot(&format!("filter-{name}"), vec![back(), shown]);
            shot.at = Timestamp::from_millis(1000);
            shot
        })
        .collect();

    let mut small = turned(item("card", 60.0, 20.0, 80.0, 45.0), 20.0);
    small.flip_h = true;
    small.filters = list_of(vec![F::Shadow(Shadow::default())]);
    let mut large = item("card", 150.0, 60.0, 320.0, 180.0);
    large.crop.left = 40;
    large.filters = list_of(vec![F::RoundedCorners(RoundedCorners { radius: 20.0 })]);
    shots.push(shot(
        "filter-small-turned-large-cropped",
        vec![back(), small, large],
    ));

    let mut of_source = shot(
        "filter-of-a-source",
        vec![
            back(),
            item("card", 20.0, 20.0, 160.0, 90.0),
            item("card", 200.0, 80.0, 80.0, 45.0),
        ],
    );
    of_source.collection.sources[0].filters =
        list_of(vec![F::RoundedCorners(RoundedCorners { radius: 30.0 })]);
    shots.push(of_source);
    let mut of_scene = shot(
        "filter-of-a-scene",
        vec![back(), item("card", 80.0, 45.0, 160.0, 90.0)],
    );
    of_scene.collection.scenes[0].filters = list_of(vec![
        F::ColorCorrection(ColorCorrection {
            saturation: -1.0,
            ..plain()
        }),
        F::RoundedCorners(RoundedCorners { radius: 40.0 }),
    ]);
    shots.push(of_scene);
    let mut bypassed = item("card", 80.0, 45.0, 160.0, 90.0);
    bypassed.filters = list_of(vec![F::Blur(Blur { radius: 20.0 })]);
    bypassed.filters[0].enabled = false;
    let mut shot_of_bypassed = shot("exact", vec![back(), bypassed]);
    // A filter that is bypassed, or whose file is missing, is as if it were not there.
    let mut lost = item("card", 80.0, 45.0, 160.0, 90.0);
    lost.filters = list_of(vec![F::Lut(Lut {
        path: "lost.cube".into(),
        amount: 1.0,
    })]);
    shots.push(shot("exact", vec![back(), lost]));
    shot_of_bypassed.at = Timestamp::ZERO;
    shots.push(shot_of_bypassed);
    shots
}

fn blends() -> Vec<Shot> {
    let all = [
        ("add", Blend::Add),
        ("screen", Blend::Screen),
        ("multiply", Blend::Multiply),
        ("lighten", Blend::Lighten),
        ("darken", Blend::Darken),
        ("subtract", Blend::Subtract),
    ];
    let mut shots = Vec::new();
    for (name, blend) in all {
        let mut opaque = item("card", 20.0, 20.0, 160.0, 90.0);
        opaque.blend = blend;
        let mut half = turned(item("card", 170.0, 80.0, 120.0, 68.0), 20.0);
        half.opacity = 0.5;
        half.blend = blend;
        let mut below = all_over("slope");
        below.opacity = 0.9;
        shots.push(shot(&format!("blend-{name}"), vec![below, opaque, half]));
    }
    shots
}

fn scenes() -> Vec<Shot> {
    let mut shot = shot("scene-in-a-scene", vec![back()]);
    let inner = scene(
        "inner",
        vec![
            item("card", 0.0, 0.0, 160.0, 90.0),
            turned(item("card", 180.0, 90.0, 100.0, 56.0), 30.0),
        ],
    );
    let mut group = scene(
        "group",
        vec![
            item("card", 0.0, 0.0, 80.0, 45.0),
            item("slope", 50.0, 30.0, 50.0, 40.0),
        ],
    );
    group.group = Some(GroupSize {
        width: 100,
        height: 70,
    });
    for of in [inner, group] {
        shot.collection.sources.push(source(
            of.name.as_str(),
            SourceKind::Scene {
                scene: of.id.clone(),
            },
        ));
        shot.collection.scenes.push(of);
    }
    let mut framed = item("inner", 10.0, 10.0, 160.0, 90.0);
    framed.filters = list_of(vec![FilterKind::Border(Border::default())]);
    let mut faded = turned(item("group", 190.0, 60.0, 100.0, 70.0), 10.0);
    faded.opacity = 0.5;
    let mut plain = item("inner", 20.0, 110.0, 107.0, 60.0);
    plain.flip_h = true;
    shot.collection.scenes[0]
        .items
        .extend([framed, faded, plain]);
    shot.collection.validate().unwrap();
    vec![shot]
}

fn transitions() -> Vec<Shot> {
    let push = |direction| TransitionKind::Push(Push { direction });
    let wipe = |shape, softness| {
        TransitionKind::LumaWipe(LumaWipe {
            shape,
            softness,
            ..LumaWipe::default()
        })
    };
    let to_color = || {
        TransitionKind::FadeToColor(FadeToColor {
            color: "#204080".into(),
        })
    };
    let mut list = vec![
        ("fade-25".to_owned(), TransitionKind::Fade(Fade {}), 0.25),
        ("fade-to-color-25".to_owned(), to_color(), 0.25),
        ("fade-to-color-75".to_owned(), to_color(), 0.75),
        (
            "own-picture-50".to_owned(),
            TransitionKind::LumaWipe(LumaWipe {
                path: "mask.png".into(),
                softness: 0.3,
                ..LumaWipe::default()
            }),
            0.5,
        ),
        ("fade-75".to_owned(), TransitionKind::Fade(Fade {}), 0.75),
        (
            "wipe-circle-reversed-40".to_owned(),
            TransitionKind::LumaWipe(LumaWipe {
                shape: WipeShape::Circle,
                softness: 0.2,
                invert: true,
                ..LumaWipe::default()
            }),
            0.4,
        ),
        (
            "wipe-diagonal-hard-60".to_owned(),
            wipe(WipeShape::Diagonal, 0.0),
            0.6,
        ),
    ];
    for (name, direction) in [
        ("left", Direction::Left),
        ("right", Direction::Right),
        ("up", Direction::Up),
        ("down", Direction::Down),
    ] {
        list.push((format!("push-{name}-30"), push(direction), 0.3));
        let slide = TransitionKind::Slide(Slide { direction });
        list.push((format!("slide-{name}-30"), slide, 0.3));
    }
    for (name, shape) in [
        ("bar", WipeShape::Bar),
        ("curtain", WipeShape::Curtain),
        ("diagonal", WipeShape::Diagonal),
        ("circle", WipeShape::Circle),
        ("diamond", WipeShape::Diamond),
        ("clock", WipeShape::Clock),
        ("blinds", WipeShape::Blinds),
        ("dissolve", WipeShape::Dissolve),
    ] {
        list.push((format!("wipe-{name}-40"), wipe(shape, 0.2), 0.4));
    }
    list.into_iter()
        .map(|(name, kind, far)| {
            let mut shot = shot(
                &format!("transition-{name}"),
                vec![all_over("slope"), item("card", 80.0, 45.0, 160.0, 90.0)],
            );
            let before = scene("before", vec![all_over("card")]);
            shot.passage = Some((before.id.clone(), kind, far));
            shot.collection.scenes.push(before);
            shot
        })
        .collect()
}

pub(crate) fn shot(name: &str, items: Vec<Item>) -> Shot {
    let mut collection = Collection::empty("Golden");
    collection.canvas = Canvas {
        width: WIDTH,
        height: HEIGHT,
        fps: 30,
    };
    collection.scenes = vec![scene("scene", items)];
    collection.current = SceneId::new("scene");
    let slope = rgb_frame(64, 36, |x, y| [(x * 4) as u8, (y * 7) as u8, 160, 255]);
    let frames = [
        ("card", card(PixelFormat::I420, 160, 90, Color::default())),
        ("slope", slope),
        ("back", flat([52, 58, 70, 255])),
    ];
    collection.sources = ["card", "slope", "back"]
        .map(|name| {
            let color = "#000000".into();
            source(name, SourceKind::Color { color })
        })
        .into();
    Shot {
        name: name.to_owned(),
        scene: collection.current.clone(),
        collection,
        passage: None,
        frames: frames
            .into_iter()
            .map(|(name, frame)| (SourceId::new(name), frame))
            .collect(),
        files: files(),
        at: Timestamp::ZERO,
    }
}

/// A round mask with colour of its own, and a table that turns red into blue.
fn files() -> Files {
    let picture: Frame = rgb_frame(64, 64, |x, y| {
        let (dx, dy) = (x as f32 - 31.5, y as f32 - 31.5);
        let alpha = ((30.0 - dx.hypot(dy)) / 8.0).clamp(0.0, 1.0);
        [(x * 4) as u8, 40, (y * 4) as u8, (alpha * 255.0) as u8]
    });
    let mut cube = String::from("LUT_3D_SIZE 3\n");
    for blue in 0..3 {
        for green in 0..3 {
            for red in 0..3 {
                let part = |n: i32| f64::from(n) / 2.0;
                cube += &format!("{} {} {}\n", part(blue), part(green) * 0.8, part(red));
            }
        }
    }
    let cube = Cube::parse(&cube).unwrap();
    Files::from([
        ("mask.png".into(), Arc::new(File::Picture(picture))),
        ("look.cube".into(), Arc::new(File::Lut(cube))),
    ])
}

fn list_of(kinds: Vec<FilterKind>) -> Vec<Filter> {
    let numbered = kinds.into_iter().enumerate();
    numbered
        .map(|(at, kind)| Filter {
            id: FilterId::new(format!("{at}")),
            name: String::new(),
            enabled: true,
            kind,
        })
        .collect()
}

pub(crate) fn scene(name: &str, items: Vec<Item>) -> Scene {
    let numbered = items.into_iter().enumerate();
    Scene {
        id: SceneId::new(name),
        name: name.into(),
        items: numbered
            .map(|(at, item)| Item {
                id: ItemId::new(format!("{at}")),
                ..item
            })
            .collect(),
        group: None,
        filters: Vec::new(),
        transition: None,
    }
}

fn source(name: &str, kind: SourceKind) -> Source {
    Source {
        id: SourceId::new(name),
        name: name.into(),
        kind,
        audio: Audio::default(),
        filters: Vec::new(),
    }
}
