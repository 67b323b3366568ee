//! Channels that others publish, recorded as they come.

use klieg_tests::Process;

use super::*;

/// What the publisher's tone has, in dBFS.
const TONE: f64 = -12.0;

const FPS: f64 = 30.0;

/// How many pictures a file has, their size, and from when to when they are shown.
fn pictures(file: &Path) -> (usize, String, f64) {
    let probe = |entries: &str| {
        output(
            Command::new("ffprobe")
                .args(["-v", "error", "-select_streams", "v:0", "-of", "csv=p=0"])
                .args(["-show_entries", entries])
                .arg(file),
        )
        .0
    };
    let times = probe("packet=pts_time");
    let times: Vec<f64> = times
        .lines()
        .filter_map(|line| line.trim_matches(',').parse().ok())
        .collect();
    let span = times
        .iter()
        .fold((f64::MAX, f64::MIN), |(first, last), at| {
            (first.min(*at), last.max(*at))
        });
    let size = probe("stream=width,height").trim().to_owned();
    (times.len(), size, span.1 - span.0 + 1.0 / FPS)
}

/// Publishes moving pictures of 30 a second and a tone, for five minutes at most.
fn publisher(address: &str) -> Process {
    let tone = "aevalsrc=0.25*sin(1000*2*PI*t)|0.25*sin(1000*2*PI*t):s=48000";
    Process::start(
        Command::new("ffmpeg")
            .args([
                "-v",
                "error",
                "-re",
                "-f",
                "lavfi",
                "-i",
                "testsrc2=s=640x360:r=30",
            ])
            .args(["-f", "lavfi", "-i", tone, "-c:v", "libx264"])
            .args(["-preset", "ultrafast", "-tune", "zerolatency", "-qp", "16"])
            .args([
                "-g", "30", "-pix_fmt", "yuv420p", "-c:a", "aac", "-t", "300",
            ])
            .args(["-f", "flv", address])
            .stdin(Stdio::null())
            .stdout(Stdio::null()),
    )
}

#[test]
fn a_channel_of_others_is_recorded_as_it_comes_and_split_without_a_gap() {
    let test = "a_channel_of_others_is_recorded_as_it_comes_and_split_without_a_gap";
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    if !tools(test) {
        return;
    }
    let studio = Headless::with()
        .set("ingest.policy=open")
        .set("recording.split_megabytes=1")
        .start();
    let nobody = studio.apply(&json!({ "command": "record", "channel": "encoder" }));
    assert_eq!(nobody.status, 404, "{}", nobody.text());
    assert!(nobody.text().contains("nothing to record"));

    let address = format!(
        "{}/encoder",
        studio.ready()["rtmp"].as_str().expect("an address")
    );
    let _publisher = publisher(&address);
    let record = json!({ "command": "record", "channel": "encoder" });
    eventually("it is recorded", PATIENCE, || {
        studio.apply(&record).ok().then_some(())
    });
    let recording = studio.until("it goes on in a third file", |now| {
        now["recordings"][0]["part"].as_u64() >= Some(3)
    });
    assert_eq!(recording["recordings"][0]["channel"], "encoder");
    command(
        &studio,
        &json!({ "command": "stop_recording", "channel": "encoder" }),
    );

    let shows = || {
        let bearer = format!("Bearer {}", studio.token());
        let own = [("authorization", bearer.as_str())];
        http::request("GET", &studio.url("/api/library"), &own, b"").json()
    };
    let films = eventually("its films are whole", PATIENCE, || {
        let films = shows()[0]["films"].as_array()?.clone();
        films
            .iter()
            .all(|f| f["duration_ms"].is_u64())
            .then_some(films)
    });
    assert_eq!(shows()[0]["channel"], "encoder");
    assert_eq!(
        library(&studio).len(),
        1,
        "whoever could watch it may see it again"
    );
    assert!(films.len() >= 3, "{films:?}");
    let folder = studio.data_dir().join("recordings");
    let (mut many, mut played) = (0, 0.0);
    for (n, film) in films.iter().enumerate() {
        let file = folder.join(film["file"].as_str().expect("a name"));
        let (pictures, size, long) = pictures(&file);
        assert_eq!(size, "640,360", "untouched");
        // The last one may have ended with its first picture.
        if n + 1 < films.len() {
            lengths(&file);
            assert!((tracks::loudest(&file, 0) - TONE).abs() < 1.0);
        }
        many += pictures;
        played += long;
    }
    // Every picture, and no hole from the first file to the last.
    assert!(
        (many as f64 / FPS - played).abs() < 0.1,
        "{many} in {played} s"
    );
    let began = |film: &Value| film["began"].as_f64().expect("a time");
    for (film, next) in films.iter().zip(&films[1..]) {
        let after = began(next) - began(film);
        let long = film["duration_ms"].as_f64().expect("a length");
        assert!((after - long).abs() < 60.0, "{after} ms after {long} ms");
    }
}

#[test]
fn viewers_go_back_in_a_publishers_channel_which_leaves_an_entry() {
    let test = "viewers_go_back_in_a_publishers_channel_which_leaves_an_entry";
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    if !tools(test) {
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    let open = || {
        Headless::with()
            .set("ingest.policy=open")
            .data_dir(dir.path())
            .start()
    };
    let studio = open();
    let rtmp = studio.ready()["rtmp"].as_str().expect("an address");
    let publisher = publisher(&format!("{rtmp}/encoder"));
    let url = studio.url("/hls/encoder/rewind.m3u8");
    eventually("six seconds are kept", PATIENCE, || {
        let answer = http::get(&url);
        let text = answer.ok().then(|| answer.text())?;
        (text.matches("#EXT-X-BYTERANGE").count() >= 6).then_some(())
    });
    // As it came: each picture once, and the tone as loud.
    let copy = dir.path().join("behind.mp4");
    output(
        Command::new("ffmpeg")
            .args(["-v", "error", "-xerror", "-live_start_index", "0", "-i"])
            .args([&url, "-t", "4", "-c", "copy"])
            .arg(&copy),
    );
    let (many, size, long) = pictures(&copy);
    assert_eq!(size, "640,360");
    assert!((3.5..=5.1).contains(&long), "{long}");
    assert!((many as f64 / FPS - long).abs() < 0.1, "{many} in {long} s");
    assert!((tracks::loudest(&copy, 0) - TONE).abs() < 1.0);

    let shows = library(&studio);
    assert_eq!(shows.len(), 1, "{shows:?}");
    assert_eq!(shows[0]["channel"], "encoder");
    assert!(shows[0]["ended"].is_null(), "it is on");

    // Other settings hold at once.
    let set = |value: bool| {
        let key = "recording.rewind_publishers";
        json!({ "command": "set_setting", "key": key, "value": value })
    };
    command(&studio, &set(false));
    assert_eq!(http::get(&url).status, 404);
    command(&studio, &set(true));
    eventually("it can be gone back in again", PATIENCE, || {
        http::get(&url).ok().then_some(())
    });

    drop(publisher);
    eventually("there is nobody to go back for", PATIENCE, || {
        (http::get(&url).status == 404).then_some(())
    });
    assert!(studio.stop().success());
    let behind = std::fs::read_dir(dir.path().join("behind")).expect("a folder");
    assert_eq!(behind.count(), 0, "what nobody asked for is gone");
    let shows = library(&open());
    assert_eq!(shows.len(), 1, "{shows:?}");
    assert!(shows[0]["ended"].is_u64() && shows[0]["interrupted"] == false);
}
