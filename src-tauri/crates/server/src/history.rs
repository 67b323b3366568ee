//! The last hour in figures, for the dashboard: `GET /api/dashboard`. A point every five seconds, kept
//! in memory.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use api::{Dashboard, DashboardChannel};
use axum::Json;
use axum::extract::{Query, Request, State};
use parking_lot::Mutex;
use serde::Deserialize;

use crate::app::App;
use crate::figures::process;
use crate::problem::Refusal;

/// Between two points.
const EVERY: Duration = Duration::from_secs(5);

/// Points kept: an hour of them.
const POINTS: usize = 720;

/// Channels told apart within the hour.
const CHANNELS: usize = 200;

/// The last hour.
#[derive(Debug, Default)]
pub(crate) struct History {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    points: VecDeque<Point>,
    before: Option<Sample>,
}

/// Everything at one moment, as it is counted: totals since the start.
#[derive(Clone, Debug, Default)]
struct Sample {
    /// In milliseconds since 1970 UTC.
    at: i64,
    /// In milliseconds since the start; never set back.
    uptime: i64,
    cpu: f32,
    memory: Option<u64>,
    latency: f32,
    out: u64,
    frames: u64,
    skipped: u64,
    lost: u64,
    channels: BTreeMap<String, Seen>,
}

/// A channel at one moment.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// When it went live, in ns: another of the same name counts from nothing.
    since: i64,
    bytes: u64,
    dropped: u64,
    viewers: u32,
}

/// What is drawn of a moment.
#[derive(Clone, Debug, Default)]
struct Point {
    at: i64,
    cpu: f32,
    memory: Option<u64>,
    latency: f32,
    rates: Option<Rates>,
    viewers: BTreeMap<String, u32>,
}

/// Since the point before.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Rates {
    bitrate_in: u64,
    bitrate_out: u64,
    fps: f32,
    skipped: f32,
    lost: f32,
}

impl Sample {
    fn of(app: &App) -> Self {
        let now = app.clock.now();
        let stats = app.control.snapshot().stats;
        let traffic = app.peers.traffic();
        let channels = app
            .hub
            .channels()
            .into_iter()
            .take(CHANNELS)
            .map(|channel| {
                let totals = channel.totals();
                let viewers = app.viewers(channel.name());
                let seen = Seen {
                    since: channel.since().nanos(),
                    bytes: totals.bytes,
                    dropped: totals.dropped,
                    viewers: viewers.whep + viewers.hls,
                };
                (channel.name().to_string(), seen)
            });
        Self {
            at: app.clock.unix_millis(now),
            uptime: now.millis(),
            cpu: stats.cpu / 100.0,
            memory: process::held().memory,
            latency: stats.latency_ms,
            out: traffic.viewers.bytes + app.figures.hls_bytes(),
            frames: stats.frames,
            skipped: stats.skipped + stats.lagged,
            lost: traffic.viewers.lost + traffic.publishers.lost,
            channels: channels.collect(),
        }
    }

    /// How it changed since an earlier one; nothing when no time has passed.
    fn since(&self, before: &Self) -> Option<Rates> {
        let seconds = (self.uptime - before.uptime) as f64 / 1e3;
        if seconds <= 0.0 {
            return None;
        }
        let per_second = |now: u64, then: u64| now.saturating_sub(then) as f64 / seconds;
        let (mut bytes, mut dropped) = (0, 0);
        for (name, seen) in &self.channels {
            let then = before.channels.get(name).filter(|b| b.since == seen.since);
            let then = then.copied().unwrap_or_default();
            bytes += seen.bytes.saturating_sub(then.bytes);
            dropped += seen.dropped.saturating_sub(then.dropped);
        }
        Some(Rates {
            bitrate_in: (per_second(bytes, 0) * 8.0) as u64,
            bitrate_out: (per_second(self.out, before.out) * 8.0) as u64,
            fps: per_second(self.frames, before.frames) as f32,
            skipped: per_second(self.skipped, before.skipped) as f32,
            lost: (per_second(self.lost, before.lost) + per_second(dropped, 0)) as f32,
        })
    }
}

impl History {
    fn add(&self, sample: Sample) {
        let mut kept = self.kept.lock();
        let rates = kept.before.as_ref().and_then(|b| sample.since(b));
        if kept.points.len() >= POINTS {
            kept.points.pop_front();
        }
        let viewers = sample.channels.iter();
        kept.points.push_back(Point {
            at: sample.at,
            cpu: sample.cpu,
            memory: sample.memory,
            latency: sample.latency,
            rates,
            viewers: viewers
                .map(|(name, seen)| (name.clone(), seen.viewers))
                .collect(),
        });
        kept.before = Some(sample);
    }

    /// The points after a moment, in milliseconds since 1970 UTC.
    fn since(&self, moment: i64) -> Dashboard {
        let kept = self.kept.lock();
        let points: Vec<&Point> = kept.points.iter().filter(|p| p.at > moment).collect();
        let rate = |of: fn(&Rates) -> f32| {
            let each = points.iter().map(|p| p.rates.as_ref().map(of));
            each.collect::<Vec<_>>()
        };
        let bits = |of: fn(&Rates) -> u64| {
            let each = points.iter().map(|p| p.rates.as_ref().map(of));
            each.collect::<Vec<_>>()
        };
        let mut names: Vec<&String> = points.iter().flat_map(|p| p.viewers.keys()).collect();
        names.sort_unstable();
        names.dedup();
        names.truncate(CHANNELS);
        let last = kept.points.back();
        let channels = names.into_iter().map(|name| DashboardChannel {
            name: name.clone(),
            live: last.is_some_and(|p| p.viewers.contains_key(name)),
            viewers: points
                .iter()
                .map(|p| p.viewers.get(name).copied())
                .collect(),
        });
        Dashboard {
            every_ms: u32::try_from(EVERY.as_millis()).unwrap_or(u32::MAX),
            at: points.iter().map(|p| p.at).collect(),
            cpu: points.iter().map(|p| Some(p.cpu)).collect(),
            memory: points.iter().map(|p| p.memory).collect(),
            bitrate_in: bits(|r| r.bitrate_in),
            bitrate_out: bits(|r| r.bitrate_out),
            fps: rate(|r| r.fps),
            skipped: rate(|r| r.skipped),
            lost: rate(|r| r.lost),
            latency: points.iter().map(|p| Some(p.latency)).collect(),
            channels: channels.collect(),
        }
    }
}

/// Takes a point now and then, until the station stops.
pub(crate) async fn follow(app: Arc<App>) {
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = app.ends.stop.cancelled() => return,
            _ = tick.tick() => app.history.add(Sample::of(&app)),
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct Ask {
    token: Option<String>,
    since: Option<i64>,
}

/// `GET /api/dashboard`: the last hour, or what came after `since` (milliseconds since 1970 UTC). On this
/// machine, or with the right to control.
pub(crate) async fn dashboard(
    State(app): State<Arc<App>>,
    Query(ask): Query<Ask>,
    request: Request,
) -> Result<Json<Dashboard>, Refusal> {
    app.may_look(&request, ask.token.as_deref())?;
    Ok(Json(app.history.since(ask.since.unwrap_or(i64::MIN))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(second: i64, channels: &[(&str, i64, u64, u32)]) -> Sample {
        let seen = |&(name, since, bytes, viewers): &(&str, i64, u64, u32)| {
            let seen = Seen {
                since,
                bytes,
                dropped: 0,
                viewers,
            };
            (name.to_owned(), seen)
        };
        Sample {
            at: second * 1000,
            uptime: second * 1000,
            frames: u64::try_from(second).unwrap() * 30,
            out: u64::try_from(second).unwrap() * 250,
            channels: channels.iter().map(seen).collect(),
            ..Sample::default()
        }
    }

    #[test]
    fn totals_become_rates() {
        let history = History::default();
        history.add(sample(0, &[("a", 1, 0, 2)]));
        history.add(sample(5, &[("a", 1, 5_000, 3), ("b", 9, 1_000, 0)]));
        // Another of the same name: what it has written is new.
        history.add(sample(10, &[("a", 7, 10_000, 1)]));
        let all = history.since(i64::MIN);
        assert_eq!(all.at, [0, 5_000, 10_000]);
        assert_eq!(all.bitrate_in, [None, Some(9_600), Some(16_000)]);
        assert_eq!(all.bitrate_out, [None, Some(2_000), Some(2_000)]);
        assert_eq!(all.fps, [None, Some(30.0), Some(30.0)]);
        let [a, b] = &all.channels[..] else {
            panic!("{:?}", all.channels)
        };
        assert_eq!((a.name.as_str(), a.live), ("a", true));
        assert_eq!(a.viewers, [Some(2), Some(3), Some(1)]);
        assert_eq!(
            (b.live, &b.viewers[..]),
            (false, &[None, Some(0), None][..])
        );
        let later = history.since(5_000);
        assert_eq!((later.at.len(), later.channels.len()), (1, 1));
    }

    #[test]
    fn an_hour_is_kept() {
        let history = History::default();
        for n in 0..1_000 {
            history.add(sample(n * 5, &[]));
        }
        let all = history.since(i64::MIN);
        assert_eq!(all.at.len(), POINTS);
        assert_eq!(all.at.last(), Some(&4_995_000));
    }
}
