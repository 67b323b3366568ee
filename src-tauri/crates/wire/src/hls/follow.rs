//! Keeps a packager fed from the hub.

use std::future::Future;
use std::sync::{Arc, OnceLock};

use media::{Channel, Clock, Next, Start, Timestamp, Want};
use tokio::sync::watch;

use super::stream::{Contents, Edge, File, Options, Stream};
use super::{INDEX, MEDIA};

/// Packets that wait when packaging falls behind; several segments' worth.
const QUEUE: usize = 1_024;

const PLAYLIST_TYPE: &str = "application/vnd.apple.mpegurl";

/// The files of a channel as they are now. Reading never waits for the packager, but where it says so.
#[derive(Clone, Debug)]
pub struct Live {
    shown: watch::Receiver<Arc<Shown>>,
}

/// What the packager has made. Playlists are written when somebody asks, as media is.
#[derive(Debug, Default)]
struct Shown {
    contents: Option<Contents>,
    ended: bool,
    written: OnceLock<Written>,
}

#[derive(Debug, Default)]
struct Written {
    index: Option<File>,
    media: Option<File>,
    delta: Option<File>,
}

impl Shown {
    fn of(stream: &Stream, ended: bool) -> Self {
        Self {
            contents: Some(stream.contents()),
            ended,
            written: OnceLock::new(),
        }
    }

    fn file(&self, name: &str) -> Option<File> {
        match name {
            INDEX => self.written().index.clone(),
            MEDIA => self.written().media.clone(),
            _ => self.contents.as_ref()?.media(name),
        }
    }

    fn written(&self) -> &Written {
        let file = |text: String| File {
            content_type: PLAYLIST_TYPE,
            immutable: false,
            body: text.into(),
        };
        self.written.get_or_init(|| match &self.contents {
            None => Written::default(),
            Some(contents) => Written {
                index: contents.multivariant().map(file),
                media: contents.playlist().map(file),
                delta: contents.delta().map(file),
            },
        })
    }

    fn is_ready(&self) -> bool {
        self.contents.as_ref().is_some_and(Contents::is_ready)
    }

    fn edge(&self) -> Option<Edge> {
        self.contents.as_ref().and_then(Contents::edge)
    }

    fn hint(&self) -> Option<String> {
        self.contents.as_ref().and_then(Contents::hint)
    }
}

impl Live {
    /// The file of this name. Before the first segment is whole there is none.
    pub fn file(&self, name: &str) -> Option<File> {
        self.now().file(name)
    }

    /// The media playlist without what somebody knows who has followed so far; whole where there is
    /// nothing to leave out.
    pub fn delta(&self) -> Option<File> {
        let now = self.now();
        let Written { media, delta, .. } = now.written();
        delta.as_ref().or(media.as_ref()).cloned()
    }

    /// The file of this name, waited for where it is the part that comes next. `None` when there is
    /// none, and when it turned out that there will be none.
    pub async fn hinted(&self, name: &str) -> Option<File> {
        let mut shown = self.shown.clone();
        let came = |s: &Arc<Shown>| s.hint().as_deref() != Some(name);
        // Nothing follows once the packager has gone.
        let _gone = shown.wait_for(came).await.is_err();
        self.file(name)
    }

    /// How far the channel has come; `None` where it has no parts, or has ended.
    pub fn edge(&self) -> Option<Edge> {
        let shown = self.shown.borrow();
        shown.edge().filter(|_| !shown.ended)
    }

    /// Waits until the channel has come as far as this, or has ended.
    pub async fn reached(&self, edge: Edge) {
        let mut shown = self.shown.clone();
        let there = |s: &Arc<Shown>| s.ended || s.edge().is_none_or(|at| at >= edge);
        let _gone = shown.wait_for(there).await.is_err();
    }

    /// Waits until there is something to play; false when the channel ended before.
    pub async fn ready(&self) -> bool {
        let mut shown = self.shown.clone();
        shown.wait_for(|s| s.is_ready()).await.is_ok()
    }

    /// Waits for the next change of the playlist; false when there will be none.
    pub async fn changed(&mut self) -> bool {
        self.shown.changed().await.is_ok()
    }

    /// Not held while files are written, so that the packager goes on meanwhile.
    fn now(&self) -> Arc<Shown> {
        Arc::clone(&self.shown.borrow())
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
    let (sender, shown) = watch::channel(Arc::default());
    let work = async move {
        let mut stream = Stream::new(options);
        loop {
            let next = tokio::select! {
                () = sender.closed() => break,
                next = reader.next_due(stream.due()) => next,
            };
            let end = next == Next::End;
            if stream.push(next) {
                sender.send_replace(Arc::new(Shown::of(&stream, end)));
            }
            if end {
                break;
            }
            if stream.wants_keyframe() {
                reader.channel().request_keyframe();
            }
        }
    };
    (Live { shown }, work)
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
        let text = String::from_utf8(index.body.to_bytes().to_vec()).unwrap();
        assert!(text.contains("avc1.42C01F,mp4a.40.2"), "{text}");
        drop(writer);
        task.await.unwrap();
        let media = live.file(super::super::MEDIA).unwrap();
        assert!(media.body.to_bytes().ends_with(b"#EXT-X-ENDLIST\n"));
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
