//! Small things by name.

use rusqlite::{OptionalExtension, params};

use crate::{Error, Store};

const TITLE: &str = "title";

impl Store {
    /// What was last set under `key`.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn get(&self, key: &str) -> Result<Option<String>, Error> {
        let inner = self.inner.lock();
        let mut statement = inner
            .connection
            .prepare_cached("SELECT value FROM settings WHERE key = ?1")?;
        Ok(statement.query_row([key], |row| row.get(0)).optional()?)
    }

    /// Sets `key`.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn set(&self, key: &str, value: &str) -> Result<(), Error> {
        let inner = self.inner.lock();
        inner
            .connection
            .prepare_cached(
                "INSERT INTO settings (key, value) VALUES (?1, ?2)
                 ON CONFLICT (key) DO UPDATE SET value = ?2",
            )?
            .execute(params![key, value])?;
        Ok(())
    }

    /// The title that viewers read, when one was ever set.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn title(&self) -> Result<Option<String>, Error> {
        self.get(TITLE)
    }

    /// Sets the title that viewers read.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn set_title(&self, title: &str) -> Result<(), Error> {
        self.set(TITLE, title)
    }
}
