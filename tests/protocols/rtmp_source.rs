//! A channel that looks and sounds like something: dark moving bars and silence, and at the start
//! of every second a tenth of a second of white with a beep.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use codec::encode::{audio, video};
use media::{
    Channel, ChannelInfo, ChannelName, Clock, Color, Frame, Hub, Origin, PixelFormat, Samples,
    Timestamp, Track, TrackId, Writer,
};

/// Pixels across and down.
pub(crate) const SIZE: (u32, u32) = (320, 180);
/// Pictures per second.
pub(crate) const FPS: u32 = 30;
/// The beep's amplitude.
pub(crate) const AMPLITUDE: f32 = 0.5;

const VIDEO: TrackId = TrackId(0);
const AUDIO: TrackId = TrackId(1);

/// What the signal holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts {
    pub(crate) picture: bool,
    pub(crate) sound: bool,
}

/// Picture and sound.
pub(crate) const BOTH: Parts = Parts {
    picture: true,
    sound: true,
};

/// A live channel, until it is dropped.
#[derive(Debug)]
pub(crate) struct Signal {
    channel: Arc<Channel>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Signal {
    /// Goes live, in real time.
    pub(crate) fn start(clock: Clock, parts: Parts) -> Self {
        let hub = Hub::new(1);
        let info = ChannelInfo {
            origin: Origin::Program,
            title: "Signal".into(),
        };
        let writer = hub
            .publish(ChannelName::program(), info, clock.now())
            .expect("an empty hub");
        let channel = Arc::clone(writer.channel());
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("signal".into())
            .spawn(move || run(writer, clock, parts, &stopped))
            .expect("a thread");
        Self {
            channel,
            stop,
            thread: Some(thread),
        }
    }

    /// What it writes.
    pub(crate) fn channel(&self) -> Arc<Channel> {
        Arc::clone(&self.channel)
    }
}

impl Drop for Signal {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            // Its panic has been printed, and what it fed is missed by the test.
            drop(thread.join());
        }
    }
}

fn run(mut writer: Writer, clock: Clock, parts: Parts, stop: &AtomicBool) {
    let config = video::Config {
        width: SIZE.0,
        height: SIZE.1,
        fps: FPS,
        bitrate: 500_000,
        keyframe_interval: Duration::from_secs(2),
    };
    let mut picture = video::open(config, VIDEO).expect("an H.264 encoder");
    let mut sound = audio::aac(AUDIO, 128_000).expect("an AAC encoder");
    let start = clock.now();
    let mut announced = false;
    for n in 0_i64.. {
        let at = start + Timestamp::from_ticks(n, FPS).since(Timestamp::ZERO);
        clock.sleep_until(at);
        if stop.load(Ordering::Acquire) {
            return;
        }
        if parts.picture && writer.signals(at).keyframe {
            picture.request_keyframe();
        }
        let packet = match parts.picture {
            true => picture.encode(&frame(n, at)).expect("a picture"),
            false => None,
        };
        if !announced {
            announced = true;
            writer.set_tracks(tracks(&*picture, &*sound, parts));
        }
        if let Some(packet) = packet {
            writer.write(packet);
        }
        if parts.sound {
            for packet in sound.encode(&samples(n, at)).expect("sound") {
                writer.write(packet);
            }
        }
    }
}

fn tracks(picture: &dyn video::Encoder, sound: &dyn audio::Encoder, parts: Parts) -> Vec<Track> {
    let mut tracks = Vec::new();
    if let Some(config) = picture.config().filter(|_| parts.picture) {
        tracks.push(Track {
            id: VIDEO,
            config,
            bitrate: 500_000,
        });
    }
    if parts.sound {
        tracks.push(Track {
            id: AUDIO,
            config: sound.config(),
            bitrate: 128_000,
        });
    }
    tracks
}

fn frame(n: i64, at: Timestamp) -> Frame {
    let (width, height) = (SIZE.0 as usize, SIZE.1 as usize);
    let mut data = vec![128; Frame::packed_len(PixelFormat::I420, SIZE.0, SIZE.1)];
    let flash = n % i64::from(FPS) < 3;
    for (y, row) in data[..width * height].chunks_mut(width).enumerate() {
        for (x, luma) in row.iter_mut().enumerate() {
            let bar = (x + y + n as usize * 2) / 16 % 4;
            *luma = if flash { 235 } else { 20 + bar as u8 * 12 };
        }
    }
    let color = Color::default();
    Frame::packed(
        PixelFormat::I420,
        SIZE.0,
        SIZE.1,
        color,
        at,
        Bytes::from(data),
    )
    .expect("a whole frame")
}

/// One picture's worth.
fn samples(n: i64, at: Timestamp) -> Samples {
    let count = (media::SAMPLE_RATE / FPS) as usize;
    let mut samples = Samples::silence(at, count);
    for (i, pair) in samples.data.chunks_mut(2).enumerate() {
        let position = (n * count as i64 + i as i64) % i64::from(media::SAMPLE_RATE);
        if position < 4_800 {
            let phase = position as f32 / media::SAMPLE_RATE as f32 * 1_000.0;
            pair.fill(AMPLITUDE * (phase * std::f32::consts::TAU).sin());
        }
    }
    samples
}
