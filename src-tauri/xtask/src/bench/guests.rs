//! What a guest in the scene costs: the studio with some channels on the program, before they come and
//! while they are there.

use std::{fs, path::Path, thread, time::Duration};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::ingest::{self, Peer};
use super::process::Studio;
use crate::sh;

/// Guests at once, in a row.
const GUESTS: usize = 3;

/// Publishers begin one by one.
const SETTLE: Duration = Duration::from_secs(4);

/// Longer than this tells nothing more.
const SECONDS: u64 = 20;

/// The threads that decode a guest.
const DECODING: &str = "guest";

/// Measures, and prints the figures.
pub(super) fn run(profile: &str, work: &Path, seconds: u64) -> Result<()> {
    let seconds = seconds.min(SECONDS);
    sh::say(&format!(
        "{GUESTS} guests of 1280×720 at 30 in the scene, {seconds} s each"
    ));
    if work.exists() {
        fs::remove_dir_all(work)?;
    }
    fs::create_dir_all(work)?;
    let clip = ingest::clip(work)?;
    let collection = work.join("collection.json");
    fs::write(&collection, scene()?.to_string())?;
    let program = sh::built(profile, "klieg-headless");
    let studio = Studio::open(&program, &collection, &work.join("data"))?;
    thread::sleep(SETTLE);
    let (without, _) = spent(&studio, seconds)?;
    let mut publishers: Vec<Peer> = ingest::publishers(&clip, studio.rtmp(), GUESTS)?;
    thread::sleep(SETTLE);
    let (with, decoding) = spent(&studio, seconds)?;
    ingest::check(&mut publishers)?;
    let row = |name: &str, share: f64| {
        let share = format!("{:.1} %", 100.0 * share / GUESTS as f64);
        println!("  {name:<34}{share:>12}");
    };
    row("decoding, CPU per guest", decoding);
    row("all of it, CPU per guest", with - without);
    Ok(())
}

/// The shares of a core that the studio takes, and that decoding takes of it.
fn spent(studio: &Studio, seconds: u64) -> Result<(f64, f64)> {
    let before = studio.cpu()?;
    thread::sleep(Duration::from_secs(seconds));
    let after = studio.cpu()?;
    let wall = (after.at - before.at).as_secs_f64();
    let threads = after.since(&before).into_iter();
    let decoding = threads.filter(|(name, _)| name == DECODING);
    let decoding: f64 = decoding.map(|(_, time)| time.as_secs_f64()).sum();
    Ok((
        (after.total - before.total).as_secs_f64() / wall,
        decoding / wall,
    ))
}

/// The demo with one scene, which shows the channels that the publishers come to.
fn scene() -> Result<Value> {
    let text = fs::read_to_string(sh::root().join("assets/demo/collection.json"))?;
    let mut collection: Value = serde_json::from_str(&text)?;
    let sources = (0..GUESTS).map(|n| {
        json!({
            "id": format!("guest{n}"),
            "name": format!("Guest {n}"),
            "kind": "channel",
            "settings": { "channel": ingest::channel(n) },
        })
    });
    let mut item = collection["scenes"][0]["items"][0].clone();
    let items: Vec<Value> = (0..GUESTS)
        .map(|n| {
            item["id"] = format!("item{n}").into();
            item["source"] = format!("guest{n}").into();
            item["rect"] = json!({ "x": 20 + 420 * n, "y": 240, "width": 400, "height": 225 });
            item.clone()
        })
        .collect();
    let id = collection["scenes"][0]["id"].clone();
    collection["current"] = id.as_str().context("the demo has a scene")?.into();
    collection["scenes"] = json!([{ "id": id, "name": "Guests", "items": items }]);
    collection["sources"] = sources.collect();
    Ok(collection)
}
