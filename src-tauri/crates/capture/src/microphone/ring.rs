//! Between the device's callback and the program: a ring of samples and a ring of marks that say when they were heard.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use media::{Samples, Timestamp};
use rtrb::{Consumer, Producer, RingBuffer};

use super::smooth::Smoother;

/// How much sound the ring holds, in seconds; more is dropped and counted. Some sound servers hand out two at a time.
const SECONDS: usize = 4;
/// Sound servers hand out what they collected before anybody listened: blocks count from here on, when
/// so many have come in their own time.
const STEADY: u32 = 5;
/// Unless that never happens, in seconds of sound.
const IMPATIENT: f64 = 3.0;
/// Blocks that follow one another with more between their times do not belong together (15 ms).
const APART: i64 = 15_000_000;
/// Blocks that it holds.
const BLOCKS: usize = 4_096;

/// A block in the ring.
#[derive(Clone, Copy, Debug)]
struct Mark {
    /// Frames since the stream began, dropped ones included.
    count: u64,
    frames: usize,
    measured: Timestamp,
}

/// What the callback and the device's thread tell each other without locks.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    /// Callbacks so far.
    pub(super) calls: AtomicU64,
    /// Frames that found no room.
    pub(super) dropped: AtomicU64,
    /// Why the stream ended; 0 while it has not.
    pub(super) ended: AtomicU32,
}

/// The callback's end. Writing neither locks nor allocates.
pub(super) struct Inlet {
    samples: Producer<f32>,
    marks: Producer<Mark>,
    channels: usize,
    count: u64,
    pulse: Arc<Pulse>,
}

/// The program's end.
#[derive(Debug)]
pub(super) struct Outlet {
    samples: Consumer<f32>,
    marks: Consumer<Mark>,
    rate: u32,
    channels: u16,
    smoother: Smoother,
    /// The first block of the next read.
    held: Option<(Mark, Timestamp)>,
    /// The last block, and how many came in their own time, while it warms up.
    warming: Option<(Option<Mark>, u32)>,
}

pub(super) fn ring(rate: u32, channels: u16, pulse: Arc<Pulse>) -> (Inlet, Outlet) {
    let room = rate as usize * usize::from(channels) * SECONDS;
    let (samples_in, samples_out) = RingBuffer::new(room.max(1));
    let (marks_in, marks_out) = RingBuffer::new(BLOCKS);
    (
        Inlet {
            samples: samples_in,
            marks: marks_in,
            channels: usize::from(channels.max(1)),
            count: 0,
            pulse,
        },
        Outlet {
            samples: samples_out,
            marks: marks_out,
            rate,
            channels: channels.max(1),
            smoother: Smoother::new(rate),
            held: None,
            warming: Some((None, 0)),
        },
    )
}

impl Inlet {
    /// Takes a block, interleaved, whose first frame was heard at `measured`. All of it, or none.
    pub(super) fn write<T: Copy>(
        &mut self,
        data: &[T],
        measured: Timestamp,
        value: impl Fn(T) -> f32,
    ) {
        self.pulse.calls.fetch_add(1, Ordering::Relaxed);
        let frames = data.len() / self.channels;
        let mark = Mark {
            count: self.count,
            frames,
            measured,
        };
        self.count += frames as u64;
        let data = &data[..frames * self.channels];
        let chunk = self.samples.write_chunk_uninit(data.len());
        match chunk {
            Ok(chunk) if frames > 0 && !self.marks.is_full() => {
                chunk.fill_from_iter(data.iter().map(|&v| value(v)));
                // There is room: only this end fills it.
                self.marks.push(mark).ok();
            }
            _ => {
                self.pulse
                    .dropped
                    .fetch_add(frames as u64, Ordering::Relaxed);
            }
        }
    }
}

impl Outlet {
    /// What has arrived, up to the next hole; none when nothing has.
    pub(super) fn read(&mut self) -> Option<Samples> {
        self.warm_up();
        let (first, timestamp) = self.held.take().or_else(|| self.next())?;
        let rate = self.rate;
        let length = |mark: &Mark| Timestamp::from_ticks(mark.frames as i64, rate).nanos();
        let mut frames = first.frames;
        let mut end = (
            first.count + first.frames as u64,
            timestamp.offset(length(&first)),
        );
        while let Some((mark, time)) = self.next() {
            if mark.count != end.0 || time.offset_from(end.1).abs() > APART {
                self.held = Some((mark, time));
                break;
            }
            frames += mark.frames;
            end = (mark.count + mark.frames as u64, time.offset(length(&mark)));
        }
        Some(Samples {
            timestamp,
            rate: self.rate,
            channels: self.channels,
            data: self.take(frames),
        })
    }

    fn next(&mut self) -> Option<(Mark, Timestamp)> {
        let mark = self.marks.pop().ok()?;
        Some((mark, self.smoother.block(mark.count, mark.measured)))
    }

    /// The samples of the next `frames` frames, which are there when their marks are.
    fn take(&mut self, frames: usize) -> Vec<f32> {
        match self.samples.read_chunk(frames * usize::from(self.channels)) {
            Ok(chunk) => {
                let (head, tail) = chunk.as_slices();
                let data = [head, tail].concat();
                chunk.commit_all();
                data
            }
            Err(_) => Vec::new(),
        }
    }

    fn warm_up(&mut self) {
        while let Some((last, steady)) = self.warming {
            let Ok(mark) = self.marks.peek().copied() else {
                return;
            };
            let pause = last.map_or(0, |last| mark.measured.offset_from(last.measured));
            let length = last.map_or(0, |last| {
                Timestamp::from_ticks(last.frames as i64, self.rate).nanos()
            });
            let steady = if last.is_some() && pause * 2 >= length {
                steady + 1
            } else {
                0
            };
            if steady >= STEADY || mark.count as f64 > IMPATIENT * f64::from(self.rate) {
                self.warming = None;
                return;
            }
            self.warming = Some((Some(mark), steady));
            // Just seen, and so there.
            self.marks.pop().ok();
            drop(self.take(mark.frames));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ring that has warmed up.
    fn warm(rate: u32, channels: u16, pulse: Arc<Pulse>) -> (Inlet, Outlet) {
        let (inlet, mut outlet) = ring(rate, channels, pulse);
        outlet.warming = None;
        (inlet, outlet)
    }

    #[test]
    fn what_was_collected_before_is_passed_over() {
        let (mut inlet, mut outlet) = ring(1_000, 1, Arc::default());
        let mut block = |millis: i64, value: f32| {
            inlet.write(&[value; 20], Timestamp::from_millis(millis), |v| v);
        };
        for n in 0..30 {
            block(500 + n, 0.1);
        }
        assert_eq!(outlet.read(), None);
        for n in 1..20 {
            block(530 + n * 20, 0.2);
        }
        let samples = outlet.read().expect("steady blocks");
        assert!(samples.data.iter().all(|v| *v == 0.2));
        assert_eq!(samples.timestamp.millis(), 530 + 5 * 20);
        assert_eq!(samples.frames(), 15 * 20);
    }

    #[test]
    fn a_device_that_is_never_steady_is_heard_all_the_same() {
        let (mut inlet, mut outlet) = ring(1_000, 1, Arc::default());
        for _ in 0..200 {
            inlet.write(&[0.1f32; 20], Timestamp::ZERO, |v| v);
            if outlet.read().is_some() {
                return;
            }
        }
        panic!("nothing in four seconds");
    }

    #[test]
    fn what_is_written_is_read_with_its_time() {
        let (mut inlet, mut outlet) = warm(48_000, 2, Arc::default());
        assert_eq!(outlet.read(), None);
        let at = Timestamp::from_millis;
        inlet.write(&[1i16, 2, 3, 4], at(10), f32::from);
        inlet.write(&[5i16, 6], at(10), f32::from);
        let samples = outlet.read().expect("two blocks");
        assert_eq!(samples.data, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!((samples.timestamp, samples.rate), (at(10), 48_000));
        assert_eq!(outlet.read(), None);
    }

    #[test]
    fn what_finds_no_room_is_dropped_and_leaves_a_hole_in_time() {
        let pulse = Arc::new(Pulse::default());
        let (mut inlet, mut outlet) = warm(1_000, 1, pulse.clone());
        let block = [0.5f32; 3_000];
        for n in 0..2 {
            inlet.write(&block, Timestamp::from_millis(n * 3_000), |v| v);
        }
        assert_eq!(pulse.dropped.load(Ordering::Relaxed), 3_000);
        assert_eq!(outlet.read().map(|s| s.frames()), Some(3_000));
        inlet.write(&block, Timestamp::from_millis(6_000), |v| v);
        let after = outlet.read().expect("room again");
        assert_eq!(after.timestamp.millis(), 6_000);
        assert_eq!(pulse.calls.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn a_read_ends_at_a_hole() {
        let (mut inlet, mut outlet) = warm(1_000, 1, Arc::default());
        inlet.write(&[0.5f32; 3_000], Timestamp::from_millis(0), |v| v);
        inlet.write(&[0.5f32; 1_500], Timestamp::from_millis(3_000), |v| v);
        inlet.write(&[0.5f32; 500], Timestamp::from_millis(4_500), |v| v);
        assert_eq!(outlet.read().map(|s| s.frames()), Some(3_000));
        assert_eq!(outlet.read().map(|s| s.frames()), Some(500));
        assert_eq!(outlet.read(), None);
    }
}
