//! What is kept of channels, as files: recordings, the stretch that viewers go back in, clips.
//!
//! There is one store for all of it. A [`Keeper`] reads a channel as any viewer would and writes *reels*:
//! files of fragmented MP4 that play up to the last half second whatever happens to the program. A reel that
//! was asked for is a recording, and stays; the others make up the stretch behind the live picture, and go
//! as they get old. The [`Timeline`] says where in which reel each moment lies: players rewind in it, and
//! [`cut`] takes clips from it. [`finish()`] makes an ordinary, seekable MP4 of a reel in place, also of one
//! that was cut off.
//!
//! Everything here blocks on the disk: it lives on threads of its own. This crate knows no network, no
//! database and no codec.

mod clip;
mod cutter;
mod finish;
mod keeper;
mod reel;
mod remux;
mod timeline;
mod timelines;

#[cfg(test)]
mod testing;

pub use clip::{
    Clip, Edge, Edged, Source, cut, cut_and_tell, cut_exactly, first_keyframe, keyframe,
};
pub use finish::{Finished, finish};
pub use keeper::{Event, Keeper, Options, Recording, Request, Split, Status};
pub use remux::{Format, Remux};
pub use timeline::{Listing, Segment, Span, Timeline};
pub use timelines::Timelines;

use std::path::{Path, PathBuf};

/// Why something is not kept, or not found. For people.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk says no.
    #[error("{} cannot be used: {source}; check that it is there, may be written to, and has room", path.display())]
    Disk {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Somebody has moved or deleted a file while it was written.
    #[error("{} is not there any more: it, its folder or its disk was moved, deleted or unplugged", .0.display())]
    Gone(PathBuf),
    /// The file is no recording that can be read.
    #[error("{} cannot be read: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: container::mp4::Error,
    },
    /// Nothing was kept of that time.
    #[error("nothing is kept of that time; choose a moment within the last {0} s")]
    Nothing(u64),
    /// What lies between was encoded in different ways.
    #[error("the picture's size or the sound changed in between; choose a shorter stretch")]
    Changed,
    /// The pictures between a cut and the next keyframe could not be encoded again.
    #[error(
        "the pictures at the beginning cannot be encoded again: {0}; cut at the keyframe before instead"
    )]
    Edge(String),
}

/// Bytes that are free where a folder is, as far as the system says.
pub fn free(folder: &Path) -> Option<u64> {
    fs4::available_space(folder).ok()
}

impl Error {
    pub(crate) fn disk(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::Disk {
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn file(path: &Path) -> impl FnOnce(container::mp4::Error) -> Self + '_ {
        move |source| Self::File {
            path: path.to_owned(),
            source,
        }
    }
}
