-- What a destination is on, how late it gets the broadcast, and whether it is a test there.
ALTER TABLE destinations ADD COLUMN platform TEXT; -- none that is known when null
ALTER TABLE destinations ADD COLUMN delay_seconds INTEGER NOT NULL DEFAULT 0;
ALTER TABLE destinations ADD COLUMN test INTEGER NOT NULL DEFAULT 0;
