//! What a picture costs: CPU milliseconds per frame of four layers, and the time to be ready.
//!
//! `cargo run -p klieg-render --example render_cost -- [width height] [software|gpu|as-gpu] [frames]`

use std::collections::BTreeMap;
use std::fs;

use klieg_render::{Adapter, Compositor, Frames, Options};
use media::{Clock, Color, Frame, PixelFormat, Timestamp};
use scene::{Crop, Fit, Item, ItemId, Rect, Scene, SceneId, SourceId};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut numbers = Vec::new();
    let mut adapter = Adapter::Software;
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "software" => adapter = Adapter::Software,
            "gpu" => adapter = Adapter::Auto,
            "as-gpu" => adapter = Adapter::SoftwareAsGpu,
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
    Ok(())
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
