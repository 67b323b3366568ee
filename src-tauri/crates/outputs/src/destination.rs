//! A platform that takes the broadcast.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use media::{Channel, Clock, Start, Timestamp, Want};
use tokio::runtime::Handle;
use tokio::sync::watch;
use wire::{Progress, PublishError, Roots, rtmp, whip};

use crate::delay::{LONGEST_DELAY, Line};
use crate::supervise::{State, Supervised};

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

impl Target {
    /// What it takes of a channel.
    fn wants(&self) -> Want {
        match self {
            Self::Rtmp { .. } => Want::MP4,
            Self::Whip { .. } => Want::WEBRTC,
        }
    }
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

/// What is rarely changed.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Certificates trusted beside those that browsers trust.
    pub roots: Roots,
    /// How late the broadcast is sent; [`LONGEST_DELAY`] at most.
    pub delay: Duration,
    /// The channel's writer is told what the path carries, and may follow it, for all its readers. Only where the far
    /// end says what it carries (WHIP), and without a delay: what is encoded now would be sent too late.
    pub follow: bool,
}

/// Packets that wait for a slow destination: about five seconds of sound and picture. More wait
/// would be seen as delay; beyond it the reader drops to the next keyframe.
const QUEUE: usize = 400;

/// A channel on its way to a platform, until it is stopped or dropped. Dropping says goodbye in the
/// background; [`Self::stop`] waits for it.
#[derive(Debug)]
pub struct Destination {
    supervised: Supervised,
    /// When it was started, and how late it sends.
    since: Timestamp,
    delay: Duration,
    /// Whether the channel's writer is told what the path carries.
    follows: bool,
    /// What holds the broadcast back; gone when this is.
    line: Option<Line>,
}

impl Destination {
    /// Begins to publish `channel`. What comes of it shows in [`Self::state`].
    pub fn start(target: Target, channel: Arc<Channel>, clock: Clock, runtime: &Handle) -> Self {
        Self::start_with(target, Options::default(), channel, clock, runtime)
    }

    /// [`Self::start`] with [`Options`]. With a delay the platform is reached when that has passed; when
    /// the channel ends, what is still held back is sent before the publication ends.
    pub fn start_with(
        target: Target,
        options: Options,
        channel: Arc<Channel>,
        clock: Clock,
        runtime: &Handle,
    ) -> Self {
        let delay = options.delay.min(LONGEST_DELAY);
        let line = (!delay.is_zero())
            .then(|| Line::start(&channel, target.wants(), delay, clock, runtime))
            .and_then(|line| {
                line.inspect_err(|error| tracing::error!(%error, "nothing is delayed"))
                    .ok()
            });
        let channel = line.as_ref().map_or(channel, |l| Arc::clone(&l.channel));
        let begun = line.as_ref().map(Line::begun);
        let options = Options {
            follow: options.follow && line.is_none(),
            ..options
        };
        let follows = options.follow;
        let attempt = move |progress, stop: watch::Receiver<bool>| {
            let publishing = publish(
                target.clone(),
                options.clone(),
                &channel,
                clock,
                progress,
                stop.clone(),
            );
            let begun = begun.clone();
            async move {
                if let Some(begun) = begun
                    && !came(begun, stop).await
                {
                    return Ok(());
                }
                publishing.await
            }
        };
        Self {
            supervised: Supervised::start(attempt, clock, runtime),
            since: clock.now(),
            delay,
            follows,
            line,
        }
    }

    /// How it fares, now and from now on.
    pub fn state(&self) -> watch::Receiver<State> {
        self.supervised.state()
    }

    /// Bits carried in each of the last seconds up to `now`, the newest last; a minute at most.
    pub fn recent(&self, now: Timestamp) -> Vec<u64> {
        self.supervised.recent(now)
    }

    /// How late it sends.
    pub fn delay(&self) -> Duration {
        self.delay
    }

    /// Whether the channel's writer is told what the path carries, where that is seen.
    pub fn follows(&self) -> bool {
        self.follows
    }

    /// Takes nothing more of the channel: with a delay, what is held back is sent before it ends by itself.
    /// Without one nothing is held, and it is to be stopped.
    pub fn close(&self) {
        if let Some(line) = &self.line {
            line.close();
        }
    }

    /// When the first of the broadcast leaves: later than it was started when there is a delay.
    pub fn begins(&self) -> Timestamp {
        self.since + self.delay
    }

    /// Says goodbye and ends, within three seconds whatever the far end does.
    pub async fn stop(self) {
        self.supervised.stop().await;
    }
}

/// Waits for what is held back to come; `false` when it is stopped, or all is over, before.
async fn came(mut begun: watch::Receiver<bool>, mut stop: watch::Receiver<bool>) -> bool {
    tokio::select! {
        biased;
        // An error means that the sender is gone, which is a stop as well.
        _ = stop.wait_for(|stop| *stop) => false,
        begun = begun.wait_for(|begun| *begun) => begun.is_ok(),
    }
}

/// One attempt, with a reader of its own: its first picture is a keyframe.
fn publish(
    target: Target,
    options: Options,
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
                let options = rtmp::Options {
                    roots: options.roots,
                    ..rtmp::Options::default()
                };
                rtmp::publish_with(target, options, reader, clock, progress, stop).await
            }
            Target::Whip { url, bearer } => {
                // What has been shown already would only come late.
                let reader = channel.read(Want::WEBRTC, Start::Next, QUEUE);
                let target = whip::Target { url, bearer };
                let options = whip::Options {
                    roots: options.roots,
                    follow: options.follow,
                    ..whip::Options::default()
                };
                whip::publish_with(target, options, reader, clock, progress, stop).await
            }
        }
    }
}
