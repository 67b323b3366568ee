//! Publishing to the station over RTMP with programs that were not written here: FFmpeg, GStreamer,
//! and nginx as a relay. What viewers get is read back over HLS and measured.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "this is test code, only not inside of a #[test]"
)]

#[path = "rtmp_measure.rs"]
mod measure;

/// What the generated clips hold, in the terms of `measure`.
mod source {
    /// Pixels across and down.
    pub(crate) const SIZE: (u32, u32) = (320, 180);
    /// Pictures per second.
    pub(crate) const FPS: u32 = 30;
    /// The beep's amplitude.
    pub(crate) const AMPLITUDE: f32 = 0.5;
}

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use klieg_tests::{Headless, Process, eventually, find, free_tcp_port, http, need, root, skip};
use serde_json::{Value, json};

use source::{AMPLITUDE, FPS, SIZE};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(40);

const NGINX_RTMP: &str = "/usr/lib/nginx/modules/ngx_rtmp_module.so";

fn station(settings: &[&str]) -> Headless {
    let with = Headless::with().set("ingest.policy=open");
    settings.iter().fold(with, |with, s| with.set(*s)).start()
}

/// The address that the ready line prints, `rtmp://127.0.0.1:PORT/live`.
fn address(station: &Headless) -> &str {
    station.ready()["rtmp"].as_str().expect("an RTMP address")
}

/// A clip of half a minute: dark moving bars, and at the start of every second a tenth of a second of
/// white with a beep; a keyframe each second.
fn clip(dir: &Path, name: &str, encoder: &[&str]) -> PathBuf {
    let file = dir.join(name);
    let (width, height) = SIZE;
    let picture = format!(
        "testsrc2=s={width}x{height}:r={FPS},lutyuv=y=val/4,\
         drawbox=c=white:t=fill:enable='lt(mod(t,1),0.095)'"
    );
    let beep = format!("{AMPLITUDE}*sin(2*PI*1000*t)*lt(mod(t,1),0.1)");
    let sound = format!("aevalsrc='{beep}|{beep}':s=48000:c=stereo");
    measure::output(
        Command::new(find("ffmpeg").expect("checked before"))
            .args(["-v", "error", "-y", "-f", "lavfi", "-i", &picture])
            .args(["-f", "lavfi", "-i", &sound, "-t", "30", "-g", "30"])
            .args([
                "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p",
            ])
            .args(encoder)
            .args(["-c:a", "aac", "-b:a", "128k"])
            .arg(&file)
            .stdin(Stdio::null()),
    );
    file
}

/// FFmpeg on its way to an address, as fast as the clip is played.
fn publish(clip: &Path, url: &str) -> Process {
    Process::start(
        Command::new(find("ffmpeg").expect("checked before"))
            .args(["-v", "error", "-re", "-i"])
            .arg(clip)
            .args(["-c", "copy", "-f", "flv", url])
            .stdin(Stdio::null())
            .stderr(Stdio::piped()),
    )
}

/// What a publisher that is sent away says before it leaves.
fn refusal(mut publisher: Process) -> String {
    let left = eventually("the publisher leaves", PATIENCE, || {
        publisher.child().try_wait().expect("its status")
    });
    assert!(!left.success(), "it was let in");
    let mut text = String::new();
    let mut said = publisher.child().stderr.take().expect("its stderr");
    said.read_to_string(&mut text).expect("text");
    text
}

/// The channel as the API tells it, once it has picture and sound.
fn live(station: &Headless, name: &str) -> Value {
    eventually(&format!("{name} is live"), PATIENCE, || {
        let answer = station.get(&format!("/api/channels/{name}"));
        let channel = answer.ok().then(|| answer.json())?;
        let tracks = channel["tracks"].as_array()?;
        let has = |kind: &str| tracks.iter().any(|t| t["kind"] == kind);
        let whole = channel["state"] == "live" && has("video") && has("audio");
        whole.then_some(channel)
    })
}

fn gone(station: &Headless, name: &str) {
    eventually(&format!("{name} is gone"), PATIENCE, || {
        let channels = station.json("/api/channels");
        let mut channels = channels.as_array()?.iter();
        channels.all(|c| c["name"] != name).then_some(())
    });
}

/// Six seconds of a channel's HLS as they come, from its first segment on.
fn record(station: &Headless, name: &str, to: &Path) {
    let index = format!("/hls/{name}/index.m3u8");
    eventually("a first segment", PATIENCE, || {
        station.get(&index).ok().then_some(())
    });
    measure::output(
        Command::new(find("ffmpeg").expect("checked before"))
            .args([
                "-v",
                "error",
                "-y",
                "-rw_timeout",
                "20000000",
                "-live_start_index",
                "0",
            ])
            .args(["-i", &station.url(&index), "-t", "6", "-c", "copy"])
            .arg(to)
            .stdin(Stdio::null()),
    );
}

/// Every picture is there, in the order and at the distance it was made. The end is left out: the
/// recording was cut in the order of decoding.
fn whole(file: &Path) {
    let text = measure::output(
        Command::new("ffprobe")
            .args(["-v", "error", "-select_streams", "v", "-of", "csv=p=0"])
            .args(["-show_entries", "frame=pts_time"])
            .arg(file),
    );
    let times: Vec<f64> = text
        .lines()
        .filter_map(|line| line.trim_matches(',').parse().ok())
        .filter(|at| *at < 5.5)
        .collect();
    assert!(times.len() > 150, "{} pictures", times.len());
    for pair in times.windows(2) {
        let step = pair[1] - pair[0];
        assert!(
            (step - 1.0 / f64::from(FPS)).abs() < 0.003,
            "{step} s from {}",
            pair[0]
        );
    }
}

fn tools(test: &str) -> bool {
    need(test, "ffmpeg").is_some() && need(test, "ffprobe").is_some()
}

/// What Chromium posts to watch.
fn offer(station: &Headless, name: &str) -> http::Response {
    let offer = root().join("tests/fuzz/corpus/offer/chromium-offer.sdp");
    let offer = fs::read(offer).expect("an offer");
    let url = station.url(&format!("/{name}/whep"));
    http::request("POST", &url, &[("content-type", "application/sdp")], &offer)
}

#[test]
fn ffmpeg_is_watched_over_hls_with_and_without_b_frames() {
    if !tools("ffmpeg_is_watched_over_hls_with_and_without_b_frames") {
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    let station = station(&[]);
    let plain = clip(dir.path(), "plain.flv", &["-profile:v", "baseline"]);
    let ordered = [
        "-profile:v",
        "main",
        "-bf",
        "3",
        "-x264-params",
        "b-adapt=0:b-pyramid=normal",
    ];
    let ordered = clip(dir.path(), "reordered.flv", &ordered);
    let cases = [("plain", plain), ("reordered", ordered)];
    let mut publishers: Vec<Process> = cases
        .iter()
        .map(|(name, clip)| publish(clip, &format!("{}/{name}", address(&station))))
        .collect();
    for (name, _) in &cases {
        let channel = live(&station, name);
        assert_eq!(channel["source"], "rtmp");
        let tracks = channel["tracks"].as_array().expect("tracks");
        assert_eq!(
            (&tracks[0]["codec"], &tracks[1]["codec"]),
            (&"H.264".into(), &"AAC".into())
        );
        assert_eq!(tracks[0]["width"], SIZE.0);
        assert_eq!(tracks[0]["fps"], FPS as f32);
    }
    std::thread::scope(|scope| {
        for (name, _) in &cases {
            let (station, file) = (&station, dir.path().join(format!("{name}.mkv")));
            let reader = move || {
                record(station, name, &file);
                measure::check(&file, 6.0);
                whole(&file);
            };
            let thread = std::thread::Builder::new().name((*name).to_owned());
            thread.spawn_scoped(scope, reader).expect("a thread");
        }
    });
    // WebRTC shows pictures in the order they come in, and says so where that would be wrong.
    assert_eq!(offer(&station, "plain").status, 201);
    let refused = offer(&station, "reordered");
    assert_eq!(refused.status, 406);
    assert!(refused.text().contains("B-frames"), "{}", refused.text());

    // A goodbye ends the channel as soon as a broken connection does.
    let told = Command::new("kill")
        .args(["-INT", &publishers[0].child().id().to_string()])
        .status();
    assert!(told.expect("kill runs").success());
    gone(&station, "plain");
    publishers.clear();
    gone(&station, "reordered");
    assert!(station.stop().success());
}

#[test]
fn ffmpeg_is_told_why_it_may_not_publish() {
    if !tools("ffmpeg_is_told_why_it_may_not_publish") {
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    let clip = clip(dir.path(), "clip.flv", &["-profile:v", "baseline"]);
    let station = station(&[]);
    let url = address(&station);
    let _first = publish(&clip, &format!("{url}/stage"));
    live(&station, "stage");
    let keyed = Headless::with().set("ingest.policy=keyed").start();
    for (url, word) in [
        (format!("{url}/stage"), "live"),
        (format!("{url}/program"), "program"),
        (format!("{}/stage?key=wrong", address(&keyed)), "key"),
        (url.replace("/live", "/else/stage"), "rtmp://"),
    ] {
        let said = refusal(publish(&clip, &url));
        assert!(
            said.contains("Server error: ") && said.contains(word),
            "{url}: {said}"
        );
    }
    live(&station, "stage");
    // Whoever publishes when the station leaves does not hold it up.
    assert!(station.stop().success());
    assert!(keyed.stop().success());
}

#[test]
fn how_many_there_may_be_is_changed_while_they_publish() {
    if !tools("how_many_there_may_be_is_changed_while_they_publish") {
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    let clip = clip(dir.path(), "clip.flv", &["-profile:v", "baseline"]);
    let station = station(&[]);
    let url = address(&station);
    let bearer = format!("Bearer {}", station.token());
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    let limit = |most: u32| {
        let path = station.url("/api/settings/station.max_channels");
        let body = json!({ "value": most }).to_string();
        let set = http::request("PUT", &path, &headers, body.as_bytes()).json();
        assert_eq!(
            (&set["value"], &set["waits"]),
            (&most.into(), &false.into()),
            "it holds at once"
        );
    };
    let since = |name: &str| live(&station, name)["since"].clone();
    let refused = |name: &str, most: u32| {
        let said = refusal(publish(&clip, &format!("{url}/{name}")));
        let words = format!("{most} channel");
        assert!(
            said.contains("Server error: ") && said.contains(&words),
            "{said}"
        );
    };

    limit(1);
    let _first = publish(&clip, &format!("{url}/one"));
    let one = since("one");
    refused("two", 1);
    // The next one finds room as soon as there is some.
    limit(2);
    let _second = publish(&clip, &format!("{url}/two"));
    let two = since("two");
    refused("three", 2);
    // Fewer than there are: those who are live stay, and nobody comes beside them.
    limit(1);
    refused("three", 1);
    assert_eq!((since("one"), since("two")), (one, two));
    assert!(station.stop().success());
}

#[test]
fn gstreamer_publishes() {
    let test = "gstreamer_publishes";
    let (Some(launch), true) = (need(test, "gst-launch-1.0"), tools(test)) else {
        return;
    };
    let station = station(&[]);
    let url = address(&station);
    let sinks = [
        ("one", format!("rtmpsink location={url}/one")),
        (
            "two",
            format!("rtmp2sink location={url}/two?key=not-needed"),
        ),
    ];
    let _publishers: Vec<Process> = sinks
        .iter()
        .map(|(_, sink)| {
            let pipeline = format!(
                "videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=30/1 \
                 ! openh264enc gop-size=30 ! h264parse ! flvmux streamable=true name=m ! {sink} \
                 audiotestsrc is-live=true ! audioconvert ! voaacenc ! aacparse ! m."
            );
            Process::start(
                Command::new(&launch)
                    .arg("-q")
                    .args(pipeline.split_whitespace())
                    .stdin(Stdio::null()),
            )
        })
        .collect();
    for (name, _) in &sinks {
        live(&station, name);
        let index = eventually("a first segment", PATIENCE, || {
            let answer = station.get(&format!("/hls/{name}/index.m3u8"));
            answer.ok().then(|| answer.text())
        });
        let whole = ["avc1.42", "mp4a.40.2", "RESOLUTION=320x240"];
        assert!(whole.iter().all(|w| index.contains(w)), "{name}: {index}");
    }
}

#[test]
fn nginx_relays_to_it() {
    let test = "nginx_relays_to_it";
    let (Some(nginx), true) = (need(test, "nginx"), tools(test)) else {
        return;
    };
    if !Path::new(NGINX_RTMP).is_file() {
        skip(
            test,
            "libnginx-mod-rtmp is not installed (`cargo xtask setup` installs it)",
        );
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    let clip = clip(dir.path(), "clip.flv", &["-profile:v", "baseline"]);
    let station = station(&[]);
    let (at, port) = (dir.path().display(), free_tcp_port());
    let config = format!(
        "load_module {NGINX_RTMP};
         daemon off; master_process off; worker_processes 1;
         pid {at}/pid; error_log {at}/error.log;
         events {{ worker_connections 64; }}
         rtmp {{ access_log off; server {{
             listen 127.0.0.1:{port};
             application live {{ live on; push {}/relayed; }}
         }} }}",
        address(&station)
    );
    fs::write(dir.path().join("nginx.conf"), config).expect("a configuration");
    let _nginx = Process::start(
        Command::new(nginx)
            .arg("-p")
            .arg(dir.path())
            .arg("-c")
            .arg(dir.path().join("nginx.conf"))
            .stdin(Stdio::null())
            .stderr(Stdio::null()),
    );
    eventually("nginx listens", PATIENCE, || {
        std::net::TcpStream::connect(("127.0.0.1", port)).ok()
    });
    let publisher = publish(&clip, &format!("rtmp://127.0.0.1:{port}/live/a"));
    let channel = live(&station, "relayed");
    assert_eq!(channel["tracks"][0]["width"], SIZE.0);
    drop(publisher);
    gone(&station, "relayed");
}
