//! How far sound and picture of a channel are moved, so that they are in step on the program.
//!
//! A publisher's times are kept by whoever takes it in: sound and picture of one moment have the same
//! time. What differs is how late each comes. A picture is shown when it has been decoded, and sound is
//! mixed 50 ms behind the clock; so sound is moved by as much as pictures usually come late, and pictures
//! wait only where it is the sound that comes too late to be mixed. Pure.

use std::time::Duration;

use media::Timestamp;

/// How long lateness is watched before it is judged. The first look is shorter.
const WINDOW: Duration = Duration::from_secs(1);
const FIRST: Duration = Duration::from_millis(250);

/// How late sound may come before it has to be moved: less than the mixer's delay, by a block and the
/// samples that a converter holds back.
const SOUND_SLACK: i64 = 30_000_000;

/// What nobody sees or hears is left alone: every change of the sound's place is a tiny gap.
const NOTICEABLE: i64 = 25_000_000;

/// Sound comes back nearer after so many windows in which it could have.
const CALM: u32 = 2;

/// Further than this nothing is moved, in nanoseconds.
const MOST: i64 = 2_000_000_000;

/// How far sound and picture are moved.
#[derive(Debug, Default)]
pub(super) struct Step {
    /// Added to the time of sound, in nanoseconds.
    sound: i64,
    /// Added to the time of pictures, in nanoseconds.
    picture: i64,
    /// How late pictures were in the last window.
    usual: i64,
    pictures: Vec<i64>,
    sounds: Vec<i64>,
    began: Option<Timestamp>,
    judged: bool,
    calm: u32,
}

impl Step {
    /// A picture of `pts` was ready at `now`; when it is to be shown. One that had to wait here says
    /// nothing of how late they come.
    pub(super) fn picture(&mut self, pts: Timestamp, now: Timestamp, waited: bool) -> Timestamp {
        if !waited {
            self.pictures.push(now.offset_from(pts));
        }
        self.judge(now);
        pts.offset(self.picture)
    }

    /// Sound that ends at `end` was ready at `now`; by how much it is moved, in nanoseconds.
    pub(super) fn sound(&mut self, end: Timestamp, now: Timestamp, waited: bool) -> i64 {
        if !waited {
            self.sounds.push(now.offset_from(end));
        }
        self.judge(now);
        self.sound
    }

    /// How late pictures usually are, in nanoseconds.
    pub(super) fn usual(&self) -> i64 {
        self.usual
    }

    fn judge(&mut self, now: Timestamp) {
        let began = *self.began.get_or_insert(now);
        let window = if self.judged { WINDOW } else { FIRST };
        if now.since(began) < window {
            return;
        }
        self.began = Some(now);
        self.judged = true;
        if self.pictures.is_empty() && self.sounds.is_empty() {
            return;
        }
        let late = percentile(&mut self.sounds, 80).unwrap_or(0);
        let picture = (late - SOUND_SLACK).clamp(0, MOST);
        let shown = percentile(&mut self.pictures, 50).unwrap_or(0);
        self.usual = shown.clamp(0, MOST);
        let sound = shown.clamp(picture, MOST);
        let away =
            (sound - self.sound).abs() > NOTICEABLE || (picture - self.picture).abs() > NOTICEABLE;
        if !away {
            self.calm = 0;
            return;
        }
        // Later at once, for what is late is lost; earlier when it seems to last.
        self.calm += 1;
        let later = sound > self.sound || picture > self.picture;
        if later || self.calm >= CALM {
            (self.sound, self.picture, self.calm) = (sound, picture, 0);
        }
    }
}

/// The value that so many percent lie below; empties the list.
fn percentile(values: &mut Vec<i64>, percent: usize) -> Option<i64> {
    values.sort_unstable();
    let at = (values.len() * percent / 100).min(values.len().saturating_sub(1));
    let found = values.get(at).copied();
    values.clear();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    /// Plays `seconds` of a channel whose pictures and sound come so much late, in milliseconds.
    fn play(step: &mut Step, from: i64, seconds: i64, picture: i64, sound: i64) {
        for n in 0..seconds * 50 {
            let pts = Timestamp::from_millis((from * 50 + n) * 20);
            step.sound(pts, pts.offset(sound * MS), false);
            step.picture(pts, pts.offset(picture * MS), false);
        }
    }

    #[test]
    fn sound_follows_the_picture_and_the_picture_waits_for_late_sound() {
        for (picture, sound, expect) in [
            // (pictures late, sound late, (sound moved, pictures moved))
            (8, 5, (0, 0)),
            (20, 25, (0, 0)),
            (60, 5, (60, 0)),
            (400, 20, (400, 0)),
            (60, 90, (60, 60)),
            (5, 200, (170, 170)),
            (-80, -90, (0, 0)),
            (9000, 9000, (2000, 2000)),
        ] {
            let mut step = Step::default();
            play(&mut step, 0, 3, picture, sound);
            let moved = (step.sound / MS, step.picture / MS);
            assert_eq!(moved, expect, "pictures {picture}, sound {sound} ms late");
        }
    }

    #[test]
    fn it_moves_later_at_once_and_back_when_that_lasts() {
        let mut step = Step::default();
        play(&mut step, 0, 2, 10, 5);
        assert_eq!(step.sound, 0);
        play(&mut step, 2, 2, 120, 5);
        assert_eq!(step.sound, 120 * MS);
        play(&mut step, 4, 1, 10, 5);
        assert_eq!(step.sound, 120 * MS, "one quiet second is no reason");
        play(&mut step, 5, 3, 10, 5);
        assert_eq!(step.sound, 10 * MS);
    }
}
