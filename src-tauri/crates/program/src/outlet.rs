//! The one place where encoded sound and picture leave for the hub.

use std::sync::atomic::{AtomicBool, Ordering};

use media::{Packet, Timestamp, Track, TrackId, Writer};
use parking_lot::Mutex;

/// Track numbers of the program's channel.
pub(crate) const VIDEO: TrackId = TrackId(0);
pub(crate) const OPUS: TrackId = TrackId(1);
pub(crate) const AAC: TrackId = TrackId(2);

/// The program's way into the hub. The video encoder and the mixer both write here; it opens when
/// the broadcast begins and tells the hub its tracks once, when all of them are known.
#[derive(Debug, Default)]
pub(crate) struct Outlet {
    open: AtomicBool,
    state: Mutex<Option<Broadcast>>,
}

#[derive(Debug)]
struct Broadcast {
    number: u64,
    writer: Writer,
    audio: Vec<Track>,
    video: Option<Track>,
}

impl Outlet {
    /// Begins a broadcast with the sound tracks known already. `number` tells it from earlier ones.
    pub(crate) fn begin(&self, number: u64, writer: Writer, audio: Vec<Track>) {
        *self.state.lock() = Some(Broadcast {
            number,
            writer,
            audio,
            video: None,
        });
        self.open.store(true, Ordering::Release);
    }

    /// Ends the broadcast: its channel is gone from the hub when this returns.
    pub(crate) fn end(&self) {
        self.open.store(false, Ordering::Release);
        drop(self.state.lock().take());
    }

    /// Whether a broadcast is on; cheap.
    pub(crate) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    /// The broadcast that is on.
    pub(crate) fn number(&self) -> Option<u64> {
        self.state.lock().as_ref().map(|b| b.number)
    }

    /// Whether a reader wants a keyframe, granted at most once a second.
    pub(crate) fn keyframe_wanted(&self, now: Timestamp) -> bool {
        let state = self.state.lock();
        state
            .as_ref()
            .is_some_and(|b| b.writer.signals(now).keyframe)
    }

    /// Says what the video track is; announces all tracks when it is new or has changed.
    pub(crate) fn set_video(&self, track: Track) {
        if let Some(broadcast) = self.state.lock().as_mut()
            && broadcast.video.as_ref() != Some(&track)
        {
            let mut tracks = vec![track.clone()];
            tracks.extend(broadcast.audio.iter().cloned());
            broadcast.video = Some(track);
            broadcast.writer.set_tracks(tracks);
        }
    }

    /// Hands a packet to the hub. Sound waits for the picture's configuration, so that readers
    /// learn all tracks at once: what comes before is dropped.
    pub(crate) fn write(&self, packet: Packet) {
        if let Some(broadcast) = self.state.lock().as_mut()
            && broadcast.video.is_some()
        {
            broadcast.writer.write(packet);
        }
    }

    /// Changes what people read of the broadcast.
    pub(crate) fn set_title(&self, title: &str) {
        if let Some(broadcast) = self.state.lock().as_mut() {
            broadcast.writer.set_title(title.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use media::{ChannelInfo, ChannelName, Config, Hub, Kind, Next, Origin, Start, Want};

    #[test]
    fn tracks_are_announced_once_and_sound_waits_for_them() {
        let hub = Hub::new(1);
        let info = ChannelInfo {
            origin: Origin::Program,
            title: "Show".into(),
        };
        let writer = hub
            .publish(ChannelName::program(), info, Timestamp::ZERO)
            .unwrap();
        let outlet = Outlet::default();
        let opus = Config::Opus {
            channels: 2,
            pre_skip: 312,
        };
        let audio = vec![Track {
            id: OPUS,
            config: opus,
            bitrate: 128_000,
        }];
        outlet.begin(1, writer, audio);
        let channel = hub.channel(&ChannelName::program()).unwrap();
        let mut reader = channel.read(Want::WEBRTC, Start::Next, 10);
        let sound = |ms| Packet {
            track: OPUS,
            pts: Timestamp::from_millis(ms),
            dts: Timestamp::from_millis(ms),
            keyframe: true,
            data: Bytes::from_static(b"x"),
        };
        outlet.write(sound(0));
        let video = Track {
            id: VIDEO,
            config: Config::H264 {
                sps: Bytes::new(),
                pps: Bytes::new(),
                width: 2,
                height: 2,
                fps_millis: 30_000,
            },
            bitrate: 0,
        };
        assert_eq!(video.config.kind(), Kind::Video);
        outlet.set_video(video.clone());
        outlet.set_video(video);
        outlet.write(sound(20));
        let lens: Vec<_> = std::iter::from_fn(|| reader.try_next())
            .map(|n| match n {
                Next::Tracks(t) => format!("T{}", t.len()),
                Next::Packet(p) => format!("a{}", p.pts.millis()),
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(lens, ["T0", "T2", "a20"]);
        outlet.end();
        assert!(hub.channel(&ChannelName::program()).is_none());
        assert!(!outlet.is_open());
    }
}
