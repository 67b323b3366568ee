//! Taking a publisher in: the server's side of RTMP 1.0 and of Enhanced RTMP v2.
//!
//! [`serve`] serves one connection. Inside, each part is without I/O: `handshake` and `session`
//! speak the protocol, `timeline` and `cadence` make its milliseconds the time of the house, and
//! `intake` writes to the hub. What is taken is H.264 and AAC, as FLV has them (codec numbers 7 and
//! 10) or named by four characters (`avc1`, `mp4a`).
//!
//! Everything that a stranger can make grow is bounded: the time to a stream key, messages (small
//! until the key is accepted), streams, unread answers, and the time without sound or picture.

mod cadence;
mod handshake;
mod inlet;
mod intake;
mod session;
mod timeline;

use std::future::Future;
use std::io;
use std::pin::pin;
use std::time::Duration;

use bytes::BytesMut;
use container::flv;
use media::{ChannelInfo, ChannelName, Clock, Hub, Origin, Timestamp, Writer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::{amf0, chunk};
use inlet::Patient;
use intake::Intake;
use session::{Event, Session};

pub use inlet::Inlet;

/// Bytes read at once.
const READ: usize = 64 << 10;

/// Room for less than this is not read into.
const LEAST_READ: usize = 16 << 10;

/// Who publishes is not woken up for before so many bytes are there: encoders write the header of a message and then
/// what it carries, and to wake up for each costs as much again. No message with sound or picture is shorter but for a
/// few of silence, which then come with the next one.
const WORTH: usize = 17;

/// How long a peer may take no byte of what waits for it.
const STALL: Duration = Duration::from_secs(10);

/// How long the last words may take. A peer that still sends must read them before the connection is
/// closed under it, or they are lost on the way.
const FAREWELL: Duration = Duration::from_secs(1);

/// What a publisher asks for. The texts are its own: up to 1 024 characters of anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The application: `live` of `rtmp://host/live/key`.
    pub app: String,
    /// The stream key, with its query: `key` of `rtmp://host/live/key`.
    pub key: String,
}

/// A publisher that is let in.
#[derive(Debug)]
pub struct Admission {
    /// The channel's writing end; it is dropped, and the channel so ended, when the publisher goes.
    pub writer: Writer,
    /// Cancelled when the publisher has to go.
    pub end: CancellationToken,
}

/// Why a publisher is not let in, in words for people: most programs show the first 200 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// `NetStream.Publish.Denied`: not this publisher, or not now.
    Denied(String),
    /// `NetStream.Publish.BadName`: not under this name, or somebody else has it.
    BadName(String),
}

/// Why a connection ended otherwise than by its publisher's goodbye.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The peer speaks something else.
    #[error("the peer does not speak RTMP")]
    NotRtmp,
    /// The peer wants RTMPE.
    #[error("the peer wants encrypted RTMP (RTMPE), which is not spoken here")]
    Encrypted,
    /// What came are no chunks, or too large ones.
    #[error(transparent)]
    Chunk(#[from] chunk::Error),
    /// A command that is none.
    #[error(transparent)]
    Amf(#[from] amf0::Error),
    /// The peer creates stream after stream.
    #[error("the peer creates too many streams")]
    TooManyStreams,
    /// The peer takes no answers.
    #[error("the peer does not read what is sent to it")]
    Unread,
    /// The peer wants to watch.
    #[error("the peer wants to play, which is not done over RTMP here")]
    Player,
    /// The peer was waited for in vain.
    #[error("the peer was waited for in vain: {0} did not come")]
    Late(&'static str),
    /// The publisher was not let in, or not let go on; it was told so in these words.
    #[error("{0}")]
    Refused(String),
    /// The connection broke, or was closed without a goodbye.
    #[error("the connection was lost: {0}")]
    Lost(String),
}

/// Serves one connection until its publisher goes, or is told to by `stop` and then by
/// [`Admission::end`].
///
/// `admit` is asked once, when the peer names its stream; until it answers nothing more is read.
/// The channel ends when this returns, or is dropped.
///
/// # Errors
/// [`Error`] says what ended it otherwise than by a goodbye of either side.
pub async fn serve<S, A, F>(
    stream: S,
    clock: Clock,
    stop: CancellationToken,
    admit: A,
) -> Result<(), Error>
where
    S: Inlet,
    A: FnOnce(Request) -> F,
    F: Future<Output = Result<Admission, Refusal>>,
{
    let (mut from, mut to) = stream.halves();
    let mut connection = Connection {
        session: Session::new(clock.now()),
        clock,
        end: stop,
        live: None,
    };
    let result = connection.run(&mut from, &mut to, admit).await;
    from.wait_for(1);
    // Viewers need not wait for the goodbye.
    connection.live = None;
    let output = connection.session.output().split();
    let farewell = async {
        to.write_all(&output).await?;
        to.shutdown().await?;
        let mut rest = BytesMut::with_capacity(READ);
        while from.read_buf(&mut rest).await? > 0 {
            rest.clear();
        }
        io::Result::Ok(())
    };
    let broken = matches!(result, Err(Error::Lost(_)));
    if !broken {
        // Whether it arrives changes nothing.
        drop(timeout(FAREWELL, farewell).await);
    }
    result
}

struct Connection {
    session: Session,
    clock: Clock,
    end: CancellationToken,
    live: Option<(Writer, Intake)>,
}

/// What happened, in the one loop of a connection.
enum Happened {
    Told,
    Sent(io::Result<usize>),
    Received(io::Result<usize>),
    Rang,
}

impl Connection {
    async fn run<A, F>(
        &mut self,
        from: &mut (impl AsyncRead + Unpin + Patient),
        to: &mut (impl AsyncWrite + Unpin),
        admit: A,
    ) -> Result<(), Error>
    where
        A: FnOnce(Request) -> F,
        F: Future<Output = Result<Admission, Refusal>>,
    {
        let mut admit = Some(admit);
        let mut incoming = BytesMut::new();
        let mut stalled: Option<Timestamp> = None;
        let mut least = 1;
        // Both outlive a turn of the loop: to wait anew for what seldom comes would cost each message as
        // much as reading it.
        let mut told = pin!(self.end.clone().cancelled_owned());
        let mut timer = pin!(sleep_until(self.instant(self.session.deadline())));
        loop {
            while let Some(event) = self.session.poll(self.clock.now())? {
                match event {
                    Event::Publish(request) => match admit.take() {
                        Some(admit) => {
                            self.decide(admit(request)).await?;
                            told.set(self.end.clone().cancelled_owned());
                        }
                        None => return Err(Error::NotRtmp),
                    },
                    Event::Metadata(values) => {
                        if let Some((_, intake)) = &mut self.live {
                            intake.metadata(&values);
                        }
                    }
                    Event::Media(message) => self.take(&message)?,
                    Event::Unpublish => return Ok(()),
                }
            }
            let worth = match &self.live {
                Some(_) => self.session.missing().min(WORTH),
                None => 1,
            };
            if worth != least {
                least = worth;
                from.wait_for(least);
            }
            let waiting = !self.session.output().is_empty();
            stalled = match stalled {
                _ if !waiting => None,
                Some(until) => Some(until),
                None => Some(self.clock.now() + STALL),
            };
            let deadline = self.session.deadline();
            let deadline = stalled.map_or(deadline, |until| deadline.min(until));
            // Most deadlines move away before they come; then it rings early, and is set anew.
            if self.instant(deadline) < timer.deadline() {
                timer.as_mut().reset(self.instant(deadline));
            }
            // Messages lie where they were read, several to a block: a block for each would hold more air than media.
            if incoming.capacity() - incoming.len() < LEAST_READ {
                incoming.reserve(READ);
            }
            let happened = tokio::select! {
                biased;
                () = &mut told => Happened::Told,
                sent = to.write(self.session.output()), if waiting => Happened::Sent(sent),
                read = from.read_buf(&mut incoming) => Happened::Received(read),
                () = &mut timer => Happened::Rang,
            };
            match happened {
                Happened::Told => return self.dismiss(),
                Happened::Sent(Ok(bytes)) if bytes > 0 => {
                    session::sent(self.session.output(), bytes);
                    stalled = None;
                }
                Happened::Received(Ok(bytes)) if bytes > 0 => {
                    self.session.take(&mut incoming)?;
                }
                Happened::Sent(Ok(_)) | Happened::Received(Ok(_)) => {
                    return Err(Error::Lost("it was closed".to_owned()));
                }
                Happened::Sent(Err(error)) | Happened::Received(Err(error)) => {
                    return Err(Error::Lost(error.to_string()));
                }
                Happened::Rang if self.instant(deadline) > timer.deadline() => {
                    timer.as_mut().reset(self.instant(deadline));
                }
                Happened::Rang if stalled == Some(deadline) => return Err(Error::Unread),
                Happened::Rang => return Err(self.session.late()),
            }
        }
    }

    fn instant(&self, at: Timestamp) -> Instant {
        Instant::from_std(self.clock.instant(at))
    }

    async fn decide(
        &mut self,
        answer: impl Future<Output = Result<Admission, Refusal>>,
    ) -> Result<(), Error> {
        let answer = tokio::select! {
            biased;
            // The loop sees it again, and says so.
            () = self.end.cancelled() => return Ok(()),
            answer = answer => answer,
        };
        match answer {
            Ok(Admission { writer, end }) => {
                self.end = end;
                self.live = Some((writer, Intake::default()));
                self.session.accept(self.clock.now())
            }
            Err(refusal) => {
                self.session.refuse(&refusal)?;
                let (Refusal::Denied(words) | Refusal::BadName(words)) = refusal;
                Err(Error::Refused(words))
            }
        }
    }

    fn dismiss(&mut self) -> Result<(), Error> {
        let words = "The station has ended this broadcast.";
        self.session.refuse(&Refusal::Denied(words.to_owned()))
    }

    fn take(&mut self, message: &chunk::Message) -> Result<(), Error> {
        let Some((writer, intake)) = &mut self.live else {
            return Ok(());
        };
        match intake.take(message, self.clock.now(), writer) {
            Ok(()) => Ok(()),
            Err(error) => {
                let words = in_a_sentence(&error);
                self.session.refuse(&Refusal::Denied(words.clone()))?;
                Err(Error::Refused(words))
            }
        }
    }
}

/// What is wrong with a stream, as its publisher reads it.
fn in_a_sentence(error: &flv::Error) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), letters.as_str()),
        None => text,
    }
}

/// A whole connection at one moment, without I/O, for fuzzing: what it writes goes to a hub that
/// nobody reads.
pub(crate) fn replay(bytes: &[u8]) {
    let now = Timestamp::ZERO;
    let info = ChannelInfo {
        origin: Origin::Rtmp,
        title: String::new(),
    };
    let Ok(mut writer) = Hub::new(1).publish(ChannelName::program(), info, now) else {
        return;
    };
    let (mut session, mut intake) = (Session::new(now), Intake::default());
    for piece in bytes.chunks(READ) {
        let mut all = || -> Result<(), Error> {
            session.feed(piece)?;
            while let Some(event) = session.poll(now)? {
                match event {
                    Event::Publish(_) => session.accept(now)?,
                    Event::Metadata(values) => intake.metadata(&values),
                    // A stream that is refused is over; here it goes on, which does no harm either.
                    Event::Media(message) => drop(intake.take(&message, now, &mut writer)),
                    Event::Unpublish => {}
                }
            }
            Ok(())
        };
        if all().is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
