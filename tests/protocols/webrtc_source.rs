//! A channel for WebRTC: a picture that moves from dark to bright and back, and a steady tone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use codec::encode::{audio, video};
use klieg_tests::eventually;
use media::{
    Channel, ChannelInfo, ChannelName, Clock, Color, Frame, Hub, Origin, PixelFormat, Samples,
    Timestamp, Track, TrackId,
};

/// Pixels across and down.
pub(crate) const SIZE: (u32, u32) = (640, 360);
/// Pictures per second.
pub(crate) const FPS: u32 = 30;
/// The tone's amplitude.
pub(crate) const AMPLITUDE: f32 = 0.25;

const VIDEO: TrackId = TrackId(0);
const AUDIO: TrackId = TrackId(1);

/// A live channel, until it is dropped.
#[derive(Debug)]
pub(crate) struct Signal {
    channel: Arc<Channel>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    keyframes: AtomicU64,
    aim: AtomicU32,
}

impl Signal {
    /// What the picture has, in bits per second, where nothing holds it back.
    pub(crate) const FULL: u32 = 1_000_000;

    /// Goes live, in real time. Keyframes come only when asked for, after the first.
    pub(crate) fn start(clock: Clock) -> Self {
        Self::with(clock, frame)
    }

    /// Goes live with pictures that fill what they have, which is as much as the narrowest path carries.
    pub(crate) fn following(clock: Clock) -> Self {
        Self::with(clock, noise)
    }

    fn with(clock: Clock, frame: fn(i64, Timestamp) -> Frame) -> Self {
        let hub = Hub::new(1);
        let info = ChannelInfo {
            origin: Origin::Program,
            title: "Signal".into(),
        };
        let mut writer = hub
            .publish(ChannelName::program(), info, clock.now())
            .expect("an empty hub");
        let channel = Arc::clone(writer.channel());
        let shared = Arc::<Shared>::default();
        let seen = Arc::clone(&shared);
        let run = move || {
            let config = video::Config {
                width: SIZE.0,
                height: SIZE.1,
                fps: FPS,
                bitrate: Self::FULL,
                keyframe_interval: Duration::from_secs(600),
            };
            let mut picture = video::open(config, VIDEO).expect("an H.264 encoder");
            let mut sound = audio::opus(AUDIO, 96_000).expect("an Opus encoder");
            let start = clock.now();
            for n in 0_i64.. {
                let at = start + Timestamp::from_ticks(n, FPS).since(Timestamp::ZERO);
                clock.sleep_until(at);
                if seen.stop.load(Ordering::Acquire) {
                    return;
                }
                let signals = writer.signals(at);
                if n > 0 && signals.keyframe {
                    picture.request_keyframe();
                }
                let carried = signals.bandwidth.map_or(Self::FULL, |b| b as u32);
                let aim = carried.clamp(Self::FULL / 10, Self::FULL);
                if seen.aim.swap(aim, Ordering::AcqRel) != aim {
                    picture.set_bitrate(aim).expect("a bitrate in range");
                }
                let packet = picture.encode(&frame(n, at)).expect("a picture");
                if n == 0 {
                    let track = |id, config, bitrate| Track {
                        id,
                        config,
                        bitrate,
                    };
                    let config = picture.config().expect("after a packet");
                    let sound = track(AUDIO, sound.config(), 96_000);
                    writer.set_tracks(vec![track(VIDEO, config, Self::FULL), sound]);
                }
                if let Some(packet) = packet {
                    seen.keyframes
                        .fetch_add(u64::from(packet.keyframe), Ordering::Relaxed);
                    writer.write(packet);
                }
                for packet in sound.encode(&samples(n, at)).expect("sound") {
                    writer.write(packet);
                }
            }
        };
        let thread = std::thread::Builder::new().name("signal".into()).spawn(run);
        Self {
            channel,
            shared,
            thread: Some(thread.expect("a thread")),
        }
    }

    /// What it writes.
    pub(crate) fn channel(&self) -> Arc<Channel> {
        Arc::clone(&self.channel)
    }

    /// Keyframes written so far.
    pub(crate) fn keyframes(&self) -> u64 {
        self.shared.keyframes.load(Ordering::Relaxed)
    }
}

impl Signal {
    /// What the picture aims at now, in bits per second.
    pub(crate) fn aim(&self) -> u32 {
        self.shared.aim.load(Ordering::Acquire)
    }

    /// Waits until the picture aims at so much.
    pub(crate) fn aims_at(&self, bitrate: u32) {
        let bound = Duration::from_secs(20);
        eventually("the picture's aim", bound, || {
            (self.aim() == bitrate).then_some(())
        });
    }
}

impl Drop for Signal {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            // Its panic has been printed, and what it fed is missed by the test.
            drop(thread.join());
        }
    }
}

/// Brightness that goes up and down once in two seconds, with a bar that moves across.
fn frame(n: i64, at: Timestamp) -> Frame {
    let (width, height) = (SIZE.0 as usize, SIZE.1 as usize);
    let mut data = vec![128; Frame::packed_len(PixelFormat::I420, SIZE.0, SIZE.1)];
    let step = (n % 60) as u8;
    let level = 40 + if step < 30 { step } else { 60 - step } * 5;
    data[..width * height].fill(level);
    let bar = n as usize * 4 % (width - 32);
    for row in data[..width * height].chunks_mut(width) {
        row[bar..bar + 32].fill(235);
    }
    Frame::packed(
        PixelFormat::I420,
        SIZE.0,
        SIZE.1,
        Color::default(),
        at,
        Bytes::from(data),
    )
    .expect("a whole frame")
}

/// Another pattern in each picture, which no encoder can foresee.
fn noise(n: i64, at: Timestamp) -> Frame {
    let mut data = vec![128; Frame::packed_len(PixelFormat::I420, SIZE.0, SIZE.1)];
    let mut state = n as u32 | 1;
    let cells = (SIZE.0 as usize).div_ceil(16);
    let mut row_of_cells = vec![0; cells];
    for (y, row) in data
        .chunks_mut(SIZE.0 as usize)
        .take(SIZE.1 as usize)
        .enumerate()
    {
        if y % 16 == 0 {
            for cell in &mut row_of_cells {
                // Marsaglia's xorshift.
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                *cell = 64 + (state % 128) as u8;
            }
        }
        for (x, value) in row.iter_mut().enumerate() {
            *value = row_of_cells[x / 16];
        }
    }
    Frame::packed(
        PixelFormat::I420,
        SIZE.0,
        SIZE.1,
        Color::default(),
        at,
        Bytes::from(data),
    )
    .expect("a whole frame")
}

/// One picture's worth of 500 Hz.
fn samples(n: i64, at: Timestamp) -> Samples {
    let count = i64::from(media::SAMPLE_RATE / FPS);
    let mut samples = Samples::silence(at, count as usize);
    for (i, pair) in (n * count..).zip(samples.data.chunks_mut(2)) {
        let phase = (i % 96) as f32 / 96.0;
        pair.fill(AMPLITUDE * (phase * std::f32::consts::TAU).sin());
    }
    samples
}
