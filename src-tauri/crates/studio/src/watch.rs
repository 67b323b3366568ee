//! What changes by itself, told to whoever follows: levels, figures, chat, states of devices and destinations.

use std::sync::{Arc, Weak};
use std::time::Duration;

use api::{Event, Meter, Meters, Stats};
use media::ChannelName;
use server::ChatNews;
use tokio::runtime::Handle;
use tokio::sync::broadcast::error::RecvError;

use crate::studio::Shared;
use crate::{cpu, devices, feeds, live};

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
    runtime.spawn(doctor(Arc::downgrade(shared)));
    feeds::start(shared, runtime);
    runtime.spawn(live::watch(Arc::downgrade(shared)));
    runtime.spawn(kept(Arc::downgrade(shared)));
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
    pub(crate) fn tell(&self, event: Event) {
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
            shared.rooms(),
            shared.station_problems(),
            shared.state.lock().listed_destinations(),
        );
        if shared.network_changed() {
            shared.show_links();
            shared.changed.notify_one();
        }
        if before.as_ref() != Some(&now) {
            shared.changed.notify_one();
            before = Some(now);
        }
    }
}

/// Looks after what is kept, beside everything else: files are finished here.
async fn kept(weak: Weak<Shared>) {
    let mut before = None;
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(shared) = weak.upgrade() else { return };
        let now = {
            let kept = shared.kept.lock();
            let seconds = kept
                .recordings()
                .into_iter()
                .map(|r| (r.duration_ms / 1000, r));
            let shown: Vec<_> = seconds
                .map(|(seconds, r)| (r.channel, r.file, r.paused, seconds))
                .collect();
            let library = (kept.cuts(), kept.room().used >> 20, kept.room().quota);
            (shown, kept.problems(), library, shared.storage.uploads())
        };
        if before.as_ref() != Some(&now) {
            shared.changed.notify_one();
            before = Some(now);
        }
        let tended = tokio::task::spawn_blocking(move || {
            shared.tend_kept();
            shared.tend_uploads();
        });
        let tended = tended.await;
        if let Err(error) = tended {
            tracing::error!(%error, "what is kept was not looked after");
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
        if shared.events.receiver_count() > 0 {
            // A page or the window shows the studio.
            shared.program.attend();
        }
        let read = shared.program.stats();
        shared.state.lock().destinations.measure();
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
            lowered: read.lowered,
            cpu: cpu.read(),
            encoder: shared.program.encoder().unwrap_or_default().into(),
            adapter: shared.program.composing().adapter,
            canvas: format!("{}×{} · {} fps", canvas.width, canvas.height, canvas.fps),
        };
        shared.stats.write().clone_from(&stats);
        shared.tell(Event::Stats { stats });
    }
}

async fn doctor(weak: Weak<Shared>) {
    let studio = weak.upgrade();
    let follow = server::Station::doctor_reports;
    let Some(mut reports) = studio.and_then(|s| s.station.read().as_ref().map(follow)) else {
        return;
    };
    loop {
        match reports.recv().await {
            Ok(report) => {
                let Some(shared) = weak.upgrade() else { return };
                shared.tell(Event::Doctor { report });
            }
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

async fn chat(weak: Weak<Shared>) {
    let station = weak.upgrade();
    let Some(mut news) = station.and_then(|s| s.station.read().as_ref().map(server::Station::chat))
    else {
        return;
    };
    loop {
        match news.recv().await {
            Ok(news) => {
                let Some(shared) = weak.upgrade() else { return };
                shared.hand_in(&news);
                shared.tell(match news {
                    ChatNews::Said { channel, message } => Event::Chat { channel, message },
                    ChatNews::Deleted { channel, messages } => {
                        Event::ChatDeleted { channel, messages }
                    }
                });
            }
            Err(RecvError::Lagged(_)) => {
                let Some(shared) = weak.upgrade() else { return };
                shared.program.feeds().missed();
            }
            Err(RecvError::Closed) => return,
        }
    }
}
