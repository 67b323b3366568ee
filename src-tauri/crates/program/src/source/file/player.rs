//! The thread that decodes ahead.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use media::{Clock, Frame, Samples, Timestamp};
use parking_lot::MutexGuard;

use super::Shared;
use super::deck::{Deck, Leap, Mark};
use super::list::List;
use super::reader::{Error, Part, Reader};
use crate::source::{State, Status};

/// How far decoding runs ahead of the clock.
const AHEAD: Duration = Duration::from_millis(250);

/// From the first decoded part to its time on the clock: more than the mixer's delay.
const PREROLL: Duration = Duration::from_millis(60);

/// Further behind than this, the file is shown from where it stands, instead of chasing the clock.
const BEHIND: Duration = Duration::from_secs(1);

/// How long to wait before looking for a missing file again.
const RETRY: Duration = Duration::from_secs(2);

/// Rates of sound that the mixer takes.
const RATES: std::ops::RangeInclusive<u32> = 4_000..=768_000;

pub(super) struct Player {
    clock: Clock,
    shared: Arc<Shared>,
    list: List,
    /// Where on the reel the next file begins.
    reel: Timestamp,
}

/// Why a file does not go on.
enum Stopped {
    /// The source is gone.
    Dropped,
    /// It ended.
    Ended,
    /// Somebody wants something else.
    Leap,
}

impl Player {
    pub(super) fn new(clock: Clock, shared: Arc<Shared>) -> Self {
        let program = shared.deck.lock().program.clone();
        let seed = clock.now().nanos().unsigned_abs();
        Self {
            clock,
            list: List::new(program.files, program.playing.shuffle, seed),
            shared,
            reel: Timestamp::ZERO,
        }
    }

    pub(super) fn run(mut self) {
        self.set_status(Status {
            state: State::Starting,
            ..Status::default()
        });
        let mut from = Timestamp::ZERO;
        // Files after each other that do not play.
        let mut failed = 0;
        loop {
            let outcome = match self.list.current().cloned() {
                Some(path) => self.play(&path, from),
                None => Err(Error::None),
            };
            from = Timestamp::ZERO;
            let goes_on = match outcome {
                Ok(Stopped::Dropped) => false,
                Ok(Stopped::Ended) => {
                    failed = 0;
                    self.follow(&mut from)
                }
                Ok(Stopped::Leap) => {
                    failed = 0;
                    self.leap(&mut from)
                }
                Err(error) => {
                    failed += 1;
                    let alone = failed >= self.list.len().max(1);
                    if alone {
                        failed = 0;
                    }
                    self.fail(&error, alone) && self.skip(alone, &mut from)
                }
            };
            if !goes_on {
                return;
            }
        }
    }

    /// After the end of a file: the next one, or the end. False when the source is gone.
    fn follow(&mut self, from: &mut Timestamp) -> bool {
        let looped = self.refresh();
        if self.list.next(looped) {
            return true;
        }
        match self.drain() {
            Stopped::Dropped => false,
            Stopped::Ended | Stopped::Leap => self.leap(from),
        }
    }

    /// Past a file that does not play: to the next, or the same again. False when the source is gone.
    fn skip(&mut self, alone: bool, from: &mut Timestamp) -> bool {
        let looped = self.refresh();
        if self.shared.deck.lock().leaps() {
            return self.leap(from);
        }
        if alone && self.list.len() <= 1 {
            return true;
        }
        // After all of them were tried it begins again, whether it is looped or not.
        if !self.list.next(looped || alone) {
            return self.follow(from);
        }
        true
    }

    /// Waits for where to go, and goes there. False when the source is gone.
    fn leap(&mut self, from: &mut Timestamp) -> bool {
        let mut deck = self.shared.deck.lock();
        while !deck.stop && !deck.leaps() {
            self.shared.changed.wait(&mut deck);
        }
        if deck.stop {
            return false;
        }
        let leap = deck.take_leap();
        deck.clear();
        drop(deck);
        self.reel = Timestamp::ZERO;
        let looped = self.refresh();
        match leap {
            Some(Leap::To(place)) => *from = place,
            Some(Leap::Next) => {
                if !self.list.next(looped) {
                    self.list.restart();
                }
            }
            Some(Leap::Previous) => self.list.previous(looped),
            Some(Leap::Begin) | None => self.list.restart(),
        }
        true
    }

    /// Takes the list as it is set now; whether it is looped.
    fn refresh(&mut self) -> bool {
        let program = self.shared.deck.lock().program.clone();
        self.list.set(program.files, program.playing.shuffle);
        program.looped
    }

    fn play(&mut self, path: &Path, from: Timestamp) -> Result<Stopped, Error> {
        let mut reader = Reader::open(path)?;
        if from > Timestamp::ZERO {
            reader.seek(from)?;
        }
        let speed = self.shared.deck.lock().program.playing.speed;
        let speed = speed.clamp(0.25, 4.0);
        let mut base = Base {
            reel: self.reel,
            place: from,
            speed,
        };
        self.begin(path, &reader, base);
        let mut end = from;
        let mut empty = true;
        loop {
            let Some(part) = reader.next()? else {
                if empty {
                    return Err(Error::Empty {
                        path: path.to_owned(),
                    });
                }
                let length = reader.duration().map_or(end, |d| Timestamp::ZERO + d);
                self.reel = base.on_reel(length.max(end));
                if !self.repeats() {
                    return Ok(Stopped::Ended);
                }
                base = Base {
                    reel: self.reel,
                    place: Timestamp::ZERO,
                    speed,
                };
                end = Timestamp::ZERO;
                empty = true;
                reader.rewind()?;
                self.begin(path, &reader, base);
                continue;
            };
            empty = false;
            end = end.max(part.end());
            if let Some(stopped) = self.wait_for(base.on_reel(part.start())) {
                return Ok(stopped);
            }
            self.queue(part, base);
        }
    }

    /// A single file that is looped is not opened anew.
    fn repeats(&self) -> bool {
        let deck = self.shared.deck.lock();
        deck.program.looped && deck.program.files.len() == 1 && self.list.len() == 1
    }

    fn begin(&self, path: &Path, reader: &Reader, base: Base) {
        let mut detail = reader.detail();
        if reader
            .rate()
            .is_some_and(|rate| !RATES.contains(&base.rate(rate)))
        {
            detail.push_str(", without its sound at this speed");
        }
        let mut deck = self.shared.deck.lock();
        deck.mark(Mark {
            reel: base.reel,
            place: base.place,
            speed: base.speed,
            duration: reader.duration(),
            entry: self.list.place(),
            path: path.to_owned(),
        });
        deck.status = Status {
            state: State::Running,
            detail: Some(detail),
            ..Status::default()
        };
    }

    /// Waits until a place on the reel is at most [`AHEAD`] of the clock; why it is not played instead.
    fn wait_for(&self, reel: Timestamp) -> Option<Stopped> {
        let mut deck = self.shared.deck.lock();
        loop {
            if deck.stop {
                return Some(Stopped::Dropped);
            }
            if deck.leaps() {
                return Some(Stopped::Leap);
            }
            let now = self.clock.now();
            deck.pass(now);
            let position = deck.position(now)?;
            if !deck.is_paused() && position.since(reel) > BEHIND {
                deck.start(reel, now, PREROLL);
                return None;
            }
            let early = reel.since(position);
            if early <= AHEAD {
                return None;
            }
            self.pause(&mut deck, early - AHEAD);
        }
    }

    /// Waits for a change; at most so long while it plays.
    fn pause(&self, deck: &mut MutexGuard<'_, Deck>, at_most: Duration) {
        if deck.is_paused() {
            self.shared.changed.wait(deck);
        } else {
            // Whether it was woken or the time passed, the caller looks again.
            self.shared.changed.wait_for(deck, at_most);
        }
    }

    fn queue(&self, part: Part, base: Base) {
        let mut deck = self.shared.deck.lock();
        let start = base.on_reel(part.start());
        match part {
            Part::Picture(frame) => deck.frames.push_back(frame.with_timestamp(start)),
            Part::Sound(mut samples) => {
                samples.timestamp = start;
                samples.rate = base.rate(samples.rate);
                if RATES.contains(&samples.rate) {
                    deck.sounds.push_back(samples);
                }
            }
        }
        if deck.origin.is_none() {
            deck.start(start, self.clock.now(), PREROLL);
        }
    }

    /// Lets what is queued play out.
    fn drain(&self) -> Stopped {
        let mut deck = self.shared.deck.lock();
        loop {
            if deck.stop {
                return Stopped::Dropped;
            }
            if deck.leaps() {
                return Stopped::Leap;
            }
            let now = self.clock.now();
            deck.pass(now);
            let last = deck.frames.back().map(Frame::timestamp);
            let heard = deck.sounds.back().map(Samples::end);
            match (last.max(heard), deck.position(now)) {
                (Some(end), Some(position)) if end > position => {
                    self.pause(&mut deck, end.since(position));
                }
                _ => {
                    deck.end(now);
                    return Stopped::Ended;
                }
            }
        }
    }

    /// Says what is wrong; waits where it is the only file or all others fail too. False when the source is gone.
    fn fail(&self, error: &Error, alone: bool) -> bool {
        let comes_back = matches!(error, Error::Missing { .. }) || self.list.len() > 1;
        let status = if comes_back {
            Status::lost(error.to_string())
        } else {
            Status::failed(error.to_string())
        };
        let mut deck = self.shared.deck.lock();
        if !alone {
            tracing::warn!(%error, "a file of a list does not play and is left out");
            return !deck.stop;
        }
        if deck.status != status {
            tracing::warn!(%error, "a file does not play");
        }
        deck.clear();
        deck.status = status;
        let before = deck.program.clone();
        if comes_back && !deck.stop && !deck.leaps() {
            self.shared.changed.wait_for(&mut deck, RETRY);
        }
        while !comes_back && !deck.stop && !deck.leaps() && deck.program == before {
            self.shared.changed.wait(&mut deck);
        }
        !deck.stop
    }

    fn set_status(&self, status: Status) {
        self.shared.deck.lock().status = status;
    }
}

/// How places in a file stand on the reel.
#[derive(Clone, Copy)]
struct Base {
    reel: Timestamp,
    place: Timestamp,
    speed: f32,
}

impl Base {
    fn on_reel(self, place: Timestamp) -> Timestamp {
        let after = place.offset_from(self.place);
        // Exact where nothing is to be changed.
        let after = if self.speed == 1.0 {
            after
        } else {
            (after as f64 / f64::from(self.speed)) as i64
        };
        self.reel.offset(after)
    }

    /// The rate at which samples are played: the mixer makes them 48 kHz again, higher or lower.
    fn rate(self, rate: u32) -> u32 {
        (f64::from(rate) * f64::from(self.speed)).round() as u32
    }
}
