//! Sound that waits at its place in time.

use std::collections::VecDeque;

/// 2 ms at 48 kHz: how long sound takes to come after silence, and to go into it.
pub(crate) const FADE_FRAMES: usize = 96;

/// A stretch without holes.
#[derive(Clone, Copy, Debug)]
struct Run {
    start: i64,
    len: usize,
}

impl Run {
    fn end(self) -> i64 {
        self.start + self.len as i64
    }
}

/// Frames by their number since the epoch at 48 kHz, with holes where there is nothing.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    runs: VecDeque<Run>,
    frames: VecDeque<[f32; 2]>,
    edge: Edge,
}

/// Keeps the edges of holes from clicking.
#[derive(Debug, Default)]
struct Edge {
    last: [f32; 2],
    /// Frames left of the way from `last` to silence.
    falling: usize,
    /// Frames left of the way from silence to full.
    rising: usize,
    playing: bool,
    holes: u64,
}

impl Timeline {
    /// The frame after the last one; none while it is empty.
    pub(crate) fn end(&self) -> Option<i64> {
        self.runs.back().map(|run| run.end())
    }

    /// Frames waiting.
    pub(crate) fn len(&self) -> usize {
        self.frames.len()
    }

    /// Times that sound ran out.
    pub(crate) fn holes(&self) -> u64 {
        self.edge.holes
    }

    /// Puts frames at `at`, which must not lie before the end.
    pub(crate) fn write(&mut self, at: i64, frames: &[[f32; 2]]) {
        if frames.is_empty() {
            return;
        }
        match self.runs.back_mut() {
            Some(run) if run.end() == at => run.len += frames.len(),
            _ => self.runs.push_back(Run {
                start: at,
                len: frames.len(),
            }),
        }
        self.frames.extend(frames);
    }

    /// Moves all that waits by `frames` later.
    pub(crate) fn delay(&mut self, frames: i64) {
        for run in &mut self.runs {
            run.start += frames;
        }
    }

    /// Forgets what waits.
    pub(crate) fn clear(&mut self) {
        self.runs.clear();
        self.frames.clear();
    }

    /// Forgets what lies before `at`.
    pub(crate) fn discard_before(&mut self, at: i64) {
        while let Some(run) = self.runs.front_mut() {
            let past = usize::try_from(at - run.start).unwrap_or(0).min(run.len);
            self.frames.drain(..past);
            run.start += past as i64;
            run.len -= past;
            if run.len > 0 {
                return;
            }
            self.runs.pop_front();
        }
    }

    /// Takes the frames from `start` on; holes are silence.
    pub(crate) fn read(&mut self, start: i64, out: &mut [[f32; 2]]) {
        self.discard_before(start);
        let mut done = 0;
        while done < out.len() {
            let at = start + done as i64;
            let rest = out.len() - done;
            match self.runs.front_mut() {
                Some(run) if run.start <= at => {
                    let count = run.len.min(rest);
                    let target = &mut out[done..done + count];
                    for (slot, frame) in target.iter_mut().zip(self.frames.drain(..count)) {
                        *slot = frame;
                    }
                    run.start += count as i64;
                    run.len -= count;
                    if run.len == 0 {
                        self.runs.pop_front();
                    }
                    self.edge.sound(target);
                    done += count;
                }
                next => {
                    let hole = next.map_or(rest, |run| {
                        usize::try_from(run.start - at).unwrap_or(0).min(rest)
                    });
                    self.edge.hole(&mut out[done..done + hole]);
                    done += hole;
                }
            }
        }
    }
}

impl Edge {
    fn sound(&mut self, frames: &mut [[f32; 2]]) {
        if !self.playing {
            self.playing = true;
            self.rising = FADE_FRAMES;
        }
        let (faded, _) = frames.split_at_mut(self.rising.min(frames.len()));
        for frame in faded {
            let gain = 1.0 - self.rising as f32 / FADE_FRAMES as f32;
            // What still falls is added, so that a very short hole does not click either.
            let tail = self.tail();
            *frame = [frame[0] * gain + tail[0], frame[1] * gain + tail[1]];
            self.rising -= 1;
        }
        if let Some(last) = frames.last() {
            self.last = *last;
        }
    }

    fn hole(&mut self, frames: &mut [[f32; 2]]) {
        if self.playing && !frames.is_empty() {
            self.playing = false;
            self.falling = FADE_FRAMES;
            self.holes += 1;
        }
        for frame in frames {
            *frame = self.tail();
        }
    }

    /// Half a cosine from the last value to silence: what the sound was going to do is unknown.
    fn tail(&mut self) -> [f32; 2] {
        if self.falling == 0 {
            return [0.0; 2];
        }
        let at = self.falling as f32 / FADE_FRAMES as f32;
        self.falling -= 1;
        let gain = 0.5 - 0.5 * (std::f32::consts::PI * at).cos();
        self.last.map(|v| v * gain)
    }
}
