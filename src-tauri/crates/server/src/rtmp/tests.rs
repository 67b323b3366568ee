use std::sync::Arc;

use bytes::Bytes;
use media::{
    ChannelInfo, Clock, Config as Codec, Hub, Next, Packet, Start, Timestamp, Track, TrackId, Want,
    Writer,
};
use store::Store;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use wire::rtmp::{Target, publish};
use wire::{Progress, PublishError};

use super::*;
use crate::testing::{FakeControl, PATIENCE, TOKEN};
use crate::{Config, Control, Options, Parts, Policy, Rules, StartError, Station, start_with};

fn config() -> Config {
    Config {
        http: "127.0.0.1:0".parse().unwrap(),
        https: None,
        rtmp: "127.0.0.1:0".parse().ok(),
        media_udp: "127.0.0.1:0".parse().unwrap(),
        external: Vec::new(),
        control_token: TOKEN.into(),
        data_dir: std::env::temp_dir(),
    }
}

async fn station(config: Config, policy: Policy) -> Result<(Station, Hub), StartError> {
    let hub = Hub::new(4);
    let parts = Parts {
        hub: hub.clone(),
        clock: Clock::start(),
        store: Arc::new(Store::in_memory().unwrap()),
        timelines: Arc::default(),
        control: FakeControl::new() as Arc<dyn Control>,
    };
    let options = Options {
        rules: Rules {
            policy,
            ..Rules::default()
        },
        ..Options::default()
    };
    Ok((start_with(config, options, parts).await?, hub))
}

/// A channel of sound that another station would publish here.
struct Source {
    clock: Clock,
    writer: Writer,
}

impl Source {
    fn new() -> Self {
        let info = ChannelInfo {
            origin: Origin::Program,
            title: String::new(),
        };
        let clock = Clock::start();
        let name = ChannelName::program();
        let mut writer = Hub::new(1).publish(name, info, clock.now()).unwrap();
        writer.set_tracks(vec![Track {
            id: TrackId(0),
            config: Codec::Aac {
                asc: Bytes::from_static(&[0x11, 0x90]),
                sample_rate: 48_000,
                channels: 2,
            },
            bitrate: 128_000,
        }]);
        Self { clock, writer }
    }

    fn publish(&self, to: &Station, app: &str, key: &str) -> Publishing {
        let (stop, stopped) = watch::channel(false);
        let target = Target {
            url: format!("rtmp://{}/{app}", to.rtmp_addr().unwrap()),
            key: key.into(),
        };
        let reader = self.writer.channel().read(Want::MP4, Start::Group, 256);
        let work = publish(
            target,
            reader,
            self.clock,
            Arc::new(Progress::default()),
            stopped,
        );
        Publishing {
            stop,
            task: tokio::spawn(work),
        }
    }
}

struct Publishing {
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<(), PublishError>>,
}

impl Publishing {
    async fn ended(self) -> Result<(), PublishError> {
        timeout(PATIENCE, self.task)
            .await
            .expect("it ends")
            .unwrap()
    }
}

async fn live(hub: &Hub, name: &str) -> Arc<media::Channel> {
    let name: ChannelName = name.parse().unwrap();
    let mut changes = hub.watch();
    let came = async {
        loop {
            if let Some(channel) = hub.channel(&name) {
                return channel;
            }
            changes.changed().await.unwrap();
        }
    };
    timeout(PATIENCE, came).await.expect("it is live")
}

#[tokio::test]
async fn a_channel_is_live_as_long_as_its_publisher() {
    let (station, hub) = station(config(), Policy::Open).await.unwrap();
    let mut source = Source::new();
    let publishing = source.publish(&station, "live", "stage");
    let channel = live(&hub, "stage").await;
    assert_eq!(channel.origin(), Origin::Rtmp);
    let mut reader = channel.read(Want::MP4, Start::Next, 256);
    // Two seconds at once are patience enough for the client, which then sends them.
    for n in 0..120 {
        let at = Timestamp::from_ticks(n * 1_024, 48_000);
        source.writer.write(Packet {
            track: TrackId(0),
            pts: at,
            dts: at,
            keyframe: true,
            data: Bytes::from(vec![n as u8; 100]),
        });
    }
    let heard = async {
        loop {
            if let Next::Packet(packet) = reader.next().await {
                return packet;
            }
        }
    };
    let packet = timeout(PATIENCE, heard).await.expect("sound comes through");
    assert_eq!(packet.data[..], [0; 100]);
    publishing.stop.send_replace(true);
    assert_eq!(publishing.ended().await, Ok(()));
    let over = async { while reader.next().await != Next::End {} };
    timeout(PATIENCE, over)
        .await
        .expect("it ends with its publisher");
    station.shutdown().await;
}

#[tokio::test]
async fn who_is_refused_reads_why() {
    let (station, hub) = station(config(), Policy::Keyed).await.unwrap();
    let source = Source::new();
    let first = source.publish(&station, "live", &format!("stage?key={TOKEN}"));
    live(&hub, "stage").await;
    for (app, key, word) in [
        ("live", "other".to_owned(), "key"),
        ("live", "other?key=wrong".to_owned(), "key"),
        ("live", format!("stage?key={TOKEN}"), "already"),
        ("live", format!("two.words?key={TOKEN}"), "letters, digits"),
        ("else", "other".to_owned(), "rtmp://…/live"),
    ] {
        let refused = source.publish(&station, app, &key).ended().await;
        let Err(PublishError::Refused(text) | PublishError::WrongKey(text)) = &refused else {
            panic!("{key}: {refused:?}");
        };
        assert!(text.contains(word), "{key}: {text}");
    }
    assert!(!first.task.is_finished(), "the first goes on");
    station.shutdown().await;
    let told = first.ended().await;
    assert!(
        matches!(&told, Err(PublishError::Refused(text)) if text.contains("has ended")),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_taken_port_is_named_with_its_setting() {
    let (running, _hub) = station(config(), Policy::Open).await.unwrap();
    let taken = Config {
        rtmp: running.rtmp_addr(),
        ..config()
    };
    let text = match station(taken, Policy::Open).await {
        Err(error) => error.to_string(),
        Ok(_) => panic!("two stations on one port"),
    };
    assert!(
        text.contains("RTMP port") && text.contains("server.rtmp"),
        "{text}"
    );
    running.shutdown().await;
}

#[test]
fn stream_keys() {
    for (stream, expect) in [
        ("stage", Some(("stage", None))),
        ("stage?key=abc", Some(("stage", Some("abc")))),
        ("stage?token=abc", Some(("stage", Some("abc")))),
        ("stage?bandwidth=1&key=a=b&x", Some(("stage", Some("a=b")))),
        ("stage?key=", Some(("stage", None))),
        ("/stage/", Some(("stage", None))),
        ("", None),
        ("?key=abc", None),
        ("two words", None),
        ("a/b", None),
    ] {
        let found = name_and_key(stream).ok();
        let found = found.as_ref().map(|(name, key)| (name.as_str(), *key));
        assert_eq!(found, expect, "{stream:?}");
    }
}
