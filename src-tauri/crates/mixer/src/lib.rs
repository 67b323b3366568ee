//! The mix: sound from strips, with meters, resampling and a limiter.
