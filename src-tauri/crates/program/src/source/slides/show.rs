//! Which picture is on at a time.

use std::time::Duration;

use media::{Frame, Timestamp};
use scene::SlideShow;

use super::Fade;
use crate::source::{Operation, Playback, Showing};

/// A picture of the show, ready to be shown.
#[derive(Clone, Debug)]
pub(super) struct Slide {
    /// RGBA, canvas size.
    pub(super) frame: Frame,
    pub(super) entry: u32,
    pub(super) entries: u32,
    pub(super) title: String,
}

/// What is on, what comes next, and since when.
#[derive(Default)]
pub(super) struct Show {
    pub(super) settings: SlideShow,
    pub(super) stop: bool,
    /// Why there is no picture, for people.
    pub(super) problem: Option<String>,
    showing: Showing,
    paused: bool,
    on: Option<Slide>,
    /// What it fades from.
    from: Option<Frame>,
    next: Option<Slide>,
    /// Since when the picture is on; moved along while it stands still.
    since: Timestamp,
    /// Since when it stands still.
    still: Option<Timestamp>,
    /// Grows with each picture.
    number: u64,
    /// Somebody does not wait for the next.
    hurry: bool,
    way: Option<Way>,
    ended: bool,
}

/// Which way the next picture lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    On,
    Back,
    /// At the beginning.
    Anew,
}

/// What is to be shown.
pub(super) enum Shown {
    One(Frame),
    Fade(Fade),
}

impl Show {
    /// Grows with each picture.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn is_shown(&self) -> bool {
        self.showing.anywhere()
    }

    pub(super) fn has_slide(&self) -> bool {
        self.on.is_some()
    }

    /// Whether another picture is to be made ready.
    pub(super) fn wants(&self) -> bool {
        self.is_shown() && self.next.is_none() && (!self.ended || self.way.is_some())
    }

    /// Which way it lies.
    pub(super) fn way(&mut self) -> Way {
        self.ended = false;
        self.way.take().unwrap_or(Way::On)
    }

    /// There is no next one.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    pub(super) fn ready(&mut self, slide: Slide) {
        self.problem = None;
        // A way that was chosen meanwhile makes it the wrong one.
        if self.way.is_none() {
            self.next = Some(slide);
        }
    }

    /// What is on at a time, and the step of a fade that comes a tick later.
    pub(super) fn turn_to(
        &mut self,
        at: Timestamp,
        tick: Duration,
    ) -> (Option<Shown>, Option<Fade>) {
        let each = Duration::from_secs_f32(self.settings.seconds.clamp(0.5, 86_400.0));
        let now = self.still.unwrap_or(at);
        let due = self.on.is_none() || self.hurry || now.since(self.since) >= each;
        if due && let Some(next) = self.next.take() {
            let before = self.on.replace(next);
            self.from = before.map(|slide| slide.frame);
            // On time where it was ready in time.
            let due_at = self.since + each;
            let late = at.since(due_at) > tick * 2 || self.hurry || self.number == 0;
            self.since = if late { at } else { due_at };
            if self.still.is_some() {
                self.still = Some(at);
            }
            self.hurry = false;
            self.number += 1;
        }
        let Some(on) = &self.on else {
            return (None, None);
        };
        let fade = Duration::from_millis(self.settings.fade_ms.into()).min(each);
        let into = at.since(self.since);
        let step = |into: Duration| (into.as_secs_f32() / fade.as_secs_f32() * 256.0) as u16;
        match &self.from {
            Some(from) if into < fade => {
                let at = |into: Duration| Fade {
                    from: from.clone(),
                    to: on.frame.clone(),
                    number: self.number,
                    part: step(into).min(256),
                };
                (Some(Shown::Fade(at(into))), Some(at(into + tick)))
            }
            _ => {
                let frame = on.frame.clone();
                self.from = None;
                (Some(Shown::One(frame)), None)
            }
        }
    }

    pub(super) fn show(&mut self, showing: Showing, now: Timestamp) {
        self.showing = showing;
        self.settle(now);
    }

    /// Moves its time along while it stands still.
    fn settle(&mut self, now: Timestamp) {
        match (self.showing == Showing::Program && !self.paused, self.still) {
            (true, Some(still)) => {
                self.still = None;
                self.since += now.since(still);
            }
            (false, None) => self.still = Some(now),
            _ => {}
        }
    }

    pub(super) fn operate(&mut self, operation: Operation, now: Timestamp) -> bool {
        let way = match operation {
            Operation::Next => Some(Way::On),
            Operation::Previous => Some(Way::Back),
            Operation::Restart | Operation::Stop => Some(Way::Anew),
            Operation::Play if self.ended => Some(Way::Anew),
            Operation::Play | Operation::Pause => None,
            Operation::Seek { .. } => return false,
        };
        match operation {
            Operation::Play | Operation::Restart => self.paused = false,
            Operation::Pause | Operation::Stop => self.paused = true,
            _ => {}
        }
        self.settle(now);
        if let Some(way) = way {
            self.hurry = true;
            // The next one is ready as a rule.
            if way != Way::On || self.next.is_none() {
                self.next = None;
                self.way = Some(way);
            }
        }
        true
    }

    pub(super) fn playback(&self) -> Option<Playback> {
        let on = self.on.as_ref()?;
        let each = Duration::from_secs_f32(self.settings.seconds.clamp(0.5, 86_400.0));
        Some(Playback {
            playing: self.still.is_none() && !(self.ended && self.next.is_none()),
            position: self.still.map_or(Duration::ZERO, |at| at.since(self.since)),
            since: self.since,
            speed: 1.0,
            duration: Some(each),
            entry: on.entry,
            entries: on.entries,
            title: Some(on.title.clone()),
        })
    }
}
