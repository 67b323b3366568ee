//! A channel as its viewers get it: every packet cut once, and the newest pictures for who joins.

use std::sync::Arc;
use std::time::Duration;

use media::{Channel, Kind, Next, Timestamp};

use super::payload::{Packetizer, Unit};

/// Who joins gets the current group of pictures when it began no longer ago than this, and waits
/// for a fresh keyframe when it did.
pub(crate) const FRESH: Duration = Duration::from_secs(1);

/// Steps between pictures that are caught up with: shown at once, so that joining adds no delay.
const CATCH_UP_STEP: Duration = Duration::from_millis(1);

/// A channel being watched.
#[derive(Debug)]
pub(crate) struct Feed {
    pub(crate) channel: Arc<Channel>,
    packetizer: Packetizer,
    group: Vec<Arc<Unit>>,
    ended: bool,
}

impl Feed {
    /// A feed that has read nothing yet.
    pub(crate) fn new(channel: Arc<Channel>) -> Self {
        Self {
            channel,
            packetizer: Packetizer::default(),
            group: Vec::new(),
            ended: false,
        }
    }

    /// Whether there is nothing more to send: the channel has ended, or has turned out to have
    /// B-frames, so that its viewers come again and are told.
    pub(crate) fn ended(&self) -> bool {
        self.ended
    }

    /// Takes what the reader got; gives what is to be sent to all.
    pub(crate) fn take(&mut self, next: Next) -> Option<Arc<Unit>> {
        match next {
            Next::Tracks(tracks) => {
                self.packetizer.set_tracks(&tracks);
                self.group.clear();
                None
            }
            Next::Gap(lost) => {
                tracing::debug!(lost, channel = %self.channel.name(), "the media thread fell behind");
                self.group.clear();
                self.channel.request_keyframe();
                None
            }
            Next::End => {
                self.ended = true;
                None
            }
            Next::Packet(_) if self.channel.reordered() => {
                self.ended = true;
                None
            }
            Next::Packet(packet) => {
                let unit = Arc::new(self.packetizer.unit(&packet)?);
                self.keep(&unit);
                Some(unit)
            }
        }
    }

    fn keep(&mut self, unit: &Arc<Unit>) {
        if unit.kind != Kind::Video {
            return;
        }
        if unit.keyframe {
            self.group.clear();
        } else if self
            .group
            .first()
            .is_none_or(|key| unit.pts.since(key.pts) > FRESH)
        {
            // Too old to begin with, and it only grows older.
            self.group.clear();
            return;
        }
        self.group.push(Arc::clone(unit));
    }

    /// The pictures that bring a viewer who joins `now` up to the newest one, and when each is to be
    /// shown; empty, with a keyframe asked for, when there is none fresh enough.
    ///
    /// Only the newest keeps its time. The others lie just before it, so that a player decodes them in
    /// one go instead of showing the past and staying behind by it.
    pub(crate) fn catch_up(&self, now: Timestamp) -> Vec<(Arc<Unit>, Timestamp)> {
        let fresh = self
            .group
            .first()
            .is_some_and(|key| now.since(key.pts) <= FRESH);
        let Some(newest) = self.group.last().filter(|_| fresh) else {
            if self.packetizer.has_video() {
                self.channel.request_keyframe();
            }
            return Vec::new();
        };
        let count = u32::try_from(self.group.len()).unwrap_or(u32::MAX);
        let units = self.group.iter().zip((0..count).rev());
        units
            .map(|(unit, behind)| (Arc::clone(unit), newest.pts - CATCH_UP_STEP * behind))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use media::{ChannelInfo, ChannelName, Config, Hub, Origin, Packet, Track, TrackId, Writer};

    fn channel() -> (Writer, Feed) {
        let info = ChannelInfo {
            origin: Origin::Program,
            title: String::new(),
        };
        let hub = Hub::new(1);
        let mut writer = hub
            .publish(ChannelName::program(), info, Timestamp::ZERO)
            .unwrap();
        let mut feed = Feed::new(Arc::clone(writer.channel()));
        let track = Track {
            id: TrackId(0),
            config: Config::H264 {
                sps: Bytes::from_static(&[0x67, 0x42, 0xe0, 0x1f]),
                pps: Bytes::from_static(&[0x68]),
                width: 16,
                height: 16,
                fps_millis: 30_000,
            },
            bitrate: 0,
        };
        writer.set_tracks(vec![track.clone()]);
        assert!(feed.take(Next::Tracks([track].into())).is_none());
        (writer, feed)
    }

    fn picture(at: i64, keyframe: bool) -> Next {
        let pts = Timestamp::from_millis(at);
        Next::Packet(Packet {
            track: TrackId(0),
            pts,
            dts: pts,
            keyframe,
            data: Bytes::from_static(&[0, 0, 0, 2, 0x41, 0]),
        })
    }

    #[test]
    fn who_joins_soon_after_a_keyframe_catches_up_without_delay() {
        let (writer, mut feed) = channel();
        for (at, key) in [
            (0, true),
            (33, false),
            (66, true),
            (100, false),
            (133, false),
        ] {
            assert!(feed.take(picture(at, key)).is_some());
        }
        let shown: Vec<i64> = feed
            .catch_up(Timestamp::from_millis(150))
            .iter()
            .map(|(_, at)| at.millis())
            .collect();
        assert_eq!(shown, [131, 132, 133]);
        assert!(!writer.signals(Timestamp::ZERO).keyframe);
    }

    #[test]
    fn pictures_out_of_order_end_it() {
        let (mut writer, mut feed) = channel();
        let Next::Packet(first) = picture(80, true) else {
            unreachable!()
        };
        let Next::Packet(second) = picture(40, false) else {
            unreachable!()
        };
        writer.write(first.clone());
        assert!(feed.take(Next::Packet(first)).is_some());
        writer.write(second.clone());
        assert!(feed.take(Next::Packet(second)).is_none());
        assert!(feed.ended());
    }

    #[test]
    fn who_joins_late_waits_for_a_keyframe() {
        let (writer, mut feed) = channel();
        feed.take(picture(0, true));
        assert!(feed.catch_up(Timestamp::from_millis(1_001)).is_empty());
        assert!(writer.signals(Timestamp::ZERO).keyframe, "asked for");
        feed.take(picture(1_033, false));
        assert!(feed.group.is_empty(), "too old to keep");
    }
}
