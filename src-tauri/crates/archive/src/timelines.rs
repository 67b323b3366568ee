//! The timelines of all channels.

use std::collections::BTreeMap;
use std::sync::Arc;

use media::ChannelName;
use parking_lot::RwLock;

use crate::Timeline;

/// What is kept of which channels, and whether viewers can go back in it: shared by who keeps them and who serves them.
#[derive(Debug, Default)]
pub struct Timelines {
    all: RwLock<BTreeMap<ChannelName, (Arc<Timeline>, bool)>>,
}

impl Timelines {
    /// The timeline of a channel, for the host.
    pub fn of(&self, channel: &ChannelName) -> Option<Arc<Timeline>> {
        let all = self.all.read();
        Some(Arc::clone(&all.get(channel)?.0))
    }

    /// The timeline of a channel that viewers can go back in.
    pub fn shown(&self, channel: &ChannelName) -> Option<Arc<Timeline>> {
        let all = self.all.read();
        let (timeline, shown) = all.get(channel)?;
        shown.then(|| Arc::clone(timeline))
    }

    /// Puts a channel's timeline here, in place of an earlier one; for viewers or for the host alone.
    pub fn put(&self, channel: ChannelName, timeline: Arc<Timeline>, shown: bool) {
        self.all.write().insert(channel, (timeline, shown));
    }

    /// Takes a channel's timeline away.
    pub fn remove(&self, channel: &ChannelName) {
        self.all.write().remove(channel);
    }
}
