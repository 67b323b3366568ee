use super::*;
use scene::{Stopwatch, TimeOfDay, ViewerCount};

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn open(kind: &SourceKind) -> (Told, Arc<Feeds>, SwitchTo) {
    let feeds = Arc::new(Feeds::default());
    let switch = SwitchTo::default();
    let told = told("Time", kind, 1280, &feeds, &switch, Clock::start());
    (told, feeds, switch)
}

/// What it says at a time.
fn says(told: &Told, ms: i64) -> Option<String> {
    let desk = told.told.lock();
    let (figure, _) = desk.figures(at(ms), told.clock.unix_millis(at(ms)))?;
    Some(desk.what.text(figure))
}

fn countdown(end: CountdownEnd) -> SourceKind {
    SourceKind::Countdown(Countdown {
        target: CountdownTarget::Duration { seconds: 10 },
        template: "in {time}".into(),
        end,
        ..Countdown::default()
    })
}

#[test]
fn a_countdown_begins_when_it_is_shown_and_ends_as_it_is_told() {
    let text = CountdownEnd::Text {
        text: "Now!".into(),
    };
    for (end, expect) in [
        (CountdownEnd::Stay, Some("in 0:00")),
        (CountdownEnd::Hide, None),
        (text, Some("Now!")),
    ] {
        let (told, ..) = open(&countdown(end));
        assert_eq!(says(&told, 0).as_deref(), Some("in 0:10"));
        told.show(Showing::Program, at(5_000));
        assert_eq!(says(&told, 5_000).as_deref(), Some("in 0:10"));
        assert_eq!(says(&told, 5_001).as_deref(), Some("in 0:10"));
        assert_eq!(says(&told, 6_000).as_deref(), Some("in 0:09"));
        // Hidden and shown again, it goes on.
        told.show(Showing::Hidden, at(6_000));
        told.show(Showing::Program, at(8_000));
        assert_eq!(says(&told, 14_999).as_deref(), Some("in 0:01"));
        assert_eq!(says(&told, 15_000).as_deref(), expect);
        assert_eq!(says(&told, 99_000).as_deref(), expect);
    }
}

#[test]
fn the_scene_changes_once_and_only_while_it_is_shown() {
    let scene = SceneId::new("show");
    let (told, _, switch) = open(&countdown(CountdownEnd::Scene {
        scene: scene.clone(),
    }));
    let wanted = switch.receiver();
    let number = || wanted.borrow().as_ref().map(|(n, of)| (*n, of.clone()));
    told.show(Showing::Program, at(0));
    for ms in [0, 9_000, 9_999] {
        told.picture(at(ms));
        assert_eq!(number(), None);
    }
    for ms in [10_000, 10_033, 60_000] {
        told.picture(at(ms));
        assert_eq!(number(), Some((1, scene.clone())));
    }
    // Again from its beginning; over while nobody sees it.
    assert!(told.operate(Operation::Restart, at(70_000)));
    told.picture(at(71_000));
    told.show(Showing::Hidden, at(72_000));
    told.show(Showing::Program, at(90_000));
    told.picture(at(90_000));
    assert_eq!(number(), Some((1, scene)));
}

#[test]
fn beside_the_program_a_countdown_waits_and_one_that_runs_switches_nothing() {
    let (told, _, switch) = open(&countdown(CountdownEnd::Scene {
        scene: SceneId::new("show"),
    }));
    let wanted = switch.receiver();
    told.show(Showing::Beside, at(0));
    assert_eq!(says(&told, 60_000).as_deref(), Some("in 0:10"));
    told.show(Showing::Program, at(60_000));
    assert_eq!(says(&told, 65_000).as_deref(), Some("in 0:05"));
    // A change elsewhere in the document says the same once more; the end is not missed for it.
    told.picture(at(69_990));
    told.show(Showing::Program, at(69_995));
    told.picture(at(70_000));
    assert!(wanted.borrow().is_some());
    // It runs on while it is only looked at, and ends in silence.
    assert!(told.operate(Operation::Restart, at(80_000)));
    let switched = wanted.borrow().clone();
    told.show(Showing::Beside, at(81_000));
    for ms in [81_000, 89_999, 90_000, 90_033] {
        told.picture(at(ms));
    }
    assert_eq!(*wanted.borrow(), switched);
}

#[test]
fn a_stopwatch_is_started_paused_and_reset() {
    let (told, ..) = open(&SourceKind::Stopwatch(Stopwatch::default()));
    told.show(Showing::Program, at(0));
    assert_eq!(
        says(&told, 5_000).as_deref(),
        Some("0:00"),
        "nobody started it"
    );
    assert!(told.operate(Operation::Play, at(10_000)));
    assert_eq!(says(&told, 75_500).as_deref(), Some("1:05"));
    let playback = told.status().playback.unwrap();
    assert!(playback.playing);
    assert_eq!(playback.position_at(at(75_500)).as_millis(), 65_500);
    assert!(told.operate(Operation::Pause, at(75_500)));
    assert_eq!(says(&told, 99_000).as_deref(), Some("1:05"));
    // Another look does not touch it.
    let watch = Stopwatch {
        layout: scene::TimeLayout::Tenths,
        ..Stopwatch::default()
    };
    assert!(told.set("Time", &SourceKind::Stopwatch(watch)));
    assert_eq!(says(&told, 99_000).as_deref(), Some("01:05.5"));
    assert!(told.operate(Operation::Stop, at(99_000)));
    assert_eq!(says(&told, 120_000).as_deref(), Some("00:00.0"));
    assert!(!told.operate(Operation::Next, at(0)));
}

#[test]
fn the_viewers_of_a_channel_are_those_that_were_handed_in() {
    let (told, feeds, _) = open(&SourceKind::ViewerCount(ViewerCount {
        channel: "hall".into(),
        ..ViewerCount::default()
    }));
    assert_eq!(says(&told, 0).as_deref(), Some("0 watching"));
    feeds.set_viewers("hall", 42);
    feeds.set_viewers("program", 7);
    assert_eq!(says(&told, 0).as_deref(), Some("42 watching"));
    assert!(!told.operate(Operation::Play, at(0)));
}

#[test]
fn a_second_is_drawn_once_and_the_next_in_time() {
    let (told, ..) = open(&SourceKind::Clock(TimeOfDay {
        zone: "UTC".into(),
        ..TimeOfDay::default()
    }));
    let begin = 1000 - told.clock.unix_millis(at(0)).rem_euclid(1000);
    let mut first = None;
    while first.is_none() {
        first = told.picture(at(begin));
        std::thread::yield_now();
    }
    let (first, later) = (first.unwrap(), told.picture(at(begin + 966)).unwrap());
    let place = |frame: &Frame| frame.planes()[0].data.as_ptr();
    assert_eq!(place(&first), place(&later), "the same second");
    assert_eq!(first.height(), 60, "one line of 48 pixels");
}

#[test]
fn what_cannot_be_told_says_why() {
    let clock = TimeOfDay {
        zone: "Moon/Tranquility".into(),
        ..TimeOfDay::default()
    };
    let (told, ..) = open(&SourceKind::Clock(clock));
    let status = told.status();
    assert_eq!(status.state, State::Failed);
    assert!(status.message.unwrap().contains("Moon/Tranquility"));
    assert_eq!(told.picture(at(0)).unwrap().width(), 960);
}
