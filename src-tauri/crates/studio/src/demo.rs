//! The demo collection that a first start opens: carried in the binary, laid out in the data
//! folder, and the person's own from then on.

use std::path::{Path, PathBuf};

use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../../assets/demo"]
struct Demo;

/// Lays the demo out in `folder` if its collection is not there yet; returns the collection's path.
///
/// # Errors
/// When the folder cannot be written.
pub(crate) fn lay_out(folder: &Path) -> std::io::Result<PathBuf> {
    let collection = folder.join("collection.json");
    if collection.exists() {
        return Ok(collection);
    }
    std::fs::create_dir_all(folder)?;
    // The collection comes last: while it is missing, the next start lays everything out again.
    let mut names: Vec<_> = Demo::iter().collect();
    names.sort_by_key(|name| name == "collection.json");
    for name in names {
        if let Some(file) = Demo::get(&name) {
            let path = folder.join(name.as_ref());
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            std::fs::write(path, file.data)?;
        }
    }
    Ok(collection)
}
