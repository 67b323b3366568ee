//! The accept loop: connections with limits, on hyper with its timer set, plain and over TLS.
//!
//! `axum::serve` sets no timer, and without one the header time-out does nothing. Limited are the
//! number of connections in all and from one address, the time and size of headers, how long a peer
//! may refuse to take what is written to it, and how much it may send once it has a WebSocket. The
//! limits hold under every protocol above, TLS too, whatever its library allows; a handshake has the
//! time of a header.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::StatusCode;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::gate::{Gate, Pass};

/// What one connection, and all of them together, may ask for.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// Connections at once from one address; the machine's own is not limited.
    pub connections_per_address: usize,
    /// RTMP connections at once, beside those.
    pub publishers: usize,
    /// RTMP connections at once from one address; the machine's own is not limited.
    pub publishers_per_address: usize,
    /// A request's headers have arrived in this time; also how long an idle connection is kept.
    pub header_time: Duration,
    /// A peer that takes nothing of what is written to it for this long is let go.
    pub write_time: Duration,
    /// Bytes that a peer may send through a WebSocket at once; a quarter of them more each second.
    pub websocket_bytes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            connections_per_address: 256,
            publishers: 256,
            publishers_per_address: 32,
            header_time: Duration::from_secs(15),
            write_time: Duration::from_secs(30),
            websocket_bytes: 256 * 1024,
        }
    }
}

/// Bytes of a request's line and headers.
const HEADER_BYTES: usize = 64 * 1024;

/// Header lines of a request.
const HEADER_LINES: usize = 100;

/// What is said to a connection too many, before it is closed.
const BUSY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\n\
    Content-Type: text/plain\r\nContent-Length: 44\r\n\r\nThis station has no connection free. Wait.\r\n";

/// How long a request may still take when the station stops.
const FAREWELL: Duration = Duration::from_secs(2);

/// How long to rest when the system gives no more connections (out of file descriptors).
pub(crate) const REST: Duration = Duration::from_millis(100);

/// Stands in an answer that opens a WebSocket for somebody whom a key has let in to send media: it is
/// bounded by what the media may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unmetered;

/// The two ends of a station.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ends {
    /// Nothing new begins; what is under way ends in order.
    pub(crate) stop: CancellationToken,
    /// Every connection is closed, whatever happens on it.
    pub(crate) cut: CancellationToken,
}

/// What all connections share, on whichever port they come.
#[derive(Clone)]
pub(crate) struct Lobby {
    gate: Arc<Gate>,
    router: Router,
    limits: Limits,
    ends: Ends,
    tasks: TaskTracker,
}

impl Lobby {
    pub(crate) fn new(router: Router, limits: Limits, ends: Ends, tasks: TaskTracker) -> Self {
        Self {
            gate: Gate::new(limits.connections, limits.connections_per_address),
            router,
            limits,
            ends,
            tasks,
        }
    }
}

/// Accepts until the station stops, over TLS when there is an acceptor for it; each connection is a
/// task and ends its current request first.
pub(crate) async fn run(listener: TcpListener, tls: Option<TlsAcceptor>, lobby: Lobby) {
    loop {
        let accepted = tokio::select! {
            () = lobby.ends.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => match lobby.gate.enter(peer.ip()) {
                Some(pass) => {
                    // Small answers and chat lines leave at once; without it they only come later.
                    drop(stream.set_nodelay(true));
                    let stream = Limited::new(stream, pass, lobby.limits, lobby.ends.cut.clone());
                    let served = enter(stream, peer, tls.clone(), lobby.clone());
                    lobby.tasks.spawn(served);
                }
                None => {
                    tracing::debug!(%peer, "no connection free");
                    // The peer is let go either way. Over TLS it would not understand the words.
                    if tls.is_none() {
                        drop(stream.try_write(BUSY));
                    }
                }
            },
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(REST).await;
            }
        }
    }
}

async fn enter(stream: Limited, peer: SocketAddr, tls: Option<TlsAcceptor>, lobby: Lobby) {
    let upgraded = Arc::clone(&stream.upgraded);
    let Some(tls) = tls else {
        return serve(stream, upgraded, peer, lobby).await;
    };
    let hello = tokio::time::timeout(lobby.limits.header_time, tls.accept(stream));
    let shaken = tokio::select! {
        () = lobby.ends.stop.cancelled() => return,
        shaken = hello => shaken,
    };
    match shaken {
        Ok(Ok(stream)) => serve(stream, upgraded, peer, lobby).await,
        // A device that does not trust the certificate says so here.
        Ok(Err(error)) => tracing::debug!(%peer, %error, "no TLS was agreed on"),
        Err(_) => tracing::debug!(%peer, "a TLS handshake took too long"),
    }
}

async fn serve<S>(stream: S, upgraded: Arc<AtomicBool>, peer: SocketAddr, lobby: Lobby)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let Lobby {
        router,
        limits,
        ends,
        ..
    } = lobby;
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let answered = router.clone().oneshot(request.map(Body::new));
        let upgraded = Arc::clone(&upgraded);
        async move {
            let answer = answered.await?;
            let metered = answer.extensions().get::<Unmetered>().is_none();
            if answer.status() == StatusCode::SWITCHING_PROTOCOLS && metered {
                upgraded.store(true, Ordering::Relaxed);
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_time)
        .max_headers(HEADER_LINES)
        .max_buf_size(HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = ends.stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            match tokio::time::timeout(FAREWELL, connection).await {
                Ok(ended) => ended,
                Err(_) => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "a connection broke");
    }
}

/// A stream that holds its place, also after an upgrade, and gives up on a peer that takes nothing
/// or sends too much.
struct Limited {
    stream: TcpStream,
    limits: Limits,
    stalled: Option<Pin<Box<Sleep>>>,
    /// It is a WebSocket now.
    upgraded: Arc<AtomicBool>,
    /// Bytes that may still come through the WebSocket, and since when they are counted.
    allowance: Option<(f64, Instant)>,
    /// Ends whatever has not ended by itself.
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    _pass: Pass,
}

impl Limited {
    fn new(stream: TcpStream, pass: Pass, limits: Limits, cut: CancellationToken) -> Self {
        Self {
            stream,
            limits,
            stalled: None,
            upgraded: Arc::default(),
            allowance: None,
            cut: Box::pin(cut.cancelled_owned()),
            _pass: pass,
        }
    }

    /// Counts what has come through a WebSocket.
    fn spend(&mut self, bytes: usize) -> io::Result<()> {
        if !self.upgraded.load(Ordering::Relaxed) {
            return Ok(());
        }
        let burst = f64::from(self.limits.websocket_bytes);
        let now = Instant::now();
        let (left, since) = self.allowance.unwrap_or((burst, now));
        let more = now.duration_since(since).as_secs_f64() * burst / 4.0;
        let left = (left + more).min(burst) - bytes as f64;
        self.allowance = Some((left, now));
        if left < 0.0 {
            return Err(io::Error::new(
                io::ErrorKind::QuotaExceeded,
                "the peer sends too much through its WebSocket",
            ));
        }
        Ok(())
    }

    /// Passes on what a write says, and fails when it has said nothing for too long.
    fn watch<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let write_time = self.limits.write_time;
        let stalled = self
            .stalled
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + write_time)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Limited {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.cut.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let came = buffer.filled().len() - before;
        Poll::Ready(self.spend(came))
    }
}

impl AsyncWrite for Limited {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, buffers);
        self.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.watch(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
