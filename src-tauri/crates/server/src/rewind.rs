//! Going back in a live channel: a playlist over what is kept behind it, and the files that it names.
//!
//! What is kept may be more than anybody may see: a program is recorded before it goes on air, and after. Only
//! what was shown since the channel went live is listed, and only the bytes that are listed are given.

mod picture;
mod shown;

use api::Code;
use archive::Listing;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use media::ChannelName;
use wire::hls::{Range, ranges};

use crate::app::App;
use crate::problem::Refusal;

pub(crate) use picture::picture;

/// The name of the playlist.
pub(crate) const PLAYLIST: &str = "rewind.m3u8";

/// Which file of a reel an address names.
enum Asked {
    Init(u64),
    Media(u64),
}

impl Asked {
    fn read(file: &str) -> Option<Self> {
        let rest = file.strip_prefix("reel-")?.strip_suffix(".mp4")?;
        match rest.strip_suffix("-init") {
            Some(number) => number.parse().ok().map(Self::Init),
            None => rest.parse().ok().map(Self::Media),
        }
    }
}

/// Whether an address is one of these.
pub(crate) fn is_rewind(file: &str) -> bool {
    file == PLAYLIST || Asked::read(file).is_some()
}

impl App {
    /// The playlist as text; a visitor's right to the channel is checked by then.
    ///
    /// # Errors
    /// 404 while nothing is kept.
    pub(crate) fn rewind_playlist(&self, channel: &ChannelName) -> Result<String, Refusal> {
        let nothing = || {
            let text = format!("Nothing of {channel} is kept to go back to, or not yet.");
            Refusal::new(Code::NotFound, text)
        };
        let listing = self.shown(channel).ok_or_else(nothing)?;
        let mut before = None;
        let entries = listing.segments.iter().map(|(reel, segment)| {
            let discontinuity = before.replace(*reel).is_some_and(|b| b != *reel);
            Range {
                uri: format!("reel-{reel}.mp4"),
                map: format!("reel-{reel}-init.mp4"),
                position: segment.position,
                len: segment.len,
                duration: segment.duration,
                unix_millis: self.clock.unix_millis(segment.start),
                discontinuity,
            }
        });
        let entries: Vec<Range> = entries.collect();
        let (sequence, discontinuities) = (listing.gone_segments, listing.gone_reels);
        ranges(sequence, discontinuities, listing.ended, &entries).ok_or_else(nothing)
    }

    /// What is kept of a channel since it went live; none while it is not.
    fn shown(&self, channel: &ChannelName) -> Option<Listing> {
        let since = self.hub.channel(channel)?.since();
        let mut listing = self.timelines.shown(channel)?.listing();
        let before = listing.segments.len();
        listing
            .segments
            .retain(|(_, segment)| segment.start >= since);
        listing.gone_segments += (before - listing.segments.len()) as u64;
        Some(listing)
    }

    /// Part of a file that the playlist names, as the `Range` of a request asks for it.
    ///
    /// # Errors
    /// 404 when it is not kept, or not any more.
    pub(crate) async fn rewind_file(
        &self,
        channel: &ChannelName,
        file: &str,
        headers: &HeaderMap,
    ) -> Result<Response, Refusal> {
        let gone = || Refusal::new(Code::NotFound, "That moment is not kept any more.");
        let timeline = self.timelines.shown(channel).ok_or_else(gone)?;
        let mut response = match Asked::read(file).ok_or_else(gone)? {
            Asked::Init(reel) => timeline.init(reel).ok_or_else(gone)?.into_response(),
            Asked::Media(reel) => {
                let listing = self.shown(channel).ok_or_else(gone)?;
                let range = within(&listing, reel, headers).ok_or_else(gone)?;
                let path = timeline.file(reel).ok_or_else(gone)?;
                let beside = timeline.beside(reel, &range);
                if beside.is_empty() {
                    crate::library::part(range, path).await?
                } else {
                    shown::part(range, path, beside).await?
                }
            }
        };
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("video/mp4"));
        // It grows: what was read of it is no whole.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    }
}

/// The bytes that a request asks for, as far as they are listed of a reel; none where they begin elsewhere, or
/// where all of the file is asked for (RFC 9110, section 14.1.2).
fn within(listing: &Listing, reel: u64, headers: &HeaderMap) -> Option<std::ops::Range<u64>> {
    let asked = headers.get(header::RANGE)?.to_str().ok()?;
    let (from, to) = asked.strip_prefix("bytes=")?.split_once('-')?;
    let from: u64 = from.trim().parse().ok()?;
    let to: u64 = match to.trim() {
        "" => u64::MAX,
        to => to.parse().ok()?,
    };
    let mut end = None;
    for (_, segment) in listing.segments.iter().filter(|(of, _)| *of == reel) {
        let own = segment.position..segment.position + segment.len;
        // Segments of a reel lie one behind the other.
        if own.contains(&end.unwrap_or(from)) {
            end = Some(own.end);
        }
    }
    let end = end?.min(to.saturating_add(1));
    (from < end).then_some(from..end)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use archive::Segment;
    use media::Timestamp;

    use super::*;

    #[test]
    fn only_bytes_that_are_listed_are_given() {
        let segment = |position| Segment {
            position,
            len: 10,
            start: Timestamp::ZERO,
            duration: Duration::from_secs(2),
        };
        // The first 100 bytes of reel 1 are of before it went live.
        let listing = Listing {
            segments: vec![(1, segment(100)), (1, segment(110)), (2, segment(50))],
            ..Listing::default()
        };
        for (asked, given) in [
            ("bytes=100-109", Some(100..110)),
            ("bytes=105-114", Some(105..115)),
            ("bytes=110-", Some(110..120)),
            ("bytes=110-500", Some(110..120)),
            ("bytes=0-109", None),
            ("bytes=120-130", None),
            ("bytes=109-100", None),
            ("bytes=-20", None),
            ("bytes=100-109,0-50", None),
            ("lines=100-109", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::RANGE, HeaderValue::from_static(asked));
            assert_eq!(within(&listing, 1, &headers), given, "{asked}");
        }
        assert_eq!(within(&listing, 1, &HeaderMap::new()), None);
    }
}
