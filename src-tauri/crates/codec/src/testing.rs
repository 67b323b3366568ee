//! What the tests of this crate share: moving pictures, tones, and how far two of them are apart.

use std::io::Write as _;
use std::process::Command;

use media::{Color, Frame, PixelFormat, SAMPLE_RATE, Samples, Timestamp};

/// A source of pictures in steady motion, with texture at every scale: neither flat nor noise.
pub(crate) struct Scenery {
    tile: Vec<u8>,
}

const TILE: usize = 512;

impl Scenery {
    pub(crate) fn new() -> Self {
        let mut tile = vec![0; TILE * TILE];
        let turn = std::f32::consts::TAU / TILE as f32;
        for (y, row) in tile.chunks_mut(TILE).enumerate() {
            for (x, pixel) in row.iter_mut().enumerate() {
                let (fx, fy) = (x as f32 * turn, y as f32 * turn);
                let waves = (fx * 5.0 + (fy * 3.0).sin()).sin() * 50.0
                    + (fy * 11.0).cos() * (fx * 7.0).sin() * 30.0;
                let mut grain = ((x / 3) * 374_761_393 + (y / 3) * 668_265_263) as u32;
                grain = (grain ^ (grain >> 13)).wrapping_mul(1_274_126_177);
                *pixel = (126.0 + waves + (grain >> 28) as f32) as u8;
            }
        }
        Self { tile }
    }

    /// Picture `n`, BT.709 limited, stamped with `at`.
    pub(crate) fn picture(&self, n: usize, width: u32, height: u32, at: Timestamp) -> Frame {
        let mut data = vec![0; Frame::packed_len(PixelFormat::I420, width, height)];
        let mut rest = &mut data[..];
        for index in 0..3 {
            let (row, rows) = PixelFormat::I420.plane_size(index, width, height);
            let (plane, after) = rest.split_at_mut(row * rows);
            rest = after;
            let (dx, dy) = if index == 0 {
                (n * 4, n * 2)
            } else {
                (n * 2 + 77 * index, n)
            };
            for (y, line) in plane.chunks_mut(row).enumerate() {
                let from = &self.tile[(y + dy) % TILE * TILE..][..TILE];
                // Film grain, which no motion vector follows.
                let grain = &self.tile[(y * 7 + n * 131) % TILE * TILE..][..TILE];
                for (x, pixel) in line.iter_mut().enumerate() {
                    let grain = grain[(x * 5 + n * 17) % TILE] & 3;
                    *pixel = (from[(x + dx) % TILE] + grain).clamp(16, 235);
                }
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
}

/// When picture `n` of `fps` pictures per second is shown, as the program's ticks have it.
pub(crate) fn tick(n: usize, fps: u32) -> Timestamp {
    Timestamp::from_ticks(n as i64, fps)
}

/// Peak signal to noise of the first plane, in dB; 99 when they are the same.
pub(crate) fn psnr(a: &Frame, b: &Frame) -> f64 {
    assert_eq!((a.width(), a.height()), (b.width(), b.height()));
    let (row, rows) = a.format().plane_size(0, a.width(), a.height());
    let (a, b) = (&a.planes()[0], &b.planes()[0]);
    let lines = a
        .data
        .chunks(a.stride)
        .zip(b.data.chunks(b.stride))
        .take(rows);
    let sum: u64 = lines
        .map(|(a, b)| {
            let pairs = a[..row].iter().zip(&b[..row]);
            pairs
                .map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2))
                .sum::<u64>()
        })
        .sum();
    if sum == 0 {
        return 99.0;
    }
    10.0 * (255.0f64.powi(2) * (row * rows) as f64 / sum as f64).log10()
}

/// A stereo sine, the right channel at half the level, from sample frame `from` on.
pub(crate) fn sine(hz: f32, level: f32, start: Timestamp, from: usize, frames: usize) -> Samples {
    let data = (from..from + frames)
        .flat_map(|n| {
            let turns = f64::from(hz) * n as f64 / f64::from(SAMPLE_RATE);
            let value = (turns * std::f64::consts::TAU).sin() as f32 * level;
            [value, value / 2.0]
        })
        .collect();
    Samples {
        timestamp: start.offset(Timestamp::from_ticks(from as i64, SAMPLE_RATE).nanos()),
        rate: SAMPLE_RATE,
        channels: 2,
        data,
    }
}

/// One channel of interleaved sound.
pub(crate) fn channel(data: &[f32], channels: u16, which: usize) -> Vec<f32> {
    data.iter()
        .skip(which)
        .step_by(usize::from(channels))
        .copied()
        .collect()
}

/// Level and frequency of a steady tone: effective value × √2, and upward crossings of zero per second.
pub(crate) fn tone(data: &[f32], rate: u32) -> (f32, f32) {
    let energy: f64 = data.iter().map(|&s| f64::from(s).powi(2)).sum();
    let level = (2.0 * energy / data.len() as f64).sqrt() as f32;
    let crossings: Vec<f32> = data
        .windows(2)
        .enumerate()
        .filter(|(_, w)| w[0] < 0.0 && w[1] >= 0.0)
        .map(|(i, w)| i as f32 + w[0] / (w[0] - w[1]))
        .collect();
    let hz = match (crossings.first(), crossings.last()) {
        (Some(first), Some(last)) if last > first => {
            (crossings.len() - 1) as f32 * rate as f32 / (last - first)
        }
        _ => 0.0,
    };
    (level, hz)
}

/// Says that the test of this thread is skipped, and why, past the test runner, which keeps to itself what
/// passing tests say.
fn skipped(why: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    // A closed stderr leaves nobody to tell.
    drop(writeln!(std::io::stderr(), "SKIPPED {test}: {why}"));
}

/// Runs FFmpeg; false, loudly, where there is none.
pub(crate) fn ffmpeg(arguments: &[&str]) -> bool {
    let run = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-y"])
        .args(arguments)
        .output();
    match run {
        Ok(output) if output.status.success() => true,
        Ok(output) => panic!("ffmpeg: {}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => {
            skipped(&format!("no ffmpeg on this machine ({error})"));
            false
        }
    }
}

/// Numbers without pattern, the same every time.
pub(crate) struct Noise(pub(crate) u32);

impl Noise {
    pub(crate) fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0 >> 8
    }
}
