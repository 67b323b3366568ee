//! Devices as they are, or as near as a machine without any comes: a real X server, a real sound server, and none at all.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

mod common;
#[cfg(target_os = "linux")]
mod microphone;
mod nothing;
#[cfg(target_os = "linux")]
mod screen;
#[cfg(target_os = "linux")]
mod window;
