//! What is kept behind the live picture, as it is: its pictures by the numbers they carry, its sound by its level, and
//! clips of it between two moments.

use super::*;
use media::{Color, Frame, PixelFormat, Timestamp};
use program::source::test_signal::read_counter;

const FPS: f64 = 30.0;

/// The size at which pictures are looked at: cells of the counter have 16 pixels.
const SIZE: (u32, u32) = (640, 360);

/// A studio that is on air with the test signal.
fn signal() -> Headless {
    let studio = Headless::start();
    let test = json!({ "edit": "switch_scene", "id": "test" });
    command(&studio, &json!({ "command": "edit", "edit": test }));
    studio.go_live();
    studio
}

/// When each picture of a file is shown, in seconds, and the number that it carries.
fn counters(file: &Path) -> Vec<(f64, u32)> {
    let (said, _) = output(
        Command::new("ffprobe")
            .args(["-v", "error", "-of", "csv=p=0", "-select_streams", "v:0"])
            .args(["-show_entries", "packet=pts_time"])
            .arg(file),
    );
    let mut times: Vec<f64> = said
        .lines()
        .filter_map(|line| line.trim_matches(',').parse().ok())
        .collect();
    times.sort_by(f64::total_cmp);
    let (width, height) = SIZE;
    let decoded = Command::new("ffmpeg")
        .args(["-v", "error", "-xerror", "-i"])
        .arg(file)
        .args(["-map", "0:v:0", "-fps_mode", "passthrough"])
        .args(["-vf", &format!("scale={width}:{height}")])
        .args(["-pix_fmt", "yuv420p", "-f", "rawvideo", "-"])
        .stdin(Stdio::null())
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&decoded.stderr);
    assert!(decoded.status.success() && said.is_empty(), "{said}");
    let pictures = decoded
        .stdout
        .chunks_exact((width * height * 3 / 2) as usize);
    assert_eq!(pictures.len(), times.len(), "each picture is decoded once");
    let number = |picture: &[u8]| {
        let data: bytes::Bytes = picture.to_vec().into();
        let (format, color) = (PixelFormat::I420, Color::default());
        let frame = Frame::packed(format, width, height, color, Timestamp::ZERO, data);
        read_counter(&frame.expect("a picture")).expect("a number that can be read")
    };
    times.into_iter().zip(pictures.map(number)).collect()
}

/// The number is that of the tick that a picture was made for: wherever files meet, none comes twice, none is missing
/// that was made, and each is shown when it was due. Where one of `joins` follows a picture that was left out, FFmpeg
/// closes the gap, as it knows nothing of what was due there.
fn goes_on(counters: &[(f64, u32)], joins: usize) {
    assert!(counters.len() > 1, "{counters:?}");
    let mut closed = 0;
    for pair in counters.windows(2) {
        let [(at, number), (then, next)] = pair else {
            unreachable!()
        };
        let due = (then - at) * FPS;
        let came = f64::from(*next) - f64::from(*number);
        assert!(came >= 1.0, "{pair:?}");
        if (came - due).abs() >= 0.5 {
            assert!(came > due, "{pair:?}");
            closed += 1;
        }
    }
    assert!(closed <= joins, "{closed} gaps in {counters:?}");
}

/// The loudest sample of a file and its mean, in dBFS.
fn volume(file: &Path) -> [f64; 2] {
    let (_, said) = output(
        Command::new("ffmpeg")
            .args(["-v", "info", "-nostats", "-xerror", "-i"])
            .arg(file)
            .args(["-map", "0:a:0", "-af", "volumedetect", "-f", "null", "-"]),
    );
    ["max_volume: ", "mean_volume: "].map(|what| {
        let level = said.split(what).nth(1);
        let level = level.and_then(|l| l.split(' ').next()?.parse().ok());
        level.unwrap_or_else(|| panic!("{said}"))
    })
}

#[test]
fn what_viewers_go_back_to_is_what_was_shown_and_as_loud() {
    let test = "what_viewers_go_back_to_is_what_was_shown_and_as_loud";
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    if !tools(test) {
        return;
    }
    let studio = signal();
    // A recording that begins in between is another file of the same stretch.
    let url = studio.url("/hls/program/rewind.m3u8");
    let kept = |least: usize| {
        eventually("it is kept", PATIENCE, || {
            let answer = http::get(&url);
            let text = answer.ok().then(|| answer.text())?;
            (text.matches("#EXT-X-BYTERANGE").count() >= least).then_some(text)
        })
    };
    kept(2);
    command(&studio, &json!({ "command": "record" }));
    recorded(&studio, 4_500);
    let text = kept(5);
    assert!(text.contains("#EXT-X-DISCONTINUITY\n"), "{text}");
    // As far as it goes now: a playlist that ends, beside whatever else is on.
    let dir = tempfile::tempdir().expect("a folder");
    let still = dir.path().join("still.m3u8");
    let base = studio.url("/hls/program/");
    let whole = text
        .replace("URI=\"", &format!("URI=\"{base}"))
        .lines()
        .map(|line| match line.starts_with("reel-") {
            true => format!("{base}{line}\n"),
            false => format!("{line}\n"),
        })
        .collect::<String>();
    std::fs::write(&still, whole + "#EXT-X-ENDLIST\n").expect("a playlist");
    let seen = dir.path().join("seen.mkv");
    output(
        Command::new("ffmpeg")
            .args(["-v", "error", "-xerror"])
            .args(["-protocol_whitelist", "file,http,tcp", "-i"])
            .arg(&still)
            .args(["-map", "0:v:0", "-c", "copy"])
            .arg(&seen),
    );
    // Sample after sample: that gap of the picture is none of the sound.
    let heard = dir.path().join("heard.wav");
    output(
        Command::new("ffmpeg")
            .args(["-v", "error", "-xerror"])
            .args(["-protocol_whitelist", "file,http,tcp", "-i"])
            .arg(&still)
            .args(["-map", "0:a:0", "-af", "asetpts=N/SR/TB"])
            .arg(&heard),
    );
    let pictures = counters(&seen);
    assert!(pictures.len() > 90, "{} pictures", pictures.len());
    goes_on(&pictures, 1);

    // The tone has -26 dBFS, and -12 dBFS more once a second: its demo's gain is -6 dB.
    let [peak, mean] = volume(&heard);
    assert!((-13.0..-9.0).contains(&peak), "{peak} dBFS");
    let file = file_of(&recorded(&studio, 4_500));
    command(&studio, &json!({ "command": "stop_recording" }));
    films(&studio, 0);
    let [own_peak, own_mean] = volume(&file);
    assert!(
        (peak - own_peak).abs() < 1.0 && (mean - own_mean).abs() < 2.0,
        "{peak} and {mean}, recorded {own_peak} and {own_mean}"
    );
}

/// A film of the library by its title, once it is whole: its file and how long it plays, in seconds.
fn named(studio: &Headless, title: &str) -> (PathBuf, f64) {
    eventually(&format!("{title} is cut"), PATIENCE, || {
        let shows = library(studio);
        let all = shows.first()?["films"].as_array()?.clone();
        let film = all.iter().find(|film| film["title"] == title)?;
        let length = film["duration_ms"].as_f64()?;
        let file = film["file"].as_str()?;
        Some((
            studio.data_dir().join("recordings").join(file),
            length / 1e3,
        ))
    })
}

#[test]
fn a_clip_is_cut_out_of_what_is_kept_between_two_moments() {
    let test = "a_clip_is_cut_out_of_what_is_kept_between_two_moments";
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    if !tools(test) {
        return;
    }
    let studio = signal();
    let cut = |from: i64, to: i64, title: &str, exact: bool| json!({ "command": "cut_behind", "from": from, "to": to, "title": title, "exact": exact });
    let kept = eventually("eight seconds are kept", PATIENCE, || {
        let kept = studio.snapshot()["rewinds"][0].clone();
        (kept["behind_ms"].as_i64()? >= 8_000).then_some(kept)
    });
    let until = kept["until"].as_i64().expect("a time");
    let oldest = until - kept["behind_ms"].as_i64().expect("a length");

    // Exactly: the very pictures, wherever keyframes lie.
    let (from, to) = (oldest + 1_300, oldest + 4_800);
    command(&studio, &cut(from, to, "Exactly", true));
    let (exact, told) = named(&studio, "Exactly");
    assert!((told - 3.5).abs() < 0.07, "{told} s");
    let pictures = counters(&exact);
    goes_on(&pictures, 0);
    let shown = pictures.last().expect("pictures").0 + 1.0 / FPS;
    assert!((shown - 3.5).abs() < 0.07, "{shown} s");
    lengths(&exact);

    // From keyframe to keyframe: all of that, and more, and nothing is encoded again.
    command(&studio, &cut(from, to, "Copied", false));
    let (copied, told) = named(&studio, "Copied");
    assert!((3.5..=8.0).contains(&told), "{told} s");
    let more = counters(&copied);
    goes_on(&more, 0);
    let numbers = |all: &[(f64, u32)]| (all[0].1, all[all.len() - 1].1);
    let ((first, last), (begins, ends)) = (numbers(&pictures), numbers(&more));
    assert!(
        begins <= first && last <= ends,
        "{first}..{last} of {begins}..{ends}"
    );

    // The numbers say when a picture was made: the clip begins with what was shown at that time.
    command(&studio, &cut(from + 1_000, to, "Later", true));
    let later = counters(&named(&studio, "Later").0);
    assert!((i64::from(later[0].1) - i64::from(first) - 30).abs() <= 2);

    // The host sees the moments before cutting; nobody else does.
    let picture = format!("/api/channels/program/behind.jpg?at={from}");
    assert_eq!(studio.get(&picture).status, 401);
    let bearer = format!("Bearer {}", studio.token());
    let headers = [("authorization", bearer.as_str())];
    let shown = http::request("GET", &studio.url(&picture), &headers, b"");
    assert_eq!((shown.status, &shown.body[..2]), (200, &[0xff, 0xd8][..]));

    // What cannot be is refused in words.
    for (request, status, says) in [
        (cut(to, from, "x", true), 400, "begins before it ends"),
        (cut(from, from, "x", true), 400, "begins before it ends"),
        (cut(0, i64::MAX, "x", true), 400, "within what is kept"),
        (cut(from, to, " ", true), 400, "1 to 100 characters"),
        (
            cut(oldest - 9_000_000, oldest - 8_000_000, "x", true),
            409,
            "nothing is kept of that time",
        ),
        (
            json!({ "command": "cut_behind", "channel": "stage", "from": from, "to": to, "title": "x" }),
            409,
            "Nothing is kept of stage",
        ),
    ] {
        let refused = studio.apply(&request);
        let said = refused.text().to_lowercase();
        assert_eq!(refused.status, status, "{request}: {said}");
        assert!(said.contains(&says.to_lowercase()), "{request}: {said}");
    }
}
