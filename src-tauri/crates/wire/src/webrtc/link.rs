//! What all sessions have in common, whichever way their media goes: an offer answered, a path found,
//! keys agreed, and an end.
//!
//! A link does no I/O and reads no clock. It is fed datagrams and the time, and is drained of datagrams
//! and news until it says when to come back. Behind it stand the parts of the `rtc` stack, each by
//! itself: its ICE agent in [`Path`], its DTLS in [`Handshake`], its SRTP in [`super::seal`].

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use media::{Clock, Timestamp};
use rtc::crypto::RTCCryptoProvider;
use rtc::peer_connection::certificate::RTCCertificate;
use rtc::shared::error::Result;
use rtc::shared::marshal::Unmarshal;

use super::answer::{self, Stream};
use super::keys::{Handshake, Told};
use super::listener::Heard;
use super::offer::{Plan, Remote, Trickled};
use super::path::{Ends, Path};
use super::seal::{Header, Opener, Sealer};
use super::{OfferError, candidates};

/// A session that hears nothing for so long, or does not connect, is over.
pub(crate) const SILENCE: Duration = Duration::from_secs(15);

/// A UDP datagram and its two ends.
#[derive(Clone, Debug)]
pub(crate) struct Datagram {
    pub(crate) local: SocketAddr,
    pub(crate) peer: SocketAddr,
    pub(crate) data: BytesMut,
}

/// Where sealed media leaves.
pub(crate) trait Exit {
    /// Room for a datagram: exactly `length` bytes are to be appended.
    fn datagram(&mut self, ends: Ends, length: usize) -> &mut Vec<u8>;
}

/// What every session of a station has in common.
#[derive(Clone)]
pub(crate) struct Common {
    pub(crate) certificate: RTCCertificate,
    /// The certificate's SHA-256, as SDP writes it.
    pub(crate) fingerprint: String,
    pub(crate) provider: Arc<dyn RTCCryptoProvider>,
    pub(crate) clock: Clock,
}

/// Names and secrets of one session, unguessable.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// The ICE username fragment by which its datagrams are found.
    pub(crate) fragment: String,
    /// The ICE password.
    pub(crate) password: String,
    /// Where its numbers begin.
    pub(crate) seed: u64,
}

/// What a session begins with.
#[derive(Clone, Copy)]
pub(crate) struct Opening<'a> {
    pub(crate) common: &'a Common,
    pub(crate) identity: &'a Identity,
    /// Our addresses, best first.
    pub(crate) locals: &'a [SocketAddr],
    /// Addresses that others see and that lead to one of ours.
    pub(crate) extra: &'a [SocketAddr],
    /// From where the offer came; its candidates lead back there.
    pub(crate) from: IpAddr,
    pub(crate) now: Timestamp,
}

/// What changes once in the life of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// Media can flow from now on.
    Connected,
    /// It is over; nothing more comes but its last datagrams.
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Connecting,
    Connected,
    Closed,
}

/// What a datagram is, by its first bytes (RFC 7983, section 7; RFC 5761, section 4).
enum Class {
    Check,
    Record,
    Media,
    Reports,
    Other,
}

impl Class {
    fn of(data: &[u8]) -> Self {
        match data {
            [0..=3, ..] => Self::Check,
            [20..=63, ..] => Self::Record,
            [128..=191, 192..=223, ..] => Self::Reports,
            [128..=191, _, ..] => Self::Media,
            _ => Self::Other,
        }
    }
}

/// A connection to one far end.
pub(crate) struct Link {
    path: Path,
    handshake: Handshake,
    sealer: Option<Sealer>,
    opener: Option<Opener>,
    /// Whether the far end's media is wanted.
    receives: bool,
    heard: Heard,
    state: State,
    /// When it ends unless something is heard before.
    expires: Timestamp,
    /// A hello that came before there was a path.
    early: Option<BytesMut>,
    news: VecDeque<News>,
    outgoing: VecDeque<Datagram>,
}

impl Link {
    /// Answers a planned offer; `streams` are what is sent. What does not fit is the offer's fault.
    pub(crate) fn answer(
        opening: &Opening<'_>,
        plan: &Plan,
        streams: &[Stream],
    ) -> std::result::Result<(Self, String), OfferError> {
        let sdp = answer::write(opening, plan, streams);
        let malformed = |error: rtc::shared::error::Error| OfferError::Malformed(error.to_string());
        let path = Path::new(opening, &plan.remote).map_err(malformed)?;
        let handshake =
            Handshake::new(opening.common, &plan.remote, plan.peer_begins).map_err(malformed)?;
        let link = Self {
            path,
            handshake,
            sealer: None,
            opener: None,
            receives: streams.is_empty(),
            heard: Heard::default(),
            state: State::Connecting,
            expires: opening.now + SILENCE,
            early: None,
            news: VecDeque::new(),
            outgoing: VecDeque::new(),
        };
        Ok((link, sdp))
    }

    /// Looks for a path anew, under new names on both ends; media goes on meanwhile.
    ///
    /// # Errors
    /// The far end's part does not fit.
    pub(crate) fn restart(
        &mut self,
        names: (&str, &str),
        remote: &Remote,
        now: Timestamp,
    ) -> Result<()> {
        self.path.restart(names, remote, now)?;
        self.expires = self.expires.max(now + SILENCE);
        self.settle(now);
        Ok(())
    }

    /// Takes further addresses of the far end.
    pub(crate) fn trickle(&mut self, more: &Trickled, now: Timestamp) {
        if let Err(error) = self.path.trickle(more) {
            tracing::debug!(%error, "a candidate was not taken");
        }
        self.settle(now);
    }

    /// Whether media can flow.
    pub(crate) fn connected(&self) -> bool {
        self.state == State::Connected
    }

    /// Takes a datagram from the network.
    pub(crate) fn handle_datagram(&mut self, datagram: Datagram, now: Timestamp) {
        if self.state == State::Closed {
            return;
        }
        if self.state == State::Connected {
            self.expires = now + SILENCE;
        }
        let read = match Class::of(&datagram.data) {
            Class::Check => {
                self.path.handle_datagram(datagram, now);
                Ok(())
            }
            Class::Record if self.path.ends().is_none() => {
                self.early = Some(datagram.data);
                Ok(())
            }
            Class::Record => self.record(datagram.data, now),
            Class::Media => self.media(&datagram.data),
            Class::Reports => self.reports(&datagram.data),
            Class::Other => Ok(()),
        };
        if let Err(error) = read {
            tracing::debug!(%error, "a datagram was not understood");
        }
        self.settle(now);
    }

    fn record(&mut self, data: BytesMut, now: Timestamp) -> Result<()> {
        match self.handshake.read(data, now)? {
            Told::Nothing => {}
            Told::Agreed(keys) => {
                let (sealer, opener) = *keys;
                self.sealer = Some(sealer);
                self.opener = Some(opener);
            }
            Told::Left => self.close(now),
        }
        Ok(())
    }

    fn media(&mut self, data: &[u8]) -> Result<()> {
        if let (true, Some(opener)) = (self.receives, &mut self.opener) {
            let mut opened = opener.media(data)?;
            self.heard
                .receive(rtc::rtp::Packet::unmarshal(&mut opened)?);
        }
        Ok(())
    }

    fn reports(&mut self, data: &[u8]) -> Result<()> {
        if let Some(opener) = &mut self.opener {
            let mut opened = opener.reports(data)?;
            self.heard.hear(&rtc::rtcp::packet::unmarshal(&mut opened)?);
        }
        Ok(())
    }

    /// Lets time pass.
    pub(crate) fn handle_timeout(&mut self, now: Timestamp) {
        if self.state == State::Closed {
            return;
        }
        if now >= self.expires {
            self.close(now);
            return;
        }
        self.path.handle_timeout(now);
        if let Err(error) = self.handshake.handle_timeout(now) {
            // What comes next from the far end may still complete it; silence ends it otherwise.
            tracing::debug!(%error, "a handshake has nothing to say again");
        }
        self.settle(now);
    }

    /// Follows up on what has changed: a path brings the hello, keys bring media.
    fn settle(&mut self, now: Timestamp) {
        if self.state == State::Closed {
            return;
        }
        // Answers to the far end's checks go before the hello, or it is not ready for it.
        while let Some(datagram) = self.path.poll_transmit() {
            self.outgoing.push_back(datagram);
        }
        if self.path.failed() {
            self.close(now);
            return;
        }
        if self.path.ends().is_some() {
            let early = self.early.take();
            let begun = self.handshake.begin(now);
            let begun = begun.and_then(|()| early.map_or(Ok(()), |data| self.record(data, now)));
            if let Err(error) = begun {
                tracing::debug!(%error, "a session failed");
                self.close(now);
                return;
            }
        }
        self.send_records();
        if self.state == State::Connecting && self.sealer.is_some() {
            self.state = State::Connected;
            self.expires = now + SILENCE;
            self.news.push_back(News::Connected);
        }
    }

    fn send_records(&mut self) {
        while let Some(data) = self.handshake.poll_transmit() {
            self.send(data);
        }
    }

    fn send(&mut self, data: BytesMut) {
        if let Some(Ends { local, peer }) = self.path.ends() {
            self.outgoing.push_back(Datagram { local, peer, data });
        }
    }

    /// Seals a packet into the exit.
    pub(crate) fn send_media(&mut self, header: &Header, payload: [&[u8]; 2], exit: &mut dyn Exit) {
        if let (Some(sealer), Some(ends)) = (&mut self.sealer, self.path.ends()) {
            let length = sealer.length(payload[0].len() + payload[1].len());
            sealer.seal(header, payload, exit.datagram(ends, length));
        }
    }

    /// Seals a packet that goes out with the next datagrams: one that is sent again.
    pub(crate) fn send_again(&mut self, header: &Header, payload: [&[u8]; 2]) {
        let Some(sealer) = &mut self.sealer else {
            return;
        };
        let mut data = Vec::with_capacity(sealer.length(payload[0].len() + payload[1].len()));
        sealer.seal(header, payload, &mut data);
        self.send(data.as_slice().into());
    }

    /// Sends RTCP packets as one compound.
    pub(crate) fn send_rtcp(&mut self, packets: &[Box<dyn rtc::rtcp::Packet>]) {
        match rtc::rtcp::packet::marshal(packets) {
            Ok(compound) => self.send_reports(&compound),
            Err(error) => tracing::debug!(%error, "a report could not be written"),
        }
    }

    /// Sends a compound of RTCP packets.
    pub(crate) fn send_reports(&mut self, compound: &[u8]) {
        let Some(sealer) = &mut self.sealer else {
            return;
        };
        match sealer.seal_reports(compound) {
            Ok(sealed) => self.send(sealed),
            Err(error) => tracing::debug!(%error, "a report could not be sealed"),
        }
    }

    /// What the far end has sent since the last call.
    pub(crate) fn listen(&mut self) -> Heard {
        std::mem::take(&mut self.heard)
    }

    /// Ends it; the last datagrams tell the far end (DTLS `close_notify`).
    pub(crate) fn close(&mut self, now: Timestamp) {
        if self.state == State::Closed {
            return;
        }
        self.state = State::Closed;
        self.news.push_back(News::Closed);
        self.handshake.close(now);
        self.send_records();
    }

    /// The next datagram to send, until there is none.
    pub(crate) fn poll_transmit(&mut self) -> Option<Datagram> {
        self.outgoing.pop_front()
    }

    /// What has changed, until nothing has.
    pub(crate) fn poll_news(&mut self) -> Option<News> {
        self.news.pop_front()
    }

    /// When [`Link::handle_timeout`] is due; `None` once closed.
    pub(crate) fn deadline(&mut self) -> Option<Timestamp> {
        if self.state == State::Closed {
            return None;
        }
        let parts = [self.path.deadline(), self.handshake.deadline()];
        Some(
            parts
                .into_iter()
                .flatten()
                .fold(self.expires, Timestamp::min),
        )
    }
}

/// Our part of a fragment that restarts ICE (RFC 8840, section 4.4; RFC 9725, section 4.3.2).
pub(crate) fn restarted(
    (fragment, password): (&str, &str),
    locals: &[SocketAddr],
    extra: &[SocketAddr],
) -> String {
    let candidates = candidates::lines(locals, extra);
    format!("a=ice-ufrag:{fragment}\r\na=ice-pwd:{password}\r\n{candidates}")
}
