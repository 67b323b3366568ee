//! Opus: packet durations and the identification header.
