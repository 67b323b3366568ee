//! The floor of the program's cost: the bare compositor and the bare encoder on the demo's own
//! frames, without threads, hub, sound or station. `cargo xtask bench` compares the program with it.
//!
//! Arguments: a collection, and raw I420 frames of its canvas. Prints one line of JSON, in CPU
//! milliseconds per frame.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, Result, bail};
use codec::{decode::picture, encode::video};
use media::{Color, Frame, PixelFormat, Timestamp, TrackId};
use render::{Adapter, Compositor, Frames, Options};
use scene::{Canvas, Collection, Item, Source, SourceKind};

/// Frames measured, after [`WARM`] that are not.
const FRAMES: usize = 300;
const WARM: usize = 30;
const BITRATE: u32 = 2_500_000;

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let (Some(collection), Some(raw)) = (args.next(), args.next()) else {
        bail!("floor COLLECTION FRAMES.yuv");
    };
    let collection_path = Path::new(&collection);
    let collection: Collection = serde_json::from_str(&fs::read_to_string(collection_path)?)?;
    let canvas = collection.canvas;
    let folder = collection_path.parent().unwrap_or(Path::new("."));
    let video = video_frames(&fs::read(&raw)?, canvas)?;
    let scene = collection.current_scene().context("no scene")?;

    let mut still = Frames::new();
    let mut moving = Vec::new();
    for item in &scene.items {
        let source = collection.source(&item.source).context("no source")?;
        match layer(source, item, folder)? {
            Some(frame) => drop(still.insert(source.id.clone(), frame)),
            None => moving.push(source.id.clone()),
        }
    }

    let mut compositor = Compositor::new(Options {
        width: canvas.width,
        height: canvas.height,
        adapter: Adapter::Auto,
    })?;
    let mut composed = Vec::new();
    let tick = Duration::from_secs(1) / canvas.fps;
    let compositor_ms = measured(|n| {
        let now = Timestamp::ZERO + tick * u32::try_from(n)?;
        for id in &moving {
            still.insert(
                id.clone(),
                video[n % video.len()].clone().with_timestamp(now),
            );
        }
        let frame = compositor.render(scene, &still, now)?;
        if composed.len() < video.len() {
            composed.push(frame);
        }
        Ok(())
    })?;

    let config = video::Config {
        width: canvas.width,
        height: canvas.height,
        fps: canvas.fps,
        bitrate: BITRATE * canvas.height / 720,
        keyframe_interval: Duration::from_secs(2),
    };
    let mut encoder = video::open(config, TrackId(0))?;
    let encoder_ms = measured(|n| {
        let now = Timestamp::ZERO + tick * u32::try_from(n)?;
        encoder.encode(&composed[n % composed.len()].clone().with_timestamp(now))?;
        Ok(())
    })?;

    println!(
        "{}",
        serde_json::json!({
            "layers": scene.items.len(),
            "adapter": compositor.adapter(),
            "encoder": encoder.name(),
            "compositor_ms": compositor_ms,
            "encoder_ms": encoder_ms,
        })
    );
    Ok(())
}

/// CPU milliseconds of this process per call.
fn measured(mut work: impl FnMut(usize) -> Result<()>) -> Result<f64> {
    for n in 0..WARM {
        work(n)?;
    }
    let before = cpu_ms()?;
    for n in WARM..WARM + FRAMES {
        work(n)?;
    }
    Ok((cpu_ms()? - before) / FRAMES as f64)
}

/// CPU time of this process so far, from `/proc`, which counts in hundredths of a second.
fn cpu_ms() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat").context("the floor is measured on Linux")?;
    let (_, rest) = stat.rsplit_once(") ").context("/proc/self/stat")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let user: f64 = fields.get(11).context("utime")?.parse()?;
    let system: f64 = fields.get(12).context("stime")?.parse()?;
    Ok((user + system) * 10.0)
}

fn video_frames(raw: &[u8], canvas: Canvas) -> Result<Vec<Frame>> {
    let Canvas { width, height, .. } = canvas;
    let len = Frame::packed_len(PixelFormat::I420, width, height);
    let frames: Result<Vec<Frame>, _> = raw
        .chunks_exact(len)
        .map(|data| {
            let data = bytes::Bytes::copy_from_slice(data);
            let color = Color::default();
            Frame::packed(
                PixelFormat::I420,
                width,
                height,
                color,
                Timestamp::ZERO,
                data,
            )
        })
        .collect();
    let frames = frames?;
    if frames.is_empty() {
        bail!("no frame of {width}×{height}");
    }
    Ok(frames)
}

/// The picture of a layer that stands still; `None` for one that moves.
fn layer(source: &Source, item: &Item, folder: &Path) -> Result<Option<Frame>> {
    let flat = |width: u32, height: u32, alpha: u8| {
        let pixel = [0xe8, 0xe6, 0xe1, alpha];
        let data = pixel.repeat(width as usize * height as usize).into();
        let color = Color::default();
        Frame::packed(
            PixelFormat::Rgba,
            width,
            height,
            color,
            Timestamp::ZERO,
            data,
        )
    };
    Ok(match &source.kind {
        SourceKind::Media { .. } => None,
        SourceKind::Image { path } => {
            let picture = picture::file(&fs::read(folder.join(path))?)?;
            picture.frames.into_iter().next().map(|(frame, _)| frame)
        }
        SourceKind::Color { .. } => Some(flat(2, 2, 0xe0)?),
        SourceKind::Text { .. } => {
            // Text costs as much as any picture of its size.
            Some(flat(item.rect.width as u32, item.rect.height as u32, 0x60)?)
        }
        other => bail!("the floor has no frame for {other:?}"),
    })
}
