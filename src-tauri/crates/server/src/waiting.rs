//! Those who wait for the host: what the host sees and hears of them, and what they are told.
//!
//! `GET /api/publishers/{channel}` tells a publisher, by its own key, how its broadcast stands. `GET
//! /api/publishers/{channel}/look` is the host's look at one: a WebSocket of JPEGs (binary, one a second)
//! and levels (text, [`api::Level`] as JSON, ten a second), until the channel ends.

use std::sync::Arc;
use std::time::Duration;

use api::{Code, OwnBroadcast, Standing};
use axum::Json;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, Query, Request, State};
use axum::http::{Extensions, HeaderMap};
use axum::response::Response;
use bytes::Bytes;
use media::{Channel, ChannelName, Clock, Config, Next, Origin, Samples, Start, Want};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::access::{Pass, bearer_of};
use crate::app::App;
use crate::audit;
use crate::channels::channel_name;
use crate::control::Token;
use crate::problem::Refusal;
use crate::{ingest, picture, whip};

/// Looks at once: each decodes the sound of one publisher, and a keyframe a second.
const LOOKS: usize = 16;

/// A picture's largest size, in pixels.
const WIDTH: u32 = 320;
const HEIGHT: u32 = 180;

/// Between two pictures, and between two levels.
const PICTURE: Duration = Duration::from_secs(1);
const LEVEL: Duration = Duration::from_millis(100);

/// Packets of sound that may wait: some five seconds.
const CAPACITY: usize = 256;

/// What is read: the publisher's own sound. Pictures are taken from the channel's group.
const SOUND: Want = Want {
    h264: false,
    opus: true,
    aac: true,
    twins: false,
    beside: false,
};

/// Who looks at publishers.
#[derive(Debug)]
pub(crate) struct Waiting {
    looks: Arc<Semaphore>,
}

impl Waiting {
    /// Nobody looks.
    pub(crate) fn new() -> Self {
        Self {
            looks: Arc::new(Semaphore::new(LOOKS)),
        }
    }
}

/// `GET /api/publishers/{channel}`, with the key that the channel is published with.
pub(crate) async fn own(
    State(app): State<Arc<App>>,
    Path(channel): Path<String>,
    request: Request,
) -> Result<Json<OwnBroadcast>, Refusal> {
    let name = channel_name(&channel)?;
    let (standing, guest) = ingest::standing(
        &app,
        &ingest::Request {
            channel: name.clone(),
            origin: Origin::Whip,
            key: bearer_of(request.headers()),
            peer: whip::peer_of(&request),
        },
    )?;
    let studio = app.control.snapshot();
    Ok(Json(OwnBroadcast {
        guest,
        standing: match standing {
            media::Standing::Held => Standing::Held,
            media::Standing::Backstage => Standing::Backstage,
            media::Standing::Live => Standing::Live,
        },
        shown: standing != media::Standing::Held && shows(&studio.collection, &name),
        on_air: studio.on_air.is_some(),
    }))
}

/// Whether the scene on the program shows a channel.
fn shows(collection: &api::scene::Collection, name: &ChannelName) -> bool {
    let shown = collection.reached(&collection.current);
    shown.iter().any(|source| match &source.kind {
        api::scene::SourceKind::Channel { channel } => channel == name.as_str(),
        _ => false,
    })
}

/// `GET /api/publishers/{channel}/look`
pub(crate) async fn look(
    State(app): State<Arc<App>>,
    Path(channel): Path<String>,
    Query(Token { token }): Query<Token>,
    headers: HeaderMap,
    extensions: Extensions,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Refusal> {
    let pass = app.control_pass(audit::peer(&extensions), &headers, token.as_deref())?;
    let name = channel_name(&channel)?;
    let held = app.hub.held().into_iter().find(|c| *c.name() == name);
    let channel = held.or_else(|| app.hub.on_stage(&name)).ok_or_else(|| {
        let text = format!("Nobody publishes on channel {name}; they may have left.");
        Refusal::new(Code::NotFound, text)
    })?;
    let looks = Arc::clone(&app.waiting.looks);
    let permit = looks.try_acquire_owned().map_err(|_| {
        let text = "Too many publishers are looked at already. Let some in, or refuse them.";
        Refusal::new(Code::TooMany, text)
    })?;
    Ok(upgrade
        .max_message_size(64)
        .on_upgrade(move |socket| show(app, pass, channel, permit, socket)))
}

/// What is told of a publisher.
enum Seen {
    Picture(Bytes),
    Level(api::Level),
}

async fn show(
    app: Arc<App>,
    pass: Pass,
    channel: Arc<Channel>,
    permit: OwnedSemaphorePermit,
    mut socket: WebSocket,
) {
    // A reader that is slow misses levels and pictures: only the newest are worth anything.
    let (tell, mut told) = mpsc::channel(4);
    let clock = app.clock;
    let watching = tokio::task::spawn_blocking(move || {
        watch(&channel, clock, &tell);
        drop(permit);
    });
    let mut lapsed = std::pin::pin!(pass.lapsed(&app.clock));
    loop {
        let message = tokio::select! {
            () = app.ends.stop.cancelled() => break,
            () = &mut lapsed => break,
            seen = told.recv() => match seen {
                Some(Seen::Picture(jpeg)) => Message::Binary(jpeg),
                Some(Seen::Level(level)) => match serde_json::to_string(&level) {
                    Ok(text) => Message::Text(text.into()),
                    Err(_) => continue,
                },
                None => break,
            },
            message = socket.recv() => match message {
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => continue,
            },
        };
        if socket.send(message).await.is_err() {
            break;
        }
    }
    drop(told);
    if watching.await.is_err() {
        tracing::error!("the look at a publisher had panicked");
    }
}

/// Makes levels and pictures until the channel ends or nobody is told any more.
fn watch(channel: &Arc<Channel>, clock: Clock, tell: &mpsc::Sender<Seen>) {
    let mut reader = channel.read(SOUND, Start::Next, CAPACITY);
    let mut ear = Ear::default();
    let mut level_due = clock.now() + LEVEL;
    let mut picture_due = clock.now();
    let mut ask_due = clock.now();
    let mut pictured = None;
    while !tell.is_closed() {
        match reader.next_blocking(LEVEL) {
            Some(Next::Tracks(tracks)) => ear.open(&tracks),
            Some(Next::Packet(packet)) => ear.hear(&packet),
            Some(Next::Gap(_)) | None => {}
            Some(Next::End) => return,
        }
        let now = clock.now();
        if now >= level_due {
            level_due = now + LEVEL;
            drop(tell.try_send(Seen::Level(ear.level())));
        }
        if now >= picture_due && channel.newest_keyframe() != pictured {
            picture_due = now + PICTURE;
            pictured = channel.newest_keyframe();
            if let Ok(Some(jpeg)) = picture::shot(channel, WIDTH, HEIGHT) {
                drop(tell.try_send(Seen::Picture(jpeg)));
            }
        }
        if now >= ask_due {
            // Nobody else watches who waits: a keyframe a second harms no one.
            ask_due = now + PICTURE;
            channel.request_keyframe();
        }
    }
}

/// The level of what comes.
#[derive(Default)]
struct Ear {
    decoder: Option<(Config, Box<dyn codec::decode::audio::Decoder>)>,
    peak: [f32; 2],
    power: [f64; 2],
    frames: usize,
}

impl Ear {
    fn open(&mut self, tracks: &[media::Track]) {
        let sound = tracks.first().map(|t| &t.config);
        let same = self.decoder.as_ref().map(|(config, _)| config) == sound;
        if !same {
            let opened = sound.and_then(|config| {
                let decoder = codec::decode::audio::open(config).ok()?;
                Some((config.clone(), decoder))
            });
            self.decoder = opened;
        }
    }

    fn hear(&mut self, packet: &media::Packet) {
        // A packet that is damaged is a short silence.
        let decoded = self.decoder.as_mut().map(|(_, d)| d.decode(packet));
        if let Some(Ok(Some(samples))) = decoded {
            self.add(&samples);
        }
    }

    fn add(&mut self, samples: &Samples) {
        let channels = usize::from(samples.channels.max(1));
        for frame in samples.data.chunks_exact(channels) {
            for side in 0..2 {
                let value = frame[side.min(channels - 1)];
                self.peak[side] = self.peak[side].max(value.abs());
                self.power[side] += f64::from(value).powi(2);
            }
        }
        self.frames += samples.frames();
    }

    /// The level since the last call.
    fn level(&mut self) -> api::Level {
        let db = |value: f64| (20.0 * value.max(1e-6).log10()) as f32;
        let frames = self.frames.max(1) as f64;
        let level = api::Level {
            peak: self.peak.map(|peak| db(f64::from(peak))),
            rms: self.power.map(|power| db((power / frames).sqrt())),
        };
        (self.peak, self.power, self.frames) = ([0.0; 2], [0.0; 2], 0);
        level
    }
}

#[cfg(test)]
mod tests;
