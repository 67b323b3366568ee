//! The program from the test signal to a file, judged by FFmpeg: what was composed, mixed and
//! encoded is what arrives, picture and sound in step.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "this is test code, only not inside of a #[test]"
)]

mod microphone;
mod stinger;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use container::fmp4;
use klieg_tests::need;
use media::{
    ChannelInfo, ChannelName, Clock, Color, Frame, Hub, Next, Origin, Packet, PixelFormat, Start,
    Timestamp, Want,
};
use program::source::test_signal::{self, TestSignal};
use program::{Program, Settings};
use scene::{
    Audio, Collection, Crop, Fit, Item, ItemId, Pattern, Rect, Source, SourceId, SourceKind,
};

const WIDTH: u32 = 1280;
const HEIGHT: u32 = 720;
const FPS: u32 = 30;

/// Held by each test here: two programs at once are more than a small machine carries in real time.
static ALONE: Mutex<()> = Mutex::new(());

/// Waits until no other program runs. A test that failed while it held the lock spoils nothing.
fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn test_signal_collection() -> Collection {
    let mut doc = Collection::empty("Pipeline");
    doc.sources.push(Source {
        id: SourceId::new("signal"),
        name: "Test signal".into(),
        kind: SourceKind::TestSignal {
            pattern: Pattern::Bars,
        },
        audio: Audio::default(),
        filters: Vec::new(),
    });
    doc.scenes[0].items.push(Item {
        id: ItemId::new("item"),
        source: SourceId::new("signal"),
        rect: Rect {
            x: 0.0,
            y: 0.0,
            width: WIDTH as f32,
            height: HEIGHT as f32,
        },
        fit: Fit::Contain,
        crop: Crop::default(),
        rotation: 0.0,
        opacity: 1.0,
        visible: true,
        locked: false,
        flip_h: false,
        flip_v: false,
        blend: scene::Blend::Normal,
        filters: Vec::new(),
    });
    doc
}

/// Runs a document, whose files are beside `path`, until `seconds` of packets have come; writes them as
/// fragmented MP4. `meanwhile` is called with each packet and how long it is after the first. Returns where
/// position 0 of the file stands on the clock.
fn record(
    path: &Path,
    seconds: u64,
    clock: Clock,
    collection: Collection,
    mut meanwhile: impl FnMut(&Program, Duration),
) -> Timestamp {
    let hub = Hub::new(1);
    let settings = Settings::default();
    let folder = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    let collection = Arc::new(collection);
    let program = Program::start(settings, collection, folder, hub.clone(), clock).unwrap();
    let info = ChannelInfo {
        origin: Origin::Program,
        title: "Pipeline".into(),
    };
    let writer = hub
        .publish(ChannelName::program(), info, clock.now())
        .unwrap();
    program.go_live(writer).unwrap();
    let channel = hub.channel(&ChannelName::program()).unwrap();
    let mut reader = channel.read(Want::MP4, Start::Next, 10_000);
    let mut tracks = None;
    let mut packets: Vec<Packet> = Vec::new();
    let length = Duration::from_secs(seconds);
    loop {
        match reader
            .next_blocking(Duration::from_secs(10))
            .expect("the program went silent")
        {
            Next::Tracks(t) if t.is_empty() => {}
            Next::Tracks(t) => assert!(tracks.replace(t).is_none(), "tracks changed"),
            Next::Packet(packet) => {
                let first = packets.first().map_or(packet.pts, |p| p.pts);
                if packet.pts.since(first) > length {
                    break;
                }
                meanwhile(&program, packet.pts.since(first));
                packets.push(packet);
            }
            other => panic!("unexpected {other:?}"),
        }
    }
    let stats = program.stats();
    println!("{stats:?}, composed by {:?}", program.composing());
    drop(program);
    assert!(hub.channels().is_empty() || reader.channel().totals().dropped == 0);

    let tracks = tracks.expect("no tracks");
    let video = tracks[0].id;
    // A file begins with a keyframe, and with the sound that belongs to it.
    let begins = packets.iter().find(|p| p.track == video).unwrap();
    assert!(begins.keyframe, "the first picture is a keyframe");
    let zero = begins.pts;
    packets.retain(|p| p.pts >= zero);
    let end = packets.iter().map(|p| p.pts).max().unwrap() + Duration::from_millis(33);
    let mut muxer = fmp4::Muxer::new(&tracks);
    let mut file = muxer.init_segment().to_vec();
    file.extend_from_slice(&muxer.fragment(&packets, end));
    std::fs::write(path, file).unwrap();
    packets.iter().map(|p| p.pts).min().unwrap()
}

fn run(program: &str, args: &[&str]) -> Vec<u8> {
    let out = Command::new(program).args(args).output().unwrap();
    assert!(
        out.status.success(),
        "{program} {args:?}: {}",
        String::from_utf8_lossy(&out.stderr)
    );
    out.stdout
}

fn probe(path: &str, stream: &str, entries: &str) -> Vec<String> {
    let args = [
        "-v",
        "error",
        "-select_streams",
        stream,
        "-show_entries",
        entries,
        "-of",
        "csv=p=0",
        path,
    ];
    let text = String::from_utf8(run("ffprobe", &args)).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn psnr(a: &Frame, b: &Frame) -> f64 {
    let (a, b) = (&a.planes()[0], &b.planes()[0]);
    let mut sum = 0_u64;
    for row in 0..HEIGHT as usize {
        let line = |p: &media::Plane| p.data[row * p.stride..][..WIDTH as usize].to_vec();
        for (x, y) in line(a).into_iter().zip(line(b)) {
            sum += u64::from(x.abs_diff(y)).pow(2);
        }
    }
    let mean = sum as f64 / f64::from(WIDTH * HEIGHT);
    10.0 * (255.0 * 255.0 / mean.max(1e-9)).log10()
}

/// The energy of 2 kHz in a block, against that of everything: the beep and nothing else.
fn is_beep(block: &[f32]) -> bool {
    let step = std::f32::consts::TAU * 2000.0 / 48_000.0;
    let (mut re, mut im, mut all) = (0.0, 0.0, 0.0);
    for (n, x) in block.iter().enumerate() {
        re += x * (step * n as f32).cos();
        im += x * (step * n as f32).sin();
        all += x * x;
    }
    let tone = 2.0 * (re * re + im * im) / block.len() as f32;
    all / block.len() as f32 > 0.02 && tone / all > 0.5
}

#[test]
fn the_test_signal_arrives_whole_and_in_step() {
    const NAME: &str = "the_test_signal_arrives_whole_and_in_step";
    if need(NAME, "ffmpeg").is_none() || need(NAME, "ffprobe").is_none() {
        return;
    }
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("program.mp4");
    let document = test_signal_collection();
    let zero = record(&path, 4, Clock::start(), document, |_, _| {});
    let path = path.to_str().unwrap();

    // What FFmpeg says it is.
    let video = probe(
        path,
        "v:0",
        "stream=codec_name,profile,width,height,pix_fmt,color_range,color_space",
    );
    assert_eq!(
        video,
        ["h264,Constrained Baseline,1280,720,yuv420p,tv,bt709"]
    );
    let audio = probe(
        path,
        "a:0",
        "stream=codec_name,profile,sample_rate,channels",
    );
    assert_eq!(audio, ["aac,LC,48000,2"]);

    // Every picture, with its time.
    let times: Vec<f64> = probe(path, "v:0", "frame=pts_time")
        .iter()
        .map(|t| t.trim_end_matches(',').parse().unwrap())
        .collect();
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
    let size = Frame::packed_len(PixelFormat::I420, WIDTH, HEIGHT);
    let frames: Vec<Frame> = raw
        .chunks_exact(size)
        .zip(&times)
        .map(|(bytes, time)| {
            let at = Timestamp::from_nanos((time * 1e9) as i64);
            let color = Color::default();
            Frame::packed(
                PixelFormat::I420,
                WIDTH,
                HEIGHT,
                color,
                at,
                bytes.to_vec().into(),
            )
            .unwrap()
        })
        .collect();
    assert_eq!(frames.len(), times.len());
    let counters: Vec<u32> = frames
        .iter()
        .map(|f| test_signal::read_counter(f).expect("a counter that can be read"))
        .collect();
    println!(
        "{} pictures, counters {}..{}",
        counters.len(),
        counters[0],
        counters[counters.len() - 1]
    );
    // How many there are is a matter of the machine, which the bench measures; a few tell all the rest.
    assert!(counters.len() >= 8, "{} pictures", counters.len());
    assert!(counters.is_sorted(), "{counters:?}");

    // The counter is the tick: what is shown at a time was made for that time.
    for (n, frame) in counters.iter().zip(&frames) {
        let tick = Timestamp::from_ticks(i64::from(*n), FPS);
        let off = tick.offset_from(zero.offset(frame.timestamp().nanos()));
        assert!(
            off.abs() < 2_000_000,
            "picture {n} is {off} ns off its tick"
        );
    }

    // It flashes in the first tenth of every second.
    for (n, frame) in counters.iter().zip(&frames) {
        let plane = &frame.planes()[0];
        let middle = (HEIGHT / 8) as usize * plane.stride + (WIDTH * 7 / 8) as usize;
        let flashes = plane.data[middle] > 128;
        assert_eq!(flashes, n % FPS * 10 < FPS, "flash of picture {n}");
    }

    // What arrives looks like what was made.
    let mut signal = TestSignal::new(Pattern::Bars, WIDTH, HEIGHT, FPS);
    for (n, frame) in counters.iter().zip(&frames).step_by(15) {
        let made = signal.picture(*n, Timestamp::from_ticks(i64::from(*n), FPS));
        let psnr = psnr(&made, frame);
        println!("picture {n}: {psnr:.1} dB");
        assert!(psnr > 30.0, "picture {n}: {psnr:.1} dB");
    }

    // And the beep begins with the flash.
    let raw = run(
        "ffmpeg",
        &[
            "-v", "error", "-i", path, "-map", "0:a", "-f", "f32le", "-ac", "1", "-ar", "48000",
            "-",
        ],
    );
    let start: f64 = probe(path, "a:0", "stream=start_time")[0].parse().unwrap();
    let sound: Vec<f32> = raw
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect();
    let step = 48;
    let mut onsets = Vec::new();
    let mut before = true;
    // A recording may begin inside of a beep, and its encoder swells from silence: the first fifth of a
    // second tells nothing.
    for at in (9_600..sound.len().saturating_sub(240)).step_by(step) {
        let now = is_beep(&sound[at..at + 240]);
        if now && !before {
            // Half of the block must beep before it counts as one.
            onsets.push(start + (at + 120) as f64 / 48_000.0);
        }
        before = now;
    }
    // The clock of the pictures, which the counter tells, is the clock of the sound: a flash is due with
    // every full second of it, and so must be the beep.
    let ahead = f64::from(counters[0]) / f64::from(FPS) - times[0];
    println!("beeps at {onsets:?}");
    assert!(onsets.len() >= 2, "only {} beeps", onsets.len());
    for beep in onsets {
        let clock = beep + ahead;
        let off = (clock - clock.round()) * 1000.0;
        println!("beep {off:+.1} ms after the flash");
        assert!(off.abs() <= 20.0, "{off:.1} ms out of step");
    }
}
