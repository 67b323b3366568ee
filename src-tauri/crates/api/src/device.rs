//! Devices of this machine.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A device that a source can use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Device {
    /// Its identity: what a source's settings name.
    pub id: String,
    /// What people call it.
    pub name: String,
}

/// Devices of this machine, as last looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Devices {
    /// Cameras.
    pub cameras: Vec<Device>,
    /// Audio inputs.
    pub microphones: Vec<Device>,
    /// Monitors.
    pub screens: Vec<Device>,
}
