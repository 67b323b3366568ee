//! Video and audio files as sources.
//!
//! A thread of its own reads and decodes a little ahead of the clock, so that the program only
//! picks up what is due. Position 0 of the file stands at an *origin* on the clock; pausing (while
//! nothing shows the file) moves the origin, so that picture and sound stay in step.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use media::{Clock, Frame, SAMPLE_RATE, Samples, Timestamp};
use parking_lot::{Condvar, Mutex, MutexGuard};

use super::reader::{Error, Part, Reader};
use super::{Source, State, Status, placeholder_for};

/// How far decoding runs ahead of the clock.
const AHEAD: Duration = Duration::from_millis(250);

/// From the first decoded part to its time on the clock: more than the mixer's delay.
const PREROLL: Duration = Duration::from_millis(60);

/// Further behind than this, the file is shown from where it stands, instead of chasing the clock.
const BEHIND: Duration = Duration::from_secs(1);

/// How long to wait before looking for a missing file again.
const RETRY: Duration = Duration::from_secs(2);

/// A file that plays while it is shown.
pub(super) struct File {
    name: String,
    path: PathBuf,
    looped: bool,
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

/// What the playing thread and the program's threads share.
#[derive(Default)]
struct Deck {
    shown: bool,
    stop: bool,
    /// Where position 0 stands on the clock.
    origin: Option<Timestamp>,
    paused: Option<Timestamp>,
    /// Decoded ahead, stamped with their position in the file.
    frames: VecDeque<Frame>,
    sounds: VecDeque<Samples>,
    showing: Option<Frame>,
    ended: bool,
    status: Status,
}

pub(super) fn file(name: &str, path: PathBuf, looped: bool, clock: Clock) -> File {
    File {
        name: name.to_owned(),
        path,
        looped,
        clock,
        shared: Arc::default(),
        thread: Mutex::default(),
        placeholder: Mutex::default(),
    }
}

impl Source for File {
    fn picture(&self, at: Timestamp) -> Option<Frame> {
        let mut deck = self.shared.deck.lock();
        if let State::Lost | State::Failed = deck.status.state {
            let reason = deck.status.message.clone().unwrap_or_default();
            drop(deck);
            return placeholder_for(&self.placeholder, &self.name, &reason, at);
        }
        let position = deck.position(at)?;
        while let Some(frame) = deck.frames.front()
            && frame.timestamp() <= position
        {
            deck.showing = deck.frames.pop_front();
        }
        let origin = deck.origin?;
        let frame = deck.showing.clone()?;
        let shown_at = origin.offset(frame.timestamp().nanos());
        Some(frame.with_timestamp(shown_at))
    }

    fn sound(&self, start: Timestamp, frames: usize, out: &mut Vec<Samples>) {
        let mut deck = self.shared.deck.lock();
        let Some(origin) = deck.origin.filter(|_| deck.paused.is_none()) else {
            return;
        };
        let end = start + Timestamp::from_ticks(frames as i64, SAMPLE_RATE).since(Timestamp::ZERO);
        while let Some(samples) = deck.sounds.front()
            && origin.offset(samples.timestamp.nanos()) < end
        {
            out.extend(deck.sounds.pop_front().map(|mut samples| {
                samples.timestamp = origin.offset(samples.timestamp.nanos());
                samples
            }));
        }
    }

    fn show(&self, shown: bool, now: Timestamp) {
        let mut deck = self.shared.deck.lock();
        if shown == deck.shown {
            return;
        }
        deck.shown = shown;
        if shown {
            deck.resume(now);
            drop(deck);
            self.begin();
        } else {
            deck.paused = Some(now);
        }
        self.shared.changed.notify_all();
    }

    fn status(&self) -> Status {
        self.shared.deck.lock().status.clone()
    }
}

impl File {
    fn begin(&self) {
        let mut thread = self.thread.lock();
        if thread.is_some() {
            return;
        }
        let player = Player {
            path: self.path.clone(),
            looped: self.looped,
            clock: self.clock,
            shared: Arc::clone(&self.shared),
        };
        let named = std::thread::Builder::new().name("media file".into());
        match named.spawn(move || player.run()) {
            Ok(handle) => *thread = Some(handle),
            Err(error) => {
                self.shared.deck.lock().status =
                    Status::failed(format!("The system gives no thread to play it: {error}"));
            }
        }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        self.shared.deck.lock().stop = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            tracing::error!(file = self.name, "a player's thread had panicked");
        }
    }
}

impl Deck {
    /// The position in the file that is due at a time; `None` before it plays.
    fn position(&self, at: Timestamp) -> Option<Timestamp> {
        let at = self.paused.unwrap_or(at);
        let origin = self.origin?;
        Some(Timestamp::from_nanos(at.offset_from(origin)))
    }

    fn resume(&mut self, now: Timestamp) {
        if let (Some(paused), Some(origin)) = (self.paused.take(), self.origin) {
            self.origin = Some(origin + now.since(paused));
        }
    }

    fn clear(&mut self) {
        self.frames.clear();
        self.sounds.clear();
        self.origin = None;
        self.ended = false;
    }
}

/// The thread's side.
struct Player {
    path: PathBuf,
    looped: bool,
    clock: Clock,
    shared: Arc<Shared>,
}

/// Why playing paused or ended.
enum Stopped {
    /// The source is gone.
    Dropped,
    /// The file ended.
    Ended,
}

impl Player {
    fn run(&self) {
        loop {
            self.set_status(Status {
                state: State::Starting,
                ..Status::default()
            });
            let outcome = Reader::open(&self.path).and_then(|reader| self.play(reader));
            let wait = match outcome {
                Ok(Stopped::Dropped) => return,
                Ok(Stopped::Ended) => self.until_shown_again(),
                Err(error) => self.fail(&error),
            };
            if !wait {
                return;
            }
        }
    }

    fn play(&self, mut reader: Reader) -> Result<Stopped, Error> {
        self.shared.deck.lock().clear();
        self.set_status(Status {
            state: State::Running,
            message: None,
            detail: Some(reader.detail()),
        });
        // Where the current round of a loop begins.
        let mut base = Duration::ZERO;
        let mut end = Duration::ZERO;
        loop {
            let Some(part) = reader.next()? else {
                if !self.looped || end.is_zero() {
                    self.shared.deck.lock().ended = true;
                    return Ok(self.drain());
                }
                base += reader.duration().unwrap_or(end);
                end = Duration::ZERO;
                reader.rewind()?;
                continue;
            };
            end = end.max(part.end().since(Timestamp::ZERO));
            if !self.wait_for(part.start() + base) {
                return Ok(Stopped::Dropped);
            }
            self.queue(part, base);
        }
    }

    /// Waits until `position` is at most [`AHEAD`] of the clock and the file is shown; false when the
    /// source is gone.
    fn wait_for(&self, position: Timestamp) -> bool {
        let mut deck = self.shared.deck.lock();
        loop {
            if deck.stop {
                return false;
            }
            if !deck.shown {
                self.shared.changed.wait(&mut deck);
                continue;
            }
            let Some(now) = deck.position(self.clock.now()) else {
                return true;
            };
            if now.since(position) > BEHIND {
                deck.origin = Some(self.origin_for(position));
                return true;
            }
            let early = position.since(now);
            if early <= AHEAD {
                return true;
            }
            self.pause(&mut deck, early - AHEAD);
        }
    }

    fn pause(&self, deck: &mut MutexGuard<'_, Deck>, at_most: Duration) {
        // Whether it was woken or the time passed, the caller looks again.
        self.shared.changed.wait_for(deck, at_most);
    }

    fn origin_for(&self, position: Timestamp) -> Timestamp {
        (self.clock.now() + PREROLL).offset(-position.nanos())
    }

    fn queue(&self, part: Part, base: Duration) {
        let mut deck = self.shared.deck.lock();
        let start = part.start() + base;
        match part {
            Part::Picture(frame) => deck.frames.push_back(frame.with_timestamp(start)),
            Part::Sound(mut samples) => {
                samples.timestamp = start;
                deck.sounds.push_back(samples);
            }
        }
        if deck.origin.is_none() {
            deck.origin = Some(self.origin_for(start));
        }
    }

    /// Lets what is queued play out.
    fn drain(&self) -> Stopped {
        let mut deck = self.shared.deck.lock();
        loop {
            if deck.stop {
                return Stopped::Dropped;
            }
            let last = deck.frames.back().map(Frame::timestamp);
            let heard = deck.sounds.back().map(|s| s.timestamp);
            let due = deck.position(self.clock.now());
            match (last.max(heard), due) {
                (Some(end), Some(now)) if end > now => self.pause(&mut deck, end.since(now)),
                _ => return Stopped::Ended,
            }
        }
    }

    /// Waits until the file was hidden and is shown again, to play from its beginning; false when
    /// the source is gone. The last picture stays.
    fn until_shown_again(&self) -> bool {
        let mut deck = self.shared.deck.lock();
        let mut hidden = false;
        while !(deck.stop || hidden && deck.shown) {
            hidden |= !deck.shown;
            self.shared.changed.wait(&mut deck);
        }
        !deck.stop
    }

    /// Says what is wrong; waits for a missing file, and for good when it cannot be played.
    fn fail(&self, error: &Error) -> bool {
        let comes_back = matches!(error, Error::Missing { .. });
        let status = if comes_back {
            Status::lost(error.to_string())
        } else {
            Status::failed(error.to_string())
        };
        let mut deck = self.shared.deck.lock();
        if deck.status != status {
            tracing::warn!(path = %self.path.display(), %error, "a file does not play");
        }
        deck.status = status;
        if comes_back {
            self.pause(&mut deck, RETRY);
        }
        while !comes_back && !deck.stop {
            self.shared.changed.wait(&mut deck);
        }
        !deck.stop
    }

    fn set_status(&self, status: Status) {
        let mut deck = self.shared.deck.lock();
        // A missing file that is looked for again stays missing until it is found.
        if !(deck.status.state == State::Lost && status.state == State::Starting) {
            deck.status = status;
        }
    }
}

/// The path of a file as the document names it, seen from the document's folder.
pub(super) fn resolve(folder: &Path, path: &str) -> PathBuf {
    folder.join(path)
}
