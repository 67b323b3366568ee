use std::sync::Arc;

use bytes::Bytes;
use media::{Channel, ChannelInfo, ChannelName, Hub, Next, Origin, Start, Want};
use tokio::io::{DuplexStream, duplex};
use tokio::task::JoinHandle;

use super::super::Target;
use super::super::address::Address;
use super::super::chunk::kind;
use super::super::session::{self as client, Step};
use super::*;
use crate::PublishError;
use crate::testing;

/// Whatever is waited for comes within this, or the test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// A station with one place, and a publisher's end of a connection to it.
impl Inlet for tokio::io::DuplexStream {
    type From = tokio::io::ReadHalf<Self>;
    type To = tokio::io::WriteHalf<Self>;
    fn halves(self) -> (Self::From, Self::To) {
        tokio::io::split(self)
    }
}

impl Patient for tokio::io::ReadHalf<tokio::io::DuplexStream> {
    fn wait_for(&self, _bytes: usize) {}
}

struct Peer {
    client: client::Session,
    stream: DuplexStream,
    hub: Hub,
    end: CancellationToken,
    server: JoinHandle<Result<(), Error>>,
}

impl Peer {
    fn new(answer: Result<(), Refusal>) -> Self {
        let target = Target {
            url: "rtmp://a.example/live".into(),
            key: "a?key=b".into(),
        };
        let (stream, far) = duplex(4_096);
        let (hub, clock, end) = (Hub::new(1), Clock::start(), CancellationToken::new());
        let (publishes, ends) = (hub.clone(), end.clone());
        let admit = move |request: Request| async move {
            assert_eq!((&*request.app, &*request.key), ("live", "a?key=b"));
            answer?;
            let info = ChannelInfo {
                origin: Origin::Rtmp,
                title: String::new(),
            };
            let name: ChannelName = "a".parse().unwrap();
            let writer = publishes.publish(name, info, clock.now()).unwrap();
            Ok(Admission { writer, end: ends })
        };
        Self {
            client: client::Session::new(Address::parse(&target).unwrap()).unwrap(),
            stream,
            hub,
            server: tokio::spawn(serve(far, clock, end.child_token(), admit)),
            end,
        }
    }

    /// Says what the client wants said, and hears the answer; `false` when the connection is closed.
    async fn turn(&mut self) -> Result<bool, PublishError> {
        let output = self.client.output().split();
        self.stream.write_all(&output).await.unwrap();
        let mut bytes = BytesMut::with_capacity(4_096);
        let read = timeout(PATIENCE, self.stream.read_buf(&mut bytes)).await;
        let open = read.expect("an answer in time").unwrap() > 0;
        self.client.receive(&bytes)?;
        Ok(open)
    }

    /// As far as publishing, with both tracks introduced.
    async fn live() -> (Self, Arc<Channel>) {
        let mut peer = Self::new(Ok(()));
        while peer.client.step() < Step::Publishing {
            assert!(peer.turn().await.unwrap());
        }
        let channel = peer.hub.channel(&"a".parse().unwrap()).unwrap();
        (peer, channel)
    }

    async fn send(&mut self, kind: u8, millis: u32, body: Bytes) {
        self.client.media(kind, millis, body).unwrap();
        let output = self.client.output().split();
        self.stream.write_all(&output).await.unwrap();
    }

    async fn ended(self) -> Result<(), Error> {
        drop(self.stream);
        timeout(PATIENCE, self.server)
            .await
            .expect("it ends")
            .unwrap()
    }
}

#[tokio::test]
async fn a_publisher_comes_and_goes() {
    let (mut peer, channel) = Peer::live().await;
    let mut reader = channel.read(Want::MP4, Start::Group, 16);
    assert!(matches!(reader.next().await, Next::Tracks(_)));
    let track = testing::video(0);
    let header = flv::sequence_header(&track.config).unwrap();
    peer.send(kind::VIDEO, 0, header).await;
    let picture = [&[0x17, 1, 0, 0, 0, 0, 0, 0, 2], &[0x65, 9][..]].concat();
    peer.send(kind::VIDEO, 0, picture.into()).await;
    let Next::Tracks(tracks) = reader.next().await else {
        panic!("no tracks");
    };
    assert_eq!(tracks[0].config, track.config);
    assert!(matches!(reader.next().await, Next::Packet(p) if p.keyframe));
    peer.client.close().unwrap();
    while peer.turn().await.unwrap() {}
    assert_eq!(reader.next().await, Next::End);
    assert_eq!(peer.ended().await, Ok(()));
}

#[tokio::test]
async fn who_is_not_let_in_reads_why() {
    let words = "This station takes publishers with a key.";
    let mut peer = Peer::new(Err(Refusal::Denied(words.into())));
    let refused = loop {
        if let Err(error) = peer.turn().await {
            break error;
        }
    };
    assert!(
        refused.is_refusal() && refused.to_string().contains(words),
        "{refused}"
    );
    assert_eq!(peer.ended().await, Err(Error::Refused(words.into())));
}

#[tokio::test]
async fn who_is_told_to_end_reads_so() {
    let (mut peer, channel) = Peer::live().await;
    let mut reader = channel.read(Want::MP4, Start::Group, 16);
    peer.end.cancel();
    let told = loop {
        if let Err(error) = peer.turn().await {
            break error;
        }
    };
    assert!(
        matches!(&told, PublishError::Refused(text) if text.contains("has ended")),
        "{told}"
    );
    assert!(matches!(reader.next().await, Next::Tracks(_)));
    assert_eq!(reader.next().await, Next::End);
    assert_eq!(peer.ended().await, Ok(()));
}

#[tokio::test]
async fn a_codec_that_is_not_taken_is_named() {
    let (mut peer, channel) = Peer::live().await;
    peer.send(kind::VIDEO, 0, Bytes::from_static(b"\x90hvc1\x01"))
        .await;
    let refused = loop {
        if let Err(error) = peer.turn().await {
            break error;
        }
    };
    assert!(
        refused.is_refusal() && refused.to_string().contains("HEVC"),
        "{refused}"
    );
    let mut reader = channel.read(Want::MP4, Start::Group, 16);
    assert!(matches!(reader.next().await, Next::Tracks(_)));
    assert_eq!(reader.next().await, Next::End);
    assert!(matches!(peer.ended().await, Err(Error::Refused(_))));
}

#[tokio::test]
async fn a_connection_that_breaks_ends_the_channel() {
    let (peer, channel) = Peer::live().await;
    let hub = peer.hub.clone();
    assert!(matches!(peer.ended().await, Err(Error::Lost(_))));
    assert!(hub.channel(channel.name()).is_none());
    // Before a key, too.
    let peer = Peer::new(Ok(()));
    assert!(matches!(peer.ended().await, Err(Error::Lost(_))));
}

#[tokio::test]
async fn a_browser_that_strays_here_is_closed() {
    let mut peer = Peer::new(Ok(()));
    peer.stream
        .write_all(b"GET / HTTP/1.1\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(peer.ended().await, Err(Error::NotRtmp));
}
