//! Pictures of the compositor beside those that were looked at and found right.
//!
//! Every property of an item at stated values, and every source at stated times, both ways through the compositor, on a canvas of
//! 320 × 180. No channel of a pixel may differ from `expected/NAME.png` by more than [`MOST`], all of them
//! together by no more than [`MEAN`] on average, and the two ways by no more than 2 in Y, U and V.
//! Failures leave the picture and the difference (eight times as strong) in `actual/`.
//! `KLIEG_BLESS=1` writes what is expected anew: look at it before it is committed.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "helpers of a test")]

mod cases;
mod effects;
mod picture;
mod sources;
mod stingers;

use std::path::{Path, PathBuf};

use klieg_tests::skip;
use media::{Frame, Timestamp};
use render::{Adapter, Before, Compositor, Error, Options, Passage, Show};

use cases::{HEIGHT, WIDTH};
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
            let thread = std::thread::current();
            skip(thread.name().unwrap_or("golden"), &problem.to_string());
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
    check_all(cases::all(), &mut software, &mut gpu);
}

#[test]
fn every_source_looks_as_it_should_at_its_times_both_ways() {
    let (Some(mut software), Some(mut gpu)) = (
        compositor(Adapter::Software),
        compositor(Adapter::SoftwareAsGpu),
    ) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    check_all(sources::all(folder.path()), &mut software, &mut gpu);
}

fn check_all(cases: Vec<cases::Case>, software: &mut Compositor, gpu: &mut Compositor) {
    let mut problems = Vec::new();
    for case in cases {
        let render = |compositor: &mut Compositor| {
            compositor
                .render(&case.scene, &case.frames, Timestamp::ZERO)
                .unwrap()
        };
        let (one, other) = (render(software), render(gpu));
        let apart = largest_difference(&one, &other);
        if apart > 2 {
            problems.push(format!("{}: the two ways differ by {apart}", case.name));
        }
        problems.extend(check(case.name, "software", &one));
        problems.extend(check(case.name, "gpu", &other));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Whatever GPU the machine has must draw the same: items, sources, filters, blend modes, transitions
/// and stingers.
#[test]
fn the_best_adapter_draws_the_same() {
    let Some(mut best) = compositor(Adapter::Auto) else {
        return;
    };
    if best.adapter().ends_with("(software)") {
        skip(
            "golden::the_best_adapter_draws_the_same",
            "this machine has no GPU; its software adapter is compared by the other tests",
        );
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut problems = Vec::new();
    for case in cases::all().into_iter().chain(sources::all(folder.path())) {
        let frame = best
            .render(&case.scene, &case.frames, Timestamp::ZERO)
            .unwrap();
        problems.extend(check(case.name, "best", &frame));
    }
    for shot in effects::all() {
        let frame = compose(&mut best, &shot);
        problems.extend(check(&shot.name, "best", &frame));
    }
    for sting in stingers::all(folder.path()) {
        for (name, frame) in sting.pictures(&mut best) {
            problems.extend(check(name, "best", &frame));
        }
    }
    assert!(
        problems.is_empty(),
        "{}: {}",
        best.adapter(),
        problems.join("\n")
    );
}

/// The most by which the two ways may differ where filters work: what they sample differs by 2, and
/// keys, curves and sharpening make that more.
const APART: u8 = 8;

#[test]
fn every_filter_blend_mode_and_transition_looks_as_it_should_both_ways() {
    let (Some(mut software), Some(mut gpu)) = (
        compositor(Adapter::Software),
        compositor(Adapter::SoftwareAsGpu),
    ) else {
        return;
    };
    let mut problems = Vec::new();
    for shot in effects::all() {
        let (one, other) = (compose(&mut software, &shot), compose(&mut gpu, &shot));
        let apart = largest_difference(&one, &other);
        if apart > APART {
            problems.push(format!("{}: the two ways differ by {apart}", shot.name));
        }
        problems.extend(check(&shot.name, "software", &one));
        problems.extend(check(&shot.name, "gpu", &other));
        // Kept results of filters are the same picture.
        let again = compose(&mut software, &shot);
        if largest_difference(&one, &again) > 0 {
            problems.push(format!("{}: another picture the second time", shot.name));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_stinger_looks_as_it_should_at_its_times_both_ways() {
    let (Some(mut software), Some(mut gpu)) = (
        compositor(Adapter::Software),
        compositor(Adapter::SoftwareAsGpu),
    ) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut problems = Vec::new();
    for sting in stingers::all(folder.path()) {
        let both = sting.pictures(&mut gpu);
        for ((name, one), (_, other)) in sting.pictures(&mut software).into_iter().zip(both) {
            let apart = largest_difference(&one, &other);
            if apart > APART {
                problems.push(format!("{name}: the two ways differ by {apart}"));
            }
            problems.extend(check(name, "software", &one));
            problems.extend(check(name, "gpu", &other));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

fn compose(compositor: &mut Compositor, shot: &effects::Shot) -> Frame {
    let collection = &shot.collection;
    let passage = shot.passage.as_ref().map(|(before, kind, far)| Passage {
        before: Before::Scene(collection.scene(before).unwrap()),
        kind,
        far: *far,
    });
    let scene = collection.scene(&shot.scene).unwrap();
    let show = Show {
        collection: Some(collection),
        passage,
        ..Show::scene(scene, &shot.frames, &shot.files)
    };
    compositor.compose(&show, shot.at).unwrap()
}

fn check(name: &str, way: &str, frame: &Frame) -> Option<String> {
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
