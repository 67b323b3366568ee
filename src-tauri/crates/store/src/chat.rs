//! Chat messages.

use api::{Message, Role};
use rusqlite::types::Type;
use rusqlite::{Row, params};

use crate::{Error, Store};

/// Messages kept per channel; older ones are forgotten as new ones come.
pub const KEEP_MESSAGES: u32 = 10_000;

/// A channel is pruned once in so many messages, so that each costs one insertion only.
const PRUNE_EVERY: u32 = 64;

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
        let mut inner = self.inner.lock();
        inner
            .connection
            .prepare_cached(
                "INSERT INTO messages (channel, name, role, text, at) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![channel, name, role_name(role), text, at])?;
        let id = inner.connection.last_insert_rowid();
        let written = inner.unpruned.entry(channel.to_owned()).or_default();
        *written += 1;
        if *written >= PRUNE_EVERY {
            *written = 0;
            inner
                .connection
                .prepare_cached(
                    "DELETE FROM messages WHERE channel = ?1 AND id <= (
                         SELECT id FROM messages WHERE channel = ?1
                         ORDER BY id DESC LIMIT 1 OFFSET ?2)",
                )?
                .execute(params![channel, KEEP_MESSAGES])?;
        }
        Ok(Message {
            id,
            name: name.to_owned(),
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
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Host => "host",
        Role::Viewer => "viewer",
    }
}

fn message(row: &Row<'_>) -> rusqlite::Result<Message> {
    let role: String = row.get(2)?;
    let role = match role.as_str() {
        "host" => Role::Host,
        "viewer" => Role::Viewer,
        other => {
            let reason = format!("no such role: {other}");
            return Err(rusqlite::Error::FromSqlConversionFailure(
                2,
                Type::Text,
                reason.into(),
            ));
        }
    };
    Ok(Message {
        id: row.get(0)?,
        name: row.get(1)?,
        role,
        text: row.get(3)?,
        at: row.get(4)?,
    })
}
