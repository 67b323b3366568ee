//! Somebody who watches a channel of a running station: aiortc over WHEP, FFmpeg over HLS.

use std::process::{Command, Stdio};
use std::time::Duration;

use klieg_tests::{Headless, eventually, http, need};
use serde_json::Value;

use crate::peers::{Script, is};

/// How long the next line of a peer may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Somebody who watches a channel.
pub(crate) fn watch(test: &str, station: &Headless, channel: &str) -> Option<Script> {
    let mut viewer = Script::start(test, "whep_viewer.py", &[])?;
    let offer = viewer.hear("an offer", PATIENCE, is("offer"));
    let offer = offer["sdp"].as_str().unwrap();
    let answer = http::request(
        "POST",
        &station.url(&format!("/{channel}/whep")),
        &[("content-type", "application/sdp")],
        offer.as_bytes(),
    );
    assert_eq!(answer.status, 201, "{}", answer.text());
    viewer.tell(&serde_json::to_string(&answer.text()).unwrap());
    Some(viewer)
}

fn counted(event: &str, least: u64) -> impl Fn(&Value) -> bool {
    move |v| v["event"] == event && v["count"].as_u64().is_some_and(|n| n >= least)
}

/// Pictures of this size go on, and the tone is heard as loud as it is made.
pub(crate) fn watches(viewer: &Script, size: (u64, u64), amplitude: f64) {
    let right = |v: &Value| v["width"] == size.0 && v["height"] == size.1;
    viewer.hear("a picture", PATIENCE, |v| v["event"] == "video" && right(v));
    let first = viewer.hear("pictures", PATIENCE, counted("video", 30));
    let later = viewer.hear("pictures that go on", PATIENCE, counted("video", 90));
    let took = later["at"].as_f64().unwrap() - first["at"].as_f64().unwrap();
    let pictures = later["count"].as_f64().unwrap() - first["count"].as_f64().unwrap();
    let rate = pictures / took;
    assert!((20.0..45.0).contains(&rate), "{rate} pictures a second");
    let sound = viewer.hear("sound", PATIENCE, counted("audio", 90));
    assert_eq!(sound["rate"], 48_000);
    let level = sound["level"].as_f64().unwrap();
    assert!((level / amplitude - 1.0).abs() < 0.33, "{sound}");
}

/// What marks the seconds in sound and picture is at most so many seconds apart, by the sender reports.
pub(crate) fn in_step(viewer: &Script, within: f64) {
    let marks = viewer.hear("marks in picture and sound", PATIENCE, |v| {
        v["event"] == "mark" && v["apart"].as_array().is_some_and(|all| all.len() >= 5)
    });
    let mut apart: Vec<f64> = marks["apart"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_f64)
        .collect();
    apart.sort_by(f64::total_cmp);
    println!("sound behind picture, in seconds: {apart:.3?}");
    let median = apart[apart.len() / 2];
    assert!(median.abs() <= within, "{apart:.3?}");
}

/// The channel's playlist as FFmpeg's tools read it: codecs, size, and the tone's level.
pub(crate) fn over_hls(
    test: &str,
    station: &Headless,
    channel: &str,
    size: (u64, u64),
    amplitude: f64,
) {
    let (Some(ffprobe), Some(ffmpeg)) = (need(test, "ffprobe"), need(test, "ffmpeg")) else {
        return;
    };
    let index = format!("/hls/{channel}/index.m3u8");
    eventually("a first segment", PATIENCE, || {
        station.get(&index).ok().then_some(())
    });
    let url = station.url(&index);
    let output = |command: &mut Command| {
        let done = command.stdin(Stdio::null()).output().expect("it runs");
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "{said}");
        String::from_utf8_lossy(&done.stdout).into_owned()
    };
    let probed = output(
        Command::new(ffprobe)
            .args(["-v", "error", "-rw_timeout", "20000000", "-of", "json"])
            .args(["-show_entries", "stream=codec_name,width,height", &url]),
    );
    let probed: Value = serde_json::from_str(&probed).expect("JSON");
    let streams = probed["streams"].as_array().expect("streams");
    let of = |codec: &str| streams.iter().find(|s| s["codec_name"] == codec);
    let picture = of("h264").unwrap_or_else(|| panic!("no picture in {probed}"));
    assert_eq!(
        (&picture["width"], &picture["height"]),
        (&size.0.into(), &size.1.into())
    );
    assert!(of("aac").is_some(), "no sound in {probed}");
    // The usual peak of a twentieth of a second: codecs overshoot where a tone begins and ends.
    let peak = "lavfi.astats.Overall.Peak_level";
    let measure = format!(
        "asetnsamples=2400,astats=metadata=1:reset=1:measure_perchannel=none,\
         ametadata=mode=print:key={peak}:file=-"
    );
    let said = output(
        Command::new(ffmpeg)
            .args(["-v", "error", "-rw_timeout", "20000000", "-i", &url])
            .args(["-t", "3", "-vn", "-af", &measure, "-f", "null", "-"]),
    );
    let peaks = said.lines().filter_map(|line| {
        let (_, level) = line.split_once("Peak_level=")?;
        level.trim().parse::<f64>().ok()
    });
    let mut peaks: Vec<_> = peaks.collect();
    peaks.sort_by(f64::total_cmp);
    let level = *peaks.get(peaks.len() / 2).expect("sound");
    let made = 20.0 * amplitude.log10();
    assert!((level - made).abs() < 1.5, "{level} dBFS for {made:.1}");
}
