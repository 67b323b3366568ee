//! Renders what the demo collection shows, the logo and the icons. All of it is made here: no
//! picture, sound or font of others goes in. Needs ffmpeg, ImageMagick and Chromium.

mod marks;
mod masks;
mod picture;
mod sound;

use std::{
    fs,
    io::Write,
    process::{ChildStdin, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::sh;

/// Length of the loop, in seconds.
const SECONDS: usize = 10;
/// Pictures per second.
const FPS: usize = 30;
/// Samples per second and channel.
const RATE: usize = 48_000;

/// Writes `assets/demo`, `assets/icons` and `assets/masks`; the latter alone when it is asked for.
pub(crate) fn run(args: &[String]) -> Result<()> {
    match args {
        [] => {}
        [only] if only == "masks" => return masks(),
        [other, ..] => bail!("`demo` does not know \"{other}\""),
    }
    for tool in ["ffmpeg", "convert", "chromium"] {
        if !sh::has(tool) {
            bail!("{tool} is not installed; `cargo xtask setup` installs it");
        }
    }
    let work = sh::target().join("xtask/demo");
    fs::create_dir_all(&work)?;
    sh::say("Icons and logo");
    marks::render(&work)?;

    masks()?;

    sh::say("Sound of the loop");
    let raw = work.join("loop.f32");
    fs::write(&raw, sound::render())?;

    sh::say("Picture of the loop");
    let size = format!("{}x{}", picture::WIDTH, picture::HEIGHT);
    let mut ffmpeg = sh::command("ffmpeg");
    ffmpeg
        .args(["-hide_banner", "-loglevel", "error", "-y"])
        .args(["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", &size])
        .args(["-r", &FPS.to_string(), "-i", "-"])
        .args(["-f", "f32le", "-ar", &RATE.to_string(), "-ac", "2", "-i"])
        .arg(&raw)
        .args([
            "-vf",
            "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p",
        ])
        .args([
            "-c:v",
            "libx264",
            "-preset",
            "veryslow",
            "-profile:v",
            "main",
        ])
        .args(["-crf", "21", "-bf", "0", "-g", "60", "-tune", "fastdecode"])
        .args(["-colorspace", "bt709", "-color_primaries", "bt709"])
        .args(["-color_trc", "bt709", "-color_range", "tv"])
        .args(["-c:a", "aac", "-b:a", "128k", "-t", &SECONDS.to_string()])
        .args([
            "-map_metadata",
            "-1",
            "-fflags",
            "+bitexact",
            "-flags:a",
            "+bitexact",
        ])
        .args(["-movflags", "+faststart"])
        .arg(sh::root().join("assets/demo/loop.mp4"));
    let mut child = ffmpeg.stdin(Stdio::piped()).spawn()?;
    let mut input = child.stdin.take().context("ffmpeg has no input")?;
    let fed = feed(&mut input);
    drop(input);
    let status = child.wait()?;
    fed?;
    if !status.success() {
        bail!("ffmpeg failed ({status})");
    }
    Ok(())
}

/// The masks of luma wipes.
fn masks() -> Result<()> {
    sh::say("Masks of luma wipes");
    let work = sh::target().join("xtask/demo");
    let to = sh::root().join("assets/masks");
    fs::create_dir_all(&work)?;
    fs::create_dir_all(&to)?;
    for (name, level) in masks::ALL {
        let raw = work.join("mask.gray");
        fs::write(&raw, masks::draw(level))?;
        let size = format!("{}x{}", masks::WIDTH, masks::HEIGHT);
        sh::run(
            sh::command("convert")
                .args(["-size", &size, "-depth", "8"])
                .arg(format!("gray:{}", raw.display()))
                .args(["-strip", "-define", "png:exclude-chunks=date,time"])
                .arg(to.join(format!("{name}.png"))),
        )?;
    }
    Ok(())
}

fn feed(input: &mut ChildStdin) -> Result<()> {
    let room = picture::Room::new();
    for n in 0..SECONDS * FPS {
        let turn = n as f32 / (SECONDS * FPS) as f32;
        input.write_all(&room.draw(turn))?;
    }
    Ok(())
}
