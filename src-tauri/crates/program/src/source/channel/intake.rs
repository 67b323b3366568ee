//! From a channel's packets to pictures and sound, in virtual time: what is read and the time go in,
//! what the program can use comes out.

use std::sync::Arc;
use std::time::Duration;

use codec::decode;
use media::{Config, Frame, Kind, Next, Packet, Samples, Timestamp, Track, TrackId};

use super::step::Step;

/// While more packets than this wait, and this one is old, what is decoded is of the past: a channel
/// that is joined, or a thread that was kept waiting. It is caught up with, not shown.
const BEHIND: usize = 12;
const OLD: i64 = 300_000_000;

/// Packets that wait although decoding goes on, and are as old as this beyond what is usual, are too many
/// for this machine: the rest is left out, up to the next keyframe.
const TOO_OLD: i64 = 700_000_000;

/// How long catching up with a channel that is joined may take.
const JOINING: Duration = Duration::from_secs(2);

/// With more packets behind it, a packet has waited here.
const PROMPT: usize = 2;

/// Sound that is later than this beyond what is usual is lost: it would only push back what follows.
const LATE: i64 = 400_000_000;

/// How often a keyframe is asked for while none comes.
const ASK: Duration = Duration::from_secs(1);

/// What became of a packet.
#[derive(Debug)]
pub(super) enum Made {
    /// Nothing to show yet.
    Nothing,
    /// Pictures in the order in which they are shown, each stamped with when it is due.
    Pictures(Vec<Frame>),
    /// Sound, stamped with when it is to be heard.
    Sound(Samples),
}

/// The decoders of one channel.
pub(super) struct Intake {
    video: Option<Stream<dyn decode::video::Decoder>>,
    audio: Option<Stream<dyn decode::audio::Decoder>>,
    step: Step,
    catching_up: bool,
    joined: Timestamp,
    joining: bool,
    behind: bool,
    /// More packets wait behind the one at hand.
    waited: bool,
    /// When a keyframe was last asked for, while one is missing.
    asked: Option<Timestamp>,
    missing_key: bool,
    heard: Timestamp,
    lost: u64,
    detail: String,
    problem: Option<String>,
}

struct Stream<D: ?Sized> {
    track: TrackId,
    config: Config,
    decoder: Box<D>,
}

impl Intake {
    /// Of a channel that was joined at `now`, a keyframe having been asked for where that was needed.
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            video: None,
            audio: None,
            step: Step::default(),
            catching_up: false,
            joined: now,
            joining: true,
            behind: false,
            waited: false,
            asked: Some(now),
            missing_key: true,
            heard: now,
            lost: 0,
            detail: String::new(),
            problem: None,
        }
    }

    /// What it carries, for people: "1280×720 H.264, Opus".
    pub(super) fn detail(&self) -> &str {
        &self.detail
    }

    /// Why it cannot be shown, for people.
    pub(super) fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// How long nothing has come.
    pub(super) fn silent(&self, now: Timestamp) -> Duration {
        now.since(self.heard)
    }

    /// Whether a keyframe is to be asked for now.
    pub(super) fn wants_keyframe(&mut self, now: Timestamp) -> bool {
        let missing = self.missing_key && self.video.is_some();
        let due = self.asked.is_none_or(|asked| now.since(asked) >= ASK);
        if missing && due {
            self.asked = Some(now);
        }
        missing && due
    }

    /// Whether the rest of what waits is to be left out.
    pub(super) fn is_behind(&self) -> bool {
        self.behind
    }

    /// So many packets were left out at `now`, and a keyframe asked for.
    pub(super) fn leave_out(&mut self, packets: usize, now: Timestamp) {
        self.lost += packets as u64;
        self.behind = false;
        self.missing_key = true;
        self.asked = Some(now);
        self.describe();
        tracing::debug!(packets, "this machine decodes a guest too slowly");
    }

    /// Takes what was read at `now`, while `waiting` packets are still to be read.
    pub(super) fn take(&mut self, next: Next, waiting: usize, now: Timestamp) -> Made {
        match next {
            Next::Tracks(tracks) => {
                self.set_tracks(&tracks);
                Made::Nothing
            }
            Next::Gap(lost) => {
                self.lost += lost;
                self.missing_key = true;
                self.asked = None;
                self.describe();
                tracing::debug!(lost, "a guest's packets came faster than they were decoded");
                Made::Nothing
            }
            Next::Packet(packet) => {
                self.heard = now;
                let late = now.offset_from(packet.pts) - self.step.usual();
                self.waited = waiting > PROMPT;
                self.catching_up = waiting > BEHIND && late > OLD;
                self.joining &= self.catching_up && now.since(self.joined) < JOINING;
                self.behind = !self.joining && waiting > BEHIND && late > TOO_OLD;
                self.decode(&packet, now)
            }
            Next::End => Made::Nothing,
        }
    }

    /// What stays the same goes on; a new size or codec gets a new decoder.
    fn set_tracks(&mut self, tracks: &Arc<[Track]>) {
        self.problem = None;
        let first = |kind| tracks.iter().find(move |t| t.config.kind() == kind);
        let video = first(Kind::Video);
        if video.is_none_or(|t| self.video.as_ref().is_none_or(|s| !s.is_of(t))) {
            self.video = video.and_then(|t| self.opened(t, decode::video::open));
            self.missing_key = true;
        }
        let audio = first(Kind::Audio);
        if audio.is_none_or(|t| self.audio.as_ref().is_none_or(|s| !s.is_of(t))) {
            self.audio = audio.and_then(|t| self.opened(t, decode::audio::open));
        }
        self.describe();
    }

    fn opened<D: ?Sized>(
        &mut self,
        track: &Track,
        open: fn(&Config) -> Result<Box<D>, codec::Error>,
    ) -> Option<Stream<D>> {
        match open(&track.config) {
            Ok(decoder) => Some(Stream {
                track: track.id,
                config: track.config.clone(),
                decoder,
            }),
            Err(error) => {
                tracing::warn!(%error, "a guest cannot be decoded");
                // Without sound there is still a picture to show.
                if track.config.kind() == Kind::Video {
                    self.problem = Some(format!("{error}; publish with other settings"));
                }
                None
            }
        }
    }

    fn describe(&mut self) {
        let video = self.video.as_ref().map(|s| match &s.config {
            Config::H264 { width, height, .. } => format!("{width}×{height} H.264"),
            other => other.codec().to_owned(),
        });
        let audio = self.audio.as_ref().map(|s| s.config.codec().to_owned());
        let lost = (self.lost > 0).then(|| format!("{} packets lost", self.lost));
        let parts: Vec<String> = video.into_iter().chain(audio).chain(lost).collect();
        self.detail = parts.join(", ");
    }

    fn decode(&mut self, packet: &Packet, now: Timestamp) -> Made {
        if let Some(stream) = self.video.as_mut().filter(|s| s.track == packet.track) {
            if packet.keyframe {
                self.missing_key = false;
            }
            return match stream.decoder.decode(packet) {
                Ok(frames) => self.pictures(frames, now),
                Err(error) => {
                    tracing::debug!(%error, "a picture of a guest was not understood");
                    self.missing_key = true;
                    Made::Nothing
                }
            };
        }
        if let Some(stream) = self.audio.as_mut().filter(|s| s.track == packet.track) {
            return match stream.decoder.decode(packet) {
                Ok(samples) => samples.map_or(Made::Nothing, |s| self.sound(s, now)),
                // A packet that is damaged is a short silence.
                Err(error) => {
                    tracing::debug!(%error, "a packet of a guest's sound was not understood");
                    Made::Nothing
                }
            };
        }
        Made::Nothing
    }

    fn pictures(&mut self, frames: Vec<Frame>, now: Timestamp) -> Made {
        if frames.is_empty() || self.catching_up {
            return Made::Nothing;
        }
        let due = frames.into_iter().map(|frame| {
            let at = self.step.picture(frame.timestamp(), now, self.waited);
            frame.with_timestamp(at)
        });
        Made::Pictures(due.collect())
    }

    fn sound(&mut self, mut samples: Samples, now: Timestamp) -> Made {
        if self.catching_up {
            return Made::Nothing;
        }
        let end = samples.end();
        let moved = self.step.sound(end, now, self.waited);
        if now.offset_from(end) > moved + LATE {
            return Made::Nothing;
        }
        samples.timestamp = samples.timestamp.offset(moved);
        Made::Sound(samples)
    }
}

impl<D: ?Sized> Stream<D> {
    fn is_of(&self, track: &Track) -> bool {
        self.track == track.id && self.config == track.config
    }
}
