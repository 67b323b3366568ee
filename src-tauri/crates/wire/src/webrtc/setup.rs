//! How the `rtc` stack is set, for all sessions alike.

use std::time::Duration;

use media::Kind;
use rtc::dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc::ice::mdns::MulticastDnsMode;
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::certificate::RTCCertificate;
use rtc::peer_connection::configuration::media_engine::{
    MIME_TYPE_H264, MIME_TYPE_OPUS, MIME_TYPE_RTX, MediaEngine,
};
use rtc::peer_connection::configuration::setting_engine::{SettingEngine, SettingEngineBuilder};
use rtc::peer_connection::transport::RTCDtlsRole;
use rtc::rtp_transceiver::rtp_sender::{
    RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters,
    RTCRtpEncodingParameters, RTCRtpRtxParameters, RtpCodecKind,
};
use rtc::shared::error::{Error, Result};

use super::offer::Codec;
use super::payload::{AUDIO_RATE, VIDEO_RATE};

/// One check of a path every so often, until one is through.
const CHECK_INTERVAL: Duration = Duration::from_millis(20);

/// Checks of a path before it is given up: ten seconds.
const CHECKS: u16 = 500;

/// How long a sending connection may hear nothing before its path is called disturbed, and then how
/// long until it is lost.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often a path without traffic is kept open.
const KEEP_ALIVE: Duration = Duration::from_secs(2);

/// A certificate for DTLS, self-signed: what counts is its fingerprint in the answer (RFC 8122).
pub(crate) fn certificate() -> Result<RTCCertificate> {
    let provider = rtc::crypto::default_provider().map_err(|e| Error::Crypto(e.to_string()))?;
    let params = rcgen::CertificateParams::new(vec!["klieg".to_owned()])
        .map_err(|e| Error::Other(e.to_string()))?;
    let scheme = rtc::crypto::SignatureScheme::EcdsaP256Sha256;
    RTCCertificate::generate(provider.crypto(), scheme, params)
}

/// Full ICE, no mDNS, GCM first (it is the cheapest where the processor has AES).
pub(crate) fn settings(fragment: &str, password: &str, peer_begins: bool) -> SettingEngine {
    SettingEngineBuilder::new()
        .with_ice_credentials(fragment.to_owned(), password.to_owned())
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
        .with_ice_connection_attempts(Some(CHECK_INTERVAL), Some(CHECKS))
        .with_srtp_protection_profiles(protection())
        .with_answering_dtls_role(if peer_begins {
            RTCDtlsRole::Server
        } else {
            RTCDtlsRole::Client
        })
        .build()
}

/// As [`settings`], for a connection that offers: the stack chooses its secrets, and a path that is
/// lost is given up in time to try again.
pub(crate) fn offering() -> SettingEngine {
    SettingEngineBuilder::new()
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
        .with_ice_connection_attempts(Some(CHECK_INTERVAL), Some(CHECKS))
        .with_ice_timeouts(Some(PATIENCE), Some(PATIENCE), Some(KEEP_ALIVE))
        .with_srtp_protection_profiles(protection())
        .build()
}

fn protection() -> Vec<SrtpProtectionProfile> {
    vec![
        SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
        SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
    ]
}

fn h264(codec: &Codec) -> RTCRtpCodec {
    let feedback = |typ: &str, parameter: &str| RTCPFeedback {
        typ: typ.to_owned(),
        parameter: parameter.to_owned(),
    };
    RTCRtpCodec {
        mime_type: MIME_TYPE_H264.to_owned(),
        clock_rate: VIDEO_RATE,
        channels: 0,
        sdp_fmtp_line: codec.fmtp.clone(),
        rtcp_feedback: vec![
            feedback("nack", ""),
            feedback("nack", "pli"),
            feedback("ccm", "fir"),
        ],
    }
}

fn opus(codec: &Codec) -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: MIME_TYPE_OPUS.to_owned(),
        clock_rate: AUDIO_RATE,
        channels: 2,
        sdp_fmtp_line: codec.fmtp.clone(),
        rtcp_feedback: Vec::new(),
    }
}

/// A media engine that knows exactly the codecs that are answered, by the far end's numbers.
pub(crate) fn media_engine(video: Option<&Codec>, audio: Option<&Codec>) -> Result<MediaEngine> {
    let mut engine = MediaEngine::default();
    let mut register = |rtp_codec, payload_type, kind| {
        let parameters = RTCRtpCodecParameters {
            rtp_codec,
            payload_type,
        };
        engine.register_codec(parameters, kind)
    };
    if let Some(codec) = video {
        register(h264(codec), codec.payload_type, RtpCodecKind::Video)?;
        if let Some(rtx) = codec.rtx {
            let retransmissions = RTCRtpCodec {
                mime_type: MIME_TYPE_RTX.to_owned(),
                clock_rate: VIDEO_RATE,
                channels: 0,
                sdp_fmtp_line: format!("apt={}", codec.payload_type),
                rtcp_feedback: Vec::new(),
            };
            register(retransmissions, rtx, RtpCodecKind::Video)?;
        }
    }
    if let Some(codec) = audio {
        register(opus(codec), codec.payload_type, RtpCodecKind::Audio)?;
    }
    Ok(engine)
}

/// A track to send. Its retransmissions have a source of their own, the number below `ssrc`.
pub(crate) fn track(stream: &str, kind: Kind, codec: &Codec, ssrc: u32) -> MediaStreamTrack {
    let (name, rtc_kind, rtp_codec) = match kind {
        Kind::Video => ("video", RtpCodecKind::Video, h264(codec)),
        Kind::Audio => ("audio", RtpCodecKind::Audio, opus(codec)),
    };
    let rtx = codec.rtx.map(|_| RTCRtpRtxParameters { ssrc: ssrc - 1 });
    MediaStreamTrack::new(
        stream.to_owned(),
        format!("{stream}-{name}"),
        name.to_owned(),
        rtc_kind,
        vec![RTCRtpEncodingParameters {
            rtp_coding_parameters: RTCRtpCodingParameters {
                ssrc: Some(ssrc),
                rtx,
                ..RTCRtpCodingParameters::default()
            },
            codec: rtp_codec,
            active: true,
            ..RTCRtpEncodingParameters::default()
        }],
    )
}
