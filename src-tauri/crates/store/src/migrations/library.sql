-- What was broadcast or recorded, and what is left of it.
CREATE TABLE shows (
    id          TEXT    PRIMARY KEY,
    channel     TEXT    NOT NULL,
    title       TEXT    NOT NULL,
    description TEXT    NOT NULL DEFAULT '',
    began       INTEGER NOT NULL, -- ms since 1970 UTC
    ended       INTEGER,          -- ms since 1970 UTC; on while null
    aired       INTEGER NOT NULL, -- it was on air, not recorded alone
    interrupted INTEGER NOT NULL DEFAULT 0,
    peak        INTEGER NOT NULL DEFAULT 0, -- viewers at once
    hidden      INTEGER NOT NULL DEFAULT 0,
    deleted     INTEGER           -- ms since 1970 UTC; it can be brought back until then is long ago
) STRICT;
CREATE INDEX shows_by_time ON shows (began);

CREATE TABLE films (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    show     TEXT    NOT NULL REFERENCES shows (id) ON DELETE CASCADE,
    kind     TEXT    NOT NULL CHECK (kind IN ('recording', 'clip')),
    title    TEXT    NOT NULL,
    path     TEXT    NOT NULL UNIQUE,
    began    INTEGER NOT NULL, -- ms since 1970 UTC, of its first picture
    duration INTEGER,          -- ms; being written while null
    bytes    INTEGER
) STRICT;
CREATE INDEX films_of_show ON films (show, began);

CREATE TABLE markers (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,
    show  TEXT    NOT NULL REFERENCES shows (id) ON DELETE CASCADE,
    at    INTEGER NOT NULL, -- ms since 1970 UTC
    label TEXT    NOT NULL
) STRICT;
CREATE INDEX markers_of_show ON markers (show, at);
