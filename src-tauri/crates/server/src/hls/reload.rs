//! What is asked for before it is there (RFC 8216bis, section 6.2.5.2).

use std::time::Duration;

use api::Code;
use axum::http::StatusCode;
use serde::Deserialize;
use wire::hls::{Edge, File, Live, MEDIA};

use crate::problem::Refusal;

/// A blocked request is given up after three target durations of two seconds, as the standard says.
const PATIENCE: Duration = Duration::from_secs(6);

/// How far ahead of the newest whole segment may be asked.
const AHEAD: u64 = 2;

/// Delivery directives in the address of a media playlist.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Reload {
    #[serde(rename = "_HLS_msn")]
    msn: Option<String>,
    #[serde(rename = "_HLS_part")]
    part: Option<String>,
    #[serde(rename = "_HLS_skip")]
    skip: Option<String>,
}

impl Reload {
    /// How far the channel has to come; `None` where nothing is to be waited for.
    ///
    /// # Errors
    ///
    /// 400 for what is no number, for a part of no segment, and for what is too far ahead of `now`.
    fn wanted(&self, now: Edge) -> Result<Option<Edge>, Refusal> {
        let part = number("_HLS_part", self.part.as_deref())?;
        let Some(msn) = number("_HLS_msn", self.msn.as_deref())? else {
            return match part {
                None => Ok(None),
                Some(_) => Err(bad(
                    "_HLS_part is the part of a segment: _HLS_msn has to say which.",
                )),
            };
        };
        let msn = u64::from(msn);
        // The newest whole segment is the one before the one that is being filled.
        if msn + 1 > now.segment + AHEAD {
            let making = now.segment;
            return Err(bad(format!(
                "Segment {msn} is too far ahead: segment {making} is being made."
            )));
        }
        Ok(Some(match part {
            Some(part) => Edge {
                segment: msn,
                parts: usize::try_from(part)
                    .unwrap_or(usize::MAX)
                    .saturating_add(1),
            },
            None => Edge {
                segment: msn + 1,
                parts: 0,
            },
        }))
    }

    fn skips(&self) -> bool {
        matches!(self.skip.as_deref(), Some("YES" | "v2"))
    }
}

fn number(name: &str, value: Option<&str>) -> Result<Option<u32>, Refusal> {
    let parse = |text: &str| {
        text.parse()
            .map_err(|_| bad(format!("{name} is \"{text}\", and has to be a number.")))
    };
    value.map(parse).transpose()
}

fn bad(text: impl Into<String>) -> Refusal {
    Refusal::new(Code::Invalid, text)
}

/// The media playlist, when it names what was asked for.
pub(super) async fn playlist(live: &Live, reload: &Reload) -> Result<Option<File>, Refusal> {
    if let Some(now) = live.edge()
        && let Some(wanted) = reload.wanted(now)?
        && tokio::time::timeout(PATIENCE, live.reached(wanted))
            .await
            .is_err()
    {
        return Err(Refusal::new(
            Code::Unavailable,
            "The channel has sent nothing for a while. Try again in a moment.",
        )
        .with_status(StatusCode::SERVICE_UNAVAILABLE)
        .retry_after(2));
    }
    Ok(if reload.skips() {
        live.delta()
    } else {
        live.file(MEDIA)
    })
}

/// A segment, or a part of one, waited for where it is announced.
pub(super) async fn media(live: &Live, name: &str) -> Option<File> {
    match live.file(name) {
        Some(file) => Some(file),
        None => tokio::time::timeout(PATIENCE, live.hinted(name))
            .await
            .ok()?,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse;

    fn ask(msn: Option<&str>, part: Option<&str>) -> Result<Option<(u64, usize)>, StatusCode> {
        let own = |text: Option<&str>| text.map(str::to_owned);
        let reload = Reload {
            msn: own(msn),
            part: own(part),
            skip: None,
        };
        let now = Edge {
            segment: 10,
            parts: 3,
        };
        match reload.wanted(now) {
            Ok(wanted) => Ok(wanted.map(|w| (w.segment, w.parts))),
            Err(refusal) => Err(refusal.into_response().status()),
        }
    }

    #[test]
    fn what_is_waited_for() {
        let bad = Err(StatusCode::BAD_REQUEST);
        for (msn, part, expected) in [
            (None, None, Ok(None)),
            (Some("10"), None, Ok(Some((11, 0)))),
            (Some("10"), Some("3"), Ok(Some((10, 4)))),
            (Some("10"), Some("99"), Ok(Some((10, 100)))),
            (Some("3"), Some("0"), Ok(Some((3, 1)))),
            (Some("11"), Some("0"), Ok(Some((11, 1)))),
            (Some("12"), None, bad),
            (Some("4294967295"), None, bad),
            (Some("4294967296"), None, bad),
            (None, Some("0"), bad),
            (Some("-1"), None, bad),
            (Some("ten"), None, bad),
            (Some("10"), Some(""), bad),
        ] {
            assert_eq!(ask(msn, part), expected, "{msn:?} {part:?}");
        }
    }

    #[test]
    fn delta_updates_are_asked_for_in_two_ways() {
        for (skip, expected) in [
            (None, false),
            (Some("YES"), true),
            (Some("v2"), true),
            (Some("no"), false),
        ] {
            let reload = Reload {
                skip: skip.map(str::to_owned),
                ..Reload::default()
            };
            assert_eq!(reload.skips(), expected, "{skip:?}");
        }
    }
}
