//! What channels are called.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::HubError;

/// A channel's name: 1 to 64 of `a–z A–Z 0–9 - _`, as it stands in addresses and stream keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelName(Arc<str>);

impl ChannelName {
    /// What the names of channels begin with that this studio fetches from elsewhere.
    pub const FETCHED: &'static str = "_fetched-";

    /// Whether nobody may publish here but the studio itself.
    pub fn is_reserved(&self) -> bool {
        *self == Self::program() || self.0.starts_with(Self::FETCHED)
    }

    /// The program's own channel.
    pub fn program() -> Self {
        Self("program".into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ChannelName {
    type Err = HubError;
    fn from_str(text: &str) -> Result<Self, HubError> {
        let fine = (1..=64).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if fine {
            Ok(Self(text.into()))
        } else {
            Err(HubError::Name)
        }
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
