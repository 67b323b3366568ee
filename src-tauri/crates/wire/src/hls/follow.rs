//! Keeps a packager fed from the hub.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use media::{Channel, Clock, Next, Start, Timestamp, Want};
use tokio::sync::watch;

use super::stream::{File, Options, Stream};

/// Packets that wait when packaging falls behind; several segments' worth.
const QUEUE: usize = 1_024;

/// The files of a channel as they are now. Reading never waits for the packager.
#[derive(Clone, Debug)]
pub struct Live {
    files: watch::Receiver<Arc<BTreeMap<String, File>>>,
}

impl Live {
    /// The file of this name. Before the first segment is whole there is none.
    pub fn file(&self, name: &str) -> Option<File> {
        self.files.borrow().get(name).cloned()
    }

    /// Waits until there is something to play; false when the channel ended before.
    pub async fn ready(&self) -> bool {
        let mut files = self.files.clone();
        files.wait_for(|files| !files.is_empty()).await.is_ok()
    }

    /// Waits for the next change of the playlist; false when there will be none.
    pub async fn changed(&mut self) -> bool {
        self.files.changed().await.is_ok()
    }
}

/// Packages a channel from its current group of pictures on.
///
/// The future does the work, and ends with the channel or when the last [`Live`] is dropped; spawn
/// it. The files of an ended channel stay, its playlist closed, as long as somebody holds the
/// [`Live`].
pub fn follow(channel: &Arc<Channel>, clock: &Clock) -> (Live, impl Future<Output = ()> + use<>) {
    let mut reader = channel.read(Want::MP4, Start::Group, QUEUE);
    let epoch = clock.unix_millis(Timestamp::ZERO);
    let options = Options {
        epoch,
        run: u64::try_from(epoch.saturating_add(channel.since().millis())).unwrap_or(0),
        ..Options::default()
    };
    let (sender, files) = watch::channel(Arc::default());
    let work = async move {
        let mut stream = Stream::new(options);
        loop {
            let next = tokio::select! {
                () = sender.closed() => break,
                next = reader.next() => next,
            };
            let end = next == Next::End;
            if stream.push(next) {
                sender.send_replace(Arc::new(stream.files().into_iter().collect()));
            }
            if end {
                break;
            }
            if stream.wants_keyframe() {
                reader.channel().request_keyframe();
            }
        }
    };
    (Live { files }, work)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use media::{ChannelInfo, ChannelName, Hub, Origin, Writer};

    fn writer() -> Writer {
        let info = ChannelInfo {
            origin: Origin::Program,
            title: String::new(),
        };
        let hub = Hub::new(1);
        let mut writer = hub
            .publish(ChannelName::program(), info, Timestamp::ZERO)
            .unwrap();
        writer.set_tracks(vec![testing::video(0), testing::opus(2), testing::audio(1)]);
        writer
    }

    fn play(writer: &mut Writer, millis: std::ops::Range<i64>) {
        for at in millis.step_by(40) {
            let time = Timestamp::from_millis(at);
            writer.write(testing::packet(0, time, at % 2_000 == 0, 500));
            writer.write(testing::packet(1, time, true, 100));
            writer.write(testing::packet(2, time, true, 100));
        }
    }

    #[tokio::test]
    async fn files_come_and_stay_after_the_end() {
        let mut writer = writer();
        let (live, work) = follow(writer.channel(), &Clock::start());
        let task = tokio::spawn(work);
        assert_eq!(live.file(super::super::INDEX), None);
        play(&mut writer, 0..5_000);
        assert!(live.ready().await);
        let index = live.file(super::super::INDEX).unwrap();
        assert!(!index.immutable);
        let text = String::from_utf8(index.body.to_vec()).unwrap();
        assert!(text.contains("avc1.42C01F,mp4a.40.2"), "{text}");
        drop(writer);
        task.await.unwrap();
        let media = live.file(super::super::MEDIA).unwrap();
        assert!(media.body.ends_with(b"#EXT-X-ENDLIST\n"));
    }

    #[tokio::test]
    async fn a_channel_without_a_picture_yet_is_asked_for_one() {
        let mut writer = writer();
        let (_live, work) = follow(writer.channel(), &Clock::start());
        let task = tokio::spawn(work);
        let time = Timestamp::from_millis(5);
        writer.write(testing::packet(1, time, true, 100));
        writer.signalled().await;
        assert!(writer.signals(time).keyframe);
        drop(writer);
        task.await.unwrap();
    }

    #[tokio::test]
    async fn nobody_looking_ends_the_work() {
        let writer = writer();
        let (live, work) = follow(writer.channel(), &Clock::start());
        drop(live);
        work.await;
        let (live, work) = follow(writer.channel(), &Clock::start());
        drop(writer);
        work.await;
        assert!(!live.ready().await);
    }
}
