//! The same sound in another codec, beside the publisher's own tracks.

use std::sync::Arc;

#[cfg(doc)]
use super::Next;
use super::{Audience, Channel, Queue, Reader, Start, Want, Writer};
use crate::{Packet, Track, TrackId};

/// What a [`Twin`] adds to the publisher's tracks: pure, and known before its first packet, so that
/// readers see all tracks at once.
pub(crate) type Derive = fn(&[Track]) -> Vec<Track>;

/// A second writing end, for tracks that are made of the publisher's.
#[derive(Debug)]
pub struct Twin {
    channel: Arc<Channel>,
}

impl Writer {
    /// Adds what `derive` makes of this writer's tracks, now and whenever they change; the packets of
    /// those tracks come through what this returns.
    pub fn twin(&mut self, derive: Derive) -> Twin {
        let mut state = self.channel.state.lock();
        state.twins = Some(derive);
        let own = state.tracks.to_vec();
        if !own.is_empty() {
            state.set_tracks(own);
        }
        drop(state);
        Twin {
            channel: Arc::clone(&self.channel),
        }
    }
}

impl Twin {
    /// Tracks from this number on are made of others; a publisher's own stand below it.
    pub const FIRST: TrackId = TrackId(64);

    /// The channel as readers see it.
    pub fn channel(&self) -> &Arc<Channel> {
        &self.channel
    }

    /// A reader of what the twin is made of. It gets packets only while somebody reads what the twin makes;
    /// when nobody does any more, [`Next::Gap`] of nothing says so.
    pub fn read(&self, want: Want, capacity: usize) -> Reader {
        let queue = Queue::new(want, capacity, Audience::Twin);
        self.channel.join(queue, Start::Next)
    }

    /// Hands a packet to every reader of its track. Never blocks. It does not count as published.
    pub fn write(&mut self, packet: Packet) {
        self.channel.hand_out(packet);
    }
}
