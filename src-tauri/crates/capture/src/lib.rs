//! Native devices: cameras, microphones and screens.
//!
//! [`camera::Camera::start`], [`microphone::Microphone::start`] and [`screen::Screen::start`] each return
//! at once, and never fail: a thread of their own opens the device, says how it does in
//! [`Status`], and opens it again about once a second while it is missing, busy or taken away.
//! Pictures are handed out *latest wins*; sound through a bounded ring that the device's own callback fills
//! without locks or allocation.
//!
//! Everything is stamped where it is captured, with the [`media::Clock`] that is passed in. This crate knows no
//! scene, no codec and no mixer; names of its libraries do not leave it.

#[cfg(target_os = "linux")]
mod backend {
    pub(crate) mod v4l2;
    pub(crate) mod x11;
    pub(crate) mod xcap;
}
#[cfg(not(target_os = "linux"))]
mod backend {
    pub(crate) mod xcap;
}
pub mod camera;
pub mod microphone;
pub mod screen;
mod status;
mod worker;

pub use status::{DeviceInfo, State, Status};
