//! Encoders and decoders behind one seam each.
