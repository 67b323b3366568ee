//! Listens to an audio input for a while and says what comes: run it to see whether a microphone works.
//!
//! `microphone_probe [SECONDS [DEVICE]]` prints the inputs, how the chosen one does, and once a second how many
//! frames came, how loud they were, and how long ago the newest one was heard.

use std::time::Duration;

use klieg_capture::microphone::{self, Microphone, Request};
use media::Clock;

fn main() {
    let mut args = std::env::args().skip(1);
    let seconds: u32 = args.next().and_then(|arg| arg.parse().ok()).unwrap_or(5);
    let device = args.next().unwrap_or_default();
    for found in microphone::list() {
        println!("input: {} ({})", found.name, found.id);
    }
    let clock = Clock::start();
    let mut microphone = Microphone::start(Request { device }, clock);
    let mut status = None;
    for second in 1..=seconds {
        let (mut frames, mut blocks, mut peak, mut age) = (0, 0, 0.0f32, 0.0);
        for _ in 0..50 {
            std::thread::sleep(Duration::from_millis(20));
            while let Some(samples) = microphone.read() {
                frames += samples.frames();
                blocks += 1;
                peak = samples.data.iter().fold(peak, |peak, v| peak.max(v.abs()));
                age = clock.now().offset_from(samples.end()) as f64 / 1e6;
            }
            let now = microphone.status();
            if status.as_ref() != Some(&now) {
                println!("{now:?}");
                status = Some(now);
            }
        }
        println!(
            "second {second}: {frames} frames in {blocks} reads, peak {peak:.3}, newest {age:.1} ms ago"
        );
    }
}
