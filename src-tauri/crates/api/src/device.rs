//! Devices of this machine.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A device that a source can use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Device {
    /// Its identity: what a source's settings name.
    pub id: String,
    /// What people call it.
    pub name: String,
}

/// Devices of this machine, as last looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Devices {
    /// Cameras.
    pub cameras: Vec<Device>,
    /// Audio inputs.
    pub microphones: Vec<Device>,
    /// Monitors.
    pub screens: Vec<Device>,
    /// Windows of other programs.
    #[serde(default)]
    pub windows: Vec<Device>,
}

/// A kind of device that a picture can be taken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    /// A camera.
    Camera,
    /// A monitor.
    Screen,
    /// A window of another program.
    Window,
}
