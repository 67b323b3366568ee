//! A channel on its way to many RTMP servers at once, paced as a broadcast is.
//!
//! - `destinations send COUNT SECONDS`: a channel of 4.5 Mbps to so many; prints the CPU time that this process
//!   took of one core, what was lost, and how its memory grew from the middle to the end.
//! - `destinations count`: the servers, in a process of their own: prints the port they listen on, and for
//!   each publisher that has left how many pictures it sent.
//!
//! Each prints lines of JSON.
#![allow(
    clippy::disallowed_methods,
    reason = "this is a measurement: it reads the clocks that the program may not"
)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use cpu_time::ProcessTime;
use media::{
    ChannelInfo, ChannelName, Clock, Config, Hub, Origin, Packet, Timestamp, Track, TrackId, Writer,
};
use outputs::{Destination, State, Target};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use wire::rtmp::chunk::kind;

const VIDEO: TrackId = TrackId(0);
const AUDIO: TrackId = TrackId(1);
/// Pictures a second, and between keyframes.
const FPS: u32 = 30;
const GROUP: u32 = 60;
/// 4.372 Mbps of picture and 128 kbps of sound: a keyframe is ten times as large as another picture.
const KEYFRAME: usize = 158_000;
const PICTURE: usize = 15_850;
const SOUND: usize = 341;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |n: usize| -> Result<u32> {
        let text = args.get(n).context("an argument is missing")?;
        text.parse().with_context(|| format!("{text} is no number"))
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    match args.first().map(String::as_str) {
        Some("count") => runtime.block_on(count()),
        Some("send") => send(&runtime, number(1)?, number(2)?),
        _ => bail!("destinations send COUNT SECONDS, or destinations count"),
    }
}

/// Lets everybody publish, and counts.
async fn count() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    say(&json!({ "port": listener.local_addr()?.port() }))?;
    loop {
        let (mut stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            let mut pictures = 0;
            // Whoever leaves is only one who leaves.
            drop(look(&mut stream, &mut pictures).await);
            say(&json!({ "pictures": pictures }))
        });
    }
}

async fn look(stream: &mut TcpStream, pictures: &mut u32) -> Result<()> {
    let mut reader = klieg_tests::welcome(stream).await?;
    let mut bytes = vec![0; 64 << 10];
    loop {
        while let Some(message) = reader.read()? {
            // The sequence header aside.
            let picture = message.kind == kind::VIDEO && message.data.get(1) == Some(&1);
            *pictures += u32::from(picture);
        }
        let read = stream.read(&mut bytes).await?;
        if read == 0 {
            return Ok(());
        }
        reader.feed(bytes.get(..read).unwrap_or_default());
    }
}

fn say(line: &Value) -> Result<()> {
    writeln!(std::io::stdout(), "{line}").context("nobody listens")
}

/// The counting servers.
struct Servers {
    process: Child,
    said: BufReader<std::process::ChildStdout>,
}

impl Servers {
    fn start() -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg("count")
            .stdout(Stdio::piped())
            .spawn()?;
        let said = process.stdout.take().context("its output")?;
        let said = BufReader::new(said);
        Ok(Self { process, said })
    }

    fn hear(&mut self, key: &str) -> Result<u64> {
        let mut line = String::new();
        self.said.read_line(&mut line)?;
        let line: Value = serde_json::from_str(&line)?;
        line[key]
            .as_u64()
            .with_context(|| format!("no {key}: {line}"))
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        // Gone already is as good.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn send(runtime: &Runtime, count: u32, seconds: u32) -> Result<()> {
    let mut servers = Servers::start()?;
    let port = servers.hear("port")?;
    let clock = Clock::start();
    let mut channel = Paced::open(clock)?;
    let destinations: Vec<Destination> = (0..count)
        .map(|n| {
            let target = Target::Rtmp {
                url: format!("rtmp://127.0.0.1:{port}/live"),
                key: n.to_string(),
            };
            let channel = Arc::clone(channel.writer.channel());
            Destination::start(target, channel, clock, runtime.handle())
        })
        .collect();
    for destination in &destinations {
        let mut state = destination.state();
        runtime.block_on(async {
            let live = state.wait_for(|s| matches!(s, State::Live { .. }));
            tokio::time::timeout(Duration::from_secs(20), live).await
        })??;
    }
    let (cpu, wall) = (ProcessTime::now(), Instant::now());
    channel.run(seconds.div_ceil(2) * FPS);
    let middle = resident()?;
    channel.run(seconds / 2 * FPS);
    let grown = resident()? - middle;
    let share = cpu.elapsed().as_secs_f64() / wall.elapsed().as_secs_f64();
    let written = u64::from(channel.pictures);
    let bits = channel.bytes as f64 * 8.0 / wall.elapsed().as_secs_f64();
    // The end of the channel lets out what is held back to be put in order.
    drop(channel);
    let mut lost = 0;
    for _ in 0..count {
        lost += written.saturating_sub(servers.hear("pictures")?);
    }
    drop(destinations);
    say(&json!({
        "cpu": share,
        "bits_per_second": bits,
        "pictures": written,
        "lost": lost,
        "grown_mb": grown / 1e6,
    }))
}

/// A channel whose packets come when they would in a broadcast.
struct Paced {
    writer: Writer,
    began: Instant,
    pictures: u32,
    sounds: u32,
    bytes: u64,
}

impl Paced {
    fn open(clock: Clock) -> Result<Self> {
        let info = ChannelInfo {
            origin: Origin::Program,
            title: String::new(),
        };
        let mut writer = Hub::new(1).publish(ChannelName::program(), info, clock.now())?;
        writer.set_tracks(vec![
            Track {
                id: VIDEO,
                config: Config::H264 {
                    sps: Bytes::from_static(&[
                        0x67, 0x42, 0xc0, 0x1f, 0xd9, 0x00, 0x50, 0x05, 0xbb, 0x01, 0x10, 0x00,
                        0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0xc0, 0xf1, 0x83, 0x24,
                        0x80,
                    ]),
                    pps: Bytes::from_static(&[0x68, 0xcb, 0x83, 0xcb, 0x20]),
                    width: 1280,
                    height: 720,
                    fps_millis: FPS * 1_000,
                },
                bitrate: 4_372_000,
            },
            Track {
                id: AUDIO,
                config: Config::Aac {
                    asc: Bytes::from_static(&[0x11, 0x90]),
                    sample_rate: 48_000,
                    channels: 2,
                },
                bitrate: 128_000,
            },
        ]);
        Ok(Self {
            writer,
            began: Instant::now(),
            pictures: 0,
            sounds: 0,
            bytes: 0,
        })
    }

    /// Writes so many pictures, and the sound beside them, at their times.
    fn run(&mut self, pictures: u32) {
        if self.pictures == 0 {
            self.began = Instant::now();
        }
        for _ in 0..pictures {
            let at = Duration::from_secs(1) * self.pictures / FPS;
            std::thread::sleep(at.saturating_sub(self.began.elapsed()));
            let keyframe = self.pictures.is_multiple_of(GROUP);
            self.write(
                VIDEO,
                at,
                keyframe,
                if keyframe { KEYFRAME } else { PICTURE },
            );
            self.pictures += 1;
            loop {
                let sound = Duration::from_nanos(1_024_000_000_000 / 48_000) * self.sounds;
                if sound > at {
                    break;
                }
                self.write(AUDIO, sound, true, SOUND);
                self.sounds += 1;
            }
        }
    }

    fn write(&mut self, track: TrackId, at: Duration, keyframe: bool, bytes: usize) {
        let at = Timestamp::ZERO + at;
        self.bytes += bytes as u64;
        self.writer.write(Packet {
            track,
            pts: at,
            dts: at,
            keyframe,
            // As long as an encoder's picture, and as new.
            data: Bytes::from(vec![0x41; bytes]),
        });
    }
}

/// Bytes of memory that this process holds.
fn resident() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
    let number = line.and_then(|l| l.split_whitespace().next());
    Ok(number.context("VmRSS")?.parse::<f64>()? * 1024.0)
}
