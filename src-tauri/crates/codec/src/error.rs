use media::{FrameError, h264};

/// What can go wrong when encoding or decoding.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An encoder cannot be set that way.
    #[error("the {codec} encoder cannot be set to {what}")]
    Settings {
        /// The codec as people write it.
        codec: &'static str,
        /// The setting that is out of range, and the range.
        what: String,
    },
    /// What was given to an encoder is not what it was opened for.
    #[error("the {codec} encoder was given {what}")]
    Input {
        /// The codec as people write it.
        codec: &'static str,
        /// What was given, and what is taken.
        what: String,
    },
    /// The library behind a codec failed.
    #[error("the {codec} library failed: {message}")]
    Library {
        /// The codec as people write it.
        codec: &'static str,
        /// The library's word for it.
        message: String,
    },
    /// What was to be decoded is damaged. Decoding goes on with the next packet.
    #[error("damaged {codec} data: {message}")]
    Damaged {
        /// The codec or format as people write it.
        codec: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// A codec or format that is not decoded here.
    #[error("{what} is not decoded by Klieg; convert to {instead}")]
    Unsupported {
        /// The codec or format.
        what: String,
        /// What to convert to.
        instead: &'static str,
    },
    /// More pixels or bytes than are taken.
    #[error("{what} is too large: {limit} at most")]
    TooLarge {
        /// What was to be decoded.
        what: &'static str,
        /// The limit in words.
        limit: String,
    },
    /// The build has no AAC.
    #[error(
        "this build of Klieg has no AAC; use Opus, or build with the feature `aac` of klieg-codec"
    )]
    NoAac,
    /// The bitstream's own structure is damaged.
    #[error(transparent)]
    H264(#[from] h264::Error),
    /// The decoded planes make no frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The file could not be read.
    #[error("the file could not be read: {0}")]
    Read(#[from] std::io::Error),
}
