//! Opus and AAC packets.

use media::{Config, Packet, Samples};

use crate::{Error, backend};

/// One audio decoder, for one thread.
pub trait Decoder: Send {
    /// Decodes one packet; the samples are stamped with the time at which they are to be heard, at the
    /// rate and with the channels (one or two) that the stream has. `None` while the decoder is filling up.
    ///
    /// # Errors
    /// [`Error::Damaged`]; decoding goes on with the next packet.
    fn decode(&mut self, packet: &Packet) -> Result<Option<Samples>, Error>;
}

/// A decoder for a track of `config`.
///
/// # Errors
/// [`Error::Damaged`] when the configuration cannot be read, [`Error::Unsupported`] for a codec or layout
/// that is not decoded, [`Error::NoAac`] for AAC in a build without it.
pub fn open(config: &Config) -> Result<Box<dyn Decoder>, Error> {
    match config {
        Config::Opus { channels, .. } => Ok(Box::new(backend::opus::Decoder::open(*channels)?)),
        #[cfg(feature = "aac")]
        Config::Aac { asc, .. } => Ok(Box::new(backend::aac_decoder::Decoder::open(asc)?)),
        #[cfg(not(feature = "aac"))]
        Config::Aac { .. } => Err(Error::NoAac),
        Config::H264 { .. } => Err(Error::Input {
            codec: "sound",
            what: "an H.264 track; it takes Opus and AAC".into(),
        }),
    }
}
