//! Links that the host hands out. Of their secrets there is a hash alone.

use api::LinkKind;
use ring::digest;
use rusqlite::types::Type;
use rusqlite::{Row, Transaction, params};

use crate::{Error, Store};

/// A link as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptLink {
    /// Its identity.
    pub id: String,
    /// What it opens.
    pub kind: LinkKind,
    /// What the host calls it.
    pub name: String,
    /// The one channel it is for; any when absent.
    pub channel: Option<String>,
    /// SHA-256 of what whoever has the link presents: 128 random bits, so that it needs no salt.
    pub hash: [u8; 32],
    /// How often it has been given another secret.
    pub turn: u32,
    /// When it was made, in milliseconds since 1970 UTC.
    pub created: i64,
    /// When it lets nobody in any more, in milliseconds since 1970 UTC; never when absent.
    pub expires: Option<i64>,
}

impl Store {
    /// All links, in the order in which they were made.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn links(&self) -> Result<Vec<KeptLink>, Error> {
        let inner = self.inner.lock();
        let mut statement = inner.connection.prepare_cached(
            "SELECT id, kind, name, channel, hash, turn, created, expires FROM links
             ORDER BY created, rowid",
        )?;
        let all = statement.query_map([], link)?;
        Ok(all.collect::<Result<_, _>>()?)
    }

    /// Adds a link, or replaces the one of the same identity in its place.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn put_link(&self, link: &KeptLink) -> Result<(), Error> {
        let inner = self.inner.lock();
        inner
            .connection
            .prepare_cached(
                "INSERT INTO links (id, kind, name, channel, hash, turn, created, expires)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                 ON CONFLICT (id) DO UPDATE SET kind = ?2, name = ?3, channel = ?4, hash = ?5,
                     turn = ?6, created = ?7, expires = ?8",
            )?
            .execute(params![
                link.id,
                kind_name(link.kind),
                link.name,
                link.channel,
                link.hash,
                link.turn,
                link.created,
                link.expires
            ])?;
        Ok(())
    }

    /// Deletes a link; `false` when there was none.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn remove_link(&self, id: &str) -> Result<bool, Error> {
        let inner = self.inner.lock();
        let mut statement = inner
            .connection
            .prepare_cached("DELETE FROM links WHERE id = ?1")?;
        Ok(statement.execute([id])? > 0)
    }
}

/// Puts the hashes of secrets that stood in the open in their place.
pub(crate) fn hash_all(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let mut read = transaction.prepare("SELECT id, hash FROM links")?;
    let mut write = transaction.prepare("UPDATE links SET hash = ?2 WHERE id = ?1")?;
    let secrets = read.query_map([], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    })?;
    for (id, secret) in secrets.collect::<Result<Vec<_>, _>>()? {
        let hash = digest::digest(&digest::SHA256, secret.as_bytes());
        write.execute(params![id, hash.as_ref()])?;
    }
    Ok(())
}

fn kind_name(kind: LinkKind) -> &'static str {
    match kind {
        LinkKind::Watch => "watch",
        LinkKind::Publish => "publish",
        LinkKind::Guest => "guest",
        LinkKind::Moderate => "moderate",
        LinkKind::Control => "control",
    }
}

fn link(row: &Row<'_>) -> rusqlite::Result<KeptLink> {
    let kind: String = row.get(1)?;
    let kind = match kind.as_str() {
        "watch" => LinkKind::Watch,
        "publish" => LinkKind::Publish,
        "guest" => LinkKind::Guest,
        "moderate" => LinkKind::Moderate,
        "control" => LinkKind::Control,
        other => {
            let reason = format!("no such kind of link: {other}");
            return Err(rusqlite::Error::FromSqlConversionFailure(
                1,
                Type::Text,
                reason.into(),
            ));
        }
    };
    Ok(KeptLink {
        id: row.get(0)?,
        kind,
        name: row.get(2)?,
        channel: row.get(3)?,
        hash: row.get(4)?,
        turn: row.get(5)?,
        created: row.get(6)?,
        expires: row.get(7)?,
    })
}
