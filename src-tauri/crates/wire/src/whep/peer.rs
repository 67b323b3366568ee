//! The WebRTC half of WHEP: one connection that only receives.

use std::sync::Arc;

use rtc::interceptor::{Registry, Slot};
use rtc::rtp::Packet;
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use tokio::sync::mpsc;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};

use crate::PublishError;
use crate::caller::{Caller, GATHER, Ways, broken, unusable};
use crate::webrtc::inbound::intake::Intake;
use crate::webrtc::listener::{Ear, Listener, SenderClock};
use crate::webrtc::{offer, random, setup};

/// Packets that wait to be put in order: half a second of a good picture. What comes beyond is lost, as on
/// the way.
const QUEUE: usize = 512;

/// A connection that receives.
pub(super) struct Peer {
    caller: Caller,
    packets: mpsc::Receiver<Packet>,
    queue: mpsc::Sender<Packet>,
    /// What reports and requests go out by: any track that the far end sends.
    back: Option<Arc<dyn TrackRemote>>,
    ear: Ear,
    sdp: String,
}

/// Hands on a track's packets until it ends, or nobody listens.
async fn listen(track: Arc<dyn TrackRemote>, packets: mpsc::Sender<Packet>) {
    while let Some(event) = track.poll().await {
        match event {
            TrackRemoteEvent::OnRtpPacket(packet) => {
                if let Err(mpsc::error::TrySendError::Closed(_)) = packets.try_send(packet) {
                    return;
                }
            }
            TrackRemoteEvent::OnEnded => return,
            _ => {}
        }
    }
}

impl Peer {
    /// Makes an offer to take one picture and one sound. The loopback is one of our addresses only when
    /// the endpoint is on this machine.
    pub(super) async fn offer(ways: Ways) -> Result<Self, PublishError> {
        let ear = Ear::default();
        let registry = Registry::new().with(Slot::JitterBuffer, Listener::to_reports(ear.clone()));
        let engine = setup::receiving_engine().map_err(broken)?;
        let mut caller = Caller::new(engine, registry, ways, setup::PATIENCE).await?;
        for kind in [RtpCodecKind::Video, RtpCodecKind::Audio] {
            let init = RTCRtpTransceiverInit {
                direction: RTCRtpTransceiverDirection::Recvonly,
                ..RTCRtpTransceiverInit::default()
            };
            let added = caller
                .connection()
                .add_transceiver_from_kind(kind, Some(init));
            added.await.map_err(broken)?;
        }
        let sdp = caller.offer(GATHER).await?;
        let (queue, packets) = mpsc::channel(QUEUE);
        Ok(Self {
            caller,
            packets,
            queue,
            back: None,
            ear,
            sdp,
        })
    }

    /// The offer.
    pub(super) fn sdp(&self) -> &str {
        &self.sdp
    }

    /// Takes the answer of the endpoint that is called `name`; what puts together what comes from now on.
    pub(super) async fn answer(&self, sdp: &str, name: &str) -> Result<Intake, PublishError> {
        let ssrc = u32::from_le_bytes(random().ok_or_else(|| broken("no randomness"))?);
        // An answer that sends reads as an offer to publish does.
        let plan = offer::plan_publisher(sdp).map_err(|error| unusable(name, &error))?;
        self.caller.answer(sdp, name).await?;
        Ok(Intake::new(ssrc, plan.video.as_ref(), plan.audio.as_ref()))
    }

    /// What finds and keeps the path.
    pub(super) fn caller(&mut self) -> &mut Caller {
        &mut self.caller
    }

    /// Waits for the next packet of sound or picture, or for the path to be lost for good, which is `None`.
    pub(super) async fn packet(&mut self) -> Option<Packet> {
        loop {
            let path = self.caller.next();
            tokio::select! {
                biased;
                track = path => {
                    let track = track?;
                    self.back = Some(Arc::clone(&track));
                    tokio::spawn(listen(track, self.queue.clone()));
                }
                packet = self.packets.recv() => return packet,
            }
        }
    }

    /// The sender reports that have come since the last call.
    pub(super) fn clocks(&self) -> Vec<SenderClock> {
        self.ear.take().clocks
    }

    /// Sends reports and requests; nothing while the far end sends nothing either.
    ///
    /// # Errors
    /// When the connection is gone.
    pub(super) async fn send(&self, packets: Vec<Box<dyn rtc::rtcp::Packet>>) -> Result<(), ()> {
        let Some(back) = self.back.as_ref().filter(|_| !packets.is_empty()) else {
            return Ok(());
        };
        back.write_rtcp(packets).await.map_err(|error| {
            tracing::debug!(%error, "a report could not be sent");
        })
    }
}
