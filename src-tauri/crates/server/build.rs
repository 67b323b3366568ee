//! Tells where the built pages are, and stands a small one in where they have not been built.

use std::path::{Path, PathBuf};
use std::{env, fs};

const PLACEHOLDER: &str = "<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width\">
<title>Klieg</title>
<h1>The pages are not built</h1>
<p>The station runs, but this build carries no pages.
Build them with <code>cargo xtask run</code>, or <code>npm ci</code> and <code>npm run build</code> in <code>ui</code>.</p>
</html>
";

fn main() {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let pages = here.join("../../../ui/dist");
    for name in ["index.html", "studio.html"] {
        if let Err(error) = stand_in(&pages, name) {
            println!("cargo::warning=no pages in {}: {error}", pages.display());
        }
    }
    let pages = pages.canonicalize().unwrap_or(pages);
    println!("cargo::rustc-env=KLIEG_PAGES={}", pages.display());
    println!("cargo::rerun-if-changed={}", pages.display());
    println!("cargo::rerun-if-changed=build.rs");
}

fn stand_in(pages: &Path, name: &str) -> std::io::Result<()> {
    let page = pages.join(name);
    if page.exists() {
        return Ok(());
    }
    fs::create_dir_all(pages)?;
    // Whoever decides whether the pages need building can tell by this file that they do.
    fs::write(pages.join(".placeholder"), "")?;
    fs::write(page, PLACEHOLDER)
}
