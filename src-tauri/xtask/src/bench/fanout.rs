//! What viewers over WHEP cost, against bare batched sends of the same datagrams; and a studio that is
//! watched for minutes.

use std::{path::Path, thread, time::Duration};

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Studio, row};
use crate::sh;

const VIEWERS: [u32; 2] = [100, 300];
const SECONDS: u32 = 20;

/// Viewers of one studio, a few numbers of them.
pub(super) fn run(profile: &str, work: &Path) -> Result<()> {
    let collection = sh::root().join("assets/demo/collection.json");
    for count in VIEWERS {
        sh::say(&format!("{count} viewers over WHEP, {SECONDS} s"));
        let data = work.join(format!("viewers-{count}"));
        let studio = Studio::start(&sh::built(profile, "klieg-headless"), &collection, &data)?;
        thread::sleep(super::SETTLE);
        let alone = studio.cpu()?;
        thread::sleep(Duration::from_secs(10));
        let alone_after = studio.cpu()?;
        let wall = (alone_after.at - alone.at).as_secs_f64();
        let idle = 100.0 * (alone_after.total - alone.total).as_secs_f64() / wall;

        let watched = viewers(
            profile,
            &[
                "watch",
                &format!("http://{}/program/whep", studio.address()),
                &studio.pid().to_string(),
                &count.to_string(),
                &SECONDS.to_string(),
            ],
        )?;
        let number = |key: &str| watched[key].as_f64().unwrap_or(f64::NAN);
        let each = (number("cpu_percent") - idle) / f64::from(count);
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
