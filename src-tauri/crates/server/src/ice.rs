//! STUN and TURN servers that browsers are told of, with every offer answered (RFC 9725, section 4.6).

use axum::http::{HeaderMap, HeaderValue, header};

/// A server that helps viewers and publishers to a path, and what it asks of them.
#[derive(Clone, PartialEq, Eq)]
pub struct IceServer {
    links: Vec<HeaderValue>,
}

impl std::fmt::Debug for IceServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Its links name the credential.
        f.debug_struct("IceServer").finish_non_exhaustive()
    }
}

/// Why a server cannot be told of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IceServerError {
    /// It has no address.
    #[error("name at least one address in urls, such as \"stun:stun.example.org:3478\"")]
    NoUrl,
    /// An address is none (RFC 7064, RFC 7065).
    #[error(
        "\"{0}\" is no address of a STUN or TURN server; write it as stun:host:3478 or turn:host:3478?transport=udp"
    )]
    Url(String),
    /// TURN serves nobody without them.
    #[error("{0} needs a username and a credential")]
    Credentials(String),
    /// It could not be sent in a header.
    #[error("{0} may only have the letters, digits and signs of ASCII")]
    Letters(&'static str),
}

impl IceServer {
    /// A server under these addresses.
    ///
    /// # Errors
    /// [`IceServerError`] says what is wrong with them.
    pub fn new(
        urls: &[String],
        username: Option<&str>,
        credential: Option<&str>,
    ) -> Result<Self, IceServerError> {
        if urls.is_empty() {
            return Err(IceServerError::NoUrl);
        }
        let links = urls.iter().map(|url| {
            let turn = is_turn(url).ok_or_else(|| IceServerError::Url(url.clone()))?;
            let mut link = format!("<{url}>; rel=\"ice-server\"");
            if turn {
                let (Some(username), Some(credential)) = (username, credential) else {
                    return Err(IceServerError::Credentials(url.clone()));
                };
                let username = quoted(username).ok_or(IceServerError::Letters("username"))?;
                let credential = quoted(credential).ok_or(IceServerError::Letters("credential"))?;
                link += &format!(
                    "; username={username}; credential={credential}; credential-type=\"password\""
                );
            }
            HeaderValue::from_str(&link).map_err(|_| IceServerError::Url(url.clone()))
        });
        Ok(Self {
            links: links.collect::<Result<_, _>>()?,
        })
    }
}

/// Whether an address is one of a TURN server; `None` when it is none at all.
fn is_turn(url: &str) -> Option<bool> {
    let (scheme, rest) = url.split_once(':')?;
    let turn = match scheme {
        "stun" | "stuns" => false,
        "turn" | "turns" => true,
        _ => return None,
    };
    let (place, query) = match rest.split_once('?') {
        Some((place, query)) => (place, Some(query)),
        None => (rest, None),
    };
    if !matches!(
        (turn, query),
        (_, None) | (true, Some("transport=udp" | "transport=tcp"))
    ) {
        return None;
    }
    // An IPv6 address stands in brackets.
    let (host, port) = match place.strip_prefix('[').map(|p| p.split_once(']')) {
        Some(Some((host, port))) => (
            host,
            port.strip_prefix(':').or(port.is_empty().then_some("1"))?,
        ),
        Some(None) => return None,
        None => place.split_once(':').unwrap_or((place, "1")),
    };
    let sign = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let v6 = place.starts_with('[') && host.parse::<std::net::Ipv6Addr>().is_ok();
    let named = !place.starts_with('[') && !host.is_empty() && host.chars().all(sign);
    let port = port.parse::<u16>().is_ok_and(|port| port > 0);
    (port && (v6 || named)).then_some(turn)
}

/// A quoted string (RFC 9110, section 5.6.4).
fn quoted(text: &str) -> Option<String> {
    let fine = text.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    fine.then(|| format!("\"{escaped}\""))
}

/// Adds what browsers are told of.
pub(crate) fn link(servers: &[IceServer], headers: &mut HeaderMap) {
    for link in servers.iter().flat_map(|server| &server.links) {
        headers.append(header::LINK, link.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_become_links() {
        let urls = ["turn:turn.example.org?transport=udp", "stun:10.0.0.1:3478"];
        let urls = urls.map(str::to_owned);
        let server = IceServer::new(&urls, Some("a \"b\""), Some("c\\d")).unwrap();
        let links: Vec<_> = server.links.iter().map(|l| l.to_str().unwrap()).collect();
        assert_eq!(
            links,
            [
                "<turn:turn.example.org?transport=udp>; rel=\"ice-server\"; username=\"a \\\"b\\\"\"; \
                 credential=\"c\\\\d\"; credential-type=\"password\"",
                "<stun:10.0.0.1:3478>; rel=\"ice-server\"",
            ]
        );
        assert!(!format!("{server:?}").contains('d'.to_string().repeat(2).as_str()));
    }

    #[test]
    fn what_is_no_server_is_refused_with_its_reason() {
        let refusal = |url: &str| IceServer::new(&[url.to_owned()], None, None).unwrap_err();
        for url in [
            "",
            "stun:",
            "http://example.org",
            "example.org",
            "stun:host:0",
            "stun:host:99999",
            "stun:host?transport=udp",
            "turn:host?transport=sctp",
            "stun:ho st",
            "stun:[::1",
            "stun:[host]:3478",
            "stun:<b>",
        ] {
            assert_eq!(refusal(url), IceServerError::Url(url.into()), "{url}");
        }
        assert_eq!(
            refusal("turns:host:443"),
            IceServerError::Credentials("turns:host:443".into())
        );
        assert!(
            IceServer::new(&["stun:[::1]:3478".into(), "stuns:host".into()], None, None).is_ok()
        );
        assert_eq!(IceServer::new(&[], None, None), Err(IceServerError::NoUrl));
        let odd = IceServer::new(&["turn:host".into()], Some("ä"), Some("x"));
        assert_eq!(odd, Err(IceServerError::Letters("username")));
    }
}
