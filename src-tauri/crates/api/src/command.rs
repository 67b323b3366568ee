//! What a person can tell the studio to do.

use scene::Edit;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::NewAccessLink;

/// One command. Answered by success or a [`Problem`](crate::Problem); what it changed arrives as events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "command", rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "one is alive at a time, and a box would show in every caller"
)]
pub enum Command {
    /// Changes the document.
    Edit {
        /// The change.
        edit: Edit,
    },
    /// Takes the last edit back.
    Undo,
    /// Makes the last undone edit again.
    Redo,
    /// Goes live on the LAN and to every enabled destination.
    GoLive,
    /// Ends the broadcast everywhere.
    EndBroadcast,
    /// Sets the title that viewers read.
    SetTitle {
        /// 1 to 100 characters.
        title: String,
    },
    /// Adds a destination.
    AddDestination {
        /// What it is.
        destination: NewDestination,
    },
    /// Changes a destination; an absent secret stays as it is.
    SetDestination {
        /// Which.
        id: String,
        /// What it is now.
        destination: NewDestination,
    },
    /// Deletes a destination, stopping it first.
    RemoveDestination {
        /// Which.
        id: String,
    },
    /// Chooses whether a destination goes live with the broadcast; on air it starts or stops at once.
    EnableDestination {
        /// Which.
        id: String,
        /// Goes live.
        enabled: bool,
    },
    /// Says something in a channel's chat as the host.
    Say {
        /// The channel.
        channel: String,
        /// 1 to 500 characters.
        text: String,
    },
    /// Lets a publisher that is held go live.
    AdmitPublisher {
        /// The channel.
        channel: String,
    },
    /// Ends a publisher: one that is held is refused, one that is live is put out.
    EndPublisher {
        /// The channel.
        channel: String,
    },
    /// Makes a link.
    CreateLink {
        /// What it opens.
        link: NewAccessLink,
    },
    /// Takes a link back; whoever came through it is put out.
    RevokeLink {
        /// Which.
        id: String,
    },
    /// Gives a link a new secret; whoever came through the old one is put out.
    RegenerateLink {
        /// Which.
        id: String,
    },
    /// Looks for devices again.
    RefreshDevices,
    /// Opens another scene collection file.
    OpenCollection {
        /// The file.
        path: String,
    },
}

/// A destination as a person enters it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct NewDestination {
    /// What people call it.
    pub name: String,
    /// Where it is.
    pub target: DestinationTarget,
    /// Stream key (RTMP) or bearer token (WHIP). Goes in, never out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub secret: Option<String>,
}

/// Where a destination is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "protocol", rename_all = "snake_case")]
pub enum DestinationTarget {
    /// RTMP or RTMPS: `rtmp://host[:port]/app`; the key is the secret.
    Rtmp {
        /// The address.
        url: String,
    },
    /// WHIP (RFC 9725): `http(s)://…`; the bearer token is the secret.
    Whip {
        /// The address.
        url: String,
    },
}
