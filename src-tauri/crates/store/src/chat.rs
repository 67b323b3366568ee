//! Chat messages.

use api::{Message, Role};
use rusqlite::types::Type;
use rusqlite::{OptionalExtension, Row, params};

use crate::{Error, Store};

/// Messages kept per channel; older ones are forgotten as new ones come, but for those that were said during a show
/// of the library: they stay as long as it does.
pub const KEEP_MESSAGES: u32 = 10_000;

/// A channel is pruned once in so many messages, so that each costs one insertion only.
const PRUNE_EVERY: u32 = 64;

/// Who said something, beyond their name: what they are stopped by when they have to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Speaker {
    /// A digest of what their browser is known by.
    pub identity: String,
    /// Their IP address.
    pub address: String,
}

/// Whoever wrote a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// The name it was written under.
    pub name: String,
    /// Who spoke.
    pub role: Role,
    /// Who they are; unknown for the host, and for what was said before it was kept.
    pub speaker: Option<Speaker>,
}

impl Store {
    /// Keeps a message said in `channel` at `at` (ms since 1970 UTC) and gives it its number.
    ///
    /// # Errors
    /// [`Error::Query`]; nothing is kept then.
    pub fn say(
        &self,
        channel: &str,
        name: &str,
        role: Role,
        text: &str,
        at: i64,
    ) -> Result<Message, Error> {
        let author = Author {
            name: name.to_owned(),
            role,
            speaker: None,
        };
        self.say_as(channel, author, text, at)
    }

    /// The same, with all that is known of who says it.
    ///
    /// # Errors
    /// As [`Store::say`].
    pub fn say_as(
        &self,
        channel: &str,
        author: Author,
        text: &str,
        at: i64,
    ) -> Result<Message, Error> {
        let Author {
            name,
            role,
            speaker,
        } = author;
        let speaker = speaker.as_ref();
        let mut inner = self.inner.lock();
        inner
            .connection
            .prepare_cached(
                "INSERT INTO messages (channel, name, role, text, at, speaker, address)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                channel,
                name,
                role_name(role),
                text,
                at,
                speaker.map(|s| &s.identity),
                speaker.map(|s| &s.address)
            ])?;
        let id = inner.connection.last_insert_rowid();
        let written = inner.unpruned.entry(channel.to_owned()).or_default();
        *written += 1;
        if *written >= PRUNE_EVERY {
            *written = 0;
            inner.prune(channel)?;
        }
        Ok(Message {
            id,
            name,
            role,
            text: text.to_owned(),
            at,
        })
    }

    /// The newest `n` messages of a channel, oldest first.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn recent(&self, channel: &str, n: u32) -> Result<Vec<Message>, Error> {
        let inner = self.inner.lock();
        let mut statement = inner.connection.prepare_cached(
            "SELECT id, name, role, text, at FROM messages WHERE channel = ?1
             ORDER BY id DESC LIMIT ?2",
        )?;
        let mut messages = statement
            .query_map(params![channel, n], message)?
            .collect::<Result<Vec<_>, _>>()?;
        messages.reverse();
        Ok(messages)
    }

    /// Whether anything was ever said in a channel and is still kept.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn has_messages(&self, channel: &str) -> Result<bool, Error> {
        let inner = self.inner.lock();
        let mut statement = inner
            .connection
            .prepare_cached("SELECT 1 FROM messages WHERE channel = ?1 LIMIT 1")?;
        Ok(statement.exists([channel])?)
    }

    /// Who wrote a message; none when it is not there, or no longer.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn author(&self, channel: &str, message: i64) -> Result<Option<Author>, Error> {
        let inner = self.inner.lock();
        let mut statement = inner.connection.prepare_cached(
            "SELECT name, role, speaker, address FROM messages WHERE channel = ?1 AND id = ?2",
        )?;
        let author = |row: &Row<'_>| {
            let (identity, address): (Option<_>, Option<_>) = (row.get(2)?, row.get(3)?);
            Ok(Author {
                name: row.get(0)?,
                role: role(row, 1)?,
                speaker: identity
                    .zip(address)
                    .map(|(identity, address)| Speaker { identity, address }),
            })
        };
        Ok(statement
            .query_row(params![channel, message], author)
            .optional()?)
    }

    /// Whether somebody had said something in a channel before `at` (ms since 1970 UTC).
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn spoke_before(&self, channel: &str, identity: &str, at: i64) -> Result<bool, Error> {
        let inner = self.inner.lock();
        let mut statement = inner.connection.prepare_cached(
            "SELECT 1 FROM messages WHERE channel = ?1 AND speaker = ?2 AND at < ?3 LIMIT 1",
        )?;
        Ok(statement.exists(params![channel, identity, at])?)
    }

    /// Deletes a message; `false` when there was none.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn remove_message(&self, channel: &str, message: i64) -> Result<bool, Error> {
        let inner = self.inner.lock();
        let mut statement = inner
            .connection
            .prepare_cached("DELETE FROM messages WHERE channel = ?1 AND id = ?2")?;
        Ok(statement.execute(params![channel, message])? > 0)
    }

    /// Deletes all that one person wrote in a channel. Returns the messages' numbers.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn remove_messages_of(&self, channel: &str, identity: &str) -> Result<Vec<i64>, Error> {
        let inner = self.inner.lock();
        let mut statement = inner.connection.prepare_cached(
            "DELETE FROM messages WHERE channel = ?1 AND speaker = ?2 RETURNING id",
        )?;
        let gone = statement.query_map([channel, identity], |row| row.get(0))?;
        Ok(gone.collect::<Result<_, _>>()?)
    }

    /// Deletes all messages of a channel.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn clear_messages(&self, channel: &str) -> Result<(), Error> {
        let inner = self.inner.lock();
        inner
            .connection
            .prepare_cached("DELETE FROM messages WHERE channel = ?1")?
            .execute([channel])?;
        Ok(())
    }
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Host => "host",
        Role::Moderator => "moderator",
        Role::Viewer => "viewer",
    }
}

fn role(row: &Row<'_>, column: usize) -> rusqlite::Result<Role> {
    let role: String = row.get(column)?;
    match role.as_str() {
        "host" => Ok(Role::Host),
        "moderator" => Ok(Role::Moderator),
        "viewer" => Ok(Role::Viewer),
        other => {
            let reason = format!("no such role: {other}");
            Err(rusqlite::Error::FromSqlConversionFailure(
                column,
                Type::Text,
                reason.into(),
            ))
        }
    }
}

pub(crate) fn message(row: &Row<'_>) -> rusqlite::Result<Message> {
    Ok(Message {
        id: row.get(0)?,
        name: row.get(1)?,
        role: role(row, 2)?,
        text: row.get(3)?,
        at: row.get(4)?,
    })
}

impl crate::Inner {
    /// Forgets what is old. Each message is looked at once: whether it belongs to a show is kept with it.
    fn prune(&self, channel: &str) -> Result<(), Error> {
        let old = "channel = ?1 AND kept = 0 AND id <= (
             SELECT id FROM messages WHERE channel = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)";
        for sql in [
            format!(
                "UPDATE messages SET kept = 1 WHERE {old} AND EXISTS (
                     SELECT 1 FROM shows WHERE shows.channel = ?1 AND began <= messages.at
                     AND (ended IS NULL OR ended >= messages.at))"
            ),
            format!("DELETE FROM messages WHERE {old}"),
        ] {
            self.connection
                .prepare_cached(&sql)?
                .execute(params![channel, KEEP_MESSAGES])?;
        }
        Ok(())
    }
}
