//! What changes by itself: channels come and go, publishers fall silent, viewers come and go, and the
//! rooms hear of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use api::{ChannelState, Viewers};
use media::ChannelName;
use tokio_util::task::TaskTracker;

use crate::app::App;

/// How often viewers are counted.
const COUNT: Duration = Duration::from_secs(1);

/// Follows the hub and counts viewers, until the station stops.
pub(crate) async fn follow(app: Arc<App>, tasks: TaskTracker) {
    let mut changes = app.hub.watch();
    let mut live = BTreeSet::new();
    let mut told = BTreeMap::new();
    let mut tick = tokio::time::interval(COUNT);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        app.streams.sync(&app.hub, &app.clock, &tasks);
        let now = app.clock.now();
        app.ingests.sweep(&app.hub, now, app.clock.unix_millis(now));
        tell_live(&app, &mut live).await;
        tell_viewers(&app, &mut told).await;
        app.put_strangers_out().await;
        app.chat.demote(app.clock.unix_millis(app.clock.now()));
        tokio::select! {
            () = app.ends.stop.cancelled() => break,
            // The hub outlives this: it is held here.
            changed = changes.changed() => if changed.is_err() { break },
            _ = tick.tick() => {}
        }
    }
    app.streams.clear();
}

async fn tell_live(app: &App, live: &mut BTreeSet<ChannelName>) {
    let now: BTreeSet<ChannelName> = app
        .hub
        .channels()
        .iter()
        .map(|c| c.name().clone())
        .collect();
    for name in now.symmetric_difference(live) {
        let state = if now.contains(name) {
            ChannelState::Live
        } else {
            ChannelState::Waiting
        };
        app.chat.tell_live(name.as_str(), state).await;
    }
    *live = now;
}

async fn tell_viewers(app: &App, told: &mut BTreeMap<String, Viewers>) {
    let rooms = app.chat.occupied();
    told.retain(|room, _| rooms.contains(room));
    for room in rooms {
        let Ok(name) = room.parse::<ChannelName>() else {
            continue;
        };
        let viewers = app.viewers(&name);
        if told.get(&room) != Some(&viewers) {
            app.chat.tell_viewers(&room, viewers).await;
            told.insert(room, viewers);
        }
    }
}
