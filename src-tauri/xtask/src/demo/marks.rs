//! Icons and logo, from their SVG.

use std::{fs, path::Path, process::Stdio};

use anyhow::{Context, Result};

use crate::sh;

/// Icon files by their side in pixels, as Tauri's configuration names them.
const ICONS: [(&str, u32); 4] = [
    ("32x32.png", 32),
    ("128x128.png", 128),
    ("128x128@2x.png", 256),
    ("icon.png", 512),
];

/// Entries of an Apple icon: their type, and the side of the PNG in them.
const ICNS: [(&[u8; 4], &str); 3] = [
    (b"ic07", "128x128.png"),
    (b"ic08", "128x128@2x.png"),
    (b"ic09", "icon.png"),
];

/// Renders all of them.
pub(super) fn render(work: &Path) -> Result<()> {
    let assets = sh::root().join("assets");
    let icons = assets.join("icons");
    let large = work.join("icon.png");
    raster(&icons.join("icon.svg"), (512, 512), &large, work)?;
    for (name, side) in ICONS {
        let to = icons.join(name);
        let size = format!("{side}x{side}");
        convert(&[&large], &["-filter", "Lanczos", "-resize", &size], &to)?;
    }
    let sizes = ["-define", "icon:auto-resize=256,128,64,48,32,16"];
    convert(&[&large], &sizes, &icons.join("icon.ico"))?;
    fs::write(icons.join("icon.icns"), icns(&icons)?)?;

    let demo = assets.join("demo");
    raster(
        &demo.join("logo.svg"),
        (440, 112),
        &demo.join("logo.png"),
        work,
    )
}

/// Chromium draws SVG as designed; its window has a least size, so the picture is cut from a larger one.
fn raster(svg: &Path, (width, height): (u32, u32), to: &Path, work: &Path) -> Result<()> {
    let shot = work.join("shot.png");
    sh::run(
        sh::command("chromium")
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
            ])
            .args([
                "--default-background-color=00000000",
                "--window-size=1024,1024",
            ])
            .arg(format!(
                "--user-data-dir={}",
                work.join("chromium").display()
            ))
            .arg(format!("--screenshot={}", shot.display()))
            .arg(format!("file://{}", svg.display()))
            // Without a desktop it complains at length about D-Bus.
            .stderr(Stdio::null()),
    )?;
    let crop = format!("{width}x{height}+0+0");
    convert(&[&shot], &["-crop", &crop, "+repage"], to)
}

fn convert(from: &[&Path], args: &[&str], to: &Path) -> Result<()> {
    sh::run(
        sh::command("convert")
            .args(from)
            .args(args)
            .args(["-strip", "-define", "png:exclude-chunks=date,time"])
            .arg(to),
    )
}

/// An Apple icon: a header, then PNG files, each behind its type and length.
fn icns(icons: &Path) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    for (kind, name) in ICNS {
        let png = fs::read(icons.join(name)).with_context(|| format!("no {name}"))?;
        body.extend_from_slice(kind);
        body.extend_from_slice(&(png.len() as u32 + 8).to_be_bytes());
        body.extend_from_slice(&png);
    }
    let mut file = b"icns".to_vec();
    file.extend_from_slice(&(body.len() as u32 + 8).to_be_bytes());
    file.extend_from_slice(&body);
    Ok(file)
}
