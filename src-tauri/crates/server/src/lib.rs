//! The station on the network: pages, channels, WHEP, HLS, chat.
