//! Audio inputs through PulseAudio's sine source, started here.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::{Server, has, in_child, text, wait, wait_for};
use klieg_capture::State;
use klieg_capture::microphone::{self, Microphone, Request};
use media::{Clock, Samples};

fn start_server(folder: &Path) -> Server {
    // A crash leaves its socket behind.
    fs::remove_file(folder.join("native")).ok();
    let server = Server::start(
        Command::new("pulseaudio")
            .args(["-n", "-F", text(&folder.join("pa.conf")), "--daemonize=no"])
            .args([
                "--exit-idle-time=-1",
                "--disallow-exit",
                "--use-pid-file=no",
            ])
            .stderr(Stdio::null()),
    );
    wait("the sound server", || {
        folder.join("native").exists().then_some(())
    });
    server
}

/// Reads until there are `frames` more, and says how far timestamps stray from the count of samples, in ms.
fn hear(microphone: &mut Microphone, frames: usize) -> (Vec<Samples>, f64) {
    let mut heard: Vec<Samples> = Vec::new();
    let mut count = 0;
    let mut stray = 0.0f64;
    wait("sound", || {
        while let Some(samples) = microphone.read() {
            if let Some(last) = heard.last() {
                let jump = samples.timestamp.offset_from(last.end()) as f64 / 1e6;
                if jump.abs() > 2.0 {
                    println!(
                        "jump {jump} after {count} at {:?} of {} frames",
                        samples.timestamp,
                        samples.frames()
                    );
                }
                stray = stray.max(jump.abs());
            }
            count += samples.frames();
            heard.push(samples);
        }
        (count >= frames).then_some(())
    });
    (heard, stray)
}

/// Frequency by rising zero crossings, and peak, of the first channel.
fn measure(heard: &[Samples]) -> (f64, f32) {
    let rate = f64::from(heard[0].rate);
    let channels = usize::from(heard[0].channels);
    let left: Vec<f32> = heard
        .iter()
        .flat_map(|s| s.data.iter().step_by(channels).copied())
        .collect();
    let crossings: Vec<f64> = left
        .windows(2)
        .enumerate()
        .filter(|(_, w)| w[0] < 0.0 && w[1] >= 0.0)
        .map(|(n, w)| n as f64 + f64::from(w[0] / (w[0] - w[1])))
        .collect();
    let (Some(first), Some(last)) = (crossings.first(), crossings.last()) else {
        return (0.0, 0.0);
    };
    let hertz = (crossings.len() - 1) as f64 * rate / (last - first);
    (hertz, left.iter().fold(0.0, |peak, v| v.abs().max(peak)))
}

#[test]
fn a_tone_is_heard_lost_and_heard_again() {
    if !has("pulseaudio") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let name = "microphone::a_tone_is_heard_lost_and_heard_again";
    let path = folder.path().to_owned();
    let address = format!("unix:{}", text(&path.join("native")));
    let inside = in_child(
        name,
        &[
            ("HOME", text(&path)),
            ("XDG_RUNTIME_DIR", text(&path)),
            ("PULSE_SERVER", &address),
            ("KLIEG_TEST_FOLDER", text(&path)),
        ],
    );
    if !inside {
        return;
    }
    let path = std::path::PathBuf::from(std::env::var_os("KLIEG_TEST_FOLDER").expect("a folder"));
    fs::write(
        path.join(".asoundrc"),
        "pcm.!default { type pulse }\nctl.!default { type pulse }\n",
    )
    .expect("written");
    let socket = text(&path.join("native")).to_owned();
    fs::write(
        path.join("pa.conf"),
        format!(
            "load-module module-native-protocol-unix socket={socket} auth-anonymous=1\n\
             load-module module-null-sink sink_name=test rate=48000 channels=2\n\
             load-module module-sine-source source_name=tone rate=48000 frequency=1000\n\
             set-default-source tone\n"
        ),
    )
    .expect("written");

    // Before there is a sound server.
    let clock = Clock::start();
    let mut microphone = Microphone::start(Request::default(), clock);
    let lost = wait_for(State::Lost, || microphone.status());
    let message = lost.message.expect("a reason");
    assert!(message.starts_with("There is no microphone."), "{message}");
    assert!(microphone.read().is_none());
    println!("{:?}", microphone::list());

    // It comes by itself when there is.
    let server = start_server(&path);
    let running = wait_for(State::Running, || microphone.status());
    println!("{:?}", microphone::list());
    let detail = running.detail.expect("what it delivers");
    assert!(detail.contains("kHz"), "{detail}");
    let (settling, _) = hear(&mut microphone, 48_000 * 2);
    let begin = clock.now();
    let (heard, stray) = hear(&mut microphone, 48_000 * 2);
    let until = clock.now();
    let (hertz, peak) = measure(&heard);
    let late = begin.offset_from(heard[0].timestamp) as f64 / 1e6;
    println!(
        "{detail}: {hertz:.2} Hz, peak {peak:.3}, timestamps stray by {stray:.3} ms, \
         first block {late:.1} ms before it was read, after {} blocks, last {:.1} ms",
        settling.len(),
        until.offset_from(heard[heard.len() - 1].end()) as f64 / 1e6
    );
    assert!((hertz - 1_000.0).abs() < 1.0, "{hertz} Hz");
    assert!((0.1..=1.0).contains(&peak), "peak {peak}");
    // This source hands out two seconds at a time: its callbacks are late by up to as much.
    assert!(stray < 10.0, "timestamps stray by {stray} ms");

    // The sound server crashes, and comes back.
    server.kill();
    let lost = wait_for(State::Lost, || microphone.status());
    println!("{:?}", lost.message);
    let server = start_server(&path);
    wait_for(State::Running, || microphone.status());
    hear(&mut microphone, 24_000);
    let (heard, _) = hear(&mut microphone, 48_000);
    let (hertz, _) = measure(&heard);
    assert!(
        (hertz - 1_000.0).abs() < 2.0,
        "{hertz} Hz after coming back"
    );
    drop(microphone);
    server.kill();
}
