//! What this process costs.

use std::time::Duration;

use cpu_time::ProcessTime;
use media::{Clock, Timestamp};

/// CPU time of this process between readings.
pub(crate) struct Meter {
    clock: Clock,
    last: Option<(Timestamp, Duration)>,
}

impl Meter {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, last: None }
    }

    /// Percent of one core since the last reading; 0 at the first.
    pub(crate) fn read(&mut self) -> f32 {
        let now = self.clock.now();
        let Ok(used) = ProcessTime::try_now() else {
            return 0.0;
        };
        let used = used.as_duration();
        let percent = self.last.map_or(0.0, |(then, before)| {
            let wall = now.since(then).as_secs_f32();
            let cpu = used.saturating_sub(before).as_secs_f32();
            if wall > 0.0 { cpu / wall * 100.0 } else { 0.0 }
        });
        self.last = Some((now, used));
        percent
    }
}
