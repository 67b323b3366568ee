//! Shows, their files and their marked moments.

mod pictures;

use std::path::{Path, PathBuf};

use api::{Film, FilmKind, Marker, Pause, Show};
use rusqlite::{OptionalExtension, Row, params};

use crate::{Error, Store};

/// A file of a show that was being written when the program was last ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// Its number.
    pub film: i64,
    /// The file.
    pub path: PathBuf,
    /// When it began, in milliseconds since 1970 UTC.
    pub began: i64,
}

/// Which shows are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShowQuery {
    /// Only those that began before, in milliseconds since 1970 UTC.
    pub before: Option<i64>,
    /// Only those of this channel.
    pub channel: Option<String>,
    /// Also those that the host alone sees, and those that can be brought back.
    pub all: bool,
    /// How many at most; never more than 200.
    pub limit: u32,
}

/// What is changed of a show; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShowChange<'a> {
    /// What people read.
    pub title: Option<&'a str>,
    /// More about it.
    pub description: Option<&'a str>,
    /// The host alone sees it.
    pub hidden: Option<bool>,
    /// The quota never takes it.
    pub protected: Option<bool>,
}

const SHOW: &str = "SELECT id, channel, title, description, began, ended, aired, interrupted, peak, hidden, deleted, protected,
     EXISTS (SELECT 1 FROM show_pictures WHERE show = shows.id) FROM shows";

/// What [`read_film`] reads.
const FILM: &str = "SELECT id, kind, title, path, began, duration, bytes,
     (SELECT address FROM uploads WHERE film = films.id), away, show, deleted FROM films";

impl Store {
    /// Keeps that a show has begun at `at` (ms since 1970 UTC). What nobody could see is hidden until the host
    /// says otherwise.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn begin_show(
        &self,
        id: &str,
        channel: &str,
        title: &str,
        at: i64,
        aired: bool,
    ) -> Result<(), Error> {
        self.inner.lock().lastingly(|connection| {
            connection.execute(
                "INSERT INTO shows (id, channel, title, began, aired, hidden) VALUES (?1, ?2, ?3, ?4, ?5, NOT ?5)",
                params![id, channel, title, at, aired],
            )?;
            Ok(())
        })
    }

    /// Keeps that a show that was recorded alone has gone on air.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn air_show(&self, id: &str) -> Result<(), Error> {
        let inner = self.inner.lock();
        let sql = "UPDATE shows SET aired = 1 WHERE id = ?1";
        inner.connection.execute(sql, [id])?;
        Ok(())
    }

    /// Keeps how many watch a show that is on, if it is more than before.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn note_viewers(&self, id: &str, viewers: u32) -> Result<(), Error> {
        let inner = self.inner.lock();
        let sql = "UPDATE shows SET peak = max(peak, ?2) WHERE id = ?1";
        inner.connection.execute(sql, params![id, viewers])?;
        Ok(())
    }

    /// Keeps that a show is still on at `at` (ms since 1970 UTC).
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn note_seen(&self, id: &str, at: i64) -> Result<(), Error> {
        let inner = self.inner.lock();
        let sql = "UPDATE shows SET seen = ?2 WHERE id = ?1";
        inner.connection.execute(sql, params![id, at])?;
        Ok(())
    }

    /// Keeps that a show is live at a destination of this name, too.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn note_destination(&self, id: &str, name: &str) -> Result<(), Error> {
        let inner = self.inner.lock();
        let sql = "INSERT OR IGNORE INTO shown_at (show, name) VALUES (?1, ?2)";
        inner.connection.execute(sql, [id, name])?;
        Ok(())
    }

    /// Keeps that a show has ended at `at`. One of which no file is left and that was never on air is
    /// forgotten.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn end_show(&self, id: &str, at: i64) -> Result<(), Error> {
        let inner = self.inner.lock();
        let sql = "UPDATE shows SET ended = max(?2, began) WHERE id = ?1 AND ended IS NULL";
        inner.connection.execute(sql, params![id, at])?;
        inner.connection.execute(
            "DELETE FROM shows WHERE id = ?1 AND aired = 0
             AND NOT EXISTS (SELECT 1 FROM films WHERE show = ?1)",
            [id],
        )?;
        Ok(())
    }

    /// Forgets the oldest shows that have ended and of which there is no film and nothing that somebody wrote, beyond
    /// as many as are kept: whoever publishes comes and goes as often as they like.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn forget_old_shows(&self, most: u32) -> Result<(), Error> {
        let old: Vec<String> = {
            let inner = self.inner.lock();
            let mut statement = inner.connection.prepare_cached(
                "SELECT id FROM shows WHERE ended IS NOT NULL AND protected = 0 AND description = ''
                 AND NOT EXISTS (SELECT 1 FROM films WHERE show = shows.id)
                 AND NOT EXISTS (SELECT 1 FROM markers WHERE show = shows.id)
                 ORDER BY began DESC LIMIT -1 OFFSET ?1",
            )?;
            let rows = statement.query_map([most], |row| row.get(0))?;
            rows.collect::<Result<_, _>>()?
        };
        old.iter().try_for_each(|id| self.forget_show(id))
    }

    /// Closes what was on when the program last ended without saying so: every such show ends with what was
    /// last known of it. Gives the files that were being written.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn recover_shows(&self) -> Result<Vec<Unfinished>, Error> {
        let inner = self.inner.lock();
        inner.connection.execute(
            "UPDATE shows SET interrupted = 1, ended = max(began, coalesce(seen, began),
                 coalesce((SELECT max(began + coalesce(duration, 0)) FROM films WHERE show = shows.id), began),
                 coalesce((SELECT max(at) FROM markers WHERE show = shows.id), began))
             WHERE ended IS NULL",
            [],
        )?;
        let mut statement = inner
            .connection
            .prepare("SELECT id, path, began FROM films WHERE duration IS NULL")?;
        let rows = statement.query_map([], |row| {
            let path: String = row.get(1)?;
            Ok(Unfinished {
                film: row.get(0)?,
                path: path.into(),
                began: row.get(2)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Keeps that a file has begun, also when the power fails right after; gives its number.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn begin_film(
        &self,
        show: &str,
        kind: FilmKind,
        title: &str,
        path: &Path,
        at: i64,
    ) -> Result<i64, Error> {
        self.inner.lock().lastingly(|connection| {
            connection.execute(
                "INSERT INTO films (show, kind, title, path, began) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![show, kind_name(kind), title, path.to_string_lossy(), at],
            )?;
            Ok(connection.last_insert_rowid())
        })
    }

    /// Keeps how long and how large a file has become. A show that was interrupted lasted at least as long.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn end_film(&self, path: &Path, duration_ms: u64, bytes: u64) -> Result<(), Error> {
        let inner = self.inner.lock();
        let path = path.to_string_lossy();
        inner.connection.execute(
            "UPDATE films SET duration = ?2, bytes = ?3 WHERE path = ?1",
            params![path, duration_ms, bytes],
        )?;
        inner.connection.execute(
            "UPDATE shows SET ended = max(ended, (SELECT began + duration FROM films WHERE path = ?1))
             WHERE interrupted = 1 AND id = (SELECT show FROM films WHERE path = ?1 AND kind = 'recording')",
            [&path],
        )?;
        Ok(())
    }

    /// Keeps that a file stood still for a while.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn note_pause(&self, film: i64, pause: &Pause) -> Result<(), Error> {
        let inner = self.inner.lock();
        let sql = "INSERT OR REPLACE INTO pauses (film, at, length) VALUES (?1, ?2, ?3)";
        inner
            .connection
            .execute(sql, params![film, pause.at, pause.length_ms])?;
        Ok(())
    }

    /// Forgets a file.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn forget_film(&self, film: i64) -> Result<(), Error> {
        self.forget_upload(film)?;
        let inner = self.inner.lock();
        for sql in [
            "DELETE FROM pauses WHERE film = ?1",
            "DELETE FROM films WHERE id = ?1",
        ] {
            inner.connection.execute(sql, [film])?;
        }
        Ok(())
    }

    /// Takes a clip out of sight, or brings it back; `false` when there is none.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn delete_clip(&self, film: i64, at: Option<i64>) -> Result<bool, Error> {
        let inner = self.inner.lock();
        let sql = "UPDATE films SET deleted = ?2 WHERE id = ?1 AND kind = 'clip'";
        Ok(inner.connection.execute(sql, params![film, at])? > 0)
    }

    /// Clips that were deleted before `at`, whose files may go.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn clips_deleted_before(&self, at: i64) -> Result<Vec<i64>, Error> {
        let inner = self.inner.lock();
        let sql = "SELECT id FROM films WHERE deleted < ?1 ORDER BY deleted, id";
        let mut statement = inner.connection.prepare_cached(sql)?;
        let rows = statement.query_map([at], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Deleted clips with files here that may go to make room, those first that were deleted first: they go before
    /// any show does.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn clips_that_may_go(&self) -> Result<Vec<i64>, Error> {
        let inner = self.inner.lock();
        let mut statement = inner.connection.prepare_cached(
            "SELECT films.id FROM films JOIN shows ON shows.id = show
             WHERE films.deleted IS NOT NULL AND away = 0 AND protected = 0
             ORDER BY films.deleted, films.id",
        )?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The show and the path of a file.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn film(&self, film: i64) -> Result<Option<(String, PathBuf, Film)>, Error> {
        let inner = self.inner.lock();
        let mut found: Option<(String, PathBuf, Film)> = inner
            .connection
            .prepare_cached(&format!("{FILM} WHERE id = ?1"))?
            .query_row([film], |row| {
                let path: String = row.get(3)?;
                Ok((row.get(9)?, PathBuf::from(path), read_film(row)?))
            })
            .optional()?;
        if let Some((_, _, film)) = &mut found {
            film.pauses = inner.pauses(film.id)?;
        }
        Ok(found)
    }

    /// The paths of all files of a show.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn films_of(&self, show: &str) -> Result<Vec<(i64, PathBuf)>, Error> {
        let inner = self.inner.lock();
        let mut statement = inner
            .connection
            .prepare_cached("SELECT id, path FROM films WHERE show = ?1 ORDER BY began")?;
        let rows = statement.query_map([show], |row| {
            let path: String = row.get(1)?;
            Ok((row.get(0)?, PathBuf::from(path)))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Bytes of all files that are here, together.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn library_bytes(&self) -> Result<u64, Error> {
        let inner = self.inner.lock();
        let sql = "SELECT coalesce(sum(bytes), 0) FROM films WHERE away = 0";
        Ok(inner.connection.query_row(sql, [], |row| row.get(0))?)
    }

    /// Marks a moment of a show.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn mark(&self, show: &str, at: i64, label: &str) -> Result<(), Error> {
        let inner = self.inner.lock();
        inner.connection.execute(
            "INSERT INTO markers (show, at, label) VALUES (?1, ?2, ?3)",
            params![show, at, label],
        )?;
        Ok(())
    }

    /// Changes what people read of a show; `false` when there is none.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn change_show(&self, id: &str, change: &ShowChange<'_>) -> Result<bool, Error> {
        let inner = self.inner.lock();
        let rows = inner.connection.execute(
            "UPDATE shows SET title = coalesce(?2, title), description = coalesce(?3, description),
             hidden = coalesce(?4, hidden), protected = coalesce(?5, protected) WHERE id = ?1",
            params![
                id,
                change.title,
                change.description,
                change.hidden,
                change.protected
            ],
        )?;
        Ok(rows > 0)
    }

    /// Takes a show that has ended out of sight, or brings it back; `false` when there is none.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn delete_show(&self, id: &str, at: Option<i64>) -> Result<bool, Error> {
        let inner = self.inner.lock();
        let rows = inner.connection.execute(
            "UPDATE shows SET deleted = ?2 WHERE id = ?1 AND ended IS NOT NULL",
            params![id, at],
        )?;
        Ok(rows > 0)
    }

    /// Shows that were deleted before `at`, whose files may go.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn shows_deleted_before(&self, at: i64) -> Result<Vec<String>, Error> {
        let inner = self.inner.lock();
        let mut statement = inner
            .connection
            .prepare_cached("SELECT id FROM shows WHERE deleted < ?1")?;
        let rows = statement.query_map([at], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Shows with files here that may go to make room: those that are over and not protected, the deleted ones
    /// first, then the oldest.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn shows_that_may_go(&self) -> Result<Vec<String>, Error> {
        let inner = self.inner.lock();
        let mut statement = inner.connection.prepare_cached(
            "SELECT id FROM shows WHERE ended IS NOT NULL AND protected = 0
             AND EXISTS (SELECT 1 FROM films WHERE show = shows.id AND away = 0)
             AND NOT EXISTS (SELECT 1 FROM films WHERE show = shows.id AND duration IS NULL)
             ORDER BY deleted IS NULL, began",
        )?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Forgets a show, its files, its marked moments and what was said for good.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn forget_show(&self, id: &str) -> Result<(), Error> {
        let inner = self.inner.lock();
        for sql in [
            // The next message on the channel takes them along.
            "UPDATE messages SET kept = 0 WHERE kept = 1 AND EXISTS (
                 SELECT 1 FROM shows WHERE id = ?1 AND shows.channel = messages.channel
                 AND messages.at BETWEEN began AND coalesce(ended, began))",
            "DELETE FROM upload_parts WHERE film IN (SELECT id FROM films WHERE show = ?1)",
            "DELETE FROM uploads WHERE film IN (SELECT id FROM films WHERE show = ?1)",
            "DELETE FROM pauses WHERE film IN (SELECT id FROM films WHERE show = ?1)",
            "DELETE FROM markers WHERE show = ?1",
            "DELETE FROM show_pictures WHERE show = ?1",
            "DELETE FROM shown_at WHERE show = ?1",
            "DELETE FROM films WHERE show = ?1",
            "DELETE FROM shows WHERE id = ?1",
        ] {
            inner.connection.execute(sql, [id])?;
        }
        Ok(())
    }

    /// A show.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn show(&self, id: &str) -> Result<Option<Show>, Error> {
        let inner = self.inner.lock();
        let found = inner
            .connection
            .prepare_cached(&format!("{SHOW} WHERE id = ?1"))?
            .query_row([id], read_show)
            .optional()?;
        found.map(|show| inner.complete(show)).transpose()
    }

    /// Shows, the newest first.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn shows(&self, query: &ShowQuery) -> Result<Vec<Show>, Error> {
        let inner = self.inner.lock();
        let mut statement = inner.connection.prepare_cached(&format!(
            "{SHOW} WHERE began < ?1 AND (?2 IS NULL OR channel = ?2)
             AND (?3 OR (hidden = 0 AND deleted IS NULL)) ORDER BY began DESC LIMIT ?4"
        ))?;
        let before = query.before.unwrap_or(i64::MAX);
        let limit = query.limit.clamp(1, 200);
        let rows =
            statement.query_map(params![before, query.channel, query.all, limit], read_show)?;
        let shows: Vec<Show> = rows.collect::<Result<_, _>>()?;
        shows.into_iter().map(|show| inner.complete(show)).collect()
    }

    /// What was said on a channel between two times (ms since 1970 UTC), the oldest first.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn said_between(
        &self,
        channel: &str,
        from: i64,
        to: i64,
        limit: u32,
    ) -> Result<Vec<api::Message>, Error> {
        let inner = self.inner.lock();
        let mut statement = inner.connection.prepare_cached(
            "SELECT id, name, role, text, at FROM messages
             WHERE channel = ?1 AND at BETWEEN ?2 AND ?3 ORDER BY id LIMIT ?4",
        )?;
        let rows = statement.query_map(params![channel, from, to, limit], crate::chat::message)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl crate::Inner {
    /// With files, marked moments, and where it was live.
    fn complete(&self, mut show: Show) -> Result<Show, Error> {
        let mut films = self
            .connection
            .prepare_cached(&format!("{FILM} WHERE show = ?1 ORDER BY began, id"))?;
        let rows = films.query_map([&show.id], read_film)?;
        show.films = rows.collect::<Result<_, _>>()?;
        for film in &mut show.films {
            film.pauses = self.pauses(film.id)?;
        }
        let mut markers = self
            .connection
            .prepare_cached("SELECT at, label FROM markers WHERE show = ?1 ORDER BY at")?;
        let rows = markers.query_map([&show.id], |row| {
            Ok(Marker {
                at: row.get(0)?,
                label: row.get(1)?,
            })
        })?;
        show.markers = rows.collect::<Result<_, _>>()?;
        let mut destinations = self
            .connection
            .prepare_cached("SELECT name FROM shown_at WHERE show = ?1 ORDER BY name")?;
        let rows = destinations.query_map([&show.id], |row| row.get(0))?;
        show.destinations = rows.collect::<Result<_, _>>()?;
        Ok(show)
    }

    /// Where a file stood still, the first first.
    fn pauses(&self, film: i64) -> Result<Vec<Pause>, Error> {
        let mut pauses = self
            .connection
            .prepare_cached("SELECT at, length FROM pauses WHERE film = ?1 ORDER BY at")?;
        let rows = pauses.query_map([film], |row| {
            Ok(Pause {
                at: row.get(0)?,
                length_ms: row.get(1)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn read_show(row: &Row<'_>) -> rusqlite::Result<Show> {
    Ok(Show {
        id: row.get(0)?,
        channel: row.get(1)?,
        title: row.get(2)?,
        description: row.get(3)?,
        began: row.get(4)?,
        ended: row.get(5)?,
        aired: row.get(6)?,
        interrupted: row.get(7)?,
        peak: row.get(8)?,
        hidden: row.get(9)?,
        deleted: row.get(10)?,
        protected: row.get(11)?,
        pictured: row.get(12)?,
        destinations: Vec::new(),
        films: Vec::new(),
        markers: Vec::new(),
    })
}

fn read_film(row: &Row<'_>) -> rusqlite::Result<Film> {
    let kind: String = row.get(1)?;
    let path: String = row.get(3)?;
    let file = Path::new(&path).file_name().unwrap_or_default();
    Ok(Film {
        id: row.get(0)?,
        kind: kind_of(&kind),
        title: row.get(2)?,
        file: file.to_string_lossy().into_owned(),
        began: row.get(4)?,
        pauses: Vec::new(),
        duration_ms: row.get(5)?,
        bytes: row.get(6)?,
        stored: row.get(7)?,
        away: row.get(8)?,
        deleted: row.get(10)?,
        missing: false,
    })
}

pub(crate) fn kind_of(name: &str) -> FilmKind {
    match name {
        "clip" => FilmKind::Clip,
        _ => FilmKind::Recording,
    }
}

fn kind_name(kind: FilmKind) -> &'static str {
    match kind {
        FilmKind::Recording => "recording",
        FilmKind::Clip => "clip",
    }
}

#[cfg(test)]
mod tests;
