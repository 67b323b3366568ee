//! Keys that a person chose.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Which key does what, where that is otherwise than at first. Actions go by the names that the
/// interface has for them, keys as it writes them: `Ctrl+Shift+Z`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Keys {
    /// By action; an empty key is none.
    #[serde(default)]
    pub own: BTreeMap<String, String>,
    /// By action: keys that also count while another program has the keyboard.
    #[serde(default)]
    pub anywhere: BTreeMap<String, String>,
    /// Whether keys without Ctrl or Alt do something. People who dictate switch these off.
    #[serde(default = "on")]
    pub singles: bool,
}

fn on() -> bool {
    true
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            own: BTreeMap::new(),
            anywhere: BTreeMap::new(),
            singles: on(),
        }
    }
}
