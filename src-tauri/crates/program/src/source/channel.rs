//! A channel of the station as a source: a guest, or anybody else who publishes here.
//!
//! The hub is read as any viewer reads it, on a thread of the source's own, and only while the program
//! shows it: nothing is decoded for nobody. The newest picture wins; sound goes to the mixer, moved so
//! that it stays in step with the picture (`step`). Whoever leaves is replaced by a placeholder, and
//! taken up again when they come back.

mod intake;
mod step;

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use media::{
    Channel, ChannelName, Clock, Frame, Hub, Next, Reader, Samples, Start, Timestamp, Want,
};
use parking_lot::{Condvar, Mutex};

use scene::SourceId;

use super::{Showing, Source, State, Status, placeholder_for};
use intake::{Intake, Made};

/// What is read: the publisher's own tracks. Sound in another codec is made for others.
const WANT: Want = Want {
    h264: true,
    opus: true,
    aac: true,
    twins: false,
    beside: false,
};

/// Packets that may wait for the thread: a group of [`FRESH`] and as much again as a busy moment takes.
const CAPACITY: usize = 384;

/// A group of pictures that began this recently is decoded from its start, to have a picture at once.
/// An older one costs more time than a keyframe that is asked for.
const FRESH: Duration = Duration::from_millis(2500);

/// How often the hub is looked at for a channel that is not there, and the reader for the source's end.
const LOOK: Duration = Duration::from_millis(100);

/// A channel from which nothing comes for so long shows no frozen picture any more.
const SILENCE: Duration = Duration::from_secs(3);

/// A channel without a picture for so long shows the placeholder: until then it is about to come.
const PATIENCE: Duration = Duration::from_secs(1);

/// Blocks of sound that wait for the mixer at most, which takes them every 10 ms.
const SOUNDS: usize = 100;

/// Pictures that wait for their time at most: publishers over a WebSocket send several at once.
const FRAMES: usize = 30;

/// A channel that is decoded while it is shown.
pub(super) struct ChannelSource {
    name: String,
    channel: Result<ChannelName, String>,
    hub: Hub,
    clock: Clock,
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    placeholder: Mutex<Option<(String, Frame)>>,
}

#[derive(Default)]
struct Shared {
    deck: Mutex<Deck>,
    changed: Condvar,
}

/// What the decoding thread and the program's threads share.
#[derive(Default)]
struct Deck {
    shown: bool,
    stop: bool,
    /// Decoded, stamped with the time at which they are due.
    frames: VecDeque<Frame>,
    sounds: VecDeque<Samples>,
    showing: Option<Frame>,
    status: Status,
    /// Since when the channel has been looked at without a picture.
    blank: Option<Timestamp>,
}

/// Where a channel that is fetched from elsewhere for a source is written: a name that no publisher gets.
pub fn fetched(source: &SourceId) -> ChannelName {
    let kept = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let name: String = source.as_str().chars().map(kept).collect();
    // Long identities are told apart by their ends, which is where the random part of ours is.
    let from = name.len().saturating_sub(64 - ChannelName::FETCHED.len());
    let name = format!("{}{}", ChannelName::FETCHED, &name[from..]);
    name.parse().unwrap_or_else(|_| ChannelName::program())
}

pub(super) fn channel(name: &str, channel: &str, hub: Hub, clock: Clock) -> ChannelSource {
    let parsed = channel.parse::<ChannelName>().map_err(|e| e.to_string());
    let parsed = parsed.and_then(|parsed| {
        if parsed == ChannelName::program() {
            return Err("the program cannot show itself; choose another channel".into());
        }
        Ok(parsed)
    });
    ChannelSource {
        name: name.to_owned(),
        channel: parsed,
        hub,
        clock,
        shared: Arc::default(),
        thread: Mutex::default(),
        placeholder: Mutex::default(),
    }
}

impl Source for ChannelSource {
    fn picture(&self, at: Timestamp) -> Option<Frame> {
        let mut deck = self.shared.deck.lock();
        if let Some(frame) = deck.picture(at) {
            return Some(frame);
        }
        let reason = deck.missing(at)?;
        drop(deck);
        placeholder_for(&self.placeholder, &self.name, &reason, at)
    }

    fn sound(&self, _start: Timestamp, _frames: usize, out: &mut Vec<Samples>) {
        out.extend(self.shared.deck.lock().sounds.drain(..));
    }

    fn show(&self, showing: Showing, now: Timestamp) {
        let shown = showing.anywhere();
        let mut deck = self.shared.deck.lock();
        if shown == deck.shown {
            return;
        }
        deck.shown = shown;
        match &self.channel {
            Err(reason) => deck.status = Status::failed(reason.clone()),
            Ok(_) => deck.begin(shown, now),
        }
        drop(deck);
        self.shared.changed.notify_all();
        if let (true, Ok(channel)) = (shown, &self.channel) {
            self.start(channel.clone());
        }
    }

    fn status(&self) -> Status {
        self.shared.deck.lock().status.clone()
    }
}

impl ChannelSource {
    fn start(&self, channel: ChannelName) {
        let mut thread = self.thread.lock();
        if thread.is_some() {
            return;
        }
        let viewer = Viewer {
            channel,
            hub: self.hub.clone(),
            clock: self.clock,
            shared: Arc::clone(&self.shared),
        };
        let named = std::thread::Builder::new().name("guest".into());
        match named.spawn(move || viewer.run()) {
            Ok(handle) => *thread = Some(handle),
            Err(error) => {
                self.shared.deck.lock().status =
                    Status::failed(format!("The system gives no thread to decode it: {error}"));
            }
        }
    }
}

impl Drop for ChannelSource {
    fn drop(&mut self) {
        self.shared.deck.lock().stop = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            tracing::error!(source = self.name, "a guest's thread had panicked");
        }
    }
}

impl Deck {
    /// Empty, because it comes on or goes off the program.
    fn begin(&mut self, shown: bool, now: Timestamp) {
        self.clear(now);
        self.status = if shown {
            Status {
                state: State::Starting,
                ..Status::default()
            }
        } else {
            Status::idle()
        };
    }

    fn clear(&mut self, now: Timestamp) {
        self.frames.clear();
        self.sounds.clear();
        self.showing = None;
        self.blank = Some(now);
    }

    /// The newest picture that is due; none while the channel is not there.
    fn picture(&mut self, at: Timestamp) -> Option<Frame> {
        if self.status.state != State::Running {
            return None;
        }
        while let Some(frame) = self.frames.front()
            && frame.timestamp() <= at
        {
            self.showing = self.frames.pop_front();
        }
        self.showing.clone()
    }

    /// What the placeholder says; none while a picture is about to come.
    fn missing(&self, at: Timestamp) -> Option<String> {
        match self.status.state {
            State::Idle => None,
            State::Lost | State::Failed => Some(self.status.message.clone().unwrap_or_default()),
            State::Starting | State::Running => {
                let waited = self.blank.map_or(Duration::ZERO, |blank| at.since(blank));
                let soundly = self
                    .status
                    .detail
                    .as_deref()
                    .is_some_and(|d| !d.contains('×'));
                let words = if soundly {
                    "sound only"
                } else {
                    "connecting…"
                };
                (waited >= PATIENCE).then(|| words.to_owned())
            }
        }
    }

    /// Takes what was made of a packet. What is not fetched in time is replaced by what is newer.
    fn take(&mut self, made: Made) {
        match made {
            Made::Nothing => return,
            Made::Pictures(frames) => {
                self.frames.extend(frames);
                let old = self.frames.len().saturating_sub(FRAMES);
                drop(self.frames.drain(..old));
            }
            Made::Sound(samples) => {
                self.sounds.push_back(samples);
                if self.sounds.len() > SOUNDS {
                    self.sounds.pop_front();
                }
            }
        }
        if self.status.state != State::Running {
            self.status.state = State::Running;
            self.status.message = None;
        }
    }

    fn lose(&mut self, message: String, now: Timestamp) {
        if self.status.state != State::Lost {
            self.clear(now);
        }
        self.status = Status::lost(message);
    }
}

/// The thread's side.
struct Viewer {
    channel: ChannelName,
    hub: Hub,
    clock: Clock,
    shared: Arc<Shared>,
}

impl Viewer {
    fn run(&self) {
        while self.until_shown() {
            match self.hub.on_stage(&self.channel) {
                Some(channel) => self.follow(&channel),
                None => self.look_again(),
            }
        }
    }

    /// Waits until the program shows it; false when the source is gone.
    fn until_shown(&self) -> bool {
        let mut deck = self.shared.deck.lock();
        while !deck.stop && !deck.shown {
            self.shared.changed.wait(&mut deck);
        }
        !deck.stop
    }

    fn wanted(&self) -> bool {
        let deck = self.shared.deck.lock();
        deck.shown && !deck.stop
    }

    fn look_again(&self) {
        let waits = self.hub.held().iter().any(|c| *c.name() == self.channel);
        let words = if waits {
            "waits to be let in"
        } else {
            "not connected; comes back by itself"
        };
        let mut deck = self.shared.deck.lock();
        if deck.shown {
            deck.lose(words.to_owned(), self.clock.now());
        }
        // Whether it was woken or the time passed, the caller looks again.
        self.shared.changed.wait_for(&mut deck, LOOK);
    }

    /// Decodes the channel until it ends, or nobody is shown it any more.
    fn follow(&self, channel: &Arc<Channel>) {
        let mut reader = join(channel, self.clock.now());
        let mut intake = Intake::new(self.clock.now());
        tracing::debug!(channel = %self.channel, "a scene shows it");
        while self.wanted() {
            let next = reader.next_blocking(LOOK);
            let now = self.clock.now();
            let Some(next) = next else {
                if intake.silent(now) >= SILENCE {
                    let words = "nothing comes from it; waiting".to_owned();
                    self.shared.deck.lock().lose(words, now);
                }
                continue;
            };
            if next == Next::End {
                break;
            }
            let made = intake.take(next, reader.queued(), now);
            if intake.is_behind() {
                intake.leave_out(reader.queued(), now);
                channel.request_keyframe();
                reader = channel.read(WANT, Start::Next, CAPACITY);
            }
            if intake.wants_keyframe(now) {
                channel.request_keyframe();
            }
            self.hand_over(&intake, made);
        }
    }

    fn hand_over(&self, intake: &Intake, made: Made) {
        let mut deck = self.shared.deck.lock();
        if !deck.shown {
            return;
        }
        if let Some(problem) = intake.problem() {
            deck.status = Status::failed(problem.to_owned());
            return;
        }
        deck.take(made);
        if deck.status.detail.as_deref() != Some(intake.detail()) {
            deck.status.detail = Some(intake.detail().to_owned());
        }
    }
}

/// A reader that has a picture soon: from a group that is fresh, or from a keyframe that is asked for.
fn join(channel: &Arc<Channel>, now: Timestamp) -> Reader {
    let fresh = channel
        .newest_keyframe()
        .is_some_and(|at| now.since(at) < FRESH);
    if fresh {
        channel.read(WANT, Start::Group, CAPACITY)
    } else {
        channel.request_keyframe();
        channel.read(WANT, Start::Next, CAPACITY)
    }
}

#[cfg(test)]
mod tests;
