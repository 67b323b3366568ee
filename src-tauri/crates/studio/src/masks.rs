//! Masks of luma wipes, as files that a person can add to: carried in the binary, laid out in the data
//! folder, and listed with whatever else lies there.

use std::path::Path;

use api::MaskFile;
use rust_embed::RustEmbed;

use crate::studio::Shared;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../../assets/masks"]
struct Masks;

/// Files that can be one.
const ENDINGS: [&str; 4] = ["png", "jpg", "jpeg", "webp"];

/// Lays out what is brought along and not there yet.
///
/// # Errors
/// When the folder cannot be written.
pub(crate) fn lay_out(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for name in Masks::iter() {
        let path = folder.join(name.as_ref());
        if !path.exists()
            && let Some(file) = Masks::get(&name)
        {
            std::fs::write(path, file.data)?;
        }
    }
    Ok(())
}

/// What lies in the folder, by name. None when it cannot be read.
pub(crate) fn look(folder: &Path) -> Vec<MaskFile> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut masks: Vec<MaskFile> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let path = entry.path();
            let ending = path.extension()?.to_string_lossy().to_lowercase();
            ENDINGS.contains(&&*ending).then(|| MaskFile {
                name: path
                    .file_stem()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into(),
                path: path.display().to_string(),
            })
        })
        .collect();
    masks.sort_by_key(|mask| mask.name.to_lowercase());
    masks
}

impl Shared {
    /// Looks again at what lies there.
    pub(crate) fn look_for_masks(&self) {
        let found = look(&self.masks);
        let mut state = self.state.lock();
        if state.masks != found {
            state.masks = found;
            drop(state);
            self.changed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_adds_to_what_is_brought_along() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(look(&folder.path().join("none")), []);
        lay_out(folder.path()).unwrap();
        let names = || -> Vec<String> { look(folder.path()).into_iter().map(|m| m.name).collect() };
        let brought = names();
        assert!(brought.contains(&"Clouds".to_owned()), "{brought:?}");
        std::fs::write(folder.path().join("Brush.PNG"), "own").unwrap();
        std::fs::write(folder.path().join("Clouds.png"), "own").unwrap();
        std::fs::write(folder.path().join("notes.txt"), "no mask").unwrap();
        lay_out(folder.path()).unwrap();
        assert_eq!(names().len(), brought.len() + 1);
        let kept = std::fs::read_to_string(folder.path().join("Clouds.png")).unwrap();
        assert_eq!(kept, "own", "what somebody changed stays");
    }
}
