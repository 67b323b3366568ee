//! Files that are their owner's alone, whole or not there.

use std::io::Write;
use std::path::Path;

use super::TlsError;

/// Makes a folder that nobody else may look into.
pub(super) fn folder(path: &Path) -> Result<(), TlsError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|source| TlsError::Folder {
        path: path.to_owned(),
        source,
    })
}

/// Writes a file in one step, with 0600.
pub(super) fn write(path: &Path, text: &str) -> Result<(), TlsError> {
    let written = || -> std::io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        // A temporary file is made with 0600, and renaming keeps that.
        let mut file = tempfile::Builder::new()
            .prefix(".klieg-")
            .tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|e| e.error)?;
        Ok(())
    };
    written().map_err(|source| TlsError::Folder {
        path: path.to_owned(),
        source,
    })
}

/// A file's text; none when it is not there.
pub(super) fn read(path: &Path) -> Result<Option<String>, TlsError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(TlsError::Folder {
            path: path.to_owned(),
            source,
        }),
    }
}
