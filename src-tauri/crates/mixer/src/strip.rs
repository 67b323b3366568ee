//! One strip: from pushed samples to its part of the mix.

use std::time::Duration;

use media::{SAMPLE_RATE, Samples, Timestamp};

use crate::bus::Sends;
use crate::convert::{Converter, HISTORY, RATES};
use crate::fader::Fader;
use crate::layout;
use crate::meter::Meter;
use crate::servo::Servo;
use crate::timeline::Timeline;
use crate::{Strip, StripStats, Timing};

const RATE: f64 = SAMPLE_RATE as f64;

/// Timestamps of neighbouring blocks that differ by more are a hole or an overlap; less is jitter (15 ms).
const JUMP: i64 = 15_000_000;
/// A placement that is off by more is put right at once (80 ms).
const ASTRAY: f64 = 0.080 * RATE;
/// From here on a clock is seen to differ (2 ms).
const DRIFTED: f64 = 0.002;
/// What a live strip keeps in hand (5 ms).
const MARGIN: i64 = 240;
/// Lateness up to here is jitter (20 ms).
const JITTER: i64 = 960;
/// The most that a strip is delayed by (2.5 s): some sound servers hand out two seconds at a time.
const MAX_DELAY: i64 = 120_000;
/// So long without late samples, and earlier stalls are forgotten, in seconds.
const FORGIVEN: f64 = 10.0;
/// The most that waits (10 s).
const MAX_WAITING: usize = 480_000;

/// A strip with its sound.
#[derive(Debug)]
pub(crate) struct Channel {
    pub(crate) fader: Fader,
    pub(crate) meter: Meter,
    pub(crate) sends: Sends,
    timing: Timing,
    timeline: Timeline,
    stream: Option<Stream>,
    /// The rate of the last stream, and of the converter.
    rate: u32,
    converter: Option<Converter>,
    servo: Servo,
    /// The last frames that passed without conversion, to start a converter with.
    history: Vec<[f32; 2]>,
    pace: Pace,
    late: u64,
    refused: u64,
    stereo: Vec<[f32; 2]>,
    converted: Vec<[f32; 2]>,
}

/// A run of blocks that follow one another.
#[derive(Clone, Copy, Debug)]
struct Stream {
    /// When the next block is due.
    due: Timestamp,
    /// Input frames fed since it began (or since its converter did).
    fed: f64,
    /// The frame that the next output goes to.
    write: i64,
    /// What rounding to a whole frame left over when it began: no error that wants steering.
    rest: f64,
    /// Outputs before this frame stand for what was before the stream, and are thrown away.
    from: i64,
}

/// How far a strip is delayed, and why.
#[derive(Clone, Copy, Debug, Default)]
struct Pace {
    /// Frames added to every timestamp.
    delay: f64,
    /// Where the delay glides to.
    target: f64,
    /// Waits for the next mix to choose the delay.
    choose: bool,
    /// Input seconds in the current window, and how many of its frames came late.
    window: f64,
    window_late: u64,
    window_frames: u64,
    lateness: i64,
    /// Windows with late frames, the older the less.
    trouble: f64,
    /// Times that samples were late by much, and seconds without any since.
    stalls: u32,
    quiet: f64,
    /// Smallest stock after a mix, and frames mixed since it was last looked at.
    least: Option<i64>,
    watched: usize,
    /// Frames mixed while the samples came early enough without any delay.
    needless: usize,
}

impl Channel {
    pub(crate) fn new(strip: Strip) -> Self {
        Self {
            fader: Fader::new(strip),
            meter: Meter::default(),
            sends: Sends::default(),
            timing: Timing::Auto,
            timeline: Timeline::default(),
            stream: None,
            rate: SAMPLE_RATE,
            converter: None,
            servo: Servo::default(),
            history: Vec::with_capacity(HISTORY),
            pace: Pace::default(),
            late: 0,
            refused: 0,
            stereo: Vec::new(),
            converted: Vec::new(),
        }
    }

    pub(crate) fn set_timing(&mut self, timing: Timing) {
        if timing == self.timing {
            return;
        }
        self.timing = timing;
        self.pace = Pace {
            choose: timing == Timing::Live,
            ..Pace::default()
        };
        self.stream = None;
    }

    pub(crate) fn stats(&self) -> StripStats {
        StripStats {
            late: self.late,
            refused: self.refused,
            gaps: self.timeline.holes(),
            buffered: Duration::from_secs_f64(self.timeline.len() as f64 / RATE),
            delay: Duration::from_secs_f64(self.pace.delay.max(0.0) / RATE),
            drift_ppm: self.servo.drift_ppm(),
            resampled: self.converter.is_some(),
        }
    }

    /// Takes samples; `position` is the first frame that was not yet mixed.
    pub(crate) fn push(&mut self, samples: &Samples, position: Option<i64>) {
        if !RATES.contains(&samples.rate) || samples.channels == 0 {
            self.refused += samples.frames() as u64;
            return;
        }
        let mut stereo = std::mem::take(&mut self.stereo);
        stereo.clear();
        layout::stereo(&samples.data, samples.channels.into(), &mut stereo);
        self.place(samples, &stereo, position);
        self.stereo = stereo;
    }

    fn place(&mut self, samples: &Samples, frames: &[[f32; 2]], position: Option<i64>) {
        let scale = RATE / f64::from(samples.rate);
        let seconds = frames.len() as f64 / f64::from(samples.rate);
        self.pace.glide(seconds);
        let mut at = samples.timestamp.nanos() as f64 * RATE / 1e9 + self.pace.delay;
        if self.stream.is_some()
            && self.pace.delay > 0.0
            && self.timing != Timing::Exact
            && self.following(samples, at).is_none()
        {
            // Its delay was right for the time before the jump.
            at -= self.pace.delay;
            self.pace.anew();
            self.timeline.clear();
        }

        let (mut stream, skip, error) = match self.following(samples, at) {
            Some((stream, error)) => (stream, 0, error),
            None => match self.begin(samples.rate, at, frames.len()) {
                Some((stream, skip)) => (stream, skip, 0.0),
                None => return,
            },
        };
        stream.due = samples.end();
        let frames = &frames[skip..];

        let smoothed = self.servo.measure(error / RATE, seconds);
        if let Some(converter) = &mut self.converter {
            converter.correct(self.servo.steer(seconds));
        } else if smoothed.abs() > DRIFTED {
            self.engage(&mut stream, scale);
        }

        let mut converted = std::mem::take(&mut self.converted);
        converted.clear();
        stream.fed += frames.len() as f64;
        let frames = match &mut self.converter {
            Some(converter) => {
                converter.feed(frames, &mut converted);
                &converted
            }
            None => {
                remember(&mut self.history, frames);
                frames
            }
        };
        self.append(&mut stream, frames, position);
        self.converted = converted;
        self.stream = Some(stream);
        self.pace.pushed(seconds);
    }

    /// The stream, if samples that belong at `at` go on with it, and by how many frames it
    /// stands too early.
    fn following(&self, samples: &Samples, at: f64) -> Option<(Stream, f64)> {
        let stream = self.stream.filter(|stream| {
            samples.rate == self.rate && samples.timestamp.offset_from(stream.due).abs() <= JUMP
        })?;
        let next = self
            .converter
            .as_ref()
            .map_or(stream.fed, Converter::next_position);
        let scale = RATE / f64::from(samples.rate);
        let error = at + (next - stream.fed) * scale - stream.write as f64 - stream.rest;
        (error.abs() <= ASTRAY).then_some((stream, error))
    }

    /// The first frame that may be written.
    fn floor(&self) -> i64 {
        self.timeline.end().unwrap_or(i64::MIN)
    }

    /// A new stream whose first frame stands at `at`, and how many frames of its first block are
    /// skipped because others stand there already. None when all of it is.
    fn begin(&mut self, rate: u32, at: f64, frames: usize) -> Option<(Stream, usize)> {
        let scale = RATE / f64::from(rate);
        self.stream = None;
        let overlap = (self.floor() as f64 - at).max(0.0);
        let skip = (overlap / scale).round() as usize;
        self.late += (skip.min(frames) as f64 * scale) as u64;
        if skip >= frames {
            return None;
        }
        if rate != self.rate || (rate != SAMPLE_RATE && self.converter.is_none()) {
            self.rate = rate;
            self.servo = Servo::default();
            self.converter = None;
            if rate != SAMPLE_RATE {
                self.converter = Some(Converter::new(rate).ok()?);
            }
        } else if let Some(converter) = &mut self.converter {
            converter.reset();
        }
        self.servo.placed();
        self.history.clear();
        let start = at + skip as f64 * scale;
        let ahead = self
            .converter
            .as_ref()
            .map_or(0.0, Converter::next_position)
            * scale;
        let first = start + ahead;
        let stream = Stream {
            due: Timestamp::ZERO,
            fed: 0.0,
            write: first.round() as i64,
            rest: first - first.round(),
            from: start.round() as i64,
        };
        Some((stream, skip))
    }

    /// Puts a converter into a stream that went without, as if it had always been there.
    fn engage(&mut self, stream: &mut Stream, scale: f64) {
        let Ok(mut converter) = Converter::new(self.rate) else {
            return;
        };
        let mut seen = Vec::new();
        converter.feed(&self.history, &mut seen);
        // What comes next stands for frames that were written already: begin there anew.
        let behind = self.history.len() as f64 - converter.next_position();
        stream.fed = self.history.len() as f64;
        stream.from = stream.write;
        stream.write -= (behind * scale).round() as i64;
        self.converter = Some(converter);
    }

    fn append(&mut self, stream: &mut Stream, frames: &[[f32; 2]], position: Option<i64>) {
        let first = stream.from.max(self.floor());
        let taken = usize::try_from(first.saturating_sub(stream.write))
            .unwrap_or(0)
            .min(frames.len());
        stream.write += taken as i64;
        let frames = &frames[taken..];

        let past = position.map_or(0, |p| (p - stream.write).max(0));
        let late = usize::try_from(past).unwrap_or(0).min(frames.len());
        self.late += late as u64;
        self.pace.window_late += late as u64;
        self.pace.window_frames += frames.len() as u64;
        if late > 0 {
            self.pace.lateness = self.pace.lateness.max(past);
        }
        stream.write += late as i64;
        let frames = &frames[late..];

        let room = MAX_WAITING.saturating_sub(self.timeline.len());
        let kept = frames.len().min(room);
        self.refused += (frames.len() - kept) as u64;
        self.timeline.write(stream.write, &frames[..kept]);
        stream.write += frames.len() as i64;
    }

    /// The strip's part of the mix from `start` on.
    pub(crate) fn read(&mut self, start: i64, out: &mut [[f32; 2]]) {
        self.keep_pace(start, out.len());
        self.timeline.read(start, out);
        self.fader.apply(out);
        self.meter.add(out);
    }

    /// Chooses, raises or lowers the delay by how much is in hand.
    fn keep_pace(&mut self, start: i64, frames: usize) {
        if self.timing == Timing::Exact {
            return;
        }
        let Some(stream) = &mut self.stream else {
            return;
        };
        let end = start + frames as i64;
        let stock = stream.write - end;
        if self.pace.choose {
            self.pace.choose = false;
            let idle = self.timing == Timing::Auto && self.pace.delay <= 0.0 && stock >= 0;
            let short = if idle { 0 } else { MARGIN - stock };
            let more = short.max(self.pace.jitter(idle));
            let more = more.clamp(0, MAX_DELAY - self.pace.delay as i64);
            if more > 0 {
                self.pace.add(more);
                self.timeline.discard_before(start);
                self.timeline.delay(more);
                stream.write += more;
            }
            return;
        }
        if self.pace.delay <= 0.0 {
            return;
        }
        let fresh = stock > -(frames as i64);
        if fresh {
            self.pace.watch(stock, frames);
        }
        if self.timing == Timing::Auto && self.pace.is_needless(stock, frames) {
            let all = self.pace.delay as i64;
            self.pace = Pace::default();
            stream.write -= all;
            self.timeline.delay(-all);
        }
    }
}

impl Pace {
    /// More delay, at once.
    fn add(&mut self, frames: i64) {
        self.delay += frames as f64;
        self.target = self.delay;
        self.least = None;
        self.watched = 0;
        self.needless = 0;
    }

    /// What would have saved samples that were late by a little, or by much for the second time. One stall is no
    /// jitter: its samples are better lost than everything later delayed. Nor are those of a source that is `idle`:
    /// in time again without any delay.
    fn jitter(&mut self, idle: bool) -> i64 {
        let late = std::mem::take(&mut self.lateness);
        if late > JITTER {
            self.stalls += 1;
        }
        if late <= 0 || (late > JITTER && (idle || self.stalls < 2)) {
            return 0;
        }
        late + MARGIN
    }

    /// Forgets the delay, since the device's time has jumped; not what kind of device it is.
    fn anew(&mut self) {
        *self = Self {
            choose: true,
            stalls: self.stalls,
            quiet: self.quiet,
            ..Self::default()
        };
    }

    /// Moves the delay to its target, at most 2 ms in a second of sound.
    fn glide(&mut self, seconds: f64) {
        let most = 0.002 * RATE * seconds;
        self.delay += (self.target - self.delay).clamp(-most, most);
    }

    /// Looks at each quarter of a second of pushed sound: late again and again means that the delay is too small.
    fn pushed(&mut self, seconds: f64) {
        self.window += seconds;
        if self.window < 0.25 {
            return;
        }
        self.trouble *= 0.9;
        self.quiet += self.window;
        if self.window_late > 0 {
            self.trouble += 1.0;
            self.quiet = 0.0;
        } else if self.quiet > FORGIVEN {
            self.stalls = 0;
            self.lateness = 0;
        }
        if self.window_late * 2 > self.window_frames {
            self.trouble += 1.0;
        }
        if self.trouble > 1.5 {
            self.trouble = 0.0;
            self.choose = true;
        }
        self.window = 0.0;
        self.window_late = 0;
        self.window_frames = 0;
    }

    /// Looks at each ten seconds of mixed sound: more in hand than needed means that the delay is too large.
    fn watch(&mut self, stock: i64, frames: usize) {
        self.least = Some(self.least.map_or(stock, |least| least.min(stock)));
        self.watched += frames;
        if self.watched < 10 * SAMPLE_RATE as usize {
            return;
        }
        let spare = self.least.take().unwrap_or(0) - 2 * MARGIN;
        self.watched = 0;
        if spare > MARGIN {
            self.target = (self.delay - spare as f64).max(0.0);
        }
    }

    /// Whether for two seconds all samples came early enough without the delay.
    fn is_needless(&mut self, stock: i64, frames: usize) -> bool {
        if (stock as f64) < self.delay {
            self.needless = 0;
            return false;
        }
        self.needless += frames;
        self.needless > 2 * SAMPLE_RATE as usize
    }
}

fn remember(history: &mut Vec<[f32; 2]>, frames: &[[f32; 2]]) {
    let new = &frames[frames.len().saturating_sub(HISTORY)..];
    let old = history.len().saturating_sub(HISTORY - new.len());
    history.drain(..old);
    history.extend_from_slice(new);
}
