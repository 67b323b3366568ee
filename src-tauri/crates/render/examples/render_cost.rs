//! What a picture costs: CPU milliseconds per frame of four layers, of each filter, and of eight items with
//! four filters in a running fade; and the time to be ready.
//!
//! `cargo run -p klieg-render --example render_cost -- [width height] [software|gpu|as-gpu] [frames] [busy]`; `busy`
//! is the last of it alone, for a profiler.

use std::collections::BTreeMap;
use std::fs;

use std::sync::Arc;

use klieg_render::{
    Adapter, Before, Compositor, Cube, File, Files, Frames, Options, Passage, Show,
};
use media::{Clock, Color, Frame, PixelFormat, Timestamp};
use scene::{
    Crop, CropPad, Fade, Filter, FilterId, FilterKind, Fit, Item, ItemId, Lut, Mask, Rect, Scene,
    SceneId, SourceId, TransitionKind,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut numbers = Vec::new();
    let mut adapter = Adapter::Software;
    let mut everything = true;
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "software" => adapter = Adapter::Software,
            "gpu" => adapter = Adapter::Auto,
            "as-gpu" => adapter = Adapter::SoftwareAsGpu,
            "busy" => everything = false,
            number => numbers.push(number.parse::<u32>()?),
        }
    }
    let width = numbers.first().copied().unwrap_or(1280);
    let height = numbers.get(1).copied().unwrap_or(720);
    let count = numbers.get(2).copied().unwrap_or(200);

    let clock = Clock::start();
    let cpu_before = cpu_ms()?;
    let mut compositor = Compositor::new(Options {
        width,
        height,
        adapter,
    })?;
    println!(
        "{}: ready in {} ms ({:.0} CPU-ms)",
        compositor.adapter(),
        clock.now().millis(),
        cpu_ms()? - cpu_before
    );

    let (w, h) = (width as f32, height as f32);
    let scene = Scene {
        id: SceneId::new("scene"),
        name: "Four layers".into(),
        items: vec![
            item("film", 0.0, 0.0, w, h),
            item("picture", w * 0.7, h * 0.05, w * 0.25, h * 0.25),
            item("camera", w * 0.05, h * 0.05, w * 0.25, h * 0.25),
            item("lower third", w * 0.05, h * 0.8, w * 0.5, h * 0.1),
        ],
        group: None,
        filters: Vec::new(),
        transition: None,
    };
    let pictures = still(PixelFormat::Rgba, 640, 360);
    let text = still(PixelFormat::Rgba, width / 2, height / 10);
    let film = [
        still(PixelFormat::I420, width, height),
        still(PixelFormat::I420, width, height),
    ];
    let camera = [
        still(PixelFormat::Nv12, 1280, 720),
        still(PixelFormat::Nv12, 1280, 720),
    ];
    let frames_at = |n: u32| -> Frames {
        let at = Timestamp::from_ticks(i64::from(n), 30);
        let turn = n as usize % 2;
        BTreeMap::from([
            (SourceId::new("film"), film[turn].clone().with_timestamp(at)),
            (
                SourceId::new("camera"),
                camera[turn].clone().with_timestamp(at),
            ),
            (SourceId::new("picture"), pictures.clone()),
            (SourceId::new("lower third"), text.clone()),
        ])
    };

    let first = clock.now();
    drop(compositor.render(&scene, &frames_at(0), Timestamp::ZERO)?);
    println!(
        "first picture after {} ms more",
        clock.now().since(first).as_millis()
    );
    for n in 1..10 {
        drop(compositor.render(&scene, &frames_at(n), Timestamp::ZERO)?);
    }
    let (cpu, wall) = (cpu_ms()?, clock.now());
    for n in 0..count {
        drop(compositor.render(
            &scene,
            &frames_at(n),
            Timestamp::from_ticks(i64::from(n), 30),
        )?);
    }
    println!(
        "{width}×{height}, four layers, two of them moving: {:.2} CPU-ms and {:.2} ms per frame",
        (cpu_ms()? - cpu) / f64::from(count),
        clock.now().since(wall).as_secs_f64() * 1e3 / f64::from(count),
    );
    let empty = Scene {
        items: vec![],
        ..scene
    };
    let cpu = cpu_ms()?;
    for n in 0..count {
        drop(compositor.render(
            &empty,
            &Frames::new(),
            Timestamp::from_ticks(i64::from(n), 30),
        )?);
    }
    println!(
        "an empty scene: {:.2} CPU-ms",
        (cpu_ms()? - cpu) / f64::from(count)
    );
    if everything {
        filters(&mut compositor, &empty, &frames_at, (w, h), count)?;
    }
    busy(&mut compositor, &empty, &frames_at, (w, h), count)
}

/// Each filter on a moving picture, all over and in a quarter of each side.
fn filters(
    compositor: &mut Compositor,
    empty: &Scene,
    frames_at: &impl Fn(u32) -> Frames,
    (w, h): (f32, f32),
    count: u32,
) -> Result<(), Box<dyn std::error::Error>> {
    println!("each filter, in CPU-ms per frame: all over, and at a quarter of each side");
    let files = files()?;
    let mut plain = [0.0; 2];
    let kinds = std::iter::once(None).chain(FilterKind::DESCRIBED.iter().map(Some));
    for described in kinds {
        let mut cost = [0.0; 2];
        for (at, part) in [1.0, 0.25].into_iter().enumerate() {
            let mut shown = item("film", 0.0, 0.0, w * part, h * part);
            shown.filters = described
                .map(|d| filter(d.kind))
                .into_iter()
                .flatten()
                .collect();
            let scene = Scene {
                items: vec![shown],
                ..empty.clone()
            };
            for n in 0..3 {
                let frames = frames_at(n);
                drop(compositor.compose(&Show::scene(&scene, &frames, &files), Timestamp::ZERO)?);
            }
            let cpu = cpu_ms()?;
            for n in 0..count {
                let frames = frames_at(n);
                let show = Show::scene(&scene, &frames, &files);
                drop(compositor.compose(&show, Timestamp::from_ticks(n.into(), 30))?);
            }
            cost[at] = (cpu_ms()? - cpu) / f64::from(count);
        }
        match described {
            None => plain = cost,
            Some(d) => println!(
                "  {:<18} {:>6.2} {:>6.2}",
                d.name,
                cost[0] - plain[0],
                cost[1] - plain[1],
            ),
        }
    }
    Ok(())
}

/// Eight items, four of them moving, four filters, in the middle of a fade.
fn busy(
    compositor: &mut Compositor,
    empty: &Scene,
    frames_at: &impl Fn(u32) -> Frames,
    (w, h): (f32, f32),
    count: u32,
) -> Result<(), Box<dyn std::error::Error>> {
    let small = |name: &str, x: f32, y: f32| item(name, w * x, h * y, w * 0.25, h * 0.25);
    let mut eight = vec![
        item("film", 0.0, 0.0, w, h),
        small("picture", 0.7, 0.05),
        small("camera", 0.05, 0.05),
        small("camera", 0.37, 0.05),
        small("film", 0.7, 0.4),
        small("picture", 0.05, 0.4),
        item("lower third", w * 0.05, h * 0.8, w * 0.5, h * 0.1),
        small("picture", 0.7, 0.7),
    ];
    let bare = Scene {
        items: eight.clone(),
        ..empty.clone()
    };
    let kinds = [
        "chroma_key",
        "color_correction",
        "rounded_corners",
        "shadow",
    ];
    for (at, kind) in [2, 3, 4, 1].into_iter().zip(kinds) {
        eight[at].filters = filter(kind).into_iter().collect();
    }
    let after = Scene {
        items: eight,
        ..empty.clone()
    };
    let before = Scene {
        items: vec![item("film", 0.0, 0.0, w, h)],
        ..empty.clone()
    };
    let fade = TransitionKind::Fade(Fade {});
    let files = Files::new();
    for (what, scene, fades) in [
        ("eight items", &bare, false),
        ("eight items, four filters", &after, false),
        ("eight items, four filters, a running fade", &after, true),
    ] {
        let (mut cpu, mut wall, mut most) = (cpu_ms()?, Clock::start(), 0);
        for n in 0..count + 5 {
            if n == 5 {
                (cpu, wall, most) = (cpu_ms()?, Clock::start(), 0);
            }
            let began = wall.now();
            let frames = frames_at(n);
            let passage = Passage {
                before: Before::Scene(&before),
                kind: &fade,
                far: (n % 100) as f32 / 100.0,
            };
            let show = Show {
                passage: fades.then_some(passage),
                ..Show::scene(scene, &frames, &files)
            };
            drop(compositor.compose(&show, Timestamp::from_ticks(n.into(), 30))?);
            most = most.max(wall.now().since(began).as_millis());
        }
        println!(
            "{what}: {:.2} CPU-ms and {:.2} ms per frame, {most} ms at most",
            (cpu_ms()? - cpu) / f64::from(count),
            wall.now().since(Timestamp::ZERO).as_secs_f64() * 1e3 / f64::from(count),
        );
    }
    Ok(())
}

/// A table of 33 steps a side, and a round mask.
fn files() -> Result<Files, Box<dyn std::error::Error>> {
    use std::fmt::Write;
    let mut cube = String::from("LUT_3D_SIZE 33\n");
    for at in 0..33_u32.pow(3) {
        let step = |of: u32| f64::from(of % 33) / 32.0;
        writeln!(cube, "{} {} {}", step(at / 1089), step(at / 33), step(at))?;
    }
    let side = 512;
    let mut data = Vec::with_capacity(Frame::packed_len(PixelFormat::Rgba, side, side));
    for y in 0..side {
        for x in 0..side {
            let away = (x as f32 - 256.0).hypot(y as f32 - 256.0);
            data.extend([255, 255, 255, if away < 240.0 { 255 } else { 0 }]);
        }
    }
    let (at, color) = (Timestamp::ZERO, Color::default());
    let mask = Frame::packed(PixelFormat::Rgba, side, side, color, at, data.into())?;
    Ok(Files::from([
        ("look.cube".into(), Arc::new(File::Lut(Cube::parse(&cube)?))),
        ("mask.png".into(), Arc::new(File::Picture(mask))),
    ]))
}

/// A filter as it comes, by the name that the document has for it; one that does nothing then is set to
/// do something.
fn filter(kind: &str) -> Option<Filter> {
    use scene::FilterKind as F;
    let all = [
        F::ChromaKey(Default::default()),
        F::LumaKey(Default::default()),
        F::ColorCorrection(Default::default()),
        F::Lut(Lut {
            path: "look.cube".into(),
            ..Lut::default()
        }),
        F::CropPad(CropPad {
            left: 40.0,
            top: -20.0,
            ..CropPad::default()
        }),
        F::Blur(Default::default()),
        F::Sharpen(Default::default()),
        F::Mask(Mask {
            path: "mask.png".into(),
            ..Mask::default()
        }),
        F::Matte(Default::default()),
        F::Scroll(Default::default()),
        F::RoundedCorners(Default::default()),
        F::Shadow(Default::default()),
        F::Border(Default::default()),
    ];
    let kind = all.into_iter().find(|one| one.described().kind == kind)?;
    Some(Filter {
        id: FilterId::new("filter"),
        name: String::new(),
        enabled: true,
        kind,
    })
}

fn item(source: &str, x: f32, y: f32, width: f32, height: f32) -> Item {
    Item {
        id: ItemId::new(source),
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

fn still(format: PixelFormat, width: u32, height: u32) -> Frame {
    let data: Vec<u8> = (0..Frame::packed_len(format, width, height))
        .map(|at| (at / 7) as u8)
        .collect();
    match Frame::packed(
        format,
        width,
        height,
        Color::default(),
        Timestamp::ZERO,
        data.into(),
    ) {
        Ok(frame) => frame,
        Err(problem) => unreachable!("{problem}"),
    }
}

/// CPU milliseconds of this process and its threads so far; Linux counts them in hundredths of a second.
fn cpu_ms() -> Result<f64, Box<dyn std::error::Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
    Ok(ticks * 10.0)
}
