//! The latest picture of a show, kept while it is on: of one that nobody records nothing else is left to see.

use rusqlite::{OptionalExtension, params};

use crate::{Error, Store};

impl Store {
    /// Shows that are on: each with its channel.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn shows_on(&self) -> Result<Vec<(String, String)>, Error> {
        let inner = self.inner.lock();
        let sql = "SELECT id, channel FROM shows WHERE ended IS NULL ORDER BY began";
        let mut statement = inner.connection.prepare_cached(sql)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Keeps a picture of a show that is on, as a JPEG, in place of the one before; one that has ended keeps what it has.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn keep_show_picture(&self, show: &str, jpeg: &[u8]) -> Result<(), Error> {
        let inner = self.inner.lock();
        inner.connection.execute(
            "INSERT OR REPLACE INTO show_pictures (show, jpeg)
             SELECT id, ?2 FROM shows WHERE id = ?1 AND ended IS NULL",
            params![show, jpeg],
        )?;
        Ok(())
    }

    /// The picture of a show, as a JPEG.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn show_picture(&self, show: &str) -> Result<Option<Vec<u8>>, Error> {
        let inner = self.inner.lock();
        let sql = "SELECT jpeg FROM show_pictures WHERE show = ?1";
        let mut statement = inner.connection.prepare_cached(sql)?;
        Ok(statement.query_row([show], |row| row.get(0)).optional()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_show_keeps_its_latest_picture_and_takes_it_along() {
        let store = Store::in_memory().unwrap();
        for (id, channel) in [("a", "program"), ("b", "stage")] {
            store.begin_show(id, channel, "Show", 1_000, true).unwrap();
        }
        let on = |id: &str, channel: &str| (id.to_owned(), channel.to_owned());
        assert_eq!(
            store.shows_on().unwrap(),
            [on("a", "program"), on("b", "stage")]
        );
        let pictured = || store.show("a").unwrap().unwrap().pictured;
        assert!(!pictured());
        for jpeg in [b"one", b"two"] {
            store.keep_show_picture("a", jpeg).unwrap();
        }
        assert!(pictured());
        store.end_show("a", 2_000).unwrap();
        store.keep_show_picture("a", b"late").unwrap();
        store.keep_show_picture("nobody", b"x").unwrap();
        assert_eq!(store.shows_on().unwrap(), [on("b", "stage")]);
        let kept = store.show_picture("a").unwrap();
        assert_eq!(kept.as_deref(), Some(&b"two"[..]));
        store.forget_show("a").unwrap();
        assert_eq!(store.show_picture("a").unwrap(), None);
    }
}
