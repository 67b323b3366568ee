//! Publishers over RTMP: `rtmp://host:1935/live`, where the stream key names the channel.
//!
//! The key is the channel's name where anyone may publish, and else the name with a secret behind
//! it: `channel?key=SECRET`, or `channel?token=SECRET`. Encoders that ask for one address take
//! `rtmp://host:1935/live/channel?key=SECRET`.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};

use api::{Code, Problem};
use media::{ChannelName, Origin};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{self, Handle};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wire::rtmp::ingest::{self, Error, Refusal};

use crate::accept::{Limits, REST};
use crate::app::App;
use crate::gate::{Gate, Pass};
use crate::ingest::{Request, admit};

/// The one application.
const APP: &str = "live";

/// The thread that reads all publishers. Their packets wait for nothing else that the station does, and
/// nothing is handed from thread to thread, which would cost more than reading them.
pub(crate) struct Publishers {
    handle: Handle,
    end: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Publishers {
    /// Starts it.
    ///
    /// # Errors
    /// The system has no more threads or descriptors.
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        let end = CancellationToken::new();
        let ended = end.clone().cancelled_owned();
        let thread = Builder::new()
            .name("publishers".into())
            .spawn(move || runtime.block_on(ended))?;
        Ok(Self {
            handle,
            end,
            thread: Some(thread),
        })
    }

    /// Where its tasks are started.
    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Brings a listener here that was opened elsewhere.
    ///
    /// # Errors
    /// The system does not watch one more socket.
    pub(crate) fn adopt(&self, listener: TcpListener) -> io::Result<TcpListener> {
        let listener = listener.into_std()?;
        let _here = self.handle.enter();
        TcpListener::from_std(listener)
    }
}

impl Drop for Publishers {
    fn drop(&mut self) {
        self.end.cancel();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the publishers' thread had panicked");
        }
    }
}

/// Takes publishers until the station stops; each is a task of `tasks`, and is told when it does.
pub(crate) async fn run(listener: TcpListener, app: Arc<App>, limits: Limits, tasks: TaskTracker) {
    let gate = Gate::new(limits.publishers, limits.publishers_per_address);
    loop {
        let accepted = tokio::select! {
            () = app.ends.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => match gate.enter(peer.ip()) {
                Some(pass) => {
                    // Answers leave at once; without it they only come later.
                    drop(stream.set_nodelay(true));
                    let peer = peer.ip().to_canonical();
                    tasks.spawn(serve(stream, peer, Arc::clone(&app), pass));
                }
                // RTMP has no words before its handshake.
                None => tracing::debug!(%peer, "no connection free for a publisher"),
            },
            Err(error) => {
                tracing::warn!(%error, "an RTMP connection was not accepted");
                tokio::time::sleep(REST).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, peer: IpAddr, app: Arc<App>, _pass: Pass) {
    let stop = app.ends.stop.clone();
    let entered = AtomicBool::new(false);
    let ask = |request: ingest::Request| {
        let answer = enter(&app, &request, peer);
        entered.store(answer.is_ok(), Ordering::Relaxed);
        std::future::ready(answer)
    };
    let served = tokio::select! {
        served = ingest::serve(stream, app.clock, stop, ask) => served,
        () = app.ends.cut.cancelled() => return,
    };
    match served {
        Ok(()) => tracing::info!(%peer, "an RTMP publisher went"),
        Err(error @ Error::Refused(_)) => {
            tracing::info!(%peer, %error, "an RTMP publisher was sent away");
        }
        Err(error @ (Error::Lost(_) | Error::Late(_))) if entered.load(Ordering::Relaxed) => {
            tracing::info!(%peer, %error, "an RTMP publisher was lost");
        }
        // Strangers who try doors, or go before they say who they are, are no news.
        Err(error) => tracing::debug!(%peer, %error, "an RTMP connection ended"),
    }
}

/// Asks at the one door for all publishers.
fn enter(app: &App, request: &ingest::Request, peer: IpAddr) -> Result<ingest::Admission, Refusal> {
    if request.app.trim_matches('/') != APP {
        return Err(Refusal::Denied(format!(
            "This station takes publishers at rtmp://…/{APP}, with the channel's name as stream key."
        )));
    }
    let (channel, key) = name_and_key(&request.key)?;
    let request = Request {
        channel,
        origin: Origin::Rtmp,
        key,
        peer,
    };
    let admission = admit(app, request).map_err(refusal)?;
    Ok(ingest::Admission {
        writer: admission.writer,
        end: admission.end,
    })
}

/// A stream key taken apart.
fn name_and_key(stream: &str) -> Result<(ChannelName, Option<&str>), Refusal> {
    let (name, query) = stream.split_once('?').unwrap_or((stream, ""));
    let name = name.trim_matches('/').parse().map_err(|_| {
        Refusal::BadName(
            "A stream key begins with a channel's name: 1 to 64 letters, digits, '-' or '_'. \
             A secret goes behind it: name?key=SECRET."
                .to_owned(),
        )
    })?;
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let key = pairs
        .filter(|(name, _)| matches!(*name, "key" | "token"))
        .map(|(_, value)| value)
        .find(|value| !value.is_empty());
    Ok((name, key))
}

fn refusal(problem: Problem) -> Refusal {
    match problem.code {
        Code::Conflict | Code::Invalid => Refusal::BadName(problem.message),
        _ => Refusal::Denied(problem.message),
    }
}

#[cfg(test)]
mod tests;
