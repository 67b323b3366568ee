//! Pictures of what is kept behind a channel's live picture, for the host who cuts a clip out of it.

use std::sync::Arc;
use std::time::Duration;

use api::Code;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::app::App;
use crate::channels::channel_name;
use crate::picture::{jpeg, still};
use crate::problem::Refusal;

/// A picture's largest size, in pixels.
const SIZE: (u32, u32) = (320, 180);
const QUALITY: u8 = 70;

/// Which moment, in milliseconds since 1970 UTC.
#[derive(Deserialize)]
pub(crate) struct Moment {
    at: i64,
}

/// `GET /api/channels/{name}/behind.jpg?at=MILLISECONDS`: the keyframe before a moment that is kept. Behind the right to
/// control: more may be kept than viewers may see.
pub(crate) async fn picture(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Query(moment): Query<Moment>,
) -> Result<Response, Refusal> {
    let name = channel_name(&name)?;
    let gone = || Refusal::new(Code::NotFound, "That moment is not kept, or not any more.");
    let timeline = app.timelines.of(&name).ok_or_else(gone)?;
    let span = timeline.span().ok_or_else(gone)?;
    let behind = moment
        .at
        .saturating_sub(app.clock.unix_millis(span.start))
        .max(0);
    // The end is shown by the last picture before it.
    let last = span.end.since(span.start);
    let last = last.saturating_sub(Duration::from_millis(2));
    let behind = Duration::from_millis(behind.unsigned_abs()).min(last);
    let source = timeline.around(span.start + behind);
    let source = source.ok().flatten().ok_or_else(gone)?;
    let made = tokio::task::spawn_blocking(move || {
        let none = |e: &dyn std::fmt::Display| {
            tracing::debug!(error = %e, "no picture of what is kept");
            Refusal::new(Code::NotFound, "There is no picture of that moment.")
        };
        let found = archive::first_keyframe(&source).map_err(|e| none(&e))?;
        let (config, packet) = found.ok_or_else(|| none(&"it holds sound alone"))?;
        let frame = still(&config, &packet).map_err(|e| none(&e))?;
        let frame = frame.ok_or_else(|| none(&"it cannot be decoded"))?;
        jpeg(&frame, SIZE.0, SIZE.1, QUALITY)
    });
    let jpeg = made
        .await
        .map_err(|e| Refusal::new(Code::Internal, e.to_string()))??;
    let headers = [
        (header::CONTENT_TYPE, "image/jpeg"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, jpeg).into_response())
}
