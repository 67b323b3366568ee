//! The mixer's thread: sound of the sources in, one mix, Opus and AAC to the hub.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use codec::encode::audio::{self, Encoder};
use media::{Clock, SAMPLE_RATE, Samples, Timestamp, Track, latest};
use mixer::{Mixer, Strip, Timing};
use scene::{SourceId, SourceKind};

use crate::outlet::{AAC, OPUS, Outlet};
use crate::stage::Stage;
use crate::{Error, Level, Meters};

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
    thread: Option<JoinHandle<()>>,
    config: Config,
}

impl SoundDesk {
    pub(crate) fn start(
        config: Config,
        clock: Clock,
        stage: latest::Receiver<Arc<Stage>>,
        outlet: Arc<Outlet>,
        meters: latest::Sender<Meters>,
    ) -> Result<Self, Error> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let mut desk = Desk {
            config,
            clock,
            stage,
            outlet,
            meters,
            mixer: Mixer::new(),
            encoders: None,
            pulled: Vec::new(),
        };
        let thread = std::thread::Builder::new()
            .name("mixer".into())
            .spawn(move || desk.run(&stopped))
            .map_err(Error::Thread)?;
        Ok(Self {
            stop,
            thread: Some(thread),
            config,
        })
    }

    /// The sound tracks that a broadcast will have.
    pub(crate) fn tracks(&self) -> Result<Vec<Track>, codec::Error> {
        let Config {
            opus_bitrate,
            aac_bitrate,
        } = self.config;
        let opus = audio::opus(OPUS, opus_bitrate)?;
        let mut tracks = vec![Track {
            id: OPUS,
            config: opus.config(),
            bitrate: opus_bitrate,
        }];
        match audio::aac(AAC, aac_bitrate) {
            Ok(aac) => tracks.push(Track {
                id: AAC,
                config: aac.config(),
                bitrate: aac_bitrate,
            }),
            Err(error) => tracing::warn!(%error, "no AAC: HLS and RTMP go without sound"),
        }
        Ok(tracks)
    }
}

impl Drop for SoundDesk {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the mixer's thread had panicked");
        }
    }
}

struct Desk {
    config: Config,
    clock: Clock,
    stage: latest::Receiver<Arc<Stage>>,
    outlet: Arc<Outlet>,
    meters: latest::Sender<Meters>,
    mixer: Mixer,
    encoders: Option<(u64, Vec<Box<dyn Encoder>>)>,
    pulled: Vec<Samples>,
}

impl Desk {
    fn run(&mut self, stop: &AtomicBool) {
        // Blocks are counted from the epoch, so that sound stands on the same grid as the picture.
        let block_at = |n: i64| Timestamp::from_ticks(n * BLOCK as i64, SAMPLE_RATE);
        let mut n = self.clock.now().ticks(SAMPLE_RATE) / BLOCK as i64;
        while !stop.load(Ordering::Acquire) {
            let start = block_at(n);
            self.clock.sleep_until(block_at(n + 1) + DELAY);
            self.block(start);
            if (n as u64).is_multiple_of(METER_BLOCKS) {
                self.read_meters();
            }
            n += 1;
        }
    }

    fn block(&mut self, start: Timestamp) {
        let stage = Arc::clone(&self.stage.borrow());
        self.set_strips(&stage);
        for id in &stage.audible {
            if let Some(source) = stage.sources.get(id) {
                source.sound(start, BLOCK, &mut self.pulled);
                for samples in self.pulled.drain(..) {
                    self.mixer.push(id.as_str(), samples);
                }
            }
        }
        let mixed = self.mixer.mix(start, BLOCK);
        if let Err(error) = self.encode(&mixed.samples) {
            tracing::error!(%error, "a block of sound could not be encoded");
            self.encoders = None;
        }
        self.mixer.recycle(mixed.samples);
    }

    fn set_strips(&mut self, stage: &Stage) {
        let keys: BTreeSet<&str> = stage.audible.iter().map(SourceId::as_str).collect();
        let gone = self.mixer.keys().filter(|key| !keys.contains(key));
        let gone: Vec<String> = gone.map(str::to_owned).collect();
        for key in gone {
            self.mixer.remove(&key);
        }
        for id in &stage.audible {
            if let Some(source) = stage.collection.source(id) {
                let scene::Audio {
                    gain_db,
                    muted,
                    pan,
                } = source.audio;
                self.mixer.set_strip(
                    id.as_str(),
                    Strip {
                        gain_db,
                        muted,
                        pan,
                    },
                );
                let timing = match source.kind {
                    SourceKind::Microphone { .. } => Timing::Live,
                    _ => Timing::Exact,
                };
                self.mixer.set_timing(id.as_str(), timing);
            }
        }
        self.mixer.set_master_gain(stage.collection.master_gain_db);
    }

    fn encode(&mut self, mix: &Samples) -> Result<(), codec::Error> {
        let Some(broadcast) = self.outlet.number() else {
            self.encoders = None;
            return Ok(());
        };
        if self.encoders.as_ref().is_none_or(|(n, _)| *n != broadcast) {
            let mut encoders = vec![audio::opus(OPUS, self.config.opus_bitrate)?];
            encoders.extend(audio::aac(AAC, self.config.aac_bitrate).ok());
            self.encoders = Some((broadcast, encoders));
        }
        if let Some((_, encoders)) = &mut self.encoders {
            for encoder in encoders {
                for packet in encoder.encode(mix)? {
                    self.outlet.write(packet);
                }
            }
        }
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
                .map(|(key, l)| (SourceId::new(key), level(l)))
                .collect(),
            master: level(read.master),
        });
    }
}
