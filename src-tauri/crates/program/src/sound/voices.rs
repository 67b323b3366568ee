//! What a broadcast's sound is encoded as: the mix as Opus and as AAC, and the tracks beside it as AAC.

use codec::encode::audio::{self, Encoder};
use media::{Samples, Track, TrackId};
use mixer::Mixer;

use super::Config;
use crate::outlet::{AAC, OPUS, Outlet};

/// The track of a bus of the mixer.
fn beside(bus: usize) -> TrackId {
    TrackId(TrackId::BESIDE.0.saturating_add(bus.min(31) as u8))
}

/// The tracks of a broadcast, so many of them beside the mix.
pub(super) fn tracks(config: Config, many: usize) -> Result<Vec<Track>, codec::Error> {
    let Config {
        opus_bitrate,
        aac_bitrate,
    } = config;
    let opus = audio::opus(OPUS, opus_bitrate)?;
    let mut tracks = vec![Track {
        id: OPUS,
        config: opus.config(),
        bitrate: opus_bitrate,
    }];
    match audio::aac(AAC, aac_bitrate) {
        Ok(aac) => {
            let all = std::iter::once(AAC).chain((0..many).map(beside));
            tracks.extend(all.map(|id| Track {
                id,
                config: aac.config(),
                bitrate: aac_bitrate,
            }));
        }
        Err(error) => tracing::warn!(%error, "no AAC: HLS and RTMP go without sound"),
    }
    Ok(tracks)
}

/// The encoders of one broadcast.
pub(super) struct Voices {
    pub(super) broadcast: u64,
    mix: Vec<Box<dyn Encoder>>,
    /// One for each bus of the mixer.
    beside: Vec<Box<dyn Encoder>>,
}

impl Voices {
    /// Opens those of a broadcast that has so many tracks beside the mix.
    pub(super) fn open(broadcast: u64, config: Config, many: usize) -> Result<Self, codec::Error> {
        let mut mix = vec![audio::opus(OPUS, config.opus_bitrate)?];
        mix.extend(audio::aac(AAC, config.aac_bitrate).ok());
        let beside = (0..many).map(|bus| audio::aac(beside(bus), config.aac_bitrate));
        Ok(Self {
            broadcast,
            mix,
            beside: beside.collect::<Result<_, _>>()?,
        })
    }

    /// How many there are beside the mix.
    pub(super) fn beside(&self) -> usize {
        self.beside.len()
    }

    /// Has at least so many tracks beside the mix, as far as there is an encoder for them.
    pub(super) fn grow(&mut self, many: usize, config: Config, outlet: &Outlet) {
        let before = self.beside.len();
        for bus in before..many {
            match audio::aac(beside(bus), config.aac_bitrate) {
                Ok(encoder) => self.beside.push(encoder),
                // Said once, as the broadcast began.
                Err(_) => break,
            }
        }
        let new = &self.beside[before..];
        if new.is_empty() {
            return;
        }
        outlet.add_audio((before..).zip(new).map(|(bus, encoder)| Track {
            id: beside(bus),
            config: encoder.config(),
            bitrate: config.aac_bitrate,
        }));
    }

    /// Encodes a block of the mix and of each bus.
    pub(super) fn encode(
        &mut self,
        mix: &Samples,
        mixer: &Mixer,
        outlet: &Outlet,
    ) -> Result<(), codec::Error> {
        for encoder in &mut self.mix {
            for packet in encoder.encode(mix)? {
                outlet.write(packet);
            }
        }
        for (bus, encoder) in self.beside.iter_mut().enumerate() {
            let Some(samples) = mixer.bus(bus) else {
                continue;
            };
            for packet in encoder.encode(samples)? {
                outlet.write(packet);
            }
        }
        Ok(())
    }
}
