-- What was said during a show stays as long as the show; and a library of thousands of films is asked quickly.
ALTER TABLE messages ADD COLUMN kept INTEGER NOT NULL DEFAULT 0;
CREATE INDEX messages_that_go ON messages (channel, kept, id);
CREATE INDEX films_here ON films (away, bytes);
