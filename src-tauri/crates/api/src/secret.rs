//! What goes in and never comes out.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A stream key, a token or a passphrase, on its way in. It is text in JSON; `Debug` shows nothing of it,
/// so that no log does.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[ts(type = "string")]
#[schemars(inline)]
pub struct Secret(String);

impl Secret {
    /// As text, for where it is used or kept.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl<T: Into<String>> From<T> for Secret {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use crate::Command;

    #[test]
    fn no_log_of_a_command_shows_what_is_secret_in_it() {
        let command = Command::SetPassphrase {
            channel: "stage".into(),
            passphrase: Some("orange umbrella".into()),
        };
        assert!(!format!("{command:?}").contains("umbrella"), "{command:?}");
    }
}
