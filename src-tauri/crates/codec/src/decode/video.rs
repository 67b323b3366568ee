//! H.264 packets.

use media::{Config, Frame, Packet};

use crate::{Error, backend};

/// One video decoder, for one thread.
pub trait Decoder: Send {
    /// Decodes one packet; the frames that became ready, in the order they are shown, each with the
    /// `pts` of its packet: I420 in the colour that the stream declares.
    ///
    /// # Errors
    /// [`Error::Damaged`] when the packet cannot be decoded. Decoding goes on with the next packet; pictures
    /// may be missing until the next keyframe.
    fn decode(&mut self, packet: &Packet) -> Result<Vec<Frame>, Error>;

    /// The frames still inside, in the order they are shown. The next packet must be a keyframe.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    fn flush(&mut self) -> Result<Vec<Frame>, Error>;
}

/// A decoder for a track of `config`.
///
/// # Errors
/// [`Error::H264`] when the parameter sets cannot be read or describe what is not decoded,
/// [`Error::Library`] when there is no decoder.
pub fn open(config: &Config) -> Result<Box<dyn Decoder>, Error> {
    match config {
        Config::H264 { sps, pps, .. } => {
            Ok(Box::new(backend::h264_decoder::Decoder::open(sps, pps)?))
        }
        Config::Opus { .. } | Config::Aac { .. } => Err(Error::Input {
            codec: "H.264",
            what: format!("a track of {}; it takes H.264", config.codec()),
        }),
    }
}

#[cfg(test)]
mod tests;
