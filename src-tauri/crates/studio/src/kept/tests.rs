use api::{Film, FilmKind, Pause};
use archive::Event;
use media::{Hub, Timestamp};

use super::*;

#[test]
fn a_show_that_nobody_recorded_is_as_long_as_it_was_seen() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::in_memory().unwrap());
    let clock = Clock::start();
    let kept = || Kept::new(Arc::clone(&store), clock, dir.path().to_owned());
    let info = ChannelInfo {
        origin: Origin::Program,
        title: "Morning".into(),
    };
    let (hub, program) = (Hub::new(1), ChannelName::program());
    let writer = hub.publish(program.clone(), info, clock.now()).unwrap();
    let mut before = kept();
    before.open(writer.channel(), "Morning", true);
    let id = before.show(&program).unwrap().to_owned();
    let show = || store.show(&id).unwrap().unwrap();
    let began = show().began;
    // It is looked after a few times a second; every five seconds are enough for the disk.
    for at in (0..3_600_000).step_by(250) {
        before.tend(began + at, |_| 2).finish();
    }
    assert_eq!((show().ended, show().peak), (None, 2));
    // The power fails, and the next run closes it.
    drop(before);
    drop(kept());
    assert_eq!(
        (show().ended, show().interrupted),
        (Some(began + 3_595_000), true)
    );
}

#[test]
fn where_a_recording_stood_still_is_kept_with_its_file() {
    let store = Arc::new(Store::in_memory().unwrap());
    let clock = Clock::start();
    store
        .begin_show("a", "program", "Morning", 0, true)
        .unwrap();
    let told = listener::listener(
        Arc::clone(&store),
        clock,
        "a".into(),
        Arc::default(),
        Arc::default(),
    );
    let at = Timestamp::from_millis;
    let path = PathBuf::from("/r/Morning.mp4");
    told(Event::Began {
        path: path.clone(),
        at: at(2_000),
    });
    told(Event::Resumed {
        path,
        stood: at(5_000)..at(9_000),
    });
    let films = store.show("a").unwrap().unwrap().films;
    let expect = Pause {
        at: films[0].began + 3_000,
        length_ms: 4_000,
    };
    assert_eq!(films[0].pauses, [expect]);
}

#[test]
fn a_clip_was_shown_when_its_film_was_and_stood_still_where_that_did() {
    let pause = |at, length_ms| Pause { at, length_ms };
    // In the film they lie at 10 s and at 20 s.
    let pauses = vec![pause(110_000, 60_000), pause(180_000, 1_000)];
    let film = Film {
        id: 1,
        kind: FilmKind::Recording,
        title: String::new(),
        file: String::new(),
        began: 100_000,
        pauses: pauses.clone(),
        duration_ms: Some(30_000),
        bytes: None,
        stored: None,
        away: false,
        missing: false,
    };
    for (times, began, within) in [
        (0..5_000, 100_000, &pauses[..0]),
        (0..10_000, 100_000, &pauses[..0]),
        (5_000..15_000, 105_000, &pauses[..1]),
        (5_000..25_000, 105_000, &pauses[..]),
        (10_000..15_000, 170_000, &pauses[..0]),
        (15_000..25_000, 175_000, &pauses[1..]),
        (20_000..30_000, 181_000, &pauses[..0]),
    ] {
        let expect = (began, within.to_vec());
        assert_eq!(library::shown(&film, &times), expect, "{times:?}");
    }
}
