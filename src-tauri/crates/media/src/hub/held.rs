//! Channels that wait for the host, channels that only scenes show, and channels that are ended from outside.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use super::{Audience, Channel, ChannelInfo, ChannelName, Hub, HubError, Queue, Writer};
use crate::Timestamp;

/// Who finds a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nobody: it waits for the host.
    Held = 0,
    /// Scenes alone: a guest. No viewer finds it, and no list has it.
    Backstage = 1,
    /// Anyone.
    Live = 2,
}

impl Hub {
    /// The live channel of this name; none while it is held or backstage.
    pub fn channel(&self, name: &ChannelName) -> Option<Arc<Channel>> {
        let channels = self.shared.channels.lock();
        let found = channels.get(name);
        found.filter(|c| c.standing() == Standing::Live).cloned()
    }

    /// All live channels, by name, without those that are held or backstage.
    pub fn channels(&self) -> Vec<Arc<Channel>> {
        let channels = self.shared.channels.lock();
        let live = channels.values().filter(|c| c.standing() == Standing::Live);
        live.cloned().collect()
    }

    /// The channel of this name that a scene may show: one that is live, or backstage.
    pub fn on_stage(&self, name: &ChannelName) -> Option<Arc<Channel>> {
        let channels = self.shared.channels.lock();
        channels.get(name).filter(|c| !c.is_held()).cloned()
    }

    /// Opens a channel that scenes alone find.
    ///
    /// # Errors
    /// As [`Hub::publish`].
    pub fn publish_backstage(
        &self,
        name: ChannelName,
        info: ChannelInfo,
        now: Timestamp,
    ) -> Result<Writer, HubError> {
        self.open(name, info, now, Standing::Backstage)
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
        self.open(name, info, now, Standing::Held)
    }

    /// The channels that are held, by name.
    pub fn held(&self) -> Vec<Arc<Channel>> {
        let channels = self.shared.channels.lock();
        let held = channels.values().filter(|c| c.is_held());
        held.cloned().collect()
    }

    /// Lets a held channel be found, by scenes alone or by anyone; `false` when none of this name is
    /// held.
    pub fn admit(&self, name: &ChannelName, to: Standing) -> bool {
        let channels = self.shared.channels.lock();
        let was_held = channels.get(name).is_some_and(|c| {
            let held = Standing::Held as u8;
            let admitted =
                c.standing
                    .compare_exchange(held, to as u8, Ordering::AcqRel, Ordering::Acquire);
            admitted.is_ok()
        });
        drop(channels);
        if was_held {
            self.changed();
        }
        was_held
    }

    /// Lets anyone find a channel that scenes alone have found, live since `now`; `false` when none of this
    /// name is backstage. Who reads it goes on.
    pub fn promote(&self, name: &ChannelName, now: Timestamp) -> bool {
        self.move_to(name, Standing::Backstage, Standing::Live, |channel| {
            channel.state.lock().since = now;
        })
    }

    /// Takes a live channel backstage: viewers get [`Next::End`](super::Next::End) and find it no more, who
    /// [stays](Channel::read_staying) goes on reading; `false` when none of this name is live.
    pub fn withdraw(&self, name: &ChannelName) -> bool {
        self.move_to(name, Standing::Live, Standing::Backstage, |channel| {
            let mut state = channel.state.lock();
            state.each_reader(|queue| {
                if queue.audience != Audience::Staying {
                    queue.end();
                }
            });
            let stays = |r: &Weak<Queue>| {
                let queue = r.upgrade();
                queue.is_some_and(|q| q.audience == Audience::Staying)
            };
            state.readers.retain(stays);
        })
    }

    fn move_to(
        &self,
        name: &ChannelName,
        from: Standing,
        to: Standing,
        then: impl FnOnce(&Channel),
    ) -> bool {
        let channels = self.shared.channels.lock();
        let found = channels.get(name).filter(|c| c.standing() == from);
        let Some(channel) = found.cloned() else {
            return false;
        };
        channel.standing.store(to as u8, Ordering::Release);
        then(&channel);
        drop(channels);
        self.changed();
        true
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
    /// Who finds it now.
    pub fn standing(&self) -> Standing {
        match self.standing.load(Ordering::Acquire) {
            0 => Standing::Held,
            1 => Standing::Backstage,
            _ => Standing::Live,
        }
    }

    /// Whether it still waits for the host.
    pub fn is_held(&self) -> bool {
        self.standing() == Standing::Held
    }

    /// Whether nothing comes from it any more.
    pub fn has_ended(&self) -> bool {
        self.state.lock().ended
    }
}
