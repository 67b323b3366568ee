//! The tick allocates nothing once it runs.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use super::*;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: hands everything to the system's allocator unchanged; counting touches only a cell of
// this thread, which is initialised in place and allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // A thread that is being torn down has no cell any more, and is not measured.
        ALLOCATIONS.try_with(|n| n.set(n.get() + 1)).ok();
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn a_tick_allocates_nothing_after_warm_up() {
    let mut mixer = Mixer::new();
    mixer.set_buses(BUSES);
    mixer.set_strip("exact", Strip::default());
    mixer.set_sends("exact", 0b10101);
    let mut counted = 0;
    for tick in 0..200i64 {
        let start = tick * TICK as i64;
        let exact = sound(start, TICK, |n| [sine(n, 440.0, 0.9); 2]);
        let other = Samples {
            timestamp: at(start + 480),
            rate: 44_100,
            channels: 1,
            data: vec![0.9; 1_470],
        };
        let before = ALLOCATIONS.get();
        mixer.push("exact", exact);
        mixer.push("other", other);
        let mixed = mixer.mix(at(start), TICK);
        if tick >= 100 {
            counted += ALLOCATIONS.get() - before;
        }
        mixer.recycle(mixed.samples);
    }
    assert_eq!(counted, 0);
}
