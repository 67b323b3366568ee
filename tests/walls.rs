//! The walls of the house: who may know whom, and what stays where. ARCHITECTURE.md says why.
#![allow(
    clippy::expect_used,
    reason = "this is test code, only not inside of a #[test]"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use cargo_metadata::{DependencyKind, MetadataCommand, Package};
use klieg_tests::root;

/// Each crate of ours, and the crates of ours that it may know.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("klieg-media", &[]),
    ("klieg-scene", &[]),
    ("klieg-api", &["klieg-scene"]),
    ("klieg-container", &["klieg-media"]),
    ("klieg-capture", &["klieg-media"]),
    ("klieg-codec", &["klieg-media"]),
    ("klieg-mixer", &["klieg-media"]),
    ("klieg-render", &["klieg-media", "klieg-scene"]),
    ("klieg-wire", &["klieg-media", "klieg-container"]),
    (
        "klieg-program",
        &[
            "klieg-media",
            "klieg-container",
            "klieg-scene",
            "klieg-capture",
            "klieg-codec",
            "klieg-render",
            "klieg-mixer",
        ],
    ),
    (
        "klieg-outputs",
        &[
            "klieg-media",
            "klieg-container",
            "klieg-codec",
            "klieg-wire",
        ],
    ),
    ("klieg-archive", &["klieg-media", "klieg-container"]),
    ("klieg-store", &["klieg-api"]),
    (
        "klieg-server",
        &[
            "klieg-media",
            "klieg-codec",
            "klieg-mixer",
            "klieg-wire",
            "klieg-archive",
            "klieg-store",
            "klieg-api",
        ],
    ),
    (
        "klieg-studio",
        &[
            "klieg-archive",
            "klieg-media",
            "klieg-scene",
            "klieg-api",
            "klieg-container",
            "klieg-capture",
            "klieg-codec",
            "klieg-mixer",
            "klieg-render",
            "klieg-wire",
            "klieg-program",
            "klieg-outputs",
            "klieg-store",
            "klieg-server",
        ],
    ),
    ("klieg-headless", &["klieg-studio", "klieg-api"]),
    ("klieg", &["klieg-studio", "klieg-api"]),
    ("xtask", &[]),
];

/// Parts by others that have one home. A name that ends in `*` stands for all that begin so.
const HOMES: &[(&str, &[&str])] = &[
    ("tauri*", &["klieg"]),
    ("gtk", &["klieg"]),
    ("tray-icon", &["klieg"]),
    ("wgpu", &["klieg-render"]),
    ("nokhwa", &["klieg-capture"]),
    ("cpal", &["klieg-capture"]),
    ("x11rb", &["klieg-capture"]),
    ("xcap", &["klieg-capture"]),
    ("openh264*", &["klieg-codec"]),
    ("opus", &["klieg-codec"]),
    ("fdk-aac", &["klieg-codec"]),
    ("symphonia", &["klieg-codec"]),
    ("rubato", &["klieg-mixer"]),
    ("cosmic-text", &["klieg-program"]),
    ("jiff", &["klieg-program", "klieg-studio"]),
    ("rayon", &["klieg-wire"]),
    ("rtc", &["klieg-wire"]),
    ("thread-priority", &["klieg-wire"]),
    ("webrtc", &["klieg-wire"]),
    ("rml_rtmp", &["klieg-wire"]),
    ("rusty-s3", &["klieg-wire"]),
    ("argon2", &["klieg-server"]),
    ("axum", &["klieg-server"]),
    ("mdns-sd", &["klieg-server"]),
    ("socketioxide*", &["klieg-server"]),
    ("rusqlite*", &["klieg-store"]),
    ("clap", &["klieg-studio"]),
    ("keyring*", &["klieg-studio"]),
    ("toml_edit", &["klieg-studio"]),
    (
        "anyhow",
        &["klieg", "klieg-headless", "klieg-studio", "xtask"],
    ),
];

/// All that the interface may be made of.
const API: &[&str] = &["klieg-scene", "schemars", "serde", "ts-rs"];

/// Crates that run without a runtime: the program and everything under it. `media` has tokio's
/// channels, which need none.
const NO_RUNTIME: &[&str] = &[
    "klieg-api",
    "klieg-capture",
    "klieg-codec",
    "klieg-container",
    "klieg-mixer",
    "klieg-program",
    "klieg-render",
    "klieg-scene",
];

/// Crates that talk to C, and so may say `unsafe`.
const TALKS_TO_C: &[&str] = &["capture", "codec"];

/// Lines beyond which a file is two ideas.
const LONG: usize = 700;

fn packages() -> Vec<Package> {
    let metadata = MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo metadata");
    let tests = env!("CARGO_PKG_NAME");
    let packages = metadata.packages.into_iter();
    packages.filter(|p| !p.name.starts_with(tests)).collect()
}

/// What a crate is built from, tests aside.
fn dependencies(package: &Package) -> impl Iterator<Item = &cargo_metadata::Dependency> {
    let all = package.dependencies.iter();
    all.filter(|d| d.kind != DependencyKind::Development)
}

#[test]
fn crates_know_only_whom_they_may() {
    let may: BTreeMap<_, _> = MAY_KNOW.iter().copied().collect();
    let packages = packages();
    let ours: BTreeSet<&str> = packages.iter().map(|p| p.name.as_str()).collect();
    let listed: BTreeSet<&str> = may.keys().copied().collect();
    assert_eq!(
        ours, listed,
        "crates that stand, and crates that have walls"
    );
    for package in &packages {
        for dependency in dependencies(package) {
            let name = dependency.name.as_str();
            assert!(
                !ours.contains(name) || may[package.name.as_str()].contains(&name),
                "{} may not know {name}",
                package.name
            );
        }
    }
}

#[test]
fn parts_by_others_stay_in_their_home() {
    let matches = |pattern: &str, name: &str| match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    };
    for package in &packages() {
        for dependency in dependencies(package) {
            for (part, homes) in HOMES {
                assert!(
                    !matches(part, &dependency.name) || homes.contains(&package.name.as_str()),
                    "{} may not know {}, whose home is {homes:?}",
                    package.name,
                    dependency.name
                );
            }
        }
    }
}

#[test]
fn the_interface_is_plain_data() {
    let packages = packages();
    let api = packages.iter().find(|p| p.name.as_str() == "klieg-api");
    for dependency in dependencies(api.expect("klieg-api")) {
        assert!(
            API.contains(&dependency.name.as_str()),
            "{}",
            dependency.name
        );
    }
}

#[test]
fn the_program_and_all_under_it_need_no_runtime() {
    for package in &packages() {
        let tokio = dependencies(package).find(|d| d.name == "tokio");
        if NO_RUNTIME.contains(&package.name.as_str()) {
            assert!(tokio.is_none(), "{} may not know tokio", package.name);
        }
        if package.name.as_str() == "klieg-media" {
            let features = &tokio.expect("media has tokio's channels").features;
            assert_eq!(features, &["sync"], "media may have tokio's channels only");
        }
    }
}

#[test]
fn unsafe_stays_with_those_who_talk_to_c() {
    let said = [
        "unsafe {",
        "unsafe fn",
        "unsafe impl",
        "unsafe extern",
        "unsafe trait",
    ];
    for file in sources(&["rs"]) {
        let of = TALKS_TO_C
            .iter()
            .any(|name| file.starts_with(root().join("src-tauri/crates").join(name)));
        // A counting allocator in a test is no part of the program.
        if of || file.components().any(|c| c.as_os_str() == "tests") {
            continue;
        }
        let text = fs::read_to_string(&file).expect("a source file");
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            assert!(
                !said.iter().any(|s| code.contains(s)),
                "{}:{} says unsafe, and its crate does not talk to C",
                file.display(),
                number + 1
            );
        }
    }
}

#[test]
fn no_file_holds_two_ideas() {
    let long: Vec<String> = sources(&["rs", "ts", "svelte", "css", "js"])
        .iter()
        .filter_map(|file| {
            let lines = fs::read_to_string(file).ok()?.lines().count();
            (lines > LONG).then(|| format!("{}: {lines} lines", file.display()))
        })
        .collect();
    assert!(
        long.is_empty(),
        "longer than {LONG} lines:\n{}",
        long.join("\n")
    );
}

/// Looking for examples takes as long as building the crate does, so only crates that have some are looked through.
#[test]
fn examples_in_docs_are_run() {
    for package in packages() {
        let Some(library) = package.targets.iter().find(|t| t.is_lib()) else {
            continue;
        };
        let dir = library.src_path.parent().expect("a folder");
        let files = walk(dir.as_std_path());
        let mut rust = files
            .iter()
            .filter(|file| file.extension().is_some_and(|e| e == "rs"));
        let has = rust.any(|file| holds_example(&fs::read_to_string(file).expect("a source")));
        assert_eq!(
            library.doctest, has,
            "{}: `doctest` in its Cargo.toml says whether its docs have examples",
            package.name
        );
    }
}

/// Whether docs have a block of code that is Rust, as it is unless it says otherwise.
fn holds_example(text: &str) -> bool {
    let lines = text.lines().map(str::trim_start);
    let docs = lines.filter_map(|l| l.strip_prefix("///").or(l.strip_prefix("//!")));
    let fences = docs.filter_map(|l| l.trim().strip_prefix("```"));
    fences
        .step_by(2)
        .any(|kind| kind.is_empty() || kind == "rust")
}

#[test]
fn the_map_shows_every_crate() {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    for package in packages() {
        let name = package.name.strip_prefix("klieg-").unwrap_or(&package.name);
        assert!(
            map.contains(&format!("`{name}`")),
            "ARCHITECTURE.md does not show `{name}`"
        );
    }
}

/// Written source files, as Git knows them: nothing that is made.
fn sources(extensions: &[&str]) -> Vec<PathBuf> {
    let listed = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root())
        .output();
    let files: Vec<PathBuf> = match listed {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout)
            .split('\0')
            .filter(|name| !name.is_empty())
            .map(|name| root().join(name))
            .collect(),
        // A source archive without its history.
        _ => ["src-tauri", "tests", "ui/src"]
            .iter()
            .flat_map(|dir| walk(&root().join(dir)))
            .collect(),
    };
    let wanted = |file: &PathBuf| {
        file.extension()
            .is_some_and(|e| extensions.iter().any(|want| e == *want))
    };
    let files: Vec<PathBuf> = files.into_iter().filter(wanted).collect();
    assert!(!files.is_empty(), "no source files found");
    files
}

fn walk(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| !path.ends_with("node_modules") && !path.ends_with("dist"))
        .flat_map(|path| {
            if path.is_dir() {
                walk(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}
