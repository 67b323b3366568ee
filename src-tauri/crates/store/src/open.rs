//! Opening, migrating, and setting a damaged file aside.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};
use rusqlite_migration::{M, MigrationDefinitionError, Migrations};

use crate::{Error, SetAside, links};

/// Each step once written is never changed: a database remembers how many it has taken.
fn steps() -> Vec<M<'static>> {
    vec![
        M::up(include_str!("migrations/1.sql")),
        M::up(include_str!("migrations/2.sql")),
        M::up(include_str!("migrations/guests.sql")),
        M::up(include_str!("migrations/audit.sql")),
        M::up(include_str!("migrations/rooms.sql")),
        M::up(include_str!("migrations/library.sql")),
        M::up(include_str!("migrations/destinations.sql")),
        M::up(include_str!("migrations/uploads.sql")),
        M::up(include_str!("migrations/kept.sql")),
        M::up_with_hook(include_str!("migrations/hashed.sql"), |transaction| {
            Ok(links::hash_all(transaction)?)
        }),
        M::up(include_str!("migrations/renditions.sql")),
        M::up(include_str!("migrations/seen.sql")),
        M::up(include_str!("migrations/pauses.sql")),
        M::up(include_str!("migrations/clips.sql")),
    ]
}

/// How long a query waits for another process that holds the file.
const BUSY: Duration = Duration::from_secs(5);

pub(crate) fn migrate(connection: &mut Connection) -> Result<(), rusqlite_migration::Error> {
    Migrations::new(steps()).to_latest(connection)
}

pub(crate) fn file(path: &Path) -> Result<(Connection, Option<SetAside>), Error> {
    match try_file(path) {
        Ok(connection) => Ok((connection, None)),
        Err(Fault::Damaged(reason)) => {
            let moved = set_aside(path).map_err(|e| Error::Open {
                path: path.into(),
                reason: format!("it is damaged ({reason}) and cannot be moved aside ({e})"),
            })?;
            let connection = try_file(path).map_err(|fault| fault.into_error(path))?;
            Ok((
                connection,
                Some(SetAside {
                    path: moved,
                    reason,
                }),
            ))
        }
        Err(fault) => Err(fault.into_error(path)),
    }
}

#[derive(Debug)]
enum Fault {
    Damaged(String),
    Newer,
    Other(String),
}

impl Fault {
    fn into_error(self, path: &Path) -> Error {
        let path = path.to_owned();
        match self {
            Self::Newer => Error::Newer { path },
            Self::Damaged(reason) | Self::Other(reason) => Error::Open { path, reason },
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                Self::Damaged(error.to_string())
            }
            _ => Self::Other(error.to_string()),
        }
    }
}

impl From<rusqlite_migration::Error> for Fault {
    fn from(error: rusqlite_migration::Error) -> Self {
        use rusqlite_migration::Error as E;
        match error {
            E::RusqliteError { err, .. } => err.into(),
            E::MigrationDefinition(MigrationDefinitionError::DatabaseTooFarAhead) => Self::Newer,
            E::InvalidUserVersion => Self::Damaged(error.to_string()),
            other => Self::Other(other.to_string()),
        }
    }
}

fn try_file(path: &Path) -> Result<Connection, Fault> {
    own(path).map_err(|e| Fault::Other(e.to_string()))?;
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    // What is deleted is gone from the file, too: a message, an address, a secret of an earlier version.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // With WAL this loses at most the last messages in a power cut, and never the file.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(Fault::Damaged(first_line(&verdict)));
    }
    migrate(&mut connection)?;
    Ok(connection)
}

/// Makes the file its owner's alone (0600). SQLite gives what it keeps beside it the same rights.
#[cfg(unix)]
fn own(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    let mut options = std::fs::OpenOptions::new();
    let options = options.append(true).create(true).mode(0o600);
    let file = options.open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

/// On other systems the folder's own rights hold.
#[cfg(not(unix))]
fn own(_: &Path) -> std::io::Result<()> {
    Ok(())
}

fn first_line(text: &str) -> String {
    text.lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with("***"))
        .unwrap_or("unreadable")
        .to_owned()
}

/// Renames the file and what SQLite keeps beside it to the first free `NAME.damaged-N`.
fn set_aside(path: &Path) -> std::io::Result<PathBuf> {
    let mut n = 1_u32;
    let target = loop {
        let candidate = suffixed(path, &format!(".damaged-{n}"));
        if !candidate.exists() {
            break candidate;
        }
        n += 1;
    };
    std::fs::rename(path, &target)?;
    for beside in ["-wal", "-shm"] {
        let from = suffixed(path, beside);
        if from.exists() {
            std::fs::rename(from, suffixed(&target, beside))?;
        }
    }
    Ok(target)
}

fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_steps_are_valid() {
        super::Migrations::new(super::steps()).validate().unwrap();
    }
}
