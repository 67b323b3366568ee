//! A storage that is slow, and films that stay here, too.

use super::*;
use crate::way::Way;

#[test]
fn a_slow_storage_gets_each_part_once_and_the_film_stays_here_too() {
    let storage = Storage::start();
    let way = Way::to(&storage);
    let studio = Headless::start();
    let (film, file) = with_film(&studio);
    let before = std::fs::read(&file).expect("the film");
    set(&studio, "storage.keep_local", true);
    enter(&studio, &storage);
    set(&studio, "storage.endpoint", way.url.as_str());
    upload(&studio, film);

    // Half a megabyte at a time: it goes on, and is neither given up nor begun again.
    let (mut looks, mut sent) = (0, 0);
    loop {
        way.let_through(512 << 10);
        let upload = eventually("it is taken", PATIENCE, || {
            let upload = studio.snapshot()["uploads"].get(0).cloned();
            (way.is_used_up() || upload.is_none()).then_some(upload)
        });
        let Some(upload) = upload else { break };
        let now = upload["sent"].as_u64().expect("a figure");
        let state = upload["state"]["state"].as_str().expect("a state");
        match state {
            "sending" => {
                assert!(
                    now >= sent && now <= before.len() as u64,
                    "{now} after {sent}"
                );
                looks += 1;
                sent = now;
            }
            // Before its turn, and when all of it is there.
            "waiting" | "checking" => {}
            other => panic!("{other}: {upload}"),
        }
    }
    assert!(looks > before.len() >> 20, "{looks} looks");
    let parts = [1, 2, 3].map(|part| storage.puts(part));
    assert_eq!(parts, [1, 1, 1], "nothing twice");
    let stored = storage.files();
    assert_eq!(std::fs::read(&stored[0]).expect("it is there"), before);

    // It is here as well: played from there, and cut, saved and seen from here.
    way.let_through(u64::MAX);
    assert_eq!(std::fs::read(&file).expect("it is here"), before);
    let show = own(&studio)[0].clone();
    let known = &show["films"][0];
    assert_eq!(known["away"], false, "{known}");
    assert!(
        known["stored"]
            .as_str()
            .is_some_and(|at| at.starts_with(&way.url))
    );
    let id = show["id"].clone();
    command(
        &studio,
        &json!({ "command": "set_show", "id": id, "hidden": false }),
    );
    let moved = studio.get(&format!("/media/{film}.mp4"));
    assert_eq!(moved.status, 307);
    let link = moved.header("location").expect("an address");
    let part = http::request("GET", link, &[("range", "bytes=4-11")], b"");
    assert_eq!((part.status, part.body.as_slice()), (206, &b"ftypiso6"[..]));
    assert_eq!(studio.get(&format!("/media/{film}.mkv")).status, 200);
    let clip =
        json!({ "command": "cut_film", "film": film, "from_ms": 0, "to_ms": 500, "title": "x" });
    command(&studio, &clip);
    eventually("a clip of it", PATIENCE, || {
        let films = own(&studio)[0]["films"].as_array()?.clone();
        let mut clips = films.iter().filter(|film| film["kind"] == "clip");
        clips.next()?["duration_ms"].as_u64()
    });

    // A clip goes there for good as well, and not before it is deleted for good.
    let films = own(&studio)[0]["films"].as_array().expect("films").clone();
    let clip = films.iter().find(|film| film["kind"] == "clip");
    let clip = clip.and_then(|clip| clip["id"].as_i64()).expect("a clip");
    upload(&studio, clip);
    eventually("the clip lies there, too", PATIENCE, || {
        (studio.snapshot()["uploads"] == json!([]) && storage.files().len() >= 2).then_some(())
    });
    let films = || {
        let mp4 = |file: &PathBuf| file.extension().is_some_and(|e| e == "mp4");
        storage.files().into_iter().filter(mp4).count()
    };
    command(&studio, &json!({ "command": "delete_film", "film": clip }));
    assert_eq!(films(), 2);
    command(&studio, &json!({ "command": "restore_film", "film": clip }));
    command(
        &studio,
        &json!({ "command": "delete_film", "film": clip, "for_good": true }),
    );
    assert_eq!(films(), 1);
    command(
        &studio,
        &json!({ "command": "delete_show", "id": id, "for_good": true }),
    );
    assert!(films() == 0 && !file.exists());
}
