//! Settings of filters that a person keeps under a name.

use scene::FilterKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How a filter is set, kept for others of its kind. Names are told apart within a kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct FilterPreset {
    /// What people call it, 1 to 100 characters.
    pub name: String,
    /// What a filter is set to.
    pub filter: FilterKind,
}
