//! The program's figures, as CPU time and ratios: the headless studio with the demo on air,
//! against the bare compositor and the bare encoder on the same frames; and the station as
//! publishers come to it, against nginx, as guests in its scenes, and on its way out to destinations.

mod destinations;
mod fanout;
mod guests;
mod ingest;
mod process;
mod recording;
mod serving;
mod switching;

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{setup, sh};
use process::{Cpu, Studio};

/// After its start the program settles: shaders, caches, the first keyframes.
const SETTLE: Duration = Duration::from_secs(5);

/// Longer than this tells little more of destinations; `--destinations --seconds 600` does it all the same.
const SHORT: u64 = 20;

/// What to measure.
pub(crate) struct Options {
    seconds: u64,
    soak_minutes: u64,
    dev: bool,
    /// Viewers alone.
    viewers: bool,
    /// Publishers alone.
    ingest: bool,
    /// Guests alone.
    guests: bool,
    /// Destinations alone.
    destinations: bool,
    /// HLS, and the station at rest, alone.
    serving: bool,
    /// Recording and the library alone.
    recording: bool,
    /// Filters and transitions alone.
    filters: bool,
    /// The window alone.
    window: bool,
}

impl Options {
    /// Reads the arguments after `bench`.
    pub(crate) fn parse(args: Vec<String>) -> Result<Self> {
        let mut options = Self {
            seconds: 60,
            soak_minutes: 0,
            dev: false,
            viewers: false,
            ingest: false,
            guests: false,
            destinations: false,
            serving: false,
            recording: false,
            filters: false,
            window: false,
        };
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--seconds" => {
                    let value = args.next().context("--seconds takes a number")?;
                    options.seconds = value.parse().context("--seconds takes a number")?;
                }
                "--soak" => {
                    let value = args.next().context("--soak takes a number of minutes")?;
                    options.soak_minutes =
                        value.parse().context("--soak takes a number of minutes")?;
                }
                "--dev" => options.dev = true,
                "--viewers" => options.viewers = true,
                "--ingest" => options.ingest = true,
                "--guests" => options.guests = true,
                "--destinations" => options.destinations = true,
                "--serving" => options.serving = true,
                "--recording" => options.recording = true,
                "--filters" => options.filters = true,
                "--window" => options.window = true,
                other => bail!("`bench` does not know \"{other}\""),
            }
        }
        if options.seconds == 0 {
            bail!("--seconds takes at least 1");
        }
        Ok(options)
    }
}

/// A canvas to measure, and what it may cost.
struct Case {
    width: u32,
    height: u32,
    /// In percent of one core.
    at_most: f64,
}

const CASES: [Case; 2] = [
    Case {
        width: 1280,
        height: 720,
        at_most: 60.0,
    },
    Case {
        width: 1920,
        height: 1080,
        at_most: 200.0,
    },
];

const FPS: f64 = 30.0;

/// Builds, measures, and prints the figures beside their targets.
pub(crate) fn run(options: Options) -> Result<()> {
    if !cfg!(target_os = "linux") {
        bail!("CPU time is read from /proc: the bench runs on Linux");
    }
    setup::run(setup::For::Tests)?;
    if options.window {
        return window(options.dev);
    }
    let profile = if options.dev { "debug" } else { "release" };
    sh::say(&format!("Building ({profile})"));
    // One build, so that all parts have the same features and nothing is built twice.
    let mut build = sh::cargo();
    build
        .arg("build")
        .args(["--package", "klieg-headless", "--package", "klieg-tests"])
        .args(["--bin", "klieg-headless", "--examples"]);
    if !options.dev {
        build.arg("--release");
    }
    sh::run(&mut build)?;
    let work = sh::target().join("xtask/bench");
    if options.filters {
        filters(profile)?;
        return switching::run(profile, &work, options.seconds);
    }
    if options.viewers {
        return fanout::run(profile, &work);
    }
    if options.ingest {
        return ingest::run(profile, &work, options.seconds);
    }
    if options.serving {
        return serving::run(profile, &work, options.seconds);
    }
    if options.guests {
        return guests::run(profile, &work, options.seconds);
    }
    if options.destinations {
        return destinations::run(profile, options.seconds);
    }
    if options.recording {
        return kept(profile, &work, options.seconds);
    }
    for case in &CASES {
        measure(case, profile, &work, options.seconds)?;
    }
    filters(profile)?;
    switching::run(profile, &work, options.seconds)?;
    fanout::run(profile, &work)?;
    ingest::run(profile, &work, options.seconds)?;
    serving::run(profile, &work, options.seconds)?;
    guests::run(profile, &work, options.seconds)?;
    destinations::run(profile, options.seconds.min(SHORT))?;
    kept(profile, &work, options.seconds.min(SHORT))?;
    browser(profile)?;
    window(options.dev)?;
    match options.soak_minutes {
        0 => Ok(()),
        minutes => fanout::soak(profile, &work, minutes),
    }
}

/// What recording and the library cost.
fn kept(profile: &str, work: &Path, seconds: u64) -> Result<()> {
    let collection = prepare(&CASES[0], work)?;
    recording::run(profile, work, &collection, seconds)
}

/// What each filter costs per picture, and eight items with four filters in a running fade.
fn filters(profile: &str) -> Result<()> {
    sh::say("filters and transitions, on the software adapter");
    let mut run = sh::cargo();
    run.args(["run", "--quiet", "--package", "klieg-render"])
        .args(["--example", "render_cost"]);
    if profile == "release" {
        run.arg("--release");
    }
    sh::run(run.args(["--", "1280", "720", "software", "60"]))
}

/// What a viewer's browser measures.
fn browser(profile: &str) -> Result<()> {
    let dir = setup::dependencies("tests/browser")?;
    sh::say("a viewer in Chromium on the same machine");
    sh::run(
        sh::npm(&dir)
            .args([
                "exec",
                "--no",
                "--",
                "playwright",
                "test",
                "--reporter=line",
            ])
            .args(["--config", "figures/playwright.config.ts"])
            .env("KLIEG_BIN", sh::built(profile, "klieg-headless")),
    )
}

/// What a person's hand sees in the window.
fn window(dev: bool) -> Result<()> {
    let mut build = sh::cargo();
    build.args(["build", "--package", "klieg"]);
    if !dev {
        build.arg("--release");
    }
    sh::run(&mut build)?;
    sh::say("the window, on a display of its own");
    let program = sh::built(if dev { "debug" } else { "release" }, "klieg");
    sh::run(
        sh::command("node")
            .arg(sh::root().join("tests/desktop/figures.js"))
            .env("KLIEG_SHELL", program),
    )
}

fn measure(case: &Case, profile: &str, work: &Path, seconds: u64) -> Result<()> {
    let Case { width, height, .. } = case;
    sh::say(&format!("{width}×{height} at {FPS}, the demo, {seconds} s"));
    if work.exists() {
        fs::remove_dir_all(work)?;
    }
    let collection = prepare(case, work)?;
    let floor = floor(case, profile, work, &collection)?;

    let studio = Studio::start(
        &sh::built(profile, "klieg-headless"),
        &collection,
        &work.join("data"),
    )?;
    thread::sleep(SETTLE);
    let before = (studio.cpu()?, studio.stats()?);
    thread::sleep(Duration::from_secs(seconds));
    let after = (studio.cpu()?, studio.stats()?);
    print(case, seconds, &studio, &floor, &before, &after)
}

/// The demo on this canvas, its boxes grown with it.
fn prepare(case: &Case, work: &Path) -> Result<PathBuf> {
    let demo = sh::root().join("assets/demo");
    let to = work.join("collection");
    fs::create_dir_all(&to)?;
    for name in ["loop.mp4", "logo.png"] {
        fs::copy(demo.join(name), to.join(name))?;
    }
    let text = fs::read_to_string(demo.join("collection.json"))?;
    let mut collection: Value = serde_json::from_str(&text)?;
    let grow = f64::from(case.height) / 720.0;
    collection["canvas"]["width"] = case.width.into();
    collection["canvas"]["height"] = case.height.into();
    for scene in collection["scenes"].as_array_mut().into_iter().flatten() {
        for item in scene["items"].as_array_mut().into_iter().flatten() {
            for (_, side) in item["rect"].as_object_mut().into_iter().flatten() {
                *side = (side.as_f64().unwrap_or_default() * grow).into();
            }
        }
    }
    let path = to.join("collection.json");
    fs::write(&path, collection.to_string())?;
    Ok(path)
}

/// One figure beside its target.
fn row(name: &str, value: String, target: &str) {
    println!("  {name:<34}{value:>12}  {target}");
}

/// One figure that has to be kept; one that is not says so.
fn judged(name: &str, value: String, kept: bool, target: &str) {
    let said = if kept { "kept" } else { "NOT KEPT" };
    row(name, value, &format!("{target}: {said}"));
}

/// CPU milliseconds per frame of the bare parts.
fn floor(case: &Case, profile: &str, work: &Path, collection: &Path) -> Result<Value> {
    let raw = work.join("frames.yuv");
    let scale = format!("scale={}:{}", case.width, case.height);
    sh::run(
        sh::command("ffmpeg")
            .args(["-v", "error", "-y", "-i"])
            .arg(sh::root().join("assets/demo/loop.mp4"))
            .args(["-vf", &scale, "-pix_fmt", "yuv420p", "-frames:v", "60"])
            .args(["-f", "rawvideo"])
            .arg(&raw),
    )?;
    let floor = sh::built(profile, "examples/floor");
    let line = sh::output(sh::command(floor).arg(collection).arg(&raw))
        .context("the floor could not be measured")?;
    serde_json::from_str(line.trim()).context("the floor printed no figures")
}

fn print(
    case: &Case,
    seconds: u64,
    studio: &Studio,
    floor: &Value,
    (cpu, stats): &(Cpu, Value),
    (cpu_after, stats_after): &(Cpu, Value),
) -> Result<()> {
    let number = |value: &Value, key: &str| value[key].as_f64().unwrap_or(f64::NAN);
    let gained = |key: &str| number(stats_after, key) - number(stats, key);
    let wall = (cpu_after.at - cpu.at).as_secs_f64();
    let used = 100.0 * (cpu_after.total - cpu.total).as_secs_f64() / wall;
    let bare = (number(floor, "compositor_ms") + number(floor, "encoder_ms")) * FPS / 10.0;
    row(
        "CPU, of one core",
        format!("{used:.1} %"),
        &format!("at most {} %", case.at_most),
    );
    row("floor: compositor + encoder", format!("{bare:.1} %"), "");
    row("ratio to the floor", format!("{:.2}", used / bare), "");
    row(
        "pictures per second",
        format!("{:.2}", gained("frames") / wall),
        &format!("{FPS}"),
    );
    row(
        &format!("lagged in {seconds} s"),
        format!("{}", gained("lagged")),
        "0",
    );
    row(
        &format!("skipped in {seconds} s"),
        format!("{}", gained("skipped")),
        "0",
    );
    row(
        "tick to hub, median",
        format!("{:.1} ms", number(stats_after, "latency_ms")),
        "at most 50 ms",
    );
    row(
        "resident",
        format!("{:.0} MB", studio.resident_mb()?),
        "under 300 MB",
    );
    row(
        "start to ready line",
        format!("{} ms", studio.ready_after.as_millis()),
        "at most 1500 ms",
    );
    row(
        "compose, wall time",
        format!("{:.1} ms", number(stats_after, "render_ms")),
        "",
    );
    row(
        "encode, wall time",
        format!("{:.1} ms", number(stats_after, "encode_ms")),
        "",
    );
    println!(
        "  floor: {} layers on {}, compositor {:.1} and {} {:.1} CPU-ms a frame",
        floor["layers"],
        floor["adapter"].as_str().unwrap_or("?"),
        number(floor, "compositor_ms"),
        floor["encoder"].as_str().unwrap_or("?"),
        number(floor, "encoder_ms"),
    );
    println!("  by thread:");
    for (name, time) in cpu_after.since(cpu).into_iter().take(10) {
        println!(
            "    {name:<32}{:>12.1} %",
            100.0 * time.as_secs_f64() / wall
        );
    }
    Ok(())
}
