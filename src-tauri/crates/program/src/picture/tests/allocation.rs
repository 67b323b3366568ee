//! What a whole tick allocates once it runs: the document and its sources, the picture, the hand-over to the
//! encoder and the preview.
//!
//! Recording what the device is to do allocates, in the graphics library; how much is its own affair, as long as it
//! does not grow. Nothing else of a tick allocates, and no picture is made in a buffer of its own.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::Write;

use media::{ChannelInfo, Origin};

use super::*;

/// As many bytes as a picture of the tests has.
const PICTURE: usize = 320 * 180 * 3 / 2;

/// Buffers of pictures that may be under way: one that is made, one held, one shown, and those of the encoder.
const UNDER_WAY: u64 = 8;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static LARGE: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

fn count(size: usize) {
    // A thread that is being torn down has no cells any more, and is not measured.
    ALLOCATIONS.try_with(|n| n.set(n.get() + 1)).ok();
    if size >= PICTURE {
        LARGE.try_with(|n| n.set(n.get() + 1)).ok();
    }
}

// SAFETY: hands everything to the system's allocator unchanged; counting touches only cells of this
// thread, which are initialised in place and allocate nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(ptr, layout, size) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// How often this thread allocates while something is done.
fn allocated(done: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.get();
    done();
    ALLOCATIONS.get() - before
}

/// The scene of the other tests with a text, a gradient and a filter on it.
fn furnished() -> Collection {
    let mut doc = collection();
    let kinds = [
        (
            "text",
            SourceKind::Text {
                text: "Klieg".into(),
                style: scene::TextStyle::default(),
                file: None,
                crawl: None,
            },
        ),
        ("gradient", SourceKind::Gradient(scene::Gradient::default())),
    ];
    for (id, kind) in kinds {
        doc.sources.push(Source {
            id: SourceId::new(id),
            name: id.into(),
            kind,
            audio: Audio::default(),
            filters: Vec::new(),
        });
        let below = doc.scenes[0].items[0].clone();
        doc.scenes[0].items.push(Item {
            id: ItemId::new(id),
            source: SourceId::new(id),
            rotation: 10.0,
            ..below
        });
    }
    doc.scenes[0].items[0].filters.push(Filter {
        id: FilterId::new("softer"),
        name: String::new(),
        enabled: true,
        kind: FilterKind::ColorCorrection(ColorCorrection {
            contrast: 0.2,
            ..ColorCorrection::default()
        }),
    });
    doc.validate().unwrap();
    doc
}

#[test]
fn a_tick_allocates_for_the_device_alone_after_warm_up() {
    let mut program = Loop::new(furnished());
    let info = ChannelInfo {
        origin: Origin::Program,
        title: "Test".into(),
    };
    let name = "program".parse().unwrap();
    let now = program.desk.parts.clock.now();
    let writer = program.hub.publish(name, info, now).unwrap();
    program.desk.parts.outlet.begin(1, writer, Vec::new());
    program.tick();
    if program.desk.compositor.is_none() {
        let problem = program.desk.composing.lock().problem.clone();
        // Not `eprintln!`, which the test's harness swallows.
        drop(writeln!(
            std::io::stderr(),
            "SKIPPED program::a_tick_allocates_for_the_device_alone_after_warm_up: {}",
            problem.unwrap_or_default()
        ));
        return;
    }
    let large = LARGE.get();
    let (mut ticks, mut composed) = (Vec::new(), Vec::new());
    for n in 0..200 {
        let tick = allocated(|| {
            program.tick();
        });
        // The picture of the same stage, by itself.
        let stage = Arc::clone(&program.stage.borrow());
        let at = Timestamp::from_ticks(program.n, 30);
        let picture = allocated(|| drop(program.desk.compose(&stage, at)));
        if n >= 100 {
            ticks.push(tick);
            composed.push(picture);
        }
    }
    let counters = &program.desk.parts.counters;
    assert_eq!(counters.frames.load(Ordering::Relaxed), 201);
    assert!(program.desk.parts.outlet.is_open(), "none were handed over");
    let least = |of: &[u64]| of.iter().min().copied();
    assert_eq!(
        least(&ticks),
        least(&composed),
        "beside the device's recording"
    );
    let (first, last) = ticks.split_at(50);
    assert!(least(last) <= least(first), "it grows: {ticks:?}");
    let pictures = LARGE.get() - large;
    assert!(pictures <= UNDER_WAY, "{pictures} buffers for 400 pictures");
}
