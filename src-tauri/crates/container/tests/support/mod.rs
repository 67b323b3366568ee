//! Playing a file here, and asking FFmpeg.

use std::io::Write as _;
use std::process::Command;

use codec::decode;
use klieg_container::mp4::{Demuxer, Skipped};
use media::{Color, Config, Frame, Kind, PixelFormat, Timestamp};

/// A file, played from beginning to end.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) configs: Vec<Config>,
    pub(crate) skipped: Vec<Skipped>,
    /// Pictures in the order they are shown, those before the beginning included.
    pub(crate) frames: Vec<Frame>,
    /// Interleaved sound from time 0 on.
    pub(crate) sound: Vec<f32>,
    pub(crate) channels: u16,
}

/// Damaged packets are passed over; a file that ends early is played to where it ends.
pub(crate) fn play(file: &[u8]) -> Result<Played, Box<dyn std::error::Error>> {
    let mut demuxer = Demuxer::new();
    while let Some((position, len)) = demuxer.need() {
        let start = file.len().min(usize::try_from(position)?);
        let end = file.len().min(start.saturating_add(len));
        demuxer.feed(position, &file[start..end])?;
    }
    let mut video = None;
    let mut audio = None;
    for track in demuxer.tracks() {
        match track.config.kind() {
            Kind::Video => video = Some((track.id, decode::video::open(&track.config)?)),
            Kind::Audio => audio = Some((track.id, decode::audio::open(&track.config)?)),
        }
    }
    let mut played = Played {
        configs: demuxer.tracks().iter().map(|t| t.config.clone()).collect(),
        skipped: demuxer.skipped().to_vec(),
        frames: Vec::new(),
        sound: Vec::new(),
        channels: 0,
    };
    while let Some(sample) = demuxer.next_sample()? {
        let bytes = usize::try_from(sample.position)
            .ok()
            .and_then(|at| file.get(at..)?.get(..sample.len));
        let Some(bytes) = bytes else { break };
        let Ok(packet) = demuxer.packet(&sample, bytes.to_vec().into()) else {
            continue;
        };
        if let Some((id, decoder)) = &mut video
            && *id == sample.track
        {
            played
                .frames
                .extend(decoder.decode(&packet).unwrap_or_default());
        }
        if let Some((id, decoder)) = &mut audio
            && *id == sample.track
            && let Ok(Some(samples)) = decoder.decode(&packet)
        {
            played.channels = samples.channels;
            let width = usize::from(samples.channels);
            let place = samples.timestamp.ticks(samples.rate);
            for (n, frame) in samples.data.chunks_exact(width).enumerate() {
                let Ok(at) = usize::try_from(place + n as i64) else {
                    continue;
                };
                // Damage can put sound anywhere.
                if at < 10_000_000 {
                    played
                        .sound
                        .resize(played.sound.len().max((at + 1) * width), 0.0);
                    played.sound[at * width..(at + 1) * width].copy_from_slice(frame);
                }
            }
        }
    }
    if let Some((_, decoder)) = &mut video {
        played.frames.extend(decoder.flush().unwrap_or_default());
    }
    Ok(played)
}

/// Peak signal to noise of the first plane against packed planes, in dB; 99 when they are the same.
pub(crate) fn psnr(frame: &Frame, raw: &[u8]) -> f64 {
    let (width, height) = (frame.width() as usize, frame.height() as usize);
    let plane = &frame.planes()[0];
    let lines = plane
        .data
        .chunks(plane.stride)
        .zip(raw.chunks(width))
        .take(height);
    let sum: u64 = lines
        .map(|(a, b)| {
            a.iter()
                .zip(b)
                .map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2))
                .sum::<u64>()
        })
        .sum();
    if sum == 0 {
        return 99.0;
    }
    10.0 * (255.0f64.powi(2) * (width * height) as f64 / sum as f64).log10()
}

/// How far two sounds are apart: the effective value of their difference, where both are.
pub(crate) fn same_sound(a: &[f32], b: &[f32]) -> f64 {
    let len = a.len().min(b.len());
    assert!(len > 48_000, "{} and {} values", a.len(), b.len());
    assert!(
        a.len().abs_diff(b.len()) < 2_500,
        "{} and {} values",
        a.len(),
        b.len()
    );
    let sum: f64 = a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum();
    (sum / len as f64).sqrt()
}

/// A picture in motion, BT.709 limited.
pub(crate) fn picture(n: usize, width: u32, height: u32, at: Timestamp) -> Frame {
    let mut data = vec![128; Frame::packed_len(PixelFormat::I420, width, height)];
    let width_px = width as usize;
    for (y, row) in data.chunks_mut(width_px).take(height as usize).enumerate() {
        for (x, pixel) in row.iter_mut().enumerate() {
            let wave = ((x + n * 3) / 8 + (y + n) / 8) % 2;
            *pixel = (60 + 100 * wave + (x * 40) / width_px) as u8;
        }
    }
    Frame::packed(
        PixelFormat::I420,
        width,
        height,
        Color::default(),
        at,
        data.into(),
    )
    .unwrap()
}

/// Says that the test of this thread is skipped, and why, past the test runner, which keeps to itself what
/// passing tests say.
pub(crate) fn skipped(why: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    // A closed stderr leaves nobody to tell.
    drop(writeln!(std::io::stderr(), "SKIPPED {test}: {why}"));
}

pub(crate) fn ffmpeg_available() -> bool {
    let found = ["ffmpeg", "ffprobe"]
        .iter()
        .all(|tool| Command::new(tool).arg("-version").output().is_ok());
    if !found {
        skipped("no ffmpeg on this machine");
    }
    found
}

pub(crate) fn ffmpeg(arguments: &[&str]) {
    let mut all = vec!["-v", "error", "-nostdin", "-y"];
    all.extend(arguments);
    output("ffmpeg", &all);
}

pub(crate) fn ffprobe(arguments: &[&str]) -> String {
    let mut all = vec!["-v", "error"];
    all.extend(arguments);
    output("ffprobe", &all)
}

pub(crate) fn output(tool: &str, arguments: &[&str]) -> String {
    let output = Command::new(tool).args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{tool} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
