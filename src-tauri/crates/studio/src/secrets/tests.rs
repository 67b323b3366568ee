use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

/// A keychain in memory, which may refuse.
#[derive(Default)]
struct Fake {
    held: Mutex<BTreeMap<String, String>>,
    refuses: AtomicBool,
}

impl Chain for Fake {
    fn get(&self, name: &str) -> Result<Option<String>, Fault> {
        Ok(self.held.lock().get(name).cloned())
    }

    fn set(&self, name: &str, secret: &str) -> Result<(), Fault> {
        if self.refuses.load(Ordering::Relaxed) {
            return Err(Fault::Refused("no".into()));
        }
        let mut held = self.held.lock();
        if secret.is_empty() {
            held.remove(name);
        } else {
            held.insert(name.into(), secret.into());
        }
        Ok(())
    }
}

fn none() -> Result<Arc<dyn Chain>, String> {
    Err("there is none".into())
}

fn on(chain: &Arc<Fake>) -> Result<Arc<dyn Chain>, String> {
    Ok(Arc::clone(chain) as Arc<dyn Chain>)
}

/// Everything that the files of a folder say, as text.
fn written(folder: &Path) -> String {
    let files = std::fs::read_dir(folder).unwrap().flatten();
    let texts = files.map(|file| std::fs::read(file.path()).unwrap());
    texts
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .collect()
}

#[test]
fn without_a_keychain_keys_outlive_a_restart_and_no_file_shows_them() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = Secrets::with(folder.path(), none());
    secrets.set("a", "sesame-street").unwrap();
    secrets.set("b", "token").unwrap();
    secrets.set("b", "").unwrap();
    let keys = secrets.keys();
    assert_eq!(keys.place, KeyPlace::File);
    assert_eq!(keys.reason.as_deref(), Some("there is none"));
    let again = Secrets::with(folder.path(), none());
    assert_eq!(again.get("a"), Some("sesame-street".into()));
    assert_eq!(again.get("b"), None);
    assert!(!written(folder.path()).contains("sesame"));
    #[cfg(unix)]
    for name in ["secrets.sealed", "secrets.key"] {
        use std::os::unix::fs::PermissionsExt;
        let file = folder.path().join(name);
        let mode = std::fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    // The last one takes the files with it.
    again.set("a", "").unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_damaged_file_is_set_aside_and_a_changed_one_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secrets.sealed");
    Secrets::with(folder.path(), none())
        .set("a", "key")
        .unwrap();
    let fine = std::fs::read(&file).unwrap();
    for at in [0, fine.len() / 2, fine.len() - 1] {
        let mut bytes = fine.clone();
        bytes[at] ^= 1;
        std::fs::write(&file, bytes).unwrap();
        assert_eq!(Secrets::with(folder.path(), none()).get("a"), None, "{at}");
        assert!(folder.path().join("secrets.sealed.unreadable").exists());
    }
    std::fs::write(&file, &fine).unwrap();
    let again = Secrets::with(folder.path(), none());
    assert_eq!(again.get("a"), Some("key".into()));
}

#[test]
fn keys_that_stood_in_the_open_move_and_that_file_goes() {
    let folder = tempfile::tempdir().unwrap();
    let open = folder.path().join("secrets.json");
    std::fs::write(&open, r#"{"a":"sesame"}"#).unwrap();
    let secrets = Secrets::with(folder.path(), none());
    assert_eq!(secrets.get("a"), Some("sesame".into()));
    assert!(!open.exists());
    assert!(!written(folder.path()).contains("sesame"));
    // From the file to the keychain, when there is one.
    let chain = Arc::<Fake>::default();
    let secrets = Secrets::with(folder.path(), on(&chain));
    assert_eq!(secrets.get("a"), Some("sesame".into()));
    assert_eq!(secrets.keys().place, KeyPlace::Keychain);
    assert!(!folder.path().join("secrets.sealed").exists());
    assert_eq!(chain.held.lock().len(), 1);
}

#[test]
fn the_keychain_keeps_them_for_each_folder_by_itself() {
    let chain = Arc::<Fake>::default();
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (folder, secret) in [(&one, "first"), (&two, "second")] {
        let secrets = Secrets::with(folder.path(), on(&chain));
        secrets.set("source:s1", secret).unwrap();
        assert_eq!(
            secrets.keys(),
            KeyStore {
                place: KeyPlace::Keychain,
                reason: None
            }
        );
    }
    for (folder, secret) in [(&one, "first"), (&two, "second")] {
        let secrets = Secrets::with(folder.path(), on(&chain));
        assert_eq!(secrets.get("source:s1").as_deref(), Some(secret));
        assert!(!written(folder.path()).contains(secret));
        secrets.set("source:s1", "").unwrap();
    }
    assert!(chain.held.lock().is_empty());
}

#[test]
fn a_keychain_that_refuses_gives_way_to_the_file_and_takes_over_later() {
    let folder = tempfile::tempdir().unwrap();
    let chain = Arc::<Fake>::default();
    let secrets = Secrets::with(folder.path(), on(&chain));
    secrets.set("a", "first").unwrap();
    chain.refuses.store(true, Ordering::Relaxed);
    secrets.set("a", "second").unwrap();
    let keys = secrets.keys();
    assert_eq!(keys.place, KeyPlace::File);
    assert!(keys.reason.unwrap().contains("refuses: no"));
    drop(secrets);
    // The file is newer than what the keychain still has.
    let secrets = Secrets::with(folder.path(), on(&chain));
    assert_eq!(secrets.get("a").as_deref(), Some("second"));
    assert_eq!(secrets.keys().place, KeyPlace::File);
    chain.refuses.store(false, Ordering::Relaxed);
    let secrets = Secrets::with(folder.path(), on(&chain));
    assert_eq!(secrets.get("a").as_deref(), Some("second"));
    assert_eq!(secrets.keys().place, KeyPlace::Keychain);
    let held: Vec<String> = chain.held.lock().values().cloned().collect();
    assert_eq!(held, ["second"]);
}
