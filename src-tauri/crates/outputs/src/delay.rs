//! A delay line: a channel again, some time later.
//!
//! Whoever reads the later channel is a reader as any other: its packets carry the later time, so that
//! nothing downstream knows of the delay.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use media::{
    Channel, ChannelInfo, Clock, Hub, HubError, Next, Packet, Start, Timestamp, Want, Writer,
};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// The longest delay.
pub const LONGEST_DELAY: Duration = Duration::from_secs(300);

/// Bytes that a line holds at most: five minutes at 13 Mbps. Beyond that packets leave early, and the
/// delay is shorter than it was asked for.
const MOST: usize = 512 << 20;

/// Packets that wait to be taken into the line. It does nothing but take them.
const INTAKE: usize = 1_000;

/// A channel that is a while behind another.
#[derive(Debug)]
pub(crate) struct Line {
    /// The later channel.
    pub(crate) channel: Arc<Channel>,
    /// Whether anything has come out yet.
    begun: watch::Receiver<bool>,
    /// Whether nothing more is taken in.
    closed: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Line {
    /// Begins to hold back what `want` takes of `channel`. The later channel ends that long after it.
    pub(crate) fn start(
        channel: &Arc<Channel>,
        want: Want,
        delay: Duration,
        clock: Clock,
        runtime: &Handle,
    ) -> Result<Self, HubError> {
        let info = ChannelInfo {
            origin: channel.origin(),
            title: channel.title(),
        };
        // A hub of its own: no reader of the house finds the later channel.
        let writer = Hub::new(1).publish(channel.name().clone(), info, clock.now())?;
        let later = Arc::clone(writer.channel());
        let (out, begun) = watch::channel(false);
        let (closed, close) = watch::channel(false);
        let reader = channel.read(want, Start::Group, INTAKE);
        let delay = delay.min(LONGEST_DELAY);
        let task = runtime.spawn(run(reader, writer, Held::new(delay), clock, out, close));
        Ok(Self {
            channel: later,
            begun,
            closed,
            task,
        })
    }

    /// Takes nothing more in; the later channel ends when what is held has come out.
    pub(crate) fn close(&self) {
        self.closed.send_replace(true);
    }

    /// What resolves when the first packet has come out.
    pub(crate) fn begun(&self) -> watch::Receiver<bool> {
        self.begun.clone()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(
    mut reader: media::Reader,
    mut writer: Writer,
    mut held: Held,
    clock: Clock,
    begun: watch::Sender<bool>,
    mut close: watch::Receiver<bool>,
) {
    let mut ended = false;
    loop {
        let now = clock.now();
        while let Some(next) = held.take(now) {
            if matches!(next, Next::Packet(_)) {
                begun.send_if_modified(|begun| !std::mem::replace(begun, true));
            }
            write(&mut writer, next);
        }
        let wait = held.wait(now);
        if ended && wait.is_none() {
            return;
        }
        tokio::select! {
            biased;
            next = reader.next(), if !ended => match next {
                Next::End => ended = true,
                next => held.push(next, clock.now()),
            },
            // After what was written until then. An error means that the line is gone, and this with it.
            _ = close.wait_for(|close| *close), if !ended => ended = true,
            () = sleep(wait.unwrap_or_default()), if wait.is_some() => {}
        }
    }
}

/// What comes out goes on. A gap says nothing here: what follows it begins with a keyframe.
fn write(writer: &mut Writer, next: Next) {
    match next {
        Next::Tracks(tracks) => writer.set_tracks(tracks.to_vec()),
        Next::Packet(packet) => writer.write(packet),
        Next::Gap(_) | Next::End => {}
    }
}

/// What is held back, in its order.
#[derive(Debug)]
struct Held {
    delay: Duration,
    most: usize,
    items: VecDeque<(Timestamp, Next)>,
    bytes: usize,
    /// The newest that is due.
    newest: Timestamp,
}

impl Held {
    fn new(delay: Duration) -> Self {
        Self {
            delay,
            most: MOST,
            items: VecDeque::new(),
            bytes: 0,
            newest: Timestamp::ZERO,
        }
    }

    /// Takes something in, `now`. A packet is due when its own time and the delay have passed.
    fn push(&mut self, next: Next, now: Timestamp) {
        let (due, next) = match next {
            Next::Packet(packet) => {
                let due = packet.dts + self.delay;
                self.bytes += packet.data.len();
                let later = Packet {
                    pts: packet.pts + self.delay,
                    dts: due,
                    ..packet
                };
                (due, Next::Packet(later))
            }
            // The first tracks come out at once: whoever connects has to know them.
            Next::Tracks(_) if self.newest == Timestamp::ZERO => (now, next),
            next => (now + self.delay, next),
        };
        // Sound and picture are not exactly in step; the order they came in stays.
        self.newest = self.newest.max(due);
        self.items.push_back((self.newest, next));
    }

    /// The next one that is due, or that there is no more room for.
    fn take(&mut self, now: Timestamp) -> Option<Next> {
        let (due, _) = self.items.front()?;
        if *due > now && self.bytes <= self.most {
            return None;
        }
        let (_, next) = self.items.pop_front()?;
        if let Next::Packet(packet) = &next {
            self.bytes -= packet.data.len();
        }
        Some(next)
    }

    /// How long until something is due; `None` when nothing is held.
    fn wait(&self, now: Timestamp) -> Option<Duration> {
        self.items.front().map(|(due, _)| due.since(now))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use media::{ChannelName, Config, Origin, Track, TrackId};

    use super::*;

    const DELAY: Duration = Duration::from_secs(5);

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    fn packet(track: u8, ms: i64, bytes: usize) -> Next {
        Next::Packet(Packet {
            track: TrackId(track),
            pts: at(ms + 10),
            dts: at(ms),
            keyframe: ms == 0,
            data: Bytes::from(vec![0; bytes]),
        })
    }

    fn times(held: &mut Held, now: Timestamp) -> Vec<i64> {
        std::iter::from_fn(|| held.take(now))
            .filter_map(|next| match next {
                Next::Packet(packet) => Some(packet.dts.ticks(1_000)),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn packets_come_out_in_their_order_when_they_are_due() {
        let mut held = Held::new(DELAY);
        held.push(Next::Tracks(Arc::from([])), at(1_000));
        assert!(matches!(held.take(at(1_000)), Some(Next::Tracks(_))));
        for (track, ms) in [(0, 0), (1, 20), (0, 33), (1, 25), (0, 66)] {
            held.push(packet(track, ms, 100), at(1_000));
        }
        assert!(times(&mut held, at(4_999)).is_empty());
        assert_eq!(held.wait(at(4_000)), Some(Duration::from_secs(1)));
        assert_eq!(times(&mut held, at(5_020)), [5_000, 5_020]);
        // The one that came after 33 does not overtake it.
        assert!(times(&mut held, at(5_030)).is_empty());
        assert_eq!(times(&mut held, at(9_000)), [5_033, 5_025, 5_066]);
        assert_eq!((held.bytes, held.wait(at(9_000))), (0, None));
    }

    #[test]
    fn what_there_is_no_room_for_leaves_early() {
        let mut held = Held::new(DELAY);
        held.most = 1_000;
        for n in 0..50 {
            held.push(packet(0, n, 100), at(n));
            times(&mut held, at(n));
            assert!(held.bytes <= 1_000, "{}", held.bytes);
        }
        assert_eq!(held.items.len(), 10);
    }

    #[tokio::test]
    async fn the_later_channel_has_all_of_it_and_then_ends() {
        for closed in [false, true] {
            all_of_it(closed).await;
        }
    }

    /// Five packets through a line; then the channel ends, or the line is closed while it goes on.
    async fn all_of_it(closed: bool) {
        let clock = Clock::start();
        let info = ChannelInfo {
            origin: Origin::Program,
            title: "Show".into(),
        };
        let hub = Hub::new(1);
        let mut writer = hub
            .publish(ChannelName::program(), info, clock.now())
            .unwrap();
        writer.set_tracks(vec![Track {
            id: TrackId(0),
            config: Config::Aac {
                asc: Bytes::from_static(&[0x11, 0x90]),
                sample_rate: 48_000,
                channels: 2,
            },
            bitrate: 128_000,
        }]);
        let delay = Duration::from_millis(40);
        let line = Line::start(
            writer.channel(),
            Want::MP4,
            delay,
            clock,
            &Handle::current(),
        )
        .unwrap();
        let mut reader = line.channel.read(Want::MP4, Start::Group, 100);
        let mut begun = line.begun();
        assert!(!*begun.borrow());
        let first = clock.now();
        for n in 0..5 {
            let time = first + Duration::from_millis(n);
            writer.write(Packet {
                track: TrackId(0),
                pts: time,
                dts: time,
                keyframe: true,
                data: Bytes::from_static(b"sound"),
            });
        }
        let writer = if closed {
            line.close();
            Some(writer)
        } else {
            drop(writer);
            None
        };
        let mut came = Vec::new();
        loop {
            match reader.next().await {
                Next::Packet(packet) => {
                    assert!(clock.now() >= packet.dts, "not before its time");
                    came.push(packet.dts.since(first));
                }
                Next::End => break,
                Next::Tracks(_) | Next::Gap(_) => {}
            }
        }
        let expect: Vec<_> = (0..5).map(|n| delay + Duration::from_millis(n)).collect();
        assert_eq!(came, expect);
        drop(writer);
        assert!(begun.wait_for(|begun| *begun).await.is_ok());
    }
}
