//! Time that is counted: started, paused, reset.

use std::time::Duration;

use media::Timestamp;

/// Time that is counted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Timer {
    /// What was counted before it was last started.
    counted: Duration,
    since: Option<Timestamp>,
    /// Somebody has told it what to do: it does not begin by itself any more.
    touched: bool,
}

impl Timer {
    /// One that waits at zero for whoever starts it.
    pub(super) fn stopped() -> Self {
        Self {
            touched: true,
            ..Self::default()
        }
    }

    pub(super) fn start(&mut self, now: Timestamp) {
        self.touched = true;
        self.since.get_or_insert(now);
    }

    pub(super) fn pause(&mut self, now: Timestamp) {
        self.touched = true;
        if let Some(since) = self.since.take() {
            self.counted += now.since(since);
        }
    }

    /// Whether nothing was ever done with it.
    pub(super) fn is_fresh(&self) -> bool {
        !self.touched
    }

    pub(super) fn is_running(&self) -> bool {
        self.since.is_some()
    }

    /// What was counted until [`since`](Self::since).
    pub(super) fn counted(&self) -> Duration {
        self.counted
    }

    /// Since when it runs.
    pub(super) fn since(&self) -> Timestamp {
        self.since.unwrap_or_default()
    }

    /// Milliseconds that it has counted.
    pub(super) fn passed_ms(&self, now: Timestamp) -> i64 {
        let running = self.since.map_or(Duration::ZERO, |since| now.since(since));
        i64::try_from((self.counted + running).as_millis()).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_while_it_runs() {
        let at = Timestamp::from_millis;
        let mut timer = Timer::default();
        assert!(timer.is_fresh() && timer.passed_ms(at(500)) == 0);
        timer.start(at(1_000));
        timer.start(at(1_500));
        assert_eq!(
            timer.passed_ms(at(3_000)),
            2_000,
            "the second start is none"
        );
        timer.pause(at(4_000));
        timer.pause(at(5_000));
        assert_eq!(timer.passed_ms(at(9_000)), 3_000);
        timer.start(at(10_000));
        assert_eq!(timer.passed_ms(at(10_250)), 3_250);
        assert!(!Timer::stopped().is_fresh() && Timer::stopped().passed_ms(at(1)) == 0);
    }
}
