use super::*;
use crate::source::color;
use show::Shown;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn slide(entry: u32) -> Slide {
    let data = vec![entry as u8, 0, 0, 255];
    Slide {
        frame: color::rgba(1, 1, data, Timestamp::ZERO),
        entry,
        entries: 3,
        title: format!("{entry}.png"),
    }
}

/// What is on at a time: the number of its picture, and how much of it, of 256.
fn on(show: &mut Show, ms: i64) -> Option<(u8, u16)> {
    let (shown, _) = show.turn_to(at(ms), Duration::from_millis(33));
    Some(match shown? {
        Shown::One(frame) => (frame.planes()[0].data[0], 256),
        Shown::Fade(fade) => (fade.to.planes()[0].data[0], fade.part),
    })
}

fn show() -> Show {
    let mut show = Show::default();
    show.settings.seconds = 2.0;
    show.settings.fade_ms = 500;
    show.show(Showing::Program, at(0));
    show
}

#[test]
fn pictures_follow_each_other_on_time_and_fade() {
    let mut show = show();
    assert_eq!(on(&mut show, 0), None);
    assert!(show.wants());
    show.ready(slide(0));
    assert!(!show.wants());
    assert_eq!(
        on(&mut show, 1_000),
        Some((0, 256)),
        "the first does not fade"
    );
    assert!(show.wants());
    show.ready(slide(1));
    assert_eq!(on(&mut show, 2_990), Some((0, 256)));
    // Due at 3 s, and a tick comes a little later.
    assert_eq!(on(&mut show, 3_020), Some((1, 10)));
    assert_eq!(on(&mut show, 3_250), Some((1, 128)));
    assert_eq!(on(&mut show, 3_500), Some((1, 256)));
    // The next one is not ready in time: it is on from when it is.
    assert_eq!(on(&mut show, 6_000), Some((1, 256)));
    show.ready(slide(2));
    assert_eq!(on(&mut show, 6_500), Some((2, 0)));
    assert_eq!(on(&mut show, 6_750), Some((2, 128)));
}

#[test]
fn it_stands_still_while_it_is_hidden_or_paused() {
    let mut show = show();
    show.ready(slide(0));
    on(&mut show, 0);
    show.ready(slide(1));
    show.show(Showing::Hidden, at(1_000));
    show.show(Showing::Program, at(11_000));
    assert_eq!(on(&mut show, 11_900), Some((0, 256)));
    assert!(show.operate(Operation::Pause, at(11_900)));
    assert_eq!(on(&mut show, 50_000), Some((0, 256)));
    assert!(!show.playback().unwrap().playing);
    assert!(show.operate(Operation::Play, at(50_000)));
    assert_eq!(on(&mut show, 50_100), Some((1, 0)));
    // Onwards at once, and back.
    show.ready(slide(2));
    assert!(show.operate(Operation::Next, at(51_000)));
    assert_eq!(on(&mut show, 51_000), Some((2, 0)));
    assert!(show.operate(Operation::Previous, at(52_000)));
    assert!(show.wants() && show.way() == show::Way::Back);
    show.ready(slide(1));
    assert_eq!(on(&mut show, 52_100), Some((1, 0)));
}

#[test]
fn beside_the_program_it_stands_at_its_first_picture() {
    let mut show = show();
    show.show(Showing::Hidden, at(0));
    show.show(Showing::Beside, at(0));
    assert!(show.wants());
    show.ready(slide(0));
    assert_eq!(on(&mut show, 0), Some((0, 256)));
    show.ready(slide(1));
    assert_eq!(on(&mut show, 60_000), Some((0, 256)));
    show.show(Showing::Program, at(60_000));
    assert_eq!(on(&mut show, 61_900), Some((0, 256)));
    assert_eq!(on(&mut show, 62_100).map(|(slide, _)| slide), Some(1));
}

#[test]
fn names_are_ordered_as_people_count() {
    let mut names = [
        "b.png", "10.png", "2.png", "A.png", "a1.png", "a10.png", "a9.png",
    ];
    names.sort_by_cached_key(|name| natural(name));
    assert_eq!(
        names,
        [
            "2.png", "10.png", "a1.png", "a9.png", "a10.png", "A.png", "b.png"
        ]
    );
}

#[test]
fn files_of_a_folder_are_shown_and_its_absence_said() {
    let folder = std::env::temp_dir().join(format!("klieg-slides-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("pictures")).unwrap();
    let kind = SourceKind::SlideShow(SlideShow {
        folder: "pictures".into(),
        ..SlideShow::default()
    });
    let canvas = Canvas {
        width: 64,
        height: 64,
        fps: 30,
    };
    let slides = slides("Show", &kind, &folder, canvas, Clock::start());
    slides.show(Showing::Program, at(0));
    let wait = |state: State| {
        for _ in 0..500 {
            slides.picture(at(0));
            if slides.status().state == state {
                return slides.status();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("never {state:?}: {:?}", slides.status());
    };
    let said = wait(State::Lost).message.unwrap();
    assert!(said.contains("There is no picture"), "{said}");
    for name in ["1.png", "2.png"] {
        let pixels = ::image::RgbaImage::from_pixel(8, 8, ::image::Rgba([9, 9, 9, 255]));
        pixels.save(folder.join("pictures").join(name)).unwrap();
    }
    slides.shared.changed.notify_all();
    let playback = wait(State::Running).playback.unwrap();
    assert_eq!(
        (playback.entries, playback.title.as_deref()),
        (2, Some("1.png"))
    );
    assert_eq!(slides.picture(at(0)).unwrap().width(), 64);
    drop(slides);
    std::fs::remove_dir_all(&folder).unwrap();
}
