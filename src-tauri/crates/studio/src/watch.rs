//! What changes by itself, told to whoever follows: levels, figures, chat, states of devices and destinations.

use std::sync::{Arc, Weak};
use std::time::Duration;

use api::{Event, Meter, Meters, Stats};
use media::ChannelName;
use tokio::runtime::Handle;
use tokio::sync::broadcast::error::RecvError;

use crate::studio::Shared;
use crate::{cpu, devices};

/// The least time between two snapshots: a fader being dragged makes many changes.
const SPACING: Duration = Duration::from_millis(33);

/// How often the states of sources, publishers and destinations are compared.
const LOOK: Duration = Duration::from_millis(250);

/// Starts the watchers. Each ends when the studio is gone.
pub(crate) fn start(shared: &Arc<Shared>, runtime: &Handle) {
    runtime.spawn(snapshots(Arc::clone(shared)));
    runtime.spawn(states(Arc::downgrade(shared)));
    runtime.spawn(levels(Arc::downgrade(shared)));
    runtime.spawn(figures(Arc::downgrade(shared)));
    runtime.spawn(chat(Arc::downgrade(shared)));
    let first = Arc::downgrade(shared);
    runtime.spawn_blocking(move || {
        let found = devices::look();
        if let Some(shared) = first.upgrade() {
            shared.state.lock().devices = found;
            shared.changed.notify_one();
        }
    });
}

impl Shared {
    fn tell(&self, event: Event) {
        // Nobody following is fine.
        drop(self.events.send(Arc::new(event)));
    }
}

async fn snapshots(shared: Arc<Shared>) {
    let weak = Arc::downgrade(&shared);
    drop(shared);
    loop {
        let Some(shared) = weak.upgrade() else { return };
        // Bounded, so that the studio is not kept alive by the one who waits for its changes.
        let changed = tokio::time::timeout(LOOK, shared.changed.notified()).await;
        if changed.is_ok() && shared.events.receiver_count() > 0 {
            let snapshot = Box::new(shared.snapshot());
            shared.tell(Event::Snapshot { snapshot });
        }
        drop(shared);
        tokio::time::sleep(SPACING).await;
    }
}

async fn states(weak: Weak<Shared>) {
    let mut before = None;
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(shared) = weak.upgrade() else { return };
        let now = (
            shared.program.statuses(),
            shared.program.composing(),
            shared.saver.problem(),
            shared.publishers(),
            shared.station_problems(),
            shared.state.lock().destinations.list(),
        );
        if before.as_ref() != Some(&now) {
            shared.changed.notify_one();
            before = Some(now);
        }
    }
}

async fn levels(weak: Weak<Shared>) {
    let Some(mut meters) = weak.upgrade().map(|s| s.program.meters()) else {
        return;
    };
    while meters.changed().await.is_ok() {
        let read = meters.borrow_and_update().clone();
        let Some(shared) = weak.upgrade() else { return };
        let meter = |source, level: program::Level| Meter {
            source,
            peak: level.peak,
            rms: level.rms,
        };
        shared.tell(Event::Meters {
            meters: Meters {
                master: Some(meter(None, read.master)),
                strips: read
                    .strips
                    .into_iter()
                    .map(|(id, level)| meter(Some(id), level))
                    .collect(),
            },
        });
    }
}

async fn figures(weak: Weak<Shared>) {
    let Some(clock) = weak.upgrade().map(|s| s.clock) else {
        return;
    };
    let mut cpu = cpu::Meter::new(clock);
    let mut every = tokio::time::interval(Duration::from_secs(1));
    let mut before = (clock.now(), 0);
    loop {
        every.tick().await;
        let Some(shared) = weak.upgrade() else { return };
        let channel = shared.hub.channel(&ChannelName::program());
        let bytes = channel.map_or(0, |c| c.totals().bytes);
        let now = clock.now();
        let seconds = now.since(before.0).as_secs_f64();
        let bits = bytes.saturating_sub(before.1) as f64 * 8.0;
        let bitrate = if seconds > 0.0 {
            (bits / seconds) as u64
        } else {
            0
        };
        before = (now, bytes);
        let read = shared.program.stats();
        let canvas = shared.state.lock().history.now().canvas;
        let ms = |d: Duration| d.as_secs_f32() * 1000.0;
        let stats = Stats {
            viewers: shared.viewers(),
            frames: read.frames,
            lagged: read.lagged,
            skipped: read.skipped,
            render_ms: ms(read.render),
            encode_ms: ms(read.encode),
            latency_ms: ms(read.latency),
            bitrate,
            cpu: cpu.read(),
            encoder: shared.program.encoder().unwrap_or_default().into(),
            adapter: shared.program.composing().adapter,
            canvas: format!("{}×{} · {} fps", canvas.width, canvas.height, canvas.fps),
        };
        shared.stats.write().clone_from(&stats);
        shared.tell(Event::Stats { stats });
    }
}

async fn chat(weak: Weak<Shared>) {
    let station = weak.upgrade();
    let Some(mut messages) =
        station.and_then(|s| s.station.read().as_ref().map(server::Station::chat))
    else {
        return;
    };
    loop {
        match messages.recv().await {
            Ok((channel, message)) => {
                let Some(shared) = weak.upgrade() else { return };
                shared.tell(Event::Chat { channel, message });
            }
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}
