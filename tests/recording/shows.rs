//! Shows of the library beside their films: what is said of them, and what is seen of one that nobody recorded.

use super::*;

#[test]
fn a_show_is_described_and_what_is_no_description_is_refused() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = tempfile::tempdir().expect("a folder");
    let studio = Headless::with().data_dir(dir.path()).start();
    studio.go_live();
    let on = library(&studio)[0].clone();
    let id = on["id"].as_str().expect("an identity").to_owned();
    assert_eq!(on["description"], "");
    let title = on["title"].clone();
    let set = |what: Value| {
        let mut all = json!({ "command": "set_show", "id": id });
        for (key, value) in what.as_object().expect("a change") {
            all[key] = value.clone();
        }
        all
    };
    // While it is on, and over several lines; all else stays.
    let text = "Ana plays.\n\nThen: tea — “Für alle”.";
    command(
        &studio,
        &set(json!({ "description": format!("  {text}\n") })),
    );
    let one = studio.json(&format!("/api/library/{id}"));
    assert_eq!((&one["description"], &one["title"]), (&text.into(), &title));
    let longest = "x".repeat(2_000);
    for (what, says) in [
        (
            json!({ "description": format!("{longest}x") }),
            "at most 2000 characters",
        ),
        (
            json!({ "description": "a\u{7}b" }),
            "at most 2000 characters",
        ),
        (json!({ "title": "" }), "1 to 100 characters"),
        (json!({ "title": "x".repeat(101) }), "1 to 100 characters"),
        // One that is wrong changes nothing at all.
        (
            json!({ "title": "Fine", "description": format!("{longest}x") }),
            "2000",
        ),
    ] {
        let refused = studio.apply(&set(what.clone()));
        assert_eq!(refused.status, 400, "{what}");
        assert!(refused.text().contains(says), "{what}: {}", refused.text());
    }
    let unknown = studio.apply(&json!({ "command": "set_show", "id": "0", "description": "x" }));
    assert_eq!(unknown.status, 404);
    let one = studio.json(&format!("/api/library/{id}"));
    assert_eq!((&one["description"], &one["title"]), (&text.into(), &title));

    // The last picture of a show without a film stays, over a restart, too.
    let picture = format!("/api/library/{id}/picture.jpg");
    eventually("a picture of it", PATIENCE, || {
        library(&studio)[0]["pictured"].as_bool()?.then_some(())
    });
    command(&studio, &json!({ "command": "end_broadcast" }));
    let shown = studio.get(&picture);
    assert_eq!((shown.status, &shown.body[..2]), (200, &[0xff, 0xd8][..]));
    assert!(studio.stop().success());
    let studio = Headless::with().data_dir(dir.path()).start();
    assert_eq!(studio.get(&picture).body, shown.body);
    let one = studio.json(&format!("/api/library/{id}"));
    assert_eq!(
        (&one["description"], &one["pictured"]),
        (&text.into(), &true.into())
    );
    command(
        &studio,
        &json!({ "command": "set_show", "id": id, "description": "" }),
    );
    assert_eq!(
        studio.json(&format!("/api/library/{id}"))["description"],
        ""
    );
    command(
        &studio,
        &json!({ "command": "delete_show", "id": id, "for_good": true }),
    );
    assert_eq!(studio.get(&picture).status, 404);
}

#[test]
fn a_clip_is_deleted_and_brought_back_and_a_recording_is_not_deleted_alone() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let studio = Headless::with().arg("--on-air").start();
    command(&studio, &json!({ "command": "record" }));
    recorded(&studio, 1_500);
    command(&studio, &json!({ "command": "stop_recording" }));
    let recording = films(&studio, 0)[0]["id"].clone();
    let cut = json!({ "command": "cut_film", "film": recording, "from_ms": 0, "to_ms": 1_000,
                      "title": "Goal" });
    command(&studio, &cut);
    let all = eventually("it is cut", PATIENCE, || {
        let all = films(&studio, 0);
        (all.len() == 2).then_some(all)
    });
    let clip = all
        .iter()
        .find(|film| film["kind"] == "clip")
        .expect("a clip");
    let id = clip["id"].as_i64().expect("a number");
    let file = studio.data_dir().join("recordings");
    let file = file.join(clip["file"].as_str().expect("a name"));
    let (played, seen) = (format!("/media/{id}.mp4"), format!("/media/{id}.jpg"));
    let bearer = format!("Bearer {}", studio.token());
    let host = |path: &str| {
        let headers = [("authorization", bearer.as_str())];
        http::request("GET", &studio.url(path), &headers, b"")
    };
    let delete = json!({ "command": "delete_film", "film": id });
    let restore = json!({ "command": "restore_film", "film": id });

    command(&studio, &delete);
    assert!(file.is_file(), "it can be brought back");
    assert_eq!(films(&studio, 0).len(), 1, "viewers do not see it");
    for path in [&played, &seen] {
        assert_eq!(
            (studio.get(path).status, host(path).status),
            (404, 200),
            "{path}"
        );
    }
    let own = host("/api/library").json();
    let deleted = own[0]["films"].as_array().expect("films").iter();
    let deleted: Vec<_> = deleted.filter(|film| film["deleted"].is_i64()).collect();
    assert_eq!(deleted.len(), 1);
    assert_eq!(deleted[0]["id"], id);

    command(&studio, &restore);
    assert_eq!(films(&studio, 0).len(), 2);
    assert_eq!(studio.get(&played).status, 200);

    // The recording itself goes with its show alone.
    for command in ["delete_film", "restore_film"] {
        let refused = studio.apply(&json!({ "command": command, "film": recording }));
        let said = refused.text();
        assert!(
            refused.status == 409 && said.contains("Delete the show"),
            "{said}"
        );
    }
    let for_good = json!({ "command": "delete_film", "film": id, "for_good": true });
    command(&studio, &for_good);
    assert!(!file.exists());
    assert_eq!((films(&studio, 0).len(), host(&played).status), (1, 404));
    assert_eq!(studio.apply(&restore).status, 404);
}
