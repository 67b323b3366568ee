//! One file that grows.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, IoSlice, Write};
use std::path::{Path, PathBuf};

use container::fmp4::Fragment;

use crate::Error;
use crate::cutter::Piece;

/// A file of fragments. What is written is handed to the system at once: it outlives the program.
#[derive(Debug)]
pub(crate) struct Reel {
    file: File,
    path: PathBuf,
    len: u64,
    synced: u64,
}

impl Reel {
    /// Makes the file, which must not be there yet, with its beginning.
    pub(crate) fn create(path: &Path, head: &[u8]) -> Result<Self, Error> {
        let open = || -> std::io::Result<File> {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let mut options = OpenOptions::new();
            let mut file = options.write(true).create_new(true).open(path)?;
            file.write_all(head)?;
            file.sync_all()?;
            if let Some(folder) = path.parent() {
                sync_folder(folder)?;
            }
            Ok(file)
        };
        Ok(Self {
            file: open().map_err(Error::disk(path))?,
            path: path.to_owned(),
            len: head.len() as u64,
            synced: 0,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes so far.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Writes a fragment; gives the place where it begins. After a failure the file ends with the last whole
    /// fragment.
    pub(crate) fn append(&mut self, piece: &Piece) -> Result<u64, Error> {
        let at = self.len;
        if let Err(error) = write_pieces(&mut self.file, &piece.data) {
            // A fragment that is cut short harms nobody who reads the file; without it, it is tidier.
            drop(self.file.set_len(at));
            return Err(Error::disk(&self.path)(error));
        }
        self.len += piece.data.size() as u64;
        Ok(at)
    }

    /// Brings what is written to the disk itself, against a power cut.
    pub(crate) fn sync(&mut self) -> Result<(), Error> {
        if self.synced == self.len {
            return Ok(());
        }
        self.file.sync_data().map_err(Error::disk(&self.path))?;
        self.synced = self.len;
        Ok(())
    }

    /// Whether the file still has its name: one that was moved or deleted takes all that is written, and shows it
    /// to nobody.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match std::fs::symlink_metadata(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err(Error::Gone(self.path.clone()))
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

/// Writes all of a fragment from where it lies.
fn write_pieces(file: &mut File, fragment: &Fragment) -> std::io::Result<()> {
    let pieces = fragment.pieces().filter(|piece| !piece.is_empty());
    let mut slices: Vec<IoSlice<'_>> = pieces.map(|piece| IoSlice::new(piece)).collect();
    let mut left = &mut slices[..];
    while !left.is_empty() {
        match file.write_vectored(left) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut left, written),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Brings the names in a folder to the disk: without it, a power cut may leave a file that nobody finds.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Other systems keep names with the file.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> std::io::Result<()> {
    Ok(())
}
