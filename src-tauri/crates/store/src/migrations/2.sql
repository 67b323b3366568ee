-- The secret stands here as it is, so that a link can be shown again: see docs/adr/0006.
CREATE TABLE links (
    id      TEXT    PRIMARY KEY,
    kind    TEXT    NOT NULL CHECK (kind IN ('watch', 'publish', 'moderate', 'control')),
    name    TEXT    NOT NULL,
    channel TEXT,             -- any when null
    secret  TEXT    NOT NULL,
    created INTEGER NOT NULL, -- ms since 1970 UTC
    expires INTEGER           -- ms since 1970 UTC; never when null
) STRICT;
