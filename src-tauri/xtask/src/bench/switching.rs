//! Eight items with four filters and a fade that never ends, on the running program: whether a picture is left
//! out; and how long a large collection takes to open.

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::process::Studio;
use super::{SETTLE, judged, row};
use crate::sh;

/// As long as a transition can be.
const FADE: Duration = Duration::from_secs(20);

/// Measures, and prints the figures beside their targets.
pub(super) fn run(profile: &str, work: &Path, seconds: u64) -> Result<()> {
    sh::say("eight items, four filters and fades one after the other, on air, 1280×720 at 30");
    if work.exists() {
        fs::remove_dir_all(work)?;
    }
    let folder = work.join("collection");
    fs::create_dir_all(&folder)?;
    let demo = sh::root().join("assets/demo");
    for name in ["loop.mp4", "logo.png"] {
        fs::copy(demo.join(name), folder.join(name))?;
    }
    let path = folder.join("collection.json");
    fs::write(&path, collection().to_string())?;
    let program = sh::built(profile, "klieg-headless");
    let studio = Studio::start(&program, &path, &work.join("data"))?;
    thread::sleep(SETTLE);
    studio
        .apply(&json!({ "command": "edit", "edit": { "edit": "switch_scene", "id": "before" } }))?;

    let (before, cpu) = (studio.stats()?, studio.cpu()?);
    let mut gone = Duration::ZERO;
    let mut render_ms: f64 = 0.0;
    while gone < Duration::from_secs(seconds) {
        for id in ["after", "before"] {
            let edit = json!({ "edit": "switch_scene", "id": id });
            studio.apply(&json!({ "command": "edit", "edit": edit }))?;
            let fade = FADE.min(Duration::from_secs(seconds));
            thread::sleep(fade);
            gone += fade;
            let mean = studio.stats()?["render_ms"].as_f64();
            render_ms = render_ms.max(mean.context("figures")?);
        }
    }
    let (after, cpu_after) = (studio.stats()?, studio.cpu()?);
    let gained = |key: &str| {
        let number = |stats: &Value| stats[key].as_f64().unwrap_or(f64::NAN);
        number(&after) - number(&before)
    };
    let wall = (cpu_after.at - cpu.at).as_secs_f64();
    row(
        "pictures per second",
        format!("{:.2}", gained("frames") / wall),
        "30",
    );
    for (name, key) in [
        ("ticks left out", "lagged"),
        ("pictures not encoded", "skipped"),
    ] {
        let count = gained(key);
        judged(name, format!("{count}"), count == 0.0, "0");
    }
    row(
        "compose, wall time, at most",
        format!("{render_ms:.1} ms"),
        "under 33 ms",
    );
    let used = 100.0 * (cpu_after.total - cpu.total).as_secs_f64() / wall;
    row("CPU, of one core", format!("{used:.1} %"), "");
    open(&studio, &folder)
}

/// How long a large collection takes to be open, beside what reading it as JSON does.
fn open(studio: &Studio, folder: &Path) -> Result<()> {
    sh::say("opening a collection of 50 scenes and 500 items");
    let text = large().to_string();
    let path = folder.join("large.json");
    fs::write(&path, &text)?;
    let mut parse = Duration::MAX;
    let mut opened = Duration::MAX;
    for _ in 0..5 {
        let began = now();
        let read: Value = serde_json::from_slice(&fs::read(&path)?)?;
        parse = parse.min(now() - began);
        drop(read);
        for (path, taken) in [
            (&path, Some(&mut opened)),
            (&folder.join("collection.json"), None),
        ] {
            let began = now();
            studio.apply(&json!({ "command": "open_collection", "path": path }))?;
            if let Some(taken) = taken {
                *taken = (*taken).min(now() - began);
            }
        }
    }
    let ms = |of: Duration| of.as_secs_f64() * 1e3;
    row(
        "reading its JSON, the floor",
        format!("{:.1} ms", ms(parse)),
        "",
    );
    let limit = Duration::from_millis(300);
    judged(
        "open, and on the program",
        format!("{:.1} ms", ms(opened)),
        opened < limit,
        "under 300 ms",
    );
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a bench measures another process in real time"
)]
fn now() -> Instant {
    Instant::now()
}

/// Fifty scenes of ten items: colours, texts, and one scene in another.
fn large() -> Value {
    let id = |scene: usize, n: usize| format!("s{scene}-{n}");
    let kind = |scene: usize, n: usize| match n {
        0 if !scene.is_multiple_of(10) => {
            json!({ "kind": "scene", "settings": { "scene": format!("s{}", scene - 1) } })
        }
        n if n % 2 == 0 => json!({ "kind": "color", "settings": { "color": "#1d3557" } }),
        _ => {
            json!({ "kind": "text", "settings": { "text": format!("Item {n}"), "style": { "size": 40 } } })
        }
    };
    let numbered = |scene: usize| (0..10).map(move |n| (scene, n));
    let sources: Vec<Value> = (0..50)
        .flat_map(numbered)
        .map(|(scene, n)| {
            let mut source = kind(scene, n);
            source["id"] = id(scene, n).into();
            source["name"] = format!("Source {n} of scene {scene}").into();
            source
        })
        .collect();
    let scenes: Vec<Value> = (0..50)
        .map(|scene| {
            let items: Vec<Value> = numbered(scene)
                .map(|(scene, n)| {
                    json!({
                        "id": id(scene, n), "source": id(scene, n), "fit": "contain",
                        "rect": { "x": 40 * n, "y": 30 * n, "width": 640, "height": 360 },
                    })
                })
                .collect();
            json!({ "id": format!("s{scene}"), "name": format!("Scene {scene}"), "items": items })
        })
        .collect();
    json!({
        "version": 1,
        "name": "Large",
        "canvas": { "width": 1280, "height": 720, "fps": 30 },
        "sources": sources,
        "scenes": scenes,
        "current": "s0",
    })
}

/// Two scenes, one of them with eight items and four filters, and a fade between them.
fn collection() -> Value {
    let item = |id: usize, source: &str, [x, y, width, height]: [f64; 4], filter: Option<&str>| {
        let filters: Vec<Value> = filter
            .map(|kind| json!({ "id": "filter", "kind": kind, "settings": {} }))
            .into_iter()
            .collect();
        json!({
            "id": format!("item-{id}"), "source": source, "fit": "cover", "filters": filters,
            "rect": { "x": x, "y": y, "width": width, "height": height },
        })
    };
    let small = |x: f64, y: f64| [x, y, 320.0, 180.0];
    let all_over = [0.0, 0.0, 1280.0, 720.0];
    let items = [
        item(1, "loop", all_over, None),
        item(2, "logo", small(896.0, 36.0), None),
        item(3, "loop", small(64.0, 36.0), Some("chroma_key")),
        item(4, "bars", small(474.0, 36.0), Some("color_correction")),
        item(5, "loop", small(896.0, 288.0), Some("rounded_corners")),
        item(6, "bars", small(64.0, 288.0), Some("shadow")),
        item(7, "title", [64.0, 576.0, 640.0, 72.0], None),
        item(8, "logo", small(896.0, 504.0), None),
    ];
    let below = item(1, "loop", all_over, None);
    json!({
        "version": 1,
        "name": "Busy",
        "canvas": { "width": 1280, "height": 720, "fps": 30 },
        "sources": [
            { "id": "loop", "name": "Loop", "kind": "media", "settings": { "path": "loop.mp4", "looped": true } },
            { "id": "logo", "name": "Logo", "kind": "image", "settings": { "path": "logo.png" } },
            { "id": "bars", "name": "Bars", "kind": "test_signal", "settings": { "pattern": "bars" } },
            { "id": "title", "name": "Title", "kind": "text", "settings": { "text": "Eight items", "style": { "size": 40 } } },
        ],
        "scenes": [
            { "id": "before", "name": "Before", "items": [below] },
            { "id": "after", "name": "After", "items": items },
        ],
        "current": "after",
        "transition": { "kind": "fade", "settings": {}, "duration_ms": FADE.as_millis() as u64 },
    })
}
