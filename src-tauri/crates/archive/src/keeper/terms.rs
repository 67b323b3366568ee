//! What a keeper is asked for, and what it tells.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use media::Timestamp;

use crate::{Error, Finished};

/// How a channel is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Where reels go that no one asked for.
    pub behind: PathBuf,
    /// How far one can go back; zero to keep nothing behind.
    pub window: Duration,
    /// Bytes of the disk that are left free: a recording ends before it takes them.
    pub leave_free: u64,
}

/// When a recording goes on in another file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// After so long.
    Time(Duration),
    /// After so many bytes.
    Size(u64),
}

/// What a keeper is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Record to this file; further ones are numbered. Does nothing while it records.
    Record {
        /// The first file, which must not be there.
        path: PathBuf,
        /// When it goes on in another.
        split: Option<Split>,
    },
    /// Stand still.
    Pause,
    /// Go on in the same file, as if no time had passed.
    Resume,
    /// End the recording.
    Stop,
    /// Keep so much behind from now on.
    Window(Duration),
}

/// What became of a recording.
#[derive(Debug)]
pub enum Event {
    /// A file has begun.
    Began {
        /// The file.
        path: PathBuf,
        /// The channel's time of its first picture.
        at: Timestamp,
    },
    /// A file that stood still goes on.
    Resumed {
        /// The file.
        path: PathBuf,
        /// The channel's time that is not in it.
        stood: Range<Timestamp>,
    },
    /// A file is finished, or stays as it is because it could not be.
    Ended {
        /// The file.
        path: PathBuf,
        /// What it is, or why it is not sealed; it plays all the same.
        result: Result<Finished, Error>,
    },
    /// The recording has ended by itself, for this reason. The show goes on.
    Stopped(String),
}

/// How a keeper does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// What is recorded.
    pub recording: Option<Recording>,
    /// Bytes of the disk that are free.
    pub free: Option<u64>,
    /// What is wrong or will soon be, for people.
    pub warning: Option<String>,
    /// Packets that were lost because the disk was too slow.
    pub lost: u64,
}

/// A recording that is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// The file that is written.
    pub path: PathBuf,
    /// Which it is, from 1.
    pub part: u32,
    /// How long it plays, all parts together.
    pub duration: Duration,
    /// Its bytes, all parts together.
    pub bytes: u64,
    /// It stands still.
    pub paused: bool,
}
