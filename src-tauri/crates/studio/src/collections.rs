//! The person's collections: a folder with one of its own for each, and which of them was open last.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use api::{Code, CollectionFile, Problem};
use scene::{Collection, SourceKind};
use serde_json::Value;

use crate::document;
use crate::studio::{Shared, State, folder_of, sentence};

/// What a collection's file is called in its folder.
const FILE: &str = "collection.json";

/// Names the collection that was open last.
const LAST: &str = "last";

/// Where values name files, in the settings of sources, filters and transitions.
const NAMED: [&str; 8] = [
    "path", "paths", "file", "files", "folder", "image", "lut", "video",
];

/// The folder of all collections.
pub(crate) struct Shelf {
    folder: PathBuf,
}

impl Shelf {
    pub(crate) fn at(folder: PathBuf) -> Self {
        // The same file has one name, whoever asks for it.
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        Self { folder }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The collections in the folder, by name.
    pub(crate) fn look(&self) -> Vec<(String, PathBuf)> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten();
        let files = entries.flatten().map(|entry| entry.path().join(FILE));
        let mut found: Vec<(String, PathBuf)> = files
            .filter(|path| path.is_file())
            .map(|path| (name_in(&path), path))
            .collect();
        found.sort_by_key(|(name, path)| (name.to_lowercase(), path.clone()));
        found
    }

    /// The collection that was open last, when it is still there.
    pub(crate) fn last(&self) -> Option<PathBuf> {
        let text = std::fs::read_to_string(self.folder.join(LAST)).ok()?;
        let path = PathBuf::from(text.trim_end_matches('\n'));
        path.is_file().then_some(path)
    }

    /// Opens this one at the next start. What cannot be written is not worth a word: the next start
    /// opens the one before.
    pub(crate) fn remember(&self, path: &Path) {
        let kept = || -> std::io::Result<()> {
            std::fs::create_dir_all(&self.folder)?;
            let mut file = tempfile::Builder::new()
                .prefix(".klieg-")
                .tempfile_in(&self.folder)?;
            writeln!(file, "{}", path.display())?;
            file.persist(self.folder.join(LAST)).map_err(|e| e.error)?;
            Ok(())
        };
        if let Err(error) = kept() {
            tracing::warn!(%error, "which collection is open is not remembered");
        }
    }

    /// A file for a collection of this name that is not there yet.
    fn place(&self, name: &str) -> PathBuf {
        let letters = name.to_lowercase();
        let words: Vec<&str> = letters
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        let base: String = words.join("-").chars().take(40).collect();
        let base = if base.is_empty() { "collection" } else { &base };
        let names = (1..).map(|n| match n {
            1 => base.to_owned(),
            n => format!("{base}-{n}"),
        });
        let mut places = names.map(|name| self.folder.join(name));
        let free = places.find(|place| !place.exists());
        free.unwrap_or_else(|| self.folder.join(base)).join(FILE)
    }
}

/// What a collection's file calls it; the folder's name when it does not say.
fn name_in(path: &Path) -> String {
    let named = || {
        let text = std::fs::read_to_string(path).ok()?;
        let value: Value = serde_json::from_str(&text).ok()?;
        Some(value.get("name")?.as_str()?.to_owned())
    };
    named().unwrap_or_else(|| {
        let folder = path.parent().and_then(Path::file_name);
        folder.map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    })
}

/// All collections, the one that is open under its newest name.
pub(crate) fn listed(state: &State) -> Vec<CollectionFile> {
    let file = |name: &str, path: &Path, open| CollectionFile {
        name: name.to_owned(),
        path: path.display().to_string(),
        open,
    };
    let now = state.history.now();
    let mut all: Vec<CollectionFile> = state
        .collections
        .iter()
        .map(|(name, path)| {
            let open = *path == state.path;
            file(if open { &now.name } else { name }, path, open)
        })
        .collect();
    if !all.iter().any(|one| one.open) {
        all.insert(0, file(&now.name, &state.path, true));
    }
    all
}

impl Shared {
    pub(crate) fn new_collection(&self, name: &str) -> Result<(), Problem> {
        let mut collection = Collection::empty(&checked(name)?);
        collection.canvas = self.state.lock().history.now().canvas;
        self.take_in(&collection)
    }

    pub(crate) fn duplicate_collection(&self, name: &str) -> Result<(), Problem> {
        let mut collection = self.whole()?;
        collection.name = checked(name)?;
        self.take_in(&collection)
    }

    pub(crate) fn import_collection(&self, mut collection: Collection) -> Result<(), Problem> {
        collection.name = checked(&collection.name)?;
        collection.validate().map_err(|e| {
            let text = format!("{} cannot be imported: {e}.", collection.name);
            Problem::new(Code::Invalid, text).about("collection")
        })?;
        hold(&mut collection);
        self.take_in(&collection)
    }

    pub(crate) fn export_collection(&self, path: &Path) -> Result<(), Problem> {
        let collection = self.whole()?;
        // Whoever controls the studio from afar writes collections, and nothing over other files.
        let json = path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("json"));
        if !json || !path.is_absolute() || (path.exists() && !document::is_collection(path)) {
            let text = format!(
                "{} is no place for a collection. Choose a new file that ends in .json.",
                path.display()
            );
            return Err(Problem::new(Code::Invalid, text).about("collection"));
        }
        document::write(path, &collection).map_err(|e| unwritten(path, &e))
    }

    pub(crate) fn delete_collection(&self, path: &Path) -> Result<(), Problem> {
        let mut state = self.state.lock();
        if state.path == path {
            let text = "This collection is open. Open another one before you delete it.";
            return Err(Problem::new(Code::Conflict, text).about("collection"));
        }
        let listed = state.collections.iter().find(|(_, file)| file == path);
        let Some((name, file)) = listed.cloned() else {
            let text = format!("{} is none of your collections.", path.display());
            return Err(Problem::new(Code::NotFound, text).about("collection"));
        };
        std::fs::remove_file(&file).map_err(|e| {
            let text = format!(
                "“{name}” was not deleted: {e}. Close what has {} open, and try again.",
                file.display()
            );
            Problem::new(Code::Unavailable, text).about("collection")
        })?;
        // What people put beside it (media, backups) stays; a folder with nothing in it goes.
        if let Some(folder) = file.parent()
            && let Err(error) = std::fs::remove_dir(folder)
        {
            tracing::debug!(%error, "the folder of a deleted collection stays");
        }
        state.collections = self.shelf.look();
        Ok(())
    }

    /// Forgets tokens that no collection has a use for any more.
    pub(crate) fn tidy_tokens(&self) {
        let mut state = self.state.lock();
        if !state.remotes.has_tokens() {
            return;
        }
        let mut all = vec![Collection::clone(state.history.now())];
        for (_, path) in self.shelf.look() {
            let opened = document::open(&path);
            if path != state.path && opened.problem.is_some() {
                // What it has cannot be told: everything stays.
                return;
            }
            all.push(opened.collection);
        }
        state.remotes.tidy(&all);
    }

    /// Puts a collection on the shelf, and opens it.
    fn take_in(&self, collection: &Collection) -> Result<(), Problem> {
        let path = self.shelf.place(&collection.name);
        document::write(&path, collection).map_err(|e| unwritten(&path, &e))?;
        self.open_collection(&path)
    }

    /// The open collection as it can be read from anywhere: files are named by whole paths.
    fn whole(&self) -> Result<Collection, Problem> {
        let state = self.state.lock();
        let folder = folder_of(&state.path);
        let now = Arc::clone(state.history.now());
        drop(state);
        with_whole_paths(&now, &folder).map_err(|e| {
            let text = format!("“{}” cannot be copied: {e}.", now.name);
            Problem::new(Code::Internal, text).about("collection")
        })
    }
}

fn with_whole_paths(collection: &Collection, folder: &Path) -> serde_json::Result<Collection> {
    let mut value = serde_json::to_value(collection)?;
    lengthen(&mut value, false, folder);
    serde_json::from_value(value)
}

/// Lengthens what names a file that is there; `named` is whether the key around says so.
fn lengthen(value: &mut Value, named: bool, folder: &Path) {
    match value {
        Value::String(text)
            if named && !text.is_empty() && Path::new(text.as_str()).is_relative() =>
        {
            let whole = folder.join(text.as_str());
            if whole.exists() {
                *text = whole.display().to_string();
            }
        }
        Value::Array(values) => values
            .iter_mut()
            .for_each(|value| lengthen(value, named, folder)),
        Value::Object(fields) => fields
            .iter_mut()
            .for_each(|(key, value)| lengthen(value, NAMED.contains(&key.as_str()), folder)),
        _ => {}
    }
}

/// No address that somebody else wrote is called before the host has seen it.
fn hold(collection: &mut Collection) {
    for source in &mut collection.sources {
        if let SourceKind::Remote { held, .. } = &mut source.kind {
            *held = true;
        }
    }
}

fn checked(name: &str) -> Result<String, Problem> {
    let name = name.trim();
    if (1..=100).contains(&name.chars().count()) {
        Ok(name.to_owned())
    } else {
        let text = sentence(&scene::EditError::Name.to_string());
        Err(Problem::new(Code::Invalid, text).about("name"))
    }
}

fn unwritten(path: &Path, error: &std::io::Error) -> Problem {
    let text = format!(
        "{} could not be written: {error}. Free some space or choose another folder.",
        path.display()
    );
    Problem::new(Code::Unavailable, text).about("collection")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_collection_has_a_folder_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::at(folder.path().join("collections"));
        assert_eq!(shelf.look(), []);
        for (name, expect) in [
            ("Sunday Show!", "sunday-show"),
            ("sunday show", "sunday-show-2"),
            ("日曜日", "日曜日"),
            ("../..", "collection"),
        ] {
            let path = shelf.place(name);
            assert_eq!(path, shelf.folder().join(expect).join(FILE));
            document::write(&path, &Collection::empty(name)).unwrap();
        }
        let names: Vec<String> = shelf.look().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["../..", "sunday show", "Sunday Show!", "日曜日"]);
        assert_eq!(shelf.last(), None);
        let show = shelf.folder().join("sunday-show").join(FILE);
        shelf.remember(&show);
        assert_eq!(shelf.last(), Some(show.clone()));
        std::fs::remove_file(&show).unwrap();
        assert_eq!(shelf.last(), None, "it is gone");
    }

    #[test]
    fn files_that_are_there_are_named_by_whole_paths() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("logo.png"), "").unwrap();
        let mut value = serde_json::json!({
            "name": "logo.png",
            "sources": [
                { "settings": { "path": "logo.png" } },
                { "settings": { "path": "gone.png" } },
                { "settings": { "files": ["logo.png", "/elsewhere/loop.mp4"] } },
            ],
        });
        lengthen(&mut value, false, folder.path());
        let logo = folder.path().join("logo.png").display().to_string();
        let expect = serde_json::json!({
            "name": "logo.png",
            "sources": [
                { "settings": { "path": logo } },
                { "settings": { "path": "gone.png" } },
                { "settings": { "files": [logo, "/elsewhere/loop.mp4"] } },
            ],
        });
        assert_eq!(value, expect);
    }
}
