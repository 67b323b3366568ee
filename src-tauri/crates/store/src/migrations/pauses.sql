-- Where a recording stood still: of that time its file holds nothing.
CREATE TABLE pauses (
    film   INTEGER NOT NULL REFERENCES films (id) ON DELETE CASCADE,
    at     INTEGER NOT NULL, -- ms since 1970 UTC
    length INTEGER NOT NULL, -- ms
    PRIMARY KEY (film, at)
) STRICT;
