//! What the resource-style addresses take and answer that is neither a command nor a part of the snapshot.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{Secret, SettingValue};

/// The broadcast.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Broadcast {
    /// The title that viewers read.
    pub title: String,
    /// Whether it is on.
    pub on_air: bool,
    /// Since when, in milliseconds since 1970 UTC; null off air.
    #[ts(type = "number | null")]
    pub since: Option<i64>,
}

/// The title that viewers read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Title {
    /// 1 to 100 characters.
    pub title: String,
}

/// A scene collection to open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct OpenCollection {
    /// The file, on the studio's machine.
    pub path: String,
}

/// Whether a destination goes live with the broadcast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Enabled {
    /// Goes live.
    pub enabled: bool,
}

/// Something to say as the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct NewMessage {
    /// 1 to 500 characters.
    pub text: String,
}

/// What viewers of a private channel are asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct NewPassphrase {
    /// 4 to 128 characters.
    pub passphrase: Secret,
}

/// What another station asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct NewToken {
    /// 1 to 4096 characters.
    pub token: Secret,
}

/// What a setting is to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct NewSetting {
    /// The value.
    pub value: SettingValue,
}

/// What reading the settings again has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Reloaded {
    /// Settings with another value than before.
    pub changed: Vec<String>,
    /// Settings that were changed and hold only when Klieg is started again.
    pub waits: Vec<String>,
}

/// How the station is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Health {
    /// `ok`.
    pub status: String,
    /// The program's version.
    pub version: String,
    /// Channels that are live.
    pub channels: usize,
    /// Seconds since the process began.
    pub uptime_s: i64,
    /// The time that the program's pictures are counted from, in milliseconds since 1970 UTC.
    pub epoch_ms: i64,
}
