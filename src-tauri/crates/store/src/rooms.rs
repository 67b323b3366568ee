//! Rules of chat rooms, who may not write in them, and channels that ask for a passphrase.

use api::{Ban, RoomRules};
use rusqlite::{Row, params};

use crate::{Error, Store};

/// A ban as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptBan {
    /// Where it holds.
    pub channel: String,
    /// Whom it stops, as [`Speaker::identity`](crate::Speaker::identity) says.
    pub identity: Option<String>,
    /// What people see of it.
    pub ban: Ban,
}

impl Store {
    /// The rules of all rooms that have some.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn room_rules(&self) -> Result<Vec<(String, RoomRules)>, Error> {
        let inner = self.inner.lock();
        let mut statement = inner.connection.prepare_cached(
            "SELECT channel, slow_seconds, links, words FROM room_rules ORDER BY channel",
        )?;
        let all = statement.query_map([], |row| {
            let words: String = row.get(3)?;
            let rules = RoomRules {
                slow_seconds: row.get(1)?,
                links: row.get(2)?,
                words: words.lines().map(str::to_owned).collect(),
            };
            Ok((row.get(0)?, rules))
        })?;
        Ok(all.collect::<Result<_, _>>()?)
    }

    /// Sets the rules of a room. Words must hold no line breaks.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn put_room_rules(&self, channel: &str, rules: &RoomRules) -> Result<(), Error> {
        let inner = self.inner.lock();
        inner
            .connection
            .prepare_cached(
                "INSERT INTO room_rules (channel, slow_seconds, links, words)
                 VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (channel) DO UPDATE SET slow_seconds = ?2, links = ?3, words = ?4",
            )?
            .execute(params![
                channel,
                rules.slow_seconds,
                rules.links,
                rules.words.join("\n")
            ])?;
        Ok(())
    }

    /// All bans, those that have run out among them, the newest first.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn bans(&self) -> Result<Vec<KeptBan>, Error> {
        let inner = self.inner.lock();
        let mut statement = inner.connection.prepare_cached(
            "SELECT id, channel, name, speaker, address, by, at, until FROM bans ORDER BY id DESC",
        )?;
        let all = statement.query_map([], ban)?;
        Ok(all.collect::<Result<_, _>>()?)
    }

    /// Keeps a ban under a number of its own, which is returned.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn add_ban(&self, kept: &KeptBan) -> Result<i64, Error> {
        let KeptBan {
            channel,
            identity,
            ban,
        } = kept;
        let inner = self.inner.lock();
        inner
            .connection
            .prepare_cached(
                "INSERT INTO bans (channel, name, speaker, address, by, at, until)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                channel,
                ban.name,
                identity,
                ban.address,
                ban.by,
                ban.at,
                ban.until
            ])?;
        Ok(inner.connection.last_insert_rowid())
    }

    /// Deletes a ban; `false` when there was none.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn remove_ban(&self, id: i64) -> Result<bool, Error> {
        let inner = self.inner.lock();
        let mut statement = inner
            .connection
            .prepare_cached("DELETE FROM bans WHERE id = ?1")?;
        Ok(statement.execute([id])? > 0)
    }

    /// Private channels, each with the hash of its passphrase.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn passphrases(&self) -> Result<Vec<(String, String)>, Error> {
        let inner = self.inner.lock();
        let mut statement = inner
            .connection
            .prepare_cached("SELECT channel, hash FROM private_channels ORDER BY channel")?;
        let all = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(all.collect::<Result<_, _>>()?)
    }

    /// Keeps the hash of a channel's passphrase; without one the channel is open.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn put_passphrase(&self, channel: &str, hash: Option<&str>) -> Result<(), Error> {
        let inner = self.inner.lock();
        match hash {
            Some(hash) => inner
                .connection
                .prepare_cached(
                    "INSERT INTO private_channels (channel, hash) VALUES (?1, ?2)
                     ON CONFLICT (channel) DO UPDATE SET hash = ?2",
                )?
                .execute([channel, hash])?,
            None => inner
                .connection
                .prepare_cached("DELETE FROM private_channels WHERE channel = ?1")?
                .execute([channel])?,
        };
        Ok(())
    }
}

fn ban(row: &Row<'_>) -> rusqlite::Result<KeptBan> {
    Ok(KeptBan {
        channel: row.get(1)?,
        identity: row.get(3)?,
        ban: Ban {
            id: row.get(0)?,
            name: row.get(2)?,
            address: row.get(4)?,
            by: row.get(5)?,
            at: row.get(6)?,
            until: row.get(7)?,
        },
    })
}
