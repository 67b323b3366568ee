//! The mix: many sources of sound in, one continuous 48 kHz stereo signal out.
//!
//! [`Mixer::push`] takes what sources bring, at any rate and with any channels, stamped;
//! [`Mixer::mix`] gives the next range of time; [`Mixer::meters`] the levels since it was last asked.
//!
//! Sound stands where its timestamp puts it. What is already at 48 kHz, with timestamps that follow
//! one another, passes unchanged but for its fader; everything else goes through a resampler whose
//! ratio follows the source's clock. Gaps become silence with short fades, what comes after its
//! range was mixed is dropped and counted.
//!
//! Beside the master there may be a few [buses](Mixer::set_buses): each is the mix of the strips that are
//! [sent](Mixer::set_sends) to it, after their own faders and before that of the master.
//!
//! This crate knows no device, no file, no codec and no clock: it is pure given its calls.

mod bus;
mod convert;
mod fader;
mod layout;
mod limiter;
mod meter;
mod servo;
mod strip;
mod timeline;

use std::collections::BTreeMap;
use std::time::Duration;

use media::{SAMPLE_RATE, Samples, Timestamp};

use bus::Bus;
use fader::Fader;
use limiter::Limiter;
use meter::Meter;
use strip::Channel;

pub use bus::BUSES;
pub use fader::{MAX_GAIN_DB, SILENCE_DB};
pub use limiter::{CEILING_DB, LOOKAHEAD_FRAMES};
pub use meter::{FLOOR_DB, Level};

/// Settings of a strip.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Strip {
    /// Fader in dB: [`SILENCE_DB`] and below is silence, above [`MAX_GAIN_DB`] counts as that.
    pub gain_db: f32,
    /// Silent whatever the fader says.
    pub muted: bool,
    /// −1 left, 0 middle, 1 right. Linear balance: the middle leaves both sides at unity, and the side
    /// turned away from falls in a straight line to nothing.
    pub pan: f32,
}

/// How a strip treats the time of its samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timing {
    /// As stamped, while samples come in time. A strip whose samples keep coming after their range was
    /// mixed (a device whose sound is of the past by nature) is delayed by as much as it needs.
    #[default]
    Auto,
    /// As stamped, always: files and generated sound. What comes late is dropped.
    Exact,
    /// A device: from its first samples on delayed by as much as it needs and 5 ms, then as
    /// with [`Timing::Auto`].
    Live,
}

/// What [`Mixer::mix`] made.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixed {
    /// 48 kHz stereo, as many frames as asked for. The limiter looks ahead by
    /// [`LOOKAHEAD_FRAMES`] (2 ms), and so the timestamp is that much before the range's start: it
    /// is the time that the sound belongs to.
    pub samples: Samples,
}

/// Levels since they were last asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Meters {
    /// Each strip by its key: what it adds to the mix, after fader, mute and pan.
    pub strips: Vec<(String, Level)>,
    /// After the master fader and the limiter.
    pub master: Level,
}

/// How a strip does.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StripStats {
    /// Frames (at 48 kHz) dropped because they came after their range was mixed, or overlap earlier ones.
    pub late: u64,
    /// Frames dropped because they lie more than ten seconds ahead, or have an impossible rate.
    pub refused: u64,
    /// Times that the strip had nothing to play after having had something.
    pub gaps: u64,
    /// Sound waiting to be mixed.
    pub buffered: Duration,
    /// By how much the strip is delayed against its timestamps.
    pub delay: Duration,
    /// The source's clock against ours, as measured, in parts per million; 0 while none is measured.
    pub drift_ppm: f64,
    /// Whether it goes through the resampler.
    pub resampled: bool,
}

/// The mixer.
#[derive(Debug)]
pub struct Mixer {
    strips: BTreeMap<String, Channel>,
    /// Removed strips that still fade out.
    leaving: Vec<Channel>,
    master: Fader,
    limiter: Limiter,
    meter: Meter,
    /// Beside the master.
    buses: Vec<Bus>,
    /// The frame after the last range mixed.
    position: Option<i64>,
    bus: Vec<[f32; 2]>,
    work: Vec<[f32; 2]>,
    spare: Vec<f32>,
}

impl Default for Mixer {
    fn default() -> Self {
        Self::new()
    }
}

impl Mixer {
    /// A mixer without strips, its master at 0 dB.
    pub fn new() -> Self {
        Self {
            strips: BTreeMap::new(),
            leaving: Vec::new(),
            master: Fader::new(Strip::default()),
            limiter: Limiter::new(),
            meter: Meter::default(),
            buses: Vec::new(),
            position: None,
            bus: Vec::new(),
            work: Vec::new(),
            spare: Vec::new(),
        }
    }

    /// Sets a strip, adding it when it is new. Changes ramp over 10 ms.
    pub fn set_strip(&mut self, key: &str, strip: Strip) {
        match self.strips.get_mut(key) {
            Some(channel) => channel.fader.set(strip),
            None => {
                self.strips.insert(key.to_owned(), Channel::new(strip));
            }
        }
    }

    /// Sets how a strip treats time; [`Timing::Auto`] unless told. Without effect on an unknown key.
    pub fn set_timing(&mut self, key: &str, timing: Timing) {
        if let Some(channel) = self.strips.get_mut(key) {
            channel.set_timing(timing);
        }
    }

    /// How many buses are mixed beside the master; none unless told, [`BUSES`] at most.
    pub fn set_buses(&mut self, many: usize) {
        self.buses.truncate(many);
        self.buses.resize_with(many.min(BUSES), Bus::new);
    }

    /// The buses that a strip goes to beside the master, one bit for each; none unless told. Changes ramp
    /// over 10 ms. Without effect on an unknown key.
    pub fn set_sends(&mut self, key: &str, sends: u8) {
        if let Some(channel) = self.strips.get_mut(key) {
            channel.sends.set(sends);
        }
    }

    /// What [`Mixer::mix`] last made on a bus, as long and of the same time as the master.
    pub fn bus(&self, bus: usize) -> Option<&Samples> {
        self.buses.get(bus).map(|bus| &bus.mixed)
    }

    /// Removes a strip; what it plays fades out within 10 ms.
    pub fn remove(&mut self, key: &str) {
        if let Some(mut channel) = self.strips.remove(key) {
            channel.fader.silence();
            self.leaving.push(channel);
        }
    }

    /// The strips, in order of their keys.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.strips.keys().map(String::as_str)
    }

    /// Sound for a strip: any rate from 4 to 768 kHz, any channels, stamped. An unknown key adds a strip at 0 dB.
    ///
    /// To be heard where its timestamp says it must come before [`Mixer::mix`] is asked for that
    /// range; what is not at 48 kHz, some ms before, for the resampler holds back 1.3 ms and 48 frames
    /// of its input (10 ms is always enough; what comes just in time is delayed by as much).
    pub fn push(&mut self, key: &str, samples: Samples) {
        if !self.strips.contains_key(key) {
            self.set_strip(key, Strip::default());
        }
        if let Some(channel) = self.strips.get_mut(key) {
            channel.push(&samples, self.position);
        }
    }

    /// Sets the master fader, in dB as for a strip. Changes ramp over 10 ms.
    pub fn set_master_gain(&mut self, db: f32) {
        self.master.set(Strip {
            gain_db: db,
            ..Strip::default()
        });
    }

    /// The mix of `frames` frames from `start` on. Ranges are meant to follow one another; what lies
    /// before the end of the last one is silence.
    ///
    /// Allocates nothing once it has run, if the samples are given back by [`Mixer::recycle`].
    pub fn mix(&mut self, start: Timestamp, frames: usize) -> Mixed {
        let first = start.ticks(SAMPLE_RATE);
        self.bus.clear();
        self.bus.resize(frames, [0.0; 2]);
        self.work.resize(frames, [0.0; 2]);
        self.buses.iter_mut().for_each(|bus| bus.begin(frames));

        for channel in self.strips.values_mut().chain(self.leaving.iter_mut()) {
            channel.read(first, &mut self.work);
            for (sum, value) in self.bus.iter_mut().zip(&self.work) {
                sum[0] += value[0];
                sum[1] += value[1];
            }
            channel.sends.add(&self.work, &mut self.buses);
        }
        self.leaving.retain(|channel| channel.fader.moving());
        self.position = Some(first + frames as i64);

        self.master.apply(&mut self.bus);
        self.limiter.process(&mut self.bus);
        self.meter.add(&self.bus);

        let mut data = std::mem::take(&mut self.spare);
        data.clear();
        data.extend_from_slice(self.bus.as_flattened());
        let lookahead = Timestamp::from_ticks(LOOKAHEAD_FRAMES as i64, SAMPLE_RATE);
        let timestamp = start.offset(-lookahead.nanos());
        self.buses.iter_mut().for_each(|bus| bus.end(timestamp));
        Mixed {
            samples: Samples {
                timestamp,
                rate: SAMPLE_RATE,
                channels: 2,
                data,
            },
        }
    }

    /// Takes samples back, so that the next mix need not allocate.
    pub fn recycle(&mut self, samples: Samples) {
        if samples.data.capacity() > self.spare.capacity() {
            self.spare = samples.data;
        }
    }

    /// Levels since the last call.
    pub fn meters(&mut self) -> Meters {
        Meters {
            strips: self
                .strips
                .iter_mut()
                .map(|(key, channel)| (key.clone(), channel.meter.take()))
                .collect(),
            master: self.meter.take(),
        }
    }

    /// How a strip does.
    pub fn stats(&self, key: &str) -> Option<StripStats> {
        self.strips.get(key).map(Channel::stats)
    }
}

#[cfg(test)]
mod tests;
