//! What is recorded and kept: `klieg-headless` as a process, files as FFmpeg reads them.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "this is test code, only not inside of a #[test]"
)]

mod behind;
mod channels;
mod faults;
mod shows;
mod tracks;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use klieg_tests::{Headless, eventually, http, need, skip};
use media::Clock;
use serde_json::{Value, json};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Studios compose and encode in software: one at a time, or their pictures come late.
static ALONE: Mutex<()> = Mutex::new(());

fn output(command: &mut Command) -> (String, String) {
    let done = command.stdin(Stdio::null()).output().expect("it runs");
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{said}");
    (String::from_utf8_lossy(&done.stdout).into_owned(), said)
}

/// How far apart picture and sound may begin and end, in seconds: sound is mixed a little later, pictures are
/// skipped on a busy machine, and what is stopped stops at once. In between they are in step.
const LATE: f64 = 1.0;

/// Seconds of picture and of sound, by the times of their packets: pictures may be skipped on a busy machine.
/// Whatever is damaged is an error.
fn lengths(file: &Path) -> (f64, f64) {
    let (text, _) = output(
        Command::new("ffprobe")
            .args(["-v", "error", "-of", "csv=p=0"])
            .args(["-show_entries", "packet=codec_type,pts_time"])
            .arg(file),
    );
    let mut begins = Vec::new();
    let mut span = |kind: &str, step: f64| {
        let own = text.lines().filter_map(|line| line.strip_prefix(kind));
        let times = own.filter_map(|rest| rest.trim_matches(',').parse::<f64>().ok());
        let (first, last) = times.fold((f64::MAX, f64::MIN), |(first, last), at| {
            (first.min(at), last.max(at))
        });
        assert!(last > first, "no {kind} in {}", file.display());
        begins.push(first);
        last - first + step
    };
    let (picture, sound) = (span("video", 1.0 / 30.0), span("audio", 1_024.0 / 48_000.0));
    // A program that has just begun has its picture first.
    let [first, heard] = begins[..] else {
        panic!("{begins:?}")
    };
    assert!(
        (0.0..0.05).contains(&first) && (0.0..LATE).contains(&heard),
        "{begins:?}"
    );
    assert!(
        (sound + heard - picture).abs() < LATE,
        "{sound} s for {picture} s"
    );
    let (_, said) = output(
        Command::new("ffmpeg")
            .args(["-v", "error", "-xerror", "-i"])
            .arg(file)
            .args(["-f", "null", "-"]),
    );
    assert_eq!(said, "", "{}", file.display());
    (picture, sound)
}

/// The digests of all packets of picture and of sound, in their order.
fn packets(file: &Path) -> Vec<String> {
    let of = |stream: &str| {
        let (text, _) = output(
            Command::new("ffmpeg")
                .args(["-v", "error", "-i"])
                .arg(file)
                .args(["-map", stream, "-c", "copy", "-f", "streamhash", "-"]),
        );
        text
    };
    vec![of("0:v:0"), of("0:a:0")]
}

fn command(studio: &Headless, command: &Value) {
    let answer = studio.apply(command);
    assert!(answer.ok(), "{command}: {}", answer.text());
}

/// The recording of the program, once it plays so long, in ms.
fn recorded(studio: &Headless, ms: u64) -> Value {
    eventually("it is recorded", PATIENCE, || {
        let recording = studio.snapshot()["recordings"][0].clone();
        (recording["duration_ms"].as_u64()? >= ms).then_some(recording)
    })
}

fn library(studio: &Headless) -> Vec<Value> {
    let shows = studio.json("/api/library");
    shows.as_array().expect("shows").clone()
}

/// The films of a show, once all of them are whole.
fn films(studio: &Headless, show: usize) -> Vec<Value> {
    eventually("its films are whole", PATIENCE, || {
        let shows = library(studio);
        let films = shows.get(show)?["films"].as_array()?.clone();
        let whole = films.iter().all(|f| f["duration_ms"].is_u64());
        (whole && !films.is_empty()).then_some(films)
    })
}

fn file_of(recording: &Value) -> PathBuf {
    recording["file"].as_str().expect("a file").into()
}

fn tools(test: &str) -> bool {
    need(test, "ffmpeg").is_some() && need(test, "ffprobe").is_some()
}

#[test]
fn the_program_is_recorded_alone_goes_live_and_stays_one_film() {
    let test = "the_program_is_recorded_alone_goes_live_and_stays_one_film";
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    if !tools(test) {
        return;
    }
    let studio = Headless::start();
    command(&studio, &json!({ "command": "record" }));
    let refused = studio.apply(&json!({ "command": "record" }));
    assert_eq!(refused.status, 409, "{}", refused.text());
    let recording = recorded(&studio, 2_000);
    let channel = studio.json("/api/channels/program");
    assert_eq!(channel["state"], "waiting", "nobody sees it");
    let behind = "/hls/program/rewind.m3u8";
    assert_eq!(studio.get(behind).status, 404, "nor what is kept of it");

    studio.go_live();
    let channel = studio.json("/api/channels/program");
    assert_eq!(channel["state"], "live");
    command(&studio, &json!({ "command": "mark", "label": "Goal" }));
    recorded(&studio, 4_000);
    command(&studio, &json!({ "command": "end_broadcast" }));
    assert_eq!(studio.json("/api/channels/program")["state"], "waiting");
    let before = recorded(&studio, 6_000);
    command(&studio, &json!({ "command": "stop_recording" }));

    // The command is answered when the file is whole.
    let file = file_of(&recording);
    assert_eq!(file_of(&before), file, "one file all along");
    let (picture, _) = lengths(&file);
    let least = before["duration_ms"].as_f64().unwrap() / 1e3;
    assert!(
        picture >= least - 0.2 && picture < least + 10.0,
        "{picture} of {least}"
    );

    // What was recorded before anybody could see it is the host's, until they show it.
    assert_eq!(library(&studio).len(), 0);
    let bearer = format!("Bearer {}", studio.token());
    let own = [("authorization", bearer.as_str())];
    let own = http::request("GET", &studio.url("/api/library"), &own, b"").json();
    let show = own[0]["id"].as_str().expect("a show");
    command(
        &studio,
        &json!({ "command": "set_show", "id": show, "hidden": false }),
    );
    let shows = library(&studio);
    assert_eq!(shows.len(), 1, "{shows:?}");
    assert_eq!(
        (&shows[0]["aired"], &shows[0]["interrupted"]),
        (&true.into(), &false.into())
    );
    assert_eq!(shows[0]["markers"][0]["label"], "Goal");
    let film = &shows[0]["films"][0];
    let told = film["duration_ms"].as_f64().unwrap() / 1e3;
    assert!((told - picture).abs() < 0.2, "{told} and {picture}");

    // It is served in ranges, with pictures to seek by.
    let id = film["id"].as_i64().unwrap();
    let url = studio.url(&format!("/media/{id}.mp4"));
    let part = http::request("GET", &url, &[("range", "bytes=4-11")], b"");
    assert_eq!((part.status, part.body.as_slice()), (206, &b"ftypiso6"[..]));
    let still = studio.get(&format!("/media/{id}.jpg?at=2000"));
    assert_eq!((still.status, &still.body[..2]), (200, &[0xff, 0xd8][..]));

    // The same packets in other containers, as long, and with a place to seek by.
    for (ending, format) in [("mkv", "matroska,webm"), ("flv", "flv")] {
        let answer = studio.get(&format!("/media/{id}.{ending}"));
        assert_eq!(answer.status, 200, "{ending}");
        let said = answer.header("content-length").and_then(|l| l.parse().ok());
        assert!(
            said.is_none_or(|len: usize| len == answer.body.len()),
            "{ending}"
        );
        let other = file.with_extension(ending);
        std::fs::write(&other, &answer.body).expect("a file");
        let (there, _) = lengths(&other);
        assert!(
            (there - picture).abs() < 0.05,
            "{ending}: {there} and {picture}"
        );
        assert_eq!(packets(&other), packets(&file), "{ending}");
        let (about, _) = output(
            Command::new("ffprobe")
                .args(["-v", "error", "-of", "csv=p=0", "-show_entries"])
                .args(["format=format_name,duration"])
                .arg(&other),
        );
        let about = about.trim().trim_matches('"').replace("\",", ",");
        assert!(about.starts_with(format), "{about}");
        let long: f64 = about
            .rsplit(',')
            .next()
            .and_then(|d| d.parse().ok())
            .expect("a duration");
        assert!(
            (long - picture).abs() < LATE,
            "{ending}: {long} and {picture}"
        );
    }

    // Cut, hidden, deleted and brought back.
    let clip = json!({ "command": "cut_film", "film": id, "from_ms": 2_000, "to_ms": 4_000, "title": "../The goal" });
    command(&studio, &clip);
    let films = films(&studio, 0);
    assert_eq!(
        (&films[1]["kind"], &films[1]["file"]),
        (&"clip".into(), &"-The goal.mp4".into())
    );
    let cut = file.parent().unwrap().join("-The goal.mp4");
    let (picture, _) = lengths(&cut);
    assert!((1.9..=4.1).contains(&picture), "{picture}");
    tracks::is_cut_exactly(&studio, &file, id);
    let show = shows[0]["id"].as_str().unwrap();
    command(
        &studio,
        &json!({ "command": "set_show", "id": show, "title": "Final", "hidden": true }),
    );
    assert_eq!(library(&studio).len(), 0);
    assert_eq!(studio.get(&format!("/media/{id}.mp4")).status, 404);
    command(
        &studio,
        &json!({ "command": "set_show", "id": show, "hidden": false }),
    );
    command(&studio, &json!({ "command": "delete_show", "id": show }));
    assert_eq!(library(&studio).len(), 0);
    command(&studio, &json!({ "command": "restore_show", "id": show }));
    assert_eq!(library(&studio)[0]["title"], "Final");
}

#[test]
fn a_kill_costs_at_most_a_second_and_the_library_is_right() {
    let test = "a_kill_costs_at_most_a_second_and_the_library_is_right";
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    if !tools(test) {
        return;
    }
    kill_at(&[700, 1_200, 1_900, 2_700, 3_900]);
}

/// The same at a hundred moments, for whoever has some minutes: `cargo test --test recording -- --ignored`.
#[test]
#[ignore = "takes some minutes"]
fn a_hundred_kills_cost_at_most_a_second_each() {
    let test = "a_hundred_kills_cost_at_most_a_second_each";
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    if !tools(test) {
        return;
    }
    let mut state = 0x2545_f491_u32;
    let moments = (0..100).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        600 + u64::from(state >> 8) % 2_400
    });
    kill_at(&moments.collect::<Vec<u64>>());
}

/// How long a picture takes to be composed and encoded on a busy machine, in seconds: what was not made is not lost.
const MADE: f64 = 0.25;

/// Kills a studio that records once it has recorded so many milliseconds, starts it again on the same folder for
/// the next, and then looks at all that is left.
fn kill_at(moments: &[u64]) {
    let dir = tempfile::tempdir().expect("a folder");
    let mut kept = Vec::new();
    let mut most = 0.0_f64;
    for &moment in moments {
        let studio = Headless::with()
            .arg("--on-air")
            .set("recording.every_broadcast=true")
            .data_dir(dir.path())
            .start();
        let last = recorded(&studio, moment);
        let began = library(&studio)[0]["films"][0]["began"]
            .as_i64()
            .expect("a time");
        let clock = Clock::start();
        let killed = clock.unix_millis(clock.now());
        // Ended by SIGKILL: nothing is finished on the way out.
        drop(studio);
        let (picture, _) = lengths(&file_of(&last));
        let seen = last["duration_ms"].as_f64().unwrap() / 1e3;
        assert!(
            picture >= seen - 0.1,
            "{picture} s play of {seen} that were written"
        );
        // What is lost is what was on the program and is not in the file.
        let on = (killed - began) as f64 / 1e3;
        let lost = on - picture;
        assert!(lost <= 1.0 + MADE, "{picture} s play of {on}");
        most = most.max(lost);
        kept.push((file_of(&last), picture));
    }
    println!("{} kills, at most {most:.2} s lost", moments.len());
    let studio = Headless::with().data_dir(dir.path()).start();
    let library = eventually("its library is whole", PATIENCE, || {
        let shows = studio.json("/api/library?limit=200");
        let shows = shows.as_array().expect("shows").clone();
        let films = shows
            .iter()
            .flat_map(|s| s["films"].as_array().expect("films"));
        let whole = films.clone().all(|f| f["duration_ms"].is_u64());
        (whole && films.count() == moments.len()).then_some(shows)
    });
    assert_eq!(library.len(), moments.len());
    for (show, (file, picture)) in library.iter().zip(kept.iter().rev()) {
        let films = &show["films"];
        assert_eq!(
            (&show["interrupted"], show["ended"].is_i64()),
            (&true.into(), true)
        );
        let told = films[0]["duration_ms"].as_f64().unwrap() / 1e3;
        assert!((told - picture).abs() < 0.2, "{told} for {picture}");
        // Sealed in place, and no picture less.
        let (after, _) = lengths(file);
        assert!((after - picture).abs() < 0.01, "{after} and {picture}");
    }
}

#[test]
fn viewers_go_back_and_a_replay_is_saved_from_the_same_store() {
    let test = "viewers_go_back_and_a_replay_is_saved_from_the_same_store";
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    if !tools(test) {
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    let studio = Headless::with()
        .arg("--on-air")
        .data_dir(dir.path())
        .start();
    let early = studio.get("/hls/nobody/rewind.m3u8");
    assert_eq!(early.status, 404);
    let url = studio.url("/hls/program/rewind.m3u8");
    let playlist = eventually("ten seconds are kept", PATIENCE, || {
        let answer = http::get(&url);
        let text = answer.ok().then(|| answer.text())?;
        (text.matches("#EXT-X-BYTERANGE").count() >= 5).then_some(text)
    });
    assert!(!playlist.contains("ENDLIST"), "{playlist}");
    let (_, said) = output(
        Command::new("ffmpeg")
            .args([
                "-v",
                "info",
                "-nostats",
                "-xerror",
                "-live_start_index",
                "0",
                "-i",
                &url,
            ])
            .args(["-t", "6", "-af", "volumedetect", "-f", "null", "-"]),
    );
    let level = said
        .split("max_volume: ")
        .nth(1)
        .and_then(|l| l.split(' ').next());
    let level: f64 = level
        .and_then(|l| l.parse().ok())
        .unwrap_or_else(|| panic!("{said}"));
    assert!(level > -40.0, "{level} dBFS: the demo is heard");

    command(&studio, &json!({ "command": "save_replay", "seconds": 5 }));
    let films = films(&studio, 0);
    assert_eq!(films[0]["kind"], "clip");
    let name = films[0]["file"].as_str().unwrap();
    let (picture, _) = lengths(&studio.data_dir().join("recordings").join(name));
    // It begins with the very picture of five seconds ago, wherever keyframes lie.
    assert!((4.7..=5.1).contains(&picture), "{picture}");

    // On air it plays once, on top of the scene, and leaves by itself.
    let replays = |snapshot: &Value| {
        let scenes = snapshot["collection"]["scenes"]
            .as_array()
            .expect("scenes")
            .iter();
        let items = scenes.flat_map(|scene| scene["items"].as_array().expect("items"));
        let ids = items.filter_map(|item| item["id"].as_str());
        ids.filter(|id| id.starts_with("replay-on-air-")).count()
    };
    command(&studio, &json!({ "command": "play_replay", "seconds": 1 }));
    studio.until("the replay is on air", |snapshot| replays(snapshot) == 1);
    studio.until("it has played and left", |snapshot| replays(snapshot) == 0);

    // What was on air can be loaded in parts alone, and nothing of it once the broadcast is over, though it is
    // recorded on; the show is the host's then, until they show it.
    assert_eq!(library(&studio).len(), 1);
    assert_eq!(studio.get("/hls/program/reel-0.mp4").status, 404);
    command(&studio, &json!({ "command": "record" }));
    recorded(&studio, 500);
    command(&studio, &json!({ "command": "end_broadcast" }));
    assert_eq!(studio.get("/hls/program/rewind.m3u8").status, 404);
    assert_eq!(library(&studio).len(), 0);

    assert!(studio.stop().success());
    let behind = std::fs::read_dir(dir.path().join("behind")).expect("a folder");
    assert_eq!(behind.count(), 0, "what nobody asked for is gone");
}

/// A folder of its own of so many megabytes, in a mount namespace of its own: this test goes on there.
const SMALL_DISK: &str = "KLIEG_TEST_SMALL_DISK";

/// Starts a test again where a small disk is mounted; says whether this is the one that is there.
fn on_a_small_disk(test: &str) -> Option<PathBuf> {
    if let Some(disk) = std::env::var_os(SMALL_DISK) {
        return Some(disk.into());
    }
    let dir = tempfile::tempdir().expect("a folder");
    let mount = format!(
        "mount --make-rprivate / && mount -t tmpfs -o size={DISK}m none '{0}' && touch '{0}/.mounted'",
        dir.path().display()
    );
    let tried = Command::new("unshare")
        .args(["-m", "sh", "-c", &mount])
        .output();
    if !tried.is_ok_and(|t| t.status.success()) {
        skip(
            test,
            "a small disk cannot be mounted here (needs root and unshare)",
        );
        return None;
    }
    let again = format!(
        "{mount} && exec '{}' --exact {test} --nocapture --test-threads 1",
        std::env::current_exe().expect("this test").display()
    );
    let done = Command::new("unshare")
        .args(["-m", "sh", "-c", &again])
        .env(SMALL_DISK, dir.path())
        .stdin(Stdio::null())
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&done.stdout) + String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
    None
}

/// Megabytes of the small disk, of which a recording leaves some.
const DISK: u64 = 64;
const LEFT: u64 = 8;

/// Fills a disk until so many megabytes are left.
fn fill(disk: &Path, left: u64) {
    let (path, block) = (disk.join("ballast"), vec![0_u8; 1 << 20]);
    let mut ballast = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .expect("ballast");
    let taken = |disk: &Path| {
        let files = std::fs::read_dir(disk).expect("the disk").flatten();
        files
            .map(|f| f.metadata().map_or(0, |m| m.len()).div_ceil(1 << 20))
            .sum::<u64>()
    };
    while taken(disk) + left < DISK {
        if std::io::Write::write_all(&mut ballast, &block).is_err() {
            break;
        }
    }
}

#[test]
fn a_full_disk_ends_the_recording_and_not_the_show() {
    let test = "a_full_disk_ends_the_recording_and_not_the_show";
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    if !tools(test) {
        return;
    }
    let Some(disk) = on_a_small_disk(test) else {
        return;
    };
    let studio = Headless::with()
        .set(format!("recording.folder={}", disk.display()))
        .set(format!("recording.leave_free_megabytes={LEFT}"))
        .arg("--on-air")
        .start();
    let problems = |studio: &Headless| {
        let said = studio.snapshot()["problems"].clone();
        let said = said.as_array().expect("problems").iter();
        said.map(|p| p["message"].to_string())
            .collect::<Vec<_>>()
            .join("\n")
    };
    let says = |what: &str| {
        eventually(what, PATIENCE, || {
            problems(&studio).contains(what).then_some(())
        });
    };
    let ends = |file: &Path| {
        eventually("the recording ends by itself", PATIENCE, || {
            let on = studio.snapshot()["recordings"].as_array()?.len();
            (on == 0).then_some(())
        });
        lengths(file);
    };

    // On air: a warning first; then it ends, and the show goes on.
    command(&studio, &json!({ "command": "record" }));
    let file = file_of(&recorded(&studio, 1_000));
    fill(&disk, 3 * LEFT);
    says("the recording ends by itself at 8 MB");
    fill(&disk, LEFT / 2);
    ends(&file);
    says("the disk is almost full");
    assert_eq!(studio.json("/api/channels/program")["state"], "live");
    assert!(films(&studio, 0)[0]["duration_ms"].as_u64() > Some(900));

    // Off air nothing is left running, and the show is closed.
    command(&studio, &json!({ "command": "end_broadcast" }));
    std::fs::remove_file(disk.join("ballast")).expect("ballast");
    command(&studio, &json!({ "command": "record" }));
    let file = file_of(&recorded(&studio, 1_000));
    fill(&disk, LEFT / 2);
    ends(&file);
    eventually("nothing is encoded any more", PATIENCE, || {
        (studio.snapshot()["stats"]["encode_ms"].as_f64()? == 0.0).then_some(())
    });
    let bearer = format!("Bearer {}", studio.token());
    let own = [("authorization", bearer.as_str())];
    let own = http::request("GET", &studio.url("/api/library"), &own, b"").json();
    let all = own.as_array().expect("shows");
    assert!(
        all.len() == 2 && all.iter().all(|show| show["ended"].is_i64()),
        "{own}"
    );

    // Not a byte is left from one moment to the next: what was written plays.
    std::fs::remove_file(disk.join("ballast")).expect("ballast");
    command(&studio, &json!({ "command": "record" }));
    let file = file_of(&recorded(&studio, 1_500));
    fill(&disk, 0);
    ends(&file);

    // Unplugged while it is written to: it ends, and says why.
    std::fs::remove_file(disk.join("ballast")).expect("ballast");
    command(&studio, &json!({ "command": "record" }));
    recorded(&studio, 500);
    output(Command::new("umount").arg("--lazy").arg(&disk));
    eventually("the recording ends by itself", PATIENCE, || {
        let on = studio.snapshot()["recordings"].as_array()?.len();
        (on == 0).then_some(())
    });
    says("is not there any more: it, its folder or its disk was moved, deleted or unplugged");

    // One that may not be written to is refused before anything is promised.
    let read_only = ["-t", "tmpfs", "-o", "ro", "none"];
    output(Command::new("mount").args(read_only).arg(&disk));
    let refused = studio.apply(&json!({ "command": "record" }));
    let said = refused.text();
    assert!(
        refused.status == 502 && said.contains("Read-only"),
        "{said}"
    );
    assert!(said.contains("Choose another in the settings"), "{said}");
}

#[test]
fn the_library_keeps_to_its_room() {
    let test = "the_library_keeps_to_its_room";
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    if !tools(test) || need(test, "python3").is_none() {
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    let studio = Headless::with().data_dir(dir.path()).start();
    for _ in 0..3 {
        command(&studio, &json!({ "command": "record" }));
        recorded(&studio, 500);
        command(&studio, &json!({ "command": "stop_recording" }));
    }
    assert!(studio.stop().success());
    // Films of 600 MB each, as far as the library knows.
    let larger = "import sqlite3, sys; d = sqlite3.connect(sys.argv[1]); d.execute('UPDATE films SET bytes = 600000000'); d.commit()";
    let database = dir.path().join("klieg.db");
    output(Command::new("python3").args(["-c", larger]).arg(&database));

    let studio = Headless::with().data_dir(dir.path()).start();
    let bearer = format!("Bearer {}", studio.token());
    let own = || {
        let headers = [("authorization", bearer.as_str())];
        let shows = http::request("GET", &studio.url("/api/library"), &headers, b"").json();
        let ids = shows.as_array().expect("shows").iter();
        ids.map(|show| show["id"].as_str().expect("an identity").to_owned())
            .collect::<Vec<_>>()
    };
    let set = |key: &str, value: Value| {
        let setting = json!({ "command": "set_setting", "key": key, "value": value });
        command(&studio, &setting);
    };
    let says = |what: &str| {
        eventually(what, PATIENCE, || {
            let snapshot = studio.snapshot();
            let said = snapshot["problems"].as_array()?.iter();
            let mut said = said.filter_map(|p| p["message"].as_str());
            said.any(|message| message.contains(what)).then_some(())
        });
    };
    let shows = own();
    let [_, _, oldest] = &shows[..] else {
        panic!("{shows:?}")
    };
    set("recording.quota_gigabytes", 2.into());
    says("taken 1.8 GB of 2.0 GB");

    // Used up, a recording that is on ends cleanly, and none begins.
    command(&studio, &json!({ "command": "record" }));
    let file = file_of(&recorded(&studio, 1_000));
    set("recording.quota_gigabytes", 1.into());
    eventually("the recording ends by itself", PATIENCE, || {
        let on = studio.snapshot()["recordings"].as_array()?.len();
        (on == 0).then_some(())
    });
    lengths(&file);
    says("the library's room is used up");
    let refused = studio.apply(&json!({ "command": "record" }));
    assert!(refused.status == 409 && refused.text().contains("room is used up"));

    // Or the deleted ones go first, then the oldest; what is protected stays.
    command(
        &studio,
        &json!({ "command": "set_show", "id": oldest, "protected": true }),
    );
    command(
        &studio,
        &json!({ "command": "delete_show", "id": shows[0] }),
    );
    set("recording.when_full", "delete_oldest".into());
    eventually("there is room", PATIENCE, || {
        let used = studio.snapshot()["room"]["used"].as_u64()?;
        (used < 1_000_000_000).then_some(())
    });
    let left = own();
    assert!(
        left.contains(oldest) && left.len() == 2,
        "{left:?} of {shows:?}"
    );
    assert!(!left.contains(&shows[0]) && !left.contains(&shows[1]));
    command(&studio, &json!({ "command": "record" }));
    recorded(&studio, 500);
}
