//! Identities: short texts, unique among their kind within a collection.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

macro_rules! identity {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS, JsonSchema)]
        #[ts(type = "string")]
        pub struct $name(String);

        impl $name {
            /// From text.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// As text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

identity!(
    /// Identity of a source.
    SourceId
);
identity!(
    /// Identity of a scene.
    SceneId
);
identity!(
    /// Identity of an item, unique within its scene.
    ItemId
);
identity!(
    /// Identity of a filter, unique within its list.
    FilterId
);
