//! Renditions: the program's picture encoded once more, in another size and bitrate, for whoever wants it so.
//!
//! A rendition is a channel of its own beside the program's, which nobody of the house finds: the same sound, packet
//! for packet, and pictures of its own encoder. What its readers ask for, a keyframe or less of a picture, reaches
//! that encoder alone. While nobody reads it, nothing is encoded.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use media::{Channel, ChannelInfo, Clock, Frame, Hub, Packet};
use parking_lot::Mutex;

use crate::Error;
use crate::encode::{Config, Inlet, Of, VideoEncoder};
use crate::outlet::{OnAir, Outlet};
use crate::stats::Counters;

/// A picture as somebody wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rendition {
    /// At most so many lines, in the canvas's shape; never more than that has.
    pub lines: u32,
    /// Bits per second.
    pub bitrate: u32,
}

/// How a rendition is encoded at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Encoded {
    /// Pixels across and down; `None` while nothing is encoded.
    pub size: Option<(u32, u32)>,
    /// Bits per second: what is wanted, or less where a path carries no more.
    pub bitrate: u32,
    /// Pictures that its encoder was too busy to take.
    pub skipped: u64,
}

/// The renditions of the broadcast that is on, as the program's threads know them.
#[derive(Debug, Default)]
pub(crate) struct Renditions {
    all: Mutex<Vec<Entry>>,
}

#[derive(Debug)]
struct Entry {
    inlet: Inlet,
    outlet: Arc<Outlet>,
    config: Arc<Mutex<Config>>,
}

impl Renditions {
    /// Hands a picture to all of them; never blocks.
    pub(crate) fn see(&self, frame: &Frame, fps: u32) {
        for entry in self.all.lock().iter() {
            entry.inlet.submit(frame.clone(), fps);
        }
    }

    /// Hands them a packet of sound, unless it is for recordings alone.
    pub(crate) fn hear(&self, packet: &Packet) {
        if packet.track.is_beside() {
            return;
        }
        for entry in self.all.lock().iter() {
            entry.outlet.write(packet.clone());
        }
    }

    /// The longest time between keyframes, from the next picture on.
    pub(crate) fn set_keyframe_interval(&self, interval: Duration) {
        for entry in self.all.lock().iter() {
            entry.config.lock().keyframe_interval = interval;
        }
    }

    /// Ends them: their readers get the end.
    pub(crate) fn end(&self) {
        let ended = std::mem::take(&mut *self.all.lock());
        for entry in ended {
            entry.outlet.end();
        }
    }
}

/// A rendition that is held. Dropping it ends its channel and joins its thread, which takes as long as a picture at
/// most.
#[derive(Debug)]
pub struct Rendered {
    channel: Arc<Channel>,
    outlet: Arc<Outlet>,
    program: Arc<Outlet>,
    counters: Arc<Counters>,
    encoder: VideoEncoder,
}

impl Rendered {
    pub(crate) fn start(
        program: &Arc<Outlet>,
        config: Config,
        clock: Clock,
    ) -> Result<Option<Self>, Error> {
        let Some(OnAir {
            number,
            channel,
            sound,
        }) = program.on_air()
        else {
            return Ok(None);
        };
        let info = ChannelInfo {
            origin: channel.origin(),
            title: channel.title(),
        };
        // A hub of its own: no reader of the house finds it.
        let writer = Hub::new(1).publish(channel.name().clone(), info, clock.now())?;
        let channel = Arc::clone(writer.channel());
        let outlet = Arc::new(Outlet::default());
        let counters = Arc::new(Counters::default());
        let own = (Arc::clone(&outlet), Arc::clone(&counters));
        let encoder = VideoEncoder::start(Of::Rendition, config, clock, own.0, own.1)?;
        outlet.begin(number, writer, sound);
        if let Some(inlet) = encoder.inlet() {
            program.renditions().all.lock().push(Entry {
                inlet,
                outlet: Arc::clone(&outlet),
                config: encoder.config(),
            });
        }
        Ok(Some(Self {
            channel,
            outlet,
            program: Arc::clone(program),
            counters,
            encoder,
        }))
    }

    /// What it is read from.
    pub fn channel(&self) -> &Arc<Channel> {
        &self.channel
    }

    /// How it is encoded at the moment.
    pub fn encoded(&self) -> Encoded {
        let tracks = self.channel.tracks();
        let mut sizes = tracks.iter().filter_map(|track| match track.config {
            media::Config::H264 { width, height, .. } => Some((width, height)),
            media::Config::Opus { .. } | media::Config::Aac { .. } => None,
        });
        let lowered = self.counters.lowered.load(Ordering::Relaxed);
        let wanted = self.encoder.config().lock().bitrate;
        Encoded {
            size: sizes.next(),
            bitrate: if lowered > 0 { lowered } else { wanted },
            skipped: self.counters.skipped.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Rendered {
    fn drop(&mut self) {
        let mut all = self.program.renditions().all.lock();
        all.retain(|entry| !Arc::ptr_eq(&entry.outlet, &self.outlet));
        drop(all);
        self.outlet.end();
    }
}

#[cfg(test)]
mod tests {
    use media::{
        ChannelName, Color, Config as Codec, Kind, Next, Origin, PixelFormat, Reader, Start,
        Timestamp, Track, Want,
    };

    use super::*;
    use crate::outlet::{AAC, VIDEO};

    const PATIENCE: Duration = Duration::from_secs(20);

    fn on_air(clock: Clock) -> (Hub, Arc<Outlet>) {
        let (hub, outlet) = (Hub::new(1), Arc::new(Outlet::default()));
        let info = ChannelInfo {
            origin: Origin::Program,
            title: "Show".into(),
        };
        let writer = hub.publish(ChannelName::program(), info, clock.now());
        let sound = Track {
            id: AAC,
            config: Codec::Aac {
                asc: bytes::Bytes::from_static(&[0x11, 0x90]),
                sample_rate: 48_000,
                channels: 2,
            },
            bitrate: 128_000,
        };
        outlet.begin(7, writer.unwrap(), vec![sound]);
        (hub, outlet)
    }

    fn config() -> Config {
        Config {
            bitrate: 300_000,
            keyframe_interval: Duration::from_secs(60),
            lines: Some(48),
        }
    }

    /// The program's picture and sound of a moment.
    fn moment(outlet: &Outlet, n: i64) {
        let at = Timestamp::from_millis(n * 40);
        let mut data = vec![128; Frame::packed_len(PixelFormat::I420, 128, 96)];
        data[..128 * 96].fill(u8::try_from(40 + n % 100).unwrap());
        let (format, color) = (PixelFormat::I420, Color::default());
        let frame = Frame::packed(format, 128, 96, color, at, data.into()).unwrap();
        outlet.renditions().see(&frame, 25);
        outlet.write(Packet {
            track: AAC,
            pts: at,
            dts: at,
            keyframe: true,
            data: bytes::Bytes::from_static(b"sound"),
        });
    }

    /// Makes moments from `n` on until one fits; gives the moment after.
    fn until(what: &str, outlet: &Outlet, mut n: i64, mut fits: impl FnMut() -> bool) -> i64 {
        let clock = Clock::start();
        loop {
            moment(outlet, n);
            n += 1;
            if fits() {
                return n;
            }
            assert!(
                clock.now().since(Timestamp::ZERO) < PATIENCE,
                "never {what}"
            );
            // Encoding is another thread's work.
            std::thread::yield_now();
        }
    }

    /// Makes moments from `n` on until the reader has a picture; gives its packet and the moment after.
    fn picture(outlet: &Outlet, reader: &mut Reader, n: i64) -> (Packet, i64) {
        let mut found = None;
        let after = until("a picture", outlet, n, || {
            while let Some(next) = reader.next_blocking(Duration::from_millis(10)) {
                if let Next::Packet(packet) = next
                    && packet.track == VIDEO
                {
                    found = Some(packet);
                    return true;
                }
            }
            false
        });
        (found.unwrap(), after)
    }

    #[test]
    fn it_has_the_sound_of_the_program_and_pictures_of_its_own() {
        let clock = Clock::start();
        let (hub, outlet) = on_air(clock);
        let rendered = Rendered::start(&outlet, config(), clock).unwrap().unwrap();
        let mut reader = rendered.channel().read(Want::MP4, Start::Group, 1_000);
        let (first, n) = picture(&outlet, &mut reader, 0);
        assert!(first.keyframe);
        let encoded = rendered.encoded();
        assert_eq!((encoded.size, encoded.bitrate), (Some((64, 48)), 300_000));
        let kinds: Vec<Kind> = rendered
            .channel()
            .tracks()
            .iter()
            .map(|t| t.config.kind())
            .collect();
        assert_eq!(kinds, [Kind::Video, Kind::Audio]);
        moment(&outlet, n);
        let sound = loop {
            match reader.next_blocking(PATIENCE) {
                Some(Next::Packet(packet)) if packet.track == AAC => break packet,
                Some(_) => {}
                None => panic!("no sound"),
            }
        };
        assert!(sound.pts >= first.pts);

        // What its path carries holds its own picture, and not the program's.
        let path = rendered.channel().path();
        path.set(Some(100_000));
        until("held to its path", &outlet, n, || {
            rendered.encoded().bitrate == 100_000
        });
        assert_eq!(outlet.signals(clock.now()).bandwidth, None);
        drop(path);

        // It ends with the broadcast.
        outlet.end();
        assert!(hub.channel(&ChannelName::program()).is_none());
        while !matches!(reader.next_blocking(PATIENCE), Some(Next::End)) {}
        assert!(Rendered::start(&outlet, config(), clock).unwrap().is_none());
    }

    #[test]
    fn nothing_is_encoded_while_nobody_reads_and_who_comes_begins_anew() {
        let clock = Clock::start();
        let (_hub, outlet) = on_air(clock);
        let rendered = Rendered::start(&outlet, config(), clock).unwrap().unwrap();
        let mut reader = rendered.channel().read(Want::MP4, Start::Group, 1_000);
        let (before, n) = picture(&outlet, &mut reader, 0);
        drop(reader);
        let mut n = until("at rest", &outlet, n, || rendered.encoded().size.is_none());
        let written = rendered.channel().totals().packets;
        for _ in 0..20 {
            moment(&outlet, n);
            n += 1;
        }
        assert_eq!(rendered.channel().totals().packets, written);

        // Nothing of before is handed out, and the first picture is a keyframe of now.
        let mut reader = rendered.channel().read(Want::MP4, Start::Group, 1_000);
        assert!(matches!(reader.try_next(), Some(Next::Tracks(tracks)) if tracks.is_empty()));
        let (again, _) = picture(&outlet, &mut reader, n);
        assert!(again.keyframe && again.pts > before.pts);

        // Let go of, it leaves nothing behind.
        drop(rendered);
        assert!(outlet.renditions().all.lock().is_empty());
        while !matches!(reader.next_blocking(PATIENCE), Some(Next::End)) {}
    }
}
