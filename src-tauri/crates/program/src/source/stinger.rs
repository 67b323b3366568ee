//! What plays over the cut of a transition: a video with its sound, or a moving picture that is seen through.
//!
//! It is opened when the document names it, long before it plays, and made ready anew after each time: its
//! first picture is decoded when the transition begins.

use std::path::Path;

use media::{Clock, Frame, Samples, Timestamp};
use scene::{Playing, SourceKind, WhenHidden};

use super::file::{self, File};
use super::picture::{self, Picture};
use super::{Operation, Showing, Source, State, Status};

/// Files that are pictures which move, and may have transparency.
const MOVING: [&str; 4] = ["webp", "png", "apng", "gif"];

/// What plays over a cut.
pub(crate) struct Stinger(Kind);

enum Kind {
    Film(File),
    Moving(Picture),
}

impl Stinger {
    /// Opens one. It always succeeds: what cannot be opened says so, and nothing plays.
    pub(crate) fn open(path: &str, folder: &Path, clock: Clock) -> Self {
        let ending = Path::new(path).extension().unwrap_or_default();
        let ending = ending.to_string_lossy().to_lowercase();
        if MOVING.contains(&&*ending) {
            let path = file::resolve(folder, path);
            return Self(Kind::Moving(picture::picture("Stinger", path)));
        }
        let media = SourceKind::Media {
            path: path.to_owned(),
            looped: false,
            playing: Playing {
                hidden: WhenHidden::Stop,
                clear: true,
                ..Playing::default()
            },
        };
        Self(Kind::Film(file::file("Stinger", &media, folder, clock)))
    }

    /// Plays from the beginning, or stops; then it is made ready to begin again.
    pub(crate) fn play(&self, plays: bool, now: Timestamp) {
        match &self.0 {
            Kind::Film(film) => {
                film.show(playing(plays), now);
                if !plays {
                    film.make_ready();
                }
            }
            Kind::Moving(picture) => picture.show(playing(plays), now),
        }
    }

    /// Begins again, though it plays.
    pub(crate) fn again(&self, now: Timestamp) {
        match &self.0 {
            Kind::Film(film) => {
                film.operate(Operation::Restart, now);
            }
            Kind::Moving(picture) => {
                picture.show(Showing::Hidden, now);
                picture.show(Showing::Program, now);
            }
        }
    }

    /// The picture that is due; none while there is nothing to play. What is wrong is said elsewhere, and
    /// not to those who watch.
    pub(crate) fn picture(&self, at: Timestamp) -> Option<Frame> {
        match &self.0 {
            Kind::Film(film) => film.film(at),
            Kind::Moving(picture) => picture.moving(at),
        }
    }

    /// As [`Source::sound`].
    pub(crate) fn sound(&self, start: Timestamp, frames: usize, out: &mut Vec<Samples>) {
        if let Kind::Film(film) = &self.0 {
            film.sound(start, frames, out);
        }
    }

    /// Whether it is known what it is: the first picture is there, or why there is none.
    pub(crate) fn is_read(&self) -> bool {
        self.status().state != State::Starting
    }

    fn status(&self) -> Status {
        match &self.0 {
            Kind::Film(film) => film.status(),
            Kind::Moving(picture) => picture.status(),
        }
    }

    /// Why nothing plays, for people.
    pub(crate) fn problem(&self) -> Option<String> {
        let status = self.status();
        let bad = matches!(status.state, State::Lost | State::Failed);
        let said = status.message.filter(|_| bad)?;
        Some(format!("A stinger does not play: {said}"))
    }
}

fn playing(plays: bool) -> Showing {
    if plays {
        Showing::Program
    } else {
        Showing::Hidden
    }
}
