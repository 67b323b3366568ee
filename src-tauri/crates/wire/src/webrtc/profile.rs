//! H.264 profiles as WebRTC names them.

/// A profile, from `profile_idc` and the constraint flags (RFC 6184, section 8.1, table 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    ConstrainedBaseline,
    Baseline,
    Main,
    ConstrainedHigh,
    High,
}

impl Profile {
    fn of(idc: u8, flags: u8) -> Option<Self> {
        let set = |mask: u8, value: u8| flags & mask == value;
        match idc {
            0x42 if set(0x4f, 0x40) => Some(Self::ConstrainedBaseline),
            0x4d if set(0x8f, 0x80) => Some(Self::ConstrainedBaseline),
            0x58 if set(0xcf, 0xc0) => Some(Self::ConstrainedBaseline),
            0x42 if set(0x4f, 0x00) => Some(Self::Baseline),
            0x58 if set(0xcf, 0x80) => Some(Self::Baseline),
            0x4d if set(0xaf, 0x00) => Some(Self::Main),
            0x64 if flags == 0x0c => Some(Self::ConstrainedHigh),
            0x64 if flags == 0 => Some(Self::High),
            _ => None,
        }
    }

    /// The profile of a stream, from its sequence parameter set (one NAL unit).
    pub(crate) fn of_sps(sps: &[u8]) -> Option<Self> {
        let [_, idc, flags, ..] = sps else {
            return None;
        };
        // The lowest two bits are reserved, and encoders leave odd flags set: a stream is taken for
        // the widest profile it may be.
        Self::of(*idc, flags & 0xfc).or(match idc {
            0x42 => Some(Self::Baseline),
            0x4d => Some(Self::Main),
            0x64 => Some(Self::High),
            _ => None,
        })
    }

    /// The profile of a `profile-level-id` (six hexadecimal digits).
    pub(crate) fn of_parameter(id: &str) -> Option<Self> {
        let value = u32::from_str_radix(id, 16).ok().filter(|_| id.len() == 6)?;
        let [_, idc, flags, _] = value.to_be_bytes();
        Self::of(idc, flags)
    }

    /// How well a decoder of the `offered` profile suits this stream: 0 is best, `None` not at all.
    pub(crate) fn rank(self, offered: Self) -> Option<usize> {
        use Profile::{Baseline, ConstrainedBaseline, ConstrainedHigh, High, Main};
        let decoders: &[Self] = match self {
            Self::ConstrainedBaseline => {
                &[ConstrainedBaseline, Baseline, Main, ConstrainedHigh, High]
            }
            // The tools that baseline has beyond constrained baseline are used by no encoder alive.
            Self::Baseline => &[Baseline, ConstrainedBaseline, Main, ConstrainedHigh, High],
            Self::Main => &[Main, High],
            Self::ConstrainedHigh => &[ConstrainedHigh, High],
            Self::High => &[High],
        };
        decoders.iter().position(|p| *p == offered)
    }

    /// The first four digits of its `profile-level-id`.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::ConstrainedBaseline => "42e0",
            Self::Baseline => "4200",
            Self::Main => "4d00",
            Self::ConstrainedHigh => "640c",
            Self::High => "6400",
        }
    }

    /// As people write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ConstrainedBaseline => "constrained baseline",
            Self::Baseline => "baseline",
            Self::Main => "main",
            Self::ConstrainedHigh => "constrained high",
            Self::High => "high",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_by_their_numbers() {
        use Profile::*;
        for (id, expect) in [
            ("42e01f", Some(ConstrainedBaseline)),
            ("42c01f", Some(ConstrainedBaseline)),
            ("42001f", Some(Baseline)),
            ("4d001f", Some(Main)),
            ("4D401E", Some(Main)),
            ("640c1f", Some(ConstrainedHigh)),
            ("64001f", Some(High)),
            ("f4001f", None),
            ("42e0", None),
            ("zzzzzz", None),
        ] {
            assert_eq!(Profile::of_parameter(id), expect, "{id}");
        }
    }

    #[test]
    fn a_stream_goes_to_decoders_of_its_profile_or_wider() {
        let stream = Profile::of_sps(&[0x67, 0x42, 0xc0, 0x1f]).unwrap();
        assert_eq!(stream.rank(Profile::ConstrainedBaseline), Some(0));
        assert!(stream.rank(Profile::High).is_some());
        let main = Profile::of_sps(&[0x67, 0x4d, 0x40, 0x1f]).unwrap();
        assert_eq!(main.rank(Profile::ConstrainedBaseline), None);
        assert_eq!(main.rank(Profile::Main), Some(0));
    }
}
