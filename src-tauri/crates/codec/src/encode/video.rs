//! H.264 from the program's canvas.

use std::time::Duration;

use media::{Frame, Packet, TrackId};

use crate::{Error, backend};

/// How to encode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Pixels across; even, 16 to 3840.
    pub width: u32,
    /// Pixels down; even, 16 to 3840, and at most 3840 × 2160 in all.
    pub height: u32,
    /// Pictures per second, 1 to 120.
    pub fps: u32,
    /// Bits per second, 10 000 to 100 000 000.
    pub bitrate: u32,
    /// The longest time from one keyframe to the next.
    pub keyframe_interval: Duration,
}

/// One video encoder, for one thread. The next keyframe comes by itself when its interval has passed.
pub trait Encoder: Send {
    /// What does the work, for the statistics: `openh264`.
    fn name(&self) -> &'static str;

    /// Encodes one picture: I420, BT.709 limited, of the size that was asked for. The first packet is a
    /// keyframe; `pts` is the frame's timestamp. `None` when the encoder left the picture out.
    ///
    /// # Errors
    /// [`Error::Input`] for a frame of another format or size, [`Error::Library`] when encoding fails.
    fn encode(&mut self, frame: &Frame) -> Result<Option<Packet>, Error>;

    /// The track's configuration; there from the first packet on. It is whole again after every keyframe.
    fn config(&self) -> Option<media::Config>;

    /// The next picture becomes a keyframe.
    fn request_keyframe(&mut self);

    /// Aims at another bitrate from the next picture on, without a keyframe.
    ///
    /// # Errors
    /// [`Error::Settings`] when it is out of range, [`Error::Library`] when the encoder refuses.
    fn set_bitrate(&mut self, bitrate: u32) -> Result<(), Error>;

    /// The longest time from one keyframe to the next, from now on.
    fn set_keyframe_interval(&mut self, interval: Duration);

    /// Hands out what is still inside; the encoder may go on afterwards.
    ///
    /// # Errors
    /// [`Error::Library`].
    fn flush(&mut self) -> Result<Vec<Packet>, Error>;
}

/// Opens the best encoder there is for `config`; its packets belong to `track`.
///
/// # Errors
/// [`Error::Settings`] when the configuration is out of range, [`Error::Library`] when there is no encoder.
pub fn open(config: Config, track: TrackId) -> Result<Box<dyn Encoder>, Error> {
    check(&config)?;
    Ok(Box::new(backend::h264_encoder::Encoder::open(
        config, track,
    )?))
}

/// Whether a bitrate is in range.
pub(crate) fn check_bitrate(bitrate: u32) -> Result<(), Error> {
    if (10_000..=100_000_000).contains(&bitrate) {
        Ok(())
    } else {
        Err(Error::Settings {
            codec: "H.264",
            what: format!("{bitrate} bits per second (10 000 to 100 000 000)"),
        })
    }
}

fn check(config: &Config) -> Result<(), Error> {
    let Config {
        width, height, fps, ..
    } = *config;
    let sides = 16..=3840;
    let whole = width.is_multiple_of(2) && height.is_multiple_of(2);
    let fits = sides.contains(&width) && sides.contains(&height) && width.min(height) <= 2160;
    if !whole || !fits {
        return Err(Error::Settings {
            codec: "H.264",
            what: format!("{width}×{height} (even sides, up to 3840×2160)"),
        });
    }
    if !(1..=120).contains(&fps) {
        return Err(Error::Settings {
            codec: "H.264",
            what: format!("{fps} pictures per second (1 to 120)"),
        });
    }
    check_bitrate(config.bitrate)
}

#[cfg(test)]
mod tests;
