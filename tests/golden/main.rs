//! Pictures of the compositor beside those that were looked at and found right.
//!
//! Every property of an item at stated values, both ways through the compositor, on a canvas of
//! 320 × 180. No channel of a pixel may differ from `expected/NAME.png` by more than [`MOST`], all of them
//! together by no more than [`MEAN`] on average, and the two ways by no more than 2 in Y, U and V.
//! Failures leave the picture and the difference (eight times as strong) in `actual/`.
//! `KLIEG_BLESS=1` writes what is expected anew: look at it before it is committed.

#![expect(clippy::unwrap_used, reason = "helpers of a test")]

mod cases;
mod picture;

use std::path::{Path, PathBuf};

use media::{Frame, Timestamp};
use render::{Adapter, Compositor, Error, Options};

use cases::{Case, HEIGHT, WIDTH};
use picture::Picture;

/// The most by which a channel of a pixel may differ, of 255.
const MOST: u8 = 6;

/// The most by which all channels may differ on average.
const MEAN: f64 = 1.0;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("golden")
        .join(name)
}

fn compositor(adapter: Adapter) -> Option<Compositor> {
    let options = Options {
        width: WIDTH,
        height: HEIGHT,
        adapter,
    };
    match Compositor::new(options) {
        Ok(compositor) => Some(compositor),
        Err(problem @ Error::NoAdapter) => {
            eprintln!("SKIPPED: {problem}");
            None
        }
        Err(problem) => panic!("{problem}"),
    }
}

#[test]
fn every_property_looks_as_it_should_both_ways() {
    let (Some(mut software), Some(mut gpu)) = (
        compositor(Adapter::Software),
        compositor(Adapter::SoftwareAsGpu),
    ) else {
        return;
    };
    let mut problems = Vec::new();
    for case in cases::all() {
        let render = |compositor: &mut Compositor| {
            compositor
                .render(&case.scene, &case.frames, Timestamp::ZERO)
                .unwrap()
        };
        let (one, other) = (render(&mut software), render(&mut gpu));
        let apart = largest_difference(&one, &other);
        if apart > 2 {
            problems.push(format!("{}: the two ways differ by {apart}", case.name));
        }
        problems.extend(check(&case, "software", &one));
        problems.extend(check(&case, "gpu", &other));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Whatever GPU the machine has must draw the same.
#[test]
fn the_best_adapter_draws_the_same() {
    let Some(mut best) = compositor(Adapter::Auto) else {
        return;
    };
    let mut problems = Vec::new();
    for case in cases::all() {
        let frame = best
            .render(&case.scene, &case.frames, Timestamp::ZERO)
            .unwrap();
        problems.extend(check(&case, "best", &frame));
    }
    assert!(
        problems.is_empty(),
        "{}: {}",
        best.adapter(),
        problems.join("\n")
    );
}

fn check(case: &Case, way: &str, frame: &Frame) -> Option<String> {
    let name = case.name;
    let actual = Picture::of(frame);
    let at = folder("expected").join(format!("{name}.png"));
    if std::env::var_os("KLIEG_BLESS").is_some() {
        if way == "software" {
            actual.save(&at);
        }
        return None;
    }
    let expected = match Picture::open(&at) {
        Ok(expected) => expected,
        Err(problem) => return Some(format!("{}: {problem}", at.display())),
    };
    let (most, mean) = actual.difference(&expected);
    if most <= MOST && mean <= MEAN {
        return None;
    }
    let left = folder("actual");
    std::fs::create_dir_all(&left).unwrap();
    let kept = left.join(format!("{name}.{way}.png"));
    actual.save(&kept);
    actual
        .difference_picture(&expected)
        .save(&left.join(format!("{name}.{way}.difference.png")));
    Some(format!(
        "{name}, {way}: differs by up to {most} and {mean:.2} on average; see {}",
        kept.display()
    ))
}

fn largest_difference(a: &Frame, b: &Frame) -> u8 {
    let planes = a.planes().iter().zip(b.planes());
    let bytes = planes.flat_map(|(a, b)| a.data.iter().zip(b.data.iter()));
    bytes.map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0)
}
