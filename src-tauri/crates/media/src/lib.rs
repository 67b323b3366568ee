//! What flows through Klieg: time, frames, samples, packets, and the hub they meet in.
//!
//! Everything left of the [`Hub`] writes (program, ingests), everything right of it reads
//! (viewers, destinations, recordings). Start with [`Clock`], [`Frame`], [`Samples`],
//! [`Packet`] and [`Hub`].
//!
//! This crate knows no device, no codec library, no protocol and no runtime: it parses the
//! bitstreams that all of them share ([`h264`], [`aac`], [`opus`]) and nothing more.

pub mod aac;
mod clock;
mod frame;
pub mod h264;
mod histogram;
mod hub;
pub mod opus;
mod packet;
mod pool;
mod samples;

pub use clock::{Clock, Timestamp};
pub use frame::{Color, Frame, FrameError, Matrix, PixelFormat, Plane, Range};
pub use histogram::{Counted, Histogram};
pub use hub::{
    Channel, ChannelInfo, ChannelName, Due, Hub, HubError, Next, Nudge, Origin, PathRate, Reader,
    Signals, Standing, Start, Totals, Twin, Want, Writer,
};
pub use packet::{Config, Kind, Packet, Track, TrackId};
pub use pool::{BufferPool, Pooled};
pub use samples::{SAMPLE_RATE, Samples};

/// A slot of which readers see the latest value: writers never wait, readers may miss values.
///
/// The mechanism is tokio's, which needs no runtime for it.
pub mod latest {
    pub use tokio::sync::watch::{Receiver, Sender, channel};
}
