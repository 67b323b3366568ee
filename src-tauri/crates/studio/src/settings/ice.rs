//! STUN and TURN servers as they stand in the settings.

use serde::Deserialize;

/// A server that helps browsers to a path.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(try_from = "Written")]
pub struct IceServer {
    written: Written,
    server: server::IceServer,
}

#[derive(Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    urls: Urls,
    username: Option<String>,
    credential: Option<String>,
}

/// One address, or several.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Urls {
    One(String),
    Many(Vec<String>),
}

impl IceServer {
    /// Its addresses, without what it asks of those who use it.
    pub fn urls(&self) -> &[String] {
        match &self.written.urls {
            Urls::One(url) => std::slice::from_ref(url),
            Urls::Many(urls) => urls,
        }
    }

    /// As the station takes it.
    pub fn get(&self) -> server::IceServer {
        self.server.clone()
    }
}

impl std::fmt::Debug for IceServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The credential stays out of logs.
        f.debug_struct("IceServer")
            .field("urls", &self.written.urls)
            .finish_non_exhaustive()
    }
}

impl TryFrom<Written> for IceServer {
    type Error = server::IceServerError;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let urls = match &written.urls {
            Urls::One(url) => std::slice::from_ref(url),
            Urls::Many(urls) => urls,
        };
        let (username, credential) = (written.username.as_deref(), written.credential.as_deref());
        let server = server::IceServer::new(urls, username, credential)?;
        Ok(Self { written, server })
    }
}
