//! The log's file, `logs/klieg.log`: rotated by size, a bounded number of older ones beside it. A thread
//! of its own writes; whoever logs hands a line over and goes on.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use parking_lot::Mutex;

/// The newest file.
const NAME: &str = "klieg.log";

/// A file is rotated when it has grown to so many bytes.
const FILE_BYTES: u64 = 5 << 20;

/// Older files kept beside the newest: `klieg.log.1` is the newest of them.
const OLDER: u32 = 4;

/// Lines that wait for the disk; more are left out and counted.
const WAITING: usize = 4096;

/// Where lines go, once it is open. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub(super) struct LogFile(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    writer: Mutex<Option<Writer>>,
    left_out: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Writer {
    lines: SyncSender<String>,
    thread: JoinHandle<()>,
}

impl LogFile {
    /// Begins to write into a folder, which is made when it is not there. What was open is closed.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn open(&self, folder: &Path) -> io::Result<()> {
        self.close();
        let mut files = Files::open(folder, FILE_BYTES)?;
        let (lines, waiting) = sync_channel(WAITING);
        let left_out = Arc::clone(&self.0.left_out);
        let thread = std::thread::Builder::new()
            .name("log-file".into())
            .spawn(move || write_all(&waiting, &left_out, &mut files))?;
        *self.0.writer.lock() = Some(Writer { lines, thread });
        Ok(())
    }

    /// Hands a line over; it is only made when there is a file. Never waits for the disk.
    pub(super) fn write(&self, line: impl FnOnce() -> String) {
        let writer = self.0.writer.lock();
        if let Some(writer) = writer.as_ref()
            && writer.lines.try_send(line()).is_err()
        {
            self.0.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Writes out what waits, and closes.
    pub(super) fn close(&self) {
        let writer = self.0.writer.lock().take();
        if let Some(Writer { lines, thread }) = writer {
            drop(lines);
            if thread.join().is_err() {
                tracing::error!("the log's thread had panicked");
            }
        }
    }
}

/// Writes lines until nobody hands over any more.
fn write_all(waiting: &Receiver<String>, left_out: &AtomicU64, files: &mut Files) {
    while let Ok(line) = waiting.recv() {
        let missing = left_out.swap(0, Ordering::Relaxed);
        let notice = format!("({missing} lines are left out: the disk was too slow)\n");
        let lines = (missing > 0).then_some(notice).into_iter().chain([line]);
        for line in lines {
            // A full disk: what cannot be written cannot be said here either. The next line tries again.
            drop(files.write(&line));
        }
    }
}

/// The newest file, and how large it is.
struct Files {
    folder: PathBuf,
    limit: u64,
    file: File,
    bytes: u64,
}

impl Files {
    fn open(folder: &Path, limit: u64) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let file = append_to(&folder.join(NAME))?;
        let bytes = file.metadata()?.len();
        Ok(Self {
            folder: folder.to_owned(),
            limit,
            file,
            bytes,
        })
    }

    fn write(&mut self, line: &str) -> io::Result<()> {
        if self.bytes > 0 && self.bytes + line.len() as u64 > self.limit {
            self.rotate()?;
        }
        self.file.write_all(line.as_bytes())?;
        self.bytes += line.len() as u64;
        Ok(())
    }

    /// Moves every file one number up, the oldest out, and begins a new one.
    fn rotate(&mut self) -> io::Result<()> {
        let numbered = |n: u32| self.folder.join(format!("{NAME}.{n}"));
        for n in (1..OLDER).rev() {
            if numbered(n).exists() {
                std::fs::rename(numbered(n), numbered(n + 1))?;
            }
        }
        std::fs::rename(self.folder.join(NAME), numbered(1))?;
        self.file = append_to(&self.folder.join(NAME))?;
        self.bytes = 0;
        Ok(())
    }
}

/// Opens a file for adding to it; it is its owner's alone where the system knows such rights.
fn append_to(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(folder: &Path, name: &str) -> Option<String> {
        std::fs::read_to_string(folder.join(name)).ok()
    }

    #[test]
    fn files_are_rotated_by_size_and_the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("logs");
        let mut files = Files::open(&folder, 10).unwrap();
        for n in 0..8 {
            files.write(&format!("line {n}\n")).unwrap();
        }
        // Each holds one line of seven bytes: two would be more than ten.
        assert_eq!(read(&folder, NAME).as_deref(), Some("line 7\n"));
        assert_eq!(read(&folder, "klieg.log.1").as_deref(), Some("line 6\n"));
        assert_eq!(read(&folder, "klieg.log.4").as_deref(), Some("line 3\n"));
        assert_eq!(read(&folder, "klieg.log.5"), None);
        // A line larger than a file stands alone; a restart goes on where the last one was.
        files.write("a long line of text\n").unwrap();
        drop(files);
        let mut files = Files::open(&folder, 30).unwrap();
        files.write("more\n").unwrap();
        assert_eq!(
            read(&folder, NAME).as_deref(),
            Some("a long line of text\nmore\n")
        );
    }

    #[test]
    fn what_was_handed_over_is_written_when_it_closes() {
        let folder = tempfile::tempdir().unwrap();
        let file = LogFile::default();
        file.write(|| unreachable!("there is no file yet"));
        file.open(folder.path()).unwrap();
        for n in 0..100 {
            file.write(|| format!("{n}\n"));
        }
        file.close();
        let text = read(folder.path(), NAME).unwrap();
        assert_eq!(
            (text.lines().count(), text.lines().last()),
            (100, Some("99"))
        );
    }

    #[test]
    fn what_does_not_fit_is_counted_and_said() {
        let folder = tempfile::tempdir().unwrap();
        let (lines, waiting) = sync_channel(2);
        lines.send("one\n".to_owned()).unwrap();
        drop(lines);
        let left_out = AtomicU64::new(5);
        write_all(
            &waiting,
            &left_out,
            &mut Files::open(folder.path(), 1000).unwrap(),
        );
        let text = read(folder.path(), NAME).unwrap();
        assert_eq!(text, "(5 lines are left out: the disk was too slow)\none\n");
    }
}
