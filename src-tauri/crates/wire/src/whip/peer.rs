//! The WebRTC half of WHIP: one connection that only sends.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use media::{Clock, Config, Kind, Timestamp, Track};
use rtc::interceptor::{
    CongestionControlBuilder, NackResponderBuilder, PacketReport, Registry, Slot,
};
use rtc::peer_connection::configuration::interceptor_registry::configure_twcc_sender_only;
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::rtp_transceiver::RtpSender;

use crate::PublishError;
use crate::caller::{Caller, Ways, broken, unusable};
use crate::webrtc::capacity::{Capacity, Fate};
use crate::webrtc::listener::{Ear, Fates, Listener};
use crate::webrtc::offer::Codec;
use crate::webrtc::outbound::{Outbound, cname, round_trip};
use crate::webrtc::payload::{AUDIO_RATE, Unit, VIDEO_RATE};
use crate::webrtc::profile::Profile;
use crate::webrtc::{random, setup};
use crate::whip::Timing;

const VIDEO: u8 = 96;
const RETRANSMISSIONS: u8 = 97;
const AUDIO: u8 = 111;

/// A connection that sends.
pub(super) struct Peer {
    caller: Caller,
    video: Option<Sending>,
    audio: Option<Sending>,
    ear: Ear,
    cname: Bytes,
    sdp: String,
}

/// What an endpoint says of our media.
pub(super) struct Said {
    /// It lost its picture.
    pub(super) keyframe: bool,
    /// How long it takes to it and back, as its newest reports show.
    pub(super) round_trip: Option<Duration>,
    /// What became of packets, where it counts them.
    fates: Vec<PacketReport>,
    /// What it takes the path to carry, in bits per second.
    estimate: Option<f32>,
    /// Shares lost since the reports before, of 256.
    losses: Vec<u8>,
}

impl Said {
    /// Tells `capacity` what is said of the path.
    pub(super) fn tell(&self, capacity: &mut Capacity, clock: &Clock) {
        let now = clock.now();
        let fates = self.fates.iter().map(|report| Fate {
            left: clock.stamp(report.departure),
            came: report.arrival.filter(|_| report.arrived),
            bytes: report.size,
        });
        let fates: Vec<Fate> = fates.collect();
        capacity.counted(&fates, now);
        if let Some(estimate) = self.estimate {
            capacity.estimated(estimate.into(), now);
        }
        for share in &self.losses {
            capacity.lost(*share, now);
        }
    }
}

struct Sending {
    track: Arc<TrackLocalStaticRTP>,
    sender: Arc<dyn RtpSender>,
    ssrc: u32,
    seed: u64,
    /// Once the endpoint has answered that it takes this kind.
    stream: Option<Outbound>,
}

impl Peer {
    /// Makes an offer for these tracks, with those of our addresses in it that are found within `head_start`.
    pub(super) async fn offer(
        tracks: &[Track],
        ways: Ways,
        timing: Timing,
    ) -> Result<Self, PublishError> {
        let (video, audio) = codecs(tracks);
        let ear = Ear::default();
        let fates = CongestionControlBuilder::new(Fates::new(ear.clone()));
        let registry = Registry::new()
            .with(Slot::CongestionControl, fates.build())
            .with(Slot::NackResponder, NackResponderBuilder::new().build())
            .with(Slot::JitterBuffer, Listener::new(ear.clone()));
        let mut engine = setup::media_engine(video.as_ref(), audio.as_ref()).map_err(broken)?;
        let registry = configure_twcc_sender_only(registry, &mut engine).map_err(broken)?;
        setup::take_estimates(&mut engine);
        let caller = Caller::new(engine, registry, ways, timing.silence).await?;
        let name: [u8; 8] = random().ok_or_else(|| broken("no randomness"))?;
        let stream = crate::webrtc::hex(&name);
        let mut peer = Self {
            caller,
            video: None,
            audio: None,
            ear,
            cname: cname(&stream).into(),
            sdp: String::new(),
        };
        if let Some(codec) = video {
            peer.video = Some(peer.add(Kind::Video, &codec, &stream).await?);
        }
        if let Some(codec) = audio {
            peer.audio = Some(peer.add(Kind::Audio, &codec, &stream).await?);
        }
        peer.sdp = peer.caller.offer(timing.head_start).await?;
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
            .caller
            .connection()
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
        self.caller.answer(sdp, name).await?;
        let wanted = self.video.is_some();
        for (sending, mime, rate) in [
            (&mut self.video, "video/h264", VIDEO_RATE),
            (&mut self.audio, "audio/opus", AUDIO_RATE),
        ] {
            let Some(sending) = sending else { continue };
            let parameters = sending.sender.get_parameters().await;
            let parameters = parameters.map_err(|error| unusable(name, &error))?;
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
            return Err(PublishError::Impossible(format!(
                "{name} takes no H.264. Choose an ingest that does."
            )));
        }
        Ok(())
    }

    /// What finds and keeps the path.
    pub(super) fn caller(&self) -> &Caller {
        &self.caller
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

    /// What the endpoint has said since the last call.
    pub(super) fn heard(&self, clock: &Clock) -> Said {
        let heard = self.ear.take();
        let now = clock.now();
        let trips = heard
            .reports
            .iter()
            .filter_map(|r| round_trip(clock, now, r.last_report, r.delay));
        let video = self.video.as_ref().map(|sending| sending.ssrc);
        Said {
            keyframe: heard.keyframe,
            round_trip: trips.min(),
            fates: heard.fates,
            estimate: heard.estimate,
            // Sound has a few packets a second, of which one that is lost would count for many.
            losses: heard
                .reports
                .iter()
                .filter(|r| video.is_none_or(|ssrc| r.ssrc == ssrc))
                .map(|r| r.share)
                .collect(),
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
