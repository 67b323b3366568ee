//! The WebRTC half of WHIP: one connection that only sends, on the `webrtc` crate.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use media::{Clock, Config, Kind, Timestamp, Track};
use rtc::interceptor::{NackResponderBuilder, Registry, Slot};
use rtc::peer_connection::transport::RTCIceServer;
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use tokio::sync::watch;
use tokio::time::timeout;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCConfigurationBuilder,
    RTCIceGatheringState, RTCPeerConnectionState, RTCSessionDescription,
};
use webrtc::rtp_transceiver::RtpSender;

use super::endpoint::IceServer;
use crate::PublishError;
use crate::webrtc::listener::{Ear, Listener};
use crate::webrtc::offer::Codec;
use crate::webrtc::outbound::Outbound;
use crate::webrtc::payload::{AUDIO_RATE, Unit, VIDEO_RATE};
use crate::webrtc::profile::Profile;
use crate::webrtc::{candidates, random, setup};

/// How long our own addresses may take to be found; those found by then are offered.
const GATHER: Duration = Duration::from_secs(3);

const VIDEO: u8 = 96;
const RETRANSMISSIONS: u8 = 97;
const AUDIO: u8 = 111;

/// How the path stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Connecting,
    Up,
    Down,
}

/// A connection that sends.
pub(super) struct Peer {
    connection: Box<dyn PeerConnection>,
    video: Option<Sending>,
    audio: Option<Sending>,
    link: watch::Receiver<Link>,
    ear: Ear,
    cname: Bytes,
    sdp: String,
}

struct Sending {
    track: Arc<TrackLocalStaticRTP>,
    sender: Arc<dyn RtpSender>,
    ssrc: u32,
    seed: u64,
    /// Once the endpoint has answered that it takes this kind.
    stream: Option<Outbound>,
}

struct Handler {
    link: watch::Sender<Link>,
    gathered: watch::Sender<bool>,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.gathered.send_replace(true);
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        match state {
            RTCPeerConnectionState::Connected => self.link.send_replace(Link::Up),
            RTCPeerConnectionState::Failed | RTCPeerConnectionState::Closed => {
                self.link.send_replace(Link::Down)
            }
            // A path that is only disturbed may come back.
            _ => return,
        };
    }
}

fn broken(error: impl std::fmt::Display) -> PublishError {
    PublishError::Lost(format!("WebRTC cannot be set up: {error}"))
}

impl Peer {
    /// Makes an offer for these tracks, with all our addresses in it. The loopback is one of them
    /// only when the endpoint is on this machine.
    pub(super) async fn offer(
        tracks: &[Track],
        servers: Vec<IceServer>,
        local: bool,
    ) -> Result<Self, PublishError> {
        let (video, audio) = codecs(tracks);
        let ear = Ear::default();
        let registry = Registry::new()
            .with(Slot::NackResponder, NackResponderBuilder::new().build())
            .with(Slot::JitterBuffer, Listener::new(ear.clone()));
        let servers = servers.into_iter().map(|server| RTCIceServer {
            urls: vec![server.url],
            username: server.username,
            credential: server.credential,
        });
        let (link, link_seen) = watch::channel(Link::Connecting);
        let (gathered, mut all_gathered) = watch::channel(false);
        let engine = setup::media_engine(video.as_ref(), audio.as_ref()).map_err(broken)?;
        let connection = PeerConnectionBuilder::new()
            .with_configuration(
                RTCConfigurationBuilder::new()
                    .with_ice_servers(servers.collect())
                    .build(),
            )
            .with_media_engine(engine)
            .with_setting_engine(setup::offering())
            .with_interceptor_registry(registry)
            .with_handler(Arc::new(Handler { link, gathered }))
            .with_udp_addrs(candidates::for_sending(local))
            .build()
            .await
            .map_err(broken)?;
        let name: [u8; 8] = random().ok_or_else(|| broken("no randomness"))?;
        let stream = crate::webrtc::hex(&name);
        let mut peer = Self {
            connection: Box::new(connection),
            video: None,
            audio: None,
            link: link_seen,
            ear,
            cname: Bytes::from(stream.clone()),
            sdp: String::new(),
        };
        if let Some(codec) = video {
            peer.video = Some(peer.add(Kind::Video, &codec, &stream).await?);
        }
        if let Some(codec) = audio {
            peer.audio = Some(peer.add(Kind::Audio, &codec, &stream).await?);
        }
        let offer = peer.connection.create_offer(None).await.map_err(broken)?;
        peer.connection
            .set_local_description(offer)
            .await
            .map_err(broken)?;
        if timeout(GATHER, all_gathered.wait_for(|all| *all))
            .await
            .is_err()
        {
            tracing::debug!("not all of our addresses were found in time");
        }
        let offer = peer.connection.local_description().await;
        peer.sdp = offer.ok_or_else(|| broken("no offer"))?.sdp;
        Ok(peer)
    }

    async fn add(&self, kind: Kind, codec: &Codec, stream: &str) -> Result<Sending, PublishError> {
        let seed = u64::from_le_bytes(random().ok_or_else(|| broken("no randomness"))?);
        // Odd: the even number below is for retransmissions.
        let ssrc = (seed >> 32) as u32 | 1;
        let track = setup::track(stream, kind, codec, ssrc);
        let init = RTCRtpTransceiverInit {
            direction: RTCRtpTransceiverDirection::Sendonly,
            streams: vec![stream.to_owned()],
            send_encodings: track.codings().to_vec(),
        };
        let track = Arc::new(TrackLocalStaticRTP::new(track));
        let transceiver = self
            .connection
            .add_transceiver_from_track(Arc::clone(&track) as Arc<dyn TrackLocal>, Some(init))
            .await
            .map_err(broken)?;
        let sender = transceiver.sender().await.map_err(broken)?;
        Ok(Sending {
            track,
            sender: sender.ok_or_else(|| broken("no sender"))?,
            ssrc,
            seed,
            stream: None,
        })
    }

    /// The offer.
    pub(super) fn sdp(&self) -> &str {
        &self.sdp
    }

    /// Applies the endpoint's answer. `name` is the endpoint's, for the refusal of one that takes
    /// nothing of what is offered.
    pub(super) async fn answer(&mut self, sdp: &str, name: &str) -> Result<(), PublishError> {
        let unusable = |error: rtc::shared::error::Error| {
            PublishError::Lost(format!(
                "{name} gave an answer that cannot be used: {error}"
            ))
        };
        let answer = RTCSessionDescription::answer(sdp.to_owned()).map_err(unusable)?;
        self.connection
            .set_remote_description(answer)
            .await
            .map_err(unusable)?;
        let wanted = self.video.is_some();
        for (sending, mime, rate) in [
            (&mut self.video, "video/h264", VIDEO_RATE),
            (&mut self.audio, "audio/opus", AUDIO_RATE),
        ] {
            let Some(sending) = sending else { continue };
            let parameters = sending.sender.get_parameters().await.map_err(unusable)?;
            let codecs = parameters.rtp_parameters.codecs;
            let codec = codecs
                .iter()
                .find(|c| c.rtp_codec.mime_type.eq_ignore_ascii_case(mime));
            sending.stream =
                codec.map(|c| Outbound::new(sending.ssrc, c.payload_type, rate, sending.seed));
        }
        let taken =
            |sending: &Option<Sending>| sending.as_ref().is_some_and(|s| s.stream.is_some());
        if (wanted && !taken(&self.video)) || !(taken(&self.video) || taken(&self.audio)) {
            return Err(PublishError::Refused(format!(
                "{name} takes no H.264. Choose an ingest that does."
            )));
        }
        Ok(())
    }

    /// Resolves when the path is found, or cannot be.
    pub(super) async fn settled(&mut self) -> Link {
        let settled = self.link.wait_for(|link| *link != Link::Connecting).await;
        settled.map_or(Link::Down, |link| *link)
    }

    /// Resolves when the path is lost for good.
    pub(super) async fn down(&mut self) {
        // An error means that the connection is gone, which is as final.
        drop(self.link.wait_for(|link| *link == Link::Down).await);
    }

    /// Sends an access unit; `false` when the endpoint does not take its kind.
    ///
    /// # Errors
    /// When the connection is gone.
    pub(super) async fn send(&mut self, unit: &Unit) -> Result<bool, ()> {
        let sending = match unit.kind {
            Kind::Video => &mut self.video,
            Kind::Audio => &mut self.audio,
        };
        let Some(Sending {
            track,
            stream: Some(stream),
            ..
        }) = sending
        else {
            return Ok(false);
        };
        let packets: Vec<_> = stream.packets(unit, unit.pts).collect();
        for packet in packets {
            track.write_rtp(packet).await.map_err(gone)?;
        }
        Ok(true)
    }

    /// Sends where each stream stands at `now`.
    ///
    /// # Errors
    /// When the connection is gone.
    pub(super) async fn report(&mut self, clock: &Clock, now: Timestamp) -> Result<(), ()> {
        for sending in [&self.video, &self.audio].into_iter().flatten() {
            if let Some(stream) = &sending.stream {
                let report = stream.report(clock, now, &self.cname);
                sending.track.write_rtcp(report).await.map_err(gone)?;
            }
        }
        Ok(())
    }

    /// Whether the endpoint has asked for a keyframe since the last call.
    pub(super) fn keyframe_wanted(&self) -> bool {
        self.ear.take().keyframe
    }

    /// Says goodbye.
    pub(super) async fn close(&self) {
        if let Err(error) = self.connection.close().await {
            tracing::debug!(%error, "the connection did not close cleanly");
        }
    }
}

fn gone(error: rtc::shared::error::Error) {
    tracing::debug!(%error, "a packet could not be sent");
}

/// What is offered for the channel's tracks: the profile and level it has, nothing else.
fn codecs(tracks: &[Track]) -> (Option<Codec>, Option<Codec>) {
    let video = tracks.iter().find_map(|t| match &t.config {
        Config::H264 { sps, .. } => {
            let level = sps.get(3).copied().unwrap_or(0x1f);
            let profile = Profile::of_sps(sps).unwrap_or(Profile::ConstrainedBaseline);
            Some(Codec {
                payload_type: VIDEO,
                fmtp: format!(
                    "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id={}{level:02x}",
                    profile.id()
                ),
                rtx: Some(RETRANSMISSIONS),
                parameter_sets: None,
            })
        }
        _ => None,
    });
    let audio = tracks.iter().find_map(|t| match &t.config {
        Config::Opus { channels, .. } => Some(Codec {
            payload_type: AUDIO,
            fmtp: if *channels == 2 {
                "minptime=10;stereo=1;sprop-stereo=1;useinbandfec=1".to_owned()
            } else {
                "minptime=10;useinbandfec=1".to_owned()
            },
            rtx: None,
            parameter_sets: None,
        }),
        _ => None,
    });
    (video, audio)
}
