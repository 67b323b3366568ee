//! What viewers over WHEP cost, against bare batched sends of the same datagrams; and a studio that is
//! watched for minutes.
//!
//! They watch a channel of 2.5 Mbps that is published over RTMP, so that its sound is made anew for them: once for
//! all of them, which is why viewers are held against the first of them.

use std::{fs, path::Path, thread};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::{Studio, ingest, row};
use crate::sh;

const VIEWERS: [u32; 2] = [100, 300];
/// A room full of people.
const FEW: u32 = 30;

const SECONDS: u32 = 20;

/// Viewers that come and go.
const GONE: u32 = 1_000;

/// What each is to receive, in kbps: less is not the channel that is spoken of.
const LEAST: f64 = 2_400.0;

/// Viewers of one studio, a few numbers of them.
pub(super) fn run(profile: &str, work: &Path) -> Result<()> {
    let collection = sh::root().join("assets/demo/collection.json");
    fs::create_dir_all(work)?;
    let clip = ingest::clip(work)?;
    for count in VIEWERS {
        sh::say(&format!(
            "{count} viewers over WHEP of a channel of 2.5 Mbps, {SECONDS} s"
        ));
        let data = work.join(format!("viewers-{count}"));
        let studio = Studio::idle(&sh::built(profile, "klieg-headless"), &data)?;
        let _publisher = ingest::publishers(&clip, studio.rtmp(), 1)?;
        thread::sleep(super::SETTLE);
        let address = format!("http://{}/{}/whep", studio.address(), ingest::channel(0));
        let pid = studio.pid().to_string();
        let watch = |count: u32| {
            let (count, seconds) = (count.to_string(), SECONDS.to_string());
            viewers(profile, &["watch", &address, &pid, &count, &seconds])
        };
        let one = watch(1)?["cpu_percent"].as_f64().unwrap_or(f64::NAN);
        let watched = watch(count)?;
        let number = |key: &str| watched[key].as_f64().unwrap_or(f64::NAN);
        let each = (number("cpu_percent") - one) / f64::from(count - 1);
        if number("kbps_per_viewer") < LEAST {
            bail!("the viewers did not receive the channel: {watched}");
        }
        let rate = number("packets_per_viewer_second");
        let size = number("kbps_per_viewer") * 125.0 / rate;
        drop(studio);
        let floor = viewers(
            profile,
            &[
                "floor",
                &count.to_string(),
                &SECONDS.to_string(),
                &rate.to_string(),
                &format!("{}", size.round()),
            ],
        )?;
        let bare = floor["cpu_percent_per_viewer"].as_f64().unwrap_or(f64::NAN);
        row(
            "each viewer, of one core",
            format!("{each:.3} %"),
            "at most 0.12 %",
        );
        row("floor: bare batched sends", format!("{bare:.3} %"), "");
        row("ratio to the floor", format!("{:.2}", each / bare), "");
        let keyframe = floor["keyframe_ms"].as_f64().unwrap_or(f64::NAN);
        row(
            "floor: a keyframe to all, bare",
            format!("{keyframe:.1} ms"),
            "",
        );
        row(
            "received by each",
            format!("{:.0} kbps", number("kbps_per_viewer")),
            "",
        );
        row(
            "lost, of all packets",
            format!("{:.0}", number("lost")),
            "0",
        );
        row(
            "resident, each viewer",
            format!("{:.0} kB", number("resident_kb_per_viewer")),
            "under 300 kB",
        );
    }
    for count in [FEW].into_iter().chain(VIEWERS) {
        added(profile, work, &collection, count)?;
    }
    leaks(profile, work, &collection)
}

/// What the station adds to a publisher's packets on their way to its viewers.
fn added(profile: &str, work: &Path, collection: &Path, count: u32) -> Result<()> {
    const NAME: &str = "klieg_station_latency_seconds";
    sh::say(&format!(
        "a publisher over WHIP and {count} viewers over WHEP, {SECONDS} s"
    ));
    let program = sh::built(profile, "klieg-headless");
    let station = Studio::idle(&program, &work.join(format!("station-{count}")))?;
    let to = format!("http://{}/stage/whip", station.address());
    let data = work.join(format!("publisher-{count}"));
    let _publisher = Studio::publishing(&program, collection, &data, &to)?;
    thread::sleep(super::SETTLE);
    let address = format!("http://{}/stage/whep", station.address());
    let (pid, many, seconds) = (
        station.pid().to_string(),
        count.to_string(),
        SECONDS.to_string(),
    );
    let before = station.histogram(NAME)?;
    let watched = viewers(profile, &["watch", &address, &pid, &many, &seconds])?;
    let after = station.histogram(NAME)?;
    let gained: Vec<_> = after
        .iter()
        .enumerate()
        .map(|(at, (bound, count))| (*bound, count - before.get(at).map_or(0.0, |(_, c)| *c)))
        .collect();
    for (name, part, target) in [
        ("datagram in to datagrams out, p50", 0.5, ""),
        ("datagram in to datagrams out, p99", 0.99, "under 5 ms"),
    ] {
        row(name, format!("{:.2} ms", quantile(&gained, part)), target);
    }
    let lost = watched["lost"].as_f64().unwrap_or(f64::NAN);
    row("lost, of all packets", format!("{lost:.0}"), "0");
    Ok(())
}

/// Where a part of all lies, straight between the bounds of its bucket.
fn quantile(buckets: &[(f64, f64)], part: f64) -> f64 {
    let Some((_, all)) = buckets.last() else {
        return f64::NAN;
    };
    let wanted = part * all;
    let (mut from, mut below) = (0.0, 0.0);
    for (bound, count) in buckets {
        if *count >= wanted {
            return from + (bound - from) * (wanted - below) / (count - below);
        }
        (from, below) = (*bound, *count);
    }
    f64::NAN
}

/// What is left of viewers that have come and gone.
fn leaks(profile: &str, work: &Path, collection: &Path) -> Result<()> {
    sh::say(&format!("{GONE} viewers that come and go"));
    let program = sh::built(profile, "klieg-headless");
    let studio = Studio::start(&program, collection, &work.join("gone"))?;
    thread::sleep(super::SETTLE);
    let address = format!("http://{}/program/whep", studio.address());
    let (pid, count) = (studio.pid().to_string(), GONE.to_string());
    let left = viewers(profile, &["churn", &address, &pid, &count])?;
    let number = |key: &str| left[key].as_f64().unwrap_or(f64::NAN);
    for (name, key) in [
        ("descriptors left", "descriptors"),
        ("threads left", "threads"),
    ] {
        row(name, format!("{:.0}", number(key)), "0");
    }
    let each = number("resident_kb") / f64::from(GONE);
    // Most of it is the allocator's, which gives little back of what threads take from each other.
    row(
        "resident, of each that has gone",
        format!("{each:.1} kB"),
        "",
    );
    Ok(())
}

/// One viewer for minutes: memory must not grow, no frame be skipped.
pub(super) fn soak(profile: &str, work: &Path, minutes: u64) -> Result<()> {
    sh::say(&format!("one viewer for {minutes} minutes"));
    let collection = sh::root().join("assets/demo/collection.json");
    let data = work.join("soak");
    let studio = Studio::start(&sh::built(profile, "klieg-headless"), &collection, &data)?;
    thread::sleep(super::SETTLE);
    let address = format!("http://{}/program/whep", studio.address());
    let pid = studio.pid().to_string();
    for minute in 1..=minutes {
        let before = studio.stats()?;
        viewers(profile, &["watch", &address, &pid, "1", "57"])?;
        let after = studio.stats()?;
        let gained =
            |key: &str| after[key].as_u64().unwrap_or(0) - before[key].as_u64().unwrap_or(0);
        row(
            &format!("minute {minute}: resident"),
            format!("{:.1} MB", studio.resident_mb()?),
            &format!("{} skipped, {} lagged", gained("skipped"), gained("lagged")),
        );
    }
    Ok(())
}

fn viewers(profile: &str, args: &[&str]) -> Result<Value> {
    let program = sh::built(profile, "examples/viewers");
    let line = sh::output(sh::command(program).args(args)).context("the viewers do not start")?;
    serde_json::from_str(line.trim()).context("the viewers printed no figures")
}
