//! What a person enters, before it is taken.

use api::{
    Code, DestinationState, DestinationTarget, NewDestination, Platform, PlatformProtocol, Problem,
    Rendition,
};
use url::Url;

/// The destination that a person entered, when it can be one.
///
/// # Errors
/// What is wrong with it, and what to do.
pub(super) fn checked(id: String, new: &NewDestination) -> Result<api::Destination, Problem> {
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
    let (DestinationTarget::Rtmp { url } | DestinationTarget::Whip { url }) = &new.target;
    let target = if platform.is_some_and(|p| p.secret_address) {
        let whole = new.secret.as_ref().map(|secret| secret.expose());
        let shown = origin_of(&check_address(whole.unwrap_or(url), schemes)?);
        DestinationTarget::Whip { url: shown }
    } else {
        check_address(url, schemes)?;
        new.target.clone()
    };
    Ok(api::Destination {
        id,
        name: name.to_owned(),
        target,
        has_secret: new.secret.is_some(),
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
    })
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

/// `rtmp://host/app/key` and `http(s)://:TOKEN@host/…/whip`, taken apart.
pub(super) fn from_command_line(
    address: &str,
) -> Result<(DestinationTarget, Option<String>), Problem> {
    if address.starts_with("rtmp://") || address.starts_with("rtmps://") {
        let url = check_address(address, ["rtmp", "rtmps"])?;
        let named = address.trim().trim_end_matches('/');
        // The last part of the path is the key, unless the path is the application alone.
        let parts = url
            .path_segments()
            .map_or(0, |p| p.filter(|s| !s.is_empty()).count());
        let (target, key) = match named.rsplit_once('/') {
            Some((base, key)) if parts >= 2 => (base.to_owned(), Some(key.to_owned())),
            _ => (named.to_owned(), None),
        };
        return Ok((DestinationTarget::Rtmp { url: target }, key));
    }
    let mut url = check_address(address, ["http", "https"])?;
    let token = url.password().map(str::to_owned);
    // A URL with a host takes both, so neither can fail here.
    if url.set_password(None).is_err() || url.set_username("").is_err() {
        tracing::debug!("an address kept its user information");
    }
    Ok((
        DestinationTarget::Whip {
            url: url.to_string(),
        },
        token,
    ))
}

pub(super) fn host_of(target: &DestinationTarget) -> String {
    let (DestinationTarget::Rtmp { url } | DestinationTarget::Whip { url }) = target;
    Url::parse(url)
        .ok()
        .and_then(|u| u.host_str().map(str::to_owned))
        .unwrap_or_else(|| "Destination".into())
}
