//! How the `rtc` stack and its parts are set, for all sessions alike.

use std::time::Duration;

use media::Kind;
use rtc::crypto::RTCCrypto;
use rtc::dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc::ice::mdns::MulticastDnsMode;
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::certificate::RTCCertificate;
use rtc::peer_connection::configuration::media_engine::{
    MIME_TYPE_H264, MIME_TYPE_OPUS, MIME_TYPE_RTX, MediaEngine,
};
use rtc::peer_connection::configuration::setting_engine::{SettingEngine, SettingEngineBuilder};
use rtc::rtp_transceiver::rtp_sender::{
    RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters,
    RTCRtpEncodingParameters, RTCRtpRtxParameters, RtpCodecKind,
};
use rtc::shared::error::{Error, Result};

use super::offer::Codec;
use super::payload::{AUDIO_RATE, VIDEO_RATE};

/// One check of a path every so often, until one is through.
pub(crate) const CHECK_INTERVAL: Duration = Duration::from_millis(20);

/// Checks of a path before it is given up: ten seconds.
pub(crate) const CHECKS: u16 = 500;

/// How long a connection that we begin may hear nothing before its path is called disturbed, and then how
/// long until it is lost.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// How often a path without traffic is kept open.
const KEEP_ALIVE: Duration = Duration::from_secs(2);

/// A certificate for DTLS, self-signed: what counts is its fingerprint in the answer (RFC 8122).
pub(crate) fn certificate(crypto: &dyn RTCCrypto) -> Result<RTCCertificate> {
    let params = rcgen::CertificateParams::new(vec!["klieg".to_owned()])
        .map_err(|e| Error::Other(e.to_string()))?;
    let scheme = rtc::crypto::SignatureScheme::EcdsaP256Sha256;
    RTCCertificate::generate(crypto, scheme, params)
}

/// A certificate's SHA-256, as SDP writes it (RFC 8122, section 5).
pub(crate) fn fingerprint(certificate: &RTCCertificate, crypto: &dyn RTCCrypto) -> Result<String> {
    let prints = certificate.get_fingerprints(crypto)?;
    let first = prints.into_iter().next().ok_or(Error::ErrNonCertificate)?;
    Ok(first.value.to_uppercase())
}

/// For a connection that offers: full ICE, no mDNS, and a path that is silent for so long is disturbed, and lost
/// after as long again. A path that is looked for anew begins at new sockets: the machine may have moved
/// to another network.
pub(crate) fn offering(silence: Duration) -> SettingEngine {
    let keep_alive = KEEP_ALIVE.min(silence / 2);
    SettingEngineBuilder::new()
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
        .with_ice_connection_attempts(Some(CHECK_INTERVAL), Some(CHECKS))
        .with_ice_timeouts(Some(silence), Some(silence), Some(keep_alive))
        .with_discard_local_candidates_during_ice_restart(true)
        .with_srtp_protection_profiles(protection())
        .build()
}

/// How media is sealed, best first: GCM is the cheapest where the processor has AES.
pub(crate) fn protection() -> Vec<SrtpProtectionProfile> {
    vec![
        SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
        SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
    ]
}

fn h264(fmtp: String) -> RTCRtpCodec {
    let feedback = |typ: &str, parameter: &str| RTCPFeedback {
        typ: typ.to_owned(),
        parameter: parameter.to_owned(),
    };
    RTCRtpCodec {
        mime_type: MIME_TYPE_H264.to_owned(),
        clock_rate: VIDEO_RATE,
        channels: 0,
        sdp_fmtp_line: fmtp,
        rtcp_feedback: vec![
            feedback("nack", ""),
            feedback("nack", "pli"),
            feedback("ccm", "fir"),
        ],
    }
}

fn opus(fmtp: String) -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: MIME_TYPE_OPUS.to_owned(),
        clock_rate: AUDIO_RATE,
        channels: 2,
        sdp_fmtp_line: fmtp,
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
        register(
            h264(codec.fmtp.clone()),
            codec.payload_type,
            RtpCodecKind::Video,
        )?;
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
        register(
            opus(codec.fmtp.clone()),
            codec.payload_type,
            RtpCodecKind::Audio,
        )?;
    }
    Ok(engine)
}

/// Lets the far end say what it takes the path to carry, besides counting its packets.
pub(crate) fn take_estimates(engine: &mut MediaEngine) {
    let feedback = RTCPFeedback {
        typ: "goog-remb".to_owned(),
        parameter: String::new(),
    };
    engine.register_feedback(feedback, RtpCodecKind::Video);
}

/// A media engine that takes H.264 of every usual profile, and Opus. Retransmissions come under the number
/// of the stream itself.
pub(crate) fn receiving_engine() -> Result<MediaEngine> {
    let mut engine = MediaEngine::default();
    // Constrained baseline, baseline, main and high (RFC 6184, section 8.1).
    for (payload_type, profile) in [
        (96, "42e01f"),
        (98, "42001f"),
        (100, "4d001f"),
        (102, "64001f"),
    ] {
        let fmtp =
            format!("level-asymmetry-allowed=1;packetization-mode=1;profile-level-id={profile}");
        let parameters = RTCRtpCodecParameters {
            rtp_codec: h264(fmtp),
            payload_type,
        };
        engine.register_codec(parameters, RtpCodecKind::Video)?;
    }
    let parameters = RTCRtpCodecParameters {
        rtp_codec: opus("minptime=10;stereo=1;useinbandfec=1".to_owned()),
        payload_type: 111,
    };
    engine.register_codec(parameters, RtpCodecKind::Audio)?;
    Ok(engine)
}

/// A track to send. Its retransmissions have a source of their own, the number below `ssrc`.
pub(crate) fn track(stream: &str, kind: Kind, codec: &Codec, ssrc: u32) -> MediaStreamTrack {
    let (name, rtc_kind, rtp_codec) = match kind {
        Kind::Video => ("video", RtpCodecKind::Video, h264(codec.fmtp.clone())),
        Kind::Audio => ("audio", RtpCodecKind::Audio, opus(codec.fmtp.clone())),
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
