//! The program's picture for the studio: `GET /api/preview`, a binary WebSocket. With `view=preview` it is
//! the scene on the preview, with `view=scenes` all scenes.
//!
//! Each message is a 16-byte header (sequence number and timestamp in ns since the epoch, both u64,
//! little-endian) and a JPEG of up to 960 × 540, with `full=true` of up to 1920 × 1080. The client answers with the eight bytes of the
//! sequence number; at most [`WINDOW`] pictures are on their way to it without an answer. Pictures
//! are made once for all who look, and only while one of them is ready for another.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::http::{Extensions, HeaderMap};
use axum::response::Response;
use bytes::{BufMut, Bytes, BytesMut};
use media::Frame;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::View;
use crate::access::Pass;
use crate::app::App;
use crate::audit;
use crate::picture;
use crate::problem::Refusal;

/// Pictures that may be on their way to one client without its answer.
pub(crate) const WINDOW: usize = 2;

/// The largest picture of one among others on a page, and of one that fills a monitor.
const PART: (u32, u32) = (960, 540);
const FULL: (u32, u32) = (1920, 1080);

const QUALITY: u8 = 80;

/// A picture as it is sent: its number, and header and JPEG in one.
type Shot = (u64, Bytes);

/// Makes pictures while somebody is ready for one.
#[derive(Clone, Debug)]
pub(crate) struct Preview {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    view: View,
    /// The largest picture.
    most: (u32, u32),
    shots: watch::Sender<Option<Shot>>,
    /// How many clients wait for a picture.
    ready: watch::Sender<usize>,
    looking: Mutex<Looking>,
}

#[derive(Debug, Default)]
struct Looking {
    lookers: usize,
    /// Whether a maker of pictures runs.
    made: bool,
}

impl Preview {
    /// Previews of all views that nobody looks at: for a page, and for monitors that are filled.
    pub(crate) fn all() -> [[Self; 3]; 2] {
        [PART, FULL].map(|most| {
            [View::Program, View::Preview, View::Scenes].map(|view| Self::new(view, most))
        })
    }

    fn new(view: View, most: (u32, u32)) -> Self {
        Self {
            inner: Arc::new(Inner {
                view,
                most,
                shots: watch::Sender::new(None),
                ready: watch::Sender::new(0),
                looking: Mutex::default(),
            }),
        }
    }

    /// Begins to look. The first looker starts the maker of pictures, which ends after the last.
    fn look(&self, app: &App) -> Looker {
        let mut looking = self.inner.looking.lock();
        looking.lookers += 1;
        if !looking.made {
            looking.made = true;
            let frames = app.control.look(self.inner.view);
            tokio::spawn(make(Arc::clone(&self.inner), frames, app.ends.stop.clone()));
        }
        drop(looking);
        let mut shots = self.inner.shots.subscribe();
        shots.mark_unchanged();
        Looker {
            inner: Arc::clone(&self.inner),
            shots,
            ready: false,
        }
    }
}

/// Somebody who looks.
struct Looker {
    inner: Arc<Inner>,
    shots: watch::Receiver<Option<Shot>>,
    ready: bool,
}

impl Looker {
    fn set_ready(&mut self, ready: bool) {
        if self.ready != ready {
            self.ready = ready;
            let count = |n: &mut usize| *n = if ready { *n + 1 } else { n.saturating_sub(1) };
            self.inner.ready.send_modify(count);
        }
    }

    /// The next picture; never comes while this one is not ready.
    async fn next(&mut self) -> Option<Shot> {
        if !self.ready {
            return std::future::pending().await;
        }
        self.shots.changed().await.ok()?;
        self.shots.borrow_and_update().clone()
    }
}

impl Drop for Looker {
    fn drop(&mut self) {
        self.set_ready(false);
        self.inner.looking.lock().lookers -= 1;
        // Wakes the maker, who sees whether anybody is left.
        self.inner.ready.send_modify(|_| {});
    }
}

async fn make(
    inner: Arc<Inner>,
    mut frames: watch::Receiver<Option<Frame>>,
    stop: CancellationToken,
) {
    let most = inner.most;
    let mut sequence = inner.shots.borrow().as_ref().map_or(0, |(n, _)| *n);
    let mut ready = inner.ready.subscribe();
    // Whoever begins to look sees what is there at once.
    frames.mark_changed();
    while wanted(&inner, &mut ready, &stop).await {
        // Whoever was ready may leave while the program shows nothing new.
        let fresh = tokio::select! {
            fresh = frames.changed() => fresh,
            _ = ready.wait_for(|n| *n == 0) => continue,
        };
        if fresh.is_err() {
            inner.looking.lock().made = false;
            return;
        }
        let Some(frame) = frames.borrow_and_update().clone() else {
            continue;
        };
        sequence += 1;
        let number = sequence;
        let made = tokio::task::spawn_blocking(move || shot(number, &frame, most)).await;
        match made {
            Ok(Ok(bytes)) => drop(inner.shots.send_replace(Some((number, bytes)))),
            Ok(Err(_)) | Err(_) => tracing::warn!("a preview picture could not be made"),
        }
    }
}

/// Waits until somebody is ready for a picture; `false` when nobody looks any more.
async fn wanted(
    inner: &Inner,
    ready: &mut watch::Receiver<usize>,
    stop: &CancellationToken,
) -> bool {
    loop {
        tokio::select! {
            () = stop.cancelled() => return false,
            somebody = ready.wait_for(|n| *n > 0 || inner.looking.lock().lookers == 0) => {
                if somebody.is_ok_and(|n| *n > 0) {
                    return true;
                }
            }
        }
        let mut looking = inner.looking.lock();
        if looking.lookers == 0 {
            looking.made = false;
            return false;
        }
    }
}

fn shot(sequence: u64, frame: &Frame, most: (u32, u32)) -> Result<Bytes, Refusal> {
    let jpeg = picture::jpeg(frame, most.0, most.1, QUALITY)?;
    let mut bytes = BytesMut::with_capacity(16 + jpeg.len());
    bytes.put_u64_le(sequence);
    bytes.put_u64_le(u64::try_from(frame.timestamp().nanos()).unwrap_or(0));
    bytes.put(jpeg);
    Ok(bytes.freeze())
}

/// What is asked for.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Asked {
    token: Option<String>,
    #[serde(default)]
    view: View,
    #[serde(default)]
    full: bool,
}

/// `GET /api/preview`
pub(crate) async fn preview(
    State(app): State<Arc<App>>,
    Query(Asked { token, view, full }): Query<Asked>,
    headers: HeaderMap,
    extensions: Extensions,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Refusal> {
    let pass = app.control_pass(audit::peer(&extensions), &headers, token.as_deref())?;
    Ok(upgrade
        .max_message_size(64)
        .on_upgrade(move |socket| async move {
            let looker = app.preview[usize::from(full)][view as usize].look(&app);
            show(&app, &pass, looker, socket).await;
        }))
}

async fn show(app: &App, pass: &Pass, mut looker: Looker, mut socket: WebSocket) {
    let mut flight = Flight::default();
    let mut lapsed = std::pin::pin!(pass.lapsed(&app.clock));
    loop {
        looker.set_ready(flight.room());
        tokio::select! {
            () = app.ends.stop.cancelled() => break,
            () = &mut lapsed => break,
            shot = looker.next() => {
                let Some((sequence, bytes)) = shot else { break };
                flight.sent(sequence);
                if socket.send(Message::Binary(bytes)).await.is_err() {
                    break;
                }
            }
            message = socket.recv() => match message {
                Some(Ok(Message::Binary(answer))) => {
                    if let Ok(sequence) = answer.as_ref().try_into() {
                        flight.answered(u64::from_le_bytes(sequence));
                    }
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => {}
            },
        }
    }
}

/// Pictures on their way to one client. Pure.
#[derive(Debug, Default)]
struct Flight {
    unanswered: VecDeque<u64>,
}

impl Flight {
    fn room(&self) -> bool {
        self.unanswered.len() < WINDOW
    }

    fn sent(&mut self, sequence: u64) {
        self.unanswered.push_back(sequence);
    }

    /// An answer covers what was sent before it, too: a client may skip.
    fn answered(&mut self, sequence: u64) {
        let newest = self.unanswered.back().copied();
        if newest.is_some_and(|newest| sequence <= newest) {
            self.unanswered.retain(|sent| *sent > sequence);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_are_on_their_way_at_most() {
        let mut flight = Flight::default();
        let mut sent = Vec::new();
        for (answer, expect) in [
            (None, vec![1, 2]),
            (Some(7), vec![]),
            (Some(0), vec![]),
            (Some(1), vec![3]),
            (Some(1), vec![]),
            (Some(3), vec![4, 5]),
            (Some(u64::MAX), vec![]),
        ] {
            if let Some(sequence) = answer {
                flight.answered(sequence);
            }
            let mut now = Vec::new();
            while flight.room() {
                let next = sent.len() as u64 + 1;
                flight.sent(next);
                sent.push(next);
                now.push(next);
            }
            assert_eq!(now, expect, "after {answer:?}");
        }
    }

    #[test]
    fn a_shot_is_a_header_and_a_jpeg() {
        let at = media::Timestamp::from_millis(1500);
        let frame = Frame::black(1920, 1080, at).unwrap();
        let bytes = shot(7, &frame, PART).unwrap();
        assert_eq!(bytes[..8], 7_u64.to_le_bytes());
        assert_eq!(bytes[8..16], 1_500_000_000_u64.to_le_bytes());
        assert_eq!(bytes[16..18], [0xFF, 0xD8], "start of image");
        let full = shot(8, &frame, FULL).unwrap();
        assert!(full.len() > bytes.len(), "more pixels");
    }
}
