//! Writes the TypeScript of everything in this crate: `cargo run -p klieg-api --bin bindings -- DIR`.
//!
//! `DIR` is emptied of `.ts` files first, so that what no longer exists does not linger. The
//! committed ones live in `ui/src/lib/api/bindings`; they are fresh when a run into an empty
//! folder yields the same files.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use klieg_api::{Channel, Command, Event, Problem, Trust};
use ts_rs::{Config, TS};

fn main() -> Result<(), Box<dyn Error>> {
    let dir = env::args_os().nth(1).ok_or("which folder? bindings DIR")?;
    let dir = PathBuf::from(dir);
    fs::create_dir_all(&dir)?;
    for old in typescript_in(&dir)? {
        fs::remove_file(old)?;
    }
    // Whole numbers cross as JSON numbers: all of ours stay below 2^53.
    let config = Config::new().with_large_int("number").with_out_dir(&dir);
    Command::export_all(&config)?;
    Event::export_all(&config)?;
    Channel::export_all(&config)?;
    Problem::export_all(&config)?;
    Trust::export_all(&config)?;
    let mut index = String::from("// Generated from the crates `api` and `scene`. Do not edit.\n");
    for file in typescript_in(&dir)? {
        if let Some(name) = file.file_stem().and_then(|n| n.to_str()) {
            index.push_str(&format!("export type {{ {name} }} from './{name}';\n"));
        }
    }
    fs::write(dir.join("index.ts"), index)?;
    Ok(())
}

/// The `.ts` files of a folder, sorted.
fn typescript_in(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "ts") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
