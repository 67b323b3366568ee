//! What a storage answers, and what that means for a person.

use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, HeaderName};

use super::Error;

/// Clocks that are further apart are why a signature is refused.
const APART: Duration = Duration::from_secs(5 * 60);

/// An answer, whole.
pub(super) struct Said {
    status: u16,
    headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Said {
    pub(super) fn new(status: u16, headers: HeaderMap, body: Vec<u8>) -> Self {
        Self {
            status,
            headers,
            body,
        }
    }

    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub(super) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(super) fn etag(&self) -> Option<String> {
        super::etag(&self.headers)
    }

    pub(super) fn is_sealed(&self) -> bool {
        super::is_sealed(&self.headers)
    }

    /// The code of an error: `NoSuchBucket`.
    pub(super) fn code(&self) -> Option<String> {
        let body = String::from_utf8_lossy(&self.body);
        let inside = body.split_once("<Error")?.1;
        between(inside, "Code")
    }

    /// The text of an element.
    pub(super) fn element(&self, name: &str) -> Option<String> {
        between(&String::from_utf8_lossy(&self.body), name)
    }

    /// What it means that this is no success. `name` begins a sentence; `now` is this machine's time.
    pub(super) fn refusal(&self, name: &str, now: SystemTime) -> Error {
        let code = self.code().unwrap_or_default();
        let refused = |why: String| Error::Refused(format!("{name} refuses: {why}"));
        let status = self.status;
        match (code.as_str(), status) {
            ("NoSuchUpload", _) => Error::Forgotten,
            ("NoSuchBucket", _) => no_such_bucket(name),
            ("InvalidAccessKeyId" | "NotSignedUp", _) => {
                refused("it does not know the access key. Enter the keys again.".into())
            }
            ("RequestTimeTooSkewed", _) => {
                refused(self.clock_words(now).unwrap_or_else(|| {
                    "this machine's clock is wrong. Set it, and try again.".into()
                }))
            }
            (_, 401 | 403) if self.clock_words(now).is_some() => {
                refused(self.clock_words(now).unwrap_or_default())
            }
            ("SignatureDoesNotMatch", _) => refused(
                "the signature is wrong. Enter the secret key again, and check the region.".into(),
            ),
            ("AuthorizationHeaderMalformed" | "AuthorizationQueryParametersError", _)
            | (_, 300..=399) => {
                let region = self.headers.get("x-amz-bucket-region");
                let region = region.and_then(|r| r.to_str().ok());
                match region {
                    Some(region) => refused(format!(
                        "the bucket is in the region {region}. Set that, and the address of that region."
                    )),
                    None => refused(
                        "the bucket is elsewhere. Check the storage's address and its region."
                            .into(),
                    ),
                }
            }
            ("QuotaExceeded" | "StorageFull" | "XMinioStorageFull", _) | (_, 507) => {
                refused("it is full. Free some space there, then go on.".into())
            }
            ("BadDigest" | "InvalidDigest" | "RequestTimeout" | "IncompleteBody", _) => {
                Error::Lost(format!(
                    "{name} did not get a part as it was sent ({code})."
                ))
            }
            (_, 401 | 403) => refused(format!(
                "the access key may not do that here ({}). Allow it to read, write and delete in this bucket.",
                if code.is_empty() { "403" } else { &code }
            )),
            (_, 408 | 425 | 429 | 500..=599) => {
                let code = if code.is_empty() {
                    status.to_string()
                } else {
                    format!("{status} {code}")
                };
                Error::Lost(format!("{name} is out of order for the moment ({code})."))
            }
            ("InvalidPart" | "InvalidPartOrder" | "EntityTooSmall", _) => refused(
                "it does not have all parts any more. Cancel the upload and begin it again.".into(),
            ),
            // Below a success there may be an error of its own.
            ("InternalError" | "SlowDown" | "ServiceUnavailable", _) => {
                Error::Lost(format!("{name} is out of order for the moment ({code})."))
            }
            _ => {
                let said: String = self.element("Message").unwrap_or_default();
                let said: String = said.chars().filter(|c| !c.is_control()).take(200).collect();
                let code = if code.is_empty() {
                    status.to_string()
                } else {
                    code
                };
                refused(if said.is_empty() {
                    format!("{code}. Check the storage's address.")
                } else {
                    format!("{said} ({code})")
                })
            }
        }
    }

    /// How this machine's clock is wrong, when it is.
    fn clock_words(&self, now: SystemTime) -> Option<String> {
        let theirs = httpdate::parse_http_date(self.header(&DATE)?).ok()?;
        let (apart, side) = match now.duration_since(theirs) {
            Ok(ahead) => (ahead, "ahead"),
            Err(behind) => (behind.duration(), "behind"),
        };
        (apart > APART).then(|| {
            let minutes = apart.as_secs() / 60;
            format!(
                "this machine's clock is {minutes} minutes {side} of the storage's, so that what it signs does not hold. Set the clock, and try again."
            )
        })
    }
}

/// The bucket that `name` says is not there.
pub(super) fn no_such_bucket(name: &str) -> Error {
    Error::Refused(format!(
        "{name} refuses: there is no such bucket. Make it there, or correct its name."
    ))
}

fn between(text: &str, name: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    let (inside, _) = rest.split_once(&format!("</{name}>"))?;
    Some(inside.trim().to_owned())
}
