//! Settings, as people see and change them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The value of a setting, as TOML and JSON write it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(untagged)]
pub enum SettingValue {
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Whole(#[ts(type = "number")] i64),
    /// A number.
    Number(f64),
    /// Text, addresses among it.
    Text(String),
    /// Several texts.
    List(Vec<String>),
}

/// One setting: what it is, what it means, and what it is set to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Setting {
    /// Its key, as the file, `--set` and this interface name it: `server.http`.
    pub key: String,
    /// What it does, in a sentence.
    pub meaning: String,
    /// What it may be.
    pub kind: SettingKind,
    /// What it is set to; absent when it is not set and has no default, and always for a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub value: Option<SettingValue>,
    /// What it is when nobody sets it; absent when that is nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub default: Option<SettingValue>,
    /// Who set it.
    pub origin: SettingOrigin,
    /// Where it stands, for people: `line 3`, `KLIEG_SERVER__HTTP`, `--set server.http=…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub place: Option<String>,
    /// When a change of it takes effect.
    pub effect: SettingEffect,
    /// It was changed, and what runs still has the value from before: Klieg has to be started again.
    pub waits: bool,
}

/// What a setting may be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SettingKind {
    /// Yes or no.
    Flag,
    /// A whole number.
    Whole {
        /// The least.
        #[ts(type = "number")]
        min: i64,
        /// The most.
        #[ts(type = "number")]
        max: i64,
        /// Of what: "seconds".
        unit: String,
    },
    /// A number.
    Number {
        /// The least.
        min: f64,
        /// The most.
        max: f64,
        /// Of what: "seconds".
        unit: String,
    },
    /// Text.
    Text,
    /// An address to listen on: `0.0.0.0:8080`.
    Address {
        /// It may be "off".
        off: bool,
    },
    /// Several texts.
    List {
        /// One of them, as an example.
        example: String,
    },
    /// One of a few words.
    Choice {
        /// The words.
        options: Vec<String>,
    },
    /// Text that goes in, never out.
    Secret,
    /// Something with parts of its own: it is written in the file alone.
    File,
}

/// Who set a setting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SettingOrigin {
    /// Nobody.
    #[default]
    Default,
    /// The file `settings.toml`: it can be changed here.
    File,
    /// A variable of the environment: it is changed there.
    Environment,
    /// The command line: it is changed there.
    CommandLine,
}

/// When a change of a setting takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SettingEffect {
    /// At once.
    Live,
    /// For whoever comes from then on, or with the next broadcast.
    Next,
    /// When Klieg is started again.
    Restart,
}
