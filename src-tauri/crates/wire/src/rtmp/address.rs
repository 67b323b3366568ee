//! Where to publish: the address and the stream key as people enter them.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

use crate::PublishError;

/// An RTMP destination as a person enters it.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    /// `rtmp://host[:port]/app[/instance]` or `rtmps://…`. When `key` is empty, the last part of
    /// the path is the stream key.
    pub url: String,
    /// The stream key; it may carry a query of its own.
    pub key: String,
}

impl fmt::Debug for Target {
    /// Shows no more than the host: path and key are secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("rtmp::Target");
        match Address::parse(self) {
            Ok(address) => shown.field("host", &address.name()),
            Err(_) => shown.field("host", &"?"),
        };
        shown.finish_non_exhaustive()
    }
}

impl Target {
    /// Checks that this can be an address, without asking the network.
    ///
    /// # Errors
    /// [`PublishError::Impossible`], with a sentence for the person who entered it.
    pub fn check(&self) -> Result<(), PublishError> {
        Address::parse(self).map(drop)
    }
}

/// A [`Target`] taken apart.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) tls: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
    port_given: bool,
    /// Application, with instance and query.
    pub(crate) app: String,
    /// Stream name: the key.
    pub(crate) stream: String,
}

impl Address {
    pub(crate) fn parse(target: &Target) -> Result<Self, PublishError> {
        let refuse = |text: &str| Err(PublishError::Impossible(text.to_owned()));
        let key = target.key.trim();
        if key.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return refuse("The stream key has a space or a line break in it. Copy it again.");
        }
        let Ok(url) = Url::parse(target.url.trim()) else {
            return refuse("This is not an address. An RTMP address looks like rtmp://host/app.");
        };
        let tls = match url.scheme() {
            "rtmp" => false,
            "rtmps" => true,
            _ => {
                return refuse(
                    "An RTMP address begins with rtmp:// or rtmps://. Check the address.",
                );
            }
        };
        if !url.username().is_empty() || url.password().is_some() {
            return refuse(
                "A name and password in an RTMP address are not supported. Use the stream key.",
            );
        }
        let host = match url.host() {
            Some(Host::Domain(name)) if !name.is_empty() => name.to_ascii_lowercase(),
            Some(Host::Ipv4(ip)) => ip.to_string(),
            Some(Host::Ipv6(ip)) => ip.to_string(),
            _ => return refuse("The RTMP address names no host. It looks like rtmp://host/app."),
        };
        let path = url.path().trim_matches('/');
        let (app, stream) = if key.is_empty() {
            match path.rsplit_once('/') {
                Some((app, stream)) => (app.trim_end_matches('/'), stream),
                None if path.is_empty() => {
                    return refuse(
                        "The RTMP address names no application. It looks like rtmp://host/app.",
                    );
                }
                None => return refuse("The stream key is missing. Enter the one you were given."),
            }
        } else {
            (path, key)
        };
        let query = url.query().map(|q| format!("?{q}")).unwrap_or_default();
        let (app, stream) = if key.is_empty() {
            (app.to_owned(), format!("{stream}{query}"))
        } else {
            (format!("{app}{query}"), stream.to_owned())
        };
        Ok(Self {
            tls,
            host,
            port: url.port().unwrap_or(if tls { 443 } else { 1935 }),
            port_given: url.port().is_some(),
            app,
            stream,
        })
    }

    /// Host and, where it is not the usual one, port: how messages name the far end.
    pub(crate) fn name(&self) -> String {
        let host = match self.host.parse::<IpAddr>() {
            Ok(IpAddr::V6(ip)) => format!("[{ip}]"),
            _ => self.host.clone(),
        };
        if self.port_given {
            format!("{host}:{}", self.port)
        } else {
            host
        }
    }

    /// The `tcUrl` of the connect command.
    pub(crate) fn tc_url(&self) -> String {
        let scheme = if self.tls { "rtmps" } else { "rtmp" };
        format!("{scheme}://{}/{}", self.name(), self.app)
    }

    /// What the server says of a refusal, fit to be shown: one line, and nothing at all when it
    /// repeats a part of the address that may be secret.
    pub(crate) fn fit_to_show(&self, text: &str) -> Option<String> {
        let line: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(200)
            .collect();
        let lower = text.to_lowercase();
        let parts = |secret: &str| {
            secret
                .split(['?', '&', '=', '/', ';', ':'])
                .filter(|part| part.len() > 3)
                .any(|part| lower.contains(&part.to_lowercase()))
        };
        let leaks = lower.contains(&self.stream.to_lowercase())
            || parts(&self.stream)
            || self.app.contains(['/', '?']) && parts(&self.app);
        let line = line.trim();
        (!leaks && !line.is_empty()).then(|| line.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str, key: &str) -> Result<Address, PublishError> {
        Address::parse(&Target {
            url: url.into(),
            key: key.into(),
        })
    }

    #[test]
    fn addresses_as_people_enter_them() {
        // url, key → tcUrl, port, stream
        for (url, key, tc_url, port, stream) in [
            (
                "rtmp://a.example/live",
                "k",
                "rtmp://a.example/live",
                1935,
                "k",
            ),
            (
                "rtmp://a.example/live/",
                " k\n",
                "rtmp://a.example/live",
                1935,
                "k",
            ),
            (
                "  rtmp://A.Example/live",
                "k",
                "rtmp://a.example/live",
                1935,
                "k",
            ),
            (
                "rtmp://a.example/live/k",
                "",
                "rtmp://a.example/live",
                1935,
                "k",
            ),
            (
                "rtmp://a.example/live/x/k",
                "",
                "rtmp://a.example/live/x",
                1935,
                "k",
            ),
            (
                "rtmp://a.example/live/x",
                "k",
                "rtmp://a.example/live/x",
                1935,
                "k",
            ),
            (
                "rtmp://a.example:1936/live",
                "k",
                "rtmp://a.example:1936/live",
                1936,
                "k",
            ),
            (
                "rtmp://127.0.0.1/live",
                "k",
                "rtmp://127.0.0.1/live",
                1935,
                "k",
            ),
            (
                "rtmp://[::1]:1936/live",
                "k",
                "rtmp://[::1]:1936/live",
                1936,
                "k",
            ),
            (
                "rtmps://a.example/live2",
                "k",
                "rtmps://a.example/live2",
                443,
                "k",
            ),
            (
                "rtmps://a.example:8443/x",
                "k",
                "rtmps://a.example:8443/x",
                8443,
                "k",
            ),
            (
                "rtmp://a.example/live",
                "k?a=1&b=2",
                "rtmp://a.example/live",
                1935,
                "k?a=1&b=2",
            ),
            (
                "rtmp://a.example/live/k?a=1",
                "",
                "rtmp://a.example/live",
                1935,
                "k?a=1",
            ),
            (
                "rtmp://a.example/live?a=1",
                "k",
                "rtmp://a.example/live?a=1",
                1935,
                "k",
            ),
            ("rtmp://a.example/", "k", "rtmp://a.example/", 1935, "k"),
        ] {
            let address = parse(url, key).expect(url);
            assert_eq!(address.tc_url(), tc_url, "{url}");
            assert_eq!(address.port, port, "{url}");
            assert_eq!(address.stream, stream, "{url}");
        }
    }

    #[test]
    fn what_is_no_address_says_what_to_do() {
        for (url, key, word) in [
            ("", "k", "rtmp://host/app"),
            ("live.example/app", "k", "rtmp://host/app"),
            ("http://a.example/live", "k", "rtmps://"),
            ("rtmp:///live", "k", "names no host"),
            ("rtmp://a.example", "", "names no application"),
            ("rtmp://a.example/live", "", "key is missing"),
            ("rtmp://a.example/live", "my key", "space"),
            ("rtmp://me:pass@a.example/live", "k", "password"),
        ] {
            match parse(url, key) {
                Err(PublishError::Impossible(text)) => {
                    assert!(text.contains(word), "{url:?}: {text}");
                    assert!(!text.contains("pass@"));
                }
                Err(other) => panic!("{url}: {other:?}"),
                Ok(_) => panic!("{url}: taken for an address"),
            }
        }
    }

    #[test]
    fn secrets_stay_secret() {
        let target = Target {
            url: "rtmp://a.example/live/instance?auth=hunter22".into(),
            key: "live_1234?token=abcdef".into(),
        };
        let shown = format!("{target:?}");
        assert_eq!(shown, r#"rtmp::Target { host: "a.example", .. }"#);
        let address = Address::parse(&target).expect("fine");
        for (said, shown) in [
            ("No such stream", Some("No such stream")),
            ("bad\r\nkey", Some("bad  key")),
            ("unknown stream LIVE_1234", None),
            ("token abcdef has expired", None),
            ("auth hunter22", None),
            ("", None),
        ] {
            assert_eq!(address.fit_to_show(said).as_deref(), shown, "{said}");
        }
    }
}
