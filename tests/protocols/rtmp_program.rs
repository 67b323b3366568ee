//! The whole program as it runs: at an RTMP server, at another station and on disk at once.

use std::path::Path;
use std::process::{Command, Stdio};

use klieg_tests::{Headless, eventually, find, http};
use serde_json::{Value, json};

use crate::PATIENCE;
use crate::measure::{Signal, median, output, streams};
use crate::peers::{Nginx, record};

const SECONDS: u32 = 6;

/// Where the test signal flashes in a picture, as FFmpeg's filter takes it.
const FLASH: &str = "crop=iw*72/640:ih*36/360:iw*524/640:ih*26/360,signalstats";

/// Its beep reaches −6 dBFS; the tone under it −20.
const BEEP: f64 = -12.0;

/// A scene of the test signal.
fn collection() -> Value {
    let settings = json!({ "pattern": "motion" });
    json!({
        "version": 1, "name": "Test", "canvas": { "width": 640, "height": 360, "fps": 30 },
        "sources": [{ "id": "it", "name": "It", "kind": "test_signal", "settings": settings }],
        "scenes": [{ "id": "a", "name": "A", "items": [{
            "id": "i", "source": "it", "rect": { "x": 0, "y": 0, "width": 640, "height": 360 },
        }] }],
        "current": "a",
    })
}

/// What FFmpeg makes of each picture of a file or an address, decoded: a hash each, in order.
fn pictures(of: &str, at_most: u32) -> Vec<String> {
    let text = output(
        Command::new(find("ffmpeg").expect("checked before"))
            .args(["-v", "error", "-i", of, "-t", &at_most.to_string()])
            .args(["-map", "0:v", "-fps_mode", "passthrough"])
            .args(["-f", "framemd5", "-"])
            .stdin(Stdio::null()),
    );
    let frames = text.lines().filter(|line| !line.starts_with('#'));
    let hashes = frames.filter_map(|line| line.rsplit(',').next());
    hashes.map(|hash| hash.trim().to_owned()).collect()
}

/// Beeps and flashes of what somebody has are in step.
fn in_step(who: &str, file: &Path) {
    let signal = Signal::in_box(file, FLASH, BEEP);
    println!("{who}: beeps {:?} s from their flashes", signal.apart);
    assert!(
        signal.apart.len() as u32 >= SECONDS - 3,
        "{who}: {signal:?}"
    );
    // A busy machine leaves out a picture, and a flash then is seen with the next.
    assert!(
        median(signal.apart.clone()).abs() <= 0.020,
        "{who}: {signal:?}"
    );
}

/// Pictures that somebody received are a stretch of those that were recorded: the same, in order, none missing.
fn are_a_stretch_of(recorded: &[String], received: &[String], who: &str) {
    assert!(received.len() >= 60, "{who} has {}", received.len());
    let mut stretches = recorded.windows(received.len());
    assert!(
        stretches.any(|stretch| stretch == received),
        "{who}: of {} recorded\n{received:#?}",
        recorded.len()
    );
}

#[test]
fn one_encode_is_at_a_server_at_another_station_and_on_disk() {
    let test = "one_encode_is_at_a_server_at_another_station_and_on_disk";
    let Some(nginx) = Nginx::start(test) else {
        return;
    };
    let far = Headless::with().set("ingest.policy=open").start();
    let document = nginx.path("collection.json");
    std::fs::write(&document, collection().to_string()).expect("written");
    let rtmp = format!("{}/show", nginx.url("live"));
    let studio = Headless::with()
        .collection(&document)
        // What is recorded outlives the program.
        .data_dir(nginx.path("data"))
        .args(["--on-air", "--record", "--publish", &rtmp])
        .args(["--publish", &far.url("/show/whip")])
        .start();
    let now = studio.until("both destinations are live", |now| {
        let all = now["destinations"].as_array().expect("destinations");
        all.len() == 2 && all.iter().all(|d| d["state"]["state"] == "live")
    });
    let recording = now["recordings"][0]["file"].as_str().expect("a recording");
    let recording = Path::new(recording).to_owned();

    let index = "/hls/show/index.m3u8";
    eventually("the other station has a first segment", PATIENCE, || {
        far.get(index).ok().then_some(())
    });
    let file = nginx.path("show.mkv");
    record(&rtmp, SECONDS, &file);
    // Over WHIP it goes as Opus, and the other station makes AAC of it again.
    let over_whip = nginx.path("over-whip.mkv");
    output(
        Command::new(find("ffmpeg").expect("checked before"))
            .args(["-v", "error", "-i", &far.url(index)])
            .args(["-t", &SECONDS.to_string(), "-c", "copy"])
            .arg(&over_whip)
            .stdin(Stdio::null()),
    );
    assert!(studio.stop().success());

    in_step("the recording", &recording);
    in_step("nginx", &file);
    in_step("the other station", &over_whip);
    let of = |file: &Path| pictures(file.to_str().expect("a path"), u32::MAX / 1_000_000);
    let all = of(&recording);
    are_a_stretch_of(&all, &of(&file), "nginx");
    are_a_stretch_of(&all, &of(&over_whip), "the other station");
}

/// The size of the picture in a file, its pictures, and the bits per second that they take.
fn picture_of(file: &Path) -> ((u64, u64), u32, f64) {
    let all = streams(file.to_str().expect("a path"));
    let video = all.iter().find(|s| s["codec_type"] == "video");
    let video = video.unwrap_or_else(|| panic!("{all:#?}"));
    let number = |key: &str| video[key].as_u64().expect("a number");
    let packets = output(
        Command::new(find("ffprobe").expect("checked before"))
            .args(["-v", "error", "-select_streams", "v:0", "-of", "csv=p=0"])
            .args(["-show_entries", "packet=pts_time,size"])
            .arg(file),
    );
    let packets: Vec<(f64, f64)> = packets
        .lines()
        .filter_map(|line| {
            let (at, size) = line.trim_matches(',').split_once(',')?;
            Some((at.parse().ok()?, size.parse().ok()?))
        })
        .collect();
    let (first, last) = (packets[0].0, packets[packets.len() - 1].0);
    let bytes: f64 = packets.iter().map(|(_, size)| size).sum();
    let many = u32::try_from(packets.len()).expect("a small number");
    (
        (number("width"), number("height")),
        many,
        bytes * 8.0 / (last - first),
    )
}

#[test]
fn one_destination_has_the_programs_picture_and_another_its_own() {
    let test = "one_destination_has_the_programs_picture_and_another_its_own";
    let Some(nginx) = Nginx::start(test) else {
        return;
    };
    let document = nginx.path("collection.json");
    std::fs::write(&document, collection().to_string()).expect("written");
    let studio = Headless::with().collection(&document).start();
    let whole = json!({
        "name": "Whole", "target": { "protocol": "rtmp", "url": nginx.url("live") }, "secret": "whole",
    });
    let mut small = whole.clone();
    (small["name"], small["secret"]) = ("Small".into(), "small".into());
    small["rendition"] = json!({ "height": 180, "bitrate": 300_000 });
    for destination in [whole, small] {
        let add = json!({ "command": "add_destination", "destination": destination });
        assert!(studio.apply(&add).ok());
    }
    studio.go_live();
    let now = studio.until("both are live, one with a picture of its own", |now| {
        let all = now["destinations"].as_array().expect("destinations");
        let live = all.iter().all(|d| d["state"]["state"] == "live");
        live && all[0].get("encoded").is_none() && all[1]["encoded"]["height"] == 180
    });
    let own = &now["destinations"][1]["encoded"];
    assert_eq!(
        (&own["width"], &own["bitrate"]),
        (&320.into(), &300_000.into())
    );

    let files = ["whole", "small"].map(|key| (key, nginx.path(&format!("{key}.mkv"))));
    std::thread::scope(|scope| {
        for (key, file) in &files {
            let url = format!("{}/{key}", nginx.url("live"));
            scope.spawn(move || record(&url, SECONDS, file));
        }
    });
    for (key, file) in &files {
        in_step(key, file);
    }
    let [whole, small] = files.map(|(_, file)| picture_of(&file));
    println!("the program's {whole:?}, its own {small:?}");
    assert_eq!((whole.0, small.0), ((640, 360), (320, 180)));
    assert!(small.2 < 300_000.0 * 1.25, "{small:?}");
    assert!(whole.2 > 2.0 * small.2, "{whole:?} and {small:?}");
    // As many pictures: the rate is the program's.
    assert!(whole.1.abs_diff(small.1) <= 30, "{whole:?} and {small:?}");

    // Switched off, nothing is encoded for it any more, and the other one goes on.
    let id = &now["destinations"][1]["id"];
    let off = json!({ "command": "enable_destination", "id": id, "enabled": false });
    assert!(studio.apply(&off).ok());
    let now = studio.until("its encoder is gone", |now| {
        now["destinations"][1].get("encoded").is_none()
    });
    assert_eq!(now["destinations"][0]["state"]["state"], "live");

    // The library's entry says where the show was live, to the host alone.
    let bearer = format!("Bearer {}", studio.token());
    let headers = [("authorization", bearer.as_str())];
    eventually("the show is kept with where it was", PATIENCE, || {
        let shows = http::request("GET", &studio.url("/api/library"), &headers, b"").json();
        (shows[0]["destinations"] == json!(["Small", "Whole"])).then_some(())
    });
    assert!(studio.json("/api/library")[0].get("destinations").is_none());
}
