//! The operating system's keychain: Secret Service on Linux, Keychain on macOS, the credential manager
//! of Windows.
//!
//! It may ask its owner for a passphrase and wait for ever. So it is only asked from threads of its own,
//! and never waited for longer than [`ANSWER`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::write_own;

/// How long a keychain is waited for.
pub(super) const ANSWER: Duration = Duration::from_secs(4);

/// Under which name keys stand there.
const SERVICE: &str = "klieg";

/// Which of our keys the keychain holds; none of them stands in here.
const INDEX: &str = "keychain.json";

/// Why a keychain does not do what it is asked. Each is the end of a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// It says no.
    #[error("the system's keychain refuses: {0}")]
    Refused(String),
    /// It says nothing, most often because it is locked.
    #[error("the system's keychain does not answer; it may be locked")]
    Silent,
}

/// A keychain.
pub(super) trait Chain: Send + Sync {
    /// What it holds under a name.
    fn get(&self, name: &str) -> Result<Option<String>, Fault>;
    /// Makes it hold something; nothing when it is empty.
    fn set(&self, name: &str, secret: &str) -> Result<(), Fault>;
}

/// The system's keychain, when there may be one.
///
/// # Errors
/// Why there is none.
pub(super) fn system() -> Result<Arc<dyn Chain>, String> {
    if cfg!(target_os = "linux") && !session_bus() {
        return Err("this session has no keychain (no D-Bus session bus)".into());
    }
    Ok(Arc::new(System))
}

/// Whether there is a bus to ask on. Without one the library would start a bus of its own.
fn session_bus() -> bool {
    if std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some_and(|at| !at.is_empty()) {
        return true;
    }
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    runtime.is_some_and(|folder| folder.join("bus").exists())
}

struct System;

impl System {
    fn entry(name: &str) -> Result<keyring::Entry, Fault> {
        keyring::Entry::store_status().as_ref().map_err(refused)?;
        keyring::Entry::new(SERVICE, name).map_err(|e| refused(&e))
    }
}

impl Chain for System {
    fn get(&self, name: &str) -> Result<Option<String>, Fault> {
        match Self::entry(name)?.get_password() {
            Ok(secret) => Ok(Some(secret)),
            Err(keyring::Error::NoEntry) => Ok(None),
            Err(error) => Err(refused(&error)),
        }
    }

    fn set(&self, name: &str, secret: &str) -> Result<(), Fault> {
        let entry = Self::entry(name)?;
        if !secret.is_empty() {
            return entry.set_password(secret).map_err(|e| refused(&e));
        }
        match entry.delete_credential() {
            Ok(()) | Err(keyring::Error::NoEntry) => Ok(()),
            Err(error) => Err(refused(&error)),
        }
    }
}

fn refused(error: &keyring::Error) -> Fault {
    let text = error.to_string();
    Fault::Refused(text.trim_end_matches('.').to_owned())
}

/// The keys of one data folder on a keychain.
pub(super) struct Bunch {
    chain: Arc<dyn Chain>,
    path: PathBuf,
    index: Index,
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Index {
    /// Sets the keys of this folder apart from those of another.
    store: String,
    /// Whose keys are there.
    ids: BTreeSet<String>,
}

impl Bunch {
    /// The keys of this folder.
    pub(super) fn of(folder: &Path, chain: Arc<dyn Chain>) -> Self {
        let path = folder.join(INDEX);
        let read = std::fs::read(&path).ok();
        let index = read
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_else(|| Index {
                store: crate::studio::random_text(6),
                ids: BTreeSet::new(),
            });
        Self { chain, path, index }
    }

    /// All of them. Takes as long as the keychain takes.
    ///
    /// # Errors
    /// [`Fault::Refused`].
    pub(super) fn read(&self) -> Result<BTreeMap<String, String>, Fault> {
        // Asked even when nothing is there: it shows that there is a keychain.
        let mut held = BTreeMap::new();
        self.chain.get(&self.name(""))?;
        for id in &self.index.ids {
            match self.chain.get(&self.name(id))? {
                Some(secret) => {
                    held.insert(id.clone(), secret);
                }
                None => tracing::warn!(id, "its key is gone from the keychain; enter it again"),
            }
        }
        Ok(held)
    }

    /// Keeps one, or forgets it when it is empty. Waits for the keychain no longer than [`ANSWER`].
    ///
    /// # Errors
    /// [`Fault`]: it is not kept there then.
    pub(super) fn set(&mut self, id: &str, secret: &str) -> Result<(), Fault> {
        // Written down first: what is in the keychain is always known of.
        let known = self.index.ids.contains(id);
        if !secret.is_empty() && !known {
            self.index.ids.insert(id.to_owned());
            self.keep_index()?;
        }
        let (chain, name, text) = (Arc::clone(&self.chain), self.name(id), secret.to_owned());
        let (done, wait) = mpsc::sync_channel(1);
        std::thread::Builder::new()
            .name("keychain".into())
            .spawn(move || {
                // Nobody waits any more when it was late.
                drop(done.send(chain.set(&name, &text)));
            })
            .map_err(|error| Fault::Refused(error.to_string()))?;
        wait.recv_timeout(ANSWER).unwrap_or(Err(Fault::Silent))?;
        if secret.is_empty() && known {
            self.index.ids.remove(id);
            self.keep_index()?;
        }
        Ok(())
    }

    fn keep_index(&self) -> Result<(), Fault> {
        let refused = |error: std::io::Error| Fault::Refused(error.to_string());
        let text = serde_json::to_vec(&self.index).map_err(|e| refused(e.into()))?;
        write_own(&self.path, &text).map_err(refused)
    }

    fn name(&self, id: &str) -> String {
        format!("{}/{id}", self.index.store)
    }
}
