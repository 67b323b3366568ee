use super::*;

fn canvas() -> Canvas {
    Canvas {
        width: 320,
        height: 180,
        fps: 30,
    }
}

fn text(text: &str, file: Option<&str>, crawl: Option<Crawl>) -> SourceKind {
    SourceKind::Text {
        text: text.into(),
        style: TextStyle {
            size: 20.0,
            ..TextStyle::default()
        },
        file: file.map(str::to_owned),
        crawl,
    }
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn same(a: &Frame, b: &Frame) -> bool {
    a.planes()[0].data.as_ptr() == b.planes()[0].data.as_ptr()
}

#[test]
fn a_text_that_stands_still_is_drawn_once() {
    let words = words(
        "Title",
        &text("Klieg", None, None),
        canvas(),
        Path::new("/"),
    );
    words.show(Showing::Program, at(0));
    let first = words.picture(at(0)).unwrap();
    let later = words.picture(at(60_000)).unwrap();
    assert!(same(&first, &later));
    assert!(words.set("Text", &text("Klieg!", None, None)));
    let changed = words.picture(at(60_033)).unwrap();
    assert!(changed.width() > first.width());
    assert_eq!(words.status().state, State::Running);
}

#[test]
fn a_crawl_moves_from_when_it_is_shown_and_goes_on_while_it_is_edited() {
    let crawl = Crawl {
        speed: 100.0,
        ..Crawl::default()
    };
    let words = words(
        "News",
        &text("one\ntwo", None, Some(crawl)),
        canvas(),
        Path::new("/"),
    );
    words.show(Showing::Program, at(5_000));
    let ink = |ms| {
        let frame = words.picture(at(ms)).unwrap();
        assert_eq!((frame.width(), frame.height()), (320, 25));
        let data = &frame.planes()[0].data;
        let inked = data.chunks(4).zip(0u32..).filter(|(p, _)| p[3] > 100);
        inked.map(|(_, at)| at % 320).min()
    };
    assert_eq!(ink(5_000), None, "it has not come in");
    let (one, two) = (ink(6_000).unwrap(), ink(7_000).unwrap());
    assert_eq!(one - two, 100);
    assert!(words.set("Text", &text("one\ntwo\nthree", None, Some(crawl))));
    assert_eq!(ink(7_000), Some(two));
    words.show(Showing::Hidden, at(7_000));
    words.show(Showing::Program, at(9_000));
    assert_eq!(ink(9_000), None, "it begins anew");
}

#[test]
fn a_file_is_followed_and_its_absence_said() {
    let folder = std::env::temp_dir().join(format!("klieg-words-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let kind = text("", Some("song.txt"), None);
    let words = words("Song", &kind, canvas(), &folder);
    assert_eq!(words.status().state, State::Idle, "nobody has seen it");
    words.show(Showing::Program, at(0));
    let wait = |what: &str, done: &dyn Fn() -> bool| {
        for _ in 0..200 {
            if done() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("{what}: {:?}", words.status());
    };
    wait("missing", &|| words.status().state == State::Lost);
    let said = words.status().message.unwrap();
    assert!(said.contains("song.txt is not there"), "{said}");
    assert_eq!(words.picture(at(0)).unwrap().width(), 960, "a placeholder");
    std::fs::write(folder.join("song.txt"), "A long title").unwrap();
    wait("there", &|| words.status().state == State::Running);
    let long = words.picture(at(0)).unwrap().width();
    std::fs::write(folder.join("song.txt"), "B").unwrap();
    wait("changed", &|| words.picture(at(0)).unwrap().width() < long);
    assert!(
        !words.set("Text", &text("", Some("other.txt"), None)),
        "another file"
    );
    drop(words);
    std::fs::remove_dir_all(&folder).unwrap();
}
