//! What destinations take of the way out of the house.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The budget of the uplink: what the destinations that are chosen need together, and what is there.
/// Rates are bits per second. Viewers on the own network are not counted: they do not leave it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Uplink {
    /// Destinations that are chosen.
    pub chosen: u32,
    /// What they need together: picture, sound, and what carries them.
    #[ts(type = "number")]
    pub needed: u64,
    /// What the uplink carries, as it was set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub set: Option<u64>,
    /// The most that destinations have taken together without a loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub carried: Option<u64>,
    /// What destinations took together when they last lost packets: the uplink did not carry more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional, type = "number")]
    pub choked: Option<u64>,
    /// Whether it fits.
    pub fit: UplinkFit,
    /// The same in words, when something is to be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub warning: Option<String>,
}

/// Whether what is chosen fits the uplink.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UplinkFit {
    /// Nobody knows what the uplink carries.
    #[default]
    Unknown,
    /// It fits, with room.
    Fits,
    /// It fits barely: less than a quarter is left for all else.
    Tight,
    /// It is more than the uplink carries.
    TooMuch,
}
