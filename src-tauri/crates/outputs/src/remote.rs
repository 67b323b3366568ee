//! A channel of another station, brought into this one.

use std::sync::Arc;

use media::{ChannelInfo, ChannelName, Clock, Hub, Origin, Timestamp, Writer};
use tokio::runtime::Handle;
use tokio::sync::watch;
use wire::whep;

use crate::supervise::{State, Supervised};

/// A channel that is fetched over WHEP into a channel of our own that scenes alone find, until it is
/// stopped or dropped. Dropping says goodbye in the background; [`Self::stop`] waits for it.
#[derive(Debug)]
pub struct Remote(Supervised);

impl Remote {
    /// Begins to fetch what `target` gives into channel `name`. What comes of it shows in [`Self::state`].
    pub fn start(
        target: whep::Target,
        hub: Hub,
        name: ChannelName,
        clock: Clock,
        runtime: &Handle,
    ) -> Self {
        let attempt = move |progress, stop| {
            let (hub, name) = (hub.clone(), name.clone());
            let open = move |now| open(&hub, name, now);
            whep::receive(target.clone(), open, clock, Arc::clone(&progress), stop)
        };
        Self(Supervised::start(attempt, clock, runtime))
    }

    /// How it fares, now and from now on.
    pub fn state(&self) -> watch::Receiver<State> {
        self.0.state()
    }

    /// Says goodbye and ends, within three seconds whatever the far end does.
    pub async fn stop(self) {
        self.0.stop().await;
    }
}

fn open(hub: &Hub, name: ChannelName, now: Timestamp) -> Result<Writer, String> {
    let info = ChannelInfo {
        origin: Origin::Whip,
        title: name.to_string(),
    };
    hub.publish_backstage(name, info, now)
        .map_err(|error| error.to_string())
}
