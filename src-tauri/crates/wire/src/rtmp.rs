//! RTMP 1.0: chunks, AMF0, and a publishing client.
