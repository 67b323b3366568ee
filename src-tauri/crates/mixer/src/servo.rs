//! Keeping step with a clock that is not ours.

/// No crystal is off by more; beyond it the pitch would be heard to move.
pub(crate) const MAX_CORRECTION: f64 = 0.005;

/// Correction per second of error: critically damped, settling in about 20 s, so that
/// 200 ppm never make more than 2 ms and a millisecond of jitter moves the pitch by less than 0.2 cent.
const PROPORTIONAL: f64 = 0.1;
const INTEGRAL: f64 = PROPORTIONAL * PROPORTIONAL / 4.0;
/// From this error on it hurries, in seconds.
const HURRY_ABOVE: f64 = 0.010;
const HURRY: f64 = 5.0;
/// Time constant that timestamps are smoothed with, in seconds.
const SMOOTHING: f64 = 0.5;

/// A PI loop from the error of placement (seconds that the sound stands too early) to a change of the ratio.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Servo {
    error: f64,
    integral: f64,
    correction: f64,
}

impl Servo {
    /// The next measurement, `elapsed` seconds of sound after the last one. Returns the smoothed error.
    pub(crate) fn measure(&mut self, error: f64, elapsed: f64) -> f64 {
        let weight = elapsed / (elapsed + SMOOTHING);
        self.error += (error - self.error) * weight;
        self.error
    }

    /// What to lengthen the sound by, relative, from the smoothed error.
    pub(crate) fn steer(&mut self, elapsed: f64) -> f64 {
        let hurry = if self.error.abs() > HURRY_ABOVE {
            HURRY
        } else {
            1.0
        };
        self.integral = (self.integral + self.error * INTEGRAL * elapsed)
            .clamp(-MAX_CORRECTION, MAX_CORRECTION);
        self.correction = (self.error * PROPORTIONAL * hurry + self.integral)
            .clamp(-MAX_CORRECTION, MAX_CORRECTION);
        self.correction
    }

    /// Forgets the error, since the sound was placed anew; keeps what it knows of the clock.
    pub(crate) fn placed(&mut self) {
        self.error = 0.0;
    }

    /// The source's clock against ours in parts per million: what it runs too fast by.
    pub(crate) fn drift_ppm(&self) -> f64 {
        -self.integral * 1e6
    }
}
