//! What the connection doctor found on somebody's device.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What a device tells the station about its own connection. Every text is a stranger's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDoctorReport {
    /// What whoever sits there calls themself; may be empty.
    pub name: String,
    /// The device: `Chrome 130 on Android`.
    pub device: String,
    /// All of it in one sentence.
    pub summary: String,
    /// Each test, in the order in which they ran.
    pub checks: Vec<DoctorCheck>,
}

/// One test of the doctor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DoctorCheck {
    /// Which: `udp`.
    pub id: String,
    /// What people call it: `Media over UDP`.
    pub title: String,
    /// How it went.
    pub verdict: Verdict,
    /// What was found.
    pub result: String,
    /// What to change, when it did not go well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub advice: Option<String>,
}

/// How a test went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Well.
    Good,
    /// Well enough; something is worth knowing.
    Note,
    /// Not well: something does not work.
    Bad,
    /// It could not be tested.
    Unknown,
}

/// A report as the host reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct DoctorReport {
    /// Its number; later ones have larger ones.
    #[ts(type = "number")]
    pub id: u64,
    /// When it came, in milliseconds since 1970 UTC.
    #[ts(type = "number")]
    pub at: i64,
    /// From where.
    pub address: String,
    /// What the device says.
    pub report: NewDoctorReport,
}

/// What the doctor needs to know of the station.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct DoctorFacts {
    /// The program's version.
    pub version: String,
    /// The station's time, in milliseconds since 1970 UTC.
    #[ts(type = "number")]
    pub now: i64,
    /// The UDP port of all media.
    pub media_port: u16,
    /// The TCP port of the pages.
    pub http_port: u16,
    /// The TCP port of the same over TLS; absent when that is off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub https_port: Option<u16>,
    /// What a WebRTC viewer of the program needs, in bits per second.
    #[ts(type = "number")]
    pub bitrate: u64,
}
