//! Films on their way into a storage.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The storage that films are uploaded to, as the settings name it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Storage {
    /// The bucket and its host: `shows at s3.example.org`; absent while none is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub place: Option<String>,
    /// The storage's keys are kept.
    pub has_keys: bool,
}

/// A film on its way into the storage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Upload {
    /// The film.
    #[ts(type = "number")]
    pub film: i64,
    /// Its show.
    pub show: String,
    /// What people read.
    pub title: String,
    /// Its bytes.
    #[ts(type = "number")]
    pub bytes: u64,
    /// Bytes that are there.
    #[ts(type = "number")]
    pub sent: u64,
    /// How it fares.
    pub state: UploadState,
}

/// How an upload fares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum UploadState {
    /// It goes on by itself.
    Waiting {
        /// When.
        reason: String,
    },
    /// On its way.
    Sending {
        /// Bits per second over the last seconds.
        #[ts(type = "number")]
        bitrate: u64,
    },
    /// All is there, and compared with what is here.
    Checking,
    /// It waits until a person lets it go on.
    Paused,
    /// It was lost, and goes on soon.
    Retrying {
        /// Which retry comes next, from 1.
        attempt: u32,
        /// When, in milliseconds since 1970 UTC.
        #[ts(type = "number")]
        at: i64,
        /// Why.
        reason: String,
    },
    /// A person must change something, then let it go on.
    Failed {
        /// What.
        reason: String,
    },
}
