-- Of the secrets of links there is a hash alone. What stands in its column is the secret itself until
-- the hook behind this step has put the hash in its place.
CREATE TABLE links_hashed (
    id      TEXT    PRIMARY KEY,
    kind    TEXT    NOT NULL CHECK (kind IN ('watch', 'publish', 'guest', 'moderate', 'control')),
    name    TEXT    NOT NULL,
    channel TEXT,                       -- any when null
    hash    ANY     NOT NULL,           -- SHA-256 of the secret
    turn    INTEGER NOT NULL DEFAULT 0, -- how often it was given another secret
    created INTEGER NOT NULL,           -- ms since 1970 UTC
    expires INTEGER                     -- ms since 1970 UTC; never when null
) STRICT;
INSERT INTO links_hashed (id, kind, name, channel, hash, created, expires)
    SELECT id, kind, name, channel, secret, created, expires FROM links ORDER BY rowid;
DROP TABLE links;
ALTER TABLE links_hashed RENAME TO links;
