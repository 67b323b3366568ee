//! Supervised readers of the hub: destinations and recordings; the one layer that retries.
//!
//! A [`Destination`] keeps a channel live at a platform: it connects, counts, and comes back after
//! failures, until it is stopped or refused for good. [`Destination::state`] says how it fares.
//!
//! This crate knows no protocol and no codec by itself (`wire` does), and no window.

mod backoff;
mod destination;
mod rate;
mod supervise;

pub use destination::{Destination, Target};
pub use supervise::State;
