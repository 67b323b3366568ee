//! Bytes of a recording with several sound tracks, as viewers get them: what describes the tracks beside the mix is
//! passed over by players, and every other byte stays in its place.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::PathBuf;

use api::Code;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream;
use tokio::sync::mpsc;

use crate::problem::Refusal;

/// What is read at a time.
const BLOCK: u64 = 256 << 10;

/// Blocks that wait for a slow line; who reads them waits then.
const BLOCKS: usize = 2;

/// What the box of a track is called instead.
const FREE: &[u8; 4] = b"free";

/// Some bytes of a file, with `free` at each of these places.
///
/// # Errors
/// 404 when it is gone already.
pub(super) async fn part(
    bytes: Range<u64>,
    path: PathBuf,
    places: Vec<u64>,
) -> Result<Response, Refusal> {
    let gone = || Refusal::new(Code::NotFound, "That moment is not kept any more.");
    let opened = tokio::task::spawn_blocking(move || File::open(path)).await;
    let file = opened
        .map_err(|e| Refusal::new(Code::Internal, e.to_string()))?
        .map_err(|_| gone())?;
    let (send, blocks) = mpsc::channel::<io::Result<Bytes>>(BLOCKS);
    let whole = bytes.clone();
    tokio::task::spawn_blocking(move || read(file, whole, &places, &send));
    let body = stream::unfold(blocks, |mut blocks| async move {
        let block = blocks.recv().await?;
        Some((block, blocks))
    });
    let mut response = Body::from_stream(body).into_response();
    *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    let range = format!("bytes {}-{}/*", bytes.start, bytes.end.saturating_sub(1));
    let headers = response.headers_mut();
    if let Ok(range) = HeaderValue::from_str(&range) {
        headers.insert(header::CONTENT_RANGE, range);
    }
    let len = bytes.end.saturating_sub(bytes.start);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(len));
    Ok(response)
}

/// Reads block after block, until nobody takes them any more.
fn read(mut file: File, bytes: Range<u64>, places: &[u64], send: &mpsc::Sender<io::Result<Bytes>>) {
    let mut at = bytes.start;
    let mut begun = file.seek(SeekFrom::Start(at)).map(drop);
    while at < bytes.end {
        let len = (bytes.end - at).min(BLOCK);
        let mut block = vec![0; usize::try_from(len).unwrap_or(0)];
        let outcome = std::mem::replace(&mut begun, Ok(()))
            .and_then(|()| file.read_exact(&mut block))
            .map(|()| {
                free(&mut block, at, places);
                Bytes::from(block)
            });
        let failed = outcome.is_err();
        if send.blocking_send(outcome).is_err() || failed {
            return;
        }
        at += len;
    }
}

/// Writes as much of each word as lies in a block that begins at `at`.
fn free(block: &mut [u8], at: u64, places: &[u64]) {
    for place in places {
        for (letter, own) in FREE.iter().zip(*place..) {
            let inside = own.checked_sub(at).and_then(|n| usize::try_from(n).ok());
            if let Some(byte) = inside.and_then(|n| block.get_mut(n)) {
                *byte = *letter;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_written_over_also_where_blocks_meet() {
        for (at, len, reads) in [
            (10, 12, "..free...fre"),
            (13, 4, "ree."),
            (0, 12, "............"),
            (0, 14, "............fr"),
            (20, 8, "ree....."),
        ] {
            let mut block = vec![b'.'; len];
            free(&mut block, at, &[12, 19]);
            let places = String::from_utf8(block).unwrap();
            assert_eq!(places, reads, "{at}");
        }
    }
}
