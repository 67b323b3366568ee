//! Stream keys and tokens, by destination and by source.
//!
//! They are kept in the operating system's keychain, and nowhere else: not in the database, not in
//! snapshots, not in logs. Where there is no keychain, or it does not let them in, they are kept in a
//! file that is encrypted by a key beside it ([`sealed`]); who keeps them, and why, is told
//! ([`Secrets::keys`]). What once stood in the open `secrets.json` is taken over, and that file removed.

mod keychain;
mod sealed;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;

use api::{KeyPlace, KeyStore};
use parking_lot::Mutex;

use keychain::{ANSWER, Bunch, Chain, Fault};
use sealed::Sealed;

/// Keys as they were kept once: readable by whoever reads the file.
const OPEN: &str = "secrets.json";

/// The secrets. Its `Debug` shows none of them.
pub(crate) struct Secrets {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    folder: PathBuf,
    known: BTreeMap<String, String>,
    /// Where they are kept; the file when there is none.
    bunch: Option<Bunch>,
    sealed: Sealed,
    /// Why it is the file.
    reason: Option<String>,
    /// There is a keychain, and it has not said what it holds.
    unread: bool,
}

impl Secrets {
    /// Reads what is kept in this data folder, and in the system's keychain when `keychain` says so.
    ///
    /// A keychain that is locked has a moment to be opened by its owner; what it holds is known as soon
    /// as it is. What cannot be read counts as not there, and is said in the log.
    pub(crate) fn open(folder: &Path, keychain: bool) -> Self {
        let chain = if keychain {
            keychain::system()
        } else {
            Err("the setting station.keychain says so".into())
        };
        Self::with(folder, chain)
    }

    fn with(folder: &Path, chain: Result<Arc<dyn Chain>, String>) -> Self {
        let sealed = Sealed::at(folder);
        let mut known = sealed.read();
        known.extend(once_open(folder));
        let inner = Arc::new(Mutex::new(Inner {
            folder: folder.to_owned(),
            known,
            bunch: None,
            sealed,
            reason: None,
            unread: chain.is_ok(),
        }));
        match chain {
            Ok(chain) => {
                let bunch = Bunch::of(folder, chain);
                if let Err(reason) = take_over(&inner, bunch) {
                    inner.lock().fall_back(reason);
                }
            }
            Err(reason) => inner.lock().fall_back(reason),
        }
        let secrets = Self { inner };
        secrets.say_where();
        secrets
    }

    fn say_where(&self) {
        match self.keys() {
            KeyStore {
                place: KeyPlace::Keychain,
                ..
            } => tracing::info!("stream keys are kept in the system's keychain"),
            KeyStore { reason, .. } => {
                let why = reason.unwrap_or_default();
                tracing::warn!(why, "stream keys are kept in an encrypted file");
            }
        }
    }

    /// Where they are kept, and why.
    pub(crate) fn keys(&self) -> KeyStore {
        let inner = self.inner.lock();
        KeyStore {
            place: match inner.bunch {
                Some(_) => KeyPlace::Keychain,
                None => KeyPlace::File,
            },
            reason: inner.reason.clone(),
        }
    }

    /// Whether all that is kept is known: a keychain that is locked may hold more.
    pub(crate) fn all_known(&self) -> bool {
        !self.inner.lock().unread
    }

    pub(crate) fn get(&self, id: &str) -> Option<String> {
        self.inner.lock().known.get(id).cloned()
    }

    /// Keeps a secret, or forgets it when it is empty.
    ///
    /// # Errors
    /// When it can be kept nowhere; it is known until the program ends all the same.
    pub(crate) fn set(&self, id: &str, secret: &str) -> std::io::Result<()> {
        // Held while it is written, so that what was set last is what is kept.
        let mut inner = self.inner.lock();
        if secret.is_empty() {
            if inner.known.remove(id).is_none() {
                return Ok(());
            }
        } else {
            inner.known.insert(id.to_owned(), secret.to_owned());
        }
        let Some(bunch) = &mut inner.bunch else {
            return inner.write();
        };
        let kept = bunch.set(id, secret);
        kept.or_else(|fault| {
            inner.fall_back(fault.to_string());
            tracing::warn!(%fault, "the keychain does not take a key; the encrypted file does");
            inner.write()
        })
    }
}

impl Inner {
    /// The file keeps them from now on.
    fn fall_back(&mut self, reason: String) {
        self.bunch = None;
        self.reason = Some(reason);
        if self.known.is_empty() {
            return;
        }
        match self.write() {
            Ok(()) => self.forget_open(),
            Err(error) => {
                tracing::error!(%error, "the keys cannot be kept in the encrypted file");
            }
        }
    }

    fn write(&self) -> std::io::Result<()> {
        self.sealed.write(&self.known)
    }

    /// Removes the file that anybody could read, once another place has what stood in it.
    fn forget_open(&self) {
        let open = self.folder.join(OPEN);
        match std::fs::remove_file(&open) {
            Ok(()) => tracing::info!("secrets.json is not needed any more and was removed"),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                tracing::error!(path = %open.display(), %error, "remove this file: it holds keys");
            }
        }
    }

    /// What the keychain holds is known, and it takes what the files hold.
    fn move_in(&mut self, mut bunch: Bunch, held: BTreeMap<String, String>) {
        self.unread = false;
        for (id, secret) in &self.known {
            if held.get(id) == Some(secret) {
                continue;
            }
            if let Err(fault) = bunch.set(id, secret) {
                let known = std::mem::take(&mut self.known);
                self.known = held.into_iter().chain(known).collect();
                self.fall_back(fault.to_string());
                return;
            }
        }
        let newer = std::mem::take(&mut self.known);
        self.known = held.into_iter().chain(newer).collect();
        self.bunch = Some(bunch);
        self.reason = None;
        self.sealed.remove();
        self.forget_open();
    }
}

/// Reads the keychain beside, waits for it a moment, and moves in when it answers, be it later.
fn take_over(inner: &Arc<Mutex<Inner>>, bunch: Bunch) -> Result<(), String> {
    let (done, wait) = mpsc::sync_channel(1);
    let theirs = Arc::downgrade(inner);
    let read = move || {
        let answer = bunch.read();
        let Some(inner) = theirs.upgrade() else {
            return;
        };
        let refusal = answer
            .map(|held| inner.lock().move_in(bunch, held))
            .map_err(|fault| fault.to_string());
        // Nobody waits any more when it was late.
        drop(done.send(refusal));
    };
    std::thread::Builder::new()
        .name("keychain".into())
        .spawn(read)
        .map_err(|error| error.to_string())?;
    wait.recv_timeout(ANSWER)
        .unwrap_or_else(|_| Err(Fault::Silent.to_string()))
}

/// Keys that still stand in the open.
fn once_open(folder: &Path) -> BTreeMap<String, String> {
    let path = folder.join(OPEN);
    let Ok(bytes) = std::fs::read(&path) else {
        return BTreeMap::new();
    };
    serde_json::from_slice(&bytes).unwrap_or_else(|error| {
        tracing::error!(path = %path.display(), %error, "the keys cannot be read; enter them again");
        BTreeMap::new()
    })
}

/// Puts a file in place, readable by its owner alone (0600), whole or not at all.
fn write_own(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    // A temporary file is made with 0600, and renaming keeps that.
    let mut file = tempfile::Builder::new()
        .prefix(".klieg-")
        .tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}

#[cfg(test)]
mod tests;
