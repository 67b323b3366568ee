//! What each address of the studio's resources does.

use std::sync::Arc;

use api::scene::{Collection, Edit, SourceId};
use api::{
    AccessLink, Broadcast, ChatRoom, Code, Command, Destination, DeviceKind, Devices, Enabled,
    Message, Moderation, NewAccessLink, NewDestination, NewMessage, NewPassphrase, NewSetting,
    NewToken, OnAir, OpenCollection, Platform, Publisher, Reloaded, Setting, Stats, Title,
};
use axum::Json;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use media::PixelFormat;
use serde::{Deserialize, Serialize};

use super::find;
use crate::app::App;
use crate::body::json;
use crate::channels::channel_name;
use crate::problem::{Refusal, store_failed};

/// A body is this large at most, in bytes: an edit of the document holds the longest.
const BODY_MAX: usize = 256 * 1024;

type Here = State<Arc<App>>;
type Done = Result<StatusCode, Refusal>;
type Answer<T> = Result<Json<T>, Refusal>;

/// `GET /api/broadcast`
pub(super) async fn broadcast(State(app): Here) -> Json<Broadcast> {
    let snapshot = app.control.snapshot();
    Json(Broadcast {
        title: snapshot.title,
        on_air: snapshot.on_air.is_some(),
        since: snapshot.on_air.map(|OnAir { since }| since),
    })
}

/// `POST /api/broadcast`
pub(super) async fn go_live(State(app): Here) -> Done {
    app.done(Command::GoLive).await
}

/// `DELETE /api/broadcast`
pub(super) async fn end_broadcast(State(app): Here) -> Done {
    app.done(Command::EndBroadcast).await
}

/// `GET /api/title`
pub(super) async fn title(State(app): Here) -> Json<Title> {
    let title = app.control.snapshot().title;
    Json(Title { title })
}

/// `PUT /api/title`
pub(super) async fn set_title(State(app): Here, request: Request) -> Done {
    let Title { title } = json(request, BODY_MAX, "title").await?;
    app.done(Command::SetTitle { title }).await
}

/// `GET /api/stats`
pub(super) async fn stats(State(app): Here) -> Json<Stats> {
    app.control.attend();
    Json(app.control.snapshot().stats)
}

/// `GET /api/collection`
pub(super) async fn collection(State(app): Here) -> Json<Collection> {
    Json(app.control.snapshot().collection)
}

/// `PUT /api/collection`
pub(super) async fn open_collection(State(app): Here, request: Request) -> Done {
    let OpenCollection { path } = json(request, BODY_MAX, "collection to open").await?;
    app.done(Command::OpenCollection { path }).await
}

/// `POST /api/collection/edits`
pub(super) async fn edit(State(app): Here, request: Request) -> Done {
    let edit: Edit = json(request, BODY_MAX, "edit").await?;
    app.done(Command::Edit { edit }).await
}

/// `POST /api/collection/undo`
pub(super) async fn undo(State(app): Here) -> Done {
    app.done(Command::Undo).await
}

/// `POST /api/collection/redo`
pub(super) async fn redo(State(app): Here) -> Done {
    app.done(Command::Redo).await
}

/// `GET /api/devices`
pub(super) async fn devices(State(app): Here) -> Json<Devices> {
    Json(app.control.snapshot().devices)
}

/// `POST /api/devices`
pub(super) async fn refresh_devices(State(app): Here) -> Answer<Devices> {
    app.apply(Command::RefreshDevices).await?;
    Ok(Json(app.control.snapshot().devices))
}

/// A device that a picture is wanted of.
#[derive(Deserialize)]
pub(super) struct WantedDevice {
    kind: DeviceKind,
    #[serde(default)]
    device: String,
}

/// The largest picture of a device, in pixels: a part of a screen is chosen on it.
const STILL: (u32, u32) = (1280, 720);
const STILL_QUALITY: u8 = 80;

/// `GET /api/devices/picture.jpg?kind=screen&device=…`: taken now, which may need some seconds.
pub(super) async fn device_picture(
    State(app): Here,
    Query(WantedDevice { kind, device }): Query<WantedDevice>,
) -> Result<Response, Refusal> {
    let control = Arc::clone(&app.control);
    let take = move || -> Result<bytes::Bytes, Refusal> {
        let mut frame = control.still(kind, &device)?;
        if frame.format() == PixelFormat::Mjpeg {
            let file = frame.planes().first().map(|plane| plane.data.clone());
            let file = file.unwrap_or_default();
            frame = codec::decode::picture::jpeg(&file, frame.timestamp()).map_err(|error| {
                Refusal::new(
                    Code::Unavailable,
                    format!("The device sent no picture: {error}."),
                )
            })?;
        }
        crate::picture::jpeg(&frame, STILL.0, STILL.1, STILL_QUALITY)
    };
    let jpeg = tokio::task::spawn_blocking(take)
        .await
        .map_err(|e| Refusal::new(Code::Internal, format!("No picture was taken: {e}.")))??;
    let kind = (header::CONTENT_TYPE, "image/jpeg");
    let stale = (header::CACHE_CONTROL, "no-store");
    Ok(([kind, stale], jpeg).into_response())
}

/// `GET /api/fonts`: looked for once.
pub(super) async fn fonts(State(app): Here) -> Answer<Vec<String>> {
    let control = Arc::clone(&app.control);
    let found = tokio::task::spawn_blocking(move || control.fonts()).await;
    let found = found
        .map_err(|e| Refusal::new(Code::Internal, format!("Fonts were not looked for: {e}.")))?;
    Ok(Json(found))
}

/// `GET /api/destinations`
pub(super) async fn destinations(State(app): Here) -> Json<Vec<Destination>> {
    Json(app.control.snapshot().destinations)
}

/// `GET /api/platforms`
pub(super) async fn platforms() -> Json<&'static [Platform]> {
    Json(api::PLATFORMS)
}

/// `POST /api/destinations`
pub(super) async fn add_destination(
    State(app): Here,
    request: Request,
) -> Result<Response, Refusal> {
    let destination: NewDestination = json(request, BODY_MAX, "destination").await?;
    let command = Command::AddDestination { destination };
    let made = app.added(command, |s| s.destinations, |d| &d.id).await?;
    let at = format!("/api/destinations/{}", made.id);
    Ok(created(&at, made))
}

/// `GET /api/destinations/{id}`
pub(super) async fn destination(State(app): Here, Path(id): Path<String>) -> Answer<Destination> {
    let all = app.control.snapshot().destinations;
    let missing = "There is no such destination; it may have been deleted.";
    find(all, |d| d.id == id, missing).map(Json)
}

/// `PUT /api/destinations/{id}`
pub(super) async fn set_destination(
    State(app): Here,
    Path(id): Path<String>,
    request: Request,
) -> Answer<Destination> {
    let destination: NewDestination = json(request, BODY_MAX, "destination").await?;
    let command = Command::SetDestination {
        id: id.clone(),
        destination,
    };
    app.apply(command).await?;
    self::destination(State(app), Path(id)).await
}

/// `DELETE /api/destinations/{id}`
pub(super) async fn remove_destination(State(app): Here, Path(id): Path<String>) -> Done {
    app.done(Command::RemoveDestination { id }).await
}

/// `PUT /api/destinations/{id}/enabled`
pub(super) async fn enable_destination(
    State(app): Here,
    Path(id): Path<String>,
    request: Request,
) -> Done {
    let Enabled { enabled } = json(request, BODY_MAX, "choice").await?;
    app.done(Command::EnableDestination { id, enabled }).await
}

/// `GET /api/links`
pub(super) async fn links(State(app): Here) -> Json<Vec<AccessLink>> {
    Json(app.control.snapshot().access)
}

/// `POST /api/links`
pub(super) async fn create_link(State(app): Here, request: Request) -> Result<Response, Refusal> {
    let link: NewAccessLink = json(request, BODY_MAX, "link").await?;
    let command = Command::CreateLink { link };
    let made = app.added(command, |s| s.access, |l| &l.id).await?;
    let at = format!("/api/links/{}", made.id);
    Ok(created(&at, made))
}

/// `GET /api/links/{id}`
pub(super) async fn link(State(app): Here, Path(id): Path<String>) -> Answer<AccessLink> {
    let all = app.control.snapshot().access;
    let missing = "There is no such link; it may have been deleted.";
    find(all, |l| l.id == id, missing).map(Json)
}

/// `DELETE /api/links/{id}`
pub(super) async fn revoke_link(State(app): Here, Path(id): Path<String>) -> Done {
    app.done(Command::RevokeLink { id }).await
}

/// `POST /api/links/{id}/secret`
pub(super) async fn regenerate_link(
    State(app): Here,
    Path(id): Path<String>,
) -> Answer<AccessLink> {
    app.apply(Command::RegenerateLink { id: id.clone() })
        .await?;
    self::link(State(app), Path(id)).await
}

/// `GET /api/publishers`
pub(super) async fn publishers(State(app): Here) -> Json<Vec<Publisher>> {
    Json(app.ingests.list(&app.clock))
}

/// `DELETE /api/publishers/{channel}`
pub(super) async fn end_publisher(State(app): Here, Path(channel): Path<String>) -> Done {
    app.done(Command::EndPublisher { channel }).await
}

/// `POST /api/publishers/{channel}/admit`
pub(super) async fn admit_publisher(State(app): Here, Path(channel): Path<String>) -> Done {
    app.done(Command::AdmitPublisher { channel }).await
}

/// How much of a chat is asked for.
#[derive(Deserialize)]
pub(super) struct Limit {
    limit: Option<u32>,
}

/// Messages at once.
const MESSAGES_MAX: u32 = 1000;

/// Messages where nobody says how many.
const MESSAGES: u32 = 100;

/// `GET /api/channels/{name}/chat`
pub(super) async fn messages(
    State(app): Here,
    Path(name): Path<String>,
    Query(Limit { limit }): Query<Limit>,
) -> Answer<Vec<Message>> {
    let name = channel_name(&name)?;
    let limit = limit.unwrap_or(MESSAGES);
    if !(1..=MESSAGES_MAX).contains(&limit) {
        let text = format!("limit goes from 1 to {MESSAGES_MAX}.");
        return Err(Refusal::new(api::Code::Invalid, text));
    }
    let store = Arc::clone(&app.store);
    let read = tokio::task::spawn_blocking(move || store.recent(name.as_str(), limit)).await;
    let read = read.map_err(|e| Refusal::new(api::Code::Internal, e.to_string()))?;
    Ok(Json(read.map_err(|e| store_failed(&e))?))
}

/// `POST /api/channels/{name}/chat`
pub(super) async fn say(State(app): Here, Path(name): Path<String>, request: Request) -> Done {
    let channel = channel_name(&name)?.to_string();
    let NewMessage { text } = json(request, BODY_MAX, "message").await?;
    app.done(Command::Say { channel, text }).await
}

/// `POST /api/channels/{name}/chat/moderation`
pub(super) async fn moderate(State(app): Here, Path(name): Path<String>, request: Request) -> Done {
    let channel = channel_name(&name)?.to_string();
    let moderation: Moderation = json(request, BODY_MAX, "act of moderation").await?;
    app.done(Command::Moderate {
        channel,
        moderation,
    })
    .await
}

/// `PUT /api/channels/{name}/passphrase`
pub(super) async fn set_passphrase(
    State(app): Here,
    Path(name): Path<String>,
    request: Request,
) -> Done {
    let channel = channel_name(&name)?.to_string();
    let NewPassphrase { passphrase } = json(request, BODY_MAX, "passphrase").await?;
    app.done(Command::SetPassphrase {
        channel,
        passphrase: Some(passphrase),
    })
    .await
}

/// `PUT /api/sources/{id}/token`
pub(super) async fn set_source_token(
    State(app): Here,
    Path(id): Path<String>,
    request: Request,
) -> Done {
    let NewToken { token } = json(request, BODY_MAX, "token").await?;
    let id = SourceId::new(id);
    app.done(Command::SetSourceToken { id, token }).await
}

/// `DELETE /api/sources/{id}/token`
pub(super) async fn forget_source_token(State(app): Here, Path(id): Path<String>) -> Done {
    let (id, token) = (SourceId::new(id), api::Secret::default());
    app.done(Command::SetSourceToken { id, token }).await
}

/// `DELETE /api/channels/{name}/passphrase`
pub(super) async fn open_channel(State(app): Here, Path(name): Path<String>) -> Done {
    let channel = channel_name(&name)?.to_string();
    app.done(Command::SetPassphrase {
        channel,
        passphrase: None,
    })
    .await
}

/// `GET /api/rooms`
pub(super) async fn rooms(State(app): Here) -> Json<Vec<ChatRoom>> {
    Json(app.control.snapshot().rooms)
}

/// `GET /api/settings`
pub(super) async fn settings(State(app): Here) -> Json<Vec<Setting>> {
    Json(app.control.snapshot().settings)
}

/// `GET /api/settings/{key}`
pub(super) async fn setting(State(app): Here, Path(key): Path<String>) -> Answer<Setting> {
    let all = app.control.snapshot().settings;
    let missing = "There is no such setting; GET /api/settings lists them.";
    find(all, |s| s.key == key, missing).map(Json)
}

/// `PUT /api/settings/{key}`
pub(super) async fn set_setting(
    State(app): Here,
    Path(key): Path<String>,
    request: Request,
) -> Answer<Setting> {
    let NewSetting { value } = json(request, BODY_MAX, "value").await?;
    let command = Command::SetSetting {
        key: key.clone(),
        value,
    };
    app.apply(command).await?;
    self::setting(State(app), Path(key)).await
}

/// `DELETE /api/settings/{key}`
pub(super) async fn reset_setting(State(app): Here, Path(key): Path<String>) -> Answer<Setting> {
    app.apply(Command::ResetSetting { key: key.clone() })
        .await?;
    self::setting(State(app), Path(key)).await
}

/// `POST /api/settings/{key}/check`
pub(super) async fn check_setting(
    State(app): Here,
    Path(key): Path<String>,
    request: Request,
) -> Done {
    let NewSetting { value } = json(request, BODY_MAX, "value").await?;
    app.done(Command::CheckSetting { key, value }).await
}

/// `POST /api/settings/reload`
pub(super) async fn reload_settings(State(app): Here) -> Answer<Reloaded> {
    app.reload_settings().await.map(Json)
}

impl App {
    /// Reads the settings file again, and says what came of it.
    ///
    /// # Errors
    /// What is wrong in the file, with its line.
    pub(crate) async fn reload_settings(&self) -> Result<Reloaded, Refusal> {
        let before = self.control.snapshot().settings;
        self.apply(Command::ReloadSettings).await?;
        let after = self.control.snapshot().settings;
        let keys = |list: Vec<&Setting>| list.iter().map(|s| s.key.clone()).collect();
        let changed = after
            .iter()
            .zip(&before)
            .filter(|(a, b)| a.value != b.value);
        Ok(Reloaded {
            changed: keys(changed.map(|(setting, _)| setting).collect()),
            waits: keys(after.iter().filter(|s| s.waits).collect()),
        })
    }
}

/// 201, and where it is.
fn created(at: &str, made: impl Serialize) -> Response {
    let mut response = (StatusCode::CREATED, Json(made)).into_response();
    // Identities are letters and digits.
    if let Ok(at) = HeaderValue::from_str(at) {
        response.headers_mut().insert(header::LOCATION, at);
    }
    response
}
