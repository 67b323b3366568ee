//! What people do with the storage: upload, wait, cancel, enter its keys, look whether it works.

use std::path::Path;

use api::{Code, FilmKind, Problem};
use store::KeptUpload;

use super::{ACCESS, Came, Entry, SECRET, SUBJECT, Storage, note, part_len, problem};
use crate::studio::{Shared, random_text, sentence};

/// What is written to see whether the storage works.
const TRIAL: &[u8] =
    b"Klieg was here to see whether this storage works. You can delete this file.\n";

impl Storage {
    /// Begins an upload, or lets it go on.
    pub(crate) fn upload(&self, film: i64) -> Result<(), Problem> {
        let mut inner = self.inner.lock();
        if let Some(entry) = inner.entries.iter_mut().find(|e| e.kept.film == film) {
            self.store.set_upload(film, false, None).map_err(unkept)?;
            (entry.kept.paused, entry.kept.failed) = (false, None);
            return Ok(());
        }
        let (show, path, about) = self.film(film)?;
        if about.stored.is_some() {
            let text = "That film lies in the storage already.";
            return Err(Problem::new(Code::Conflict, text).about("film"));
        }
        let Some(length) = about.duration_ms.and(about.bytes) else {
            let text = "That file is still being written. Stop the recording first.";
            return Err(Problem::new(Code::Conflict, text).about("film"));
        };
        let key = inner.terms.settings.prefix.key(&show, &about.file);
        let place = inner.terms.place(key).ok_or_else(|| {
            let text = "No storage is set. Enter its address and its bucket in the settings, under Storage.";
            Problem::new(Code::Conflict, text).about(SUBJECT)
        })?;
        if self.keys().is_none() {
            let text =
                "The storage's keys are not kept. Enter them in the settings, under Storage.";
            return Err(Problem::new(Code::Conflict, text).about(SUBJECT));
        }
        let bytes = length_of(&path).unwrap_or(length);
        self.store
            .begin_upload(film, &place, bytes, part_len(bytes))
            .map_err(unkept)?;
        let kept = self.store.upload(film).map_err(unkept)?;
        inner.entries.extend(kept.map(|kept| Entry {
            kept,
            running: None,
        }));
        Ok(())
    }

    /// Lets an upload wait.
    pub(crate) fn pause(&self, film: i64) -> Result<(), Problem> {
        let mut inner = self.inner.lock();
        let found = inner.entries.iter_mut().find(|e| e.kept.film == film);
        let entry = found.ok_or_else(no_upload)?;
        self.store.set_upload(film, true, None).map_err(unkept)?;
        // What it has done so far is kept first.
        self.look(entry);
        entry.running = None;
        (entry.kept.paused, entry.kept.failed) = (true, None);
        Ok(())
    }

    /// Gives an upload up. What the storage holds of it is taken away beside.
    pub(crate) fn cancel(&self, film: i64) -> Result<(), Problem> {
        let mut inner = self.inner.lock();
        let at = inner.entries.iter().position(|e| e.kept.film == film);
        let at = at.ok_or_else(no_upload)?;
        // The storage's name of it may be among what it has done last.
        self.look(&mut inner.entries[at]);
        self.store.forget_upload(film).map_err(unkept)?;
        let entry = inner.entries.remove(at);
        drop(inner);
        let KeptUpload { place, upload, .. } = entry.kept;
        // It must not begin a part once the upload is taken away.
        drop(entry.running);
        if let (Some(upload), Ok(client)) = (upload, self.client(&place)) {
            self.runtime.spawn(async move {
                if let Err(error) = client.abort((&place.key, &upload)).await {
                    tracing::warn!(%error, "parts of an upload stay in the storage");
                }
            });
        }
        Ok(())
    }

    /// Deletes a film in the storage, where it lies there, and gives up what is on its way. Blocks on the network.
    pub(crate) fn delete(&self, film: i64) -> Result<(), Problem> {
        if self
            .inner
            .lock()
            .entries
            .iter()
            .any(|e| e.kept.film == film)
        {
            self.cancel(film)?;
        }
        let Some(stored) = self.store.stored(film).map_err(unkept)? else {
            return Ok(());
        };
        let client = self.client(&stored)?;
        let deleted = self.runtime.block_on(client.delete(&stored.key));
        deleted.map_err(|e| problem(&e))?;
        self.store.forget_upload(film).map_err(unkept)
    }

    /// Keeps the storage's keys, or forgets them when they are empty.
    pub(crate) fn set_keys(&self, access: &str, secret: &str) -> Result<(), Problem> {
        let (access, secret) = (access.trim(), secret.trim());
        if access.is_empty() != secret.is_empty() {
            let text =
                "A storage has two keys: the access key's identity, and its secret. Enter both.";
            return Err(Problem::new(Code::Invalid, text).about(SUBJECT));
        }
        if access.len().max(secret.len()) > 512 {
            let text = "A storage's key has at most 512 characters. Copy it again.";
            return Err(Problem::new(Code::Invalid, text).about(SUBJECT));
        }
        let keep = |id, key: &str| {
            self.secrets.set(id, key).map_err(|error| {
                let text =
                    format!("The keys could not be kept: {error}. Free some space and try again.");
                Problem::new(Code::Unavailable, text).about(SUBJECT)
            })
        };
        keep(ACCESS, access)?;
        keep(SECRET, secret)?;
        self.inner.lock().client = None;
        Ok(())
    }

    /// Whether films can be written, read and deleted there. Blocks on the network.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        let place = {
            let inner = self.inner.lock();
            let key = inner.terms.settings.prefix.key("check", &random_text(6));
            inner.terms.place(key)
        };
        let place = place.ok_or_else(|| {
            let text = "Enter the storage's address and its bucket first.";
            Problem::new(Code::Conflict, text).about(SUBJECT)
        })?;
        let client = self.client(&place)?;
        let trial = async {
            let while_it = |doing: &str, error: outputs::s3::Error| {
                let text = format!("{} ({doing})", error.to_string().trim_end_matches('.'));
                problem(&text)
            };
            let key = place.key.as_str();
            client.look().await.map_err(|e| problem(&e))?;
            client
                .write(key, TRIAL)
                .await
                .map_err(|e| while_it("writing a small file", e))?;
            let read = client.read(key, 0..TRIAL.len() as u64).await;
            let read = read.map_err(|e| while_it("reading it back", e))?;
            if read != TRIAL {
                return Err(problem(&client.lies("a small file came back as another")));
            }
            let deleted = client.delete(key).await;
            deleted.map_err(|e| while_it("deleting it", e))
        };
        self.runtime.block_on(trial)
    }

    fn film(&self, film: i64) -> Result<(String, std::path::PathBuf, api::Film), Problem> {
        let found = self.store.film(film).map_err(unkept)?;
        found.ok_or_else(|| {
            let text = "There is no such film in the library; it may have been deleted.";
            Problem::new(Code::NotFound, text).about("film")
        })
    }
}

impl Shared {
    /// Looks after uploads. Blocks for the time of small queries, and of removing files.
    pub(crate) fn tend_uploads(&self) {
        let whole = self.kept.lock().take_whole();
        if self.storage.takes_all() && self.storage.about().place.is_some() {
            for path in whole {
                self.upload_by_itself(&path);
            }
        }
        let free = self.state.lock().on_air.is_none();
        let Came { done } = self.storage.tend(free);
        if done.is_empty() {
            return;
        }
        if self.storage.moves() {
            done.iter()
                .for_each(|upload| self.move_stored_away(upload.film));
        }
        self.show_media_origins();
        self.changed.notify_one();
    }

    fn upload_by_itself(&self, path: &Path) {
        let Ok(Some((film, kind))) = self.store.film_at(path) else {
            return;
        };
        if kind == FilmKind::Recording
            && let Err(problem) = self.storage.upload(film)
        {
            tracing::warn!(film, %problem, "a recording is not uploaded by itself");
        }
    }

    /// The file goes, as the storage has it; some pictures of it stay, to seek by.
    pub(crate) fn move_stored_away(&self, film: i64) {
        let Ok(Some((_, path, about))) = self.store.film(film) else {
            return;
        };
        if about.stored.is_none() || about.away {
            return;
        }
        let folder = self.kept.lock().pictures(film);
        let length = about.duration_ms.unwrap_or(0);
        if let Err(problem) = server::keep_pictures(&path, length, &folder) {
            tracing::warn!(%problem, "no pictures are kept of a film that goes");
        }
        let name = path.file_name().unwrap_or_default();
        // The row first: a file too many is a smaller harm than a film that is nowhere.
        if let Err(error) = self.store.film_is_away(film, &folder.join(name)) {
            return tracing::error!(%error, "the library is not right");
        }
        if let Err(error) = std::fs::remove_file(&path) {
            tracing::warn!(path = %path.display(), %error, "a film that lies in the storage stays here, too");
        }
    }

    /// Lets pages play from where films lie.
    pub(crate) fn show_media_origins(&self) {
        if let Some(station) = self.station.read().as_ref() {
            station.set_media_origins(&self.storage.origins());
        }
    }
}

fn length_of(path: &Path) -> Option<u64> {
    std::fs::metadata(path).ok().map(|m| m.len())
}

fn no_upload() -> Problem {
    let text = "That film is not on its way into the storage; it may be there already.";
    Problem::new(Code::NotFound, text).about("film")
}

fn unkept(error: store::Error) -> Problem {
    note(Err(error));
    let text = "The library's database does not answer. Check that the disk is not full.";
    Problem::new(Code::Unavailable, sentence(text)).about(SUBJECT)
}
