//! Supervised readers of the hub: destinations and recordings; the one layer that retries.
