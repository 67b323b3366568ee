-- Who did what, when and from where. The same act again soon after is counted in its row.
CREATE TABLE audit (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL, -- ms since 1970 UTC
    last    INTEGER NOT NULL, -- ms since 1970 UTC, when it was done last
    times   INTEGER NOT NULL,
    who     TEXT,             -- anyone when null
    place   TEXT,             -- an address; this machine's own window when null
    channel TEXT,
    what    TEXT    NOT NULL,
    detail  TEXT
) STRICT;
CREATE INDEX audit_by_time ON audit (at);
