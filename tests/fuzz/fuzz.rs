//! libFuzzer over one of the targets, chosen by `KLIEG_FUZZ`. Started by `cargo xtask fuzz`.
#![no_main]

mod targets;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let name = std::env::var("KLIEG_FUZZ").unwrap_or_default();
    let found = targets::ALL.iter().find(|(target, _)| *target == name);
    found.unwrap_or_else(|| panic!("KLIEG_FUZZ names no target")).1
});

fuzz_target!(|data: &[u8]| TARGET(data));
