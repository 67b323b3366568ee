//! The platforms that Klieg knows: where they take a broadcast, what they take, and where a person
//! finds the key. Facts, as the platforms publish them; the interface shows them, and the studio warns where
//! the encoder goes beyond them.

use schemars::JsonSchema;
use serde::Serialize;
use ts_rs::TS;

/// A platform, or a kind of server, that takes a broadcast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS, JsonSchema)]
pub struct Platform {
    /// Its identity, as destinations name it: `twitch`.
    pub id: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// How it is spoken to.
    pub protocol: PlatformProtocol,
    /// Where it is, the usual one first. Empty where everybody has an address of their own.
    pub servers: &'static [PlatformServer],
    /// What an address of one's own looks like.
    pub example: &'static str,
    /// What its key is called there.
    pub key_name: &'static str,
    /// Where a person finds the key, in a sentence.
    pub key_place: &'static str,
    /// The page where the key is; empty where there is none.
    pub key_page: &'static str,
    /// The address itself holds the key: it is kept and hidden as one.
    pub secret_address: bool,
    /// What follows the key in a test, where the platform has one.
    pub test: Option<&'static str>,
    /// What a test is there, in a sentence; empty where there is none.
    pub test_meaning: &'static str,
    /// What it takes.
    pub limits: PlatformLimits,
    /// What else is good to know, a sentence each.
    pub advice: &'static [&'static str],
}

/// The protocol of a [`Platform`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlatformProtocol {
    /// RTMP or RTMPS.
    Rtmp,
    /// WHIP.
    Whip,
}

/// One of a platform's servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS, JsonSchema)]
pub struct PlatformServer {
    /// Where it stands.
    pub name: &'static str,
    /// Its address.
    pub url: &'static str,
}

/// What a platform takes. Rates are bits per second; absent is no limit that is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, TS, JsonSchema)]
pub struct PlatformLimits {
    /// Picture, at most.
    pub video_bitrate: Option<u32>,
    /// Sound, at most.
    pub audio_bitrate: Option<u32>,
    /// Seconds between keyframes, at most.
    pub keyframe_seconds: Option<u32>,
    /// Lines of the picture, at most.
    pub height: Option<u32>,
    /// Pictures a second, at most.
    pub fps: Option<u32>,
    /// It takes RTMPS alone.
    pub secure: bool,
}

impl Platform {
    /// The platform of this identity.
    pub fn find(id: &str) -> Option<&'static Self> {
        PLATFORMS.iter().find(|platform| platform.id == id)
    }
}

const fn at(name: &'static str, url: &'static str) -> PlatformServer {
    PlatformServer { name, url }
}

const NO_LIMITS: PlatformLimits = PlatformLimits {
    video_bitrate: None,
    audio_bitrate: None,
    keyframe_seconds: None,
    height: None,
    fps: None,
    secure: false,
};

/// A WebRTC viewer begins with a keyframe: where these are far apart, it is asked for one.
const WHIP_LIMITS: PlatformLimits = PlatformLimits {
    keyframe_seconds: Some(4),
    ..NO_LIMITS
};

/// All of them, in the order in which they are offered.
pub const PLATFORMS: &[Platform] = &[
    Platform {
        id: "twitch",
        name: "Twitch",
        protocol: PlatformProtocol::Rtmp,
        servers: TWITCH,
        example: "rtmp://live-fra.twitch.tv/app",
        key_name: "Primary stream key",
        key_place: "In the creator dashboard, under Settings, Stream.",
        key_page: "https://dashboard.twitch.tv/settings/stream",
        secret_address: false,
        test: Some("?bandwidthtest=true"),
        test_meaning: "Twitch takes the broadcast and shows it to nobody; inspector.twitch.tv shows how it arrives.",
        limits: PlatformLimits {
            video_bitrate: Some(6_000_000),
            audio_bitrate: Some(320_000),
            keyframe_seconds: Some(2),
            height: Some(1080),
            fps: Some(60),
            secure: false,
        },
        advice: &[
            "720p at 3 to 4.5 Mbps reaches most viewers; 1080p wants 6 Mbps.",
            "The server that is nearest to you loses the least.",
        ],
    },
    Platform {
        id: "youtube",
        name: "YouTube",
        protocol: PlatformProtocol::Rtmp,
        servers: &[
            at(
                "Primary, encrypted",
                "rtmps://a.rtmps.youtube.com:443/live2",
            ),
            at(
                "Backup, encrypted",
                "rtmps://b.rtmps.youtube.com:443/live2?backup=1",
            ),
            at("Primary", "rtmp://a.rtmp.youtube.com/live2"),
            at("Backup", "rtmp://b.rtmp.youtube.com/live2?backup=1"),
        ],
        example: "rtmps://a.rtmps.youtube.com:443/live2",
        key_name: "Stream key",
        key_place: "In YouTube Studio, under Create, Go live, Stream.",
        key_page: "https://www.youtube.com/live_dashboard",
        secret_address: false,
        test: None,
        test_meaning: "",
        limits: PlatformLimits {
            video_bitrate: Some(51_000_000),
            audio_bitrate: Some(384_000),
            keyframe_seconds: Some(4),
            height: Some(2160),
            fps: Some(60),
            secure: false,
        },
        advice: &[
            "720p wants about 4 Mbps, 1080p about 10 Mbps.",
            "A channel that has never been live waits up to a day until YouTube lets it.",
            "To try it out, set the broadcast's visibility to private there.",
        ],
    },
    Platform {
        id: "facebook",
        name: "Facebook",
        protocol: PlatformProtocol::Rtmp,
        servers: &[
            at("Everywhere", "rtmps://rtmp-api.facebook.com:443/rtmp"),
            at(
                "Everywhere, second name",
                "rtmps://live-api-s.facebook.com:443/rtmp",
            ),
        ],
        example: "rtmps://rtmp-api.facebook.com:443/rtmp",
        key_name: "Stream key",
        key_place: "In Live Producer, under Streaming software.",
        key_page: "https://www.facebook.com/live/producer",
        secret_address: false,
        test: None,
        test_meaning: "",
        limits: PlatformLimits {
            video_bitrate: Some(9_000_000),
            audio_bitrate: Some(128_000),
            keyframe_seconds: Some(4),
            height: Some(1080),
            fps: Some(60),
            secure: true,
        },
        advice: &[
            "720p wants 4 Mbps at most, 1080p 6 Mbps.",
            "A key is for one broadcast, unless you ask for a persistent one there.",
            "A broadcast ends by itself after eight hours.",
        ],
    },
    Platform {
        id: "rtmp",
        name: "Another RTMP server",
        protocol: PlatformProtocol::Rtmp,
        servers: &[],
        example: "rtmp://host/app",
        key_name: "Stream key",
        key_place: "Your provider or whoever runs the server has given it to you.",
        key_page: "",
        secret_address: false,
        test: None,
        test_meaning: "",
        limits: NO_LIMITS,
        advice: &["Where the server takes rtmps://, nobody on the way can read the key."],
    },
    Platform {
        id: "klieg",
        name: "Another Klieg",
        protocol: PlatformProtocol::Whip,
        servers: &[],
        example: "http://192.168.1.20:8080/CHANNEL/whip",
        key_name: "Key of a publish link",
        key_place: "Its host makes a publish link under Links to hand out: the key follows “key=”.",
        key_page: "",
        secret_address: false,
        test: None,
        test_meaning: "",
        limits: WHIP_LIMITS,
        advice: &["CHANNEL is the channel that the link is for."],
    },
    Platform {
        id: "mediamtx",
        name: "MediaMTX",
        protocol: PlatformProtocol::Whip,
        servers: &[],
        example: "http://host:8889/PATH/whip",
        key_name: "Bearer token",
        key_place: "What its settings ask publishers for: a JWT, or USER:PASSWORD; nothing where anyone may publish.",
        key_page: "",
        secret_address: false,
        test: None,
        test_meaning: "",
        limits: WHIP_LIMITS,
        advice: &[],
    },
    Platform {
        id: "cloudflare",
        name: "Cloudflare Stream",
        protocol: PlatformProtocol::Whip,
        servers: &[],
        example: "https://customer-CODE.cloudflarestream.com/SECRET/webRTC/publish",
        key_name: "WebRTC (WHIP) URL",
        key_place: "In the dashboard, under Stream, Live inputs, at the input's connection details.",
        key_page: "https://dash.cloudflare.com/?to=/:account/stream/inputs",
        secret_address: true,
        test: None,
        test_meaning: "",
        limits: WHIP_LIMITS,
        advice: &["The address holds the key, so it is kept and hidden like one."],
    },
    Platform {
        id: "livekit",
        name: "LiveKit",
        protocol: PlatformProtocol::Whip,
        servers: &[],
        example: "https://PROJECT.whip.livekit.cloud/w",
        key_name: "Stream key",
        key_place: "It comes with the address when an ingress of type WHIP is made.",
        key_page: "https://cloud.livekit.io/",
        secret_address: false,
        test: None,
        test_meaning: "",
        limits: WHIP_LIMITS,
        advice: &[],
    },
    Platform {
        id: "whip",
        name: "Another WHIP server",
        protocol: PlatformProtocol::Whip,
        servers: &[],
        example: "https://host/whip",
        key_name: "Bearer token",
        key_place: "Whoever runs the server has given it to you; nothing where it asks for none.",
        key_page: "",
        secret_address: false,
        test: None,
        test_meaning: "",
        limits: WHIP_LIMITS,
        advice: &[],
    },
];

/// Twitch's servers. The first finds the nearest by itself.
const TWITCH: &[PlatformServer] = &[
    at(
        "Nearest, encrypted",
        "rtmps://ingest.global-contribute.live-video.net:443/app",
    ),
    at(
        "Nearest",
        "rtmp://ingest.global-contribute.live-video.net/app",
    ),
    at("Asia: Hong Kong", "rtmp://live-hkg.twitch.tv/app"),
    at("Asia: Seoul", "rtmp://live-sel.twitch.tv/app"),
    at("Asia: Singapore", "rtmp://live-sin.twitch.tv/app"),
    at("Asia: Taipei", "rtmp://live-tpe.twitch.tv/app"),
    at("Asia: Tokyo", "rtmp://live-tyo.twitch.tv/app"),
    at("Australia: Sydney", "rtmp://live-syd.twitch.tv/app"),
    at("Europe: Amsterdam", "rtmp://live-ams.twitch.tv/app"),
    at("Europe: Berlin", "rtmp://live-ber.twitch.tv/app"),
    at("Europe: Copenhagen", "rtmp://live-cph.twitch.tv/app"),
    at("Europe: Frankfurt", "rtmp://live-fra.twitch.tv/app"),
    at("Europe: Helsinki", "rtmp://live-hel.twitch.tv/app"),
    at("Europe: Lisbon", "rtmp://live-lis.twitch.tv/app"),
    at("Europe: London", "rtmp://live-lhr.twitch.tv/app"),
    at("Europe: Madrid", "rtmp://live-mad.twitch.tv/app"),
    at("Europe: Marseille", "rtmp://live-mrs.twitch.tv/app"),
    at("Europe: Milan", "rtmp://live-mil.twitch.tv/app"),
    at("Europe: Oslo", "rtmp://live-osl.twitch.tv/app"),
    at("Europe: Paris", "rtmp://live-cdg.twitch.tv/app"),
    at("Europe: Prague", "rtmp://live-prg.twitch.tv/app"),
    at("Europe: Stockholm", "rtmp://live-arn.twitch.tv/app"),
    at("Europe: Vienna", "rtmp://live-vie.twitch.tv/app"),
    at("Europe: Warsaw", "rtmp://live-waw.twitch.tv/app"),
    at("North America: Ashburn", "rtmp://live-iad.twitch.tv/app"),
    at("North America: Atlanta", "rtmp://live-atl.twitch.tv/app"),
    at("North America: Chicago", "rtmp://live-ord.twitch.tv/app"),
    at("North America: Dallas", "rtmp://live-dfw.twitch.tv/app"),
    at("North America: Denver", "rtmp://live-den.twitch.tv/app"),
    at("North America: Houston", "rtmp://live-hou.twitch.tv/app"),
    at(
        "North America: Los Angeles",
        "rtmp://live-lax.twitch.tv/app",
    ),
    at(
        "North America: Mexico City",
        "rtmp://live-qro.twitch.tv/app",
    ),
    at("North America: Miami", "rtmp://live-mia.twitch.tv/app"),
    at("North America: New York", "rtmp://live-jfk.twitch.tv/app"),
    at("North America: Phoenix", "rtmp://live-phx.twitch.tv/app"),
    at("North America: Portland", "rtmp://live-pdx.twitch.tv/app"),
    at("North America: Quebec", "rtmp://live-ymq.twitch.tv/app"),
    at(
        "North America: Salt Lake City",
        "rtmp://live-slc.twitch.tv/app",
    ),
    at(
        "North America: San Francisco",
        "rtmp://live-sfo.twitch.tv/app",
    ),
    at("North America: San Jose", "rtmp://live-sjc.twitch.tv/app"),
    at("North America: Seattle", "rtmp://live-sea.twitch.tv/app"),
    at("North America: Toronto", "rtmp://live-yto.twitch.tv/app"),
    at(
        "South America: Buenos Aires",
        "rtmp://live-eze.twitch.tv/app",
    ),
    at("South America: Lima", "rtmp://live-lim.twitch.tv/app"),
    at("South America: Medellín", "rtmp://live-mde.twitch.tv/app"),
    at(
        "South America: Rio de Janeiro",
        "rtmp://live-rio.twitch.tv/app",
    ),
    at("South America: Santiago", "rtmp://live-scl.twitch.tv/app"),
    at("South America: São Paulo", "rtmp://live-sao.twitch.tv/app"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_platform_is_whole() {
        let ids: BTreeSet<_> = PLATFORMS.iter().map(|p| p.id).collect();
        assert_eq!(ids.len(), PLATFORMS.len(), "each identity once");
        for platform in PLATFORMS {
            let id = platform.id;
            assert_eq!(Platform::find(id), Some(platform));
            let schemes = match platform.protocol {
                PlatformProtocol::Rtmp => ["rtmp://", "rtmps://"],
                PlatformProtocol::Whip => ["http://", "https://"],
            };
            let fits = |url: &str| schemes.iter().any(|scheme| url.starts_with(scheme));
            assert!(fits(platform.example), "{id}: {}", platform.example);
            let urls: BTreeSet<_> = platform.servers.iter().map(|server| server.url).collect();
            assert_eq!(urls.len(), platform.servers.len(), "{id}: each server once");
            for server in platform.servers {
                assert!(fits(server.url), "{id}: {}", server.url);
                let plain = server.url.starts_with("rtmp://");
                assert!(!(plain && platform.limits.secure), "{id}: {}", server.url);
            }
            let named = platform.key_page.is_empty() || platform.key_page.starts_with("https://");
            assert!(named, "{id}: {}", platform.key_page);
            assert_eq!(platform.test.is_some(), !platform.test_meaning.is_empty());
            assert!(!platform.key_place.is_empty() && !platform.key_name.is_empty());
        }
        assert_eq!(Platform::find("nowhere"), None);
    }
}
