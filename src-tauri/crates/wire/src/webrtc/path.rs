//! The path of a session: its ICE agent (RFC 8445), and what it takes to find a path soon.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use media::{Clock, Timestamp};
use rtc::ice::candidate::unmarshal_candidate;
use rtc::ice::mdns::MulticastDnsMode;
use rtc::ice::state::ConnectionState;
use rtc::ice::{Agent, AgentConfig, Event};
use rtc::sansio::Protocol;
use rtc::shared::error::Result;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};

use super::link::{Datagram, Opening};
use super::offer::{MAX_CANDIDATES, Remote, Trickled};
use super::{candidates, setup, stun};

/// Nominations kept until our own check has succeeded, one for each address they may come from.
const EARLY_NOMINATIONS: usize = 8;

/// How often a path that stands is looked after; the agent would look five times as often.
const CARE: Duration = Duration::from_secs(1);

/// The two ends of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) local: SocketAddr,
    pub(crate) peer: SocketAddr,
}

/// A path being found, kept open, and found anew.
pub(crate) struct Path {
    clock: Clock,
    agent: Agent,
    /// The newest path that was found. It is used on while another one is looked for.
    ends: Option<Ends>,
    /// Whether the agent stands by it.
    found: bool,
    failed: bool,
    early: Vec<Datagram>,
    cared: Timestamp,
    /// The far end's ICE username fragment, and the addresses it has named under it.
    remote: String,
    known: Vec<String>,
}

impl Path {
    /// A path to a far end; checks begin at once.
    pub(crate) fn new(opening: &Opening<'_>, remote: &Remote) -> Result<Self> {
        let instant = opening.common.clock.instant(opening.now);
        let config = AgentConfig {
            local_ufrag: opening.identity.fragment.clone(),
            local_pwd: opening.identity.password.clone(),
            multicast_dns_mode: MulticastDnsMode::Disabled,
            check_interval: setup::CHECK_INTERVAL,
            max_binding_requests: Some(setup::CHECKS),
            ..AgentConfig::default()
        };
        let provider = opening.common.provider.clone();
        let mut agent = Agent::new(instant, Arc::new(config), provider)?;
        for local in opening.locals {
            agent.add_local_candidate(candidates::host(*local)?)?;
        }
        let mut path = Self {
            clock: opening.common.clock,
            agent,
            ends: None,
            found: false,
            failed: false,
            early: Vec::new(),
            cared: opening.now,
            remote: String::new(),
            known: Vec::new(),
        };
        let mut named = remote.clone();
        named
            .candidates
            .retain(|text| candidates::leads_back(text, opening.from, opening.locals));
        path.know(&named)?;
        // Who checks nothing by itself leaves it to us which path is taken (section 6.1.1).
        path.agent.start_connectivity_checks(
            instant,
            remote.lite,
            remote.fragment.clone(),
            remote.password.clone(),
        )?;
        Ok(path)
    }

    fn know(&mut self, remote: &Remote) -> Result<()> {
        remote.fragment.clone_into(&mut self.remote);
        self.known.clear();
        remote.candidates.iter().try_for_each(|text| self.add(text))
    }

    /// An address of the far end. A stranger could use us to knock at other people's doors, so there are
    /// a few at most, however they come.
    fn add(&mut self, text: &str) -> Result<()> {
        if self.known.len() >= MAX_CANDIDATES || self.known.iter().any(|known| known == text) {
            return Ok(());
        }
        self.known.push(text.to_owned());
        // One that makes no sense is no reason to give up the others.
        match unmarshal_candidate(text) {
            Ok(candidate) => drop(self.agent.add_remote_candidate(candidate)?),
            Err(error) => tracing::debug!(%error, "a candidate was not understood"),
        }
        Ok(())
    }

    /// Takes further addresses of the far end, while there is no path yet: whoever finds a better one
    /// later checks it by itself. Those that belong to names from before a restart are past.
    ///
    /// # Errors
    /// The agent takes none.
    pub(crate) fn trickle(&mut self, more: &Trickled) -> Result<()> {
        let past = more.fragment.as_ref().is_some_and(|f| *f != self.remote);
        if past || self.found {
            return Ok(());
        }
        more.candidates.iter().try_for_each(|text| self.add(text))
    }

    /// Looks for a path anew, under new names on both ends (RFC 8445, section 9).
    pub(crate) fn restart(
        &mut self,
        (fragment, password): (&str, &str),
        remote: &Remote,
        now: Timestamp,
    ) -> Result<()> {
        let instant = self.clock.instant(now);
        self.agent
            .restart(instant, fragment.to_owned(), password.to_owned(), true)?;
        self.agent
            .set_remote_credentials(remote.fragment.clone(), remote.password.clone())?;
        self.know(remote)?;
        self.found = false;
        self.early.clear();
        self.cared = now;
        Ok(())
    }

    /// Where the media goes; `None` before there is a path.
    pub(crate) fn ends(&self) -> Option<Ends> {
        self.ends
    }

    /// Whether there is none, and none to be hoped for.
    pub(crate) fn failed(&self) -> bool {
        self.failed
    }

    /// Takes a datagram of STUN.
    pub(crate) fn handle_datagram(&mut self, datagram: Datagram, now: Timestamp) {
        let message = stun::parse(&datagram.data);
        let answered = message == Some(stun::Message::Success);
        let nominates = matches!(
            message,
            Some(stun::Message::Request {
                nominates: true,
                ..
            })
        );
        if nominates && !self.found {
            self.keep_nomination(&datagram);
        }
        self.read(datagram, now);
        if answered && !self.found {
            // The agent leaves a nomination unanswered that overtakes our own check of the pair, and
            // the far end repeats it late. Now that a check of ours is through, it may count.
            for datagram in std::mem::take(&mut self.early) {
                self.early.push(datagram.clone());
                self.read(datagram, now);
            }
        }
        self.follow();
    }

    fn keep_nomination(&mut self, datagram: &Datagram) {
        self.early
            .retain(|d| (d.local, d.peer) != (datagram.local, datagram.peer));
        if self.early.len() < EARLY_NOMINATIONS {
            self.early.push(datagram.clone());
        }
    }

    fn read(&mut self, datagram: Datagram, now: Timestamp) {
        let message = TaggedBytesMut {
            now: self.clock.instant(now),
            transport: TransportContext {
                local_addr: datagram.local,
                peer_addr: datagram.peer,
                transport_protocol: TransportProtocol::UDP,
                ecn: None,
            },
            message: datagram.data,
        };
        if let Err(error) = self.agent.handle_read(message) {
            tracing::debug!(%error, "a check was not understood");
        }
    }

    /// Lets time pass.
    pub(crate) fn handle_timeout(&mut self, now: Timestamp) {
        if self.deadline().is_none_or(|at| at > now) {
            return;
        }
        self.cared = now;
        if let Err(error) = self.agent.handle_timeout(self.clock.instant(now)) {
            tracing::debug!(%error, "a path failed");
            self.failed = true;
        }
        self.follow();
    }

    fn follow(&mut self) {
        while let Some(tagged) = self.agent.poll_event() {
            match tagged.event {
                Event::SelectedCandidatePairChange(local, remote) => {
                    self.ends = Some(Ends {
                        local: local.base_addr(),
                        peer: remote.addr(),
                    });
                    self.found = true;
                    self.early = Vec::new();
                }
                Event::ConnectionStateChange(ConnectionState::Failed) => self.failed = true,
                _ => {}
            }
        }
    }

    /// The next datagram to send, until there is none.
    pub(crate) fn poll_transmit(&mut self) -> Option<Datagram> {
        let message = self.agent.poll_write()?;
        Some(Datagram {
            local: message.transport.local_addr,
            peer: message.transport.peer_addr,
            data: message.message,
        })
    }

    /// When [`Path::handle_timeout`] is due.
    pub(crate) fn deadline(&mut self) -> Option<Timestamp> {
        let at = self.clock.stamp(self.agent.poll_timeout()?);
        Some(if self.found {
            at.max(self.cared + CARE)
        } else {
            at
        })
    }
}
