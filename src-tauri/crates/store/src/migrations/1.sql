CREATE TABLE messages (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    channel TEXT    NOT NULL,
    name    TEXT    NOT NULL,
    role    TEXT    NOT NULL CHECK (role IN ('host', 'viewer')),
    text    TEXT    NOT NULL,
    at      INTEGER NOT NULL -- ms since 1970 UTC
) STRICT;
CREATE INDEX messages_of_channel ON messages (channel, id);

-- Keys and tokens are kept elsewhere, never here.
CREATE TABLE destinations (
    id         TEXT    PRIMARY KEY,
    place      INTEGER NOT NULL, -- order in the list
    name       TEXT    NOT NULL,
    protocol   TEXT    NOT NULL CHECK (protocol IN ('rtmp', 'whip')),
    url        TEXT    NOT NULL,
    has_secret INTEGER NOT NULL,
    enabled    INTEGER NOT NULL
) STRICT;

CREATE TABLE settings (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
