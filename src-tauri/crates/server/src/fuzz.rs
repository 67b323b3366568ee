//! Doors for fuzzing what is otherwise private. No part of the interface.

use serde_json::Value;

use crate::chat::{self, text, words};
use crate::{doctor, sdp};

/// Reads what somebody sends to the chat: `["event", data]` as Socket.IO carries it, else words alone.
/// What it would say or be called is looked at as rooms look at it.
pub fn chat(bytes: &[u8]) {
    if let Ok((event, data)) = serde_json::from_slice::<(String, Value)>(bytes) {
        match chat::read(&event, data) {
            Ok(chat::Ask::Name { name, .. }) => named(&name),
            Ok(chat::Ask::Say(said)) => say(&said),
            Ok(chat::Ask::Join { .. } | chat::Ask::Moderate(_)) | Err(_) => {}
        }
    } else if let Ok(said) = std::str::from_utf8(bytes) {
        say(said);
        named(said);
    }
}

/// What may be said is one line of a bounded length, and stays what it is when it is read again.
fn say(said: &str) {
    let Ok(text) = text::text(said) else { return };
    assert!(text.chars().count() <= 500 && !text.chars().any(char::is_control));
    assert_eq!(text::text(&text).as_deref(), Ok(&*text));
    words::has_link(&text);
    let blocked = words::Words::new(&["spam".into(), "b*".into(), text.clone()]);
    blocked.found_in(&text);
}

/// The same of a name, which looks like itself and like nobody of the house.
fn named(wish: &str) {
    let Ok(name) = text::name(wish) else { return };
    assert!((1..=24).contains(&name.chars().count()));
    assert_eq!(text::name(&name).as_deref(), Ok(&*name));
    assert_ne!(text::same_as(&name), text::same_as(text::HOST));
}

/// Reads what trickles to a session.
pub fn fragment(text: &str) {
    if sdp::is_fragment(text) {
        // What is said of a section is said in lines of the text.
        let section = sdp::section(text);
        let lines: Vec<_> = text.lines().map(str::trim_end).collect();
        assert!(section.lines().all(|line| lines.contains(&line)));
    }
}

/// Reads what a device reports of its connection; what is kept of it is short.
pub fn report(bytes: &[u8]) {
    if let Ok(report) = serde_json::from_slice(bytes)
        && let Ok(report) = doctor::report::checked(report)
    {
        assert!((1..=24).contains(&report.checks.len()));
    }
}
