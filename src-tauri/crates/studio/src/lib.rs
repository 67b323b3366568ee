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
pub mod cli;
mod control;
mod cpu;
mod demo;
mod destinations;
mod devices;
mod document;
mod headless;
mod links;
mod secrets;
pub mod settings;
mod snapshot;
mod studio;
mod watch;

pub use headless::{log_to_stderr, run_headless};
pub use settings::Settings;
pub use studio::{Endpoints, Options, StartError, Studio};
