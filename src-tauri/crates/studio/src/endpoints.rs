//! Where the running studio is reached.

use std::net::SocketAddr;

use crate::links;

/// Where the running studio is reached.
#[derive(Clone, Debug)]
pub struct Endpoints {
    /// Pages and API.
    pub http: SocketAddr,
    /// The same over TLS, when it is on.
    pub https: Option<SocketAddr>,
    /// RTMP ingest, when it is on.
    pub rtmp: Option<SocketAddr>,
    /// WebRTC media.
    pub media_udp: SocketAddr,
    /// What commands need.
    pub control_token: String,
}

impl Endpoints {
    pub(crate) fn of(station: &server::Station, control_token: String) -> Self {
        Self {
            http: station.http_addr(),
            https: station.https_addr(),
            rtmp: station.rtmp_addr(),
            media_udp: station.media_addr(),
            control_token,
        }
    }

    /// Before there is a station.
    pub(crate) fn nowhere() -> Self {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            http: nowhere,
            https: None,
            rtmp: None,
            media_udp: nowhere,
            control_token: String::new(),
        }
    }

    /// The base address for this machine itself: `http://127.0.0.1:8080`.
    pub fn local(&self) -> String {
        links::local_base("http", self.http)
    }

    /// The same over TLS, when it is on.
    pub fn local_https(&self) -> Option<String> {
        self.https.map(|at| links::local_base("https", at))
    }

    /// Where RTMP publishers on this machine come to: `rtmp://127.0.0.1:1935/live`.
    pub fn local_rtmp(&self) -> Option<String> {
        self.rtmp.map(|at| links::local_base("rtmp", at) + "/live")
    }
}
