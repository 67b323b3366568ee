//! WHEP (draft-ietf-wish-whep) as a client: fetches a channel from another station.
//!
//! [`receive`] offers to take H.264 and Opus over HTTP, takes them over WebRTC, writes them into a channel of
//! this station, and takes the session away again when it is told to stop. It does not retry: the error says
//! whether that would help.

mod peer;

use std::sync::Arc;
use std::time::Duration;

use media::{Clock, Timestamp, Writer};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep};

use self::peer::Peer;
use crate::caller::CONNECT;
pub use crate::endpoint::Target;
use crate::endpoint::{Client, Protocol, Session};
use crate::publish::stopped;
use crate::webrtc::inbound::intake::Intake;
use crate::webrtc::inbound::tracks::Media;
use crate::webrtc::outbound::REPORT_INTERVAL;
use crate::{Progress, PublishError, Roots};

/// A far end that sends nothing for so long has nothing to send, whatever its connection says.
const SILENCE: Duration = Duration::from_secs(15);

/// Fetches a channel until `stop` becomes true (or its sender is dropped), which is success: the session is
/// then deleted at the endpoint. `open` gives the writing end of the channel, and is called once media can
/// flow; keyframes that its readers want are asked for at the far end.
///
/// # Errors
/// [`PublishError::Impossible`] for what is not an HTTP address; [`PublishError::Refused`] for no endpoint at the
/// address (405), and a redirection that is not allowed; [`PublishError::WrongKey`] for a wrong token (401, 403);
/// [`PublishError::Lost`] for endpoints out of reach or out
/// of order, a channel that is not live (404, 409, 410), an answer that cannot be used, a channel that `open` does
/// not give now, and lost paths.
pub async fn receive(
    target: Target,
    open: impl FnOnce(Timestamp) -> Result<Writer, String> + Send,
    clock: Clock,
    progress: Arc<Progress>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), PublishError> {
    let client = Client::new(Protocol::Whep, &target, &Roots::default())?;
    let connected = tokio::select! {
        biased;
        () = stopped(&mut stop) => return Ok(()),
        connected = connect(&client) => connected,
    };
    let (mut peer, session, intake) = connected?;
    let result = match open(clock.now()) {
        Ok(writer) => {
            let mut reception = Reception {
                clock,
                progress,
                stop,
                name: client.name().to_owned(),
                peer: &mut peer,
                intake,
                writer,
                counted: 0,
                heard: clock.now(),
            };
            let result = reception.run().await;
            reception.progress.set_connected(false);
            result
        }
        // What is left of an earlier session still leaves, or the station is full: both pass.
        Err(reason) => Err(PublishError::Lost(reason)),
    };
    peer.caller().close().await;
    client.delete(&session).await;
    result
}

/// Offers, is answered, and finds a path.
async fn connect(client: &Client) -> Result<(Peer, Session, Intake), PublishError> {
    let servers = client.ice_servers().await;
    let mut peer = Peer::offer(client.ways(servers)).await?;
    let session = match client.post(peer.sdp()).await {
        Ok(session) => session,
        Err(error) => {
            peer.caller().close().await;
            return Err(error);
        }
    };
    let connected = async {
        let intake = peer.answer(&session.answer, client.name()).await?;
        peer.caller().connected(client.name(), CONNECT).await?;
        Ok(intake)
    }
    .await;
    match connected {
        Ok(intake) => Ok((peer, session, intake)),
        Err(error) => {
            peer.caller().close().await;
            client.delete(&session).await;
            Err(error)
        }
    }
}

/// A session at work.
struct Reception<'a> {
    clock: Clock,
    progress: Arc<Progress>,
    stop: watch::Receiver<bool>,
    name: String,
    peer: &'a mut Peer,
    intake: Intake,
    writer: Writer,
    /// Packets lost that have been counted.
    counted: u64,
    /// When anything came last.
    heard: Timestamp,
}

impl Reception<'_> {
    async fn run(&mut self) -> Result<(), PublishError> {
        self.progress.set_connected(true);
        let mut reports = interval(REPORT_INTERVAL);
        reports.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let mut stop = self.stop.clone();
            let wait = self.wait();
            tokio::select! {
                biased;
                () = stopped(&mut stop) => return Ok(()),
                _ = reports.tick() => self.report().await?,
                packet = self.peer.packet() => {
                    let packet = packet.ok_or_else(|| self.lost())?;
                    self.heard = self.clock.now();
                    self.intake.receive(&packet, self.heard);
                }
                () = sleep(wait) => {}
            }
            self.advance().await?;
        }
    }

    /// Until the intake has something to give up or to ask for.
    fn wait(&self) -> Duration {
        let due = [self.intake.deadline(), self.intake.asks_at()];
        let due = due.into_iter().flatten().min();
        due.map_or(REPORT_INTERVAL, |at| at.since(self.clock.now()))
    }

    async fn advance(&mut self) -> Result<(), PublishError> {
        let now = self.clock.now();
        for clock in self.peer.clocks() {
            self.intake.hear(clock, now);
        }
        self.intake.advance(now);
        while let Some(media) = self.intake.poll() {
            match media {
                Media::Tracks(tracks) => self.writer.set_tracks(tracks),
                Media::Packet(packet) => {
                    self.progress.sent(packet.data.len());
                    self.writer.write(packet);
                }
            }
        }
        if self.writer.signals(now).keyframe {
            self.intake.want_key(now);
        }
        let requests = self.intake.requests(now);
        self.send(requests).await
    }

    /// Says what has arrived, and looks whether anything has.
    async fn report(&mut self) -> Result<(), PublishError> {
        let now = self.clock.now();
        if now.since(self.heard) > SILENCE {
            return Err(PublishError::Lost(format!(
                "{} sends nothing any more",
                self.name
            )));
        }
        let lost = self.intake.stats().lost;
        self.progress.lost(lost.saturating_sub(self.counted));
        self.counted = self.counted.max(lost);
        let report = self.intake.report(now);
        self.send(vec![report]).await
    }

    async fn send(&self, packets: Vec<Box<dyn rtc::rtcp::Packet>>) -> Result<(), PublishError> {
        self.peer.send(packets).await.map_err(|()| self.lost())
    }

    fn lost(&self) -> PublishError {
        PublishError::Lost(format!("the connection to {} was lost", self.name))
    }
}
