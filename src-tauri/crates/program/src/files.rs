//! Files that filters and transitions use: read and decoded on a thread of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use codec::decode::picture;
use parking_lot::{Condvar, Mutex};
use render::{Cube, File, Files};
use scene::Collection;

use crate::Error;

/// The largest file that is read.
const LARGEST: u64 = 64 << 20;

/// How long to wait before looking for a missing file again.
const RETRY: Duration = Duration::from_secs(2);

/// Reads files. Dropping it ends and joins its thread.
pub(crate) struct Shelf {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    desk: Mutex<Desk>,
    wake: Condvar,
}

#[derive(Default)]
struct Desk {
    /// By the name that the document has for it; where it is.
    wanted: BTreeMap<String, PathBuf>,
    /// What was read, and from where.
    read: BTreeMap<String, PathBuf>,
    files: Arc<Files>,
    problems: BTreeMap<String, String>,
    stop: bool,
}

impl Shelf {
    pub(crate) fn start() -> Result<Self, Error> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("filter files".into())
            .spawn(move || run(&theirs))
            .map_err(Error::Thread)?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Says which files a document uses; those that are new are read soon, the others forgotten.
    pub(crate) fn want(&self, collection: &Collection, folder: &Path) {
        let wanted = names(collection)
            .into_iter()
            .map(|name| (name.to_owned(), folder.join(name)))
            .collect();
        let mut desk = self.shared.desk.lock();
        if desk.wanted != wanted {
            desk.wanted = wanted;
            drop(desk);
            self.shared.wake.notify_all();
        }
    }

    /// Access to the files for the program's thread.
    pub(crate) fn reader(&self) -> Reader {
        Reader(Arc::clone(&self.shared))
    }

    /// What is wrong with the others, for people.
    pub(crate) fn problems(&self) -> Vec<String> {
        self.shared.desk.lock().problems.values().cloned().collect()
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        self.shared.desk.lock().stop = true;
        self.shared.wake.notify_all();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of filter files had panicked");
        }
    }
}

/// Access to the files.
pub(crate) struct Reader(Arc<Shared>);

impl Reader {
    pub(crate) fn files(&self) -> Arc<Files> {
        Arc::clone(&self.0.desk.lock().files)
    }
}

fn names(collection: &Collection) -> BTreeSet<&str> {
    let scenes = &collection.scenes;
    let of_scenes = scenes.iter().flat_map(|scene| &scene.filters);
    let of_items = scenes
        .iter()
        .flat_map(|s| &s.items)
        .flat_map(|i| &i.filters);
    let of_sources = collection.sources.iter().flat_map(|source| &source.filters);
    let filters = of_scenes.chain(of_items).chain(of_sources);
    let transitions = scenes.iter().filter_map(|scene| scene.transition.as_ref());
    let transitions = transitions.chain([&collection.transition]);
    filters
        .filter_map(|filter| filter.kind.file())
        .chain(transitions.filter_map(|transition| transition.file()))
        .collect()
}

fn run(shared: &Shared) {
    let mut desk = shared.desk.lock();
    loop {
        if desk.stop {
            return;
        }
        let wanted = desk.wanted.clone();
        let stale = |name: &String, path: &PathBuf| wanted.get(name) != Some(path);
        if desk.read.iter().any(|(name, path)| stale(name, path)) {
            let mut files = desk.files.as_ref().clone();
            desk.read.retain(|name, path| !stale(name, path));
            files.retain(|name, _| desk.read.contains_key(name));
            desk.files = Arc::new(files);
        }
        desk.problems.retain(|name, _| wanted.contains_key(name));
        let missing: Vec<(String, PathBuf)> = wanted
            .into_iter()
            .filter(|(name, _)| !desk.read.contains_key(name))
            .collect();
        for (name, path) in &missing {
            let read = parking_lot::MutexGuard::unlocked(&mut desk, || read(path));
            match read {
                Ok(file) => {
                    let mut files = desk.files.as_ref().clone();
                    files.insert(name.clone(), Arc::new(file));
                    desk.files = Arc::new(files);
                    desk.read.insert(name.clone(), path.clone());
                    desk.problems.remove(name);
                }
                Err(problem) => {
                    let text = format!(
                        "{} cannot be used by a filter or a transition: {problem}",
                        path.display()
                    );
                    if desk.problems.insert(name.clone(), text.clone()).is_none() {
                        tracing::warn!("{text}");
                    }
                }
            }
            if desk.stop {
                return;
            }
        }
        // What was wanted meanwhile is looked at right away.
        let settled = desk.wanted.iter().all(|(name, path)| {
            desk.read.get(name) == Some(path)
                || missing.iter().any(|m| m.0 == *name && m.1 == *path)
        });
        if settled && desk.problems.is_empty() {
            shared.wake.wait(&mut desk);
        } else if settled {
            shared.wake.wait_for(&mut desk, RETRY);
        }
    }
}

fn read(path: &Path) -> Result<File, String> {
    let missing = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            "there is no such file; choose another, or put it back".to_owned()
        }
        _ => error.to_string(),
    };
    let length = std::fs::metadata(path).map_err(missing)?.len();
    if length > LARGEST {
        return Err(format!(
            "it has {} MB; {} are the most",
            length >> 20,
            LARGEST >> 20
        ));
    }
    let bytes = std::fs::read(path).map_err(missing)?;
    let is_cube = path
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("cube"));
    if is_cube {
        let text = String::from_utf8_lossy(&bytes);
        return Cube::parse(&text).map(File::Lut).map_err(|e| e.to_string());
    }
    let decoded = picture::file(&bytes).map_err(|e| e.to_string())?;
    let first = decoded.frames.into_iter().next();
    let (frame, _) = first.ok_or("it holds no picture")?;
    Ok(File::Picture(frame))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_said() {
        let folder = std::env::temp_dir();
        let missing = read(&folder.join("klieg-no-such-file.cube")).unwrap_err();
        assert!(missing.contains("no such file"), "{missing}");
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        assert!(read(&here).is_err());
    }
}
