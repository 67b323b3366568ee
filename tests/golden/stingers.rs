//! Stingers at stated times: what plays over the cut, seen through in each way, before and after it.
//!
//! They go the program's own way: its stage opens the file and says which scene is seen when.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use image::codecs::gif::{GifEncoder, Repeat};
use image::{Delay, Rgba, RgbaImage};
use klieg_tests::need;
use media::{Clock, Frame};
use program::Rehearsal;
use render::{Compositor, Files, Frames};
use scene::{Collection, SceneId, Stinger, StingerKey, Transition, TransitionKind};

use super::cases::all_over;
use super::effects;

/// Pixels of the stingers' picture; a matte comes beside or below it.
const SIZE: (u32, u32) = (160, 90);

/// Each of the four pictures is seen so long.
const STEP_MS: u32 = 100;

/// In the middle of the third picture, so that nothing but the scene changes with it.
const CUT_MS: u32 = 250;

/// Longer than the stinger plays.
const LENGTH_MS: u32 = 600;

/// One stinger, and when it is looked at.
pub(crate) struct Sting {
    rehearsal: Rehearsal,
    frames: Frames,
    files: Files,
    shots: Vec<(String, Duration)>,
}

/// All of them. Files are made in `folder`.
pub(crate) fn all(folder: &Path) -> Vec<Sting> {
    let mut stings = vec![
        sting("cover", StingerKey::Cover, folder, |at, x, y| {
            let [r, g, b] = colour(x);
            [r, g, b, if band(at, x, y) > 0.5 { 255 } else { 0 }]
        }),
        sting("black", StingerKey::Black, folder, |at, x, y| {
            let seen = band(at, x, y);
            let [r, g, b] = colour(x).map(|value| (f32::from(value) * seen) as u8);
            [r, g, b, 255]
        }),
        sting("green", StingerKey::Green, folder, |at, x, y| {
            let seen = band(at, x, y);
            let [r, g, b] = colour(x).map(f32::from);
            let mixed = [r * seen, g * seen + 255.0 * (1.0 - seen), b * seen];
            let [r, g, b] = mixed.map(|value| value as u8);
            [r, g, b, 255]
        }),
        sting("matte-right", StingerKey::MatteRight, folder, |at, x, y| {
            if x < SIZE.0 {
                let [r, g, b] = colour(x);
                return [r, g, b, 255];
            }
            let seen = (band(at, x - SIZE.0, y) * 255.0) as u8;
            [seen, seen, seen, 255]
        }),
        sting("matte-below", StingerKey::MatteBelow, folder, |at, x, y| {
            if y < SIZE.1 {
                let [r, g, b] = colour(x);
                return [r, g, b, 255];
            }
            let seen = (band(at, x, y - SIZE.1) * 255.0) as u8;
            [seen, seen, seen, 255]
        }),
    ];
    stings.extend(alpha(folder));
    stings
}

impl Sting {
    /// Its pictures, by name.
    pub(crate) fn pictures(&self, compositor: &mut Compositor) -> Vec<(&str, Frame)> {
        assert_eq!(self.rehearsal.problems(), [""; 0]);
        let shots = self.shots.iter().map(|(name, after)| {
            let given = (&self.frames, &self.files);
            let frame = self.rehearsal.compose(compositor, given, *after);
            (name.as_str(), frame.unwrap().unwrap())
        });
        shots.collect()
    }
}

/// How much of a slanted band with soft edges covers a place, in sixteenths: 0 to 1. It wanders across.
fn band(at: u32, x: u32, y: u32) -> f32 {
    let middle = 20.0 + 40.0 * at as f32;
    let away = (x as f32 + y as f32 * 0.4 - 18.0 - middle).abs();
    let seen = ((44.0 - away) / 16.0).clamp(0.0, 1.0);
    (seen * 16.0).round() / 16.0
}

/// Stripes from amber to red: the left of the band is told from its right.
fn colour(x: u32) -> [u8; 3] {
    let part = (x * 8 / SIZE.0).min(7) as u8;
    [245 - part * 5, 165 - part * 20, 36 + part * 4]
}

/// A moving picture that begins with the transition, in steps of [`STEP_MS`].
fn film(path: &Path, (width, height): (u32, u32), pixel: impl Fn(u32, u32, u32) -> [u8; 4]) {
    let mut encoder = GifEncoder::new(std::fs::File::create(path).unwrap());
    encoder.set_repeat(Repeat::Finite(0)).unwrap();
    for at in 0..4 {
        let picture = RgbaImage::from_fn(width, height, |x, y| Rgba(pixel(at, x, y)));
        let delay = Delay::from_numer_denom_ms(STEP_MS, 1);
        let frame = image::Frame::from_parts(picture, 0, 0, delay);
        encoder.encode_frame(frame).unwrap();
    }
}

fn sting(
    name: &str,
    key: StingerKey,
    folder: &Path,
    pixel: impl Fn(u32, u32, u32) -> [u8; 4],
) -> Sting {
    let size = match key {
        StingerKey::MatteRight => (SIZE.0 * 2, SIZE.1),
        StingerKey::MatteBelow => (SIZE.0, SIZE.1 * 2),
        // Not of the canvas's shape: what stands over is cut off.
        StingerKey::Cover => (SIZE.0, SIZE.1 + 30),
        _ => SIZE,
    };
    let path = format!("{name}.gif");
    film(&folder.join(&path), size, pixel);
    let before = CUT_MS - 1;
    of_file(name, key, &path, folder, &[before, CUT_MS])
}

/// With the transparency of the file, which is soft here: a WebP, as GIF knows all or nothing.
fn alpha(folder: &Path) -> Option<Sting> {
    let ffmpeg = need("transition-stinger-alpha", "ffmpeg")?;
    for at in 0..4 {
        let picture = RgbaImage::from_fn(SIZE.0, SIZE.1, |x, y| {
            let [r, g, b] = colour(x);
            Rgba([r, g, b, (band(at, x, y) * 255.0) as u8])
        });
        picture
            .save(folder.join(format!("alpha-{at}.png")))
            .unwrap();
    }
    let made = Command::new(ffmpeg)
        .args(["-v", "error", "-framerate", "10", "-i"])
        .arg(folder.join("alpha-%d.png"))
        .args(["-pix_fmt", "bgra", "-lossless", "1", "-loop", "1"])
        .arg(folder.join("alpha.webp"))
        .status();
    assert!(made.unwrap().success(), "ffmpeg writes a WebP");
    let last = STEP_MS * 4 - 1;
    let times = [0, CUT_MS - 1, CUT_MS, last, last + 1];
    let cover = StingerKey::Cover;
    Some(of_file("alpha", cover, "alpha.webp", folder, &times))
}

/// A stinger from a picture all over to one in the middle of another.
fn of_file(name: &str, key: StingerKey, path: &str, folder: &Path, times: &[u32]) -> Sting {
    let shot = effects::shot(
        name,
        vec![
            all_over("slope"),
            super::cases::item("card", 80.0, 45.0, 160.0, 90.0),
        ],
    );
    let before = effects::scene("before", vec![all_over("card")]);
    let mut collection = Collection {
        current: before.id.clone(),
        transition: Transition {
            kind: TransitionKind::Stinger(Stinger {
                path: path.into(),
                cut_ms: CUT_MS as f32,
                key,
            }),
            duration_ms: LENGTH_MS,
        },
        ..shot.collection
    };
    collection.scenes.push(before);
    collection.validate().unwrap();
    let shots = times.iter().map(|ms| {
        let name = format!("transition-stinger-{name}-{ms}");
        (name, Duration::from_millis((*ms).into()))
    });
    Sting {
        rehearsal: Rehearsal::begin(&collection, &SceneId::new("scene"), folder, Clock::start()),
        frames: shot.frames,
        files: shot.files,
        shots: shots.collect(),
    }
}
