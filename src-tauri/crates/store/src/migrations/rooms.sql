-- Moderators speak, too; and who spoke is known, so that they can be stopped. A check cannot be
-- changed in place.
CREATE TABLE messages_3 (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    channel TEXT    NOT NULL,
    name    TEXT    NOT NULL,
    role    TEXT    NOT NULL CHECK (role IN ('host', 'moderator', 'viewer')),
    text    TEXT    NOT NULL,
    at      INTEGER NOT NULL, -- ms since 1970 UTC
    speaker TEXT,             -- a digest; unknown when null
    address TEXT
) STRICT;
INSERT INTO messages_3 (id, channel, name, role, text, at)
    SELECT id, channel, name, role, text, at FROM messages;
DROP TABLE messages;
ALTER TABLE messages_3 RENAME TO messages;
CREATE INDEX messages_of_channel ON messages (channel, id);
CREATE INDEX messages_of_speaker ON messages (channel, speaker);

CREATE TABLE room_rules (
    channel      TEXT    PRIMARY KEY,
    slow_seconds INTEGER NOT NULL,
    links        INTEGER NOT NULL,
    words        TEXT    NOT NULL -- one on a line
) STRICT, WITHOUT ROWID;

CREATE TABLE bans (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    channel TEXT    NOT NULL,
    name    TEXT    NOT NULL,
    speaker TEXT,
    address TEXT,
    by      TEXT    NOT NULL,
    at      INTEGER NOT NULL, -- ms since 1970 UTC
    until   INTEGER           -- ms since 1970 UTC; for good when null
) STRICT;

-- Salted and slow hashes (Argon2id), never the passphrase.
CREATE TABLE private_channels (
    channel TEXT PRIMARY KEY,
    hash    TEXT NOT NULL
) STRICT, WITHOUT ROWID;
