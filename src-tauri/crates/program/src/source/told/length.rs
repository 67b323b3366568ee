//! How a length of time is written.

use scene::TimeLayout;

/// A layout, and in which steps it counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grain {
    layout: TimeLayout,
    /// Milliseconds of a step.
    step: i64,
}

impl Grain {
    pub(super) fn new(layout: TimeLayout) -> Self {
        let step = if layout == TimeLayout::Tenths {
            100
        } else {
            1000
        };
        Self { layout, step }
    }

    /// The figure of time that is left: a step that has begun counts, so that zero is the end.
    pub(super) fn left(self, ms: i64) -> i64 {
        ms.max(0).saturating_add(self.step - 1) / self.step
    }

    /// The figure of time that has passed: steps that are over.
    pub(super) fn passed(self, ms: i64) -> i64 {
        ms.max(0) / self.step
    }

    /// A figure in words.
    pub(super) fn written(self, figure: i64) -> String {
        let figure = figure.max(0);
        let seconds = figure * self.step / 1000;
        let (minutes, s) = (seconds / 60, seconds % 60);
        let (hours, m) = (minutes / 60, minutes % 60);
        match self.layout {
            TimeLayout::Auto if hours > 0 => format!("{hours}:{m:02}:{s:02}"),
            TimeLayout::Auto => format!("{m}:{s:02}"),
            TimeLayout::Hours => format!("{hours:02}:{m:02}:{s:02}"),
            TimeLayout::Minutes => format!("{minutes:02}:{s:02}"),
            TimeLayout::Seconds => seconds.to_string(),
            TimeLayout::Tenths => format!("{minutes:02}:{s:02}.{}", figure % 10),
            TimeLayout::Days if hours >= 24 => {
                format!("{} d {:02}:{m:02}:{s:02}", hours / 24, hours % 24)
            }
            TimeLayout::Days => format!("{hours:02}:{m:02}:{s:02}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layout_is_written() {
        for (layout, short, long) in [
            (TimeLayout::Auto, "4:05", "27:04:05"),
            (TimeLayout::Hours, "00:04:05", "27:04:05"),
            (TimeLayout::Minutes, "04:05", "1624:05"),
            (TimeLayout::Seconds, "245", "97445"),
            (TimeLayout::Tenths, "04:05.0", "1624:05.0"),
            (TimeLayout::Days, "00:04:05", "1 d 03:04:05"),
        ] {
            let grain = Grain::new(layout);
            for (ms, expect) in [(245_000, short), (97_445_000, long)] {
                assert_eq!(grain.written(grain.passed(ms)), expect, "{layout:?}");
                assert_eq!(grain.written(grain.left(ms)), expect, "{layout:?}");
            }
        }
    }

    #[test]
    fn what_is_left_ends_at_zero_and_what_has_passed_begins_there() {
        let grain = Grain::new(TimeLayout::Auto);
        for (ms, left, passed) in [
            (0, 0, 0),
            (1, 1, 0),
            (999, 1, 0),
            (1000, 1, 1),
            (1001, 2, 1),
            (-5, 0, 0),
        ] {
            assert_eq!((grain.left(ms), grain.passed(ms)), (left, passed), "{ms}");
        }
        let tenths = Grain::new(TimeLayout::Tenths);
        assert_eq!(tenths.written(tenths.left(1_250)), "00:01.3");
        assert_eq!(tenths.written(tenths.passed(1_250)), "00:01.2");
    }
}
