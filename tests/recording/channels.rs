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
    let tone = "aevalsrc=0.25*sin(1000*2*PI*t)|0.25*sin(1000*2*PI*t):s=48000";
    let _publisher = Process::start(
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
            .args(["-f", "flv", &address])
            .stdin(Stdio::null())
            .stdout(Stdio::null()),
    );
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
        0,
        "it was not on the program: the host alone sees it"
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
