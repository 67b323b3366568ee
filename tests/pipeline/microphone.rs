//! A microphone, from the sound server to a viewer: a sine of 1 kHz is captured, mixed, encoded,
//! packaged and fetched, and is still 1 kHz.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use klieg_tests::{Headless, Process, eventually, need};
use scene::{Audio, Collection, Crop, Fit, Item, ItemId, Rect, Source, SourceId, SourceKind};

const RATE: f32 = 48_000.0;

/// A sound server that plays a sine into a sink, whose monitor is the microphone, and what a client of
/// it needs in its environment. (A sine source of its own gives its sound in bursts of two seconds,
/// as no device does.)
fn sound_server(folder: &Path) -> (Process, Vec<(String, String)>) {
    let at = folder.display().to_string();
    let socket = format!("{at}/native");
    std::fs::write(
        folder.join(".asoundrc"),
        "pcm.!default { type pulse }\nctl.!default { type pulse }\n",
    )
    .unwrap();
    let config = format!(
        "load-module module-native-protocol-unix socket={socket} auth-anonymous=1\n\
         load-module module-null-sink sink_name=test rate=48000 channels=2\n\
         load-module module-sine sink=test rate=48000 frequency=1000\n\
         set-default-source test.monitor\n"
    );
    std::fs::write(folder.join("pa.conf"), config).unwrap();
    let mut command = Command::new("pulseaudio");
    command
        .args(["-n", "-F"])
        .arg(folder.join("pa.conf"))
        .args([
            "--daemonize=no",
            "--exit-idle-time=-1",
            "--disallow-exit",
            "--use-pid-file=no",
        ])
        .env("XDG_RUNTIME_DIR", folder)
        .env("HOME", folder)
        .stderr(Stdio::null());
    let server = Process::start(&mut command);
    eventually("the sound server listens", Duration::from_secs(20), || {
        folder.join("native").exists().then_some(())
    });
    let environment = [
        ("HOME", at.clone()),
        ("XDG_RUNTIME_DIR", at),
        ("PULSE_SERVER", format!("unix:{socket}")),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value));
    (server, environment.into())
}

fn microphone_collection() -> Collection {
    let mut doc = Collection::empty("Microphone");
    doc.sources.push(Source {
        id: SourceId::new("mic"),
        name: "Microphone".into(),
        kind: SourceKind::Microphone {
            device: String::new(),
        },
        audio: Audio::default(),
        filters: Vec::new(),
    });
    doc.scenes[0].items.push(Item {
        id: ItemId::new("mic"),
        source: SourceId::new("mic"),
        rect: Rect {
            x: 0.0,
            y: 0.0,
            width: 16.0,
            height: 16.0,
        },
        fit: Fit::Contain,
        crop: Crop::default(),
        rotation: 0.0,
        opacity: 1.0,
        visible: true,
        locked: false,
        flip_h: false,
        flip_v: false,
        blend: scene::Blend::Normal,
        filters: Vec::new(),
    });
    doc
}

/// Hertz by rising zero crossings.
pub(crate) fn frequency(sound: &[f32]) -> f32 {
    let rising = sound.windows(2).enumerate();
    let crossings: Vec<f32> = rising
        .filter(|(_, w)| w[0] < 0.0 && w[1] >= 0.0)
        .map(|(n, w)| n as f32 + w[0] / (w[0] - w[1]))
        .collect();
    let (first, last) = (crossings[0], crossings[crossings.len() - 1]);
    (crossings.len() - 1) as f32 * RATE / (last - first)
}

#[test]
fn a_microphone_is_heard_by_a_viewer() {
    const NAME: &str = "a_microphone_is_heard_by_a_viewer";
    if need(NAME, "pulseaudio").is_none() || need(NAME, "ffmpeg").is_none() {
        return;
    }
    let _alone = crate::alone();
    let folder = tempfile::tempdir().unwrap();
    let (_server, environment) = sound_server(folder.path());
    let file = folder.path().join("microphone.json");
    let text = serde_json::to_string(&microphone_collection()).unwrap();
    std::fs::write(&file, text).unwrap();
    let mut studio = Headless::with().arg("--on-air").collection(&file);
    for (name, value) in environment {
        studio = studio.env(name, value);
    }
    let studio = studio.start();
    studio.until("the microphone runs", |snapshot| {
        snapshot["sources"][0]["state"] == "running"
    });
    eventually("the playlist", Duration::from_secs(30), || {
        studio.get("/hls/program/index.m3u8").ok().then_some(())
    });

    // Sixteen seconds from the first segment on; the last two are past everything that settles: the
    // mixer takes that long to learn the device's clock.
    let raw = Command::new("ffmpeg")
        .args(["-v", "error", "-live_start_index", "0", "-i"])
        .arg(studio.url("/hls/program/index.m3u8"))
        .args([
            "-map", "0:a", "-t", "16", "-f", "f32le", "-ac", "1", "-ar", "48000", "-",
        ])
        .output()
        .unwrap();
    assert!(
        raw.status.success(),
        "{}",
        String::from_utf8_lossy(&raw.stderr)
    );
    let sound: Vec<f32> = raw
        .stdout
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect();
    let settled = &sound[sound.len() - 2 * RATE as usize..];
    let hertz = frequency(settled);
    let peak = settled.iter().fold(0.0_f32, |peak, x| peak.max(x.abs()));
    let quietest = settled
        .chunks_exact(480)
        .map(|block| block.iter().fold(0.0_f32, |p, x| p.max(x.abs())))
        .fold(1.0, f32::min);
    println!("{hertz:.2} Hz, peak {peak:.3}, quietest 10 ms {quietest:.3}");
    assert!((hertz - 1_000.0).abs() < 2.0, "{hertz} Hz");
    assert!(peak > 0.1, "peak {peak}");
    assert!(
        quietest > peak * 0.7,
        "a hole in the sound: {quietest} against {peak}"
    );
}
