//! The mixer's thread: sound of the sources in, one mix, Opus and AAC to the hub.

mod voices;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use media::{Clock, SAMPLE_RATE, Samples, Timestamp, Track, latest};
use mixer::{Mixer, Strip, Timing};
use parking_lot::Mutex;
use scene::{SourceId, SourceKind};

use crate::attention::Attention;
use crate::outlet::Outlet;
use crate::source::Stinger;
use crate::stage::Stage;
use crate::{Error, Level, Meters};
use voices::Voices;

/// Sample frames mixed at a time: 10 ms.
const BLOCK: usize = 480;

/// How far behind the clock the mix is made, so that devices have had time to deliver. It costs no
/// sync: packets carry the time at which the sound was made.
const DELAY: Duration = Duration::from_millis(50);

/// Blocks between two readings of the meters: 60 ms, or about 16 a second.
const METER_BLOCKS: u64 = 6;

/// How sound is encoded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Config {
    pub(crate) opus_bitrate: u32,
    pub(crate) aac_bitrate: u32,
}

/// The mixer's thread. Dropping it ends and joins the thread.
pub(crate) struct SoundDesk {
    stop: Arc<AtomicBool>,
    attention: Arc<Attention>,
    thread: Option<JoinHandle<()>>,
    config: Arc<Mutex<Config>>,
}

impl SoundDesk {
    pub(crate) fn start(
        config: Config,
        clock: Clock,
        stage: latest::Receiver<Arc<Stage>>,
        outlet: Arc<Outlet>,
        attention: Arc<Attention>,
        meters: latest::Sender<Meters>,
    ) -> Result<Self, Error> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let config = Arc::new(Mutex::new(config));
        let mut desk = Desk {
            config: Arc::clone(&config),
            clock,
            stage,
            outlet,
            attention: Arc::clone(&attention),
            meters,
            mixer: Mixer::new(),
            voices: None,
            pulled: Vec::new(),
        };
        let thread = std::thread::Builder::new()
            .name("mixer".into())
            .spawn(move || desk.run(&stopped))
            .map_err(Error::Thread)?;
        Ok(Self {
            stop,
            attention,
            thread: Some(thread),
            config,
        })
    }

    /// How the sound of the next broadcast is encoded.
    pub(crate) fn set_config(&self, config: Config) {
        *self.config.lock() = config;
    }

    /// The sound tracks that a broadcast will have, so many of them beside the mix.
    pub(crate) fn tracks(&self, beside: usize) -> Result<Vec<Track>, codec::Error> {
        voices::tracks(*self.config.lock(), beside)
    }
}

impl Drop for SoundDesk {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.attention.ring();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the mixer's thread had panicked");
        }
    }
}

/// The strip of a stinger's sound; no source of a document is called so.
const STINGER: &str = "\u{0}stinger";

fn stinger(stage: &Stage, now: Timestamp) -> Option<&Arc<Stinger>> {
    stage.running(now)?.stinger.as_ref()
}

/// In dB, what a fade takes away; what is not heard is far below silence.
fn faded(loudness: f32) -> f32 {
    20.0 * loudness.max(1e-6).log10()
}

struct Desk {
    config: Arc<Mutex<Config>>,
    clock: Clock,
    stage: latest::Receiver<Arc<Stage>>,
    outlet: Arc<Outlet>,
    attention: Arc<Attention>,
    meters: latest::Sender<Meters>,
    mixer: Mixer,
    voices: Option<Voices>,
    pulled: Vec<Samples>,
}

impl Desk {
    fn run(&mut self, stop: &AtomicBool) {
        // Blocks are counted from the epoch, so that sound stands on the same grid as the picture.
        let block_at = |n: i64| Timestamp::from_ticks(n * BLOCK as i64, SAMPLE_RATE);
        let mut n = self.clock.now().ticks(SAMPLE_RATE) / BLOCK as i64;
        while !stop.load(Ordering::Acquire) {
            if !self.attention.is_paid(self.clock.now()) {
                let stopped = || stop.load(Ordering::Acquire);
                self.attention.rest(self.clock.now(), stopped);
                n = self.wake();
                continue;
            }
            let start = block_at(n);
            self.clock.sleep_until(block_at(n + 1) + DELAY);
            self.block(start);
            if (n as u64).is_multiple_of(METER_BLOCKS) {
                self.read_meters();
            }
            n += 1;
        }
    }

    /// Begins anew after a rest, at the block that is due: what has been heard meanwhile is past.
    fn wake(&mut self) -> i64 {
        let now = self.clock.now();
        let stage = Arc::clone(&self.stage.borrow());
        for id in stage.audible(now) {
            if let Some(source) = stage.sources.get(id) {
                source.sound(now, 0, &mut self.pulled);
            }
        }
        self.pulled.clear();
        self.mixer = Mixer::new();
        now.ticks(SAMPLE_RATE) / BLOCK as i64
    }

    fn block(&mut self, start: Timestamp) {
        let stage = Arc::clone(&self.stage.borrow());
        self.set_strips(&stage, start);
        for id in stage.audible(start) {
            if let Some(source) = stage.sources.get(id) {
                source.sound(start, BLOCK, &mut self.pulled);
                for samples in self.pulled.drain(..) {
                    self.mixer.push(id.as_str(), samples);
                }
            }
        }
        if let Some(stinger) = stinger(&stage, start) {
            stinger.sound(start, BLOCK, &mut self.pulled);
            for samples in self.pulled.drain(..) {
                self.mixer.push(STINGER, samples);
            }
        }
        let mut outcome = self.prepare(&stage);
        let mixed = self.mixer.mix(start, BLOCK);
        if let Some(voices) = &mut self.voices {
            outcome =
                outcome.and_then(|()| voices.encode(&mixed.samples, &self.mixer, &self.outlet));
        }
        if let Err(error) = outcome {
            tracing::error!(%error, "a block of sound could not be encoded");
            self.voices = None;
        }
        self.mixer.recycle(mixed.samples);
    }

    fn set_strips(&mut self, stage: &Stage, start: Timestamp) {
        let mut keys: BTreeSet<&str> = stage.audible(start).map(SourceId::as_str).collect();
        if stinger(stage, start).is_some() {
            keys.insert(STINGER);
            self.mixer.set_strip(STINGER, Strip::default());
            self.mixer.set_timing(STINGER, Timing::Exact);
        }
        let gone = self.mixer.keys().filter(|key| !keys.contains(key));
        let gone: Vec<String> = gone.map(str::to_owned).collect();
        for key in gone {
            self.mixer.remove(&key);
        }
        for id in stage.audible(start) {
            // The scene before may have shown what the document no longer has.
            if let Some(source) = stage.collection.source(id) {
                let scene::Audio {
                    gain_db,
                    muted,
                    pan,
                    tracks,
                } = source.audio;
                self.mixer.set_strip(
                    id.as_str(),
                    Strip {
                        gain_db: gain_db + faded(stage.loudness(id, start)),
                        muted,
                        pan,
                    },
                );
                self.mixer.set_sends(id.as_str(), tracks.bits());
                let timing = match source.kind {
                    SourceKind::Microphone { .. } => Timing::Live,
                    // It comes over a network, from another clock.
                    SourceKind::Channel { .. } | SourceKind::Remote { .. } => Timing::Auto,
                    _ => Timing::Exact,
                };
                self.mixer.set_timing(id.as_str(), timing);
            }
        }
        self.mixer.set_master_gain(stage.collection.master_gain_db);
    }

    /// Has encoders for what is on, and buses for its tracks beside the mix. A track that has come stays until
    /// the broadcast ends: a recording goes on in another file whenever one comes.
    fn prepare(&mut self, stage: &Stage) -> Result<(), codec::Error> {
        let Some(broadcast) = self.outlet.number() else {
            self.voices = None;
            self.mixer.set_buses(0);
            return Ok(());
        };
        let config = *self.config.lock();
        let voices = match self.voices.take().filter(|v| v.broadcast == broadcast) {
            Some(voices) => voices,
            None => Voices::open(broadcast, config, self.outlet.beside())?,
        };
        let voices = self.voices.insert(voices);
        voices.grow(
            stage.collection.sound_tracks().count(),
            config,
            &self.outlet,
        );
        self.mixer.set_buses(voices.beside());
        Ok(())
    }

    fn read_meters(&mut self) {
        let read = self.mixer.meters();
        let level = |l: mixer::Level| Level {
            peak: l.peak,
            rms: l.rms,
        };
        self.meters.send_replace(Meters {
            strips: read
                .strips
                .into_iter()
                .filter(|(key, _)| key != STINGER)
                .map(|(key, l)| (SourceId::new(key), level(l)))
                .collect(),
            master: level(read.master),
        });
    }
}
