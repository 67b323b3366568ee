//! Films in other containers, made while they are sent.

use std::io;
use std::path::Path;

use api::Code;
use archive::{Format, Remux};
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream;
use tokio::sync::mpsc;

use crate::problem::Refusal;

/// Pieces that wait for a slow line; who makes them waits then.
const PIECES: usize = 4;

/// A film in another container, under its own name with another ending.
///
/// # Errors
/// 404 when it is gone, or cannot be read.
pub(super) async fn film(path: &Path, name: &str, format: Format) -> Result<Response, Refusal> {
    let path = path.to_owned();
    let opened = tokio::task::spawn_blocking(move || Remux::open(&path, format)).await;
    let remux = opened
        .map_err(|e| Refusal::new(Code::Internal, e.to_string()))?
        .map_err(|error| {
            // Where it lies is the host's alone.
            tracing::warn!(%error, "a film cannot be read");
            super::not_there(name)
        })?;
    let len = remux.len();
    let (send, pieces) = mpsc::channel::<io::Result<Bytes>>(PIECES);
    tokio::task::spawn_blocking(move || make(remux, &send));
    let body = stream::unfold(pieces, |mut pieces| async move {
        let piece = pieces.recv().await?;
        Some((piece, pieces))
    });
    let (kind, ending) = match format {
        Format::Mkv => ("video/x-matroska", "mkv"),
        Format::Flv => ("video/x-flv", "flv"),
    };
    let mut response = Body::from_stream(body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Some(len) = len {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(len));
    }
    let stem = Path::new(name).file_stem().unwrap_or_default();
    let encoded = crate::hls::encoded(&format!("{}.{ending}", stem.to_string_lossy()));
    let how = format!("attachment; filename*=UTF-8''{encoded}");
    if let Ok(value) = HeaderValue::from_str(&how) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

/// Makes one piece after the other, until nobody takes them any more.
fn make(mut remux: Remux, send: &mpsc::Sender<io::Result<Bytes>>) {
    loop {
        let piece = match remux.piece() {
            Ok(Some(piece)) => Ok(piece),
            Ok(None) => return,
            // The line breaks, so that nobody takes it for a whole.
            Err(error) => Err(io::Error::other(error)),
        };
        let failed = piece.is_err();
        if send.blocking_send(piece).is_err() || failed {
            return;
        }
    }
}
