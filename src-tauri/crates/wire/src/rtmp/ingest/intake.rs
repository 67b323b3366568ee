//! From a publisher's messages to a channel's packets.

use std::time::Duration;

use bytes::Bytes;
use container::flv::{self, Body};
use media::aac::AudioConfig;
use media::h264::{self, AccessUnit, NalType, Record};
use media::{Config, Kind, Packet, Timestamp, Track, TrackId, Writer};

use super::cadence::Cadence;
use super::timeline::Timeline;
use crate::rtmp::amf0::Value;
use crate::rtmp::chunk::{Message, kind};

/// The tracks of a publication.
const VIDEO: TrackId = TrackId(0);
const AUDIO: TrackId = TrackId(1);

/// Reads messages of sound and picture, and writes what is in them to a channel. Nothing waits:
/// each packet leaves with the message it came in.
#[derive(Debug, Default)]
pub(super) struct Intake {
    timeline: Timeline,
    video: Option<Video>,
    audio: Option<Audio>,
    /// The channel has yet to be told of the tracks: before the next packet, so that a sender that
    /// introduces both makes readers begin once.
    unannounced: bool,
    metadata: Metadata,
    damaged: u64,
}

/// What `onMetaData` tells beyond the bitstreams.
#[derive(Clone, Copy, Debug, Default)]
struct Metadata {
    video_rate: u32,
    audio_rate: u32,
    fps_millis: u32,
}

#[derive(Debug)]
struct Video {
    /// `None` until parameter sets have come, in the record or in the stream.
    config: Option<Config>,
    length_size: u8,
}

#[derive(Debug)]
struct Audio {
    config: Config,
    cadence: Cadence,
}

impl Intake {
    /// What the publisher says of its stream. Counts for tracks that come after it.
    pub(super) fn metadata(&mut self, values: &Value) {
        let number = |name: &str, scale: f64| {
            let value = values.get(name).and_then(Value::as_number).unwrap_or(0.0);
            // Out of range becomes 0 or the largest, NaN becomes 0.
            (value * scale) as u32
        };
        self.metadata = Metadata {
            video_rate: number("videodatarate", 1_000.0),
            audio_rate: number("audiodatarate", 1_000.0),
            fps_millis: number("framerate", 1_000.0).min(1_000_000),
        };
    }

    /// Takes a message of sound or picture that arrived `now`.
    ///
    /// # Errors
    /// A codec or a configuration that is not taken; the text is for the publisher.
    pub(super) fn take(
        &mut self,
        message: &Message,
        now: Timestamp,
        writer: &mut Writer,
    ) -> Result<(), flv::Error> {
        let of = match message.kind {
            kind::VIDEO => flv::Kind::Video,
            _ => flv::Kind::Audio,
        };
        let packet = match flv::parse(of, &message.data) {
            Ok(Body::Record(record)) => return self.record(&record),
            Ok(Body::Config(config)) => return self.sound(config),
            Ok(Body::Video {
                keyframe,
                composition,
                data,
            }) => {
                let at = (message.timestamp, composition, now);
                self.picture(keyframe, at, data)?
            }
            Ok(Body::Audio(data)) => self.samples(message.timestamp, now, data),
            Ok(Body::Nothing) => None,
            Err(flv::Error::Short) => {
                self.damage("cut short");
                None
            }
            Err(error) => return Err(error),
        };
        if let Some(packet) = packet {
            if std::mem::take(&mut self.unannounced) {
                writer.set_tracks(self.tracks());
            }
            writer.write(packet);
        }
        Ok(())
    }

    fn record(&mut self, record: &Record) -> Result<(), flv::Error> {
        let known = self.video.take().and_then(|video| video.config);
        self.video = Some(Video {
            config: known,
            length_size: record.length_size,
        });
        // Without parameter sets it is "avc3": they come in the stream.
        if let (Some(sps), Some(pps)) = (record.sps.first(), record.pps.first()) {
            self.parameters(Some(sps.clone()), Some(pps.clone()))?;
        }
        Ok(())
    }

    /// Takes parameter sets, which may be those that are known.
    fn parameters(&mut self, sps: Option<Bytes>, pps: Option<Bytes>) -> Result<(), h264::Error> {
        let Some(video) = &mut self.video else {
            return Ok(());
        };
        let (sps, pps) = match &video.config {
            Some(Config::H264 {
                sps: old_sps,
                pps: old_pps,
                ..
            }) => {
                let (sps, pps) = (
                    sps.unwrap_or_else(|| old_sps.clone()),
                    pps.unwrap_or_else(|| old_pps.clone()),
                );
                if (&sps, &pps) == (old_sps, old_pps) {
                    return Ok(());
                }
                (sps, pps)
            }
            _ => match (sps, pps) {
                (Some(sps), Some(pps)) => (sps, pps),
                _ => return Ok(()),
            },
        };
        let mut config = h264::config(sps, pps)?;
        if let Config::H264 { fps_millis, .. } = &mut config
            && *fps_millis == 0
        {
            *fps_millis = self.metadata.fps_millis;
        }
        video.config = Some(config);
        self.unannounced = true;
        Ok(())
    }

    fn sound(&mut self, config: Config) -> Result<(), flv::Error> {
        let Config::Aac { asc, .. } = &config else {
            return Ok(());
        };
        if self.audio.as_ref().is_some_and(|a| a.config == config) {
            return Ok(());
        }
        let core = AudioConfig::parse(asc)?;
        let nanos = u64::from(core.frame_len) * 1_000_000_000 / u64::from(core.sample_rate.max(1));
        self.audio = Some(Audio {
            config,
            cadence: Cadence::new(Duration::from_nanos(nanos)),
        });
        self.unannounced = true;
        Ok(())
    }

    fn picture(
        &mut self,
        keyframe: bool,
        (millis, composition, now): (u32, i32, Timestamp),
        data: Bytes,
    ) -> Result<Option<Packet>, flv::Error> {
        let Some(Video { length_size, .. }) = self.video else {
            self.damage("a picture before its configuration");
            return Ok(None);
        };
        let Ok(unit) = unit(data, length_size, keyframe) else {
            self.damage("no H.264");
            return Ok(None);
        };
        if unit.sps.is_some() || unit.pps.is_some() {
            self.parameters(unit.sps, unit.pps)?;
        }
        let known = self.video.as_ref().is_some_and(|v| v.config.is_some());
        if !known || unit.data.is_empty() {
            return Ok(None);
        }
        let dts = self.timeline.stamp(Kind::Video, millis, now);
        let packet = Packet {
            track: VIDEO,
            pts: dts.offset(i64::from(composition) * 1_000_000),
            dts,
            keyframe: unit.keyframe,
            data: unit.data,
        };
        if !packet.is_timed() {
            self.damage("a composition time that cannot be");
        }
        Ok(Some(packet.timed()))
    }

    fn samples(&mut self, millis: u32, now: Timestamp, data: Bytes) -> Option<Packet> {
        let Some(audio) = &mut self.audio else {
            self.damage("sound before its configuration");
            return None;
        };
        if data.is_empty() {
            return None;
        }
        let stamp = self.timeline.stamp(Kind::Audio, millis, now);
        let at = audio.cadence.even(stamp);
        Some(Packet {
            track: AUDIO,
            pts: at,
            dts: at,
            keyframe: true,
            data,
        })
    }

    fn tracks(&self) -> Vec<Track> {
        let video = self.video.as_ref().and_then(|v| v.config.clone());
        let audio = self.audio.as_ref().map(|a| a.config.clone());
        let track = |id, bitrate| {
            move |config| Track {
                id,
                config,
                bitrate,
            }
        };
        let Metadata {
            video_rate,
            audio_rate,
            ..
        } = self.metadata;
        let video = video.map(track(VIDEO, video_rate));
        video
            .into_iter()
            .chain(audio.map(track(AUDIO, audio_rate)))
            .collect()
    }

    /// A message that is left out, or what is wrong of it. Said once in a while: a sender may do nothing else.
    fn damage(&mut self, what: &'static str) {
        self.damaged += 1;
        if self.damaged.is_power_of_two() {
            tracing::debug!(what, count = self.damaged, "an RTMP message is damaged");
        }
    }
}

/// One access unit in the form of the house. Most are in it already, and are not copied.
///
/// A picture counts as a keyframe when it is an IDR picture, or when the sender calls it one: with
/// open groups of pictures and recovery points there is no other way to begin.
fn unit(data: Bytes, length_size: u8, keyframe: bool) -> Result<AccessUnit, h264::Error> {
    let mut unit = AccessUnit::default();
    let mut clean = length_size == 4;
    for nal in h264::avcc_with(&data, length_size) {
        match NalType::of(nal?) {
            NalType::Idr => unit.keyframe = true,
            NalType::Slice => {}
            _ => clean = false,
        }
    }
    if clean {
        unit.data = data;
    } else {
        unit = AccessUnit::from_avcc(&data, length_size)?;
    }
    unit.keyframe |= keyframe && !unit.data.is_empty();
    Ok(unit)
}

#[cfg(test)]
mod tests;
