//! Channels that wait for the host, and channels that are ended from outside.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Channel, ChannelInfo, ChannelName, Hub, HubError, Queue, Writer};
use crate::Timestamp;

impl Hub {
    /// The live channel of this name; none while it is held.
    pub fn channel(&self, name: &ChannelName) -> Option<Arc<Channel>> {
        let channels = self.shared.channels.lock();
        channels.get(name).filter(|c| !c.is_held()).cloned()
    }

    /// All live channels, by name, without those that are held.
    pub fn channels(&self) -> Vec<Arc<Channel>> {
        let channels = self.shared.channels.lock();
        let live = channels.values().filter(|c| !c.is_held());
        live.cloned().collect()
    }

    /// Opens a channel that is held: it takes what is written and counts towards the limit, but is
    /// neither found nor listed until [`Hub::admit`].
    ///
    /// # Errors
    /// As [`Hub::publish`].
    pub fn hold(
        &self,
        name: ChannelName,
        info: ChannelInfo,
        now: Timestamp,
    ) -> Result<Writer, HubError> {
        self.open(name, info, now, true)
    }

    /// The channels that are held, by name.
    pub fn held(&self) -> Vec<Arc<Channel>> {
        let channels = self.shared.channels.lock();
        let held = channels.values().filter(|c| c.is_held());
        held.cloned().collect()
    }

    /// Lets a held channel be seen from now on; `false` when none of this name is held.
    pub fn admit(&self, name: &ChannelName) -> bool {
        let channels = self.shared.channels.lock();
        let was_held = channels
            .get(name)
            .is_some_and(|c| c.held.swap(false, Ordering::AcqRel));
        drop(channels);
        if was_held {
            self.changed();
        }
        was_held
    }

    /// Ends a channel at once: its readers get [`Next::End`](super::Next::End) and its name is free,
    /// whether or not its writer has heard of it. What that still writes goes nowhere. `false` when
    /// it had ended already.
    pub fn end(&self, channel: &Arc<Channel>) -> bool {
        let mut channels = self.shared.channels.lock();
        // The name may belong to another writer by now.
        let own = channels.get(&channel.name);
        if own.is_some_and(|c| Arc::ptr_eq(c, channel)) {
            channels.remove(&channel.name);
        }
        drop(channels);
        let mut state = channel.state.lock();
        if state.ended {
            return false;
        }
        state.ended = true;
        state.each_reader(Queue::end);
        drop(state);
        self.changed();
        true
    }
}

impl Channel {
    /// Whether it still waits for the host.
    pub fn is_held(&self) -> bool {
        self.held.load(Ordering::Acquire)
    }

    /// Whether nothing comes from it any more.
    pub fn has_ended(&self) -> bool {
        self.state.lock().ended
    }
}
