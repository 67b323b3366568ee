//! A source's strip in the mixer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A source's strip in the mixer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(default)]
pub struct Audio {
    /// Fader in dB, −60 (silence) to 20.
    pub gain_db: f32,
    /// Silent whatever the fader says.
    pub muted: bool,
    /// −1 left, 0 middle, 1 right.
    pub pan: f32,
    /// The sound tracks of recordings that it is on beside the mix, 2 to 6; after its fader, without the
    /// master's.
    #[serde(skip_serializing_if = "SoundTracks::is_empty")]
    #[schemars(with = "Vec<u8>", inner(range(min = 2, max = 6)))]
    #[ts(as = "Option<Vec<u8>>", optional)]
    pub tracks: SoundTracks,
}

/// Some of the sound tracks of recordings that stand beside the mix, which is the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<u8>", into = "Vec<u8>")]
pub struct SoundTracks(u8);

impl SoundTracks {
    /// The highest number of a track.
    pub const LAST: u8 = 6;

    /// None of them: the source is in the mix alone.
    pub fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// One bit for each, the lowest for track 2.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// How many tracks there are beside the mix when this is in use: all up to the highest.
    pub fn count(self) -> usize {
        (u8::BITS - self.0.leading_zeros()) as usize
    }

    /// Those of either.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl TryFrom<Vec<u8>> for SoundTracks {
    type Error = String;

    fn try_from(numbers: Vec<u8>) -> Result<Self, String> {
        let mut bits = 0;
        for number in numbers {
            if !(2..=Self::LAST).contains(&number) {
                return Err(format!(
                    "sound track {number} is none that a source is put on; those are 2 to {}",
                    Self::LAST
                ));
            }
            bits |= 1 << (number - 2);
        }
        Ok(Self(bits))
    }
}

impl From<SoundTracks> for Vec<u8> {
    fn from(tracks: SoundTracks) -> Self {
        let has = |number: &u8| tracks.0 & (1 << (number - 2)) != 0;
        (2..=SoundTracks::LAST).filter(has).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_tracks_are_a_list_of_numbers_outside() {
        let read = |text: &str| serde_json::from_str::<Audio>(text).map(|audio| audio.tracks);
        for (text, count, again) in [
            (r#"{"tracks":[]}"#, 0, vec![]),
            (r"{}", 0, vec![]),
            (r#"{"tracks":[2]}"#, 1, vec![2]),
            (r#"{"tracks":[6,2,6]}"#, 5, vec![2, 6]),
        ] {
            let tracks = read(text).unwrap();
            assert_eq!(tracks.count(), count, "{text}");
            assert_eq!(Vec::from(tracks), again, "{text}");
        }
        for number in [0, 1, 7, 255] {
            let refused = read(&format!(r#"{{"tracks":[{number}]}}"#)).unwrap_err();
            assert!(refused.to_string().contains("2 to 6"), "{refused}");
        }
        let plain = serde_json::to_string(&Audio::default()).unwrap();
        assert!(!plain.contains("tracks"), "{plain}");
    }
}
