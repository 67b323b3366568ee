//! What a request shows to watch a channel.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts, Query};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use media::ChannelName;
use serde::Deserialize;

use crate::access::bearer_of;

/// Bytes of a secret: a token of an identity provider is the longest.
const SECRET_MAX: usize = 4096;

/// Bytes of a secret that is kept as a cookie; browsers take no larger ones.
const COOKIE_MAX: usize = 3500;

/// Secrets of one request that are judged; nobody honest sends more.
const SECRETS_MAX: usize = 3;

/// What somebody shows, and from where.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    /// Their address.
    pub(crate) peer: IpAddr,
    /// What they say themselves.
    pub(crate) given: Vec<String>,
    /// What their browser keeps, by name.
    cookies: Vec<(String, String)>,
}

impl Shown {
    /// Of a connection, by its address and its first request's headers.
    pub(crate) fn new(peer: IpAddr, headers: &HeaderMap) -> Self {
        let cookies = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(name, _)| name.starts_with(COOKIE))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Self {
            peer: peer.to_canonical(),
            given: Vec::new(),
            cookies,
        }
    }

    /// The same with one more secret.
    pub(crate) fn and(mut self, secret: Option<String>) -> Self {
        self.given.extend(secret);
        self
    }

    /// What may open a channel, the most pronounced first.
    pub(super) fn secrets<'a>(
        &'a self,
        channel: &ChannelName,
    ) -> impl Iterator<Item = &'a str> + use<'a> {
        let name = cookie_name(channel);
        let given = self.given.iter().map(String::as_str);
        let kept = self.cookies.iter().filter(move |(n, _)| *n == name);
        given
            .chain(kept.map(|(_, value)| value.as_str()))
            .filter(|secret| (1..=SECRET_MAX).contains(&secret.len()))
            .take(SECRETS_MAX)
    }
}

/// A request by what it shows: `Authorization: Bearer`, `token` and `key` in the address, cookies.
pub(crate) struct Visitor(pub(crate) Shown);

#[derive(Deserialize)]
struct InAddress {
    token: Option<String>,
    key: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |p| p.0.ip());
        let mut shown = Shown::new(peer, &parts.headers);
        if let Ok(Query(InAddress { token, key })) = Query::try_from_uri(&parts.uri) {
            shown = shown.and(token).and(key);
        }
        let bearer = bearer_of(&parts.headers).map(str::to_owned);
        Ok(Self(shown.and(bearer)))
    }
}

const COOKIE: &str = "klieg-watch-";

fn cookie_name(channel: &ChannelName) -> String {
    format!("{COOKIE}{channel}")
}

/// The cookie that keeps a secret for a channel; none for what a cookie cannot hold (RFC 6265,
/// section 4.1.1).
pub(super) fn cookie(channel: &ChannelName, secret: &str, seconds: i64) -> Option<HeaderValue> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b);
    if secret.is_empty() || secret.len() > COOKIE_MAX || !secret.bytes().all(fits) {
        return None;
    }
    // Not `Secure`: the station is reached over plain HTTP, too, and both share what is kept.
    let name = cookie_name(channel);
    format!("{name}={secret}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict")
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_for_one_channel() {
        let mut headers = HeaderMap::new();
        for cookie in [
            "a=1; klieg-watch-stage=kept; klieg-watch-other=no",
            "klieg-watch-stage=again;;=x",
        ] {
            headers.append(header::COOKIE, cookie.parse().unwrap());
        }
        let shown = Shown::new("::ffff:10.0.0.1".parse().unwrap(), &headers);
        assert_eq!(shown.peer, "10.0.0.1".parse::<IpAddr>().unwrap());
        let stage: ChannelName = "stage".parse().unwrap();
        assert_eq!(shown.secrets(&stage).collect::<Vec<_>>(), ["kept", "again"]);
        let shown = shown
            .and(Some(String::new()))
            .and(Some("said".into()))
            .and(Some("x".repeat(5000)));
        assert_eq!(
            shown.secrets(&stage).collect::<Vec<_>>(),
            ["said", "kept", "again"]
        );
        assert_eq!(shown.secrets(&"none".parse().unwrap()).count(), 1);
    }

    #[test]
    fn what_a_cookie_holds() {
        let stage: ChannelName = "stage".parse().unwrap();
        let cookie_of = |secret: &str| cookie(&stage, secret, 60);
        assert_eq!(
            cookie_of("p1.5.ab").unwrap(),
            "klieg-watch-stage=p1.5.ab; Path=/; Max-Age=60; HttpOnly; SameSite=Strict"
        );
        for bad in ["", "a;b", "a b", "a\r\nb", "ü", &"x".repeat(4000)] {
            assert!(cookie_of(bad).is_none(), "{bad:?}");
        }
    }
}
