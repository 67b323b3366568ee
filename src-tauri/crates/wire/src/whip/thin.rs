//! Fewer pictures, for a path that carries less than there is to send.

use std::time::Duration;

use media::{Kind, Timestamp};

/// What may be sent at once, as a time at the path's rate: pictures are not of one size.
const BURST: f64 = 1.0;

/// A keyframe may overdraw that by as much again.
const DEBT: f64 = 1.0;

/// Estimates are no limits to the bit, and what follows them does not keep to them to the bit.
const LENIENT: f64 = 1.1;

/// What carries a picture takes so much more.
const OVERHEAD: f64 = 1.05;

/// A keyframe is asked for when none has come by itself for so long: platforms ask for one every four seconds at least.
const OVERDUE: Duration = Duration::from_secs(5);

/// Leaves out pictures, from one that there is no room for to the next keyframe. Sound always goes.
#[derive(Debug, Default)]
pub(super) struct Thinner {
    /// Bits per second; `None` as long as the path carries everything.
    rate: Option<f64>,
    /// Bits.
    room: f64,
    filled: Timestamp,
    /// Since when pictures are left out.
    holding: Option<Timestamp>,
}

impl Thinner {
    /// Says what the path carries from now on.
    pub(super) fn set_rate(&mut self, rate: Option<u64>, now: Timestamp) {
        self.fill(now);
        let rate = rate.map(|rate| rate as f64 * LENIENT);
        if self.rate.is_none() || rate.is_none() {
            self.room = rate.unwrap_or_default() * BURST;
        }
        self.rate = rate;
    }

    fn fill(&mut self, now: Timestamp) {
        let rate = self.rate.unwrap_or_default();
        let seconds = now.since(self.filled).as_secs_f64();
        self.room = (self.room + rate * seconds).min(rate * BURST);
        self.filled = self.filled.max(now);
    }

    /// Whether this is sent now; it counts as sent then.
    pub(super) fn passes(
        &mut self,
        kind: Kind,
        keyframe: bool,
        bytes: usize,
        now: Timestamp,
    ) -> bool {
        self.fill(now);
        let Some(rate) = self.rate else {
            // What came before a keyframe is missing still.
            let whole = kind == Kind::Audio || keyframe || self.holding.is_none();
            if whole && kind == Kind::Video {
                self.holding = None;
            }
            return whole;
        };
        let fits = match kind {
            Kind::Audio => true,
            Kind::Video if keyframe => self.room > -rate * DEBT,
            Kind::Video => self.holding.is_none() && self.room > 0.0,
        };
        if fits {
            self.room -= bytes as f64 * 8.0 * OVERHEAD;
        }
        if kind == Kind::Video {
            self.holding = if fits {
                None
            } else {
                self.holding.or(Some(now))
            };
        }
        fits
    }

    /// Whether a keyframe has to be asked for, so that pictures go on; once, until the next time.
    pub(super) fn overdue(&mut self, now: Timestamp) -> bool {
        let overdue = self.room >= 0.0 && self.holding.is_some_and(|at| now.since(at) >= OVERDUE);
        if overdue {
            self.holding = Some(now);
        }
        overdue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FPS: i64 = 30;

    /// Pictures of 12.5 kB, 3 Mbps, with a keyframe every two seconds, and sound of 128 kbps: bits of sound and
    /// picture sent in each second, and in how many seconds there was a picture at all.
    fn sent(thinner: &mut Thinner, seconds: i64) -> (Vec<f64>, Vec<f64>) {
        let (mut sounds, mut pictures) = (Vec::new(), Vec::new());
        for second in 0..seconds {
            let (mut sound, mut picture) = (0.0, 0.0);
            for n in 0..FPS {
                let now = Timestamp::from_ticks(second * FPS + n, 30);
                let key = n == 0 && second % 2 == 0;
                if thinner.passes(Kind::Video, key, 12_500, now) {
                    picture += 100_000.0;
                }
                if thinner.passes(Kind::Audio, true, 533, now) {
                    sound += 4_264.0;
                }
            }
            sounds.push(sound);
            pictures.push(picture);
        }
        (sounds, pictures)
    }

    fn mean(bits: &[f64]) -> f64 {
        bits.iter().sum::<f64>() / bits.len() as f64
    }

    #[test]
    fn a_wide_path_gets_everything() {
        let mut thinner = Thinner::default();
        let (_, pictures) = sent(&mut thinner, 10);
        assert_eq!(pictures, [3_000_000.0; 10]);
        let mut thinner = Thinner::default();
        thinner.set_rate(Some(4_000_000), Timestamp::ZERO);
        let (_, pictures) = sent(&mut thinner, 10);
        assert_eq!(pictures, [3_000_000.0; 10]);
    }

    #[test]
    fn a_narrow_path_gets_all_sound_and_the_beginning_of_each_group() {
        let mut thinner = Thinner::default();
        thinner.set_rate(Some(1_500_000), Timestamp::ZERO);
        let (sounds, pictures) = sent(&mut thinner, 40);
        assert!(sounds.iter().all(|bits| *bits > 127_000.0));
        let all = mean(&sounds) + mean(&pictures);
        assert!((1_200_000.0..1_700_000.0).contains(&all), "{all}");
        // Each group begins, and ends early.
        assert!(
            pictures.iter().step_by(2).all(|bits| *bits > 0.0),
            "{pictures:?}"
        );
        assert!(
            pictures[20..]
                .iter()
                .skip(1)
                .step_by(2)
                .all(|bits| *bits < 1_000_000.0),
            "{pictures:?}"
        );
    }

    #[test]
    fn pictures_go_on_with_a_keyframe_and_it_is_asked_for() {
        let mut thinner = Thinner::default();
        let at = Timestamp::from_millis;
        thinner.set_rate(Some(400_000), at(0));
        assert!(thinner.passes(Kind::Video, true, 100_000, at(0)));
        assert!(!thinner.passes(Kind::Video, false, 1_000, at(33)));
        assert!(!thinner.overdue(at(2_000)));
        assert!(
            !thinner.passes(Kind::Video, false, 1_000, at(4_000)),
            "not without a keyframe"
        );
        assert!(thinner.overdue(at(6_000)));
        assert!(!thinner.overdue(at(6_033)), "once");
        assert!(thinner.passes(Kind::Video, true, 10_000, at(6_100)));
        assert!(thinner.passes(Kind::Video, false, 1_000, at(6_133)));

        // What is left out is missing still when the path is wide again.
        assert!(thinner.passes(Kind::Video, true, 200_000, at(7_000)));
        assert!(!thinner.passes(Kind::Video, false, 1_000, at(7_033)));
        thinner.set_rate(None, at(7_050));
        assert!(!thinner.passes(Kind::Video, false, 1_000, at(7_066)));
        assert!(thinner.passes(Kind::Video, true, 1_000, at(7_100)));
        assert!(thinner.passes(Kind::Video, false, 1_000, at(7_133)));
    }
}
