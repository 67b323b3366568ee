//! WHIP (RFC 9725): publishes a channel to an ingest that speaks WebRTC.
//!
//! [`publish`] offers the channel's H.264 and Opus over HTTP, sends them over WebRTC, and takes the
//! session away again when it is told to stop. It does not retry: the error says whether that would help.

mod endpoint;
mod peer;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use media::{Clock, Kind, Next, Reader, Track};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use url::Url;

use self::endpoint::{Client, Session};
use self::peer::{Link, Peer};
use crate::webrtc::outbound::REPORT_INTERVAL;
use crate::webrtc::payload::Packetizer;
use crate::{Progress, PublishError};

/// Where to publish, as a person enters it.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    /// The endpoint: `http://…` or `https://…`.
    pub url: String,
    /// The bearer token (RFC 9725, section 4.7); empty for none.
    pub bearer: String,
}

impl fmt::Debug for Target {
    /// Shows no more than the host: path and token may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = Url::parse(&self.url).ok();
        let host = url.as_ref().and_then(Url::host_str).unwrap_or("?");
        f.debug_struct("whip::Target")
            .field("host", &host)
            .finish_non_exhaustive()
    }
}

/// How long sound waits for a picture that may still come: an encoder shows its settings with its
/// first packet.
const PICTURE: Duration = Duration::from_secs(2);

/// How long a path for media may take to be found, and keys to be agreed.
const CONNECT: Duration = Duration::from_secs(15);

/// Publishes what `reader` reads until the channel ends or `stop` becomes true (or its sender is
/// dropped), which is success: the session is then deleted at the endpoint.
///
/// The reader should want [`media::Want::WEBRTC`]. It may begin anywhere: the first picture sent is
/// a keyframe, asked for when none is at hand. The endpoint's requests for keyframes reach the channel.
///
/// # Errors
/// [`PublishError::Refused`] for what is not an HTTP address, a wrong token (401, 403), nothing at
/// the address (404), a redirection that WHIP forbids, and an endpoint that takes no H.264;
/// [`PublishError::Lost`] for endpoints out of reach or out of order, and for lost paths.
pub async fn publish(
    target: Target,
    mut reader: Reader,
    clock: Clock,
    progress: Arc<Progress>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), PublishError> {
    let client = Client::new(&target)?;
    let Some(tracks) = first_tracks(&mut reader, &mut stop).await else {
        return Ok(());
    };
    let opened = tokio::select! {
        biased;
        () = stopped(&mut stop) => return Ok(()),
        opened = open(&client, &tracks) => opened,
    };
    let (peer, session) = opened?;
    let mut publication = Publication {
        clock,
        progress,
        reader,
        stop,
        name: client.name().to_owned(),
        peer,
        packetizer: Packetizer::default(),
        awaiting_key: true,
    };
    publication.packetizer.set_tracks(&tracks);
    let result = publication.run().await;
    publication.progress.set_connected(false);
    publication.peer.close().await;
    client.delete(&session).await;
    result
}

/// Resolves when somebody says stop, or nobody can say it any more.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, which is a stop as well.
    drop(stop.wait_for(|stop| *stop).await);
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

/// Offers, is answered, and finds a path.
async fn open(client: &Client, tracks: &[Track]) -> Result<(Peer, Session), PublishError> {
    let servers = client.ice_servers().await;
    let mut peer = Peer::offer(tracks, servers, client.is_local()).await?;
    let session = match client.post(peer.sdp()).await {
        Ok(session) => session,
        Err(error) => {
            peer.close().await;
            return Err(error);
        }
    };
    let connected = async {
        peer.answer(&session.answer, client.name()).await?;
        match timeout(CONNECT, peer.settled()).await {
            Ok(Link::Up) => Ok(()),
            Ok(Link::Connecting | Link::Down) | Err(_) => Err(PublishError::Lost(format!(
                "{} answered, but media does not get through to it. Check that this network lets \
                 UDP out.",
                client.name()
            ))),
        }
    }
    .await;
    match connected {
        Ok(()) => Ok((peer, session)),
        Err(error) => {
            peer.close().await;
            client.delete(&session).await;
            Err(error)
        }
    }
}

struct Publication {
    clock: Clock,
    progress: Arc<Progress>,
    reader: Reader,
    stop: watch::Receiver<bool>,
    name: String,
    peer: Peer,
    packetizer: Packetizer,
    awaiting_key: bool,
}

impl Publication {
    async fn run(&mut self) -> Result<(), PublishError> {
        self.progress.set_connected(true);
        let channel = Arc::clone(self.reader.channel());
        // What has waited while the path was made would arrive late for ever after.
        while let Some(next) = self.reader.try_next() {
            match next {
                Next::Tracks(tracks) => self.packetizer.set_tracks(&tracks),
                Next::End => return Ok(()),
                Next::Packet(_) | Next::Gap(_) => {}
            }
        }
        channel.request_keyframe();
        let mut reports = interval(REPORT_INTERVAL);
        reports.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let mut stop = self.stop.clone();
            tokio::select! {
                biased;
                () = stopped(&mut stop) => return Ok(()),
                () = self.peer.down() => return Err(self.lost()),
                _ = reports.tick() => {
                    let now = self.clock.now();
                    self.peer.report(&self.clock, now).await.map_err(|()| self.lost())?;
                }
                next = self.reader.next() => {
                    if matches!(next, Next::End) {
                        return Ok(());
                    }
                    self.take(next).await?;
                }
            }
            if self.peer.keyframe_wanted() {
                channel.request_keyframe();
            }
        }
    }

    async fn take(&mut self, next: Next) -> Result<(), PublishError> {
        match next {
            Next::Tracks(tracks) => {
                self.packetizer.set_tracks(&tracks);
                self.awaiting_key = true;
            }
            Next::Gap(lost) => {
                self.progress.lost(lost);
                self.awaiting_key = true;
                self.reader.channel().request_keyframe();
            }
            Next::Packet(packet) => {
                let Some(unit) = self.packetizer.unit(&packet) else {
                    return Ok(());
                };
                if unit.kind == Kind::Video {
                    if self.awaiting_key && !unit.keyframe {
                        return Ok(());
                    }
                    self.awaiting_key = false;
                }
                if self.peer.send(&unit).await.map_err(|()| self.lost())? {
                    self.progress.sent(unit.bytes());
                }
            }
            Next::End => {}
        }
        Ok(())
    }

    fn lost(&self) -> PublishError {
        PublishError::Lost(format!("the connection to {} was lost", self.name))
    }
}
