//! A station for tests: a studio and peers that only remember what they are asked, and clients.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use api::scene::Collection;
use api::{Code, Command, Event, Problem, Snapshot, Stats};
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, Response, StatusCode};
use bytes::Bytes;
use futures::future::BoxFuture;
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use media::{
    Channel, ChannelInfo, ChannelName, Clock, Color, Config, Frame, Hub, Origin, Packet,
    PixelFormat, Timestamp, Track, TrackId, Writer,
};
use parking_lot::Mutex;
use store::Store;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, watch};
use tokio_tungstenite::tungstenite::{self, client::IntoClientRequest};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tower::ServiceExt;
use wire::webrtc::{Answer, OfferError, Publication, Restarted, SessionStats, Traffic};

use crate::access::{Access, JwtKey, Links};
use crate::app::App;
use crate::guard::Guard;
use crate::problem::Refusal;
use crate::whep::{Admit, Peers};
use crate::{Assembled, Control, Limits, Parts, Rules, accept, assemble, chat, presence};

pub(crate) const TOKEN: &str = "control-token-for-tests";

/// A studio that remembers its commands, and what they add to lists. Undo fails, so that a failure can
/// be seen.
pub(crate) struct FakeControl {
    pub(crate) commands: Mutex<Vec<Command>>,
    pub(crate) settings: Mutex<Vec<api::Setting>>,
    links: Mutex<Vec<api::AccessLink>>,
    pub(crate) secrets: Mutex<HashMap<String, String>>,
    destinations: Mutex<Vec<api::Destination>>,
    pub(crate) events: broadcast::Sender<Arc<Event>>,
    pub(crate) frames: watch::Sender<Option<Frame>>,
}

impl FakeControl {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            commands: Mutex::default(),
            settings: Mutex::default(),
            links: Mutex::default(),
            secrets: Mutex::default(),
            destinations: Mutex::default(),
            events: broadcast::Sender::new(16),
            frames: watch::Sender::new(None),
        })
    }

    pub(crate) fn show(&self, millis: i64) {
        let at = Timestamp::from_millis(millis);
        self.frames
            .send_replace(Some(Frame::black(320, 180, at).unwrap()));
    }
}

impl Control for FakeControl {
    fn snapshot(&self) -> Snapshot {
        Snapshot {
            studio_mode: None,
            version: "0".into(),
            collection: Collection::empty("Test"),
            undo: api::Undo::default(),
            title: "A <b>title</b>".into(),
            on_air: None,
            sources: Vec::new(),
            collections: Vec::new(),
            devices: api::Devices::default(),
            destinations: self.destinations.lock().clone(),
            uplink: api::Uplink::default(),
            key_store: api::KeyStore::default(),
            recordings: Vec::new(),
            rewinds: Vec::new(),
            cuts: Vec::new(),
            room: api::Room::default(),
            uploads: Vec::new(),
            storage: api::Storage::default(),
            links: Vec::new(),
            access: self.links.lock().clone(),
            publishers: Vec::new(),
            private: Vec::new(),
            rooms: Vec::new(),
            settings: self.settings.lock().clone(),
            stats: Stats {
                frames: 1234,
                ..Stats::default()
            },
            keys: api::Keys::default(),
            filter_presets: Vec::new(),
            first_start: false,
            masks: Vec::new(),
            quality: None,
            problems: Vec::new(),
        }
    }

    fn film_link(&self, _: i64, _: Option<&str>) -> Option<String> {
        None
    }

    fn secret(&self, name: &str) -> Option<String> {
        self.secrets.lock().get(name).cloned()
    }

    fn keep_secret(&self, name: &str, secret: &str) -> Result<(), Problem> {
        self.secrets.lock().insert(name.into(), secret.into());
        Ok(())
    }

    fn fonts(&self) -> Vec<String> {
        vec!["Inter".into(), "JetBrains Mono".into()]
    }

    fn still(&self, kind: api::DeviceKind, device: &str) -> Result<Frame, Problem> {
        if kind == api::DeviceKind::Camera {
            let said = format!("The camera “{device}” is not connected.");
            return Err(Problem::new(Code::Unavailable, said));
        }
        Ok(Frame::black(640, 360, Timestamp::ZERO).unwrap())
    }

    fn apply(&self, command: Command) -> Result<(), Problem> {
        if command == Command::Undo {
            return Err(Problem::new(Code::Conflict, "There is nothing to undo."));
        }
        match command.clone() {
            Command::CreateLink { link } => {
                let mut links = self.links.lock();
                let id = format!("link{}", links.len() + 1);
                links.push(api::AccessLink {
                    id,
                    kind: link.kind,
                    name: link.name,
                    channel: link.channel,
                    created: 0,
                    expires: link.expires,
                    url: "http://127.0.0.1/".into(),
                    secret: "secret".into(),
                    qr: String::new(),
                });
            }
            Command::AddDestination { destination } => {
                let mut destinations = self.destinations.lock();
                let id = format!("destination{}", destinations.len() + 1);
                destinations.push(api::Destination {
                    id,
                    name: destination.name,
                    target: destination.target,
                    has_secret: destination.secret.is_some(),
                    enabled: true,
                    platform: destination.platform,
                    delay_seconds: destination.delay_seconds,
                    test: destination.test,
                    rendition: destination.rendition,
                    encoded: None,
                    follow: destination.follow,
                    advice: Vec::new(),
                    recent: Vec::new(),
                    until: None,
                    state: api::DestinationState::Off,
                });
            }
            _ => {}
        }
        self.commands.lock().push(command);
        Ok(())
    }

    fn events(&self) -> broadcast::Receiver<Arc<Event>> {
        self.events.subscribe()
    }

    fn look(&self, _view: crate::View) -> watch::Receiver<Option<Frame>> {
        self.frames.subscribe()
    }
}

/// Peers that answer an offer by what stands in it.
#[derive(Default)]
pub(crate) struct FakePeers {
    pub(crate) open: Mutex<Vec<(String, ChannelName)>>,
    pub(crate) publications: Mutex<Vec<Publication>>,
    pub(crate) external: Mutex<Vec<IpAddr>>,
    /// Sessions, and what came for them bit by bit.
    pub(crate) trickled: Mutex<Vec<(String, String)>>,
}

/// What is wrong with an offer, if anything is.
fn fault(offer: &str) -> Option<OfferError> {
    match offer {
        "malformed" => Some(OfferError::Malformed("no v= line".into())),
        "too many" => Some(OfferError::TooManyTracks),
        "sends" => Some(OfferError::NothingToReceive),
        "receives" => Some(OfferError::NothingToPublish),
        "vp8" => Some(OfferError::NoH264),
        "vp8 alone" => Some(OfferError::NoH264ToPublish),
        "full" => Some(OfferError::Full),
        _ => None,
    }
}

fn answered(session: String) -> Answer {
    Answer {
        session,
        sdp: "v=0\r\nanswer\r\n".into(),
        etag: "\"e1\"".into(),
    }
}

impl Peers for FakePeers {
    fn whep(
        &self,
        channel: Arc<Channel>,
        offer: String,
        _from: IpAddr,
    ) -> BoxFuture<'_, Result<Answer, OfferError>> {
        let answer = match fault(&offer) {
            Some(error) => Err(error),
            None => {
                let mut open = self.open.lock();
                let session = format!("session-{}", open.len() + 1);
                open.push((session.clone(), channel.name().clone()));
                Ok(answered(session))
            }
        };
        Box::pin(std::future::ready(answer))
    }

    /// Publications live until they are taken away or ended.
    fn whip<'a>(
        &'a self,
        offer: String,
        _from: IpAddr,
        admit: Admit<'a>,
    ) -> BoxFuture<'a, Result<Answer, Refusal>> {
        let mut open = self.publications.lock();
        open.retain(|publication| !publication.end.is_cancelled());
        let admitted = fault(&offer).map_or_else(admit, |error| Err(error.into()));
        let answer = admitted.map(|publication| {
            open.push(publication);
            answered(format!("publisher-{}", open.len()))
        });
        Box::pin(std::future::ready(answer))
    }

    fn watches(&self, session: &str, channel: &ChannelName) -> bool {
        let open = self.open.lock();
        open.iter()
            .any(|(name, on)| name == session && on == channel)
    }

    fn etag(&self, session: &str) -> Option<String> {
        let watches = self.open.lock().iter().any(|(name, _)| name == session);
        (watches || session.starts_with("publisher-")).then(|| "\"e1\"".into())
    }

    fn trickle<'a>(
        &'a self,
        session: &'a str,
        fragment: &'a str,
        _from: IpAddr,
    ) -> BoxFuture<'a, Result<(), OfferError>> {
        let told = (session.to_owned(), fragment.to_owned());
        self.trickled.lock().push(told);
        Box::pin(std::future::ready(Ok(())))
    }

    fn restart<'a>(
        &'a self,
        _session: &'a str,
        fragment: String,
        _from: IpAddr,
    ) -> BoxFuture<'a, Result<Restarted, OfferError>> {
        let restarted = Restarted {
            fragment: "a=ice-ufrag:new\r\n".into(),
            etag: "\"e2\"".into(),
        };
        let named = fragment.contains("a=ice-pwd:").then_some(restarted);
        let named = named.ok_or_else(|| OfferError::Malformed("no a=ice-pwd".into()));
        Box::pin(std::future::ready(named))
    }

    fn close(&self, session: &str) -> bool {
        let mut open = self.open.lock();
        let before = open.len();
        open.retain(|(name, _)| name != session);
        open.len() < before
    }

    fn viewers(&self, channel: &ChannelName) -> u32 {
        let open = self.open.lock();
        u32::try_from(open.iter().filter(|(_, c)| c == channel).count()).unwrap()
    }

    fn traffic(&self) -> Traffic {
        Traffic::default()
    }

    fn publishers(&self) -> Vec<SessionStats> {
        let publications = self.publications.lock();
        let stats =
            |publication: &Publication| figures("publisher", publication.writer.channel().name());
        publications.iter().map(stats).collect()
    }

    fn sessions(&self) -> Vec<SessionStats> {
        let open = self.open.lock();
        open.iter()
            .map(|(name, channel)| figures(name, channel))
            .collect()
    }

    fn set_external(&self, external: Vec<IpAddr>) {
        *self.external.lock() = external;
    }
}

fn figures(session: &str, channel: &ChannelName) -> SessionStats {
    SessionStats {
        session: session.to_owned(),
        channel: channel.clone(),
        connected: true,
        bytes: 1_000,
        packets: 10,
        lost: 3,
        rtt: None,
    }
}

/// A station without a socket.
pub(crate) struct Desk {
    pub(crate) app: Arc<App>,
    pub(crate) router: Router,
    pub(crate) control: Arc<FakeControl>,
    pub(crate) peers: Arc<FakePeers>,
    work: Option<tokio::sync::mpsc::Receiver<chat::Call>>,
    tasks: tokio_util::task::TaskTracker,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self::over(Arc::new(Store::in_memory().unwrap()))
    }

    pub(crate) fn over(store: Arc<Store>) -> Self {
        Self::with(store, Rules::default(), None)
    }

    /// With rules of its own for publishers.
    pub(crate) fn ruled(rules: Rules) -> Self {
        Self::with(Arc::new(Store::in_memory().unwrap()), rules, None)
    }

    pub(crate) fn with(store: Arc<Store>, rules: Rules, jwt: Option<JwtKey>) -> Self {
        let control = FakeControl::new();
        let keeper = Arc::clone(&control) as Arc<dyn Control>;
        let links = Links::open(Arc::clone(&store), keeper).unwrap();
        let access = Access::new(TOKEN.into(), links, jwt);
        let parts = Parts {
            hub: Hub::new(4),
            clock: Clock::start(),
            store,
            timelines: Arc::default(),
            control: Arc::clone(&control) as Arc<dyn Control>,
        };
        let guard = Guard::new(&[], &["https://club.example".into()]);
        let peers = Arc::new(FakePeers::default());
        let Assembled {
            app,
            router,
            work,
            tasks,
        } = assemble(
            parts,
            access,
            guard,
            rules,
            Arc::clone(&peers) as Arc<dyn Peers>,
            None,
            Default::default(),
        )
        .unwrap();
        Self {
            app,
            router,
            control,
            peers,
            work: Some(work),
            tasks,
        }
    }

    /// Goes live on a channel until the writer is dropped.
    pub(crate) fn live(&self, name: &str, origin: Origin) -> Writer {
        let info = ChannelInfo {
            origin,
            title: format!("{name} title"),
        };
        let now = self.app.clock.now();
        let mut writer = self
            .app
            .hub
            .publish(name.parse().unwrap(), info, now)
            .unwrap();
        writer.set_tracks(vec![
            Track {
                id: TrackId(0),
                config: Config::H264 {
                    sps: Bytes::from_static(&[0x67, 0x42, 0xC0, 0x1F]),
                    pps: Bytes::from_static(&[0x68]),
                    width: 1280,
                    height: 720,
                    fps_millis: 30_000,
                },
                bitrate: 2_500_000,
            },
            Track {
                id: TrackId(1),
                config: Config::Opus {
                    channels: 2,
                    pre_skip: 312,
                },
                bitrate: 128_000,
            },
        ]);
        writer
    }

    /// Sends one request; `host` and nothing else is added.
    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Got {
        let mut request = Request::builder().method(method).uri(path);
        if headers.iter().all(|(name, _)| *name != "host") {
            request = request.header("host", "192.168.1.20:8080");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.into()).unwrap();
        // As over a socket of this machine.
        self.send(request, SocketAddr::from(([127, 0, 0, 1], 9)))
            .await
    }

    /// Sends a request as it is, from an address.
    pub(crate) async fn send(&self, mut request: Request<Body>, peer: SocketAddr) -> Got {
        request.extensions_mut().insert(ConnectInfo(peer));
        let response = self.router.clone().oneshot(request).await.unwrap();
        Got::from(response).await
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        self.ask("GET", path, &[], Body::empty()).await
    }

    /// Serves on a port of the loopback.
    pub(crate) async fn listen(mut self, limits: Limits) -> Served {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let work = self.work.take().unwrap();
        let app = &self.app;
        self.tasks.spawn(chat::serve(Arc::clone(app), work));
        self.tasks
            .spawn(presence::follow(Arc::clone(app), self.tasks.clone()));
        let lobby = accept::Lobby::new(
            self.router.clone(),
            limits,
            app.ends.clone(),
            self.tasks.clone(),
        );
        self.tasks.spawn(accept::run(listener, None, lobby));
        Served {
            address,
            desk: self,
        }
    }
}

/// An answer, read.
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) body: Bytes,
}

impl Got {
    async fn from(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let body = if parts.status == StatusCode::SWITCHING_PROTOCOLS {
            Bytes::new()
        } else {
            body.collect().await.unwrap().to_bytes()
        };
        Self {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
        }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Sends one request to a socket, whose host is an address of the loopback.
pub(crate) async fn fetch(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Got {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(async move { drop(connection.await) });
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", address.to_string());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let answer = tokio::time::timeout(PATIENCE, sender.send_request(request)).await;
    Got::from(answer.expect("an answer comes").unwrap().map(Body::new)).await
}

/// A WebSocket, or the status that was answered instead.
pub(crate) async fn websocket(
    address: SocketAddr,
    path: &str,
    headers: &[(&'static str, &str)],
) -> Result<WebSocketStream<MaybeTlsStream<TcpStream>>, u16> {
    let mut request = format!("ws://{address}{path}")
        .into_client_request()
        .unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    match connect_async(request).await {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::Error::Http(answer)) => Err(answer.status().as_u16()),
        Err(other) => panic!("{other}"),
    }
}

/// Whatever is waited for comes within this, or the test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A station with a socket.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) desk: Desk,
}

impl Served {
    /// Ends everything, and fails when something does not end.
    pub(crate) async fn stop(self) {
        self.desk.app.ends.stop.cancel();
        self.desk.tasks.close();
        let farewell = async {
            self.desk.app.chat.close().await;
            self.desk.tasks.wait().await;
        };
        tokio::time::timeout(PATIENCE, farewell)
            .await
            .expect("every task ends");
    }
}

/// A keyframe of one colour (Y, U, V), and its track.
pub(crate) fn keyframe(color: [u8; 3], at: Timestamp) -> (Track, Packet) {
    let config = codec::encode::video::Config {
        width: 640,
        height: 360,
        fps: 30,
        bitrate: 1_000_000,
        keyframe_interval: Duration::from_secs(1),
    };
    let id = TrackId(0);
    let mut encoder = codec::encode::video::open(config, id).unwrap();
    let size = |plane| {
        let (row, rows) = PixelFormat::I420.plane_size(plane, 640, 360);
        row * rows
    };
    let planes = (0..3).flat_map(|plane| vec![color[plane]; size(plane)]);
    let data: Vec<u8> = planes.collect();
    let format = PixelFormat::I420;
    let frame = Frame::packed(format, 640, 360, Color::default(), at, data.into()).unwrap();
    let packet = encoder.encode(&frame).unwrap().unwrap();
    let track = Track {
        id,
        config: encoder.config().unwrap(),
        bitrate: 0,
    };
    (track, packet)
}

/// The mean of each plane of a JPEG: Y, U and V as JPEG has them (BT.601, full range).
pub(crate) fn mean_of_jpeg(jpeg: &[u8]) -> [u8; 3] {
    let frame = codec::decode::picture::jpeg(jpeg, Timestamp::ZERO).unwrap();
    std::array::from_fn(|plane| {
        let data = &frame.planes()[plane].data;
        let sum: u64 = data.iter().map(|value| u64::from(*value)).sum();
        u8::try_from(sum / data.len() as u64).unwrap()
    })
}

/// A setting that nobody set.
pub(crate) fn setting(key: &str) -> api::Setting {
    api::Setting {
        key: key.into(),
        meaning: "It is for tests.".into(),
        kind: api::SettingKind::Text,
        value: Some(api::SettingValue::Text("x".into())),
        default: None,
        origin: api::SettingOrigin::Default,
        place: None,
        effect: api::SettingEffect::Live,
        waits: false,
    }
}
