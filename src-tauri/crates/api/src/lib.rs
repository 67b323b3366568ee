//! All that crosses a process boundary: what a person commands, what they see, what changed, and
//! what went wrong. The window, the control page, the REST interface and the tests speak this and
//! nothing else.
//!
//! Plain data only: no behaviour, no I/O. Times are milliseconds since 1970 UTC, levels are dB,
//! rates are bits per second.
//!
//! TypeScript bindings are generated from here, and committed in `ui/src/lib/api/bindings`:
//! `cargo run -p klieg-api --bin bindings -- ui/src/lib/api/bindings` writes them anew. They are
//! fresh when the same command into an empty folder yields the same files.

mod access;
mod chat;
mod command;
mod device;
mod event;
mod problem;
mod snapshot;
mod station;

pub use access::{AccessLink, LinkKind, NewAccessLink, Publisher, Trust};
pub use chat::{Message, Role};
pub use command::{Command, DestinationTarget, NewDestination};
pub use device::{Device, Devices};
pub use event::{Event, Meter, Meters};
pub use problem::{Code, Problem};
pub use scene;
pub use snapshot::{
    Destination, DestinationState, Link, OnAir, Snapshot, SourceState, SourceStatus, Stats, Undo,
};
pub use station::{Channel, ChannelSource, ChannelState, Track, TrackKind, Viewers};
