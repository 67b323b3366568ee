//! What is told of a session after its offer was answered: addresses, and that a path is looked for anew (RFC 9725,
//! section 4.3).

use reqwest::header::{CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_MATCH};
use reqwest::{Method, StatusCode};

use super::{Client, Session};

const FRAGMENT: &str = "application/trickle-ice-sdpfrag";

/// What a session's tag matches: this ICE session alone, or any, which begins another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    Same,
    Any,
}

/// How a fragment was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Patched {
    /// As it should be.
    Taken,
    /// Another ICE session has begun, which the far end names so.
    Begun(String),
    /// There is no such session any more.
    Gone,
    /// The endpoint does not take such a fragment, now or ever.
    Refused,
    /// There is no answer, or a broken one: it may be taken later.
    Unanswered,
}

/// The tag of an ICE session, as far as it can be matched: a weak one matches nothing (RFC 9110, section 8.8.3.2).
pub(super) fn tag(headers: &HeaderMap) -> Option<HeaderValue> {
    let tag = headers.get(ETAG)?;
    tag.as_bytes().starts_with(b"\"").then(|| tag.clone())
}

/// What an answer without a body to read says.
pub(super) fn judged(status: StatusCode, which: Match) -> Patched {
    match status.as_u16() {
        200..=299 if which == Match::Same => Patched::Taken,
        404 | 410 => Patched::Gone,
        408 | 425 | 429 | 500 | 502..=599 => Patched::Unanswered,
        _ => Patched::Refused,
    }
}

impl Client {
    /// Hands a fragment to a session. The session's tag is brought up to date with the answer.
    pub(crate) async fn patch(
        &self,
        session: &mut Session,
        which: Match,
        fragment: String,
    ) -> Patched {
        let Some(url) = session.location.clone() else {
            return Patched::Refused;
        };
        let mut request = self
            .request(Method::PATCH, &url, true)
            .header(CONTENT_TYPE, FRAGMENT)
            .timeout(self.aside())
            .body(fragment);
        match (which, &session.tag) {
            (Match::Any, Some(_)) => request = request.header(IF_MATCH, "*"),
            // Without a tag the endpoint cannot begin another ICE session (section 4.3.1).
            (Match::Any, None) => return Patched::Refused,
            (Match::Same, Some(tag)) => request = request.header(IF_MATCH, tag.clone()),
            (Match::Same, None) => {}
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => {
                tracing::debug!(endpoint = self.name, error = %error.without_url(), "a fragment was not answered");
                return Patched::Unanswered;
            }
        };
        let status = response.status();
        if which == Match::Any && status == StatusCode::OK {
            let tag = tag(response.headers());
            return match self.body(&url, response).await {
                Ok(fragment) => {
                    session.tag = tag;
                    Patched::Begun(fragment)
                }
                Err(_) => Patched::Unanswered,
            };
        }
        let patched = judged(status, which);
        if patched != Patched::Taken {
            tracing::debug!(endpoint = self.name, %status, ?which, "a fragment was not taken");
        }
        patched
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_says_whether_it_is_worth_another_try() {
        use Patched::{Gone, Refused, Taken, Unanswered};
        for (status, same, any) in [
            (200, Taken, Refused),
            // It took a restart for a trickle: the old ICE session goes on.
            (204, Taken, Refused),
            (400, Refused, Refused),
            (404, Gone, Gone),
            (405, Refused, Refused),
            (410, Gone, Gone),
            (412, Refused, Refused),
            (415, Refused, Refused),
            (422, Refused, Refused),
            (428, Refused, Refused),
            (429, Unanswered, Unanswered),
            (500, Unanswered, Unanswered),
            (501, Refused, Refused),
            (503, Unanswered, Unanswered),
        ] {
            let code = StatusCode::from_u16(status).unwrap();
            assert_eq!(judged(code, Match::Same), same, "{status}");
            assert_eq!(judged(code, Match::Any), any, "{status}");
        }
    }

    #[test]
    fn weak_tags_match_nothing() {
        for (given, strong) in [("\"e1\"", true), ("W/\"e1\"", false), ("e1", false)] {
            let mut headers = HeaderMap::new();
            headers.insert(ETAG, HeaderValue::from_static(given));
            assert_eq!(tag(&headers).is_some(), strong, "{given}");
        }
        assert_eq!(tag(&HeaderMap::new()), None);
    }
}
