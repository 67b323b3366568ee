//! Sessions of which nothing is heard: the thread's own work, without the thread and without its clock.

use media::{ChannelInfo, Hub, Origin, Writer};

use super::*;
use crate::testing as samples;
use crate::webrtc::entry::{Publication, Publisher};
use crate::webrtc::link::{Common, Identity, Opening, SILENCE};
use crate::webrtc::session::Session;
use crate::webrtc::{inbound, station, testing};

/// A thread's work, with what sessions are opened with.
struct Bench {
    worker: Worker,
    common: Common,
    boards: Boards,
    hub: Hub,
}

impl Bench {
    fn new() -> Self {
        let clock = Clock::start();
        let counters = Arc::new(Counters::default());
        let io = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let socket = Socket::new(io, Arc::clone(&counters)).unwrap();
        let boards = Boards::default();
        Self {
            worker: Worker::new(clock, socket, Arc::clone(&boards), counters),
            common: station::common(clock).unwrap(),
            boards,
            hub: Hub::new(2),
        }
    }

    fn channel(&self, name: &str) -> Writer {
        let info = ChannelInfo {
            origin: Origin::Whip,
            title: String::new(),
        };
        let now = self.common.clock.now();
        self.hub.publish(name.parse().unwrap(), info, now).unwrap()
    }

    /// Opens a session as a door does after its answer; gives when that was at the latest.
    fn open(
        &mut self,
        name: &str,
        channel: &Arc<Channel>,
        with: Tie,
        role: impl FnOnce(&Opening<'_>) -> Role,
    ) -> Timestamp {
        let identity = Identity {
            fragment: format!("{name}-fragment"),
            password: "a password that is long enough".into(),
            seed: 7,
        };
        let role = role(&Opening {
            common: &self.common,
            identity: &identity,
            locals: &["127.0.0.1:9".parse().unwrap()],
            extra: &[],
            from: "127.0.0.1".parse().unwrap(),
            now: self.common.clock.now(),
        });
        let publishes = matches!(role, Role::Publisher(_));
        let fragment = identity.fragment;
        let board = Board::new(channel.name().clone(), publishes, fragment.clone());
        let entry = Entry {
            name: name.into(),
            fragment,
            role,
            board: Arc::new(board),
            deadline: None,
        };
        let (done, opened) = oneshot::channel();
        self.worker.obey(Order::Open {
            entry: Box::new(entry),
            with,
            done,
        });
        drop(opened);
        self.common.clock.now()
    }

    /// Sessions as seen from outside.
    fn names(&self) -> Vec<String> {
        self.boards.lock().keys().cloned().collect()
    }

    /// Lets time pass until `end`, deadline by deadline, with nothing coming in.
    fn run_until(&mut self, end: Timestamp) {
        loop {
            let deadlines = self.worker.sessions.values().filter_map(|e| e.deadline);
            match deadlines.min().filter(|at| *at <= end) {
                Some(at) => self.worker.expire(at),
                None => return,
            }
        }
    }
}

#[tokio::test]
async fn who_posts_and_never_connects_is_forgotten_and_a_publishers_channel_ends() {
    let mut bench = Bench::new();
    let begun = bench.common.clock.now();
    let mut stage = bench.channel("stage");
    let tracks = vec![samples::video(0), samples::opus(1)];
    stage.set_tracks(tracks.clone());
    let watched = Arc::clone(stage.channel());
    let mut viewer = testing::receiver(bench.common.clock.instant(begun));
    let offer = viewer.create_offer(None).unwrap().sdp;
    bench.open(
        "viewer",
        &watched,
        Tie::Watches(Arc::clone(&watched)),
        |opening| {
            let (session, _) = Session::answer(opening, &offer, &tracks).unwrap();
            Role::Viewer(Box::new(session))
        },
    );

    let writer = bench.channel("phone");
    let published = Arc::clone(writer.channel());
    let end = CancellationToken::new();
    let publication = Publication {
        writer,
        end: end.clone(),
    };
    let offer = include_str!("../offer/chromium-publishes.sdp");
    let opened = bench.open(
        "publisher",
        &published,
        Tie::EndsWith(end.clone()),
        |opening| {
            let (session, _) = inbound::Session::answer(opening, offer).unwrap();
            Role::Publisher(Box::new(Publisher::new(session, publication)))
        },
    );
    let phone = "phone".parse().unwrap();

    // Both are there for as long as a far end may take to come.
    bench.run_until(begun + SILENCE - SHORTEST);
    assert_eq!(bench.names(), ["publisher", "viewer"]);
    assert!(bench.hub.channel(&phone).is_some() && !end.is_cancelled());

    bench.run_until(opened + SILENCE + SHORTEST);
    assert!(SILENCE <= Duration::from_secs(30));
    assert!(bench.names().is_empty(), "{:?}", bench.names());
    assert!(bench.worker.sessions.is_empty() && bench.worker.by_fragment.is_empty());
    assert!(bench.worker.watches.is_empty());
    assert!(
        bench
            .worker
            .feeds
            .values()
            .all(|feed| feed.viewers.is_empty())
    );
    assert!(
        bench.hub.channel(&phone).is_none(),
        "the name is free again"
    );
    assert!(end.is_cancelled(), "whoever let the publisher in knows");
    drop(stage);
}
