//! Text that tells a time or a number: clock, countdown, stopwatch, viewer count.
//!
//! What one says is a function of a *figure* (whole seconds, tenths, people), and drawn beside the program when
//! the figure changes; the next second is drawn before it comes.

mod length;
mod timer;
mod zone;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use media::{Clock, Frame, Samples, Timestamp};
use parking_lot::Mutex;
use scene::{Countdown, CountdownEnd, CountdownTarget, SceneId, SourceKind, TextStyle};

use super::painter::Painter;
use super::{
    Feeds, Operation, Playback, Showing, Source, State, Status, SwitchTo, placeholder_for, raster,
};
use length::Grain;
use timer::Timer;
use zone::Zone;

/// A text that tells something.
pub(super) struct Told {
    name: Mutex<String>,
    clock: Clock,
    width: u32,
    feeds: Arc<Feeds>,
    switch: SwitchTo,
    told: Mutex<Desk>,
    painter: Painter<Wish>,
    placeholder: Mutex<Option<(String, Frame)>>,
}

struct Desk {
    what: Arc<What>,
    timer: Timer,
    showing: Showing,
    /// The figure of the tick before, while it is shown as it is now.
    before: Option<i64>,
    viewers: Arc<AtomicU64>,
}

/// What is to be drawn.
#[derive(Clone)]
struct Wish {
    what: Arc<What>,
    figure: i64,
}

impl PartialEq for Wish {
    fn eq(&self, other: &Self) -> bool {
        self.figure == other.figure && Arc::ptr_eq(&self.what, &other.what)
    }
}

/// Settings, made ready.
struct What {
    tells: Tells,
    style: TextStyle,
    width: f32,
}

enum Tells {
    Time {
        format: String,
        zone: Zone,
    },
    Left {
        until: Until,
        grain: Grain,
        template: String,
        end: CountdownEnd,
        autostart: bool,
    },
    Passed {
        grain: Grain,
        template: String,
        autostart: bool,
    },
    Viewers {
        template: String,
    },
    /// Nothing: why, for people.
    Problem(String),
}

enum Until {
    /// For so many milliseconds from its start.
    Lasts(i64),
    /// Until a time.
    At(zone::Moment),
}

/// The figure after the end of a countdown that then says something else.
const OVER: i64 = -1;

/// A text that tells what `kind` says.
pub(super) fn told(
    name: &str,
    kind: &SourceKind,
    width: u32,
    feeds: &Arc<Feeds>,
    switch: &SwitchTo,
    clock: Clock,
) -> Told {
    let mut last: Option<(Arc<What>, String, Frame)> = None;
    let draw = move |wish: &Wish| {
        let text = wish.what.text(wish.figure);
        // Minutes change less often than seconds.
        if let Some((what, said, frame)) = &last
            && Arc::ptr_eq(what, &wish.what)
            && *said == text
        {
            return frame.clone();
        }
        let What { style, width, .. } = &*wish.what;
        let pixels = raster().lock().figures(&text, style, *width);
        let frame = pixels.into_frame(Timestamp::ZERO);
        last = Some((Arc::clone(&wish.what), text, frame.clone()));
        frame
    };
    Told {
        name: Mutex::new(name.to_owned()),
        clock,
        width,
        feeds: Arc::clone(feeds),
        switch: switch.clone(),
        told: Mutex::new(Desk {
            what: Arc::new(What::new(kind, width)),
            timer: Timer::default(),
            showing: Showing::default(),
            before: None,
            viewers: viewers(feeds, kind),
        }),
        painter: Painter::new(draw),
        placeholder: Mutex::default(),
    }
}

fn viewers(feeds: &Feeds, kind: &SourceKind) -> Arc<AtomicU64> {
    match kind {
        SourceKind::ViewerCount(count) => feeds.viewers(&count.channel),
        _ => Arc::default(),
    }
}

impl What {
    fn new(kind: &SourceKind, width: u32) -> Self {
        let (tells, style) = match kind {
            SourceKind::Clock(clock) => (Tells::time(clock), clock.style.clone()),
            SourceKind::Countdown(countdown) => (Tells::left(countdown), countdown.style.clone()),
            SourceKind::Stopwatch(watch) => {
                let tells = Tells::Passed {
                    grain: Grain::new(watch.layout),
                    template: watch.template.clone(),
                    autostart: watch.autostart,
                };
                (tells, watch.style.clone())
            }
            SourceKind::ViewerCount(count) => {
                let template = count.template.clone();
                (Tells::Viewers { template }, count.style.clone())
            }
            _ => (Tells::Problem(String::new()), TextStyle::default()),
        };
        Self {
            tells,
            style,
            width: width as f32,
        }
    }

    /// What is said at a figure.
    fn text(&self, figure: i64) -> String {
        match &self.tells {
            Tells::Time { format, zone } => zone.text(format, figure).unwrap_or_default(),
            Tells::Left {
                end: CountdownEnd::Text { text },
                ..
            } if figure == OVER => text.clone(),
            Tells::Left {
                grain, template, ..
            }
            | Tells::Passed {
                grain, template, ..
            } => template.replace("{time}", &grain.written(figure)),
            Tells::Viewers { template } => template.replace("{viewers}", &figure.to_string()),
            Tells::Problem(_) => String::new(),
        }
    }
}

impl Tells {
    fn time(clock: &scene::TimeOfDay) -> Self {
        let zone = match Zone::named(&clock.zone) {
            Ok(zone) => zone,
            Err(problem) => return Self::Problem(problem),
        };
        if let Err(problem) = zone.text(&clock.format, 0) {
            return Self::Problem(problem);
        }
        Self::Time {
            format: clock.format.clone(),
            zone,
        }
    }

    fn left(countdown: &Countdown) -> Self {
        let until = match &countdown.target {
            CountdownTarget::Duration { seconds } => Until::Lasts(i64::from(*seconds) * 1000),
            CountdownTarget::Time { at, zone } => {
                match Zone::named(zone).and_then(|zone| zone.moment(at)) {
                    Ok(moment) => Until::At(moment),
                    Err(problem) => return Self::Problem(problem),
                }
            }
        };
        Self::Left {
            until,
            grain: Grain::new(countdown.layout),
            template: countdown.template.clone(),
            end: countdown.end.clone(),
            autostart: countdown.autostart,
        }
    }
}

impl Desk {
    /// The figure of a time and the one that comes next.
    fn figures(&self, at: Timestamp, unix_ms: i64) -> Option<(i64, Option<i64>)> {
        match &self.what.tells {
            Tells::Time { .. } => {
                let second = unix_ms.div_euclid(1000);
                Some((second, Some(second + 1)))
            }
            Tells::Left {
                until, grain, end, ..
            } => {
                let left = match until {
                    Until::Lasts(ms) => ms - self.timer.passed_ms(at),
                    Until::At(moment) => moment.next(unix_ms) - unix_ms,
                };
                let figure = grain.left(left);
                match (figure, end) {
                    (0, CountdownEnd::Hide) => None,
                    (0, CountdownEnd::Text { .. }) => Some((OVER, None)),
                    (1, CountdownEnd::Text { .. }) => Some((1, Some(OVER))),
                    (0, _) => Some((0, None)),
                    (figure, _) => Some((figure, Some(figure - 1))),
                }
            }
            Tells::Passed { grain, .. } => {
                let figure = grain.passed(self.timer.passed_ms(at));
                Some((figure, Some(figure + 1)))
            }
            Tells::Viewers { .. } => {
                let count = self.viewers.load(Ordering::Relaxed);
                Some((i64::try_from(count).unwrap_or(i64::MAX), None))
            }
            Tells::Problem(_) => None,
        }
    }

    fn autostart(&self) -> bool {
        match self.what.tells {
            Tells::Left {
                autostart,
                until: Until::Lasts(_),
                ..
            }
            | Tells::Passed { autostart, .. } => autostart,
            _ => false,
        }
    }

    /// The scene that is to come on now: once, at the moment at which nothing is left.
    fn ended(&mut self, figure: Option<i64>) -> Option<SceneId> {
        let over = figure.is_none_or(|figure| figure <= 0);
        let was_running = self.before.is_some_and(|before| before > 0);
        self.before = Some(figure.unwrap_or(0));
        match &self.what.tells {
            Tells::Left {
                end: CountdownEnd::Scene { scene },
                ..
            } if over && was_running && self.showing == Showing::Program => Some(scene.clone()),
            _ => None,
        }
    }
}

impl Source for Told {
    fn picture(&self, at: Timestamp) -> Option<Frame> {
        let mut desk = self.told.lock();
        if let Tells::Problem(problem) = &desk.what.tells {
            return placeholder_for(&self.placeholder, &self.name.lock(), problem, at);
        }
        let figures = desk.figures(at, self.clock.unix_millis(at));
        let wanted = desk.ended(figures.map(|(now, _)| now));
        let what = Arc::clone(&desk.what);
        drop(desk);
        if let Some(scene) = wanted {
            self.switch.to(scene);
        }
        let (figure, next) = figures?;
        let next = next.map(|figure| Wish {
            what: Arc::clone(&what),
            figure,
        });
        self.painter.picture(&Wish { what, figure }, next.as_ref())
    }

    fn sound(&self, _start: Timestamp, _frames: usize, _out: &mut Vec<Samples>) {}

    fn show(&self, showing: Showing, now: Timestamp) {
        let mut desk = self.told.lock();
        if std::mem::replace(&mut desk.showing, showing) != showing {
            desk.before = None;
        }
        if showing == Showing::Program && desk.autostart() && desk.timer.is_fresh() {
            desk.timer.start(now);
        }
    }

    fn set(&self, name: &str, kind: &SourceKind) -> bool {
        name.clone_into(&mut self.name.lock());
        let what = Arc::new(What::new(kind, self.width));
        let mut desk = self.told.lock();
        desk.viewers = viewers(&self.feeds, kind);
        desk.what = what;
        true
    }

    fn operate(&self, operation: Operation, now: Timestamp) -> bool {
        let mut desk = self.told.lock();
        let timed = matches!(
            desk.what.tells,
            Tells::Passed { .. }
                | Tells::Left {
                    until: Until::Lasts(_),
                    ..
                }
        );
        if !timed {
            return false;
        }
        match operation {
            Operation::Play => desk.timer.start(now),
            Operation::Pause => desk.timer.pause(now),
            Operation::Stop => desk.timer = Timer::stopped(),
            Operation::Restart => {
                desk.timer = Timer::default();
                desk.timer.start(now);
            }
            Operation::Seek { .. } | Operation::Next | Operation::Previous => return false,
        }
        true
    }

    fn settled(&self) -> bool {
        self.painter.settled()
    }

    fn status(&self) -> Status {
        let desk = self.told.lock();
        match &desk.what.tells {
            Tells::Problem(problem) => Status::failed(problem.clone()),
            Tells::Passed { .. } => desk.running(None),
            Tells::Left {
                until: Until::Lasts(ms),
                ..
            } => desk.running(Some(*ms)),
            _ => Status {
                state: State::Running,
                ..Status::default()
            },
        }
    }
}

impl Desk {
    fn running(&self, length_ms: Option<i64>) -> Status {
        let duration = length_ms.map(|ms| std::time::Duration::from_millis(ms.unsigned_abs()));
        Status {
            state: State::Running,
            playback: Some(Playback {
                playing: self.timer.is_running(),
                position: self.timer.counted(),
                since: self.timer.since(),
                speed: 1.0,
                duration,
                ..Playback::default()
            }),
            ..Status::default()
        }
    }
}

#[cfg(test)]
mod tests;
