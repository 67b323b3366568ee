//! What can be done with a source that plays, and how far it is.

use std::time::Duration;

use media::Timestamp;

/// What can be done with a source that plays: a media file, a slide show, a countdown, a stopwatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Goes on, from the beginning after the end.
    Play,
    /// Stands still.
    Pause,
    /// Stands still at its beginning.
    Stop,
    /// Plays from the beginning.
    Restart,
    /// Goes to a place in the file that is on.
    Seek {
        /// From its beginning.
        to: Duration,
    },
    /// To the next file or picture.
    Next,
    /// To the one before; to the beginning of one that has played for a while.
    Previous,
}

/// How far something is that plays. It changes only when somebody does something or another file begins: in
/// between, the position follows from it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Playback {
    /// Whether it goes on.
    pub playing: bool,
    /// How far it was at [`since`](Self::since); how far it is, while it does not play.
    pub position: Duration,
    /// When it was there.
    pub since: Timestamp,
    /// Of the file against the clock.
    pub speed: f32,
    /// How long the whole is, where that is known.
    pub duration: Option<Duration>,
    /// Which of a list is on, from 0.
    pub entry: u32,
    /// How many there are; 0 where there is no list.
    pub entries: u32,
    /// What is on.
    pub title: Option<String>,
}

impl Playback {
    /// How far it is at a time.
    pub fn position_at(&self, now: Timestamp) -> Duration {
        if !self.playing {
            return self.position;
        }
        let position = self.position
            + now
                .since(self.since)
                .mul_f64(f64::from(self.speed.max(0.0)));
        self.duration.map_or(position, |end| position.min(end))
    }
}
