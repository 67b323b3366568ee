//! A browser's recorder to the hub: fragmented MP4 with H.264 and Opus or AAC, in pieces over any
//! ordered transport, for those whom WebRTC cannot reach.
//!
//! A recorder hands out a second or so at a time. Packets are given on at their own pace, so that
//! viewers over WebRTC see no bursts: each is due by its time in the stream, and one that comes later
//! than it is due moves all that follow.

use std::collections::VecDeque;
use std::time::Duration;

use container::mp4::live::{Demuxer, Event};
use media::{Packet, Timestamp, Writer};

/// The most that waits; a sender that is further ahead sends no live picture.
const AHEAD: Duration = Duration::from_secs(10);

/// A step of the stream's time by more than this, either way, begins a new count.
const LEAP: Duration = Duration::from_secs(5);

/// Why a stream is not taken any further. For people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes are no stream that is carried here.
    #[error("the recording cannot be carried: {0}")]
    Stream(#[from] container::mp4::Error),
    /// More is sent than time passes.
    #[error("the recording is sent faster than it plays; send it live")]
    Ahead,
}

/// One sender's stream: bytes and time in, packets to the hub.
#[derive(Debug)]
pub struct Ingest {
    demuxer: Demuxer,
    writer: Writer,
    /// What the stream's zero is in our time.
    zero: Option<Timestamp>,
    /// The newest time of the stream that came.
    newest: Timestamp,
    waiting: VecDeque<Event>,
}

impl Ingest {
    /// A stream that has not begun.
    pub fn new(writer: Writer) -> Self {
        Self {
            demuxer: Demuxer::new(),
            writer,
            zero: None,
            newest: Timestamp::ZERO,
            waiting: VecDeque::new(),
        }
    }

    /// Takes the next bytes, however they are cut.
    ///
    /// # Errors
    /// [`Error`]; the stream is over then.
    pub fn handle_bytes(&mut self, bytes: &[u8], now: Timestamp) -> Result<(), Error> {
        self.demuxer.feed(bytes)?;
        while let Some(event) = self.demuxer.poll() {
            let event = match event {
                Event::Packet(packet) => Event::Packet(self.stamp(packet, now)?),
                tracks @ Event::Tracks(_) => tracks,
            };
            self.waiting.push_back(event);
        }
        self.handle_timeout(now);
        Ok(())
    }

    /// Gives on what is due.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        while let Some(event) = self.waiting.pop_front() {
            match event {
                Event::Tracks(tracks) => self.writer.set_tracks(tracks),
                Event::Packet(packet) if packet.dts > now => {
                    self.waiting.push_front(Event::Packet(packet));
                    break;
                }
                Event::Packet(packet) => self.writer.write(packet),
            }
        }
    }

    /// When to come back.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.waiting.iter().find_map(|event| match event {
            Event::Packet(packet) => Some(packet.dts),
            Event::Tracks(_) => None,
        })
    }

    /// The packet in our time.
    fn stamp(&mut self, mut packet: Packet, now: Timestamp) -> Result<Packet, Error> {
        let from_newest = packet.dts.offset_from(self.newest).unsigned_abs();
        let known = self
            .zero
            .filter(|_| Duration::from_nanos(from_newest) < LEAP);
        let zero = known.map_or_else(
            || now.offset(-packet.dts.nanos()),
            |zero| {
                let due = zero.offset(packet.dts.nanos());
                zero.offset(now.offset_from(due).max(0))
            },
        );
        self.zero = Some(zero);
        self.newest = packet.dts;
        packet.pts = zero.offset(packet.pts.nanos());
        packet.dts = zero.offset(packet.dts.nanos());
        if packet.dts.since(now) > AHEAD {
            return Err(Error::Ahead);
        }
        Ok(packet.timed())
    }
}

#[cfg(test)]
mod tests;
