//! What the encoders and decoders cost, in milliseconds of processor time: `cargo run -p klieg-codec --example
//! encode_cost [width height]`. The pictures are in motion, with texture and grain: harder than most programs.
//! The calm ones stand still but for a box.

use std::time::Duration;

use cpu_time::ThreadTime;
use klieg_codec::{decode, encode};
use media::{Color, Frame, Packet, PixelFormat, SAMPLE_RATE, Samples, Timestamp, TrackId};

const PICTURES: usize = 150;
const TILE: usize = 1024;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1).map(|a| a.parse::<u32>());
    let width = arguments.next().transpose()?.unwrap_or(1280);
    let height = arguments.next().transpose()?.unwrap_or(720);
    let tile = tile();
    let frames: Vec<Frame> = (0..PICTURES)
        .map(|n| picture(&tile, n, width, height))
        .collect::<Result<_, _>>()?;
    println!("{PICTURES} pictures of {width}×{height}");

    let calm: Vec<Frame> = (0..PICTURES)
        .map(|n| still(&frames[0], n))
        .collect::<Result<_, _>>()?;
    let mut stream = None;
    for (name, frames, bitrate) in [
        ("moving", &frames, 1_000_000),
        ("moving", &frames, 2_500_000),
        ("moving", &frames, 4_500_000),
        ("calm", &calm, 2_500_000),
    ] {
        let config = encode::video::Config {
            width,
            height,
            fps: 30,
            bitrate,
            keyframe_interval: Duration::from_secs(2),
        };
        let mut encoder = encode::video::open(config, TrackId(0))?;
        let began = ThreadTime::now();
        let mut packets = Vec::new();
        for frame in frames {
            packets.extend(encoder.encode(frame)?);
        }
        let spent = began.elapsed();
        let bits: usize = packets.iter().map(|p| p.data.len() * 8).sum();
        let rate = bits as f64 * 30.0 / PICTURES as f64 / 1e6;
        let wanted = f64::from(bitrate) / 1e6;
        println!(
            "encode {wanted:.1} Mbps   {}, {name} (made {rate:.2} Mbps)",
            per_picture(spent)
        );
        if bitrate == 2_500_000 && name == "moving" {
            stream = encoder.config().map(|config| (config, packets));
        }
    }
    if let Some((config, packets)) = stream {
        decode_all(&config, &packets)?;
    }

    let began = ThreadTime::now();
    let mut file = bytes::Bytes::new();
    for frame in &frames {
        file = encode::picture::jpeg(frame, 960, 540, 70)?;
    }
    println!(
        "JPEG 960×540      {} ({} kB)",
        per_picture(began.elapsed()),
        file.len() / 1000
    );
    let whole = encode::picture::jpeg(&frames[0], width, height, 80)?;
    let began = ThreadTime::now();
    for _ in 0..PICTURES {
        decode::picture::jpeg(&whole, Timestamp::ZERO)?;
    }
    println!("MJPEG to I420     {}", per_picture(began.elapsed()));

    for mut encoder in [
        encode::audio::opus(TrackId(1), encode::audio::BITRATE)?,
        encode::audio::aac(TrackId(2), encode::audio::BITRATE)?,
    ] {
        let began = ThreadTime::now();
        for n in 0..500i64 {
            encoder.encode(&tone(n))?;
        }
        let spent = began.elapsed().as_secs_f64() * 1000.0 / 10.0;
        println!(
            "{:<5}             {spent:.2} ms per second of sound",
            encoder.config().codec()
        );
    }
    Ok(())
}

fn decode_all(config: &media::Config, packets: &[Packet]) -> anyhow::Result<()> {
    let mut decoder = decode::video::open(config)?;
    let began = ThreadTime::now();
    for packet in packets {
        decoder.decode(packet)?;
    }
    println!("decode 2.5 Mbps   {}", per_picture(began.elapsed()));
    Ok(())
}

fn per_picture(spent: Duration) -> String {
    format!(
        "{:.2} ms per picture",
        spent.as_secs_f64() * 1000.0 / PICTURES as f64
    )
}

/// The same picture with a box at another place.
fn still(first: &Frame, n: usize) -> Result<Frame, media::FrameError> {
    let (width, height) = (first.width(), first.height());
    let mut data: Vec<u8> = first
        .planes()
        .iter()
        .flat_map(|p| p.data.to_vec())
        .collect();
    let left = n * 3 % (width as usize - 100);
    for row in data.chunks_mut(width as usize).skip(50).take(100) {
        row[left..left + 100].fill(200);
    }
    let at = Timestamp::from_ticks(n as i64, 30);
    Frame::packed(
        PixelFormat::I420,
        width,
        height,
        Color::default(),
        at,
        data.into(),
    )
}

fn tone(n: i64) -> Samples {
    let mut samples = Samples::silence(Timestamp::from_ticks(n * 960, SAMPLE_RATE), 960);
    for (i, pair) in samples.data.chunks_mut(2).enumerate() {
        let at = (n * 960) as f32 + i as f32;
        pair.fill((at * 0.05).sin() * 0.3 + (at * 0.31).sin() * 0.1);
    }
    samples
}

fn tile() -> Vec<u8> {
    let mut tile = vec![0; TILE * TILE];
    for (y, row) in tile.chunks_mut(TILE).enumerate() {
        for (x, pixel) in row.iter_mut().enumerate() {
            let (fx, fy) = (x as f32 * 0.006_135_9, y as f32 * 0.006_135_9);
            let waves = (fx * 5.0 + (fy * 3.0).sin()).sin() * 50.0 + (fy * 11.0).cos() * 30.0;
            let mut grain = ((x / 3) * 374_761_393 + (y / 3) * 668_265_263) as u32;
            grain = (grain ^ (grain >> 13)).wrapping_mul(1_274_126_177);
            *pixel = (126.0 + waves + (grain >> 28) as f32).clamp(16.0, 235.0) as u8;
        }
    }
    tile
}

fn picture(tile: &[u8], n: usize, width: u32, height: u32) -> Result<Frame, media::FrameError> {
    let mut data = vec![0; Frame::packed_len(PixelFormat::I420, width, height)];
    let mut rest = &mut data[..];
    for plane in 0..3 {
        let (row, rows) = PixelFormat::I420.plane_size(plane, width, height);
        let (lines, after) = rest.split_at_mut(row * rows);
        rest = after;
        let (dx, dy) = if plane == 0 {
            (n * 4, n * 2)
        } else {
            (n * 2 + 77 * plane, n)
        };
        for (y, line) in lines.chunks_mut(row).enumerate() {
            let from = &tile[(y + dy) % TILE * TILE..][..TILE];
            let grain = &tile[(y * 7 + n * 131) % TILE * TILE..][..TILE];
            for (x, pixel) in line.iter_mut().enumerate() {
                *pixel = from[(x + dx) % TILE] + (grain[(x * 5 + n * 17) % TILE] & 1);
            }
        }
    }
    let at = Timestamp::from_ticks(n as i64, 30);
    Frame::packed(
        PixelFormat::I420,
        width,
        height,
        Color::default(),
        at,
        data.into(),
    )
}
