//! All of it composed: apply a command, take a snapshot, follow events.
