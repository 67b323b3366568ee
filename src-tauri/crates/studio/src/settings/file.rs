//! The settings file as text: changed by a line at a time, so that everything else in it stays as the
//! person wrote it.

use std::io::Write;
use std::ops::Range;
use std::path::Path;

use api::SettingValue;
use toml_edit::{Document, DocumentMut, Item, Table, TableLike, Value};

use super::KEYS;

/// The settings that stand in a text, and the line of each, from 1. Nothing of a text that is no TOML.
pub(super) fn lines(text: &str) -> Vec<(&'static str, usize)> {
    let Ok(document) = Document::parse(text) else {
        return Vec::new();
    };
    let found = KEYS.iter().filter_map(|key| {
        let span = span(document.as_table(), key.name)?;
        Some((key.name, line_of(text, span.start)))
    });
    found.collect()
}

/// The line of a place in a text, from 1.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    let before = text.as_bytes().iter().take(at);
    before.filter(|byte| **byte == b'\n').count() + 1
}

/// From the beginning of a key to the end of its value.
fn span(table: &Table, key: &str) -> Option<Range<usize>> {
    let (sections, last) = key.rsplit_once('.')?;
    let mut at: &dyn TableLike = table;
    for section in sections.split('.') {
        at = at.get(section)?.as_table_like()?;
    }
    let (key, item) = at.get_key_value(last)?;
    Some(key.span()?.start..item.span()?.end)
}

/// The text with a setting in it. What a person wrote around it stays.
///
/// # Errors
/// What is wrong, when the text is no TOML or has something else in the setting's place.
pub(crate) fn with(text: &str, key: &str, value: &SettingValue) -> Result<String, String> {
    let mut document: DocumentMut = text.parse().map_err(|e| format!("{e}"))?;
    let (sections, last) = key.rsplit_once('.').unwrap_or(("", key));
    let mut at: &mut dyn TableLike = document.as_table_mut();
    for section in sections.split('.') {
        let missing = || {
            let mut table = Table::new();
            // Without keys of its own it has no heading either.
            table.set_implicit(true);
            Item::Table(table)
        };
        at = at
            .entry(section)
            .or_insert_with(missing)
            .as_table_like_mut()
            .ok_or_else(|| format!("{section} is no section"))?;
    }
    let mut value = Value::from_setting(value);
    match at.get_mut(last) {
        Some(Item::Value(before)) => {
            // The comment behind it.
            *value.decor_mut() = before.decor().clone();
            *before = value;
        }
        _ => drop(at.insert(last, Item::Value(value))),
    }
    Ok(document.to_string())
}

/// The text without a setting: its lines become comments, so that nothing a person wrote is lost.
///
/// # Errors
/// What is wrong, when the text is no TOML.
pub(crate) fn without(text: &str, key: &str) -> Result<String, String> {
    let document = Document::parse(text).map_err(|e| format!("{e}"))?;
    let Some(span) = span(document.as_table(), key) else {
        return Ok(text.to_owned());
    };
    let start = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[span.end..]
        .find('\n')
        .map_or(text.len(), |at| span.end + at);
    let alone = |before: &str, after: &str| {
        !before.contains(['{', ',', '['])
            && matches!(after.trim_start().chars().next(), None | Some('#'))
    };
    if alone(&text[start..span.start], &text[span.end..end]) {
        let lines: Vec<String> = text[start..end].lines().map(|l| format!("# {l}")).collect();
        return Ok(format!(
            "{}{}{}",
            &text[..start],
            lines.join("\n"),
            &text[end..]
        ));
    }
    // It shares its line with others.
    let mut document: DocumentMut = text.parse().map_err(|e| format!("{e}"))?;
    let (sections, last) = key.rsplit_once('.').unwrap_or(("", key));
    let mut at: &mut dyn TableLike = document.as_table_mut();
    for section in sections.split('.') {
        match at.get_mut(section).and_then(Item::as_table_like_mut) {
            Some(next) => at = next,
            None => return Ok(text.to_owned()),
        }
    }
    at.remove(last);
    Ok(document.to_string())
}

trait FromSetting {
    fn from_setting(value: &SettingValue) -> Self;
}

impl FromSetting for Value {
    fn from_setting(value: &SettingValue) -> Self {
        match value {
            SettingValue::Flag(yes) => (*yes).into(),
            SettingValue::Whole(n) => (*n).into(),
            SettingValue::Number(x) => (*x).into(),
            SettingValue::Text(text) => text.as_str().into(),
            SettingValue::List(texts) => texts.iter().map(String::as_str).collect(),
        }
    }
}

/// Writes the file in one step. Whoever could read it can; a link to it stays one.
pub(crate) fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let path = &std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().unwrap_or(Path::new("."));
    // A temporary file is made with 0600: keys may stand in it.
    let mut file = tempfile::Builder::new()
        .prefix(".klieg-")
        .tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    if let Ok(about) = std::fs::metadata(path) {
        file.as_file().set_permissions(about.permissions())?;
    }
    file.as_file().sync_all()?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}
