//! The video encoder's thread: pictures in, packets to the hub.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use codec::encode::video::{self, Encoder};
use media::{Clock, Frame, Timestamp, Track};

use crate::Error;
use crate::outlet::{Outlet, VIDEO};
use crate::stats::Counters;

/// Pictures that may wait for the encoder. One more, and it is skipped and counted: a longer queue
/// would only add delay.
const WAITING: usize = 2;

/// How the picture is encoded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Config {
    pub(crate) bitrate: u32,
    pub(crate) keyframe_interval: Duration,
}

/// A picture to encode, and the rate at which they come.
struct Job {
    frame: Frame,
    fps: u32,
}

/// The encoder's thread. Dropping it ends and joins the thread.
pub(crate) struct VideoEncoder {
    jobs: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
    counters: Arc<Counters>,
}

impl VideoEncoder {
    pub(crate) fn start(
        config: Config,
        clock: Clock,
        outlet: Arc<Outlet>,
        counters: Arc<Counters>,
    ) -> Result<Self, Error> {
        let (jobs, inbox) = sync_channel(WAITING);
        let mut worker = Worker {
            config,
            clock,
            outlet,
            counters: Arc::clone(&counters),
            session: None,
        };
        let thread = std::thread::Builder::new()
            .name("video encoder".into())
            .spawn(move || worker.run(&inbox))
            .map_err(Error::Thread)?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
            counters,
        })
    }

    /// Hands a picture over; skips and counts it when the encoder is too busy.
    pub(crate) fn submit(&self, frame: Frame, fps: u32) {
        let Some(jobs) = &self.jobs else { return };
        if let Err(TrySendError::Full(_)) = jobs.try_send(Job { frame, fps }) {
            self.counters
                .skipped
                .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }
}

impl Drop for VideoEncoder {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the video encoder's thread had panicked");
        }
    }
}

struct Worker {
    config: Config,
    clock: Clock,
    outlet: Arc<Outlet>,
    counters: Arc<Counters>,
    session: Option<Session>,
}

/// One encoder, good for one broadcast at one size and rate.
struct Session {
    broadcast: u64,
    size: (u32, u32),
    fps: u32,
    encoder: Box<dyn Encoder>,
}

impl Worker {
    fn run(&mut self, inbox: &Receiver<Job>) {
        while let Ok(job) = inbox.recv() {
            let Some(broadcast) = self.outlet.number() else {
                self.session = None;
                continue;
            };
            if let Err(error) = self.encode(&job, broadcast) {
                // The next picture gets a new encoder, which begins with a keyframe.
                tracing::error!(%error, "a picture could not be encoded");
                self.session = None;
            }
        }
    }

    fn encode(&mut self, job: &Job, broadcast: u64) -> Result<(), codec::Error> {
        let began = self.clock.now();
        let wanted = self.outlet.keyframe_wanted(began);
        let bitrate = self.config.bitrate;
        let session = self.session_for(job, broadcast)?;
        if wanted {
            session.encoder.request_keyframe();
        }
        let Some(packet) = session.encoder.encode(&job.frame)? else {
            return Ok(());
        };
        if packet.keyframe
            && let Some(config) = session.encoder.config()
        {
            self.outlet.set_video(Track {
                id: VIDEO,
                config,
                bitrate,
            });
        }
        let tick: Timestamp = packet.pts;
        self.outlet.write(packet);
        let done = self.clock.now();
        self.counters.encode.add(done.since(began));
        self.counters.latency.add(done.since(tick));
        Ok(())
    }

    fn session_for(&mut self, job: &Job, broadcast: u64) -> Result<&mut Session, codec::Error> {
        let size = (job.frame.width(), job.frame.height());
        let fits = |s: &Session| s.broadcast == broadcast && s.size == size && s.fps == job.fps;
        let session = match self.session.take().filter(fits) {
            Some(session) => session,
            None => {
                let config = video::Config {
                    width: size.0,
                    height: size.1,
                    fps: job.fps,
                    bitrate: self.config.bitrate,
                    keyframe_interval: self.config.keyframe_interval,
                };
                let encoder = video::open(config, VIDEO)?;
                *self.counters.encoder.lock() = Some(encoder.name());
                Session {
                    broadcast,
                    size,
                    fps: job.fps,
                    encoder,
                }
            }
        };
        Ok(self.session.insert(session))
    }
}
