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
        before.tend(began + at, |_| 2);
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
fn a_publisher_who_comes_back_goes_on_with_the_show() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::in_memory().unwrap());
    let clock = Clock::start();
    let mut kept = Kept::new(Arc::clone(&store), clock, dir.path().to_owned());
    let hub = Hub::new(8);
    let how = Recording::default();
    let info = |title: &str| ChannelInfo {
        origin: Origin::Rtmp,
        title: title.into(),
    };
    let name = |text: &str| text.parse::<ChannelName>().unwrap();
    let publish = |title: &str| hub.publish(name("yard"), info(title), clock.now()).unwrap();
    // Who waits, whom scenes alone show, and what the studio fetches for itself are no broadcasts.
    let others = [
        hub.hold(name("waits"), info(""), clock.now()).unwrap(),
        hub.publish_backstage(name("guest"), info(""), clock.now())
            .unwrap(),
        hub.publish(name("_fetched-1"), info(""), clock.now())
            .unwrap(),
    ];
    let first = publish("Yard");
    let began = clock.unix_millis(clock.now());
    let tend = |kept: &mut Kept, at: i64| {
        kept.tend(began + at, |_| 3);
        kept.tend_publishers(&hub, &how, began + at).finish();
    };
    let shows = || {
        let query = store::ShowQuery {
            all: true,
            limit: 10,
            ..store::ShowQuery::default()
        };
        store.shows(&query).unwrap()
    };
    let timeline = |kept: &Kept| kept.timelines().shown(&name("yard")).is_some();
    tend(&mut kept, 0);
    assert_eq!(shows().len(), 1);
    assert!(timeline(&kept), "one can go back in it");
    drop(first);
    tend(&mut kept, 1_000);
    assert!(!timeline(&kept), "there is nobody to go back for");
    let second = publish("Yard");
    tend(&mut kept, 1_000 + publishers::AGAIN - 1);
    assert!(timeline(&kept));
    assert_eq!((shows().len(), shows()[0].ended), (1, None));
    drop(second);
    tend(&mut kept, 60_000);
    tend(&mut kept, 60_000 + publishers::AGAIN);
    let over = &shows()[0];
    assert_eq!((over.ended, over.peak), (Some(began + 60_000), 3));
    assert_eq!(
        (over.title.as_str(), over.channel.as_str(), over.hidden),
        ("Yard", "yard", false)
    );
    // Who comes later begins another.
    let third = publish("");
    tend(&mut kept, 120_000);
    let titles: Vec<_> = shows().into_iter().map(|show| show.title).collect();
    assert_eq!(titles, ["yard", "Yard"]);
    // Other settings hold at once, each way.
    let off = Recording {
        rewind_publishers: serde_json::from_str("false").unwrap(),
        ..Recording::default()
    };
    let never = Recording {
        rewind_minutes: serde_json::from_str("0").unwrap(),
        ..Recording::default()
    };
    assert!(publishers::window(third.channel(), &off).is_zero());
    for (how, back) in [(&off, false), (&how, true), (&never, false)] {
        kept.set_window(how);
        assert_eq!(timeline(&kept), back);
    }
    let own = kept.timelines().of(&name("yard"));
    assert!(own.is_some(), "the host's replays go on");
    assert_eq!(publishers::window(third.channel(), &how), how.behind());
    for other in &others[..2] {
        assert!(publishers::window(other.channel(), &how).is_zero());
    }
    kept.end_all().finish();
}

#[test]
fn what_many_channels_meet_is_said_once() {
    let store = Arc::new(Store::in_memory().unwrap());
    let problems = Arc::<Mutex<Vec<Problem>>>::default();
    for show in ["a", "b", "c"] {
        let told = listener::listener(
            Arc::clone(&store),
            Clock::start(),
            show.into(),
            Arc::clone(&problems),
            Arc::default(),
        );
        told(Event::Stopped("The disk is almost full.".into()));
    }
    assert_eq!(problems.lock().len(), 1);
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
        deleted: None,
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
