//! The timelines of all channels.

use std::collections::BTreeMap;
use std::sync::Arc;

use media::ChannelName;
use parking_lot::RwLock;

use crate::Timeline;

/// Which channels can be gone back in: shared by who keeps them and who serves them.
#[derive(Debug, Default)]
pub struct Timelines {
    all: RwLock<BTreeMap<ChannelName, Arc<Timeline>>>,
}

impl Timelines {
    /// The timeline of a channel.
    pub fn of(&self, channel: &ChannelName) -> Option<Arc<Timeline>> {
        self.all.read().get(channel).cloned()
    }

    /// Puts a channel's timeline here, in place of an earlier one.
    pub fn put(&self, channel: ChannelName, timeline: Arc<Timeline>) {
        self.all.write().insert(channel, timeline);
    }

    /// Takes a channel's timeline away.
    pub fn remove(&self, channel: &ChannelName) {
        self.all.write().remove(channel);
    }
}
