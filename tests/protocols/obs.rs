//! OBS Studio as people set it up: a film in a scene, streamed to the station by its own RTMP output and
//! recorded beside it. What viewers get is read back over HLS, and held against the recording.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "this is test code, only not inside of a #[test]"
)]

#[path = "webrtc_peers.rs"]
mod peers;
#[path = "webrtc_viewer.rs"]
#[expect(dead_code, reason = "others use more of it")]
mod viewer;

#[path = "rtmp_measure.rs"]
#[expect(dead_code, reason = "others check whole recordings with it")]
mod measure;

/// How far apart recording and stream may be, in seconds. OBS counts each output's first picture and
/// first sound as zero, so that each is off by up to a frame of AAC (1024 samples, 21 ms) of its own;
/// the rest is what `measure` tells apart.
const SLACK: f64 = 0.030;

/// What the film holds, in the terms of `measure`.
mod source {
    /// Pixels across and down.
    pub(crate) const SIZE: (u32, u32) = (320, 180);
    /// Pictures per second.
    pub(crate) const FPS: u32 = 30;
    /// The beep's amplitude.
    pub(crate) const AMPLITUDE: f32 = 0.5;
}

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use klieg_tests::{Headless, Process, eventually, lines, need};
use serde_json::{Value, json};

use source::{AMPLITUDE, FPS, SIZE};

/// How long anything may take on a busy machine; OBS itself takes a while to open.
const PATIENCE: Duration = Duration::from_secs(90);

/// Dark moving bars, and at the start of every second a tenth of a second of white with a beep.
fn film(file: &Path) {
    let (width, height) = SIZE;
    let picture = format!(
        "testsrc2=s={width}x{height}:r={FPS},lutyuv=y=val/4,\
         drawbox=c=white:t=fill:enable='lt(mod(t,1),0.095)'"
    );
    let beep = format!("{AMPLITUDE}*sin(2*PI*1000*t)*lt(mod(t,1),0.1)");
    let sound = format!("aevalsrc='{beep}|{beep}':s=48000:c=stereo");
    measure::output(
        Command::new("ffmpeg")
            .args(["-v", "error", "-y", "-f", "lavfi", "-i", &picture])
            .args(["-f", "lavfi", "-i", &sound, "-t", "120", "-g", "30"])
            .args([
                "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p",
            ])
            .args(["-c:a", "pcm_s16le"])
            .arg(file)
            .stdin(Stdio::null()),
    );
}

/// The folder that OBS reads its profile, its scenes and its service from.
fn configure(home: &Path, film: &Path, server: &str, key: &str) {
    let obs = home.join(".config/obs-studio");
    let profile = obs.join("basic/profiles/klieg");
    let scenes = obs.join("basic/scenes");
    fs::create_dir_all(&profile).unwrap();
    fs::create_dir_all(&scenes).unwrap();
    fs::create_dir_all(home.join("recordings")).unwrap();
    let (width, height) = SIZE;
    let global = "[General]\nFirstRun=true\nEnableAutoUpdates=false\nLastVersion=486539266\n\
        [Basic]\nProfile=klieg\nProfileDir=klieg\nSceneCollection=klieg\nSceneCollectionFile=klieg\n\
        [BasicWindow]\nRecordWhenStreaming=false\nWarnBeforeStartingStream=false\n";
    fs::write(obs.join("global.ini"), global).unwrap();
    let basic = format!(
        "[General]\nName=klieg\n[Output]\nMode=Advanced\n\
         [AdvOut]\nEncoder=obs_x264\nTrackIndex=1\nApplyServiceSettings=false\n\
         RecType=Standard\nRecEncoder=none\nRecFormat=mkv\nRecTracks=1\nRecFilePath={}\n\
         [Video]\nBaseCX={width}\nBaseCY={height}\nOutputCX={width}\nOutputCY={height}\n\
         FPSType=0\nFPSCommon={FPS}\n[Audio]\nSampleRate=48000\nChannelSetup=Stereo\n",
        home.join("recordings").display(),
    );
    fs::write(profile.join("basic.ini"), basic).unwrap();
    let encoder = json!({
        "rate_control": "CBR", "bitrate": 1500, "keyint_sec": 1, "preset": "veryfast",
        "profile": "baseline", "tune": "zerolatency",
    });
    fs::write(profile.join("streamEncoder.json"), encoder.to_string()).unwrap();
    let service = json!({
        "type": "rtmp_custom",
        "settings": { "server": server, "key": key, "use_auth": false },
    });
    fs::write(profile.join("service.json"), service.to_string()).unwrap();
    let item = json!({
        "name": "Film", "id": 1, "visible": true, "rot": 0.0, "align": 5,
        "pos": { "x": 0.0, "y": 0.0 }, "scale": { "x": 1.0, "y": 1.0 },
    });
    let collection = json!({
        "name": "klieg", "current_scene": "Scene", "current_program_scene": "Scene",
        "scene_order": [{ "name": "Scene" }],
        "sources": [
            { "id": "scene", "name": "Scene", "settings": { "id_counter": 1, "items": [item] } },
            {
                "id": "ffmpeg_source", "name": "Film", "mixers": 255, "volume": 1.0,
                "settings": { "local_file": film, "is_local_file": true, "looping": true },
            },
        ],
    });
    fs::write(scenes.join("klieg.json"), collection.to_string()).unwrap();
}

/// A display that nobody sees, and its name.
fn display(xvfb: &Path) -> (Process, String) {
    let mut process = Process::start(
        Command::new(xvfb)
            .args(["-displayfd", "1", "-screen", "0", "1280x720x24"])
            .args(["-nolisten", "tcp", "-noreset"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null()),
    );
    let said = lines(process.child().stdout.take().expect("piped"));
    let number = said.recv_timeout(PATIENCE).expect("a display");
    (process, format!(":{number}"))
}

/// The channel as the API tells it, once it has picture and sound.
fn live(station: &Headless, name: &str) -> Value {
    eventually("OBS is live", PATIENCE, || {
        let answer = station.get(&format!("/api/channels/{name}"));
        let channel = answer.ok().then(|| answer.json())?;
        let tracks = channel["tracks"].as_array()?;
        let has = |kind: &str| tracks.iter().any(|t| t["kind"] == kind);
        (has("video") && has("audio")).then_some(channel)
    })
}

/// How much further its sound is from its picture in what was watched, in seconds. That distance itself
/// is OBS's affair, and jumps by pictures where the machine is busy: held against each other is the part
/// of the recording that was watched, which is the one that fits best.
fn added(own: &[f64], watched: &[f64]) -> f64 {
    let parts = own.windows(watched.len());
    let apart = parts.map(|part| part.iter().zip(watched).map(|(own, seen)| seen - own));
    let spread = |of: &Vec<f64>| of.iter().map(|a| a.abs()).fold(0.0, f64::max);
    let best = apart
        .map(Iterator::collect::<Vec<f64>>)
        .min_by(|a, b| spread(a).total_cmp(&spread(b)));
    measure::median(best.expect("a recording as long as what was watched"))
}

#[test]
fn obs_streams_with_a_key_and_is_watched() {
    let test = "obs_streams_with_a_key_and_is_watched";
    let (Some(program), Some(xvfb)) = (need(test, "obs"), need(test, "Xvfb")) else {
        return;
    };
    if need(test, "ffmpeg").is_none() || need(test, "ffprobe").is_none() {
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    let clip = dir.path().join("film.mkv");
    film(&clip);
    let station = Headless::start();
    station.apply(&json!({
        "command": "create_link",
        "link": { "kind": "publish", "name": "OBS", "channel": "stage", "expires": null },
    }));
    let link = station.until("the link", |s| s["access"][0].is_object());
    let secret = link["access"][0]["secret"].as_str().unwrap();
    let server = station.ready()["rtmp"].as_str().unwrap();
    configure(dir.path(), &clip, server, &format!("stage?key={secret}"));
    let (_xvfb, display) = display(&xvfb);
    let obs = Process::start(
        Command::new(program)
            .args(["--startstreaming", "--startrecording"])
            .args(["--multi", "--disable-updater"])
            .args(["--profile", "klieg", "--collection", "klieg"])
            .env("HOME", dir.path())
            .env("XDG_CONFIG_HOME", dir.path().join(".config"))
            .env("DISPLAY", display)
            .env("QT_QPA_PLATFORM", "xcb")
            .env("LIBGL_ALWAYS_SOFTWARE", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    );
    let channel = live(&station, "stage");
    assert_eq!(channel["source"], "rtmp");
    let tracks = channel["tracks"].as_array().unwrap();
    assert_eq!(
        (
            &tracks[0]["codec"],
            &tracks[0]["width"],
            &tracks[1]["codec"]
        ),
        (&"H.264".into(), &SIZE.0.into(), &"AAC".into())
    );
    if let Some(viewer) = viewer::watch(test, &station, "stage") {
        viewer.hear("pictures", PATIENCE, |v| {
            v["event"] == "video" && v["width"] == SIZE.0 && v["count"].as_u64() >= Some(60)
        });
        let loud = |peak: f64| (peak / f64::from(AMPLITUDE) - 1.0).abs() < 0.33;
        viewer.hear("the beep", PATIENCE, |v| {
            v["event"] == "audio" && v["peak"].as_f64().is_some_and(loud)
        });
        // Its own step varies by some pictures on a busy machine; what the station adds is looked at below.
        viewer::in_step(&viewer, 0.100);
    }
    let index = station.url("/hls/stage/index.m3u8");
    eventually("a first segment", PATIENCE, || {
        station.get("/hls/stage/index.m3u8").ok().then_some(())
    });
    let watched = dir.path().join("watched.mkv");
    measure::output(
        Command::new("ffmpeg")
            .args(["-v", "error", "-y", "-rw_timeout", "20000000"])
            .args(["-i", &index, "-t", "6", "-c", "copy"])
            .arg(&watched)
            .stdin(Stdio::null()),
    );
    drop(obs);
    let own = fs::read_dir(dir.path().join("recordings")).unwrap().next();
    let own = measure::Signal::of(&own.expect("a recording").unwrap().path());
    let watched = measure::Signal::of(&watched);
    assert!(
        own.apart.len() >= 5 && watched.apart.len() >= 3,
        "{own:?} {watched:?}"
    );
    let added = added(&own.apart, &watched.apart);
    println!("{:+.1} ms added", added * 1e3);
    assert!(added.abs() <= SLACK, "{own:?} {watched:?}");
    watched.as_loud_as_made();
}
