//! MP4 and FLV: packets to bytes and back, without I/O.
