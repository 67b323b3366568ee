//! The TypeScript types of the interface.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::sh;

/// Where they are committed.
fn folder() -> PathBuf {
    sh::root().join("ui/src/lib/api/bindings")
}

/// Writes them.
pub(crate) fn write() -> Result<()> {
    generate(&folder())
}

/// Whether those committed are what the interface gives.
pub(crate) fn check() -> Result<()> {
    let fresh = sh::target().join("xtask/bindings");
    if fresh.exists() {
        fs::remove_dir_all(&fresh)?;
    }
    generate(&fresh)?;
    let (want, have) = (read(&fresh)?, read(&folder())?);
    let stale: Vec<&str> = want
        .keys()
        .chain(have.keys())
        .filter(|name| want.get(*name) != have.get(*name))
        .map(String::as_str)
        .collect();
    if stale.is_empty() {
        return Ok(());
    }
    bail!(
        "generated types are stale: {}; run `cargo xtask bindings` and commit them",
        stale.join(", ")
    )
}

fn generate(to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    sh::run(
        sh::cargo()
            .args([
                "run",
                "--quiet",
                "--package",
                "klieg-api",
                "--features",
                "bindings",
                "--bin",
                "bindings",
                "--",
            ])
            .arg(to),
    )
}

fn read(dir: &Path) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(dir).with_context(|| format!("no folder {}", dir.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "ts") {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            files.insert(name.into_owned(), fs::read_to_string(&path)?);
        }
    }
    Ok(files)
}
