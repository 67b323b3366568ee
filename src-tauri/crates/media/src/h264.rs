//! H.264 bitstreams: NAL units, their two framings, and what the parameter sets say.
