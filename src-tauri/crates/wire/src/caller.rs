//! The half of WHIP and WHEP clients that is WebRTC: one connection that offers, on the `webrtc` crate.

mod relays;

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;
use std::vec;

use rtc::interceptor::Registry;
use rtc::peer_connection::configuration::RTCOfferOptions;
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::peer_connection::transport::RTCIceServer;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use webrtc::media_stream::track_remote::TrackRemote;
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCConfigurationBuilder,
    RTCIceGatheringState, RTCPeerConnectionIceEvent, RTCPeerConnectionState, RTCSessionDescription,
};

use crate::endpoint::{IceServer, fragment};
use crate::webrtc::{candidates, setup};
use crate::{PublishError, Roots};
use relays::Relays;

/// How long our own addresses may take to be found; those found by then are offered.
pub(crate) const GATHER: Duration = Duration::from_secs(3);

/// How long a path for media may take to be found, and keys to be agreed.
pub(crate) const CONNECT: Duration = Duration::from_secs(15);

/// Tracks of the far end that wait to be taken; one of each kind is agreed on.
const TRACKS: usize = 4;

/// How the path stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Path {
    Connecting,
    Up,
    /// Nothing comes over it; it may come back.
    Disturbed,
    /// It is lost for good.
    Down,
}

/// The addresses that are sent from: those that the machine has when they are asked for, which is anew whenever
/// a path is looked for.
#[derive(Clone, Copy, Debug)]
struct Sources {
    local: bool,
}

impl ToSocketAddrs for Sources {
    type Iter = vec::IntoIter<SocketAddr>;

    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        Ok(candidates::for_sending(self.local).into_iter())
    }
}

/// What helps to a path.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ways {
    /// STUN and TURN servers.
    pub(crate) servers: Vec<IceServer>,
    /// What relays are trusted by that are spoken to over TLS, beside what browsers trust.
    pub(crate) roots: Roots,
    /// The endpoint is on this machine, and the loopback leads to it.
    pub(crate) local: bool,
}

/// A connection that offers.
pub(crate) struct Caller {
    connection: Box<dyn PeerConnection>,
    _relays: Relays,
    path: Arc<watch::Sender<Path>>,
    path_seen: watch::Receiver<Path>,
    /// Whether all our addresses are found; changes with each of them.
    found: Arc<watch::Sender<bool>>,
    tracks: mpsc::Receiver<Arc<dyn TrackRemote>>,
}

struct Handler {
    path: Arc<watch::Sender<Path>>,
    found: Arc<watch::Sender<bool>>,
    tracks: mpsc::Sender<Arc<dyn TrackRemote>>,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_candidate(&self, _event: RTCPeerConnectionIceEvent) {
        self.found.send_modify(|_| {});
    }

    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.found.send_replace(true);
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        match state {
            RTCPeerConnectionState::Connected => {
                self.path.send_replace(Path::Up);
            }
            RTCPeerConnectionState::Failed | RTCPeerConnectionState::Closed => {
                self.path.send_replace(Path::Down);
            }
            RTCPeerConnectionState::Disconnected => {
                self.path.send_if_modified(|path| {
                    let up = *path == Path::Up;
                    if up {
                        *path = Path::Disturbed;
                    }
                    up
                });
            }
            _ => {}
        }
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        if self.tracks.try_send(track).is_err() {
            tracing::debug!("a track more than was agreed on is left alone");
        }
    }
}

/// An offer under new names, which are not used yet.
pub(crate) struct Renewal(RTCSessionDescription);

impl Renewal {
    /// The offer.
    pub(crate) fn sdp(&self) -> &str {
        &self.0.sdp
    }
}

/// What fails on our own side.
pub(crate) fn broken(error: impl std::fmt::Display) -> PublishError {
    PublishError::Lost(format!("WebRTC cannot be set up: {error}"))
}

impl Caller {
    /// A connection that knows these codecs and has nothing to offer yet. A path on which nothing comes for `silence` is
    /// disturbed, and lost after as long again.
    pub(crate) async fn new(
        engine: MediaEngine,
        registry: Registry,
        ways: Ways,
        silence: Duration,
    ) -> Result<Self, PublishError> {
        let Ways {
            servers,
            roots,
            local,
        } = ways;
        let mut relays = Relays::default();
        let servers = relays.lead_to(servers, &roots).await;
        let servers = servers.into_iter().map(|server| RTCIceServer {
            urls: vec![server.url],
            username: server.username,
            credential: server.credential,
        });
        let configuration = RTCConfigurationBuilder::new()
            .with_ice_servers(servers.collect())
            .build();
        let (path, path_seen) = watch::channel(Path::Connecting);
        let path = Arc::new(path);
        let found = Arc::new(watch::channel(false).0);
        let (tracks, tracks_seen) = mpsc::channel(TRACKS);
        let handler = Handler {
            path: Arc::clone(&path),
            found: Arc::clone(&found),
            tracks,
        };
        let connection = PeerConnectionBuilder::new()
            .with_configuration(configuration)
            .with_media_engine(engine)
            .with_setting_engine(setup::offering(silence))
            .with_interceptor_registry(registry)
            .with_handler(Arc::new(handler))
            .with_udp_addrs(vec![Sources { local }])
            .build()
            .await
            .map_err(broken)?;
        Ok(Self {
            connection: Box::new(connection),
            _relays: relays,
            path,
            path_seen,
            found,
            tracks: tracks_seen,
        })
    }

    /// The connection, to say what is offered.
    pub(crate) fn connection(&self) -> &dyn PeerConnection {
        self.connection.as_ref()
    }

    /// Makes the offer, with those of our addresses in it that are found within `head_start`.
    pub(crate) async fn offer(&mut self, head_start: Duration) -> Result<String, PublishError> {
        let offer = self.connection.create_offer(None).await.map_err(broken)?;
        let set = self.connection.set_local_description(offer).await;
        set.map_err(broken)?;
        let mut found = self.found.subscribe();
        let all = found.wait_for(|all| *all);
        if timeout(head_start, all).await.is_err() {
            tracing::debug!("not all of our addresses are in the offer");
        }
        Ok(self
            .description()
            .await
            .ok_or_else(|| broken("no offer"))?
            .0)
    }

    /// Our description as it stands, and whether all our addresses are in it.
    async fn description(&self) -> Option<(String, bool)> {
        // In this order: what is said to be all is in it.
        let all = *self.found.borrow();
        let description = self.connection.local_description().await?;
        Some((description.sdp, all))
    }

    /// Waits until our description has more of our addresses than those `told`, or all; gives it, and whether
    /// they are all.
    pub(crate) async fn more(&self, told: usize) -> Option<(String, bool)> {
        let mut found = self.found.subscribe();
        loop {
            found.borrow_and_update();
            let (sdp, all) = self.description().await?;
            if all || fragment::candidates(&sdp).count() > told {
                return Some((sdp, all));
            }
            found.changed().await.ok()?;
        }
    }

    /// Applies the answer of the endpoint that is called `name`.
    pub(crate) async fn answer(&self, sdp: &str, name: &str) -> Result<(), PublishError> {
        let unusable = |error| unusable(name, &error);
        let answer = RTCSessionDescription::answer(sdp.to_owned()).map_err(unusable)?;
        let set = self.connection.set_remote_description(answer).await;
        set.map_err(unusable)
    }

    /// What would look for a path anew, under new names, to be told to the far end. Nothing changes before
    /// [`Self::renew`].
    pub(crate) async fn renewal(&self) -> Result<Renewal, PublishError> {
        let options = RTCOfferOptions { ice_restart: true };
        let offer = self.connection.create_offer(Some(options)).await;
        Ok(Renewal(offer.map_err(broken)?))
    }

    /// Looks for a path anew (RFC 8445, section 9), with the far end's answer to that.
    pub(crate) async fn renew(
        &self,
        renewal: Renewal,
        answer: &str,
        name: &str,
    ) -> Result<(), PublishError> {
        self.found.send_replace(false);
        // From here on the old path is none.
        self.path.send_replace(Path::Connecting);
        let set = self.connection.set_local_description(renewal.0).await;
        set.map_err(broken)?;
        self.answer(answer, name).await
    }

    /// How the path stands, from now on.
    pub(crate) fn path(&self) -> watch::Receiver<Path> {
        self.path.subscribe()
    }

    /// Waits until media can flow.
    ///
    /// # Errors
    /// When it cannot, or not within `patience`; `name` is the endpoint's.
    pub(crate) async fn connected(
        &self,
        name: &str,
        patience: Duration,
    ) -> Result<(), PublishError> {
        let mut path = self.path();
        let settled = path.wait_for(|path| matches!(path, Path::Up | Path::Down));
        match timeout(patience, settled).await {
            Ok(Ok(path)) if *path == Path::Up => Ok(()),
            _ => Err(PublishError::Lost(format!(
                "{name} answered, but no path for media to it was found. Check that this network \
                 lets UDP through."
            ))),
        }
    }

    /// The next track that the far end sends; `None` when the path is lost for good.
    pub(crate) async fn next(&mut self) -> Option<Arc<dyn TrackRemote>> {
        tokio::select! {
            biased;
            // An error means that the connection is gone, which is as final.
            _ = self.path_seen.wait_for(|path| *path == Path::Down) => None,
            track = self.tracks.recv() => track,
        }
    }

    /// Says goodbye.
    pub(crate) async fn close(&self) {
        if let Err(error) = self.connection.close().await {
            tracing::debug!(%error, "the connection did not close cleanly");
        }
    }
}

/// An answer of the endpoint that is called `name` cannot be used.
pub(crate) fn unusable(name: &str, error: &dyn std::fmt::Display) -> PublishError {
    PublishError::Lost(format!(
        "{name} gave an answer that cannot be used: {error}"
    ))
}
