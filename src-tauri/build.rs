//! Prepares what the shell embeds.

use std::{error::Error, fs, path::Path};

const CAPABILITIES: &str = "src-tauri/capabilities";
const PAGES: &str = "ui/dist";

/// What the window shows when it was built without its pages.
const MISSING: &str = "<!doctype html><meta charset=utf-8><title>Klieg</title>\
<p>The pages have not been built. Run <code>cargo xtask run</code>.</p>";

fn main() -> Result<(), Box<dyn Error>> {
    let page = Path::new(PAGES).join("studio.html");
    if !page.exists() {
        fs::create_dir_all(PAGES)?;
        fs::write(page, MISSING)?;
    }
    println!("cargo:rerun-if-changed={PAGES}");
    println!("cargo:rerun-if-changed={CAPABILITIES}");
    let attributes =
        tauri_build::Attributes::new().capabilities_path_pattern("src-tauri/capabilities/*.json");
    tauri_build::try_build(attributes)?;
    Ok(())
}
