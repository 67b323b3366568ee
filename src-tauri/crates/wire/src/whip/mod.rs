//! WHIP (RFC 9725): publishes a channel to an ingest that speaks WebRTC.
//!
//! [`publish`] offers the channel's H.264 and Opus over HTTP, sends them over WebRTC, and takes the
//! session away again when it is told to stop. It does not retry: the error says whether that would help.
//!
//! A path that is lost is looked for anew within the session (section 4.3.3). What the path carries is watched
//! (`webrtc::capacity`): the channel's writer is told when it is too little, if that is wanted, and pictures
//! there is no room for are left out (`thin`).

mod call;
mod peer;
mod thin;

use std::sync::Arc;
use std::time::Duration;

use media::{Clock, Kind, Next, PathRate, Reader, Timestamp, Track};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep};

use self::call::Call;
use self::thin::Thinner;
use crate::caller::CONNECT;
pub use crate::endpoint::Target;
use crate::endpoint::{ANSWER, Client, Protocol};
use crate::publish::stopped;
use crate::webrtc::capacity::Capacity;
use crate::webrtc::outbound::REPORT_INTERVAL;
use crate::webrtc::payload::{Packetizer, Unit};
use crate::webrtc::setup;
use crate::{Progress, PublishError, Roots};

/// How long sound waits for a picture that may still come: an encoder shows its settings with its
/// first packet.
const PICTURE: Duration = Duration::from_secs(2);

/// Publishes what `reader` reads until the channel ends or `stop` becomes true (or its sender is
/// dropped), which is success: the session is then deleted at the endpoint.
///
/// The reader should want [`media::Want::WEBRTC`]. It may begin anywhere: the first picture sent is
/// a keyframe, asked for when none is at hand. The endpoint's requests for keyframes reach the channel.
///
/// # Errors
/// [`PublishError::Impossible`] for what is not an HTTP address, and an endpoint that takes no H.264 (406, 415, or
/// by its answer); [`PublishError::Refused`] for nothing at the address (404) and a redirection that WHIP forbids;
/// [`PublishError::WrongKey`] for a wrong token (401, 403);
/// [`PublishError::Lost`] for endpoints out of reach or out of order, and for lost paths.
pub async fn publish(
    target: Target,
    reader: Reader,
    clock: Clock,
    progress: Arc<Progress>,
    stop: watch::Receiver<bool>,
) -> Result<(), PublishError> {
    publish_with(target, Options::default(), reader, clock, progress, stop).await
}

/// What is rarely changed.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Certificates trusted beside those that browsers trust.
    pub roots: Roots,
    /// The channel's writer is told what the path carries, and may follow it; all its readers get that then.
    pub follow: bool,
    /// How long things may take.
    pub timing: Timing,
}

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Until the offer is made. Addresses of ours that are found later are told afterwards.
    pub head_start: Duration,
    /// Until the endpoint answers.
    pub answer: Duration,
    /// Until a path is found.
    pub path: Duration,
    /// Until one is found without the servers that the endpoint recommends with its answer, rather than before.
    pub alone: Duration,
    /// Without a sign of the far end, until another path is looked for.
    pub silence: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            head_start: Duration::from_millis(300),
            answer: ANSWER,
            path: CONNECT,
            alone: Duration::from_secs(4),
            silence: setup::PATIENCE,
        }
    }
}

/// [`publish`], with [`Options`].
///
/// # Errors
/// As [`publish`].
pub async fn publish_with(
    target: Target,
    options: Options,
    mut reader: Reader,
    clock: Clock,
    progress: Arc<Progress>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), PublishError> {
    let mut client = Client::new(Protocol::Whip, &target, &options.roots)?;
    client.set_patience(options.timing.answer);
    let Some(tracks) = first_tracks(&mut reader, &mut stop).await else {
        return Ok(());
    };
    let opened = tokio::select! {
        biased;
        () = stopped(&mut stop) => return Ok(()),
        opened = Call::open(client, &tracks, &options) => opened,
    };
    let mut publication = Publication {
        path: options.follow.then(|| reader.channel().path()),
        capacity: Capacity::new(clock.now()),
        thinner: Thinner::default(),
        sound: 0,
        clock,
        progress,
        reader,
        stop,
        call: opened?,
        packetizer: Packetizer::default(),
        awaiting_key: true,
    };
    publication.set_tracks(&tracks);
    let result = publication.run().await;
    publication.progress.set_connected(false);
    publication.call.close().await;
    result
}

/// The channel's tracks once there are any; `None` when it ends or is stopped before.
async fn first_tracks(
    reader: &mut Reader,
    stop: &mut watch::Receiver<bool>,
) -> Option<Arc<[Track]>> {
    let mut sound: Option<Arc<[Track]>> = None;
    let patience = sleep(PICTURE);
    tokio::pin!(patience);
    loop {
        let next = tokio::select! {
            biased;
            () = stopped(stop) => return None,
            () = &mut patience, if sound.is_some() => return sound,
            next = reader.next() => next,
        };
        match next {
            Next::Tracks(tracks) if tracks.iter().any(|t| t.config.kind() == Kind::Video) => {
                return Some(tracks);
            }
            Next::Tracks(tracks) if !tracks.is_empty() => sound = Some(tracks),
            Next::End => return None,
            Next::Tracks(_) | Next::Packet(_) | Next::Gap(_) => {}
        }
    }
}

struct Publication {
    clock: Clock,
    progress: Arc<Progress>,
    reader: Reader,
    stop: watch::Receiver<bool>,
    call: Call,
    packetizer: Packetizer,
    awaiting_key: bool,
    /// What the channel's writer is told, if it is.
    path: Option<PathRate>,
    capacity: Capacity,
    thinner: Thinner,
    /// Bits per second of sound.
    sound: u64,
}

impl Publication {
    async fn run(&mut self) -> Result<(), PublishError> {
        self.progress.set_connected(true);
        let channel = Arc::clone(self.reader.channel());
        if !self.begin() {
            return Ok(());
        }
        let mut reports = interval(REPORT_INTERVAL);
        reports.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let mut stop = self.stop.clone();
            tokio::select! {
                biased;
                () = stopped(&mut stop) => return Ok(()),
                () = self.call.disturbed() => {
                    let mended = tokio::select! {
                        biased;
                        () = stopped(&mut stop) => return Ok(()),
                        mended = self.call.mend() => mended,
                    };
                    mended?;
                    self.capacity.moved(self.clock.now());
                    if !self.begin() {
                        return Ok(());
                    }
                }
                _ = reports.tick() => {
                    let now = self.clock.now();
                    let sent = self.call.peer.report(&self.clock, now).await;
                    sent.map_err(|()| self.call.lost())?;
                }
                next = self.reader.next() => {
                    if matches!(next, Next::End) {
                        return Ok(());
                    }
                    self.take(next).await?;
                }
            }
            let heard = self.call.peer.heard(&self.clock);
            if heard.keyframe {
                channel.request_keyframe();
            }
            if let Some(round_trip) = heard.round_trip {
                self.progress.set_round_trip(round_trip);
            }
            heard.tell(&mut self.capacity, &self.clock);
            self.keep_to_the_path(self.clock.now());
        }
    }

    /// Begins with the next keyframe, at a path that has just been found; `false` when the channel has ended. What has
    /// waited until then would arrive late for ever after.
    fn begin(&mut self) -> bool {
        while let Some(next) = self.reader.try_next() {
            match next {
                Next::Tracks(tracks) => self.set_tracks(&tracks),
                Next::End => return false,
                Next::Packet(_) => {}
                Next::Gap(lost) => self.progress.lost(lost),
            }
        }
        self.awaiting_key = true;
        self.reader.channel().request_keyframe();
        true
    }

    fn set_tracks(&mut self, tracks: &[Track]) {
        self.packetizer.set_tracks(tracks);
        let rate = |kind| {
            let of_kind = tracks.iter().filter(|t| self.packetizer.takes(t.id, kind));
            of_kind.map(|t| u64::from(t.bitrate)).sum::<u64>()
        };
        let (picture, sound) = (rate(Kind::Video), rate(Kind::Audio));
        self.sound = sound;
        // Without the picture's part the sum would be far too little.
        let known = picture > 0;
        self.capacity
            .announce(if known { picture + sound } else { 0 });
    }

    /// Holds pictures to what the path carries, and says so.
    fn keep_to_the_path(&mut self, now: Timestamp) {
        let limit = self.capacity.limit();
        self.thinner.set_rate(limit, now);
        self.progress.set_carries(limit);
        if let Some(path) = &self.path {
            path.set(limit.map(|limit| picture_of(limit, self.sound)));
        }
        if self.thinner.overdue(now) {
            self.reader.channel().request_keyframe();
        }
    }

    async fn take(&mut self, next: Next) -> Result<(), PublishError> {
        match next {
            Next::Tracks(tracks) => {
                self.set_tracks(&tracks);
                self.awaiting_key = true;
            }
            Next::Gap(lost) => {
                self.progress.lost(lost);
                self.awaiting_key = true;
                self.reader.channel().request_keyframe();
            }
            Next::Packet(packet) => {
                if let Some(unit) = self.packetizer.unit(&packet) {
                    self.send(&unit).await?;
                }
            }
            Next::End => {}
        }
        Ok(())
    }

    async fn send(&mut self, unit: &Unit) -> Result<(), PublishError> {
        if unit.kind == Kind::Video {
            if self.awaiting_key && !unit.keyframe {
                return Ok(());
            }
            self.awaiting_key = false;
        }
        let (now, bytes) = (self.clock.now(), unit.bytes());
        if !self.thinner.passes(unit.kind, unit.keyframe, bytes, now) {
            self.progress.lost(1);
            return Ok(());
        }
        let sent = self.call.peer.send(unit).await;
        if sent.map_err(|()| self.call.lost())? {
            self.capacity.sent(bytes, now);
            self.progress.sent(bytes);
        }
        Ok(())
    }
}

/// What is left for the picture of what a path carries, in bits per second: a little below it, and without the sound.
fn picture_of(limit: u64, sound: u64) -> u64 {
    (limit * 9 / 10).saturating_sub(sound)
}
