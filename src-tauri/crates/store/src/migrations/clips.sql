-- A clip that was deleted can be brought back for as long as a show.
ALTER TABLE films ADD COLUMN deleted INTEGER; -- ms since 1970 UTC

-- What a show of which there is no film is known by: the latest picture that was taken of its channel.
CREATE TABLE show_pictures (
    show TEXT PRIMARY KEY REFERENCES shows (id) ON DELETE CASCADE,
    jpeg BLOB NOT NULL
) STRICT;
