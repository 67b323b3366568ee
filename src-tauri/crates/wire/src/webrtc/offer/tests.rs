use bytes::Bytes;
use media::TrackId;

use super::*;
use crate::webrtc::{answer, testing};

/// What Chromium sends for two receiving transceivers, shortened to what matters.
const CHROMIUM: &str = "v=0\r\n\
o=- 1 2 IN IP4 127.0.0.1\r\n\
s=-\r\n\
t=0 0\r\n\
a=group:BUNDLE 0 1\r\n\
a=extmap-allow-mixed\r\n\
a=msid-semantic: WMS\r\n\
m=video 9 UDP/TLS/RTP/SAVPF 96 97 103 104 107 108 109 114 115\r\n\
c=IN IP4 0.0.0.0\r\n\
a=rtcp:9 IN IP4 0.0.0.0\r\n\
a=candidate:1 1 udp 2122260223 4a1c-9.local 50000 typ host\r\n\
a=candidate:2 1 tcp 1518280447 192.0.2.7 9 typ host tcptype active\r\n\
a=candidate:3 1 udp 1686052607 192.0.2.7 50000 typ srflx raddr 0.0.0.0 rport 0\r\n\
a=ice-ufrag:abcd\r\n\
a=ice-pwd:0123456789012345678901\r\n\
a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n\
a=setup:actpass\r\n\
a=mid:0\r\n\
a=recvonly\r\n\
a=rtcp-mux\r\n\
a=rtpmap:96 VP8/90000\r\n\
a=rtcp-fb:96 nack\r\n\
a=rtpmap:97 rtx/90000\r\n\
a=fmtp:97 apt=96\r\n\
a=rtpmap:103 H264/90000\r\n\
a=rtcp-fb:103 nack pli\r\n\
a=fmtp:103 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f\r\n\
a=rtpmap:104 rtx/90000\r\n\
a=fmtp:104 apt=103\r\n\
a=rtpmap:107 H264/90000\r\n\
a=fmtp:107 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f\r\n\
a=rtpmap:108 rtx/90000\r\n\
a=fmtp:108 apt=107\r\n\
a=rtpmap:109 H264/90000\r\n\
a=rtcp-fb:109 nack\r\n\
a=fmtp:109 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n\
a=rtpmap:114 rtx/90000\r\n\
a=fmtp:114 apt=109\r\n\
a=rtpmap:115 H264/90000\r\n\
a=fmtp:115 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d001f\r\n\
m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\n\
c=IN IP4 0.0.0.0\r\n\
a=ice-ufrag:abcd\r\n\
a=ice-pwd:0123456789012345678901\r\n\
a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n\
a=setup:actpass\r\n\
a=mid:1\r\n\
a=recvonly\r\n\
a=rtcp-mux\r\n\
a=rtpmap:111 opus/48000/2\r\n\
a=fmtp:111 minptime=10;useinbandfec=1\r\n\
a=rtpmap:0 PCMU/8000\r\n";

/// What is answered when everything planned is received.
fn answer(plan: &Plan) -> String {
    let (clock, now) = (media::Clock::start(), media::Timestamp::ZERO);
    testing::opening(clock, 1, now, |opening| answer::write(opening, plan, &[]))
}

fn stream(idc: u8, flags: u8) -> Vec<Track> {
    vec![Track {
        id: TrackId(0),
        config: Config::H264 {
            sps: Bytes::from(vec![0x67, idc, flags, 0x1f]),
            pps: Bytes::new(),
            width: 16,
            height: 16,
            fps_millis: 0,
        },
        bitrate: 0,
    }]
}

#[test]
fn the_payload_type_is_the_one_whose_profile_matches_the_stream() {
    for (idc, flags, number, rtx) in [
        (0x42, 0xc0, 109, Some(114)),
        (0x42, 0x00, 103, Some(104)),
        (0x4d, 0x40, 115, None),
    ] {
        let plan = plan_viewer(CHROMIUM, &stream(idc, flags)).unwrap();
        let video = plan.video.unwrap();
        assert_eq!((video.payload_type, video.rtx), (number, rtx));
        assert_eq!(plan.audio.unwrap().payload_type, 111);
    }
}

#[test]
fn before_the_encoder_has_spoken_it_is_constrained_baseline() {
    assert_eq!(
        plan_viewer(CHROMIUM, &[])
            .unwrap()
            .video
            .unwrap()
            .payload_type,
        109
    );
}

#[test]
fn nothing_else_is_answered() {
    let plan = plan_viewer(CHROMIUM, &[]).unwrap();
    let sdp = answer(&plan);
    for line in [
        "a=group:BUNDLE 0 1",
        "m=video 9 UDP/TLS/RTP/SAVPF 109 114",
        "a=rtpmap:109 H264/90000",
        "a=rtcp-fb:109 nack",
        "a=fmtp:114 apt=109",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "a=rtpmap:111 opus/48000/2",
        "a=fmtp:111 minptime=10;useinbandfec=1",
        "a=setup:active",
    ] {
        assert!(sdp.contains(&format!("\r\n{line}\r\n")), "{line} in {sdp}");
    }
    for gone in [
        "VP8",
        "PCMU",
        "profile-level-id=4d",
        "nack pli",
        "a=fmtp:97",
    ] {
        assert!(!sdp.contains(gone), "{gone}");
    }
    assert_eq!(sdp.matches("a=candidate:").count(), 1, "of the first alone");
    assert!(!plan.peer_begins);
    let remote = &plan.remote;
    assert_eq!((&*remote.fragment, remote.lite), ("abcd", false));
    assert_eq!(remote.fingerprints[0][..2], [0x00, 0x11]);
    let [candidate] = &remote.candidates[..] else {
        panic!("{remote:?}");
    };
    assert!(candidate.contains(" 192.0.2.7 50000 "));
}

#[test]
fn sections_that_are_not_taken_are_refused_in_their_place() {
    let data = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n\
        a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=mid:2\r\na=fingerprint:sha-1 00\r\n";
    let offer = CHROMIUM.replace("BUNDLE 0 1", "BUNDLE 0 1 2") + data;
    let sdp = answer(&plan_viewer(&offer, &[]).unwrap());
    assert!(sdp.contains("a=group:BUNDLE 0 1\r\n"), "{sdp}");
    assert!(sdp.contains("\r\nm=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"));
    assert!(sdp.ends_with("a=inactive\r\na=mid:2\r\n"), "{sdp}");
}

#[test]
fn a_fragment_names_the_far_end_anew() {
    let text = "a=ice-ufrag:efgh\r\na=ice-pwd:0123456789012345678901\r\nm=audio 9 RTP/AVP 0\r\n\
        a=mid:0\r\na=candidate:1 1 udp 5 192.0.2.9 9 typ host\r\na=candidate:2 1 tcp 5 192.0.2.9 9 typ host\r\n";
    let remote = fragment(text).unwrap();
    assert_eq!((&*remote.fragment, remote.candidates.len()), ("efgh", 1));
    for broken in [
        "",
        "a=ice-ufrag:efgh\r\n",
        "a=ice-ufrag:e\r\na=ice-pwd:short\r\n",
    ] {
        assert!(
            matches!(fragment(broken), Err(OfferError::Malformed(_))),
            "{broken}"
        );
    }
}

#[test]
fn what_trickles_is_read_as_far_as_it_makes_sense() {
    let fits = "1 1 udp 5 192.0.2.9 9 typ host";
    for (text, named, expect) in [
        ("", None, vec![]),
        ("a=end-of-candidates", None, vec![]),
        (&format!("a=candidate:{fits}"), None, vec![fits]),
        (
            &format!(
                "a=ice-ufrag:efgh\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\na=candidate:{fits}\r\n"
            ),
            Some("efgh"),
            vec![fits],
        ),
        ("a=candidate:1 1 udp 5 4a1c.local 9 typ host", None, vec![]),
        ("a=candidate:1 1 tcp 5 192.0.2.9 9 typ host", None, vec![]),
        ("a=candidate:1 1 udp 5 224.0.0.1 9 typ host", None, vec![]),
        ("a=candidate:\r\na=candidate:x\r\n", None, vec![]),
    ] {
        let read = trickled(text);
        assert_eq!(read.fragment.as_deref(), named, "{text}");
        assert_eq!(read.candidates, expect, "{text}");
    }
}

#[test]
fn no_more_than_a_few_addresses_are_tried() {
    let many: String = (0..40)
        .map(|n| format!("a=candidate:{n} 1 udp 5 192.0.2.{n} 9 typ host\r\n"))
        .collect();
    let offer = CHROMIUM.replace(
        "a=setup:actpass\r\na=mid:0\r\n",
        &format!("a=setup:actpass\r\n{many}a=mid:0\r\n"),
    );
    let plan = plan_viewer(&offer, &[]).unwrap();
    assert_eq!(plan.remote.candidates.len(), MAX_CANDIDATES);
    assert_eq!(trickled(&many).candidates.len(), MAX_CANDIDATES);
    let anew = format!("a=ice-ufrag:efgh\r\na=ice-pwd:0123456789012345678901\r\n{many}");
    assert_eq!(fragment(&anew).unwrap().candidates.len(), MAX_CANDIDATES);
}

#[test]
fn offers_of_real_programs_are_answered_or_refused_by_their_reason() {
    macro_rules! offers {
        ($($name:literal),*) => {
            [$(($name, include_str!(concat!("../../../../../../tests/fuzz/corpus/offer/", $name, ".sdp")))),*]
        };
    }
    let watching = offers!["chromium-offer", "aiortc-watches", "gstreamer-watches"];
    for (name, text) in watching {
        let plan = plan_viewer(text, &[]).unwrap();
        assert!(plan.video.is_some() && plan.audio.is_some(), "{name}");
        assert_eq!(
            plan_publisher(text).unwrap_err(),
            OfferError::NothingToPublish,
            "{name}"
        );
    }
    let publishing = offers![
        "chromium-publishes",
        "aiortc-publishes",
        "gstreamer-publishes"
    ];
    for (name, text) in publishing {
        let plan = plan_publisher(text).unwrap();
        assert!(plan.video.is_some() && plan.audio.is_some(), "{name}");
        assert_eq!(
            plan_viewer(text, &[]).unwrap_err(),
            OfferError::NothingToReceive,
            "{name}"
        );
    }
    // A Firefox without OpenH264.
    let [(_, watches), (_, publishes)] = offers!["firefox-watches", "firefox-publishes"];
    assert_eq!(plan_viewer(watches, &[]).unwrap_err(), OfferError::NoH264);
    assert_eq!(
        plan_publisher(publishes).unwrap_err(),
        OfferError::NoH264ToPublish
    );
}

fn refusal(offer: &str, tracks: &[Track]) -> OfferError {
    plan_viewer(offer, tracks).unwrap_err()
}

#[test]
fn what_cannot_be_answered_is_refused_by_its_reason() {
    let high = stream(0x64, 0x00);
    assert_eq!(refusal(CHROMIUM, &high), OfferError::Profile("high"));
    let vp8 = CHROMIUM.replace("H264", "VP9");
    assert_eq!(refusal(&vp8, &[]), OfferError::NoH264);
    let senders = CHROMIUM.replace("recvonly", "sendonly");
    assert_eq!(refusal(&senders, &[]), OfferError::NothingToReceive);
    let (head, audio) = CHROMIUM.split_once("m=audio").unwrap();
    let twice = format!(
        "{head}m=audio{audio}m=audio{}",
        audio.replace("mid:1", "mid:2")
    );
    assert_eq!(refusal(&twice, &[]), OfferError::TooManyTracks);
    let long = CHROMIUM.repeat(40);
    assert_eq!(refusal(&long, &[]), OfferError::TooLarge(MAX_OFFER));
    let headless = CHROMIUM.split_once("m=video").unwrap().0;
    assert_eq!(refusal(headless, &[]), OfferError::NothingToReceive);
    for line in ["a=ice-ufrag:abcd\r\n", "a=mid:0\r\n"] {
        let without = CHROMIUM.replace(line, "");
        assert!(
            matches!(refusal(&without, &[]), OfferError::Malformed(_)),
            "{line}"
        );
    }
    for nonsense in [
        "",
        "hello",
        "v=0",
        "{\"type\":\"offer\"}",
        "m=video\r\n\0\u{fffd}",
    ] {
        let error = refusal(nonsense, &[]);
        let named = matches!(
            error,
            OfferError::Malformed(_) | OfferError::NothingToReceive
        );
        assert!(named, "{nonsense:?}: {error}");
    }
}

#[test]
fn both_ways_counts_as_receiving() {
    let both = CHROMIUM.replace("recvonly", "sendrecv");
    let plan = plan_viewer(&both, &[]).unwrap();
    assert!(plan.video.is_some() && plan.audio.is_some());
    assert!(!answer(&plan).contains("sendrecv"));
}

/// The same, sending.
fn publishing() -> String {
    CHROMIUM.replace("recvonly", "sendonly")
}

#[test]
fn a_publisher_sends_the_h264_that_most_viewers_decode() {
    let plan = plan_publisher(&publishing()).unwrap();
    let video = plan.video.unwrap();
    assert_eq!((video.payload_type, video.rtx), (109, Some(114)));
    assert_eq!(plan.audio.unwrap().payload_type, 111);
    let both = publishing().replace("sendonly", "sendrecv");
    let sdp = answer(&plan_publisher(&both).unwrap());
    assert!(
        !sdp.contains("sendrecv") && sdp.contains("a=recvonly"),
        "{sdp}"
    );
    for (left, number) in [("42e01f", 109), ("42001f", 103), ("4d001f", 115)] {
        let mut offer = publishing();
        for other in ["42e01f", "42001f", "4d001f"] {
            if other != left {
                offer = offer.replace(other, "f4001f");
            }
        }
        let plan = plan_publisher(&offer).unwrap();
        assert_eq!(plan.video.unwrap().payload_type, number, "{left}");
    }
    let single = publishing().replace("packetization-mode=1", "packetization-mode=2");
    let plan = plan_publisher(&single).unwrap();
    assert_eq!(plan.video.unwrap().payload_type, 107, "mode 0");
    let plain = publishing().replace("a=fmtp:109", "a=gone:109");
    let plan = plan_publisher(&plain).unwrap();
    assert_eq!(plan.video.unwrap().payload_type, 103, "a profile is better");
}

#[test]
fn parameter_sets_of_the_offer_are_taken_and_not_answered() {
    let line = "packetization-mode=1;profile-level-id=42e01f";
    let sets = "sprop-parameter-sets=Z0LAHw==,aMuDyyA=";
    let offer = publishing().replace(line, &format!("{sets};{line}"));
    let plan = plan_publisher(&offer).unwrap();
    let sdp = answer(&plan);
    let video = plan.video.unwrap();
    assert_eq!(video.parameter_sets.as_deref(), Some("Z0LAHw==,aMuDyyA="));
    assert_eq!(
        video.fmtp,
        format!("level-asymmetry-allowed=1;{line};{START}")
    );
    assert!(!sdp.contains("sprop"), "{sdp}");
}

#[test]
fn offers_to_publish_are_refused_by_their_reason() {
    let refusal = |offer: &str| plan_publisher(offer).unwrap_err();
    assert_eq!(refusal(CHROMIUM), OfferError::NothingToPublish);
    assert_eq!(
        refusal(&publishing().replace("H264", "VP9")),
        OfferError::NoH264ToPublish
    );
    let interleaved = publishing()
        .replace("packetization-mode=1", "packetization-mode=2")
        .replace("packetization-mode=0", "packetization-mode=2");
    assert_eq!(refusal(&interleaved), OfferError::NoH264ToPublish);
    let (head, audio) = CHROMIUM.split_once("m=audio").unwrap();
    let (start, video) = head.split_once("m=video").unwrap();
    let sends = |text: &str| text.replace("recvonly", "sendonly");
    let second = video.replace("mid:0", "mid:2");
    let twice = sends(&format!("{head}m=audio{audio}m=video{second}"));
    assert_eq!(refusal(&twice), OfferError::TooManyTracks);
    let sound = sends(&format!("{start}m=audio{audio}"));
    let plan = plan_publisher(&sound).unwrap();
    assert!(plan.video.is_none() && plan.audio.is_some());
    assert_eq!(
        refusal(&sound.replace("opus", "G722")),
        OfferError::NothingToPublish
    );
    let picture = plan_publisher(&sends(head)).unwrap();
    assert!(picture.video.is_some() && picture.audio.is_none());
    assert_eq!(refusal(start), OfferError::NothingToPublish);
}

#[test]
fn sections_that_share_a_port_are_no_refused_ones() {
    // As with `bundlePolicy: max-bundle`.
    let shared = publishing().replace("m=audio 9", "m=audio 0");
    assert!(plan_publisher(&shared).unwrap().audio.is_none());
    let shared = shared.replace("a=mid:1", "a=mid:1\r\na=bundle-only");
    assert!(plan_publisher(&shared).unwrap().audio.is_some());
    let viewer = shared.replace("sendonly", "recvonly");
    assert!(plan_viewer(&viewer, &[]).unwrap().audio.is_some());
}

/// What Chromium offers with a camera and a microphone, as it came.
const CHROMIUM_PUBLISHES: &str = include_str!("chromium-publishes.sdp");

#[test]
fn chromium_publishes_h264_though_vp8_stands_first() {
    let plan = plan_publisher(CHROMIUM_PUBLISHES).unwrap();
    let sdp = answer(&plan);
    assert!(!sdp.contains("VP8"), "{sdp}");
    let counter = plan.counted().expect("feedback on the path");
    let line = format!("a=extmap:{counter} {COUNTER}\r\n");
    assert_eq!(sdp.matches(&line).count(), 2, "{sdp}");
    assert!(sdp.contains(" transport-cc\r\n") && !plan.estimated());
    let video = plan.video.unwrap();
    assert!(video.fmtp.contains("profile-level-id=42e01f"), "{video:?}");
    assert!(video.fmtp.contains("packetization-mode=1"), "{video:?}");
    assert!(video.rtx.is_some());
    assert!(plan.audio.is_some());
}
