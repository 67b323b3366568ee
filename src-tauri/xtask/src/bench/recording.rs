//! What recording costs, how fast a film is put into another container, and how soon a long one shows a
//! place that is sought.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::process::Studio;
use super::{SETTLE, row};
use crate::sh;

/// The thread that records.
const THREAD: &str = "archive";

/// Places that are sought, in seconds of two hours.
const PLACES: [u32; 5] = [600, 3_333, 5_001, 6_543, 7_100];

#[expect(
    clippy::disallowed_methods,
    reason = "a bench measures other processes in real time"
)]
fn now() -> Instant {
    Instant::now()
}

/// Measures, and prints the figures.
pub(super) fn run(profile: &str, work: &Path, collection: &Path, seconds: u64) -> Result<()> {
    sh::say(&format!(
        "Recording for {seconds} s; an hour in another container; places in two hours"
    ));
    let data = work.join("recording");
    drop(fs::remove_dir_all(&data));
    fs::create_dir_all(&data)?;
    let program = sh::built(profile, "klieg-headless");
    let studio = Studio::start(&program, collection, &data)?;
    let figures = measure(&studio, seconds);
    drop(studio);
    // Films of an hour and more are large.
    drop(fs::remove_dir_all(&data));
    figures
}

fn measure(studio: &Studio, seconds: u64) -> Result<()> {
    studio.apply(&json!({ "command": "record" }))?;
    thread::sleep(SETTLE);
    let before = studio.cpu()?;
    thread::sleep(Duration::from_secs(seconds));
    let after = studio.cpu()?;
    let spent = after.since(&before).into_iter();
    let spent = spent
        .filter(|(name, _)| name == THREAD)
        .map(|(_, time)| time);
    let spent: Duration = spent.sum();
    let wall = after.at.duration_since(before.at).as_secs_f64();
    row(
        "recording, of one core",
        format!("{:.2} %", 100.0 * spent.as_secs_f64() / wall),
        "under 1 %",
    );
    let file = studio.snapshot()?["recordings"][0]["file"].clone();
    let file: PathBuf = file.as_str().context("nothing is recorded")?.into();
    studio.apply(&json!({ "command": "stop_recording" }))?;
    let film = whole(studio)?;

    long(&file, 3_600)?;
    // Once, so that it is in the page cache.
    download(studio, &format!("/media/{film}.mkv"))?;
    for ending in ["mkv", "flv"] {
        let (took, grown) = download(studio, &format!("/media/{film}.{ending}"))?;
        row(
            &format!("an hour as {ending}, from page cache"),
            format!("{:.2} s", took.as_secs_f64()),
            "under 10 s",
        );
        row("memory for it", format!("{grown:+.1} MB"), "under 50 MB");
    }

    long(&file, 7_200)?;
    let url = format!("http://{}/media/{film}.mp4", studio.address());
    let mut times = Vec::new();
    for place in PLACES {
        let begun = now();
        let mut player = sh::command("ffmpeg");
        player.args(["-v", "error", "-ss", &place.to_string(), "-i", &url]);
        player.args(["-frames:v", "1", "-f", "null", "-"]);
        sh::output(&mut player).context("a place could not be sought")?;
        times.push(begun.elapsed());
    }
    times.sort();
    let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
    // With the start of the player's process, which a page that plays does not pay.
    for (which, time) in [("median", median), ("worst", worst)] {
        row(
            &format!(
                "a place in two hours, first picture, {which} of {}",
                PLACES.len()
            ),
            format!("{} ms", time.as_millis()),
            "under 300 ms",
        );
    }
    Ok(())
}

/// The number of the film, once it is whole.
fn whole(studio: &Studio) -> Result<i64> {
    for _ in 0..100 {
        let shows: Value = serde_json::from_str(&studio.get("/api/library")?)?;
        let film = &shows[0]["films"][0];
        if film["duration_ms"].is_u64() {
            return film["id"].as_i64().context("a film has a number");
        }
        thread::sleep(Duration::from_millis(100));
    }
    bail!("the recording was not finished")
}

/// Puts a film of so many seconds in place of a short one: the same, over and over.
fn long(file: &Path, seconds: u32) -> Result<()> {
    let short = file.with_extension("short.mp4");
    if !short.exists() {
        fs::rename(file, &short)?;
    }
    let mut repeat = sh::command("ffmpeg");
    repeat.args(["-v", "error", "-y", "-stream_loop", "-1", "-i"]);
    repeat.arg(&short).args(["-c", "copy", "-t"]);
    repeat.arg(seconds.to_string()).arg(file);
    sh::run(&mut repeat)
}

/// How long it takes to be had, and how much memory more the studio has meanwhile, in MB.
fn download(studio: &Studio, path: &str) -> Result<(Duration, f64)> {
    let before = studio.resident_mb()?;
    let begun = now();
    let mut stream = TcpStream::connect(studio.address())?;
    let address = studio.address();
    write!(stream, "GET {path} HTTP/1.0\r\nhost: {address}\r\n\r\n")?;
    let mut buffer = vec![0; 1 << 20];
    let (mut most, mut looked, mut all) = (before, 0_u64, 0_u64);
    loop {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        all += read as u64;
        if all - looked > 64 << 20 {
            looked = all;
            most = most.max(studio.resident_mb()?);
        }
    }
    if all < 1 << 20 {
        bail!("{path} gave {all} bytes");
    }
    Ok((begun.elapsed(), most - before))
}
