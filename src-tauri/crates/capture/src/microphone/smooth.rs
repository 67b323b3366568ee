//! From the times of callbacks to the times of samples.

use media::Timestamp;

/// Errors above this are no jitter: the stream has jumped (50 ms).
const JUMP: f64 = 0.050;
/// A callback that comes late says nothing: the thread was kept waiting. Late for so long, samples were lost.
const PATIENCE: f64 = 0.200;
/// One callback counts for this much at most: bursts are no news of the clock (5 ms).
const CLIP: f64 = 0.005;
/// The loop's bandwidth at the start, in Hz: it finds its place within some seconds.
const WIDE: f64 = 0.2;
/// And later: callbacks that come 10 ms late move the time by some µs.
const NARROW: f64 = 0.02;
/// How long it takes from wide to narrow, in seconds.
const SETTLING: f64 = 20.0;
/// No crystal is off by more, relative.
const MAX_DRIFT: f64 = 0.005;

/// A second-order delay-locked loop over the times that callbacks report (after F. Adriaensen, "Using a DLL to
/// filter time", 2005): sample counts carry the time forward, callbacks correct it slowly.
#[derive(Debug)]
pub(super) struct Smoother {
    rate: f64,
    state: Option<State>,
}

#[derive(Clone, Copy, Debug)]
struct State {
    /// Sample count since the stream began, and its time in seconds.
    count: u64,
    time: f64,
    /// Seconds per sample.
    period: f64,
    /// Seconds since it began or jumped.
    age: f64,
    /// When callbacks began to come much too late.
    late: Option<f64>,
}

impl Smoother {
    pub(super) fn new(rate: u32) -> Self {
        Self {
            rate: f64::from(rate),
            state: None,
        }
    }

    /// A callback brought samples from `count` on, the first of which it believes was heard at `measured`. Returns the smoothed time of that sample.
    pub(super) fn block(&mut self, count: u64, measured: Timestamp) -> Timestamp {
        let measured = measured.seconds();
        let fresh = State {
            count,
            time: measured,
            period: 1.0 / self.rate,
            age: 0.0,
            late: None,
        };
        let Some(last) = self.state.filter(|state| state.count <= count) else {
            self.state = Some(fresh);
            return seconds(measured);
        };
        let samples = (count - last.count) as f64;
        let elapsed = samples / self.rate;
        let predicted = last.time + samples * last.period;
        let error = measured - predicted;
        let late = last.late.unwrap_or(measured);
        if error > JUMP && measured - late < PATIENCE {
            self.state = Some(State {
                count,
                time: predicted,
                late: Some(late),
                ..last
            });
            return seconds(predicted);
        }
        if error.abs() > JUMP {
            self.state = Some(fresh);
            return seconds(measured);
        }
        let error = error.clamp(-CLIP, CLIP);
        let settled = (last.age / SETTLING).min(1.0);
        let bandwidth = WIDE * (NARROW / WIDE).powf(settled);
        let omega = (std::f64::consts::TAU * bandwidth * elapsed).min(0.5);
        let time = predicted + std::f64::consts::SQRT_2 * omega * error;
        let period = if samples > 0.0 {
            last.period + omega * omega * error / samples
        } else {
            last.period
        };
        let nominal = 1.0 / self.rate;
        self.state = Some(State {
            count,
            time,
            period: period.clamp(nominal * (1.0 - MAX_DRIFT), nominal * (1.0 + MAX_DRIFT)),
            age: last.age + elapsed,
            late: None,
        });
        seconds(time)
    }
}

fn seconds(seconds: f64) -> Timestamp {
    Timestamp::from_nanos((seconds * 1e9) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs blocks of 480 through callbacks that come up to `jitter` late, of a device at `hertz` that calls
    /// itself 48 kHz. Returns (largest error, largest step between blocks against the truth) after `settled` seconds.
    fn run(hertz: f64, jitter: f64, seconds: u64, settled: f64) -> (f64, f64) {
        let mut smoother = Smoother::new(48_000);
        let mut random = 0x2545_F491_4F6C_DD1D_u64;
        let (mut error, mut step) = (0.0f64, 0.0f64);
        let mut last = None;
        for block in 0..seconds * 100 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let late = jitter * (random >> 11) as f64 / (1u64 << 53) as f64;
            let truth = (block * 480) as f64 / hertz;
            let measured = Timestamp::from_nanos(((truth + late) * 1e9) as i64);
            let time = smoother.block(block * 480, measured).seconds();
            if truth > settled {
                error = error.max((time - truth - jitter / 2.0).abs());
                if let Some(last) = last {
                    step = step.max(f64::abs(time - last - 480.0 / hertz));
                }
            }
            last = Some(time);
        }
        (error, step)
    }

    #[test]
    fn jitter_of_callbacks_is_not_jitter_of_timestamps() {
        for (hertz, jitter) in [
            (48_000.0, 0.0),
            (48_000.0, 0.010),
            (48_009.6, 0.005),
            (47_990.4, 0.020),
        ] {
            let (error, step) = run(hertz, jitter, 120, 40.0);
            assert!(
                error < 0.000_2 + jitter * 0.1,
                "{hertz} {jitter}: error {error}"
            );
            assert!(step < 0.000_05, "{hertz} {jitter}: step {step}");
        }
    }

    #[test]
    fn a_stream_that_goes_back_or_begins_anew_is_followed_at_once() {
        let mut smoother = Smoother::new(48_000);
        let at = Timestamp::from_millis;
        assert_eq!(smoother.block(0, at(900)), at(900));
        assert_eq!(smoother.block(480, at(910)).millis(), 910);
        assert_eq!(smoother.block(960, at(100)), at(100));
        assert_eq!(smoother.block(0, at(2_000)), at(2_000));
    }

    #[test]
    fn a_stall_moves_nothing_and_a_loss_is_followed_soon() {
        let mut smoother = Smoother::new(48_000);
        let mut block = |n: u64, millis: i64| {
            smoother
                .block(n * 480, Timestamp::from_millis(millis))
                .millis()
        };
        for n in 0..10 {
            block(n, n as i64 * 10);
        }
        // The thread waits 300 ms; then everything comes at once, and goes on. Those that are late by less than
        // a jump pull a little.
        for n in 10..40 {
            let time = block(n, 400);
            assert!((time - n as i64 * 10).abs() <= 8, "{n}: {time}");
        }
        for n in 40..50 {
            let time = block(n, n as i64 * 10);
            assert!((time - n as i64 * 10).abs() <= 8, "{n}: {time}");
        }
        // From here on, 300 ms are missing.
        let times: Vec<i64> = (50..80).map(|n| block(n, n as i64 * 10 + 300)).collect();
        assert!((times[0] - 500).abs() <= 8, "{times:?}");
        assert!((times[29] - (790 + 300)).abs() <= 1, "{times:?}");
    }
}
