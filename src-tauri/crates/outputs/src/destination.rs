//! A platform that takes the broadcast.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use media::{Channel, Clock, Start, Want};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use wire::{Progress, PublishError, rtmp, whip};

use crate::supervise::{State, supervise};

/// Where to publish.
#[derive(Clone, PartialEq, Eq)]
pub enum Target {
    /// RTMP or RTMPS.
    Rtmp {
        /// `rtmp://host[:port]/app`, with the stream key appended when `key` is empty.
        url: String,
        /// The stream key.
        key: String,
    },
    /// WHIP (RFC 9725).
    Whip {
        /// The endpoint: `http://…` or `https://…`.
        url: String,
        /// The bearer token; empty for none.
        bearer: String,
    },
}

impl fmt::Debug for Target {
    /// Says which protocol, and nothing secret: addresses may hold keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rtmp { .. } => f.write_str("Rtmp { .. }"),
            Self::Whip { .. } => f.write_str("Whip { .. }"),
        }
    }
}

/// Packets that wait for a slow destination: about five seconds of sound and picture. More wait
/// would be seen as delay; beyond it the reader drops to the next keyframe.
const QUEUE: usize = 400;

/// How long a stop may take, with the goodbye to the far end.
const STOPPING: Duration = Duration::from_secs(3);

/// A channel on its way to a platform, until it is stopped or dropped. Dropping says goodbye in the
/// background; [`Self::stop`] waits for it.
#[derive(Debug)]
pub struct Destination {
    state: watch::Receiver<State>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Destination {
    /// Begins to publish `channel`. What comes of it shows in [`Self::state`].
    pub fn start(target: Target, channel: Arc<Channel>, clock: Clock, runtime: &Handle) -> Self {
        Self::start_with(target, rtmp::Options::default(), channel, clock, runtime)
    }

    /// [`Self::start`] with options for RTMP: other time-outs, more trusted certificates.
    pub fn start_with(
        target: Target,
        options: rtmp::Options,
        channel: Arc<Channel>,
        clock: Clock,
        runtime: &Handle,
    ) -> Self {
        let (sender, state) = watch::channel(State::Connecting);
        let (stop, stopped) = watch::channel(false);
        let stopping = stopped.clone();
        let attempt = move |progress| {
            publish(
                target.clone(),
                options.clone(),
                &channel,
                clock,
                progress,
                stopping.clone(),
            )
        };
        let task = runtime.spawn(supervise(attempt, clock, sender, stopped, chance));
        Self { state, stop, task }
    }

    /// How it fares, now and from now on.
    pub fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Says goodbye and ends, within three seconds whatever the far end does.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if timeout(STOPPING, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

/// One attempt, with a reader of its own: its first picture is a keyframe.
fn publish(
    target: Target,
    options: rtmp::Options,
    channel: &Arc<Channel>,
    clock: Clock,
    progress: Arc<Progress>,
    stop: watch::Receiver<bool>,
) -> impl Future<Output = Result<(), PublishError>> + Send + use<> {
    let channel = Arc::clone(channel);
    async move {
        match target {
            Target::Rtmp { url, key } => {
                let reader = channel.read(Want::MP4, Start::Group, QUEUE);
                let target = rtmp::Target { url, key };
                rtmp::publish_with(target, options, reader, clock, progress, stop).await
            }
            Target::Whip { url, bearer } => {
                // What has been shown already would only come late.
                let reader = channel.read(Want::WEBRTC, Start::Next, QUEUE);
                let target = whip::Target { url, bearer };
                whip::publish(target, reader, clock, progress, stop).await
            }
        }
    }
}

/// A random number; without randomness everybody waits equally long, which does no harm.
fn chance() -> u32 {
    getrandom::u32().unwrap_or(u32::MAX / 2)
}
