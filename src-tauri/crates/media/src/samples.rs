//! Sound as numbers.

use std::time::Duration;

use crate::Timestamp;

/// The rate of everything after the mixer's inputs, in samples per second and channel.
pub const SAMPLE_RATE: u32 = 48_000;

/// A run of sound: `f32`, interleaved, full scale ±1.0.
///
/// Devices and files bring their own `rate`; from the mixer on it is [`SAMPLE_RATE`] and stereo.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    /// When the first sample was, or is to be, heard.
    pub timestamp: Timestamp,
    /// Samples per second and channel.
    pub rate: u32,
    /// Channels, interleaved; never zero.
    pub channels: u16,
    /// `frames × channels` values.
    pub data: Vec<f32>,
}

impl Samples {
    /// Silence of `frames` sample frames at 48 kHz stereo.
    pub fn silence(timestamp: Timestamp, frames: usize) -> Self {
        Self {
            timestamp,
            rate: SAMPLE_RATE,
            channels: 2,
            data: vec![0.0; frames * 2],
        }
    }

    /// Sample frames: values per channel.
    pub fn frames(&self) -> usize {
        self.data.len() / usize::from(self.channels.max(1))
    }

    /// How long it sounds.
    pub fn duration(&self) -> Duration {
        let nanos = self.frames() as u128 * 1_000_000_000 / u128::from(self.rate.max(1));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// When the sample after the last one is due.
    pub fn end(&self) -> Timestamp {
        self.timestamp + self.duration()
    }
}
