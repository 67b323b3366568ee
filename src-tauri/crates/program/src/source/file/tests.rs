use std::time::Duration;

use super::deck::Mark;
use super::reader::{Part, Reader};
use super::*;
use crate::source::color;
use scene::WhenHidden;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A file of ten seconds on a deck, decoded from its beginning.
fn deck(playing: Playing) -> Deck {
    let files = Arc::new(vec![PathBuf::from("a.mp4"), PathBuf::from("b.mp4")]);
    let mut deck = Deck::new(Program {
        files,
        looped: false,
        playing,
    });
    deck.mark(mark(0, 0, 0, 1.0));
    for place in (0..10_000).step_by(1000) {
        deck.frames
            .push_back(color::rgba(1, 1, vec![0; 4], at(place)));
    }
    deck
}

fn mark(entry: u32, reel: i64, place: i64, speed: f32) -> Mark {
    Mark {
        reel: at(reel),
        place: at(place),
        speed,
        duration: Some(ms(10_000)),
        entry: (entry, 2),
        path: PathBuf::from(["a.mp4", "b.mp4"][entry as usize]),
    }
}

/// The place in the file of the picture that is shown at a time, as the reel stood then.
fn shown(deck: &mut Deck, now: i64) -> Option<i64> {
    let position = deck.position(at(now))?;
    let origin = deck.origin?;
    let frame = deck.picture(at(now))?;
    assert!(frame.timestamp().offset_from(origin) <= position.nanos());
    Some(frame.timestamp().offset_from(origin) / 1_000_000)
}

#[test]
fn pausing_moves_the_reel_along() {
    let mut deck = deck(Playing::default());
    deck.show(Showing::Program, at(1_000));
    deck.start(at(0), at(1_000), ms(60));
    assert_eq!(shown(&mut deck, 1_059), None);
    assert_eq!(shown(&mut deck, 3_100), Some(2_000));
    deck.want(false, at(3_560));
    assert_eq!(shown(&mut deck, 60_000), Some(2_000));
    assert_eq!(deck.playback().unwrap().position_at(at(60_000)), ms(2_500));
    deck.want(true, at(60_000));
    assert_eq!(shown(&mut deck, 60_400), Some(2_000));
    assert_eq!(shown(&mut deck, 60_500), Some(3_000));
    assert_eq!(deck.playback().unwrap().position_at(at(61_000)), ms(3_500));
    // Hidden, it waits; shown, it goes on.
    deck.show(Showing::Hidden, at(61_000));
    deck.show(Showing::Program, at(90_000));
    assert_eq!(shown(&mut deck, 90_500), Some(4_000));
    assert!(!deck.leaps());
}

#[test]
fn hidden_it_stops_or_goes_on_as_it_is_set() {
    let with = |hidden| Playing {
        hidden,
        ..Playing::default()
    };
    let mut stops = deck(with(WhenHidden::Stop));
    stops.show(Showing::Program, at(0));
    stops.start(at(0), at(0), ms(0));
    stops.show(Showing::Hidden, at(2_000));
    assert!(!stops.leaps());
    stops.show(Showing::Program, at(5_000));
    assert_eq!(stops.take_leap(), Some(Leap::Begin));

    let mut ready = deck(with(WhenHidden::Stop));
    ready.rewind();
    assert!(!ready.leaps(), "it stands at its beginning");
    ready.show(Showing::Program, at(0));
    ready.start(at(0), at(0), ms(0));
    assert_eq!(shown(&mut ready, 1_500), Some(1_000));
    ready.rewind();
    assert!(!ready.leaps(), "it is seen");
    ready.show(Showing::Hidden, at(2_000));
    ready.rewind();
    assert_eq!(ready.take_leap(), Some(Leap::Begin));
    ready.clear();
    ready.start(at(0), at(2_000), ms(0));
    let end = ready.picture(at(2_000));
    assert!(end.is_none(), "nothing of its end is seen again");
    ready.show(Showing::Program, at(5_000));
    assert!(!ready.leaps(), "it is there already");

    let mut goes_on = deck(with(WhenHidden::GoOn));
    goes_on.show(Showing::Program, at(0));
    goes_on.start(at(0), at(0), ms(0));
    goes_on.show(Showing::Hidden, at(2_000));
    goes_on.pass(at(6_500));
    assert_eq!(goes_on.frames.len(), 3, "what is past is let go");
    goes_on.show(Showing::Program, at(7_000));
    assert_eq!(shown(&mut goes_on, 7_000), Some(7_000));
}

#[test]
fn beside_the_program_it_stands_where_it_will_go_on() {
    for hidden in [WhenHidden::Stop, WhenHidden::Pause, WhenHidden::GoOn] {
        let mut deck = deck(Playing {
            hidden,
            ..Playing::default()
        });
        deck.show(Showing::Beside, at(0));
        deck.start(at(0), at(0), ms(0));
        assert_eq!(shown(&mut deck, 60_000), Some(0), "{hidden:?}");
        assert!(!deck.playback().unwrap().playing);
        deck.show(Showing::Program, at(60_000));
        assert!(!deck.leaps(), "it stands at its beginning");
        assert_eq!(shown(&mut deck, 62_500), Some(2_000));
        // From the program to the pictures of all scenes.
        deck.show(Showing::Beside, at(62_500));
        let leap = deck.take_leap();
        assert_eq!(leap.is_some(), hidden == WhenHidden::Stop);
        let expect = if hidden == WhenHidden::GoOn {
            4_000
        } else {
            2_000
        };
        if leap.is_none() {
            assert_eq!(shown(&mut deck, 64_500), Some(expect), "{hidden:?}");
        }
    }
}

#[test]
fn beside_the_program_it_may_be_tried() {
    let mut deck = deck(Playing {
        hidden: WhenHidden::Stop,
        ..Playing::default()
    });
    deck.show(Showing::Beside, at(0));
    deck.start(at(0), at(0), ms(0));
    deck.want(true, at(1_000));
    assert_eq!(shown(&mut deck, 3_000), Some(2_000));
    let mut heard = Vec::new();
    deck.sound(at(3_000), &mut heard);
    assert!(heard.is_empty(), "nobody hears it");
    deck.show(Showing::Program, at(3_000));
    assert_eq!(deck.take_leap(), Some(Leap::Begin), "from its beginning");
}

#[test]
fn without_autoplay_it_shows_its_first_picture_and_waits() {
    let mut deck = deck(Playing {
        autoplay: false,
        ..Playing::default()
    });
    deck.show(Showing::Program, at(1_000));
    deck.start(at(0), at(1_200), ms(60));
    assert_eq!(shown(&mut deck, 9_000), Some(0));
    assert!(!deck.playback().unwrap().playing);
    deck.want(true, at(9_000));
    assert_eq!(shown(&mut deck, 10_000), Some(1_000));
}

#[test]
fn the_position_follows_speed_and_files() {
    let mut deck = deck(Playing::default());
    deck.clear();
    deck.mark(mark(0, 0, 4_000, 2.0));
    deck.mark(mark(1, 3_000, 0, 2.0));
    deck.show(Showing::Program, at(0));
    deck.start(at(0), at(0), ms(0));
    let mut told = |now: i64| {
        deck.picture(at(now));
        let playback = deck.playback().unwrap();
        (playback.entry, playback.position_at(at(now)).as_millis())
    };
    assert_eq!(told(0), (0, 4_000));
    assert_eq!(told(1_000), (0, 6_000));
    assert_eq!(told(2_999), (0, 9_998));
    assert_eq!(told(3_500), (1, 1_000));
    assert_eq!(told(99_000), (1, 10_000), "no further than its end");
}

#[test]
fn settings_that_change_leave_it_where_it_is_unless_its_file_is_gone() {
    let mut deck = deck(Playing::default());
    deck.show(Showing::Program, at(0));
    deck.start(at(0), at(0), ms(0));
    let mut program = deck.program.clone();
    program.looped = true;
    deck.set(program.clone(), at(3_000));
    assert!(!deck.leaps());
    program.playing.speed = 2.0;
    deck.set(program.clone(), at(3_000));
    assert_eq!(deck.take_leap(), Some(Leap::To(at(3_000))));
    program.files = Arc::new(vec![PathBuf::from("c.mp4")]);
    deck.set(program, at(3_000));
    assert_eq!(deck.take_leap(), Some(Leap::Begin));
}

#[test]
fn previous_begins_what_has_played_for_a_while() {
    for (now, expect) in [(2_000, Leap::Previous), (5_000, Leap::To(Timestamp::ZERO))] {
        let mut deck = deck(Playing::default());
        deck.show(Showing::Program, at(0));
        deck.start(at(0), at(0), ms(0));
        deck.previous(at(now));
        assert_eq!(deck.take_leap(), Some(expect));
    }
}

/// Mono at 8 kHz, each sample the number of its tenth of a second.
fn wav(path: &Path, seconds: u32) {
    let samples: Vec<u8> = (0..seconds * 8000)
        .flat_map(|n| ((n / 800) as i16 * 100).to_le_bytes())
        .collect();
    let size = samples.len() as u32;
    let mut file = Vec::new();
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(36 + size).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend_from_slice(&8000_u32.to_le_bytes());
    file.extend_from_slice(&16_000_u32.to_le_bytes());
    file.extend_from_slice(b"\x02\0\x10\0data");
    file.extend_from_slice(&size.to_le_bytes());
    file.extend_from_slice(&samples);
    std::fs::write(path, file).unwrap();
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("klieg-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

#[test]
fn a_sound_file_is_sought_exactly() {
    let folder = Folder::new("seek");
    let path = folder.0.join("tone.wav");
    wav(&path, 4);
    let mut reader = Reader::open(&path).unwrap();
    assert_eq!(reader.duration(), Some(ms(4_000)));
    for place in [2_500, 0, 3_900, 1_000] {
        reader.seek(at(place)).unwrap();
        let Some(Part::Sound(samples)) = reader.next().unwrap() else {
            panic!("sound at {place}");
        };
        assert_eq!(samples.timestamp.millis(), place);
        let tenth = (samples.data[0] * 32768.0 / 100.0).round() as i64;
        assert_eq!(tenth, place / 100);
    }
    // Behind its end it is just before it.
    reader.seek(at(60_000)).unwrap();
    assert!(reader.next().unwrap().is_some());
}

/// Runs a source until what is looked for is there.
fn until<T>(file: &File, clock: Clock, mut look: impl FnMut(&[Samples]) -> Option<T>) -> T {
    let mut heard = Vec::new();
    for _ in 0..3_000 {
        file.picture(clock.now());
        file.sound(clock.now(), 480, &mut heard);
        if let Some(found) = look(&heard) {
            return found;
        }
        std::thread::sleep(ms(2));
    }
    panic!("waited in vain: {:?}", file.status());
}

fn media(path: &str, playing: Playing) -> SourceKind {
    SourceKind::Media {
        path: path.into(),
        looped: false,
        playing,
    }
}

#[test]
fn files_of_a_list_follow_without_a_gap_and_a_broken_one_is_left_out() {
    let folder = Folder::new("list");
    wav(&folder.0.join("a.wav"), 1);
    wav(&folder.0.join("b.wav"), 1);
    std::fs::write(folder.0.join("broken.wav"), "no sound").unwrap();
    let playing = Playing {
        more: vec!["broken.wav".into(), "gone.wav".into(), "b.wav".into()],
        speed: 4.0,
        ..Playing::default()
    };
    let clock = Clock::start();
    let file = file("List", &media("a.wav", playing), &folder.0, clock);
    file.show(Showing::Program, clock.now());
    // Half a second for two seconds of sound.
    let heard = until(&file, clock, |heard| {
        let frames: usize = heard.iter().map(Samples::frames).sum();
        (frames == 16_000).then(|| heard.to_vec())
    });
    assert!(heard.iter().all(|samples| samples.rate == 32_000));
    for pair in heard.windows(2) {
        let gap = pair[1].timestamp.offset_from(pair[0].end());
        assert!(gap.abs() < 100_000, "{gap} ns");
    }
    let playback = until(&file, clock, |_| {
        let playback = file.status().playback?;
        (!playback.playing).then_some(playback)
    });
    assert_eq!((playback.entry, playback.entries), (3, 4));
    assert_eq!(playback.title.as_deref(), Some("b.wav"));
}

#[test]
fn which_of_how_many_is_on_is_known_as_soon_as_the_list_changes() {
    let folder = Folder::new("recount");
    for name in ["a.wav", "b.wav"] {
        wav(&folder.0.join(name), 4);
    }
    let clock = Clock::start();
    let list = |more: &[&str]| Playing {
        autoplay: false,
        more: more.iter().map(|name| (*name).to_owned()).collect(),
        ..Playing::default()
    };
    let file = file("List", &media("a.wav", list(&[])), &folder.0, clock);
    file.show(Showing::Program, clock.now());
    let entry = || file.status().playback.map(|p| (p.entry, p.entries));
    until(&file, clock, |_| entry());
    assert_eq!(entry(), Some((0, 1)));
    for (first, more, expect) in [
        ("a.wav", vec!["b.wav"], (0, 2)),
        ("b.wav", vec!["a.wav"], (1, 2)),
        ("b.wav", vec!["b.wav", "a.wav"], (2, 3)),
        ("a.wav", vec!["a.wav", "a.wav"], (2, 3)),
        ("a.wav", vec![], (0, 1)),
    ] {
        assert!(file.set("List", &media(first, list(&more))));
        assert_eq!(entry(), Some(expect), "{first} and {more:?}");
    }
}

#[test]
fn it_is_paused_sought_and_played_again_from_its_end() {
    let folder = Folder::new("operate");
    wav(&folder.0.join("a.wav"), 4);
    let clock = Clock::start();
    let waits = Playing {
        autoplay: false,
        ..Playing::default()
    };
    let file = file("Tone", &media("a.wav", waits), &folder.0, clock);
    file.show(Showing::Program, clock.now());
    let position = || file.status().playback.map(|p| p.position_at(clock.now()));
    until(&file, clock, |_| position());
    assert_eq!(position(), Some(Duration::ZERO));
    assert!(file.operate(Operation::Seek { to: ms(3_700) }, clock.now()));
    until(&file, clock, |_| position().filter(|at| *at == ms(3_700)));
    assert!(file.operate(Operation::Play, clock.now()));
    let over = |_: &[Samples]| file.status().playback.filter(|p| !p.playing);
    let at_end = until(&file, clock, over);
    assert_eq!(at_end.position, ms(4_000));
    assert!(file.operate(Operation::Play, clock.now()));
    until(&file, clock, |_| {
        file.status().playback.filter(|p| p.playing)
    });
    assert!(position().is_some_and(|at| at < ms(2_000)));
    // What is none of its settings opens another source.
    assert!(!file.set(
        "Tone",
        &SourceKind::Image {
            path: String::new()
        }
    ));
}

#[test]
fn what_is_not_played_says_how_to_convert_it() {
    let folder = Folder::new("foreign");
    let webm = b"\x1A\x45\xDF\xA3\x9Fwebm........V_VP9......A_OPUS";
    std::fs::write(folder.0.join("clip.webm"), webm).unwrap();
    let clock = Clock::start();
    let file = file(
        "Clip",
        &media("clip.webm", Playing::default()),
        &folder.0,
        clock,
    );
    file.show(Showing::Program, clock.now());
    let said = until(&file, clock, |_| file.status().message);
    assert!(
        said.contains("WebM with VP9 and Opus") && said.contains("ffmpeg -i"),
        "{said}"
    );
    assert_eq!(file.status().state, State::Failed);
}
