//! Shows: transitions, what is kept, what others look at, and what is allocated.

use scene::{Blur, Fade, Filter, FilterId, FilterKind, Scroll, TransitionKind};

use super::*;
use crate::{Before, Passage, Show};

const FADE: TransitionKind = TransitionKind::Fade(Fade {});

fn white_and_red() -> Frames {
    frames([
        ("white", flat([255, 255, 255, 255], Timestamp::ZERO)),
        ("red", flat([255, 0, 0, 255], Timestamp::ZERO)),
    ])
}

fn with_filter(mut item: Item, kind: FilterKind) -> Item {
    item.filters.push(Filter {
        id: FilterId::new("filter"),
        name: String::new(),
        enabled: true,
        kind,
    });
    item
}

#[test]
fn a_transition_that_was_cut_short_goes_on_from_its_picture() {
    for adapter in [Adapter::Software, Adapter::SoftwareAsGpu] {
        let mut compositor = compositor(adapter);
        let (pictures, files) = (white_and_red(), Files::new());
        let (white, red) = (scene(vec![all_over("white")]), scene(vec![all_over("red")]));
        compositor
            .compose(&Show::scene(&white, &pictures, &files), Timestamp::ZERO)
            .unwrap();
        let held = |far| Show {
            passage: Some(Passage {
                before: Before::Still(1),
                kind: &FADE,
                far,
            }),
            ..Show::scene(&red, &pictures, &files)
        };
        let mut luma = |far| {
            let frame = compositor.compose(&held(far), Timestamp::ZERO).unwrap();
            middle(&frame)[0]
        };
        // White is 235, red 63; the still stays what it was when it was first seen.
        for (far, expect) in [(0.0, 235), (0.5, 149), (1.0, 63), (0.0, 235)] {
            let found = luma(far);
            assert!(found.abs_diff(expect) <= 2, "{far}: {found}");
        }
    }
}

#[test]
fn a_fade_that_is_cut_short_holds_both_of_its_scenes() {
    for adapter in [Adapter::Software, Adapter::SoftwareAsGpu] {
        let mut compositor = compositor(adapter);
        let (pictures, files) = (white_and_red(), Files::new());
        let (white, red) = (scene(vec![all_over("white")]), scene(vec![all_over("red")]));
        let dark = scene(vec![]);
        let mut luma = |before, after, far| {
            let passage = Passage {
                before,
                kind: &FADE,
                far,
            };
            let show = Show {
                passage: Some(passage),
                ..Show::scene(after, &pictures, &files)
            };
            let frame = compositor.compose(&show, Timestamp::ZERO).unwrap();
            middle(&frame)[0]
        };
        // White is 235, red 63, black 16; each still is what was on when its number came first.
        for (before, after, far, expect) in [
            (Before::Scene(&white), &red, 0.5, 149),
            (Before::Still(1), &dark, 0.0, 149),
            (Before::Still(1), &dark, 0.25, 116),
            (Before::Still(2), &red, 0.0, 116),
            (Before::Still(2), &red, 1.0, 63),
        ] {
            let found = luma(before, after, far);
            assert!(
                found.abs_diff(expect) <= 2,
                "{before:?} {far}: {found} for {expect}"
            );
        }
    }
}

#[test]
fn what_stands_still_is_filtered_once() {
    let mut compositor = compositor(Adapter::Software);
    let blurred = with_filter(all_over("white"), FilterKind::Blur(Blur { radius: 8.0 }));
    let pictures = white_and_red();
    let still = scene(vec![blurred]);
    let works = |compositor: &Compositor| {
        let steps = compositor.plan.steps.iter();
        steps
            .filter(|step| matches!(step, Step::Work { .. }))
            .count()
    };
    compositor
        .render(&still, &pictures, Timestamp::ZERO)
        .unwrap();
    assert!(works(&compositor) > 0);
    for turn in 1..80 {
        compositor
            .render(&still, &pictures, Timestamp::from_millis(turn * 33))
            .unwrap();
        assert_eq!(works(&compositor), 0, "{turn}");
    }
    let scrolled = with_filter(all_over("white"), FilterKind::Scroll(Scroll::default()));
    let moving = scene(vec![scrolled]);
    for turn in 0..3 {
        compositor
            .render(&moving, &pictures, Timestamp::from_millis(turn * 33))
            .unwrap();
        assert!(works(&compositor) > 0, "{turn}");
    }
}

#[test]
fn scenes_are_looked_at_beside_the_program() {
    for adapter in [Adapter::Software, Adapter::SoftwareAsGpu] {
        let mut compositor = compositor(adapter);
        let (pictures, files) = (white_and_red(), Files::new());
        let (white, red) = (scene(vec![all_over("white")]), scene(vec![all_over("red")]));
        let mut collection = Collection::empty("Test");
        collection.canvas.width = WIDTH;
        collection.canvas.height = HEIGHT;
        let boxes = [(&white, [0, 0, 48, 32]), (&red, [48, 0, 48, 32])];
        let board = compositor
            .look(
                &collection,
                &boxes,
                (&pictures, &files),
                (96, 32),
                Timestamp::ZERO,
            )
            .unwrap()
            .unwrap();
        let luma = |x: usize| board.planes()[0].data[16 * board.planes()[0].stride + x];
        assert!(luma(24).abs_diff(235) <= 2 && luma(72).abs_diff(63) <= 2);
        // The program's picture is as if nobody looked.
        let frame = compositor.render(&red, &pictures, Timestamp::ZERO).unwrap();
        assert!(middle(&frame)[0].abs_diff(63) <= 1);
    }
}

/// Holds the second half of these counts against the first. The device's library has housekeeping of its
/// own, at pictures of its own choosing, so neither a single picture nor the largest says anything: the
/// usual one (a tenth from the bottom and the middle) stays what it was, and the sum with it.
fn assert_steady(counts: &[u64]) {
    let (early, late) = counts.split_at(counts.len() / 2);
    let at = |of: &[u64], tenth: usize| {
        let mut sorted = of.to_vec();
        sorted.sort_unstable();
        sorted[sorted.len() * tenth / 10]
    };
    for tenth in [1, 5] {
        assert!(at(late, tenth) <= at(early, tenth) + 1, "{counts:?}");
    }
    let (early, late): (u64, u64) = (early.iter().sum(), late.iter().sum());
    assert!(late * 20 <= early * 21, "{counts:?}");
}

/// The device's library allocates for every pass that is recorded; what is counted here is that we add
/// nothing to it, and that it stays the same from frame to frame.
#[test]
fn nothing_is_allocated_to_plan_a_picture_and_the_rest_does_not_grow() {
    let mut compositor = compositor(Adapter::Software);
    let (pictures, files) = (white_and_red(), Files::new());
    let before = scene(vec![all_over("white")]);
    let small = |at: f32| item("red", 4.0 * at, 3.0 * at, 20.0, 16.0);
    let mut pale = small(1.0);
    pale.opacity = 0.5;
    let mut turned = small(2.0);
    turned.rotation = 30.0;
    let mut lit = small(3.0);
    lit.blend = scene::Blend::Screen;
    let after = scene(vec![
        all_over("white"),
        with_filter(pale, FilterKind::Blur(Blur { radius: 4.0 })),
        turned,
        lit,
        with_filter(small(4.0), FilterKind::ChromaKey(Default::default())),
        with_filter(small(5.0), FilterKind::Shadow(Default::default())),
        // This one is filtered anew for every picture.
        with_filter(small(6.0), FilterKind::Scroll(Scroll::default())),
        small(7.0),
    ]);
    let show = |far| Show {
        passage: Some(Passage {
            before: Before::Scene(&before),
            kind: &FADE,
            far,
        }),
        ..Show::scene(&after, &pictures, &files)
    };
    for turn in 0..70 {
        compositor
            .compose(&show(0.3), Timestamp::from_millis(turn))
            .unwrap();
    }
    let size = (WIDTH, HEIGHT);
    let now = Timestamp::from_millis(100);
    compositor.begin();
    let mut plan = std::mem::take(&mut compositor.plan);
    let shown = show(0.5);
    let mut parts = compositor.parts(&shown, now);
    let planned = allocation_counter::measure(|| plan.make(&mut parts, size));
    compositor.plan = plan;
    compositor.end();
    assert_eq!(planned.count_total, 0, "{planned:?}");

    let mut frame = |at: i64| {
        let now = Timestamp::from_millis(at);
        allocation_counter::measure(|| drop(compositor.compose(&show(0.4), now).unwrap()))
    };
    let warm: Vec<u64> = (200..260).map(|at| frame(at).count_total).collect();
    assert_steady(&warm);
}

/// As above, with cameras and films: each picture brings another frame of every format, which is
/// converted and brought up. Frames are taken and fitted without allocating, and no copy of a picture is
/// made on the way.
#[test]
fn frames_that_change_are_brought_up_without_allocating_more_from_picture_to_picture() {
    const FORMATS: [(&str, PixelFormat); 4] = [
        ("film", PixelFormat::I420),
        ("camera", PixelFormat::Nv12),
        ("grabber", PixelFormat::Yuyv),
        ("screen", PixelFormat::Bgrx),
    ];
    let (width, height) = (640, 360);
    let turns: Vec<Frames> = (0..4)
        .map(|turn| {
            frames(FORMATS.map(|(id, format)| {
                let frame = lively(format, width, height, Color::default());
                (id, frame.with_timestamp(Timestamp::from_millis(turn * 40)))
            }))
        })
        .collect();
    let files = Files::new();
    let mut turned = item("camera", 30.0, 20.0, 40.0, 30.0);
    turned.rotation = 20.0;
    let shown = scene(vec![
        all_over("film"),
        item("film", 2.0, 2.0, 30.0, 20.0),
        turned,
        item("grabber", 60.0, 5.0, 31.5, 20.0),
        with_filter(
            item("screen", 50.0, 30.0, 40.0, 30.0),
            FilterKind::Blur(Blur { radius: 4.0 }),
        ),
    ]);
    for adapter in [Adapter::Software, Adapter::SoftwareAsGpu] {
        let mut compositor = compositor(adapter);
        let mut frame = |at: i64| {
            let pictures = &turns[at as usize % turns.len()];
            let show = Show::scene(&shown, pictures, &files);
            let now = Timestamp::from_millis(at * 40);
            allocation_counter::measure(|| drop(compositor.compose(&show, now).unwrap()))
        };
        for at in 0..40 {
            frame(at);
        }
        let warm: Vec<_> = (40..80).map(frame).collect();
        assert_steady(&warm.iter().map(|i| i.count_total).collect::<Vec<_>>());
        // One plane of one of the pictures would be more.
        let bytes = warm.iter().map(|i| i.bytes_total).max().unwrap_or(0);
        assert!(
            bytes < u64::from(width * height),
            "{adapter:?}: {bytes} bytes"
        );

        // Of this, taking the frames and planning is without any.
        let show = Show::scene(&shown, &turns[1], &files);
        compositor.begin();
        let mut plan = std::mem::take(&mut compositor.plan);
        let mut parts = compositor.parts(&show, Timestamp::from_millis(4000));
        let planned = allocation_counter::measure(|| plan.make(&mut parts, (WIDTH, HEIGHT)));
        compositor.plan = plan;
        compositor.end();
        assert_eq!(planned.count_total, 0, "{adapter:?}: {planned:?}");
    }
}
