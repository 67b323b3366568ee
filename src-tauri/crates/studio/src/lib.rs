//! All of Klieg composed: the document, the program, the station and the destinations, driven by
//! commands.
//!
//! [`Studio::start`] brings it up; [`Studio::apply`], [`Studio::snapshot`] and [`Studio::events`]
//! are all that the desktop shell, the headless binary and the control page use. [`cli`] is the
//! command line that both binaries share, [`run_headless`] the whole headless program.
//!
//! It knows no window. What is seen and commanded is in `api`, so that a page elsewhere can drive
//! it as well as a window here.

mod access;
mod advice;
mod broadcast;
pub mod cli;
mod collections;
mod control;
mod cpu;
mod demo;
mod destinations;
mod devices;
mod document;
mod endpoints;
mod feeds;
mod first;
mod headless;
mod kept;
mod keys;
mod links;
mod live;
mod log;
mod masks;
mod presets;
mod remotes;
mod secrets;
pub mod settings;
mod snapshot;
mod storage;
mod studio;
mod switching;
mod uplink;
mod watch;

pub use headless::run_headless;
pub use log::start as start_log;
pub use settings::{Layers, Settings};
pub use studio::{Endpoints, Options, StartError, Studio};
