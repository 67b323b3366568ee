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
