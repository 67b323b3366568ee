//! What a publisher sends becomes the tracks and packets of its channel.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use media::h264::{self, AccessUnit, NalType};
use media::{Config, Packet, Timestamp, Track, TrackId, opus};

use super::picture::Unit;

/// The picture's number in the channel.
pub(crate) const VIDEO: TrackId = TrackId(0);
const AUDIO: TrackId = TrackId(1);

/// How long sound waits for the first picture: readers begin once, with both.
const TOGETHER: Duration = Duration::from_secs(2);

/// Channels of Opus: two whatever is in the packets (RFC 7587, section 7).
const CHANNELS: u16 = 2;

/// What is written into a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Media {
    /// The tracks, before their first packet and whenever one changes.
    Tracks(Vec<Track>),
    Packet(Packet),
}

/// The tracks of one channel.
#[derive(Debug)]
pub(crate) struct Tracks {
    video: bool,
    audio: bool,
    sps: Option<Bytes>,
    pps: Option<Bytes>,
    config: Option<Config>,
    /// Whether readers know the tracks as they are.
    announced: bool,
    awaiting_key: bool,
    /// When the first sound came.
    began: Option<Timestamp>,
    out: VecDeque<Media>,
}

impl Tracks {
    /// Of what was agreed on. `parameter_sets` are those announced in the offer, if any
    /// (`sprop-parameter-sets`, RFC 6184, section 8.1).
    pub(crate) fn new(video: bool, audio: bool, parameter_sets: Option<&str>) -> Self {
        let mut tracks = Self {
            video,
            audio,
            sps: None,
            pps: None,
            config: None,
            announced: false,
            awaiting_key: video,
            began: None,
            out: VecDeque::new(),
        };
        for set in parameter_sets.unwrap_or_default().split(',') {
            let Some(nal) = base64(set) else { continue };
            match NalType::of(&nal) {
                NalType::Sps => tracks.sps = Some(nal.into()),
                NalType::Pps => tracks.pps = Some(nal.into()),
                _ => {}
            }
        }
        tracks
    }

    /// Takes a picture; `false` when it is of no use and a keyframe is needed.
    pub(crate) fn picture(&mut self, unit: &Unit) -> bool {
        let picture = AccessUnit::from_nals(unit.nals.iter().map(|nal| &nal[..]));
        self.sps = picture.sps.or(self.sps.take());
        self.pps = picture.pps.or(self.pps.take());
        if picture.data.is_empty() {
            return true;
        }
        if picture.keyframe {
            self.awaiting_key = !self.configure();
        }
        if self.awaiting_key {
            return false;
        }
        self.announce();
        self.out.push_back(Media::Packet(Packet {
            track: VIDEO,
            pts: unit.at,
            dts: unit.at,
            keyframe: picture.keyframe,
            data: picture.data,
        }));
        true
    }

    /// A picture is lost: those that build on it are left out, up to the next keyframe.
    pub(crate) fn lost_picture(&mut self) {
        self.awaiting_key = self.video;
    }

    /// Takes the parameter sets as they are now; `false` when they are not understood.
    fn configure(&mut self) -> bool {
        let (Some(sps), Some(pps)) = (&self.sps, &self.pps) else {
            return false;
        };
        let same = matches!(&self.config, Some(Config::H264 { sps: s, pps: p, .. }) if s == sps && p == pps);
        if same {
            return true;
        }
        match h264::config(sps.clone(), pps.clone()) {
            Ok(config) => {
                self.config = Some(config);
                self.announced = false;
                true
            }
            Err(error) => {
                tracing::warn!(%error, "a publisher's pictures cannot be used");
                false
            }
        }
    }

    /// Takes a packet of Opus (RFC 7587, section 4.2: one in each RTP packet).
    pub(crate) fn sound(&mut self, at: Timestamp, data: &Bytes) {
        if opus::packet_samples(data).is_none() {
            return;
        }
        let began = *self.began.get_or_insert(at);
        if self.video && self.config.is_none() && at.since(began) < TOGETHER {
            return;
        }
        self.announce();
        self.out.push_back(Media::Packet(Packet {
            track: AUDIO,
            pts: at,
            dts: at,
            keyframe: true,
            data: data.clone(),
        }));
    }

    fn announce(&mut self) {
        if self.announced {
            return;
        }
        self.announced = true;
        let track = |id, config| Track {
            id,
            config,
            bitrate: 0,
        };
        let opus = Config::Opus {
            channels: CHANNELS,
            pre_skip: 0,
        };
        let video = self.config.clone().map(|config| track(VIDEO, config));
        let audio = self.audio.then(|| track(AUDIO, opus));
        let tracks = video.into_iter().chain(audio).collect();
        self.out.push_back(Media::Tracks(tracks));
    }

    /// What is to be written next, until there is nothing.
    pub(crate) fn poll(&mut self) -> Option<Media> {
        self.out.pop_front()
    }
}

/// Base 64 (RFC 4648, section 4), with or without its padding.
fn base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim().trim_end_matches('=');
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0_u32, 0);
    for byte in text.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{PPS, SMALL_SPS, SPS};

    fn unit(at: i64, nals: &[&[u8]]) -> Unit {
        Unit {
            at: Timestamp::from_millis(at),
            nals: nals.iter().map(|n| Bytes::copy_from_slice(n)).collect(),
        }
    }

    const KEY: &[u8] = &[0x65, 0x88, 1];
    const PICTURE: &[u8] = &[0x41, 0x9a, 2];
    const SOUND: &[u8] = &[31 << 3, 1, 2];

    fn drain(tracks: &mut Tracks) -> Vec<String> {
        let media = std::iter::from_fn(|| tracks.poll());
        media
            .map(|media| match media {
                Media::Tracks(tracks) => {
                    let size = |t: &Track| match &t.config {
                        Config::H264 { width, height, .. } => format!("{width}x{height}"),
                        other => other.codec().to_owned(),
                    };
                    tracks.iter().map(size).collect::<Vec<_>>().join(" ")
                }
                Media::Packet(p) => {
                    let kind = if p.track == AUDIO {
                        "sound"
                    } else if p.keyframe {
                        "key"
                    } else {
                        "picture"
                    };
                    format!("{kind} {}", p.pts.millis())
                }
            })
            .collect()
    }

    #[test]
    fn a_channel_begins_with_a_keyframe_and_both_tracks() {
        let mut tracks = Tracks::new(true, true, None);
        tracks.sound(Timestamp::from_millis(0), &Bytes::from_static(SOUND));
        assert!(!tracks.picture(&unit(10, &[PICTURE])));
        assert!(!tracks.picture(&unit(20, &[KEY])), "without its parameters");
        assert!(tracks.picture(&unit(30, &[SPS, PPS])), "parameters alone");
        assert!(drain(&mut tracks).is_empty());
        assert!(tracks.picture(&unit(40, &[&[0x09, 0xf0], SPS, PPS, &[0x06, 5], KEY])));
        tracks.sound(Timestamp::from_millis(41), &Bytes::from_static(SOUND));
        tracks.sound(Timestamp::from_millis(42), &Bytes::new());
        assert!(tracks.picture(&unit(73, &[PICTURE])));
        assert_eq!(
            drain(&mut tracks),
            ["1280x720 Opus", "key 40", "sound 41", "picture 73"]
        );
    }

    #[test]
    fn parameter_sets_may_come_in_the_offer() {
        let sets = "Z0LAH9kAUAW7ARAAAAMAEAAAAwPA8YMkgA==, aMuDyyA=";
        let mut tracks = Tracks::new(true, false, Some(sets));
        assert_eq!(tracks.sps.as_deref(), Some(SPS));
        assert_eq!(tracks.pps.as_deref(), Some(PPS));
        assert!(tracks.picture(&unit(0, &[KEY])));
        assert_eq!(drain(&mut tracks), ["1280x720", "key 0"]);
        for nonsense in ["", ",,", "Z0LAH9k!", "-_", "AAAA", "Zw=="] {
            let mut tracks = Tracks::new(true, false, Some(nonsense));
            assert!(!tracks.picture(&unit(0, &[KEY])), "{nonsense}");
        }
    }

    #[test]
    fn a_new_size_is_announced_before_its_keyframe() {
        let mut tracks = Tracks::new(true, true, None);
        tracks.picture(&unit(0, &[SPS, PPS, KEY]));
        tracks.picture(&unit(33, &[SPS, PPS, KEY]));
        tracks.picture(&unit(66, &[SMALL_SPS, PPS, KEY]));
        assert_eq!(
            drain(&mut tracks),
            ["1280x720 Opus", "key 0", "key 33", "640x360 Opus", "key 66"]
        );
    }

    #[test]
    fn after_a_loss_pictures_wait_for_a_keyframe_and_sound_goes_on() {
        let mut tracks = Tracks::new(true, true, None);
        tracks.picture(&unit(0, &[SPS, PPS, KEY]));
        tracks.lost_picture();
        assert!(!tracks.picture(&unit(33, &[PICTURE])));
        tracks.sound(Timestamp::from_millis(40), &Bytes::from_static(SOUND));
        assert!(tracks.picture(&unit(66, &[KEY])));
        assert_eq!(drain(&mut tracks)[2..], ["sound 40", "key 66"]);
    }

    #[test]
    fn sound_alone_does_not_wait_and_waits_for_a_picture_only_so_long() {
        let sound = Bytes::from_static(SOUND);
        let mut alone = Tracks::new(false, true, None);
        alone.sound(Timestamp::from_millis(7), &sound);
        assert_eq!(drain(&mut alone), ["Opus", "sound 7"]);
        let mut tracks = Tracks::new(true, true, None);
        for at in [0, 1_999, 2_000] {
            tracks.sound(Timestamp::from_millis(at), &sound);
        }
        assert_eq!(drain(&mut tracks), ["Opus", "sound 2000"]);
        tracks.picture(&unit(2_100, &[SPS, PPS, KEY]));
        assert_eq!(drain(&mut tracks), ["1280x720 Opus", "key 2100"]);
    }
}
