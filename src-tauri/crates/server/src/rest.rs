//! The studio as resources: thin ways to the same commands and the same snapshot that
//! [`control`] has, for programs that would rather `PUT` than speak commands.
//!
//! What each of them takes and answers stands in [`openapi`](crate::openapi).

mod resources;

use std::sync::Arc;

use api::{Code, Command, Problem, Snapshot};
use axum::Router;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{delete, get, post, put};

use crate::app::App;
use crate::control;
use crate::problem::Refusal;
use crate::rewind;

/// All of them, each behind the right to control.
pub(crate) fn routes(app: &Arc<App>) -> Router<Arc<App>> {
    use resources as r;
    let destination = get(r::destination)
        .put(r::set_destination)
        .delete(r::remove_destination);
    let setting = get(r::setting).put(r::set_setting).delete(r::reset_setting);
    Router::new()
        .route(
            "/api/broadcast",
            get(r::broadcast).post(r::go_live).delete(r::end_broadcast),
        )
        .route("/api/title", get(r::title).put(r::set_title))
        .route("/api/stats", get(r::stats))
        .route(
            "/api/collection",
            get(r::collection).put(r::open_collection),
        )
        .route("/api/collection/edits", post(r::edit))
        .route("/api/collection/undo", post(r::undo))
        .route("/api/collection/redo", post(r::redo))
        .route("/api/devices", get(r::devices).post(r::refresh_devices))
        .route("/api/devices/picture.jpg", get(r::device_picture))
        .route("/api/fonts", get(r::fonts))
        .route(
            "/api/destinations",
            get(r::destinations).post(r::add_destination),
        )
        .route(
            "/api/sources/{id}/token",
            put(r::set_source_token).delete(r::forget_source_token),
        )
        .route("/api/destinations/{id}", destination)
        .route("/api/platforms", get(r::platforms))
        .route("/api/destinations/{id}/enabled", put(r::enable_destination))
        .route("/api/links", get(r::links).post(r::create_link))
        .route("/api/links/{id}", get(r::link).delete(r::revoke_link))
        .route("/api/links/{id}/secret", post(r::regenerate_link))
        .route("/api/channels/{name}/behind.jpg", get(rewind::picture))
        .route("/api/publishers", get(r::publishers))
        .route("/api/publishers/{channel}", delete(r::end_publisher))
        .route("/api/publishers/{channel}/admit", post(r::admit_publisher))
        .route("/api/channels/{name}/chat", get(r::messages).post(r::say))
        .route("/api/channels/{name}/chat/moderation", post(r::moderate))
        .route(
            "/api/channels/{name}/passphrase",
            put(r::set_passphrase).delete(r::open_channel),
        )
        .route("/api/rooms", get(r::rooms))
        .route("/api/settings", get(r::settings))
        .route("/api/settings/reload", post(r::reload_settings))
        .route("/api/settings/{key}", setting)
        .route("/api/settings/{key}/check", post(r::check_setting))
        .route_layer(middleware::from_fn_with_state(
            Arc::clone(app),
            control::may,
        ))
}

impl App {
    /// Does something, and answers with nothing.
    async fn done(&self, command: Command) -> Result<StatusCode, Refusal> {
        self.apply(command).await?;
        Ok(StatusCode::NO_CONTENT)
    }

    /// Does something that adds one to a list of the snapshot, and finds the new one.
    async fn added<T>(
        &self,
        command: Command,
        list: impl Fn(Snapshot) -> Vec<T>,
        id: impl Fn(&T) -> &str,
    ) -> Result<T, Refusal> {
        // One at a time, so that what is new is ours.
        let _turn = self.adding.lock().await;
        let before = list(self.control.snapshot());
        self.apply(command).await?;
        let is_new = |one: &T| before.iter().all(|old| id(old) != id(one));
        let after = list(self.control.snapshot());
        after
            .into_iter()
            .rev()
            .find(is_new)
            .ok_or_else(|| Refusal::new(Code::Internal, "It was made, and is gone already."))
    }
}

/// One of a list, by its identity.
///
/// # Errors
/// 404 with the words.
fn find<T>(list: Vec<T>, is: impl Fn(&T) -> bool, missing: &str) -> Result<T, Refusal> {
    let found = list.into_iter().find(is);
    found.ok_or_else(|| Problem::new(Code::NotFound, missing).into())
}

#[cfg(test)]
mod tests;
