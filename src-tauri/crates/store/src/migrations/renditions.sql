-- A picture of a destination's own, and whether the program's picture follows the way there; and where shows were live.
ALTER TABLE destinations ADD COLUMN rendition_height INTEGER; -- none of its own when null
ALTER TABLE destinations ADD COLUMN rendition_bitrate INTEGER;
ALTER TABLE destinations ADD COLUMN follow INTEGER NOT NULL DEFAULT 0;

CREATE TABLE shown_at (
    show TEXT NOT NULL REFERENCES shows (id) ON DELETE CASCADE,
    name TEXT NOT NULL, -- of the destination, as it was then
    PRIMARY KEY (show, name)
) STRICT;
