//! The collection file: opened with care, saved as it is changed.
//!
//! A file that cannot be read as it is stays untouched until a person changes something; what was
//! in it is then kept beside it before the first save. Saving is atomic (write beside, sync,
//! rename) and happens on a thread of its own, a moment after the change, so that a fader being
//! dragged does not write sixty files a second.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use api::{Code, Problem};
use parking_lot::{Condvar, Mutex};
use scene::Collection;

/// Changes that come within this time are saved together: what a kill can cost at most.
const SETTLE: Duration = Duration::from_millis(200);

/// A collection as opened.
pub(crate) struct Opened {
    pub(crate) collection: Collection,
    /// What had to be said about it.
    pub(crate) problem: Option<Problem>,
}

/// Opens a collection file. What cannot be used is said, never lost: the file stays as it is.
pub(crate) fn open(path: &Path) -> Opened {
    match read(path) {
        Ok(collection) => Opened {
            collection,
            problem: None,
        },
        Err(reason) => {
            let name = path
                .file_stem()
                .map_or("Collection".into(), |n| n.to_string_lossy());
            Opened {
                collection: Collection::empty(&name),
                problem: Some(
                    Problem::new(
                        Code::Invalid,
                        format!(
                            "{} could not be opened: {reason}. An empty collection stands in for it; the file \
                             stays as it is until you change something, and a copy is kept then.",
                            path.display()
                        ),
                    )
                    .about("collection"),
                ),
            }
        }
    }
}

/// Whether a file holds a collection that this program can read.
pub(crate) fn is_collection(path: &Path) -> bool {
    read(path).is_ok()
}

fn read(path: &Path) -> Result<Collection, String> {
    let text = std::fs::read_to_string(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => e.to_string(),
    })?;
    // The version first: a newer file may have a shape that this program does not know.
    let value: serde_json::Value =
        serde_json::from_str(&text).map_err(|e| format!("it is not a collection ({e})"))?;
    let version = value.get("version").and_then(serde_json::Value::as_u64);
    if let Some(version) = version.filter(|v| *v > u64::from(scene::VERSION)) {
        let version = u32::try_from(version).unwrap_or(u32::MAX);
        return Err(scene::Invalid::Newer { version }.to_string());
    }
    let collection: Collection =
        serde_json::from_str(&text).map_err(|e| format!("it is not a collection ({e})"))?;
    collection.validate().map_err(|e| e.to_string())?;
    Ok(collection)
}

/// The thread that saves. Dropping it saves what is still to be saved, and joins the thread.
pub(crate) struct Saver {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    desk: Mutex<Desk>,
    changed: Condvar,
}

#[derive(Default)]
struct Desk {
    pending: Option<(PathBuf, Arc<Collection>)>,
    stop: bool,
    problem: Option<Problem>,
}

impl Saver {
    pub(crate) fn start() -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("saver".into())
            .spawn(move || run(&theirs))?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Saves a collection to a file soon; the latest one wins.
    pub(crate) fn save(&self, path: &Path, collection: Arc<Collection>) {
        let mut desk = self.shared.desk.lock();
        // A collection that waits for another file is not to be lost.
        if let Some((other, earlier)) = desk.pending.take()
            && other != path
        {
            desk.problem = write(&other, &earlier).err().map(|e| unsaved(&other, &e));
        }
        desk.pending = Some((path.to_owned(), collection));
        drop(desk);
        self.shared.changed.notify_all();
    }

    /// Why the last save failed, if it did.
    pub(crate) fn problem(&self) -> Option<Problem> {
        self.shared.desk.lock().problem.clone()
    }
}

impl Drop for Saver {
    fn drop(&mut self) {
        self.shared.desk.lock().stop = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the saver's thread had panicked");
        }
    }
}

fn run(shared: &Shared) {
    let mut desk = shared.desk.lock();
    loop {
        while desk.pending.is_none() && !desk.stop {
            shared.changed.wait(&mut desk);
        }
        if !desk.stop {
            // Let the hand that drags a fader go on for a moment; stopping cuts it short.
            shared.changed.wait_for(&mut desk, SETTLE);
        }
        let Some((path, collection)) = desk.pending.take() else {
            if desk.stop {
                return;
            }
            continue;
        };
        drop(desk);
        let outcome = write(&path, &collection);
        desk = shared.desk.lock();
        desk.problem = outcome.err().map(|error| {
            tracing::error!(path = %path.display(), %error, "the collection was not saved");
            unsaved(&path, &error)
        });
    }
}

fn unsaved(path: &Path, error: &std::io::Error) -> Problem {
    Problem::new(
        Code::Unavailable,
        format!(
            "{} could not be saved: {error}. Free some space or choose another folder; it is tried again with \
             the next change.",
            path.display()
        ),
    )
    .about("collection")
}

/// Writes a collection atomically; keeps what was there before, once, as `NAME.bak` (or under a
/// numbered name when it was no collection at all).
pub(crate) fn write(path: &Path, collection: &Collection) -> std::io::Result<()> {
    keep_backup(path, collection)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new()
        .prefix(".klieg-")
        .tempfile_in(folder)?;
    let mut text = serde_json::to_string_pretty(collection).map_err(std::io::Error::other)?;
    text.push('\n');
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}

fn keep_backup(path: &Path, collection: &Collection) -> std::io::Result<()> {
    if !path.exists() {
        return Ok(());
    }
    match read(path) {
        Ok(before) if before == *collection => Ok(()),
        Ok(_) => std::fs::copy(path, with_ending(path, "bak")).map(drop),
        Err(_) => {
            let free = (1..)
                .map(|n| with_ending(path, &format!("unreadable-{n}")))
                .find(|name| !name.exists());
            free.map_or(Ok(()), |name| std::fs::copy(path, name).map(drop))
        }
    }
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn what_cannot_be_opened_is_said_and_kept() {
        let folder = folder();
        let path = folder.path().join("show.json");
        let newer = r#"{"version": 99, "shape": "unknown"}"#;
        for (text, expect) in [
            ("{ not json", "line 1"),
            (newer, "version 99"),
            (r#"{"version": 1}"#, "missing field"),
        ] {
            std::fs::write(&path, text).unwrap();
            let opened = open(&path);
            let said = opened.problem.unwrap().message;
            assert!(said.contains(expect), "{said:?} should say {expect:?}");
            assert_eq!(opened.collection.name, "show");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "untouched");
        }
        write(&path, &Collection::empty("New")).unwrap();
        let kept = std::fs::read_to_string(folder.path().join("show.json.unreadable-1")).unwrap();
        assert_eq!(kept, r#"{"version": 1}"#);
        assert_eq!(open(&path).collection.name, "New");
    }

    #[test]
    fn the_saver_saves_the_latest_and_all_of_it_when_dropped() {
        let folder = folder();
        let (a, b) = (folder.path().join("a.json"), folder.path().join("b.json"));
        let saver = Saver::start().unwrap();
        for name in ["1", "2", "3"] {
            saver.save(&a, Arc::new(Collection::empty(name)));
        }
        saver.save(&b, Arc::new(Collection::empty("other")));
        drop(saver);
        assert_eq!(open(&a).collection.name, "3");
        assert_eq!(open(&b).collection.name, "other");
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert!(left.len() <= 3, "no temporary files stay: {left:?}");
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_said() {
        let folder = folder();
        let blocked = folder.path().join("file");
        std::fs::write(&blocked, "").unwrap();
        let saver = Saver::start().unwrap();
        saver.save(&blocked.join("a.json"), Arc::new(Collection::empty("x")));
        let shared = Arc::clone(&saver.shared);
        drop(saver);
        let said = shared.desk.lock().problem.clone().unwrap().message;
        assert!(said.contains("could not be saved"), "{said}");
    }
}
