//! What is kept: chat, broadcasts, links, in SQLite.
