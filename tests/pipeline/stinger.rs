//! A stinger on the running program: a video with a matte and a tone plays over the cut from a red scene to a
//! blue one, judged in what was encoded.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use klieg_tests::need;
use media::{Clock, Timestamp};
use scene::{
    Audio, Collection, Crop, Fit, Item, ItemId, Rect, Scene, SceneId, Source, SourceId, SourceKind,
    Stinger, StingerKey, Transition, TransitionKind,
};

use super::{alone, microphone, probe, record, run};

const WIDTH: usize = 320;
const HEIGHT: usize = 180;
const CUT: Duration = Duration::from_millis(600);
const LENGTH: Duration = Duration::from_millis(1200);

/// Times in files are rounded.
const ROUNDED: Duration = Duration::from_millis(2);

/// A red scene and a blue one.
fn two_scenes() -> Collection {
    let mut doc = Collection::empty("Stinger");
    doc.canvas.width = WIDTH as u32;
    doc.canvas.height = HEIGHT as u32;
    doc.scenes.clear();
    for (id, color) in [("red", "#ff0000"), ("blue", "#0000ff")] {
        doc.sources.push(Source {
            id: SourceId::new(id),
            name: id.into(),
            kind: SourceKind::Color {
                color: color.into(),
            },
            audio: Audio::default(),
            filters: Vec::new(),
        });
        let all_over = Item {
            id: ItemId::new(id),
            source: SourceId::new(id),
            rect: Rect {
                x: 0.0,
                y: 0.0,
                width: WIDTH as f32,
                height: HEIGHT as f32,
            },
            fit: Fit::Stretch,
            crop: Crop::default(),
            rotation: 0.0,
            opacity: 1.0,
            visible: true,
            locked: false,
            flip_h: false,
            flip_v: false,
            blend: scene::Blend::Normal,
            filters: Vec::new(),
        };
        doc.scenes.push(Scene {
            id: SceneId::new(id),
            name: id.into(),
            items: vec![all_over],
            group: None,
            filters: Vec::new(),
            transition: None,
        });
    }
    doc.current = SceneId::new("red");
    doc.transition = Transition {
        kind: TransitionKind::Stinger(Stinger {
            path: "wings.mp4".into(),
            cut_ms: CUT.as_millis() as f32,
            key: StingerKey::MatteRight,
        }),
        duration_ms: LENGTH.as_millis() as u32,
    };
    doc.validate().unwrap();
    doc
}

/// Green with a tone of 1 kHz; the matte beside it, on the right, lets it be seen on the left half alone.
fn film(path: &Path) {
    let matte = format!(
        "color=c=#00ff00:s={WIDTH}x{HEIGHT}:r=30[g];color=c=black:s={WIDTH}x{HEIGHT}:r=30,\
         drawbox=x=0:y=0:w={}:h={HEIGHT}:c=white:t=fill[m];[g][m]hstack[v];sine=frequency=1000:r=48000[a]",
        WIDTH / 2
    );
    run(
        "ffmpeg",
        &[
            "-v",
            "error",
            "-filter_complex",
            &matte,
            "-map",
            "[v]",
            "-map",
            "[a]",
            "-t",
            "1.2",
            "-c:v",
            "libx264",
            "-profile:v",
            "baseline",
            "-pix_fmt",
            "yuv420p",
            "-c:a",
            "aac",
            path.to_str().unwrap(),
        ],
    );
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hue {
    Red,
    Green,
    Blue,
    Other,
}

/// The colour of a place of an I420 picture.
fn hue(picture: &[u8], x: usize, y: usize) -> Hue {
    let chroma = WIDTH * HEIGHT;
    let at = y / 2 * (WIDTH / 2) + x / 2;
    let (u, v) = (picture[chroma + at], picture[chroma + chroma / 4 + at]);
    match (u, v) {
        (_, 180..) => Hue::Red,
        (180.., _) => Hue::Blue,
        (..=100, ..=100) => Hue::Green,
        _ => Hue::Other,
    }
}

#[test]
fn a_stinger_covers_the_cut_with_its_picture_and_its_sound() {
    const NAME: &str = "a_stinger_covers_the_cut_with_its_picture_and_its_sound";
    if need(NAME, "ffmpeg").is_none() || need(NAME, "ffprobe").is_none() {
        return;
    }
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    film(&folder.path().join("wings.mp4"));
    let path = folder.path().join("program.mp4");
    let clock = Clock::start();
    let before = two_scenes();
    let after = Arc::new(Collection {
        current: SceneId::new("blue"),
        ..before.clone()
    });
    // The switch lies between these two.
    let mut switched: Option<(Timestamp, Timestamp)> = None;
    let zero = record(&path, 4, clock, before, |program, gone| {
        if gone > Duration::from_millis(1300) && switched.is_none() {
            assert_eq!(program.file_problems(), [""; 0]);
            let asked = clock.now();
            program.set_collection(Arc::clone(&after));
            switched = Some((asked, clock.now()));
        }
    });
    let (asked, set) = switched.expect("four seconds have a middle");
    let path = path.to_str().unwrap();

    // What is seen at two places, one under the matte's white and one under its black.
    let raw = run(
        "ffmpeg",
        &[
            "-v",
            "error",
            "-i",
            path,
            "-map",
            "0:v",
            "-fps_mode",
            "passthrough",
            "-f",
            "rawvideo",
            "-pix_fmt",
            "yuv420p",
            "-",
        ],
    );
    let seen: Vec<(Timestamp, Hue, Hue)> = probe(path, "v:0", "frame=pts_time")
        .iter()
        .map(|text| text.trim_end_matches(',').parse::<f64>().unwrap())
        .zip(raw.chunks_exact(WIDTH * HEIGHT * 3 / 2))
        .map(|(time, picture)| {
            let at = zero + Duration::from_secs_f64(time);
            let middle = HEIGHT / 2;
            (
                at,
                hue(picture, WIDTH / 4, middle),
                hue(picture, WIDTH * 3 / 4, middle),
            )
        })
        .collect();
    let mut phases: Vec<(Hue, Hue)> = seen.iter().map(|(_, a, b)| (*a, *b)).collect();
    phases.dedup();
    use Hue::{Blue, Green, Red};
    assert_eq!(
        phases,
        [(Red, Red), (Green, Red), (Green, Blue), (Blue, Blue)],
        "{seen:?}"
    );
    for (at, covered, open) in seen {
        let least = |after: Duration| at + ROUNDED >= asked + after;
        let most = |after: Duration| at <= set + after + ROUNDED;
        assert!(
            match (covered, open) {
                (Red, _) => most(CUT),
                (Green, Red) => least(Duration::ZERO) && most(CUT),
                (Green, _) => least(CUT) && most(LENGTH),
                _ => least(LENGTH),
            },
            "{covered:?} and {open:?} at {at:?}, asked for at {asked:?}"
        );
    }

    // Its sound: nothing before, its tone while it plays, nothing after.
    let raw = run(
        "ffmpeg",
        &[
            "-v", "error", "-i", path, "-map", "0:a", "-f", "f32le", "-ac", "1", "-ar", "48000",
            "-",
        ],
    );
    let sound: Vec<f32> = raw
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect();
    let start: f64 = probe(path, "a:0", "stream=start_time")[0].parse().unwrap();
    let begins = zero + Duration::from_secs_f64(start);
    let between = |from: Timestamp, to: Timestamp| {
        let sample = |at: Timestamp| (at.since(begins).as_secs_f64() * 48_000.0) as usize;
        &sound[sample(from).min(sound.len())..sample(to).min(sound.len())]
    };
    let loud = |part: &[f32]| (part.iter().map(|x| x * x).sum::<f32>() / part.len() as f32).sqrt();
    let tenth = Duration::from_millis(100);
    let quiet = loud(between(begins + tenth, asked - tenth));
    let tone = between(set + tenth * 3, asked + tenth * 10);
    let rest = loud(between(
        set + LENGTH + tenth * 2,
        begins + Duration::from_secs(60),
    ));
    println!(
        "before {quiet:.4}, during {:.4}, after {rest:.4}",
        loud(tone)
    );
    assert!(quiet < 0.002 && rest < 0.002, "{quiet} and {rest}");
    assert!(loud(tone) > 0.03, "{}", loud(tone));
    let hertz = microphone::frequency(tone);
    assert!((995.0..=1005.0).contains(&hertz), "{hertz}");
}
