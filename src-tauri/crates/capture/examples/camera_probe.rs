//! Captures fifty pictures of the first camera and says what they are: run it to see whether a camera works.
//!
//! `camera_probe [WIDTH HEIGHT FPS [COUNT]]` prints `camera: NAME (ID)`, why it is lost and when pictures come, then
//! `captured N of COUNT: FORMAT WIDTHxHEIGHT, D distinct, R fps (DETAIL)`, and ends with 0 when all came.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::process::ExitCode;
use std::time::Duration;

use klieg_capture::camera::{self, Camera, Request};
use media::Clock;

fn main() -> ExitCode {
    let numbers: Vec<u32> = std::env::args()
        .skip(1)
        .filter_map(|arg| arg.parse().ok())
        .collect();
    let number = |n: usize| numbers.get(n).copied().unwrap_or(0);
    let wanted = match number(3) {
        0 => 50,
        count => count as usize,
    };
    for found in camera::list() {
        println!("camera: {} ({})", found.name, found.id);
    }
    let clock = Clock::start();
    let camera = Camera::start(
        Request {
            device: String::new(),
            width: number(0),
            height: number(1),
            fps: number(2),
        },
        clock,
    );

    let mut contents = HashSet::new();
    let mut times = Vec::new();
    let mut last = None;
    let mut message = None;
    let mut lost = true;
    while times.len() < wanted && clock.now().seconds() < 60.0 {
        std::thread::sleep(Duration::from_millis(1));
        let status = camera.status();
        if status.message.is_some() && status.message != message {
            println!("{:?}", status.message);
            message = status.message;
        }
        let Some(frame) = camera.latest() else {
            lost = true;
            continue;
        };
        if std::mem::take(&mut lost) {
            let when = if times.is_empty() {
                "first picture"
            } else {
                "pictures again"
            };
            println!("{when} at {:.1} s", clock.now().seconds());
        }
        if times.last() == Some(&frame.timestamp()) {
            continue;
        }
        times.push(frame.timestamp());
        let mut hasher = DefaultHasher::new();
        for plane in frame.planes() {
            plane.data.hash(&mut hasher);
        }
        contents.insert(hasher.finish());
        last = Some(frame);
    }
    let (Some(frame), Some(from), Some(to)) = (last, times.first(), times.last()) else {
        println!("captured 0 of {wanted}");
        return ExitCode::FAILURE;
    };
    let fps = (times.len() - 1) as f64 / to.since(*from).as_secs_f64();
    println!(
        "captured {} of {wanted}: {:?} {}x{}, {} distinct, {fps:.1} fps ({})",
        times.len(),
        frame.format(),
        frame.width(),
        frame.height(),
        contents.len(),
        camera.status().detail.unwrap_or_default(),
    );
    if times.len() == wanted {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
