//! The HTTP half of WHIP: offers, answers, redirections, refusals, goodbyes.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, LINK, LOCATION, RETRY_AFTER,
};
use reqwest::{Method, RequestBuilder, Response, StatusCode, redirect};
use url::{Host, Url};

use super::Target;
use crate::PublishError;

const SDP: &str = "application/sdp";

/// How long the endpoint may take to be reached, and to answer.
const REACH: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(15);

/// What is only nice to have is not waited for so long.
const ASIDE: Duration = Duration::from_secs(3);

/// Redirections followed in a row.
const REDIRECTIONS: usize = 5;

/// An answer larger than this is not read.
const MAX_ANSWER: usize = 256 << 10;

/// A STUN or TURN server that the endpoint recommends (RFC 9725, section 4.6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct IceServer {
    pub(super) url: String,
    pub(super) username: String,
    pub(super) credential: String,
}

/// A session at the endpoint.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) answer: String,
    /// Where it is deleted; `None` when the endpoint did not say, or said what must not be followed.
    location: Option<Url>,
}

/// An endpoint and what it takes to speak to it.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    url: Url,
    bearer: Option<HeaderValue>,
    name: String,
}

impl Client {
    /// Reads a target. Nothing is sent yet.
    pub(super) fn new(target: &Target) -> Result<Self, PublishError> {
        let refused = |text: &str| Err(PublishError::Refused(text.to_owned()));
        let Ok(url) = Url::parse(target.url.trim()) else {
            return refused(
                "This is not a WHIP address: it begins with https:// (or http://) and names a host.",
            );
        };
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return refused("A WHIP address begins with https:// or http:// and names a host.");
        }
        let bearer = match target.bearer.trim() {
            "" => None,
            token => {
                let Ok(mut value) = HeaderValue::from_str(&format!("Bearer {token}")) else {
                    return refused(
                        "The WHIP token has characters that no token may have. Copy it again.",
                    );
                };
                value.set_sensitive(true);
                Some(value)
            }
        };
        let http = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .connect_timeout(REACH)
            .timeout(ANSWER)
            .build()
            .map_err(|e| PublishError::Lost(format!("HTTP cannot be set up: {e}")))?;
        let name = shown(&url);
        Ok(Self {
            http,
            url,
            bearer,
            name,
        })
    }

    /// The address without what may be secret in it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether the endpoint is on this machine, so that its loopback may lead to it.
    pub(super) fn is_local(&self) -> bool {
        match self.url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(a)) => IpAddr::V4(a).is_loopback(),
            Some(Host::Ipv6(a)) => IpAddr::V6(a).is_loopback(),
            None => false,
        }
    }

    fn request(&self, method: Method, url: &Url, with_token: bool) -> RequestBuilder {
        let request = self.http.request(method, url.clone());
        match &self.bearer {
            Some(token) if with_token => request.header(AUTHORIZATION, token.clone()),
            _ => request,
        }
    }

    /// The servers that the endpoint recommends before it has seen an offer; none when it does not
    /// answer that.
    pub(super) async fn ice_servers(&self) -> Vec<IceServer> {
        let request = self.request(Method::OPTIONS, &self.url, true);
        match request.timeout(ASIDE).send().await {
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
    pub(super) async fn post(&self, offer: &str) -> Result<Session, PublishError> {
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
                    shown(from)
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
        if let Some(tag) = response.headers().get(ETAG) {
            tracing::debug!(?tag, "the session's ICE credentials are tagged");
        }
        let answer = self.body(url, response).await?;
        Ok(Session { answer, location })
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
        let name = shown(url);
        let what = if error.is_timeout() {
            "it does not answer".to_owned()
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
        let name = shown(url);
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
            401 | 403 => refused(format!("{token} ({})", status.as_u16())),
            404 | 410 => refused("there is no WHIP endpoint at this address (404)".to_owned()),
            300..=399 => refused(format!(
                "it redirects with {}, which WHIP does not allow; enter the address it redirects to",
                status.as_u16()
            )),
            408 | 425 | 429 | 500..=599 => PublishError::Lost(format!(
                "{name} is not able to take the broadcast now ({status}).{later}"
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
                refused(format!("it does not take the offer ({code}{said})"))
            }
        }
    }

    /// Takes the session away (RFC 9725, section 4.2). A failure is only worth a line in the log: the
    /// endpoint notices by itself that media has ended.
    pub(super) async fn delete(&self, session: &Session) {
        let Some(url) = &session.location else { return };
        let request = self.request(Method::DELETE, url, true).timeout(ASIDE);
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

/// An address without user, password and query.
fn shown(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url
        .port()
        .map_or_else(String::new, |port| format!(":{port}"));
    format!("{host}{port}{}", url.path())
}

/// The innermost reason of an error, which is the one that says something.
fn cause(error: &reqwest::Error) -> String {
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
