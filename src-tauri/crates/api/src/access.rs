//! Who may do what: links that open one thing each, and those who publish here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::ChannelSource;

/// What a link opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// Watching.
    Watch,
    /// Publishing.
    Publish,
    /// Publishing as a guest: waits until the host lets it in, and is found by scenes alone.
    Guest,
    /// Moderating the chat.
    Moderate,
    /// The whole studio.
    Control,
}

/// A link that the host hands out. Whoever has it may do what it opens, until it is revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct AccessLink {
    /// Its identity.
    pub id: String,
    /// What it opens.
    pub kind: LinkKind,
    /// What the host calls it.
    pub name: String,
    /// The one channel it is for; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub channel: Option<String>,
    /// When it was made, in milliseconds since 1970 UTC.
    #[ts(type = "number")]
    pub created: i64,
    /// When it lets nobody in any more, in milliseconds since 1970 UTC; never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub expires: Option<i64>,
    /// The address, with its secret. Empty where the link cannot be shown: the key that its secret was made
    /// with is not at hand, or an earlier version made it. It holds all the same, until it is regenerated.
    pub url: String,
    /// The secret alone: the bearer token of WHIP, and what an encoder's stream key ends with.
    /// Empty where the link cannot be shown.
    pub secret: String,
    /// The address as QR code: an SVG picture. Empty where the link cannot be shown.
    pub qr: String,
}

/// A link as a person asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct NewAccessLink {
    /// What it opens.
    pub kind: LinkKind,
    /// What the host calls it: 1 to 100 characters.
    pub name: String,
    /// The one channel it is for; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub channel: Option<String>,
    /// When it lets nobody in any more, in milliseconds since 1970 UTC; never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub expires: Option<i64>,
}

/// Somebody who publishes to the station.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Publisher {
    /// The channel.
    pub channel: String,
    /// How they came.
    pub source: ChannelSource,
    /// From where: an IP address.
    pub address: String,
    /// By what right: the name of a link, or whom a token speaks of. Absent for those who gave none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub by: Option<String>,
    /// Since when, in milliseconds since 1970 UTC.
    #[ts(type = "number")]
    pub since: i64,
    /// Waits for the host: nobody sees the channel yet.
    pub held: bool,
    /// Came through a guest link: scenes alone show the channel, and viewers do not find it.
    pub guest: bool,
}

/// Who finds a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Nobody: it waits for the host.
    Held,
    /// Scenes alone: a guest.
    Backstage,
    /// Anyone.
    Live,
}

/// How a broadcast stands, as its own publisher is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct OwnBroadcast {
    /// It came through a guest link.
    pub guest: bool,
    /// Who finds it.
    pub standing: Standing,
    /// The scene on the program shows it.
    pub shown: bool,
    /// The program is on air.
    pub on_air: bool,
}

/// The level of a publisher's sound since the last one, left and right, in dBFS (−120 is silence).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Level {
    /// Largest sample.
    pub peak: [f32; 2],
    /// Root mean square.
    pub rms: [f32; 2],
}

/// How the station takes publishers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct IngestInfo {
    /// The port of RTMP; none while the station takes none.
    pub rtmp_port: Option<u16>,
    /// Who may publish.
    pub policy: PublishPolicy,
}

/// Who may publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PublishPolicy {
    /// Whoever has a publish link or a stream key.
    Keyed,
    /// Anyone.
    Open,
    /// Anyone, once the host agrees; with a key at once.
    Approve,
}

/// What a device needs to trust the station over HTTPS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Trust {
    /// The port of HTTPS.
    pub port: u16,
    /// The host brought a certificate of their own: there is nothing to install.
    pub own: bool,
    /// The certificate authority as systems list it.
    pub name: String,
    /// SHA-256 of its certificate: `AB:CD:…`.
    pub fingerprint: String,
}
