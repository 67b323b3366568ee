//! HLS over HTTP: the files of each live channel, and who watches them. Players that stay close
//! behind ask for what is not there yet, and are answered when it is ([`reload`]).
//!
//! Players of HLS hold no connection, so a viewer is somebody who keeps asking: the multivariant
//! playlist gives each a number of their own in the address of the media playlist, and whoever has
//! asked for that within three target durations counts.

mod reload;

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use api::Code;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::stream;
use media::{ChannelName, Clock, Hub, Timestamp};
use parking_lot::Mutex;
use serde::Deserialize;
use tokio_util::task::TaskTracker;
use wire::hls::{File, INDEX, Live, MEDIA};

use crate::app::App;
use crate::channels::{channel_name, not_live};
use crate::privacy::Visitor;
use crate::problem::Refusal;
use crate::rewind;

/// Three target durations of two seconds.
const ALIVE: Duration = Duration::from_secs(6);

/// The files of a channel that has ended are kept this long, so that players see its end.
const KEPT_AFTER_END: Duration = Duration::from_secs(60);

/// How long a first request waits for the first segment.
const PATIENCE: Duration = Duration::from_secs(6);

/// More viewers than this are not told apart.
const VIEWERS_MAX: usize = 20_000;

/// All channels as files.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    streams: Mutex<HashMap<ChannelName, Followed>>,
    viewers: Mutex<Viewers>,
}

#[derive(Debug)]
struct Followed {
    since: Timestamp,
    live: Live,
    ended: Option<Timestamp>,
}

impl Streams {
    /// Begins to package what has gone live, and forgets what ended long ago.
    pub(crate) fn sync(&self, hub: &Hub, clock: &Clock, tasks: &TaskTracker) {
        let now = clock.now();
        let live = hub.channels();
        let mut streams = self.streams.lock();
        for (name, followed) in streams.iter_mut() {
            let there = live
                .iter()
                .any(|c| c.name() == name && c.since() == followed.since);
            if !there && followed.ended.is_none() {
                followed.ended = Some(now);
            }
        }
        streams.retain(|_, f| f.ended.is_none_or(|at| now.since(at) < KEPT_AFTER_END));
        for channel in live {
            let known = streams
                .get(channel.name())
                .is_some_and(|f| f.since == channel.since());
            if !known {
                let (live, work) = wire::hls::follow(&channel, clock);
                tasks.spawn(work);
                let followed = Followed {
                    since: channel.since(),
                    live,
                    ended: None,
                };
                streams.insert(channel.name().clone(), followed);
            }
        }
    }

    /// Who watches a channel now.
    pub(crate) fn viewers(&self, channel: &ChannelName, now: Timestamp) -> u32 {
        self.viewers.lock().count(channel, now)
    }

    /// Lets go of every channel: their packagers end.
    pub(crate) fn clear(&self) {
        self.streams.lock().clear();
    }

    /// The files of a channel that is live, or was until just now.
    pub(crate) fn live(&self, channel: &ChannelName) -> Option<Live> {
        Some(self.streams.lock().get(channel)?.live.clone())
    }
}

/// What the address of a media playlist carries.
#[derive(Deserialize)]
pub(crate) struct Asked {
    viewer: Option<String>,
    /// The right to a private channel, for players that keep no cookies.
    token: Option<String>,
    key: Option<String>,
    #[serde(flatten)]
    reload: reload::Reload,
}

/// `GET /hls/{channel}/{file}`: 401 for a private channel without a right to it. A right that stands in
/// the address is carried on to all addresses of the playlists.
pub(crate) async fn file(
    State(app): State<Arc<App>>,
    Path((channel, file)): Path<(String, String)>,
    Query(Asked {
        viewer,
        token,
        key,
        reload,
    }): Query<Asked>,
    headers: HeaderMap,
    Visitor(visitor): Visitor,
) -> Result<Response, Refusal> {
    let channel = channel_name(&channel)?;
    let private = app.privacy.is_private(&channel);
    app.right_to(&channel, &visitor)?;
    let carried = token.or(key).filter(|_| private);
    if file == rewind::PLAYLIST {
        let mut text = app.rewind_playlist(&channel)?;
        // Who goes back watches, too: players that say a number of their own are told apart.
        if let Some(viewer) = viewer.as_deref().and_then(number) {
            let mut viewers = app.streams.viewers.lock();
            viewers.seen(viewer, &channel, app.clock.now());
        }
        if let Some(secret) = &carried {
            text = with_query(&text, &format!("token={}", encoded(secret)));
        }
        let file = File {
            content_type: "application/vnd.apple.mpegurl",
            immutable: false,
            body: text.into(),
        };
        return Ok(answer(file, "no-cache"));
    }
    if rewind::is_rewind(&file) {
        return app.rewind_file(&channel, &file, &headers).await;
    }
    let live = app
        .streams
        .live(&channel)
        .ok_or_else(|| not_live(&channel).retry_after(2))?;
    if file == INDEX {
        if app.hub.channel(&channel).is_none() {
            return Err(not_live(&channel).retry_after(2));
        }
        return index(&live, carried.as_deref()).await;
    }
    let file = if file == MEDIA {
        reload::playlist(&live, &reload).await?
    } else {
        reload::media(&live, &file).await
    };
    let mut file =
        file.ok_or_else(|| Refusal::new(Code::NotFound, "There is no such file, or no longer."))?;
    if !file.immutable
        && let Some(viewer) = viewer.as_deref().and_then(number)
    {
        app.streams
            .viewers
            .lock()
            .seen(viewer, &channel, app.clock.now());
    }
    if !file.immutable
        && let Some(secret) = &carried
    {
        let text = text_of(&file);
        file.body = with_query(&text, &format!("token={}", encoded(secret))).into();
    }
    let caching = match (file.immutable, private) {
        (true, false) => "public, max-age=600, immutable",
        // No cache between keeps what not everybody may see.
        (true, true) => "private, max-age=600, immutable",
        (false, _) => "no-cache",
    };
    Ok(answer(file, caching))
}

async fn index(live: &Live, carried: Option<&str>) -> Result<Response, Refusal> {
    // A player that comes with the first picture waits here rather than failing.
    let ready = tokio::time::timeout(PATIENCE, live.ready()).await;
    let file = match ready {
        Ok(true) => live.file(INDEX),
        Ok(false) | Err(_) => None,
    };
    let Some(mut file) = file else {
        return Err(Refusal::new(
            Code::Unavailable,
            "The channel has sent no segment yet. Try again in a moment.",
        )
        .with_status(StatusCode::SERVICE_UNAVAILABLE)
        .retry_after(2));
    };
    let viewer = getrandom::u64().map_err(|e| Refusal::new(Code::Internal, e.to_string()))?;
    let mut text = with_query(&text_of(&file), &format!("viewer={viewer:016x}"));
    if let Some(secret) = carried {
        text = with_query(&text, &format!("token={}", encoded(secret)));
    }
    file.body = text.into();
    Ok(answer(file, "no-store"))
}

fn text_of(file: &File) -> String {
    String::from_utf8_lossy(&file.body.to_bytes()).into_owned()
}

fn answer(file: File, caching: &'static str) -> Response {
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static(file.content_type),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static(caching)),
        (header::CONTENT_LENGTH, file.body.len().into()),
    ];
    let pieces = file.body.into_iter().map(Ok::<_, Infallible>);
    (headers, Body::from_stream(stream::iter(pieces))).into_response()
}

/// A playlist with something more in the query of each address: of lines that are not tags, and of
/// the tags that carry one (RFC 8216, sections 4.1 and 4.3.2.5).
fn with_query(playlist: &str, pair: &str) -> String {
    let mut out = String::with_capacity(playlist.len() + 256);
    let sign = |address: &str| if address.contains('?') { '&' } else { '?' };
    for line in playlist.lines() {
        let quoted = line.starts_with('#').then(|| line.split_once("URI=\""));
        match quoted {
            Some(Some((before, after))) if after.contains('"') => {
                let (address, rest) = after.split_at(after.find('"').unwrap_or(0));
                out.push_str(&format!(
                    "{before}URI=\"{address}{}{pair}{rest}",
                    sign(address)
                ));
            }
            Some(_) => out.push_str(line),
            None if line.is_empty() => {}
            None => out.push_str(&format!("{line}{}{pair}", sign(line))),
        }
        out.push('\n');
    }
    out
}

/// A text as it stands in a query (RFC 3986, section 2.1).
pub(crate) fn encoded(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    let one = |b: u8| {
        if plain(b) {
            char::from(b).to_string()
        } else {
            format!("%{b:02X}")
        }
    };
    text.bytes().map(one).collect()
}

fn number(viewer: &str) -> Option<u64> {
    let fine = viewer.len() == 16 && viewer.bytes().all(|b| b.is_ascii_hexdigit());
    fine.then(|| u64::from_str_radix(viewer, 16).ok())?
}

/// Who has asked for a media playlist, and when last. Pure.
#[derive(Debug, Default)]
struct Viewers {
    seen: HashMap<u64, (ChannelName, Timestamp)>,
}

impl Viewers {
    fn seen(&mut self, viewer: u64, channel: &ChannelName, now: Timestamp) {
        if self.seen.len() >= VIEWERS_MAX {
            self.prune(now);
        }
        if self.seen.len() < VIEWERS_MAX || self.seen.contains_key(&viewer) {
            self.seen.insert(viewer, (channel.clone(), now));
        }
    }

    fn count(&mut self, channel: &ChannelName, now: Timestamp) -> u32 {
        self.prune(now);
        let here = self.seen.values().filter(|(at, _)| at == channel).count();
        u32::try_from(here).unwrap_or(u32::MAX)
    }

    fn prune(&mut self, now: Timestamp) {
        self.seen.retain(|_, (_, at)| now.since(*at) <= ALIVE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_viewer_counts_while_they_ask() {
        let (a, b) = ("a".parse().unwrap(), "b".parse().unwrap());
        let at = Timestamp::from_millis;
        let mut viewers = Viewers::default();
        viewers.seen(1, &a, at(0));
        viewers.seen(2, &a, at(1000));
        viewers.seen(3, &b, at(1000));
        viewers.seen(1, &a, at(2000));
        assert_eq!(
            (viewers.count(&a, at(2000)), viewers.count(&b, at(2000))),
            (2, 1)
        );
        viewers.seen(1, &a, at(7000));
        assert_eq!(
            viewers.count(&a, at(7000)),
            2,
            "six seconds ago still counts"
        );
        assert_eq!(viewers.count(&a, at(7001)), 1);
        assert_eq!(viewers.count(&b, at(7001)), 0);
        assert_eq!(viewers.count(&a, at(14_000)), 0);
        assert!(viewers.seen.is_empty());
    }

    #[test]
    fn strangers_cannot_fill_the_memory() {
        let a = "a".parse().unwrap();
        let mut viewers = Viewers::default();
        for n in 0..VIEWERS_MAX as u64 + 100 {
            viewers.seen(n, &a, Timestamp::ZERO);
        }
        assert_eq!(viewers.seen.len(), VIEWERS_MAX);
        viewers.seen(u64::MAX, &a, Timestamp::from_millis(7000));
        assert_eq!(viewers.seen.len(), 1);
    }

    #[test]
    fn only_addresses_are_numbered() {
        let text = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nmedia.m3u8\n\nother.m3u8?x=1\n\
                    #EXT-X-MAP:URI=\"init.mp4\",BYTERANGE=\"9\"\n";
        assert_eq!(
            with_query(text, "viewer=00000000000000ab"),
            "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nmedia.m3u8?viewer=00000000000000ab\n\n\
             other.m3u8?x=1&viewer=00000000000000ab\n\
             #EXT-X-MAP:URI=\"init.mp4?viewer=00000000000000ab\",BYTERANGE=\"9\"\n"
        );
        assert_eq!(encoded("p1.5.ab"), "p1.5.ab");
        assert_eq!(encoded("a&b\"\n="), "a%26b%22%0A%3D");
        assert_eq!(number("00000000000000ab"), Some(0xAB));
        for bad in [
            "",
            "ab",
            "+0000000000000ab",
            "00000000000000abc",
            "zz00000000000000",
        ] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }
}
