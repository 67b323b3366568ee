//! Chat, and how it is kept in order.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The person at the studio.
    Host,
    /// Somebody who keeps order by a link of the host's.
    Moderator,
    /// Somebody who watches.
    Viewer,
}

/// A chat message. Its text is plain: whoever shows it must not read markup into it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
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

/// The rules of a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct RoomRules {
    /// Seconds between two messages of one person, 0 to 3600; 0 is off. Neither the host nor
    /// moderators wait.
    pub slow_seconds: u32,
    /// Whether viewers may write addresses of pages.
    pub links: bool,
    /// Words and phrases that viewers may not write, 200 at most of 1 to 60 characters. Case, accents,
    /// look-alikes and signs between letters make no difference; a `*` at the end stands for more letters.
    pub words: Vec<String>,
}

impl Default for RoomRules {
    fn default() -> Self {
        Self {
            slow_seconds: 0,
            links: true,
            words: Vec::new(),
        }
    }
}

/// Somebody who may not write in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Ban {
    /// Its identity.
    #[ts(type = "number")]
    pub id: i64,
    /// The name they wrote under.
    pub name: String,
    /// From where they wrote: an IP address, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub address: Option<String>,
    /// Who said so: "the host", or the name of a moderation link.
    pub by: String,
    /// Since when, in milliseconds since 1970 UTC.
    #[ts(type = "number")]
    pub at: i64,
    /// Until when, in milliseconds since 1970 UTC; for good when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub until: Option<i64>,
}

/// A room as those see it who keep it in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct ChatRoom {
    /// The channel.
    pub channel: String,
    /// Its rules.
    pub rules: RoomRules,
    /// Who may not write there, the newest first.
    pub bans: Vec<Ban>,
}

/// What keeps a room in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Moderation {
    /// Takes a message away from everyone, and out of the history.
    Delete {
        /// Which.
        #[ts(type = "number")]
        message: i64,
    },
    /// Lets whoever wrote a message write nothing for a while.
    TimeOut {
        /// The message.
        #[ts(type = "number")]
        message: i64,
        /// For how long, 1 to 2 419 200 (four weeks).
        seconds: u32,
    },
    /// Lets whoever wrote a message write nothing any more.
    Ban {
        /// The message.
        #[ts(type = "number")]
        message: i64,
        /// Also takes away all that they wrote.
        purge: bool,
    },
    /// Takes a ban or a time-out back.
    Lift {
        /// Which.
        #[ts(type = "number")]
        ban: i64,
    },
    /// Sets the rules.
    SetRules {
        /// What they are now.
        rules: RoomRules,
    },
    /// Takes all messages away.
    Clear,
}
