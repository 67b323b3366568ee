-- When a show that is on was last known to be: what ends it where the program ended without saying so.
ALTER TABLE shows ADD COLUMN seen INTEGER; -- ms since 1970 UTC
