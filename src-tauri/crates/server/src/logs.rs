//! The newest lines of the log, for the panel in the studio: the last ones at once, and what follows
//! over a WebSocket.
//!
//! Whoever runs the program hands the lines in ([`Logs::push`]), without their secrets. That never
//! waits: the ring forgets the oldest, and a follower that is too slow is told how many it missed.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use api::LogLine;
use axum::Json;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::http::{Extensions, HeaderMap};
use axum::response::Response;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use crate::access::Pass;
use crate::app::App;
use crate::audit;
use crate::problem::Refusal;

/// Lines kept.
const KEEP: usize = 1000;

/// Lines that a follower may be behind.
const BEHIND: usize = 512;

/// Lines that are given when nobody says how many.
const LAST: usize = 100;

/// A line is this long at most, in bytes.
const LINE_MAX: usize = 4096;

/// Lines are gathered for so long: one message a line would cost more than the lines.
const GATHER: Duration = Duration::from_millis(100);

/// What keeps an idle WebSocket alive through routers that forget, and finds out who is gone.
const PING: Duration = Duration::from_secs(20);

/// The newest lines of the log. Cloning shares them.
#[derive(Clone, Debug)]
pub struct Logs(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kept: Mutex<Kept>,
    news: broadcast::Sender<Arc<LogLine>>,
}

#[derive(Debug, Default)]
struct Kept {
    lines: VecDeque<Arc<LogLine>>,
    next: u64,
}

impl Default for Logs {
    fn default() -> Self {
        Self(Arc::new(Inner {
            kept: Mutex::default(),
            news: broadcast::Sender::new(BEHIND),
        }))
    }
}

impl Logs {
    /// Adds a line. Its number is given here; a text that is too long is cut.
    pub fn push(&self, mut line: LogLine) {
        if line.text.len() > LINE_MAX {
            let end = (0..=LINE_MAX)
                .rev()
                .find(|n| line.text.is_char_boundary(*n));
            line.text.truncate(end.unwrap_or(0));
            line.text.push('…');
        }
        let mut kept = self.0.kept.lock();
        line.id = kept.next;
        kept.next += 1;
        let line = Arc::new(line);
        if kept.lines.len() >= KEEP {
            kept.lines.pop_front();
        }
        kept.lines.push_back(Arc::clone(&line));
        // Under the lock, so that followers get lines in the order of their numbers. Nobody
        // following is fine.
        drop(self.0.news.send(line));
    }

    /// The last lines, the oldest first.
    pub fn last(&self, count: usize) -> Vec<Arc<LogLine>> {
        let kept = self.0.kept.lock();
        let skip = kept.lines.len().saturating_sub(count);
        kept.lines.iter().skip(skip).cloned().collect()
    }

    /// The last lines, and all that follow.
    fn follow(&self, count: usize) -> (Vec<Arc<LogLine>>, broadcast::Receiver<Arc<LogLine>>) {
        let kept = self.0.kept.lock();
        let skip = kept.lines.len().saturating_sub(count);
        let last = kept.lines.iter().skip(skip).cloned().collect();
        (last, self.0.news.subscribe())
    }
}

#[derive(Deserialize)]
pub(crate) struct Ask {
    token: Option<String>,
    last: Option<usize>,
}

/// `GET /api/logs?last=100`: the last lines, the oldest first.
pub(crate) async fn last(
    State(app): State<Arc<App>>,
    Query(ask): Query<Ask>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Json<Vec<Arc<LogLine>>>, Refusal> {
    app.control_pass(audit::peer(&extensions), &headers, ask.token.as_deref())?;
    Ok(Json(app.logs.last(ask.last.unwrap_or(LAST))))
}

/// `GET /api/logs/follow`: a WebSocket of [`Batch`]es as JSON, the first one the last lines.
pub(crate) async fn follow(
    State(app): State<Arc<App>>,
    Query(ask): Query<Ask>,
    headers: HeaderMap,
    extensions: Extensions,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Refusal> {
    let pass = app.control_pass(audit::peer(&extensions), &headers, ask.token.as_deref())?;
    let count = ask.last.unwrap_or(LAST);
    Ok(upgrade
        .max_message_size(1024)
        .on_upgrade(move |socket| send(app, pass, count, socket)))
}

/// Lines, and how many were missed before them.
#[derive(Debug, Default, Serialize)]
struct Batch {
    missed: u64,
    lines: Vec<Arc<LogLine>>,
}

async fn send(app: Arc<App>, pass: Pass, count: usize, mut socket: WebSocket) {
    let (lines, mut news) = app.logs.follow(count);
    let mut batch = Batch { missed: 0, lines };
    let mut ping = tokio::time::interval(PING);
    ping.reset();
    let mut lapsed = std::pin::pin!(pass.lapsed(&app.clock));
    loop {
        let Ok(text) = serde_json::to_string(&batch) else {
            return;
        };
        if socket.send(Message::Text(text.into())).await.is_err() {
            return;
        }
        batch = loop {
            tokio::select! {
                () = app.ends.stop.cancelled() => return,
                () = &mut lapsed => return,
                line = news.recv() => {
                    let mut batch = Batch::default();
                    if !batch.take(line) {
                        return;
                    }
                    tokio::time::sleep(GATHER).await;
                    batch.drain(&mut news);
                    break batch;
                }
                message = socket.recv() => match message {
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                    Some(Ok(_)) => {}
                },
                _ = ping.tick() => if socket.send(Message::Ping(bytes::Bytes::new())).await.is_err() {
                    return;
                },
            }
        };
    }
}

impl Batch {
    /// Adds what came; `false` when nothing more will.
    fn take(&mut self, line: Result<Arc<LogLine>, RecvError>) -> bool {
        match line {
            Ok(line) => self.lines.push(line),
            Err(RecvError::Lagged(missed)) => self.missed += missed,
            Err(RecvError::Closed) => return false,
        }
        true
    }

    /// Adds all that is there.
    fn drain(&mut self, news: &mut broadcast::Receiver<Arc<LogLine>>) {
        loop {
            match news.try_recv() {
                Ok(line) => self.lines.push(line),
                Err(TryRecvError::Lagged(missed)) => self.missed += missed,
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests;
