//! What the station keeps of what happened: lines of the log, and who did what.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A line of the log. Secrets are taken out before it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct LogLine {
    /// Its number; numbers grow by one with each line.
    #[ts(type = "number")]
    pub id: u64,
    /// When, in milliseconds since 1970 UTC.
    #[ts(type = "number")]
    pub at: i64,
    /// How much it matters.
    pub level: LogLevel,
    /// The part of the program that speaks: `server::ingest`.
    pub target: String,
    /// What it says.
    pub text: String,
}

/// How much a line of the log matters, the least first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Every step.
    Trace,
    /// For engineers.
    Debug,
    /// What happens.
    Info,
    /// What should not happen, and goes on.
    Warn,
    /// What failed.
    Error,
}

/// Something that somebody did, for the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Act {
    /// Its number; later acts have larger ones.
    #[ts(type = "number")]
    pub id: i64,
    /// When, in milliseconds since 1970 UTC.
    #[ts(type = "number")]
    pub at: i64,
    /// When it was done last: the same act again within a minute is counted, not repeated.
    #[ts(type = "number")]
    pub last: i64,
    /// How often.
    pub times: u32,
    /// Who: the host, a link by its name, a token by its subject; absent for anyone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub by: Option<String>,
    /// The address they came from; absent for the studio's own window and for the program itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub from: Option<String>,
    /// The channel it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub channel: Option<String>,
    /// What.
    pub what: String,
    /// What belongs to it: `name=Camera, kind=publish`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub detail: Option<String>,
}
