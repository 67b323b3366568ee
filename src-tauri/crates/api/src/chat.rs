//! Chat.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The person at the studio.
    Host,
    /// Somebody who watches.
    Viewer,
}

/// A chat message. Its text is plain: whoever shows it must not read markup into it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Message {
    /// Grows with time, unique in the station.
    #[ts(type = "number")]
    pub id: i64,
    /// Who says so, as chosen by them.
    pub name: String,
    /// Who speaks.
    pub role: Role,
    /// 1 to 500 characters.
    pub text: String,
    /// When, in milliseconds since 1970 UTC.
    #[ts(type = "number")]
    pub at: i64,
}
