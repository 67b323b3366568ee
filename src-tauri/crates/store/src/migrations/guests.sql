-- Guests have links of their own. A check cannot be changed in place.
CREATE TABLE links_with_guests (
    id      TEXT    PRIMARY KEY,
    kind    TEXT    NOT NULL CHECK (kind IN ('watch', 'publish', 'guest', 'moderate', 'control')),
    name    TEXT    NOT NULL,
    channel TEXT,             -- any when null
    secret  TEXT    NOT NULL,
    created INTEGER NOT NULL, -- ms since 1970 UTC
    expires INTEGER           -- ms since 1970 UTC; never when null
) STRICT;
INSERT INTO links_with_guests (id, kind, name, channel, secret, created, expires)
    SELECT id, kind, name, channel, secret, created, expires FROM links ORDER BY rowid;
DROP TABLE links;
ALTER TABLE links_with_guests RENAME TO links;
