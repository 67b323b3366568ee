//! What settings are read from: the command line over the environment over the file over defaults.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use api::SettingOrigin;
use serde::Deserialize;
use toml::{Table, Value};

use super::{Settings, SettingsError, file};

/// A settings file is this large at most, in bytes.
const FILE_MAX: u64 = 256 * 1024;

/// Everything that settings are read from, so that they can be read again.
#[derive(Clone, Default)]
pub struct Layers {
    file: PathBuf,
    /// Variables that are settings, by name.
    environment: Vec<(String, String)>,
    /// `key=value` each.
    sets: Vec<String>,
}

impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values may be secret.
        f.debug_struct("Layers")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

/// Settings as they were read, and where each of them stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Read {
    pub(crate) settings: Settings,
    places: BTreeMap<String, Place>,
}

impl Read {
    /// Where a setting stands; none when nobody set it.
    pub(crate) fn place(&self, key: &str) -> Option<&Place> {
        self.places.get(key)
    }
}

/// Where a setting stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the file, on this line, from 1.
    File(usize),
    /// In this variable.
    Environment(String),
    /// In this argument, without its value.
    CommandLine(String),
}

impl Place {
    /// Who set it.
    pub(crate) fn origin(&self) -> SettingOrigin {
        match self {
            Self::File(_) => SettingOrigin::File,
            Self::Environment(_) => SettingOrigin::Environment,
            Self::CommandLine(_) => SettingOrigin::CommandLine,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(line) => write!(f, "line {line}"),
            Self::Environment(name) => f.write_str(name),
            Self::CommandLine(key) => write!(f, "--set {key}=…"),
        }
    }
}

impl Layers {
    /// A file, the environment (name and value of every variable), and `key=value` pairs. Variables
    /// that are no settings are left out.
    pub fn new(
        file: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
        sets: Vec<String>,
    ) -> Self {
        // A variable without a double underscore is no setting (KLIEG_LOG).
        let is_setting = |(name, _): &(String, String)| {
            name.strip_prefix("KLIEG_")
                .is_some_and(|key| key.contains("__"))
        };
        Self {
            file: file.to_owned(),
            environment: environment.into_iter().filter(is_setting).collect(),
            sets,
        }
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The file's text; empty when it is not there.
    ///
    /// # Errors
    /// [`SettingsError::Read`].
    pub(crate) fn text(&self) -> Result<String, SettingsError> {
        let refused = |source| SettingsError::Read {
            path: self.file.clone(),
            source,
        };
        match std::fs::metadata(&self.file) {
            Ok(about) if about.len() > FILE_MAX => {
                let text = format!("it is larger than {FILE_MAX} bytes");
                return Err(refused(std::io::Error::other(text)));
            }
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(String::new()),
            Err(error) => return Err(refused(error)),
        }
        std::fs::read_to_string(&self.file).map_err(refused)
    }

    /// Reads everything.
    ///
    /// # Errors
    /// [`SettingsError`] names the file and line, the variable, or the argument.
    pub(crate) fn read(&self) -> Result<Read, SettingsError> {
        self.read_over(&self.text()?)
    }

    /// What would be read if this text stood in the file.
    ///
    /// # Errors
    /// As [`Layers::read`].
    pub(crate) fn read_over(&self, text: &str) -> Result<Read, SettingsError> {
        let mut table = self.table(text)?;
        let mut places = BTreeMap::new();
        for (key, line) in file::lines(text) {
            places.insert(key.to_owned(), Place::File(line));
        }
        for (name, value) in &self.environment {
            let key = name.strip_prefix("KLIEG_").unwrap_or(name);
            let path: Vec<String> = key.split("__").map(str::to_lowercase).collect();
            table = overridden(table, &path, value, name)?;
            places.insert(path.join("."), Place::Environment(name.clone()));
        }
        for set in &self.sets {
            let origin = format!("--set {set}");
            let Some((key, value)) = set.split_once('=') else {
                return Err(SettingsError::Override {
                    origin,
                    message: "write it as key=value, for example server.http=127.0.0.1:8080".into(),
                });
            };
            let key = key.trim();
            let path: Vec<String> = key.split('.').map(str::to_owned).collect();
            table = overridden(table, &path, value.trim(), &origin)?;
            places.insert(key.to_owned(), Place::CommandLine(key.to_owned()));
        }
        let settings = parse(table).map_err(|message| SettingsError::Override {
            origin: "settings".into(),
            message,
        })?;
        Ok(Read { settings, places })
    }

    fn table(&self, text: &str) -> Result<Table, SettingsError> {
        let refused = |error: &toml::de::Error| {
            let at = error.span().map_or(0, |span| span.start.min(text.len()));
            let line = file::line_of(text, at);
            let key = text.lines().nth(line - 1).and_then(|l| l.split('=').next());
            let key = key.map_or("", str::trim);
            let what = error.message();
            let message = if key.is_empty() || what.contains(key) {
                what.to_owned()
            } else {
                format!("{key}: {what}")
            };
            SettingsError::File {
                path: self.file.clone(),
                line,
                message,
            }
        };
        toml::from_str::<Settings>(text).map_err(|e| refused(&e))?;
        toml::from_str::<Table>(text).map_err(|e| refused(&e))
    }

    /// The same error with the line of the file that the setting it is about stands on.
    pub(crate) fn placed(&self, error: SettingsError, read: &Read) -> SettingsError {
        let SettingsError::Override { origin, message } = error else {
            return error;
        };
        match read.place(&origin) {
            Some(Place::File(line)) => SettingsError::File {
                path: self.file.clone(),
                line: *line,
                message: format!("{origin}: {message}"),
            },
            Some(place) => SettingsError::Override {
                message,
                origin: place.to_string(),
            },
            None => SettingsError::Override { origin, message },
        }
    }
}

fn parse(table: Table) -> Result<Settings, String> {
    Settings::deserialize(Value::Table(table)).map_err(|e| e.message().to_owned())
}

fn overridden(
    mut table: Table,
    path: &[String],
    value: &str,
    origin: &str,
) -> Result<Table, SettingsError> {
    let refused = |message: String| SettingsError::Override {
        origin: origin.to_owned(),
        message,
    };
    let (last, sections) = path
        .split_last()
        .ok_or_else(|| refused("no key is named".into()))?;
    let mut at = &mut table;
    for section in sections {
        at = at
            .entry(section.clone())
            .or_insert_with(|| Value::Table(Table::new()))
            .as_table_mut()
            .ok_or_else(|| refused(format!("{section} is no section")))?;
    }
    // Numbers, lists and booleans as TOML writes them; anything else is text.
    let parsed = toml::from_str::<Table>(&format!("v = {value}"))
        .ok()
        .and_then(|mut t| t.remove("v"));
    at.insert(
        last.clone(),
        parsed.unwrap_or_else(|| Value::String(value.to_owned())),
    );
    parse(table.clone()).map_err(|message| refused(message.trim().to_owned()))?;
    Ok(table)
}
