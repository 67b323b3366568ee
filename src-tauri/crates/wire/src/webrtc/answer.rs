//! Writes the answer to a planned offer (RFC 9429, section 5.3; RFC 9143 for sections that share a path).

use super::candidates;
use super::link::Opening;
use super::offer::{COUNTER, Codec, Plan, Section};
use super::outbound::cname;
use super::payload::{AUDIO_RATE, VIDEO_RATE};

/// A stream that is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stream {
    pub(crate) kind: media::Kind,
    pub(crate) ssrc: u32,
    /// The source of its retransmissions.
    pub(crate) rtx: Option<u32>,
}

/// The answer: it takes `plan`, and sends `streams`.
pub(crate) fn write(opening: &Opening<'_>, plan: &Plan, streams: &[Stream]) -> String {
    let bundled = plan
        .sections
        .iter()
        .filter(|s| s.bundled && s.codec.is_some());
    let mids: Vec<_> = bundled.map(|s| s.mid.as_str()).collect();
    let session = opening.identity.seed >> 1;
    let mut sdp = format!("v=0\r\no=- {session} 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n");
    if !mids.is_empty() {
        sdp += &format!("a=group:BUNDLE {}\r\n", mids.join(" "));
    }
    sdp += "a=msid-semantic: WMS *\r\n";
    for section in &plan.sections {
        let Some(codec) = &section.codec else {
            refuse(&mut sdp, section);
            continue;
        };
        let stream = streams.iter().find(|s| name(s.kind) == section.media);
        take(&mut sdp, section, codec, stream);
        transport(&mut sdp, opening, plan);
        // Those that share the path of the first one have nothing to add to it.
        if !section.bundled || mids.first() == Some(&section.mid.as_str()) {
            sdp += &candidates::lines(opening.locals, opening.extra);
        }
        if let Some(stream) = stream {
            announce(&mut sdp, &opening.identity.fragment, stream);
        }
    }
    sdp
}

fn name(kind: media::Kind) -> &'static str {
    match kind {
        media::Kind::Video => "video",
        media::Kind::Audio => "audio",
    }
}

/// Port 0: nothing of it is taken (RFC 3264, section 6).
fn refuse(sdp: &mut String, section: &Section) {
    let Section {
        media,
        protocol,
        formats,
        mid,
        ..
    } = section;
    let formats = formats.split(' ').next().unwrap_or("0");
    *sdp += &format!(
        "m={media} 0 {protocol} {formats}\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\na=mid:{mid}\r\n"
    );
}

fn take(sdp: &mut String, section: &Section, codec: &Codec, stream: Option<&Stream>) {
    let Section {
        media,
        protocol,
        mid,
        ..
    } = section;
    let number = codec.payload_type;
    let rtx = codec.rtx.map(|rtx| format!(" {rtx}")).unwrap_or_default();
    let direction = if stream.is_some() {
        "sendonly"
    } else {
        "recvonly"
    };
    let map = if media == "video" {
        format!("H264/{VIDEO_RATE}")
    } else {
        format!("opus/{AUDIO_RATE}/2")
    };
    let mut line = |text: String| {
        *sdp += &text;
        *sdp += "\r\n";
    };
    line(format!("m={media} 9 {protocol} {number}{rtx}"));
    line("c=IN IP4 0.0.0.0".into());
    line(format!("a=mid:{mid}"));
    line(format!("a={direction}"));
    line("a=rtcp-mux".into());
    if section.reduced {
        line("a=rtcp-rsize".into());
    }
    line(format!("a=rtpmap:{number} {map}"));
    if !codec.fmtp.is_empty() {
        line(format!("a=fmtp:{number} {}", codec.fmtp));
    }
    for feedback in &section.feedback {
        line(format!("a=rtcp-fb:{number} {feedback}"));
    }
    if let Some(rtx) = codec.rtx {
        line(format!("a=rtpmap:{rtx} rtx/{VIDEO_RATE}"));
        line(format!("a=fmtp:{rtx} apt={number}"));
    }
    // Only who receives counts.
    if let (Some(counter), None) = (section.counter, stream) {
        line(format!("a=extmap:{counter} {COUNTER}"));
    }
}

fn transport(sdp: &mut String, opening: &Opening<'_>, plan: &Plan) {
    let identity = opening.identity;
    let setup = if plan.peer_begins {
        "passive"
    } else {
        "active"
    };
    *sdp += &format!(
        "a=ice-ufrag:{}\r\na=ice-pwd:{}\r\na=fingerprint:sha-256 {}\r\na=setup:{setup}\r\n",
        identity.fragment, identity.password, opening.common.fingerprint,
    );
}

/// Names what is sent (RFC 5576; RFC 8830).
fn announce(sdp: &mut String, name: &str, stream: &Stream) {
    let track = format!("{name} {name}-{}", self::name(stream.kind));
    *sdp += &format!("a=msid:{track}\r\n");
    let sources = std::iter::once(stream.ssrc).chain(stream.rtx);
    if let Some(rtx) = stream.rtx {
        *sdp += &format!("a=ssrc-group:FID {} {rtx}\r\n", stream.ssrc);
    }
    let cname = cname(name);
    for ssrc in sources {
        *sdp += &format!("a=ssrc:{ssrc} cname:{cname}\r\na=ssrc:{ssrc} msid:{track}\r\n");
    }
}
