//! The HTTP half of WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep), as a client: offers, answers,
//! redirections, refusals, goodbyes.

pub(crate) mod fragment;
pub(crate) mod patch;

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, LINK, LOCATION, RETRY_AFTER,
};
use reqwest::{Method, RequestBuilder, Response, StatusCode, redirect};
use url::{Host, Url};

use crate::caller::Ways;
use crate::{PublishError, Roots, tls};

const SDP: &str = "application/sdp";

/// How long the endpoint may take to be reached, and to answer.
const REACH: Duration = Duration::from_secs(10);
pub(crate) const ANSWER: Duration = Duration::from_secs(15);

/// What is only nice to have is not waited for so long.
const ASIDE: Duration = Duration::from_secs(3);

/// Redirections followed in a row.
const REDIRECTIONS: usize = 5;

/// An answer larger than this is not read.
const MAX_ANSWER: usize = 256 << 10;

/// Where media goes or comes from, as a person enters it.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    /// The endpoint: `http://…` or `https://…`.
    pub url: String,
    /// The bearer token (RFC 9725, section 4.7); empty for none.
    pub bearer: String,
}

impl fmt::Debug for Target {
    /// Shows no more than the host: path and token may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = Url::parse(&self.url).ok();
        let host = url.as_ref().and_then(Url::host_str).unwrap_or("?");
        f.debug_struct("Target")
            .field("host", &host)
            .finish_non_exhaustive()
    }
}

/// What an endpoint speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// It takes media.
    Whip,
    /// It gives media.
    Whep,
}

impl Protocol {
    fn name(self) -> &'static str {
        match self {
            Self::Whip => "WHIP",
            Self::Whep => "WHEP",
        }
    }

    /// What an endpoint that is out of order cannot do.
    fn deed(self) -> &'static str {
        match self {
            Self::Whip => "take the broadcast",
            Self::Whep => "give its channel",
        }
    }
}

/// A STUN or TURN server that the endpoint recommends (RFC 9725, section 4.6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct IceServer {
    pub(crate) url: String,
    pub(crate) username: String,
    pub(crate) credential: String,
}

/// A session at the endpoint.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) answer: String,
    /// Where it is changed and deleted; `None` when the endpoint did not say, or said what must not be followed.
    location: Option<Url>,
    /// What names its ICE session; `None` when the endpoint does not, and so cannot begin another one.
    tag: Option<HeaderValue>,
    /// Servers that the endpoint recommends with its answer.
    pub(crate) servers: Vec<IceServer>,
}

impl Session {
    /// Whether the endpoint says that a path may be looked for anew.
    pub(crate) fn renews(&self) -> bool {
        self.location.is_some() && self.tag.is_some()
    }
}

/// An endpoint and what it takes to speak to it.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    protocol: Protocol,
    http: reqwest::Client,
    url: Url,
    bearer: Option<HeaderValue>,
    name: String,
    roots: Roots,
    /// How long an answer may take.
    patience: Duration,
}

impl Client {
    /// Reads a target. `roots` are trusted beside what browsers trust. Nothing is sent yet.
    pub(crate) fn new(
        protocol: Protocol,
        target: &Target,
        roots: &Roots,
    ) -> Result<Self, PublishError> {
        let refused = |text: String| Err(PublishError::Impossible(text));
        let name = protocol.name();
        let Ok(url) = Url::parse(target.url.trim()) else {
            return refused(format!(
                "This is not a {name} address: it begins with https:// (or http://) and names a host."
            ));
        };
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return refused(format!(
                "A {name} address begins with https:// or http:// and names a host."
            ));
        }
        let bearer = match target.bearer.trim() {
            "" => None,
            token => {
                let Ok(mut value) = HeaderValue::from_str(&format!("Bearer {token}")) else {
                    return refused(format!(
                        "The {name} token has characters that no token may have. Copy it again."
                    ));
                };
                value.set_sensitive(true);
                Some(value)
            }
        };
        let broken = |e: reqwest::Error| PublishError::Lost(format!("HTTP cannot be set up: {e}"));
        let mut http = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .connect_timeout(REACH);
        for root in roots.certificates() {
            let root = reqwest::Certificate::from_der(root).map_err(broken)?;
            http = http.add_root_certificate(root);
        }
        let http = http.build().map_err(broken)?;
        let name = shown(&url, protocol == Protocol::Whep || bearer.is_some());
        Ok(Self {
            protocol,
            http,
            url,
            bearer,
            name,
            roots: roots.clone(),
            patience: ANSWER,
        })
    }

    /// Waits so long for answers; less for those that are only nice to have.
    pub(crate) fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// An address without what may be secret in it: where there is no token, a publisher's path may be the key.
    fn shown(&self, url: &Url) -> String {
        shown(
            url,
            self.protocol == Protocol::Whep || self.bearer.is_some(),
        )
    }

    fn aside(&self) -> Duration {
        self.patience.min(ASIDE)
    }

    /// The address without what may be secret in it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether the endpoint is on this machine, so that its loopback may lead to it.
    pub(crate) fn is_local(&self) -> bool {
        match self.url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(a)) => IpAddr::V4(a).is_loopback(),
            Some(Host::Ipv6(a)) => IpAddr::V6(a).is_loopback(),
            None => false,
        }
    }

    /// What helps to a path to it, with these servers.
    pub(crate) fn ways(&self, servers: Vec<IceServer>) -> Ways {
        Ways {
            servers,
            roots: self.roots.clone(),
            local: self.is_local(),
        }
    }

    fn request(&self, method: Method, url: &Url, with_token: bool) -> RequestBuilder {
        let request = self
            .http
            .request(method, url.clone())
            .timeout(self.patience);
        match &self.bearer {
            Some(token) if with_token => request.header(AUTHORIZATION, token.clone()),
            _ => request,
        }
    }

    /// The servers that the endpoint recommends before it has seen an offer; none when it does not
    /// answer that.
    pub(crate) async fn ice_servers(&self) -> Vec<IceServer> {
        let request = self.request(Method::OPTIONS, &self.url, true);
        match request.timeout(self.aside()).send().await {
            Ok(response) if response.status().is_success() => ice_servers(response.headers()),
            Ok(_) => Vec::new(),
            Err(error) => {
                tracing::debug!(error = %error.without_url(), "the endpoint did not answer OPTIONS");
                Vec::new()
            }
        }
    }

    /// Offers. Follows 307 and 308 (RFC 9725, section 4.5), with the token as long as it stays with
    /// the same origin.
    pub(crate) async fn post(&self, offer: &str) -> Result<Session, PublishError> {
        let mut url = self.url.clone();
        for _ in 0..=REDIRECTIONS {
            let ours = url.origin() == self.url.origin();
            let request = self
                .request(Method::POST, &url, ours)
                .header(CONTENT_TYPE, SDP)
                .header(ACCEPT, SDP)
                .body(offer.to_owned());
            let response = request
                .send()
                .await
                .map_err(|e| self.unreachable(&url, e))?;
            match response.status() {
                StatusCode::CREATED => return self.created(&url, response).await,
                StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => {
                    url = self.redirected(&url, &response)?;
                }
                status => return Err(self.refusal(&url, status, ours, response).await),
            }
        }
        Err(PublishError::Refused(format!(
            "{} redirects in a circle. Ask its operator for the right address.",
            self.name
        )))
    }

    fn redirected(&self, from: &Url, response: &Response) -> Result<Url, PublishError> {
        location(from, response.headers())
            .filter(|to| to.scheme() == "https" || from.scheme() == "http")
            .ok_or_else(|| {
                PublishError::Refused(format!(
                    "{} redirects to where no offer may be sent. Ask its operator for the right address.",
                    self.shown(from)
                ))
            })
    }

    async fn created(&self, url: &Url, response: Response) -> Result<Session, PublishError> {
        // The session is the endpoint's own word, and gets the token, but never in the clear when the
        // token came here in secret.
        let location = location(url, response.headers())
            .filter(|to| to.scheme() == "https" || url.scheme() == "http");
        if location.is_none() {
            tracing::warn!(
                endpoint = self.name,
                "the endpoint does not say where its session is"
            );
        }
        let tag = patch::tag(response.headers());
        let servers = ice_servers(response.headers());
        let answer = self.body(url, response).await?;
        Ok(Session {
            answer,
            location,
            tag,
            servers,
        })
    }

    async fn body(&self, url: &Url, mut response: Response) -> Result<String, PublishError> {
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|e| self.unreachable(url, e))?
        {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_ANSWER {
                return Err(PublishError::Lost(format!(
                    "{} answers with far more than an answer.",
                    self.name
                )));
            }
        }
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    fn unreachable(&self, url: &Url, error: reqwest::Error) -> PublishError {
        let name = self.shown(url);
        let what = if error.is_timeout() {
            "it does not answer".to_owned()
        } else if let Some(why) = tls::words_below(&error) {
            return PublishError::Lost(format!(
                "{name} did not agree on a secure connection: {why}."
            ));
        } else if error.is_connect() {
            format!("no connection ({})", cause(&error))
        } else {
            cause(&error)
        };
        PublishError::Lost(format!(
            "{name} cannot be reached: {what}. Check the address."
        ))
    }

    /// What a status that is not 201 means for the person.
    async fn refusal(
        &self,
        url: &Url,
        status: StatusCode,
        with_token: bool,
        response: Response,
    ) -> PublishError {
        let name = self.shown(url);
        let token = match (&self.bearer, with_token) {
            (None, _) => "it wants a token, and none is set",
            (Some(_), true) => "the token is wrong or has expired",
            (Some(_), false) => "a redirection led there, to where the token must not be sent",
        };
        let refused = |why: String| PublishError::Refused(format!("{name} refuses: {why}."));
        let later = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .map_or_else(String::new, |after| format!(" It asks to wait {after} s."));
        match status.as_u16() {
            code @ (401 | 403) => {
                PublishError::WrongKey(format!("{name} refuses: {token} ({code})."))
            }
            // A channel that is not live yet, or not any more, may be live later.
            code @ (404 | 409 | 410) if self.protocol == Protocol::Whep => PublishError::Lost(
                format!("{name} has nothing live at this address now ({code}).{later}"),
            ),
            404 | 405 | 410 => refused(format!(
                "there is no {} endpoint at this address ({})",
                self.protocol.name(),
                status.as_u16()
            )),
            300..=399 => refused(format!(
                "it redirects with {}, which {} does not allow; enter the address it redirects to",
                status.as_u16(),
                self.protocol.name()
            )),
            408 | 425 | 429 | 500..=599 => PublishError::Lost(format!(
                "{name} is not able to {} now ({status}).{later}",
                self.protocol.deed()
            )),
            code => {
                let said = self.body(url, response).await.unwrap_or_default();
                let said: String = said.chars().filter(|c| !c.is_control()).take(200).collect();
                let said = said.trim();
                let said = if said.is_empty() {
                    String::new()
                } else {
                    format!(": {said}")
                };
                let why = format!("it does not take the offer ({code}{said})");
                match (code, self.protocol) {
                    // Our codecs stay what they are; those of a channel that is fetched may change.
                    (406 | 415, Protocol::Whip) => {
                        PublishError::Impossible(format!("{name} refuses: {why}."))
                    }
                    _ => refused(why),
                }
            }
        }
    }

    /// Takes the session away (RFC 9725, section 4.2; WHEP alike). A failure is only worth a line in the log: the
    /// endpoint notices by itself that media has ended.
    pub(crate) async fn delete(&self, session: &Session) {
        let Some(url) = &session.location else { return };
        let request = self
            .request(Method::DELETE, url, true)
            .timeout(self.aside());
        match request.send().await {
            Ok(response) if response.status().is_success() => {}
            Ok(response) => {
                tracing::warn!(endpoint = self.name, status = %response.status(), "the session was not deleted");
            }
            Err(error) => {
                tracing::warn!(endpoint = self.name, error = %error.without_url(), "the session was not deleted");
            }
        }
    }
}

/// An address without user, password and query, and without its path where `with_path` does not allow that.
fn shown(url: &Url, with_path: bool) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url
        .port()
        .map_or_else(String::new, |port| format!(":{port}"));
    let path = if with_path { url.path() } else { "" };
    format!("{host}{port}{path}")
}

/// The innermost reason of an error, which is the one that says something.
pub(crate) fn cause(error: &reqwest::Error) -> String {
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

fn location(base: &Url, headers: &HeaderMap) -> Option<Url> {
    let location = headers.get(LOCATION)?.to_str().ok()?;
    let url = base.join(location).ok()?;
    matches!(url.scheme(), "http" | "https").then_some(url)
}

/// `Link: <turn:…>; rel="ice-server"; username="…"; credential="…"` (RFC 8288).
fn ice_servers(headers: &HeaderMap) -> Vec<IceServer> {
    let values = headers.get_all(LINK).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(links)
        .filter_map(|link| ice_server(&link))
        .take(8)
        .collect()
}

/// Splits at commas that stand neither in `<…>` nor in quotes.
fn links(header: &str) -> Vec<String> {
    split(header, ',')
}

fn split(text: &str, at: char) -> Vec<String> {
    let (mut parts, mut part) = (Vec::new(), String::new());
    let (mut quoted, mut bracketed, mut escaped) = (false, false, false);
    for c in text.chars() {
        if c == at && !quoted && !bracketed {
            parts.push(std::mem::take(&mut part));
            continue;
        }
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' if !bracketed => quoted = !quoted,
            '<' if !quoted => bracketed = true,
            '>' if !quoted => bracketed = false,
            _ => {}
        }
        part.push(c);
    }
    parts.push(part);
    parts
}

fn ice_server(link: &str) -> Option<IceServer> {
    let mut parts = split(link, ';').into_iter();
    let target = parts.next()?;
    let url = target.trim().strip_prefix('<')?.strip_suffix('>')?;
    let mut server = IceServer {
        url: url.to_owned(),
        ..IceServer::default()
    };
    let mut recommended = false;
    for part in parts {
        let Some((name, value)) = part.split_once('=') else {
            continue;
        };
        let value = value.trim().trim_matches('"').replace("\\\"", "\"");
        match name.trim().to_ascii_lowercase().as_str() {
            "rel" => recommended = value.split(' ').any(|r| r == "ice-server"),
            "username" => server.username = value,
            "credential" => server.credential = value,
            _ => {}
        }
    }
    let known = ["stun:", "stuns:", "turn:", "turns:"];
    (recommended && known.iter().any(|scheme| url.starts_with(scheme))).then_some(server)
}

#[cfg(test)]
mod tests;
