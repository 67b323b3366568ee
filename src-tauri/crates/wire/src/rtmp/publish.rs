//! Sends a channel to an RTMP server.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use media::{Clock, Next, Reader, Timestamp};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::watch;
use tokio::time::{Instant, interval, sleep_until, timeout};
use tokio_rustls::TlsConnector;

use super::address::{Address, Target};
use super::feed::{Feed, Outgoing};
use super::round_trip::Probe;
use super::session::{self, Session, Step};
use crate::{Progress, PublishError, Roots, tls};

/// What is rarely changed.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long the server may take to be reached, and then for each answer.
    pub step: Duration,
    /// How long the server may take no byte of what waits for it.
    pub stall: Duration,
    /// Certificates trusted for `rtmps` beside those that browsers trust.
    pub roots: Roots,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            step: Duration::from_secs(10),
            stall: Duration::from_secs(20),
            roots: Roots::default(),
        }
    }
}

/// A server that closes the connection this soon after accepting a stream did not accept it.
const SOON: Duration = Duration::from_secs(2);

/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_millis(500);

/// Bytes that the kernel may hold unsent. More would only make the broadcast late: packets wait
/// in the hub's reader, which knows how to drop them.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 128 << 10;

/// Publishes what `reader` reads until the channel ends or `stop` becomes true (or its sender is
/// dropped), which is success.
///
/// The reader should want [`media::Want::MP4`]. The first packet sent is a keyframe where there is
/// a video track; timestamps begin at zero. A server that takes less than comes makes the reader
/// drop to the next keyframe, which is counted in `progress`.
///
/// # Errors
/// [`PublishError::Impossible`] for what is not an RTMP address; [`PublishError::Refused`] when the server refuses
/// the application, or the key because it is in use; [`PublishError::WrongKey`] when it refuses the stream key, and
/// [`PublishError::KeyDoubted`] when it hangs up on it; [`PublishError::Lost`] for all
/// else that ends a connection.
pub async fn publish(
    target: Target,
    reader: Reader,
    clock: Clock,
    progress: Arc<Progress>,
    stop: watch::Receiver<bool>,
) -> Result<(), PublishError> {
    publish_with(target, Options::default(), reader, clock, progress, stop).await
}

/// [`publish`] with [`Options`].
///
/// # Errors
/// As [`publish`].
pub async fn publish_with(
    target: Target,
    options: Options,
    mut reader: Reader,
    clock: Clock,
    progress: Arc<Progress>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), PublishError> {
    let address = Address::parse(&target)?;
    let result = tokio::select! {
        biased;
        () = stopped(&mut stop) => return Ok(()),
        connection = connect(&address, &options) => connection,
    };
    let (connection, probe) = result?;
    let mut publication = Publication {
        session: Session::new(address)?,
        probe,
        clock,
        progress,
        options,
        reader: &mut reader,
        lost: 0,
        stop,
    };
    let result = match connection {
        Connection::Plain(stream) => publication.run(stream).await,
        Connection::Tls(stream) => publication.run(stream).await,
    };
    publication.progress.set_connected(false);
    result
}

/// Resolves when somebody says stop, or nobody can say it any more.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, which is a stop as well.
    drop(stop.wait_for(|stop| *stop).await);
}

enum Connection {
    Plain(TcpStream),
    Tls(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

async fn connect(
    address: &Address,
    options: &Options,
) -> Result<(Connection, Probe), PublishError> {
    let name = address.name();
    let stream = match timeout(options.step, connect_tcp(address)).await {
        Ok(stream) => stream?,
        Err(_) => {
            return Err(PublishError::Lost(format!(
                "{name} cannot be reached: no answer within {} seconds. Check the address, and that \
                 this network lets RTMP out.",
                options.step.as_secs()
            )));
        }
    };
    tune(&stream);
    let probe = Probe::new(&stream);
    if !address.tls {
        return Ok((Connection::Plain(stream), probe));
    }
    let unsafe_end = |what: String| {
        PublishError::Lost(format!(
            "{name} did not agree on a secure connection: {what}. Check that the address is one for \
             rtmps://."
        ))
    };
    let config = tls::client(&options.roots).map_err(|error| unsafe_end(error.to_string()))?;
    let server = ServerName::try_from(address.host.clone())
        .map_err(|_| unsafe_end("its name cannot stand in a certificate".to_owned()))?;
    let handshake = TlsConnector::from(Arc::new(config)).connect(server, stream);
    match timeout(options.step, handshake).await {
        Ok(Ok(stream)) => Ok((Connection::Tls(Box::new(stream)), probe)),
        Ok(Err(error)) => Err(unsafe_end(
            tls::words(&error).unwrap_or_else(|| error.to_string()),
        )),
        Err(_) => Err(unsafe_end(format!(
            "no answer within {} seconds",
            options.step.as_secs()
        ))),
    }
}

/// Tries the addresses of a name in turn, giving each a fair part of the time.
async fn connect_tcp(address: &Address) -> Result<TcpStream, PublishError> {
    let name = address.name();
    let addresses = lookup_host((address.host.as_str(), address.port))
        .await
        .map_err(|_| {
            PublishError::Lost(format!(
                "{name} cannot be found. Check the address and the connection to the internet."
            ))
        })?;
    let mut why = None;
    for address in addresses {
        match timeout(Duration::from_secs(4), TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => why = Some(error),
            Err(_) => why = why.or(Some(io::ErrorKind::TimedOut.into())),
        }
    }
    let what = match why.map(|error| error.kind()) {
        Some(io::ErrorKind::ConnectionRefused) => "nothing listens at that port",
        Some(io::ErrorKind::TimedOut) => "no answer",
        _ => "the network does not lead there",
    };
    Err(PublishError::Lost(format!(
        "{name} cannot be reached: {what}. Check the address, and that the server is running."
    )))
}

/// Small things that make a live stream live; a system that cannot do them does without.
fn tune(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = socket2::SockRef::from(stream).set_tcp_notsent_lowat(UNSENT) {
        tracing::debug!(%error, "no TCP_NOTSENT_LOWAT");
    }
}

/// Sends what waits, or makes sure that what was sent is on its way. Loses nothing when cancelled.
async fn send_some(to: &mut (impl AsyncWrite + Unpin), waiting: &[u8]) -> Event {
    if waiting.is_empty() {
        Event::Flushed(to.flush().await)
    } else {
        Event::Sent(to.write(waiting).await)
    }
}

struct Publication<'a> {
    session: Session,
    probe: Probe,
    clock: Clock,
    progress: Arc<Progress>,
    options: Options,
    reader: &'a mut Reader,
    /// What the reader has lost, as far as it is counted.
    lost: u64,
    stop: watch::Receiver<bool>,
}

/// What happened, in the one loop of a publication.
enum Event {
    Received(io::Result<usize>),
    Sent(io::Result<usize>),
    Flushed(io::Result<()>),
    Media(Next),
    Look,
    Stop,
    Late,
}

impl Publication<'_> {
    async fn run(&mut self, stream: impl AsyncRead + AsyncWrite) -> Result<(), PublishError> {
        let (mut from, mut to) = tokio::io::split(stream);
        let mut incoming = BytesMut::with_capacity(16 << 10);
        let mut feed = Feed::default();
        let mut accepted: Option<Timestamp> = None;
        let mut flushed = true;
        // While the server takes nothing, the reader's losses are still counted.
        let mut look = interval(Duration::from_secs(1));
        // Until media flows: when the server must have answered. Then: when it must have taken
        // some of what waits.
        let mut deadline = Instant::now() + self.options.step;
        loop {
            let live = accepted.is_some();
            let idle = self.session.output().is_empty();
            let event = tokio::select! {
                biased;
                () = stopped(&mut self.stop) => Event::Stop,
                read = from.read_buf(&mut incoming) => Event::Received(read),
                event = send_some(&mut to, self.session.output()), if !idle || !flushed => event,
                next = self.reader.next(), if idle && flushed && live => Event::Media(next),
                _ = look.tick(), if live => Event::Look,
                () = sleep_until(deadline), if !(live && idle && flushed) => Event::Late,
            };
            self.count_losses();
            match event {
                Event::Received(Ok(0)) => return Err(self.closed(accepted)),
                Event::Received(Err(_)) | Event::Sent(Err(_) | Ok(0)) | Event::Flushed(Err(_)) => {
                    return Err(self.closed(accepted));
                }
                Event::Received(Ok(_)) => {
                    let before = self.session.step();
                    self.session.receive(&incoming)?;
                    incoming.clear();
                    let step = self.session.step();
                    if step > before && !live {
                        deadline = Instant::now() + self.options.step;
                    }
                    if step == Step::Publishing && !live {
                        accepted = Some(self.clock.now());
                        self.progress.set_connected(true);
                    }
                }
                Event::Sent(Ok(bytes)) => {
                    session::sent(self.session.output(), bytes);
                    flushed = false;
                    if live {
                        deadline = Instant::now() + self.options.stall;
                    }
                }
                Event::Flushed(Ok(())) => flushed = true,
                Event::Media(next) => {
                    let end = matches!(next, Next::End);
                    if let Next::Gap(_) = next {
                        self.reader.channel().request_keyframe();
                    }
                    self.send(feed.take(next))?;
                    if end {
                        break;
                    }
                    deadline = Instant::now() + self.options.stall;
                }
                Event::Look => {
                    if let Some(round_trip) = self.probe.look() {
                        self.progress.set_round_trip(round_trip);
                    }
                }
                Event::Stop => break,
                Event::Late => return Err(self.late(live)),
            }
        }
        self.session.close()?;
        // Whether the goodbye arrives changes nothing.
        let goodbye = async {
            to.write_all(self.session.output()).await?;
            to.shutdown().await
        };
        drop(timeout(GOODBYE, goodbye).await);
        Ok(())
    }

    fn send(&mut self, messages: Vec<Outgoing>) -> Result<(), PublishError> {
        for message in messages {
            match message {
                Outgoing::Metadata(script) => self.session.metadata(&script)?,
                Outgoing::Header(m) => self.session.media(m.kind, m.timestamp, m.body)?,
                Outgoing::Packet(m) => {
                    self.progress.sent(m.body.len());
                    self.session.media(m.kind, m.timestamp, m.body)?;
                }
            }
        }
        Ok(())
    }

    fn count_losses(&mut self) {
        let lost = self.reader.dropped();
        self.progress.lost(lost - self.lost);
        self.lost = lost;
    }

    fn closed(&self, accepted: Option<Timestamp>) -> PublishError {
        let soon = accepted.is_some_and(|at| self.clock.now().since(at) < SOON);
        self.session.closed(soon)
    }

    fn late(&mut self, live: bool) -> PublishError {
        let name = self.session.name();
        PublishError::Lost(if live {
            format!(
                "{name} has taken no data for {} seconds.",
                self.options.stall.as_secs()
            )
        } else {
            format!(
                "{name} does not answer: {} has been waited for for {} seconds.",
                self.session.step().waits_for(),
                self.options.step.as_secs()
            )
        })
    }
}

#[cfg(test)]
mod tests;
