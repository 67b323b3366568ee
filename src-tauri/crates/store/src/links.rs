//! Links that the host hands out, with their secrets.

use api::LinkKind;
use rusqlite::types::Type;
use rusqlite::{Row, params};

use crate::{Error, Store};

/// A link as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct KeptLink {
    /// Its identity.
    pub id: String,
    /// What it opens.
    pub kind: LinkKind,
    /// What the host calls it.
    pub name: String,
    /// The one channel it is for; any when absent.
    pub channel: Option<String>,
    /// What whoever has the link presents.
    pub secret: String,
    /// When it was made, in milliseconds since 1970 UTC.
    pub created: i64,
    /// When it lets nobody in any more, in milliseconds since 1970 UTC; never when absent.
    pub expires: Option<i64>,
}

impl std::fmt::Debug for KeptLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeptLink")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("name", &self.name)
            .field("channel", &self.channel)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// All links, in the order in which they were made.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn links(&self) -> Result<Vec<KeptLink>, Error> {
        let inner = self.inner.lock();
        let mut statement = inner.connection.prepare_cached(
            "SELECT id, kind, name, channel, secret, created, expires FROM links
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
                "INSERT INTO links (id, kind, name, channel, secret, created, expires)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT (id) DO UPDATE SET kind = ?2, name = ?3, channel = ?4, secret = ?5,
                     created = ?6, expires = ?7",
            )?
            .execute(params![
                link.id,
                kind_name(link.kind),
                link.name,
                link.channel,
                link.secret,
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

fn kind_name(kind: LinkKind) -> &'static str {
    match kind {
        LinkKind::Watch => "watch",
        LinkKind::Publish => "publish",
        LinkKind::Moderate => "moderate",
        LinkKind::Control => "control",
    }
}

fn link(row: &Row<'_>) -> rusqlite::Result<KeptLink> {
    let kind: String = row.get(1)?;
    let kind = match kind.as_str() {
        "watch" => LinkKind::Watch,
        "publish" => LinkKind::Publish,
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
        secret: row.get(4)?,
        created: row.get(5)?,
        expires: row.get(6)?,
    })
}
