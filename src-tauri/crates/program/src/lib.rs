//! The live program: sources, compositor, mixer and encoders, ticking into the hub.
