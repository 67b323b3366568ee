//! The live program: sources, compositor, mixer and encoders, ticking into the hub.
//!
//! [`Program::start`] runs a document; [`Program::set_collection`] swaps it; [`Program::go_live`]
//! gives it a [`media::Writer`] to fill. Pictures are made at `epoch + n × frame` on one thread,
//! sound in blocks on another, and video is encoded on a third; none of them waits for anyone.
//!
//! This crate knows no window, no network, no async runtime, and keeps nothing.

mod attention;
mod encode;
mod files;
mod outlet;
mod picture;
mod rendition;
mod sound;
pub mod source;
mod stage;
mod stats;
mod trial;
mod views;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use media::{Clock, Frame, Hub, Writer, latest};
use parking_lot::Mutex;
use scene::{Collection, SceneId, SourceId};

pub use picture::{Composing, Rehearsal};
pub use rendition::{Encoded, Rendered, Rendition};
pub use source::channel::fetched;
pub use source::{Feeds, Line, Operation, Playback, State, Status, Wanted};
pub use stats::Stats;
pub use trial::{Cost, Trial, TrialError, Wish};
pub use views::{SCENES_FPS, View};

use attention::{Attention, LINGER};
use encode::{Of, VideoEncoder};
use files::Shelf;
use outlet::Outlet;
use picture::PictureDesk;
use sound::SoundDesk;
use source::{Ground, SwitchTo};
use stage::{Desk, Stage, Switch};
use stats::Counters;
use views::Views;

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

impl Settings {
    fn picture(&self) -> encode::Config {
        encode::Config {
            bitrate: self.video_bitrate,
            keyframe_interval: self.keyframe_interval,
            lines: None,
        }
    }

    fn sound(&self) -> sound::Config {
        sound::Config {
            opus_bitrate: self.opus_bitrate,
            aac_bitrate: self.aac_bitrate,
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
    /// A rendition has no channel.
    #[error("the rendition has no channel: {0}")]
    Hub(#[from] media::HubError),
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
    hub: Hub,
    feeds: Arc<Feeds>,
    switch: SwitchTo,
    folder: Mutex<PathBuf>,
    stage: latest::Sender<Arc<Stage>>,
    outlet: Arc<Outlet>,
    counters: Arc<Counters>,
    broadcasts: AtomicU64,
    attention: Arc<Attention>,
    preview: latest::Sender<Option<Frame>>,
    meters: latest::Receiver<Meters>,
    encoding: Arc<Mutex<encode::Config>>,
    views: Arc<Views>,
    shelf: Shelf,
    picture: PictureDesk,
    sound: SoundDesk,
}

impl Program {
    /// Starts to run a document. Relative paths in it start at `folder`, guests and other channels
    /// are read from `hub`.
    ///
    /// # Errors
    /// [`Error::Thread`]. A missing graphics adapter or device is no error here: it shows in
    /// [`composing`](Self::composing) and [`statuses`](Self::statuses).
    pub fn start(
        settings: Settings,
        collection: Arc<Collection>,
        folder: PathBuf,
        hub: Hub,
        clock: Clock,
    ) -> Result<Self, Error> {
        Self::with_linger(settings, collection, folder, hub, clock, LINGER)
    }

    /// As [`start`](Self::start); the program goes on for `linger` after the last look.
    fn with_linger(
        settings: Settings,
        collection: Arc<Collection>,
        folder: PathBuf,
        hub: Hub,
        clock: Clock,
        linger: Duration,
    ) -> Result<Self, Error> {
        let (feeds, switch) = (Arc::default(), SwitchTo::default());
        let ground = Ground {
            folder: &folder,
            hub: &hub,
            clock,
            feeds: &feeds,
            switch: &switch,
        };
        let shelf = Shelf::start()?;
        shelf.want(&collection, &folder);
        let desk = Desk::default();
        let first = Stage::set(None, collection, desk, Switch::AtOnce, ground);
        let first = Arc::new(first);
        let views = Views::new();
        let (stage, staged) = latest::channel(first);
        let preview = latest::channel(None).0;
        let (meters_out, meters) = latest::channel(Meters::default());
        let outlet = Arc::new(Outlet::default());
        let counters = Arc::new(Counters::default());
        let attention = Arc::new(Attention::new(
            Arc::clone(&outlet),
            Arc::clone(&views),
            preview.clone(),
            linger,
            clock.now(),
        ));
        let encoder = VideoEncoder::start(
            Of::Program,
            settings.picture(),
            clock,
            Arc::clone(&outlet),
            Arc::clone(&counters),
        )?;
        let encoding = encoder.config();
        let picture = PictureDesk::start(picture::Parts {
            clock,
            stage: staged.clone(),
            outlet: Arc::clone(&outlet),
            counters: Arc::clone(&counters),
            encoder,
            attention: Arc::clone(&attention),
            preview: preview.clone(),
            views: Arc::clone(&views),
            files: shelf.reader(),
        })?;
        let sound = SoundDesk::start(
            settings.sound(),
            clock,
            staged,
            Arc::clone(&outlet),
            Arc::clone(&attention),
            meters_out,
        )?;
        Ok(Self {
            clock,
            hub,
            feeds,
            switch,
            folder: Mutex::new(folder),
            stage,
            outlet,
            counters,
            broadcasts: AtomicU64::new(0),
            attention,
            preview,
            meters,
            encoding,
            views,
            shelf,
            picture,
            sound,
        })
    }

    /// Encodes otherwise: the picture from its next one on, the sound from the next broadcast on.
    pub fn set_encoding(&self, settings: Settings) {
        *self.encoding.lock() = settings.picture();
        let keyframes = settings.keyframe_interval;
        self.outlet.renditions().set_keyframe_interval(keyframes);
        self.sound.set_config(settings.sound());
    }

    /// Runs another document, from the next tick on. What stays the same goes on running; another scene
    /// on the program comes by its transition.
    pub fn set_collection(&self, collection: Arc<Collection>) {
        self.set_stage(Some(collection), Switch::Transition, |_| {});
    }

    /// Puts a scene on the preview beside the program, or ends studio mode.
    pub fn set_preview(&self, scene: Option<SceneId>) {
        self.set_stage(None, Switch::Transition, |desk| {
            *desk = Desk {
                preview: scene,
                hand: None,
            };
        });
    }

    /// Holds the transition from the program to the preview by hand, 0 to 1; `None` lets go of it.
    pub fn set_hand(&self, far: Option<f32>) {
        self.set_stage(None, Switch::Transition, |desk| desk.hand = far);
    }

    /// Runs a document whose scene on the program was brought in by hand, and puts another on the
    /// preview.
    pub fn take_by_hand(&self, collection: Arc<Collection>, preview: Option<SceneId>) {
        self.set_stage(Some(collection), Switch::AtOnce, |desk| {
            *desk = Desk {
                preview,
                hand: None,
            };
        });
    }

    /// The scene on the preview; `None` outside of studio mode.
    pub fn preview_scene(&self) -> Option<SceneId> {
        self.stage.borrow().desk.preview.clone()
    }

    /// How far a hand holds the transition to the preview.
    pub fn hand(&self) -> Option<f32> {
        self.stage.borrow().desk.hand
    }

    /// Begins to look at something beside the program; it is made as long as somebody holds this.
    pub fn look(&self, view: View) -> latest::Receiver<Option<Frame>> {
        let looking = self.views.look(view);
        self.attention.ring();
        looking
    }

    /// Files of filters and transitions that cannot be used, for people.
    pub fn file_problems(&self) -> Vec<String> {
        let stage = Arc::clone(&self.stage.borrow());
        let mut problems = self.shelf.problems();
        problems.extend(stage.stinger_problems());
        problems
    }

    /// Runs a document from another folder; every source begins anew.
    pub fn open(&self, collection: Arc<Collection>, folder: PathBuf) {
        let mut current = self.folder.lock();
        *current = folder;
        self.shelf.want(&collection, &current);
        let ground = self.ground(&current);
        let after = Stage::set(None, collection, Desk::default(), Switch::AtOnce, ground);
        drop(self.stage.send_replace(Arc::new(after)));
    }

    fn set_stage(
        &self,
        collection: Option<Arc<Collection>>,
        switch: Switch,
        change: impl FnOnce(&mut Desk),
    ) {
        let folder = self.folder.lock();
        let before = Arc::clone(&self.stage.borrow());
        let collection = collection.unwrap_or_else(|| Arc::clone(&before.collection));
        self.shelf.want(&collection, &folder);
        let mut desk = before.desk.clone();
        change(&mut desk);
        // A scene that is gone is on no preview.
        desk.preview = desk.preview.filter(|id| collection.scene(id).is_some());
        let after = Stage::set(
            Some(&before),
            collection,
            desk,
            switch,
            self.ground(&folder),
        );
        drop(self.stage.send_replace(Arc::new(after)));
    }

    fn ground<'a>(&'a self, folder: &'a Path) -> Ground<'a> {
        Ground {
            folder,
            hub: &self.hub,
            clock: self.clock,
            feeds: &self.feeds,
            switch: &self.switch,
        }
    }

    /// Begins to encode into a channel of the hub; its first picture is a keyframe.
    ///
    /// # Errors
    /// [`Error::Codec`] when there is no sound encoder.
    pub fn go_live(&self, writer: Writer) -> Result<(), Error> {
        let number = self.broadcasts.fetch_add(1, Ordering::Relaxed) + 1;
        let beside = self.stage.borrow().collection.sound_tracks().count();
        let sound = self.sound.tracks(beside)?;
        self.outlet.begin(number, writer, sound);
        self.attention.ring();
        Ok(())
    }

    /// The broadcast once more with a picture of its own size and bitrate, for as long as this is held and the
    /// broadcast is on; `None` while none is. It costs another encoder while somebody reads its channel, on a
    /// thread of its own, and nothing while nobody does.
    ///
    /// # Errors
    /// [`Error::Thread`], [`Error::Hub`].
    pub fn rendition(&self, wanted: Rendition) -> Result<Option<Rendered>, Error> {
        let config = encode::Config {
            bitrate: wanted.bitrate,
            lines: Some(wanted.lines),
            ..*self.encoding.lock()
        };
        Rendered::start(&self.outlet, config, self.clock)
    }

    /// Notes that somebody sees the program, hears it, or asks how it does. Off the air, with no
    /// [`preview`](Self::preview) and no [`look`](Self::look) held, it goes on for ten seconds from the
    /// last such note, and then rests: nothing is composed, mixed or decoded until the next.
    pub fn attend(&self) {
        self.attention.attend(self.clock.now());
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

    /// The newest composed picture: I420, canvas size, BT.709 limited. Pictures are made as long as
    /// somebody holds this.
    pub fn preview(&self) -> latest::Receiver<Option<Frame>> {
        let looking = self.preview.subscribe();
        self.attention.ring();
        looking
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

    /// Pixels across and down of the newest picture of each source that was shown.
    pub fn sizes(&self) -> BTreeMap<SourceId, (u32, u32)> {
        self.picture.sizes()
    }

    /// Where the station hands in who watches and what is said.
    pub fn feeds(&self) -> &Arc<Feeds> {
        &self.feeds
    }

    /// The scene that a countdown wants on the program; latest wins.
    pub fn wanted_scene(&self) -> latest::Receiver<Wanted> {
        self.switch.receiver()
    }

    /// The newest picture of the first source on the program that is wanted.
    pub fn picture_of(&self, wanted: impl Fn(&scene::SourceKind) -> bool) -> Option<Frame> {
        let stage = Arc::clone(&self.stage.borrow());
        let found = stage.collection.sources.iter().find(|s| wanted(&s.kind))?;
        let source = stage.sources.get(&found.id)?;
        let running = source.status().state == State::Running;
        running.then(|| source.picture(self.clock.now())).flatten()
    }

    /// Plays, pauses or moves a source that plays; false when there is none, or it is none that plays.
    pub fn operate(&self, id: &SourceId, operation: Operation) -> bool {
        let stage = Arc::clone(&self.stage.borrow());
        let source = stage.sources.get(id);
        source.is_some_and(|source| source.operate(operation, self.clock.now()))
    }

    /// Figures; the means are those since the last call.
    pub fn stats(&self) -> Stats {
        self.counters.read()
    }

    /// How long pictures take from their tick to their packet in the hub, counted by size.
    pub fn latencies(&self) -> Arc<media::Histogram> {
        Arc::clone(&self.counters.latencies)
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
