//! Sound tracks beside the mix, and clips that begin with the very picture.

use super::*;

/// What `ffprobe` says of each stream: kind, codec, whether players begin with it.
fn streams(file: &Path) -> Vec<String> {
    let entries = "stream=codec_type,codec_name:stream_disposition=default";
    let (said, _) = output(
        Command::new("ffprobe")
            .args(["-v", "error", "-of", "csv=p=0", "-show_entries", entries])
            .arg(file),
    );
    said.lines().map(str::to_owned).collect()
}

/// How loud a sound track is at most, in dBFS.
pub(crate) fn loudest(file: &Path, track: usize) -> f64 {
    let (_, said) = output(
        Command::new("ffmpeg")
            .args(["-v", "info", "-nostats", "-xerror", "-i"])
            .arg(file)
            .args(["-map", &format!("0:a:{track}"), "-af", "volumedetect"])
            .args(["-f", "null", "-"]),
    );
    let level = said.split("max_volume: ").nth(1);
    let level = level.and_then(|l| l.split(' ').next()?.parse().ok());
    level.unwrap_or_else(|| panic!("{said}"))
}

/// Puts a source on sound tracks.
fn put(studio: &Headless, source: &Value, tracks: &Value) {
    let mut audio = source["audio"].clone();
    audio["tracks"] = tracks.clone();
    let edit = json!({ "edit": "set_audio", "id": source["id"], "audio": audio });
    command(studio, &json!({ "command": "edit", "edit": edit }));
}

/// The source of the demo that is heard.
fn heard(studio: &Headless) -> Value {
    let snapshot = studio.snapshot();
    let sources = snapshot["collection"]["sources"]
        .as_array()
        .expect("sources");
    let tone = sources.iter().find(|s| s["kind"] == "media");
    tone.unwrap_or_else(|| panic!("{sources:?}")).clone()
}

#[test]
fn a_recording_has_the_sound_tracks_that_sources_are_on_and_viewers_have_the_mix() {
    let test = "a_recording_has_the_sound_tracks_that_sources_are_on_and_viewers_have_the_mix";
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    if !tools(test) {
        return;
    }
    let studio = Headless::start();
    let source = heard(&studio);
    put(&studio, &source, &json!([3]));
    command(&studio, &json!({ "command": "record" }));
    recorded(&studio, 1_000);
    studio.go_live();
    let on_air = studio.json("/api/channels/program");
    let known = on_air["tracks"].as_array().expect("tracks").len();
    assert_eq!(known, 3, "{on_air}");
    // Whoever goes back gets the picture and the mix, though the file has more.
    let url = studio.url("/hls/program/rewind.m3u8?viewer=00000000000000ab");
    eventually("some seconds are kept", PATIENCE, || {
        let answer = http::get(&url);
        let text = answer.ok().then(|| answer.text())?;
        (text.matches("#EXT-X-BYTERANGE").count() >= 2).then_some(())
    });
    let viewers = studio.json("/api/channels/program")["viewers"].clone();
    assert_eq!(viewers["hls"], 1, "who goes back is counted: {viewers}");
    let seen = studio.data_dir().join("seen.mp4");
    output(
        Command::new("ffmpeg")
            .args([
                "-v",
                "error",
                "-xerror",
                "-live_start_index",
                "0",
                "-i",
                &url,
            ])
            .args(["-t", "2", "-map", "0", "-c", "copy"])
            .arg(&seen),
    );
    assert_eq!(streams(&seen), ["h264,video,1", "aac,audio,1"]);

    // Another track, while it is recorded: it goes on in another file, which has it.
    put(&studio, &source, &json!([3, 6]));
    let second = eventually("it goes on in another file", PATIENCE, || {
        let recording = studio.snapshot()["recordings"][0].clone();
        (recording["part"].as_u64()? == 2).then_some(recording)
    });
    let so_far = second["duration_ms"].as_u64().expect("a length");
    recorded(&studio, so_far + 1_500);
    command(&studio, &json!({ "command": "end_broadcast" }));
    command(&studio, &json!({ "command": "stop_recording" }));
    let shown = json!({ "command": "set_show", "id": second["show"], "hidden": false });
    command(&studio, &shown);
    let all = films(&studio, 0);
    assert_eq!(all.len(), 2);
    for (film, sounds) in all.iter().zip([3, 6]) {
        let folder = studio.data_dir().join("recordings");
        let file = folder.join(film["file"].as_str().expect("a name"));
        let mut expect = vec!["h264,video,1".to_owned(), "aac,audio,1".to_owned()];
        expect.resize(1 + sounds, "aac,audio,0".to_owned());
        assert_eq!(streams(&file), expect);
        // The mix and the tracks that it was put on are as loud; the others are silent.
        let mix = loudest(&file, 0);
        assert!(mix > -40.0, "{mix} dBFS");
        for track in 1..sounds {
            let level = loudest(&file, track);
            if track == 2 || track == 5 {
                assert!(
                    (level - mix).abs() < 2.0,
                    "track {track}: {level}, the mix {mix}"
                );
            } else {
                assert!(level < -80.0, "track {track}: {level} dBFS");
            }
        }
        lengths(&file);
        let id = film["id"].as_i64().expect("a number");
        let mkv = studio.get(&format!("/media/{id}.mkv"));
        let other = file.with_extension("mkv");
        std::fs::write(&other, &mkv.body).expect("a file");
        assert_eq!(streams(&other), expect);
    }
}

/// Cuts a film in between keyframes: the clip begins with the first picture there, and has all up to its end.
pub(crate) fn is_cut_exactly(studio: &Headless, film: &Path, id: i64) {
    // The times of all pictures, and whether decoding can begin there.
    let pictures = |file: &Path| {
        let (said, _) = output(
            Command::new("ffprobe")
                .args(["-v", "error", "-of", "csv=p=0", "-select_streams", "v:0"])
                .args(["-show_entries", "packet=pts_time,flags"])
                .arg(file),
        );
        let picture = |line: &str| {
            let (at, flags) = line.split_once(',')?;
            Some((at.parse::<f64>().ok()?, flags.starts_with('K')))
        };
        said.lines().filter_map(picture).collect::<Vec<_>>()
    };
    let all = pictures(film);
    let between = all.iter().find(|(at, key)| *at > 1.0 && !key);
    let (first, _) = *between.unwrap_or_else(|| panic!("{all:?}"));
    let from = (first * 1e3) as u64;
    let to = from + 2_500;
    let cut = json!({ "command": "cut_film", "film": id, "from_ms": from, "to_ms": to,
                      "title": "Exactly", "exact": true });
    command(studio, &cut);
    let known = films(studio, 0);
    let found = known.iter().find(|film| film["title"] == "Exactly");
    let name = found.and_then(|film| film["file"].as_str());
    let clip = film.with_file_name(name.unwrap_or_else(|| panic!("{known:?}")));
    let end = to as f64 / 1e3;
    let inside = all.iter().filter(|(at, _)| (first..end).contains(at));
    let expect: Vec<f64> = inside.map(|(at, _)| at - first).collect();
    let made: Vec<f64> = pictures(&clip).into_iter().map(|(at, _)| at).collect();
    assert_eq!(made.len(), expect.len(), "{made:?} and {expect:?}");
    let same = |(made, expect): (&f64, &f64)| (made - expect).abs() < 0.002;
    assert!(
        made.iter().zip(&expect).all(same),
        "{made:?} and {expect:?}"
    );
    lengths(&clip);
    let clip = found.and_then(|film| film["id"].as_i64());
    let delete = json!({ "command": "delete_film", "film": clip.expect("a number") });
    command(studio, &delete);
}
