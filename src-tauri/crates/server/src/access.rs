//! Who may do what: the host's own token, links that open one thing each, and tokens of an identity
//! provider.
//!
//! Every secret that comes in from anywhere is judged here, by [`Access::judge`], and what comes back
//! is a [`Pass`]: in whose name, and until when.

mod guesses;
mod jwt;
mod links;

pub(crate) use jwt::Fault;
pub use jwt::{JwtError, JwtKey};
pub use links::Link;

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use api::LinkKind;
use axum::extract::{ConnectInfo, Query, Request};
use axum::http::{HeaderMap, Method, header};
use media::{ChannelName, Clock};
use parking_lot::RwLock;
use subtle::ConstantTimeEq;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::problem::Refusal;

pub(crate) use guesses::{Guesses, network};
pub(crate) use links::Links;

/// All that opens something.
#[derive(Debug)]
pub(crate) struct Access {
    token: String,
    pub(crate) links: Links,
    jwt: RwLock<Option<JwtKey>>,
    remote: AtomicBool,
    /// Wrong secrets, by address.
    pub(crate) guesses: Guesses,
}

/// In whose name something is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// The host, by the studio's own control token.
    Host,
    /// Whoever has a link.
    Link {
        /// Its identity.
        id: String,
        /// What the host calls it.
        name: String,
        /// It lets in guests, who wait for the host.
        guest: bool,
    },
    /// Somebody whom an identity provider vouches for.
    Token {
        /// Of whom it speaks (`sub`).
        subject: String,
    },
}

impl Holder {
    /// Whether it is a guest, who waits for the host and is found by scenes alone.
    pub(crate) fn is_guest(&self) -> bool {
        matches!(self, Self::Link { guest: true, .. })
    }

    /// As people read it.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Host => "the host",
            Self::Link { name, .. } => name,
            Self::Token { subject } => subject,
        }
    }
}

/// A right that was shown.
#[derive(Clone, Debug)]
pub(crate) struct Pass {
    /// In whose name.
    pub(crate) holder: Holder,
    /// When it ends, in milliseconds since 1970 UTC.
    pub(crate) expires: Option<i64>,
    /// Cancelled when it is taken back.
    revoked: CancellationToken,
}

impl Pass {
    /// Whether it holds still, at a time in milliseconds since 1970 UTC.
    pub(crate) fn holds(&self, now: i64) -> bool {
        !self.revoked.is_cancelled() && self.expires.is_none_or(|at| now < at)
    }

    /// When it ends by itself, in milliseconds since 1970 UTC.
    pub(crate) fn expires(&self) -> Option<i64> {
        self.expires
    }

    /// Resolves when it holds no longer: it was taken back, or has expired.
    pub(crate) async fn lapsed(&self, clock: &Clock) {
        let expired = async {
            let Some(at) = self.expires else {
                return std::future::pending().await;
            };
            let left = at.saturating_sub(clock.unix_millis(clock.now()));
            let left = Duration::from_millis(u64::try_from(left).unwrap_or(0));
            tokio::time::sleep(left).await;
        };
        tokio::select! {
            () = self.revoked.cancelled() => {}
            () = expired => {}
        }
    }
}

impl Access {
    pub(crate) fn new(token: String, links: Links, jwt: Option<JwtKey>) -> Self {
        Self {
            token,
            links,
            jwt: RwLock::new(jwt),
            remote: AtomicBool::new(false),
            guesses: Guesses::default(),
        }
    }

    /// Checks tokens of an identity provider with another key from now on, or takes none any more.
    pub(crate) fn set_jwt(&self, jwt: Option<JwtKey>) {
        *self.jwt.write() = jwt;
    }

    /// Whether the studio's own token also works from other machines.
    pub(crate) fn remote_control(&self) -> bool {
        self.remote.load(Ordering::Relaxed)
    }

    /// Lets the studio's own token work from other machines from now on, or not.
    pub(crate) fn set_remote_control(&self, may: bool) {
        self.remote.store(may, Ordering::Relaxed);
    }

    fn is_own_token(&self, secret: &str) -> bool {
        !self.token.is_empty() && same(secret, &self.token)
    }

    /// Whether a secret is the studio's own token, come from where it does not work.
    pub(crate) fn is_astray(&self, secret: &str, from: Option<IpAddr>) -> bool {
        let near = from.is_some_and(|ip| ip.to_canonical().is_loopback());
        self.is_own_token(secret) && !near && !self.remote_control()
    }

    /// What a secret that came from somewhere opens on a channel, at a time in milliseconds since 1970 UTC.
    ///
    /// Whoever may control may do everything; a moderation link also watches. Tokens of an identity
    /// provider publish and watch, nothing else. The studio's own token works on its own machine alone, unless the
    /// host allows more.
    pub(crate) fn judge(
        &self,
        kind: LinkKind,
        (secret, from): (&str, Option<IpAddr>),
        channel: Option<&ChannelName>,
        now: i64,
    ) -> Option<Pass> {
        if self.is_astray(secret, from) {
            return None;
        }
        if self.is_own_token(secret) {
            return Some(Pass {
                holder: Holder::Host,
                expires: None,
                revoked: CancellationToken::new(),
            });
        }
        if let Some(pass) = self.links.judge(kind, secret, channel, now) {
            return Some(pass);
        }
        let told = self.told(kind, secret, channel?, now)?.ok()?;
        Some(Pass {
            holder: Holder::Token {
                subject: told.subject,
            },
            expires: Some(told.expires),
            revoked: CancellationToken::new(),
        })
    }

    /// What is wrong with a token of the identity provider's; none for what is no such token.
    pub(crate) fn fault(
        &self,
        kind: LinkKind,
        secret: &str,
        channel: &ChannelName,
        now: i64,
    ) -> Option<Fault> {
        let fault = self.told(kind, secret, channel, now)?.err()?;
        (fault != Fault::Strange).then_some(fault)
    }

    /// What a secret says as a token, where such are taken for this.
    fn told(
        &self,
        kind: LinkKind,
        secret: &str,
        channel: &ChannelName,
        now: i64,
    ) -> Option<Result<jwt::Told, Fault>> {
        let scope = match kind {
            LinkKind::Publish => "publish",
            LinkKind::Watch => "watch",
            LinkKind::Guest | LinkKind::Moderate | LinkKind::Control => return None,
        };
        let key = self.jwt.read();
        Some(key.as_ref()?.read(secret, scope, channel, now))
    }
}

impl App {
    /// Whether a secret opens something on a channel now.
    #[cfg(test)]
    pub(crate) fn may(&self, kind: LinkKind, secret: &str, channel: &ChannelName) -> bool {
        let here = Some(std::net::Ipv4Addr::LOCALHOST.into());
        self.judge(kind, (secret, here), Some(channel)).is_some()
    }

    /// What a secret opens now, by where it came from.
    pub(crate) fn judge(
        &self,
        kind: LinkKind,
        brought: (&str, Option<IpAddr>),
        channel: Option<&ChannelName>,
    ) -> Option<Pass> {
        let now = self.clock.unix_millis(self.clock.now());
        self.access.judge(kind, brought, channel, now)
    }

    /// Checks the right to control, shown as `Authorization: Bearer` or, where a page cannot set
    /// headers, as `token` in the query.
    ///
    /// # Errors
    /// 401.
    pub(crate) fn control_pass(
        &self,
        from: Option<IpAddr>,
        headers: &HeaderMap,
        query_token: Option<&str>,
    ) -> Result<Pass, Refusal> {
        control_key(headers, query_token)
            .and_then(|secret| self.judge(LinkKind::Control, (secret, from), None))
            .ok_or_else(|| {
                Refusal::new(
                    api::Code::Unauthorized,
                    "This needs the control token. Use the control link that the studio shows, \
                     or send it as \"Authorization: Bearer\".",
                )
            })
    }
}

/// The key to control that a request shows: as `Authorization: Bearer`, or else as `token` in the address.
pub(crate) fn control_key<'a>(
    headers: &'a HeaderMap,
    query_token: Option<&'a str>,
) -> Option<&'a str> {
    if headers.contains_key(header::AUTHORIZATION) {
        bearer_of(headers)
    } else {
        query_token
    }
}

/// The same of a request that nobody has taken apart yet. The address is read as handlers read it: a secret or its name may be
/// written in escapes.
pub(crate) fn shown_key(request: &Request) -> Option<String> {
    let query = || {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(request.uri()).ok()?;
        let token = pairs.into_iter().find(|(name, _)| name == "token");
        token.map(|(_, value)| value)
    };
    match request.headers().contains_key(header::AUTHORIZATION) {
        true => bearer_of(request.headers()).map(str::to_owned),
        false => query(),
    }
}

/// Whether a request is for the control side, where a key is judged before anything is answered. Ways in for publishers and
/// viewers judge theirs, count and note what is wrong, themselves.
pub(crate) fn is_for_control(request: &Request) -> bool {
    let path = request.uri().path();
    let controls = path == "/metrics" || ["/api/", "/v3/"].iter().any(|at| path.starts_with(at));
    let hosts = [
        "/chat",
        "/chat/moderation",
        "/passphrase",
        "/look",
        "/admit",
    ];
    let own_judge = path == "/api/library"
        || path.starts_with("/api/library/")
        || (path.starts_with("/api/channels")
            || (path.starts_with("/api/publishers/") && request.method() == Method::GET))
            && !hosts.iter().any(|end| path.ends_with(end));
    controls && !own_judge
}

/// From where a request shows a secret to control, right or wrong; none for other requests, and none for
/// this machine's own.
pub(crate) fn guesser(request: &Request) -> Option<IpAddr> {
    let shown =
        request.headers().contains_key(header::AUTHORIZATION) || shown_key(request).is_some();
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>()?;
    let peer = peer.0.ip().to_canonical();
    // Else a page that guesses in the host's own browser would shut the host out.
    (is_for_control(request) && shown && !peer.is_loopback()).then_some(peer)
}

/// The token of a request: `Authorization: Bearer` (RFC 6750, section 2.1).
pub(crate) fn bearer_of(headers: &HeaderMap) -> Option<&str> {
    bearer(headers.get(header::AUTHORIZATION)?.to_str().ok()?)
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Compares without telling by its time where the two begin to differ.
pub(crate) fn same(given: &str, expected: &str) -> bool {
    given.as_bytes().ct_eq(expected.as_bytes()).into()
}

#[cfg(test)]
mod tests;
