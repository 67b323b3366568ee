//! Sources at stated times: what tells the time, what moves, what is read, what is said.

use std::path::Path;
use std::time::Duration;

use image::codecs::gif::{GifEncoder, Repeat};
use image::{Delay, Rgba, RgbaImage};
use klieg_tests::{need, skip};
use media::{Clock, Frame, Timestamp};
use program::source::alone::Alone;
use program::source::{Line, text};
use scene::{
    Canvas, ChatOverlay, Countdown, CountdownEnd, CountdownTarget, Crawl, CrawlDirection, Gradient,
    GradientShape, GradientStop, Item, Newest, SlideShow, SourceKind, Stopwatch, TextAlign,
    TextShadow, TextStyle, TimeLayout, TimeOfDay, ViewerCount,
};

use super::cases::{Case, HEIGHT, WIDTH, all_over, back, case, item};

const CANVAS: Canvas = Canvas {
    width: WIDTH,
    height: HEIGHT,
    fps: 30,
};

/// 2030-03-05 14:07:09 UTC, a Tuesday: as far from today as a clock that runs forward needs.
const TUESDAY_MS: i64 = 1_898_950_029_000;

/// All of them. Files are made in `folder`.
pub(crate) fn all(folder: &Path) -> Vec<Case> {
    let mut cases = gradients(folder);
    cases.extend(times(folder));
    cases.extend(chats(folder));
    cases.extend(moving(folder));
    cases.extend(slides(folder));
    cases.extend(words(folder));
    cases
}

fn open(kind: &SourceKind, folder: &Path) -> Alone {
    Alone::open(kind, CANVAS, folder, Clock::start())
}

/// The picture of a source that is shown from the beginning.
fn picture(kind: &SourceKind, folder: &Path, at: Timestamp) -> Frame {
    let source = open(kind, folder);
    source.show(Timestamp::ZERO);
    source.picture(at).expect("a picture")
}

/// At its own size.
fn placed(id: &'static str, x: f32, y: f32, frame: &Frame) -> Item {
    item(id, x, y, frame.width() as f32, frame.height() as f32)
}

fn seconds(seconds: f64) -> Timestamp {
    Timestamp::ZERO + Duration::from_secs_f64(seconds)
}

fn style(size: f32) -> TextStyle {
    TextStyle {
        size,
        ..TextStyle::default()
    }
}

fn stops(stops: &[(f32, &str)]) -> Vec<GradientStop> {
    let stops = stops.iter().map(|(at, color)| GradientStop {
        at: *at,
        color: (*color).into(),
    });
    stops.collect()
}

fn gradients(folder: &Path) -> Vec<Case> {
    let draw = |shape, angle, list: &[(f32, &str)]| {
        let of = Gradient {
            shape,
            angle,
            stops: stops(list),
        };
        picture(&SourceKind::Gradient(of), folder, Timestamp::ZERO)
    };
    let three = [(0.0, "#c1121f"), (0.4, "#ffd166"), (1.0, "#118ab2")];
    let clear = [(0.0, "#ffffffff"), (1.0, "#06d6a000")];
    let linear = draw(GradientShape::Linear, 135.0, &three);
    let radial = draw(GradientShape::Radial, 0.0, &clear);
    vec![
        case(
            "source-gradient-linear",
            vec![all_over("it")],
            [("it", linear)],
        ),
        case(
            "source-gradient-radial",
            vec![back(), all_over("it")],
            [("it", radial)],
        ),
    ]
}

fn times(folder: &Path) -> Vec<Case> {
    let kinds = [
        SourceKind::Clock(TimeOfDay {
            format: "%A, %-d %B · %H:%M:%S".into(),
            zone: "Europe/Vienna".into(),
            style: style(20.0),
        }),
        SourceKind::Countdown(Countdown {
            target: CountdownTarget::Duration { seconds: 300 },
            template: "Back in {time}".into(),
            end: CountdownEnd::Text {
                text: "Here we go!".into(),
            },
            style: TextStyle {
                bold: true,
                color: "#ffd166".into(),
                ..style(28.0)
            },
            ..Countdown::default()
        }),
        SourceKind::Stopwatch(Stopwatch {
            layout: TimeLayout::Tenths,
            template: "Lap {time}".into(),
            autostart: true,
            style: TextStyle {
                font: text::MONO.into(),
                ..style(22.0)
            },
        }),
        SourceKind::ViewerCount(ViewerCount {
            style: TextStyle {
                background: Some("#000000a0".into()),
                padding: 6.0,
                radius: 8.0,
                ..style(18.0)
            },
            ..ViewerCount::default()
        }),
    ];
    let shot = |name, after: f64, viewers| {
        let frames = kinds.each_ref().map(|kind| {
            let clock = Clock::start();
            let source = Alone::open(kind, CANVAS, folder, clock);
            source.feeds().set_viewers("program", viewers);
            let began =
                Timestamp::from_millis(TUESDAY_MS - clock.unix_millis(Timestamp::ZERO) + 500);
            source.show(began);
            let at = began + Duration::from_secs_f64(after);
            source.picture(at).expect("a time")
        });
        let [clock, countdown, stopwatch, viewers] = frames;
        case(
            name,
            vec![
                back(),
                placed("clock", 10.0, 8.0, &clock),
                placed("countdown", 10.0, 45.0, &countdown),
                placed("stopwatch", 10.0, 95.0, &stopwatch),
                placed("viewers", 10.0, 135.0, &viewers),
            ],
            [
                ("clock", clock),
                ("countdown", countdown),
                ("stopwatch", stopwatch),
                ("viewers", viewers),
            ],
        )
    };
    vec![
        shot("source-times-0", 0.0, 0),
        shot("source-times-65", 65.43, 1_234),
        shot("source-times-301", 301.25, 7),
    ]
}

fn chats(folder: &Path) -> Vec<Case> {
    let shot = |name, overlay: ChatOverlay, after_ms: i64, deleted: &[i64]| {
        let clock = Clock::start();
        let source = Alone::open(&SourceKind::Chat(overlay), CANVAS, folder, clock);
        let said = [
            ("ana", false, "Good evening from Lisbon"),
            ("host", true, "Welcome, everybody!"),
            (
                "<b>tom</b>",
                false,
                "a long message that does not fit into one line of the overlay",
            ),
            ("mia", false, "gone in a moment"),
        ];
        for (id, (name, of_house, text)) in (0_i64..).zip(said) {
            let line = Line {
                id,
                name: name.into(),
                of_house,
                text: text.into(),
                at: TUESDAY_MS + id * 1000,
            };
            source.feeds().said("program", line);
        }
        source.feeds().deleted("program", Some(deleted));
        let at = TUESDAY_MS + after_ms - clock.unix_millis(Timestamp::ZERO);
        let frame = source.picture(Timestamp::from_millis(at)).expect("a chat");
        case(
            name,
            vec![back(), placed("it", 10.0, 10.0, &frame)],
            [("it", frame)],
        )
    };
    let overlay = ChatOverlay {
        width: 300,
        height: 160,
        count: 5,
        fade_after: 0.0,
        style: TextStyle {
            background: Some("#00000080".into()),
            padding: 4.0,
            ..style(15.0)
        },
        ..ChatOverlay::default()
    };
    let top = ChatOverlay {
        newest: Newest::Top,
        name_color: Some("#7bdff2".into()),
        fade_after: 5.0,
        ..overlay.clone()
    };
    vec![
        shot("source-chat", overlay, 4_000, &[3]),
        // The first has gone, the second fades.
        shot("source-chat-fading", top, 6_500, &[]),
    ]
}

/// A disc that goes across, on what is clear.
fn disc(step: u32) -> RgbaImage {
    RgbaImage::from_fn(120, 60, |x, y| {
        let (dx, dy) = (x as f32 - 20.0 - 40.0 * step as f32, y as f32 - 30.0);
        let inside = dx.hypot(dy) < 18.0;
        let colour = [[214, 40, 57], [46, 160, 67], [33, 96, 214]][step as usize];
        let [r, g, b] = colour;
        Rgba(if inside { [r, g, b, 255] } else { [0, 0, 0, 0] })
    })
}

fn moving(folder: &Path) -> Vec<Case> {
    let gif = folder.join("disc.gif");
    let mut encoder = GifEncoder::new(std::fs::File::create(&gif).unwrap());
    encoder.set_repeat(Repeat::Infinite).unwrap();
    for step in 0..3 {
        let delay = Delay::from_numer_denom_ms(400, 1);
        let frame = image::Frame::from_parts(disc(step), 0, 0, delay);
        encoder.encode_frame(frame).unwrap();
    }
    drop(encoder);
    let mut cases = vec![strip("source-animated-gif", "disc.gif", folder)];
    if let Some(ffmpeg) = need("source-animated-webp", "ffmpeg") {
        let made = std::process::Command::new(ffmpeg)
            .args(["-v", "error", "-i"])
            .arg(&gif)
            .args(["-pix_fmt", "bgra", "-lossless", "1", "-loop", "0"])
            .arg(folder.join("disc.webp"))
            .status();
        assert!(made.unwrap().success(), "ffmpeg writes a WebP");
        cases.push(strip("source-animated-webp", "disc.webp", folder));
    }
    cases
}

/// One picture file at four times, beside and below each other: the fourth is its second round.
fn strip(name: &'static str, path: &str, folder: &Path) -> Case {
    let kind = SourceKind::Image { path: path.into() };
    let frames = [0.0, 0.45, 1.19, 1.7].map(|at| picture(&kind, folder, seconds(at)));
    let [a, b, c, d] = frames;
    case(
        name,
        vec![
            back(),
            placed("a", 20.0, 20.0, &a),
            placed("b", 180.0, 20.0, &b),
            placed("c", 20.0, 100.0, &c),
            placed("d", 180.0, 100.0, &d),
        ],
        [("a", a), ("b", b), ("c", c), ("d", d)],
    )
}

fn slides(folder: &Path) -> Vec<Case> {
    let show = folder.join("slides");
    std::fs::create_dir_all(&show).unwrap();
    for step in 0..3 {
        let flat = RgbaImage::from_pixel(160, 90, Rgba([52, 58, 70, 255]));
        let mut picture = flat.clone();
        image::imageops::overlay(&mut picture, &disc(step), 20, 15);
        picture.save(show.join(format!("{step}.png"))).unwrap();
    }
    let kind = SourceKind::SlideShow(SlideShow {
        folder: "slides".into(),
        seconds: 4.0,
        fade_ms: 1000,
        ..SlideShow::default()
    });
    let shot = |name, times: &[f64]| {
        let source = open(&kind, folder);
        source.show(Timestamp::ZERO);
        let mut frame = None;
        for at in times {
            frame = source.picture(seconds(*at));
        }
        let frame = frame.expect("a picture");
        case(name, vec![all_over("it")], [("it", frame)])
    };
    vec![
        shot("source-slides-0", &[0.0]),
        shot("source-slides-fading", &[0.0, 4.0, 4.5]),
        shot("source-slides-third", &[0.0, 4.0, 8.0, 9.0]),
    ]
}

fn words(folder: &Path) -> Vec<Case> {
    let text = |text: &str, style: TextStyle, crawl: Option<Crawl>| SourceKind::Text {
        text: text.into(),
        style,
        file: None,
        crawl,
    };
    let ticker = |direction, speed| Crawl {
        direction,
        speed,
        gap: Some(40.0),
        span: 0.0,
    };
    let news = text(
        "Doors open at seven\nRain until nine",
        TextStyle {
            background: Some("#102040".into()),
            padding: 6.0,
            ..style(24.0)
        },
        Some(ticker(CrawlDirection::Left, 100.0)),
    );
    let credits = text(
        "Camera\nAda\n\nSound\nGrace\n\nDirector\nHedy",
        TextStyle {
            align: TextAlign::Center,
            ..style(22.0)
        },
        Some(ticker(CrawlDirection::Up, 50.0)),
    );
    let crawl = |kind: &SourceKind, at: f64| picture(kind, folder, seconds(at));
    let (first, later) = (crawl(&news, 0.5), crawl(&news, 3.0));
    let rising = crawl(&credits, 2.0);
    let turned = |direction, speed, of: &SourceKind| {
        let SourceKind::Text { text, style, .. } = of.clone() else {
            unreachable!("both are texts");
        };
        SourceKind::Text {
            text,
            style,
            file: None,
            crawl: Some(ticker(direction, speed)),
        }
    };
    let rightward = turned(CrawlDirection::Right, 100.0, &news);
    let (entering, entered) = (crawl(&rightward, 0.5), crawl(&rightward, 3.0));
    let falling = crawl(&turned(CrawlDirection::Down, 50.0, &credits), 2.0);

    std::fs::write(folder.join("song.txt"), "Now: Für Elise\n").unwrap();
    let read = SourceKind::Text {
        text: String::new(),
        style: style(26.0),
        file: Some("song.txt".into()),
        crawl: None,
    };
    let song = picture(&read, folder, Timestamp::ZERO);
    let wrapped = text(
        "Wrapped at a width, in the middle, with a ramp, a shadow, and letters apart.",
        TextStyle {
            wrap: 220.0,
            align: TextAlign::Center,
            letter_spacing: 1.5,
            gradient: Some(Gradient {
                stops: stops(&[(0.0, "#ffd166"), (1.0, "#ef476f")]),
                ..Gradient::default()
            }),
            outline: Some("#102040".into()),
            outline_width: 2.0,
            shadow: true,
            shadow_look: Some(TextShadow::default()),
            ..style(20.0)
        },
        None,
    );
    let wrapped = picture(&wrapped, folder, Timestamp::ZERO);
    let mut cases = vec![
        case(
            "source-crawl-left",
            vec![
                back(),
                placed("first", 0.0, 30.0, &first),
                placed("later", 0.0, 100.0, &later),
            ],
            [("first", first), ("later", later)],
        ),
        case(
            "source-crawl-up",
            vec![back(), placed("it", 0.0, 0.0, &rising)],
            [("it", rising)],
        ),
        case(
            "source-crawl-right",
            vec![
                back(),
                placed("first", 0.0, 30.0, &entering),
                placed("later", 0.0, 100.0, &entered),
            ],
            [("first", entering), ("later", entered)],
        ),
        case(
            "source-crawl-down",
            vec![back(), placed("it", 0.0, 0.0, &falling)],
            [("it", falling)],
        ),
        case(
            "source-text-file",
            vec![
                back(),
                placed("song", 10.0, 10.0, &song),
                placed("wrapped", 50.0, 60.0, &wrapped),
            ],
            [("song", song), ("wrapped", wrapped)],
        ),
    ];
    // The bundled families have no Hebrew and no Arabic.
    if text::families().iter().any(|name| name == "DejaVu Sans") {
        let right_to_left = text(
            "שלום Klieg 2030\nأهلا وسهلا",
            TextStyle {
                font: "DejaVu Sans".into(),
                wrap: 300.0,
                ..style(30.0)
            },
            None,
        );
        let frame = picture(&right_to_left, folder, Timestamp::ZERO);
        cases.push(case(
            "source-text-right-to-left",
            vec![back(), placed("it", 10.0, 40.0, &frame)],
            [("it", frame)],
        ));
    } else {
        skip(
            "source-text-right-to-left",
            "the font DejaVu Sans is not installed",
        );
    }
    cases
}
