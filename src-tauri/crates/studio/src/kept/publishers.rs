//! Publishers' channels: each that is live leaves an entry in the library, and viewers go back in it as in the
//! program.

use std::sync::Arc;
use std::time::Duration;

use media::{Channel, ChannelName, Hub, Origin, Standing};

use super::{Ending, Kept, KeptChannel, note, note_thread};
use crate::settings::Recording;

/// A publisher who comes back within this time, in milliseconds, goes on with the same show: an encoder that lost its
/// way has not begun another.
pub(super) const AGAIN: i64 = 30_000;

/// Shows of publishers of which there is no film: the oldest beyond so many are forgotten.
const MOST: u32 = 2_000;

impl Kept {
    /// Takes in who has come, and lets go of who left and did not come back. `now` in milliseconds since 1970 UTC.
    pub(super) fn tend_publishers(&mut self, hub: &Hub, how: &Recording, now: i64) -> Ending {
        for channel in hub.channels() {
            if channel.origin() != Origin::Program && !channel.name().is_reserved() {
                self.take_in(&channel, how);
            }
        }
        let mut ending = std::mem::take(&mut self.left);
        let mut over = Vec::new();
        for (name, kept) in &mut self.channels {
            if *name == ChannelName::program() || !kept.channel.has_ended() {
                continue;
            }
            let since = *kept.gone.get_or_insert(now);
            if let Some(keeper) = kept.keeper.take() {
                self.timelines.remove(name);
                ending.0.push(keeper);
            }
            // A guest whom scenes alone showed has no show that could go on.
            if now - since >= AGAIN || !kept.aired {
                over.push((name.clone(), since));
            }
        }
        for (name, since) in over {
            ending.0.extend(self.end_at(&name, since).0);
        }
        ending
    }

    fn take_in(&mut self, channel: &Arc<Channel>, how: &Recording) {
        self.meet(channel);
        let window = window(channel, how);
        match self.channels.get(channel.name()) {
            Some(kept) if kept.aired && (kept.keeper.is_some() || window.is_zero()) => return,
            Some(_) => {}
            None => note(self.store.forget_old_shows(MOST)),
        }
        let title = match channel.title() {
            title if title.is_empty() => channel.name().to_string(),
            title => title,
        };
        self.open(channel, &title, true);
        if !window.is_zero() {
            note_thread(self.keep(channel, how));
        }
    }

    /// Goes on with the show of a channel whose publisher has come anew.
    pub(super) fn meet(&mut self, channel: &Arc<Channel>) {
        let Some(kept) = self.channels.get_mut(channel.name()) else {
            return;
        };
        if !Arc::ptr_eq(&kept.channel, channel) {
            kept.channel = Arc::clone(channel);
            kept.gone = None;
            self.left.0.extend(kept.keeper.take());
        }
    }
}

/// Whether viewers can go back in a channel.
pub(super) fn goes_back(channel: &Channel, how: &Recording) -> bool {
    let program = *channel.name() == ChannelName::program();
    // Who waits, or whom scenes alone show, is recorded and no more.
    let shown = channel.standing() == Standing::Live && how.rewind_publishers.get();
    how.rewind_minutes.get() > 0 && (program || shown)
}

/// How much of a channel is kept behind. The program's replays need some of it in any case.
pub(super) fn window(channel: &Channel, how: &Recording) -> Duration {
    if *channel.name() == ChannelName::program() || goes_back(channel, how) {
        how.behind()
    } else {
        Duration::ZERO
    }
}

impl KeptChannel {
    /// Viewers find it now.
    pub(super) fn is_live(&self) -> bool {
        self.channel.standing() == Standing::Live && !self.channel.has_ended()
    }
}
