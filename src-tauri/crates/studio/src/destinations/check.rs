//! What a person enters, before it is taken.

use api::{
    Code, DestinationState, DestinationTarget, NewDestination, Platform, PlatformProtocol, Problem,
    Rendition,
};
use url::Url;

use super::apart::{self, Apart};

/// What a person entered, fit to be kept.
#[derive(Debug)]
pub(super) struct Checked {
    /// The destination; its address holds no key.
    pub(super) about: api::Destination,
    /// Its key or token: empty when it is to be forgotten, absent when it stays as it is.
    pub(super) secret: Option<String>,
}

/// The destination that a person entered, when it can be one. `before` is its address until now, when a key is
/// kept for it.
///
/// # Errors
/// What is wrong with it, and what to do.
pub(super) fn checked(
    id: String,
    new: &NewDestination,
    before: Option<&str>,
) -> Result<Checked, Problem> {
    let invalid = |text: String, field: &str| Err(Problem::new(Code::Invalid, text).about(field));
    let name = new.name.trim();
    if !(1..=100).contains(&name.chars().count()) {
        return invalid(
            "A destination's name has 1 to 100 characters.".into(),
            "name",
        );
    }
    let longest = outputs::LONGEST_DELAY.as_secs();
    if u64::from(new.delay_seconds) > longest {
        let text = format!("A destination is {longest} seconds late at most.");
        return invalid(text, "delay_seconds");
    }
    if let Some(text) = new.rendition.and_then(wrong_rendition) {
        return invalid(text, "rendition");
    }
    if new.follow && matches!(new.target, DestinationTarget::Rtmp { .. }) {
        let text = "What the way there carries is seen over WHIP alone, so nothing can follow it over RTMP. Leave \"follow\" out.";
        return invalid(text.into(), "follow");
    }
    let platform = match new.platform.as_deref() {
        None => None,
        Some(id) => match Platform::find(id) {
            Some(platform) => Some(platform),
            None => {
                let text = format!("There is no platform \"{id}\"; GET /api/platforms lists all.");
                return invalid(text, "platform");
            }
        },
    };
    if new.test && platform.is_none_or(|p| p.test.is_none()) {
        let text = "Only Twitch takes a broadcast as a test. Leave the test out.";
        return invalid(text.into(), "test");
    }
    let (protocol, schemes) = match &new.target {
        DestinationTarget::Rtmp { .. } => (PlatformProtocol::Rtmp, ["rtmp", "rtmps"]),
        DestinationTarget::Whip { .. } => (PlatformProtocol::Whip, ["http", "https"]),
    };
    if let Some(platform) = platform.filter(|p| p.protocol != protocol) {
        let text = format!(
            "{} is not reached that way. Its address looks like {}.",
            platform.name, platform.example
        );
        return invalid(text, "platform");
    }
    let entered = new.secret.as_ref().map(|secret| secret.expose().trim());
    let given = entered.filter(|key| !key.is_empty());
    let (target, found) = match &new.target {
        DestinationTarget::Rtmp { url } => {
            let parsed = check_address(url, schemes)?;
            if !parsed.username().is_empty() || parsed.password().is_some() {
                let text = "A name and password in an RTMP address are not supported. Take them out, and enter the stream key.";
                return invalid(text.into(), "url");
            }
            // Who takes the key back enters an address that is whole again.
            let before = before.filter(|_| entered.is_none());
            let (url, key) = match (given, before) {
                (None, None) => apart::rtmp(url),
                (given, before) => apart::rtmp_beside(url, given, before.unwrap_or_default())?,
            };
            (DestinationTarget::Rtmp { url }, key)
        }
        DestinationTarget::Whip { url } => {
            let (url, token) = if platform.is_some_and(|p| p.secret_address) {
                hidden(entered, url, schemes)?
            } else {
                check_address(url, schemes)?;
                apart::whip(url, platform)
            };
            (DestinationTarget::Whip { url }, token)
        }
    };
    let secret = match given {
        Some(given) => Some(given.to_owned()),
        None => found.or_else(|| entered.map(str::to_owned)),
    };
    let has_secret = match &secret {
        Some(secret) => !secret.is_empty(),
        None => before.is_some(),
    };
    let about = api::Destination {
        id,
        name: name.to_owned(),
        target,
        has_secret,
        enabled: true,
        platform: new.platform.clone(),
        delay_seconds: new.delay_seconds,
        test: new.test,
        rendition: new.rendition,
        encoded: None,
        follow: new.follow,
        advice: Vec::new(),
        recent: Vec::new(),
        until: None,
        state: DestinationState::Off,
    };
    Ok(Checked { about, secret })
}

/// An address that is itself the key, entered as one or as an address: where it leads, and the key when it is new.
fn hidden(entered: Option<&str>, url: &str, schemes: [&str; 2]) -> Result<Apart, Problem> {
    let parsed = check_address(entered.unwrap_or(url), schemes)?;
    let shown = origin_of(&parsed);
    // What is shown of it comes back when it is changed otherwise.
    let new = entered.is_none() && parsed.as_str() != shown;
    Ok((shown, new.then(|| url.trim().to_owned())))
}

/// What is wrong with a picture of its own.
fn wrong_rendition(own: Rendition) -> Option<String> {
    let (lines, rates) = (16..=3_840, 100_000..=50_000_000);
    if !lines.contains(&own.height) {
        return Some("A destination's own picture has 16 to 3840 lines.".into());
    }
    let text = "A destination's own picture has 100 000 to 50 000 000 bits per second.";
    (!rates.contains(&own.bitrate)).then(|| text.into())
}

/// What may be shown of an address that holds a key: where it leads.
fn origin_of(url: &Url) -> String {
    format!("{}/", url.origin().ascii_serialization())
}

fn check_address(text: &str, schemes: [&str; 2]) -> Result<Url, Problem> {
    let refused = |why: &str| {
        let [plain, secure] = schemes;
        let text = format!(
            "That address does not work: {why}. Write it as {plain}://host/… or {secure}://host/…."
        );
        Problem::new(Code::Invalid, text).about("url")
    };
    let url = Url::parse(text.trim()).map_err(|e| refused(&e.to_string()))?;
    if !schemes.contains(&url.scheme()) {
        return Err(refused(&format!("it begins with {}://", url.scheme())));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(refused("it names no host"));
    }
    Ok(url)
}

/// A destination by its address alone, with the key in it: `rtmp://host/app/key`, `http(s)://:TOKEN@host/…/whip`.
///
/// # Errors
/// What is wrong with it.
pub(super) fn from_command_line(id: String, address: &str) -> Result<Checked, Problem> {
    let url = address.trim().to_owned();
    let target = if url.starts_with("rtmp://") || url.starts_with("rtmps://") {
        DestinationTarget::Rtmp { url }
    } else {
        DestinationTarget::Whip { url }
    };
    let new = NewDestination {
        name: host_of(&target),
        target,
        secret: None,
        platform: None,
        delay_seconds: 0,
        test: false,
        rendition: None,
        follow: false,
    };
    checked(id, &new, None)
}

fn host_of(target: &DestinationTarget) -> String {
    let (DestinationTarget::Rtmp { url } | DestinationTarget::Whip { url }) = target;
    Url::parse(url)
        .ok()
        .and_then(|u| u.host_str().map(str::to_owned))
        .filter(|host| !host.is_empty())
        .unwrap_or_else(|| "Destination".into())
}
