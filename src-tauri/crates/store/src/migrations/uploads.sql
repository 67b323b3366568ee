-- Films on their way into a storage, or there; and what the quota never takes.
CREATE TABLE uploads (
    film       INTEGER PRIMARY KEY REFERENCES films (id) ON DELETE CASCADE,
    endpoint   TEXT    NOT NULL,
    bucket     TEXT    NOT NULL,
    region     TEXT    NOT NULL,
    path_style INTEGER NOT NULL,
    key        TEXT    NOT NULL, -- what it is called there
    bytes      INTEGER NOT NULL,
    part_bytes INTEGER NOT NULL,
    upload     TEXT,             -- the storage's name of the upload; not begun while null
    paused     INTEGER NOT NULL DEFAULT 0,
    failed     TEXT,             -- why a person must change something
    address    TEXT              -- where it lies; on its way while null
) STRICT;

CREATE TABLE upload_parts (
    film   INTEGER NOT NULL REFERENCES uploads (film) ON DELETE CASCADE,
    number INTEGER NOT NULL, -- from 1
    etag   TEXT    NOT NULL,
    PRIMARY KEY (film, number)
) STRICT, WITHOUT ROWID;

ALTER TABLE films ADD COLUMN away INTEGER NOT NULL DEFAULT 0; -- no file of it is here any more
ALTER TABLE shows ADD COLUMN protected INTEGER NOT NULL DEFAULT 0;
