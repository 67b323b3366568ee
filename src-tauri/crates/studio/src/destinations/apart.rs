//! Addresses that are entered with the key in them, taken apart: what may be kept and shown, and the key.

use std::sync::Arc;

use api::{Code, DestinationTarget, Platform, Problem};
use store::Store;
use url::{Url, form_urlencoded};

use crate::secrets::Secrets;

/// An address without its key, and the key that stood in it.
pub(super) type Apart = (String, Option<String>);

/// `rtmp://host/app/key`, where no key is given beside it: of a path of several parts the last is the key, with all
/// that follows.
pub(super) fn rtmp(address: &str) -> Apart {
    let address = address.trim();
    let (path, rest) = address.split_at(address.find(['?', '#']).unwrap_or(address.len()));
    let path = path.trim_end_matches('/');
    match path.rsplit_once('/') {
        Some((base, key)) if parts(path) > 1 => {
            let base = base.trim_end_matches('/').to_owned();
            (base, Some(format!("{key}{rest}")))
        }
        _ => (address.to_owned(), None),
    }
}

/// The same with a key given beside it, or kept of before, when the address was `before`: what follows the application
/// is an instance then, unless it is that key once more.
///
/// # Errors
/// When nobody can tell whether the end of a new address is an instance or a new key.
pub(super) fn rtmp_beside(
    address: &str,
    given: Option<&str>,
    before: &str,
) -> Result<Apart, Problem> {
    let (base, key) = rtmp(address);
    let whole = address.trim().to_owned();
    match (key, given) {
        (Some(key), Some(given)) if key == given => Ok((base, None)),
        (Some(_), None) if below_host(&whole) != below_host(before) => {
            let text = "That address goes on after its application. If its end is the stream key, take it out there and enter it as the key; if not, enter the stream key again.";
            Err(Problem::new(Code::Invalid, text).about("secret"))
        }
        _ => Ok((whole, None)),
    }
}

/// `http(s)://:TOKEN@host/…`, or `http(s)://host/…?key=TOKEN` as links of a station have it: both are taken out, the
/// first counts. MediaMTX takes `USER:PASSWORD` as a token.
pub(super) fn whip(address: &str, platform: Option<&Platform>) -> Apart {
    let address = address.trim();
    let whole = || (address.to_owned(), None);
    let Ok(mut url) = Url::parse(address) else {
        return whole();
    };
    let name = decoded(url.username());
    let password = url.password().map(decoded).unwrap_or_default();
    let key = without_key(&mut url);
    if name.is_empty() && password.is_empty() {
        return key.map_or_else(whole, |key| {
            let key = Some(key).filter(|key| !key.is_empty());
            (url.to_string(), key)
        });
    }
    // A URL with a host takes both, so neither can fail here.
    if url.set_password(None).is_err() || url.set_username("").is_err() {
        return whole();
    }
    let pair = platform.is_some_and(|p| p.id == "mediamtx") && !name.is_empty();
    let token = match (password.is_empty(), pair) {
        (true, _) => name,
        (false, true) => format!("{name}:{password}"),
        (false, false) => password,
    };
    (url.to_string(), Some(token))
}

/// Takes `key=…` out of what follows the path; gives it where there was one. The rest stays as it was written.
fn without_key(url: &mut Url) -> Option<String> {
    let query = url.query()?;
    let named = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (decoded(name) == "key").then(|| decoded(value))
    };
    let keys: Vec<String> = query.split('&').filter_map(named).collect();
    let rest: Vec<&str> = query.split('&').filter(|p| named(p).is_none()).collect();
    let rest = (!rest.is_empty()).then(|| rest.join("&"));
    let first = keys.iter().find(|key| !key.is_empty()).or(keys.first())?;
    url.set_query(rest.as_deref());
    Some(first.clone())
}

/// What was kept by an older Klieg with the key in its address, without it from now on.
pub(super) fn tidied(
    mut about: api::Destination,
    store: &Arc<Store>,
    secrets: &Secrets,
) -> api::Destination {
    let platform = about.platform.as_deref().and_then(Platform::find);
    let known = about.has_secret || secrets.get(&about.id).is_some();
    let (target, key) = match &about.target {
        // Where a key is kept, or may be in a keychain that has not answered, the end is an instance.
        DestinationTarget::Rtmp { .. } if known || !secrets.all_known() => return about,
        DestinationTarget::Rtmp { url } => {
            let (url, key) = rtmp(url);
            (DestinationTarget::Rtmp { url }, key)
        }
        DestinationTarget::Whip { url } => {
            let (url, token) = whip(url, platform);
            (DestinationTarget::Whip { url }, token)
        }
    };
    let Some(key) = key else { return about };
    if !known && let Err(error) = secrets.set(&about.id, &key) {
        tracing::warn!(%error, "a key stays in its destination's address, as it can be kept nowhere else");
        return about;
    }
    about.target = target;
    about.has_secret = true;
    if let Err(error) = store.put_destination(&about) {
        tracing::warn!(%error, "a destination's address could not be kept without its key");
    }
    about
}

/// How many parts the path of an address has.
fn parts(address: &str) -> usize {
    let url = Url::parse(address).ok();
    url.as_ref()
        .and_then(Url::path_segments)
        .map_or(0, |parts| parts.filter(|part| !part.is_empty()).count())
}

/// An address from its path on.
fn below_host(address: &str) -> Option<(String, Option<String>)> {
    let url = Url::parse(address.trim()).ok()?;
    let path = url.path().trim_matches('/').to_owned();
    Some((path, url.query().map(str::to_owned)))
}

/// `%41` is `A`.
fn decoded(text: &str) -> String {
    // Addresses are decoded as forms are, in which these three have a meaning of their own.
    let text = text
        .replace('+', "%2B")
        .replace('&', "%26")
        .replace('=', "%3D");
    let decoded = form_urlencoded::parse(text.as_bytes()).next();
    decoded.map_or_else(String::new, |(text, _)| text.into_owned())
}
