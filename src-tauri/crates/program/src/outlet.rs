//! The one place where encoded sound and picture leave for the hub.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use media::{Channel, Packet, Signals, Timestamp, Track, TrackId, Writer};
use parking_lot::Mutex;

use crate::rendition::Renditions;

/// Track numbers of the program's channel.
pub(crate) const VIDEO: TrackId = TrackId(0);
pub(crate) const OPUS: TrackId = TrackId(1);
pub(crate) const AAC: TrackId = TrackId(2);

/// Packets of sound that wait for the first picture: some seconds of all tracks that there may be.
const EARLY: usize = 1_024;

/// The program's way into the hub. The video encoder and the mixer both write here; it opens when
/// the broadcast begins and tells the hub its tracks once, when all of them are known.
#[derive(Debug, Default)]
pub(crate) struct Outlet {
    open: AtomicBool,
    state: Mutex<Option<Broadcast>>,
    /// Those that get the same sound, with pictures of their own.
    renditions: Renditions,
}

/// What a rendition of a broadcast has to know of it.
pub(crate) struct OnAir {
    pub(crate) number: u64,
    pub(crate) channel: Arc<Channel>,
    /// The mix, in each codec.
    pub(crate) sound: Vec<Track>,
}

#[derive(Debug)]
struct Broadcast {
    number: u64,
    writer: Writer,
    audio: Vec<Track>,
    video: Option<Track>,
    /// Sound that waits for the first picture; none once that has come.
    early: Option<VecDeque<Packet>>,
}

impl Broadcast {
    /// Tells all tracks, once the picture's is known.
    fn announce(&mut self) {
        if let Some(video) = &self.video {
            let all = std::iter::once(video).chain(&self.audio);
            self.writer.set_tracks(all.cloned().collect());
        }
    }

    /// Nothing goes out before the first picture, which takes a while to be made and encoded; the sound of that
    /// while follows it.
    fn write(&mut self, packet: Packet) {
        let Some(early) = &mut self.early else {
            self.writer.write(packet);
            return;
        };
        if packet.track != VIDEO {
            if early.len() == EARLY {
                early.pop_front();
            }
            early.push_back(packet);
            return;
        }
        let from = packet.pts;
        let early = self.early.take().unwrap_or_default();
        self.writer.write(packet);
        for sound in early.into_iter().filter(|sound| sound.pts >= from) {
            self.writer.write(sound);
        }
    }
}

impl Outlet {
    /// Begins a broadcast with the sound tracks known already. `number` tells it from earlier ones.
    pub(crate) fn begin(&self, number: u64, writer: Writer, audio: Vec<Track>) {
        *self.state.lock() = Some(Broadcast {
            number,
            writer,
            audio,
            video: None,
            early: Some(VecDeque::new()),
        });
        self.open.store(true, Ordering::Release);
    }

    /// How many sound tracks the broadcast has beside the mix.
    pub(crate) fn beside(&self) -> usize {
        let state = self.state.lock();
        let audio = state.iter().flat_map(|broadcast| &broadcast.audio);
        audio.filter(|track| track.id.is_beside()).count()
    }

    /// Adds sound tracks to the broadcast that is on; those who read them learn of it.
    pub(crate) fn add_audio(&self, tracks: impl IntoIterator<Item = Track>) {
        if let Some(broadcast) = self.state.lock().as_mut() {
            broadcast.audio.extend(tracks);
            broadcast.announce();
        }
    }

    /// Ends the broadcast: its channel is gone from the hub when this returns, and its renditions have ended.
    pub(crate) fn end(&self) {
        self.open.store(false, Ordering::Release);
        drop(self.state.lock().take());
        self.renditions.end();
    }

    /// The broadcast that is on, for a rendition of it.
    pub(crate) fn on_air(&self) -> Option<OnAir> {
        let state = self.state.lock();
        let broadcast = state.as_ref()?;
        let mix = broadcast.audio.iter().filter(|t| !t.id.is_beside());
        Some(OnAir {
            number: broadcast.number,
            channel: Arc::clone(broadcast.writer.channel()),
            sound: mix.cloned().collect(),
        })
    }

    /// Its renditions.
    pub(crate) fn renditions(&self) -> &Renditions {
        &self.renditions
    }

    /// Whether anybody reads it.
    pub(crate) fn is_read(&self) -> bool {
        let state = self.state.lock();
        state.as_ref().is_some_and(|b| b.writer.channel().is_read())
    }

    /// Forgets what was written: whoever reads next begins with a picture that is new then.
    pub(crate) fn rest(&self) {
        if let Some(broadcast) = self.state.lock().as_mut()
            && broadcast.video.take().is_some()
        {
            broadcast.early = Some(VecDeque::new());
            broadcast.writer.set_tracks(Vec::new());
        }
    }

    /// Whether a broadcast is on; cheap.
    pub(crate) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    /// The broadcast that is on.
    pub(crate) fn number(&self) -> Option<u64> {
        self.state.lock().as_ref().map(|b| b.number)
    }

    /// What readers ask for: a keyframe, granted at most once a second, and a picture that their paths carry.
    pub(crate) fn signals(&self, now: Timestamp) -> Signals {
        let state = self.state.lock();
        state
            .as_ref()
            .map_or_else(Signals::default, |b| b.writer.signals(now))
    }

    /// Says what the video track is; announces all tracks when it is new or has changed.
    pub(crate) fn set_video(&self, track: Track) {
        if let Some(broadcast) = self.state.lock().as_mut()
            && broadcast.video.as_ref() != Some(&track)
        {
            broadcast.video = Some(track);
            broadcast.announce();
        }
    }

    /// Hands a packet to the hub, and sound to the renditions. Sound waits for the first picture, so that readers
    /// learn all tracks at once; what is older than that picture is dropped.
    pub(crate) fn write(&self, packet: Packet) {
        if packet.track != VIDEO {
            self.renditions.hear(&packet);
        }
        if let Some(broadcast) = self.state.lock().as_mut() {
            broadcast.write(packet);
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
        outlet.write(sound(20));
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
        let at = Timestamp::from_millis(10);
        let picture = Packet {
            track: VIDEO,
            pts: at,
            dts: at,
            ..sound(0)
        };
        outlet.write(picture);
        outlet.write(sound(40));
        let lens: Vec<_> = std::iter::from_fn(|| reader.try_next())
            .map(|n| match n {
                Next::Tracks(t) => format!("T{}", t.len()),
                Next::Packet(p) => format!("{}at{}", p.track.0, p.pts.millis()),
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(lens, ["T0", "T2", "0at10", "1at20", "1at40"]);

        // What comes beside the mix is told to those who record, and to no viewer.
        let mut recording = channel.read(Want::RECORDING, Start::Next, 10);
        let shown = |next: Option<Next>| match next {
            Some(Next::Tracks(tracks)) => tracks.iter().map(|t| t.id.0).collect::<Vec<u8>>(),
            other => panic!("{other:?}"),
        };
        assert_eq!(shown(recording.try_next()), [0]);
        let asc = Bytes::from_static(&[0x11, 0x90]);
        outlet.add_audio([Track {
            id: TrackId::BESIDE,
            config: Config::Aac {
                asc,
                sample_rate: 48_000,
                channels: 2,
            },
            bitrate: 0,
        }]);
        assert_eq!(outlet.beside(), 1);
        assert_eq!(shown(recording.try_next()), [0, TrackId::BESIDE.0]);
        assert_eq!(reader.try_next(), None);
        assert_eq!(channel.tracks().len(), 2);
        outlet.end();
        assert!(hub.channel(&ChannelName::program()).is_none());
        assert!(!outlet.is_open());
    }
}
