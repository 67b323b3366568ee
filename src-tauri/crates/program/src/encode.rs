//! The video encoder's thread: pictures in, packets to the hub.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use codec::encode::video::{self, Encoder};
use codec::scale::Scaler;
use media::{Clock, Frame, Timestamp, Track};
use parking_lot::Mutex;

use crate::Error;
use crate::outlet::{Outlet, VIDEO};
use crate::stats::Counters;

/// Pictures that may wait for the encoder. One more, and it is skipped and counted: a longer queue
/// would only add delay.
const WAITING: usize = 2;

/// However little a path carries, pictures keep this part of what they were meant to have: below it there
/// is nothing to see, and whoever gets that little is better served with fewer pictures.
const LEAST: u32 = 10;

/// How the picture is encoded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Config {
    pub(crate) bitrate: u32,
    pub(crate) keyframe_interval: Duration,
    /// At most so many lines; all of them when absent.
    pub(crate) lines: Option<u32>,
}

impl Config {
    /// The same at what the narrowest path carries, in bits per second of picture.
    fn carried(self, bandwidth: Option<u64>) -> Self {
        let carried = bandwidth.map_or(u32::MAX, |b| u32::try_from(b).unwrap_or(u32::MAX));
        Self {
            bitrate: carried.clamp(self.bitrate / LEAST, self.bitrate),
            ..self
        }
    }
}

/// A picture to encode, and the rate at which they come.
#[derive(Debug)]
struct Job {
    frame: Frame,
    fps: u32,
}

/// Where pictures go in.
#[derive(Clone, Debug)]
pub(crate) struct Inlet {
    jobs: SyncSender<Job>,
    counters: Arc<Counters>,
}

impl Inlet {
    /// Hands a picture over; skips and counts it when the encoder is too busy.
    pub(crate) fn submit(&self, frame: Frame, fps: u32) {
        if let Err(TrySendError::Full(_)) = self.jobs.try_send(Job { frame, fps }) {
            self.counters.skipped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Whose pictures are encoded, which is also what its thread is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    /// Those of the program: all the time that it is on.
    Program,
    /// Those of a rendition: while somebody reads it.
    Rendition,
}

/// The encoder's thread. Dropping it ends and joins the thread.
#[derive(Debug)]
pub(crate) struct VideoEncoder {
    inlet: Option<Inlet>,
    thread: Option<JoinHandle<()>>,
    config: Arc<Mutex<Config>>,
}

impl VideoEncoder {
    pub(crate) fn start(
        of: Of,
        config: Config,
        clock: Clock,
        outlet: Arc<Outlet>,
        counters: Arc<Counters>,
    ) -> Result<Self, Error> {
        let (jobs, inbox) = sync_channel(WAITING);
        let config = Arc::new(Mutex::new(config));
        let mut worker = Worker {
            of,
            config: Arc::clone(&config),
            clock,
            outlet,
            counters: Arc::clone(&counters),
            scaler: Scaler::default(),
            session: None,
        };
        let name = match of {
            Of::Program => "video encoder",
            Of::Rendition => "rendition",
        };
        let thread = std::thread::Builder::new()
            .name(name.into())
            .spawn(move || worker.run(&inbox))
            .map_err(Error::Thread)?;
        Ok(Self {
            inlet: Some(Inlet { jobs, counters }),
            thread: Some(thread),
            config,
        })
    }

    /// Another way in. The thread ends when all of them are gone.
    pub(crate) fn inlet(&self) -> Option<Inlet> {
        self.inlet.clone()
    }

    /// How pictures are encoded: what is set here holds from the next picture on.
    pub(crate) fn config(&self) -> Arc<Mutex<Config>> {
        Arc::clone(&self.config)
    }

    /// Hands a picture over; skips and counts it when the encoder is too busy.
    pub(crate) fn submit(&self, frame: Frame, fps: u32) {
        if let Some(inlet) = &self.inlet {
            inlet.submit(frame, fps);
        }
    }
}

impl Drop for VideoEncoder {
    fn drop(&mut self) {
        drop(self.inlet.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the video encoder's thread had panicked");
        }
    }
}

struct Worker {
    of: Of,
    config: Arc<Mutex<Config>>,
    clock: Clock,
    outlet: Arc<Outlet>,
    counters: Arc<Counters>,
    scaler: Scaler,
    session: Option<Session>,
}

/// One encoder, good for one broadcast at one size and rate.
struct Session {
    broadcast: u64,
    size: (u32, u32),
    fps: u32,
    config: Config,
    encoder: Box<dyn Encoder>,
}

impl Session {
    /// Goes on with other settings, without a keyframe.
    fn adapt(&mut self, config: Config) -> Result<(), codec::Error> {
        if self.config.bitrate != config.bitrate {
            self.encoder.set_bitrate(config.bitrate)?;
        }
        if self.config.keyframe_interval != config.keyframe_interval {
            self.encoder.set_keyframe_interval(config.keyframe_interval);
        }
        self.config = config;
        Ok(())
    }
}

impl Worker {
    fn run(&mut self, inbox: &Receiver<Job>) {
        while let Ok(job) = inbox.recv() {
            let Some(broadcast) = self.outlet.number() else {
                self.session = None;
                self.counters.lowered.store(0, Ordering::Relaxed);
                continue;
            };
            if self.of == Of::Rendition && !self.outlet.is_read() {
                self.session = None;
                self.outlet.rest();
                continue;
            }
            if let Err(error) = self.encode(&job, broadcast) {
                // The next picture gets a new encoder, which begins with a keyframe.
                tracing::error!(%error, "a picture could not be encoded");
                self.session = None;
            }
        }
    }

    fn encode(&mut self, job: &Job, broadcast: u64) -> Result<(), codec::Error> {
        let began = self.clock.now();
        let signals = self.outlet.signals(began);
        let config = *self.config.lock();
        let carried = config.carried(signals.bandwidth);
        let lowered = (carried.bitrate < config.bitrate).then_some(carried.bitrate);
        self.counters
            .lowered
            .store(lowered.unwrap_or_default(), Ordering::Relaxed);
        let frame = match config.lines {
            Some(lines) => self.scaler.fit(&job.frame, lines)?,
            None => job.frame.clone(),
        };
        let session = self.session_for(&frame, job.fps, broadcast, carried)?;
        session.adapt(carried)?;
        if signals.keyframe {
            session.encoder.request_keyframe();
        }
        let Some(packet) = session.encoder.encode(&frame)? else {
            return Ok(());
        };
        if packet.keyframe
            && let Some(track) = session.encoder.config()
        {
            self.outlet.set_video(Track {
                id: VIDEO,
                config: track,
                // What it is meant to have: a track that changes begins anew for everybody.
                bitrate: config.bitrate,
            });
        }
        let tick: Timestamp = packet.pts;
        self.outlet.write(packet);
        let done = self.clock.now();
        self.counters.encode.add(done.since(began));
        self.counters.latency.add(done.since(tick));
        self.counters.latencies.add(done.since(tick));
        Ok(())
    }

    fn session_for(
        &mut self,
        frame: &Frame,
        fps: u32,
        broadcast: u64,
        config: Config,
    ) -> Result<&mut Session, codec::Error> {
        let size = (frame.width(), frame.height());
        let fits = |s: &Session| s.broadcast == broadcast && s.size == size && s.fps == fps;
        let session = match self.session.take().filter(fits) {
            Some(session) => session,
            None => {
                let opened = video::Config {
                    width: size.0,
                    height: size.1,
                    fps,
                    bitrate: config.bitrate,
                    keyframe_interval: config.keyframe_interval,
                };
                let encoder = video::open(opened, VIDEO)?;
                *self.counters.encoder.lock() = Some(encoder.name());
                Session {
                    broadcast,
                    size,
                    fps,
                    config,
                    encoder,
                }
            }
        };
        Ok(self.session.insert(session))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_is_encoded_as_the_narrowest_path_carries_it() {
        let config = Config {
            bitrate: 2_500_000,
            keyframe_interval: Duration::from_secs(2),
            lines: None,
        };
        for (bandwidth, expect) in [
            (None, 2_500_000),
            (Some(9_000_000), 2_500_000),
            (Some(1_200_000), 1_200_000),
            (Some(1_000), 250_000),
            (Some(u64::MAX), 2_500_000),
        ] {
            assert_eq!(config.carried(bandwidth).bitrate, expect, "{bandwidth:?}");
        }
    }
}
