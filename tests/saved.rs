//! What is on disk at every moment: `klieg-headless` as a process, ended without warning while somebody edits.
#![allow(
    clippy::expect_used,
    reason = "this is test code, only not inside of a #[test]"
)]

#[path = "keychain.rs"]
mod keychain;

use std::path::Path;
use std::time::Duration;

use klieg_tests::Headless;
use media::{Clock, Timestamp};
use serde_json::{Value, json};

/// How often the program is killed.
const KILLS: u32 = 8;

/// What a kill may cost at most.
const LOST: Duration = Duration::from_secs(1);

fn rename(studio: &Headless, name: &str) {
    let edit = json!({ "edit": "rename", "name": name });
    let answer = studio.apply(&json!({ "command": "edit", "edit": edit }));
    assert!(answer.ok(), "{}", answer.text());
}

fn name_of(studio: &Headless) -> String {
    let name = studio.snapshot()["collection"]["name"].clone();
    name.as_str().expect("a name").to_owned()
}

/// Renames without a pause for a while; the last name that was answered early enough to be kept, and
/// the last one of all.
fn type_until(studio: &Headless, end: Duration) -> (u32, u32) {
    let clock = Clock::start();
    let mut answered = Vec::new();
    let mut last = 0;
    while clock.now().since(Timestamp::ZERO) < end {
        last += 1;
        rename(studio, &last.to_string());
        answered.push((clock.now().since(Timestamp::ZERO), last));
    }
    let killed = clock.now().since(Timestamp::ZERO);
    let kept = answered.iter().rfind(|(at, _)| *at + LOST <= killed);
    (kept.map_or(0, |(_, n)| *n), last)
}

#[test]
fn a_kill_at_any_moment_costs_at_most_a_second_and_never_the_file() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("collections/demo/collection.json");
    let mut studio = Headless::with().data_dir(dir.path()).start();
    let mut chance = 20_301_u64;
    for kill in 0..KILLS {
        // From 0.1 to 1.7 seconds, the same ones in every run: while it is saved, before, and after.
        chance = chance.wrapping_mul(6_364_136_223_846_793_005) + 1_442_695_040_888_963_407;
        let millis = 100 + (chance >> 33) % 1600;
        let kept_before = name_of(&studio);
        let (kept, last) = type_until(&studio, Duration::from_millis(millis));
        // Ended by SIGKILL: nothing is written on the way out.
        drop(studio);
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let on_disk: Value = serde_json::from_str(&text).unwrap_or_default();
        studio = Headless::with().data_dir(dir.path()).start();
        let name = name_of(&studio);
        if kept > 0 || !text.is_empty() {
            assert_eq!(
                on_disk["name"],
                name.as_str(),
                "kill {kill} after {millis} ms"
            );
        }
        let typed = |n: &u32| (kept.max(1)..=last).contains(n);
        let is_new = name.parse().is_ok_and(|n| typed(&n));
        assert!(
            is_new || (kept == 0 && name == kept_before),
            "kill {kill} after {millis} ms: \"{name}\" is there, {kept} to {last} may be, {kept_before} was"
        );
    }
}

#[test]
fn the_collection_that_was_open_last_opens_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let studio = Headless::with().data_dir(dir.path()).start();
    for command in [
        json!({ "command": "new_collection", "name": "Evening" }),
        json!({ "command": "duplicate_collection", "name": "Late" }),
    ] {
        let answer = studio.apply(&command);
        assert!(answer.ok(), "{}", answer.text());
    }
    let listed = |studio: &Headless| -> Vec<String> {
        let files = studio.snapshot()["collections"].clone();
        let files = files.as_array().expect("a list");
        let text = |file: &Value| file["name"].as_str().map(str::to_owned);
        files.iter().filter_map(text).collect()
    };
    let names = listed(&studio);
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(studio.stop().success());
    let again = Headless::with().data_dir(dir.path()).start();
    assert_eq!(name_of(&again), "Late");
    assert_eq!(listed(&again), names);
    let refused = |path: &Path| {
        let path = path.display().to_string();
        let answer = again.apply(&json!({ "command": "delete_collection", "path": path }));
        assert!(!answer.ok());
        answer.text()
    };
    let open = dir.path().join("collections/late/collection.json");
    assert!(refused(&open).contains("is open"));
    let elsewhere = dir.path().join("settings.toml");
    assert!(refused(&elsewhere).contains("none of your collections"));
    let over = json!({ "command": "export_collection", "path": dir.path().join("klieg.db") });
    assert!(again.apply(&over).text().contains("ends in .json"));
    let out = dir.path().join("show.json");
    let export = json!({ "command": "export_collection", "path": out });
    assert!(again.apply(&export).ok());
    let text = std::fs::read_to_string(&out).expect("the export");
    let exported: Value = serde_json::from_str(&text).expect("whole");
    let import = json!({ "command": "import_collection", "collection": exported });
    assert!(again.apply(&import).ok());
    assert_eq!(listed(&again).len(), 4);
}
