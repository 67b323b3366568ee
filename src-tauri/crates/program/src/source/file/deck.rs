//! What the playing thread and the program's threads share.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use media::{Frame, Samples, Timestamp};
use scene::WhenHidden;

use super::Program;
use crate::source::{Playback, Showing, Status};

/// After so much of a file, "previous" begins it again.
const INTO: Duration = Duration::from_secs(3);

/// What is decoded, when it is due, and what is to happen next.
#[derive(Default)]
pub(super) struct Deck {
    pub(super) program: Program,
    seen: Showing,
    /// It has been on the program, or somebody has let it play.
    begun: bool,
    /// Somebody lets it play where it is seen beside the program.
    tried: bool,
    pub(super) stop: bool,
    /// Whoever operates it wants it to play.
    wanted: bool,
    /// It was stopped when it was hidden.
    begins_anew: bool,
    /// Where the reel begins on the clock.
    pub(super) origin: Option<Timestamp>,
    paused: Option<Timestamp>,
    /// Decoded ahead, stamped with their place on the reel.
    pub(super) frames: VecDeque<Frame>,
    pub(super) sounds: VecDeque<Samples>,
    /// Where files and rounds begin on the reel; the first is the one that is on.
    marks: VecDeque<Mark>,
    showing: Option<Frame>,
    /// All of it was played.
    over: bool,
    /// Where the player is to go.
    leap: Option<Leap>,
    /// Where it will be, and in what, until it is there.
    heading: Option<(Timestamp, Mark)>,
    pub(super) status: Status,
}

/// The beginning of a file, or of a part of it, on the reel.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mark {
    pub(super) reel: Timestamp,
    /// The place in the file that stands there.
    pub(super) place: Timestamp,
    pub(super) speed: f32,
    pub(super) duration: Option<Duration>,
    /// Which of how many files.
    pub(super) entry: (u32, u32),
    pub(super) path: PathBuf,
}

/// Where to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leap {
    /// To the beginning of the list.
    Begin,
    /// To a place in the file that is on.
    To(Timestamp),
    /// To the next file.
    Next,
    /// To the file before.
    Previous,
}

impl Deck {
    pub(super) fn new(program: Program) -> Self {
        Self {
            wanted: program.playing.autoplay,
            // Until it is on the program.
            paused: Some(Timestamp::ZERO),
            program,
            ..Self::default()
        }
    }

    /// The place on the reel that is due at a time; `None` before there is one.
    pub(super) fn position(&self, at: Timestamp) -> Option<Timestamp> {
        let at = self.paused.unwrap_or(at);
        Some(Timestamp::from_nanos(at.offset_from(self.origin?)))
    }

    pub(super) fn is_paused(&self) -> bool {
        self.paused.is_some()
    }

    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// The picture that is due.
    pub(super) fn picture(&mut self, at: Timestamp) -> Option<Frame> {
        let position = self.position(at)?;
        self.turn_to(position);
        if self.over && self.program.playing.clear {
            return None;
        }
        let frame = self.showing.clone()?;
        let shown_at = self.origin?.offset(frame.timestamp().nanos());
        Some(frame.with_timestamp(shown_at))
    }

    /// Takes the sound that begins before a time.
    pub(super) fn sound(&mut self, end: Timestamp, out: &mut Vec<Samples>) {
        let Some(origin) = self
            .origin
            .filter(|_| self.paused.is_none() && self.seen == Showing::Program)
        else {
            return;
        };
        while let Some(samples) = self.sounds.front()
            && origin.offset(samples.timestamp.nanos()) < end
        {
            out.extend(self.sounds.pop_front().map(|mut samples| {
                samples.timestamp = origin.offset(samples.timestamp.nanos());
                samples
            }));
        }
    }

    /// Lets go of what is past.
    fn turn_to(&mut self, position: Timestamp) {
        while let Some(frame) = self.frames.front()
            && frame.timestamp() <= position
        {
            self.showing = self.frames.pop_front();
        }
        while self.marks.get(1).is_some_and(|mark| mark.reel <= position) {
            self.marks.pop_front();
        }
    }

    /// Lets go of what is past while nobody takes it: sound is taken for the program alone.
    pub(super) fn pass(&mut self, now: Timestamp) {
        let Some(position) = self.position(now).filter(|_| self.seen != Showing::Program) else {
            return;
        };
        self.turn_to(position);
        while self.sounds.front().is_some_and(|s| s.end() < position) {
            self.sounds.pop_front();
        }
    }

    /// Says where it is seen. What plays when it is shown waits for the program; beside it, it stands at the
    /// place at which it will go on there.
    pub(super) fn show(&mut self, showing: Showing, now: Timestamp) {
        let before = std::mem::replace(&mut self.seen, showing);
        if before == showing {
            return;
        }
        let played = before == Showing::Program || self.tried;
        self.begins_anew |= played && self.program.playing.hidden == WhenHidden::Stop;
        self.tried = false;
        if showing == Showing::Program {
            self.wanted |= self.program.playing.autoplay;
            self.begun = true;
        }
        if showing.anywhere() {
            let will_play = self.wanted || self.program.playing.autoplay;
            if (self.begins_anew || self.over) && will_play {
                self.leap(Leap::Begin);
            }
            self.begins_anew = false;
        }
        self.settle(now);
    }

    /// Goes back to the beginning while it is hidden, if it was past it.
    pub(super) fn rewind(&mut self) {
        if (self.begins_anew || self.over) && self.seen == Showing::Hidden && self.origin.is_some()
        {
            self.leap(Leap::Begin);
            self.begins_anew = false;
            self.showing = None;
        }
    }

    /// Whether it is to play.
    pub(super) fn want(&mut self, wanted: bool, now: Timestamp) {
        self.wanted = wanted;
        self.begun |= wanted;
        self.tried = wanted && self.seen == Showing::Beside;
        self.settle(now);
    }

    /// Moves the origin along while it does not play.
    fn settle(&mut self, now: Timestamp) {
        let in_background = self.program.playing.hidden == WhenHidden::GoOn;
        let on = self.seen == Showing::Program || self.tried;
        let plays = self.wanted && (on || (in_background && self.begun));
        match (plays, self.paused) {
            (true, Some(paused)) => {
                self.paused = None;
                self.origin = self.origin.map(|origin| origin + now.since(paused));
            }
            (false, None) => self.paused = Some(now),
            _ => {}
        }
    }

    pub(super) fn set(&mut self, program: Program, now: Timestamp) {
        let faster = program.playing.speed != self.program.playing.speed;
        let on = self.marks.front().map(|mark| &mark.path);
        let gone = on.is_some_and(|path| !program.files.contains(path));
        self.program = program;
        self.recount();
        if gone {
            self.leap(Leap::Begin);
        } else if faster && let Some(place) = self.place(now) {
            self.leap(Leap::To(place));
        }
        self.settle(now);
    }

    /// Which of how many files is on, in a list that has changed.
    fn recount(&mut self) {
        let files = &self.program.files;
        let heading = self.heading.as_mut().map(|(_, mark)| mark);
        for mark in self.marks.iter_mut().chain(heading) {
            let at = mark.entry.0 as usize;
            // One that is in it twice is the one that it was.
            let stays = files.get(at) == Some(&mark.path);
            let found = files.iter().position(|file| *file == mark.path);
            let at = if stays { Some(at) } else { found };
            mark.entry = (at.unwrap_or(0) as u32, files.len() as u32);
        }
    }

    pub(super) fn leap(&mut self, leap: Leap) {
        let place = match leap {
            Leap::To(place) => place,
            _ => Timestamp::ZERO,
        };
        let before = self.heading.take().map(|(_, mark)| mark);
        let mark = before.or_else(|| self.marks.front().cloned());
        self.heading = mark.map(|mark| (place, mark));
        self.leap = Some(leap);
        self.over = false;
    }

    pub(super) fn previous(&mut self, now: Timestamp) {
        let into = self.place(now).unwrap_or_default().since(Timestamp::ZERO);
        self.leap(if into > INTO {
            Leap::To(Timestamp::ZERO)
        } else {
            Leap::Previous
        });
    }

    pub(super) fn leaps(&self) -> bool {
        self.leap.is_some()
    }

    pub(super) fn take_leap(&mut self) -> Option<Leap> {
        self.leap.take()
    }

    /// Begins a new reel. The picture that is shown stays until the next comes.
    pub(super) fn clear(&mut self) {
        self.frames.clear();
        self.sounds.clear();
        self.marks.clear();
        self.origin = None;
        self.over = false;
    }

    pub(super) fn mark(&mut self, mark: Mark) {
        self.marks.push_back(mark);
    }

    /// Puts the reel on the clock, so that `first` is due `preroll` from now; at once while it is paused.
    pub(super) fn start(&mut self, first: Timestamp, now: Timestamp, preroll: Duration) {
        let due = self.paused.unwrap_or(now + preroll);
        self.heading = None;
        self.origin = Some(due.offset(-first.nanos()));
    }

    /// All of it was played.
    pub(super) fn end(&mut self, now: Timestamp) {
        if let Some(position) = self.position(now) {
            self.turn_to(position);
        }
        self.over = true;
    }

    /// The place in the file that is due at a time.
    fn place(&self, now: Timestamp) -> Option<Timestamp> {
        Some(Timestamp::ZERO + self.playback()?.position_at(now))
    }

    /// What plays, and how far it is.
    pub(super) fn playback(&self) -> Option<Playback> {
        if let Some((place, mark)) = &self.heading {
            return Some(Playback {
                playing: self.paused.is_none(),
                position: place.since(Timestamp::ZERO),
                speed: 0.0,
                ..mark.playback()
            });
        }
        let mark = self.marks.front()?;
        let origin = self.origin?;
        let place = mark.place.since(Timestamp::ZERO);
        let moved = |reel: Timestamp| reel.since(mark.reel).mul_f32(mark.speed.max(0.01));
        let (position, playing) = match (self.over, self.paused) {
            (true, _) => (mark.duration.unwrap_or(place), false),
            (false, Some(at)) => {
                let reel = Timestamp::from_nanos(at.offset_from(origin));
                (place + moved(reel), false)
            }
            (false, None) => (place, true),
        };
        Some(Playback {
            playing,
            position: mark.duration.map_or(position, |end| position.min(end)),
            since: origin.offset(mark.reel.nanos()),
            speed: mark.speed,
            ..mark.playback()
        })
    }
}

impl Mark {
    /// What is on.
    fn playback(&self) -> Playback {
        let title = self.path.file_name();
        Playback {
            duration: self.duration,
            entry: self.entry.0,
            entries: self.entry.1,
            title: title.map(|name| name.to_string_lossy().into_owned()),
            ..Playback::default()
        }
    }
}
