//! Who is live, as JSON and as a picture.

use std::sync::Arc;

use api::{ChannelSource, ChannelState, Code, TrackKind};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use media::{Channel, ChannelName, Config, Kind, Origin, Track};

use crate::app::App;
use crate::privacy::Visitor;
use crate::problem::Refusal;

/// `GET /api/channels`: what is live, and the program also while it is not.
pub(crate) async fn list(State(app): State<Arc<App>>) -> Response {
    let mut channels: Vec<_> = app.hub.channels().iter().map(|c| app.describe(c)).collect();
    if channels.iter().all(|c| c.source != ChannelSource::Program) {
        channels.insert(0, app.waiting_program());
    }
    fresh(Json(channels))
}

/// `GET /api/channels/{name}`
pub(crate) async fn one(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Response, Refusal> {
    let name = channel_name(&name)?;
    let found = match app.hub.channel(&name) {
        Some(channel) => app.describe(&channel),
        None if name == ChannelName::program() => app.waiting_program(),
        None => return Err(not_live(&name)),
    };
    Ok(fresh(Json(found)))
}

/// `GET /api/channels/{name}/picture.jpg`: what the program shows, at most a second old, and what
/// others publish, some seconds. Only while it is live: what is prepared off air is nobody's business.
pub(crate) async fn picture(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Visitor(visitor): Visitor,
) -> Result<Response, Refusal> {
    let name = channel_name(&name)?;
    let private = app.privacy.is_private(&name);
    app.right_to(&name, &visitor)?;
    let channel = app.hub.channel(&name).ok_or_else(|| not_live(&name))?;
    let jpeg = match channel.origin() {
        Origin::Program => app.thumbnail.get(&*app.control, app.clock.now()).await?,
        Origin::Whip | Origin::Rtmp => {
            app.pictures
                .get(&app.hub, &channel, app.clock.now())
                .await?
        }
    };
    let Some(jpeg) = jpeg else {
        return Err(Refusal::new(
            Code::NotFound,
            format!("There is no picture of {name} yet."),
        )
        .retry_after(1));
    };
    let headers = [
        (header::CONTENT_TYPE, "image/jpeg"),
        (
            header::CACHE_CONTROL,
            if private { "no-store" } else { "max-age=1" },
        ),
    ];
    Ok((headers, jpeg).into_response())
}

/// A channel's name as it stands in an address.
///
/// # Errors
/// 404: no channel can have such a name.
pub(crate) fn channel_name(text: &str) -> Result<ChannelName, Refusal> {
    text.parse()
        .map_err(|_| Refusal::new(Code::NotFound, "There is no such channel."))
}

/// Nobody publishes there now.
pub(crate) fn not_live(name: &ChannelName) -> Refusal {
    Refusal::new(
        Code::NotFound,
        format!("Channel {name} is not live. Try again when it is."),
    )
}

fn fresh(body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

impl App {
    fn describe(&self, channel: &Channel) -> api::Channel {
        api::Channel {
            name: channel.name().to_string(),
            title: channel.title(),
            state: ChannelState::Live,
            since: Some(self.clock.unix_millis(channel.since())),
            source: match channel.origin() {
                Origin::Program => ChannelSource::Program,
                Origin::Whip => ChannelSource::Whip,
                Origin::Rtmp => ChannelSource::Rtmp,
            },
            private: self.privacy.is_private(channel.name()),
            viewers: self.viewers(channel.name()),
            tracks: channel.tracks().iter().map(|t| track(t, channel)).collect(),
        }
    }

    fn waiting_program(&self) -> api::Channel {
        let name = ChannelName::program();
        api::Channel {
            name: name.to_string(),
            title: self.control.snapshot().title,
            state: ChannelState::Waiting,
            since: None,
            source: ChannelSource::Program,
            private: self.privacy.is_private(&name),
            viewers: self.viewers(&name),
            tracks: Vec::new(),
        }
    }
}

fn track(track: &Track, channel: &Channel) -> api::Track {
    let mut described = api::Track {
        kind: match track.config.kind() {
            Kind::Video => TrackKind::Video,
            Kind::Audio => TrackKind::Audio,
        },
        codec: track.config.codec().to_owned(),
        width: None,
        height: None,
        fps: None,
        sample_rate: None,
        // Not every publisher says what it means to send.
        bitrate: match track.bitrate {
            0 => channel.bitrate(track.id),
            said => said,
        },
    };
    match track.config {
        Config::H264 {
            width,
            height,
            fps_millis,
            ..
        } => {
            described.width = Some(width);
            described.height = Some(height);
            described.fps = (fps_millis > 0).then_some(fps_millis as f32 / 1000.0);
        }
        Config::Opus { .. } => described.sample_rate = Some(media::SAMPLE_RATE),
        Config::Aac { sample_rate, .. } => described.sample_rate = Some(sample_rate),
    }
    described
}
