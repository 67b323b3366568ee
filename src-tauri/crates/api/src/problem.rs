//! What went wrong, for people.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A failure as people see it: it names the thing, what happened, and what to do next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
pub struct Problem {
    /// What kind; also decides the HTTP status.
    pub code: Code,
    /// One or two sentences.
    pub message: String,
    /// What it is about, when the interface can point at it: a source, a destination, a field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub subject: Option<String>,
}

/// Kinds of problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The request makes no sense as it stands (400).
    Invalid,
    /// Not allowed without the right token (401).
    Unauthorized,
    /// No such thing (404).
    NotFound,
    /// Not in this state (409).
    Conflict,
    /// Too much at once (429).
    TooMany,
    /// A device, file or network does not do its part (502).
    Unavailable,
    /// Our own fault (500).
    Internal,
}

impl Problem {
    /// A problem without subject.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            subject: None,
        }
    }

    /// The same, about something.
    pub fn about(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}
