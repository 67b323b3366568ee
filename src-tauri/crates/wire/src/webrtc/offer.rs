//! Reads a viewer's offer (RFC 9429, RFC 8866) and decides what is sent to it.

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
}

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

/// Decides on an offer for a channel with these tracks.
pub(crate) fn plan(offer: &str, tracks: &[Track]) -> Result<Plan, OfferError> {
    if offer.len() > MAX_OFFER {
        return Err(OfferError::TooLarge(MAX_OFFER));
    }
    let mut description = SessionDescription::unmarshal(&mut Cursor::new(offer.as_bytes()))
        .map_err(|e| OfferError::Malformed(e.to_string()))?;
    let session_direction = direction(&description.attributes);
    let peer_begins = setup(&description);
    check_shape(&description)?;
    let stream = tracks.iter().find_map(|t| match &t.config {
        Config::H264 { sps, .. } => Profile::of_sps(sps),
        _ => None,
    });

    let (mut video, mut audio) = (None, None);
    let mut candidates = 0;
    for section in &mut description.media_descriptions {
        keep_useful_candidates(section, &mut candidates);
        let chosen = match section.media_name.media.as_str() {
            "video" => &mut video,
            "audio" => &mut audio,
            _ => continue,
        };
        let receives = match direction(&section.attributes).or(session_direction) {
            Some("sendonly" | "inactive") => false,
            Some("recvonly" | "sendrecv") | None => section.media_name.port.value != 0,
            Some(_) => false,
        };
        if !receives {
            continue;
        }
        if chosen.is_some() {
            return Err(OfferError::TooManyTracks);
        }
        let codec = if section.media_name.media == "video" {
            Some(choose_h264(section, stream)?)
        } else {
            choose_opus(section)
        };
        if let Some(codec) = codec {
            reduce(section, &codec);
            *chosen = Some(codec);
        }
    }
    if video.is_none() && audio.is_none() {
        return Err(OfferError::NothingToReceive);
    }
    Ok(Plan {
        video,
        audio,
        peer_begins,
        sdp: description.marshal(),
    })
}

/// What would fail later is refused here, with a text that says which line is missing.
fn check_shape(description: &SessionDescription) -> Result<(), OfferError> {
    let sections = &description.media_descriptions;
    if sections.len() > MAX_SECTIONS {
        return Err(OfferError::Malformed(format!(
            "more than {MAX_SECTIONS} media sections"
        )));
    }
    if sections.is_empty() {
        return Err(OfferError::NothingToReceive);
    }
    for name in ["ice-ufrag", "ice-pwd", "fingerprint"] {
        let on_session = description.attributes.iter().any(|a| a.key == name);
        let everywhere = || {
            let mut open = sections.iter().filter(|m| m.media_name.port.value != 0);
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

/// H.264 in packetization mode 1 whose profile decodes the stream's (RFC 6184, section 8.2.2).
fn choose_h264(section: &MediaDescription, stream: Option<Profile>) -> Result<Codec, OfferError> {
    let stream_or_ours = stream.unwrap_or(Profile::ConstrainedBaseline);
    let best = payload_types(section, "H264/90000")
        .filter(|number| parameter(fmtp(section, *number), "packetization-mode") == Some("1"))
        .filter_map(|number| {
            // Without the parameter nothing is promised, and nothing excluded: the last resort.
            let rank = match parameter(fmtp(section, number), "profile-level-id") {
                Some(id) => stream_or_ours.rank(Profile::of_parameter(id)?)?,
                None => usize::MAX,
            };
            Some((rank, number))
        })
        .min_by_key(|(rank, _)| *rank);
    match best {
        Some((_, number)) => {
            let rtx = payload_types(section, "rtx/90000").find(|rtx| {
                let apt = parameter(fmtp(section, *rtx), "apt");
                apt.and_then(|n| n.parse().ok()) == Some(number)
            });
            Ok(Codec {
                payload_type: number,
                fmtp: fmtp(section, number).to_owned(),
                rtx,
            })
        }
        None => match stream {
            Some(profile) if payload_types(section, "H264/90000").next().is_some() => {
                Err(OfferError::Profile(profile.name()))
            }
            _ => Err(OfferError::NoH264),
        },
    }
}

fn choose_opus(section: &MediaDescription) -> Option<Codec> {
    let number = payload_types(section, "opus/48000/2").next()?;
    Some(Codec {
        payload_type: number,
        fmtp: fmtp(section, number).to_owned(),
        rtx: None,
    })
}

/// Leaves only the chosen codec in a section, so that nothing else can be answered.
fn reduce(section: &mut MediaDescription, codec: &Codec) {
    let keep = |number: u8| number == codec.payload_type || Some(number) == codec.rtx;
    let number_of = |text: &str| text.split(' ').next().and_then(|n| n.parse::<u8>().ok());
    section
        .media_name
        .formats
        .retain(|format| format.parse().is_ok_and(keep));
    section.attributes.retain(|a| match a.key.as_str() {
        "rtpmap" | "fmtp" | "rtcp-fb" => a.value.as_deref().and_then(number_of).is_some_and(keep),
        // What the far end would send is of no interest to a sender.
        "ssrc" | "ssrc-group" | "msid" | "rid" | "simulcast" => false,
        _ => true,
    });
    for a in &mut section.attributes {
        if a.key == "sendrecv" {
            a.key = "recvonly".into();
        }
    }
    if direction(&section.attributes).is_none() {
        section.attributes.push(Attribute {
            key: "recvonly".into(),
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
