//! The live program: sources, compositor, mixer and encoders, ticking into the hub.
//!
//! [`Program::start`] runs a document; [`Program::set_collection`] swaps it; [`Program::go_live`]
//! gives it a [`media::Writer`] to fill. Pictures are made at `epoch + n × frame` on one thread,
//! sound in blocks on another, and video is encoded on a third; none of them waits for anyone.
//!
//! This crate knows no window, no network, no async runtime, and keeps nothing.

mod encode;
mod outlet;
mod picture;
mod sound;
pub mod source;
mod stage;
mod stats;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use media::{Clock, Frame, Writer, latest};
use parking_lot::Mutex;
use scene::{Collection, SourceId};

pub use picture::Composing;
pub use source::{State, Status};
pub use stats::Stats;

use encode::VideoEncoder;
use outlet::Outlet;
use picture::PictureDesk;
use sound::SoundDesk;
use stage::Stage;
use stats::Counters;

/// How the program is encoded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Video, in bits per second.
    pub video_bitrate: u32,
    /// The longest time between keyframes.
    pub keyframe_interval: Duration,
    /// Opus, in bits per second.
    pub opus_bitrate: u32,
    /// AAC, in bits per second.
    pub aac_bitrate: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            video_bitrate: 2_500_000,
            keyframe_interval: Duration::from_secs(2),
            opus_bitrate: 128_000,
            aac_bitrate: 128_000,
        }
    }
}

/// Why the program cannot be started or go live.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system gives no thread.
    #[error("the system gives no more threads; close other programs and try again")]
    Thread(#[source] std::io::Error),
    /// The sound encoders cannot be opened.
    #[error("the sound cannot be encoded: {0}")]
    Codec(#[from] codec::Error),
}

/// A level in dBFS, left and right; −120 is silence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// Largest sample.
    pub peak: [f32; 2],
    /// Root mean square.
    pub rms: [f32; 2],
}

impl Default for Level {
    fn default() -> Self {
        Self {
            peak: [-120.0; 2],
            rms: [-120.0; 2],
        }
    }
}

/// Levels of every strip on the program, and of the master.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Meters {
    /// By source.
    pub strips: Vec<(SourceId, Level)>,
    /// After the limiter.
    pub master: Level,
}

/// The running program. Dropping it joins its threads.
pub struct Program {
    clock: Clock,
    folder: Mutex<PathBuf>,
    stage: latest::Sender<Arc<Stage>>,
    outlet: Arc<Outlet>,
    counters: Arc<Counters>,
    broadcasts: AtomicU64,
    preview: latest::Receiver<Option<Frame>>,
    meters: latest::Receiver<Meters>,
    picture: PictureDesk,
    sound: SoundDesk,
}

impl Program {
    /// Starts to run a document. Relative paths in it start at `folder`.
    ///
    /// # Errors
    /// [`Error::Thread`]. A missing graphics adapter or device is no error here: it shows in
    /// [`composing`](Self::composing) and [`statuses`](Self::statuses).
    pub fn start(
        settings: Settings,
        collection: Arc<Collection>,
        folder: PathBuf,
        clock: Clock,
    ) -> Result<Self, Error> {
        let first = Arc::new(Stage::set(None, collection, &folder, clock));
        let (stage, staged) = latest::channel(first);
        let (preview_out, preview) = latest::channel(None);
        let (meters_out, meters) = latest::channel(Meters::default());
        let outlet = Arc::new(Outlet::default());
        let counters = Arc::new(Counters::default());
        let encoder = VideoEncoder::start(
            encode::Config {
                bitrate: settings.video_bitrate,
                keyframe_interval: settings.keyframe_interval,
            },
            clock,
            Arc::clone(&outlet),
            Arc::clone(&counters),
        )?;
        let picture = PictureDesk::start(picture::Parts {
            clock,
            stage: staged.clone(),
            outlet: Arc::clone(&outlet),
            counters: Arc::clone(&counters),
            encoder,
            preview: preview_out,
        })?;
        let sound = SoundDesk::start(
            sound::Config {
                opus_bitrate: settings.opus_bitrate,
                aac_bitrate: settings.aac_bitrate,
            },
            clock,
            staged,
            Arc::clone(&outlet),
            meters_out,
        )?;
        Ok(Self {
            clock,
            folder: Mutex::new(folder),
            stage,
            outlet,
            counters,
            broadcasts: AtomicU64::new(0),
            preview,
            meters,
            picture,
            sound,
        })
    }

    /// Runs another document, from the next tick on. What stays the same goes on running.
    pub fn set_collection(&self, collection: Arc<Collection>) {
        let folder = self.folder.lock();
        let before = Arc::clone(&self.stage.borrow());
        let after = Stage::set(Some(&before), collection, &folder, self.clock);
        drop(self.stage.send_replace(Arc::new(after)));
    }

    /// Runs a document from another folder; every source begins anew.
    pub fn open(&self, collection: Arc<Collection>, folder: PathBuf) {
        let mut current = self.folder.lock();
        *current = folder;
        let after = Stage::set(None, collection, &current, self.clock);
        drop(self.stage.send_replace(Arc::new(after)));
    }

    /// Begins to encode into a channel of the hub; its first picture is a keyframe.
    ///
    /// # Errors
    /// [`Error::Codec`] when there is no sound encoder.
    pub fn go_live(&self, writer: Writer) -> Result<(), Error> {
        let number = self.broadcasts.fetch_add(1, Ordering::Relaxed) + 1;
        self.outlet.begin(number, writer, self.sound.tracks()?);
        Ok(())
    }

    /// Ends the broadcast; its channel is gone when this returns.
    pub fn end(&self) {
        self.outlet.end();
    }

    /// Whether a broadcast is on.
    pub fn is_live(&self) -> bool {
        self.outlet.is_open()
    }

    /// Changes the title of the running broadcast.
    pub fn set_title(&self, title: &str) {
        self.outlet.set_title(title);
    }

    /// The newest composed picture: I420, canvas size, BT.709 limited.
    pub fn preview(&self) -> latest::Receiver<Option<Frame>> {
        self.preview.clone()
    }

    /// The newest levels, about 16 times a second.
    pub fn meters(&self) -> latest::Receiver<Meters> {
        self.meters.clone()
    }

    /// How each source does, in the document's order.
    pub fn statuses(&self) -> Vec<(SourceId, Status)> {
        let stage = Arc::clone(&self.stage.borrow());
        let statuses = stage.collection.sources.iter().filter_map(|s| {
            let status = stage.sources.get(&s.id)?.status();
            Some((s.id.clone(), status))
        });
        statuses.collect()
    }

    /// Figures; the means are those since the last call.
    pub fn stats(&self) -> Stats {
        self.counters.read()
    }

    /// The name of the encoder; `None` before the first broadcast.
    pub fn encoder(&self) -> Option<&'static str> {
        *self.counters.encoder.lock()
    }

    /// What composes, or why nothing does.
    pub fn composing(&self) -> Composing {
        self.picture.composing()
    }
}
