//! Video and audio files as sources, one or several after each other.
//!
//! A thread of its own ([`player`]) reads and decodes a little ahead of the clock, so that the program only
//! picks up what is due from the [`deck`]. What plays stands on a *reel*: time that begins at nothing with each
//! leap and goes on over files and rounds. Its beginning stands at an *origin* on the clock; pausing moves the
//! origin, so that picture and sound stay in step.

mod deck;
mod foreign;
mod list;
mod player;
mod reader;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use media::{Clock, Frame, SAMPLE_RATE, Samples, Timestamp};
use parking_lot::{Condvar, Mutex};
use scene::{Playing, SourceKind};

use super::{Operation, Showing, Source, State, Status, placeholder_for};
use deck::{Deck, Leap};
use player::Player;

pub(super) use list::List;

/// A file, or several, that play.
pub(super) struct File {
    name: Mutex<String>,
    folder: PathBuf,
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

/// What plays, and how.
#[derive(Clone, Debug, Default, PartialEq)]
struct Program {
    files: Arc<Vec<PathBuf>>,
    looped: bool,
    playing: Playing,
}

impl Program {
    fn of(kind: &SourceKind, folder: &Path) -> Option<Self> {
        let SourceKind::Media {
            path,
            looped,
            playing,
        } = kind
        else {
            return None;
        };
        let files = std::iter::once(path)
            .chain(&playing.more)
            .filter(|path| !path.trim().is_empty())
            .map(|path| resolve(folder, path));
        Some(Self {
            files: Arc::new(files.collect()),
            looped: *looped,
            playing: playing.clone(),
        })
    }
}

pub(super) fn file(name: &str, kind: &SourceKind, folder: &Path, clock: Clock) -> File {
    let program = Program::of(kind, folder).unwrap_or_default();
    File {
        name: Mutex::new(name.to_owned()),
        folder: folder.to_owned(),
        clock,
        shared: Arc::new(Shared {
            deck: Mutex::new(Deck::new(program)),
            changed: Condvar::new(),
        }),
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
            return placeholder_for(&self.placeholder, &self.name.lock(), &reason, at);
        }
        deck.picture(at)
    }

    fn sound(&self, start: Timestamp, frames: usize, out: &mut Vec<Samples>) {
        let end = start + Timestamp::from_ticks(frames as i64, SAMPLE_RATE).since(Timestamp::ZERO);
        self.shared.deck.lock().sound(end, out);
    }

    fn show(&self, showing: Showing, now: Timestamp) {
        self.shared.deck.lock().show(showing, now);
        if showing.anywhere() {
            self.begin();
        }
        self.shared.changed.notify_all();
    }

    fn set(&self, name: &str, kind: &SourceKind) -> bool {
        let Some(program) = Program::of(kind, &self.folder) else {
            return false;
        };
        name.clone_into(&mut self.name.lock());
        self.shared.deck.lock().set(program, self.clock.now());
        self.shared.changed.notify_all();
        true
    }

    fn operate(&self, operation: Operation, now: Timestamp) -> bool {
        let mut deck = self.shared.deck.lock();
        match operation {
            Operation::Play if deck.is_over() => deck.leap(Leap::Begin),
            Operation::Play | Operation::Pause => {}
            Operation::Stop | Operation::Restart => deck.leap(Leap::Begin),
            Operation::Seek { to } => deck.leap(Leap::To(Timestamp::ZERO + to)),
            Operation::Next => deck.leap(Leap::Next),
            Operation::Previous => deck.previous(now),
        }
        match operation {
            Operation::Play | Operation::Restart => deck.want(true, now),
            Operation::Pause | Operation::Stop => deck.want(false, now),
            _ => {}
        }
        drop(deck);
        self.begin();
        self.shared.changed.notify_all();
        true
    }

    fn status(&self) -> Status {
        let deck = self.shared.deck.lock();
        Status {
            playback: deck.playback(),
            ..deck.status.clone()
        }
    }
}

impl File {
    /// The picture that is due, and nothing in place of one that is missing.
    pub(super) fn film(&self, at: Timestamp) -> Option<Frame> {
        let mut deck = self.shared.deck.lock();
        if let State::Lost | State::Failed = deck.status.state {
            return None;
        }
        deck.picture(at)
    }

    /// Decodes its beginning while nobody sees it, so that it is there when it is shown.
    pub(super) fn make_ready(&self) {
        self.shared.deck.lock().rewind();
        self.begin();
        self.shared.changed.notify_all();
    }

    fn begin(&self) {
        let mut thread = self.thread.lock();
        if thread.is_some() {
            return;
        }
        let player = Player::new(self.clock, Arc::clone(&self.shared));
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
        if let Some(thread) = self.thread.get_mut().take()
            && thread.join().is_err()
        {
            let name = self.name.lock();
            tracing::error!(file = *name, "a player's thread had panicked");
        }
    }
}

/// The path of a file as the document names it, seen from the document's folder.
pub(super) fn resolve(folder: &Path, path: &str) -> PathBuf {
    folder.join(path)
}

#[cfg(test)]
mod tests;
