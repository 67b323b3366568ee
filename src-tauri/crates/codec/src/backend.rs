//! The libraries, one module each. Nothing here is public.

#[cfg(feature = "aac")]
pub(crate) mod aac_decoder;
#[cfg(feature = "aac")]
pub(crate) mod aac_encoder;
pub(crate) mod h264_decoder;
pub(crate) mod h264_encoder;
pub(crate) mod opus;
