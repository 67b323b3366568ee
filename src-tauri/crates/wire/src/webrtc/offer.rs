//! Reads an offer (RFC 9429, RFC 8866) and decides what goes over the session: to a viewer, or from a
//! publisher.

use std::io::Cursor;
use std::net::IpAddr;

use media::{Config, Track};
use rtc::sdp::description::common::Attribute;
use rtc::sdp::description::media::MediaDescription;
use rtc::sdp::description::session::SessionDescription;

use super::OfferError;
use super::profile::Profile;

/// An offer larger than this is not read.
pub(crate) const MAX_OFFER: usize = 64 << 10;

/// Media sections of an offer; a viewer needs two.
const MAX_SECTIONS: usize = 8;

/// Addresses of the far end that are tried; it tries ours as well.
const MAX_CANDIDATES: usize = 12;

/// A codec as the far end numbers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Codec {
    pub(crate) payload_type: u8,
    pub(crate) fmtp: String,
    /// The payload type for its retransmissions (RFC 4588).
    pub(crate) rtx: Option<u8>,
    /// H.264 parameter sets that the far end announced (RFC 6184, section 8.1, `sprop-parameter-sets`).
    pub(crate) parameter_sets: Option<String>,
}

const PARAMETER_SETS: &str = "sprop-parameter-sets";

/// Where browsers built on libwebrtc begin, in kilobits per second. By themselves they begin with 300, and
/// without a word about the path they take half a minute to a good picture.
const START: &str = "x-google-start-bitrate=1000";

/// What is answered to an offer.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) video: Option<Codec>,
    pub(crate) audio: Option<Codec>,
    /// Whether the far end insists on beginning the DTLS handshake (RFC 8842, section 5).
    pub(crate) peer_begins: bool,
    /// The offer, reduced to what is answered.
    pub(crate) sdp: String,
}

/// Which way the far end wants media to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Receives,
    Sends,
}

impl Way {
    /// The direction of a section that goes this way alone.
    fn only(self) -> &'static str {
        match self {
            Self::Receives => "recvonly",
            Self::Sends => "sendonly",
        }
    }

    /// Whether a section goes this way; without a word it goes both ways (RFC 8866, section 6.7).
    fn takes(self, direction: Option<&str>) -> bool {
        direction.is_none_or(|d| d == "sendrecv" || d == self.only())
    }
}

/// Decides on an offer to watch a channel with these tracks.
pub(crate) fn plan_viewer(offer: &str, tracks: &[Track]) -> Result<Plan, OfferError> {
    let stream = tracks.iter().find_map(|t| match &t.config {
        Config::H264 { sps, .. } => Profile::of_sps(sps),
        _ => None,
    });
    let plan = plan(offer, Way::Receives, |section| {
        choose_h264(section, stream).ok_or_else(|| match stream {
            Some(profile) if payload_types(section, H264).next().is_some() => {
                OfferError::Profile(profile.name())
            }
            _ => OfferError::NoH264,
        })
    })?;
    if plan.video.is_none() && plan.audio.is_none() {
        return Err(OfferError::NothingToReceive);
    }
    Ok(plan)
}

/// Decides on an offer to publish: H.264 and Opus, whatever stands first in it.
pub(crate) fn plan_publisher(offer: &str) -> Result<Plan, OfferError> {
    let plan = plan(offer, Way::Sends, |section| {
        choose_published_h264(section).ok_or(OfferError::NoH264ToPublish)
    })?;
    if plan.video.is_none() && plan.audio.is_none() {
        return Err(OfferError::NothingToPublish);
    }
    Ok(plan)
}

fn plan(
    offer: &str,
    way: Way,
    choose_video: impl Fn(&MediaDescription) -> Result<Codec, OfferError>,
) -> Result<Plan, OfferError> {
    if offer.len() > MAX_OFFER {
        return Err(OfferError::TooLarge(MAX_OFFER));
    }
    let mut description = SessionDescription::unmarshal(&mut Cursor::new(offer.as_bytes()))
        .map_err(|e| OfferError::Malformed(e.to_string()))?;
    let session_direction = direction(&description.attributes);
    let peer_begins = setup(&description);
    check_shape(&description, way)?;

    let (mut video, mut audio) = (None, None);
    let mut candidates = 0;
    for section in &mut description.media_descriptions {
        keep_useful_candidates(section, &mut candidates);
        let chosen = match section.media_name.media.as_str() {
            "video" => &mut video,
            "audio" => &mut audio,
            _ => continue,
        };
        let wanted = way.takes(direction(&section.attributes).or(session_direction));
        if !wanted || is_refused(section) {
            continue;
        }
        if chosen.is_some() {
            return Err(OfferError::TooManyTracks);
        }
        let codec = if section.media_name.media == "video" {
            Some(choose_video(section)?)
        } else {
            choose_opus(section)
        };
        if let Some(codec) = codec {
            reduce(section, &codec, way);
            *chosen = Some(codec);
        }
    }
    Ok(Plan {
        video,
        audio,
        peer_begins,
        sdp: description.marshal(),
    })
}

/// Whether a section is not to be used: its port is zero, unless it says that it shares the port of
/// another (RFC 9143, section 6).
fn is_refused(section: &MediaDescription) -> bool {
    section.media_name.port.value == 0 && !section.has_attribute("bundle-only")
}

/// What would fail later is refused here, with a text that says which line is missing.
fn check_shape(description: &SessionDescription, way: Way) -> Result<(), OfferError> {
    let sections = &description.media_descriptions;
    if sections.len() > MAX_SECTIONS {
        return Err(OfferError::Malformed(format!(
            "more than {MAX_SECTIONS} media sections"
        )));
    }
    if sections.is_empty() {
        return Err(match way {
            Way::Receives => OfferError::NothingToReceive,
            Way::Sends => OfferError::NothingToPublish,
        });
    }
    for name in ["ice-ufrag", "ice-pwd", "fingerprint"] {
        let on_session = description.attributes.iter().any(|a| a.key == name);
        let everywhere = || {
            let mut open = sections.iter().filter(|m| !is_refused(m));
            open.all(|m| m.has_attribute(name) || m.has_attribute("bundle-only"))
        };
        let anywhere = || sections.iter().any(|m| m.has_attribute(name));
        let complete = on_session || (anywhere() && everywhere());
        if !complete {
            return Err(OfferError::Malformed(format!("no a={name}")));
        }
    }
    if sections.iter().any(|m| !m.has_attribute("mid")) {
        return Err(OfferError::Malformed("a media section has no a=mid".into()));
    }
    Ok(())
}

fn setup(description: &SessionDescription) -> bool {
    let media = description.media_descriptions.iter();
    let mut values = media
        .filter_map(|m| m.attribute("setup").flatten())
        .chain(attribute(&description.attributes, "setup"));
    values.next() == Some("active")
}

fn attribute<'a>(attributes: &'a [Attribute], key: &str) -> Option<&'a str> {
    let mut named = attributes.iter().filter(|a| a.key == key);
    named.next()?.value.as_deref()
}

fn direction(attributes: &[Attribute]) -> Option<&'static str> {
    attributes.iter().find_map(|a| match a.key.as_str() {
        "sendrecv" => Some("sendrecv"),
        "recvonly" => Some("recvonly"),
        "sendonly" => Some("sendonly"),
        "inactive" => Some("inactive"),
        _ => None,
    })
}

/// `(payload type, the rest)` of attributes like `rtpmap:96 H264/90000`.
fn numbered<'a>(section: &'a MediaDescription, key: &str) -> impl Iterator<Item = (u8, &'a str)> {
    section
        .attributes
        .iter()
        .filter(move |a| a.key == key)
        .filter_map(|a| {
            let (number, rest) = a.value.as_deref()?.split_once(' ')?;
            Some((number.parse().ok()?, rest.trim()))
        })
}

fn fmtp(section: &MediaDescription, payload_type: u8) -> &str {
    numbered(section, "fmtp")
        .find(|(number, _)| *number == payload_type)
        .map_or("", |(_, rest)| rest)
}

fn parameter<'a>(fmtp: &'a str, name: &str) -> Option<&'a str> {
    fmtp.split(';').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// Payload types of a codec, as the section prefers them.
fn payload_types<'a>(section: &'a MediaDescription, codec: &'a str) -> impl Iterator<Item = u8> {
    let formats = section.media_name.formats.iter();
    formats.filter_map(move |format| {
        let number: u8 = format.parse().ok()?;
        numbered(section, "rtpmap")
            .any(|(n, name)| n == number && name.eq_ignore_ascii_case(codec))
            .then_some(number)
    })
}

const H264: &str = "H264/90000";

/// H.264 in packetization mode 1 whose profile decodes the stream's (RFC 6184, section 8.2.2).
fn choose_h264(section: &MediaDescription, stream: Option<Profile>) -> Option<Codec> {
    let stream_or_ours = stream.unwrap_or(Profile::ConstrainedBaseline);
    best_h264(section, |fmtp| {
        if parameter(fmtp, "packetization-mode") != Some("1") {
            return None;
        }
        // Without the parameter nothing is promised, and nothing excluded: the last resort.
        match parameter(fmtp, "profile-level-id") {
            Some(id) => stream_or_ours.rank(Profile::of_parameter(id)?),
            None => Some(usize::MAX),
        }
    })
}

/// The H.264 that most viewers decode, in packetization mode 1, else 0 (interleaved is read by nobody).
fn choose_published_h264(section: &MediaDescription) -> Option<Codec> {
    let codec = best_h264(section, |fmtp| {
        let mode = match parameter(fmtp, "packetization-mode") {
            Some("1") => 0,
            Some("0") | None => 1,
            Some(_) => return None,
        };
        // Who names no profile sends what it likes, mostly something common.
        let profile = match parameter(fmtp, "profile-level-id") {
            Some(id) => Profile::ConstrainedBaseline.rank(Profile::of_parameter(id)?)?,
            None => 2,
        };
        Some(mode * 16 + profile)
    })?;
    // The parameter sets of who offers are no property of the answer (RFC 6184, section 8.2.2).
    let kept = codec.fmtp.split(';').filter(|pair| {
        let name = pair.split('=').next().unwrap_or_default().trim();
        !name.eq_ignore_ascii_case(PARAMETER_SETS)
    });
    let kept = kept.map(str::trim).filter(|pair| !pair.is_empty());
    let answered: Vec<_> = kept.chain([START]).collect();
    Some(Codec {
        fmtp: answered.join(";"),
        parameter_sets: parameter(&codec.fmtp, PARAMETER_SETS).map(str::to_owned),
        ..codec
    })
}

/// The H.264 of the lowest rank, the first one of several.
fn best_h264(section: &MediaDescription, rank: impl Fn(&str) -> Option<usize>) -> Option<Codec> {
    let ranked = payload_types(section, H264)
        .filter_map(|number| Some((rank(fmtp(section, number))?, number)));
    let (_, number) = ranked.min_by_key(|(rank, _)| *rank)?;
    let rtx = payload_types(section, "rtx/90000").find(|rtx| {
        let apt = parameter(fmtp(section, *rtx), "apt");
        apt.and_then(|n| n.parse().ok()) == Some(number)
    });
    Some(Codec {
        payload_type: number,
        fmtp: fmtp(section, number).to_owned(),
        rtx,
        parameter_sets: None,
    })
}

fn choose_opus(section: &MediaDescription) -> Option<Codec> {
    let number = payload_types(section, "opus/48000/2").next()?;
    Some(Codec {
        payload_type: number,
        fmtp: fmtp(section, number).to_owned(),
        rtx: None,
        parameter_sets: None,
    })
}

/// Leaves only the chosen codec in a section, so that nothing else can be answered.
fn reduce(section: &mut MediaDescription, codec: &Codec, way: Way) {
    let keep = |number: u8| number == codec.payload_type || Some(number) == codec.rtx;
    let number_of = |text: &str| text.split(' ').next().and_then(|n| n.parse::<u8>().ok());
    section
        .media_name
        .formats
        .retain(|format| format.parse().is_ok_and(keep));
    section.attributes.retain(|a| match a.key.as_str() {
        "rtpmap" | "fmtp" | "rtcp-fb" => a.value.as_deref().and_then(number_of).is_some_and(keep),
        // A viewer's own streams are of no interest, and a publisher's are told apart by what they carry:
        // not every one of them announces its sources.
        "ssrc" | "ssrc-group" | "msid" | "rid" | "simulcast" => false,
        _ => true,
    });
    for a in &mut section.attributes {
        if a.key == "sendrecv" {
            a.key = way.only().into();
        }
        let numbered = a.value.as_deref().and_then(number_of);
        if a.key == "fmtp" && numbered == Some(codec.payload_type) {
            a.value = Some(format!("{} {}", codec.payload_type, codec.fmtp));
        }
    }
    if direction(&section.attributes).is_none() {
        section.attributes.push(Attribute {
            key: way.only().into(),
            value: None,
        });
    }
}

/// Drops candidates that cannot be tried: names (mDNS), TCP, loopback of the far end, and any beyond
/// a number that a stranger could use to make us knock at other people's doors.
fn keep_useful_candidates(section: &mut MediaDescription, kept: &mut usize) {
    section.attributes.retain(|a| {
        if a.key != "candidate" {
            return a.key != "end-of-candidates" && a.key != "remote-candidates";
        }
        let mut words = a.value.as_deref().unwrap_or("").split_ascii_whitespace();
        let udp = words.nth(2).is_some_and(|p| p.eq_ignore_ascii_case("udp"));
        let address = words.nth(1).and_then(|a| a.parse::<IpAddr>().ok());
        let useful = udp && address.is_some_and(|a| !a.is_multicast() && !a.is_unspecified());
        *kept += usize::from(useful);
        useful && *kept <= MAX_CANDIDATES
    });
}

#[cfg(test)]
mod tests;
