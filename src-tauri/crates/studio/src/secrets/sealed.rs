//! Keys in an encrypted file, for systems without a keychain.
//!
//! `secrets.sealed` is encrypted and authenticated (ChaCha20-Poly1305, RFC 8439) by the key in
//! `secrets.key` beside it; both are their owner's alone (0600). What this is worth, honestly: the sealed
//! file by itself, in a backup, in a mail, on a screen, tells nothing, and a change of it is noticed. Who
//! reads both files as their owner reads the keys.

use std::collections::BTreeMap;
use std::io::{Error, Result};
use std::path::{Path, PathBuf};

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::write_own;

/// What the file begins with; sealed together with it.
const HEAD: &[u8] = b"KLIEG-KEYS-1\n";

const KEY_BYTES: usize = 32;

pub(super) struct Sealed {
    file: PathBuf,
    key: PathBuf,
}

impl Sealed {
    /// In this folder.
    pub(super) fn at(folder: &Path) -> Self {
        Self {
            file: folder.join("secrets.sealed"),
            key: folder.join("secrets.key"),
        }
    }

    /// What is kept. A file that cannot be opened counts as empty; it is said in the log, and set aside.
    pub(super) fn read(&self) -> BTreeMap<String, String> {
        let Ok(bytes) = std::fs::read(&self.file) else {
            return BTreeMap::new();
        };
        self.open(&bytes).unwrap_or_else(|error| {
            let path = self.file.display();
            tracing::error!(%path, %error, "the keys cannot be read; enter them again");
            let aside = self.file.with_extension("sealed.unreadable");
            if let Err(error) = std::fs::rename(&self.file, aside) {
                tracing::error!(%path, %error, "the unreadable file stays where it is");
            }
            BTreeMap::new()
        })
    }

    fn open(&self, bytes: &[u8]) -> Result<BTreeMap<String, String>> {
        let broken = || Error::other("it is damaged, or secrets.key belongs to another");
        let rest = bytes.strip_prefix(HEAD).ok_or_else(broken)?;
        let (nonce, sealed) = rest.split_at_checked(NONCE_LEN).ok_or_else(broken)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| broken())?;
        let mut sealed = sealed.to_vec();
        let key = unlocked(&std::fs::read(&self.key)?)?;
        let text = key
            .open_in_place(nonce, Aad::from(HEAD), &mut sealed)
            .map_err(|_| broken())?;
        Ok(serde_json::from_slice(text)?)
    }

    /// Keeps these, and nothing else.
    pub(super) fn write(&self, secrets: &BTreeMap<String, String>) -> Result<()> {
        if secrets.is_empty() {
            self.remove();
            return Ok(());
        }
        let key = self.key()?;
        let mut nonce = [0; NONCE_LEN];
        random(&mut nonce)?;
        let mut text = serde_json::to_vec(secrets)?;
        // A nonce of 96 random bits for each of the few times that a person changes a key.
        key.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(HEAD),
            &mut text,
        )
        .map_err(|_| Error::other("the keys could not be encrypted"))?;
        write_own(&self.file, &[HEAD, &nonce, &text].concat())
    }

    /// Removes both files, once another place has the keys.
    pub(super) fn remove(&self) {
        for path in [&self.file, &self.key] {
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    tracing::warn!(path = %path.display(), %error, "a file that is not needed stays");
                }
                _ => {}
            }
        }
    }

    /// The key, made when there is none.
    fn key(&self) -> Result<LessSafeKey> {
        if let Ok(bytes) = std::fs::read(&self.key)
            && let Ok(key) = unlocked(&bytes)
        {
            return Ok(key);
        }
        let mut bytes = [0; KEY_BYTES];
        random(&mut bytes)?;
        write_own(&self.key, &bytes)?;
        unlocked(&bytes)
    }
}

fn unlocked(key: &[u8]) -> Result<LessSafeKey> {
    let key = UnboundKey::new(&CHACHA20_POLY1305, key)
        .map_err(|_| Error::other("secrets.key is no key"))?;
    Ok(LessSafeKey::new(key))
}

fn random(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes).map_err(|_| Error::other("the system gives no random numbers"))
}
