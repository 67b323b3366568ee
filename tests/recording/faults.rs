//! Files and folders that others move, rename or delete.

use super::*;

/// What is wrong, as the studio says it.
fn problems(studio: &Headless) -> String {
    let said = studio.snapshot()["problems"].clone();
    let said = said.as_array().expect("problems").iter();
    let said = said.map(|p| p["message"].as_str().expect("words").to_owned());
    said.collect::<Vec<_>>().join("\n")
}

/// All shows, as the host sees them.
fn own(studio: &Headless) -> Vec<Value> {
    let bearer = format!("Bearer {}", studio.token());
    let headers = [("authorization", bearer.as_str())];
    let shows = http::request("GET", &studio.url("/api/library"), &headers, b"").json();
    shows.as_array().expect("shows").clone()
}

#[test]
fn a_folder_that_vanishes_ends_the_recording_and_not_the_show() {
    let test = "a_folder_that_vanishes_ends_the_recording_and_not_the_show";
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    if !tools(test) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let films = folder.path().join("films");
    let studio = Headless::with()
        .set(format!("recording.folder={}", films.display()))
        .arg("--on-air")
        .start();
    command(&studio, &json!({ "command": "record" }));
    let file = file_of(&recorded(&studio, 1_000));
    let elsewhere = folder.path().join("elsewhere");
    std::fs::rename(&films, &elsewhere).expect("it is moved");
    let what = "is not there any more: it, its folder or its disk was moved, deleted or unplugged";
    studio.until("the recording ends by itself", |snapshot| {
        let over = snapshot["recordings"].as_array().is_some_and(Vec::is_empty);
        over && snapshot["problems"].to_string().contains(what)
    });
    let said = problems(&studio);
    assert!(said.contains("The show goes on."), "{said}");
    assert!(said.contains(&file.display().to_string()), "{said}");
    assert_eq!(studio.json("/api/channels/program")["state"], "live");
    // Nothing is lost: where it was moved to, it plays. The library lists nothing that is not there.
    lengths(&elsewhere.join(file.file_name().expect("a name")));
    assert_eq!(own(&studio)[0]["films"], json!([]));

    // The folder is made again for the next one, and what was said is over.
    command(&studio, &json!({ "command": "record" }));
    let again = file_of(&recorded(&studio, 500));
    assert_eq!(again.parent(), Some(films.as_path()));
    studio.until("what was said is over", |snapshot| {
        !snapshot["problems"].to_string().contains(what)
    });
}

#[test]
fn what_is_renamed_or_deleted_under_the_library_is_said() {
    let test = "what_is_renamed_or_deleted_under_the_library_is_said";
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    if !tools(test) {
        return;
    }
    let studio = Headless::with().arg("--on-air").start();
    command(&studio, &json!({ "command": "record" }));
    let file = file_of(&recorded(&studio, 1_500));
    command(&studio, &json!({ "command": "stop_recording" }));
    let film = films(&studio, 0)[0].clone();
    let id = film["id"].as_i64().expect("a number");
    command(&studio, &json!({ "command": "end_broadcast" }));
    studio.until("the show is over", |_| own(&studio)[0]["ended"].is_i64());

    let aside = file.with_extension("aside");
    std::fs::rename(&file, &aside).expect("it is renamed");
    assert_eq!(own(&studio)[0]["films"][0]["missing"], true);
    let played = studio.get(&format!("/media/{id}.mp4"));
    assert_eq!(played.status, 404);
    assert!(played.text().contains("Put it back"), "{}", played.text());
    assert_eq!(studio.get(&format!("/media/{id}.jpg")).status, 404);
    let other = studio.get(&format!("/media/{id}.mkv"));
    let folder = file.parent().expect("a folder").display().to_string();
    assert!(
        other.status == 404 && !other.text().contains(&folder),
        "where it lies is the host's alone: {}",
        other.text()
    );
    let cut =
        json!({ "command": "cut_film", "film": id, "from_ms": 0, "to_ms": 500, "title": "x" });
    let refused = studio.apply(&cut);
    assert!(
        refused.status == 404 && refused.text().contains("Put it back"),
        "{}",
        refused.text()
    );

    // Put back, it is as it was.
    std::fs::rename(&aside, &file).expect("it is put back");
    assert!(own(&studio)[0]["films"][0].get("missing").is_none());
    assert_eq!(studio.get(&format!("/media/{id}.mp4")).status, 200);

    // What cannot be deleted stays, in words, and can be deleted again.
    std::fs::remove_file(&file).expect("it is deleted");
    std::fs::create_dir(&file).expect("a folder in its place");
    let show = own(&studio)[0]["id"].clone();
    let delete = json!({ "command": "delete_show", "id": show, "for_good": true });
    let refused = studio.apply(&delete);
    let said = refused.text();
    assert!(
        refused.status == 502 && said.contains("cannot be deleted"),
        "{said}"
    );
    assert!(
        said.contains("delete it again when that is mended"),
        "{said}"
    );
    assert_eq!(own(&studio).len(), 1);
    std::fs::remove_dir(&file).expect("it is mended");
    command(&studio, &delete);
    assert_eq!(own(&studio).len(), 0);
}
