//! What FFmpeg says of a recording.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::source::{AMPLITUDE, FPS, SIZE};

/// Runs a program to its end and gives what it printed.
pub(crate) fn output(command: &mut Command) -> String {
    let output = command.output().expect("the program starts");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {error}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The streams of a file or address, by kind.
pub(crate) fn streams(of: &str) -> Vec<Value> {
    let text = output(
        Command::new("ffprobe")
            .args([
                "-v",
                "error",
                "-of",
                "json",
                "-show_streams",
                "-count_packets",
            ])
            .arg(of),
    );
    let all: Value = serde_json::from_str(&text).expect("JSON");
    all["streams"].as_array().cloned().unwrap_or_default()
}

/// Checks that a recording of `seconds` holds the signal as it was made.
pub(crate) fn check(file: &Path, seconds: f64) {
    let name = file.to_str().expect("a plain path");
    let streams = streams(name);
    let of = |kind: &str| {
        streams
            .iter()
            .find(|s| s["codec_type"] == kind)
            .unwrap_or_else(|| panic!("no {kind} in {streams:#?}"))
    };
    let (picture, sound) = (of("video"), of("audio"));
    assert_eq!(picture["codec_name"], "h264");
    assert_eq!(picture["width"], SIZE.0);
    assert_eq!(picture["height"], SIZE.1);
    assert_eq!(sound["codec_name"], "aac");
    assert_eq!(sound["sample_rate"], "48000");
    assert_eq!(sound["channels"], 2);
    let pictures = number(&picture["nb_read_packets"]);
    let expect = seconds * f64::from(FPS);
    assert!(
        (pictures - expect).abs() <= 8.0,
        "{pictures} pictures in {seconds} s"
    );

    let signal = Signal::of(file);
    println!("beeps {:?} s from their flashes", signal.apart);
    assert!(signal.apart.len() as f64 >= seconds - 3.0, "{signal:?}");
    assert!(signal.apart.iter().all(|a| a.abs() <= 0.020), "{signal:?}");
    println!("{pictures} pictures, sound at {:.2} dBFS", signal.level);
    signal.as_loud_as_made();
}

/// What of the signal arrived.
#[derive(Debug)]
pub(crate) struct Signal {
    /// For each flash how much later its beep is, in seconds, but at the ends.
    pub(crate) apart: Vec<f64>,
    /// How loud beeps are, in dBFS.
    level: f64,
}

impl Signal {
    /// Looks and listens.
    pub(crate) fn of(file: &Path) -> Self {
        Self::in_box(file, "signalstats", SILENCE)
    }

    /// Looks where FFmpeg's filters say, and listens for what is louder than `silence`, in dBFS.
    pub(crate) fn in_box(file: &Path, look: &str, silence: f64) -> Self {
        let name = file.to_str().expect("a plain path");
        let pictures = levels(name, "v", look, "lavfi.signalstats.YAVG");
        let peak = "lavfi.astats.Overall.Peak_level";
        let windows = "asetnsamples=n=240:p=0,astats=metadata=1:reset=1";
        let sounds = levels(name, "a", windows, peak);
        let beeps = rises(&sounds, silence);
        let nearest = |flash: &f64| {
            let apart = beeps.iter().map(|beep| beep - flash);
            apart.min_by(|a, b| a.abs().total_cmp(&b.abs()))
        };
        // At the ends one of the two may lie outside of the recording.
        let flashes = rises(&pictures, 130.0);
        let apart = flashes.iter().filter_map(nearest);
        let apart = apart.filter(|a| a.abs() < 0.5).collect();

        // The middle of all windows in which it sounds: the encoder overshoots where beeps begin.
        let loud = sounds.iter().map(|(_, v)| *v).filter(|v| *v > silence);
        let level = median(loud.collect());
        Self { apart, level }
    }

    /// The sound is neither louder nor softer than it was made.
    pub(crate) fn as_loud_as_made(&self) {
        let expect = 20.0 * f64::from(AMPLITUDE).log10();
        assert!((self.level - expect).abs() < 0.5, "{self:?}");
    }
}

/// The one in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.get(values.len() / 2).copied();
    middle.unwrap_or(f64::NEG_INFINITY)
}

/// What counts as no sound, in dBFS.
const SILENCE: f64 = -20.0;

fn number(value: &Value) -> f64 {
    value.as_str().and_then(|n| n.parse().ok()).unwrap_or(0.0)
}

/// A measure of picture or sound over time, in seconds.
fn levels(file: &str, kind: &str, filter: &str, key: &str) -> Vec<(f64, f64)> {
    let (filters, metadata) = match kind {
        "v" => ("-vf", "metadata"),
        _ => ("-af", "ametadata"),
    };
    let graph = format!("{filter},{metadata}=mode=print:key={key}:file=-");
    let text = output(
        Command::new("ffmpeg")
            .args(["-v", "error", "-copyts", "-i", file, "-map"])
            .arg(format!("0:{kind}"))
            .args([filters, &graph, "-f", "null", "-"]),
    );
    let mut at = 0.0;
    let mut levels = Vec::new();
    for line in text.lines() {
        if let Some((_, time)) = line.split_once("pts_time:") {
            at = time.trim().parse().expect("a time");
        } else if let Some((_, value)) = line.split_once('=') {
            levels.push((at, value.trim().parse().unwrap_or(f64::NEG_INFINITY)));
        }
    }
    levels
}

/// When it rises above a level, having been below.
fn rises(levels: &[(f64, f64)], above: f64) -> Vec<f64> {
    let pairs = levels.windows(2);
    let risen = pairs.filter(|pair| pair[0].1 <= above && pair[1].1 > above);
    risen.map(|pair| pair[1].0).collect()
}
