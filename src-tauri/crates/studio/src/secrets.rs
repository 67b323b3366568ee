//! Stream keys and tokens, by destination.
//!
//! Kept in `secrets.json` in the data folder, readable by its owner alone (0600), and nowhere else:
//! not in the database, not in snapshots, not in logs.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The secrets. Its `Debug` shows none of them.
pub(crate) struct Secrets {
    path: PathBuf,
    by_id: BTreeMap<String, String>,
}

impl Secrets {
    /// Reads what is kept. A file that cannot be read counts as empty, and is said in the log.
    pub(crate) fn open(folder: &Path) -> Self {
        let path = folder.join("secrets.json");
        let by_id = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                tracing::error!(path = %path.display(), %error, "the keys cannot be read; enter them again");
                BTreeMap::new()
            }),
            Err(_) => BTreeMap::new(),
        };
        Self { path, by_id }
    }

    pub(crate) fn get(&self, id: &str) -> Option<&str> {
        self.by_id.get(id).map(String::as_str)
    }

    /// Keeps a secret, or forgets it when it is empty.
    ///
    /// # Errors
    /// When the file cannot be written; the secret is known until the program ends all the same.
    pub(crate) fn set(&mut self, id: &str, secret: &str) -> std::io::Result<()> {
        if secret.is_empty() {
            self.by_id.remove(id);
        } else {
            self.by_id.insert(id.to_owned(), secret.to_owned());
        }
        self.write()
    }

    fn write(&self) -> std::io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        // A temporary file is made with 0600, and renaming keeps that.
        let mut file = tempfile::Builder::new()
            .prefix(".klieg-")
            .tempfile_in(folder)?;
        let text = serde_json::to_vec(&self.by_id).map_err(std::io::Error::other)?;
        file.write_all(&text)?;
        file.as_file().sync_all()?;
        file.persist(&self.path).map_err(|e| e.error)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_outlive_a_restart_and_are_readable_by_their_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let mut secrets = Secrets::open(folder.path());
        secrets.set("a", "key").unwrap();
        secrets.set("b", "token").unwrap();
        secrets.set("b", "").unwrap();
        let again = Secrets::open(folder.path());
        assert_eq!(again.get("a"), Some("key"));
        assert_eq!(again.get("b"), None);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let file = folder.path().join("secrets.json");
            let mode = std::fs::metadata(file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
