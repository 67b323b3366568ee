//! What goes on until it is told to stop, against all that fails on the way; the one layer that retries.
//!
//! A [`Destination`] keeps a channel live at a platform: it connects, counts, and comes back after
//! failures, until it is stopped or refused for good; with a delay, where one is asked for. [`Destination::state`] says how it fares. A
//! [`Remote`] keeps a channel of another station coming in the same way, and an [`Upload`](upload::Upload) brings a file
//! into a storage.
//!
//! This crate knows no protocol and no codec by itself (`wire` does), and no window.

mod backoff;
mod delay;
mod destination;
mod rate;
mod remote;
mod supervise;
pub mod upload;

pub use delay::LONGEST_DELAY;
pub use destination::{Destination, Options, Target};
pub use remote::Remote;
pub use supervise::State;
pub use wire::{Roots, s3};
