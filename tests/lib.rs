//! What the tests across crates share: the studio as a process, programs of others as peers,
//! ports, bounded waits, and a loud way to skip. What goes wrong in here is a failed test, so it
//! panics.
#![allow(
    clippy::expect_used,
    reason = "this is test code, only not inside of a #[test]"
)]

mod harness;

pub use harness::*;

use std::path::{Path, PathBuf};

/// The top of the checkout.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The bundled demo collection.
pub fn demo() -> PathBuf {
    root().join("assets/demo/collection.json")
}
