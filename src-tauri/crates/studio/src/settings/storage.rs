//! The storage that films are uploaded to, but for its keys, which are no settings.

use serde::Deserialize;
use url::Url;

use super::On;

/// The storage that films are uploaded to.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Storage {
    /// The service's address.
    pub endpoint: Option<Endpoint>,
    /// Its bucket.
    pub bucket: Option<String>,
    /// Its region.
    pub region: Region,
    /// The bucket stands in the address's path, not in the host's name.
    pub path_style: On,
    /// What films' names begin with there.
    pub prefix: Prefix,
    /// The file stays here once it is there.
    pub keep_local: On,
    /// What happens by itself.
    pub after_recording: AfterRecording,
    /// Uploads go on while the program is on air.
    pub while_on_air: bool,
}

/// A service's address: `https://s3.eu-central-1.amazonaws.com`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Endpoint(String);

impl Endpoint {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Endpoint {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let text = text.trim().trim_end_matches('/');
        let url = Url::parse(text).ok();
        let fine = url.is_some_and(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.host().is_some()
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.path() == "/"
        });
        if fine {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!(
                "\"{text}\" is no storage's address; write it as https://s3.example.org, without bucket and keys"
            ))
        }
    }
}

/// A region, as the service calls it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Region(String);

impl Region {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Region {
    fn default() -> Self {
        Self("us-east-1".into())
    }
}

/// What films' names begin with: folders, as most pages of storages show them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Prefix(String);

impl Prefix {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What a file is called there.
    pub(crate) fn key(&self, show: &str, file: &str) -> String {
        match self.0.as_str() {
            "" => format!("{show}/{file}"),
            prefix => format!("{prefix}/{show}/{file}"),
        }
    }
}

impl Default for Prefix {
    fn default() -> Self {
        Self("klieg".into())
    }
}

impl TryFrom<String> for Prefix {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let prefix = text.trim().trim_matches('/');
        let odd = |part: &str| part.is_empty() || part == "." || part == "..";
        let fine = prefix.is_empty()
            || (prefix.len() <= 200
                && !prefix.chars().any(|c| c.is_control() || c == '\\')
                && !prefix.split('/').any(odd));
        if fine {
            Ok(Self(prefix.to_owned()))
        } else {
            Err(format!(
                "\"{prefix}\" cannot begin a name there; write it as shows or shows/2026"
            ))
        }
    }
}

/// What happens with a recording that has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterRecording {
    /// It is uploaded when somebody says so.
    #[default]
    ByHand,
    /// It is uploaded by itself.
    AtOnce,
}

impl AfterRecording {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ByHand => "by_hand",
            Self::AtOnce => "at_once",
        }
    }
}

/// What happens when the library has reached its quota.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenFull {
    /// Recordings end, cleanly.
    #[default]
    StopRecording,
    /// The oldest shows that are not protected go.
    DeleteOldest,
}

impl WhenFull {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StopRecording => "stop_recording",
            Self::DeleteOldest => "delete_oldest",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_hold_no_keys_and_names_lead_nowhere_else() {
        for (text, fine) in [
            ("https://s3.example.org", true),
            ("http://127.0.0.1:9000/", true),
            ("s3.example.org", false),
            ("https://key:secret@s3.example.org", false),
            ("https://s3.example.org/bucket", false),
            ("https://s3.example.org?x=1", false),
        ] {
            assert_eq!(Endpoint::try_from(text.to_owned()).is_ok(), fine, "{text}");
        }
        for (text, key) in [
            ("", Some("a1/F.mp4")),
            ("/shows/", Some("shows/a1/F.mp4")),
            ("shows/2026", Some("shows/2026/a1/F.mp4")),
            ("../x", None),
            ("a//b", None),
        ] {
            let prefix = Prefix::try_from(text.to_owned());
            assert_eq!(
                prefix.ok().map(|p| p.key("a1", "F.mp4")).as_deref(),
                key,
                "{text}"
            );
        }
    }
}
