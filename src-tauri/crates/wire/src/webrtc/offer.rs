//! Reads an offer (RFC 9429, RFC 8866) and decides what goes over the session: to a viewer, or from a
//! publisher.

use std::io::Cursor;

use media::{Config, Track};
use rtc::sdp::description::common::Attribute;
use rtc::sdp::description::media::MediaDescription;
use rtc::sdp::description::session::SessionDescription;

use super::profile::Profile;
use super::{OfferError, candidates as addresses};

/// An offer larger than this is not read.
pub(crate) const MAX_OFFER: usize = 64 << 10;

/// Media sections of an offer; a viewer needs two.
const MAX_SECTIONS: usize = 8;

/// Addresses of the far end that are tried; it tries ours as well.
pub(crate) const MAX_CANDIDATES: usize = 12;

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
    pub(crate) remote: Remote,
    /// The offer's sections, in their order.
    pub(crate) sections: Vec<Section>,
}

impl Plan {
    /// The number of the extension that counts the packets of a path, when the far end takes feedback
    /// on them (draft-holmer-rmcat-transport-wide-cc-extensions-01).
    pub(crate) fn counted(&self) -> Option<u8> {
        let takes = |s: &&Section| s.feedback.contains(&TRANSPORT_CC);
        self.sections.iter().find(takes)?.counter
    }

    /// Whether the far end takes an estimate of the path's bitrate in place of that.
    pub(crate) fn estimated(&self) -> bool {
        let mut sections = self.sections.iter();
        self.counted().is_none() && sections.any(|s| s.feedback.contains(&REMB))
    }
}

/// The far end as its offer names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Remote {
    /// Its ICE username fragment.
    pub(crate) fragment: String,
    pub(crate) password: String,
    /// SHA-256 of its certificates.
    pub(crate) fingerprints: Vec<Vec<u8>>,
    /// Its addresses, as SDP writes them behind `candidate:`.
    pub(crate) candidates: Vec<String>,
    /// Whether it checks no paths by itself (RFC 8445, section 2.5).
    pub(crate) lite: bool,
}

/// A section of an offer, and what is taken of it.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    pub(crate) media: String,
    pub(crate) protocol: String,
    pub(crate) mid: String,
    /// Whether it shares its transport with others (RFC 9143).
    pub(crate) bundled: bool,
    /// Its formats as offered, which name a section that is refused.
    pub(crate) formats: String,
    pub(crate) codec: Option<Codec>,
    /// What both ends say about packets and pictures that are lost, and about the path.
    pub(crate) feedback: Vec<&'static str>,
    /// The number of the extension [`COUNTER`].
    pub(crate) counter: Option<u8>,
    /// Whether reports may come alone (RFC 5506).
    pub(crate) reduced: bool,
}

/// Counts the packets of a path, whichever stream they belong to.
pub(crate) const COUNTER: &str =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

const TRANSPORT_CC: &str = "transport-cc";
const REMB: &str = "goog-remb";

/// Losses of pictures and packets (RFC 4585, section 4.2; RFC 5104, section 7.1).
const LOSSES: [&str; 3] = ["nack", "nack pli", "ccm fir"];

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
    let description = SessionDescription::unmarshal(&mut Cursor::new(offer.as_bytes()))
        .map_err(|e| OfferError::Malformed(e.to_string()))?;
    let session_direction = direction(&description.attributes);
    let peer_begins = setup(&description);
    check_shape(&description, way)?;

    let mut remote = remote(&description)?;
    let bundle = bundle(&description);
    let (mut video, mut audio) = (None, None);
    let mut sections = Vec::new();
    for section in &description.media_descriptions {
        remote.candidates.extend(candidates(section));
        let mut read = read(section, &bundle);
        let chosen = match read.media.as_str() {
            "video" => Some(&mut video),
            "audio" => Some(&mut audio),
            _ => None,
        };
        let wanted = way.takes(direction(&section.attributes).or(session_direction));
        if let (Some(chosen), true, false) = (chosen, wanted, is_refused(section)) {
            if chosen.is_some() {
                return Err(OfferError::TooManyTracks);
            }
            read.codec = if read.media == "video" {
                Some(choose_video(section)?)
            } else {
                choose_opus(section)
            };
            if let Some(codec) = &read.codec {
                read.feedback = feedback(section, codec, way);
                chosen.clone_from(&read.codec);
            }
        }
        sections.push(read);
    }
    // A stranger could use us to knock at other people's doors.
    remote.candidates.truncate(MAX_CANDIDATES);
    Ok(Plan {
        video,
        audio,
        peer_begins,
        remote,
        sections,
    })
}

/// What the far end says of itself, for the session or in its first section that says it.
fn remote(description: &SessionDescription) -> Result<Remote, OfferError> {
    let all = || {
        let media = description.media_descriptions.iter();
        let sections = media.map(|m| &m.attributes);
        std::iter::once(&description.attributes).chain(sections)
    };
    let first = |key: &str| all().find_map(|attributes| attribute(attributes, key));
    let prints = all().flatten().filter(|a| a.key == "fingerprint");
    let fingerprints: Vec<_> = prints.filter_map(|a| sha256(a.value.as_deref()?)).collect();
    if fingerprints.is_empty() {
        return Err(OfferError::Malformed("no a=fingerprint:sha-256".into()));
    }
    Ok(Remote {
        fragment: first("ice-ufrag").unwrap_or_default().to_owned(),
        password: first("ice-pwd").unwrap_or_default().to_owned(),
        fingerprints,
        candidates: Vec::new(),
        lite: description.attributes.iter().any(|a| a.key == "ice-lite"),
    })
}

/// `sha-256 AB:CD:…` as bytes.
fn sha256(value: &str) -> Option<Vec<u8>> {
    let (algorithm, print) = value.split_once(' ')?;
    let bytes = print.trim().split(':');
    let bytes: Option<Vec<u8>> = bytes.map(|b| u8::from_str_radix(b, 16).ok()).collect();
    bytes.filter(|b| algorithm.eq_ignore_ascii_case("sha-256") && b.len() == 32)
}

/// What the far end adds to what it has said, as it finds it (RFC 8838).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trickled {
    /// The ICE username fragment that it adds to; without one the present one is meant.
    pub(crate) fragment: Option<String>,
    /// Its further addresses, as SDP writes them behind `candidate:`.
    pub(crate) candidates: Vec<String>,
}

/// Reads what trickles: a fragment of SDP (RFC 8840, section 9). What makes no sense in it is left out.
pub(crate) fn trickled(text: &str) -> Trickled {
    Trickled {
        fragment: said(text, "a=ice-ufrag:"),
        candidates: added(text),
    }
}

/// What the first line of this kind says.
fn said(text: &str, key: &str) -> Option<String> {
    let mut lines = text.lines().filter_map(|l| l.trim_end().strip_prefix(key));
    lines.next().map(str::to_owned)
}

/// The candidates of a fragment that can be tried.
fn added(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim_end);
    let found = lines.filter_map(|l| l.strip_prefix("a=candidate:"));
    found
        .filter(|c| is_useful(c))
        .take(MAX_CANDIDATES)
        .map(str::to_owned)
        .collect()
}

/// What the far end says anew to restart ICE: a fragment of SDP (RFC 8840, section 9).
///
/// # Errors
/// It names no credentials, or no honest ones.
pub(crate) fn fragment(text: &str) -> Result<Remote, OfferError> {
    let missing = |name: &str| OfferError::Malformed(format!("no a={name}"));
    let named = |key: &str, name: &str| said(text, key).ok_or_else(|| missing(name));
    let fragment = named("a=ice-ufrag:", "ice-ufrag")?;
    let password = named("a=ice-pwd:", "ice-pwd")?;
    // RFC 8839, section 5.4.
    let honest = |text: &str, least: usize| (least..=256).contains(&text.len());
    if !honest(&fragment, 4) || !honest(&password, 22) {
        return Err(OfferError::Malformed(
            "a=ice-ufrag or a=ice-pwd is too short or too long".into(),
        ));
    }
    Ok(Remote {
        fragment,
        password,
        candidates: added(text),
        ..Remote::default()
    })
}

/// The sections that share a transport.
fn bundle(description: &SessionDescription) -> Vec<&str> {
    let groups = description.attributes.iter().filter(|a| a.key == "group");
    let mut bundles = groups.filter_map(|a| a.value.as_deref()?.strip_prefix("BUNDLE "));
    bundles
        .next()
        .map_or_else(Vec::new, |mids| mids.split_ascii_whitespace().collect())
}

/// A section, with nothing taken of it yet.
fn read(section: &MediaDescription, bundle: &[&str]) -> Section {
    let mid = section.attribute("mid").flatten().unwrap_or_default();
    let counter =
        numbered(section, "extmap").find(|(_, uri)| uri.split(' ').next() == Some(COUNTER));
    Section {
        media: section.media_name.media.clone(),
        protocol: section.media_name.protos.join("/"),
        bundled: bundle.contains(&mid),
        mid: mid.to_owned(),
        formats: section.media_name.formats.join(" "),
        codec: None,
        feedback: Vec::new(),
        counter: counter.map(|(number, _)| number),
        reduced: section.has_attribute("rtcp-rsize"),
    }
}

/// The feedback on a codec that the far end takes or gives, of what we know to give or take.
fn feedback(section: &MediaDescription, codec: &Codec, way: Way) -> Vec<&'static str> {
    let number = codec.payload_type.to_string();
    let lines = section.attributes.iter().filter(|a| a.key == "rtcp-fb");
    let offered: Vec<&str> = lines
        .filter_map(|a| a.value.as_deref()?.split_once(' '))
        .filter(|(of, _)| *of == "*" || *of == number)
        .map(|(_, what)| what.trim())
        .collect();
    let video = section.media_name.media == "video";
    let losses = LOSSES.into_iter().filter(|_| video);
    // Who sends is told how; a viewer has no say in what the channel carries.
    let path = [TRANSPORT_CC, REMB].into_iter();
    let path = path.filter(|name| way == Way::Sends && (video || *name == TRANSPORT_CC));
    losses
        .chain(path)
        .filter(|name| offered.contains(name))
        .collect()
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

/// `(payload type, the rest)` of attributes like `rtpmap:96 H264/90000`, and of `extmap:3/recvonly uri`.
fn numbered<'a>(section: &'a MediaDescription, key: &str) -> impl Iterator<Item = (u8, &'a str)> {
    section
        .attributes
        .iter()
        .filter(move |a| a.key == key)
        .filter_map(|a| {
            let (number, rest) = a.value.as_deref()?.split_once(' ')?;
            let number = number.split('/').next()?;
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

/// The candidates of a section that can be tried.
fn candidates(section: &MediaDescription) -> impl Iterator<Item = String> {
    let lines = section.attributes.iter().filter(|a| a.key == "candidate");
    let found = lines.filter_map(|a| a.value.as_deref());
    found.filter(|c| is_useful(c)).map(str::to_owned)
}

/// Whether a candidate can be tried: no name (mDNS), no TCP, no address that stands for others.
fn is_useful(candidate: &str) -> bool {
    let mut words = candidate.split_ascii_whitespace();
    let udp = words.nth(2).is_some_and(|p| p.eq_ignore_ascii_case("udp"));
    let address = addresses::address(candidate);
    udp && address.is_some_and(|a| !a.is_multicast() && !a.is_unspecified())
}

#[cfg(test)]
mod tests;
