use super::*;
use media::{ChannelInfo, ChannelName, Hub, Origin, Start, Want, Writer};
use tokio::io::DuplexStream;

use crate::rtmp::amf0::{self, Value};
use crate::rtmp::chunk::{Message, kind};
use crate::rtmp::far::{Far, info};
use crate::testing;

/// A channel with picture and sound, and how many packets of each have been written.
struct Source {
    _hub: Hub,
    writer: Writer,
    frame: i64,
}

impl Source {
    fn new() -> Self {
        let hub = Hub::new(1);
        let info = ChannelInfo {
            origin: Origin::Program,
            title: String::new(),
        };
        let name = ChannelName::program();
        let mut writer = hub.publish(name, info, Timestamp::ZERO).unwrap();
        writer.set_tracks(vec![testing::video(0), testing::audio(1)]);
        Self {
            _hub: hub,
            writer,
            frame: 0,
        }
    }

    /// Writes 40 ms of picture, a keyframe every second, and sound.
    fn write(&mut self, bytes: usize) {
        let at = Timestamp::from_millis(self.frame * 40);
        self.writer
            .write(testing::packet(0, at, self.frame % 25 == 0, bytes));
        self.writer.write(testing::packet(1, at, true, 100));
        self.frame += 1;
    }

    fn reader(&self) -> Reader {
        self.writer.channel().read(Want::MP4, Start::Group, 100)
    }
}

/// The far end of a pipe.
struct Server {
    far: Far,
    stream: DuplexStream,
    messages: std::collections::VecDeque<Message>,
}

impl Server {
    async fn message(&mut self) -> Option<Message> {
        loop {
            if let Some(message) = self.messages.pop_front() {
                return Some(message);
            }
            let mut bytes = BytesMut::with_capacity(4_096);
            match self.stream.read_buf(&mut bytes).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
            let (messages, back) = self.far.read(&bytes);
            self.messages.extend(messages);
            self.send(&back).await;
        }
    }

    async fn send(&mut self, bytes: &[u8]) {
        // A client that has left is what some tests want.
        drop(self.stream.write_all(bytes).await);
    }

    /// Reads up to the command of this name.
    async fn command(&mut self, name: &str) {
        loop {
            let message = self.message().await.expect("the client is still there");
            if message.kind == kind::COMMAND
                && amf0::read(&message.data).unwrap()[0].as_str() == Some(name)
            {
                return;
            }
        }
    }

    /// Lets the client publish.
    async fn welcome(&mut self) {
        self.command("connect").await;
        let success = info("status", "NetConnection.Connect.Success", "");
        let answer = self.far.result(1.0, success);
        self.send(&answer).await;
        self.command("createStream").await;
        let answer = self.far.result(4.0, Value::from(1.0));
        self.send(&answer).await;
        self.command("publish").await;
        let answer = self.far.status("status", "NetStream.Publish.Start", "");
        self.send(&answer).await;
    }
}

/// A publication over a pipe that holds `pipe` bytes.
struct Run {
    task: tokio::task::JoinHandle<Result<(), PublishError>>,
    server: Server,
    progress: Arc<Progress>,
    stop: watch::Sender<bool>,
}

fn run(source: &Source, pipe: usize) -> Run {
    let (near, far) = tokio::io::duplex(pipe);
    let (stop, stopped) = watch::channel(false);
    let progress = Arc::new(Progress::default());
    let counted = Arc::clone(&progress);
    let mut reader = source.reader();
    let task = tokio::spawn(async move {
        let address = Address::parse(&Target {
            url: "rtmp://a.example/live".into(),
            key: "sesame".into(),
        })?;
        let mut publication = Publication {
            probe: Probe::none(),
            session: Session::new(address)?,
            clock: Clock::start(),
            progress: counted,
            options: Options::default(),
            reader: &mut reader,
            lost: 0,
            stop: stopped,
        };
        publication.run(near).await
    });
    Run {
        task,
        server: Server {
            far: Far::new(),
            stream: far,
            messages: Default::default(),
        },
        progress,
        stop,
    }
}

#[tokio::test(start_paused = true)]
async fn sends_metadata_then_headers_then_a_keyframe_and_leaves_politely() {
    let mut source = Source::new();
    // The picture is in the middle of a group; the server gets it from its keyframe.
    for _ in 0..30 {
        source.write(5_000);
    }
    let mut run = run(&source, 64 << 10);
    run.server.welcome().await;
    let mut first = Vec::new();
    while first.len() < 4 {
        first.push(run.server.message().await.unwrap());
    }
    let values = amf0::read(&first[0].data).unwrap();
    assert_eq!(values[0].as_str(), Some("@setDataFrame"));
    assert_eq!(values[1].as_str(), Some("onMetaData"));
    assert_eq!(values[2].get("width").unwrap().as_number(), Some(1280.0));
    assert_eq!(
        (first[1].kind, &first[1].data[..2]),
        (kind::VIDEO, &[0x17, 0][..])
    );
    assert_eq!(
        (first[2].kind, &first[2].data[..2]),
        (kind::AUDIO, &[0xaf, 0][..])
    );
    assert_eq!(
        (first[3].kind, &first[3].data[..2]),
        (kind::VIDEO, &[0x17, 1][..])
    );
    assert!(first.iter().all(|m| m.timestamp == 0 && m.stream == 1));
    assert!(run.progress.connected());

    let mut newest = 0;
    for _ in 0..20 {
        source.write(5_000);
        let message = run.server.message().await.unwrap();
        assert!(
            message.timestamp >= newest,
            "{} after {newest}",
            message.timestamp
        );
        newest = message.timestamp;
    }
    run.stop.send_replace(true);
    run.server.command("FCUnpublish").await;
    run.server.command("deleteStream").await;
    assert!(run.server.message().await.is_none());
    assert_eq!(run.task.await.unwrap(), Ok(()));
    assert!(run.progress.packets() > 20);
    assert_eq!(run.progress.dropped(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_channel_is_the_end_of_the_publication() {
    let mut source = Source::new();
    source.write(100);
    let mut run = run(&source, 64 << 10);
    run.server.welcome().await;
    drop(source);
    run.server.command("deleteStream").await;
    assert_eq!(run.task.await.unwrap(), Ok(()));
}

/// What a server that stops answering at some point comes to.
async fn check_end(act: impl AsyncFnOnce(&mut Server), expect_refused: bool, word: &str) {
    let mut source = Source::new();
    source.write(100);
    let mut run = run(&source, 64 << 10);
    act(&mut run.server).await;
    match run.task.await.unwrap() {
        Err(
            PublishError::Refused(text)
            | PublishError::WrongKey(text)
            | PublishError::KeyDoubted(text),
        ) if expect_refused => {
            assert!(text.contains(word), "{text}");
        }
        Err(PublishError::Lost(text)) if !expect_refused => assert!(text.contains(word), "{text}"),
        other => panic!("{other:?}"),
    }
}

async fn close(server: &mut Server) {
    let (gone, _) = tokio::io::duplex(1);
    server.stream = gone;
}

#[tokio::test(start_paused = true)]
async fn servers_that_close_the_connection() {
    check_end(close, false, "closed").await;
    check_end(
        async |s: &mut Server| {
            s.command("connect").await;
            close(s).await;
        },
        false,
        "closed",
    )
    .await;
    check_end(
        async |s: &mut Server| {
            s.command("connect").await;
            let answer = s.far.result(1.0, Value::Null);
            s.send(&answer).await;
            s.command("createStream").await;
            let answer = s.far.result(4.0, 1.0.into());
            s.send(&answer).await;
            s.command("publish").await;
            close(s).await;
        },
        true,
        "stream key",
    )
    .await;
    check_end(
        async |s: &mut Server| {
            s.welcome().await;
            close(s).await;
        },
        true,
        "stream key",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn servers_that_fall_silent() {
    // Each keeps its connection open and says nothing more; virtual time passes by itself.
    let quiet = || std::future::pending::<()>();
    let patience = Duration::from_secs(60);
    check_end(
        async |s: &mut Server| drop(timeout(patience, async { s.message().await }).await),
        false,
        "does not answer",
    )
    .await;
    check_end(
        async |s: &mut Server| {
            s.command("connect").await;
            drop(timeout(patience, quiet()).await);
        },
        false,
        "application",
    )
    .await;
    check_end(
        async |s: &mut Server| {
            s.command("connect").await;
            let answer = s.far.result(1.0, Value::Null);
            s.send(&answer).await;
            drop(timeout(patience, quiet()).await);
        },
        false,
        "the stream",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn garbage_is_lost() {
    check_end(
        async |s: &mut Server| s.send(b"SSH-2.0-OpenSSH_9.2\r\n").await,
        false,
        "not RTMP",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stops_reading_costs_packets_and_then_the_connection() {
    let mut source = Source::new();
    source.write(5_000);
    let mut run = run(&source, 16 << 10);
    run.server.welcome().await;
    // It reads nothing more. The reader holds 100 packets and begins to drop.
    for _ in 0..400 {
        source.write(5_000);
        tokio::task::yield_now().await;
    }
    let dropped = source.writer.channel().totals().dropped;
    assert!(dropped >= 400, "{dropped}");
    // It reads again: what comes next is a keyframe, and the loss is counted.
    let mut after_gap = false;
    let mut newest = 0;
    while let Ok(Some(message)) = timeout(Duration::from_secs(1), run.server.message()).await {
        if message.kind == kind::VIDEO {
            if message.timestamp > newest + 40 {
                after_gap = true;
                assert_eq!(message.data[0], 0x17, "after a gap comes a keyframe");
            }
            newest = message.timestamp;
        }
    }
    assert!(after_gap);
    assert_eq!(run.progress.dropped(), dropped);
    // Reading nothing for long is the end.
    for _ in 0..100 {
        source.write(5_000);
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    match run.task.await.unwrap() {
        Err(PublishError::Lost(text)) => assert!(text.contains("taken no data"), "{text}"),
        other => panic!("{other:?}"),
    }
}
