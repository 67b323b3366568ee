//! From any rate to 48 kHz.

use media::SAMPLE_RATE;
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Adjustable, Async, FixedAsync, Resampler, SincInterpolationParameters, SincInterpolationType,
    WindowFunction,
};

use crate::servo::MAX_CORRECTION;

/// Input frames taken at once are this part of a second: what waits is at most that (1.3 ms).
const CHUNKS_PER_SECOND: u32 = 750;
/// Length of the filter in input frames.
const TAPS: usize = 96;
/// Input frames that a resampler must have seen before what it gives is right.
pub(crate) const HISTORY: usize = TAPS + (SAMPLE_RATE / CHUNKS_PER_SECOND) as usize;
/// Rates that make sense of a source.
pub(crate) const RATES: std::ops::RangeInclusive<u32> = 4_000..=768_000;

/// A resampler that knows which input its output stands for.
pub(crate) struct Converter {
    inner: Async<f32>,
    nominal: f64,
    ratio: f64,
    /// The input frame that the last output stood for.
    position: f64,
    chunk: usize,
    waiting: Vec<f32>,
    out: Vec<f32>,
}

impl std::fmt::Debug for Converter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Converter")
            .field("ratio", &self.ratio)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

impl Converter {
    /// From `rate`, which must be one of [`RATES`].
    pub(crate) fn new(rate: u32) -> Result<Self, rubato::ResamplerConstructionError> {
        let nominal = f64::from(SAMPLE_RATE) / f64::from(rate.max(1));
        let chunk = (rate / CHUNKS_PER_SECOND).max(1) as usize;
        let inner = Async::new_sinc(
            nominal,
            1.0 + 2.0 * MAX_CORRECTION,
            &SincInterpolationParameters {
                sinc_len: TAPS,
                f_cutoff: Some(0.94),
                interpolation: SincInterpolationType::Linear,
                oversampling_factor: 256,
                window: WindowFunction::BlackmanHarris2,
            },
            chunk,
            2,
            FixedAsync::Input,
        )?;
        let out = vec![0.0; inner.output_frames_max() * 2];
        Ok(Self {
            inner,
            nominal,
            ratio: nominal,
            position: FIRST,
            chunk,
            waiting: Vec::with_capacity(chunk * 2),
            out,
        })
    }

    /// Starts again as if new, keeping its ratio.
    pub(crate) fn reset(&mut self) {
        self.inner.reset();
        self.waiting.clear();
        self.position = FIRST;
        let correction = self.ratio / self.nominal - 1.0;
        self.ratio = self.nominal;
        self.correct(correction);
    }

    /// The input frame since the start, with its fraction, that the next output stands for.
    pub(crate) fn next_position(&self) -> f64 {
        self.position + 1.0 / self.ratio
    }

    /// Lengthens the sound by a part of itself from the next chunk on.
    pub(crate) fn correct(&mut self, correction: f64) {
        let wanted = self.nominal * (1.0 + correction.clamp(-MAX_CORRECTION, MAX_CORRECTION));
        if (wanted / self.ratio - 1.0).abs() < 1e-9 {
            return;
        }
        // Within the bounds given at construction, and so never refused; were it, the ratio stays.
        if self.inner.set_resample_ratio(wanted, false).is_ok() {
            self.ratio = wanted;
        }
    }

    /// Feeds stereo frames; appends what comes out.
    pub(crate) fn feed(&mut self, mut input: &[[f32; 2]], out: &mut Vec<[f32; 2]>) {
        while !input.is_empty() {
            let room = self.chunk - self.waiting.len() / 2;
            let (now, later) = input.split_at(room.min(input.len()));
            self.waiting.extend_from_slice(now.as_flattened());
            input = later;
            if self.waiting.len() == self.chunk * 2 {
                self.convert(out);
                self.waiting.clear();
            }
        }
    }

    fn convert(&mut self, out: &mut Vec<[f32; 2]>) {
        let room = self.out.len() / 2;
        let (Ok(from), Ok(mut to)) = (
            InterleavedSlice::new(&self.waiting, 2, self.chunk),
            InterleavedSlice::new_mut(&mut self.out, 2, room),
        ) else {
            return;
        };
        if let Ok((_, made)) = self.inner.process_into_buffer(&from, &mut to, None) {
            self.position += made as f64 / self.ratio;
            let (frames, _) = self.out[..made * 2].as_chunks::<2>();
            out.extend_from_slice(frames);
        }
    }
}

/// Where the filter's middle stands before its first step: half its length before the first input frame.
const FIRST: f64 = -((TAPS / 2) as f64);
