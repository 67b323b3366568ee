//! Films on their way into a storage, and where they lie there. Keys of the storage are kept elsewhere.

use std::path::{Path, PathBuf};

use api::FilmKind;
use rusqlite::{OptionalExtension, Row, params};

use crate::{Error, Store};

/// Where a film lies, or is to lie, in a storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The service: `https://s3.example.org`.
    pub endpoint: String,
    /// Its bucket.
    pub bucket: String,
    /// Its region.
    pub region: String,
    /// The bucket stands in the path.
    pub path_style: bool,
    /// What the film is called there.
    pub key: String,
}

/// An upload as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptUpload {
    /// The film.
    pub film: i64,
    /// Its show.
    pub show: String,
    /// What people read.
    pub title: String,
    /// Its file here.
    pub path: PathBuf,
    /// Where it goes.
    pub place: Stored,
    /// Its bytes.
    pub bytes: u64,
    /// Bytes of a part.
    pub part_bytes: u64,
    /// The storage's name of the upload, once it was begun.
    pub upload: Option<String>,
    /// Fingerprints of the parts that are there, the first one first.
    pub etags: Vec<String>,
    /// A person lets it wait.
    pub paused: bool,
    /// Why a person must change something.
    pub failed: Option<String>,
}

const UPLOAD: &str = "SELECT film, show, title, path, endpoint, bucket, region, path_style, key,
        uploads.bytes, part_bytes, upload, paused, failed
     FROM uploads JOIN films ON films.id = film";

const PLACE: &str = "SELECT endpoint, bucket, region, path_style, key FROM uploads";

impl Store {
    /// Keeps that a film is to be uploaded; one that was tried before begins anew.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn begin_upload(
        &self,
        film: i64,
        place: &Stored,
        bytes: u64,
        part_bytes: u64,
    ) -> Result<(), Error> {
        self.forget_upload(film)?;
        let inner = self.inner.lock();
        inner.connection.execute(
            "INSERT INTO uploads (film, endpoint, bucket, region, path_style, key, bytes, part_bytes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                film,
                place.endpoint,
                place.bucket,
                place.region,
                place.path_style,
                place.key,
                bytes,
                part_bytes
            ],
        )?;
        Ok(())
    }

    /// Uploads that are not done, in the order of their films.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn uploads(&self) -> Result<Vec<KeptUpload>, Error> {
        let inner = self.inner.lock();
        let sql = format!("{UPLOAD} WHERE address IS NULL ORDER BY film");
        let mut statement = inner.connection.prepare_cached(&sql)?;
        let rows = statement.query_map([], read)?;
        let uploads: Vec<KeptUpload> = rows.collect::<Result<_, _>>()?;
        uploads.into_iter().map(|u| inner.with_parts(u)).collect()
    }

    /// The upload of a film that is not done.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn upload(&self, film: i64) -> Result<Option<KeptUpload>, Error> {
        let inner = self.inner.lock();
        let sql = format!("{UPLOAD} WHERE address IS NULL AND film = ?1");
        let mut statement = inner.connection.prepare_cached(&sql)?;
        let found = statement.query_row([film], read).optional()?;
        found.map(|upload| inner.with_parts(upload)).transpose()
    }

    /// Keeps that the storage has begun an upload under this name: parts that were kept of another are void.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn upload_begun(&self, film: i64, upload: &str) -> Result<(), Error> {
        let mut inner = self.inner.lock();
        let change = inner.connection.transaction()?;
        change.execute("DELETE FROM upload_parts WHERE film = ?1", [film])?;
        let sql = "UPDATE uploads SET upload = ?2 WHERE film = ?1";
        change.execute(sql, params![film, upload])?;
        change.commit()?;
        Ok(())
    }

    /// Keeps the fingerprint of the next part.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn upload_part(&self, film: i64, etag: &str) -> Result<(), Error> {
        let inner = self.inner.lock();
        inner.connection.execute(
            "INSERT INTO upload_parts (film, number, etag)
             SELECT ?1, coalesce(max(number), 0) + 1, ?2 FROM upload_parts WHERE film = ?1",
            params![film, etag],
        )?;
        Ok(())
    }

    /// Keeps that an upload waits, goes on, or has failed.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn set_upload(&self, film: i64, paused: bool, failed: Option<&str>) -> Result<(), Error> {
        let inner = self.inner.lock();
        let sql = "UPDATE uploads SET paused = ?2, failed = ?3 WHERE film = ?1";
        inner
            .connection
            .execute(sql, params![film, paused, failed])?;
        Ok(())
    }

    /// Keeps that a film lies in the storage.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn end_upload(&self, film: i64, address: &str) -> Result<(), Error> {
        let mut inner = self.inner.lock();
        let change = inner.connection.transaction()?;
        change.execute("DELETE FROM upload_parts WHERE film = ?1", [film])?;
        let sql = "UPDATE uploads SET address = ?2, upload = NULL, paused = 0, failed = NULL WHERE film = ?1";
        change.execute(sql, params![film, address])?;
        change.commit()?;
        Ok(())
    }

    /// Forgets an upload, or where a film lies.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn forget_upload(&self, film: i64) -> Result<(), Error> {
        let mut inner = self.inner.lock();
        let change = inner.connection.transaction()?;
        change.execute("DELETE FROM upload_parts WHERE film = ?1", [film])?;
        change.execute("DELETE FROM uploads WHERE film = ?1", [film])?;
        change.commit()?;
        Ok(())
    }

    /// Where a film lies in a storage, if it does.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn stored(&self, film: i64) -> Result<Option<Stored>, Error> {
        let inner = self.inner.lock();
        let sql = format!("{PLACE} WHERE address IS NOT NULL AND film = ?1");
        let mut statement = inner.connection.prepare_cached(&sql)?;
        Ok(statement.query_row([film], read_place).optional()?)
    }

    /// Where films lie in storages, each place once, without their names.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn storages(&self) -> Result<Vec<Stored>, Error> {
        let inner = self.inner.lock();
        let mut statement = inner.connection.prepare_cached(
            "SELECT DISTINCT endpoint, bucket, region, path_style, '' FROM uploads WHERE address IS NOT NULL",
        )?;
        let rows = statement.query_map([], read_place)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Keeps that no file of a film is here any more. `path` takes its place: a path with the file's name, in
    /// the folder of what is left of it.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn film_is_away(&self, film: i64, path: &Path) -> Result<(), Error> {
        let inner = self.inner.lock();
        let sql = "UPDATE films SET away = 1, path = ?2 WHERE id = ?1";
        inner
            .connection
            .execute(sql, params![film, path.to_string_lossy()])?;
        Ok(())
    }

    /// The film whose file is here.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub fn film_at(&self, path: &Path) -> Result<Option<(i64, FilmKind)>, Error> {
        let inner = self.inner.lock();
        let sql = "SELECT id, kind FROM films WHERE path = ?1 AND away = 0";
        let mut statement = inner.connection.prepare_cached(sql)?;
        let read = |row: &Row<'_>| {
            let kind: String = row.get(1)?;
            Ok((row.get(0)?, crate::library::kind_of(&kind)))
        };
        Ok(statement
            .query_row([path.to_string_lossy()], read)
            .optional()?)
    }
}

impl crate::Inner {
    fn with_parts(&self, mut upload: KeptUpload) -> Result<KeptUpload, Error> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT etag FROM upload_parts WHERE film = ?1 ORDER BY number")?;
        let rows = statement.query_map([upload.film], |row| row.get(0))?;
        upload.etags = rows.collect::<Result<_, _>>()?;
        Ok(upload)
    }
}

fn read_place(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        endpoint: row.get(0)?,
        bucket: row.get(1)?,
        region: row.get(2)?,
        path_style: row.get(3)?,
        key: row.get(4)?,
    })
}

fn read(row: &Row<'_>) -> rusqlite::Result<KeptUpload> {
    let path: String = row.get(3)?;
    Ok(KeptUpload {
        film: row.get(0)?,
        show: row.get(1)?,
        title: row.get(2)?,
        path: path.into(),
        place: Stored {
            endpoint: row.get(4)?,
            bucket: row.get(5)?,
            region: row.get(6)?,
            path_style: row.get(7)?,
            key: row.get(8)?,
        },
        bytes: row.get(9)?,
        part_bytes: row.get(10)?,
        upload: row.get(11)?,
        etags: Vec::new(),
        paused: row.get(12)?,
        failed: row.get(13)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Stored {
        Stored {
            endpoint: "https://s3.example.org".into(),
            bucket: "shows".into(),
            region: "us-east-1".into(),
            path_style: true,
            key: "klieg/a/Show.mp4".into(),
        }
    }

    #[test]
    fn an_upload_goes_on_from_what_was_kept_of_it() {
        let store = Store::in_memory().unwrap();
        store.begin_show("a", "program", "Show", 0, true).unwrap();
        let path = Path::new("/r/Show.mp4");
        let film = store
            .begin_film("a", FilmKind::Recording, "Show", path, 0)
            .unwrap();
        store.end_film(path, 1_000, 20 << 20).unwrap();
        store
            .begin_upload(film, &place(), 20 << 20, 8 << 20)
            .unwrap();
        store.upload_begun(film, "first").unwrap();
        store.upload_part(film, "x").unwrap();
        store.upload_begun(film, "second").unwrap();
        store.upload_part(film, "a").unwrap();
        store.upload_part(film, "b").unwrap();
        store.set_upload(film, true, None).unwrap();
        let kept = store.upload(film).unwrap().unwrap();
        assert_eq!(kept.upload.as_deref(), Some("second"));
        assert_eq!(kept.etags, ["a", "b"]);
        assert_eq!((kept.paused, kept.bytes), (true, 20 << 20));
        assert_eq!(kept.place, place());
        assert_eq!(store.stored(film).unwrap(), None);
        assert_eq!(store.show("a").unwrap().unwrap().films[0].stored, None);

        store
            .end_upload(film, "https://s3.example.org/shows/x")
            .unwrap();
        assert_eq!(
            store.film_at(path).unwrap(),
            Some((film, FilmKind::Recording))
        );
        let left = Path::new("/d/pictures/1/Show.mp4");
        store.film_is_away(film, left).unwrap();
        assert_eq!(store.film_at(left).unwrap(), None);
        assert_eq!(store.uploads().unwrap(), []);
        assert_eq!(store.stored(film).unwrap(), Some(place()));
        assert_eq!(store.storages().unwrap().len(), 1);
        let shown = &store.show("a").unwrap().unwrap().films[0];
        assert_eq!(
            shown.stored.as_deref(),
            Some("https://s3.example.org/shows/x")
        );
        assert_eq!((shown.away, shown.file.as_str()), (true, "Show.mp4"));
        assert_eq!(store.library_bytes().unwrap(), 0);

        store.forget_show("a").unwrap();
        assert_eq!(store.storages().unwrap(), []);
    }
}
