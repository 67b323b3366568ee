//! Names of this station, and of pages elsewhere, as the settings write them.

use std::fmt;

use serde::Deserialize;

/// The origin of a page (RFC 6454): `https://club.example`, with a port where it is not the usual one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct WebOrigin(String);

/// A name under which the station is reached: `studio.example`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct HostName(String);

impl TryFrom<String> for WebOrigin {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let wrong =
            || format!("\"{text}\" is no origin; write it as https://club.example, without a path");
        let url = url::Url::parse(&text).map_err(|_| wrong())?;
        let plain = matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none();
        // As browsers write it: in lower case, without the usual port.
        let origin = url.origin();
        if plain && origin.is_tuple() {
            Ok(Self(origin.ascii_serialization()))
        } else {
            Err(wrong())
        }
    }
}

impl TryFrom<String> for HostName {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let letter = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let label = |l: &str| (1..=63).contains(&l.len()) && l.chars().all(letter);
        let fine = text.len() <= 253 && text.split('.').all(label);
        if fine {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(format!(
                "\"{text}\" is no host name; write it as studio.example, without a port"
            ))
        }
    }
}

impl fmt::Display for WebOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
