//! What is kept across restarts, in one SQLite file: chat and its rules, destinations, links, passphrases
//! of channels (as hashes), the title, who did what, the library of shows.
//!
//! Start with [`Store::open`]. One connection behind a mutex, in WAL mode: every call blocks for the
//! time of a small query, so asynchronous callers go through `spawn_blocking`.
//!
//! The file is its owner's alone, and holds no secret: of links and passphrases there are hashes, keys of
//! other services are kept elsewhere. This crate knows no clock (times are arguments), no runtime and no
//! network.

mod audit;
mod chat;
mod destinations;
mod library;
mod links;
mod open;
mod rooms;
mod settings;
mod uploads;

pub use audit::{AuditQuery, KEEP_ACTS, KEEP_ACTS_MS, NewAct};
pub use chat::{Author, KEEP_MESSAGES, Speaker};
pub use library::{ShowChange, ShowQuery, Unfinished};
pub use links::KeptLink;
pub use rooms::KeptBan;
pub use uploads::{KeptUpload, Stored};

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use rusqlite::Connection;

/// The database, open.
#[derive(Debug)]
pub struct Store {
    inner: Mutex<Inner>,
    set_aside: Option<SetAside>,
}

#[derive(Debug)]
struct Inner {
    connection: Connection,
    /// Messages written per channel since that channel was last pruned.
    unpruned: HashMap<String, u32>,
}

impl Inner {
    /// Changes what is kept so that a power cut right after does not take it back: the disk itself has it. Takes the
    /// time of a disk, so it is for what happens seldom.
    fn lastingly<T>(
        &self,
        change: impl FnOnce(&Connection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        let changed = change(&self.connection);
        self.connection
            .pragma_update(None, "synchronous", "NORMAL")?;
        changed
    }
}

/// A damaged database that was moved out of the way when the store was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// Where it lies now, untouched.
    pub path: PathBuf,
    /// What was wrong with it.
    pub reason: String,
}

impl std::fmt::Display for SetAside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "The database was damaged ({}), so a new one was begun. The old file is kept at {}.",
            self.reason,
            self.path.display()
        )
    }
}

/// Why the store cannot do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Written by a newer program; nothing was changed.
    #[error(
        "the database {} was written by a newer Klieg; update Klieg, or choose another --data-dir",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be opened, made or moved.
    #[error(
        "the database {} cannot be opened: {reason}; check that the folder exists and may be written to",
        path.display()
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// A query failed: the disk is full, or the file was damaged while in use.
    #[error("the database did not answer: {0}; check that the disk is not full")]
    Query(#[from] rusqlite::Error),
}

impl Store {
    /// Opens the database at `path`, making it when it is not there and bringing an older one up to date.
    ///
    /// A damaged file is moved aside, never deleted, and a new one begun: see [`Store::set_aside`].
    ///
    /// # Errors
    /// [`Error::Newer`] or [`Error::Open`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let (connection, set_aside) = open::file(path)?;
        Ok(Self::over(connection, set_aside))
    }

    /// A store that is gone when it is dropped, for tests.
    ///
    /// # Errors
    /// [`Error::Query`] when SQLite has no memory.
    pub fn in_memory() -> Result<Self, Error> {
        let mut connection = Connection::open_in_memory()?;
        open::migrate(&mut connection).map_err(|e| Error::Open {
            path: ":memory:".into(),
            reason: e.to_string(),
        })?;
        Ok(Self::over(connection, None))
    }

    fn over(connection: Connection, set_aside: Option<SetAside>) -> Self {
        Self {
            inner: Mutex::new(Inner {
                connection,
                unpruned: HashMap::new(),
            }),
            set_aside,
        }
    }

    /// The damaged database that [`Store::open`] moved out of the way; its text is for people.
    pub fn set_aside(&self) -> Option<&SetAside> {
        self.set_aside.as_ref()
    }
}

#[cfg(test)]
mod tests;
