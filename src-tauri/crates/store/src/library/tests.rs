use super::*;

fn store() -> Store {
    let store = Store::in_memory().unwrap();
    store
        .begin_show("a", "program", "Morning", 1_000, true)
        .unwrap();
    store
}

fn path(name: &str) -> &Path {
    Path::new(name)
}

#[test]
fn a_show_has_its_files_marks_and_viewers() {
    let store = store();
    store.note_viewers("a", 7).unwrap();
    store.note_viewers("a", 3).unwrap();
    store.mark("a", 1_500, "Goal").unwrap();
    let film = store
        .begin_film(
            "a",
            FilmKind::Recording,
            "Morning",
            path("/r/Morning.mp4"),
            1_100,
        )
        .unwrap();
    let on = store.show("a").unwrap().unwrap();
    assert_eq!(
        (on.peak, on.ended, on.films[0].duration_ms),
        (7, None, None)
    );
    store
        .end_film(path("/r/Morning.mp4"), 60_000, 5_000)
        .unwrap();
    store.end_show("a", 61_000).unwrap();
    let over = store.show("a").unwrap().unwrap();
    assert_eq!((over.ended, over.interrupted), (Some(61_000), false));
    let expect = Film {
        id: film,
        kind: FilmKind::Recording,
        title: "Morning".into(),
        file: "Morning.mp4".into(),
        began: 1_100,
        pauses: Vec::new(),
        duration_ms: Some(60_000),
        bytes: Some(5_000),
        stored: None,
        away: false,
        deleted: None,
        missing: false,
    };
    assert_eq!(over.films, [expect]);
    let marked = Marker {
        at: 1_500,
        label: "Goal".into(),
    };
    assert_eq!(over.markers, [marked]);
    // Each destination once, however often it came back; and nothing of it stays behind.
    for name in ["Twitch", "Hall", "Twitch"] {
        store.note_destination("a", name).unwrap();
    }
    assert_eq!(
        store.show("a").unwrap().unwrap().destinations,
        ["Hall", "Twitch"]
    );
    assert_eq!(store.library_bytes().unwrap(), 5_000);
}

#[test]
fn what_was_on_when_the_power_failed_is_closed_and_its_files_are_told() {
    let store = store();
    for name in ["/r/1.mp4", "/r/2.mp4"] {
        let began = if name == "/r/1.mp4" { 1_000 } else { 31_000 };
        store
            .begin_film("a", FilmKind::Recording, "Morning", path(name), began)
            .unwrap();
    }
    store.end_film(path("/r/1.mp4"), 30_000, 1).unwrap();
    let unfinished = store.recover_shows().unwrap();
    let paths: Vec<_> = unfinished.iter().map(|u| u.path.clone()).collect();
    assert_eq!(paths, [PathBuf::from("/r/2.mp4")]);
    let closed = store.show("a").unwrap().unwrap();
    assert_eq!((closed.interrupted, closed.ended), (true, Some(31_000)));
    store.end_film(path("/r/2.mp4"), 9_000, 1).unwrap();
    assert_eq!(store.show("a").unwrap().unwrap().ended, Some(40_000));
    assert_eq!(store.recover_shows().unwrap(), []);
}

#[test]
fn a_show_that_was_cut_off_lasted_as_long_as_anything_is_known_of_it() {
    let ended = |seen: &[i64], marked: Option<i64>, film: Option<u64>| {
        let store = store();
        for at in seen {
            store.note_seen("a", *at).unwrap();
        }
        if let Some(at) = marked {
            store.mark("a", at, "Goal").unwrap();
        }
        if let Some(duration) = film {
            let file = path("/r/1.mp4");
            store
                .begin_film("a", FilmKind::Recording, "Morning", file, 2_000)
                .unwrap();
            store.end_film(file, duration, 1).unwrap();
        }
        store.recover_shows().unwrap();
        let show = store.show("a").unwrap().unwrap();
        assert!(show.interrupted);
        show.ended.unwrap()
    };
    assert_eq!(ended(&[], None, None), 1_000, "nothing is known");
    // An hour that nobody recorded.
    assert_eq!(ended(&[6_000, 3_601_000], None, None), 3_601_000);
    assert_eq!(ended(&[6_000], Some(8_000), None), 8_000);
    assert_eq!(ended(&[6_000], Some(4_000), Some(7_000)), 9_000);
    assert_eq!(ended(&[11_000], Some(4_000), Some(7_000)), 11_000);
    // The clock was set back since.
    assert_eq!(ended(&[500], None, None), 1_000);
}

#[test]
fn a_film_says_where_it_stood_still() {
    let store = store();
    let film = |name: &str| {
        let kind = FilmKind::Recording;
        store.begin_film("a", kind, "Morning", path(name), 1_000)
    };
    let (first, second) = (film("/r/1.mp4").unwrap(), film("/r/2.mp4").unwrap());
    let pause = |at, length_ms| Pause { at, length_ms };
    for (film, pause) in [
        (first, pause(9_000, 500)),
        (second, pause(9_000, 700)),
        (first, pause(3_000, 2_000)),
    ] {
        store.note_pause(film, &pause).unwrap();
    }
    let expect = [pause(3_000, 2_000), pause(9_000, 500)];
    assert_eq!(store.show("a").unwrap().unwrap().films[0].pauses, expect);
    assert_eq!(store.film(first).unwrap().unwrap().2.pauses, expect);
    // Nothing of it stays behind.
    store.forget_film(first).unwrap();
    store.forget_show("a").unwrap();
    let inner = store.inner.lock();
    let left = inner
        .connection
        .query_row("SELECT count(*) FROM pauses", [], |row| row.get(0));
    assert_eq!(left, Ok(0));
}

#[test]
fn only_the_host_sees_what_is_hidden_or_deleted() {
    let store = store();
    store
        .begin_show("b", "stage", "Evening", 2_000, true)
        .unwrap();
    store.end_show("b", 3_000).unwrap();
    let ids = |query: &ShowQuery| -> Vec<String> {
        let shows = store.shows(query).unwrap();
        shows.into_iter().map(|s| s.id).collect()
    };
    let everyone = ShowQuery {
        limit: 10,
        ..ShowQuery::default()
    };
    let host = ShowQuery {
        all: true,
        ..everyone.clone()
    };
    assert_eq!(ids(&everyone), ["b", "a"]);
    let hide = ShowChange {
        hidden: Some(true),
        title: Some("Night"),
        description: None,
        protected: None,
    };
    assert!(store.change_show("b", &hide).unwrap());
    assert!(!store.change_show("c", &hide).unwrap());
    assert_eq!(
        (ids(&everyone), ids(&host)),
        (vec!["a".into()], vec!["b".into(), "a".into()])
    );
    assert_eq!(store.show("b").unwrap().unwrap().title, "Night");
    assert!(!store.delete_show("a", Some(5)).unwrap(), "it is on");
    assert!(store.delete_show("b", Some(5)).unwrap());
    assert_eq!(store.shows_deleted_before(6).unwrap(), ["b"]);
    assert!(store.delete_show("b", None).unwrap());
    assert_eq!(store.shows_deleted_before(6).unwrap(), Vec::<String>::new());
    let stage = ShowQuery {
        channel: Some("stage".into()),
        ..host.clone()
    };
    assert_eq!(ids(&stage), ["b"]);
    let before = ShowQuery {
        before: Some(2_000),
        ..host
    };
    assert_eq!(ids(&before), ["a"]);
    store.forget_show("b").unwrap();
    assert!(store.show("b").unwrap().is_none());
}

#[test]
fn a_clip_is_deleted_and_comes_back_and_a_recording_is_not_deleted_alone() {
    let store = store();
    let film = |kind, name: &str| {
        let film = store.begin_film("a", kind, "Goal", path(name), 1_000);
        store.end_film(path(name), 500, 10).unwrap();
        film.unwrap()
    };
    let recording = film(FilmKind::Recording, "/r/1.mp4");
    let (first, second) = (
        film(FilmKind::Clip, "/r/2.mp4"),
        film(FilmKind::Clip, "/r/3.mp4"),
    );
    let deleted = || -> Vec<Option<i64>> {
        let films = store.show("a").unwrap().unwrap().films;
        films.iter().map(|film| film.deleted).collect()
    };
    assert!(!store.delete_clip(recording, Some(5)).unwrap());
    assert!(!store.delete_clip(99, Some(5)).unwrap());
    assert!(store.delete_clip(second, Some(5)).unwrap());
    assert!(store.delete_clip(first, Some(7)).unwrap());
    assert_eq!(deleted(), [None, Some(7), Some(5)]);
    assert_eq!(store.clips_deleted_before(7).unwrap(), [second]);
    assert_eq!(store.clips_that_may_go().unwrap(), [second, first]);
    assert_eq!(store.film(first).unwrap().unwrap().2.deleted, Some(7));
    assert!(store.delete_clip(first, None).unwrap());
    assert_eq!(deleted(), [None, None, Some(5)]);
    assert_eq!(store.clips_that_may_go().unwrap(), [second]);
    let protect = ShowChange {
        protected: Some(true),
        ..ShowChange::default()
    };
    store.change_show("a", &protect).unwrap();
    assert_eq!(store.clips_that_may_go().unwrap(), Vec::<i64>::new());
}

#[test]
fn a_recording_of_which_nothing_is_left_leaves_no_show() {
    let store = Store::in_memory().unwrap();
    store.begin_show("a", "program", "Try", 1, false).unwrap();
    store.end_show("a", 2).unwrap();
    assert!(store.show("a").unwrap().is_none());
    store.begin_show("b", "program", "Try", 1, false).unwrap();
    store
        .begin_film("b", FilmKind::Recording, "Try", path("/r/t.mp4"), 1)
        .unwrap();
    store.end_show("b", 2).unwrap();
    let alone = store.show("b").unwrap().unwrap();
    assert!(alone.hidden, "nobody could see it");
    let (show, path, film) = store.film(1).unwrap().unwrap();
    assert_eq!(
        (show.as_str(), path.as_path(), film.id),
        ("b", Path::new("/r/t.mp4"), 1)
    );
    store.forget_film(1).unwrap();
    assert!(store.film(1).unwrap().is_none());
}

#[test]
fn what_was_said_stays_as_long_as_its_show() {
    let store = store();
    let say = |at: i64, many: u32| {
        for n in 0..many {
            let text = n.to_string();
            store
                .say("program", "x", api::Role::Viewer, &text, at)
                .unwrap();
        }
    };
    say(500, 100);
    say(1_500, 100);
    store.end_show("a", 2_000).unwrap();
    say(5_000, crate::KEEP_MESSAGES + 200);
    let said = |from, to| {
        let all = store.said_between("program", from, to, u32::MAX);
        all.unwrap().len()
    };
    assert_eq!((said(0, 999), said(1_000, 2_000)), (0, 100));
    store.forget_show("a").unwrap();
    say(6_000, 64);
    assert_eq!(said(1_000, 2_000), 0);
}

#[test]
fn the_oldest_shows_without_anything_in_them_are_forgotten() {
    let store = Store::in_memory().unwrap();
    for (n, id) in ["a", "b", "c", "d", "e", "f"].into_iter().enumerate() {
        let at = 1_000 * i64::try_from(n).unwrap();
        store.begin_show(id, "yard", id, at, true).unwrap();
        if id != "b" {
            store.end_show(id, at + 500).unwrap();
        }
    }
    let film = FilmKind::Recording;
    store
        .begin_film("a", film, "A", path("/r/a.mp4"), 1)
        .unwrap();
    store.mark("c", 2_100, "Goal").unwrap();
    let left = || {
        let query = ShowQuery {
            all: true,
            limit: 10,
            ..ShowQuery::default()
        };
        let shows = store.shows(&query).unwrap();
        shows.into_iter().map(|show| show.id).collect::<String>()
    };
    store.forget_old_shows(3).unwrap();
    assert_eq!(left(), "fedcba", "there are no more than three of them");
    store.forget_old_shows(1).unwrap();
    // A film, one that is on, a mark, and the newest.
    assert_eq!(left(), "fcba");
}
